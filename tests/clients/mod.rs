//! The clients, and programs in other languages, each against the real server.

mod broken;
mod conformance;
mod package;
mod packages;
mod prosody;
mod python;
mod together;
mod toolchain;
