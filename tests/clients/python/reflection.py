"""Keeps hats by reflection alone, as grpcurl does: no generated code, no copy of the contract.

Usage: reflection.py ADDRESS
"""

import sys
from collections.abc import Generator
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

ROOM = "lounge@conference.localhost"
USER = "mikael@localhost"
TEACHER = "http://example.com/hats/teacher"

# Longest wait for an answer, in seconds: far more than any takes, so that a server that says
# nothing fails the test instead of stopping it.
TIMEOUT_S = 60

Json = dict[str, Any]


class Reflection:
    """A server of which nothing but its address is known beforehand."""

    def __init__(self, channel: grpc.Channel) -> None:
        """Ask and call over the channel."""
        self._channel = channel
        self._database = ProtoReflectionDescriptorDatabase(channel)
        self._pool = DescriptorPool(self._database)

    def services(self) -> set[str]:
        """Ask which services there are."""
        return set(self._database.get_services())

    def call(self, method: str, **request: object) -> Json:
        """Make a call that is answered once."""
        (answer,) = self.stream(method, **request)
        return answer

    def stream(self, method: str, **request: object) -> Generator[Json, None, None]:
        """Make a call, `package.Service.Method`, and take its answers one by one."""
        descriptor = self._pool.FindMethodByName(method)
        # On the wire a call that is answered once is a stream of one answer.
        call = self._channel.unary_stream(
            f"/{descriptor.containing_service.full_name}/{descriptor.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )
        message = json_format.ParseDict(request, GetMessageClass(descriptor.input_type)())
        for answer in call(message, timeout=TIMEOUT_S):
            yield self._json(answer)

    def refusal(self, method: str, **request: object) -> Json:
        """Make a call that must fail, and read its error."""
        try:
            answer = self.call(method, **request)
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]
            status = GetMessageClass(self._pool.FindMessageTypeByName("google.rpc.Status"))
            return self._json(status.FromString(details))
        message = f"the call was not refused but answered: {answer}"
        raise AssertionError(message)

    def _json(self, message: Message) -> Json:
        return json_format.MessageToDict(message, descriptor_pool=self._pool)


def find_services(server: Reflection) -> None:
    """Find the three services, and the standard one for health."""
    ours = {"hatd.v1.HatService", "hatd.v1.RoomService", "hatd.v1.WardrobeService"}
    assert server.services() >= ours | {"grpc.health.v1.Health"}, server.services()
    health = server.call("grpc.health.v1.Health.Check", service="hatd.v1.HatService")
    assert health == {"status": "SERVING"}, health


def write_and_read(server: Reflection) -> None:
    """Make the room and its member, put a hat on, and find it."""
    server.call("hatd.v1.RoomService.PutRoom", room_jid=ROOM)
    server.call(
        "hatd.v1.RoomService.SetAffiliation",
        room_jid=ROOM,
        user_jid=USER,
        affiliation="AFFILIATION_MEMBER",
    )
    added = server.call(
        "hatd.v1.HatService.AddUserHat",
        room_jid=ROOM,
        user_jid=USER,
        hat_id=TEACHER,
        attachment={"active": True},
    )
    document = added["userHats"]
    assert document["hats"][TEACHER]["active"]
    read = server.call("hatd.v1.HatService.GetUserHats", room_jid=ROOM, user_jid=USER)
    assert read["userHats"] == document
    listed = server.call("hatd.v1.HatService.ListRoomHats", room_jid=ROOM)
    assert listed["users"] == [document]


def branch_on_reasons(server: Reflection) -> None:
    """Understand the details of an error."""
    status = server.refusal(
        "hatd.v1.HatService.AddUserHat", room_jid=ROOM, user_jid=USER, hat_id="not a URI"
    )
    assert status["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    details = {detail["@type"].rpartition("/")[2]: detail for detail in status["details"]}
    info = details["google.rpc.ErrorInfo"]
    assert (info["domain"], info["reason"]) == ("hatd.v1", "INVALID_HAT_ID")
    violations = details["google.rpc.BadRequest"]["fieldViolations"]
    assert [violation["field"] for violation in violations] == ["hat_id"]


def watch_changes(server: Reflection) -> None:
    """Pass over the state of the room, and see a change to it."""
    watch = server.stream("hatd.v1.HatService.WatchHats", selectors=[{"room_jid": ROOM}])
    assert next(watch)["reset"] == {"reason": "RESET_REASON_INITIAL"}
    page = next(watch)["snapshot"]
    while not page.get("complete"):
        page = next(watch)["snapshot"]
    assert "bookmark" in next(watch)

    removed = server.call(
        "hatd.v1.HatService.RemoveUserHat", room_jid=ROOM, user_jid=USER, hat_id=TEACHER
    )
    (commit,) = next(watch)["changes"]["commits"]
    assert commit["revision"] == removed["revision"]
    (user,) = commit["users"]
    assert user["userHats"] == removed["userHats"]
    (change,) = user["changes"]
    assert (change["hatId"], change["type"]) == (TEACHER, "CHANGE_TYPE_REMOVED")
    watch.close()


def main(address: str) -> None:
    """Do all of it against the server at the address."""
    # No proxy of the environment stands between two programs on one machine.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        server = Reflection(channel)
        find_services(server)
        write_and_read(server)
        branch_on_reasons(server)
        watch_changes(server)


if __name__ == "__main__":
    main(*sys.argv[1:])
