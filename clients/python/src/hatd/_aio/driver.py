"""Does what the core of a watch decides."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import grpc
import grpc.aio

from hatd._aio.keys import Keys
from hatd._aio.tasks import is_cancelled, wait_for_news
from hatd._core.keys import Metadata
from hatd._core.status import cancelled, closed, error_of, undecodable
from hatd._core.watch import Open, Receive, Sleep, WatchCore, WatchOptions
from hatd.errors import Closed, HatdError
from hatd.events import Event
from hatd.v1.hat_service_pb2 import WatchHatsRequest, WatchHatsResponse


class Responses(Protocol):
    """The responses of a stream, as a stub gives them."""

    def read(self) -> Awaitable[object]:
        """Wait for the next one."""

    def cancel(self) -> bool:
        """End the stream."""


OpenWatch = Callable[[WatchHatsRequest, Metadata], Responses]
"""Opens a stream."""


class _Stream:
    """A stream of which one response is read when it is asked for, and none ahead.

    A task of its own reads it: a read that is cancelled would take the whole stream along, and
    whoever waits for the response may be cancelled.
    """

    def __init__(self, responses: Responses, wake: Callable[[], object]) -> None:
        """Read from `responses`; `wake` is called when there is an outcome."""
        self._responses = responses
        self._wake = wake
        self._read: asyncio.Task[WatchHatsResponse | HatdError | None] | None = None

    def is_read(self) -> bool:
        """Whether a read has an outcome. If none was begun, begin one."""
        if self._read is None:
            self._read = asyncio.create_task(self._outcome(), name="hatd-stream")
            self._read.add_done_callback(lambda _: self._wake())
        return self._read.done()

    def take(self) -> WatchHatsResponse | HatdError | None:
        """Return what the read gave. None: the stream has ended."""
        read, self._read = self._read, None
        return read.result() if read is not None else None

    def cancel(self) -> asyncio.Task[WatchHatsResponse | HatdError | None] | None:
        """End the stream, and return the task that is to end with it."""
        self._responses.cancel()
        if self._read is not None:
            self._read.cancel()
        return self._read

    async def _outcome(self) -> WatchHatsResponse | HatdError | None:
        try:
            response = await self._responses.read()
        except grpc.RpcError as raised:
            return error_of(raised)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            # Not this task was cancelled, but the stream.
            return cancelled()
        if response is grpc.aio.EOF:
            return None
        # What can't be decoded comes as None.
        return response if isinstance(response, WatchHatsResponse) else undecodable()


class Driver:
    """Waits, opens, reads and cancels for one watch."""

    def __init__(self, open_watch: OpenWatch, keys: Keys, options: WatchOptions) -> None:
        """Drive a watch over streams that `open_watch` opens."""
        self._open_watch = open_watch
        self._keys = keys
        self._loop = asyncio.get_running_loop()
        self.core = WatchCore(
            options,
            time.monotonic(),
            key_is_renewable=keys.is_renewable,
            rng=random.Random(),
        )
        self._stream: _Stream | None = None
        # What the last stream was opened with.
        self._metadata: Metadata | None = None
        self.is_closed = False
        self._has_waiter = False
        # Set when there is something new to look at.
        self._news = asyncio.Event()

    async def next(self) -> Event:
        """Return the next event, as `AsyncWatch.next`."""
        with self._waiting():
            while True:
                event = await self._turn()
                if event is not None:
                    return event

    def reopen(self, at_least_token: str, on_refused: Callable[[HatdError], object]) -> None:
        """Ask for a bookmark that has passed a position."""
        self.core.reopen(at_least_token, on_refused, time.monotonic())
        self._news.set()

    async def close(self) -> None:
        """End the watch."""
        self.is_closed = True
        self._news.set()
        stream, self._stream = self._stream, None
        read = stream.cancel() if stream is not None else None
        if read is not None:
            await asyncio.wait({read})

    def abandon(self) -> None:
        """End the watch that nobody holds any more, from whatever thread."""
        stream = self._stream
        if stream is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(stream.cancel)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait for an event, as nobody else does."""
        if self._has_waiter:
            raise RuntimeError("another task waits for an event of this watch")
        self._has_waiter = True
        self.core.advance()
        try:
            yield
        finally:
            self._has_waiter = False

    async def _turn(self) -> Event | None:
        """Do what is to be done next, or wait for it."""
        if self.is_closed:
            raise closed("watch")
        self._news.clear()
        now = time.monotonic()
        step = self.core.step(now)
        if isinstance(step, Receive) and self._stream is not None:
            if not self._stream.is_read():
                if now >= step.until:
                    self.core.silent(now)
                else:
                    await wait_for_news(self._news, step.until - now)
                return None
            match self._stream.take():
                case None:
                    self.core.ended(now)
                case HatdError() as error:
                    self.core.failed(error, now)
                case response:
                    return self.core.received(response, now)
            return None

        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        if isinstance(step, Sleep):
            await wait_for_news(self._news, step.until - now)
        elif isinstance(step, Open):
            await self._open(step)
        return None

    async def _open(self, step: Open) -> None:
        try:
            metadata = await self._keys.get(self._metadata if step.with_new_key else None)
            if self.is_closed:
                raise closed("watch")
            self._stream = _Stream(self._open_watch(step.request, metadata), self._news.set)
            self._metadata = metadata
        except Closed:
            raise
        except HatdError as error:
            self.core.failed(error, time.monotonic())
