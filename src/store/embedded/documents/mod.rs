//! The state that is served, in sled. The commit log is the truth; this can be made
//! again from it at any time, so nothing here is ever flushed to answer a write.

mod check;
mod read;
mod write;

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use minicbor::Decode;

use super::moments::Moments;
use super::values::{self, StoredRoom};
use crate::command::Unreadable;
use crate::commit::Position;
use crate::jid::RoomJid;

/// Where `meta` says up to which position the state was applied when it was put away.
const APPLIED_KEY: &[u8] = b"applied";

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// sled failed.
    #[error("the document store failed")]
    Sled(#[from] sled::Error),
    /// sled panicked, as it does when its files are damaged.
    #[error("the document store is damaged: {0}")]
    Panicked(String),
    /// A commit could not be applied whole, or a record was found damaged.
    #[error("the document store is not sound: restart to make it again")]
    Unsound,
    /// A record is not what was written.
    #[error("the record {key} of {tree} is damaged")]
    Damaged {
        /// In which tree.
        tree: &'static str,
        /// The record's key, printable.
        key: String,
    },
}

impl From<Error> for crate::store::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Sled(sled::Error::Corruption { .. })
            | Error::Damaged { .. }
            | Error::Panicked(_) => Self::Corrupt(Box::new(error)),
            Error::Sled(_) | Error::Unsound => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self(Box::new(crate::store::Error::from(error)))
    }
}

/// The current state, and the indexes to find it by.
#[expect(clippy::struct_field_names, reason = "each field of a tree is named as the tree")]
pub(super) struct Documents {
    db: sled::Db,
    rooms: sled::Tree,
    documents: sled::Tree,
    definitions: sled::Tree,
    by_user: sled::Tree,
    by_hat: sled::Tree,
    by_expiry: sled::Tree,
    requests: sled::Tree,
    request_positions: sled::Tree,
    meta: sled::Tree,
    moments: Moments,
    /// The newest position whose commit is being applied or was.
    applying: AtomicU64,
    /// Whether a commit could not be applied: it may be half there.
    broken: AtomicBool,
    /// Whether a record was found damaged: the next start makes the state again.
    damaged: AtomicBool,
}

impl Documents {
    /// Opens or creates the state in a directory.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Its own flusher would only compete with the log's fdatasync: what this state
        // misses after a crash is replayed.
        let config = sled::Config::new().path(path).flush_every_ms(None);
        caught(|| Self::open_trees(&config.open()?))
    }

    fn open_trees(db: &sled::Db) -> Result<Self, Error> {
        Ok(Self {
            rooms: db.open_tree("rooms")?,
            documents: db.open_tree("documents")?,
            definitions: db.open_tree("definitions")?,
            by_user: db.open_tree("by_user")?,
            by_hat: db.open_tree("by_hat")?,
            by_expiry: db.open_tree("by_expiry")?,
            requests: db.open_tree("requests")?,
            request_positions: db.open_tree("request_positions")?,
            meta: db.open_tree("meta")?,
            db: db.clone(),
            moments: Moments::new(),
            applying: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
        })
    }

    /// Up to which position the state was applied when it was last put away.
    pub(super) fn applied(&self) -> Result<Option<Position>, Error> {
        let bytes = caught(|| Ok(self.meta.get(APPLIED_KEY)?))?;
        let number = bytes.as_deref().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        Ok(number.map(|number| Position::new(u64::from_be_bytes(number))))
    }

    /// Notes up to which position the state was applied. What a crash leaves is then
    /// known to have no less.
    pub(super) fn note_applied(&self, applied: Position) -> Result<(), Error> {
        caught(|| Ok(self.meta.insert(APPLIED_KEY, &applied.get().to_be_bytes()).map(|_| ())?))
    }

    /// Hands what was applied so far to the operating system: a crash of this process
    /// leaves no less.
    pub(super) fn flush(&self) -> Result<(), Error> {
        caught(|| Ok(self.db.flush().map(|_| ())?))
    }

    /// Writes everything out, with the position that it was applied up to: what is not
    /// sound is not to be used again.
    pub(super) fn put_away(&self, applied: Position) -> Result<(), Error> {
        self.check_whole()?;
        if self.damaged.load(Ordering::Acquire) {
            return Err(Error::Unsound);
        }
        self.note_applied(applied)?;
        self.flush()
    }

    /// Reads several records of a room as they were at one moment, without waiting; none
    /// if commits came in between too often.
    pub(super) fn try_read<T>(
        &self,
        room: &RoomJid,
        read: impl Fn(&Self) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let result = self.moments.try_read(room, || self.guarded(|| read(self)))?;
        Some(self.check_whole().and(result))
    }

    /// As [`Self::try_read`], but waits if it must.
    pub(super) fn read<T>(
        &self,
        room: &RoomJid,
        read: impl Fn(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = self.moments.read(room, || self.guarded(|| read(self)));
        self.check_whole().and(result)
    }

    /// Reads what need not be of one moment.
    pub(super) fn read_any<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_whole()?;
        self.guarded(|| read(self))
    }

    /// Refuses reads once a commit could not be applied whole.
    fn check_whole(&self) -> Result<(), Error> {
        if self.broken.load(Ordering::Acquire) { Err(Error::Unsound) } else { Ok(()) }
    }

    /// Does what may find a damaged record, and remembers if it does.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let result = caught(work);
        if let Err(Error::Damaged { .. } | Error::Panicked(_)) = &result {
            self.damaged.store(true, Ordering::Release);
        }
        result
    }

    fn stored_room(&self, key: &[u8]) -> Result<Option<StoredRoom>, Error> {
        self.rooms.get(key)?.map(|value| decode("rooms", key, &value)).transpose()
    }
}

/// The items whose keys begin with a prefix, after a key that does, too.
fn scan(
    tree: &sled::Tree,
    prefix: &[u8],
    after: Option<Vec<u8>>,
) -> impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>> {
    let from = after.map_or_else(|| Bound::Included(prefix.to_vec()), Bound::Excluded);
    let prefix = prefix.to_vec();
    tree.range::<Vec<u8>, _>((from, Bound::Unbounded)).take_while(move |item| match item {
        Ok((key, _)) => key.starts_with(&prefix),
        Err(_) => true,
    })
}

fn decode<T>(tree: &'static str, key: &[u8], value: &[u8]) -> Result<T, Error>
where
    T: for<'b> Decode<'b, ()>,
{
    parsed(tree, key, values::decode(value))
}

fn parsed<T>(tree: &'static str, key: &[u8], value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| damaged(tree, key))
}

fn damaged(tree: &'static str, key: &[u8]) -> Error {
    Error::Damaged { tree, key: key.escape_ascii().to_string() }
}

/// Makes an error of a panic: sled panics when its files are damaged.
fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::Panicked(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
