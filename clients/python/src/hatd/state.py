"""What a mirror shows."""

from dataclasses import dataclass

from hatd.v1.types_pb2 import Attachment, HatDefinition

__all__ = ["Change", "DisplayedHat"]


@dataclass(frozen=True, slots=True)
class DisplayedHat:
    """A hat that a user wears, as it is displayed."""

    hat_id: str
    """The hat: an absolute URI."""
    title: str
    """What is displayed for it. Never empty."""
    hue: float | None
    """Its hue angle in degrees, 0 <= hue < 360 (XEP-0392). None: its definition has none."""
    attachment: Attachment
    """How the user has it."""
    definition: HatDefinition | None
    """The hat as the room knows it. None: it is not defined, or not in the mirror's scope."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is no longer as it was: the mirror has its latest state."""

    room_jid: str
    """The room."""
    user_jid: str = ""
    """The user whose document changed. Empty: the room's record or its catalogue did."""
