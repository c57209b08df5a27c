//! A store of any engine, with a clock that tests set.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hatd::command::{Command, Refusal, Request};
use hatd::commit::{Position, RequestKey};
use hatd::hat::{Affiliation, Document, HatId};
use hatd::service::commit_len;
use hatd::store::embedded::{self, Embedded};
use hatd::store::memory::Memory;
use hatd::store::{Entry, Error, Maintenance as _, Options, Outcome, Store};
use tempfile::TempDir;

use super::commands::{DEN, affiliate, in_den, put_room, room, user};
use super::{at, reads};

/// What a harness can run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Memory,
    Embedded,
}

/// A wall clock that stands still until it is set.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Sets it, in seconds from the start of the tests' clocks.
    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// How a harness opens its store.
pub(crate) struct Setup {
    pub(crate) options: Options,
    pub(crate) segment_bytes: u64,
    pub(crate) checkpoint_bytes: u64,
}

/// A store that can be closed, killed and opened again.
pub(crate) struct Harness {
    pub(crate) clock: Clock,
    /// Whether the store holds too much to be compared whole after the case.
    pub(crate) large: bool,
    setup: Setup,
    running: Running,
}

enum Running {
    Memory(Memory),
    /// The store is absent only while it is being opened again.
    Embedded(Option<Embedded>, TempDir),
}

impl Harness {
    /// An empty store.
    pub(crate) fn new(engine: Engine) -> Self {
        Self::with(engine, |_| ())
    }

    /// An empty store with other options.
    pub(crate) fn with(engine: Engine, adjust: impl FnOnce(&mut Setup)) -> Self {
        let clock = Clock::default();
        let seconds = Arc::clone(&clock.0);
        let mut options = Options::new(commit_len);
        options.clock = Arc::new(move || at(seconds.load(Ordering::SeqCst)));
        let mut setup = Setup { options, segment_bytes: 64 << 20, checkpoint_bytes: 64 << 20 };
        adjust(&mut setup);
        let running = match engine {
            Engine::Memory => Running::Memory(Memory::new(setup.options.clone())),
            Engine::Embedded => {
                let dir = TempDir::new().unwrap();
                Running::Embedded(Some(open(&dir, &setup)), dir)
            }
        };
        Self { clock, large: false, setup, running }
    }

    /// Starts anew with an empty store and other options.
    pub(crate) fn begin_with(&mut self, adjust: impl FnOnce(&mut Setup)) {
        let engine = match &self.running {
            Running::Memory(_) => Engine::Memory,
            Running::Embedded(..) => Engine::Embedded,
        };
        *self = Self::with(engine, adjust);
    }

    pub(crate) fn store(&self) -> &dyn Store {
        match &self.running {
            Running::Memory(memory) => memory,
            Running::Embedded(embedded, _) => embedded.as_ref().expect("the store is open"),
        }
    }

    /// Closes the store and opens it again. What is kept in memory only stays as it is.
    pub(crate) async fn reopen(&mut self) {
        if let Running::Embedded(embedded, _) = &mut self.running {
            embedded.as_ref().unwrap().close().await.unwrap();
        }
        self.kill();
    }

    /// Drops the store without a word and opens it again. What is kept in memory only
    /// stays as it is.
    pub(crate) fn kill(&mut self) {
        let Running::Embedded(embedded, dir) = &mut self.running else { return };
        drop(embedded.take());
        // The writer ends by itself, and lets go of the clock last: a process that is
        // killed has no writer that goes on, either.
        while Arc::strong_count(&self.setup.options.clock) > 1 {
            std::thread::yield_now();
        }
        *embedded = Some(open(dir, &self.setup));
    }

    /// Takes a checkpoint, if the engine has any.
    pub(crate) async fn checkpoint(&self) {
        if let Running::Embedded(embedded, _) = &self.running {
            embedded.as_ref().unwrap().checkpoint().await.unwrap();
        }
    }

    /// Kills the store, does something to its directory, and opens it again.
    pub(crate) fn kill_and(&mut self, harm: impl FnOnce(&Path)) -> Result<(), embedded::OpenError> {
        let Running::Embedded(embedded, dir) = &mut self.running else { return Ok(()) };
        drop(embedded.take());
        harm(dir.path());
        *embedded = Some(try_open(dir, &self.setup)?);
        Ok(())
    }

    /// Loses the state that is served, which is made again.
    pub(crate) fn lose_documents(&mut self) {
        self.kill_and(|dir| fs::remove_dir_all(dir.join("documents")).unwrap()).unwrap();
    }

    pub(crate) async fn apply(&self, request: Request) -> Result<Outcome, Error> {
        self.store().apply(request).await
    }

    /// Does a command that must change something.
    pub(crate) async fn ok(&self, command: Command) -> Outcome {
        let before = self.store().head();
        let outcome = self.apply(Request::new(command.clone())).await.unwrap();
        assert!(outcome.changed && !outcome.replayed, "{command:?}: {outcome:?}");
        assert!(outcome.position > before.0, "{command:?}: {outcome:?}");
        outcome
    }

    /// Does a command that must change nothing.
    pub(crate) async fn unchanged(&self, command: Command) -> Outcome {
        let before = self.store().head();
        let outcome = self.apply(Request::new(command.clone())).await.unwrap();
        assert!(!outcome.changed && !outcome.replayed, "{command:?}: {outcome:?}");
        assert_eq!((outcome.position, outcome.mark), before, "{command:?}");
        assert_eq!(self.store().head(), before, "{command:?}");
        outcome
    }

    /// Does a command that must be refused.
    pub(crate) async fn refused(&self, command: Command) -> Refusal {
        let before = self.store().head();
        let refusal = match self.apply(Request::new(command.clone())).await {
            Err(Error::Refused(refusal)) => refusal,
            other => panic!("{command:?} is not refused: {other:?}"),
        };
        assert_eq!(self.store().head(), before, "{command:?} is refused, and did something");
        refusal
    }

    /// Makes the den, with members.
    pub(crate) async fn den(&self, members: &[&str]) {
        self.ok(put_room(DEN)).await;
        for name in members {
            self.ok(affiliate(in_den(name), Affiliation::Member)).await;
        }
    }

    /// What the den keeps for a user.
    pub(crate) async fn document(&self, name: &str) -> Document {
        self.store().document(&room(DEN), &user(name)).await.unwrap().1
    }

    /// The hats that a user has in the den.
    pub(crate) async fn hats(&self, name: &str) -> Vec<HatId> {
        self.document(name).await.hats.into_keys().collect()
    }

    /// The last commit.
    pub(crate) async fn last(&self) -> Entry {
        let (head, _) = self.store().head();
        self.since(head.previous()).await.pop().unwrap()
    }

    /// The commits after a position.
    pub(crate) async fn since(&self, position: Position) -> Vec<Entry> {
        reads::history_after(self.store(), position, usize::MAX).await
    }
}

/// A request with an id of the caller `bot`.
pub(crate) fn keyed(request_id: &str, command: Command) -> Request {
    keyed_by("bot", request_id, command)
}

pub(crate) fn keyed_by(caller: &str, request_id: &str, command: Command) -> Request {
    let key = RequestKey { caller: caller.into(), request_id: request_id.into() };
    Request { key: Some(key), ..Request::new(command) }
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn open(dir: &TempDir, setup: &Setup) -> Embedded {
    try_open(dir, setup).unwrap()
}

fn try_open(dir: &TempDir, setup: &Setup) -> Result<Embedded, embedded::OpenError> {
    let config = embedded::Config::new(dir.path(), setup.options.clone());
    let Setup { segment_bytes, checkpoint_bytes, .. } = *setup;
    embedded::open(embedded::Config { segment_bytes, checkpoint_bytes, ..config })
}
