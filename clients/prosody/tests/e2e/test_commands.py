"""XEP-0317's commands on a room."""

from xml.etree import ElementTree

from harness import COMMANDS, DATA, ERRORS, MUC_USER, Person, Servers, eventually
from stubs import hat_service_pb2

PREFIX = "urn:xmpp:hats:commands:"
TUTOR = "https://example.net/hats/tutor"
SCRIBE = "urn:example:scribe"


class Commands(Servers):
    MODULES = ("hatd", "hatd_commands")

    async def send(
        self, person: Person, node: str, payload: str = "", **attributes: str
    ) -> ElementTree.Element:
        more = "".join(f' {name}="{value}"' for name, value in attributes.items())
        node = node if ":" in node else PREFIX + node
        return await person.query(
            self.room, "set", f'<command xmlns="{COMMANDS[1:-1]}" node="{node}"{more}>{payload}</command>'
        )

    def submission(self, fields: dict[str, str], form_type: str = "urn:xmpp:hats:commands") -> str:
        fields = {"FORM_TYPE": form_type, **fields} if form_type else fields
        inside = "".join(
            f'<field var="{name}"><value>{value}</value></field>' for name, value in fields.items()
        )
        return f'<x xmlns="jabber:x:data" type="submit">{inside}</x>'

    async def run_command(
        self, person: Person, node: str, form_type: str = "urn:xmpp:hats:commands", **fields: str
    ) -> str:
        """Submits a command at once; returns its note, or the condition of its error."""
        fields = {name if name in ("hat",) else f"hats#{name}": value for name, value in fields.items()}
        return self.outcome(await self.send(person, node, self.submission(fields, form_type)))

    def outcome(self, answer: ElementTree.Element) -> str:
        if answer.get("type") == "error":
            [condition] = [
                found.tag for found in answer.find("{jabber:client}error") if found.tag.startswith(ERRORS)
            ][:1]
            return condition.removeprefix(ERRORS)
        command = answer.find(f"{COMMANDS}command")
        self.assertEqual(command.get("status"), "completed")
        self.assertTrue(command.get("sessionid"))
        return command.findtext(f"{COMMANDS}note")

    def items(self, answer: ElementTree.Element) -> list[dict[str, str]]:
        return [
            {field.get("var").removeprefix("hats#"): field.findtext(f"{DATA}value") for field in item}
            for item in answer.iter(f"{DATA}item")
        ]

    def form(self, answer: ElementTree.Element) -> dict[str, dict[str, object]]:
        command = answer.find(f"{COMMANDS}command")
        self.assertEqual(command.get("status"), "executing")
        self.assertIsNotNone(command.find(f"{COMMANDS}actions/{COMMANDS}complete"))
        return {
            field.get("var"): {
                "type": field.get("type"),
                "required": field.find(f"{DATA}required") is not None,
                "options": [option.findtext(f"{DATA}value") for option in field.iter(f"{DATA}option")],
            }
            for field in command.find(f"{DATA}x").iter(f"{DATA}field")
        }

    async def test_create_asks_with_a_form_and_takes_it_without_an_action(self) -> None:
        alice, _ = await self.alice_and_bob()
        first = await self.send(alice, "create", action="execute")
        form = self.form(first)
        self.assertEqual(set(form), {"FORM_TYPE", "hats#title", "hats#uri", "hats#hue"})
        for name in ("hats#title", "hats#uri"):
            self.assertEqual((form[name]["type"], form[name]["required"]), ("text-single", True))
        session = first.find(f"{COMMANDS}command").get("sessionid")
        fields = {"hats#title": "Tutor", "hats#uri": TUTOR, "hats#hue": "140.25"}
        second = await self.send(alice, "create", self.submission(fields), sessionid=session)
        self.assertEqual(self.outcome(second), "The hat has been created.")
        command = second.find(f"{COMMANDS}command")
        self.assertEqual((command.get("sessionid"), command.get("node")), (session, f"{PREFIX}create"))
        await alice.until(lambda: self.told_of_changes(alice) == 1, "for status 104")
        answer = await self.send(alice, "list", action="execute")
        self.assertEqual(self.items(answer), [{"uri": TUTOR, "title": "Tutor", "hue": "140.250000"}])

    async def test_create_of_a_hat_that_is_there_changes_it_on_those_who_wear_it(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.define(
            self.room, TUTOR, title="Tutor", hue=1.0, position=7, description="Helps.", titles={"de": "T"}
        )
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        note = await self.run_command(alice, "create", uri=TUTOR, title="Mentor", hue="2")
        self.assertEqual(note, "The hat has been changed.")
        expected = [{"uri": TUTOR, "title": "Mentor", "hue": "2.000000"}]
        await alice.until(lambda: alice.hats(f"{self.room}/bob") == expected)
        await self.run_command(alice, "create", uri=TUTOR, title="Mentor")
        definition = self.definition()
        self.assertEqual((definition.hue, definition.position, definition.description), (2.0, 7, "Helps."))
        self.assertEqual(dict(definition.titles), {"de": "T"})
        await self.run_command(alice, "create", uri=TUTOR, title="Mentor", hue="")
        self.assertFalse(self.definition().HasField("hue"))

    async def test_what_is_no_hat_is_refused(self) -> None:
        alice, _ = await self.alice_and_bob()
        for fields in (
            {"uri": "not a uri", "title": "T"},
            {"uri": TUTOR},
            {"uri": TUTOR, "title": ""},
            {"title": "T"},
            {"uri": TUTOR, "title": "T", "hue": "banana"},
            {"uri": TUTOR, "title": "T", "hue": "360"},
        ):
            self.assertEqual(await self.run_command(alice, "create", **fields), "bad-request", fields)
        for fields in ({"uri": TUTOR}, {"jid": "a@b@c", "uri": TUTOR}, {"jid": "bob@localhost"}):
            self.assertEqual(await self.run_command(alice, "assign", **fields), "bad-request", fields)
        wrong = await self.run_command(alice, "create", form_type="urn:other", uri=TUTOR, title="T")
        self.assertEqual(wrong, "bad-request")
        self.assertEqual(self.items(await self.send(alice, "list")), [])

    async def test_assign_and_unassign(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.define(self.room, TUTOR, title="Tutor")
        await alice.until(lambda: self.told_of_changes(alice) == 1)
        form = self.form(await self.send(alice, "assign", action="execute"))
        self.assertEqual((form["hats#jid"]["type"], form["hats#jid"]["required"]), ("jid-single", True))
        self.assertEqual((form["hats#uri"]["type"], form["hats#uri"]["options"]), ("list-single", [TUTOR]))
        note = await self.run_command(alice, "assign", jid="Bob@LOCALHOST/phone", uri=TUTOR)
        self.assertEqual(note, "The hat has been assigned.")
        await alice.sees(f"{self.room}/bob", TUTOR)
        note = await self.run_command(alice, "assign", jid="bob@localhost", uri=TUTOR)
        self.assertEqual(note, "The user has the hat already.")
        given = self.calls.document(self.room, "bob@localhost").hats[TUTOR].given
        self.assertEqual(given.actor, "alice@localhost")
        answer = await self.send(alice, "list-assigned")
        self.assertEqual(self.items(answer), [{"jid": "bob@localhost", "uri": TUTOR, "title": "Tutor"}])
        note = await self.run_command(alice, "unassign", jid="bob@localhost", uri=TUTOR)
        self.assertEqual(note, "The hat has been unassigned.")
        await alice.sees(f"{self.room}/bob")
        note = await self.run_command(alice, "unassign", jid="bob@localhost", uri=TUTOR)
        self.assertEqual(note, "The user does not have the hat.")
        note = await self.run_command(alice, "assign", jid="nobody@localhost", uri=TUTOR)
        self.assertEqual(note, "item-not-found")

    async def test_assigning_at_once_after_affiliating(self) -> None:
        alice = await self.occupant("alice")
        await alice.affiliate(self.room, "bob@localhost", "member")
        note = await self.run_command(alice, "assign", jid="bob@localhost", uri=TUTOR)
        self.assertEqual(note, "The hat has been assigned.")

    async def test_destroy_takes_either_name_of_the_field_and_needs_no_form(self) -> None:
        alice, _ = await self.alice_and_bob()
        for field in ("hat", "uri"):
            self.calls.define(self.room, TUTOR, title="Tutor")
            self.calls.give(self.room, "bob@localhost", TUTOR)
            await alice.sees(f"{self.room}/bob", TUTOR)
            form = self.form(await self.send(alice, "destroy", action="execute"))
            self.assertEqual(form["hats#uri"]["options"], [TUTOR])
            note = await self.run_command(alice, "destroy", form_type="", **{field: TUTOR})
            self.assertEqual(note, "The hat has been destroyed.")
            await alice.sees(f"{self.room}/bob")
        await alice.until(lambda: self.told_of_changes(alice) == 4)
        self.assertEqual(await self.run_command(alice, "destroy", uri=TUTOR), "There is no such hat.")

    async def test_owners_and_admins_run_the_room_others_look(self) -> None:
        alice, bob = await self.alice_and_bob()
        carol = await self.person("carol")
        for node in ("create", "destroy", "assign", "unassign", "list-assigned"):
            answer = await self.send(bob, node, action="execute")
            self.assertEqual(self.outcome(answer), "forbidden", node)
        self.assertEqual(self.items(await self.send(bob, "list")), [])
        self.assertEqual(self.outcome(await self.send(carol, "list")), "forbidden")
        await alice.affiliate(self.room, "bob@localhost", "admin")
        note = await self.run_command(bob, "create", uri=TUTOR, title="Tutor")
        self.assertEqual(note, "The hat has been created.")
        offered = {name: len(await self.offered(person)) for name, person in (("bob", bob), ("carol", carol))}
        self.assertEqual(offered, {"bob": 10, "carol": 0})

    async def test_users_wear_doff_claim_and_discard_their_own(self) -> None:
        alice, bob = await self.alice_and_bob()
        self.calls.define(self.room, TUTOR, title="Tutor", self_assignable=True)
        self.calls.define(self.room, SCRIBE, title="Scribe")
        await bob.until(lambda: self.told_of_changes(bob) == 2)
        form = self.form(await self.send(bob, "claim", action="execute"))
        self.assertEqual(form["hats#uri"]["options"], [TUTOR])
        self.assertEqual(await self.run_command(bob, "claim", uri=SCRIBE), "forbidden")
        self.assertEqual(await self.run_command(bob, "claim", uri=TUTOR), "You have the hat.")
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.assertEqual(await self.run_command(bob, "doff", uri=TUTOR), "You have taken off the hat.")
        await alice.sees(f"{self.room}/bob")
        self.assertEqual(self.form(await self.send(bob, "don"))["hats#uri"]["options"], [TUTOR])
        self.assertEqual(await self.run_command(bob, "don", uri=TUTOR), "You wear the hat.")
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.assertEqual(await self.run_command(bob, "discard", uri=TUTOR), "You have given up the hat.")
        await alice.sees(f"{self.room}/bob")
        self.assertEqual(await self.run_command(bob, "don", uri=TUTOR), "item-not-found")

    async def test_a_required_hat_cannot_be_doffed_or_discarded_by_its_user(self) -> None:
        _, bob = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR, required=True)
        await bob.sees(f"{self.room}/bob", TUTOR)
        self.assertEqual(self.form(await self.send(bob, "doff"))["hats#uri"]["options"], [])
        for node in ("doff", "discard"):
            self.assertEqual(await self.run_command(bob, node, uri=TUTOR), "not-allowed")
        self.assertIn(TUTOR, self.calls.document(self.room, "bob@localhost").hats)

    async def test_commands_are_found_by_service_discovery(self) -> None:
        alice, _ = await self.alice_and_bob()
        offered = await self.offered(alice)
        self.assertIn(f"{PREFIX}list-assigned", offered)
        for node in offered:
            info = await alice.query(
                self.room, "get", f'<query xmlns="http://jabber.org/protocol/disco#info" node="{node}"/>'
            )
            kinds = [
                found.get("type") for found in info.iter("{http://jabber.org/protocol/disco#info}identity")
            ]
            self.assertEqual(kinds, ["command-node"])

    async def test_a_cancelled_command_does_nothing(self) -> None:
        alice, _ = await self.alice_and_bob()
        answer = await self.send(alice, "create", action="cancel", sessionid="x")
        self.assertEqual(answer.find(f"{COMMANDS}command").get("status"), "canceled")

    async def test_no_room_and_no_command_are_told(self) -> None:
        alice = await self.occupant("alice")
        self.assertEqual(self.outcome(await self.send(alice, f"{PREFIX}unknown")), "item-not-found")
        self.room = "nowhere@conference.localhost"
        answer = await self.send(alice, "list")
        self.assertEqual(answer.get("type"), "error")

    async def offered(self, person: Person) -> list[str]:
        answer = await person.query(
            self.room,
            "get",
            f'<query xmlns="http://jabber.org/protocol/disco#items" node="{COMMANDS[1:-1]}"/>',
        )
        return [item.get("node") for item in answer.iter("{http://jabber.org/protocol/disco#items}item")]

    def definition(self) -> object:
        request = hat_service_pb2.ListHatDefinitionsRequest(room_jid=self.room)
        [definition] = self.calls.hats.ListHatDefinitions(request).definitions
        return definition

    def told_of_changes(self, person: Person) -> int:
        return sum(
            status.get("code") == "104"
            for stanza in person.received
            if stanza.tag.endswith("message") and stanza.get("from") == self.room
            for status in stanza.iter(f"{MUC_USER}status")
        )


class CommandsAlone(Commands):
    """What is left of the commands while hatd is away."""

    OPTIONS = "hatd_command_timeout = 1\nhatd_heartbeat_interval = 1"

    async def test_a_command_says_that_hatd_does_not_answer(self) -> None:
        alice, bob = await self.alice_and_bob()
        self.calls.define(self.room, TUTOR, title="Tutor")
        await alice.until(lambda: self.told_of_changes(alice) == 1)
        self.hatd.stop()
        try:
            for node in ("create", "assign", "list"):
                note = await self.run_command(alice, node, uri=TUTOR, title="T", jid="bob@localhost")
                self.assertEqual(note, "remote-server-timeout", node)
            # What is known is still offered.
            form = self.form(await self.send(alice, "assign", action="execute"))
            self.assertEqual(form["hats#uri"]["options"], [TUTOR])
        finally:
            self.hatd.start()
        await eventually(lambda: self.calls.affiliations(self.room))
        self.assertEqual(bob.hats(f"{self.room}/bob"), [])


for name in dir(Commands):
    if name.startswith("test_"):
        setattr(CommandsAlone, name, None)
