"""From the status that gRPC gives to the error that is raised."""

from collections.abc import Iterable, Sequence
from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from hatd import errors
from hatd.errors import FieldViolation, HatdError, Resource

# The domain of hatd's `google.rpc.ErrorInfo`: reasons of another domain are not hatd's.
_DOMAIN = "hatd.v1"

# Where a status carries its details, an encoded `google.rpc.Status` (gRPC over HTTP/2, Responses).
_DETAILS_KEY = "grpc-status-details-bin"

# The types, by the reason of the contract.
_TYPES: dict[str, type[HatdError]] = {
    "ROOM_NOT_FOUND": errors.RoomNotFound,
    "USER_NOT_AFFILIATED": errors.UserNotAffiliated,
    "HAT_NOT_DEFINED": errors.HatNotDefined,
    "HAT_NOT_FOUND": errors.HatNotFound,
    "INVALID_ROOM_JID": errors.InvalidRoomJid,
    "INVALID_USER_JID": errors.InvalidUserJid,
    "INVALID_HAT_ID": errors.InvalidHatId,
    "INVALID_TITLE": errors.InvalidTitle,
    "INVALID_FIELD": errors.InvalidField,
    "INVALID_PAGE_TOKEN": errors.InvalidPageToken,
    "INVALID_TOKEN": errors.InvalidToken,
    "REQUEST_ID_REUSED": errors.RequestIdReused,
    "HAT_REQUIRED": errors.HatRequired,
    "HAT_NOT_SELF_ASSIGNABLE": errors.HatNotSelfAssignable,
    "PRECONDITION_FAILED": errors.PreconditionFailed,
    "SYNC_WOULD_REMOVE": errors.SyncWouldRemove,
    "STORE_MISMATCH": errors.StoreMismatch,
    "ETAG_MISMATCH": errors.EtagMismatch,
    "RESUME_TOKEN_EXPIRED": errors.ResumeTokenExpired,
    "TOO_MANY_HATS": errors.TooManyHats,
    "TOO_MANY_DEFINITIONS": errors.TooManyDefinitions,
    "TOO_MANY_WATCHES": errors.TooManyWatches,
    "MESSAGE_TOO_LARGE": errors.MessageTooLarge,
    "OVERLOADED": errors.Overloaded,
    "DISK_FULL": errors.DiskFull,
    "UNAUTHENTICATED": errors.Unauthenticated,
    "SCOPE_DENIED": errors.ScopeDenied,
    "SHUTTING_DOWN": errors.ShuttingDown,
    "STORE_UNAVAILABLE": errors.StoreUnavailable,
    "TOKEN_NOT_REACHED": errors.TokenNotReached,
    "STORE_CORRUPT": errors.StoreCorrupt,
}


def error_of(raised: grpc.RpcError, request_id: str = "") -> HatdError:
    """Make the error of what a stub raised, synchronous or not.

    `request_id` is that of the write that failed; empty for what is no write.
    """
    # The two kinds of stubs have trailers of two types, of which both are pairs.
    trailers = cast("Iterable[tuple[str, bytes]]", raised.trailing_metadata() or ())
    details = next((value for key, value in trailers if key == _DETAILS_KEY), b"")
    return error_of_status(raised.code(), raised.details() or "", details, request_id)


def error_of_status(
    code: grpc.StatusCode, message: str, encoded_details: bytes, request_id: str = ""
) -> HatdError:
    """Make the error of a status."""
    info = error_details_pb2.ErrorInfo()
    violations: list[FieldViolation] = []
    resource: Resource | None = None
    retry_delay: float | None = None
    for detail in _details(encoded_details):
        try:
            if detail.Unpack(any_info := error_details_pb2.ErrorInfo()):
                info = any_info if any_info.domain == _DOMAIN else info
            elif detail.Unpack(bad_request := error_details_pb2.BadRequest()):
                violations += (
                    FieldViolation(violation.field, violation.description)
                    for violation in bad_request.field_violations
                )
            elif detail.Unpack(resource_info := error_details_pb2.ResourceInfo()):
                resource = Resource(resource_info.resource_type, resource_info.resource_name)
            elif detail.Unpack(retry_info := error_details_pb2.RetryInfo()):
                retry_delay = seconds(retry_info.retry_delay)
        except DecodeError:
            continue

    kind: type[HatdError] = HatdError
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        kind = errors.DeadlineExceeded
    return _TYPES.get(info.reason, kind)(
        message or code.value[1],
        code=code,
        reason=info.reason,
        metadata=info.metadata,
        request_id=request_id,
        violations=violations,
        resource=resource,
        retry_delay=retry_delay,
    )


def undecodable() -> HatdError:
    """Make the error of a response that is not of the contract."""
    return HatdError("the response can't be decoded", code=grpc.StatusCode.INTERNAL)


def cancelled() -> HatdError:
    """Make the error of what the caller cancelled."""
    return HatdError("cancelled by the caller", code=grpc.StatusCode.CANCELLED)


def closed(what: str) -> errors.Closed:
    """Make the error of what was closed, or is used after that."""
    return errors.Closed(f"the {what} is closed", code=grpc.StatusCode.CANCELLED)


def timed_out(what: str, timeout: float) -> errors.DeadlineExceeded:
    """Make the error of a wait that took longer than its caller would wait."""
    return errors.DeadlineExceeded(
        f"{what} within {timeout:g} s", code=grpc.StatusCode.DEADLINE_EXCEEDED
    )


def seconds(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def _details(encoded: bytes) -> Sequence[Any]:
    """Decode the details of a status. What can't be decoded is none: the code still says enough."""
    try:
        return status_pb2.Status.FromString(encoded).details
    except DecodeError:
        return ()
