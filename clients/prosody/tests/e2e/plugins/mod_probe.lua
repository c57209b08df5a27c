-- Runs Lua that a test sends, as a module that depends on muc_hats_api would: in the handler of a stanza,
-- or in a timer, where nothing can be waited for. Answers what it returned, as JSON.

local json = require "util.json"
local st = require "util.stanza"

local hats = module:depends("muc_hats_api")
local hatd = module:depends("hatd")
local muc = module:depends("muc")

module:hook("iq-set/host/urn:example:probe:run", function(event)
	local origin, stanza = event.origin, event.stanza
	local run = stanza.tags[1]
	local environment = setmetatable({ hats = hats, hatd = hatd, muc = muc, module = module }, { __index = _G })
	local function answer()
		local returned = table.pack(pcall(assert(load(run:get_text(), "probe", "t", environment))))
		for at = 1, returned.n do
			if returned[at] == nil then returned[at] = json.null end
		end
		returned.n = nil
		origin.send(st.reply(stanza):text_tag("result", json.encode(json.array and json.array(returned) or returned)))
	end
	if run.attr.context == "timer" then
		module:add_timer(0, answer)
	else
		answer()
	end
	return true
end)
