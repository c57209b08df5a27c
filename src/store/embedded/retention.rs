//! How far back the log is shown to watchers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
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
/// whole segments. The segments stay on disk until a checkpoint covers them.
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
    /// The floor at a time, if it was computed just before and no segment has come since.
    pub(super) fn known(&self, history: &History, now: Timestamp) -> Option<Position> {
        let computed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = computed.at.is_some_and(|at| at <= now && now.since(at) < FLOOR_AGE_MAX);
        (fresh && computed.segments == history.segment_count()).then_some(computed.floor)
    }

    /// Computes the floor at a time. Reads the log.
    ///
    /// # Errors
    ///
    /// As reading the log.
    pub(super) fn compute(
        &self,
        history: &History,
        retention: Retention,
        now: Timestamp,
    ) -> Result<Position, Error> {
        // Reading goes on without the lock: who finds the floor known does not wait.
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).ended.clone();
        let segments = history.segments();
        let floor = floor(history, &segments, retention, now, &mut ended)?;
        let computed = Computed { floor, at: Some(now), segments: segments.len(), ended };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = computed;
        Ok(floor)
    }
}

/// The floor that a retention makes at a time. Reads the log.
///
/// # Errors
///
/// As reading the log.
pub(super) fn floor_of(
    history: &History,
    retention: Retention,
    now: Timestamp,
) -> Result<Position, Error> {
    floor(history, &history.segments(), retention, now, &mut HashMap::new())
}

fn floor(
    history: &History,
    segments: &[SegmentInfo],
    retention: Retention,
    now: Timestamp,
    ended: &mut HashMap<u64, Timestamp>,
) -> Result<Position, Error> {
    let oldest = now.saturating_sub(retention.age);
    // The segment that is being written to stays, whatever its size.
    let Some((last, full)) = segments.split_last() else { return Ok(Position::START) };
    let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    for segment in full {
        let first = segment.first_position;
        let ended = match ended.entry(first) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                *entry.insert(history.at(Position::new(segment.last_position))?.commit.time)
            }
        };
        if bytes <= retention.bytes && ended >= oldest {
            return Ok(Position::new(first).previous());
        }
        bytes -= segment.bytes;
    }
    Ok(Position::new(last.first_position).previous())
}
