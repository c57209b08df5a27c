"""Keeps hats with code generated from the contract, as any Python program would.

Usage: program.py ADDRESS, with the generated code on PYTHONPATH.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hatd.v1 import (
    errors_pb2,
    hat_service_pb2,
    hat_service_pb2_grpc,
    room_service_pb2,
    room_service_pb2_grpc,
    types_pb2,
)

ROOM = "lounge@conference.localhost"
USER = "mikael@localhost"
OTHER_USER = "zoe@localhost"
STRANGER = "stranger@localhost"
TEACHER = "http://example.com/hats/teacher"
HOST = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607"

# Longest wait for an answer, in seconds: far more than any takes, so that a server that says
# nothing fails the test instead of stopping it.
TIMEOUT_S = 60

# How long after the answer to a write a watch may still be silent about it, in seconds.
WATCH_DELAY_S_MAX = 1


class Hatd:
    """The calls that this program makes."""

    def __init__(self, channel: grpc.Channel) -> None:
        """Call over the channel."""
        self._hats = hat_service_pb2_grpc.HatServiceStub(channel)
        self._rooms = room_service_pb2_grpc.RoomServiceStub(channel)

    def put_room(self) -> room_service_pb2.PutRoomResponse:
        """Create the room, unless it is there."""
        request = room_service_pb2.PutRoomRequest(room_jid=ROOM)
        return self._rooms.PutRoom(request, timeout=TIMEOUT_S)

    def set_member(self, user_jid: str) -> room_service_pb2.SetAffiliationResponse:
        """Make a user a member of the room."""
        request = room_service_pb2.SetAffiliationRequest(
            room_jid=ROOM, user_jid=user_jid, affiliation=types_pb2.AFFILIATION_MEMBER
        )
        return self._rooms.SetAffiliation(request, timeout=TIMEOUT_S)

    def add_hat(
        self, hat_id: str, *, room_jid: str = ROOM, user_jid: str = USER, etag: str = ""
    ) -> hat_service_pb2.AddUserHatResponse:
        """Put a hat on a user."""
        request = hat_service_pb2.AddUserHatRequest(
            room_jid=room_jid,
            user_jid=user_jid,
            hat_id=hat_id,
            attachment=types_pb2.Attachment(active=True, title="Awesome"),
            etag=etag,
        )
        return self._hats.AddUserHat(request, timeout=TIMEOUT_S)

    def remove_hat(self, hat_id: str, *, etag: str = "") -> hat_service_pb2.RemoveUserHatResponse:
        """Take a hat from the user."""
        request = hat_service_pb2.RemoveUserHatRequest(
            room_jid=ROOM, user_jid=USER, hat_id=hat_id, etag=etag
        )
        return self._hats.RemoveUserHat(request, timeout=TIMEOUT_S)

    def get_hats(self, at_least_token: str) -> types_pb2.UserHats:
        """Read the user's document, the write that answered the token included."""
        request = hat_service_pb2.GetUserHatsRequest(
            room_jid=ROOM, user_jid=USER, at_least_token=at_least_token
        )
        return self._hats.GetUserHats(request, timeout=TIMEOUT_S).user_hats

    def list_hats(self) -> list[types_pb2.UserHats]:
        """Read the documents of the room that have hats, one a page."""
        request = hat_service_pb2.ListRoomHatsRequest(room_jid=ROOM, page_size=1)
        documents: list[types_pb2.UserHats] = []
        while True:
            page = self._hats.ListRoomHats(request, timeout=TIMEOUT_S)
            documents += page.users
            if not page.next_page_token:
                return documents
            request.page_token = page.next_page_token

    def watch(self, resume_token: str = "") -> "Watch":
        """Watch the room: from its state, or on from a token."""
        request = hat_service_pb2.WatchHatsRequest(
            selectors=[hat_service_pb2.WatchSelector(room_jid=ROOM)]
        )
        if resume_token:
            request.resume_token = resume_token
        return Watch(self._hats.WatchHats(request, timeout=TIMEOUT_S), resume_token)


class Watch:
    """A stream of responses, each of which must follow from the one before."""

    def __init__(self, stream: grpc.Call, token: str) -> None:
        """Read the stream, which starts at the token."""
        self._stream = stream
        self.token = token

    def next(self) -> hat_service_pb2.WatchHatsResponse:
        """Take the next response."""
        response = next(self._stream)
        assert response.after == self.token, response
        self.token = response.token
        return response

    def snapshot(self) -> list[types_pb2.UserHats]:
        """Take the state that the watch starts with, and the bookmark that follows it."""
        reset = self.next().reset
        assert reset.reason == hat_service_pb2.RESET_REASON_INITIAL, reset
        documents: list[types_pb2.UserHats] = []
        complete = False
        while not complete:
            page = self.next().snapshot
            documents += page.users
            complete = page.complete
        response = self.next()
        assert response.HasField("bookmark"), response
        return documents

    def next_commit(self) -> hat_service_pb2.Commit:
        """Pass over responses that only move the token, to the next commit."""
        response = self.next()
        while not response.changes.commits:
            assert response.WhichOneof("event") in ("bookmark", "changes"), response
            response = self.next()
        (commit,) = response.changes.commits
        return commit

    def close(self) -> None:
        """End the stream."""
        self._stream.cancel()


@dataclass
class Refusal:
    """What a program branches on when a call fails."""

    code: grpc.StatusCode
    reason: int
    bad_fields: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, error: grpc.RpcError) -> "Refusal":
        """Take the details out of an error."""
        status = rpc_status.from_call(error)
        assert status is not None, error
        info = error_details_pb2.ErrorInfo()
        bad_request = error_details_pb2.BadRequest()
        for detail in status.details:
            _ = detail.Unpack(info) or detail.Unpack(bad_request)
        assert info.domain == "hatd.v1", status
        return cls(
            code=error.code(),
            reason=errors_pb2.ErrorReason.Value(f"ERROR_REASON_{info.reason}"),
            bad_fields=[violation.field for violation in bad_request.field_violations],
            metadata=dict(info.metadata),
        )


def refusal(call: Callable[[], object]) -> Refusal:
    """Make a call that must fail, and say why it did."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return Refusal.of(error)
    message = f"the call was not refused but answered: {answer}"
    raise AssertionError(message)


def put_room_and_users(hatd: Hatd) -> None:
    """Make the room and its members, and make them again to no effect."""
    created = hatd.put_room()
    assert created.changed
    assert created.room.room_jid == ROOM
    assert not hatd.put_room().changed
    for user_jid in (USER, OTHER_USER):
        joined = hatd.set_member(user_jid)
        assert joined.changed
        assert joined.user_hats.affiliation == types_pb2.AFFILIATION_MEMBER


def write_and_read(hatd: Hatd) -> None:
    """Put hats on, and find them in the user's document and in the room's list."""
    added = hatd.add_hat(TEACHER)
    assert added.changed
    assert not hatd.add_hat(TEACHER).changed
    document = hatd.get_hats(added.token)
    assert document == added.user_hats
    assert document.hats[TEACHER].active
    assert document.hats[TEACHER].title == "Awesome"
    assert not document.hats[TEACHER].required

    other = hatd.add_hat(HOST, user_jid=OTHER_USER)
    assert hatd.list_hats() == [document, other.user_hats]


def branch_on_reasons(hatd: Hatd) -> None:
    """Be refused in every way that a program is likely to meet."""
    nowhere = "nowhere@conference.localhost"
    assert refusal(lambda: hatd.add_hat(TEACHER, room_jid=nowhere)) == Refusal(
        grpc.StatusCode.NOT_FOUND, errors_pb2.ERROR_REASON_ROOM_NOT_FOUND
    )
    assert refusal(lambda: hatd.add_hat(TEACHER, user_jid=STRANGER)) == Refusal(
        grpc.StatusCode.NOT_FOUND, errors_pb2.ERROR_REASON_USER_NOT_AFFILIATED
    )
    assert refusal(lambda: hatd.add_hat("not a URI")) == Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, errors_pb2.ERROR_REASON_INVALID_HAT_ID, ["hat_id"]
    )

    stale = hatd.add_hat(TEACHER).user_hats.etag
    hatd.add_hat(HOST)
    mismatch = refusal(lambda: hatd.remove_hat(HOST, etag=stale))
    assert mismatch == Refusal(grpc.StatusCode.ABORTED, errors_pb2.ERROR_REASON_ETAG_MISMATCH)
    assert hatd.remove_hat(HOST, etag=mismatch.metadata["etag"]).changed


def watch_changes(hatd: Hatd) -> None:
    """See a change soon after it is answered, leave, and resume without losing one."""
    watch = hatd.watch()
    assert watch.snapshot() == hatd.list_hats()

    removed = hatd.remove_hat(TEACHER)
    answered = time.monotonic()
    commit = watch.next_commit()
    delay_s = time.monotonic() - answered
    assert delay_s < WATCH_DELAY_S_MAX, f"the watch showed the change after {delay_s} s"
    assert commit.revision == removed.revision
    assert [change.user_hats for change in commit.users] == [removed.user_hats]
    (change,) = commit.users[0].changes
    assert change.hat_id == TEACHER
    assert change.type == hat_service_pb2.CHANGE_TYPE_REMOVED
    watch.close()

    missed = hatd.add_hat(TEACHER)
    resumed = hatd.watch(watch.token)
    assert resumed.next_commit().revision == missed.revision
    resumed.close()
    since_removed = hatd.watch(removed.token)
    assert since_removed.next_commit().revision == missed.revision
    since_removed.close()


def main(address: str) -> None:
    """Do all of it against the server at the address."""
    # No proxy of the environment stands between two programs on one machine.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        hatd = Hatd(channel)
        put_room_and_users(hatd)
        write_and_read(hatd)
        branch_on_reasons(hatd)
        watch_changes(hatd)


if __name__ == "__main__":
    main(*sys.argv[1:])
