--- Why a call failed.
--
-- An error is a table: `code`, the gRPC code by name ("NOT_FOUND"); `reason`, from the contract's
-- ErrorReason without its prefix ("ROOM_NOT_FOUND"), or nil; `message`, for people; `metadata`, by
-- key; `violations`, of the request's fields; `resource`, by type and name; `retry_delay` in seconds,
-- or nil; and `request_id` of a write. Branch on code and reason; the message may change.

local pb = require "hatd.pb"
local schema = require "hatd.schema"

local errors = {}
local methods = {}
local metatable = { __index = methods }

-- The codes of gRPC, from 0.
local CODES = {
	[0] = "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

-- What an HTTP status means where no gRPC status came: gRPC's own table, http-grpc-status-mapping.md.
local HTTP_CODES = {
	[400] = "INTERNAL", [401] = "UNAUTHENTICATED", [403] = "PERMISSION_DENIED", [404] = "UNIMPLEMENTED",
	[429] = "UNAVAILABLE", [502] = "UNAVAILABLE", [503] = "UNAVAILABLE", [504] = "UNAVAILABLE",
}

-- Only details of this domain say reasons of the contract.
local DOMAIN = "hatd.v1"

--- The reasons of the contract, each under its own name: `errors.reasons.ROOM_NOT_FOUND`. Another name
-- is an error, so that a misspelt one is noticed.
errors.reasons = setmetatable({}, {
	__index = function(_, name) error("the contract has no reason " .. tostring(name), 2) end,
})
for _, name in pairs(schema.enums["hatd.v1.ErrorReason"]) do
	local reason = name:gsub("^ERROR_REASON_", "")
	rawset(errors.reasons, reason, reason)
end

--- Makes an error of a gRPC code and a message.
function errors.new(code, message)
	return setmetatable({ code = code, message = message, metadata = {}, violations = {} }, metatable)
end

--- Makes an error of an HTTP status that is not 200.
function errors.from_http(status)
	return errors.new(HTTP_CODES[status] or "UNKNOWN", ("HTTP status %s in place of an answer"):format(tostring(status)))
end

-- Returns a span of time in seconds.
local function seconds(duration)
	return duration.seconds + duration.nanos / 1e9
end

local details = {
	["google.rpc.ErrorInfo"] = function(self, info)
		if info.domain ~= DOMAIN then return end
		self.reason = info.reason
		self.metadata = info.metadata
	end,
	["google.rpc.BadRequest"] = function(self, request)
		self.violations = request.field_violations
	end,
	["google.rpc.ResourceInfo"] = function(self, resource)
		self.resource = { type = resource.resource_type, name = resource.resource_name }
	end,
	["google.rpc.RetryInfo"] = function(self, info)
		self.retry_delay = info.retry_delay and seconds(info.retry_delay)
	end,
}

--- Makes an error of a gRPC status.
-- @param code the number
-- @param bytes an encoded google.rpc.Status, or nil. What cannot be read of it is left out.
function errors.from_status(code, message, bytes)
	local self = errors.new(CODES[code] or "UNKNOWN", message)
	local status = bytes and pb.decode("google.rpc.Status", bytes)
	for _, any in ipairs(status and status.details or {}) do
		local name = any.type_url:match("[^/]*$")
		local detail = details[name] and pb.decode(name, any.value)
		if detail then details[name](self, detail) end
	end
	return self
end

--- Whether trying again, unchanged, may help.
function methods:is_unavailable()
	return self.code == "UNAVAILABLE"
end

function metatable:__tostring()
	return ("%s%s: %s"):format(self.code, self.reason and " " .. self.reason or "", self.message)
end

return errors
