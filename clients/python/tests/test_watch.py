import random
from collections.abc import Iterable
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from hatd import errors, room
from hatd._core.watch import Open, Receive, Sleep, WatchCore, WatchOptions
from hatd.errors import HatdError
from hatd.events import (
    Bookmark,
    ChainBroken,
    Changes,
    Connected,
    Counters,
    Disconnected,
    Ended,
    GoAway,
    Lifecycle,
    Reset,
    RevisionNotRising,
    Silent,
    Snapshot,
    UnknownEvent,
)
from hatd.options import Start
from hatd.v1 import (
    GO_AWAY_REASON_AGE,
    ON_EXPIRED_FAIL,
    RESET_REASON_INITIAL,
    Commit,
    WatchBookmark,
    WatchChanges,
    WatchGoAway,
    WatchHatsRequest,
    WatchHatsResponse,
    WatchReset,
    WatchSnapshot,
)

DEN = "den@conference.localhost"


class Watched:
    """A core, its clock, and what it told of."""

    def __init__(self, *, key_is_renewable: bool = False, **options: object) -> None:
        self.now = 1_000.0
        self.lifecycle: list[Lifecycle] = []
        self.core = WatchCore(
            WatchOptions(on_lifecycle=self.lifecycle.append, **options),  # type: ignore[arg-type]
            self.now,
            key_is_renewable=key_is_renewable,
            rng=random.Random(1),
        )

    def open(self) -> WatchHatsRequest:
        return self.opening().request

    def opening(self) -> Open:
        step = self.core.step(self.now)
        if isinstance(step, Sleep):
            self.now = step.until
            step = self.core.step(self.now)
        assert isinstance(step, Open)
        return step

    def receive(self, response: WatchHatsResponse) -> object:
        assert isinstance(self.core.step(self.now), Receive)
        return self.core.received(response, self.now)

    def process(self, *responses: WatchHatsResponse) -> None:
        for response in responses:
            assert self.receive(response) is not None
            self.core.advance()

    def delay(self) -> float:
        step = self.core.step(self.now)
        return step.until - self.now if isinstance(step, Sleep) else 0.0

    @property
    def last_cause(self) -> object:
        last = self.lifecycle[-1]
        assert isinstance(last, Disconnected)
        return last.cause


def reset(after: str = "") -> WatchHatsResponse:
    return WatchHatsResponse(after=after, reset=WatchReset(reason=RESET_REASON_INITIAL))


def page(token: str = "") -> WatchHatsResponse:
    return WatchHatsResponse(token=token, snapshot=WatchSnapshot(complete=token != ""))


def changes(
    after: str, token: str, *revisions: int, room_deleted: bool = False
) -> WatchHatsResponse:
    commits = [
        Commit(room_jid=DEN, revision=revision, room_deleted=room_deleted) for revision in revisions
    ]
    return WatchHatsResponse(after=after, token=token, changes=WatchChanges(commits=commits))


def bookmark(after: str, token: str) -> WatchHatsResponse:
    return WatchHatsResponse(after=after, token=token, bookmark=WatchBookmark())


def refusal(code: StatusCode, kind: type[HatdError] = HatdError) -> HatdError:
    return kind("no", code=code)


def unexpected(error: HatdError) -> None:
    raise error


def test_a_watch_starts_where_it_is_asked_to() -> None:
    assert Watched().open().HasField("snapshot")
    assert Watched(start=Start.NOW).open().HasField("now")
    assert Watched(start=Start.after("t")).open().resume_token == "t"
    empty = Watched(start=Start.after("")).open()
    assert (empty.WhichOneof("start"), empty.resume_token) == ("resume_token", "")
    request = Watched(selectors=(room(DEN),), heartbeat_interval=2.5).open()
    assert request.heartbeat_interval.ToTimedelta() == timedelta(seconds=2.5)
    assert [selector.room_jid for selector in request.selectors] == [DEN]


def test_the_events_of_a_snapshot_and_after_come_as_they_are() -> None:
    watch = Watched()
    watch.open()
    assert watch.receive(reset()) == Reset(RESET_REASON_INITIAL)
    watch.core.advance()
    assert watch.receive(page()) == Snapshot(WatchSnapshot(), "")
    watch.core.advance()
    assert watch.receive(page("t1")) == Snapshot(WatchSnapshot(complete=True), "t1")
    watch.core.advance()
    commit = Commit(room_jid=DEN, revision=3)
    assert watch.receive(changes("t1", "t2", 3)) == Changes((commit,), "t2")
    watch.core.advance()
    assert watch.receive(bookmark("t2", "t3")) == Bookmark(WatchBookmark().server_time, "t3")
    assert watch.core.counters == Counters(resets=1)
    assert watch.lifecycle == [Connected()]


def test_an_event_counts_as_processed_once_the_caller_is_back() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    watch.receive(changes("t1", "t2", 1))
    assert watch.core.position == "t1"
    watch.core.ended(watch.now)
    assert watch.open().resume_token == "t1"
    watch.core.advance()
    # The caller is back from what the stream before gave: that is processed now.
    assert watch.core.position == "t2"


def test_a_stream_is_resumed_however_it_ended() -> None:
    watch = Watched(start=Start.after("t1"))
    for end, cause in (
        (watch.core.ended, Ended()),
        (watch.core.silent, Silent(37.5)),
        (lambda now: watch.core.received(WatchHatsResponse(after="t1"), now), UnknownEvent()),
        (lambda now: watch.core.failed(refusal(StatusCode.UNAVAILABLE), now), None),
        (lambda now: watch.core.failed(refusal(StatusCode.INTERNAL), now), None),
        (lambda now: watch.core.failed(refusal(StatusCode.RESOURCE_EXHAUSTED), now), None),
    ):
        assert watch.open().resume_token == "t1"
        end(watch.now)
        assert cause is None or watch.last_cause == cause
    assert watch.core.counters == Counters(reconnects=6)


def test_now_is_only_asked_for_until_the_first_response() -> None:
    watch = Watched(start=Start.NOW)
    watch.open()
    watch.core.ended(watch.now)
    assert watch.open().HasField("now")
    watch.process(WatchHatsResponse(changes=WatchChanges()))
    watch.core.ended(watch.now)
    assert watch.open().HasField("snapshot")


def test_a_response_that_does_not_follow_starts_the_state_anew() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    assert watch.receive(changes("t0", "t2", 1)) is None
    assert watch.last_cause == ChainBroken()
    assert watch.core.position == ""
    assert watch.open().HasField("snapshot")
    assert watch.core.counters == Counters(reconnects=1, chain_breaks=1)


@pytest.mark.parametrize("revisions", [(5, 5), (5, 4)])
def test_a_revision_that_does_not_rise_starts_the_state_anew(revisions: Iterable[int]) -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    first, second = revisions
    watch.process(changes("t1", "t2", first))
    assert watch.receive(changes("t2", "t3", second)) is None
    assert watch.last_cause == RevisionNotRising(DEN)
    assert watch.open().HasField("snapshot")
    assert watch.core.counters.chain_breaks == 1


def test_a_snapshot_may_show_any_revision_and_a_reset_forgets_all() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    watch.process(
        changes("t1", "t2", 9),
        reset("t2"),
        changes("", "", 5),
        changes("", "", 5),
        page("t3"),
        changes("t3", "t4", 4),
    )
    assert watch.core.counters == Counters(resets=1)


def test_a_deleted_room_is_not_remembered() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    watch.process(changes("t1", "t2", 9, room_deleted=True))
    assert watch.core._revisions == {}


def test_a_snapshot_that_was_cut_starts_again() -> None:
    watch = Watched()
    watch.open()
    watch.process(reset(), page())
    watch.core.ended(watch.now)
    assert watch.open().HasField("snapshot")


def test_go_away_moves_the_position_and_is_waited_for() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    go_away = WatchGoAway(reason=GO_AWAY_REASON_AGE, retry_after=Duration(seconds=4))
    assert watch.receive(WatchHatsResponse(after="t1", token="t2", go_away=go_away)) is None
    assert watch.last_cause == GoAway(GO_AWAY_REASON_AGE, 4.0)
    assert 4 <= watch.delay() <= 6
    assert watch.open().resume_token == "t2"


def test_delays_grow_and_are_short_again_after_a_healthy_stream() -> None:
    watch = Watched(start=Start.after("t"), reconnect_delay_max=5.0)
    longest = 0.0
    for _ in range(20):
        watch.open()
        watch.core.ended(watch.now)
        assert watch.delay() <= 5
        longest = max(longest, watch.delay())
    assert longest > 1
    watch.open()
    watch.process(bookmark("t", "t"))
    watch.now += 120
    watch.core.ended(watch.now)
    assert watch.delay() <= 0.1


def test_only_the_servers_silence_counts() -> None:
    watch = Watched(start=Start.after("t"), heartbeat_interval=2.0)
    opened_at = watch.now
    watch.open()
    watch.now += 1
    step = watch.core.step(watch.now)
    # Opening counts.
    assert step == Receive(opened_at + 5)
    watch.core.received(bookmark("t", "t"), watch.now)
    # The time that the caller takes does not.
    watch.now += 100
    assert watch.core.step(watch.now) == Receive(watch.now + 5)


@pytest.mark.parametrize(
    "code",
    [
        StatusCode.INVALID_ARGUMENT,
        StatusCode.UNAUTHENTICATED,
        StatusCode.PERMISSION_DENIED,
        StatusCode.UNIMPLEMENTED,
        StatusCode.DATA_LOSS,
    ],
)
def test_what_a_new_stream_would_not_mend_ends_the_watch(code: StatusCode) -> None:
    watch = Watched()
    watch.open()
    error = refusal(code)
    with pytest.raises(HatdError) as raised:
        watch.core.failed(error, watch.now)
    assert raised.value is error
    with pytest.raises(errors.WatchEnded):
        watch.core.step(watch.now)
    assert watch.core.counters == Counters()


def test_an_expired_position_ends_only_a_watch_that_asked_to_fail() -> None:
    expired = refusal(StatusCode.OUT_OF_RANGE, errors.ResumeTokenExpired)
    mismatch = refusal(StatusCode.FAILED_PRECONDITION, errors.StoreMismatch)
    for error in (expired, mismatch):
        watch = Watched(start=Start.after("t"))
        watch.open()
        watch.core.failed(error, watch.now)
        watch = Watched(start=Start.after("t"), on_expired=ON_EXPIRED_FAIL)
        watch.open()
        with pytest.raises(type(error)):
            watch.core.failed(error, watch.now)


def test_a_position_of_another_store_ends_the_watch_until_a_bookmark_has_passed_it() -> None:
    mismatch = refusal(StatusCode.FAILED_PRECONDITION, errors.StoreMismatch)
    watch = Watched(start=Start.after("t"), at_least_token="written")
    assert watch.open().at_least_token == "written"
    watch.process(bookmark("t", "t"))
    watch.core.failed(mismatch, watch.now)
    assert watch.open().at_least_token == ""

    watch = Watched(at_least_token="written")
    watch.open()
    with pytest.raises(errors.StoreMismatch):
        watch.core.failed(mismatch, watch.now)


def test_a_refused_key_is_renewed_once_per_answer() -> None:
    refused = refusal(StatusCode.UNAUTHENTICATED)
    watch = Watched(start=Start.after("t"), key_is_renewable=True)
    assert not watch.opening().with_new_key
    watch.core.failed(refused, watch.now)
    assert watch.opening().with_new_key
    watch.process(bookmark("t", "t"))
    watch.core.failed(refused, watch.now)
    assert watch.opening().with_new_key
    with pytest.raises(HatdError):
        watch.core.failed(refused, watch.now)


def test_reopening_is_no_disconnect() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    watch.process(bookmark("t1", "t2"))
    watch.core.reopen("written", unexpected, watch.now)
    step = watch.core.step(watch.now)
    assert isinstance(step, Open)
    assert (step.request.resume_token, step.request.at_least_token) == ("t2", "written")
    watch.process(bookmark("t2", "t3"))
    assert watch.core.counters == Counters()
    assert watch.lifecycle == [Connected()]


def test_reopening_waits_as_long_as_the_server_asked() -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    watch.core.failed(HatdError("no", code=StatusCode.UNAVAILABLE, retry_delay=3.0), watch.now)
    watch.core.reopen("written", unexpected, watch.now)
    assert watch.delay() >= 3
    assert watch.open().at_least_token == "written"


@pytest.mark.parametrize(
    "error",
    [
        errors.StoreMismatch("no", code=StatusCode.FAILED_PRECONDITION),
        errors.InvalidToken(
            "no", code=StatusCode.INVALID_ARGUMENT, metadata={"field": "at_least_token"}
        ),
    ],
)
def test_a_position_refused_on_reopening_does_not_end_the_watch(error: HatdError) -> None:
    watch = Watched(start=Start.after("t1"))
    watch.open()
    refused: list[HatdError] = []
    watch.core.reopen("written", refused.append, watch.now)
    watch.open()
    watch.core.failed(error, watch.now)
    assert refused == [error]
    assert watch.open().at_least_token == ""


def test_a_callback_that_fails_does_not_harm_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Lifecycle) -> None:
        raise RuntimeError

    core = WatchCore(
        WatchOptions(on_lifecycle=fail), 0.0, key_is_renewable=False, rng=random.Random(1)
    )
    core.step(0.0)
    core.ended(0.0)
    assert core.counters.reconnects == 1
    assert "a lifecycle callback failed" in caplog.text
