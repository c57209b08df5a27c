--- The interface of the community module muc_hats_api, with hats kept by hatd.
--
-- Each function checks at once what Prosody itself knows: whether there is the room, whether the user
-- belongs to it, and what is no hat id or no attachment. The write then goes its way, and the function
-- returns true: the hat shows when hatd has it, some milliseconds later. If hatd refuses it after all,
-- that is logged, and told to the callback if the caller gave one.

local async = require "util.async"
local jid = require "util.jid"

local hatd = module:depends("hatd")
local muc = module:depends("muc")

local condition_of = require "hatd.conditions".of
local is_hat_id, is_title = require "hatd.hat".is_id, require "hatd.hat".is_title

-- Whether writes wait for hatd while it is away, or are refused.
local queues = ({ queue = true, refuse = false })[module:get_option_string("hatd_when_away", "queue")]
if queues == nil then error('hatd_when_away is neither "queue" nor "refuse"', 0) end

-- How long a call may wait for hatd's own answer, in seconds, where Prosody lets it.
local wait_max = module:get_option_number("hatd_api_wait", 0)

-- Returns hatd's JIDs for a room of this host and a user who may have hats there; or nil, a condition and
-- a text, the room being looked for first.
local function find(user_jid, room_jid)
	local room_name = type(room_jid) == "string" and jid.prep(room_jid)
	local node, host, resource = jid.split(room_name or "")
	local room = node and host == module.host and not resource and muc.get_room_from_jid(room_name)
	if not room or room._data.destroyed then return nil, "item-not-found", "no such room" end

	local user = type(user_jid) == "string" and jid.bare(jid.prep(user_jid))
	local affiliation = user and room:get_affiliation(user)
	local may_have_hats = user and affiliation ~= "outcast" and (affiliation or hatd.is_for_anyone(hatd.to_hatd(room.jid)))
	if not may_have_hats then return nil, "item-not-found", "user not affiliated with room" end

	return hatd.to_hatd(room.jid), hatd.to_hatd(user)
end

-- Returns hatd's attachment, or nil, a condition and a text. Other fields are dropped.
local function read_attachment(attachment)
	if attachment == nil then attachment = {} end
	if type(attachment) ~= "table" then return nil, "bad-request", "an attachment is a table" end
	if attachment.title ~= nil and not is_title(attachment.title) then
		return nil, "bad-request", "a title is text of up to 256 bytes without control characters"
	end
	return {
		active = attachment.active and true or false,
		required = attachment.required and true or false,
		title = attachment.title,
	}
end

local function check_hat_id(hat_id)
	if is_hat_id(hat_id) then return true end
	return nil, "bad-request", "a hat id is an absolute URI of up to 1023 bytes"
end

-- Hands a write to the outbox, and returns what the function of the interface does.
local function submit(method, request, callback)
	if not queues and not hatd.is_connected() then
		return nil, "service-unavailable", "hatd is away"
	end

	local answer, wake
	local accepted = hatd.outbox:call(request.room_jid, method, request, function(response, problem)
		if response then
			answer = table.pack(true)
		else
			local _, condition, text = condition_of(problem)
			answer = table.pack(nil, condition, text)
			module:log("warn", "%s for %s in %s failed: %s: %s", method, request.user_jid, request.room_jid, condition, problem.message)
		end
		-- In turns of their own, so that what goes on then is not work of ours. Callers that pass more than the
		-- community module takes are left alone.
		if type(callback) == "function" then
			module:add_timer(0, function() callback(table.unpack(answer, 1, answer.n)) end)
		end
		if wake then module:add_timer(0, wake) end
	end)
	if not accepted then return nil, "resource-constraint", "too many changes wait for hatd" end

	if wait_max > 0 and hatd.is_connected() and async.ready() then
		local wait
		wait, wake = async.waiter(1, true)
		module:add_timer(wait_max, wake)
		wait()
		if answer then return table.unpack(answer, 1, answer.n) end
	end
	return true
end

--- Puts a hat into a user's wardrobe, in place of what is there of it.
-- @param attachment `{ active, required, title }`, or nil for none of them
-- @param callback called, if given, with what hatd answered: true; or nil, a condition and a text
-- @return true; or nil, a condition and a text
function add_user_hat(user_jid, room_jid, hat_id, attachment, callback)
	local room, user, text = find(user_jid, room_jid)
	if not room then return nil, user, text end
	local ok, condition, why = check_hat_id(hat_id)
	if not ok then return nil, condition, why end
	attachment, condition, why = read_attachment(attachment)
	if not attachment then return nil, condition, why end

	return submit("AddUserHat", { room_jid = room, user_jid = user, hat_id = hat_id, attachment = attachment }, callback)
end

--- Takes a hat out of a user's wardrobe. One that is not there is no error.
-- @param callback as in `add_user_hat`
-- @return true; or nil, a condition and a text
function remove_user_hat(user_jid, room_jid, hat_id, callback)
	local room, user, text = find(user_jid, room_jid)
	if not room then return nil, user, text end
	local ok, condition, why = check_hat_id(hat_id)
	if not ok then return nil, condition, why end

	return submit("RemoveUserHat", { room_jid = room, user_jid = user, hat_id = hat_id }, callback)
end

--- Makes the listed hats exactly the user's.
-- @param hats attachments by hat id; nil for none
-- @param callback as in `add_user_hat`
-- @return true; or nil, a condition and a text
function set_user_hats(user_jid, room_jid, hats, callback)
	local room, user, text = find(user_jid, room_jid)
	if not room then return nil, user, text end
	if hats == nil then hats = {} end
	if type(hats) ~= "table" then return nil, "bad-request", "hats are a table of attachments by hat id" end
	local wanted = {}
	for hat_id, attachment in pairs(hats) do
		local ok, condition, why = check_hat_id(hat_id)
		if not ok then return nil, condition, why end
		wanted[hat_id], condition, why = read_attachment(attachment)
		if not wanted[hat_id] then return nil, condition, why end
	end

	return submit("SetUserHats", { room_jid = room, user_jid = user, hats = wanted }, callback)
end
