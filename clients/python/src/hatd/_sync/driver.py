"""Does what the core of a watch decides."""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Literal, Protocol

import grpc

from hatd._core.keys import Metadata
from hatd._core.status import closed, error_of, timed_out
from hatd._core.watch import (
    Open,
    Receive,
    Sleep,
    WatchCore,
    WatchOptions,
)
from hatd._sync.cancellation import Cancellation
from hatd._sync.keys import Keys
from hatd.errors import Closed, HatdError
from hatd.events import Event
from hatd.v1.hat_service_pb2 import WatchHatsRequest, WatchHatsResponse


class Responses(Protocol):
    """The responses of a stream, as a stub gives them."""

    def __next__(self) -> WatchHatsResponse:
        """Wait for the next one."""

    def cancel(self) -> bool:
        """End the stream."""


OpenWatch = Callable[[WatchHatsRequest, Metadata], Responses]
"""Opens a stream."""


class _Stream:
    """A stream of which one response is read when it is asked for, and none ahead.

    A thread of its own reads it, since a read can't be given up halfway, and whoever waits for the
    response may want to.
    """

    def __init__(self, responses: Responses, condition: threading.Condition) -> None:
        """Read from `responses`; `condition` is notified when there is an outcome."""
        self._responses = responses
        self._condition = condition
        self._is_reading = False
        self._outcome: WatchHatsResponse | HatdError | StopIteration | None = None
        # There is at most one: no read is asked for while one is open.
        self._orders: SimpleQueue[Literal["read", "end"]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hatd-stream", daemon=True)
        self._thread.start()

    def take(self) -> WatchHatsResponse | HatdError | StopIteration | None:
        """Return what a read gave, or ask for a read and return None."""
        outcome, self._outcome = self._outcome, None
        if outcome is None and not self._is_reading:
            self._is_reading = True
            self._orders.put("read")
        return outcome

    def cancel(self) -> None:
        """End the stream."""
        self._orders.put("end")
        self._responses.cancel()

    def join(self) -> None:
        """Wait until the stream has ended."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while self._orders.get() == "read":
            outcome: WatchHatsResponse | HatdError | StopIteration
            try:
                outcome = next(self._responses)
            except StopIteration as end:
                outcome = end
            except grpc.RpcError as raised:
                outcome = error_of(raised)
            with self._condition:
                self._is_reading = False
                self._outcome = outcome
                self._condition.notify_all()


class Driver:
    """Waits, opens, reads and cancels for one watch."""

    def __init__(
        self,
        open_watch: OpenWatch,
        keys: Keys,
        options: WatchOptions,
        condition: threading.Condition,
    ) -> None:
        """Drive a watch over streams that `open_watch` opens.

        `condition` guards all that follows, and whatever else the caller guards with it.
        """
        self._open_watch = open_watch
        self._keys = keys
        self._condition = condition
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

    def next(self, timeout: float | None, cancellation: Cancellation | None) -> Event:
        """Return the next event, as `Watch.next`."""
        give_up_at = math.inf if timeout is None else time.monotonic() + timeout
        caller = cancellation or Cancellation()
        with self._waiting(), caller.calling(self._wake):
            while True:
                event = self._turn(caller, give_up_at)
                if event is not None:
                    return event
                if time.monotonic() >= give_up_at:
                    raise timed_out("no event came", timeout or 0)

    def reopen(self, at_least_token: str, on_refused: Callable[[HatdError], object]) -> None:
        """Ask for a bookmark that has passed a position."""
        with self._condition:
            self.core.reopen(at_least_token, on_refused, time.monotonic())
            self._condition.notify_all()

    def close(self, *, join: bool = True) -> None:
        """End the watch."""
        with self._condition:
            self.is_closed = True
            stream, self._stream = self._stream, None
            self._condition.notify_all()
        if stream is not None:
            stream.cancel()
            if join:
                stream.join()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Wait for an event, as nobody else does."""
        with self._condition:
            if self._has_waiter:
                raise RuntimeError("another thread waits for an event of this watch")
            self._has_waiter = True
            self.core.advance()
        try:
            yield
        finally:
            with self._condition:
                self._has_waiter = False

    def _turn(self, caller: Cancellation, give_up_at: float) -> Event | None:
        """Do what is to be done next, or wait for it."""
        with self._condition:
            if self.is_closed:
                raise closed("watch")
            caller.check()
            now = time.monotonic()
            step = self.core.step(now)
            if isinstance(step, Receive) and self._stream is not None:
                match self._stream.take():
                    case None if now >= step.until:
                        self.core.silent(now)
                    case None:
                        self._condition.wait(max(0.0, min(step.until, give_up_at) - now))
                    case HatdError() as error:
                        self.core.failed(error, now)
                    case StopIteration():
                        self.core.ended(now)
                    case response:
                        return self.core.received(response, now)
                return None

            if self._stream is not None:
                self._stream.cancel()
                self._stream = None
            if isinstance(step, Sleep):
                self._condition.wait(max(0.0, min(step.until, give_up_at) - now))
                return None
        if isinstance(step, Open):
            # Asking for the key may take its time, and others may look at the watch meanwhile.
            self._open(step)
        return None

    def _open(self, step: Open) -> None:
        try:
            metadata = self._keys.get(self._metadata if step.with_new_key else None)
            responses = self._open_watch(step.request, metadata)
        except Closed:
            raise
        except HatdError as error:
            with self._condition:
                self.core.failed(error, time.monotonic())
            return
        with self._condition:
            self._metadata = metadata
            self._stream = _Stream(responses, self._condition)
            if self.is_closed:
                self._stream.cancel()
                raise closed("watch")

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()
