std = "lua54"
max_line_length = 140
exclude_files = { "modules/mod_hatd/hatd/schema.lua", "tests/unit/vectors.lua" }

-- What Prosody gives a module. Global functions are what a module offers those that depend on it.
files["modules/*/mod_*.lua"] = { globals = { "module" }, read_globals = { "prosody" }, allow_defined_top = true }
