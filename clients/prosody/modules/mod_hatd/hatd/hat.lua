--- The rules for hat ids and titles, to refuse at once what hatd would refuse (CONTRACT: api.md, Limits).

local hat = {}

-- Longest hat id and longest title, in bytes: hatd's defaults. An operator who allowed more in hatd gets
-- no more than these through the room.
local ID_BYTES_MAX, TITLE_BYTES_MAX = 1023, 256

--- Whether a value is an absolute URI of RFC 3986, as far as its characters go; hatd has the last word.
function hat.is_id(value)
	return type(value) == "string" and #value <= ID_BYTES_MAX
		and value:find("^%a[%w+.-]*:[%w%-._~:/?#%[%]@!$&'()*+,;=%%]*$") ~= nil
		and not value:find("%%%X") and not value:find("%%%x%X") and not value:find("%%%x?$")
		and select(2, value:gsub("#", "")) <= 1
end

--- Whether a value is a title: UTF-8 without characters that control a terminal or the direction of text.
function hat.is_title(value)
	if type(value) ~= "string" or #value > TITLE_BYTES_MAX or not utf8.len(value) then return false end
	for _, code in utf8.codes(value) do
		if code < 0x20 or code >= 0x7f and code < 0xa0
			or code >= 0x202a and code <= 0x202e or code >= 0x2066 and code <= 0x2069 then
			return false
		end
	end
	return true
end

--- Reads a hue angle: returns a number in 0 <= hue < 360, or nil if the text is none.
function hat.to_hue(text)
	local hue = text:match("^%s*[%d.]+%s*$") and tonumber(text)
	return hue and hue >= 0 and hue < 360 and hue + 0.0 or nil
end

return hat
