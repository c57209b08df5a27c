"""The interface of mod_muc_hats_api, by ours."""

import json
from pathlib import Path

from harness import COMMANDS, COMPONENT, ERRORS, HATS, MUC_USER, Person, Servers, eventually
from stubs import room_service_pb2, types_pb2

PLUGINS = Path(__file__).parent / "plugins"
TUTOR = "urn:example:tutor"
SCRIBE = "urn:example:scribe"
NO_ROOM = [None, "item-not-found", "no such room"]
NOT_AFFILIATED = [None, "item-not-found", "user not affiliated with room"]


class Interface(Servers):
    MODULES = ("hatd", "muc_hats_api", "probe")
    PLUGINS = (PLUGINS,)

    async def lua(self, person: Person, code: str, context: str = "handler") -> list[object]:
        """Runs Lua in Prosody, with `hats`, `user` and `room`; returns what it returned."""
        code = f'local user, room = "bob@localhost", "{self.room}"; {code}'
        escaped = code.replace("&", "&amp;").replace("<", "&lt;")
        answer = await person.query(
            COMPONENT, "set", f'<run xmlns="urn:example:probe" context="{context}">{escaped}</run>'
        )
        ok, *returned = json.loads(answer.findtext("{jabber:client}result") or answer[0].text)
        self.assertTrue(ok, returned)
        return returned

    async def test_the_three_functions_do_what_they_say(self) -> None:
        alice, _ = await self.alice_and_bob()
        for context in ("handler", "timer"):
            add = f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true, title = "Tutor" }})'
            self.assertEqual(await self.lua(alice, add, context), [True])
            await alice.sees(f"{self.room}/bob", TUTOR)
            wanted = f'{{ ["{SCRIBE}"] = {{ active = true }}, ["urn:x"] = {{}} }}'
            replace = f"return hats.set_user_hats(user, room, {wanted})"
            self.assertEqual(await self.lua(alice, replace, context), [True])
            await alice.sees(f"{self.room}/bob", SCRIBE)
            self.assertEqual(set(self.calls.document(self.room, "bob@localhost").hats), {SCRIBE, "urn:x"})
            remove = f'return hats.remove_user_hat(user, room, "{SCRIBE}")'
            self.assertEqual(await self.lua(alice, remove, context), [True])
            await alice.sees(f"{self.room}/bob")

    async def test_the_room_is_looked_for_before_the_user(self) -> None:
        alice, _ = await self.alice_and_bob()
        for call in (
            'add_user_hat(%s, "urn:x", {})',
            'remove_user_hat(%s, "urn:x")',
            "set_user_hats(%s, {})",
        ):
            for where in (
                '"nobody@localhost", "nowhere@conference.localhost"',
                "nil, nil",
                'user, room.."/nick"',
                'user, ""',
                'user, "conference.localhost"',
                f'user, "{self.room.split("@")[0]}@localhost"',
            ):
                self.assertEqual(await self.lua(alice, f"return hats.{call % where}"), NO_ROOM, where)
            for where in ('"nobody@localhost", room', "nil, room", '"", room', '"a@b@c", room'):
                self.assertEqual(await self.lua(alice, f"return hats.{call % where}"), NOT_AFFILIATED, where)

    async def test_affiliating_and_giving_a_hat_at_once(self) -> None:
        alice = await self.occupant("alice")
        code = (
            'muc.get_room_from_jid(room):set_affiliation(true, "carol@localhost", "member");'
            f' return hats.add_user_hat("carol@localhost", room, "{TUTOR}", {{ active = true }})'
        )
        self.assertEqual(await self.lua(alice, code), [True])
        await self.occupant("carol")
        await alice.sees(f"{self.room}/carol", TUTOR)

    async def test_what_hatd_refuses_after_all_is_told_to_the_callback_and_the_log(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.rooms.PutRoom(
            room_service_pb2.PutRoomRequest(room_jid=self.room, hat_policy=types_pb2.HAT_POLICY_DEFINED_ONLY)
        )
        code = (
            f'return hats.add_user_hat(user, room, "{TUTOR}", {{}},'
            ' function(...) module:log("info", "told %s %s", ...) end)'
        )
        self.assertEqual(await self.lua(alice, code), [True])
        self.prosody.process.wait_for(f"AddUserHat for bob@localhost in {self.room} failed: item-not-found")
        self.prosody.process.wait_for(r"told \(nil\) item-not-found")

    async def test_a_service_admin_owns_rooms_without_being_listed(self) -> None:
        alice, admin = await self.occupant("alice"), await self.occupant("admin")
        await self.known("alice@localhost", "owner")
        code = f'return hats.add_user_hat("admin@localhost", room, "{TUTOR}", {{ active = true }})'
        self.assertEqual(await self.lua(alice, code), [True])
        await admin.sees(f"{self.room}/admin", TUTOR)

    async def test_trap_1_a_full_jid_means_its_user_and_destroys_nothing(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", SCRIBE)
        code = f'return hats.%s("bob@localhost/phone", room, "{TUTOR}", {{ active = true }})'
        self.assertEqual(await self.lua(alice, code % "add_user_hat"), [True])
        await alice.sees(f"{self.room}/bob", SCRIBE, TUTOR)
        self.assertEqual(await self.lua(alice, code % "remove_user_hat"), [True])
        await alice.sees(f"{self.room}/bob", SCRIBE)

    async def test_trap_2_every_spelling_of_a_jid_is_the_same(self) -> None:
        alice, _ = await self.alice_and_bob()
        where = f'"Bob@LOCALHOST", "{self.room.upper()}"'
        code = f'return hats.add_user_hat({where}, "{TUTOR}", {{ active = true }})'
        self.assertEqual(await self.lua(alice, code), [True])
        await alice.sees(f"{self.room}/bob", TUTOR)

    async def test_trap_3_what_cannot_be_shown_is_refused_and_nobody_is_locked_out(self) -> None:
        alice, _ = await self.alice_and_bob()
        bad = "\\1"
        for title in ("5", "{}", "false", f'"a{bad}"', '("x"):rep(5000)', '"\\u{202e}"'):
            code = f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true, title = {title} }})'
            self.assertEqual((await self.lua(alice, code))[:2], [None, "bad-request"], title)
        for hat in (
            "nil",
            "5",
            "true",
            f'"urn:x{bad}"',
            '""',
            '" "',
            '"not a uri"',
            '"<b>&"',
            '"x:"..("y"):rep(3000)',
        ):
            code = f"return hats.add_user_hat(user, room, {hat}, {{ active = true }})"
            self.assertEqual((await self.lua(alice, code))[:2], [None, "bad-request"], hat)
        for attachment in ("true", '"x"', "5"):
            code = f'return hats.add_user_hat(user, room, "{TUTOR}", {attachment})'
            self.assertEqual((await self.lua(alice, code))[:2], [None, "bad-request"], attachment)
        for hats in ('"x"', "{ {} }", f'{{ ["{TUTOR}"] = true }}', "5"):
            code = f"return hats.set_user_hats(user, room, {hats})"
            self.assertEqual((await self.lua(alice, code))[:2], [None, "bad-request"], hats)
        carol = await self.occupant("carol")
        self.assertEqual(carol.hats(f"{self.room}/bob"), [])

    async def test_trap_3_hats_that_prosody_cannot_show_lock_nobody_out_either(self) -> None:
        alice, _ = await self.alice_and_bob()
        # As the community module has stored them before: in affiliation data, with a title that is a number.
        code = (
            "local r = muc.get_room_from_jid(room); r:set_affiliation_data(user, 'hats',"
            f" {{ ['{SCRIBE}'] = {{ active = true, title = 5 }} }}); return true"
        )
        await self.lua(alice, code)
        carol = await self.occupant("carol")
        self.assertEqual(carol.hats(f"{self.room}/bob"), [])
        self.prosody.process.wait_for("failed to build a presence in test_trap_3_hats")
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await carol.sees(f"{self.room}/bob", TUTOR)

    async def test_trap_4_a_hat_gives_no_voice_back(self) -> None:
        alice, bob = await self.alice_and_bob()
        mute = '<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="bob" role="visitor"/></query>'
        await alice.query(self.room, "set", mute)
        await self.lua(alice, f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})')
        await bob.sees(f"{self.room}/bob", TUTOR)
        [item] = bob.presences(f"{self.room}/bob")[-1].iter(f"{MUC_USER}item")
        self.assertEqual(item.get("role"), "visitor")

    async def test_trap_5_registering_a_nick_wipes_nothing(self) -> None:
        alice, bob = await self.alice_and_bob()
        await self.lua(alice, f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})')
        await alice.sees(f"{self.room}/bob", TUTOR)
        form = (
            '<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE">'
            "<value>http://jabber.org/protocol/muc#register</value></field>"
            '<field var="muc#register_roomnick"><value>bob</value></field></x></query>'
        )
        before = len(alice.presences(f"{self.room}/bob"))
        answer = await bob.query(self.room, "set", form)
        self.assertEqual(answer.get("type"), "result")
        await alice.until(lambda: len(alice.presences(f"{self.room}/bob")) > before)
        await alice.sees(f"{self.room}/bob", TUTOR)
        await alice.affiliate(self.room, "bob@localhost", "admin", nick="bob")
        await self.known("bob@localhost", "admin")
        await alice.sees(f"{self.room}/bob", TUTOR)
        self.assertIn(TUTOR, self.calls.document(self.room, "bob@localhost").hats)

    async def test_trap_6_a_ban_takes_hats_away_for_good_and_is_no_affiliation(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.affiliate(self.room, "bob@localhost", "outcast")
        add = f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})'
        self.assertEqual(await self.lua(alice, add), NOT_AFFILIATED)
        await alice.affiliate(self.room, "bob@localhost", "member")
        await self.known("bob@localhost", "member")
        await self.occupant("bob", "phone")
        await alice.sees(f"{self.room}/bob")

    async def test_trap_7_a_veto_on_affiliations_does_not_leave_half_a_change(self) -> None:
        alice, _ = await self.alice_and_bob()
        veto = (
            'module:hook("muc-pre-set-affiliation", function(event)'
            " if event.room.jid == room then event.allowed = false end end); return true"
        )
        await self.lua(alice, veto)
        self.assertEqual(
            await self.lua(alice, f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})'),
            [True],
        )
        await alice.sees(f"{self.room}/bob", TUTOR)

    async def test_trap_8_what_changes_nothing_is_told_to_nobody(self) -> None:
        alice, _ = await self.alice_and_bob()
        add = f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})'
        await self.lua(alice, add)
        await alice.sees(f"{self.room}/bob", TUTOR)
        before = len(alice.presences(f"{self.room}/bob"))
        self.assertEqual(await self.lua(alice, add), [True])
        self.assertEqual(
            await self.lua(alice, 'return hats.remove_user_hat(user, room, "urn:absent")'), [True]
        )
        await self.lua(alice, f'return hats.add_user_hat(user, room, "{SCRIBE}", {{ active = true }})')
        await alice.sees(f"{self.room}/bob", SCRIBE, TUTOR)
        self.assertEqual(len(alice.presences(f"{self.room}/bob")) - before, 1)

    async def test_trap_9_there_is_a_limit(self) -> None:
        alice, _ = await self.alice_and_bob()
        code = (
            'local wanted = {}; for n = 1, 65 do wanted["urn:x:"..n] = {} end;'
            " return hats.set_user_hats(user, room, wanted,"
            ' function(_, condition) module:log("info", "limit says %s", condition) end)'
        )
        self.assertEqual(await self.lua(alice, code), [True])
        self.prosody.process.wait_for("limit says resource-constraint")

    async def test_trap_10_the_order_is_always_the_same(self) -> None:
        alice, _ = await self.alice_and_bob()
        ids = [f"urn:x:{letter}" for letter in "abcdefghij"]
        wanted = ", ".join(f'["{hat}"] = {{ active = true }}' for hat in reversed(ids))
        await self.lua(alice, f"return hats.set_user_hats(user, room, {{ {wanted} }})")
        await alice.sees(f"{self.room}/bob", *ids)

    async def test_trap_11_nobody_is_told_of_a_hat_for_someone_who_is_not_there(self) -> None:
        alice = await self.occupant("alice")
        await alice.affiliate(self.room, "bob@localhost", "member")
        await self.lua(alice, f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})')
        await eventually(lambda: getattr(self.calls.document(self.room, "bob@localhost"), "hats", None))
        messages = len([stanza for stanza in alice.received if stanza.tag.endswith("message")])
        self.calls.give(self.room, "alice@localhost", TUTOR)
        await alice.sees(f"{self.room}/alice", TUTOR)
        self.assertEqual(len([s for s in alice.received if s.tag.endswith("message")]), messages)

    async def test_omitted_attachments_and_truth_as_lua_has_it(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.assertEqual(await self.lua(alice, f'return hats.add_user_hat(user, room, "{TUTOR}")'), [True])
        await self.lua(
            alice,
            f'return hats.add_user_hat(user, room, "{SCRIBE}", {{ active = 0, required = "yes", x = 1 }})',
        )
        await alice.sees(f"{self.room}/bob", SCRIBE)
        hats = self.calls.document(self.room, "bob@localhost").hats
        self.assertFalse(hats[TUTOR].active)
        self.assertTrue(hats[SCRIBE].required)
        self.assertEqual(await self.lua(alice, "return hats.set_user_hats(user, room, nil)"), [True])
        await alice.sees(f"{self.room}/bob")


class Waiting(Interface):
    """The same, where the interface waits for hatd if it can."""

    OPTIONS = "hatd_api_wait = 5"

    async def test_what_hatd_refuses_is_returned(self) -> None:
        alice, _ = await self.alice_and_bob()
        code = (
            'local wanted = {}; for n = 1, 65 do wanted["urn:x:"..n] = {} end;'
            " return hats.set_user_hats(user, room, wanted)"
        )
        self.assertEqual((await self.lua(alice, code))[:2], [None, "resource-constraint"])
        self.assertEqual(await self.lua(alice, code, "timer"), [True])

    # What differs: these would be returned.
    test_what_hatd_refuses_after_all_is_told_to_the_callback_and_the_log = None
    test_trap_9_there_is_a_limit = None


class Away(Interface):
    """hatd is stopped for each test."""

    OPTIONS = "hatd_queue_size = 2\nhatd_heartbeat_interval = 1"

    async def test_writes_wait_up_to_a_bound_and_arrive_when_hatd_is_back(self) -> None:
        alice, _ = await self.alice_and_bob()
        mark = len(self.prosody.process.lines)
        self.hatd.stop()
        self.prosody.process.wait_for("lost hatd", after=mark)
        add = 'return hats.add_user_hat(user, room, "urn:x:%d", { active = true })'
        self.assertEqual([await self.lua(alice, add % n) for n in (1, 2)], [[True], [True]])
        # The first of them is under way.
        self.assertEqual((await self.lua(alice, add % 3))[:2], [None, "resource-constraint"])
        self.hatd.start()
        await alice.sees(f"{self.room}/bob", "urn:x:1", "urn:x:2")


for name in dir(Interface):
    if name.startswith("test_"):
        setattr(Away, name, None)


class Refusing(Away):
    OPTIONS = 'hatd_when_away = "refuse"\nhatd_heartbeat_interval = 1'

    test_writes_wait_up_to_a_bound_and_arrive_when_hatd_is_back = None

    async def test_writes_are_refused_while_hatd_is_away(self) -> None:
        alice, _ = await self.alice_and_bob()
        mark = len(self.prosody.process.lines)
        self.hatd.stop()
        self.prosody.process.wait_for("lost hatd", after=mark)
        add = f'return hats.add_user_hat(user, room, "{TUTOR}", {{ active = true }})'
        self.assertEqual(await self.lua(alice, add), [None, "service-unavailable", "hatd is away"])
        self.hatd.start()
        self.prosody.process.wait_for("connected to hatd", after=mark)
        self.assertEqual(await self.lua(alice, add), [True])


class Reloading(Interface):
    async def test_the_module_can_be_reloaded_under_people_in_a_room(self) -> None:
        alice, _ = await self.alice_and_bob()
        self.calls.give(self.room, "bob@localhost", TUTOR)
        await alice.sees(f"{self.room}/bob", TUTOR)
        mark = len(self.prosody.process.lines)
        await self.lua(
            alice,
            "local host = module.host;"
            ' require "util.timer".add_task(0, function()'
            ' require "core.modulemanager".reload(host, "hatd") end); return true',
        )
        self.prosody.process.wait_for("holds the state of hatd", after=mark)
        self.prosody.process.wait_for("brought 1 rooms to hatd", after=mark)
        self.calls.give(self.room, "bob@localhost", SCRIBE)
        await alice.sees(f"{self.room}/bob", SCRIBE, TUTOR)
        add = 'return hats.add_user_hat(user, room, "urn:x:1", { active = true })'
        self.assertEqual(await self.lua(alice, add), [True])
        await alice.sees(f"{self.room}/bob", SCRIBE, TUTOR, "urn:x:1")
        carol = await self.person("carol")
        await carol.join(
            self.room, "carol", f'<hats xmlns="{HATS[1:-1]}"><hat uri="urn:x" title="x"/></hats>'
        )
        await alice.sees(f"{self.room}/carol")


for name in dir(Interface):
    if name.startswith("test_"):
        setattr(Reloading, name, None)


class AnUnchangedModule(Servers):
    MODULES = ("hatd", "greeter")
    PLUGINS = (PLUGINS,)

    async def test_a_module_written_for_muc_hats_api_works_unchanged(self) -> None:
        alice = await self.occupant("alice")
        await alice.sees(f"{self.room}/alice", "urn:example:here")
        await alice.affiliate(self.room, "bob@localhost", "member")
        bob = await self.occupant("bob")
        await alice.sees(f"{self.room}/bob", "urn:example:here")
        await bob.leave(self.room, "bob")
        await eventually(lambda: not self.calls.document(self.room, "bob@localhost").hats)
        await self.occupant("carol")
        self.prosody.process.wait_for(r"no hat for carol@localhost: item-not-found \(user not affiliated")


class HostCommands(Servers):
    MODULES = ("hatd", "muc_hats_adhoc")

    async def run_command(self, person: Person, node: str, **fields: str) -> tuple[str, str]:
        """Runs a command of the host; returns the type of its note, or of its error, and the text."""
        form = "".join(
            f'<field var="{name}"><value>{value}</value></field>' for name, value in fields.items()
        )
        answer = await person.query(
            COMPONENT,
            "set",
            f'<command xmlns="{COMMANDS[1:-1]}" node="http://prosody.im/protocol/hats#{node}">'
            f'<x xmlns="jabber:x:data" type="submit">{form}</x></command>',
        )
        note = answer.find(f"{COMMANDS}command/{COMMANDS}note")
        if answer.get("type") == "error":
            [condition] = [
                found for found in answer.find("{jabber:client}error") if found.tag.startswith(ERRORS)
            ][:1]
            return "error", condition.tag.removeprefix(ERRORS)
        return note.get("type"), note.text

    async def test_admins_give_and_take_hats_that_users_must_wear(self) -> None:
        alice, bob = await self.alice_and_bob()
        admin = await self.person("admin")
        self.room = self.room.upper()  # The form prepares JIDs.
        done = await self.run_command(
            admin, "add", user="BOB@localhost", room=self.room, uri=TUTOR, title="Tutor"
        )
        self.assertEqual(done, ("info", "The hat has been added successfully"))
        self.room = self.room.lower()
        self.assertEqual(await alice.sees(f"{self.room}/bob", TUTOR), [{"uri": TUTOR, "title": "Tutor"}])
        self.assertTrue(self.calls.document(self.room, "bob@localhost").hats[TUTOR].required)
        done = await self.run_command(admin, "remove", user="bob@localhost", room=self.room, uri=TUTOR)
        self.assertEqual(done, ("info", "The hat has been removed successfully"))
        await alice.sees(f"{self.room}/bob")
        self.assertEqual(
            await self.run_command(bob, "add", user="bob@localhost", room=self.room, uri=TUTOR),
            ("error", "forbidden"),
        )

    async def test_errors_are_told_as_errors(self) -> None:
        await self.alice_and_bob()
        admin = await self.person("admin")
        for fields, text in (
            ({"user": "nobody@localhost", "uri": TUTOR}, "user not affiliated with room"),
            (
                {"user": "bob@localhost", "uri": "not a uri"},
                "a hat id is an absolute URI of up to 1023 bytes",
            ),
        ):
            note = await self.run_command(admin, "add", room=self.room, **fields)
            self.assertEqual(note, ("error", f"There was an error adding the hat: {text}"))
        note = await self.run_command(admin, "add", room=self.room, user="bob@localhost")
        self.assertEqual(note, ("error", "uri: Required value missing"))
