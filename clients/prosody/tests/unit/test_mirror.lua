local harness = require "harness"
local mirror = require "hatd.mirror"
local pb = require "hatd.pb"

local test, same, ok = harness.test, harness.same, harness.ok

local function pause() end

-- Makes a mirror that notes its changes, and a function that applies a response as it would arrive.
local function new_mirror()
	local changed = {}
	local self = mirror.new(function(room_jid, user_jid, what)
		changed[#changed + 1] = room_jid .. " " .. (user_jid or what)
	end)
	local function apply(response)
		changed = {}
		local arrived = assert(mirror.decode("hatd.v1.WatchHatsResponse", pb.encode("hatd.v1.WatchHatsResponse", response)))
		self:apply(arrived, pause)
		table.sort(changed)
		return changed
	end
	return self, apply
end

local function document(user_jid, hats, revision)
	return { room_jid = "r@c", user_jid = user_jid, hats = hats, revision = revision }
end

local function commit(fields)
	fields.room_jid = fields.room_jid or "r@c"
	return { changes = { commits = { fields } } }
end

local function hats_of(self, language)
	local list = {}
	for _, hat in ipairs(self:hats("r@c", "u@h", language)) do
		list[#list + 1] = ("%s|%s|%s|%s"):format(hat.hat_id, hat.title, hat.hue or "-", hat.language or "-")
	end
	return list
end

test("only what differs is a change", function()
	local _, apply = new_mirror()
	same(apply(commit { users = { { user_hats = document("u@h", { ["urn:a"] = { active = true } }, 1) } } }), { "r@c u@h" })
	same(apply(commit { users = { { user_hats = document("u@h", { ["urn:a"] = { active = true } }, 2) } } }), {})
	same(apply(commit { users = { { user_hats = document("v@h", {}, 3) } } }), {})
	same(apply(commit { users = { { user_hats = document("u@h", {}, 4) } } }), { "r@c u@h" })
	same(apply(commit { room = { room_jid = "r@c", revision = 5 } }), { "r@c record" })
	same(apply(commit { room = { room_jid = "r@c", revision = 6 } }), {})
	same(apply(commit { definitions = { { hat_id = "urn:a", title = "A", revision = 7 } } }), { "r@c catalogue" })
	same(apply(commit { definitions = { { hat_id = "urn:a", title = "A", revision = 8 } } }), {})
	same(apply(commit { removed_definitions = { "urn:a", "urn:b" } }), { "r@c catalogue" })
end)

test("a deleted room takes everything along", function()
	local self, apply = new_mirror()
	apply(commit { room = { room_jid = "r@c" }, definitions = { { hat_id = "urn:a" } },
		users = { { user_hats = document("u@h", { ["urn:a"] = {} }) } } })
	same(apply(commit { room_deleted = true }), { "r@c deleted", "r@c u@h" })
	same({ self:room("r@c"), next(self:wardrobe("r@c", "u@h")), #self:definitions("r@c") }, { nil, nil, 0 })
	same(apply(commit { room_deleted = true }), {})
end)

test("what a snapshot does not name is swept, and answers until then", function()
	local self, apply = new_mirror()
	apply { reset = {} }
	same(self.ready, false)
	apply { snapshot = { rooms = { { room_jid = "r@c" }, { room_jid = "s@c" } }, definitions = {
		{ room_jid = "r@c", definition = { hat_id = "urn:a" } }, { room_jid = "r@c", definition = { hat_id = "urn:b" } } },
		users = { document("u@h", { ["urn:a"] = { active = true } }), document("v@h", { ["urn:a"] = {} }),
			document("w@h", { ["urn:a"] = {} }) } } }
	same(apply { snapshot = { complete = true } }, {})
	same({ self.ready, self.stale }, { true, false })

	same(apply { reset = {} }, {})
	same({ self.ready, self.stale }, { true, true })
	same(#self:hats("r@c", "u@h"), 1)
	same(apply { snapshot = { rooms = { { room_jid = "r@c" } }, users = { document("v@h", { ["urn:a"] = {} }) },
		definitions = { { room_jid = "r@c", definition = { hat_id = "urn:b" } } } } }, {})
	-- Writes that land meanwhile are part of the state.
	same(apply(commit { users = { { user_hats = document("w@h", { ["urn:b"] = {} }) } } }), { "r@c w@h" })
	same(apply { snapshot = { complete = true } }, { "r@c catalogue", "r@c u@h", "s@c deleted" })
	same({ next(self:wardrobe("r@c", "u@h")), self:room("s@c"), self.stale }, { nil, nil, false })
	ok(self:wardrobe("r@c", "v@h")["urn:a"] and self:wardrobe("r@c", "w@h")["urn:b"])
end)

test("a snapshot that begins again sweeps only what the last one did not name", function()
	local self, apply = new_mirror()
	apply { reset = {} }
	apply { snapshot = { rooms = { { room_jid = "r@c" } }, users = { document("u@h", { ["urn:a"] = {} }) } } }
	apply { reset = {} }
	apply { snapshot = { rooms = { { room_jid = "r@c" } }, users = { document("v@h", { ["urn:a"] = {} }) } } }
	same(apply { snapshot = { complete = true } }, { "r@c u@h" })
	ok(self:wardrobe("r@c", "v@h")["urn:a"])
end)

test("only worn hats are displayed, in the order of the catalogue, with a title", function()
	local self, apply = new_mirror()
	apply(commit {
		definitions = { { hat_id = "urn:b", title = "B", position = 2, hue = 0.0 }, { hat_id = "urn:c", position = -1 },
			{ hat_id = "urn:d", title = "D", position = 2 } },
		users = { { user_hats = document("u@h", { ["urn:a"] = { active = true }, ["urn:b"] = { active = true },
			["urn:c"] = { active = true }, ["urn:d"] = { active = true, title = "Mine" }, ["urn:e"] = { title = "Off" },
			["urn:0"] = { active = true, title = "Free" } }) } },
	})
	same(hats_of(self), { "urn:c|urn:c|-|-", "urn:b|B|0.0|-", "urn:d|Mine|-|-", "urn:0|Free|-|-", "urn:a|urn:a|-|-" })
	apply(commit { room = { room_jid = "r@c", hat_policy = "HAT_POLICY_DEFINED_ONLY" } })
	same(hats_of(self), { "urn:c|urn:c|-|-", "urn:b|B|0.0|-", "urn:d|D|-|-", "urn:0|Free|-|-", "urn:a|urn:a|-|-" })
end)

test("titles are found by RFC 4647 lookup", function()
	local self, apply = new_mirror()
	apply(commit {
		definitions = { { hat_id = "urn:a", title = "Tutor", titles = { de = "Tutorin", ["zh-Hant"] = "導師" } } },
		users = { { user_hats = document("u@h", { ["urn:a"] = { active = true } }) } },
	})
	for language, expected in pairs { ["de"] = "Tutorin|-|de", ["DE-at-x-wien"] = "Tutorin|-|de", ["fr"] = "Tutor|-|-",
		["zh-hant-x-a"] = "導師|-|zh-Hant", ["zh"] = "Tutor|-|-", ["d"] = "Tutor|-|-" } do
		same(hats_of(self, language), { "urn:a|" .. expected })
	end
	apply(commit { users = { { user_hats = document("u@h", { ["urn:a"] = { active = true, title = "Mine" } }) } } })
	same(hats_of(self, "de"), { "urn:a|Mine|-|-" })
end)

test("documents that are alike share what is kept of them", function()
	local self, apply = new_mirror()
	local hats = { ["urn:a"] = { active = true, title = "A", given = { actor = "x" } }, ["urn:b"] = {} }
	apply(commit { users = { { user_hats = document("u@h", hats, 1) }, { user_hats = document("v@h", hats, 1) } } })
	ok(self:wardrobe("r@c", "u@h") == self:wardrobe("r@c", "v@h"))
	same(self:wardrobe("r@c", "u@h"), { ["urn:a"] = { active = true, required = false, title = "A" },
		["urn:b"] = { active = false, required = false, title = "" } })
	for n = 1, 5000 do
		apply(commit { users = { { user_hats = document("u@h", { ["urn:" .. n] = {} }, n) } } })
	end
	ok(self.shared_count <= 4096)
	ok(self:wardrobe("r@c", "v@h")["urn:a"].active)
end)
