"""A watch that resumes by itself, and notices when something was lost."""

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from hatd import errors
from hatd._core.backoff import Backoff
from hatd._core.status import seconds
from hatd.errors import HatdError
from hatd.events import (
    Bookmark,
    Cause,
    ChainBroken,
    Changes,
    Connected,
    Counters,
    Disconnected,
    Ended,
    Event,
    Failed,
    GoAway,
    Lifecycle,
    Reset,
    RevisionNotRising,
    Silent,
    Snapshot,
    UnknownEvent,
)
from hatd.options import Start
from hatd.v1.hat_service_pb2 import (
    DELIVERY_EVERY_COMMIT,
    ON_EXPIRED_FAIL,
    ON_EXPIRED_RESET,
    Commit,
    OnExpired,
    StartNow,
    StartSnapshot,
    WatchHatsRequest,
    WatchHatsResponse,
    WatchSelector,
)

# The heartbeat interval of a watch that asks for no other, in seconds.
HEARTBEAT_INTERVAL = 15.0
# The shortest that a server agrees to, in seconds: it needs so long to refuse a shorter one.
_HEARTBEAT_INTERVAL_MIN = 1.0
# How many heartbeat intervals of silence mean that the stream is dead.
_SILENT_HEARTBEATS = 2.5

# The first delay before connecting again is at most this, in seconds.
_RECONNECT_BASE = 0.1
# No delay before connecting again is longer, in seconds, unless the caller says otherwise or the
# server asks for it.
RECONNECT_DELAY_MAX = 30.0
# A stream that lasted so many seconds makes the delays short again.
_HEALTHY = 120.0

_FATAL_CODES = frozenset(
    {
        StatusCode.INVALID_ARGUMENT,
        StatusCode.UNAUTHENTICATED,
        StatusCode.PERMISSION_DENIED,
        StatusCode.UNIMPLEMENTED,
        StatusCode.DATA_LOSS,
    }
)

_log = logging.getLogger("hatd")

Observer = Callable[[Lifecycle], object]
"""What is called when something happens to the stream under a watch."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch is asked for."""

    selectors: tuple[WatchSelector, ...] = ()
    start: Start = Start.SNAPSHOT
    on_expired: OnExpired.ValueType = ON_EXPIRED_RESET
    heartbeat_interval: float = HEARTBEAT_INTERVAL
    at_least_token: str = ""
    reconnect_delay_max: float = RECONNECT_DELAY_MAX
    on_lifecycle: Observer | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Open no stream before then."""

    until: float


@dataclass(frozen=True, slots=True)
class Open:
    """Open a stream."""

    request: WatchHatsRequest
    with_new_key: bool
    """Whether to ask for the API key anew."""


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for a response of the open stream, up to the time at which it counts as silent."""

    until: float


Step = Sleep | Open | Receive
"""What to do next. Unless it is `Receive`, the stream that was open is to be cancelled."""


class WatchCore:
    """The decisions of a watch.

    Ask `step` what to do, do it, and tell what came of it: `received`, `ended`, `failed`, `silent`.
    """

    def __init__(
        self, options: WatchOptions, now: float, *, key_is_renewable: bool, rng: random.Random
    ) -> None:
        """Begin without a stream.

        Raises:
            ValueError: The heartbeat interval is not a number.
            OverflowError: It is infinite.
        """
        heartbeat_interval = Duration()
        heartbeat_interval.FromTimedelta(timedelta(seconds=options.heartbeat_interval))
        self._template = WatchHatsRequest(
            selectors=options.selectors,
            delivery=DELIVERY_EVERY_COMMIT,
            on_expired=options.on_expired,
            heartbeat_interval=heartbeat_interval,
        )
        self._at_least_token = options.at_least_token
        # Set while the position is one that `reopen` asked for.
        self._on_refused: Callable[[HatdError], object] | None = None
        self._silence_max = _SILENT_HEARTBEATS * max(
            options.heartbeat_interval, _HEARTBEAT_INTERVAL_MIN
        )
        self._start = options.start
        self._position = options.start.token or ""
        # The token of the event that the caller has. It is the position once the caller is back.
        self._given: str | None = None
        self._in_snapshot = False
        # The last revision seen of each room, to hold the next one to.
        self._revisions: dict[str, int] = {}
        self._backoff = Backoff(_RECONNECT_BASE, options.reconnect_delay_max, rng)
        self._key_is_renewable = key_is_renewable
        self._renew_key = False
        self._key_was_renewed = False

        # Without a stream: when to open the next.
        self._not_before = now
        self._is_open = False
        self._has_ended = False
        # When the stream's first response came.
        self._answered_at: float | None = None
        # When the caller began to wait for a response: time that the caller takes is not the
        # server's silence.
        self._waiting_since: float | None = None

        self._observer = options.on_lifecycle
        self.counters = Counters()
        self.last_response_at: float | None = None

    @property
    def position(self) -> str:
        """The token of the last response that the caller is done with. Empty: none."""
        return self._position

    def advance(self) -> None:
        """Note that the caller is done with the event it was given."""
        if self._given is not None:
            self._position = self._given
            self._given = None

    def step(self, now: float) -> Step:
        """Return what to do.

        Raises:
            WatchEnded: The watch has ended.
        """
        if self._has_ended:
            raise errors.WatchEnded("the watch has ended", code=StatusCode.FAILED_PRECONDITION)
        if not self._is_open:
            if now < self._not_before:
                return Sleep(self._not_before)
            self._is_open = True
            self._in_snapshot = False
            self._waiting_since = now
            with_new_key, self._renew_key = self._renew_key, False
            return Open(self._request(), with_new_key)
        if self._waiting_since is None:
            self._waiting_since = now
        return Receive(self._waiting_since + self._silence_max)

    def received(self, response: WatchHatsResponse, now: float) -> Event | None:
        """Check a response against the one before, and return its event.

        None: the stream is over.
        """
        self.last_response_at = now
        self._waiting_since = None
        self._key_was_renewed = False
        if self._answered_at is None:
            self._answered_at = now
            self._observe(Connected())

        if response.after != self._position:
            self._disconnect(ChainBroken(), now)
            return None
        # From here on, a stream without a token to resume with starts with the state: what `now`
        # has let pass is not to be let pass twice.
        self._start = Start.SNAPSHOT

        event = self._event(response)
        if isinstance(event, Cause):
            self._disconnect(event, now)
            return None
        self._given = response.token
        return event

    def ended(self, now: float) -> None:
        """Note that the stream ended without an error."""
        self._disconnect(Ended(), now)

    def silent(self, now: float) -> None:
        """Note that nothing came until the time that `Receive` named."""
        self._disconnect(Silent(self._silence_max), now)

    def failed(self, error: HatdError, now: float) -> None:
        """Note that the stream could not be opened, or ended with an error.

        Raises:
            HatdError: The error, if a new stream would end as this one did. The watch has ended.
        """
        if self._on_refused is not None and _refuses_position(error):
            on_refused = self._on_refused
            self._reached_position()
            on_refused(error)
        elif (
            error.code is StatusCode.UNAUTHENTICATED
            and self._key_is_renewable
            and not self._key_was_renewed
        ):
            self._renew_key = self._key_was_renewed = True
        elif self._ends_for_good(error):
            self._has_ended = True
            self._is_open = False
            raise error
        self._disconnect(Failed(error), now)

    def reopen(
        self, at_least_token: str, on_refused: Callable[[HatdError], object], now: float
    ) -> None:
        """Ask for a bookmark that has passed a position, which takes a new stream.

        It is no disconnect: it is not counted, and there is no delay but what there is already. If
        the server refuses the position, `on_refused` is called and the watch goes on without it.
        """
        self._at_least_token = at_least_token
        self._on_refused = on_refused
        if self._is_open:
            self._is_open = False
            self._not_before = now

    def _request(self) -> WatchHatsRequest:
        """Return the request that goes on where the stream before ended."""
        request = WatchHatsRequest(at_least_token=self._at_least_token)
        request.MergeFrom(self._template)
        if self._position or self._start.token == "":
            # An empty token was the caller's own: the server says what is wrong with it.
            request.resume_token = self._position
        elif self._start.now:
            request.now.CopyFrom(StartNow())
        else:
            request.snapshot.CopyFrom(StartSnapshot())
        return request

    def _event(self, response: WatchHatsResponse) -> Event | Cause:  # noqa: PLR0911 - For each kind.
        match response.WhichOneof("event"):
            case "reset":
                self._count(resets=1)
                self._in_snapshot = True
                self._revisions.clear()
                return Reset(response.reset.reason)
            case "snapshot":
                if response.snapshot.complete:
                    self._in_snapshot = False
                return Snapshot(response.snapshot, response.token)
            case "changes":
                commits = tuple(response.changes.commits)
                if not self._in_snapshot:
                    room_jid = self._room_that_does_not_rise(commits)
                    if room_jid is not None:
                        return RevisionNotRising(room_jid)
                return Changes(commits, response.token)
            case "bookmark":
                self._reached_position()
                return Bookmark(response.bookmark.server_time, response.token)
            case "go_away":
                self._position = response.token
                go_away = response.go_away
                return GoAway(
                    go_away.reason,
                    seconds(go_away.retry_after) if go_away.HasField("retry_after") else None,
                )
            case _:
                return UnknownEvent()

    def _room_that_does_not_rise(self, commits: Iterable[Commit]) -> str | None:
        for commit in commits:
            if commit.revision <= self._revisions.get(commit.room_jid, 0):
                return commit.room_jid
            if commit.room_deleted:
                # A room of the same name goes on above, but most are gone for good.
                self._revisions.pop(commit.room_jid, None)
            else:
                self._revisions[commit.room_jid] = commit.revision
        return None

    def _reached_position(self) -> None:
        """Ask for the position no more: a bookmark has passed it, or it can't be had."""
        self._at_least_token = ""
        self._on_refused = None

    def _disconnect(self, cause: Cause, now: float) -> None:
        """End the stream, for whatever cause: every way out of it leads through here."""
        retry_after = None
        match cause:
            case ChainBroken() | RevisionNotRising():
                self._count(chain_breaks=1)
                self._position = ""
                self._start = Start.SNAPSHOT
                self._revisions.clear()
            case GoAway():
                retry_after = cause.retry_after
            case Failed():
                retry_after = cause.error.retry_delay
            case Ended() | Silent() | UnknownEvent():
                pass

        if self._answered_at is not None and now - self._answered_at >= _HEALTHY:
            self._backoff.reset()
        self._answered_at = None
        retry_in = self._backoff.delay(retry_after)
        self._count(reconnects=1)
        self._is_open = False
        self._not_before = now + retry_in
        self._observe(Disconnected(cause, retry_in))

    def _ends_for_good(self, error: HatdError) -> bool:
        """Whether a new stream would end as this one did."""
        fails_on_expired = self._template.on_expired == ON_EXPIRED_FAIL
        match error:
            case errors.ResumeTokenExpired():
                return fails_on_expired
            case errors.StoreMismatch():
                return fails_on_expired or self._at_least_token != ""
            case _:
                return error.code in _FATAL_CODES

    def _count(self, *, reconnects: int = 0, resets: int = 0, chain_breaks: int = 0) -> None:
        self.counters = replace(
            self.counters,
            reconnects=self.counters.reconnects + reconnects,
            resets=self.counters.resets + resets,
            chain_breaks=self.counters.chain_breaks + chain_breaks,
        )

    def _observe(self, lifecycle: Lifecycle) -> None:
        if self._observer is None:
            return
        try:
            self._observer(lifecycle)
        except Exception:  # noqa: BLE001 - It only looks on.
            _log.exception("a lifecycle callback failed")


def _refuses_position(error: HatdError) -> bool:
    """Whether a watch was refused for its `at_least_token`."""
    match error:
        case errors.StoreMismatch():
            return True
        case errors.InvalidToken():
            return error.metadata.get("field") == "at_least_token"
        case _:
            return False
