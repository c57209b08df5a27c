//! How far back the log is shown to watchers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::history::History;
use super::log::SegmentInfo;
use crate::commit::Position;
use crate::store::{Error, Retention};
use crate::time::Timestamp;

/// How old a computed floor may be. Our choice: retention is counted in hours.
const FLOOR_AGE_MAX: Duration = Duration::from_secs(1);

/// The floor of the history: what is at or below it is no longer shown. It moves by
/// whole segments. The segments stay on disk: the state is made again from them.
#[derive(Default)]
pub(super) struct Floor(Mutex<Computed>);

#[derive(Default)]
struct Computed {
    floor: Position,
    at: Option<Timestamp>,
    segments: usize,
    /// When the last commit of a full segment was made, by first position.
    ended: HashMap<u64, Timestamp>,
}

impl Floor {
    /// The floor at a time.
    ///
    /// # Errors
    ///
    /// As reading the log.
    pub(super) fn at(
        &self,
        history: &History,
        retention: Retention,
        now: Timestamp,
    ) -> Result<Position, Error> {
        let mut computed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = computed.at.is_some_and(|at| at <= now && now.since(at) < FLOOR_AGE_MAX);
        if !fresh || computed.segments != history.segment_count() {
            let segments = history.segments();
            computed.floor = computed.compute(history, &segments, retention, now)?;
            computed.at = Some(now);
            computed.segments = segments.len();
        }
        Ok(computed.floor)
    }
}

impl Computed {
    fn compute(
        &mut self,
        history: &History,
        segments: &[SegmentInfo],
        retention: Retention,
        now: Timestamp,
    ) -> Result<Position, Error> {
        let oldest = now.saturating_sub(retention.age);
        // The segment that is being written to stays, whatever its size.
        let Some((_, full)) = segments.split_last() else { return Ok(Position::START) };
        let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        for segment in full {
            let expired = bytes > retention.bytes || self.ended(history, segment)? < oldest;
            if !expired {
                return Ok(Position::new(segment.first_position).previous());
            }
            bytes -= segment.bytes;
        }
        let last = segments.last().map_or(1, |segment| segment.first_position);
        Ok(Position::new(last).previous())
    }

    fn ended(&mut self, history: &History, segment: &SegmentInfo) -> Result<Timestamp, Error> {
        if let Some(ended) = self.ended.get(&segment.first_position) {
            return Ok(*ended);
        }
        let ended = history.at(Position::new(segment.last_position))?.commit.time;
        self.ended.insert(segment.first_position, ended);
        Ok(ended)
    }
}
