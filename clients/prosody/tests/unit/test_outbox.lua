local errors = require "hatd.errors"
local fake_loop = require "fake_loop"
local harness = require "harness"
local new_outbox = require "hatd.outbox".new
local slices = require "hatd.slices"

local test, same, ok = harness.test, harness.same, harness.ok

local NONE, MEMBER, OUTCAST, OWNER = "AFFILIATION_NONE", "AFFILIATION_MEMBER", "AFFILIATION_OUTCAST", "AFFILIATION_OWNER"

local function refusal(reason, code, metadata)
	local problem = errors.new(code or "NOT_FOUND", "refused")
	problem.reason, problem.metadata = reason, metadata or {}
	return problem
end

-- Makes an outbox whose calls are noted as text, and answered by `answer(method, request, n)`: nil for yes.
local function setup(fields)
	local loop = fake_loop.new()
	local world = { sent = {}, log = {}, rooms = {}, loop = loop, requests = {} }
	local scheduler = slices.new(loop, error)
	local ids = 0
	fields = fields or {}
	world.outbox = new_outbox {
		scheduler = scheduler, size_max = fields.size_max or 100, max_removed_hats = 0,
		new_id = function() ids = ids + 1 return "id-" .. ids end,
		read = function(room_jid) return world.rooms[room_jid] and table.move(world.rooms[room_jid], 1, 1e4, 1, {}) end,
		affiliation_of = function(room_jid) return world.rooms[room_jid] and MEMBER end,
		log = function(level, format, ...) world.log[#world.log + 1] = level .. ": " .. format:format(...) end,
		send = function(method, request)
			scheduler:sleep(0.001)
			local parts = { method, request.room_jid or request.max_removed_hats }
			for _, entry in ipairs(request.entries or {}) do
				local users = {}
				for _, user in ipairs(entry.affiliations) do
					users[#users + 1] = user.user_jid .. "=" .. user.affiliation:sub(13):lower()
				end
				table.sort(users)
				local range = (entry.from or "") .. ".." .. (entry["until"] or "")
				parts[#parts + 1] = ("%s %s%s(%s)"):format(entry.room_jid, entry.mode:sub(11):lower(),
					range ~= ".." and " " .. range or "", #users > 5 and #users or table.concat(users, " "))
			end
			world.sent[#world.sent + 1] = table.concat(parts, " ")
			world.requests[#world.requests + 1] = request
			local problem = fields.answer and fields.answer(method, request, #world.sent)
			if problem then return nil, problem end
			return { token = "t" }
		end,
	}
	return world
end

local function users(count)
	local list = {}
	for n = 1, count do list[n] = { user_jid = ("u%05d@h"):format(n), affiliation = MEMBER } end
	return list
end

test("affiliations that follow one another are one call, also of several rooms", function()
	local world = setup()
	world.rooms["r@c"], world.rooms["s@c"] = {}, {}
	world.outbox:affiliation("r@c", "a@h", OWNER)
	world.outbox:affiliation("s@c", "a@h", OWNER)
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox:affiliation("r@c", "b@h", NONE)
	world.loop.run()
	same(world.sent, { "SyncRooms 4294967295 r@c upsert(a@h=owner b@h=none) s@c upsert(a@h=owner)" })
	same({ world.outbox.size, next(world.outbox.rooms) }, { 0, nil })
end)

test("who was taken out and let in again is told both", function()
	local world = setup()
	world.rooms["r@c"] = {}
	world.outbox:affiliation("r@c", "b@h", NONE)
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox:affiliation("r@c", "c@h", OUTCAST)
	world.loop.run()
	same(world.sent, { "SyncRooms 4294967295 r@c upsert(b@h=none)", "SyncRooms 4294967295 r@c upsert(b@h=member c@h=outcast)" })
end)

test("a hat waits for the affiliation before it, and keeps its place", function()
	local world = setup()
	world.rooms["r@c"] = {}
	local answers = {}
	local function note(response, problem) answers[#answers + 1] = response or problem.reason end
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox:call("r@c", "AddUserHat", { room_jid = "r@c", user_jid = "b@h" }, note)
	world.outbox:call("r@c", "RemoveUserHat", { room_jid = "r@c", user_jid = "b@h" }, note)
	world.outbox:affiliation("r@c", "b@h", NONE)
	world.loop.run()
	same(world.sent, { "SyncRooms 4294967295 r@c upsert(b@h=member)", "AddUserHat r@c", "RemoveUserHat r@c",
		"SyncRooms 4294967295 r@c upsert(b@h=none)" })
	same(answers, { { token = "t" }, { token = "t" } })
end)

test("a destroyed room is deleted in place of what waited for it, and one made again comes after", function()
	local world = setup { answer = function(method) return method == "DeleteRoom" and refusal("ROOM_NOT_FOUND") or nil end }
	world.rooms["r@c"] = users(1)
	local answer
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox:call("r@c", "AddUserHat", { room_jid = "r@c" }, function(_, problem) answer = problem.reason end)
	world.outbox:delete("r@c")
	world.outbox:room("r@c")
	world.loop.run()
	same(world.sent, { "DeleteRoom r@c", "SyncRooms 0 r@c replace(u00001@h=member)" })
	same({ answer, #world.log }, { "ROOM_NOT_FOUND", 0 })
end)

test("a room that is gone is not brought back by what happened in it", function()
	local world = setup()
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox:room("s@c")
	world.loop.run()
	same(world.sent, {})
end)

test("a write is tried until it is answered, with one request id", function()
	local world = setup { answer = function(_, _, n) return n < 4 and errors.new("UNAVAILABLE", "away") or nil end }
	world.rooms["r@c"] = {}
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.loop.run()
	same(#world.sent, 4)
	for _, request in ipairs(world.requests) do same(request.request_id, "id-1") end
	same(#world.log, 3)
end)

test("one bad room does not keep others back", function()
	local world = setup { answer = function(_, request)
		for _, entry in ipairs(request.entries) do
			if entry.room_jid == "bad@c" then return refusal("INVALID_FIELD", "INVALID_ARGUMENT") end
		end
	end }
	for _, room_jid in ipairs { "a@c", "bad@c", "z@c" } do
		world.rooms[room_jid] = {}
		world.outbox:affiliation(room_jid, "b@h", MEMBER)
	end
	world.loop.run()
	same(#world.sent, 4)
	same(#world.log, 1)
	ok(world.log[1]:find("failed to sync bad@c", 1, true))
end)

test("a user that hatd cannot take is left out", function()
	local world = setup { answer = function(_, request)
		for at, user in ipairs(request.entries[1].affiliations) do
			if user.user_jid == "bad" then
				return refusal("INVALID_USER_JID", "INVALID_ARGUMENT", { field = ("entries[0].affiliations[%d].user_jid"):format(at - 1) })
			end
		end
	end }
	world.rooms["r@c"] = { { user_jid = "a@h", affiliation = OWNER }, { user_jid = "bad", affiliation = MEMBER } }
	world.outbox:room("r@c")
	world.loop.run()
	same(world.sent[2], "SyncRooms 0 r@c replace(a@h=owner)")
	ok(world.log[1]:find("no affiliation of bad in r@c", 1, true))
end)

test("the guard is heeded: what would remove hats is added only", function()
	local world = setup { answer = function(_, request)
		if request.entries[1].mode == "SYNC_MODE_REPLACE" then
			return refusal("SYNC_WOULD_REMOVE", "FAILED_PRECONDITION", { removed_hats = "3" })
		end
	end }
	world.rooms["r@c"] = users(1)
	world.outbox:room("r@c")
	world.loop.run()
	same(world.sent, { "SyncRooms 0 r@c replace(u00001@h=member)", "SyncRooms 0 r@c upsert(u00001@h=member)" })
	ok(world.log[1]:find("hatd has 3 hats in r@c", 1, true))
end)

test("a large room goes in pages that leave nobody out", function()
	local world = setup()
	world.rooms["r@c"], world.rooms["s@c"] = users(1001), users(1)
	world.outbox:room("s@c")
	world.outbox:room("r@c")
	world.loop.run()
	same(world.sent, {
		"SyncRooms 0 s@c replace(u00001@h=member)",
		"SyncRooms 0 r@c replace ..u00501@h(500)",
		"SyncRooms 0 r@c replace u00501@h..u01001@h(500)",
		"SyncRooms 0 r@c replace u01001@h..(u01001@h=member)",
	})
end)

test("too many changes are not remembered one by one, and too many calls are refused", function()
	local world = setup { size_max = 3 }
	world.rooms["r@c"] = users(1)
	for n = 1, 3 do world.outbox:affiliation("r@c", n .. "@h", MEMBER) end
	same(world.outbox:call("r@c", "AddUserHat", {}, error), nil)
	world.outbox:affiliation("r@c", "4@h", MEMBER)
	world.loop.run()
	same(world.sent, { "SyncRooms 0 r@c replace(u00001@h=member)" })
	same(world.outbox.size, 0)
end)

test("if hatd does not know the affiliation and Prosody does, hatd is told first", function()
	local world = setup { answer = function(_, _, n) return n == 1 and refusal("USER_NOT_AFFILIATED") or nil end }
	world.rooms["r@c"] = {}
	local answer
	world.outbox:call("r@c", "AddUserHat", { room_jid = "r@c", user_jid = "b@h" }, function(response) answer = response end)
	world.loop.run()
	same(world.sent, { "AddUserHat r@c", "SyncRooms 4294967295 r@c upsert(b@h=member)", "AddUserHat r@c" })
	same({ answer, world.requests[1].request_id ~= world.requests[3].request_id }, { { token = "t" }, true })
end)

test("rooms do not wait for each other", function()
	local world = setup()
	world.rooms["r@c"], world.rooms["s@c"] = {}, {}
	local order = {}
	world.outbox.send = function(_, request)
		if request.room_jid == "r@c" then world.outbox.scheduler:sleep(5) end
		order[#order + 1] = request.room_jid
		return {}
	end
	world.outbox:call("r@c", "AddUserHat", { room_jid = "r@c" }, function() end)
	world.outbox:call("s@c", "AddUserHat", { room_jid = "s@c" }, function() end)
	world.loop.run()
	same(order, { "s@c", "r@c" })
end)

test("one can wait until nothing of a room is left to do, for so long", function()
	local world = setup()
	world.rooms["r@c"] = {}
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	local settled = {}
	world.outbox.scheduler:spawn(function()
		settled[1] = world.outbox:settle("r@c", 0.0001)
		settled[2] = world.outbox:settle("r@c", 5)
		settled[3] = #world.sent
		settled[4] = world.outbox:settle("r@c", 5)
	end)
	world.loop.run()
	same(settled, { false, true, 1, true })
end)

test("when hatd is back, nothing waits for its next try", function()
	local away = true
	local world = setup { answer = function() return away and errors.new("UNAVAILABLE", "away") or nil end }
	world.rooms["r@c"] = {}
	world.outbox:affiliation("r@c", "b@h", MEMBER)
	world.outbox.scheduler:spawn(function()
		world.outbox.scheduler:sleep(100)
		away = false
		world.outbox:hurry()
	end)
	world.loop.run()
	ok(world.loop.time < 100.1, world.loop.time)
	same({ world.outbox.size, next(world.outbox.sleepers) }, { 0, nil })
end)
