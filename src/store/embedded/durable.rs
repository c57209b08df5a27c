//! Up to where the log is known to be durable, noted outside of it.
//!
//! A log whose end is gone looks like one that a crash tore. Only if somebody remembers how long it
//! was, the one can be told from the other.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::commit::{Mark, Position};

/// Position, mark, and the CRC-32C of both, big-endian.
const NOTE_LEN: usize = 8 + 4 + 4;

/// The file that the note is in. It is written after each sync of the log, and is not synced itself:
/// it is right after a kill, and behind after a power cut, but never ahead.
pub(super) struct Durable(File);

impl Durable {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        Ok(Self(options.open(path)?))
    }

    /// Notes that the log is durable up to a position.
    pub(super) fn note(&self, position: Position, mark: Mark) -> io::Result<()> {
        self.0.write_all_at(&encode(position, mark), 0)
    }
}

/// Reads what was noted; nothing if there is no note, or no legible one.
pub(super) fn read(path: &Path) -> io::Result<Option<(Position, Mark)>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn encode(position: Position, mark: Mark) -> Vec<u8> {
    let mut note = [position.get().to_be_bytes().as_slice(), &mark.0.to_be_bytes()].concat();
    note.extend(crc32c::crc32c(&note).to_be_bytes());
    note
}

fn decode(bytes: &[u8]) -> Option<(Position, Mark)> {
    let note: &[u8; NOTE_LEN] = bytes.try_into().ok()?;
    let (position, rest) = note.split_first_chunk()?;
    let (mark, _) = rest.split_first_chunk()?;
    let (position, mark) = (u64::from_be_bytes(*position), u32::from_be_bytes(*mark));
    let (position, mark) = (Position::new(position), Mark(mark));
    (encode(position, mark) == bytes).then_some((position, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_or_is_illegible() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("durable");
        assert_eq!(read(&path).unwrap(), None);
        let durable = Durable::open(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        for number in [1, 7, u64::MAX] {
            durable.note(Position::new(number), Mark(9)).unwrap();
            assert_eq!(read(&path).unwrap(), Some((Position::new(number), Mark(9))));
        }
        let note = std::fs::read(&path).unwrap();
        for bit in 0..8 * note.len() {
            let mut damaged = note.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None);
        }
    }
}
