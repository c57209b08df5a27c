--- Protocol Buffers (proto3), driven by the generated tables of `hatd.schema`.
--
-- A message is a table of its fields by name. Enum values are their names, 64-bit numbers are Lua
-- integers (compare unsigned ones with `math.ult`), and maps are tables. A decoded message also
-- answers for fields that were not sent: with the default of their type, or nil for a message and
-- for an `optional` field; the tables that stand for empty lists and maps are shared, so do not write
-- to them. For each oneof, the message names the field that is set: `response.event == "snapshot"`.

local schema = require "hatd.schema"

local byte, char, sub, pack, unpack = string.byte, string.char, string.sub, string.pack, string.unpack
local concat, utf8_len = table.concat, utf8.len

local VARINT, FIXED64, DELIMITED, GROUP_START, GROUP_END, FIXED32 = 0, 1, 2, 3, 4, 5

-- Groups are not in proto3; they are skipped, nested no deeper than anyone sends them. Our choice.
local GROUP_DEPTH_MAX = 32

local EMPTY = setmetatable({}, { __newindex = function() error("an absent field is not to be written to", 2) end })

local function malformed(what)
	error(what, 0)
end

-- Reads a varint at `i`; returns it, and where the next byte is.
local function read_varint(s, i)
	local b = byte(s, i)
	if not b then malformed("truncated varint") end
	if b < 0x80 then return b, i + 1 end
	local value, shift = b & 0x7f, 7
	repeat
		i = i + 1
		b = byte(s, i)
		if not b then malformed("truncated varint") end
		if shift > 63 then malformed("varint of more than 64 bits") end
		value = value | (b & 0x7f) << shift
		shift = shift + 7
	until b < 0x80
	return value, i + 1
end

local function write_varint(value)
	if value >= 0 and value < 0x80 then return char(value) end
	local bytes, n = {}, 0
	repeat
		local low = value & 0x7f
		value = value >> 7 -- Logical, so that negative numbers end after ten bytes.
		n = n + 1
		bytes[n] = value ~= 0 and low | 0x80 or low
	until value == 0
	return char(table.unpack(bytes))
end

-- Sign-extends the low 32 bits.
local function to_int32(value)
	value = value & 0xffffffff
	return value >= 0x80000000 and value - 0x100000000 or value
end

local function integer(value)
	return math.tointeger(value) or error(("%s is not an integer"):format(tostring(value)), 0)
end

local function same(value)
	return value
end

local function zigzag(value)
	return value << 1 ~ -(value >> 63)
end

local function unzigzag(value)
	return value >> 1 ~ -(value & 1)
end

local function varint_kind(from_wire, to_wire)
	return {
		wire = VARINT, default = 0,
		read = function(s, i)
			local value, after = read_varint(s, i)
			return from_wire(value), after
		end,
		write = function(value) return write_varint(to_wire(integer(value))) end,
	}
end

local function fixed_kind(wire, format, size, check)
	return {
		wire = wire, default = 0,
		read = function(s, i)
			if #s < i + size - 1 then malformed("truncated number") end
			return unpack(format, s, i)
		end,
		write = function(value) return pack(format, check(value)) end,
	}
end

local function read_delimited(s, i)
	local length, start = read_varint(s, i)
	local after = start + length
	if length < 0 or after - 1 > #s then malformed("truncated field") end
	return start, after
end

local bytes_kind = {
	wire = DELIMITED, default = "",
	read = function(s, i)
		local start, after = read_delimited(s, i)
		return sub(s, start, after - 1), after
	end,
	write = function(value) return write_varint(#value) .. value end,
}

-- Kinds of scalars: how they stand on the wire, and their default.
local scalars = {
	int64 = varint_kind(same, same),
	uint64 = varint_kind(same, same),
	int32 = varint_kind(to_int32, same),
	uint32 = varint_kind(function(value) return value & 0xffffffff end, same),
	sint32 = varint_kind(function(value) return to_int32(unzigzag(value)) end, zigzag),
	sint64 = varint_kind(unzigzag, zigzag),
	bool = {
		wire = VARINT, default = false,
		read = function(s, i)
			local value, after = read_varint(s, i)
			return value ~= 0, after
		end,
		write = function(value) return value and "\1" or "\0" end,
	},
	fixed32 = fixed_kind(FIXED32, "<I4", 4, integer),
	sfixed32 = fixed_kind(FIXED32, "<i4", 4, integer),
	fixed64 = fixed_kind(FIXED64, "<i8", 8, integer),
	sfixed64 = fixed_kind(FIXED64, "<i8", 8, integer),
	float = fixed_kind(FIXED32, "<f", 4, same),
	double = fixed_kind(FIXED64, "<d", 8, same),
	bytes = bytes_kind,
	string = {
		wire = DELIMITED, default = "",
		read = function(s, i)
			local start, after = read_delimited(s, i)
			local value = sub(s, start, after - 1)
			-- What is not UTF-8 would make stanzas that end the stream of whoever gets them.
			if not utf8_len(value) then malformed("string that is not UTF-8") end
			return value, after
		end,
		write = function(value)
			if type(value) ~= "string" then error("a string is needed, got " .. type(value), 0) end
			return write_varint(#value) .. value
		end,
	},
}

local function enum_kind(name)
	local names = schema.enums[name]
	local numbers = {}
	for number, value in pairs(names) do numbers[value] = number end
	return {
		wire = VARINT, default = names[0],
		read = function(s, i)
			local value, after = read_varint(s, i)
			value = to_int32(value)
			return names[value] or value, after
		end,
		write = function(value)
			local number = numbers[value] or math.tointeger(value)
			return write_varint(number or error(("%s has no value %s"):format(name, tostring(value)), 0))
		end,
	}
end

local decode_fields, encode_fields

-- Returns how values of a kind are read and written. `read` may be given the message to merge into.
local function kind_of(descriptors, kind, of)
	if kind == "enum" then return enum_kind(of) end
	if kind ~= "message" then return scalars[kind] end
	local descriptor = descriptors[of]
	return {
		wire = DELIMITED,
		read = function(s, i, pause, into)
			local start, after = read_delimited(s, i)
			local message = into or setmetatable({}, descriptor.metatable)
			decode_fields(descriptor, s, start, after - 1, message, pause)
			if pause then pause() end
			return message, after
		end,
		write = function(value)
			local encoded = encode_fields(descriptor, value)
			return write_varint(#encoded) .. encoded
		end,
	}
end

local function complete(descriptors, name, fields, left_out)
	local descriptor = descriptors[name]
	local defaults = {}
	for number, field in pairs(fields) do
		local is_map = field.kind == "map"
		local compiled = {
			number = number, name = field.name, oneof = field.oneof, of = field.of,
			repeated = field.repeated, is_map = is_map,
			kind = kind_of(descriptors, is_map and field.value or field.kind, field.of),
			key = is_map and kind_of(descriptors, field.key) or nil,
			keeps_default = field.optional or field.oneof,
		}
		compiled.packable = field.repeated and compiled.kind.wire ~= DELIMITED
		local wire = is_map and DELIMITED or compiled.kind.wire
		compiled.wire = wire
		compiled.tag = write_varint(number << 3 | wire)
		if not left_out[field.name] then descriptor.by_number[number] = compiled end
		descriptor.by_name[field.name] = compiled
		table.insert(descriptor.in_order, compiled)
		if field.oneof then descriptor.oneofs[field.oneof] = true end
		if field.repeated or is_map then
			defaults[field.name] = EMPTY
		elseif not field.optional then
			defaults[field.name] = compiled.kind.default
		end
	end
	table.sort(descriptor.in_order, function(a, b) return a.number < b.number end)
	descriptor.metatable.__index = defaults
end

-- Compiles the schema; of the messages named, fields are left out when decoding.
local function compile(left_out)
	local descriptors = {}
	for name in pairs(schema.messages) do
		descriptors[name] = {
			name = name, by_number = {}, by_name = {}, in_order = {}, oneofs = {}, metatable = { __name = name },
		}
	end
	for name, fields in pairs(schema.messages) do
		local names = {}
		for _, field_name in ipairs(left_out[name] or {}) do names[field_name] = true end
		complete(descriptors, name, fields, names)
	end
	return descriptors
end

local whole = compile {}

-- Steps over a field that is not known, and returns where the next one is.
local function skip(s, i, wire, number, depth)
	if wire == VARINT then
		local _, after = read_varint(s, i)
		return after
	elseif wire == DELIMITED then
		local _, after = read_delimited(s, i)
		return after
	elseif wire == FIXED64 or wire == FIXED32 then
		local after = i + (wire == FIXED64 and 8 or 4)
		if after - 1 > #s then malformed("truncated field") end
		return after
	elseif wire == GROUP_START and depth < GROUP_DEPTH_MAX then
		while true do
			local key
			key, i = read_varint(s, i)
			if key & 7 == GROUP_END then
				if key >> 3 ~= number then malformed("group that ends as another") end
				return i
			end
			i = skip(s, i, key & 7, key >> 3, depth + 1)
		end
	end
	malformed("field of an unknown wire type")
end

local function read_entry(field, s, i, pause)
	local start, after = read_delimited(s, i)
	local key, value = field.key.default, nil
	i = start
	while i < after do
		local tag
		tag, i = read_varint(s, i)
		if tag == 1 << 3 | field.key.wire then
			key, i = field.key.read(s, i)
		elseif tag == 2 << 3 | field.kind.wire then
			value, i = field.kind.read(s, i, pause)
		else
			i = skip(s, i, tag & 7, tag >> 3, 0)
		end
	end
	if i ~= after then malformed("map entry that overruns its length") end
	if value == nil then value = field.kind.default end
	if value == nil then value = field.kind.read("\0", 1) end -- An empty message.
	return key, value, after
end

local function append(message, field, value)
	local list = rawget(message, field.name)
	if not list then
		list = {}
		message[field.name] = list
	end
	list[#list + 1] = value
end

function decode_fields(descriptor, s, i, stop, message, pause)
	local by_number = descriptor.by_number
	while i <= stop do
		local tag
		tag, i = read_varint(s, i)
		local number, wire = tag >> 3, tag & 7
		if number == 0 then malformed("field with the number 0") end
		local field = by_number[number]
		if not field or (wire ~= field.wire and not (field.packable and wire == DELIMITED)) then
			i = skip(s, i, wire, number, 0)
		elseif field.is_map then
			local map = rawget(message, field.name)
			if not map then
				map = {}
				message[field.name] = map
			end
			local key, value
			key, value, i = read_entry(field, s, i, pause)
			map[key] = value
		elseif field.repeated then
			if wire == field.wire then
				local value
				value, i = field.kind.read(s, i, pause)
				append(message, field, value)
			else
				local after
				i, after = read_delimited(s, i)
				while i < after do
					local value
					value, i = field.kind.read(s, i)
					append(message, field, value)
				end
				if i ~= after then malformed("packed field that overruns its length") end
			end
		else
			local oneof = field.oneof
			local set = oneof and rawget(message, oneof)
			if set and set ~= field.name then message[set] = nil end
			-- A message that comes in two pieces is merged.
			message[field.name], i = field.kind.read(s, i, pause, rawget(message, field.name))
			if oneof then message[oneof] = field.name end
		end
	end
	if i ~= stop + 1 then malformed("field that overruns its message") end
end

function encode_fields(descriptor, message)
	for name, value in pairs(message) do
		if not descriptor.by_name[name] and not (descriptor.oneofs[name] and message[value] ~= nil) then
			error(("%s has no field %s"):format(descriptor.name, tostring(name)), 0)
		end
	end
	local parts, n = {}, 0
	local function put(field, encoded)
		parts[n + 1], parts[n + 2] = field.tag, encoded
		n = n + 2
	end
	for _, field in ipairs(descriptor.in_order) do
		local value = rawget(message, field.name)
		if value == nil then -- luacheck: ignore 542
			-- Absent.
		elseif field.is_map then
			-- Sorted, so that one message always is the same bytes: a request id stands for them.
			local keys = {}
			for key in pairs(value) do keys[#keys + 1] = key end
			table.sort(keys)
			for _, key in ipairs(keys) do
				local entry = char(1 << 3 | field.key.wire) .. field.key.write(key)
					.. char(2 << 3 | field.kind.wire) .. field.kind.write(value[key])
				put(field, write_varint(#entry) .. entry)
			end
		elseif field.repeated then
			for _, item in ipairs(value) do put(field, field.kind.write(item)) end
		elseif field.keeps_default or value ~= field.kind.default then
			put(field, field.kind.write(value))
		end
	end
	return concat(parts)
end

local pb = {}

--- Encodes a message.
-- Raises an error for a field that the message does not have, or a value of another type: a mistake
-- of the caller, not of the data.
-- @param name the full name, such as "hatd.v1.AddUserHatRequest"
-- @return the bytes
function pb.encode(name, message)
	return encode_fields(whole[name], message)
end

local function decode(descriptors, name, bytes, pause)
	local message = setmetatable({}, descriptors[name].metatable)
	local ok, problem = pcall(decode_fields, descriptors[name], bytes, 1, #bytes, message, pause)
	if not ok then return nil, name .. ": " .. tostring(problem) end
	return message
end

--- Decodes a message. Fields that the schema does not know are left out.
-- @param pause called, if given, after each embedded message; it may yield
-- @return the message, or nil and what is wrong with the bytes
function pb.decode(name, bytes, pause)
	return decode(whole, name, bytes, pause)
end

--- Returns a function like `decode` that leaves out fields nobody will look at: what is not made costs
-- neither time nor memory.
-- @param left_out lists of field names, by message name
function pb.decoder(left_out)
	local descriptors = compile(left_out)
	return function(name, bytes, pause)
		return decode(descriptors, name, bytes, pause)
	end
end

return pb
