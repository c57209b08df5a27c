"""A watch that a thread waits in."""

import threading
from types import TracebackType
from typing import Self

from hatd._core.watch import WatchOptions
from hatd._sync.cancellation import Cancellation
from hatd._sync.driver import Driver, OpenWatch
from hatd._sync.keys import Keys
from hatd.errors import WatchEnded
from hatd.events import Counters, Event


class Watch:
    """A watch: the state of a scope, then every change to it. Made by `Client.watch`.

    Iterate over it, or call `next`; one thread at a time. It asks for one response at a time and
    holds none ahead, so a slow program slows the stream and nothing else. It resumes by itself,
    whatever ends the stream under it, after the last event that the program came back from: an
    event is processed when the next one is asked for.

    Close it when done, or use it as a context manager: that, or dropping it, cancels the stream.
    """

    def __init__(self, open_watch: OpenWatch, keys: Keys, options: WatchOptions) -> None:
        """Watch over streams that `open_watch` opens."""
        self._driver = Driver(open_watch, keys, options, threading.Condition())

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

    def next(
        self, timeout: float | None = None, *, cancellation: Cancellation | None = None
    ) -> Event:
        """Return the next event, waiting for it as long as it takes.

        Calling it says that the event before is processed: from then on the watch would resume
        after it. A wait that is given up loses nothing.

        Args:
            timeout: How long to wait at most, in seconds.
            cancellation: Lets another thread end the wait.

        Raises:
            DeadlineExceeded: There was no event in time.
            Closed: The watch was closed.
            WatchEnded: The watch ended for good earlier.
            HatdError: What connecting again would not mend; the watch has then ended. That is
                INVALID_ARGUMENT, UNAUTHENTICATED (once an `api_key` function was asked anew),
                PERMISSION_DENIED, UNIMPLEMENTED and DATA_LOSS; with `ON_EXPIRED_FAIL`
                `ResumeTokenExpired` and `StoreMismatch`; and `StoreMismatch` for an
                `at_least_token` of another store.
            RuntimeError: Another thread waits for an event.
        """
        return self._driver.next(timeout, cancellation)

    def close(self) -> None:
        """End the watch. Whoever waits for an event of it gets `Closed`; once more does nothing."""
        self._driver.close()

    def __iter__(self) -> Self:
        """Return the watch."""
        return self

    def __next__(self) -> Event:
        """Return the next event, as `next`; a watch that has ended or was closed has none."""
        if self._driver.is_closed:
            raise StopIteration
        try:
            return self.next()
        except WatchEnded:
            raise StopIteration from None

    def __enter__(self) -> Self:
        """Return the watch."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the watch."""
        self.close()

    def __del__(self) -> None:
        """Cancel the stream, which nobody can read any more."""
        # It is missing if the options were wrong.
        if hasattr(self, "_driver"):
            self._driver.close(join=False)
