import pickle

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

import hatd
from hatd import HatdError, errors
from hatd._core.status import error_of_status
from hatd.v1 import ErrorReason


def encoded(*details: Message) -> bytes:
    packed = []
    for detail in details:
        packed.append(Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(details=packed).SerializeToString()


def info(reason: str, domain: str = "hatd.v1") -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(
        reason=reason, domain=domain, metadata={"room_jid": "den@conference.localhost"}
    )


def test_every_reason_has_a_type_that_is_exported() -> None:
    for name in ErrorReason.keys():  # noqa: SIM118 - It is no mapping.
        reason = name.removeprefix("ERROR_REASON_")
        if reason == "UNSPECIFIED":
            continue
        error = error_of_status(StatusCode.UNKNOWN, "no", encoded(info(reason)))
        expected = reason.title().replace("_", "")
        assert type(error).__name__ == expected
        assert getattr(hatd, expected) is type(error)
        assert expected in errors.__all__
        assert expected in hatd.__all__


def test_an_error_has_all_that_the_status_carries() -> None:
    details = encoded(
        info("ROOM_NOT_FOUND"),
        error_details_pb2.ResourceInfo(resource_type="room", resource_name="den"),
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field="room_jid", description="gone")
            ]
        ),
        error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
    )
    error = error_of_status(StatusCode.NOT_FOUND, "no such room", details, "id")
    assert isinstance(error, errors.RoomNotFound)
    assert str(error) == error.message == "no such room"
    assert error.code is StatusCode.NOT_FOUND
    assert error.reason == "ROOM_NOT_FOUND"
    assert error.metadata == {"room_jid": "den@conference.localhost"}
    assert error.request_id == "id"
    assert error.violations == (errors.FieldViolation("room_jid", "gone"),)
    assert error.resource == errors.Resource("room", "den")
    assert error.retry_delay == 1.5


def test_an_unknown_reason_is_the_base_type_and_keeps_its_name() -> None:
    error = error_of_status(StatusCode.ABORTED, "no", encoded(info("ROOM_ON_FIRE")))
    assert type(error) is HatdError
    assert error.reason == "ROOM_ON_FIRE"


def test_a_reason_of_another_domain_is_not_ours() -> None:
    other = info("ROOM_NOT_FOUND", "example.org")
    error = error_of_status(StatusCode.ABORTED, "no", encoded(other))
    assert type(error) is HatdError
    assert (error.reason, error.metadata) == ("", {})
    both = error_of_status(StatusCode.ABORTED, "no", encoded(info("ETAG_MISMATCH"), other))
    assert type(both) is errors.EtagMismatch


def test_details_that_are_no_details_do_no_harm() -> None:
    broken = Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")
    for details in (b"\xff", status_pb2.Status(details=[broken]).SerializeToString()):
        error = error_of_status(StatusCode.INTERNAL, "", details)
        assert type(error) is HatdError
        assert error.message == "internal"


def test_a_passed_deadline_is_a_timeout() -> None:
    error = error_of_status(StatusCode.DEADLINE_EXCEEDED, "late", b"")
    assert isinstance(error, TimeoutError)


def test_an_error_survives_another_process() -> None:
    error = error_of_status(StatusCode.NOT_FOUND, "no", encoded(info("ROOM_NOT_FOUND")), "id")
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - It is our own.
    assert type(copied) is errors.RoomNotFound
    assert vars(copied) == vars(error)
