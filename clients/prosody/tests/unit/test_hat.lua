local harness = require "harness"
local hat = require "hatd.hat"

local test, same, ok = harness.test, harness.same, harness.ok

test("hat ids are absolute URIs", function()
	for _, id in ipairs { "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607", "http://example.com/hats/foo", "x:",
		"http://schemas.example.com/hats#tutor", "a+b-c.d:%C3%A9?x=[1]@!$&'()*,;", "x:" .. ("y"):rep(1021) } do
		ok(hat.is_id(id), id)
	end
	for _, id in ipairs { "", " ", "not a uri", "<b>&", "foo", "//example.com", "1x:y", "x:\n", "x:é", "x:%", "x:%4", "x:%zz",
		"x:a#b#c", "x:" .. ("y"):rep(1022), 1, true, {} } do
		same({ id, hat.is_id(id) }, { id, false })
	end
	same(hat.is_id(nil), false)
end)

test("titles are text that is safe to show", function()
	for _, title in ipairs { "", "Tutor", "Ärztin 👩‍⚕️", ("x"):rep(256) } do ok(hat.is_title(title), title) end
	for _, title in ipairs { "a\nb", "a\0", "\27[1m", "\u{85}", "\u{202e}x", "\u{2066}x", ("x"):rep(257), "\xff", 5, false, {} } do
		ok(not hat.is_title(title), title)
	end
end)

test("hues are angles below a full turn", function()
	same({ hat.to_hue("0"), hat.to_hue(" 140.25 "), hat.to_hue("359.999999") }, { 0.0, 140.25, 359.999999 })
	for _, text in ipairs { "", "360", "-1", "banana", "0x10", "1e2", "nan", "1.2.3" } do same(hat.to_hue(text), nil) end
end)
