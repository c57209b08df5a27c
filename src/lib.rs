//! hatd keeps the hats that people wear in chat rooms.

pub mod hat;
pub mod jid;
pub mod limits;
pub mod pb;
pub mod time;
