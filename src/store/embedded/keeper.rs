//! Keeps the checkpoint near the log's end, and drops what is no longer needed of the
//! log. A thread of its own: writes and reads go on meanwhile.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::checkpoint::{Advance, Last, STEP_BYTES};
use super::directory::DataDir;
use super::documents::Documents;
use super::history::History;
use super::retention::{self, Floor};
use super::space;
use crate::commit::Position;
use crate::store::{Checkpoint, Error, Options, Retention};

/// How many callers wait for a checkpoint at most. Full: they are refused.
const QUEUE_LEN: usize = 16;

/// What the keeper is asked to do.
enum Work {
    /// Take a checkpoint if enough was logged since the last.
    TakeIfDue,
    /// Take one that includes what is durable by now, and open it.
    Take { reply: oneshot::Sender<Result<Checkpoint, Error>> },
}

/// Asks the keeper. The keeper ends when all of these are dropped.
#[derive(Clone)]
pub(super) struct Handle {
    work: mpsc::SyncSender<Work>,
    growth: Arc<Growth>,
}

/// How far the log has outgrown the checkpoint.
struct Growth {
    /// Bytes of commits since the checkpoint.
    logged: AtomicU64,
    /// At how many the next one is due.
    due: AtomicU64,
    /// The last checkpoint.
    last: Mutex<Last>,
    /// Whether the keeper is to give up what it is doing.
    hurry: AtomicBool,
}

impl Handle {
    /// Says that so many bytes of commits were logged.
    pub(super) fn logged(&self, bytes: usize) {
        let before = self.growth.logged.fetch_add(bytes as u64, Ordering::Relaxed);
        if before + bytes as u64 >= self.growth.due.load(Ordering::Relaxed) {
            // If the queue is full, the keeper is at it.
            _ = self.work.try_send(Work::TakeIfDue);
        }
    }

    /// Has the keeper give up what it is doing: the checkpoint stays the one it was.
    pub(super) fn hurry(&self) {
        self.growth.hurry.store(true, Ordering::Relaxed);
    }

    /// The last checkpoint; at the start, without a byte, if there is none.
    pub(super) fn last(&self) -> Last {
        *self.growth.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a checkpoint of all that is durable, drops what it covers of the log, and
    /// opens it.
    pub(super) async fn take(&self) -> Result<Checkpoint, Error> {
        let (reply, answer) = oneshot::channel();
        self.work.try_send(Work::Take { reply }).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Error::Overloaded,
            mpsc::TrySendError::Disconnected(_) => Error::Unavailable(Box::new(error)),
        })?;
        answer.await.map_err(|error| Error::Unavailable(error.into()))?
    }
}

/// The keeper's own state.
pub(super) struct Keeper {
    pub(super) directory: DataDir,
    pub(super) documents: Arc<Documents>,
    pub(super) history: History,
    pub(super) floor: Arc<Floor>,
    pub(super) options: Options,
    /// How many bytes of commits a checkpoint waits for at least.
    pub(super) checkpoint_bytes: u64,
    /// How many bytes of the disk a checkpoint leaves free.
    pub(super) min_free_bytes: u64,
    pub(super) last: Last,
}

impl Keeper {
    /// Makes the handle of a keeper that is then to be run.
    pub(super) fn handle(&self) -> (Handle, Queue) {
        let (work, queue) = mpsc::sync_channel(QUEUE_LEN);
        let logged = self.history.bytes_after(self.last.position);
        let growth = Arc::new(Growth {
            logged: AtomicU64::new(logged),
            due: AtomicU64::new(self.checkpoint_bytes.max(self.last.bytes)),
            last: Mutex::new(self.last),
            hurry: AtomicBool::new(false),
        });
        (Handle { work, growth: Arc::clone(&growth) }, Queue { work: queue, growth })
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, queue: Queue) {
        let Queue { work, growth } = queue;
        while let Ok(work) = work.recv() {
            match work {
                Work::TakeIfDue => {
                    let logged = growth.logged.load(Ordering::Relaxed);
                    if logged >= growth.due.load(Ordering::Relaxed)
                        && let Err(error) = self.take(&growth)
                        && !growth.hurry.load(Ordering::Relaxed)
                    {
                        let error = crate::error::chain(&error);
                        tracing::error!(
                            error,
                            "failed to take a checkpoint: the log goes on growing"
                        );
                        growth.due.store(logged + self.checkpoint_bytes, Ordering::Relaxed);
                    }
                }
                Work::Take { reply } => {
                    let taken = self.take(&growth).and_then(|dropped| self.open(dropped));
                    _ = reply.send(taken);
                }
            }
        }
    }

    fn open(&self, deleted_log_bytes: u64) -> Result<Checkpoint, Error> {
        let file = File::open(self.directory.checkpoint());
        let file = file.map_err(|error| Error::Unavailable(Box::new(error)))?;
        let Last { position, bytes } = self.last;
        Ok(Checkpoint { file, position, bytes, deleted_log_bytes })
    }

    /// Takes a checkpoint of all that is durable, then drops what it covers of the log.
    /// Answers how many bytes that was.
    fn take(&mut self, growth: &Growth) -> Result<u64, Error> {
        let started = Instant::now();
        let logged = growth.logged.load(Ordering::Relaxed);
        let (head, _) = self.history.head();
        let from = self.last.position;
        if self.is_behind(head) {
            self.check_room(logged)?;
        }
        let advance = Advance {
            directory: &self.directory,
            history: &self.history,
            forget_before: (self.options.clock)().saturating_sub(self.options.request_id_ttl),
            is_given_up: &growth.hurry,
        };
        while self.is_behind(head) {
            let changes = advance.changes(self.last.position, STEP_BYTES)?;
            self.last = advance.write(changes)?;
            *growth.last.lock().unwrap_or_else(PoisonError::into_inner) = self.last;
        }
        growth.logged.fetch_sub(logged, Ordering::Relaxed);
        growth.due.store(self.checkpoint_bytes.max(self.last.bytes), Ordering::Relaxed);
        // sled then has no less than the checkpoint, whenever this process ends.
        self.documents.flush()?;
        let dropped = self.drop_old()?;
        tracing::info!(
            position = head.get(),
            commits = head.get() - from.get(),
            bytes = self.last.bytes,
            dropped,
            seconds = started.elapsed().as_secs_f64(),
            "took a checkpoint",
        );
        Ok(dropped)
    }

    /// Whether the checkpoint is not one of all up to a position.
    fn is_behind(&self, head: Position) -> bool {
        self.last.position < head || !self.directory.checkpoint().exists()
    }

    /// Refuses a checkpoint that would take the room that writes need. It may become larger
    /// than the last one by what was logged since.
    fn check_room(&self, logged: u64) -> Result<(), Error> {
        let free = space::free_bytes(self.directory.path());
        let free = free.map_err(|error| Error::Unavailable(Box::new(error)))?;
        let needed = self.last.bytes + logged + self.min_free_bytes;
        if free < needed { Err(Error::DiskFull) } else { Ok(()) }
    }

    /// Drops segments that neither the checkpoint, nor a watcher, nor a request that is
    /// sent again may need. Answers how many bytes that was.
    fn drop_old(&self) -> Result<u64, Error> {
        let now = (self.options.clock)();
        let watched = self.floor.compute(&self.history, self.options.retention, now)?;
        let young = Retention { age: self.options.request_id_ttl, bytes: u64::MAX };
        let replayed = retention::floor_of(&self.history, young, now)?;
        // The last commit before what is watched stays: its mark tells whose token it is.
        let watched = watched.previous();
        self.history.drop_through(watched.min(replayed).min(self.last.position))
    }
}

/// What a keeper is asked through its handles.
pub(super) struct Queue {
    work: mpsc::Receiver<Work>,
    growth: Arc<Growth>,
}
