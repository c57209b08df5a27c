//! The commit log: checksummed records in append-only segments, each at a dense position 1, 2, 3, …
//!
//! The log is the store's truth. A record is one commit, opaque here. Records are appended in
//! batches, and a batch is on disk to stay (`fdatasync`) before any [`Reader`] sees it, so nothing
//! that is read here can be taken back by a power cut.
//!
//! # Files
//!
//! A log is a directory of *segments*, each named by the position of its first record as 20 decimal
//! digits, then `.log`. Other names ending in `.log` are refused, since a segment that someone
//! renamed is a segment that is missing; names ending otherwise are ignored. All numbers are
//! big-endian.
//!
//! ```text
//! segment = header frame*
//!
//! header     0        8                24       32               40   44
//!            +--------+----------------+--------+----------------+----+
//!            |hatdlog1| store id       | epoch  | first position |crc |
//!            +--------+----------------+--------+----------------+----+
//!              crc = CRC-32C of bytes 0..40
//!
//! frame      0        4        8          16         24          24 + length
//!            +--------+--------+----------+----------+-----------+
//!            | length | crc    | position | synced   | payload   |
//!            +--------+--------+----------+----------+-----------+
//!              crc = CRC-32C of length, position, synced and payload, in this order
//! ```
//!
//! `synced` is the last position that was known to be durable when the frame's batch was written:
//! the end of the batch before it. A batch never spans segments, and a segment is begun only once
//! everything before it is durable: header written, file synced, directory synced, in this order,
//! before its first batch.
//!
//! # What a crash leaves, and what only damage leaves
//!
//! A crash can tear the last batch, in any of its records, and the header of a segment that holds
//! nothing yet. Both are cut off by [`Log::open`], and [`Recovery`] says so. Everything else is
//! damage, and refused as [`Error::Corrupt`]: a bad record in any but the last segment, one
//! followed by a record whose `synced` says that it was durable, a segment missing, doubled or of
//! the wrong length, a damaged header of a segment that has records.
//!
//! The files alone cannot tell damage to the *last* batch from a tear, nor a log whose beginning
//! was dropped from one that lost it. Who knows a position that was durable, say from a clean stop,
//! or one up to which the log is not needed, tells [`Log::open`] ([`Known`]), and a log that ends
//! before the one or begins after the other is refused too.
//!
//! A last batch that survived a crash may be in the page cache only, even after a sync that failed,
//! since the kernel then takes its pages for clean. Opening writes it once more and syncs it before
//! anyone reads it.

mod appender;
mod frame;
mod reader;
mod recovery;
mod segment;
#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the tests' positions and lengths are small")]
mod tests;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::commit::{Identity, Mark};

use recovery::Recovered;
use segment::Segment;

pub use appender::Appender;
pub use reader::{Reader, Record, SegmentInfo};
pub use recovery::{Cut, Known, Recovery};

/// Sizes of a log. They bind what is appended from now on; whatever was appended under others stays
/// readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length in bytes from which a segment is full: the next batch begins a new one. A segment is
    /// longer by at most one batch.
    pub segment_bytes: u64,
    /// Longest payload of a record, in bytes.
    pub record_bytes_max: u32,
}

impl Default for Options {
    /// 64 MiB each. Our choice: a kept history of 8 GiB is then 128 files, and no commit comes near
    /// the record's bound.
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, record_bytes_max: 64 << 20 }
    }
}

/// Why a log cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("failed to access {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The files are not what was written to them, or not all of them are there.
    #[error("{} is corrupt at byte {offset}: {what}", file.display())]
    Corrupt {
        /// The damaged file, or the directory if it holds no segment at all.
        file: PathBuf,
        /// Where the record or header that is bad begins, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A segment belongs to another store, or to another epoch of this one.
    #[error("{} belongs to another store or epoch", file.display())]
    WrongStore {
        /// The segment.
        file: PathBuf,
    },
    /// The payload is longer than [`Options::record_bytes_max`]. Nothing was appended.
    #[error("a record of {len} bytes is longer than {max}")]
    TooLarge {
        /// Length of the payload, in bytes.
        len: usize,
        /// Longest length allowed, in bytes.
        max: u32,
    },
    /// The records asked for are not kept any more.
    #[error("records up to position {floor} are not kept any more")]
    Expired {
        /// The last position whose record is gone.
        floor: u64,
    },
    /// A write or sync failed before, so what the file holds is not known. Only opening the log
    /// again tells.
    #[error("the log takes no records since a write or sync of it failed")]
    Failed,
}

impl Error {
    /// Makes an error of the operating system ours, by naming the path it is about.
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    fn corrupt(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }
}

/// A log just created or opened, before its two ends part.
#[derive(Debug)]
pub struct Log {
    appender: Appender,
    reader: Reader,
    recovery: Recovery,
}

impl Log {
    /// Creates an empty log in `dir`, which is made if it does not exist (its parent is not), and
    /// makes it durable.
    ///
    /// Its first record will stand after `base`: 0 and [`Mark::ORIGIN`], unless it goes on from
    /// something else. A creation that a crash interrupted, one first segment without any record,
    /// is begun anew.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], of kind [`AlreadyExists`](io::ErrorKind::AlreadyExists) if `dir` holds a log.
    /// [`Error::Corrupt`] if `dir` holds a file that ends in `.log` and is no segment.
    pub fn create(
        dir: &Path,
        identity: Identity,
        options: Options,
        base: (u64, Mark),
    ) -> Result<Self, Error> {
        make_dir(dir)?;
        let (position, _) = base;
        remove_interrupted_creation(dir, position + 1)?;

        let first = Segment::create(dir, identity, position + 1)?;
        let recovery = Recovery { records: 0, bytes: first.end, cut: None };
        let empty = Recovered { sealed: Vec::new(), last: first, head: base, recovery };
        Ok(Self::new(dir, identity, options, empty, base))
    }

    /// Opens the log in `dir`: checks every record, cuts off what a crash left unfinished, and
    /// makes the rest durable.
    ///
    /// `known` is what the caller knows of it. No file is changed unless all checks pass.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if a record, header or segment is damaged or missing in a way no crash
    /// explains, if there is no segment, if the last good record is before
    /// [`Known::durable`], or if records after [`Known::base`] are not there.
    /// [`Error::WrongStore`] if a segment does not carry `identity`. [`Error::Io`] if the directory
    /// or a file cannot be read, cut or synced.
    pub fn open(
        dir: &Path,
        identity: Identity,
        options: Options,
        known: Known,
    ) -> Result<Self, Error> {
        let recovered = recovery::recover(dir, identity, known)?;
        Ok(Self::new(dir, identity, options, recovered, known.base))
    }

    /// As [`Log::open`], but changes nothing: of what a crash left unfinished it only says what
    /// opening would cut off. What is read may not be durable, and nothing can be appended.
    ///
    /// # Errors
    ///
    /// As [`Log::open`].
    pub fn inspect(dir: &Path, identity: Identity, known: Known) -> Result<Self, Error> {
        let found = recovery::inspect(dir, identity, known)?;
        Ok(Self::new(dir, identity, Options::default(), found, known.base))
    }

    fn new(
        dir: &Path,
        identity: Identity,
        options: Options,
        recovered: Recovered,
        base: (u64, Mark),
    ) -> Self {
        let Recovered { sealed: segments, last, head, recovery } = recovered;
        let shared = Arc::new(Shared { table: RwLock::new(Table { segments, head, base }) });
        let appender =
            Appender::new(Arc::clone(&shared), dir.to_owned(), identity, options, &last, head);
        shared.write().segments.push(last);
        Self { appender, reader: Reader::new(shared), recovery }
    }

    /// What opening found, and what it cut off.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The log's writing end, for one thread, and its reading end, for any number.
    pub fn into_parts(self) -> (Appender, Reader) {
        (self.appender, self.reader)
    }
}

/// What the two ends share: everything durable, nothing else.
#[derive(Debug)]
struct Shared {
    table: RwLock<Table>,
}

#[derive(Debug)]
struct Table {
    /// Oldest first; never empty. The last one is being written.
    segments: Vec<Segment>,
    /// The last durable record.
    head: (u64, Mark),
    /// A position before the first record, and the mark there.
    base: (u64, Mark),
}

impl Shared {
    // A thread that panics with the lock held leaves the table as it was before or after one record
    // was entered: both are states of a log, so a poisoned lock is as good as any.

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first positions of the files of a log, rising.
///
/// # Errors
///
/// [`Error::Corrupt`] if the name of one is not a segment's; [`Error::Io`].
pub fn first_positions(dir: &Path) -> Result<Vec<u64>, Error> {
    segment::list(dir)
}

/// Makes `dir` for its owner alone, unless it exists, and makes its name durable.
fn make_dir(dir: &Path) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io(dir)(error)),
    }
    match dir.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new(".")),
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Removes the only segment of a log that was never written to, and refuses any other log.
fn remove_interrupted_creation(dir: &Path, begins: u64) -> Result<(), Error> {
    let firsts = segment::list(dir)?;
    let Some(first) = firsts.first() else { return Ok(()) };
    let path = dir.join(segment::file_name(*first));
    let len = fs::metadata(&path).map_err(Error::io(&path))?.len();
    if firsts != [begins] || len > segment::HEADER_LEN {
        return Err(Error::io(&path)(io::ErrorKind::AlreadyExists.into()));
    }
    fs::remove_file(&path).map_err(Error::io(&path))
}

/// Makes the names in `dir` durable: files created in it and removed from it.
fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir))
}
