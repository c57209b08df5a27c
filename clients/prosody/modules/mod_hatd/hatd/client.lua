--- The calls of hatd, each with its deadline, retries and request id.

local backoff = require "hatd.backoff"
local errors = require "hatd.errors"
local pb = require "hatd.pb"
local schema = require "hatd.schema"

local client = {}
client.__index = client

-- How long a call may take, tries included, in seconds: as in every client of hatd.
local READ_TIMEOUT, WRITE_TIMEOUT = 5, 30

-- The ceilings of the first and of the last delay between two tries, in seconds: likewise.
local RETRY_BASE, RETRY_CEILING = 0.05, 2

--- Makes a client.
-- @param options `transport`, as `hatd.grpc_web` makes it; `scheduler`, of `hatd.slices`; `new_id`,
-- which returns a new request id; `refresh_key`, or nil, which reads the API key anew and returns
-- whether it changed; `random`, or nil, as in `hatd.backoff`
function client.new(options)
	return setmetatable(options, client)
end

--- Makes a call. Only within a task of the scheduler.
--
-- UNAVAILABLE is tried again until the deadline. A write without `request_id` gets one, the same for
-- all tries, so that it is done once however often it is tried.
-- @param method the name of the RPC
-- @param request the message, which stays as it is
-- @param timeout in seconds, tries included; 5 for reads and 30 for writes if it is left out
-- @return the response, or nil and an error
function client:await(method, request, timeout)
	local rpc, scheduler = schema.methods[method], self.scheduler
	local now = scheduler.loop.now
	if rpc.writes and not request.request_id then
		local copy = {}
		for name, value in pairs(request) do copy[name] = value end
		copy.request_id = self.new_id()
		request = copy
	end
	local bytes = pb.encode(rpc.request, request)
	local deadline = now() + (timeout or rpc.writes and WRITE_TIMEOUT or READ_TIMEOUT)
	local delays = backoff.new(RETRY_BASE, RETRY_CEILING, self.random)
	local refreshed = false
	while true do
		local payload, problem = scheduler:wait(function(wake)
			self.transport:unary(rpc.path, bytes, deadline - now(), wake)
		end)
		if payload then
			local response, damage = pb.decode(rpc.response, payload, scheduler.pause)
			if response then return response end
			problem = errors.new("INTERNAL", damage)
		end
		problem.request_id = request.request_id
		if problem.code == "UNAUTHENTICATED" and not refreshed and self.refresh_key and self.refresh_key() then
			refreshed = true
		elseif problem:is_unavailable() then
			local delay = delays:delay(problem.retry_delay)
			if now() + delay >= deadline then return nil, problem end
			scheduler:sleep(delay)
		else
			return nil, problem
		end
	end
end

--- Makes a call from anywhere.
-- @param callback called once, in a later turn of the loop, with what `await` returns
function client:call(method, request, callback, timeout)
	self.scheduler:spawn(function()
		callback(self:await(method, request, timeout))
	end)
end

return client
