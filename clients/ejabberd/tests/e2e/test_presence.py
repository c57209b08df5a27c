"""Hats from hatd in the rooms of a real ejabberd, as real XMPP clients see them."""

import asyncio
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "prosody" / "tests" / "e2e"))

from harness import COMPONENT, HATS, LEGACY_HATS, Calls, Hatd, Person, Process, free_port
from stubs import room_service_pb2, types_pb2

TUTOR = "https://example.net/hats/tutor"

CONFIGURATION = """
hosts: [localhost]
loglevel: info
certfiles: []
ca_file: /etc/ssl/certs/ca-certificates.crt
auth_method: anonymous
anonymous_protocol: both
allow_multiple_connections: true
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: false}}
modules:
  mod_muc: {{default_room_options: {{persistent: false, anonymous: false}}}}
  mod_hatd: {{url: "{url}", heartbeat: 1}}
"""


class Ejabberd:
    """An ejabberd with a MUC component that has our module. Whoever comes is let in."""

    def __init__(self, url: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ejabberd-"))
        self.port = free_port()
        self.url = url
        self.process: Process | None = None

    def start(self) -> None:
        configuration = self.directory / "ejabberd.yml"
        configuration.write_text(CONFIGURATION.format(port=self.port, url=self.url))
        libraries = [path for path in Path("/usr/lib").glob("*/ejabberd-*/ebin")]
        libraries += Path("/usr/lib/erlang/lib").glob("p1_*/ebin")
        command = ["erl", "-noinput"]
        command += ["-mnesia", "dir", f'"{self.directory}/mnesia"', "-pa", os.environ["HATD_EJABBERD_BUILD"]]
        command += [argument for path in libraries for argument in ("-pa", str(path))]
        environment = {
            **os.environ,
            "HOME": str(self.directory),
            "EJABBERD_CONFIG_PATH": str(configuration),
            "EJABBERD_LOG_PATH": str(self.directory / "ejabberd.log"),
            "ERL_CRASH_DUMP": "/dev/null",
        }
        self.process = Process([*command, "-s", "ejabberd"], environment)
        self.process.wait_for("Connected to hatd")

    def close(self) -> None:
        if self.process:
            self.process.stop()
        shutil.rmtree(self.directory)


class Presence(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(cls.close_all)
        cls.hatd = cls.ejabberd = cls.calls = None
        cls.hatd = Hatd()
        cls.calls = Calls(cls.hatd)
        cls.ejabberd = Ejabberd(cls.hatd.url)
        cls.ejabberd.start()

    @classmethod
    def close_all(cls) -> None:
        for part in (cls.ejabberd, cls.calls, cls.hatd):
            if part:
                part.close()

    def setUp(self) -> None:
        self.room = f"{self._testMethodName.lower()[:60]}@{COMPONENT}"
        self.people: list[Person] = []
        anyone = types_pb2.ELIGIBILITY_ANYONE
        self.calls.rooms.PutRoom(room_service_pb2.PutRoomRequest(room_jid=self.room, eligibility=anyone))

    async def asyncTearDown(self) -> None:
        await asyncio.gather(*(person.log_out() for person in self.people))

    async def occupant(self, name: str, payload: str = "") -> Person:
        someone = Person(name, self.ejabberd)
        self.people.append(someone)
        await someone.log_in()
        await someone.join(self.room, name, payload)
        return someone

    async def alice_and_bob(self) -> Person:
        """Returns alice, who is in the room with bob."""
        alice = await self.occupant("alice")
        await self.occupant("bob")
        await alice.sees(f"{self.room}/bob")
        return alice

    async def test_a_hat_that_is_given_shows_and_one_that_is_taken_goes(self) -> None:
        alice = await self.alice_and_bob()
        bob = f"{self.room}/bob"
        self.calls.define(self.room, TUTOR, title="Tutor", hue=140.25, titles={"de": "Hilfe"})
        self.calls.give(self.room, "bob@localhost", TUTOR)
        shown = await alice.sees(bob, TUTOR)
        self.assertEqual(shown, [{"uri": TUTOR, "title": "Tutor", "hue": "140.250000"}])

        self.calls.define(self.room, TUTOR, title="Mentor")
        await alice.until(lambda: alice.hats(bob) == [{"uri": TUTOR, "title": "Mentor"}], "for the title")
        before = len(alice.presences(bob))
        self.calls.give(self.room, "bob@localhost", TUTOR, required=True)
        self.calls.give(self.room, "bob@localhost", "urn:example:second")
        await alice.sees(bob, TUTOR, "urn:example:second")
        self.assertEqual(len(alice.presences(bob)), before + 1, "what shows no difference is not sent")

        self.calls.take(self.room, "bob@localhost", TUTOR)
        await alice.sees(bob, "urn:example:second")
        self.calls.take(self.room, "bob@localhost", "urn:example:second")
        await alice.sees(bob)

    async def test_who_joins_sees_hats_and_keeps_own_status(self) -> None:
        self.calls.give(self.room, "bob@localhost", TUTOR, title="Tutor")
        await self.occupant("bob", "<status>at work</status>")
        alice = await self.occupant("alice")
        bob = f"{self.room}/bob"
        await alice.sees(bob, TUTOR)
        self.calls.take(self.room, "bob@localhost", TUTOR)
        await alice.sees(bob)
        status = alice.presences(bob)[-1].find("{jabber:client}status")
        self.assertEqual(status.text, "at work")

    async def test_forged_hats_are_dropped(self) -> None:
        alice = await self.occupant("alice")
        forged = f'<hats xmlns="{HATS[1:-1]}"><hat uri="urn:forged" title="Owner"/></hats>'
        legacy = f'<hats xmlns="{LEGACY_HATS[1:-1]}"><hat uri="urn:forged" title="Owner"/></hats>'
        await self.occupant("bob", forged + legacy)
        bob = f"{self.room}/bob"
        await alice.sees(bob)
        self.assertEqual(alice.hats(bob, LEGACY_HATS), [])

    async def test_hats_stay_while_hatd_is_away_and_heal(self) -> None:
        alice = await self.alice_and_bob()
        bob = f"{self.room}/bob"
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(bob, TUTOR)
        lines = len(self.ejabberd.process.lines)
        self.hatd.stop()
        self.ejabberd.process.wait_for("Lost hatd", lines)
        await self.occupant("carol")
        self.assertEqual([hat["uri"] for hat in alice.hats(bob)], [TUTOR])
        self.hatd.start()
        self.ejabberd.process.wait_for("Connected to hatd", lines)
        await asyncio.to_thread(self.take_when_back)
        await alice.sees(bob)

    async def test_another_store_is_another_truth(self) -> None:
        alice = await self.alice_and_bob()
        bob = f"{self.room}/bob"
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(bob, TUTOR)
        self.hatd.stop()
        self.hatd.forget()
        self.hatd.start()
        await alice.sees(bob)

    def take_when_back(self) -> None:
        self.calls.channel.close()
        type(self).calls = Calls(self.hatd)
        self.calls.take(self.room, "bob@localhost", TUTOR)


if __name__ == "__main__":
    unittest.main()
