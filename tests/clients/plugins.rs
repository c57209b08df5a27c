//! The plugins for chat servers: what they are made of by itself, and all of it in a real server, with people
//! who are real XMPP clients.

use super::package::{EJABBERD, PROSODY, Package};
use crate::support::{
    BUSY,
    toolchain::{or_skip, output},
};

#[test]
fn the_prosody_modules_pass_their_own_tests() {
    passes_its_own_tests(&PROSODY);
}

#[test]
fn the_ejabberd_modules_pass_their_own_tests() {
    passes_its_own_tests(&EJABBERD);
}

#[test]
fn hats_show_in_the_rooms_of_a_real_prosody() {
    shows_hats(&PROSODY);
}

#[test]
fn hats_show_in_the_rooms_of_a_real_ejabberd() {
    shows_hats(&EJABBERD);
}

fn passes_its_own_tests(plugin: &Package) {
    let Some(()) = or_skip(plugin.ready(None)) else { return };
    plugin.run("test", &[]);
}

fn shows_hats(plugin: &Package) {
    let Some(()) = or_skip(plugin.ready(None)) else { return };
    let mut tests = plugin.task("e2e");
    // People are to see a hat within a second.
    let _alone = BUSY.blocking_write();
    tests.env("HATD", env!("CARGO_BIN_EXE_hatd")).env("HATCTL", env!("CARGO_BIN_EXE_hatctl"));
    output(&mut tests).unwrap_or_else(|failed| panic!("{failed}"));
}
