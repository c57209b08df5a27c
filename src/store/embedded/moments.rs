//! Reads of one moment: no reader sees half of a commit, and hardly any keeps the
//! writer waiting.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::jid::RoomJid;

/// Rooms share this many shards. Our choice: enough that two rooms rarely meet.
const SHARDS: usize = 64;

/// How often a reader reads again because a commit came in between, before it takes the
/// lock. Our choice.
const READ_ATTEMPTS: usize = 3;

/// Tells readers of a room whether a commit came in between.
pub(super) struct Moments(Vec<Shard>);

#[derive(Default)]
struct Shard {
    /// Counts up when a write to one of the rooms begins and when it ends: odd in
    /// between.
    writes: AtomicU64,
    /// Held by writes, and by readers that writes came in between too often.
    lock: RwLock<()>,
}

impl Moments {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }

    fn shard(&self, room: &RoomJid) -> &Shard {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(room);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the length")]
        &self.0[index]
    }

    /// Reads a room without waiting; none if writes came in between too often.
    pub(super) fn try_read<T>(&self, room: &RoomJid, read: impl Fn() -> T) -> Option<T> {
        let writes = &self.shard(room).writes;
        for _ in 0..READ_ATTEMPTS {
            let before = writes.load(Ordering::SeqCst);
            if !before.is_multiple_of(2) {
                return None;
            }
            let result = read();
            if writes.load(Ordering::SeqCst) == before {
                return Some(result);
            }
        }
        None
    }

    /// Reads a room; waits for a write and keeps writes waiting if it must.
    pub(super) fn read<T>(&self, room: &RoomJid, read: impl Fn() -> T) -> T {
        self.try_read(room, &read).unwrap_or_else(|| {
            let _guard = self.shard(room).lock.read().unwrap_or_else(PoisonError::into_inner);
            read()
        })
    }

    /// Writes to a room. `write` must not panic.
    pub(super) fn write<T>(&self, room: &RoomJid, write: impl FnOnce() -> T) -> T {
        let shard = self.shard(room);
        let _guard = shard.lock.write().unwrap_or_else(PoisonError::into_inner);
        shard.writes.fetch_add(1, Ordering::SeqCst);
        let result = write();
        shard.writes.fetch_add(1, Ordering::SeqCst);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn no_reader_sees_half_of_a_write() {
        let room = RoomJid::parse("den@rooms.example").unwrap();
        let moments = Moments::new();
        let (a, b) = (AtomicU64::new(0), AtomicU64::new(0));
        let both = || (a.load(Ordering::SeqCst), b.load(Ordering::SeqCst));
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=20_000 {
                    moments.write(&room, || {
                        a.store(n, Ordering::SeqCst);
                        b.store(n, Ordering::SeqCst);
                    });
                }
            });
            loop {
                let (seen_a, seen_b) = moments.read(&room, both);
                assert_eq!(seen_a, seen_b);
                if seen_a == 20_000 {
                    break;
                }
            }
        });
    }

    #[test]
    fn a_reader_does_not_wait_for_a_write() {
        let room = RoomJid::parse("den@rooms.example").unwrap();
        let moments = Moments::new();
        moments.write(&room, || assert_eq!(moments.try_read(&room, || ()), None));
        assert_eq!(moments.try_read(&room, || ()), Some(()));
    }
}
