"""The state of a scope, kept current by the events of a watch."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from google.protobuf.message import Message

from hatd.errors import HatdError
from hatd.events import Bookmark, Changes, Event, Reset, Snapshot
from hatd.state import Change, DisplayedHat
from hatd.v1.hat_service_pb2 import (
    AddUserHatResponse,
    Commit,
    RemoveUserHatResponse,
    SetUserHatsResponse,
    WatchSelector,
    WatchSnapshot,
)
from hatd.v1.room_service_pb2 import SetAffiliationResponse
from hatd.v1.types_pb2 import (
    HAT_POLICY_DEFINED_ONLY,
    Attachment,
    HatDefinition,
    HatPolicy,
    Room,
    UserHats,
)
from hatd.v1.wardrobe_service_pb2 import (
    ClaimHatResponse,
    DiscardHatResponse,
    DoffHatResponse,
    WearHatResponse,
)

# How long a wait for a write relies on the write's own commit to come, in seconds, before it asks
# the server: far longer than a commit takes. It may never come: what it wrote can have been undone
# before the snapshot that the mirror holds. Our choice.
COMMIT_WAIT_MAX = 1.0

# The answers that have the document written.
_DOCUMENT_ANSWERS = (
    AddUserHatResponse,
    RemoveUserHatResponse,
    SetUserHatsResponse,
    SetAffiliationResponse,
    WearHatResponse,
    DoffHatResponse,
    ClaimHatResponse,
    DiscardHatResponse,
)


_Message = TypeVar("_Message", bound=Message)


class Answer(Protocol):
    """Any answer of hatd with a token."""

    @property
    def token(self) -> str:
        """A position that the answer includes."""


class Wait:
    """A wait for the mirror to include something."""

    def __init__(self, token: str, commit: "_Commit | None", wake: Callable[[], object]) -> None:
        """Wait for a token or, while that will do, a commit. `wake` is called when it is over."""
        self.token = token
        self.commit = commit
        self.is_over = False
        self.error: HatdError | None = None
        self._wake = wake

    def end(self, error: HatdError | None = None) -> None:
        """End the wait."""
        self.is_over = True
        self.error = error
        self._wake()


class Listener:
    """What changed and has not been told yet, each key once, in the order of its first change."""

    def __init__(self, wake: Callable[[], object]) -> None:
        """Listen. `wake` is called when there is something to tell."""
        self._changes: dict[Change, None] = {}
        self._wake = wake

    def add(self, change: Change) -> None:
        """Note a change."""
        self._changes[change] = None
        self._wake()

    def wake(self) -> None:
        """Wake the listener for another reason than a change."""
        self._wake()

    def take(self) -> Change | None:
        """Return the change that has waited longest, if there is one."""
        if not self._changes:
            return None
        change = next(iter(self._changes))
        del self._changes[change]
        return change


class _Commit(NamedTuple):
    room_jid: str
    revision: int


class _Key(NamedTuple):
    """Names a record: a room's own, or a definition's, or a document's."""

    room_jid: str
    hat_id: str = ""
    user_jid: str = ""


class _RoomState:
    """What is held of one room."""

    def __init__(self) -> None:
        self.record: Room | None = None
        self.definitions: dict[str, HatDefinition] = {}
        self.documents: dict[str, UserHats] = {}

    def is_empty(self) -> bool:
        return self.record is None and not self.definitions and not self.documents

    def keys(self, room_jid: str) -> Iterable[_Key]:
        if self.record is not None:
            yield _Key(room_jid)
        for hat_id in self.definitions:
            yield _Key(room_jid, hat_id=hat_id)
        for user_jid in self.documents:
            yield _Key(room_jid, user_jid=user_jid)


class MirrorCore:
    """The state of a mirror, and the waits for it.

    Feed it each event of the watch with `apply`. It holds messages that are never changed in place,
    and gives copies away.
    """

    def __init__(self, selectors: Iterable[WatchSelector]) -> None:
        """Begin with nothing."""
        self._selectors = tuple(selectors)
        self._rooms: dict[str, _RoomState] = {}
        # The highest revision seen of each room since the last reset.
        self._revisions: dict[str, int] = {}
        # Between a reset and the end of its snapshot: what has arrived. The rest is then dropped.
        self._arrived: set[_Key] | None = None
        self._is_behind = True
        self._error: HatdError | None = None
        self.is_ready = False

        # Waits for the first snapshot, then for commits, then for bookmarks, by token in order.
        self._until_ready: list[Wait] = []
        self._until_commit: list[Wait] = []
        self._until_bookmark: dict[str, list[Wait]] = {}
        # The token whose bookmark the watch has been asked for.
        self._asked_for: str | None = None
        self._listeners: list[Listener] = []

    # What is held.

    @property
    def is_stale(self) -> bool:
        """Whether what is held may lack changes that will not come one by one."""
        return self._is_behind or self._error is not None

    @property
    def error(self) -> HatdError | None:
        """What ended the watch for good."""
        return self._error

    def hats(self, room_jid: str, user_jid: str, language: str | None) -> list[DisplayedHat]:
        """Return the hats that a user wears, as displayed."""
        room = self._rooms.get(room_jid)
        document = room.documents.get(user_jid) if room is not None else None
        if room is None or document is None:
            return []
        policy = room.record.hat_policy if room.record is not None else None
        hats = [
            _displayed(hat_id, attachment, room.definitions.get(hat_id), policy, language)
            for hat_id, attachment in document.hats.items()
            if attachment.active
        ]
        return sorted(hats, key=_place)

    def document(self, room_jid: str, user_jid: str) -> UserHats | None:
        """Return a user's document in a room, if it has hats."""
        room = self._rooms.get(room_jid)
        document = room.documents.get(user_jid) if room is not None else None
        return _copy(document) if document is not None else None

    def documents(self) -> list[UserHats]:
        """Return all documents, by room and user."""
        return [
            _copy(self._rooms[room_jid].documents[user_jid])
            for room_jid in sorted(self._rooms)
            for user_jid in sorted(self._rooms[room_jid].documents)
        ]

    def room(self, room_jid: str) -> Room | None:
        """Return a room's record."""
        room = self._rooms.get(room_jid)
        return _copy(room.record) if room is not None and room.record is not None else None

    def rooms(self) -> list[Room]:
        """Return the records of all rooms, by JID."""
        records = (self._rooms[room_jid].record for room_jid in sorted(self._rooms))
        return [_copy(record) for record in records if record is not None]

    def definitions(self, room_jid: str) -> list[HatDefinition]:
        """Return a room's catalogue, by hat id."""
        room = self._rooms.get(room_jid)
        definitions = room.definitions if room is not None else {}
        return [_copy(definitions[hat_id]) for hat_id in sorted(definitions)]

    def users(self, room_jid: str) -> list[UserHats]:
        """Return the documents of a room, by user JID."""
        room = self._rooms.get(room_jid)
        documents = room.documents if room is not None else {}
        return [_copy(documents[user_jid]) for user_jid in sorted(documents)]

    # What the watch gives.

    def apply(self, event: Event) -> None:
        """Take an event in, whole."""
        match event:
            case Reset():
                self._arrived = set()
                self._is_behind = True
                self._revisions.clear()
                for wait in self._until_commit:
                    self._wait_for_bookmark(wait)
                self._until_commit.clear()
            case Snapshot(page=page):
                self._apply_page(page)
            case Changes(commits=commits):
                self._apply_commits(commits)
            case Bookmark():
                self._end_bookmark_waits(None)

    def lost_chain(self) -> None:
        """Note that something was lost on the way: a snapshot will follow."""
        self._is_behind = True

    def position_refused(self, error: HatdError) -> None:
        """Note that the watch could not be reopened for the position that was asked for."""
        self._end_bookmark_waits(error)

    def end(self, error: HatdError) -> None:
        """Note that the watch has ended for good."""
        self._error = error
        waits = self._until_ready + self._until_commit
        for of_token in self._until_bookmark.values():
            waits += of_token
        self._until_ready.clear()
        self._until_commit.clear()
        self._until_bookmark.clear()
        self._asked_for = None
        for wait in waits:
            wait.end(error)
        for listener in self._listeners:
            listener.wake()

    # Who waits for it.

    def wait_until_ready(self, wake: Callable[[], object]) -> Wait:
        """Wait for the first snapshot."""
        wait = Wait("", None, wake)
        self._begin(wait)
        return wait

    def wait_for(self, answer: Answer | str, wake: Callable[[], object]) -> Wait:
        """Wait until the state includes a position."""
        if isinstance(answer, str):
            wait = Wait(answer, None, wake)
        else:
            wait = Wait(answer.token, self._own_commit(answer), wake)
        self._begin(wait)
        return wait

    def ask_server(self, wait: Wait) -> None:
        """Wait for a bookmark where a commit has not come in time."""
        if wait in self._until_commit:
            self._until_commit.remove(wait)
            self._wait_for_bookmark(wait)

    def abandon(self, wait: Wait) -> None:
        """Forget a wait that nobody waits for."""
        for waits in (self._until_ready, self._until_commit, *self._until_bookmark.values()):
            if wait in waits:
                waits.remove(wait)

    def next_position(self) -> str | None:
        """Return the position that the watch is to be reopened for now, if any."""
        while self._asked_for is None and self._until_bookmark and not self.is_stale:
            token, waits = next(iter(self._until_bookmark.items()))
            if waits:
                self._asked_for = token
                return token
            del self._until_bookmark[token]
        return None

    def listen(self, wake: Callable[[], object]) -> Listener:
        """Note for a listener what changes from now on."""
        listener = Listener(wake)
        self._listeners.append(listener)
        return listener

    def unlisten(self, listener: Listener) -> None:
        """Note nothing more for a listener."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    # How the state changes.

    def _apply_page(self, page: WatchSnapshot) -> None:
        for room in page.rooms:
            self._put_room(room)
        for definition in page.definitions:
            self._put_definition(definition.room_jid, definition.definition)
        for document in page.users:
            self._put_document(document)
        if page.complete:
            self._complete()

    def _apply_commits(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            self._apply_commit(commit)
        self._end_commit_waits()
        for commit in commits:
            if commit.room_deleted and commit.room_jid not in self._rooms:
                # Most deleted rooms are gone for good.
                self._revisions.pop(commit.room_jid, None)

    def _apply_commit(self, commit: Commit) -> None:
        room_jid = commit.room_jid
        self._see_revision(room_jid, commit.revision)
        if commit.room_deleted and room_jid in self._rooms:
            for key in list(self._rooms[room_jid].keys(room_jid)):
                self._drop(key)
        if commit.HasField("room"):
            self._put_room(commit.room)
        for definition in commit.definitions:
            self._put_definition(room_jid, definition)
        for hat_id in commit.removed_definitions:
            self._drop(_Key(room_jid, hat_id=hat_id))
        for user in commit.users:
            self._put_document(user.user_hats)

    def _put_room(self, record: Room) -> None:
        room = self._hold(_Key(record.room_jid), record.revision)
        if room.record != record:
            room.record = _copy(record)
            self._tell(Change(record.room_jid))

    def _put_definition(self, room_jid: str, definition: HatDefinition) -> None:
        room = self._hold(_Key(room_jid, hat_id=definition.hat_id), definition.revision)
        if room.definitions.get(definition.hat_id) != definition:
            room.definitions[definition.hat_id] = _copy(definition)
            self._tell(Change(room_jid))

    def _put_document(self, document: UserHats) -> None:
        key = _Key(document.room_jid, user_jid=document.user_jid)
        if not document.hats:
            self._drop(key)
            self._see_revision(document.room_jid, document.revision)
            return
        room = self._hold(key, document.revision)
        if room.documents.get(document.user_jid) != document:
            room.documents[document.user_jid] = _copy(document)
            self._tell(Change(document.room_jid, document.user_jid))

    def _hold(self, key: _Key, revision: int) -> _RoomState:
        """Return the room that a record which has arrived is in."""
        self._see_revision(key.room_jid, revision)
        if self._arrived is not None:
            self._arrived.add(key)
        return self._rooms.setdefault(key.room_jid, _RoomState())

    def _drop(self, key: _Key) -> None:
        room = self._rooms.get(key.room_jid)
        if room is None:
            return
        if key.hat_id:
            dropped: object = room.definitions.pop(key.hat_id, None)
        elif key.user_jid:
            dropped = room.documents.pop(key.user_jid, None)
        else:
            dropped, room.record = room.record, None
        if room.is_empty():
            del self._rooms[key.room_jid]
        if dropped is not None:
            self._tell(Change(key.room_jid, key.user_jid))

    def _complete(self) -> None:
        """Drop what the snapshot that ends here did not name."""
        if self._arrived is not None:
            held = [key for room_jid, room in self._rooms.items() for key in room.keys(room_jid)]
            for key in held:
                if key not in self._arrived:
                    self._drop(key)
            self._arrived = None
        self._is_behind = False
        self.is_ready = True
        waits = self._until_ready.copy()
        self._until_ready.clear()
        for wait in waits:
            self._begin(wait)

    def _see_revision(self, room_jid: str, revision: int) -> None:
        if revision > self._revisions.get(room_jid, 0):
            self._revisions[room_jid] = revision

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener.add(change)

    # How waits go on.

    def _begin(self, wait: Wait) -> None:
        if self._error is not None:
            wait.end(self._error)
        elif not self.is_ready:
            self._until_ready.append(wait)
        elif wait.token == "":
            wait.end()
        elif wait.commit is None or self._is_behind:
            self._wait_for_bookmark(wait)
        elif self._has_seen(wait.commit):
            wait.end()
        else:
            self._until_commit.append(wait)

    def _wait_for_bookmark(self, wait: Wait) -> None:
        self._until_bookmark.setdefault(wait.token, []).append(wait)

    def _end_commit_waits(self) -> None:
        for wait in self._until_commit.copy():
            if wait.commit is not None and self._has_seen(wait.commit):
                self._until_commit.remove(wait)
                wait.end()

    def _end_bookmark_waits(self, error: HatdError | None) -> None:
        if self._asked_for is None:
            return
        waits = self._until_bookmark.pop(self._asked_for, [])
        self._asked_for = None
        for wait in waits:
            wait.end(error)

    def _has_seen(self, commit: _Commit) -> bool:
        return self._revisions.get(commit.room_jid, 0) >= commit.revision

    def _own_commit(self, answer: Answer) -> _Commit | None:
        """Return the commit that an answer is sure to be seen with, if there is one."""
        if not isinstance(answer, _DOCUMENT_ANSWERS):
            return None
        document = answer.user_hats
        if not answer.changed or answer.replayed or not document.hats:
            return None
        if not self._selects(document.room_jid, document.user_jid):
            return None
        return _Commit(document.room_jid, answer.revision)

    def _selects(self, room_jid: str, user_jid: str) -> bool:
        return not self._selectors or any(
            selector.room_jid in {"", room_jid}
            and selector.user_jid in {"", user_jid}
            and selector.room_domain in {"", room_jid.partition("@")[2]}
            for selector in self._selectors
        )


def _displayed(
    hat_id: str,
    attachment: Attachment,
    definition: HatDefinition | None,
    policy: HatPolicy.ValueType | None,
    language: str | None,
) -> DisplayedHat:
    titles = [attachment.title, _title(definition, language) if definition is not None else ""]
    if policy == HAT_POLICY_DEFINED_ONLY:
        titles.reverse()
    return DisplayedHat(
        hat_id=hat_id,
        title=titles[0] or titles[1] or hat_id,
        hue=definition.hue if definition is not None and definition.HasField("hue") else None,
        attachment=_copy(attachment),
        definition=_copy(definition) if definition is not None else None,
    )


def _title(definition: HatDefinition, language: str | None) -> str:
    """Return a definition's title in a language, or else the title that it has for all."""
    titles = {tag.lower(): definition.titles[tag] for tag in sorted(definition.titles)}
    for tag in _lookup(language or ""):
        if titles.get(tag):
            return titles[tag]
    return definition.title


def _lookup(language: str) -> Iterable[str]:
    """Yield the tags that serve for a language, best first (RFC 4647, section 3.4)."""
    subtags = language.lower().split("-")
    while subtags and subtags[0]:
        yield "-".join(subtags)
        subtags.pop()
        # A single letter only introduces what came after it.
        while subtags and len(subtags[-1]) == 1:
            subtags.pop()


def _place(hat: DisplayedHat) -> tuple[bool, int, bytes]:
    """Return where a hat stands among others."""
    position = hat.definition.position if hat.definition is not None else 0
    return (hat.definition is None, position, hat.hat_id.encode())


def _copy(message: _Message) -> _Message:
    """Copy a message, which then keeps no larger one that it was part of in memory."""
    copied = type(message)()
    copied.CopyFrom(message)
    return copied
