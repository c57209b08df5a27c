//! hatd keeps the hats that people wear in chat rooms.

pub mod jid;

pub mod hat;

pub mod limits;

pub mod time;

pub mod command;

pub mod commit;

pub mod store;

pub mod watch;

pub mod status;

pub mod service;

pub mod pb;

pub mod config;

pub mod server;

pub mod telemetry;

pub mod error;
