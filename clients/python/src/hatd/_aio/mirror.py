"""The state of a scope, kept current by a task."""

import asyncio
import logging
import math
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from grpc import StatusCode

from hatd._aio.driver import Driver, OpenWatch
from hatd._aio.keys import Keys
from hatd._aio.tasks import wait_for_news
from hatd._core.mirror import COMMIT_WAIT_MAX, Answer, MirrorCore, Wait
from hatd._core.status import closed, timed_out
from hatd._core.watch import WatchOptions
from hatd.errors import Closed, HatdError
from hatd.events import ChainBroken, Counters, Disconnected, Lifecycle, RevisionNotRising
from hatd.state import Change, DisplayedHat
from hatd.v1.types_pb2 import HatDefinition, Room, UserHats

_log = logging.getLogger("hatd")


class AsyncMirror:
    """The state of a scope, kept current in memory. Made by `AsyncClient.mirror`.

    A task of its own watches, and applies what it is told, commit by commit: what is read is never
    half of one. All reads answer at once, from memory, with copies. They take JIDs as hatd answers
    them, which is normalised; of a room or user that is not in the scope they know nothing.

    While there is no connection the state stays readable, as it was. If changes were lost for good,
    a snapshot makes up for them: `stale` is true until it has come.

    Close it when done, or use it as an async context manager.
    """

    def __init__(self, open_watch: OpenWatch, keys: Keys, options: WatchOptions) -> None:
        """Mirror what is watched over streams that `open_watch` opens."""
        self._core = MirrorCore(options.selectors)
        self._observer = options.on_lifecycle
        options = replace(options, on_lifecycle=self._on_lifecycle)
        self._driver = Driver(open_watch, keys, options)
        self._task = asyncio.create_task(self._run(), name="hatd-mirror")

    async def ready(self, timeout: float | None = None) -> None:
        """Wait until the first snapshot is complete.

        Args:
            timeout: How long to wait at most, in seconds.

        Raises:
            DeadlineExceeded: It was not in time.
            Closed: The mirror was closed.
            HatdError: What ended the watch for good.
        """
        news = asyncio.Event()
        wait = self._core.wait_until_ready(news.set)
        await self._finish(wait, news, timeout, "no snapshot was complete")

    async def wait_for(
        self,
        answer: Answer | str,
        timeout: float | None = None,
    ) -> None:
        """Wait until the mirror includes a write: read your writes.

        Args:
            answer: The answer of the write, or of any other call, or a token.
            timeout: How long to wait at most, in seconds.

        Raises:
            DeadlineExceeded: It was not in time.
            Closed: The mirror was closed.
            StoreMismatch: The token is of another store, or of another history of this one.
            InvalidToken: It is no token.
            HatdError: What ended the watch for good.
        """
        news = asyncio.Event()
        wait = self._core.wait_for(answer, news.set)
        self._reopen_if_needed()
        await self._finish(wait, news, timeout, "the mirror did not get there")

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
        return self._core.hats(room_jid, user_jid, language)

    def document(self, room_jid: str, user_jid: str) -> UserHats | None:
        """Return a user's document in a room. None: the user has no hats there."""
        return self._core.document(room_jid, user_jid)

    def documents(self) -> list[UserHats]:
        """Return all documents that have hats, by room and user."""
        return self._core.documents()

    def room(self, room_jid: str) -> Room | None:
        """Return a room's record. None: there is no such room, or users alone are mirrored."""
        return self._core.room(room_jid)

    def rooms(self) -> list[Room]:
        """Return the records of all rooms, by JID."""
        return self._core.rooms()

    def definitions(self, room_jid: str) -> list[HatDefinition]:
        """Return a room's catalogue, by hat id."""
        return self._core.definitions(room_jid)

    def users(self, room_jid: str) -> list[UserHats]:
        """Return the documents of a room that have hats, by user JID."""
        return self._core.users(room_jid)

    def changes(self) -> "AsyncMirrorChanges":
        """Return what changes from now on, to iterate over.

        Before the first snapshot is complete, that is all that it brings.
        """
        return AsyncMirrorChanges(self._core)

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

    async def close(self) -> None:
        """End the mirror, whose state stays readable. Once more does nothing.

        Whoever waits for it gets `Closed`. Returns when its task is done.
        """
        await self._driver.close()
        if self._task is not asyncio.current_task():
            await asyncio.wait({self._task})

    async def __aenter__(self) -> Self:
        """Return the mirror."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the mirror."""
        await self.close()

    async def _run(self) -> None:
        error: HatdError = closed("mirror")
        try:
            while True:
                event = await self._driver.next()
                self._core.apply(event)
                self._driver.core.advance()
                self._reopen_if_needed()
        except Closed:
            pass
        except HatdError as ended:
            error = ended
        except Exception:  # noqa: BLE001 - Whoever waits would wait for ever.
            _log.exception("a mirror failed")
            error = HatdError("the mirror failed", code=StatusCode.INTERNAL)
        finally:
            self._core.end(error)

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

    async def _finish(
        self,
        wait: Wait,
        news: asyncio.Event,
        timeout: float | None,
        failure: str,
    ) -> None:
        """Wait until a wait is over."""
        give_up_at = math.inf if timeout is None else time.monotonic() + timeout
        ask_at = time.monotonic() + COMMIT_WAIT_MAX
        try:
            while not wait.is_over:
                now = time.monotonic()
                if now >= give_up_at:
                    raise timed_out(failure, timeout or 0)
                if now >= ask_at:
                    self._core.ask_server(wait)
                    self._reopen_if_needed()
                    ask_at = now + COMMIT_WAIT_MAX
                await wait_for_news(news, min(give_up_at, ask_at) - now)
        finally:
            self._core.abandon(wait)
        if wait.error is not None:
            raise wait.error


class AsyncMirrorChanges:
    """What changed in a mirror, each key once however often it changed.

    Made by `AsyncMirror.changes`. Iterate over it, or call `next`. It holds no states: read the
    latest from the mirror. A slow listener so misses states between, never the last one. After a
    reset it tells only of what is really other than before.

    Close it when done, or use it as a context manager.
    """

    def __init__(self, core: MirrorCore) -> None:
        """Listen to a mirror."""
        self._core = core
        self._is_closed = False
        self._news = asyncio.Event()
        self._listener = core.listen(self._news.set)

    async def next(self) -> Change:
        """Return what changed, waiting for it as long as it takes.

        A wait that is cancelled, as by `asyncio.timeout`, loses nothing.

        Raises:
            Closed: This or the mirror was closed.
            HatdError: What ended the watch for good, once all changes before are told.
        """
        while True:
            if self._is_closed:
                raise closed("listener")
            self._news.clear()
            change = self._listener.take()
            if change is not None:
                return change
            if self._core.error is not None:
                raise self._core.error
            await self._news.wait()

    def close(self) -> None:
        """Listen no more. Once more does nothing."""
        self._is_closed = True
        self._core.unlisten(self._listener)
        self._news.set()

    def __aiter__(self) -> Self:
        """Return the listener."""
        return self

    async def __anext__(self) -> Change:
        """Return what changed, as `next`; a listener that is closed has nothing."""
        if self._is_closed:
            raise StopAsyncIteration
        return await self.next()

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
