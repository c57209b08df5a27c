"""What the end-to-end tests are made of: a real hatd, a real Prosody, and real XMPP clients."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree

import grpc
import slixmpp
from stubs import (
    hat_service_pb2,
    hat_service_pb2_grpc,
    room_service_pb2,
    room_service_pb2_grpc,
    types_pb2,
    wardrobe_service_pb2_grpc,
)

# asyncio tells of each turn of its loop that takes long, in tests.
logging.getLogger("asyncio").setLevel(logging.ERROR)

CLIENT = Path(__file__).resolve().parents[2]
COMPONENT = "conference.localhost"

HATS = "{urn:xmpp:hats:0}"
LEGACY_HATS = "{xmpp:prosody.im/protocol/hats:1}"
MUC_USER = "{http://jabber.org/protocol/muc#user}"
COMMANDS = "{http://jabber.org/protocol/commands}"
DATA = "{jabber:x:data}"
ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"

# How long anything may take before a test fails, in seconds: generous, for a machine that is busy.
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A process whose output is kept, and can be waited for."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append("(ended)")
            self.changed.notify_all()

    def wait_for(self, pattern: str, after: int = 0, patience: float = PATIENCE) -> re.Match[str]:
        """Waits for a line of the output, not one of the first `after`."""
        deadline = time.monotonic() + patience
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if match := re.search(pattern, line):
                        return match
                if not self.changed.wait(deadline - time.monotonic()) or "(ended)" in self.lines:
                    text = "\n".join(self.lines[-40:])
                    raise AssertionError(f"no line like {pattern!r} in:\n{text}")

    def output(self) -> str:
        with self.changed:
            return "\n".join(self.lines)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Hatd:
    """A hatd on a port that stays the same when it is restarted."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hatd-"))
        self.port = free_port()
        self.process: Process | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [os.environ["HATD"], "--data-dir", str(self.directory / "store")]
        # As if it were started by hand: settings of the one who runs the tests are not its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HATD")}
        self.process = Process([*command, "--listen", f"127.0.0.1:{self.port}"], environment)
        self.process.wait_for("serving gRPC and gRPC-Web")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            self.process.stop(how)
            self.process = None

    def forget(self) -> None:
        """Takes away the store of a hatd that is stopped."""
        shutil.rmtree(self.directory / "store")

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.directory)


class Calls:
    """hatd's calls, by gRPC."""

    def __init__(self, hatd: Hatd) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{hatd.port}")
        self.hats = hat_service_pb2_grpc.HatServiceStub(self.channel)
        self.rooms = room_service_pb2_grpc.RoomServiceStub(self.channel)
        self.wardrobe = wardrobe_service_pb2_grpc.WardrobeServiceStub(self.channel)

    def give(self, room: str, user: str, hat: str, **attachment: object) -> None:
        """Gives a hat that is worn."""
        attachment.setdefault("active", True)
        self.hats.AddUserHat(
            hat_service_pb2.AddUserHatRequest(
                room_jid=room, user_jid=user, hat_id=hat, attachment=types_pb2.Attachment(**attachment)
            )
        )

    def take(self, room: str, user: str, hat: str) -> None:
        self.hats.RemoveUserHat(
            hat_service_pb2.RemoveUserHatRequest(room_jid=room, user_jid=user, hat_id=hat)
        )

    def define(self, room: str, hat: str, **definition: object) -> None:
        self.hats.DefineHat(
            hat_service_pb2.DefineHatRequest(
                room_jid=room, definition=types_pb2.HatDefinition(hat_id=hat, **definition)
            )
        )

    def document(self, room: str, user: str) -> types_pb2.UserHats | None:
        """Returns a user's document, or None if there is none."""
        try:
            request = hat_service_pb2.GetUserHatsRequest(room_jid=room, user_jid=user)
            return self.hats.GetUserHats(request).user_hats
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def affiliations(self, room: str) -> dict[str, str] | None:
        """Returns the affiliations of a room, or None if hatd does not know it."""
        try:
            request = room_service_pb2.ListAffiliationsRequest(room_jid=room, page_size=1000)
            answer = self.rooms.ListAffiliations(request)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise
        names = types_pb2.Affiliation
        return {
            entry.user_jid: names.Name(entry.affiliation).removeprefix("AFFILIATION_").lower()
            for entry in answer.affiliations
        }

    def close(self) -> None:
        self.channel.close()


CONFIGURATION = """
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
plugin_paths = {{ {plugins} }}
modules_enabled = {{ "roster", "saslauth", "disco", "ping" }}
modules_disabled = {{ "s2s", "tls" }}
admins = {{ "admin@localhost" }}
c2s_ports = {{ {port} }}
c2s_interfaces = {{ "127.0.0.1" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
log = {{ {{ levels = {{ min = "{level}" }}, to = "console" }} }}
limits = {{ }}
run_as_root = true

VirtualHost "localhost"

Component "{component}" "muc"
modules_enabled = {{ {modules} }}
muc_room_locking = false
muc_room_default_persistent = false
hatd_url = "{url}"
{options}
"""


class Prosody:
    """A Prosody with one MUC component that has our modules."""

    def __init__(
        self,
        url: str,
        options: str = "",
        modules: Iterable[str] = ("hatd",),
        plugins: Iterable[Path] = (),
        level: str = "info",
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="prosody-"))
        self.port = free_port()
        accounts = self.directory / "data" / "localhost" / "accounts"
        accounts.mkdir(parents=True)
        for name in PEOPLE:
            (accounts / f"{name}.dat").write_text('return { ["password"] = "secret" };\n')
        paths = [CLIENT / "modules", *plugins]
        self.settings = {
            "directory": self.directory,
            "port": self.port,
            "plugins": ", ".join(f'"{path}"' for path in paths),
            "modules": ", ".join(f'"{module}"' for module in modules),
            "component": COMPONENT,
            "url": url,
            "options": options,
            "level": os.environ.get("PROSODY_LOG_LEVEL", level),
        }
        self.process: Process | None = None

    def start(self, connected: bool = True) -> None:
        configuration = self.directory / "prosody.cfg.lua"
        configuration.write_text(CONFIGURATION.format(**self.settings))
        self.process = Process(["prosody", "--root", "--config", str(configuration), "-F"])
        self.process.wait_for("Activated service 'c2s'")
        if connected:
            self.process.wait_for(r"holds the state of hatd")
            if "hatd_sync = false" not in self.settings["options"]:
                self.process.wait_for(r"brought \d+ rooms to hatd")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            self.process.stop(how)
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)


PEOPLE = ["admin", "alice", "bob", "carol", "dave", *(f"guest{number}" for number in range(200))]


class Person(slixmpp.ClientXMPP):
    """Someone in front of a client that keeps every stanza it gets."""

    def __init__(self, name: str, prosody: Prosody, resource: str = "desk") -> None:
        mechanisms = {"unencrypted_plain": True, "unencrypted_scram": True}
        super().__init__(
            f"{name}@localhost/{resource}", "secret", plugin_config={"feature_mechanisms": mechanisms}
        )
        self.port = prosody.port
        self.enable_starttls = False
        self.enable_direct_tls = False
        self.enable_plaintext = True
        self.register_plugin("xep_0317")
        self.received: list[ElementTree.Element] = []
        self.news = asyncio.Event()
        self.add_filter("in", self._keep)

    def _keep(self, stanza: slixmpp.xmlstream.StanzaBase) -> slixmpp.xmlstream.StanzaBase:
        self.received.append(copy.deepcopy(stanza.xml))
        self.news.set()
        return stanza

    async def log_in(self) -> None:
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: started.done() or started.set_result(None))
        self.connect("127.0.0.1", self.port)
        await asyncio.wait_for(started, PATIENCE)
        self.send_presence()

    async def until(self, found: Callable[[], object], what: str = "") -> object:
        """Waits until what is found is true, looking after each stanza."""
        deadline = time.monotonic() + PATIENCE
        while not (result := found()):
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), deadline - time.monotonic())
            except TimeoutError:
                last = "\n".join(ElementTree.tostring(stanza, "unicode") for stanza in self.received[-8:])
                raise AssertionError(f"{self.boundjid} waited in vain {what}; last came:\n{last}") from None
        return result

    def presences(self, occupant: str) -> list[ElementTree.Element]:
        return [
            stanza
            for stanza in self.received
            if stanza.tag.endswith("presence") and stanza.get("from") == occupant
        ]

    def hats(self, occupant: str, namespace: str = HATS) -> list[dict[str, str]] | None:
        """Returns the hats in the last presence of an occupant, or None if none has come."""
        all_of_them = self.presences(occupant)
        if not all_of_them:
            return None
        elements = all_of_them[-1].findall(f"{namespace}hats")
        assert len(elements) <= 1, ElementTree.tostring(all_of_them[-1], "unicode")
        return [dict(hat.attrib) for element in elements for hat in element.findall(f"{namespace}hat")]

    async def sees(self, occupant: str, *uris: str) -> list[dict[str, str]]:
        """Waits until an occupant's last presence shows exactly these hats, in this order."""

        def found() -> list[dict[str, str]] | None:
            hats = self.hats(occupant)
            shown = hats is not None and [hat["uri"] for hat in hats] == list(uris)
            return [{"uri": ""}, *hats] if shown else None

        return (await self.until(found, f"for {occupant} with {uris}"))[1:]

    async def join(self, room: str, nick: str, payload: str = "") -> None:
        muc = '<x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x>'
        before = len(self.received)
        self.send_raw(f'<presence to="{room}/{nick}">{muc}{payload}</presence>')
        await self.until(lambda: self.is_self(room, nick, before), f"to join {room}")

    def is_self(self, room: str, nick: str, after: int) -> bool:
        """Whether our own presence has come back from the room."""
        for stanza in self.received[after:]:
            if stanza.tag.endswith("presence") and stanza.get("from") == f"{room}/{nick}":
                assert stanza.get("type") != "error", ElementTree.tostring(stanza, "unicode")
                if any(s.get("code") == "110" for s in stanza.iter(f"{MUC_USER}status")):
                    return True
        return False

    async def leave(self, room: str, nick: str) -> None:
        before = len(self.received)
        self.send_raw(f'<presence to="{room}/{nick}" type="unavailable"/>')
        await self.until(lambda: self.is_self(room, nick, before), f"to leave {room}")

    async def query(self, to: str, kind: str, payload: str) -> ElementTree.Element:
        """Sends an IQ, and returns what answers it."""
        identifier = f"q{len(self.received)}-{time.monotonic_ns()}"
        self.send_raw(f'<iq type="{kind}" id="{identifier}" to="{to}">{payload}</iq>')
        await self.until(lambda: self._answer(identifier) is not None, f"for the answer to {payload}")
        return self._answer(identifier)

    def _answer(self, identifier: str) -> ElementTree.Element | None:
        for stanza in self.received:
            if stanza.tag.endswith("}iq") and stanza.get("id") == identifier:
                return stanza
        return None

    async def affiliate(self, room: str, user: str, affiliation: str, **attributes: str) -> None:
        more = "".join(f' {name}="{value}"' for name, value in attributes.items())
        item = f'<item affiliation="{affiliation}" jid="{user}"{more}/>'
        answer = await self.query(
            room, "set", f'<query xmlns="http://jabber.org/protocol/muc#admin">{item}</query>'
        )
        assert answer.get("type") == "result", ElementTree.tostring(answer, "unicode")

    async def configure(self, room: str, **fields: str) -> None:
        """Changes settings of a room, named without `muc#roomconfig_`."""
        form = "".join(
            f'<field var="muc#roomconfig_{name}"><value>{value}</value></field>'
            for name, value in fields.items()
        )
        kind = '<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>'
        answer = await self.query(
            room,
            "set",
            '<query xmlns="http://jabber.org/protocol/muc#owner">'
            f'<x xmlns="jabber:x:data" type="submit">{kind}{form}</x></query>',
        )
        assert answer.get("type") == "result", ElementTree.tostring(answer, "unicode")

    async def destroy(self, room: str) -> None:
        answer = await self.query(
            room, "set", '<query xmlns="http://jabber.org/protocol/muc#owner"><destroy/></query>'
        )
        assert answer.get("type") == "result", ElementTree.tostring(answer, "unicode")

    async def log_out(self) -> None:
        with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
            await asyncio.wait_for(self.disconnect(wait=1.0), 5)


def available(found: Callable[[], object]) -> object:
    """Returns what is found, or nothing while hatd is away."""
    try:
        return found()
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            return None
        raise


async def eventually(found: Callable[[], object], what: str = "", patience: float = PATIENCE) -> object:
    """Waits for something that no stanza tells of, such as a record in hatd."""
    deadline = time.monotonic() + patience
    while not (result := await asyncio.to_thread(available, found)):
        assert time.monotonic() < deadline, f"waited in vain {what}"
        await asyncio.sleep(0.02)
    return result


class Servers(unittest.IsolatedAsyncioTestCase):
    """A hatd and a Prosody for all tests of a class, each of which has a room of its own."""

    OPTIONS = ""
    MODULES: tuple[str, ...] = ("hatd",)
    PLUGINS: tuple[Path, ...] = ()

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(cls.close_all)
        cls.hatd = cls.prosody = cls.calls = None
        cls.hatd = Hatd()
        cls.calls = Calls(cls.hatd)
        cls.prosody = Prosody(cls.hatd.url, cls.OPTIONS, cls.MODULES, cls.PLUGINS)
        cls.prosody.start()

    @classmethod
    def close_all(cls) -> None:
        if cls.prosody:
            if os.environ.get("PROSODY_LOG"):
                Path(os.environ["PROSODY_LOG"]).write_text(cls.prosody.process.output())
            cls.prosody.close()
        if cls.calls:
            cls.calls.close()
        if cls.hatd:
            cls.hatd.close()

    def setUp(self) -> None:
        self.room = f"{self._testMethodName.lower()[:60]}@{COMPONENT}"
        self.people: list[Person] = []

    async def asyncTearDown(self) -> None:
        await asyncio.gather(*(person.log_out() for person in self.people))

    async def person(self, name: str, resource: str = "desk") -> Person:
        someone = Person(name, self.prosody, resource)
        self.people.append(someone)
        await someone.log_in()
        return someone

    async def occupant(self, name: str, resource: str = "desk") -> Person:
        """Someone in the room, whose nick is the name. The first one owns it."""
        someone = await self.person(name, resource)
        await someone.join(self.room, name)
        return someone

    async def alice_and_bob(self) -> tuple[Person, Person]:
        """The owner, and a member whom hatd knows."""
        alice, bob = await self.occupant("alice"), await self.occupant("bob")
        await alice.affiliate(self.room, "bob@localhost", "member")
        await self.known("bob@localhost", "member")
        return alice, bob

    async def known(self, user: str, affiliation: str | None) -> None:
        """Waits until hatd has an affiliation, None for no room or no user."""
        await eventually(
            lambda: (self.calls.affiliations(self.room) or {}).get(user) == affiliation,
            f"for {user} to be {affiliation} in hatd",
        )
