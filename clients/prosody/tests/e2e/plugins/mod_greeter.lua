-- A module as one would write it for the community module muc_hats_api: who comes to a room they belong to
-- wears a hat while they are there.

local muc_hats = module:depends("muc_hats_api");

module:hook("muc-occupant-joined", function (event)
	local ok, err, text = muc_hats.add_user_hat(event.occupant.bare_jid, event.room.jid, "urn:example:here", {
		active = true;
		title = "Here";
	});
	if not ok then
		module:log("info", "no hat for %s: %s (%s)", event.occupant.bare_jid, err, text);
	end
end);

module:hook("muc-occupant-left", function (event)
	muc_hats.remove_user_hat(event.occupant.bare_jid, event.room.jid, "urn:example:here");
end);
