--- What an error of hatd is in XMPP (RFC 6120, section 8.3).

local conditions = {}

local BY_REASON = {
	ROOM_NOT_FOUND = { "cancel", "item-not-found", "no such room" },
	USER_NOT_AFFILIATED = { "cancel", "item-not-found", "user not affiliated with room" },
	HAT_REQUIRED = { "cancel", "not-allowed" },
	HAT_NOT_SELF_ASSIGNABLE = { "auth", "forbidden" },
	TOO_MANY_HATS = { "cancel", "resource-constraint" },
	TOO_MANY_DEFINITIONS = { "cancel", "resource-constraint" },
}

local BY_CODE = {
	NOT_FOUND = { "cancel", "item-not-found" },
	INVALID_ARGUMENT = { "modify", "bad-request" },
	FAILED_PRECONDITION = { "cancel", "not-allowed" },
	ABORTED = { "wait", "conflict" },
	RESOURCE_EXHAUSTED = { "wait", "resource-constraint" },
	UNAVAILABLE = { "wait", "remote-server-timeout", "the hats service does not answer; try again later" },
	DEADLINE_EXCEEDED = { "wait", "remote-server-timeout", "the hats service does not answer; try again later" },
}

-- What a user can do nothing about, such as a key of ours that is not accepted.
local OTHERWISE = { "cancel", "internal-server-error", "the hats service refused" }

--- Returns the type and the condition of a stanza error, and a text for people.
function conditions.of(problem)
	local found = BY_REASON[problem.reason] or BY_CODE[problem.code] or OTHERWISE
	return found[1], found[2], found[3] or problem.message
end

return conditions
