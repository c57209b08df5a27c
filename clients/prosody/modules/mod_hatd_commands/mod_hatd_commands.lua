--- XEP-0317's commands on rooms: the catalogue and who has which hat, for those who run a room, and what
-- users may do to their own hats.

local dataforms = require "util.dataforms"
local jid = require "util.jid"
local new_uuid = require "util.uuid".generate
local st = require "util.stanza"

local hatd = module:depends("hatd")
local muc = module:depends("muc")

local condition_of = require "hatd.conditions".of
local is_hat_id, is_title, to_hue = require "hatd.hat".is_id, require "hatd.hat".is_title, require "hatd.hat".to_hue

local XMLNS_COMMANDS = "http://jabber.org/protocol/commands"
local XMLNS_DATA = "jabber:x:data"
local FORM_TYPE = "urn:xmpp:hats:commands"

-- Pages of hatd's lists: what is decoded at once stays small.
local PAGE_SIZE = 100

-- How long a command waits for hatd, in seconds. Our choice: who gave it is looking at it.
local timeout = module:get_option_number("hatd_command_timeout", 5)

local RANKS = { outcast = -1, none = 0, member = 1, admin = 2, owner = 3 }

local managers = module:get_option_string("hatd_commands_managers", "admin")
if not RANKS[managers] or RANKS[managers] < 1 then
	error(('hatd_commands_managers: %q is not "owner", "admin" or "member"'):format(managers), 0)
end

-- Who runs the room.
local function is_manager(room, from)
	return RANKS[room:get_affiliation(from) or "none"] >= RANKS[managers]
end

-- Who is in the room or belongs to it.
local function is_insider(room, from)
	local affiliation = room:get_affiliation(from)
	return affiliation ~= "outcast" and (affiliation ~= nil or room:get_occupant_by_real_jid(from) ~= nil)
end

local function refuse(kind, condition, text)
	return { type = kind, condition = condition, text = text }
end

local function refuse_as(problem)
	return refuse(condition_of(problem))
end

local function bad(text)
	return refuse("modify", "bad-request", text)
end

-- Returns what hatd is to know of who asked.
local function context_of(call)
	return { actor = jid.bare(call.from), reason = "command " .. call.node }
end

-- Reads all pages of a list; returns nil and an error if one fails.
local function read_all(method, field, request)
	local list = {}
	request.page_size = PAGE_SIZE
	repeat
		local page, problem = hatd.await(method, request, timeout)
		if not page then return nil, problem end
		table.move(page[field], 1, #page[field], #list + 1, list)
		request.page_token = page.next_page_token
	until page.next_page_token == ""
	return list
end

local function read_catalogue(room_jid)
	local definitions, problem = read_all("ListHatDefinitions", "definitions", { room_jid = room_jid })
	if not definitions then return nil, problem end
	table.sort(definitions, function(a, b)
		if a.position ~= b.position then return a.position < b.position end
		return a.hat_id < b.hat_id
	end)
	return definitions
end

local function format_hue(hue)
	return hue and ("%.6f"):format(hue) or nil
end

-- Returns a title that is never empty.
local function title_of(definition, hat_id)
	return definition and definition.title ~= "" and definition.title or hat_id
end

local REPORTED = {
	["hats#jid"] = { type = "jid-single", label = "User" },
	["hats#uri"] = { type = "text-single", label = "URI" },
	["hats#title"] = { type = "text-single", label = "Title" },
	["hats#hue"] = { type = "text-single", label = "Hue" },
}

-- Returns a form of results: a table of the fields named, a row for each item.
local function results(names, items)
	local form = st.stanza("x", { xmlns = XMLNS_DATA, type = "result" })
	form:tag("field", { var = "FORM_TYPE", type = "hidden" }):text_tag("value", FORM_TYPE):up()
	form:tag("reported")
	for _, name in ipairs(names) do
		form:tag("field", { var = name, type = REPORTED[name].type, label = REPORTED[name].label }):up()
	end
	form:up()
	for _, item in ipairs(items) do
		form:tag("item")
		for _, name in ipairs(names) do
			if item[name] then form:tag("field", { var = name }):text_tag("value", item[name]):up() end
		end
		form:up()
	end
	return form
end

-- The fields of the forms.
local JID = { name = "hats#jid", type = "jid-single", label = "User", required = true }
local URI = { name = "hats#uri", type = "text-single", label = "URI of the hat", required = true }
local TITLE = { name = "hats#title", type = "text-single", label = "Title", required = true }
local HUE = { name = "hats#hue", type = "text-single", label = "Hue of the colour, in degrees from 0 to below 360" }

-- Returns the field that offers hats to choose from, each `{ hat_id, title }`.
local function choice(hats)
	local offered = {}
	for _, hat in ipairs(hats) do offered[#offered + 1] = { value = hat.hat_id, label = hat.title } end
	return { name = "hats#uri", type = "list-single", label = "Hat", required = true, options = offered }
end

local function catalogue_choice(call)
	local hats = {}
	for _, definition in ipairs(hatd.mirror:definitions(call.room_jid)) do
		hats[#hats + 1] = { hat_id = definition.hat_id, title = title_of(definition, definition.hat_id) }
	end
	return choice(hats)
end

-- Returns those of the user's own hats that a test lets through.
local function own_choice(call, test)
	local hats = {}
	for hat_id, attachment in pairs(hatd.mirror:wardrobe(call.room_jid, call.user_jid)) do
		if test(attachment) then
			local definition = hatd.mirror:definition(call.room_jid, hat_id)
			hats[#hats + 1] = { hat_id = hat_id, title = attachment.title ~= "" and attachment.title or title_of(definition, hat_id) }
		end
	end
	table.sort(hats, function(a, b) return a.hat_id < b.hat_id end)
	return choice(hats)
end

-- Returns the hat that is meant, or nil and an error. XEP-0317 calls the field `hat` in one place.
local function read_uri(call)
	local uri = call.fields["hats#uri"] or call.fields.hat
	if not uri then return nil, bad("hats#uri: a hat is needed") end
	if not is_hat_id(uri) then return nil, bad("hats#uri: an absolute URI of up to 1023 bytes is needed") end
	return uri
end

-- Returns the user that is meant, in hatd's spelling, or nil and an error.
local function read_user(call)
	local user = call.fields["hats#jid"]
	user = user and jid.bare(jid.prep(user))
	if not user then return nil, bad("hats#jid: a JID is needed") end
	return hatd.to_hatd(user)
end

-- Creates a definition, or changes title and hue of one that is there and leaves the rest of it.
local function define(call)
	local uri, wrong = read_uri(call)
	if not uri then return nil, wrong end
	local title, hue_text = call.fields["hats#title"], call.fields["hats#hue"]
	if not title or title == "" or not is_title(title) then
		return nil, bad("hats#title: a title of up to 256 bytes without control characters is needed")
	end
	local hue = hue_text and hue_text ~= "" and to_hue(hue_text) or nil
	if hue_text and hue_text ~= "" and not hue then return nil, bad("hats#hue: a number from 0 to below 360 is needed") end

	local definitions, problem = read_catalogue(call.room_jid)
	local before
	for _, definition in ipairs(definitions or {}) do
		if definition.hat_id == uri then before = definition end
	end
	-- A room that hatd does not know yet has no catalogue.
	if not definitions and problem.reason ~= "ROOM_NOT_FOUND" then return nil, refuse_as(problem) end
	local definition = { hat_id = uri, title = title, hue = hue }
	if before then
		for _, name in ipairs { "titles", "position", "description", "self_assignable" } do definition[name] = before[name] end
		if not hue_text then definition.hue = before.hue end
	end
	local response
	response, problem = hatd.write("DefineHat", {
		room_jid = call.room_jid, definition = definition, etag = before and before.etag, context = context_of(call),
	}, call.user_jid, timeout)
	if not response then return nil, refuse_as(problem) end
	return { note = before and "The hat has been changed." or "The hat has been created." }
end

local function destroy(call)
	local uri, wrong = read_uri(call)
	if not uri then return nil, wrong end
	local response, problem = hatd.write("DestroyHat",
		{ room_jid = call.room_jid, hat_id = uri, context = context_of(call) }, call.user_jid, timeout)
	if not response then return nil, refuse_as(problem) end
	return { note = response.changed and "The hat has been destroyed." or "There is no such hat." }
end

local function list(call)
	local definitions, problem = read_catalogue(call.room_jid)
	if not definitions then return nil, refuse_as(problem) end
	local items = {}
	for at, definition in ipairs(definitions) do
		items[at] = {
			["hats#uri"] = definition.hat_id, ["hats#title"] = title_of(definition, definition.hat_id),
			["hats#hue"] = format_hue(definition.hue),
		}
	end
	return { form = results({ "hats#uri", "hats#title", "hats#hue" }, items) }
end

-- Gives a hat to somebody who does not have it: what a program attached to one that is there stays.
local function assign(call)
	local uri, wrong = read_uri(call)
	if not uri then return nil, wrong end
	local user
	user, wrong = read_user(call)
	if not user then return nil, wrong end
	local response, problem = hatd.write("UpdateRoomHats", {
		room_jid = call.room_jid, context = context_of(call),
		operations = { { add = { user_jid = user, hat_id = uri, attachment = { active = true } } } },
		preconditions = { { lacks_hat = { user_jid = user, hat_id = uri } } },
	}, user, timeout)
	if response then return { note = "The hat has been assigned." } end
	if problem.reason == "PRECONDITION_FAILED" then return { note = "The user has the hat already." } end
	return nil, refuse_as(problem)
end

local function unassign(call)
	local uri, wrong = read_uri(call)
	if not uri then return nil, wrong end
	local user
	user, wrong = read_user(call)
	if not user then return nil, wrong end
	local response, problem = hatd.write("RemoveUserHat",
		{ room_jid = call.room_jid, user_jid = user, hat_id = uri, context = context_of(call) }, user, timeout)
	if not response then return nil, refuse_as(problem) end
	return { note = response.changed and "The hat has been unassigned." or "The user does not have the hat." }
end

local function list_assigned(call)
	local documents, problem = read_all("ListRoomHats", "users", { room_jid = call.room_jid })
	if not documents then return nil, refuse_as(problem) end
	local items = {}
	for _, document in ipairs(documents) do
		local hat_ids = {}
		for hat_id in pairs(document.hats) do hat_ids[#hat_ids + 1] = hat_id end
		table.sort(hat_ids)
		for _, hat_id in ipairs(hat_ids) do
			local attachment, definition = document.hats[hat_id], hatd.mirror:definition(call.room_jid, hat_id)
			items[#items + 1] = {
				["hats#jid"] = document.user_jid, ["hats#uri"] = hat_id,
				["hats#title"] = attachment.title ~= "" and attachment.title or title_of(definition, hat_id),
				["hats#hue"] = format_hue(definition and definition.hue),
			}
		end
		hatd.scheduler.pause()
	end
	return { form = results({ "hats#jid", "hats#uri", "hats#title", "hats#hue" }, items) }
end

-- Returns what runs a method of the WardrobeService for the user who asks.
local function own(method, note)
	return function(call)
		local uri, wrong = read_uri(call)
		if not uri then return nil, wrong end
		local response, problem = hatd.write(method,
			{ room_jid = call.room_jid, user_jid = call.user_jid, hat_id = uri, context = context_of(call) }, call.user_jid, timeout)
		if not response then return nil, refuse_as(problem) end
		return { note = note }
	end
end

-- By node: who may, what is asked for (nothing if there is no `ask`), and what is done.
local commands = {}
local nodes = {}

local function provide(node, command)
	commands[node] = command
	nodes[#nodes + 1] = node
end

provide("urn:xmpp:hats:commands:create", {
	name = "Create or change a hat", may = is_manager, run = define,
	ask = function() return { TITLE, URI, HUE } end,
})
provide("urn:xmpp:hats:commands:destroy", {
	name = "Destroy a hat", may = is_manager, run = destroy,
	ask = function(call) return { catalogue_choice(call) } end,
})
provide("urn:xmpp:hats:commands:list", { name = "List hats", may = is_insider, run = list })
provide("urn:xmpp:hats:commands:assign", {
	name = "Assign a hat", may = is_manager, run = assign,
	ask = function(call) return { JID, catalogue_choice(call) } end,
})
provide("urn:xmpp:hats:commands:unassign", {
	name = "Unassign a hat", may = is_manager, run = unassign,
	ask = function(call) return { JID, catalogue_choice(call) } end,
})
provide("urn:xmpp:hats:commands:list-assigned", { name = "List assigned hats", may = is_manager, run = list_assigned })

-- Of what users may do to their own hats, XEP-0317 had a part once (0.1: don, doff); its nodes are kept.
provide("urn:xmpp:hats:commands:don", {
	name = "Wear a hat", may = is_insider, run = own("WearHat", "You wear the hat."),
	ask = function(call) return { own_choice(call, function(attachment) return not attachment.active end) } end,
})
provide("urn:xmpp:hats:commands:doff", {
	name = "Take off a hat", may = is_insider, run = own("DoffHat", "You have taken off the hat."),
	ask = function(call)
		return { own_choice(call, function(attachment) return attachment.active and not attachment.required end) }
	end,
})
provide("urn:xmpp:hats:commands:claim", {
	name = "Claim a hat", may = is_insider, run = own("ClaimHat", "You have the hat."),
	ask = function(call)
		local has, hats = hatd.mirror:wardrobe(call.room_jid, call.user_jid), {}
		for _, definition in ipairs(hatd.mirror:definitions(call.room_jid)) do
			if definition.self_assignable and not has[definition.hat_id] then
				hats[#hats + 1] = { hat_id = definition.hat_id, title = title_of(definition, definition.hat_id) }
			end
		end
		return { choice(hats) }
	end,
})
provide("urn:xmpp:hats:commands:discard", {
	name = "Give up a hat", may = is_insider, run = own("DiscardHat", "You have given up the hat."),
	ask = function(call) return { own_choice(call, function(attachment) return not attachment.required end) } end,
})

-- Returns the fields that a form was filled in with, or nil if there is none.
local function read_fields(form)
	if not form or form.attr.type == "cancel" then return nil end
	local fields = {}
	for field in form:childtags("field") do
		local value = field:get_child_text("value")
		if field.attr.var and value then fields[field.attr.var] = value end
	end
	return fields
end

local function build_form(command, fields)
	table.insert(fields, 1, { name = "FORM_TYPE", type = "hidden", value = FORM_TYPE })
	fields.title = command.name
	return dataforms.new(fields):form({}, "form")
end

local function reply_to(stanza, status, payload)
	local request = stanza.tags[1]
	local reply = st.reply(stanza):tag("command", {
		xmlns = XMLNS_COMMANDS, node = request.attr.node, sessionid = request.attr.sessionid or new_uuid(), status = status,
	})
	if status == "executing" then
		reply:tag("actions", { execute = "complete" }):tag("complete"):up():up()
	end
	if payload and payload.form then reply:add_child(payload.form) end
	if payload and payload.note then reply:text_tag("note", payload.note, { type = "info" }) end
	return reply
end

-- Returns the room that a stanza is for, if it is one with commands.
local function room_of(stanza)
	local room = muc.get_room_from_jid(jid.bare(stanza.attr.to))
	return room and not room._data.destroyed and room or nil
end

module:hook("iq-set/bare/" .. XMLNS_COMMANDS .. ":command", function(event)
	local origin, stanza = event.origin, event.stanza
	local request = stanza.tags[1]
	local node = request.attr.node or ""
	local command, room = commands[node], room_of(stanza)
	-- Without a room, mod_muc has the answer; without a command of ours, perhaps another module.
	if not room or (not command and node:sub(1, #FORM_TYPE) ~= FORM_TYPE) then return nil end
	local from = stanza.attr.from

	if not command then
		origin.send(st.error_reply(stanza, "cancel", "item-not-found", "There is no such command"))
		return true
	end
	if not command.may(room, from) then
		origin.send(st.error_reply(stanza, "auth", "forbidden", "You may not do this here"))
		return true
	end
	if request.attr.action == "cancel" then
		origin.send(reply_to(stanza, "canceled"))
		return true
	end
	local call = {
		node = node, from = from, room_jid = hatd.to_hatd(room.jid), user_jid = hatd.to_hatd(jid.bare(from)),
		fields = read_fields(request:get_child("x", XMLNS_DATA)),
	}
	if command.ask and not call.fields then
		origin.send(reply_to(stanza, "executing", { form = build_form(command, command.ask(call)) }))
		return true
	end
	local form_type = call.fields and call.fields.FORM_TYPE
	if form_type and form_type ~= FORM_TYPE then
		origin.send(st.error_reply(stanza, "modify", "bad-request", "FORM_TYPE is not " .. FORM_TYPE))
		return true
	end

	hatd.scheduler:spawn(function()
		local ok, done, wrong = pcall(command.run, call)
		if not ok then
			module:log("error", "failed to run %s in %s: %s", call.node, call.room_jid, done)
			origin.send(st.error_reply(stanza, "cancel", "internal-server-error"))
		elseif done then
			origin.send(reply_to(stanza, "completed", done))
		else
			origin.send(st.error_reply(stanza, wrong.type, wrong.condition, wrong.text))
		end
	end)
	return true
end)

module:hook("iq-get/bare/http://jabber.org/protocol/disco#items:query", function(event)
	local origin, stanza = event.origin, event.stanza
	if stanza.tags[1].attr.node ~= XMLNS_COMMANDS then return nil end
	local room = room_of(stanza)
	if not room then return nil end
	local reply = st.reply(stanza):tag("query", { xmlns = "http://jabber.org/protocol/disco#items", node = XMLNS_COMMANDS })
	for _, node in ipairs(nodes) do
		if commands[node].may(room, stanza.attr.from) then
			reply:tag("item", { jid = room.jid, node = node, name = commands[node].name }):up()
		end
	end
	origin.send(reply)
	return true
end)

module:hook("muc-disco#info", function(event)
	event.reply:tag("feature", { var = XMLNS_COMMANDS }):up()
end)

for node, command in pairs(commands) do
	module:hook("muc-disco#info/" .. node, function(event)
		event.reply:tag("identity", { category = "automation", type = "command-node", name = command.name }):up()
		event.reply:tag("feature", { var = XMLNS_COMMANDS }):up()
		event.reply:tag("feature", { var = XMLNS_DATA }):up()
	end)
end
