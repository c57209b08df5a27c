--- Shows hats in presence, and tells of them in service discovery.

local sha256 = require "util.hashes".sha256
local st = require "util.stanza"

local XMLNS = "urn:xmpp:hats:0"
local XMLNS_LEGACY = "xmpp:prosody.im/protocol/hats:1"
local XMLNS_MUC_USER = "http://jabber.org/protocol/muc#user"

-- How many hexadecimal digits of the hash over the catalogue are told. Our choice: XEP-0317 leaves the
-- algorithm free, and a client only compares.
local HASH_DIGITS = 16

local language = module:get_option_string("hatd_language")
local legacy = module:get_option_boolean("hatd_legacy_namespace", false)

-- Hats that clients claim for themselves are taken out of what they send, in both namespaces.
local filtered = module:shared("muc/filtered-namespaces")
filtered[XMLNS], filtered[XMLNS_LEGACY] = true, true

-- By room JID in hatd's spelling: whether the room has occupants, and what was last shown of each to all.
local occupied, shown = {}, {}

-- Returns the hats of an occupant as they are displayed, and their language if all have the same: clients
-- show hats of one language only, so a mixture would hide some.
local function displayed(room, bare_jid)
	local hats = mirror:hats(to_hatd(room.jid), to_hatd(bare_jid), language or room:get_language())
	local common = hats[1] and hats[1].language
	for _, hat in ipairs(hats) do
		if hat.language ~= common then common = nil end
	end
	return hats, common
end

local function format_hue(hue)
	return hue and ("%.6f"):format(hue) or nil
end

-- Returns what tells whether two lists of hats look alike.
local function look(hats, common)
	local parts = { common or "" }
	for _, hat in ipairs(hats) do
		parts[#parts + 1] = ("%s\0%s\0%s"):format(hat.hat_id, hat.title, format_hue(hat.hue) or "")
	end
	return #hats > 0 and table.concat(parts, "\1") or ""
end

local function without_hats(tag)
	if tag.attr.xmlns == XMLNS or tag.attr.xmlns == XMLNS_LEGACY then return nil end
	return tag
end

local function add_hats(stanza, hats, common)
	local element = st.stanza("hats", { xmlns = XMLNS })
	for _, hat in ipairs(hats) do
		element:tag("hat", { uri = hat.hat_id, title = hat.title, hue = format_hue(hat.hue), ["xml:lang"] = common }):up()
	end
	stanza:add_direct_child(element)
	if not legacy then return end
	element = st.stanza("hats", { xmlns = XMLNS_LEGACY })
	for _, hat in ipairs(hats) do
		element:tag("hat", { uri = hat.hat_id, title = hat.title }):up()
	end
	stanza:add_direct_child(element)
end

local told_of = {}

-- Around all other handlers, so that hats which Prosody itself keeps in affiliation data are not shown
-- beside ours; and so that one of those which it cannot render does not keep everybody out of the room.
module:wrap_event("muc-build-occupant-presence", function(handlers, event_name, event)
	local ok, result = pcall(handlers, event_name, event)
	local room, bare_jid = event.room, event.occupant and event.occupant.bare_jid or event.bare_jid
	if not ok and not told_of[room.jid] then
		told_of[room.jid] = true
		module:log("error", "failed to build a presence in %s, which goes out without what is missing: %s", room.jid, result)
	end
	event.stanza:maptags(without_hats)
	if bare_jid then
		local hats, common = displayed(room, bare_jid)
		if #hats > 0 then add_hats(event.stanza, hats, common) end
	end
	return ok and result or nil
end)

module:hook("muc-broadcast-presence", function(event)
	local room_jid, user_jid = to_hatd(event.room.jid), to_hatd(event.occupant.bare_jid)
	if event.occupant.role == nil then return end
	occupied[room_jid] = true
	shown[room_jid] = shown[room_jid] or {}
	shown[room_jid][user_jid] = look(displayed(event.room, event.occupant.bare_jid))
end)

-- Rooms in which presence is to be sent again: `users` by JID or `all`, and `catalogue` if that changed.
local dirty, is_sending = {}, false

-- Sends the presence of those occupants whose hats look different now.
local function send_again(room, what)
	local room_jid = to_hatd(room.jid)
	local seen = shown[room_jid] or {}
	local nicks = {}
	for nick, occupant in room:each_occupant() do
		local user_jid = to_hatd(occupant.bare_jid)
		if (what.all or what.users[user_jid]) and look(displayed(room, occupant.bare_jid)) ~= (seen[user_jid] or "") then
			nicks[#nicks + 1] = nick
		end
	end
	for _, nick in ipairs(nicks) do
		-- Others had their turn meanwhile: it may have left.
		local occupant = room:get_occupant_by_nick(nick)
		if occupant then room:publicise_occupant_status(occupant, st.stanza("x", { xmlns = XMLNS_MUC_USER })) end
		scheduler.pause()
	end
	if what.catalogue then
		-- XEP-0317: a change of the hats list is a change of the room's configuration.
		room:broadcast_message(st.message({ type = "groupchat", from = room.jid })
			:tag("x", { xmlns = XMLNS_MUC_USER }):tag("status", { code = "104" }))
	end
end

local function send_all()
	while next(dirty) do
		local room_jid, what = next(dirty)
		dirty[room_jid] = nil
		local room = muc.get_room_from_jid(to_prosody(room_jid))
		if room then
			local ok, problem = pcall(send_again, room, what)
			if not ok then module:log("error", "failed to show hats in %s: %s", room.jid, problem) end
		end
		scheduler.pause()
	end
	is_sending = false
end

local function mark(room_jid)
	local what = dirty[room_jid]
	if not what then
		what = { users = {} }
		dirty[room_jid] = what
		if not is_sending then
			is_sending = true
			scheduler:spawn(send_all)
		end
	end
	return what
end

local hashes = {}

on_change(function(room_jid, user_jid, what)
	if what then hashes[room_jid] = nil end
	if not occupied[room_jid] then return end
	if user_jid then
		mark(room_jid).users[user_jid] = true
	else
		mark(room_jid).all = true
		-- What the first snapshot brings is not news.
		if what == "catalogue" and mirror.ready then mark(room_jid).catalogue = true end
	end
end)

local function notice(room)
	if not room:has_occupant() then return end
	local room_jid = to_hatd(room.jid)
	occupied[room_jid] = true
	mark(room_jid).all = true
end

module:hook("muc-room-restored", function(event) notice(event.room) end)
for room in muc.live_rooms() do notice(room) end

module:hook("muc-occupant-left", function(event)
	local room_jid = to_hatd(event.room.jid)
	if shown[room_jid] then shown[room_jid][to_hatd(event.occupant.bare_jid)] = nil end
	if not event.room:has_occupant() then occupied[room_jid], shown[room_jid] = nil, nil end
end)

module:hook("muc-room-destroyed", function(event)
	local room_jid = to_hatd(event.room.jid)
	occupied[room_jid], shown[room_jid], told_of[event.room.jid] = nil, nil, nil
end)

-- Returns a hash over the URIs of a room's catalogue: what a client that has kept the list compares.
local function catalogue_hash(room_jid)
	if not hashes[room_jid] then
		local uris = {}
		for _, definition in ipairs(mirror:definitions(room_jid)) do uris[#uris + 1] = definition.hat_id end
		table.sort(uris)
		hashes[room_jid] = sha256(table.concat(uris, "\n"), true):sub(1, HASH_DIGITS)
	end
	return hashes[room_jid]
end

-- After Prosody's own, which from version 13 on tells of the feature itself.
module:hook("muc-disco#info", function(event)
	local known = false
	for feature in event.reply.tags[1]:childtags("feature") do
		known = known or feature.attr.var == XMLNS
	end
	if not known then event.reply:tag("feature", { var = XMLNS }):up() end
	if mirror.ready then
		table.insert(event.form, { name = "hats#hash", type = "text-single", label = "Hash of the hats that can be assigned" })
		event.formdata["hats#hash"] = catalogue_hash(to_hatd(event.room.jid))
	end
end, -1)

