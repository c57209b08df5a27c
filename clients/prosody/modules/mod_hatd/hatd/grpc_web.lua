--- gRPC-Web over Prosody's `net.http`: single calls and streams of answers.
--
-- HTTP tells little: a stream that was cut looks like one that ended (code 200), and an error at once
-- has its status in the headers. Only a status, in the headers or in the trailers frame, is an end.

local errors = require "hatd.errors"

local grpc_web = {}
grpc_web.__index = grpc_web

-- The largest message that is taken, in bytes: hatd's pages and commits stay well below.
local MESSAGE_BYTES_MAX = 4 * 1024 * 1024

-- How much of a stream waits here before the connection is not read any more, and how little before it
-- is read again, in bytes. Our choice: two pages of a snapshot.
local BACKLOG_HIGH, BACKLOG_LOW = 512 * 1024, 128 * 1024

local TRAILERS, COMPRESSED = 0x80, 0x01

local BASE64 = {}
for value, letter in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):gmatch("()(.)") do
	BASE64[letter] = value - 1
end

-- Decodes base64, with or without padding; returns nil if it is not.
local function from_base64(text)
	local bytes, bits, value = {}, 0, 0
	for letter in text:gsub("=+$", ""):gmatch(".") do
		local six = BASE64[letter]
		if not six then return nil end
		value, bits = (value << 6 | six) & 0xffffff, bits + 6
		if bits >= 8 then
			bits = bits - 8
			bytes[#bytes + 1] = string.char(value >> bits & 0xff)
		end
	end
	return table.concat(bytes)
end

-- Returns what a status says, by header or trailer names in lower case: an error, false if it is OK,
-- or nil if there is none.
local function read_status(fields)
	local code = math.tointeger(tonumber(fields["grpc-status"]))
	if not code then return nil end
	if code == 0 then return false end
	local message = (fields["grpc-message"] or ""):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
	local details = fields["grpc-status-details-bin"]
	return errors.from_status(code, message, details and from_base64(details))
end

local function read_trailers(payload)
	local fields = {}
	for name, value in payload:gmatch("([^:\r\n]+):[ \t]*([^\r\n]*)") do
		fields[name:lower()] = value
	end
	return fields
end

local function frame(message)
	return string.pack(">Bs4", 0, message)
end

--- Cuts what comes into frames.
-- @param on_message called with each message
-- @param on_status called with the error of the trailers frame, or false if it says OK
-- @return a function that takes bytes; it returns an error once they make no sense
function grpc_web.framer(on_message, on_status)
	local parts, size, needed = {}, 0, 5
	local ended, problem
	return function(data)
		if problem or #data == 0 then return problem end
		parts[#parts + 1] = data
		size = size + #data
		if size < needed then return end
		local buffer, at = table.concat(parts), 1
		needed = 5
		while not ended and #buffer - at + 1 >= 5 do
			local flags, length = string.unpack(">BI4", buffer, at)
			if flags & COMPRESSED ~= 0 then
				problem = errors.new("INTERNAL", "a compressed frame, which was not asked for")
				return problem
			elseif length > MESSAGE_BYTES_MAX then
				problem = errors.new("INTERNAL", ("a frame of %d bytes"):format(length))
				return problem
			elseif #buffer - at + 1 < 5 + length then
				needed = 5 + length
				break
			end
			local payload = buffer:sub(at + 5, at + 4 + length)
			at = at + 5 + length
			if flags & TRAILERS == 0 then
				on_message(payload)
			else
				ended = true
				local status = read_status(read_trailers(payload))
				if status == nil then status = errors.new("INTERNAL", "trailers without a status") end
				on_status(status)
			end
		end
		-- What comes after the trailers means nothing.
		local rest = ended and "" or buffer:sub(at)
		parts, size = { rest }, #rest
	end
end

--- Makes a transport.
-- @param options `http`, an instance of `net.http`; `destroy`, its `destroy_request`; `loop`, as in
-- `hatd.slices`; `url`, of the server, without a path; `api_key`, a function that returns the key to
-- use or nil; `user_agent`; `sslctx`, or nil for that of the instance
function grpc_web.new(options)
	return setmetatable(options, grpc_web)
end

function grpc_web:request(path, message, timeout, handler, on_end)
	local headers = {
		["Content-Type"] = "application/grpc-web+proto",
		["Accept"] = "application/grpc-web+proto",
		["X-Grpc-Web"] = "1",
		["User-Agent"] = self.user_agent,
		["Grpc-Timeout"] = timeout and ("%dm"):format(math.ceil(timeout * 1000)) or nil,
	}
	local key = self.api_key and self.api_key()
	if key then headers["Authorization"] = "Bearer " .. key end
	return self.http:request(self.url .. path, {
		method = "POST", headers = headers, body = frame(message),
		sslctx = self.sslctx, suppress_errors = true, streaming_handler = handler,
	}, on_end)
end

--- Opens a stream of answers.
-- @param path of the method
-- @param message the encoded request
-- @return the stream: `receive` gives what has come, `cancel` ends it
function grpc_web:stream(path, message)
	local stream = setmetatable({ transport = self, first = 1, last = 0, messages = {}, backlog = 0 }, self.stream_metatable)
	local feed = grpc_web.framer(function(payload) stream:push(payload) end, function(status) stream:finish(status) end)
	stream.request = self:request(path, message, nil, function(response)
		-- Cancelled before it was connected: only now is there something to close.
		if stream.ended and stream.request then self.destroy(stream.request) end
		local status = response.code ~= 200 and errors.from_http(response.code) or read_status(response.headers)
		if status then stream:finish(status) end
		return {
			write = function(_, data)
				if not stream.ended then
					local problem = feed(data)
					if problem then stream:finish(problem) end
				end
				return true
			end,
		}, function() end
	end, function(body, code, response)
		local status
		if code == 0 then
			status = errors.new("UNAVAILABLE", tostring(body))
		elseif code ~= 200 then
			status = errors.from_http(code)
		else
			-- A stream that was cut ends here too: without a status it is not over.
			status = read_status(response.headers) or errors.new("UNAVAILABLE", "the connection ended in mid-stream")
		end
		stream:finish(status)
	end)
	return stream
end

local stream_metatable = {}
stream_metatable.__index = stream_metatable
grpc_web.stream_metatable = stream_metatable

function stream_metatable:push(payload)
	self.last = self.last + 1
	self.messages[self.last] = payload
	self.backlog = self.backlog + #payload
	self:set_paused(self.backlog > BACKLOG_HIGH)
	self:notify()
end

-- Leaves what comes to the network, which then slows the server down.
function stream_metatable:set_paused(paused)
	local conn = self.request and self.request.conn
	if paused and not self.paused and conn and conn.pause then
		conn:pause()
		self.paused = true
	elseif not paused and self.paused and self.backlog < BACKLOG_LOW then
		self.paused = nil
		if conn then conn:resume() end
	end
end

function stream_metatable:notify()
	local wake = self.wake
	self.wake = nil
	if wake then wake(true) end
end

function stream_metatable:finish(status)
	if self.ended then return end
	self.ended = true
	self.status = status
	local request = self.request
	if request then
		self.transport.destroy(request)
	else
		-- The answer came before the request was returned: it is closed when it is.
		self.transport.loop.after(0, function() if self.request then self.transport.destroy(self.request) end end)
	end
	self:notify()
end

--- Waits for the next message. Only within a task of `scheduler`.
-- @param timeout how long, in seconds
-- @return the message; or nil and false at an end that says OK, nil and an error at any other, or
-- nothing if the time has passed
function stream_metatable:receive(scheduler, timeout)
	if self.first > self.last and not self.ended then
		scheduler:wait(function(wake) self.wake = wake end, timeout)
		self.wake = nil
	end
	if self.first <= self.last then
		local payload = self.messages[self.first]
		self.messages[self.first] = nil
		self.first = self.first + 1
		self.backlog = self.backlog - #payload
		self:set_paused(false)
		return payload
	elseif self.ended then
		return nil, self.status
	end
end

--- Ends the stream. What has come and was not received is lost. A second call is harmless.
function stream_metatable:cancel()
	self.messages, self.first, self.last = {}, 1, 0
	self:finish(errors.new("CANCELLED", "the stream was closed"))
end

--- Makes a single call.
-- @param timeout in seconds
-- @param callback called once with the encoded answer, or with nil and an error
function grpc_web:unary(path, message, timeout, callback)
	local request, cancel_timer, done
	local function finish(payload, problem)
		if done then return end
		done = true
		if cancel_timer then cancel_timer() end
		callback(payload, problem)
	end
	cancel_timer = self.loop.after(timeout, function()
		if request then self.destroy(request) end
		finish(nil, errors.new("DEADLINE_EXCEEDED", ("no answer within %g s"):format(timeout)))
	end)
	request = self:request(path, message, timeout, nil, function(body, code, response)
		if code == 0 then return finish(nil, errors.new("UNAVAILABLE", tostring(body))) end
		if code ~= 200 then return finish(nil, errors.from_http(code)) end
		local payload, status
		local problem = grpc_web.framer(function(bytes) payload = bytes end, function(found) status = found end)(body or "")
		if problem then return finish(nil, problem) end
		if status == nil then status = read_status(response.headers) end
		if status then
			finish(nil, status)
		elseif status == nil or not payload then
			finish(nil, errors.new("UNAVAILABLE", "the connection ended before the answer"))
		else
			finish(payload)
		end
	end)
	if request and not done then request.body_size_limit = MESSAGE_BYTES_MAX + 64 * 1024 end
end

return grpc_web
