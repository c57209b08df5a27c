local errors = require "hatd.errors"
local fake_loop = require "fake_loop"
local harness = require "harness"
local mirror = require "hatd.mirror"
local pb = require "hatd.pb"
local slices = require "hatd.slices"
local watch = require "hatd.watch"

local test, same, ok = harness.test, harness.same, harness.ok

local ROOM = "r@c"

-- A stand-in for hatd: commits give a user of one room one hat more. It has a log, from which it
-- answers watches as hatd does.
local function fake_hatd()
	local hatd = { log = {}, streams = {}, epoch = 1 }

	function hatd.commit(user_jid, hats)
		hatd.log[#hatd.log + 1] = { user_jid = user_jid, hats = hats }
	end

	local function token(at) return ("%d:%d"):format(hatd.epoch, at) end

	local function document(entry, revision)
		local hats = {}
		for _, hat_id in ipairs(entry.hats) do hats[hat_id] = { active = true } end
		return { room_jid = ROOM, user_jid = entry.user_jid, hats = hats, revision = revision }
	end

	-- What a new stream is sent, up to the head.
	function hatd.responses(request)
		local list, after = {}, ""
		local function add(response)
			response.after = after
			after = response.token or ""
			list[#list + 1] = response
		end
		local epoch, at
		if request.start == "resume_token" then
			epoch, at = request.resume_token:match("^(%d+):(%d+)$")
			after = request.resume_token
		end
		if tonumber(epoch) ~= hatd.epoch then
			add { reset = { reason = "RESET_REASON_INITIAL" } }
			local latest = {}
			for revision, entry in ipairs(hatd.log) do latest[entry.user_jid] = { entry = entry, revision = revision } end
			for _, found in pairs(latest) do
				if #found.entry.hats > 0 then add { snapshot = { users = { document(found.entry, found.revision) } } } end
			end
			add { token = token(#hatd.log), snapshot = { complete = true } }
			at = #hatd.log
		end
		for revision = at + 1, #hatd.log do
			add {
				token = token(revision),
				changes = { commits = { { room_jid = ROOM, revision = revision, users = {
					{ user_hats = document(hatd.log[revision], revision) },
				} } } },
			}
		end
		add { token = token(#hatd.log), bookmark = {} }
		return list
	end
	return hatd
end

-- Runs a watch against scripted streams. `script(n, request)` gives what stream n does: a list of
-- responses, each a table, or a function to call; then the end: an error, false for a good one, or
-- "silence". nil ends the run.
local function run(script, options)
	local loop = fake_loop.new()
	local scheduler = slices.new(loop, error)
	local opened, log, applied = {}, {}, {}
	local self
	local transport = {
		stream = function(_, _, bytes)
			local request = assert(pb.decode("hatd.v1.WatchHatsRequest", bytes))
			opened[#opened + 1] = { request = request, at = loop.time }
			local responses, final = script(#opened, request)
			if not responses then self:close() end
			local at = 0
			return {
				receive = function(_, _, timeout)
					at = at + 1
					local response = responses and responses[at]
					if response then
						if response.wait then
							scheduler:sleep(response.wait)
							response = response.response
						end
						return type(response) == "string" and response or pb.encode("hatd.v1.WatchHatsResponse", response)
					elseif final == "silence" then
						scheduler:sleep(timeout)
						return
					end
					return nil, final
				end,
				cancel = function() end,
			}
		end,
	}
	options = options or {}
	self = watch.new(options)
	scheduler:spawn(function()
		self:run(transport, scheduler, {
			apply = options.apply or function(response) applied[#applied + 1] = response.event end,
			connected = function() log[#log + 1] = "connected" end,
			disconnected = function(why, retry_in)
				log[#log + 1] = tostring(why)
				opened[#opened].ended, opened[#opened].retry_in = loop.time, retry_in
			end,
			refresh_key = options.refresh_key,
		})
		log[#log + 1] = "over"
	end)
	loop.run()
	return { watch = self, opened = opened, log = log, applied = applied, loop = loop }
end

local function reset() return { after = "", reset = { reason = "RESET_REASON_INITIAL" } } end
local function complete(token) return { after = "", token = token, snapshot = { complete = true } } end
local function bookmark(after, token) return { after = after, token = token, bookmark = {} } end
local function changes(after, token, revision)
	return { after = after, token = token, changes = { commits = { { room_jid = ROOM, revision = revision } } } }
end

test("a watch that is cut after every nth response misses nothing", function()
	for nth = 1, 12 do
		local hatd = fake_hatd()
		for revision = 1, 5 do hatd.commit("u" .. revision % 3 .. "@h", { "urn:" .. revision }) end
		local state = mirror.new()
		local result = run(function(n, request)
			if n > 12 then return end
			if n <= 5 then hatd.commit("u" .. n % 4 .. "@h", n == 3 and {} or { "urn:late" .. n }) end
			local all = hatd.responses(request)
			-- Each stream gets further than the one before, or no snapshot would ever be complete.
			local cut = table.move(all, 1, math.min(nth + n - 1, #all), 1, {})
			return cut, errors.new("UNAVAILABLE", "cut")
		end, { apply = function(response, pause) state:apply(response, pause) end })
		same(result.watch.chain_breaks, 0)
		local got, expected = {}, {}
		for user_jid, hats in state:users(ROOM) do got[user_jid] = next(hats) end
		for _, entry in ipairs(hatd.log) do expected[entry.user_jid] = entry.hats[1] end
		same(got, expected)
	end
end)

test("a response that is lost is noticed, and the state taken anew", function()
	local hatd = fake_hatd()
	local state = mirror.new()
	local result = run(function(n, request)
		if n > 2 then return end
		for _ = 1, 3 do hatd.commit("u@h", { "urn:" .. #hatd.log }) end
		if n == 1 then
			local first = hatd.responses(request)
			hatd.commit("v@h", { "urn:lost" })
			hatd.commit("u@h", { "urn:after" })
			local second = hatd.responses { start = "resume_token", resume_token = first[#first].token }
			table.remove(second, 1)
			return table.move(second, 1, #second, #first + 1, first), "silence"
		end
		return hatd.responses(request), "silence"
	end, { apply = function(response, pause) state:apply(response, pause) end })
	same(result.watch.chain_breaks, 1)
	same(result.opened[2].request.start, "snapshot")
	same(result.log[2], "the chain of tokens is broken")
	ok(state:wardrobe(ROOM, "v@h")["urn:lost"])
end)

test("the position moves only when a response is processed", function()
	local seen = {}
	run(function(n)
		return n == 1 and { reset(), complete("1"), changes("1", "2", 1) } or nil, errors.new("UNAVAILABLE", "cut")
	end, {
		apply = function(response) seen[#seen + 1] = response.event end,
	})
	same(seen, { "reset", "snapshot", "changes" })
	local failing = run(function(n, request)
		if n == 1 then return { reset(), complete("1"), changes("1", "2", 1) }, false end
		if n == 2 then
			same(request.resume_token, "1")
			return { changes("1", "2", 1) }, false
		end
	end, {
		apply = function(response)
			if response.event == "changes" and #seen == 3 then
				seen[#seen + 1] = "failed"
				error("broken")
			end
		end,
	})
	ok(failing.log[2]:find("failed to apply a response", 1, true), failing.log[2])
	same(failing.watch.position, "2")
end)

test("a snapshot that is cut begins anew", function()
	local result = run(function(n)
		if n == 1 then return { reset(), { after = "", snapshot = {} } }, errors.new("UNAVAILABLE", "cut") end
		return n == 2 and { reset(), complete("1"), bookmark("1", "2") } or nil, false
	end)
	same(result.opened[2].request.start, "snapshot")
	same({ result.watch.resets, result.watch.position, result.opened[3].request.resume_token }, { 2, "2", "2" })
end)

test("revisions that do not rise are noticed, but not within a snapshot", function()
	local result = run(function(n)
		if n == 1 then return { reset(), { after = "", changes = { commits = { { room_jid = ROOM, revision = 9 },
			{ room_jid = ROOM, revision = 3 } } } }, complete("1"), changes("1", "2", 5), changes("2", "3", 5) }, false end
	end)
	same(result.log[2], "a revision of r@c does not rise")
	same({ result.watch.chain_breaks, result.watch.position }, { 1, "" })
	-- Revisions are unsigned: those above 2^63 are higher.
	result = run(function(n)
		if n == 1 then return { reset(), complete("1"), changes("1", "2", math.maxinteger), changes("2", "3", math.mininteger) }, false end
	end)
	same(result.watch.chain_breaks, 0)
end)

test("silence for two and a half heartbeats ends a stream, time spent on a response does not", function()
	local result = run(function(n)
		if n == 1 then
			return { reset(), complete("1"), { wait = 2.4, response = bookmark("1", "2") } }, "silence"
		end
	end, { heartbeat_interval = 1 })
	same(result.log[2], "hatd was silent for 2.5 s")
	same(result.opened[1].request.heartbeat_interval, { seconds = 1 })
	same(result.opened[1].ended, 4.9)
end)

test("after go_away it waits as long as it was asked", function()
	local result = run(function(n)
		if n == 1 then
			return { reset(), complete("1"), { after = "1", token = "1", go_away = { reason = "GO_AWAY_REASON_SHUTDOWN",
				retry_after = { seconds = 7 } } } }, false
		end
	end)
	same(result.log[2], "hatd is shutting down")
	local waited = result.opened[2].at - result.opened[1].ended
	ok(waited >= 7 and waited <= 10.5, waited)
	same(result.opened[2].request.resume_token, "1")
end)

test("delays double up to 30 s, and are short again after two good minutes", function()
	local longest = {}
	for _ = 1, 50 do
		local result = run(function(n) return n <= 12 and {} or nil, errors.new("UNAVAILABLE", "refused") end)
		for n = 1, 12 do longest[n] = math.max(longest[n] or 0, result.opened[n].retry_in) end
	end
	for n, ceiling in ipairs { 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30 } do
		ok(longest[n] <= ceiling and longest[n] > ceiling / 2, longest[n])
	end
	local result = run(function(n)
		if n == 10 then
			local list = { reset(), complete("1") }
			for _ = 1, 13 do list[#list + 1] = { wait = 10, response = bookmark("1", "1") } end
			return list, false
		end
		return n <= 10 and {} or nil, false
	end)
	ok(result.opened[10].retry_in <= 0.1)
end)

test("what connecting again would not mend ends the watch", function()
	for _, code in ipairs { "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "DATA_LOSS" } do
		local result = run(function() return {}, errors.new(code, "no") end)
		same({ #result.opened, result.log[#result.log] }, { 1, "over" })
	end
	local expired = errors.new("OUT_OF_RANGE", "old")
	expired.reason = errors.reasons.RESUME_TOKEN_EXPIRED
	same(#run(function() return {}, expired end, { fail_on_expired = true, resume_token = "1" }).opened, 1)
	same(#run(function(n) return n == 1 and {} or nil, expired end, { resume_token = "1" }).opened, 2)
end)

test("a refused key is read anew once before the watch gives up", function()
	local refreshed = 0
	local result = run(function() return {}, errors.new("UNAUTHENTICATED", "no") end, {
		refresh_key = function()
			refreshed = refreshed + 1
			return true
		end,
	})
	same({ #result.opened, refreshed }, { 2, 1 })
end)

test("what it does not understand ends the stream, not the watch", function()
	local result = run(function(n)
		if n == 1 then return { "\xff" }, false end
		if n == 2 then return { { after = "" } }, false end
		return n == 3 and { reset(), complete("1") } or nil, false
	end)
	ok(result.log[1]:find("truncated varint", 1, true), result.log[1])
	same(result.log[3], "a response holds no known event")
	same(result.watch.position, "1")
end)
