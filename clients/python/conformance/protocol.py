"""What the runner and an adapter say to each other (clients/conformance/README.md)."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

import hatd
import hatd.v1
from hatd.v1 import ON_EXPIRED_FAIL, ON_EXPIRED_RESET, ResetReason, WatchSelector

Json = dict[str, Any]
"""A JSON object."""

# The iterators over all pages, by the RPC.
_ITERATORS = {
    "ListRoomHats": "all_room_hats",
    "ListUserHats": "all_user_hats",
    "ListHatDefinitions": "all_hat_definitions",
    "ListRooms": "all_rooms",
    "ListAffiliations": "all_affiliations",
}


class BadCommand(Exception):
    """The command is not known, or can't be parsed."""


class Command:
    """A command of the runner."""

    def __init__(self, line: str) -> None:
        """Parse a line."""
        self._fields: Json = json.loads(line)
        self.id: int = self._fields["id"]
        self.op: str = self._fields["op"]

    def __getitem__(self, name: str) -> Any:
        """Return a field that must be there."""
        try:
            return self._fields[name]
        except KeyError:
            raise BadCommand(f"{self.op} needs {name}") from None

    def get(self, name: str) -> Any:
        """Return a field, or None."""
        return self._fields.get(name)

    def seconds(self, name: str) -> float | None:
        """Return a duration in seconds, or None."""
        milliseconds = self.get(f"{name}_ms")
        return None if milliseconds is None else milliseconds / 1000

    def method(self) -> str:
        """Return the name of the client's method for the RPC."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self["method"]).lower()

    def iterator(self) -> str:
        """Return the name of the client's method that lists all pages of the RPC."""
        try:
            return _ITERATORS[self["method"]]
        except KeyError:
            raise BadCommand(f"no list RPC: {self['method']}") from None

    def request(self) -> Message:
        """Return the request of the RPC."""
        return _message(f"{self['method']}Request", self["request"])

    def answer(self) -> Any:
        """Return what `wait_for` is given."""
        token = self.get("token")
        if token is not None:
            return token
        return _message(f"{self['method']}Response", self["answer"])

    def connect_options(self) -> Json:
        """Return the keyword arguments of `connect`."""
        ca_file = self.get("ca_file")
        options = {
            "api_key": self.get("api_key"),
            "plaintext": self.get("plaintext"),
            "tls": hatd.Tls(ca=Path(ca_file).read_bytes()) if ca_file else None,
            "read_timeout": self.seconds("read_timeout"),
            "write_timeout": self.seconds("write_timeout"),
        }
        return {name: value for name, value in options.items() if value is not None}

    def watch_options(self) -> tuple[list[WatchSelector], Json]:
        """Return the arguments of `watch` and `mirror`."""
        given: Json = self.get("options") or {}
        options: Json = {}
        for name in ("heartbeat_interval", "reconnect_delay_max"):
            if f"{name}_ms" in given:
                options[name] = given[f"{name}_ms"] / 1000
        if "at_least_token" in given:
            options["at_least_token"] = given["at_least_token"]
        if "on_expired" in given:
            kinds = {"RESET": ON_EXPIRED_RESET, "FAIL": ON_EXPIRED_FAIL}
            options["on_expired"] = kinds[given["on_expired"]]
        match given.get("start"):
            case "now":
                options["start"] = hatd.Start.NOW
            case {"resume_token": token}:
                options["start"] = hatd.Start.after(token)
        selectors = [
            ParseDict(selector, WatchSelector()) for selector in given.get("selectors", ())
        ]
        return selectors, options

    def succeeded(self, answer: Json) -> str:
        """Return the line that replies with an answer."""
        return json.dumps({"id": self.id, "ok": answer})

    def failed(self, error: Exception) -> str:
        """Return the line that replies with an error."""
        return json.dumps({"id": self.id, "error": _error(error)})


def of_message(message: Message) -> Json:
    """Return a message as JSON."""
    return dict(MessageToDict(message))


def of_items(items: Iterable[Message]) -> Json:
    """Return what `list_all` answers."""
    return {"items": [of_message(item) for item in items]}


def of_event(event: hatd.Event) -> Json:
    """Return an event of a watch."""
    match event:
        case hatd.Reset():
            kind: Json = {"kind": "reset", "reason": ResetReason.Name(event.reason)}
        case hatd.Snapshot():
            kind = {"kind": "snapshot", "page": of_message(event.page)}
        case hatd.Changes():
            kind = {"kind": "changes", "commits": [of_message(each) for each in event.commits]}
        case hatd.Bookmark():
            kind = {"kind": "bookmark"}
    return {**kind, "token": event.token}


def of_watch(watch: hatd.Watch | hatd.aio.AsyncWatch) -> Json:
    """Return the status of a watch."""
    return {"token": watch.token, **_counters(watch.counters)}


def of_mirror(mirror: hatd.Mirror | hatd.aio.AsyncMirror) -> Json:
    """Return the status of a mirror."""
    return {
        "token": mirror.token,
        "ready": mirror.is_ready,
        "stale": mirror.stale,
        **_counters(mirror.counters),
    }


def of_state(mirror: hatd.Mirror | hatd.aio.AsyncMirror) -> Json:
    """Return what a mirror holds."""
    rooms = mirror.rooms()
    return {
        "rooms": [of_message(room) for room in rooms],
        "definitions": [
            {"roomJid": room.room_jid, "definition": of_message(definition)}
            for room in rooms
            for definition in mirror.definitions(room.room_jid)
        ],
        "users": [of_message(document) for document in mirror.documents()],
    }


def of_hats(hats: Iterable[hatd.DisplayedHat]) -> Json:
    """Return hats as displayed."""
    return {
        "hats": [
            {"hat_id": hat.hat_id, "title": hat.title}
            | ({} if hat.hue is None else {"hue": hat.hue})
            for hat in hats
        ]
    }


def of_change(change: hatd.Change) -> Json:
    """Return what a listener is told."""
    return {"room_jid": change.room_jid, "user_jid": change.user_jid}


def _counters(counters: hatd.Counters) -> Json:
    return {
        "reconnects": counters.reconnects,
        "resets": counters.resets,
        "chain_breaks": counters.chain_breaks,
    }


def _message(name: str, fields: Json) -> Message:
    try:
        message: Message = getattr(hatd.v1, name)()
        return ParseDict(fields, message)
    except (AttributeError, ParseError) as error:
        raise BadCommand(str(error)) from error


def _error(error: Exception) -> Json:
    if not isinstance(error, hatd.HatdError):
        kind = "BadCommand" if isinstance(error, BadCommand) else type(error).__name__
        return {"type": kind, "code": "", "message": str(error)}
    # A type that is neither a reason's nor `Closed` is Python's own.
    is_shared = error.reason or isinstance(error, hatd.Closed)
    fields: Json = {
        "type": type(error).__name__ if is_shared else "HatdError",
        "code": error.code.name,
        "reason": error.reason,
        "message": error.message,
        "metadata": error.metadata,
        "request_id": error.request_id,
        "violations": [
            {"field": violation.field, "description": violation.description}
            for violation in error.violations
        ],
    }
    if error.retry_delay is not None:
        fields["retry_delay_ms"] = error.retry_delay * 1000
    return fields
