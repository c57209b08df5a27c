//! What hatd promises, tested from outside: its watches, its processes, its tools, its layers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and says where"
)]

mod architecture;
mod hatctl;
mod process;
mod watch;
