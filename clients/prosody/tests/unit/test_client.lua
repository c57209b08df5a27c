local client = require "hatd.client"
local errors = require "hatd.errors"
local fake_loop = require "fake_loop"
local harness = require "harness"
local pb = require "hatd.pb"
local slices = require "hatd.slices"

local test, same, ok = harness.test, harness.same, harness.ok

-- Makes a call against scripted answers: an encoded response, an error, or false for silence.
local function call(method, request, answers, options)
	local loop = fake_loop.new()
	local sent = {}
	local transport = {
		unary = function(_, path, bytes, timeout, callback)
			local answer = answers[#sent + 1]
			if answer == nil then answer = answers[#answers] end
			sent[#sent + 1] = { path = path, bytes = bytes, timeout = timeout, at = loop.time }
			loop.after(answer and 0 or timeout, function()
				if type(answer) == "string" then
					callback(answer)
				else
					callback(nil, answer or errors.new("DEADLINE_EXCEEDED", "no answer"))
				end
			end)
		end,
	}
	options = options or {}
	local ids = 0
	local hatd = client.new {
		transport = transport, scheduler = slices.new(loop, error), refresh_key = options.refresh_key,
		new_id = function() ids = ids + 1 return "id-" .. ids end,
	}
	local got
	hatd:call(method, request, function(response, problem) got = { response, problem } end, options.timeout)
	loop.run()
	return got[1], got[2], sent
end

local function unavailable(delay)
	local problem = errors.new("UNAVAILABLE", "away")
	problem.retry_delay = delay
	return problem
end

local REQUEST = { room_jid = "r@c", user_jid = "u@h", hat_id = "urn:a" }
local ANSWER = pb.encode("hatd.v1.AddUserHatResponse", { token = "t", changed = true })

test("a write that is tried again keeps its request id, and the request stays as it was", function()
	local response, _, sent = call("AddUserHat", REQUEST, { unavailable(), unavailable(), ANSWER })
	same(response.token, "t")
	same({ #sent, sent[1].bytes == sent[2].bytes, sent[2].bytes == sent[3].bytes }, { 3, true, true })
	same(pb.decode("hatd.v1.AddUserHatRequest", sent[1].bytes).request_id, "id-1")
	same(REQUEST.request_id, nil)
	same(sent[1].path, "/hatd.v1.HatService/AddUserHat")
end)

test("only UNAVAILABLE is tried again", function()
	for _, code in ipairs { "NOT_FOUND", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "ABORTED" } do
		local response, problem, sent = call("AddUserHat", REQUEST, { errors.new(code, "no"), ANSWER })
		same({ response, problem.code, problem.request_id, #sent }, { nil, code, "id-1", 1 })
	end
end)

test("tries end at the deadline, 5 s for reads and 30 s for writes", function()
	local _, problem, sent = call("GetRoom", { room_jid = "r@c" }, { unavailable() })
	same(problem.code, "UNAVAILABLE")
	ok(sent[#sent].at < 5 and sent[#sent].at > 2, sent[#sent].at)
	ok(sent[1].timeout == 5 and sent[#sent].timeout < 5)
	_, _, sent = call("AddUserHat", REQUEST, { unavailable() })
	ok(sent[#sent].at < 30 and sent[#sent].at > 26, sent[#sent].at)
	_, problem = call("GetRoom", { room_jid = "r@c" }, { false }, { timeout = 1 })
	same(problem.code, "DEADLINE_EXCEEDED")
end)

test("the server's own delay is kept, and none that would pass the deadline is begun", function()
	local _, _, sent = call("AddUserHat", REQUEST, { unavailable(3), ANSWER })
	ok(sent[2].at >= 3 and sent[2].at <= 4.5, sent[2].at)
	local _, problem, only = call("GetRoom", { room_jid = "r@c" }, { unavailable(6), ANSWER })
	same({ problem.code, #only, only[1].at }, { "UNAVAILABLE", 1, 0 })
end)

test("a key that is refused is read anew, once", function()
	local refused = errors.new("UNAUTHENTICATED", "no")
	local options = { refresh_key = function() return true end }
	local response, _, sent = call("AddUserHat", REQUEST, { refused, ANSWER }, options)
	same({ response.changed, #sent }, { true, 2 })
	local _, problem, twice = call("AddUserHat", REQUEST, { refused }, options)
	same({ problem.code, #twice }, { "UNAUTHENTICATED", 2 })
end)

test("an answer that cannot be read is an error", function()
	local _, problem = call("AddUserHat", REQUEST, { "\xff" })
	same(problem.code, "INTERNAL")
end)
