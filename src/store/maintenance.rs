//! What an operator asks of a store that keeps its data on a disk.

use std::fs::File;

use async_trait::async_trait;

use super::Error;
use crate::commit::{Identity, Position};

/// A store that can be looked after.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// What the store holds, and whether it takes writes.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the disk cannot be looked at.
    async fn condition(&self) -> Result<Condition, Error>;

    /// Takes a checkpoint of all that is durable, and deletes what it covers of the log and nobody
    /// needs any more.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`] if others wait for one, [`Error::DiskFull`] if there is no room for
    /// it; [`Error::Unavailable`] or [`Error::Corrupt`] as files can or cannot be read and
    /// written. The checkpoint is then the one it was.
    async fn checkpoint(&self) -> Result<Checkpoint, Error>;
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which store it is, and which history of it.
    pub identity: Identity,
    /// The last commit.
    pub position: Position,
    /// The last commit that is no longer kept for watches.
    pub floor: Position,
    /// Where the last checkpoint stands; at the start if there is none.
    pub checkpoint_position: Position,
    /// How large it is.
    pub checkpoint_bytes: u64,
    /// How large the log is.
    pub log_bytes: u64,
    /// How much is free of the disk, in bytes.
    pub free_bytes: u64,
    /// Which writes are taken.
    pub writes: Writes,
}

/// Which writes a store takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// All.
    All,
    /// Only such as remove: the disk is nearly full.
    Removals,
    /// None until there is room on the disk.
    DiskFull,
    /// None until a restart: a write to the disk failed.
    Stopped,
}

/// A checkpoint that was taken.
#[derive(Debug)]
pub struct Checkpoint {
    /// The state at one position. The file stays as it is, whatever comes later.
    pub file: File,
    /// The last commit in it.
    pub position: Position,
    /// How large it is.
    pub bytes: u64,
    /// How many bytes of the log were deleted.
    pub deleted_log_bytes: u64,
}
