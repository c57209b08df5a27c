"""A watch that a task waits in."""

from types import TracebackType
from typing import Self

from hatd._aio.driver import Driver, OpenWatch
from hatd._aio.keys import Keys
from hatd._core.watch import WatchOptions
from hatd.errors import WatchEnded
from hatd.events import Counters, Event


class AsyncWatch:
    """A watch: the state of a scope, then every change to it. Made by `AsyncClient.watch`.

    Iterate over it, or call `next`; one task at a time. It asks for one response at a time and
    holds none ahead, so a slow program slows the stream and nothing else. It resumes by itself,
    whatever ends the stream under it, after the last event that the program came back from: an
    event is processed when the next one is asked for.

    Close it when done, or use it as an async context manager: that, or dropping it, cancels the
    stream.
    """

    def __init__(self, open_watch: OpenWatch, keys: Keys, options: WatchOptions) -> None:
        """Watch over streams that `open_watch` opens."""
        self._driver = Driver(open_watch, keys, options)

    @property
    def token(self) -> str:
        """The token after the last event that is processed, to resume with.

        Empty: start with a snapshot. The event that the program is at has a token of its own.
        """
        return self._driver.core.position

    @property
    def counters(self) -> Counters:
        """What the watch has been through."""
        return self._driver.core.counters

    @property
    def last_response_at(self) -> float | None:
        """When the last response came, by `time.monotonic()`, in seconds. None: none came."""
        return self._driver.core.last_response_at

    async def next(self) -> Event:
        """Return the next event, waiting for it as long as it takes.

        Calling it says that the event before is processed: from then on the watch would resume
        after it. A wait that is cancelled, as by `asyncio.timeout`, loses nothing.

        Raises:
            Closed: The watch was closed.
            WatchEnded: The watch ended for good earlier.
            HatdError: What connecting again would not mend; the watch has then ended. That is
                INVALID_ARGUMENT, UNAUTHENTICATED (once an `api_key` function was asked anew),
                PERMISSION_DENIED, UNIMPLEMENTED and DATA_LOSS; with `ON_EXPIRED_FAIL`
                `ResumeTokenExpired` and `StoreMismatch`; and `StoreMismatch` for an
                `at_least_token` of another store.
            RuntimeError: Another task waits for an event.
        """
        return await self._driver.next()

    async def close(self) -> None:
        """End the watch. Whoever waits for an event of it gets `Closed`; once more does nothing."""
        await self._driver.close()

    def __aiter__(self) -> Self:
        """Return the watch."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event, as `next`; a watch that has ended or was closed has none."""
        if self._driver.is_closed:
            raise StopAsyncIteration
        try:
            return await self.next()
        except WatchEnded:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        """Return the watch."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the watch."""
        await self.close()

    def __del__(self) -> None:
        """Cancel the stream, which nobody can read any more."""
        # It is missing if the options were wrong.
        if hasattr(self, "_driver"):
            self._driver.abandon()
