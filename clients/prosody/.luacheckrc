std = "lua54"
max_line_length = 140
exclude_files = { "modules/mod_hatd/hatd/schema.lua", "tests/unit/vectors.lua" }

-- What Prosody gives a module. A module's own globals are what it offers to those that depend on it.
files["modules/*/*.lua"] = { globals = { "module" } }
files["modules/mod_hatd/*.lua"] = {
	globals = {
		"module",
		"await", "call", "is_connected", "is_for_anyone", "mirror", "muc", "on_change", "on_snapshot", "options", "outbox", "scheduler",
		"to_hatd", "to_prosody", "write",
	},
}
files["modules/mod_muc_hats_api/*.lua"] = { globals = { "module", "add_user_hat", "remove_user_hat", "set_user_hats" } }
