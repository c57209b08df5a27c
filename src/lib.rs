//! hatd keeps the hats that people wear in chat rooms.

pub mod config;
pub mod pb;
pub mod server;
pub mod telemetry;
