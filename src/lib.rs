//! hatd keeps the hats that people wear in chat rooms.

pub mod command;
pub mod commit;
pub mod error;
pub mod hat;
pub mod jid;
pub mod limits;
pub mod pb;
pub mod store;
pub mod time;
pub mod watch;
