//! One file of the log: its name, its header, and where in it a record is to be found.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use super::{Error, Identity, sync_dir};

/// Bytes before the first frame.
pub(super) const HEADER_LEN: u64 = 44;

/// Where the first position stands in the header, in bytes: behind the magic, the store id and the
/// epoch.
const FIRST_POSITION_AT: usize = 32;

/// What every segment begins with: the format and its version.
const MAGIC: &[u8; 8] = b"hatdlog1";

/// Bytes of a segment that a lookup may have to pass, as a rule: one entry of the index stands for
/// so many. Our choice: a read of this size costs little more than one of a record, and the index
/// of 64 MiB takes 32 KiB.
const INDEX_STRIDE_BYTES: u64 = 32 << 10;

/// Last position that a segment's name may carry. No log gets there, so positions can be counted on
/// without overflow.
const FIRST_POSITION_MAX: u64 = 1 << 63;

/// A segment, as far as it is durable.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: Arc<Path>,
    pub(super) file: Arc<File>,
    /// Position of the first record, also if it is still to come.
    pub(super) first: u64,
    /// Position of the last record; `first - 1` if there is none.
    pub(super) last: u64,
    /// Where the last record ends, in bytes.
    pub(super) end: u64,
    /// Where some of the records begin, in order: the first is at the header's end and not listed.
    index: Vec<IndexEntry>,
}

#[derive(Debug)]
struct IndexEntry {
    position: u64,
    offset: u64,
}

impl Segment {
    /// A segment without records, of a file that has its header.
    pub(super) fn new(path: Arc<Path>, file: File, first: u64) -> Self {
        Self {
            path,
            file: Arc::new(file),
            first,
            last: first - 1,
            end: HEADER_LEN,
            index: Vec::new(),
        }
    }

    /// Creates the file of a segment without records, and makes it and its name durable.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], also if the file exists.
    pub(super) fn create(dir: &Path, identity: Identity, first: u64) -> Result<Self, Error> {
        let path: Arc<Path> = dir.join(file_name(first)).into();
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io(&path))?;
        file.write_all_at(&encode_header(identity, first), 0).map_err(Error::io(&path))?;
        file.sync_all().map_err(Error::io(&path))?;
        sync_dir(dir)?;
        Ok(Self::new(path, file, first))
    }

    /// Enters the next record, of `len` bytes as a frame.
    pub(super) fn push(&mut self, len: u64) {
        self.last += 1;
        let indexed = self.index.last().map_or(HEADER_LEN, |entry| entry.offset);
        if self.end - indexed >= INDEX_STRIDE_BYTES {
            self.index.push(IndexEntry { position: self.last, offset: self.end });
        }
        self.end += len;
    }

    /// A position not after `position`, which this segment has, and the offset of its record.
    pub(super) fn near(&self, position: u64) -> (u64, u64) {
        let after = self.index.partition_point(|entry| entry.position <= position);
        match after.checked_sub(1).and_then(|at| self.index.get(at)) {
            Some(entry) => (entry.position, entry.offset),
            None => (self.first, HEADER_LEN),
        }
    }
}

/// The name of the segment whose first record is at `first`.
pub(super) fn file_name(first: u64) -> String {
    format!("{first:020}.log")
}

/// The first positions of all segments in `dir`, by their names, rising.
///
/// # Errors
///
/// [`Error::Corrupt`] if a name ends in `.log` and is no segment's; [`Error::Io`].
pub(super) fn list(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        if path.extension() != Some(OsStr::new("log")) {
            continue;
        }
        match path.file_name().and_then(OsStr::to_str).and_then(parse_name) {
            Some(first) => firsts.push(first),
            None => return Err(Error::corrupt(&path, 0, "its name is not a segment's")),
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn parse_name(name: &str) -> Option<u64> {
    let first = name.strip_suffix(".log")?.parse().ok()?;
    ((1..=FIRST_POSITION_MAX).contains(&first) && name == file_name(first)).then_some(first)
}

/// The header of the segment whose first record is at `first`; drawn in the docs of [`super`].
fn encode_header(identity: Identity, first: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&identity.store);
    bytes.extend_from_slice(&identity.epoch.to_be_bytes());
    bytes.extend_from_slice(&first.to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

/// Checks that a file begins with the header of the segment whose first record is at `first`.
///
/// # Errors
///
/// [`Error::Corrupt`] if it is cut short or damaged, or another segment's; [`Error::WrongStore`] if
/// it is whole and does not carry `identity`; [`Error::Io`].
pub(super) fn check_header(
    file: &File,
    path: &Path,
    identity: Identity,
    first: u64,
) -> Result<(), Error> {
    let bad = |what: &str| Err(Error::corrupt(path, 0, what));
    let mut bytes = Vec::new();
    file.take(HEADER_LEN).read_to_end(&mut bytes).map_err(Error::io(path))?;
    let expected = encode_header(identity, first);
    if bytes == expected {
        return Ok(());
    }

    if bytes.len() < expected.len() {
        return bad("the segment's header is cut short");
    }
    if !bytes.starts_with(MAGIC) {
        return bad("the file does not begin as a segment of this format");
    }
    match bytes.split_last_chunk() {
        Some((fields, crc)) if crc32c::crc32c(fields) == u32::from_be_bytes(*crc) => {}
        _ => return bad("the checksum of the segment's header does not match"),
    }
    // A whole header that differs has another identity or, behind that, another first position.
    if bytes.get(..FIRST_POSITION_AT) == expected.get(..FIRST_POSITION_AT) {
        bad("the file's name is not that of the segment it holds")
    } else {
        Err(Error::WrongStore { file: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_passes_a_stride_and_a_record_at_most() {
        const RECORD_BYTES: u64 = 100;
        let file = tempfile::tempfile().unwrap();
        let mut segment = Segment::new(Path::new("any").into(), file, 8);
        for _ in 0..2000 {
            segment.push(RECORD_BYTES);
        }
        for (position, at) in (8..2008).zip(0..) {
            let (near, offset) = segment.near(position);
            assert!(near <= position);
            assert_eq!(offset, HEADER_LEN + (near - 8) * RECORD_BYTES);
            assert!(HEADER_LEN + at * RECORD_BYTES - offset < INDEX_STRIDE_BYTES + RECORD_BYTES);
        }
    }
}
