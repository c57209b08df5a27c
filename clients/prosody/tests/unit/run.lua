-- Runs the unit tests: lua5.4 tests/unit/run.lua [NAME...]. They need no Prosody and no server.

package.path = "modules/mod_hatd/?.lua;tests/unit/?.lua;" .. package.path

local harness = require "harness"
local names = #arg > 0 and arg or { "pb", "grpc_web", "client", "watch", "mirror", "slices", "outbox", "hat" }

math.randomseed(1)
for _, name in ipairs(names) do
	require("test_" .. name)
end
print(("%d tests passed, %d failed"):format(harness.passed, harness.failed))
os.exit(harness.failed == 0)
