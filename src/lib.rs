//! hatd keeps the hats that people wear in chat rooms.

pub mod pb;
pub mod time;
