"""Rooms and affiliations of Prosody, as hatd knows them."""

from harness import Calls, Hatd, Prosody, Servers, eventually
from stubs import room_service_pb2, types_pb2

TUTOR = "urn:example:tutor"


class Rooms(Servers):
    async def test_a_new_room_and_its_owner_are_known(self) -> None:
        await self.occupant("alice")
        await eventually(lambda: self.calls.affiliations(self.room) == {"alice@localhost": "owner"})

    async def test_each_change_of_an_affiliation_is_known(self) -> None:
        alice = await self.occupant("alice")
        for affiliation in ("member", "admin", "owner", "outcast"):
            await alice.affiliate(self.room, "bob@localhost", affiliation)
            await self.known("bob@localhost", affiliation)
        await alice.affiliate(self.room, "bob@localhost", "none")
        await self.known("bob@localhost", None)

    async def test_who_loses_the_affiliation_loses_the_hats_for_good(self) -> None:
        alice, _ = await self.alice_and_bob()
        for affiliation in ("none", "outcast"):
            self.calls.give(self.room, "bob@localhost", TUTOR)
            await alice.affiliate(self.room, "bob@localhost", affiliation)
            # Both changes at once: the first is not to be lost in the second.
            await alice.affiliate(self.room, "bob@localhost", "member")
            await eventually(
                lambda: not getattr(self.calls.document(self.room, "bob@localhost"), "hats", None)
            )
            await self.known("bob@localhost", "member")

    async def test_a_ban_of_a_whole_host_is_known(self) -> None:
        alice = await self.occupant("alice")
        await alice.affiliate(self.room, "evil.example", "outcast")
        await self.known("evil.example", "outcast")

    async def test_jids_are_the_same_in_every_spelling(self) -> None:
        self.room = f"ärzte.{self.room}"
        alice = await self.occupant("alice")
        shouted = f"ÄRZTE.{self.room[6:].upper()}"
        await eventually(lambda: self.calls.affiliations(shouted) == {"alice@localhost": "owner"})
        self.calls.give(shouted, "ALICE@LOCALHOST", TUTOR)
        await alice.sees(f"{self.room}/alice", TUTOR)

    async def test_a_destroyed_room_is_deleted(self) -> None:
        alice = await self.occupant("alice")
        await self.known("alice@localhost", "owner")
        await alice.configure(self.room, persistentroom="1")
        await alice.destroy(self.room)
        await eventually(lambda: self.calls.affiliations(self.room) is None)

    async def test_a_temporary_room_that_empties_is_deleted(self) -> None:
        alice = await self.occupant("alice")
        await self.known("alice@localhost", "owner")
        await alice.leave(self.room, "alice")
        await eventually(lambda: self.calls.affiliations(self.room) is None)

    async def test_a_room_deleted_in_hatd_comes_back_if_it_is_still_there(self) -> None:
        await self.alice_and_bob()
        self.calls.rooms.DeleteRoom(room_service_pb2.DeleteRoomRequest(room_jid=self.room))
        await eventually(
            lambda: (
                self.calls.affiliations(self.room) == {"alice@localhost": "owner", "bob@localhost": "member"}
            )
        )

    async def test_settings_made_in_hatd_stay(self) -> None:
        alice = await self.occupant("alice")
        await self.known("alice@localhost", "owner")
        self.calls.rooms.PutRoom(
            room_service_pb2.PutRoomRequest(room_jid=self.room, eligibility=types_pb2.ELIGIBILITY_ANYONE)
        )
        await alice.affiliate(self.room, "bob@localhost", "member")
        await self.known("bob@localhost", "member")
        record = self.calls.rooms.GetRoom(room_service_pb2.GetRoomRequest(room_jid=self.room)).room
        self.assertEqual(record.eligibility, types_pb2.ELIGIBILITY_ANYONE)


class Restarts(Servers):
    """Each test has servers of its own, and may stop them."""

    OPTIONS = "hatd_heartbeat_interval = 1"

    @classmethod
    def setUpClass(cls) -> None:
        cls.hatd = cls.prosody = cls.calls = None

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.close_all)
        cls = type(self)
        cls.hatd = Hatd()
        cls.calls = Calls(cls.hatd)
        cls.prosody = Prosody(cls.hatd.url, self.OPTIONS)
        cls.prosody.start()

    async def test_prosody_restarted(self) -> None:
        alice, _ = await self.alice_and_bob()
        await alice.configure(self.room, persistentroom="1")
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.prosody.stop()
        # Meanwhile hats change, and so do affiliations, in Prosody's storage.
        self.calls.give(self.room, "alice@localhost", TUTOR)
        self.calls.rooms.SetAffiliation(
            room_service_pb2.SetAffiliationRequest(
                room_jid=self.room, user_jid="carol@localhost", affiliation=types_pb2.AFFILIATION_MEMBER
            )
        )
        self.prosody.start()
        alice = await self.occupant("alice")
        await alice.sees(f"{self.room}/alice", TUTOR)
        await self.occupant("bob")
        await alice.sees(f"{self.room}/bob", TUTOR)
        await self.known("carol@localhost", None)

    async def test_prosody_killed(self) -> None:
        alice, _ = await self.alice_and_bob()
        await alice.configure(self.room, persistentroom="1")
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.prosody.stop(how=9)
        self.prosody.start()
        self.assertIn(TUTOR, self.calls.document(self.room, "bob@localhost").hats)
        alice = await self.occupant("alice")
        await self.occupant("bob")
        await alice.sees(f"{self.room}/bob", TUTOR)

    async def test_the_guard_keeps_hats_of_whom_prosody_does_not_list(self) -> None:
        alice, _ = await self.alice_and_bob()
        await alice.configure(self.room, persistentroom="1")
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.affiliate(self.room, "carol@localhost", "member")
        await self.known("carol@localhost", "member")
        self.prosody.stop()
        # Prosody has loaded half of the room: its storage has lost a line.
        [stored] = (self.prosody.directory / "data").glob("*/config/*.dat")
        lines = stored.read_text().splitlines(keepends=True)
        kept = [line for line in lines if '"bob@localhost"' not in line]
        self.assertEqual(len(kept), len(lines) - 1)
        stored.write_text("".join(kept))
        self.prosody.start()
        self.prosody.process.wait_for(r"hatd has 1 hats in test_the_guard\S+ of users whom Prosody")
        await self.known("bob@localhost", "member")
        self.assertIn(TUTOR, self.calls.document(self.room, "bob@localhost").hats)

    async def test_hatd_restarted(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.hatd.stop()
        self.hatd.start()
        before = len(alice.presences(f"{self.room}/bob"))
        await eventually(lambda: self.calls.document(self.room, "bob@localhost"))
        self.calls.give(self.room, "bob@localhost", "urn:example:new")
        await alice.sees(f"{self.room}/bob", "urn:example:new", TUTOR)
        self.assertEqual(len(alice.presences(f"{self.room}/bob")) - before, 1, "it resumed")

    async def test_hatd_away_for_a_minute(self) -> None:
        alice, bob = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.hatd.stop(how=9)
        self.prosody.process.wait_for("lost hatd, connecting again in")
        # Rooms work, and the last known hats stay.
        carol = await self.occupant("carol")
        await carol.sees(f"{self.room}/bob", TUTOR)
        bob.send_raw(f'<message to="{self.room}" type="groupchat"><body>hello</body></message>')
        await alice.until(lambda: any("hello" in m.itertext() for m in alice.received))
        await alice.affiliate(self.room, "carol@localhost", "admin")
        await alice.affiliate(self.room, "bob@localhost", "none")
        self.prosody.process.wait_for("SyncRooms is tried again", patience=60)
        self.prosody.process.wait_for("hatd cannot be reached, trying again in (1[0-9]|2[0-9])", patience=120)
        # All heals when it is back.
        mark = len(self.prosody.process.lines)
        self.hatd.start()
        self.prosody.process.wait_for("connected to hatd", after=mark, patience=60)
        await eventually(
            lambda: (
                self.calls.affiliations(self.room) == {"alice@localhost": "owner", "carol@localhost": "admin"}
            ),
            patience=60,
        )
        await alice.sees(f"{self.room}/bob")
        self.calls.give(self.room, "carol@localhost", TUTOR)
        await alice.sees(f"{self.room}/carol", TUTOR)

    async def test_hatd_with_another_store(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.hatd.stop()
        self.hatd.forget()
        self.hatd.start()
        await alice.sees(f"{self.room}/bob")
        await eventually(
            lambda: (
                self.calls.affiliations(self.room) == {"alice@localhost": "owner", "bob@localhost": "member"}
            ),
        )

    async def test_prosody_starts_without_hatd(self) -> None:
        self.hatd.stop()
        self.prosody.stop()
        self.prosody.start(connected=False)
        self.prosody.process.wait_for("hatd cannot be reached, trying again in")
        alice, bob = await self.occupant("alice"), await self.occupant("bob")
        await alice.affiliate(self.room, "bob@localhost", "member")
        self.hatd.start()
        await self.known("bob@localhost", "member")
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await bob.sees(f"{self.room}/bob", TUTOR)
