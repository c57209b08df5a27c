//! Programs in other languages, each against the real server.

mod python;
mod toolchain;
