--- What is to be written to hatd, in the order in which it happened to each room.
--
-- Of a room, one step is under way at a time; rooms do not wait for each other. Affiliations that follow
-- one another are one step, and those of several rooms one call. While hatd is away, steps wait, up to a
-- bound; past it, affiliations are not remembered one by one any more, but read from the room when hatd
-- is back.

local backoff = require "hatd.backoff"

local outbox = {}
outbox.__index = outbox

-- How many calls are under way at a time. Our choice: hatd makes commits that come together durable at once.
local WORKERS = 4

-- How much one SyncRooms holds: few enough users to be encoded within a slice. Our choice.
local BATCH_ROOMS, BATCH_USERS = 100, 500

-- The bound for calls that say exactly who is to lose affiliation: the largest of the contract's uint32.
local NO_BOUND = 0xffffffff

-- The ceilings of the first and of the last delay before a step is tried again, in seconds. Our choice.
local RETRY_BASE, RETRY_CEILING = 1, 30

-- What may go better later, though the client has given up: a write is tried until it is answered, with
-- the same request id.
local TRANSIENT = {
	UNAVAILABLE = true, DEADLINE_EXCEEDED = true, RESOURCE_EXHAUSTED = true, UNAUTHENTICATED = true, PERMISSION_DENIED = true,
	INTERNAL = true, UNKNOWN = true, CANCELLED = true, UNIMPLEMENTED = true,
}

-- Of those, what an operator must mend, and more of the same does not.
local LIMITS = { TOO_MANY_HATS = true, TOO_MANY_DEFINITIONS = true, MESSAGE_TOO_LARGE = true }

--- Makes an outbox.
-- @param options `scheduler`, of `hatd.slices`; `send(method, request)`, which makes a call within a task
-- and returns the response, or nil and an error; `new_id()`, for request ids; `read(room_jid)`, which
-- returns the affiliations of a room as a list of UserAffiliation, or nil if there is no such room;
-- `affiliation_of(room_jid, user_jid)`, which returns that of one user, or nil;
-- `eligibility` and `hat_policy` for rooms, or nil; `max_removed_hats`, the guard of a REPLACE;
-- `size_max`, how many changes may wait; `log(level, format, ...)`
function outbox.new(options)
	options.rooms, options.ready, options.first, options.last = {}, {}, 1, 0
	options.size, options.workers, options.sleepers = 0, 0, {}
	return setmetatable(options, outbox)
end

local function weight(step)
	return step.kind == "affiliations" and step.count or step.kind == "call" and 1 or 0
end

-- Returns the steps of a room that are not under way, which may be added to.
local function steps_of(self, room_jid)
	local room = self.rooms[room_jid]
	if not room then
		room = { steps = {} }
		self.rooms[room_jid] = room
	end
	return room.steps, room
end

local function make_ready(self, room_jid, room)
	if room.listed or room.busy then return end
	room.listed = true
	self.last = self.last + 1
	self.ready[self.last] = room_jid
	if self.workers < WORKERS and not self.closed then
		self.workers = self.workers + 1
		self.scheduler:spawn(function() self:work() end)
	end
end

local function push(self, room_jid, step)
	local steps, room = steps_of(self, room_jid)
	steps[#steps + 1] = step
	self.size = self.size + weight(step)
	make_ready(self, room_jid, room)
end

local function forget(self, step)
	self.size = self.size - weight(step)
end

--- Brings a whole room up to date: what hatd has and Prosody has not goes, up to the guard.
function outbox:room(room_jid)
	local steps = steps_of(self, room_jid)
	local tail = steps[#steps]
	if not (tail and tail.kind == "replace") then push(self, room_jid, { kind = "replace" }) end
end

--- Records a change of an affiliation.
function outbox:affiliation(room_jid, user_jid, affiliation)
	local steps = steps_of(self, room_jid)
	if self.size >= self.size_max then
		self.log("warn", "%d changes wait for hatd: those of %s are read from the room when it is back", self.size, room_jid)
		for at = #steps, 1, -1 do
			if steps[at].kind == "affiliations" then forget(self, table.remove(steps, at)) end
		end
		return self:room(room_jid)
	end
	local tail = steps[#steps]
	local before = tail and tail.kind == "affiliations" and tail.users[user_jid]
	-- Who was taken out and let in again lost the hats meanwhile: both are to be told.
	local hides_removal = before and before ~= affiliation and (before == "AFFILIATION_NONE" or before == "AFFILIATION_OUTCAST")
	if tail and tail.kind == "affiliations" and not hides_removal and (before or tail.count < BATCH_USERS) then
		if not before then
			tail.count = tail.count + 1
			self.size = self.size + 1
		end
		tail.users[user_jid] = affiliation
	else
		push(self, room_jid, { kind = "affiliations", users = { [user_jid] = affiliation }, count = 1 })
	end
end

--- Deletes a room, in place of everything that waits for it.
function outbox:delete(room_jid)
	local steps = steps_of(self, room_jid)
	for at = #steps, 1, -1 do
		local step = table.remove(steps, at)
		forget(self, step)
		if step.kind == "call" then step.callback(nil, { code = "NOT_FOUND", reason = "ROOM_NOT_FOUND", message = "the room was destroyed" }) end
	end
	push(self, room_jid, { kind = "delete" })
end

--- Makes a call, after what was recorded of the room before.
-- @param callback called once with the response, or with nil and an error
-- @return true, or nil if too much waits already
function outbox:call(room_jid, method, request, callback)
	if self.size >= self.size_max then return nil end
	push(self, room_jid, { kind = "call", method = method, request = request, callback = callback })
	return true
end

--- Waits until nothing of a room is under way or waits. Only within a task.
-- @param timeout in seconds
-- @return whether that is so
function outbox:settle(room_jid, timeout)
	local room = self.rooms[room_jid]
	if not room then return true end
	room.waiting = room.waiting or {}
	return self.scheduler:wait(function(wake) table.insert(room.waiting, wake) end, timeout) == true
end

--- Tries at once what waits to be tried again: hatd is back.
function outbox:hurry()
	for wake in pairs(self.sleepers) do wake() end
end

--- Ends all work. What is under way is not waited for.
function outbox:close()
	self.closed = true
end

-- Takes the next room that has something to do, if its first step is of a kind.
local function take(self, kind)
	local room_jid = self.ready[self.first]
	local room = room_jid and self.rooms[room_jid]
	if not room or (kind and room.steps[1].kind ~= kind) then return nil end
	self.ready[self.first] = nil
	self.first = self.first + 1
	room.listed, room.busy = nil, true
	local step = table.remove(room.steps, 1)
	return room_jid, step
end

local function release(self, room_jid, step)
	local room = self.rooms[room_jid]
	forget(self, step)
	room.busy = nil
	if #room.steps > 0 then
		make_ready(self, room_jid, room)
	else
		self.rooms[room_jid] = nil
		for _, wake in ipairs(room.waiting or {}) do wake(true) end
	end
end

-- Sends a write until it is answered; returns what `send` does. A refusal is an answer.
local function insist(self, method, request)
	local delays = backoff.new(RETRY_BASE, RETRY_CEILING)
	local copy = { request_id = self.new_id() }
	for name, value in pairs(request) do copy[name] = value end
	while true do
		local response, problem = self.send(method, copy)
		if response or not TRANSIENT[problem.code] or LIMITS[problem.reason] or self.closed then return response, problem end
		local delay = delays:delay(problem.retry_delay)
		self.log("warn", "%s is tried again in %.1f s: %s", method, delay, problem)
		local this
		self.scheduler:wait(function(wake)
			this = wake
			self.sleepers[wake] = true
		end, delay)
		self.sleepers[this] = nil
	end
end

local function entry_of(self, room_jid, mode, affiliations)
	return {
		room_jid = room_jid, mode = mode, affiliations = affiliations,
		eligibility = self.eligibility, hat_policy = self.hat_policy,
	}
end

-- Takes out of the entries the user that an error blames; returns whether it blames one.
local function drop_blamed(self, entries, problem)
	if problem.reason ~= "INVALID_USER_JID" then return false end
	local entry, at = (problem.metadata.field or ""):match("^entries%[(%d+)%]%.affiliations%[(%d+)%]")
	local list = entry and entries[tonumber(entry) + 1]
	local user = list and table.remove(list.affiliations, tonumber(at) + 1)
	if user then self.log("warn", "hatd takes no affiliation of %s in %s: %s", user.user_jid, list.room_jid, problem.message) end
	return user ~= nil
end

-- Syncs entries in one call and, if that is refused, each alone: one bad room is not to keep others back.
local function sync(self, entries, max_removed_hats)
	local response, problem
	repeat
		response, problem = insist(self, "SyncRooms", { entries = entries, max_removed_hats = max_removed_hats })
	until response or not drop_blamed(self, entries, problem)
	if response then return end
	if #entries > 1 then
		for _, entry in ipairs(entries) do sync(self, { entry }, max_removed_hats) end
		return
	end
	local entry = entries[1]
	if problem.reason == "SYNC_WOULD_REMOVE" then
		self.log("warn", "hatd has %s hats in %s of users whom Prosody does not list there, and keeps them:"
			.. " to let them go, set hatd_sync_max_removed_hats or remove them with hatctl",
			problem.metadata.removed_hats or "some", entry.room_jid)
		entry.mode, entry.from, entry["until"] = "SYNC_MODE_UPSERT", nil, nil
		sync(self, entries, 0)
	elseif not self.closed then
		self.log("error", "failed to sync %s: %s", entry.room_jid, problem)
	end
end

-- Replaces the affiliations of rooms. Large rooms go in pages, each a range of users.
local function replace(self, room_jids)
	local entries, count = {}, 0
	local function flush()
		if #entries > 0 then sync(self, entries, self.max_removed_hats) end
		entries, count = {}, 0
	end
	for _, room_jid in ipairs(room_jids) do
		local affiliations = self.read(room_jid)
		self.scheduler.pause()
		if affiliations then
			if count + #affiliations > BATCH_USERS then flush() end
			-- hatd compares ranges by bytes, as Lua does in the locale that Prosody has.
			table.sort(affiliations, function(a, b) return a.user_jid < b.user_jid end)
			for from = 1, math.max(#affiliations, 1), BATCH_USERS do
				local page = table.move(affiliations, from, math.min(from + BATCH_USERS - 1, #affiliations), 1, {})
				local entry = entry_of(self, room_jid, "SYNC_MODE_REPLACE", page)
				entry.from = from > 1 and page[1].user_jid or nil
				entry["until"] = affiliations[from + BATCH_USERS] and affiliations[from + BATCH_USERS].user_jid or nil
				entries[#entries + 1] = entry
				count = count + #page
				if entry["until"] then flush() end
			end
		end
	end
	flush()
end

local function upsert(self, batch)
	local entries = {}
	for _, item in ipairs(batch) do
		local affiliations = {}
		for user_jid, affiliation in pairs(item.step.users) do
			affiliations[#affiliations + 1] = { user_jid = user_jid, affiliation = affiliation }
		end
		-- A room that is gone again is not to come back by what happened in it.
		if self.read(item.room_jid) then
			entries[#entries + 1] = entry_of(self, item.room_jid, "SYNC_MODE_UPSERT", affiliations)
		end
	end
	if #entries > 0 then sync(self, entries, NO_BOUND) end
end

-- Makes a call. If hatd does not know the room or the affiliation and Prosody does, hatd is told first.
local function call(self, room_jid, step)
	local response, problem = insist(self, step.method, step.request)
	if not response and (problem.reason == "ROOM_NOT_FOUND" or problem.reason == "USER_NOT_AFFILIATED") then
		local affiliation = self.affiliation_of(room_jid, step.request.user_jid)
		if affiliation then
			local user = { user_jid = step.request.user_jid, affiliation = affiliation }
			sync(self, { entry_of(self, room_jid, "SYNC_MODE_UPSERT", { user }) }, NO_BOUND)
			response, problem = insist(self, step.method, step.request)
		end
	end
	step.callback(response, problem)
end

local function delete(self, room_jid)
	local response, problem = insist(self, "DeleteRoom", { room_jid = room_jid })
	if not response and problem.reason ~= "ROOM_NOT_FOUND" and not self.closed then
		self.log("error", "failed to delete %s: %s", room_jid, problem)
	end
end

-- Does what is to be done next.
local function step_on(self)
	local room_jid, step = take(self)
	local batch = { { room_jid = room_jid, step = step } }
	if step.kind == "affiliations" or step.kind == "replace" then
		local count = weight(step)
		while #batch < BATCH_ROOMS and count < BATCH_USERS do
			local other_jid, other = take(self, step.kind)
			if not other_jid then break end
			batch[#batch + 1] = { room_jid = other_jid, step = other }
			count = count + weight(other)
		end
	end
	local ok, failure = pcall(function()
		if step.kind == "affiliations" then
			upsert(self, batch)
		elseif step.kind == "replace" then
			local room_jids = {}
			for at, item in ipairs(batch) do room_jids[at] = item.room_jid end
			replace(self, room_jids)
		elseif step.kind == "call" then
			call(self, room_jid, step)
		else
			delete(self, room_jid)
		end
	end)
	if not ok then self.log("error", "failed to bring %s up to date: %s", room_jid, failure) end
	for _, item in ipairs(batch) do release(self, item.room_jid, item.step) end
end

function outbox:work()
	while self.first <= self.last and not self.closed do step_on(self) end
	self.workers = self.workers - 1
end

return outbox
