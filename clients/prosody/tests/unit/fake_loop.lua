--- An event loop whose time passes only when nothing else is to be done.

local fake_loop = {}

--- Makes a loop, as `hatd.slices` wants one; `run()` runs it until no timer is left or `stop()`.
function fake_loop.new()
	local loop = { time = 0, timers = {}, serial = 0, work = 0 }

	function loop.now()
		-- Looking at the clock takes a little time, or no slice would ever end.
		loop.time = loop.time + loop.work
		return loop.time
	end

	function loop.after(delay, f)
		loop.serial = loop.serial + 1
		local timer = { at = loop.time + delay, serial = loop.serial, f = f }
		loop.timers[timer] = true
		return function() loop.timers[timer] = nil end
	end

	function loop.run(limit)
		for _ = 1, limit or 100000 do
			local first
			for timer in pairs(loop.timers) do
				if not first or timer.at < first.at or (timer.at == first.at and timer.serial < first.serial) then first = timer end
			end
			if not first then return end
			loop.timers[first] = nil
			loop.time = math.max(loop.time, first.at)
			first.f()
		end
	end

	return loop
end

return fake_loop
