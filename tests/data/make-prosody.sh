#!/bin/sh
# Lets a real Prosody write what `hatctl import prosody` is tested with, as its data directory:
#
#     make-prosody.sh DIRECTORY
#
# Needs `prosody` 0.12. It opens no port. Its rooms are made by a module of their own, by the calls
# that clients' requests end in; hats are kept where mod_muc_hats_api keeps them. The order within
# a file differs from run to run, so the files are kept as they were written once.
set -eu

data=${1:?where to}
mkdir -p "$data"
data=$(cd "$data" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/mod_make_rooms.lua" <<'LUA'
local muc = module:depends("muc");

local function make(node, affiliations)
	local room = assert(muc.create_room(node .. "@" .. module.host));
	room:set_persistent(true);
	for user, affiliation in pairs(affiliations) do
		assert(room:set_affiliation(true, user, affiliation));
	end
	return room;
end

-- As mod_muc_hats_api does it, whatever the hats are.
local function set_hats(room, user, hats)
	local data = room:get_affiliation_data(user) or {};
	data.hats = hats;
	assert(room:set_affiliation(true, user, room:get_affiliation(user), nil, data));
end

local function make_rooms()
	if module.host == "rooms.example" then
		local room = make("algebra", { ["bob@localhost"] = "member" });
		set_hats(room, "bob@localhost", { ["urn:example:tutor"] = { active = true, title = "Teacher" } });
		return;
	end

	local algebra = make("algebra", {
		["alice@localhost"] = "owner", ["zoë@localhost"] = "admin", ["bob@localhost"] = "member",
		["carol@localhost"] = "member", ["dave@localhost"] = "member",
		["mallory@localhost"] = "member", ["spam.example"] = "outcast",
	});
	assert(algebra:set_affiliation_data("bob@localhost", "reserved_nickname", "bob"));
	set_hats(algebra, "bob@localhost", {
		["urn:example:tutor"] = { active = true, title = "Tutor" },
		["urn:example:host"] = { active = false, required = true, title = "Gastgeberin für “alle” \\ \"1\"" },
		["https://example.net/hats/scribe#1"] = { active = true },
	});
	set_hats(algebra, "carol@localhost", {
		["urn:example:tutor"] = { active = true, title = "Docent" },
		["not a uri"] = { active = true, title = "Anything" },
		[""] = {},
		["urn:example:long"] = { title = ("long "):rep(60) },
		["urn:example:lines"] = { title = "two\nlines" },
		["urn:example:number"] = { title = 1.5 },
		["urn:example:true"] = true,
		["urn:example:empty"] = { active = 0, title = "" },
		[1] = { active = false, title = "First" },
	});
	set_hats(algebra, "dave@localhost", { ["no hat"] = {} });
	set_hats(algebra, "mallory@localhost", { ["urn:example:tutor"] = { active = true, title = "Tutor" } });
	assert(algebra:set_affiliation(true, "mallory@localhost", "outcast", "Enough"));

	local cheese = make("käse_zeit.1", { ["alice@localhost"] = "owner" });
	set_hats(cheese, "alice@localhost", { ["urn:example:host"] = { active = true } });

	local temporary = make("temporary", { ["alice@localhost"] = "owner" });
	temporary:set_persistent(false);
	make("destroyed", { ["alice@localhost"] = "owner" }):destroy();
end

module:hook_global("server-started", function ()
	make_rooms();
	if module.host == "rooms.example" then
		module:add_timer(0, function () require "util.startup"; prosody.shutdown("done", 0); end);
	end
end);
LUA

cat >"$work/prosody.cfg.lua" <<LUA
pidfile = "$work/prosody.pid"
data_path = "$data"
plugin_paths = { "$work" }
modules_disabled = { "c2s", "s2s", "tls" }
run_as_root = true
log = { { levels = { min = "warn" }, to = "console" } }

VirtualHost "localhost"
$(for host in conference.localhost rooms.example; do
    printf 'Component "%s" "muc"\nmodules_enabled = { "make_rooms" }\n' "$host"
done)
LUA

timeout 60 prosody --root --config "$work/prosody.cfg.lua" -F
