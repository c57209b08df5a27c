//! The file of a checkpoint; drawn in the docs of [`super`].

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{Error, Header, Kind};
use crate::commit::{Identity, Mark, Position};
use crate::planted::{self, Bug};

const MAGIC: &[u8; 8] = b"hatdckp1";
const HEADER_LEN: usize = 48;

/// Bytes of a record before those that `length` counts, and before the key.
const FRAME_LEN: usize = 8;
const PREFIX_LEN: usize = 5;

/// The kind of the record that ends the file.
const END: u8 = 0;

/// The longest record that is read, in bytes. A document, the largest, stays far below.
const RECORD_BYTES_MAX: usize = 16 << 20;

/// How much is read at a time, in bytes. Our choice.
const READ_BYTES: usize = 1 << 20;

/// How much is written at a time and synced at once, in bytes. Our choice: a file system has the
/// sync of the log, which writes wait for, wait for all else that is to be synced. With one sync at
/// the end, one write in a thousand took 32 ms on ext4 while checkpoints were taken; in such steps
/// 13 ms, and in smaller ones no less (`benches/checkpoint.rs`).
const WRITE_BYTES: usize = 256 << 10;

/// A record as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Record {
    pub(in super::super) kind: Kind,
    pub(in super::super) key: Vec<u8>,
    pub(in super::super) value: Vec<u8>,
}

/// Writes a checkpoint.
pub(in super::super) struct Writer {
    path: PathBuf,
    out: BufWriter<Synced>,
    crc: u32,
    records: u64,
    bytes: u64,
}

impl Writer {
    /// Begins a file, in place of one that is there.
    pub(in super::super) fn create(path: &Path, header: Header) -> Result<Self, Error> {
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
        let mut out = BufWriter::with_capacity(WRITE_BYTES, Synced(file.map_err(Error::io(path))?));
        let mut bytes = [MAGIC.as_slice(), &header.identity.store].concat();
        bytes.extend_from_slice(&header.identity.epoch.to_be_bytes());
        bytes.extend_from_slice(&header.position.get().to_be_bytes());
        bytes.extend_from_slice(&header.mark.0.to_be_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        out.write_all(&bytes).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), out, crc, records: 0, bytes: bytes.len() as u64 })
    }

    /// Adds a record. They come in order.
    pub(in super::super) fn put(
        &mut self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Error> {
        self.records += 1;
        self.put_raw(kind as u8, key, value)
    }

    fn put_raw(&mut self, kind: u8, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let too_long = || Error::io(&self.path)(io::ErrorKind::FileTooLarge.into());
        let len = PREFIX_LEN + key.len() + value.len();
        let len = u32::try_from(len).map_err(|_| too_long())?.to_be_bytes();
        let key_len = u32::try_from(key.len()).map_err(|_| too_long())?.to_be_bytes();
        let kind = [kind];
        let parts = [kind.as_slice(), &key_len, key, value];
        let crc = crc32c::crc32c_append(self.crc, &len);
        self.crc = parts.iter().fold(crc, |crc, part| crc32c::crc32c_append(crc, part));
        for part in [len.as_slice(), &self.crc.to_be_bytes()].into_iter().chain(parts) {
            self.out.write_all(part).map_err(Error::io(&self.path))?;
            self.bytes += part.len() as u64;
        }
        Ok(())
    }

    /// Ends the file, and makes its contents durable; its name is for the caller.
    /// Answers its length in bytes.
    pub(in super::super) fn finish(mut self) -> Result<u64, Error> {
        self.put_raw(END, &[], &self.records.to_be_bytes())?;
        self.out.flush().map_err(Error::io(&self.path))?;
        Ok(self.bytes)
    }
}

/// A file whose every write is durable when it returns.
struct Synced(File);

impl io::Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        if !planted::has(Bug::CheckpointUnsynced) {
            self.0.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Reads a checkpoint from its beginning to its end, each record checked.
pub(in super::super) struct Reader {
    path: PathBuf,
    input: BufReader<File>,
    header: Header,
    crc: u32,
    records: u64,
    /// Where the next record begins, in bytes.
    offset: u64,
    ended: bool,
}

impl Reader {
    /// Opens a file; none if there is none.
    pub(in super::super) fn open(path: &Path) -> Result<Option<Self>, Error> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            outcome => outcome.map_err(Error::io(path))?,
        };
        let mut input = BufReader::with_capacity(READ_BYTES, file);
        let mut bytes = [0; HEADER_LEN];
        let bad = |what: &str| Error::corrupt(path, 0, what);
        input.read_exact(&mut bytes).map_err(|error| {
            let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
            if is_end { bad("the header is cut short") } else { Error::io(path)(error) }
        })?;
        let header = parse_header(&bytes).ok_or_else(|| bad("the header is damaged"))?;
        let crc = bytes.last_chunk().map_or(0, |crc| u32::from_be_bytes(*crc));
        let offset = HEADER_LEN as u64;
        Ok(Some(Self {
            path: path.to_owned(),
            input,
            header,
            crc,
            records: 0,
            offset,
            ended: false,
        }))
    }

    /// Whose state it is, and when it was that.
    pub(in super::super) fn header(&self) -> Header {
        self.header
    }

    /// Reads the next record; none at the end, which is then known to be the right one.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if what stands there is not what was written; [`Error::Io`].
    pub(in super::super) fn next(&mut self) -> Result<Option<Record>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut frame = [0; FRAME_LEN];
        self.fill(&mut frame)?;
        let [a, b, c, d, crc @ ..] = frame;
        let len = [a, b, c, d];
        let size = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if !(PREFIX_LEN..=RECORD_BYTES_MAX).contains(&size) {
            return Err(self.corrupt(format!("a record cannot have {size} bytes")));
        }
        let mut body = vec![0; size];
        self.fill(&mut body)?;
        self.crc = crc32c::crc32c_append(crc32c::crc32c_append(self.crc, &len), &body);
        if self.crc != u32::from_be_bytes(crc) {
            return Err(self.corrupt("the record's checksum does not match"));
        }
        let Some((kind, key, value)) = split(&body) else {
            return Err(self.corrupt("the record's key does not fit into it"));
        };
        if kind == END {
            self.check_end(value)?;
            self.ended = true;
            self.offset += (FRAME_LEN + size) as u64;
            return Ok(None);
        }
        let Some(kind) = Kind::parse(kind) else {
            return Err(self.corrupt(format!("there is no record of kind {kind}")));
        };
        let record = Record { kind, key: key.to_vec(), value: value.to_vec() };
        self.records += 1;
        self.offset += (FRAME_LEN + size) as u64;
        Ok(Some(record))
    }

    /// Reads all that is left. Answers how many bytes the file has.
    pub(in super::super) fn check(mut self) -> Result<u64, Error> {
        while self.next()?.is_some() {}
        Ok(self.offset)
    }

    fn check_end(&mut self, value: &[u8]) -> Result<(), Error> {
        if value != self.records.to_be_bytes() {
            return Err(self.corrupt(format!("not {} records were written", self.records)));
        }
        let more = self.input.read(&mut [0]).map_err(Error::io(&self.path))?;
        if more > 0 { Err(self.corrupt("something follows the end")) } else { Ok(()) }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.input.read_exact(buffer).map_err(|error| {
            let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
            if is_end {
                self.corrupt("the file is cut short")
            } else {
                Error::io(&self.path)(error)
            }
        })
    }

    fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::corrupt(&self.path, self.offset, what)
    }
}

/// Kind, key and value of a record.
fn split(body: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = body.split_first()?;
    let (key_len, rest) = rest.split_first_chunk()?;
    let key_len = usize::try_from(u32::from_be_bytes(*key_len)).ok()?;
    let (key, value) = rest.split_at_checked(key_len)?;
    Some((kind, key, value))
}

fn parse_header(bytes: &[u8; HEADER_LEN]) -> Option<Header> {
    let (fields, crc) = bytes.split_last_chunk()?;
    if crc32c::crc32c(fields) != u32::from_be_bytes(*crc) {
        return None;
    }
    let rest = fields.strip_prefix(MAGIC)?;
    let (store, rest) = rest.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (position, rest) = rest.split_first_chunk()?;
    let mark = rest.try_into().ok()?;
    Some(Header {
        identity: Identity { store: *store, epoch: u64::from_be_bytes(*epoch) },
        position: Position::new(u64::from_be_bytes(*position)),
        mark: Mark(u32::from_be_bytes(mark)),
    })
}
