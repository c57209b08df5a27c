//! What hatd promises, tested from outside: the rules, and every store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails, and says where"
)]

mod model;
mod rules;
mod store;
mod support;
