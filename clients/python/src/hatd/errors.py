"""Why a call failed.

Every error of this package is a `HatdError`. Those with a reason of the contract have a type of
their own, named after the reason; a reason that this version does not know comes as the base type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import grpc

__all__ = [
    "Closed",
    "DeadlineExceeded",
    "DiskFull",
    "EtagMismatch",
    "FieldViolation",
    "HatNotDefined",
    "HatNotFound",
    "HatNotSelfAssignable",
    "HatRequired",
    "HatdError",
    "InvalidField",
    "InvalidHatId",
    "InvalidPageToken",
    "InvalidRoomJid",
    "InvalidTarget",
    "InvalidTitle",
    "InvalidToken",
    "InvalidUserJid",
    "MessageTooLarge",
    "Overloaded",
    "PreconditionFailed",
    "RequestIdReused",
    "Resource",
    "ResumeTokenExpired",
    "RoomNotFound",
    "ScopeDenied",
    "ShuttingDown",
    "StoreCorrupt",
    "StoreMismatch",
    "StoreUnavailable",
    "SyncWouldRemove",
    "TokenNotReached",
    "TooManyDefinitions",
    "TooManyHats",
    "TooManyWatches",
    "Unauthenticated",
    "UserNotAffiliated",
    "WatchEnded",
]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that is wrong."""

    field: str
    """The path of the field, such as `operations[3].add.hat_id`."""
    description: str
    """What is wrong with it, for people."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What was not found."""

    kind: str
    """What kind of thing it is."""
    name: str
    """Its name."""


class HatdError(Exception):
    """A call or a watch failed.

    Branch on the type, or on `code` where any reason of that code will do. The text is for people
    and may change.
    """

    code: grpc.StatusCode
    """The gRPC code. What never reached the server has the code that gRPC gives it."""
    reason: str
    """hatd's reason as it came, such as `ROOM_NOT_FOUND`. Empty: none was given."""
    message: str
    """What happened, for people."""
    metadata: dict[str, str]
    """What the reason is about; its type names the keys."""
    request_id: str
    """The request id of the write that failed. Empty: it was no write.

    A write that failed with UNAVAILABLE or DEADLINE_EXCEEDED may have been done all the same: do it
    again with this id to find out.
    """
    violations: tuple[FieldViolation, ...]
    """The fields of the request that are wrong."""
    resource: Resource | None
    """What was not found."""
    retry_delay: float | None
    """How long the server asks to wait before trying again, in seconds."""

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        violations: Iterable[FieldViolation] = (),
        resource: Resource | None = None,
        retry_delay: float | None = None,
    ) -> None:
        """Make the error; programs that use the client need this in their tests only."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.request_id = request_id
        self.violations = tuple(violations)
        self.resource = resource
        self.retry_delay = retry_delay


class InvalidTarget(HatdError):
    """INVALID_ARGUMENT, from `connect`: it can't connect to such an address, or not safely."""


class DeadlineExceeded(HatdError, TimeoutError):
    """DEADLINE_EXCEEDED: no answer came in time.

    A write may have been done all the same. What the server last said to an attempt that failed
    before then, if there was one, is the `__cause__`.
    """


class Closed(HatdError):
    """CANCELLED: the client, the watch or the mirror was closed meanwhile, or had been before."""


class WatchEnded(HatdError):
    """FAILED_PRECONDITION: the watch ended for good earlier, with an error that was raised then."""


class RoomNotFound(HatdError):
    """NOT_FOUND: no such room. Metadata: `room_jid`."""


class UserNotAffiliated(HatdError):
    """NOT_FOUND: the user can have no hats in the room.

    The user is an outcast or, in a room for the affiliated, has neither an affiliation nor hats
    left. Metadata: `room_jid`, `user_jid`.
    """


class HatNotDefined(HatdError):
    """NOT_FOUND: the room's catalogue lacks the hat, and the call needs it there.

    Metadata: `room_jid`, `hat_id`.
    """


class HatNotFound(HatdError):
    """NOT_FOUND: the user does not have the hat. Metadata: `room_jid`, `user_jid`, `hat_id`."""


class InvalidRoomJid(HatdError):
    """INVALID_ARGUMENT: not the bare JID of a room. Metadata: `field`."""


class InvalidUserJid(HatdError):
    """INVALID_ARGUMENT: not the bare JID of a user. Metadata: `field`."""


class InvalidHatId(HatdError):
    """INVALID_ARGUMENT: not an absolute URI, or too long. Metadata: `field`."""


class InvalidTitle(HatdError):
    """INVALID_ARGUMENT: a title is too long or can't be displayed safely. Metadata: `field`."""


class InvalidField(HatdError):
    """INVALID_ARGUMENT: another field is missing, out of range, or beyond a limit.

    Metadata: `field`.
    """


class InvalidPageToken(HatdError):
    """INVALID_ARGUMENT: not a page token of this list. Metadata: `field`."""


class InvalidToken(HatdError):
    """INVALID_ARGUMENT: not a token, damaged, or of a watch with other selectors.

    Metadata: `field`.
    """


class RequestIdReused(HatdError):
    """INVALID_ARGUMENT: the request id was used for another request.

    Metadata: `field`, `request_id`.
    """


class HatRequired(HatdError):
    """FAILED_PRECONDITION: the hat is required: its user can neither doff nor discard it.

    Metadata: `room_jid`, `user_jid`, `hat_id`.
    """


class HatNotSelfAssignable(HatdError):
    """FAILED_PRECONDITION: the hat's definition does not let users claim it.

    Metadata: `room_jid`, `hat_id`.
    """


class PreconditionFailed(HatdError):
    """FAILED_PRECONDITION: a precondition of UpdateRoomHats does not hold.

    Metadata: `precondition_index`, `room_jid`, `user_jid`.
    """


class SyncWouldRemove(HatdError):
    """FAILED_PRECONDITION: the sync would remove more hats than it allows.

    Metadata: `removed_hats`, `max_removed_hats`.
    """


class StoreMismatch(HatdError):
    """FAILED_PRECONDITION: the token is of another store, or of another history of this one.

    Metadata: `field`.
    """


class EtagMismatch(HatdError):
    """ABORTED: the record has changed since the etag was read.

    Metadata: `etag`, the present one.
    """


class ResumeTokenExpired(HatdError):
    """OUT_OF_RANGE: the position to resume from is no longer kept, and the watch asked to fail."""


class TooManyHats(HatdError):
    """RESOURCE_EXHAUSTED: the user would have too many hats in the room, or too many bytes of them.

    Metadata: `room_jid`, `user_jid`, `limit`, `unit`.
    """


class TooManyDefinitions(HatdError):
    """RESOURCE_EXHAUSTED: the room would have too many definitions.

    Metadata: `room_jid`, `limit`.
    """


class TooManyWatches(HatdError):
    """RESOURCE_EXHAUSTED: too many watches are open. Metadata: `limit`."""


class MessageTooLarge(HatdError):
    """RESOURCE_EXHAUSTED: the request is too large. Metadata: `limit`, in bytes."""


class Overloaded(HatdError):
    """RESOURCE_EXHAUSTED: more calls are waiting than the server takes."""


class DiskFull(HatdError):
    """RESOURCE_EXHAUSTED: too little space on the server's disk to write."""


class Unauthenticated(HatdError):
    """UNAUTHENTICATED: no valid credential."""


class ScopeDenied(HatdError):
    """PERMISSION_DENIED: the caller may not do this."""


class ShuttingDown(HatdError):
    """UNAVAILABLE: the server is shutting down."""


class StoreUnavailable(HatdError):
    """UNAVAILABLE: the store can't be read, or takes no writes."""


class TokenNotReached(HatdError):
    """UNAVAILABLE: the server is still behind `at_least_token`. Metadata: `field`."""


class StoreCorrupt(HatdError):
    """DATA_LOSS: what is on the server's disk is damaged."""
