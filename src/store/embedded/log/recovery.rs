//! Opening a log: every record is checked, what a crash tore is cut off, and damage is told from a
//! tear.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Error, Identity, Mark,
    frame::{self, Frames},
    segment::{self, Segment},
    sync_dir,
};

/// How much to read from a file at a time, in bytes. Our choice: large enough for a disk's full
/// speed.
const SCAN_BYTES: usize = 1 << 20;

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A position that was durable: a log that ends before it has lost records. 0 if none is known.
    pub durable: u64,
    /// A position up to which records are not needed, and its mark: 0 and [`Mark::ORIGIN`] if all
    /// are. A log that begins later than right after it has lost records.
    pub base: (u64, Mark),
}

impl Default for Known {
    /// Nothing: all records are needed, however many there are.
    fn default() -> Self {
        Self { durable: 0, base: (0, Mark::ORIGIN) }
    }
}

/// What opening a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Records kept.
    pub records: u64,
    /// Length of all segments together, in bytes.
    pub bytes: u64,
    /// What a crash had left unfinished, and opening cut off.
    pub cut: Option<Cut>,
}

/// The end of a file, or all of it, that was cut off. Nothing in the log says that any of it was
/// ever durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file; it is removed if `offset` is 0.
    pub file: PathBuf,
    /// From where on, in bytes.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// A log whose every record is good, durable and listed.
#[derive(Debug)]
pub(super) struct Recovered {
    /// All segments but the last, oldest first.
    pub(super) sealed: Vec<Segment>,
    pub(super) last: Segment,
    /// Position and mark of the last record.
    pub(super) head: (u64, Mark),
    pub(super) recovery: Recovery,
}

/// Reads the log in `dir`, and mends what a crash left of it.
///
/// # Errors
///
/// Those of [`Log::open`](super::Log::open).
pub(super) fn recover(dir: &Path, identity: Identity, known: Known) -> Result<Recovered, Error> {
    read(dir, identity, known, Access::Mend)
}

/// As [`recover`], but only reads.
pub(super) fn inspect(dir: &Path, identity: Identity, known: Known) -> Result<Recovered, Error> {
    read(dir, identity, known, Access::Read)
}

/// What may be done to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Mend,
}

fn read(dir: &Path, identity: Identity, known: Known, access: Access) -> Result<Recovered, Error> {
    let firsts = segment::list(dir)?;
    let Some((&last_first, sealed_firsts)) = firsts.split_last() else {
        return Err(Error::corrupt(dir, 0, "the log holds no segment"));
    };
    let (base, _) = known.base;
    if let Some(&first) = firsts.first()
        && first > base + 1
    {
        let what = format!("the log begins at position {first}, but {} is needed", base + 1);
        return Err(Error::corrupt(&dir.join(segment::file_name(first)), 0, what));
    }

    let mut sealed = Vec::with_capacity(firsts.len());
    let mut head = None;
    for &first in sealed_firsts {
        let file = SegmentFile::open(dir, first, head, access)?;
        file.check_header(identity)?;
        let scan = file.scan()?;
        if let Some(what) = scan.bad {
            return Err(Error::corrupt(&scan.segment.path, scan.segment.end, what));
        }
        head = Some(scan.head(head, known.base)?);
        sealed.push(scan.segment);
    }

    let file = SegmentFile::open(dir, last_first, head, access)?;
    let (last, head, cut) = match (file.check_header(identity), head, sealed.pop()) {
        // A crash came while this segment was begun, when everything before it was durable.
        (Err(Error::Corrupt { .. }), Some(head), Some(previous))
            if file.len <= segment::HEADER_LEN =>
        {
            check_durable(&previous, head, known.durable)?;
            (previous, head, Some(file.remove(access)?))
        }
        (checked, before, previous) => {
            checked?;
            sealed.extend(previous);
            let scan = file.scan()?;
            scan.check_tear()?;
            let head = scan.head(before, known.base)?;
            check_durable(&scan.segment, head, known.durable)?;
            let cut = scan.cut();
            if access == Access::Mend {
                scan.mend()?;
            }
            (scan.segment, head, cut)
        }
    };
    if access == Access::Mend {
        sync_dir(dir)?;
    }

    let (mut records, mut bytes) = (0, 0);
    for segment in sealed.iter().chain([&last]) {
        records += segment.last + 1 - segment.first;
        bytes += segment.end;
    }
    Ok(Recovered { sealed, last, head, recovery: Recovery { records, bytes, cut } })
}

/// Refuses a log that ends, with `last`, before a position known to have been durable.
fn check_durable(last: &Segment, head: (u64, Mark), durable: u64) -> Result<(), Error> {
    if durable > head.0 {
        let what = format!("the log ends at position {}, but {durable} was durable", head.0);
        return Err(Error::corrupt(&last.path, last.end, what));
    }
    Ok(())
}

/// A file by a segment's name, not yet read.
struct SegmentFile {
    path: PathBuf,
    file: File,
    first: u64,
    /// In bytes.
    len: u64,
}

impl SegmentFile {
    /// Opens the segment of `first`, which has to be the position after `head`, if the log has
    /// records before it.
    fn open(
        dir: &Path,
        first: u64,
        head: Option<(u64, Mark)>,
        access: Access,
    ) -> Result<Self, Error> {
        let path = dir.join(segment::file_name(first));
        if let Some((last, _)) = head
            && first != last + 1
        {
            let what = format!(
                "the segment begins at position {first}, but the one before it ends at {last}"
            );
            return Err(Error::corrupt(&path, 0, what));
        }
        let may_write = access == Access::Mend;
        let file = File::options().read(true).write(may_write).open(&path);
        let file = file.map_err(Error::io(&path))?;
        let len = file.metadata().map_err(Error::io(&path))?.len();
        Ok(Self { path, file, first, len })
    }

    fn check_header(&self, identity: Identity) -> Result<(), Error> {
        segment::check_header(&self.file, &self.path, identity, self.first)
    }

    fn remove(self, access: Access) -> Result<Cut, Error> {
        if access == Access::Mend {
            fs::remove_file(&self.path).map_err(Error::io(&self.path))?;
        }
        Ok(Cut { file: self.path, offset: 0, bytes: self.len })
    }

    /// Reads all records, up to the first bad one.
    fn scan(self) -> Result<Scan, Error> {
        let Self { path, file, first, len } = self;
        let mut segment = Segment::new(path.into(), file, first);
        let (path, file) = (Arc::clone(&segment.path), Arc::clone(&segment.file));
        let mut frames = Frames::new(&file, &path, segment.end, first, len, SCAN_BYTES);
        let mut batch = None;
        let mut mark = None;
        let bad = loop {
            match frames.read_next() {
                Ok(Some(frame)) => {
                    // All records of a batch have the same `synced`, and no other batch has it.
                    if batch.is_none_or(|(synced, _)| synced != frame.synced) {
                        batch = Some((frame.synced, frame.offset));
                    }
                    mark = Some(frame.mark);
                    segment.push((frame::HEADER_LEN + frame.payload.len()) as u64);
                }
                Ok(None) => break None,
                Err(Error::Corrupt { what, .. }) => break Some(what),
                Err(error) => return Err(error),
            }
        };
        Ok(Scan { segment, len, mark, unproven: batch.map_or(0, |(_, offset)| offset), bad })
    }
}

/// What reading a segment from end to end found.
struct Scan {
    /// The good records.
    segment: Segment,
    /// The file's length, in bytes: that of the good records, unless one is bad.
    len: u64,
    /// Mark of the last good record.
    mark: Option<Mark>,
    /// From where on nothing in the file says that it was durable, in bytes: the last batch; the
    /// header if there is none.
    unproven: u64,
    /// What is wrong with the record after the good ones.
    bad: Option<String>,
}

impl Scan {
    /// The last record up to here, if `before` is the last one of the segments before.
    fn head(&self, before: Option<(u64, Mark)>, base: (u64, Mark)) -> Result<(u64, Mark), Error> {
        match (self.mark, before) {
            (Some(mark), _) => Ok((self.segment.last, mark)),
            (None, Some(before)) => Ok(before),
            (None, None) if self.segment.first == base.0 + 1 => Ok(base),
            (None, None) if self.segment.first == 1 => Ok((0, Mark::ORIGIN)),
            (None, None) => {
                let what = "the log's first segment holds no record, and is not the one that is \
                            needed first";
                Err(Error::corrupt(&self.segment.path, self.segment.end, what))
            }
        }
    }

    /// Refuses a bad record that a later one proves to have been durable, so that no crash tore it.
    ///
    /// Frames are looked for at every byte, since the bad record's length says nothing. What is
    /// left of the file is read into memory at once: it is at most a segment, and this is rare.
    fn check_tear(&self) -> Result<(), Error> {
        let Some(what) = &self.bad else { return Ok(()) };
        let Segment { path, file, last, end, .. } = &self.segment;
        let bad = last + 1;
        let mut rest = vec![0; usize::try_from(self.len - end).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut rest, *end).map_err(Error::io(path))?;

        for at in 1..rest.len() {
            let (_, bytes) = rest.split_at(at);
            let Some(header) = frame::Header::parse(bytes) else { break };
            // From `bad` on, each record before this one takes at least a header.
            let position_max = bad + (at / frame::HEADER_LEN) as u64;
            if !(bad..header.position).contains(&header.synced) || header.position > position_max {
                continue;
            }
            let payload = usize::try_from(header.len)
                .ok()
                .and_then(|len| bytes.get(frame::HEADER_LEN..)?.get(..len));
            if payload.is_some_and(|payload| header.checksum(payload) == header.crc) {
                let what = format!(
                    "{what}; it was durable, says the record of position {} at byte {}",
                    header.position,
                    end + at as u64,
                );
                return Err(Error::corrupt(path, *end, what));
            }
        }
        Ok(())
    }

    /// What is behind the good records.
    fn cut(&self) -> Option<Cut> {
        let Segment { path, end, .. } = &self.segment;
        let bytes = self.len - end;
        (bytes > 0).then(|| Cut { file: path.to_path_buf(), offset: *end, bytes })
    }

    /// Cuts off what is behind the good records, and makes these durable.
    fn mend(&self) -> Result<(), Error> {
        let Segment { path, file, end, .. } = &self.segment;
        if self.len > *end {
            file.set_len(*end).map_err(Error::io(path))?;
        }
        self.rewrite_unproven().map_err(Error::io(path))?;
        file.sync_all().map_err(Error::io(path))
    }

    /// Writes the last batch over itself. A sync before the crash may have failed, and the kernel
    /// then takes pages for clean that it never wrote: only what is written anew is sure to reach
    /// the disk.
    fn rewrite_unproven(&self) -> io::Result<()> {
        let Segment { file, end, .. } = &self.segment;
        let mut buffer = Vec::new();
        let mut offset = self.unproven;
        while offset < *end {
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            buffer.resize(left.min(SCAN_BYTES), 0);
            file.read_exact_at(&mut buffer, offset)?;
            file.write_all_at(&buffer, offset)?;
            offset += buffer.len() as u64;
        }
        Ok(())
    }
}
