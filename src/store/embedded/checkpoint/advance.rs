//! From a checkpoint and the log after it, to the next checkpoint.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Delta, Error, Header, Kind, Last, Reader, Writer, merge};
use crate::commit::{Mark, Position};
use crate::planted::{self, Bug};
use crate::store;
use crate::store::embedded::directory::DataDir;
use crate::store::embedded::history::History;
use crate::time::Timestamp;

/// How many bytes of commits one step takes in: its memory is some times that. Our
/// choice.
pub(in super::super) const STEP_BYTES: u64 = 64 << 20;

/// How much of the log is read at a time.
const READ_BYTES: usize = 1 << 20;

/// What checkpoints are made from.
pub(in super::super) struct Advance<'a> {
    pub(in super::super) directory: &'a DataDir,
    pub(in super::super) history: &'a History,
    /// Requests that were answered before this time are forgotten.
    pub(in super::super) forget_before: Timestamp,
    /// Whether to give up in the middle: the checkpoint then stays the one it was.
    pub(in super::super) is_given_up: &'a AtomicBool,
}

/// What became of a checkpoint's records up to a position.
pub(in super::super) struct Changes {
    delta: Delta,
    pub(in super::super) position: Position,
    /// None if no commit is among them.
    mark: Option<Mark>,
}

impl Advance<'_> {
    /// Reads the commits after the last checkpoint, about as many bytes as that.
    ///
    /// # Errors
    ///
    /// As reading the log.
    pub(in super::super) fn changes(
        &self,
        after: Position,
        bytes_max: u64,
    ) -> Result<Changes, store::Error> {
        let (head, _) = self.history.head();
        let mut changes = Changes { delta: Delta::default(), position: after, mark: None };
        let mut bytes = 0;
        while changes.position < head && bytes < bytes_max {
            for entry in self.history.after(changes.position, READ_BYTES)? {
                if !(planted::has(Bug::RebuildMissesLast) && entry.position == head) {
                    changes.delta.add(entry.position, &entry.commit);
                }
                changes.position = entry.position;
                changes.mark = Some(entry.mark);
            }
            bytes += READ_BYTES as u64;
        }
        Ok(changes)
    }

    /// Shows every record of the last checkpoint with the changes since, in order.
    ///
    /// # Errors
    ///
    /// As reading the last checkpoint; those of `show`.
    pub(in super::super) fn show<E: From<Error>>(
        &self,
        changes: Changes,
        show: impl FnMut(Kind, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let base = Reader::open(&self.directory.checkpoint())?;
        merge(base, changes.delta, self.forget_before, show)
    }

    /// Makes the next checkpoint of the last one with the changes since, and puts it in place.
    ///
    /// # Errors
    ///
    /// As reading the last checkpoint, and writing the next. The last one is in place then, or
    /// the next.
    pub(in super::super) fn write(&self, changes: Changes) -> Result<Last, store::Error> {
        let base = Reader::open(&self.directory.checkpoint())?;
        let mark = changes.mark.or_else(|| base.as_ref().map(|base| base.header().mark));
        let header = Header {
            identity: self.directory.identity(),
            position: changes.position,
            mark: mark.unwrap_or_default(),
        };
        let new = self.directory.new_checkpoint();
        let written = Writer::create(&new, header).and_then(|mut writer| {
            merge(base, changes.delta, self.forget_before, |kind, key, value| {
                if self.is_given_up.load(Ordering::Relaxed) {
                    return Err(Error::interrupted(&new));
                }
                writer.put(kind, key, value)
            })?;
            writer.finish()
        });
        let bytes = written.inspect_err(|_| _ = fs::remove_file(&new))?;
        let replaced = self.directory.replace_checkpoint();
        replaced.map_err(|error| store::Error::Unavailable(Box::new(error)))?;
        Ok(Last { position: header.position, bytes })
    }
}

impl From<Error> for store::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupt { .. } => Self::Corrupt(Box::new(error)),
            Error::Io { .. } => Self::Unavailable(Box::new(error)),
        }
    }
}
