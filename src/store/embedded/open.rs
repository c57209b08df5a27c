//! From a directory to a running store.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Embedded;
use super::checkpoint::{self, Advance, Last, STEP_BYTES};
use super::directory::{DataDir, Stopped};
use super::documents::Documents;
use super::durable::{self, Durable};
use super::error::{OpenError, checkpoint_error, log_error, rebuild_error};
use super::history::History;
use super::keeper::Keeper;
use super::log::{self, Appender, Known, Log};
use super::retention::Floor;
use super::space::Space;
use super::writer::{QUEUE_LEN, Writer};
use crate::commit::{Mark, Position};
use crate::store::feed::Feed;
use crate::store::{self, Options, Writes};

/// How often a start says how far it has come with making the state again.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// How much of the log is read at a time.
const READ_BYTES: usize = 4 << 20;

/// Where and how to keep a store.
#[derive(Clone)]
pub struct Config {
    /// The directory, made if it does not exist.
    pub data_dir: PathBuf,
    /// What every engine is given.
    pub options: Options,
    /// How large a segment of the log grows.
    pub segment_bytes: u64,
    /// How many bytes of commits are logged before the next checkpoint, at least; it
    /// waits until they are as many as the checkpoint has, too.
    pub checkpoint_bytes: u64,
    /// How many bytes are to stay free of the disk: with less, only what removes is
    /// written, and with less than a quarter of it, nothing.
    pub min_free_bytes: u64,
}

/// By default a checkpoint waits for so many bytes of commits. Our choice: a start has
/// a second's work with them.
const CHECKPOINT_BYTES: u64 = 64 << 20;

/// By default so many bytes stay free. Our choice: more than a batch of commits, and what
/// sled writes of it, so that no write meets the end of the disk.
const MIN_FREE_BYTES: u64 = 64 << 20;

impl Config {
    /// A store in a directory.
    pub fn new(data_dir: impl Into<PathBuf>, options: Options) -> Self {
        let segment_bytes = log::Options::default().segment_bytes;
        Self {
            data_dir: data_dir.into(),
            options,
            segment_bytes,
            checkpoint_bytes: CHECKPOINT_BYTES,
            min_free_bytes: MIN_FREE_BYTES,
        }
    }
}

/// Opens the store in a directory, or creates it.
///
/// Blocks while it reads the checkpoint and the log, and makes the state again where
/// that cannot be trusted.
///
/// # Errors
///
/// As the variants of [`OpenError`] say. Nothing is lost by trying again.
pub fn open(config: Config) -> Result<Embedded, OpenError> {
    open_as(config, Start::AsLeft)
}

/// How a start treats the state that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// As the way in which it was left allows.
    AsLeft,
    /// As one that cannot be trusted: it is made again.
    Anew,
}

/// As [`open`], and treats the state as it is told.
pub(super) fn open_as(config: Config, start: Start) -> Result<Embedded, OpenError> {
    let Config { data_dir, options, segment_bytes, checkpoint_bytes, min_free_bytes } = config;
    let directory = DataDir::open(&data_dir)?;
    let mut space = Space::new(&data_dir, directory.ballast(), min_free_bytes);
    space.drop_ballast_if_low();
    let stopped = directory.stopped()?;
    let checkpoint = check_checkpoint(&directory)?;
    let log_options = log::Options { segment_bytes, ..log::Options::default() };
    let (appender, history) = open_log(&directory, log_options, stopped, checkpoint.header)?;
    let head = history.head();

    let trusted = match start {
        Start::AsLeft => trusted(&directory, stopped, head)?,
        Start::Anew => Trusted::Not,
    };
    // From here on the state changes: it is trusted again only after a clean stop.
    directory.note_running()?;
    let mut last = checkpoint.last();
    let state = State { directory: &directory, history: &history, options: &options };
    let documents = match trusted {
        Trusted::Whole => state.reopen(head.0),
        Trusted::Partly => state.catch_up(last.position, space.look() == Writes::All),
        Trusted::Not => None,
    };
    let documents = Arc::new(match documents {
        Some(documents) => documents,
        None => state.rebuild(&mut last)?,
    });
    space.hold_ballast();

    let feed = Feed::new(head);
    let floor = Arc::new(Floor::default());
    let keeper = Keeper {
        directory: directory.clone(),
        documents: Arc::clone(&documents),
        history: history.clone(),
        floor: Arc::clone(&floor),
        options: options.clone(),
        checkpoint_bytes,
        min_free_bytes,
        last,
    };
    let (keeper_handle, queue) = keeper.handle();
    let (jobs, waiting) = mpsc::channel(QUEUE_LEN);
    let file = directory.durable();
    let durable = Durable::open(&file).map_err(|source| OpenError::Io { path: file, source })?;
    let failed = Arc::<AtomicBool>::default();
    let writer = Writer {
        documents: Arc::clone(&documents),
        appender,
        durable,
        history: history.clone(),
        feed: Arc::clone(&feed),
        keeper: keeper_handle.clone(),
        space,
        options: options.clone(),
        failed: Arc::clone(&failed),
    };
    let writer = thread(&data_dir, "writer", move || writer.run(waiting))?;
    let keeper = thread(&data_dir, "keeper", move || keeper.run(queue))?;
    Ok(Embedded {
        directory,
        options,
        min_free_bytes,
        failed,
        documents,
        history,
        floor,
        feed,
        jobs: Some(jobs),
        writer: Mutex::new(Some(writer)),
        keeper: Some(keeper_handle),
        keeper_thread: Some(keeper),
    })
}

fn thread(
    data_dir: &Path,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|source| OpenError::Io { path: data_dir.to_owned(), source })
}

/// A checkpoint that was read from end to end.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    /// Of the start of the history, if there is no checkpoint.
    pub(super) header: checkpoint::Header,
    /// None, if there is no checkpoint.
    pub(super) bytes: u64,
}

impl Checked {
    fn last(&self) -> Last {
        Last { position: self.header.position, bytes: self.bytes }
    }
}

/// Reads the checkpoint, if there is one, and checks it.
pub(super) fn check_checkpoint(directory: &DataDir) -> Result<Checked, OpenError> {
    let path = directory.checkpoint();
    let identity = directory.identity();
    let start = checkpoint::Header { identity, position: Position::START, mark: Mark::ORIGIN };
    let read = || {
        let Some(reader) = checkpoint::Reader::open(&path)? else {
            return Ok(Checked { header: start, bytes: 0 });
        };
        let header = reader.header();
        reader.check().map(|bytes| Checked { header, bytes })
    };
    let checked = read().map_err(|error| checkpoint_error(directory.path(), error))?;
    if checked.header.identity != identity {
        let what = format!("{} belongs to another store or epoch", path.display());
        return Err(OpenError::corrupt(directory.path(), what));
    }
    Ok(checked)
}

fn open_log(
    directory: &DataDir,
    options: log::Options,
    stopped: Option<Stopped>,
    checkpoint: checkpoint::Header,
) -> Result<(Appender, History), OpenError> {
    let (known, noted) = known(directory, stopped, checkpoint)?;
    let log = Log::open(&directory.log(), directory.identity(), options, known)
        .map_err(|error| log_error(directory.path(), error))?;
    if let Some(cut) = &log.recovery().cut {
        tracing::warn!(
            file = %cut.file.display(), offset = cut.offset, bytes = cut.bytes,
            "cut off the torn end of the log: nobody was told of it",
        );
    }
    let (appender, reader) = log.into_parts();
    check_together(directory, &reader, checkpoint, noted)?;
    Ok((appender, History::new(reader)))
}

/// A position that was noted, and the mark there.
type Noted = Option<(Position, Mark)>;

/// What is known of the log, apart from it; also what is noted in the file for that.
pub(super) fn known(
    directory: &DataDir,
    stopped: Option<Stopped>,
    checkpoint: checkpoint::Header,
) -> Result<(Known, Noted), OpenError> {
    let file = directory.durable();
    let noted =
        durable::read(&file).map_err(|source| OpenError::Io { path: file.clone(), source })?;
    let positions = [
        stopped.map(|stopped| stopped.position),
        noted.map(|(position, _)| position),
        Some(checkpoint.position),
    ];
    let durable = positions.into_iter().flatten().max().unwrap_or_default();
    let base = (checkpoint.position.get(), checkpoint.mark);
    Ok((Known { durable: durable.get(), base }, noted))
}

/// Refuses a checkpoint that was not made from the log, and a log that is not the one noted.
pub(super) fn check_together(
    directory: &DataDir,
    log: &log::Reader,
    checkpoint: checkpoint::Header,
    noted: Noted,
) -> Result<(), OpenError> {
    let checkpoint = ("checkpoint", checkpoint.position, checkpoint.mark);
    let noted = noted.map(|(position, mark)| ("file durable", position, mark));
    for (what, position, mark) in [checkpoint].into_iter().chain(noted) {
        let there = log.mark_at(position.get());
        let there = there.map_err(|error| log_error(directory.path(), error))?;
        if there.is_some_and(|there| there != mark) {
            let what = format!("the {what} and the log differ at position {}", position.get());
            return Err(OpenError::corrupt(directory.path(), what));
        }
    }
    Ok(())
}

/// How far the state on disk can be trusted.
enum Trusted {
    /// It is what a clean stop left.
    Whole,
    /// It has no less than the last checkpoint, if it can be read: a process that ends
    /// leaves its files as they are.
    Partly,
    /// The power may have been cut: what sled wrote may be there or not.
    Not,
}

fn trusted(
    directory: &DataDir,
    stopped: Option<Stopped>,
    head: (Position, Mark),
) -> Result<Trusted, OpenError> {
    let Some(stopped) = stopped else {
        return Ok(if directory.is_same_boot() { Trusted::Partly } else { Trusted::Not });
    };
    if (stopped.position, stopped.mark) != head {
        return Ok(Trusted::Not);
    }
    if directory.documents_checksum()? != stopped.documents {
        tracing::warn!("the state's files are not those that the last stop left");
        return Ok(Trusted::Not);
    }
    Ok(Trusted::Whole)
}

/// What the state is made from.
struct State<'a> {
    directory: &'a DataDir,
    history: &'a History,
    options: &'a Options,
}

impl State<'_> {
    /// Opens the state that a clean stop left, if it is the one that the stop noted.
    fn reopen(&self, stopped: Position) -> Option<Documents> {
        let documents = Documents::open(&self.directory.documents());
        let opened = documents.and_then(|documents| Ok((documents.applied()?, documents)));
        match opened {
            Ok((applied, documents)) if applied == Some(stopped) => Some(documents),
            Ok(_) => {
                tracing::warn!("the state is not the one that the last stop left");
                None
            }
            Err(error) => {
                let error = crate::error::chain(&error);
                tracing::warn!(error, "failed to open the state that the last stop left");
                None
            }
        }
    }

    /// Opens the state that a crash left, if it has all that the checkpoint has, checks
    /// it, and applies the log since the checkpoint to it, again or not.
    fn catch_up(&self, checkpoint: Position, has_room: bool) -> Option<Documents> {
        let caught_up = || {
            let documents = Documents::open(&self.directory.documents())?;
            let Some(applied) = documents.applied()?.filter(|applied| *applied >= checkpoint)
            else {
                return Ok(None);
            };
            // What is applied once more takes room once more.
            let base = if has_room { checkpoint } else { applied };
            self.replay(&documents, base)?;
            documents.check()?;
            Ok(Some((documents, base)))
        };
        match caught_up() {
            Ok(Some((documents, base))) => {
                let (head, _) = self.history.head();
                tracing::info!(
                    commits = head.get() - base.get(),
                    "the last stop was not clean: checked the state, and replayed the end of \
                     the log",
                );
                Some(documents)
            }
            Ok(None) => None,
            Err(error) => {
                let error: Box<dyn std::error::Error> = Box::<OpenError>::new(error);
                let error = crate::error::chain(error.as_ref());
                tracing::warn!(error, "failed to use the state that a crash left");
                None
            }
        }
    }

    /// Makes the state again, from the checkpoint and what became of it by the log, so that each
    /// record is written once, however often it changed.
    fn rebuild(&self, last: &mut Last) -> Result<Documents, OpenError> {
        let directory = self.directory;
        // Nothing is lost with the old one, and there may be no room for two.
        directory.remove_documents()?;
        let (head, _) = self.history.head();
        if head > Position::START {
            tracing::info!(
                checkpoint = last.position.get(),
                commits = head.get() - last.position.get(),
                "making the state again from the checkpoint and the log",
            );
        }
        let documents = Documents::open(&directory.documents())?;
        let loaded = self.load(&documents, last);
        loaded.map_err(|error| rebuild_error(directory.path(), error))?;
        documents.note_applied(head)?;
        Ok(documents)
    }

    /// Puts the state into an empty one. What of the log is too much for memory goes into the
    /// checkpoint before.
    fn load(&self, documents: &Documents, last: &mut Last) -> Result<(), store::Error> {
        let (head, _) = self.history.head();
        let advance = Advance {
            directory: self.directory,
            history: self.history,
            forget_before: (self.options.clock)().saturating_sub(self.options.request_id_ttl),
            is_given_up: &AtomicBool::new(false),
        };
        let mut progress = Progress::new();
        loop {
            let changes = advance.changes(last.position, STEP_BYTES)?;
            if changes.position == head {
                let mut records = 0_u64;
                return advance.show(changes, |kind, key, value| {
                    documents.load(kind, key, value)?;
                    records += 1;
                    progress.say(|| tracing::info!(records, "making the state again"));
                    Ok(())
                });
            }
            *last = advance.write(changes)?;
            progress.say(|| {
                let (position, of) = (last.position.get(), head.get());
                tracing::info!(position, of, "taking the log into the checkpoint");
            });
        }
    }

    /// Applies the commits after a position.
    fn replay(&self, documents: &Documents, mut position: Position) -> Result<(), OpenError> {
        let (head, _) = self.history.head();
        let mut progress = Progress::new();
        while position < head {
            let entries = self.history.after(position, READ_BYTES).map_err(|error| {
                OpenError::corrupt(self.directory.path(), crate::error::chain(&error))
            })?;
            for entry in &entries {
                documents.apply(entry.position, &entry.commit)?;
                position = entry.position;
            }
            progress.say(|| {
                tracing::info!(position = position.get(), of = head.get(), "replaying the log");
            });
        }
        Ok(())
    }
}

/// Says now and then how far a long work has come.
struct Progress(Instant);

impl Progress {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn say(&mut self, say: impl FnOnce()) {
        if self.0.elapsed() >= PROGRESS_INTERVAL {
            self.0 = Instant::now();
            say();
        }
    }
}
