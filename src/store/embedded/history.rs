//! The log as a history of commits.

use std::sync::Arc;

use super::log::{self, Reader, SegmentInfo};
use crate::commit::{Commit, Mark, Position};
use crate::store::{Entry, Error};

/// What the payload of a log record begins with.
const COMMIT_FORMAT: u8 = 1;

/// Every durable commit, by position. Clones are cheap and read the same log.
#[derive(Clone)]
pub(super) struct History(Reader);

impl History {
    pub(super) fn new(reader: Reader) -> Self {
        Self(reader)
    }

    /// The newest durable commit's position and mark.
    pub(super) fn head(&self) -> (Position, Mark) {
        let (position, mark) = self.0.head();
        (Position::new(position), mark)
    }

    /// The position up to which commits were dropped.
    pub(super) fn dropped(&self) -> Position {
        Position::new(self.0.floor())
    }

    /// The mark at a position; none if the log has none there.
    pub(super) fn mark_at(&self, position: Position) -> Result<Option<Mark>, Error> {
        self.0.mark_at(position.get()).map_err(unreadable)
    }

    /// The commits after a position, oldest first, about `bytes` of them but at least
    /// one unless the position is the head.
    pub(super) fn after(&self, position: Position, bytes: usize) -> Result<Vec<Entry>, Error> {
        let records = self.0.read_after(position.get(), usize::MAX, bytes).map_err(unreadable)?;
        let entries = records.into_iter().map(|record| {
            let commit = decode(&record.payload).ok_or_else(|| {
                let what = format!("the commit at position {} is damaged", record.position);
                Error::Corrupt(what.into())
            })?;
            let position = Position::new(record.position);
            Ok(Entry { position, mark: record.mark, commit: Arc::new(commit) })
        });
        entries.collect()
    }

    /// The commit at a position that a record refers to.
    pub(super) fn at(&self, position: Position) -> Result<Entry, Error> {
        let entry = self.after(position.previous(), 1)?.into_iter().next();
        entry.filter(|entry| entry.position == position).ok_or_else(|| {
            Error::Corrupt(format!("the log has no commit at position {}", position.get()).into())
        })
    }

    /// The files of the log, oldest first.
    pub(super) fn segments(&self) -> Vec<SegmentInfo> {
        self.0.segments()
    }

    /// About how many bytes the commits after a position take, or more.
    pub(super) fn bytes_after(&self, position: Position) -> u64 {
        let segments = self.0.segments().into_iter();
        let later = segments.filter(|segment| segment.last_position > position.get());
        later.map(|segment| segment.bytes).sum()
    }

    /// Drops whole files, the last excepted, all of whose commits stand at a position or
    /// before. Answers how many bytes that was.
    pub(super) fn drop_through(&self, position: Position) -> Result<u64, Error> {
        self.0.drop_through(position.get()).map_err(unreadable)
    }

    /// How many files the log has.
    pub(super) fn segment_count(&self) -> usize {
        self.0.segment_count()
    }
}

/// A commit as a log record holds it.
#[expect(clippy::expect_used, reason = "encoding into a vector has no way to fail")]
pub(super) fn encode(commit: &Commit) -> Vec<u8> {
    let mut payload = vec![COMMIT_FORMAT];
    minicbor::encode(commit, &mut payload).expect("a vector takes all bytes");
    payload
}

/// The commit that a log record holds; none if it holds none.
pub(super) fn decode(payload: &[u8]) -> Option<Commit> {
    match payload.split_first() {
        Some((&COMMIT_FORMAT, body)) => minicbor::decode(body).ok(),
        Some(_) | None => None,
    }
}

fn unreadable(error: log::Error) -> Error {
    match error {
        log::Error::Corrupt { .. } | log::Error::WrongStore { .. } => {
            Error::Corrupt(Box::new(error))
        }
        log::Error::Expired { .. } => Error::Expired,
        log::Error::Io { .. } | log::Error::TooLarge { .. } | log::Error::Failed => {
            Error::Unavailable(Box::new(error))
        }
    }
}
