//! What is done to a data directory while no hatd serves it.

mod compact;
mod inspect;
mod restore;
mod verify;

pub use self::compact::{Compacted, compact};
pub use self::inspect::{Inspection, inspect};
pub use self::restore::{Restored, restore};
pub use self::verify::{Report, RoomHash, verify, verify_backup};
