//! The modules for Prosody: the library by Lua alone, and all of it in a real Prosody, with people who are
//! real XMPP clients.

use super::{
    package::PROSODY,
    toolchain::{or_skip, output},
};

#[test]
fn the_prosody_modules_pass_their_own_tests() {
    let Some(()) = or_skip(PROSODY.ready(None)) else { return };
    PROSODY.run("test", &[]);
}

#[test]
fn hats_show_in_the_rooms_of_a_real_prosody() {
    let Some(()) = or_skip(PROSODY.ready(None)) else { return };
    let mut tests = PROSODY.task("e2e");
    tests.env("HATD", env!("CARGO_BIN_EXE_hatd")).env("HATCTL", env!("CARGO_BIN_EXE_hatctl"));
    output(&mut tests).unwrap_or_else(|failed| panic!("{failed}"));
}
