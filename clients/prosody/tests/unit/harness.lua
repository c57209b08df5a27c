--- A test runner of a page: `test(name, check)` and a few ways to compare.

local harness = { passed = 0, failed = 0 }

local function show(value, depth)
	if type(value) == "string" then return ("%q"):format(value) end
	if type(value) ~= "table" or (depth or 0) > 6 then return tostring(value) end
	local parts = {}
	for key, item in pairs(value) do
		parts[#parts + 1] = ("[%s] = %s"):format(show(key), show(item, (depth or 0) + 1))
	end
	table.sort(parts)
	return "{ " .. table.concat(parts, ", ") .. " }"
end

local function equal(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
	for key, value in pairs(a) do
		if not equal(value, b[key]) then return false end
	end
	for key in pairs(b) do
		if a[key] == nil then return false end
	end
	return true
end

--- Fails unless both are the same, tables by content.
function harness.same(actual, expected)
	if not equal(actual, expected) then
		error(("expected %s\n     got %s"):format(show(expected), show(actual)), 2)
	end
end

--- Fails unless the value is true.
function harness.ok(value, what)
	if not value then error(what or "expected a true value", 2) end
end

--- Runs a test, and says so if it fails.
function harness.test(name, check)
	local passed, problem = xpcall(check, debug.traceback)
	if passed then
		harness.passed = harness.passed + 1
	else
		harness.failed = harness.failed + 1
		io.stderr:write(("FAILED: %s\n%s\n"):format(name, problem))
	end
end

return harness
