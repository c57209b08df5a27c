//! What hatd promises, tested from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails, and says where"
)]

mod architecture;
mod clients;
mod faults;
mod hatctl;
mod history;
mod model;
mod process;
mod rpc;
mod rules;
mod store;
mod support;
mod watch;
