local fake_loop = require "fake_loop"
local harness = require "harness"
local slices = require "hatd.slices"

local test, same, ok = harness.test, harness.same, harness.ok

local function scheduler(budget)
	local loop = fake_loop.new()
	return slices.new(loop, error, budget), loop
end

test("long work is cut into turns of the budget", function()
	local tasks, loop = scheduler(0.002)
	loop.work = 0.0001
	local done = 0
	tasks:spawn(function()
		for _ = 1, 10000 do
			done = done + 1
			tasks.pause()
		end
	end)
	local turns, before = 0, -1
	while done > before do
		before = done
		loop.run(1)
		turns = turns + 1
	end
	same(done, 10000)
	ok(turns > 10, turns)
	ok(tasks.longest <= 0.0025, tasks.longest)
end)

test("tasks take turns", function()
	local tasks, loop = scheduler(0)
	local order = {}
	for name = 1, 2 do
		tasks:spawn(function()
			for _ = 1, 3 do
				order[#order + 1] = name
				for _ = 1, 8 do tasks.pause() end
			end
		end)
	end
	loop.run()
	same(order, { 1, 2, 1, 2, 1, 2 })
end)

test("a wait ends with what wakes it, once, or with its timeout", function()
	local tasks, loop = scheduler()
	local got = {}
	tasks:spawn(function()
		got[1] = table.pack(tasks:wait(function(wake) wake("a", nil) wake("b") end, 5))
		got[2] = table.pack(tasks:wait(function() end, 5))
	end)
	loop.run()
	same(got, { { "a", nil, n = 2 }, { n = 0 } })
	same(loop.time, 5)
end)

test("a task that fails is told of and stops no other", function()
	local loop, problems, others = fake_loop.new(), {}, 0
	local tasks = slices.new(loop, function(problem) problems[#problems + 1] = problem end)
	tasks:spawn(function() error("broken") end)
	tasks:spawn(function() others = others + 1 end)
	loop.run()
	same({ #problems, others }, { 1, 1 })
	ok(problems[1]:find("broken", 1, true))
end)
