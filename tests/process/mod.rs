//! The hatd binary: how it starts, stops, crashes and comes back.

mod backup;
mod crash;
mod damage;
mod disk_full;
pub(crate) mod hatd;
pub(crate) mod metrics;
mod start;
mod stop;
mod verify;
