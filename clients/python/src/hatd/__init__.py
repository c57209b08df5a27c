"""The Python client of hatd, the service that keeps the hats people wear in chat rooms.

`connect` returns a client that blocks, for threads; `hatd.aio.connect` one for asyncio, with the
same words. Both have a method for each RPC, which takes the request of the contract (`hatd.v1`) and
returns its response; `watch` gives a state and then every change to it; `mirror` keeps a state
current in memory. Every error is a `HatdError`. Durations are in seconds.
"""

from grpc import StatusCode

from hatd import aio, errors, events, v1
from hatd._core.target import Tls
from hatd._sync.cancellation import Cancellation
from hatd._sync.client import Client, connect
from hatd._sync.keys import ApiKey
from hatd._sync.mirror import Mirror, MirrorChanges
from hatd._sync.watch import Watch
from hatd._version import __version__
from hatd.errors import (
    Closed,
    DeadlineExceeded,
    DiskFull,
    EtagMismatch,
    FieldViolation,
    HatdError,
    HatNotDefined,
    HatNotFound,
    HatNotSelfAssignable,
    HatRequired,
    InvalidField,
    InvalidHatId,
    InvalidPageToken,
    InvalidRoomJid,
    InvalidTarget,
    InvalidTitle,
    InvalidToken,
    InvalidUserJid,
    MessageTooLarge,
    Overloaded,
    PreconditionFailed,
    RequestIdReused,
    Resource,
    ResumeTokenExpired,
    RoomNotFound,
    ScopeDenied,
    ShuttingDown,
    StoreCorrupt,
    StoreMismatch,
    StoreUnavailable,
    SyncWouldRemove,
    TokenNotReached,
    TooManyDefinitions,
    TooManyHats,
    TooManyWatches,
    Unauthenticated,
    UserNotAffiliated,
    WatchEnded,
)
from hatd.events import Bookmark, Changes, Counters, Event, Reset, Snapshot
from hatd.options import Start, domain, room, user, user_in_room
from hatd.state import Change, DisplayedHat

__all__ = [
    "ApiKey",
    "Bookmark",
    "Cancellation",
    "Change",
    "Changes",
    "Client",
    "Closed",
    "Counters",
    "DeadlineExceeded",
    "DiskFull",
    "DisplayedHat",
    "EtagMismatch",
    "Event",
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
    "Mirror",
    "MirrorChanges",
    "Overloaded",
    "PreconditionFailed",
    "RequestIdReused",
    "Reset",
    "Resource",
    "ResumeTokenExpired",
    "RoomNotFound",
    "ScopeDenied",
    "ShuttingDown",
    "Snapshot",
    "Start",
    "StatusCode",
    "StoreCorrupt",
    "StoreMismatch",
    "StoreUnavailable",
    "SyncWouldRemove",
    "Tls",
    "TokenNotReached",
    "TooManyDefinitions",
    "TooManyHats",
    "TooManyWatches",
    "Unauthenticated",
    "UserNotAffiliated",
    "Watch",
    "WatchEnded",
    "__version__",
    "aio",
    "connect",
    "domain",
    "errors",
    "events",
    "room",
    "user",
    "user_in_room",
    "v1",
]
