//! A record as bytes: writing one, and reading a run of them back, each checked.

use crate::planted::{self, Bug};
use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use super::{Error, Mark};

/// Bytes before the payload.
pub(super) const HEADER_LEN: usize = 24;

/// What stands before a payload; drawn in the docs of [`super`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) len: u32,
    pub(super) crc: u32,
    pub(super) position: u64,
    pub(super) synced: u64,
}

impl Header {
    /// Reads the header that `bytes` begin with; none if they are too few. Nothing is checked.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (len, bytes) = bytes.split_first_chunk()?;
        let (crc, bytes) = bytes.split_first_chunk()?;
        let (position, bytes) = bytes.split_first_chunk()?;
        let (synced, _) = bytes.split_first_chunk()?;
        Some(Self {
            len: u32::from_be_bytes(*len),
            crc: u32::from_be_bytes(*crc),
            position: u64::from_be_bytes(*position),
            synced: u64::from_be_bytes(*synced),
        })
    }

    /// The checksum that a frame of this header and payload has to carry.
    pub(super) fn checksum(&self, payload: &[u8]) -> u32 {
        let crc = crc32c::crc32c(&self.len.to_be_bytes());
        let crc = crc32c::crc32c_append(crc, &self.position.to_be_bytes());
        let crc = crc32c::crc32c_append(crc, &self.synced.to_be_bytes());
        crc32c::crc32c_append(crc, payload)
    }
}

/// Appends a frame to `buffer`. `len` is the payload's length, which the caller has found to be
/// allowed.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    position: u64,
    synced: u64,
    len: u32,
    payload: &[u8],
) -> Mark {
    let header = Header { len, crc: 0, position, synced };
    let crc = header.checksum(payload);
    buffer.extend_from_slice(&len.to_be_bytes());
    buffer.extend_from_slice(&crc.to_be_bytes());
    buffer.extend_from_slice(&position.to_be_bytes());
    buffer.extend_from_slice(&synced.to_be_bytes());
    buffer.extend_from_slice(payload);
    Mark(crc)
}

/// A good record as it stands in a segment.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Where it begins in the file, in bytes.
    pub(super) offset: u64,
    pub(super) position: u64,
    pub(super) synced: u64,
    pub(super) mark: Mark,
    pub(super) payload: &'a [u8],
}

/// Reads the frames of a part of a segment, in order.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    file: &'a File,
    path: &'a Path,
    /// Where the next frame begins, and the position it has to have.
    offset: u64,
    position: u64,
    /// Where the last frame ends.
    end: u64,
    /// Read ahead: what is past the first `used` bytes of it begins at `offset`.
    buffer: Vec<u8>,
    used: usize,
    /// How much to read at a time, in bytes; a longer frame is read at once.
    chunk_bytes: usize,
}

impl<'a> Frames<'a> {
    /// The frames from byte `offset`, where the record of `position` begins, to byte `end`.
    pub(super) fn new(
        file: &'a File,
        path: &'a Path,
        offset: u64,
        position: u64,
        end: u64,
        chunk_bytes: usize,
    ) -> Self {
        Self { file, path, offset, position, end, buffer: Vec::new(), used: 0, chunk_bytes }
    }

    /// Reads the next record; none at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if what stands there is not the record that belongs there, whole;
    /// [`Error::Io`].
    pub(super) fn read_next(&mut self) -> Result<Option<Frame<'_>>, Error> {
        let Some((header, len)) = self.read_header()? else { return Ok(None) };
        let offset = self.offset;

        self.fill(len)?;
        let start = self.used;
        self.advance(len);
        let (frame, _) = self.buffer.split_at(start + len);
        let (_, payload) = frame.split_at(start + HEADER_LEN);
        let is_checked = !planted::has(Bug::ChecksumsIgnored);
        if is_checked && header.checksum(payload) != header.crc {
            return Err(Error::corrupt(self.path, offset, "the record's checksum does not match"));
        }
        let Header { position, synced, crc, .. } = header;
        Ok(Some(Frame { offset, position, synced, mark: Mark(crc), payload }))
    }

    /// Moves on to the record of `position`, or to the end. What it passes is not checked, beyond
    /// being in its place.
    ///
    /// # Errors
    ///
    /// As [`read_next`](Self::read_next).
    pub(super) fn skip_to(&mut self, position: u64) -> Result<(), Error> {
        while self.position < position
            && let Some((_, len)) = self.read_header()?
        {
            self.advance(len);
        }
        Ok(())
    }

    /// The next frame's header, fit for its place, and the whole frame's length in bytes; none at
    /// the end.
    fn read_header(&mut self) -> Result<Option<(Header, usize)>, Error> {
        let left = self.end - self.offset;
        if left == 0 {
            return Ok(None);
        }
        self.fill(HEADER_LEN.min(usize::try_from(left).unwrap_or(HEADER_LEN)))?;
        let (_, bytes) = self.buffer.split_at(self.used);
        let bad = |what| Err(Error::corrupt(self.path, self.offset, what));
        let Some(header) = Header::parse(bytes) else {
            return bad(format!("the last {left} bytes are too few for a record"));
        };
        let Header { position, synced, .. } = header;
        if position != self.position {
            return bad(format!("position {position} stands where {} belongs", self.position));
        }
        if synced >= position {
            return bad(format!(
                "the record of position {position} claims that {synced} was durable before it"
            ));
        }
        match usize::try_from(header.len).ok().and_then(|len| len.checked_add(HEADER_LEN)) {
            Some(len) if len as u64 <= left => Ok(Some((header, len))),
            _ => bad(format!(
                "a record of {} bytes does not fit into the {left} that are left",
                header.len
            )),
        }
    }

    /// Passes `len` bytes of the file, which are the next frame.
    fn advance(&mut self, len: usize) {
        self.offset += len as u64;
        self.position += 1;
        self.used += len;
        if self.used > self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        }
    }

    /// Has at least `len` bytes from `offset` on in the buffer; the caller knows that they are
    /// before the end.
    fn fill(&mut self, len: usize) -> Result<(), Error> {
        if self.buffer.len() - self.used >= len {
            return Ok(());
        }
        self.buffer.drain(..self.used);
        self.used = 0;
        let have = self.buffer.len();
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        self.buffer.resize(len.max(self.chunk_bytes).min(left), 0);
        let (_, missing) = self.buffer.split_at_mut(have);
        self.file.read_exact_at(missing, self.offset + have as u64).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                Error::corrupt(
                    self.path,
                    self.offset,
                    format!("the file ends before byte {}", self.end),
                )
            } else {
                Error::io(self.path)(error)
            }
        })
    }
}
