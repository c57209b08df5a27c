--- Keeps rooms and affiliations in hatd current, and holds what is to be written of each.

local new_outbox = require "hatd.outbox".new
local new_uuid = require "util.uuid".generate

-- Prosody's names of affiliations, and hatd's.
local AFFILIATIONS = {
	owner = "AFFILIATION_OWNER", admin = "AFFILIATION_ADMIN", member = "AFFILIATION_MEMBER",
	none = "AFFILIATION_NONE", outcast = "AFFILIATION_OUTCAST",
}

-- How many rooms of the first sync may wait: they stay in Prosody's cache until they are read. Below its
-- default of 100 (`muc_room_cache_size`).
local FIRST_SYNC_ROOMS = 50

-- How long the first sync waits before it looks whether there is room for more, in seconds. Our choice.
local FIRST_SYNC_PAUSE = 0.02

-- Returns the room if it is one that can be believed: not destroyed, and not a stand-in for one whose
-- storage could not be read, which has no affiliations at all.
local function believable(room)
	if not room or room._data.destroyed or rawget(room, "handle_first_presence") then return nil end
	return room
end

local function find_room(room_jid)
	return believable(muc.get_room_from_jid(to_prosody(room_jid)))
end

local syncs = module:get_option_boolean("hatd_sync", true)

-- Returns the affiliations of a room as hatd wants them.
local function read(room_jid)
	local room = find_room(room_jid)
	if not room then return nil end
	local list, listed = {}, {}
	local function add(user_jid, affiliation)
		if not listed[user_jid] then
			listed[user_jid] = true
			list[#list + 1] = { user_jid = user_jid, affiliation = AFFILIATIONS[affiliation] }
		end
	end
	for user_jid, affiliation in room:each_affiliation() do
		add(to_hatd(user_jid), affiliation)
		scheduler.pause()
	end
	-- Who administers the service owns its rooms without being listed there.
	for user_jid in mirror:users(room_jid) do
		local affiliation = not listed[user_jid] and room:get_affiliation(user_jid)
		if affiliation then add(user_jid, affiliation) end
	end
	return list
end

--- What is to be written to hatd; see `hatd.outbox`.
outbox = new_outbox {
	scheduler = scheduler, send = await, read = read, new_id = new_uuid,
	affiliation_of = function(room_jid, user_jid)
		local room = syncs and find_room(room_jid)
		if not room then return nil end
		local affiliation = room:get_affiliation(user_jid)
		-- Without an affiliation there still is the room, which hatd may not know.
		return AFFILIATIONS[affiliation or "none"]
	end,
	eligibility = options.eligibility, hat_policy = options.hat_policy, size_max = options.queue_size,
	max_removed_hats = module:get_option_number("hatd_sync_max_removed_hats", 0),
	log = function(level, ...) module:log(level, ...) end,
}

--- Whether hats in a room are for everyone: as hatd says or, if it does not know the room, as the option.
function is_for_anyone(room_jid)
	local record = mirror:room(room_jid)
	return (record and record.eligibility or options.eligibility) == "ELIGIBILITY_ANYONE"
end

-- If others keep rooms current, this is all.
if not syncs then return end

module:hook("muc-room-created", function(event)
	outbox:room(to_hatd(event.room.jid))
end)

module:hook("muc-set-affiliation", function(event)
	outbox:affiliation(to_hatd(event.room.jid), to_hatd(event.jid), AFFILIATIONS[event.affiliation])
end)

module:hook("muc-room-destroyed", function(event)
	local room, room_jid = event.room, to_hatd(event.room.jid)
	-- A room that merely emptied takes its affiliations along, and in a room for the affiliated with them
	-- the hats. Where hats are for everyone, they wait for the room to come back.
	if room.destroying or not is_for_anyone(room_jid) then outbox:delete(room_jid) end
end, 1)

-- Brings all rooms over, a few at a time.
local function sync_all()
	local count = 0
	for room in muc.all_rooms() do
		local room_jid = to_hatd(room.jid)
		if believable(room) then
			outbox:room(room_jid)
			count = count + 1
		elseif room._data.destroyed and mirror:room(room_jid) then
			outbox:delete(room_jid)
		end
		scheduler.pause()
		if count % FIRST_SYNC_ROOMS == 0 then
			while next(outbox.rooms) and not outbox.closed do scheduler:sleep(FIRST_SYNC_PAUSE) end
		end
	end
	while next(outbox.rooms) and not outbox.closed do scheduler:sleep(FIRST_SYNC_PAUSE) end
	module:log("info", "brought %d rooms to hatd", count)
end

on_snapshot(function(reason, is_first)
	if is_first or reason == "RESET_REASON_STORE_CHANGED" then scheduler:spawn(sync_all) end
end)

-- A room that was deleted in hatd and is still there in Prosody comes back, without hats.
on_change(function(room_jid, _, what)
	if what == "deleted" and mirror.ready and not mirror.stale and find_room(room_jid) then outbox:room(room_jid) end
end)
