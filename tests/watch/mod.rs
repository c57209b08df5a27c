//! `WatchHats` over a real socket, promise by promise.

mod bounded;
mod ending;
pub(crate) mod held;
mod pace;
mod promises;
mod resume;
mod selectors;
pub(crate) mod server;
mod snapshot;
pub(crate) mod stream;
pub(crate) mod traffic;
