"""What to watch, and from where."""

from dataclasses import dataclass
from typing import ClassVar

from hatd.v1.hat_service_pb2 import WatchSelector

__all__ = ["Start", "domain", "room", "user", "user_in_room"]


def room(room_jid: str) -> WatchSelector:
    """Select a room: its record, its catalogue, and its documents."""
    return WatchSelector(room_jid=room_jid)


def user(user_jid: str) -> WatchSelector:
    """Select a user: the user's documents in all rooms, and the deletion of every room."""
    return WatchSelector(user_jid=user_jid)


def user_in_room(room_jid: str, user_jid: str) -> WatchSelector:
    """Select one user's document in a room, with the room's record and catalogue."""
    return WatchSelector(room_jid=room_jid, user_jid=user_jid)


def domain(room_domain: str) -> WatchSelector:
    """Select all rooms of a domain."""
    return WatchSelector(room_domain=room_domain)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a watch starts: `Start.SNAPSHOT`, `Start.NOW`, or `Start.after(token)`."""

    SNAPSHOT: ClassVar["Start"]
    """With the state, then the changes."""
    NOW: ClassVar["Start"]
    """With the next change."""

    token: str | None
    """The token to resume with; None for the other ways to start."""
    now: bool = False
    """Whether to let the state pass."""

    @classmethod
    def after(cls, token: str) -> "Start":
        """Start after a token: of a watch with the same selectors, or of any read or write."""
        return cls(token=token)


Start.SNAPSHOT = Start(token=None)
Start.NOW = Start(token=None, now=True)
