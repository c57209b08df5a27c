local errors = require "hatd.errors"
local fake_loop = require "fake_loop"
local grpc_web = require "hatd.grpc_web"
local harness = require "harness"
local pb = require "hatd.pb"
local slices = require "hatd.slices"

local test, same, ok = harness.test, harness.same, harness.ok

local function message(payload)
	return string.pack(">Bs4", 0, payload)
end

local function trailers(text)
	return string.pack(">Bs4", 0x80, text)
end

-- A stand-in for net.http: keeps what was asked for, and lets a test answer.
local function fake_http()
	local http = { destroyed = 0 }
	function http:request(url, options, callback) -- luacheck: ignore 212/self
		self.url, self.options, self.callback = url, options, callback
		self.conn = { pause = function(conn) conn.paused = true end, resume = function(conn) conn.paused = false end }
		return { conn = self.conn }
	end
	function http.destroy()
		http.destroyed = http.destroyed + 1
	end
	return http
end

local function transport(key)
	local http, loop = fake_http(), fake_loop.new()
	local web = grpc_web.new {
		http = http, destroy = http.destroy, loop = loop, url = "http://h:1", user_agent = "test",
		api_key = function() return key end,
	}
	return web, http, loop
end

local function answered(respond)
	local web, http, loop = transport()
	local got
	web:unary("/s/M", "request", 5, function(payload, problem) got = { payload, problem and tostring(problem) } end)
	respond(http, loop)
	return got
end

test("a call sends one frame, its deadline and the key", function()
	local web, http = transport("secret")
	web:unary("/s/M", "request", 1.5, function() end)
	same(http.url, "http://h:1/s/M")
	same(http.options.body, message("request"))
	same(http.options.headers["Content-Type"], "application/grpc-web+proto")
	same(http.options.headers["Grpc-Timeout"], "1500m")
	same(http.options.headers["Authorization"], "Bearer secret")
end)

test("an answer with its trailers is a success", function()
	same(answered(function(http)
		http.callback(message("answer") .. trailers("grpc-status: 0\r\n"), 200, { headers = {} })
	end), { "answer" })
end)

test("an error stands in the headers or in the trailers", function()
	local expected = { nil, "NOT_FOUND: no room ä" }
	same(answered(function(http)
		http.callback("", 200, { headers = { ["grpc-status"] = "5", ["grpc-message"] = "no room %C3%A4" } })
	end), expected)
	same(answered(function(http)
		http.callback(trailers("grpc-status:5\r\ngrpc-message:no room %C3%A4\r\n"), 200, { headers = {} })
	end), expected)
end)

test("an answer without a status is no success", function()
	same(answered(function(http) http.callback(message("answer"), 200, { headers = {} }) end)[1], nil)
	same(answered(function(http) http.callback("", 200, { headers = {} }) end)[1], nil)
	same(answered(function(http) http.callback(false, 200, { headers = {} }) end)[1], nil)
	same(answered(function(http)
		http.callback(trailers("grpc-status: 0\r\n"), 200, { headers = {} })
	end)[1], nil)
end)

test("HTTP statuses and failed connections have codes", function()
	for status, code in pairs { [401] = "UNAUTHENTICATED", [403] = "PERMISSION_DENIED", [404] = "UNIMPLEMENTED",
		[503] = "UNAVAILABLE", [418] = "UNKNOWN" } do
		ok(answered(function(http) http.callback("", status, { headers = {} }) end)[2]:find(code, 1, true))
	end
	same(answered(function(http) http.callback("connection refused", 0, {}) end), { nil, "UNAVAILABLE: connection refused" })
end)

test("a call without an answer ends at its deadline, and once", function()
	local got = answered(function(http, loop)
		loop.run()
		http.callback(message("late") .. trailers("grpc-status: 0\r\n"), 200, { headers = {} })
	end)
	same(got, { nil, "DEADLINE_EXCEEDED: no answer within 5 s" })
end)

test("frames are found wherever they are cut", function()
	local bytes = message("one") .. message("") .. message(("x"):rep(300)) .. trailers("grpc-status: 0\r\n")
	for size = 1, #bytes do
		local got, status = {}, nil
		local feed = grpc_web.framer(function(payload) got[#got + 1] = payload end, function(found) status = found end)
		for at = 1, #bytes, size do feed(bytes:sub(at, at + size - 1)) end
		same({ got, status }, { { "one", "", ("x"):rep(300) }, false })
	end
end)

test("a frame that is too large, or compressed, is refused before it is kept", function()
	local feed = grpc_web.framer(error, error)
	ok(tostring(feed(string.pack(">BI4", 0, 0x7fffffff))):find("frame of 2147483647 bytes", 1, true))
	feed = grpc_web.framer(error, error)
	ok(tostring(feed(string.pack(">BI4", 1, 3) .. "abc")):find("compressed", 1, true))
end)

test("reasons and what comes with them are read, those of others are not", function()
	local function any(name, detail)
		return { type_url = "type.googleapis.com/" .. name, value = pb.encode(name, detail) }
	end
	local status = pb.encode("google.rpc.Status", { code = 14, details = {
		any("google.rpc.ErrorInfo", { reason = "OTHER", domain = "example.com" }),
		any("google.rpc.ErrorInfo", { reason = "SHUTTING_DOWN", domain = "hatd.v1", metadata = { a = "b" } }),
		any("google.rpc.RetryInfo", { retry_delay = { seconds = 1, nanos = 500000000 } }),
		any("google.rpc.BadRequest", { field_violations = { { field = "room_jid" } } }),
		{ type_url = "type.googleapis.com/google.rpc.Unknown", value = "?" },
	} })
	local problem = errors.from_status(14, "bye", status)
	same(problem.reason, errors.reasons.SHUTTING_DOWN)
	same({ problem.metadata, problem.retry_delay, problem.violations[1].field }, { { a = "b" }, 1.5, "room_jid" })
	same(tostring(problem), "UNAVAILABLE SHUTTING_DOWN: bye")
	same(tostring(errors.from_status(99, "odd", "\xff\xff")), "UNKNOWN: odd")
	ok(not pcall(function() return errors.reasons.ROOM_NOT_FUOND end))
end)

test("details in base64 are read with and without padding", function()
	local status = pb.encode("google.rpc.Status", { details = { { type_url = "x/google.rpc.ErrorInfo",
		value = pb.encode("google.rpc.ErrorInfo", { reason = "HAT_REQUIRED", domain = "hatd.v1" }) } } })
	local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	local base64 = status:gsub("..?.?", function(three)
		local value = three:byte(1) << 16 | (three:byte(2) or 0) << 8 | (three:byte(3) or 0)
		local letters = ""
		for shift = 18, 18 - 6 * #three, -6 do
			local at = (value >> shift & 63) + 1
			letters = letters .. alphabet:sub(at, at)
		end
		return letters
	end)
	for _, padding in ipairs { "", ("="):rep(-#base64 % 4) } do
		local web, http = transport()
		local got
		web:unary("/s/M", "", 5, function(_, problem) got = problem end)
		http.callback("", 200, { headers = { ["grpc-status"] = "9", ["grpc-status-details-bin"] = base64 .. padding } })
		same(got.reason, "HAT_REQUIRED")
	end
end)

-- Opens a stream, lets a test feed it, and returns what a reader with a timeout of 10 s gets.
local function streamed(feed)
	local web, http, loop = transport()
	local scheduler = slices.new(loop, error)
	local got = {}
	local stream = web:stream("/s/M", "request")
	scheduler:spawn(function()
		repeat
			local payload, status = stream:receive(scheduler, 10)
			got[#got + 1] = payload or (status == nil and "silence" or tostring(status))
		until not payload
	end)
	feed(http, loop, stream)
	loop.run()
	return got, http
end

local function open(http, headers, code)
	return http.options.streaming_handler { code = code or 200, headers = headers or {} }
end

test("a stream gives its messages and its end", function()
	same(streamed(function(http, loop)
		local sink = open(http)
		sink:write(message("one"))
		loop.run(1)
		sink:write(message("two") .. trailers("grpc-status: 0\r\n"))
	end), { "one", "two", "false" })
end)

test("a stream that is cut in the middle did not end well", function()
	local cut = { "one", "UNAVAILABLE: the connection ended in mid-stream" }
	for _, body in ipairs { "", false } do
		same(streamed(function(http)
			open(http):write(message("one"))
			http.callback(body, 200, { headers = {} })
		end), cut)
	end
end)

test("an error at once, an HTTP error and a refused connection end a stream", function()
	same(streamed(function(http) open(http, { ["grpc-status"] = "3", ["grpc-message"] = "bad" }) end), { "INVALID_ARGUMENT: bad" })
	same(streamed(function(http)
		http.callback("", 200, { headers = { ["grpc-status"] = "3", ["grpc-message"] = "bad" } })
	end), { "INVALID_ARGUMENT: bad" })
	same(streamed(function(http) open(http, {}, 503) end), { "UNAVAILABLE: HTTP status 503 in place of an answer" })
	same(streamed(function(http) http.callback("connection refused", 0, {}) end), { "UNAVAILABLE: connection refused" })
end)

test("silence is told from an end", function()
	same(streamed(function(http) open(http):write(message("one")) end), { "one", "silence" })
end)

test("a stream whose reader is slow is left to the network", function()
	local got, http = streamed(function(http, loop)
		local sink = open(http)
		for _ = 1, 6 do sink:write(message(("x"):rep(100 * 1024))) end
		ok(http.conn.paused)
		loop.run(2)
		ok(not http.conn.paused)
		sink:write(trailers("grpc-status: 0\r\n"))
	end)
	same({ #got, http.destroyed }, { 7, 1 })
end)

test("a stream cancelled before it is connected is closed when it is", function()
	local web, http = transport()
	local stream = web:stream("/s/M", "request")
	stream:cancel()
	stream:cancel()
	open(http)
	same(http.destroyed, 2)
end)
