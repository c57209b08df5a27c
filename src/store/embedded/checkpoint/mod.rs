//! Checkpoints: the state at one position, in one file, apart from sled.
//!
//! A checkpoint is made from the checkpoint before it and the log since then, and from
//! nothing else, so neither sled nor what damages it has a part in it. Writes go on
//! meanwhile. It is what the state is made again from, what a backup is, and what lets
//! old segments of the log go.
//!
//! # File
//!
//! All numbers are big-endian.
//!
//! ```text
//! file   = header record* end
//!
//! header   0        8                24       32         40     44   48
//!          +--------+----------------+--------+----------+------+----+
//!          |hatdckp1| store id       | epoch  | position | mark |crc |
//!          +--------+----------------+--------+----------+------+----+
//!
//! record   0        4      8      9            13    13 + key length
//!          +--------+------+------+------------+-----+---------------+
//!          | length | crc  | kind | key length | key | value         |
//!          +--------+------+------+------------+-----+---------------+
//!            length = bytes from kind on
//! ```
//!
//! Every checksum is the CRC-32C of what stands before it in the file as well: that of
//! a record goes on from the one before it, so a record that is missing, doubled or out
//! of its place does not fit. Keys and values are those of [`Documents`], in the order
//! of kinds, then of keys. The end is a record of kind 0 whose value counts the others;
//! a file without it was cut short.
//!
//! [`Documents`]: super::documents::Documents

mod advance;
mod copy;
mod delta;
mod file;
mod merge;

use std::io;
use std::path::{Path, PathBuf};

pub(super) use self::advance::{Advance, STEP_BYTES};
pub(super) use self::copy::copy_state;
use self::delta::Delta;
pub(super) use self::file::Reader;
use self::file::Record;
use self::file::Writer;
use self::merge::merge;
use crate::commit::{Identity, Mark, Position};

/// Writes a checkpoint of some records that only a test reads.
#[cfg(test)]
pub(super) fn write_for_tests(path: &Path, header: Header, records: u8) -> Result<u64, Error> {
    let mut writer = Writer::create(path, header)?;
    for number in 0..records {
        writer.put(Kind::Document, &[number], &vec![number; usize::from(number)])?;
    }
    writer.finish()
}

/// Whose state a checkpoint is, and when it was that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) identity: Identity,
    /// The position of the last commit in it.
    pub(super) position: Position,
    /// The mark there.
    pub(super) mark: Mark,
}

/// Where the last checkpoint stands, and how large it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Last {
    pub(super) position: Position,
    pub(super) bytes: u64,
}

/// What a record is. The order is that of the file: whoever reads it knows the room
/// before its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Room = 1,
    Definition = 2,
    Document = 3,
    Request = 4,
}

impl Kind {
    fn parse(byte: u8) -> Option<Self> {
        [Self::Room, Self::Definition, Self::Document, Self::Request]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The operating system refused.
    #[error("failed to access {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("{} is corrupt at byte {offset}: {what}", file.display())]
    Corrupt { file: PathBuf, offset: u64, what: String },
}

impl Error {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// The file was not finished, since the caller did not want it any more.
    pub(super) fn interrupted(path: &Path) -> Self {
        Self::io(path)(io::ErrorKind::Interrupted.into())
    }

    fn corrupt(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }
}
