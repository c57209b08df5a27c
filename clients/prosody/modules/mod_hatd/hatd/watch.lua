--- A watch that resumes by itself, and notices when something was lost.
--
-- All decisions are in the core, which does no I/O: `open` gives the request of the next stream,
-- `take` checks a response, `done` moves the position, and every end of a stream goes through
-- `disconnect`. `run` drives it over a transport.

local backoff = require "hatd.backoff"
local pb = require "hatd.pb"
local schema = require "hatd.schema"

local watch = {}
watch.__index = watch

-- The heartbeat interval of a server that is not told another, in seconds (WatchHatsRequest).
local HEARTBEAT_INTERVAL = 15

-- How many heartbeat intervals of silence mean that the stream is dead: as in every client of hatd.
local SILENT_HEARTBEATS = 2.5

-- The ceilings of the first and of the last delay before connecting again, and how long a stream must
-- have lasted to make the delays short again, in seconds: likewise.
local RECONNECT_BASE, RECONNECT_CEILING, HEALTHY = 0.1, 30, 120

-- What connecting again would not mend.
local FATAL = {
	INVALID_ARGUMENT = true, UNAUTHENTICATED = true, PERMISSION_DENIED = true, UNIMPLEMENTED = true, DATA_LOSS = true,
}

local METHOD = schema.methods.WatchHats

-- Why a stream ended that was not refused: `kind` is "go_away", "ended", "silent", "chain_broken",
-- "revision_not_rising", "unknown_event", "undecodable" or "failed". An error of `hatd.errors` is a cause, too.
local function cause(kind, message, retry_delay)
	return setmetatable({ kind = kind, message = message, retry_delay = retry_delay },
		{ __tostring = function() return message end })
end

local function duration(seconds)
	local whole = math.floor(seconds)
	return { seconds = whole, nanos = math.floor((seconds - whole) * 1e9) }
end

--- Makes a watch.
-- @param options `selectors`, a list of WatchSelector, nothing for everything; `resume_token`, to
-- resume with; `fail_on_expired`, to end if it cannot be resumed; `heartbeat_interval` in seconds, 1 to
-- 60; `random`, as in `hatd.backoff`; `decode`, or nil, as in `hatd.pb`
function watch.new(options)
	local heartbeat = options.heartbeat_interval or HEARTBEAT_INTERVAL
	return setmetatable({
		selectors = options.selectors or {},
		decode = options.decode or pb.decode,
		fail_on_expired = options.fail_on_expired,
		heartbeat_interval = heartbeat,
		--- How long the stream may be silent, in seconds.
		silence_max = heartbeat * SILENT_HEARTBEATS,
		--- The token after the last response that is done with; "" starts with a snapshot.
		position = options.resume_token or "",
		revisions = {},
		backoff = backoff.new(RECONNECT_BASE, RECONNECT_CEILING, options.random),
		--- How often the stream ended and the watch went on, a reset came, and something was lost.
		reconnects = 0, resets = 0, chain_breaks = 0,
	}, watch)
end

--- Returns the WatchHatsRequest of a new stream.
function watch:open()
	self.in_snapshot, self.given, self.since = false, nil, nil
	local request = {
		selectors = self.selectors,
		on_expired = self.fail_on_expired and "ON_EXPIRED_FAIL" or "ON_EXPIRED_RESET",
		heartbeat_interval = duration(self.heartbeat_interval),
	}
	if self.position ~= "" then
		request.resume_token = self.position
	else
		request.snapshot = {}
	end
	return request
end

--- Checks a response against the one before it.
-- @return whether it is to be processed (it is not if it is a go_away), or nil and why the stream is
-- to end
function watch:take(response, now)
	self.since = self.since or now
	local revisions = {}
	if response.after ~= self.position then
		return nil, cause("chain_broken", "the chain of tokens is broken")
	end
	local event = response.event
	if event == "reset" then
		self.resets = self.resets + 1
		self.in_snapshot = true
		self.revisions = {}
	elseif event == "snapshot" then
		self.in_snapshot = self.in_snapshot and not response.snapshot.complete
	elseif event == "changes" then
		for _, commit in ipairs(self.in_snapshot and {} or response.changes.commits) do
			local previous = revisions[commit.room_jid] or self.revisions[commit.room_jid]
			if previous and not math.ult(previous, commit.revision) then
				return nil, cause("revision_not_rising", ("a revision of %s does not rise"):format(commit.room_jid))
			end
			revisions[commit.room_jid] = commit.revision
		end
	elseif event == "go_away" then
		self.position = response.token
		local wait = response.go_away.retry_after
		local shuts_down = response.go_away.reason == "GO_AWAY_REASON_SHUTDOWN"
		return nil, cause("go_away", shuts_down and "hatd is shutting down" or "the stream was old",
			wait and wait.seconds + wait.nanos / 1e9)
	elseif event ~= "bookmark" then
		return nil, cause("unknown_event", "a response holds no known event")
	end
	self.given, self.given_revisions = response.token, revisions
	return true
end

--- Says that the response taken last is processed: from now on the watch resumes after it.
function watch:done()
	self.position, self.given = self.given, nil
	for room_jid, revision in pairs(self.given_revisions) do self.revisions[room_jid] = revision end
end

--- Ends the stream, for whatever cause: every way out of it leads through here.
-- @return how long to wait before opening another, in seconds; or nil if that would not help
function watch:disconnect(why, now)
	local kind, code, reason = why.kind, why.code, why.reason
	local cannot_resume = reason == "RESUME_TOKEN_EXPIRED" or reason == "STORE_MISMATCH"
	if FATAL[code] or (self.fail_on_expired and cannot_resume) then return nil end
	if kind == "chain_broken" or kind == "revision_not_rising" then
		self.chain_breaks = self.chain_breaks + 1
		self.position = ""
		self.revisions = {}
	end
	if self.since and now - self.since >= HEALTHY then self.backoff:reset() end
	self.since, self.given = nil, nil
	self.reconnects = self.reconnects + 1
	return self.backoff:delay(why.retry_delay)
end

-- Takes responses from a stream until it ends; returns why.
function watch:follow(stream, scheduler, handlers)
	local now = scheduler.loop.now
	while true do
		local payload, status = stream:receive(scheduler, self.silence_max)
		if not payload then
			if status == nil then return cause("silent", ("hatd was silent for %g s"):format(self.silence_max)) end
			return status or cause("ended", "the stream ended without a word")
		end
		local response, damage = self.decode(METHOD.response, payload, scheduler.pause)
		if not response then return cause("undecodable", damage) end
		if not self.since then handlers.connected() end
		local good, why = self:take(response, now())
		if not good then return why end
		local ok, problem = pcall(handlers.apply, response, scheduler.pause)
		if not ok then return cause("failed", "failed to apply a response: " .. tostring(problem)) end
		self:done()
	end
end

--- Watches until `close` or until an error that connecting again would not mend. Only within a task.
-- @param transport as `hatd.grpc_web` makes it
-- @param handlers `apply(response, pause)` processes a response: nothing is read on before it returns;
-- `connected()` says that a new stream has answered; `disconnected(cause, retry_in)` that it ended,
-- with nil if the watch is over; `refresh_key`, or nil, as in `hatd.client`
function watch:run(transport, scheduler, handlers)
	local refreshed = false
	while not self.closed do
		local stream = transport:stream(METHOD.path, pb.encode(METHOD.request, self:open()))
		self.stream = stream
		local why = self:follow(stream, scheduler, handlers)
		stream:cancel()
		if self.closed then return end
		if self.since then refreshed = false end
		if why.code == "UNAUTHENTICATED" and not refreshed and handlers.refresh_key and handlers.refresh_key() then
			refreshed = true
		else
			local retry_in = self:disconnect(why, scheduler.loop.now())
			handlers.disconnected(why, retry_in)
			if not retry_in then return end
			scheduler:sleep(retry_in)
		end
	end
end

--- Ends the watch.
function watch:close()
	self.closed = true
	if self.stream then self.stream:cancel() end
end

return watch
