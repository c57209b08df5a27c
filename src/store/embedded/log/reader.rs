//! The log's reading end: durable records, by position, from any thread.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Error, Mark, Shared, Table, frame::Frames, segment::Segment, sync_dir};

/// How much to read from a file at a time, in bytes. Our choice: twice what a lookup passes as a
/// rule, so that it takes one read.
const READ_BYTES: usize = 64 << 10;

/// Reads what is durable, and nothing else. Clones are cheap and read the same log; each call may
/// wait for the disk.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A record, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position: one more than that of the record before it.
    pub position: u64,
    /// Its checksum.
    pub mark: Mark,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// What a segment holds that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Position of its first record, also if that is still to come.
    pub first_position: u64,
    /// Position of its last record; `first_position - 1` if it holds none.
    pub last_position: u64,
    /// Its length, in bytes.
    pub bytes: u64,
    /// The file.
    pub path: PathBuf,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The position and mark of the last record: 0 and [`Mark::ORIGIN`] before the first.
    pub fn head(&self) -> (u64, Mark) {
        self.shared.read().head
    }

    /// The position after which every record is kept: 0 while none was dropped.
    pub fn floor(&self) -> u64 {
        self.shared.read().floor()
    }

    /// The mark of the record at `position`, and [`Mark::ORIGIN`] for 0; none if no such record is
    /// kept. Of what the log goes on from, the mark is known as long as its first record is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if the record is damaged; [`Error::Io`].
    pub fn mark_at(&self, position: u64) -> Result<Option<Mark>, Error> {
        if position == 0 {
            return Ok(Some(Mark::ORIGIN));
        }
        let part = {
            let table = self.shared.read();
            let (head, mark) = table.head;
            if position == head {
                return Ok(Some(mark));
            }
            if position == table.base.0 && position == table.floor() {
                return Ok(Some(table.base.1));
            }
            table.part_of(position)
        };
        let Some(part) = part else { return Ok(None) };

        let mut frames = part.frames();
        frames.skip_to(position)?;
        Ok(frames.read_next()?.map(|frame| frame.mark))
    }

    /// Reads the records after `position`, oldest first: at most `max_records`, of at most
    /// `max_bytes` of payload together, but always at least one if there is any.
    ///
    /// # Errors
    ///
    /// [`Error::Expired`] if a record after `position` is not kept any more. [`Error::Corrupt`] if
    /// one that belongs into the answer is damaged, also when others before it are good.
    /// [`Error::Io`].
    pub fn read_after(
        &self,
        position: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, Error> {
        let floor = self.floor();
        if position < floor {
            return Err(Error::Expired { floor });
        }

        let mut records = Vec::new();
        let mut bytes_left = max_bytes;
        let mut last = position;
        while let Some(part) = self.part_after(last) {
            let mut frames = part.frames();
            frames.skip_to(last + 1)?;
            while let Some(frame) = frames.read_next()? {
                let bytes = frame.payload.len();
                if !records.is_empty() && bytes > bytes_left {
                    return Ok(records);
                }
                bytes_left = bytes_left.saturating_sub(bytes);
                last = frame.position;
                records.push(Record {
                    position: last,
                    mark: frame.mark,
                    payload: frame.payload.to_vec(),
                });
                if records.len() >= max_records {
                    return Ok(records);
                }
            }
        }
        Ok(records)
    }

    /// Drops the segments all of whose records stand at `position` or before, oldest first. The
    /// last segment stays in any case. Answers how many bytes that was. Reads that are under way
    /// end well.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be removed. It and those after it are then still there, and
    /// no longer read.
    pub fn drop_through(&self, position: u64) -> Result<u64, Error> {
        let dropped: Vec<_> = {
            let segments = &mut self.shared.write().segments;
            let full = segments.len().saturating_sub(1);
            let old = segments.iter().take(full).take_while(|it| it.last <= position).count();
            segments.drain(..old).collect()
        };
        let mut bytes = 0;
        for segment in &dropped {
            fs::remove_file(&segment.path).map_err(Error::io(&segment.path))?;
            // Each before the next: a power cut must not leave a gap.
            if let Some(dir) = segment.path.parent() {
                sync_dir(dir)?;
            }
            bytes += segment.end;
        }
        Ok(bytes)
    }

    /// All segments, oldest first. The last one is being written.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let info = |segment: &Segment| SegmentInfo {
            first_position: segment.first,
            last_position: segment.last,
            bytes: segment.end,
            path: segment.path.to_path_buf(),
        };
        self.shared.read().segments.iter().map(info).collect()
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.shared.read().segments.len()
    }

    fn part_after(&self, position: u64) -> Option<Part> {
        let table = self.shared.read();
        if position < table.head.0 { table.part_of(position + 1) } else { None }
    }
}

impl Table {
    fn floor(&self) -> u64 {
        self.segments.first().map_or(0, |segment| segment.first - 1)
    }

    /// Where to look for the record at `position`, if there is one.
    fn part_of(&self, position: u64) -> Option<Part> {
        let segment =
            self.segments.get(self.segments.partition_point(|segment| segment.last < position))?;
        if position < segment.first {
            return None;
        }
        let (near, offset) = segment.near(position);
        let (path, file) = (Arc::clone(&segment.path), Arc::clone(&segment.file));
        Some(Part { path, file, offset, position: near, end: segment.end })
    }
}

/// The durable end of a segment, from a record on: enough to read it without the table's lock.
struct Part {
    path: Arc<Path>,
    file: Arc<File>,
    /// Where the first record begins, in bytes, and its position.
    offset: u64,
    position: u64,
    /// Where the last record ends, in bytes.
    end: u64,
}

impl Part {
    fn frames(&self) -> Frames<'_> {
        Frames::new(&self.file, &self.path, self.offset, self.position, self.end, READ_BYTES)
    }
}
