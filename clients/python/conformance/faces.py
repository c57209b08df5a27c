"""The two clients, as the adapter uses them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import hatd
import hatd.aio

# Most commands that wait at the same time.
_THREADS = 64


class Face(Protocol):
    """What differs between the clients."""

    def connect(self, target: str, **options: Any) -> Any:
        """Return a client."""

    async def wait(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call what waits, and end it if this task is cancelled."""

    async def all(self, pages: Any) -> list[Any]:
        """Return all items of an iterator over pages."""

    async def close(self, what: Any) -> None:
        """Close a client, a watch or a mirror."""


class Aio:
    """The client for asyncio."""

    def connect(self, target: str, **options: Any) -> hatd.aio.AsyncClient:
        """Return a client."""
        return hatd.aio.connect(target, **options)

    async def wait(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Await it; that it ends with this task is the client's business."""
        try:
            return await function(*args, **options)
        except asyncio.CancelledError as error:
            raise hatd.HatdError(
                "the task was cancelled", code=hatd.StatusCode.CANCELLED
            ) from error

    async def all(self, pages: AsyncIterator[Any]) -> list[Any]:
        """Return all items of an iterator over pages."""
        return [item async for item in pages]

    async def close(self, what: hatd.aio.AsyncClient | hatd.aio.AsyncWatch) -> None:
        """Close a client, a watch or a mirror."""
        await what.close()


class Sync:
    """The client that blocks, whose calls are made in threads."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._threads = ThreadPoolExecutor(_THREADS)

    def connect(self, target: str, **options: Any) -> hatd.Client:
        """Return a client."""
        return hatd.connect(target, **options)

    async def wait(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call it in a thread, and cancel it there if this task is cancelled."""
        cancellation = hatd.Cancellation()
        waiting = self._run(lambda: function(*args, **options, cancellation=cancellation))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            cancellation.cancel()
            return await waiting

    async def all(self, pages: Iterator[Any]) -> list[Any]:
        """Return all items of an iterator over pages."""
        return list(await self._run(lambda: list(pages)))

    async def close(self, what: hatd.Client | hatd.Watch | hatd.Mirror) -> None:
        """Close a client, a watch or a mirror."""
        await self._run(what.close)

    def _run(self, function: Callable[[], Any]) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._threads, function)
