--- The two commands of the community module muc_hats_adhoc: service admins give and take hats of others.

local async = require "util.async"
local dataforms = require "util.dataforms"
local new_simple_form = require "util.adhoc".new_simple_form

module:depends("adhoc")
local new_command = module:require("adhoc").new
local hats = module:depends("muc_hats_api")

-- How long a command waits for hatd, in seconds. Our choice: who gave it is looking at it.
local timeout = module:get_option_number("hatd_command_timeout", 5)

-- Calls a function of the interface, and returns what hatd answers to it, as far as Prosody lets us wait:
-- it does for whoever is connected to it, by a client or a server.
local function ask(f, ...)
	local arguments = table.pack(...)
	local answer
	local wait, done = nil, function() end
	if async.ready() then wait, done = async.waiter(1, true) end
	arguments[arguments.n + 1] = function(...)
		answer = table.pack(...)
		done()
	end
	local ok, condition, text = f(table.unpack(arguments, 1, arguments.n + 1))
	if not ok then return nil, condition, text end
	if not wait then return true end
	module:add_timer(timeout, done)
	wait()
	if not answer then return nil, "remote-server-timeout", "the hats service does not answer; the change waits for it" end
	return table.unpack(answer, 1, answer.n)
end

local function handler(form, verb, done, act)
	return new_simple_form(form, function(fields, errors)
		if errors then
			local lines = {}
			for field, problem in pairs(errors) do lines[#lines + 1] = field .. ": " .. problem end
			table.sort(lines)
			return { status = "completed", error = { message = table.concat(lines, "\n") } }
		end
		local ok, condition, text = act(fields)
		if not ok then
			return { status = "completed", error = { message = ("There was an error %s the hat: %s"):format(verb, text or condition) } }
		end
		return { status = "completed", info = ("The hat has been %s successfully"):format(done) }
	end)
end

local add_form = dataforms.new {
	title = "Add a hat",
	instructions = "Give a hat to someone in a room",
	{ name = "user", type = "jid-single", label = "User", required = true },
	{ name = "room", type = "jid-single", label = "Room", required = true },
	{ name = "title", type = "text-single", label = "Title of the hat" },
	{ name = "uri", type = "text-single", label = "URI of the hat", required = true },
}

local remove_form = dataforms.new {
	title = "Remove a hat",
	instructions = "Take a hat from someone in a room",
	{ name = "user", type = "jid-single", label = "User", required = true },
	{ name = "room", type = "jid-single", label = "Room", required = true },
	{ name = "uri", type = "text-single", label = "URI of the hat", required = true },
}

module:provides("adhoc", new_command("Add hat to a user", "http://prosody.im/protocol/hats#add",
	handler(add_form, "adding", "added", function(fields)
		local attachment = { active = true, required = true, title = fields.title }
		return ask(hats.add_user_hat, fields.user, fields.room, fields.uri, attachment)
	end), "admin"))

module:provides("adhoc", new_command("Remove hat from a user", "http://prosody.im/protocol/hats#remove",
	handler(remove_form, "removing", "removed", function(fields)
		return ask(hats.remove_user_hat, fields.user, fields.room, fields.uri)
	end), "admin"))
