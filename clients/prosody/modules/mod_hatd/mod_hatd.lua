--- Hats that hatd keeps, in the rooms of a MUC component.
--
-- This file reads the options and holds the connection; `presence.lib.lua` shows hats in rooms, and
-- `rooms.lib.lua` keeps rooms and affiliations in hatd current. Other modules use what is global here,
-- after `module:depends("hatd")`.

local http = require "net.http"
local jid = require "util.jid"
local monotonic = require "util.time".monotonic
local new_uuid = require "util.uuid".generate
local socket_url = require "socket.url"
local to_unicode = require "util.encodings".idna.to_unicode

muc = module:depends("muc")

-- The library stands beside this file.
do
	local pattern = module:get_directory() .. "/?.lua"
	if not package.path:find(pattern, 1, true) then package.path = pattern .. ";" .. package.path end
end

local new_error = require "hatd.errors".new
local new_client = require "hatd.client".new
local new_mirror = require "hatd.mirror".new
local new_slices = require "hatd.slices".new
local new_transport = require "hatd.grpc_web".new
local new_watch = require "hatd.watch".new

local VERSION = "0.1.0"

-- How long to wait before trying again what hatd refused, in seconds. Our choice: a person is to mend it.
local REFUSED_PAUSE = 60

--- Returns a bare JID in the spelling that hatd has, given one that Prosody has prepared: Prosody keeps a
-- domain as A-labels if it came so.
function to_hatd(bare_jid)
	if not bare_jid:find("xn--", 1, true) then return bare_jid end
	local node, host = jid.split(bare_jid)
	return jid.join(node, to_unicode(host) or host)
end

--- Returns the JID that Prosody has for a room of which hatd speaks.
function to_prosody(room_jid)
	return jid.join(jid.node(room_jid), module.host)
end

local function is_loopback(host)
	return host == "localhost" or host == "::1" or host:match("^127%.%d+%.%d+%.%d+$") ~= nil
end

-- Returns the URL of hatd without a path.
local function read_url()
	local text = module:get_option_string("hatd_url", "http://127.0.0.1:50051")
	local url = socket_url.parse(text)
	if not url or not url.host or (url.scheme ~= "http" and url.scheme ~= "https") or (url.path or "/") ~= "/" then
		error(("hatd_url: %q is not http://HOST:PORT or https://HOST:PORT"):format(text), 0)
	end
	local host = url.host:gsub("^%[(.*)%]$", "%1")
	if url.scheme == "http" and not is_loopback(host) and not module:get_option_boolean("hatd_allow_plaintext", false) then
		error(("hatd_url: %s would be plaintext to another machine: use https, or set hatd_allow_plaintext"):format(text), 0)
	end
	return (text:gsub("/$", ""))
end

local api_key
local api_key_file = module:get_option_path("hatd_api_key_file", nil, "config")

-- Reads the API key anew; returns whether it changed.
local function refresh_key()
	local before = api_key
	api_key = module:get_option_string("hatd_api_key")
	if api_key_file then
		local file, problem = io.open(api_key_file)
		if file then
			api_key = file:read("*a"):match("^%s*(.-)%s*$")
			file:close()
		else
			module:log("error", "failed to read hatd_api_key_file: %s", problem)
		end
	end
	if api_key == "" then api_key = nil end
	return api_key ~= before
end
refresh_key()

-- Returns a TLS context of our own, or nil for Prosody's, which trusts the roots of the system.
local function read_tls()
	local options = module:get_option("hatd_tls")
	if not options then return nil end
	local context, problem = require "core.certmanager".create_context("hatd port 0", "client", { verify = "peer" }, options)
	return context or error("hatd_tls: " .. tostring(problem), 0)
end

local function read_choice(name, choices)
	local value = module:get_option_string(name)
	if value == nil then return nil end
	return choices[value] or error(("%s: %q is not known"):format(name, value), 0)
end

--- The options that concern more than one file.
options = {
	eligibility = read_choice("hatd_eligibility", { affiliated = "ELIGIBILITY_AFFILIATED", anyone = "ELIGIBILITY_ANYONE" }),
	hat_policy = read_choice("hatd_hat_policy", { any_uri = "HAT_POLICY_ANY_URI", defined_only = "HAT_POLICY_DEFINED_ONLY" }),
	queue_size = module:get_option_number("hatd_queue_size", 10000),
}

local loop = {
	now = monotonic,
	after = function(delay, f)
		local timer = module:add_timer(delay, function() f() end)
		return function() timer:stop() end
	end,
}

scheduler = new_slices(loop, function(problem) module:log("error", "a task failed: %s", problem) end)

local transport = new_transport {
	http = http.default, destroy = http.destroy_request, loop = loop, url = read_url(), sslctx = read_tls(),
	user_agent = "hatd-prosody/" .. VERSION, api_key = function() return api_key end,
}

local client = new_client {
	transport = transport, scheduler = scheduler, new_id = new_uuid, refresh_key = refresh_key,
}

--- Makes a call of hatd; see `await` of `hatd.client`. Only within a task of `scheduler`.
function await(method, request, timeout)
	return client:await(method, request, timeout)
end

--- Makes a call of hatd from anywhere; see `call` of `hatd.client`.
function call(method, request, callback, timeout)
	return client:call(method, request, callback, timeout)
end

local listeners = {}

--- The state of this component's rooms in hatd.
mirror = new_mirror(function(room_jid, user_jid, what)
	for _, listener in ipairs(listeners) do listener(room_jid, user_jid, what) end
end)

--- Calls a function with each change of the mirror; see `new` of `hatd.mirror`.
function on_change(listener)
	listeners[#listeners + 1] = listener
end

local connected = false

--- Whether the watch is connected, so that hatd can be expected to answer.
function is_connected()
	return connected
end

local watch = new_watch {
	selectors = { { room_domain = to_hatd(module.host) } },
	heartbeat_interval = module:get_option_number("hatd_heartbeat_interval", 15),
	decode = mirror.decode,
}

local reset_listeners = {}

--- Calls a function whenever a snapshot is complete: with the reason of its reset, and whether it is the
-- first.
function on_snapshot(listener)
	reset_listeners[#reset_listeners + 1] = listener
end

local reset_reason

local function apply(response, pause)
	local was_ready = mirror.ready
	if response.event == "reset" then reset_reason = response.reset.reason end
	mirror:apply(response, pause)
	if response.event == "snapshot" and response.snapshot.complete then
		module:log("info", "holds the state of hatd (%s); no turn of the loop was longer than %.1f ms",
			reset_reason:gsub("^RESET_REASON_", ""), scheduler.longest * 1000)
		for _, listener in ipairs(reset_listeners) do listener(reset_reason, not was_ready) end
	end
end

module:require "presence"
module:require "rooms"

--- Makes a call that writes hats of a user, after what happened in the room before. Only within a task of
-- `scheduler`.
-- @param timeout in seconds, for all of it
-- @return the response, or nil and an error
function write(method, request, user_jid, timeout)
	local deadline = monotonic() + timeout
	local away = new_error("UNAVAILABLE", "hatd does not answer")
	if not outbox:settle(request.room_jid, timeout) then return nil, away end
	local response, problem = client:await(method, request, math.max(deadline - monotonic(), 0.1))
	if response or (problem.reason ~= "ROOM_NOT_FOUND" and problem.reason ~= "USER_NOT_AFFILIATED") then
		return response, problem
	end
	-- Who administers the service owns its rooms without being listed there, so hatd may not know.
	local affiliation = outbox.affiliation_of(request.room_jid, user_jid)
	if not affiliation then return nil, problem end
	outbox:affiliation(request.room_jid, user_jid, affiliation)
	if not outbox:settle(request.room_jid, math.max(deadline - monotonic(), 0.1)) then return nil, away end
	return client:await(method, request, math.max(deadline - monotonic(), 0.1))
end

local handlers = {
	apply = apply,
	refresh_key = refresh_key,
	connected = function()
		connected = true
		module:log_status("info", "connected to hatd at %s", transport.url)
		outbox:hurry()
	end,
	disconnected = function(cause, retry_in)
		if not retry_in then
			module:log_status("error", "hatd refuses this server, trying again in %d s: %s", REFUSED_PAUSE, cause)
		elseif connected then
			module:log_status("warn", "lost hatd, connecting again in %.1f s: %s", retry_in, cause)
		else
			module:log_status("warn", "hatd cannot be reached, trying again in %.1f s: %s", retry_in, cause)
		end
		connected = false
	end,
}

scheduler:spawn(function()
	while not watch.closed do
		watch:run(transport, scheduler, handlers)
		-- An operator may mend what was refused; the position may be what was wrong with it.
		watch.position = ""
		if not watch.closed then scheduler:sleep(REFUSED_PAUSE) end
	end
end)

function module.unload()
	watch:close()
	outbox:close()
end
