from collections.abc import Mapping

import pytest
from grpc import StatusCode

import hatd
from hatd._core.mirror import MirrorCore, Wait
from hatd.errors import HatdError
from hatd.events import Bookmark, Changes, Reset, Snapshot
from hatd.state import Change
from hatd.v1 import (
    HAT_POLICY_ANY_URI,
    HAT_POLICY_DEFINED_ONLY,
    RESET_REASON_EXPIRED,
    AddUserHatResponse,
    Attachment,
    Commit,
    HatDefinition,
    HatPolicy,
    Room,
    RoomDefinition,
    UserChange,
    UserHats,
    WatchBookmark,
    WatchSelector,
    WatchSnapshot,
)

DEN, LOFT = "den@conference.localhost", "loft@chat.localhost"
ANN, BOB = "ann@localhost", "bob@localhost"
HOST, GUEST = "urn:example:host", "urn:example:guest"


def document(room_jid: str, user_jid: str, *hats: str, revision: int = 1) -> UserHats:
    return UserHats(
        room_jid=room_jid,
        user_jid=user_jid,
        hats={hat: Attachment(active=True) for hat in hats},
        revision=revision,
    )


def commit(room_jid: str, revision: int, *documents: UserHats) -> Commit:
    users = [UserChange(user_hats=each) for each in documents]
    return Commit(room_jid=room_jid, revision=revision, users=users)


def mirror(*selectors: WatchSelector) -> MirrorCore:
    """A mirror of a room with a definition and two users, all of revision 1."""
    core = MirrorCore(selectors)
    renew(core, document(DEN, ANN, HOST), document(DEN, BOB, HOST))
    return core


def renew(core: MirrorCore, *documents: UserHats) -> None:
    core.apply(Reset(RESET_REASON_EXPIRED))
    core.apply(
        Snapshot(
            WatchSnapshot(
                rooms=[Room(room_jid=DEN, revision=1)],
                definitions=[
                    RoomDefinition(
                        room_jid=DEN, definition=HatDefinition(hat_id=HOST, title="Host")
                    )
                ],
                users=documents,
            ),
            "",
        )
    )
    core.apply(Snapshot(WatchSnapshot(complete=True), "t"))


def written(revision: int, **fields: bool) -> AddUserHatResponse:
    return AddUserHatResponse(
        user_hats=document(DEN, ANN, HOST),
        revision=revision,
        token="written",
        **{"changed": True, **fields},
    )


def wait_for(core: MirrorCore, answer: AddUserHatResponse | str) -> Wait:
    return core.wait_for(answer, lambda: None)


class Told:
    """What a listener is told."""

    def __init__(self, core: MirrorCore) -> None:
        self.listener = core.listen(lambda: None)

    def __call__(self) -> list[Change]:
        changes = []
        while (change := self.listener.take()) is not None:
            changes.append(change)
        return changes


def test_a_mirror_holds_what_the_snapshot_shows() -> None:
    core = mirror()
    assert core.is_ready
    assert not core.is_stale
    assert core.rooms() == [Room(room_jid=DEN, revision=1)]
    assert core.room(DEN) == Room(room_jid=DEN, revision=1)
    assert core.room(LOFT) is None
    assert [each.hat_id for each in core.definitions(DEN)] == [HOST]
    assert [each.user_jid for each in core.users(DEN)] == [ANN, BOB]
    assert core.documents() == core.users(DEN)
    assert core.document(DEN, ANN) == document(DEN, ANN, HOST)
    assert core.document(LOFT, ANN) is None


def test_what_is_read_is_a_copy() -> None:
    core = mirror()
    read = core.document(DEN, ANN)
    assert read is not None
    read.hats.clear()
    core.hats(DEN, ANN, None)[0].attachment.title = "mine"
    assert core.document(DEN, ANN) == document(DEN, ANN, HOST)


def test_commits_replace_and_drop() -> None:
    core = mirror()
    core.apply(
        Changes(
            (
                Commit(
                    room_jid=DEN,
                    revision=2,
                    room=Room(room_jid=DEN, hat_policy=HAT_POLICY_DEFINED_ONLY, revision=2),
                    definitions=[HatDefinition(hat_id=GUEST)],
                    removed_definitions=[HOST],
                    users=[UserChange(user_hats=document(DEN, BOB, revision=2))],
                ),
            ),
            "t2",
        )
    )
    room = core.room(DEN)
    assert room is not None
    assert room.hat_policy == HAT_POLICY_DEFINED_ONLY
    assert [each.hat_id for each in core.definitions(DEN)] == [GUEST]
    assert [each.user_jid for each in core.users(DEN)] == [ANN]


def test_a_deleted_room_takes_all_along() -> None:
    core = mirror()
    told = Told(core)
    core.apply(Changes((Commit(room_jid=DEN, revision=2, room_deleted=True),), "t2"))
    assert (core.rooms(), core.documents(), core.definitions(DEN)) == ([], [], [])
    assert told() == [Change(DEN), Change(DEN, ANN), Change(DEN, BOB)]
    assert core._revisions == {}


def test_the_old_state_answers_until_the_new_one_is_whole() -> None:
    core = mirror()
    core.apply(Reset(RESET_REASON_EXPIRED))
    assert core.is_stale
    core.apply(Snapshot(WatchSnapshot(users=[document(DEN, ANN, GUEST, revision=2)]), ""))
    assert core.document(DEN, ANN) == document(DEN, ANN, GUEST, revision=2)
    assert core.document(DEN, BOB) == document(DEN, BOB, HOST)
    core.apply(Snapshot(WatchSnapshot(complete=True), "t2"))
    assert not core.is_stale
    assert core.documents() == [document(DEN, ANN, GUEST, revision=2)]
    assert core.rooms() == []


def test_changes_within_a_snapshot_are_part_of_it() -> None:
    core = mirror()
    core.apply(Reset(RESET_REASON_EXPIRED))
    core.apply(Changes((commit(DEN, 3, document(DEN, BOB, GUEST, revision=3)),), ""))
    core.apply(Snapshot(WatchSnapshot(complete=True), "t2"))
    assert core.documents() == [document(DEN, BOB, GUEST, revision=3)]


def test_a_snapshot_that_begins_again_forgets_what_had_arrived() -> None:
    core = mirror()
    core.apply(Reset(RESET_REASON_EXPIRED))
    core.apply(Snapshot(WatchSnapshot(users=[document(DEN, ANN, HOST)]), ""))
    renew(core, document(DEN, BOB, HOST))
    assert [each.user_jid for each in core.documents()] == [BOB]


def test_a_reset_tells_only_what_is_different() -> None:
    core = mirror()
    told = Told(core)
    renew(core, document(DEN, ANN, GUEST, revision=2))
    assert told() == [Change(DEN, ANN), Change(DEN, BOB)]
    renew(core, document(DEN, ANN, GUEST, revision=2))
    assert told() == []


def test_a_slow_listener_is_told_each_key_once() -> None:
    core = mirror()
    told = Told(core)
    for revision in range(2, 50):
        core.apply(
            Changes((commit(DEN, revision, document(DEN, ANN, HOST, revision=revision)),), "t")
        )
        core.apply(
            Changes((commit(DEN, revision, document(DEN, BOB, HOST, revision=revision)),), "t")
        )
    assert told() == [Change(DEN, ANN), Change(DEN, BOB)]
    core.unlisten(told.listener)
    renew(core)
    assert told() == []


def test_a_broken_chain_makes_the_state_stale_until_the_snapshot() -> None:
    core = mirror()
    core.lost_chain()
    assert core.is_stale
    renew(core)
    assert not core.is_stale


def title(
    titles: tuple[str, str],
    policy: HatPolicy.ValueType,
    *,
    language: str | None = None,
    languages: Mapping[str, str] | None = None,
) -> str:
    core = MirrorCore(())
    own, defined = titles
    definition = HatDefinition(hat_id=HOST, title=defined, titles=languages or {})
    worn = UserHats(
        room_jid=DEN, user_jid=ANN, hats={HOST: Attachment(active=True, title=own)}, revision=1
    )
    page = WatchSnapshot(
        rooms=[Room(room_jid=DEN, hat_policy=policy)],
        definitions=[RoomDefinition(room_jid=DEN, definition=definition)],
        users=[worn],
        complete=True,
    )
    core.apply(Snapshot(page, "t"))
    (hat,) = core.hats(DEN, ANN, language)
    return hat.title


@pytest.mark.parametrize(
    ("titles", "of_any_hat", "of_defined_hats"),
    [
        (("own", "defined"), "own", "defined"),
        (("", "defined"), "defined", "defined"),
        (("own", ""), "own", "own"),
        (("", ""), HOST, HOST),
    ],
)
def test_a_title_is_the_users_or_the_rooms_by_the_rooms_policy(
    titles: tuple[str, str], of_any_hat: str, of_defined_hats: str
) -> None:
    assert title(titles, HAT_POLICY_ANY_URI) == of_any_hat
    assert title(titles, HAT_POLICY_DEFINED_ONLY) == of_defined_hats


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Gast"),
        ("DE-at", "Gast"),
        ("de-CH", "Gascht"),
        ("de-CH-1901", "Gascht"),
        ("zh-Hant-x-secret", "客人"),
        ("zh", "Guest"),
        ("fr", "Guest"),
        ("", "Guest"),
        (None, "Guest"),
    ],
)
def test_a_title_is_in_the_language_that_fits_best(language: str | None, expected: str) -> None:
    languages = {"de": "Gast", "de-ch": "Gascht", "zh-Hant": "客人"}
    found = title(("", "Guest"), HAT_POLICY_ANY_URI, language=language, languages=languages)
    assert found == expected


def test_only_worn_hats_are_displayed_in_the_order_of_the_catalogue() -> None:
    core = MirrorCore(())
    definitions = [
        HatDefinition(hat_id="urn:b", position=1, hue=0.0),
        HatDefinition(hat_id="urn:a", position=1),
        HatDefinition(hat_id="urn:z", position=-1),
    ]
    hats = {hat: Attachment(active=True) for hat in ("urn:0", "urn:A", "urn:a", "urn:b", "urn:z")}
    hats["urn:off"] = Attachment()
    page = WatchSnapshot(
        definitions=[RoomDefinition(room_jid=DEN, definition=each) for each in definitions],
        users=[UserHats(room_jid=DEN, user_jid=ANN, hats=hats)],
        complete=True,
    )
    core.apply(Snapshot(page, "t"))
    displayed = core.hats(DEN, ANN, None)
    assert [hat.hat_id for hat in displayed] == ["urn:z", "urn:a", "urn:b", "urn:0", "urn:A"]
    assert [hat.hue for hat in displayed] == [None, None, 0.0, None, None]
    assert displayed[-1].definition is None
    assert core.hats(DEN, BOB, None) == []


def test_a_write_is_waited_for_by_its_commit() -> None:
    core = mirror()
    wait = wait_for(core, written(2))
    assert not wait.is_over
    assert core.next_position() is None
    core.apply(Changes((commit(DEN, 2, document(DEN, ANN, HOST, revision=2)),), "t2"))
    assert wait.is_over
    assert wait_for(core, written(2)).is_over


@pytest.mark.parametrize(
    "answer",
    [
        "written",
        written(2, changed=False),
        written(2, replayed=True),
        AddUserHatResponse(user_hats=document(DEN, ANN), revision=2, token="written", changed=True),
        AddUserHatResponse(
            user_hats=document(LOFT, ANN, HOST), revision=2, token="written", changed=True
        ),
    ],
)
def test_any_other_position_is_asked_the_server_for(answer: AddUserHatResponse | str) -> None:
    core = mirror(hatd.room(DEN))
    wait = wait_for(core, answer)
    assert core.next_position() == "written"
    assert core.next_position() is None
    core.apply(Changes((commit(DEN, 9),), "t2"))
    assert not wait.is_over
    core.apply(Bookmark(WatchBookmark().server_time, "t3"))
    assert wait.is_over


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        (hatd.room(DEN), True),
        (hatd.user(ANN), True),
        (hatd.user_in_room(DEN, ANN), True),
        (hatd.domain("conference.localhost"), True),
        (hatd.room(LOFT), False),
        (hatd.user(BOB), False),
        (hatd.user_in_room(DEN, BOB), False),
        (hatd.domain("localhost"), False),
    ],
)
def test_a_commit_out_of_scope_is_not_waited_for(
    selector: WatchSelector, is_selected: bool
) -> None:
    core = mirror(selector)
    wait_for(core, written(2))
    assert (core.next_position() is None) == is_selected


def test_a_reset_asks_the_server_for_what_was_waited_for() -> None:
    core = mirror()
    wait = wait_for(core, written(2))
    core.apply(Reset(RESET_REASON_EXPIRED))
    # Not within a snapshot: it would begin again.
    assert core.next_position() is None
    core.apply(Snapshot(WatchSnapshot(complete=True), "t2"))
    assert core.next_position() == "written"
    core.apply(Bookmark(WatchBookmark().server_time, "t3"))
    assert wait.is_over


def test_a_commit_that_does_not_come_is_asked_the_server_for() -> None:
    core = mirror()
    wait = wait_for(core, written(2))
    core.ask_server(wait)
    assert core.next_position() == "written"


def test_positions_are_asked_for_one_after_the_other_and_equal_ones_together() -> None:
    core = mirror()
    first, second, same = wait_for(core, "a"), wait_for(core, "b"), wait_for(core, "a")
    assert core.next_position() == "a"
    core.apply(Bookmark(WatchBookmark().server_time, "t2"))
    assert (first.is_over, second.is_over, same.is_over) == (True, False, True)
    assert core.next_position() == "b"
    core.position_refused(HatdError("no"))
    assert second.error is not None


def test_a_wait_that_was_given_up_is_not_asked_for() -> None:
    core = mirror()
    core.abandon(wait_for(core, "a"))
    assert core.next_position() is None


def test_waits_begin_once_the_mirror_is_ready() -> None:
    core = MirrorCore(())
    ready = core.wait_until_ready(lambda: None)
    empty, write = wait_for(core, ""), wait_for(core, written(1))
    assert core.next_position() is None
    renew(core, document(DEN, ANN, HOST))
    assert (ready.is_over, empty.is_over, write.is_over) == (True, True, True)


def test_the_end_fails_all_waits_and_leaves_the_state() -> None:
    core = mirror()
    woken = []
    waits = [wait_for(core, written(2)), wait_for(core, "a")]
    core.listen(lambda: woken.append(True))
    error = HatdError("no", code=StatusCode.PERMISSION_DENIED)
    core.end(error)
    assert [wait.error for wait in waits] == [error, error]
    assert woken
    assert core.is_stale
    assert core.document(DEN, ANN) is not None
    assert core.wait_until_ready(lambda: None).error is error
