--- How long to wait before trying again.

local backoff = {}
backoff.__index = backoff

-- The longest that a server's own delay is believed, in seconds. Our choice.
local HINT_MAX = 300

--- Exponential back-off with full jitter: uniform in zero to a ceiling that doubles.
-- @param base the first ceiling, in seconds
-- @param ceiling the last, in seconds
-- @param random returns a number in [0, 1); `math.random` if it is left out
function backoff.new(base, ceiling, random)
	return setmetatable({ base = base, ceiling = ceiling, random = random or math.random, attempts = 0 }, backoff)
end

--- Begins again at the shortest delays.
function backoff:reset()
	self.attempts = 0
end

--- Returns the delay before the next attempt, in seconds.
-- A delay that the server gave wins over ours, prolonged by up to a half, so that the clients it was
-- given to do not come back together.
function backoff:delay(hint)
	local ceiling = math.min(self.base * 2 ^ math.min(self.attempts, 16), self.ceiling)
	self.attempts = self.attempts + 1
	if hint and hint > 0 then
		hint = math.min(hint, HINT_MAX)
		return hint + hint / 2 * self.random()
	end
	return ceiling * self.random()
end

return backoff
