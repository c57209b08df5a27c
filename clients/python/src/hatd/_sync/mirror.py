"""The state of a scope, kept current by a thread."""

import logging
import math
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from grpc import StatusCode

from hatd._core.mirror import COMMIT_WAIT_MAX, Answer, MirrorCore, Wait
from hatd._core.status import closed, timed_out
from hatd._core.watch import WatchOptions
from hatd._sync.cancellation import Cancellation
from hatd._sync.driver import Driver, OpenWatch
from hatd._sync.keys import Keys
from hatd.errors import Closed, HatdError
from hatd.events import ChainBroken, Counters, Disconnected, Lifecycle, RevisionNotRising
from hatd.state import Change, DisplayedHat
from hatd.v1.types_pb2 import HatDefinition, Room, UserHats

_log = logging.getLogger("hatd")


class Mirror:
    """The state of a scope, kept current in memory. Made by `Client.mirror`.

    A thread of its own watches, and applies what it is told, commit by commit: what is read is
    never half of one. All reads answer at once, from memory, with copies. They take JIDs as hatd
    answers them, which is normalised; of a room or user that is not in the scope they know nothing.

    While there is no connection the state stays readable, as it was. If changes were lost for good,
    a snapshot makes up for them: `stale` is true until it has come.

    Close it when done, or use it as a context manager.
    """

    def __init__(self, open_watch: OpenWatch, keys: Keys, options: WatchOptions) -> None:
        """Mirror what is watched over streams that `open_watch` opens."""
        # Guards the state and the watch together, so that no lock is taken within another.
        self._condition = threading.Condition()
        self._core = MirrorCore(options.selectors)
        self._observer = options.on_lifecycle
        options = replace(options, on_lifecycle=self._on_lifecycle)
        self._driver = Driver(open_watch, keys, options, self._condition)
        self._thread = threading.Thread(target=self._run, name="hatd-mirror", daemon=True)
        self._thread.start()

    def ready(
        self, timeout: float | None = None, *, cancellation: Cancellation | None = None
    ) -> None:
        """Wait until the first snapshot is complete.

        Args:
            timeout: How long to wait at most, in seconds.
            cancellation: Lets another thread end the wait.

        Raises:
            DeadlineExceeded: It was not in time.
            Closed: The mirror was closed.
            HatdError: What ended the watch for good.
        """
        with self._condition:
            wait = self._core.wait_until_ready(self._condition.notify_all)
            self._finish(wait, timeout, cancellation, "no snapshot was complete")

    def wait_for(
        self,
        answer: Answer | str,
        timeout: float | None = None,
        *,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Wait until the mirror includes a write: read your writes.

        Args:
            answer: The answer of the write, or of any other call, or a token.
            timeout: How long to wait at most, in seconds.
            cancellation: Lets another thread end the wait.

        Raises:
            DeadlineExceeded: It was not in time.
            Closed: The mirror was closed.
            StoreMismatch: The token is of another store, or of another history of this one.
            InvalidToken: It is no token.
            HatdError: What ended the watch for good.
        """
        with self._condition:
            wait = self._core.wait_for(answer, self._condition.notify_all)
            self._reopen_if_needed()
            self._finish(wait, timeout, cancellation, "the mirror did not get there")

    def hats(
        self, room_jid: str, user_jid: str, *, language: str | None = None
    ) -> list[DisplayedHat]:
        """Return the hats that a user wears in a room, as displayed, in their order.

        A hat's title is the one that its user has, else the one of its definition, else its id; in
        a room for defined hats only, the definition's comes first. The order is that of the
        definitions' positions; hats without a definition come last.

        Args:
            room_jid: The room.
            user_jid: The user.
            language: The language (BCP 47) to have definitions' titles in, where there are such.
        """
        with self._condition:
            return self._core.hats(room_jid, user_jid, language)

    def document(self, room_jid: str, user_jid: str) -> UserHats | None:
        """Return a user's document in a room. None: the user has no hats there."""
        with self._condition:
            return self._core.document(room_jid, user_jid)

    def documents(self) -> list[UserHats]:
        """Return all documents that have hats, by room and user."""
        with self._condition:
            return self._core.documents()

    def room(self, room_jid: str) -> Room | None:
        """Return a room's record. None: there is no such room, or users alone are mirrored."""
        with self._condition:
            return self._core.room(room_jid)

    def rooms(self) -> list[Room]:
        """Return the records of all rooms, by JID."""
        with self._condition:
            return self._core.rooms()

    def definitions(self, room_jid: str) -> list[HatDefinition]:
        """Return a room's catalogue, by hat id."""
        with self._condition:
            return self._core.definitions(room_jid)

    def users(self, room_jid: str) -> list[UserHats]:
        """Return the documents of a room that have hats, by user JID."""
        with self._condition:
            return self._core.users(room_jid)

    def changes(self) -> "MirrorChanges":
        """Return what changes from now on, to iterate over.

        Before the first snapshot is complete, that is all that it brings.
        """
        return MirrorChanges(self._core, self._condition)

    @property
    def is_ready(self) -> bool:
        """Whether the first snapshot is complete."""
        return self._core.is_ready

    @property
    def stale(self) -> bool:
        """Whether changes were lost that a snapshot has not made up for, or the watch has ended."""
        return self._core.is_stale

    @property
    def token(self) -> str:
        """The position that the state is of. Empty within a snapshot."""
        return self._driver.core.position

    @property
    def counters(self) -> Counters:
        """What the watch has been through."""
        return self._driver.core.counters

    @property
    def last_response_at(self) -> float | None:
        """When the last response came, by `time.monotonic()`, in seconds. None: none came."""
        return self._driver.core.last_response_at

    @property
    def error(self) -> HatdError | None:
        """What ended the watch for good, `Closed` included. None: it goes on."""
        return self._core.error

    def close(self) -> None:
        """End the mirror, whose state stays readable. Once more does nothing.

        Whoever waits for it gets `Closed`. Returns when its thread is done.
        """
        self._driver.close()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        """Return the mirror."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the mirror."""
        self.close()

    def _run(self) -> None:
        try:
            while True:
                event = self._driver.next(None, None)
                with self._condition:
                    self._core.apply(event)
                    self._driver.core.advance()
                    self._reopen_if_needed()
        except Closed:
            error: HatdError = closed("mirror")
        except HatdError as ended:
            error = ended
        except Exception:  # noqa: BLE001 - Whoever waits would wait for ever.
            _log.exception("a mirror failed")
            error = HatdError("the mirror failed", code=StatusCode.INTERNAL)
        with self._condition:
            self._core.end(error)
            self._condition.notify_all()

    def _on_lifecycle(self, lifecycle: Lifecycle) -> None:
        if isinstance(lifecycle, Disconnected) and isinstance(
            lifecycle.cause, ChainBroken | RevisionNotRising
        ):
            self._core.lost_chain()
        if self._observer is not None:
            self._observer(lifecycle)

    def _on_refused(self, error: HatdError) -> None:
        self._core.position_refused(error)
        self._reopen_if_needed()

    def _reopen_if_needed(self) -> None:
        position = self._core.next_position()
        if position is not None:
            self._driver.reopen(position, self._on_refused)

    def _finish(
        self, wait: Wait, timeout: float | None, cancellation: Cancellation | None, failure: str
    ) -> None:
        """Wait until a wait is over."""
        now = time.monotonic()
        give_up_at = math.inf if timeout is None else now + timeout
        ask_at = now + COMMIT_WAIT_MAX
        caller = cancellation or Cancellation()
        try:
            with caller.calling(self._wake):
                while not wait.is_over:
                    caller.check()
                    now = time.monotonic()
                    if now >= give_up_at:
                        raise timed_out(failure, timeout or 0)
                    if now >= ask_at:
                        self._core.ask_server(wait)
                        self._reopen_if_needed()
                        ask_at = now + COMMIT_WAIT_MAX
                    self._condition.wait(min(give_up_at, ask_at) - now)
        finally:
            self._core.abandon(wait)
        if wait.error is not None:
            raise wait.error

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()


class MirrorChanges:
    """What changed in a mirror, each key once however often it changed. Made by `Mirror.changes`.

    Iterate over it, or call `next`. It holds no states: read the latest from the mirror. A slow
    listener so misses states between, never the last one. After a reset it tells only of what is
    really other than before.

    Close it when done, or use it as a context manager.
    """

    def __init__(self, core: MirrorCore, condition: threading.Condition) -> None:
        """Listen to a mirror."""
        self._core = core
        self._condition = condition
        self._is_closed = False
        with condition:
            self._listener = core.listen(condition.notify_all)

    def next(
        self, timeout: float | None = None, *, cancellation: Cancellation | None = None
    ) -> Change:
        """Return what changed, waiting for it as long as it takes.

        Args:
            timeout: How long to wait at most, in seconds.
            cancellation: Lets another thread end the wait.

        Raises:
            DeadlineExceeded: Nothing changed in time.
            Closed: This or the mirror was closed.
            HatdError: What ended the watch for good, once all changes before are told.
        """
        give_up_at = math.inf if timeout is None else time.monotonic() + timeout
        caller = cancellation or Cancellation()
        with caller.calling(self._wake), self._condition:
            while True:
                if self._is_closed:
                    raise closed("listener")
                caller.check()
                change = self._listener.take()
                if change is not None:
                    return change
                if self._core.error is not None:
                    raise self._core.error
                now = time.monotonic()
                if now >= give_up_at:
                    raise timed_out("nothing changed", timeout or 0)
                self._condition.wait(None if timeout is None else give_up_at - now)

    def close(self) -> None:
        """Listen no more. Once more does nothing."""
        with self._condition:
            self._is_closed = True
            self._core.unlisten(self._listener)
            self._condition.notify_all()

    def __iter__(self) -> Self:
        """Return the listener."""
        return self

    def __next__(self) -> Change:
        """Return what changed, as `next`; a listener that is closed has nothing."""
        if self._is_closed:
            raise StopIteration
        return self.next()

    def __enter__(self) -> Self:
        """Return the listener."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the listener."""
        self.close()

    def __del__(self) -> None:
        """Listen no more."""
        self.close()

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()
