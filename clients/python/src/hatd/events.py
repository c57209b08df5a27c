"""What a watch gives, and what happens to it."""

from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from hatd.errors import HatdError
from hatd.v1.hat_service_pb2 import Commit, GoAwayReason, ResetReason, WatchSnapshot

__all__ = [
    "Bookmark",
    "Cause",
    "ChainBroken",
    "Changes",
    "Connected",
    "Counters",
    "Disconnected",
    "Ended",
    "Event",
    "Failed",
    "GoAway",
    "Lifecycle",
    "Reset",
    "RevisionNotRising",
    "Silent",
    "Snapshot",
    "UnknownEvent",
]


@dataclass(frozen=True, slots=True)
class Reset:
    """A snapshot follows: what is held and not in it, up to its last page, is gone.

    What is held meanwhile is old, not wrong.
    """

    reason: ResetReason.ValueType
    """Why."""
    token: str = ""
    """Empty: a snapshot that is cut starts again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page of the state. The last one is `page.complete`."""

    page: WatchSnapshot
    """The page."""
    token: str
    """Where a watch may resume. Empty unless the page is the last."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes, in order. They may be none, while the watch catches up.

    Between a reset and the last page of its snapshot they bring documents up to date, and are not
    news.
    """

    commits: tuple[Commit, ...]
    """The commits, each with the whole new documents."""
    token: str
    """Where a watch may resume. Empty within a snapshot."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """There was nothing more to send."""

    server_time: Timestamp
    """The server's clock."""
    token: str
    """Where a watch may resume."""


Event = Reset | Snapshot | Changes | Bookmark
"""A step of a watch.

Each takes the program from the state that the tokens before it name to the state that its own token
names. Tokens are opaque: keep the last one and hand it back, never compare two.
"""


@dataclass(frozen=True, slots=True)
class GoAway:
    """The server said that it would end the stream."""

    reason: GoAwayReason.ValueType
    """Why."""
    retry_after: float | None
    """How long the server asks to wait, in seconds."""

    def __str__(self) -> str:
        """Say it for people."""
        if self.reason == GoAwayReason.GO_AWAY_REASON_SHUTDOWN:
            return "the server is shutting down"
        return "the stream was old"


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream ended without a word."""

    def __str__(self) -> str:
        """Say it for people."""
        return "the stream ended"


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream could not be opened, or broke, or the server ended it with an error."""

    error: HatdError
    """The error."""

    def __str__(self) -> str:
        """Say it for people."""
        return str(self.error)


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing came for too long."""

    duration: float
    """How long, in seconds."""

    def __str__(self) -> str:
        """Say it for people."""
        return f"the server was silent for {self.duration:g} s"


@dataclass(frozen=True, slots=True)
class ChainBroken:
    """A response does not follow the one before it: something was lost on the way.

    The watch starts again with a snapshot.
    """

    def __str__(self) -> str:
        """Say it for people."""
        return "the chain of tokens is broken"


@dataclass(frozen=True, slots=True)
class RevisionNotRising:
    """A revision of a room does not rise. The watch starts again with a snapshot."""

    room_jid: str
    """The room."""

    def __str__(self) -> str:
        """Say it for people."""
        return f"a revision of {self.room_jid} does not rise"


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A response holds no event that this version of the client knows."""

    def __str__(self) -> str:
        """Say it for people."""
        return "a response holds no known event"


Cause = GoAway | Ended | Failed | Silent | ChainBroken | RevisionNotRising | UnknownEvent
"""Why a stream under a watch ended. `str()` says it for people."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The server has answered on a new stream."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream ended; the watch goes on by itself."""

    cause: Cause
    """Why."""
    retry_in: float
    """How long the watch waits before it connects again, in seconds."""


Lifecycle = Connected | Disconnected
"""What happens to the stream under a watch."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What a watch has been through."""

    reconnects: int = 0
    """How often the stream ended, or could not be opened, and the watch went on."""
    resets: int = 0
    """How many resets came, that of an initial snapshot included."""
    chain_breaks: int = 0
    """How often something was found to be lost, and the watch started again with a snapshot."""
