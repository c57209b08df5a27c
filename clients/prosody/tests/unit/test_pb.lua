local harness = require "harness"
local pb = require "hatd.pb"
local vectors = require "vectors"

local test, same, ok = harness.test, harness.same, harness.ok

local function from_hex(hex)
	return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function decoded(name)
	return assert(pb.decode(vectors[name].type, from_hex(vectors[name].hex)))
end

test("what protobuf's own library encodes comes back byte for byte", function()
	for name, vector in pairs(vectors) do
		local bytes = from_hex(vector.hex)
		same({ name, pb.encode(vector.type, assert(pb.decode(vector.type, bytes))) }, { name, bytes })
	end
end)

test("maps, enums, signed and unsigned numbers are read", function()
	local document = decoded("document")
	same(document.user_jid, "ü@h")
	same(document.affiliation, "AFFILIATION_OWNER")
	same(document.revision, -1) -- 2^64 - 1, of which Lua keeps the bits.
	ok(math.ult(1, document.revision))
	same(document.hats["urn:a"].active, true)
	same(next(document.hats["urn:b"]), nil)
	same(document.hats["urn:c"].expire_time, { seconds = -1, nanos = 999999999 })
	local definition = decoded("negative")
	same(definition.position, -5)
	same(definition.hue, 0.0)
	same(definition.titles, { de = "Hut" })
	same(decoded("hue").hue, 140.25)
	same(decoded("sync").max_removed_hats, 0xffffffff)
end)

test("fields that were not sent have the default of their type", function()
	local definition = assert(pb.decode("hatd.v1.HatDefinition", ""))
	same({ definition.title, definition.position, definition.self_assignable }, { "", 0, false })
	same(definition.hue, nil)
	same(next(definition.titles), nil)
	same(assert(pb.decode("hatd.v1.UserHats", "")).affiliation, "AFFILIATION_UNSPECIFIED")
	ok(not pcall(function() definition.titles.de = "Hut" end), "shared defaults are written to")
end)

test("a oneof names the field that is set, and the last one wins", function()
	same(decoded("oneof").start, "resume_token")
	same(decoded("page").event, "snapshot")
	local bookmark, reset = "\x32\x00", "\x1a\x02\x08\x02"
	local response = assert(pb.decode("hatd.v1.WatchHatsResponse", reset .. bookmark))
	same({ response.event, response.reset }, { "bookmark", nil })
	response = assert(pb.decode("hatd.v1.WatchHatsResponse", bookmark .. reset))
	same({ response.event, response.reset.reason }, { "reset", "RESET_REASON_EXPIRED" })
end)

test("a message in two pieces is merged", function()
	local response = assert(pb.decode("hatd.v1.AddUserHatResponse", "\x0a\x02\x0a\x00" .. "\x0a\x03\x12\x01u"))
	same({ response.user_hats.room_jid, response.user_hats.user_jid }, { "", "u" })
end)

test("unknown fields of every wire type are skipped", function()
	local unknown = "\xf8\x3f\xff\xff\x01" -- A varint,
		.. "\xf9\x3f12345678" -- eight bytes,
		.. "\xfa\x3f\x03abc" -- a length and so many bytes,
		.. "\xfb\x3f\x08\x01\x0b\x0c\xfc\x3f" -- a group with a group in it,
		.. "\xfd\x3f1234" -- and four bytes.
	local request = assert(pb.decode("hatd.v1.UserHat", unknown .. "\x0a\x01u" .. unknown))
	same(request, { user_jid = "u" })
end)

test("an enum value or a field type that is newer than this code does no harm", function()
	same(assert(pb.decode("hatd.v1.UserHats", "\x18\x63")).affiliation, 99)
	same(assert(pb.decode("hatd.v1.UserHats", "\x08\x01")).room_jid, "")
end)

test("a negative number takes ten bytes", function()
	same(assert(pb.decode("google.protobuf.Duration", "\x08" .. ("\xff"):rep(9) .. "\x01")).seconds, -1)
	same(pb.encode("google.protobuf.Duration", { seconds = -1 }), "\x08" .. ("\xff"):rep(9) .. "\x01")
end)

test("damaged bytes are an error, wherever they are cut", function()
	for name, vector in pairs(vectors) do
		local bytes = from_hex(vector.hex)
		for length = 0, #bytes do
			-- Some cuts fall between two fields, and leave a message that is whole.
			local message, problem = pb.decode(vector.type, bytes:sub(1, length))
			ok(message or type(problem) == "string", name)
		end
	end
	for _, bytes in ipairs { "\x0a\x05u", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x0a", "\x80", "\x0a\x01\xff",
		("\xff"):rep(11), "\x00\x00", "\x0f", "\x0c", "\x0b\x08\x01", ("\x0b"):rep(100) } do
		local message, problem = pb.decode("hatd.v1.UserHat", bytes)
		same({ message, type(problem) }, { nil, "string" })
	end
end)

test("a length that reaches past its message is an error", function()
	-- The inner message says five bytes, of which its own message has only three.
	local message = pb.decode("hatd.v1.AddUserHatResponse", "\x0a\x05\x0a\x05abc\x10\x01")
	same(message, nil)
end)

test("a misspelt field or a wrong type is noticed when encoding", function()
	ok(not pcall(pb.encode, "hatd.v1.UserHat", { user = "u" }))
	ok(not pcall(pb.encode, "hatd.v1.UserHat", { user_jid = 1 }))
	ok(not pcall(pb.encode, "hatd.v1.SyncEntry", { mode = "REPLACE" }))
	ok(not pcall(pb.encode, "hatd.v1.ListRoomsRequest", { page_size = 1.5 }))
end)

test("decoding can pause after each embedded message", function()
	local pauses = 0
	local bytes = from_hex(vectors.page.hex)
	local run = coroutine.wrap(function()
		return assert(pb.decode(vectors.page.type, bytes, function()
			pauses = pauses + 1
			coroutine.yield()
		end))
	end)
	local message
	repeat message = run() until message
	same(#message.snapshot.users, 2)
	ok(pauses >= 9, pauses) -- Two documents of three hats and a time, and the page.
end)

test("a decoder makes nothing of the fields that it leaves out", function()
	local decode = pb.decoder { ["hatd.v1.UserHats"] = { "revision", "etag" }, ["hatd.v1.Attachment"] = { "expire_time" } }
	local document = assert(decode("hatd.v1.UserHats", from_hex(vectors.document.hex)))
	same({ document.revision, document.etag, document.hats["urn:c"].expire_time, document.hats["urn:c"].title }, { 0, "", nil, "T" })
	same(decoded("document").etag, "e")
end)
