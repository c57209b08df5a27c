"""A snapshot of 100,000 documents, and what Prosody does meanwhile."""

import time

from harness import COMPONENT, Calls, Hatd, Person, Prosody, Servers
from stubs import hat_service_pb2, room_service_pb2, types_pb2

ROOMS = 200
USERS = 500  # As many as one commit may hold.

# The longest that a client may wait for an answer while the snapshot comes, in seconds. What is measured
# is a few milliseconds more than before it; the machine may be busy.
PATIENT = 0.25


class Scale(Servers):
    OPTIONS = "hatd_heartbeat_interval = 1"

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(cls.close_all)
        cls.hatd = cls.prosody = cls.calls = None
        cls.hatd = Hatd()
        cls.calls = Calls(cls.hatd)
        entry = {"mode": room_service_pb2.SYNC_MODE_UPSERT, "eligibility": types_pb2.ELIGIBILITY_ANYONE}
        rooms = [f"room{number}@{COMPONENT}" for number in range(ROOMS)]
        entries = [room_service_pb2.SyncEntry(room_jid=room, **entry) for room in rooms]
        cls.calls.rooms.SyncRooms(room_service_pb2.SyncRoomsRequest(entries=entries))
        attachment = types_pb2.Attachment(active=True, title="Participant")
        for room in rooms:
            operations = [
                hat_service_pb2.HatOperation(
                    add=hat_service_pb2.AddOperation(
                        user_jid=f"user{number}@localhost",
                        hat_id="https://example.net/hats/participant",
                        attachment=attachment,
                    )
                )
                for number in range(USERS)
            ]
            request = hat_service_pb2.UpdateRoomHatsRequest(room_jid=room, operations=operations)
            cls.calls.hats.UpdateRoomHats(request)
        cls.calls.give(rooms[0], "bob@localhost", "urn:example:late")
        cls.calls.give(rooms[-1], "bob@localhost", "urn:example:late")
        cls.prosody = Prosody(cls.hatd.url, cls.OPTIONS)

    async def test_prosody_answers_while_it_takes_a_snapshot(self) -> None:
        self.hatd.stop()
        self.prosody.start(connected=False)
        alice, bob = await self.person("alice"), await self.person("bob")
        self.room = f"room0@{COMPONENT}"
        idle = max([await self.ping(alice) for _ in range(20)])
        self.hatd.start()
        self.prosody.process.wait_for("connected to hatd")
        # While the snapshot comes, people join, and everybody gets an answer.
        await alice.join(self.room, "alice")
        await bob.join(self.room, "bob")
        slowest = 0.0
        while "holds the state of hatd" not in self.prosody.process.output():
            slowest = max(slowest, await self.ping(alice))
        await alice.sees(f"{self.room}/bob", "urn:example:late")
        match = self.prosody.process.wait_for(r"holds the state.*longer than ([0-9.]+) ms")
        print(
            f"100,000 documents: slowest answer {slowest * 1000:.1f} ms, {idle * 1000:.1f} ms before;"
            f" longest slice {match[1]} ms"
        )
        self.assertLess(slowest, PATIENT)
        self.assertLess(float(match[1]) / 1000, PATIENT)

    async def ping(self, person: Person) -> float:
        started = time.monotonic()
        await person.query("localhost", "get", '<ping xmlns="urn:xmpp:ping"/>')
        return time.monotonic() - started
