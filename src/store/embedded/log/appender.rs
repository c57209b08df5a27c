//! The log's writing end: a buffer of frames, one write and one `fdatasync` a batch.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Error, Identity, Mark, Options, Shared, frame,
    segment::{self, Segment},
};
use crate::planted::{self, Bug};

/// Memory that the buffer keeps from batch to batch, in bytes. Our choice: more than a busy batch
/// of commits takes.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// Appends records, batch by batch. There is one to a log; it belongs on the writer's thread, since
/// it waits for the disk.
///
/// What was appended and not synced when it is dropped was never there.
#[derive(Debug)]
pub struct Appender {
    shared: Arc<Shared>,
    dir: PathBuf,
    identity: Identity,
    pub(super) options: Options,
    /// Where the next batch goes: the last segment's file, and its end in bytes.
    path: Arc<Path>,
    pub(super) file: Arc<File>,
    end: u64,
    /// The last durable position.
    synced: u64,
    /// The batch: frames as they will be written, with the length of each, and the mark of the
    /// last.
    batch: Vec<u8>,
    frame_lens: Vec<u64>,
    mark: Mark,
    failed: bool,
}

impl Appender {
    /// Goes on at the end of `last`, the last segment of a log that is durable up to `head`.
    pub(super) fn new(
        shared: Arc<Shared>,
        dir: PathBuf,
        identity: Identity,
        options: Options,
        last: &Segment,
        head: (u64, Mark),
    ) -> Self {
        let (synced, mark) = head;
        Self {
            shared,
            dir,
            identity,
            options,
            path: Arc::clone(&last.path),
            file: Arc::clone(&last.file),
            end: last.end,
            synced,
            batch: Vec::new(),
            frame_lens: Vec::new(),
            mark,
            failed: false,
        }
    }

    /// The position of the last record appended, synced or not; 0 before the first.
    pub fn position(&self) -> u64 {
        self.synced + self.frame_lens.len() as u64
    }

    /// Adds a record to the batch, at the position after the last. Nothing is written before
    /// [`sync`](Self::sync).
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the payload is over [`Options::record_bytes_max`]: the batch stays as
    /// it was. [`Error::Failed`] after a sync that failed.
    pub fn append(&mut self, payload: &[u8]) -> Result<Mark, Error> {
        if self.failed {
            return Err(Error::Failed);
        }
        let max = self.options.record_bytes_max;
        let len = match u32::try_from(payload.len()) {
            Ok(len) if len <= max => len,
            _ => return Err(Error::TooLarge { len: payload.len(), max }),
        };

        let start = self.batch.len();
        let position = self.position() + 1;
        self.mark = frame::encode(&mut self.batch, position, self.synced, len, payload);
        self.frame_lens.push((self.batch.len() - start) as u64);
        Ok(self.mark)
    }

    /// Makes the batch durable, then visible to readers. An empty batch is nothing to do.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a file cannot be created, written or synced. Whether the batch is on disk
    /// is then unknown, and a second sync would not tell: the kernel forgets the pages it failed to
    /// write. So the appender never touches the file again, and every later call is
    /// [`Error::Failed`], until the log is opened anew.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Failed);
        }
        if self.frame_lens.is_empty() {
            return Ok(());
        }

        let written = self.write();
        self.failed = written.is_err();
        written?;

        self.publish();
        Ok(())
    }

    fn write(&mut self) -> Result<(), Error> {
        // A segment without records is never full: the next one would have its name.
        if self.end > segment::HEADER_LEN && self.end >= self.options.segment_bytes {
            self.roll()?;
        }
        self.file.write_all_at(&self.batch, self.end).map_err(Error::io(&self.path))?;
        if planted::has(Bug::AnswerBeforeSync) {
            return Ok(());
        }
        let synced = self.file.sync_data();
        if planted::has(Bug::SyncRetried) && synced.is_err() {
            return self.file.sync_data().map_err(Error::io(&self.path));
        }
        synced.map_err(Error::io(&self.path))
    }

    /// Begins the next segment, durably.
    fn roll(&mut self) -> Result<(), Error> {
        let next = Segment::create(&self.dir, self.identity, self.synced + 1)?;
        self.path = Arc::clone(&next.path);
        self.file = Arc::clone(&next.file);
        self.end = next.end;
        self.shared.write().segments.push(next);
        Ok(())
    }

    /// Shows readers the batch, which is durable, and begins the next one.
    fn publish(&mut self) {
        self.end += self.batch.len() as u64;
        self.synced = self.position();
        {
            let mut table = self.shared.write();
            if let Some(segment) = table.segments.last_mut() {
                self.frame_lens.iter().for_each(|len| segment.push(*len));
            }
            table.head = (self.synced, self.mark);
        }
        self.frame_lens.clear();
        self.batch.clear();
        self.batch.shrink_to(BUFFER_BYTES_KEPT);
    }
}
