--- Runs long work in slices, so that the event loop turns between them.
--
-- A task is a function that runs as a coroutine. All tasks of one scheduler share a budget: in each
-- turn of the loop they run until it is spent. A task says where it may be interrupted by calling
-- `pause`, and waits by `sleep` and `wait`.

local slices = {}
slices.__index = slices

-- The time tasks have in one turn of the loop, in seconds. Our choice: what a busy room costs anyway.
local BUDGET = 0.002

-- How often `pause` is called before it looks at the clock.
local CLOCK_EVERY = 8

--- Makes a scheduler.
-- @param loop `now()` in seconds, never backwards, and `after(delay, f)`, which calls `f` once, not
-- before it returns, and returns a function that prevents it
-- @param on_error called with the error of a task that failed; the task is over then
-- @param budget seconds of a turn; 2 ms if it is left out
function slices.new(loop, on_error, budget)
	local self = setmetatable({
		loop = loop, on_error = on_error, budget = budget or BUDGET,
		first = 1, last = 0, runnable = {}, scheduled = false, calls = 0, deadline = 0,
		--- The longest turn so far, in seconds.
		longest = 0,
	}, slices)
	--- Lets others run if the budget is spent. Only within a task.
	self.pause = function()
		self.calls = self.calls + 1
		if self.calls % CLOCK_EVERY == 0 and loop.now() >= self.deadline then
			self:make_runnable(coroutine.running())
			coroutine.yield()
		end
	end
	return self
end

--- Starts a task, in a later turn of the loop.
function slices:spawn(task)
	self:make_runnable(coroutine.create(task))
end

--- Waits. Only within a task.
-- @param arm given a function that ends the wait and passes on its arguments; the first call counts
-- @param timeout in seconds, or nil
-- @return what the function was called with, or nothing after the timeout
function slices:wait(arm, timeout)
	local thread = coroutine.running()
	local answer, cancel
	local function wake(...)
		if answer then return end
		answer = table.pack(...)
		if cancel then cancel() end
		self:make_runnable(thread)
	end
	if timeout then cancel = self.loop.after(timeout, wake) end
	arm(wake)
	coroutine.yield()
	return table.unpack(answer, 1, answer.n)
end

--- Waits for so many seconds. Only within a task.
function slices:sleep(seconds)
	self:wait(function() end, seconds)
end

function slices:make_runnable(thread)
	self.last = self.last + 1
	self.runnable[self.last] = thread
	if not self.scheduled then
		self.scheduled = true
		self.loop.after(0, function() self:turn() end)
	end
end

function slices:turn()
	local started = self.loop.now()
	self.deadline = started + self.budget
	repeat
		local thread = self.runnable[self.first]
		self.runnable[self.first] = nil
		self.first = self.first + 1
		local ok, problem = coroutine.resume(thread)
		if not ok then self.on_error(debug.traceback(thread, tostring(problem))) end
	until self.first > self.last or self.loop.now() >= self.deadline
	self.longest = math.max(self.longest, self.loop.now() - started)
	self.scheduled = self.first <= self.last
	if self.scheduled then
		self.loop.after(0, function() self:turn() end)
	end
end

return slices
