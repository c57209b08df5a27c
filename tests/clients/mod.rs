//! Programs in other languages, each against the real server.

mod hatd;
mod python;
mod toolchain;
