"""How a thread that waits is told to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hatd._core.status import cancelled


class Cancellation:
    """Cancels calls and waits of other threads.

    Hand it to any number of calls. Those that wait when `cancel` is called, and those that are made
    afterwards, raise a `HatdError` with the code CANCELLED. A write that was cancelled may have
    been done all the same.
    """

    def __init__(self) -> None:
        """Cancel nothing yet."""
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._callbacks: dict[object, Callable[[], object]] = {}

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Cancel everything that this was or will be handed to. Once more does nothing."""
        with self._lock:
            self._is_cancelled = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Within the block, have `callback` called when this is cancelled, or at once if it is."""
        key = object()
        with self._lock:
            if not self._is_cancelled:
                self._callbacks[key] = callback
        if self._is_cancelled:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)

    def check(self) -> None:
        """Raise the error of what is cancelled, if this is."""
        if self._is_cancelled:
            raise cancelled()
