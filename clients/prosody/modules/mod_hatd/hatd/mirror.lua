--- The state of a scope, kept current from a watch: rooms, catalogues, and who has which hat.
--
-- JIDs are those that hatd answers: normalised, A-labels as Unicode. Of a document only the hats are kept,
-- by hat id, each with `active`, `required` and `title`; documents that are alike share them, so do not
-- write to them. A hundred thousand people with the same hat then cost little more than their names.

local pb = require "hatd.pb"

local mirror = {}
mirror.__index = mirror

local NOTHING = {}

-- How many different sets of hats are remembered to be shared. Past it, remembering begins anew: nothing
-- depends on it but memory. Our choice.
local SHARED_MAX = 4096

--- Decodes responses of a watch without what a mirror does not keep; see `decode` of `hatd.pb`.
mirror.decode = pb.decoder {
	["hatd.v1.Attachment"] = { "expire_time", "given" },
	["hatd.v1.UserHats"] = { "affiliation", "revision", "etag", "update_time" },
	["hatd.v1.UserChange"] = { "changes" },
	["hatd.v1.Commit"] = { "commit_time", "context", "cause" },
}

local function equal(a, b)
	if a == b then return true end
	if type(a) ~= "table" or type(b) ~= "table" then return false end
	for key, value in next, a do
		if not equal(value, rawget(b, key)) then return false end
	end
	for key in next, b do
		if rawget(a, key) == nil then return false end
	end
	return true
end

--- Makes an empty mirror.
-- @param on_change called whenever something really differs: with the room and a user whose document
-- changed, or with the room, nil, and "record" or "catalogue"; "deleted" if the whole room is gone
function mirror.new(on_change)
	return setmetatable({
		on_change = on_change or function() end,
		rooms = {},
		shared = {}, shared_count = 0,
		--- Whether the first snapshot is complete.
		ready = false,
		--- Whether the state may be old, since a snapshot is under way.
		stale = true,
	}, mirror)
end

-- Returns the hats of a document as they are kept: shared with those that are alike, nil if there are none.
local function share(self, hats)
	local hat_ids = {}
	for hat_id in pairs(hats) do hat_ids[#hat_ids + 1] = hat_id end
	if #hat_ids == 0 then return nil end
	table.sort(hat_ids)
	local parts, n = {}, 0
	for _, hat_id in ipairs(hat_ids) do
		local attachment = hats[hat_id]
		-- Neither ids nor titles have control characters.
		parts[n + 1], parts[n + 2], parts[n + 3] = hat_id, attachment.active and "\1" or "\2", attachment.required and "\3" or "\4"
		parts[n + 4], parts[n + 5] = attachment.title, "\5"
		n = n + 5
	end
	local key = table.concat(parts)
	local kept = self.shared[key]
	if not kept then
		kept = {}
		for _, hat_id in ipairs(hat_ids) do
			local attachment = hats[hat_id]
			kept[hat_id] = { active = attachment.active, required = attachment.required, title = attachment.title }
		end
		if self.shared_count >= SHARED_MAX then self.shared, self.shared_count = {}, 0 end
		self.shared[key] = kept
		self.shared_count = self.shared_count + 1
	end
	return kept
end

-- What is held of a room: its record, its definitions by hat id, and the hats of its users who have any.
local function held(self, room_jid)
	local room = self.rooms[room_jid]
	if not room then
		room = { record = nil, definitions = {}, users = {} }
		self.rooms[room_jid] = room
	end
	return room
end

-- Notes that a part of a room is in the snapshot under way; `what` is "definitions" or "users", or nil
-- for the record.
local function mark(self, room_jid, what, key)
	local seen = self.seen
	if not seen then return end
	local room = seen[room_jid]
	if not room then
		room = { definitions = {}, users = {} }
		seen[room_jid] = room
	end
	if what then
		room[what][key] = true
	else
		room.record = true
	end
end

local function put_record(self, record)
	local room = held(self, record.room_jid)
	local before = room.record
	room.record = record
	mark(self, record.room_jid)
	if not before or before.hat_policy ~= record.hat_policy or before.eligibility ~= record.eligibility then
		self.on_change(record.room_jid, nil, "record")
	end
end

-- Whether two definitions look and behave alike; the revision tells only when they were written.
local function same_definition(a, b)
	return a.title == b.title and a.hue == b.hue and a.position == b.position and a.description == b.description
		and a.self_assignable == b.self_assignable and equal(a.titles, b.titles)
end

local function put_definition(self, room_jid, definition)
	local definitions = held(self, room_jid).definitions
	local before = definitions[definition.hat_id]
	definitions[definition.hat_id] = definition
	mark(self, room_jid, "definitions", definition.hat_id)
	if not before or not same_definition(before, definition) then self.on_change(room_jid, nil, "catalogue") end
end

local function remove_definition(self, room_jid, hat_id)
	local room = self.rooms[room_jid]
	if not room or not room.definitions[hat_id] then return end
	room.definitions[hat_id] = nil
	self.on_change(room_jid, nil, "catalogue")
end

local function put_document(self, document)
	local room_jid, user_jid = document.room_jid, document.user_jid
	local users = held(self, room_jid).users
	local before, hats = users[user_jid], share(self, document.hats)
	users[user_jid] = hats
	if hats then mark(self, room_jid, "users", user_jid) end
	if not equal(before, hats) then self.on_change(room_jid, user_jid) end
end

local function remove_document(self, room_jid, user_jid)
	self.rooms[room_jid].users[user_jid] = nil
	self.on_change(room_jid, user_jid)
end

local function delete_room(self, room_jid)
	local room = self.rooms[room_jid]
	self.rooms[room_jid] = nil
	if self.seen then self.seen[room_jid] = nil end
	if not room then return end
	for user_jid in pairs(room.users) do self.on_change(room_jid, user_jid) end
	self.on_change(room_jid, nil, "deleted")
end

local function apply_commit(self, commit)
	if commit.room_deleted then return delete_room(self, commit.room_jid) end
	if commit.room then put_record(self, commit.room) end
	for _, definition in ipairs(commit.definitions) do put_definition(self, commit.room_jid, definition) end
	for _, hat_id in ipairs(commit.removed_definitions) do remove_definition(self, commit.room_jid, hat_id) end
	for _, change in ipairs(commit.users) do
		if change.user_hats then put_document(self, change.user_hats) end
	end
end

-- Drops what is held and the snapshot did not name.
local function sweep(self, pause)
	local seen = self.seen
	self.seen = nil
	if not seen then return end
	local room_jids = {}
	for room_jid in pairs(self.rooms) do room_jids[#room_jids + 1] = room_jid end
	for _, room_jid in ipairs(room_jids) do
		local in_snapshot, room = seen[room_jid], self.rooms[room_jid]
		if not in_snapshot then
			delete_room(self, room_jid)
		else
			-- Clearing a field while `pairs` is under way is allowed, and others wait: nobody adds one.
			for user_jid in pairs(room.users) do
				if not in_snapshot.users[user_jid] then remove_document(self, room_jid, user_jid) end
				pause()
			end
			for hat_id in pairs(room.definitions) do
				if not in_snapshot.definitions[hat_id] then remove_definition(self, room_jid, hat_id) end
			end
			if not in_snapshot.record then room.record = nil end
		end
		pause()
	end
end

--- Applies a response of the watch.
-- A commit is applied as a whole; between commits, and between the records of a snapshot, `pause` is
-- called, and may yield.
function mirror:apply(response, pause)
	local event = response.event
	if event == "reset" then
		self.stale = true
		-- What is held answers until the snapshot is complete. If nothing is, nothing is to be swept.
		self.seen = next(self.rooms) and {} or nil
	elseif event == "snapshot" then
		local page = response.snapshot
		for _, record in ipairs(page.rooms) do put_record(self, record) pause() end
		for _, entry in ipairs(page.definitions) do put_definition(self, entry.room_jid, entry.definition) pause() end
		for _, document in ipairs(page.users) do put_document(self, document) pause() end
		if page.complete then
			sweep(self, pause)
			self.stale, self.ready = false, true
		end
	elseif event == "changes" then
		for _, commit in ipairs(response.changes.commits) do
			apply_commit(self, commit)
			pause()
		end
	end
end

--- Returns the record of a room, or nil.
function mirror:room(room_jid)
	return (self.rooms[room_jid] or NOTHING).record
end

--- Returns the hats that a user has, worn or not, by hat id. A user who has none has an empty table.
function mirror:wardrobe(room_jid, user_jid)
	local room = self.rooms[room_jid]
	return room and room.users[user_jid] or NOTHING
end

--- Returns an iterator over the users of a room who have hats, each with these.
function mirror:users(room_jid)
	return pairs((self.rooms[room_jid] or NOTHING).users or NOTHING)
end

--- Returns the definition of a hat in a room, or nil.
function mirror:definition(room_jid, hat_id)
	local room = self.rooms[room_jid]
	return room and room.definitions[hat_id]
end

-- Whether definition a stands before b: undefined hats last, then by hat id.
local function comes_before(hat_a, definition_a, hat_b, definition_b)
	local position_a = definition_a and definition_a.position or math.huge
	local position_b = definition_b and definition_b.position or math.huge
	if position_a ~= position_b then return position_a < position_b end
	return hat_a < hat_b
end

--- Returns the catalogue of a room, in the order in which hats are displayed.
function mirror:definitions(room_jid)
	local list = {}
	for _, definition in pairs((self.rooms[room_jid] or NOTHING).definitions or NOTHING) do list[#list + 1] = definition end
	table.sort(list, function(a, b) return comes_before(a.hat_id, a, b.hat_id, b) end)
	return list
end

-- Finds the best title by RFC 4647 lookup: without regard to case, dropping subtags from the right, and
-- with one also a single letter before it.
local function localised(titles, language)
	local by_tag = {}
	for tag, title in pairs(titles) do by_tag[tag:lower()] = { tag = tag, title = title } end
	local range = language:lower()
	while range ~= "" do
		local found = by_tag[range]
		if found and found.title ~= "" then return found.title, found.tag end
		range = range:match("^(.*)%-[^-]*$") or ""
		range = range:match("^(.*)%-[^-]$") or range
	end
end

--- Returns the hats that a user wears, as they are displayed.
-- @param language BCP 47, or nil: of the definitions' localised titles, those of this language
-- @return a list, in order, of `{ hat_id, title, hue, language }`: the title is never empty, the hue is
-- nil if there is none, and the language only there if the title is a localised one
function mirror:hats(room_jid, user_jid, language)
	local room, hats = self.rooms[room_jid], {}
	if not room then return hats end
	local defined_only = room.record and room.record.hat_policy == "HAT_POLICY_DEFINED_ONLY"
	for hat_id, attachment in pairs(self:wardrobe(room_jid, user_jid)) do
		if attachment.active then
			local definition = room.definitions[hat_id]
			local title, tag
			if definition and language then title, tag = localised(definition.titles, language) end
			title = title or definition and definition.title ~= "" and definition.title or nil
			if attachment.title ~= "" and not (defined_only and title) then title, tag = attachment.title, nil end
			hats[#hats + 1] = {
				hat_id = hat_id, title = title or hat_id, language = tag,
				hue = definition and definition.hue, definition = definition,
			}
		end
	end
	table.sort(hats, function(a, b) return comes_before(a.hat_id, a.definition, b.hat_id, b.definition) end)
	return hats
end

return mirror
