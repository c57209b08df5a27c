//! The clients, and programs in other languages, each against the real server.

mod broken;
mod conformance;
mod package;
mod packages;
mod plugins;
mod python;
mod together;
