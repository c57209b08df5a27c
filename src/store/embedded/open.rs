//! From a directory to a running store.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Embedded;
use super::directory::{DataDir, Stopped};
use super::documents::{self, Documents};
use super::history::History;
use super::log::{self, Log};
use super::retention::Floor;
use super::writer::{QUEUE_LEN, Writer};
use crate::commit::Position;
use crate::store::Options;
use crate::store::feed::Feed;

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
}

impl Config {
    /// A store in a directory.
    pub fn new(data_dir: impl Into<PathBuf>, options: Options) -> Self {
        let segment_bytes = log::Options::default().segment_bytes;
        Self { data_dir: data_dir.into(), options, segment_bytes }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error("another hatd is using {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// What is stored is damaged, and nothing was changed.
    #[error("the store in {} is damaged: {what}", path.display())]
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// What is wrong, with file and offset.
        what: String,
    },
    /// The directory cannot be made.
    #[error("failed to create {}", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("failed to use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state cannot be opened, though it was just made.
    #[error("failed to open the document store")]
    Documents(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    pub(super) fn corrupt(path: &Path, what: impl Display) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.to_string() }
    }
}

impl From<documents::Error> for OpenError {
    fn from(error: documents::Error) -> Self {
        Self::Documents(Box::new(error))
    }
}

/// Opens the store in a directory, or creates it.
///
/// Blocks while it reads the log and, after an unclean stop, makes the state again.
///
/// # Errors
///
/// As the variants of [`OpenError`] say. Nothing is lost by trying again.
pub fn open(config: Config) -> Result<Embedded, OpenError> {
    let Config { data_dir, options, segment_bytes } = config;
    let directory = DataDir::open(&data_dir)?;
    let stopped = directory.stopped()?;
    let durable = stopped.map(|stopped| stopped.position.get());
    let log_options = log::Options { segment_bytes, ..log::Options::default() };
    let log = Log::open(&directory.log(), directory.identity(), log_options, durable)
        .map_err(|error| log_error(&data_dir, error))?;
    if let Some(cut) = &log.recovery().cut {
        tracing::warn!(
            file = %cut.file.display(), offset = cut.offset, bytes = cut.bytes,
            "cut off the torn end of the log: nobody was told of it",
        );
    }
    let (appender, reader) = log.into_parts();
    let history = History::new(reader);
    let head = history.head();

    // From here on the state changes: it is trusted again only after a clean stop.
    directory.forget_stop()?;
    let documents = stopped
        .filter(|stopped| (stopped.position, stopped.mark) == head)
        .and_then(|stopped| reopen(&directory, stopped));
    let documents = match documents {
        Some(documents) => documents,
        None => rebuild(&directory, &history)?,
    };

    let documents = Arc::new(documents);
    let feed = Feed::new(head);
    let (jobs, waiting) = mpsc::channel(QUEUE_LEN);
    let writer = Writer::new(
        Arc::clone(&documents),
        appender,
        history.clone(),
        Arc::clone(&feed),
        options.clone(),
    );
    let writer = std::thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || writer.run(waiting))
        .map_err(|source| OpenError::Io { path: data_dir, source })?;
    let (jobs, writer) = (Some(jobs), Mutex::new(Some(writer)));
    let floor = Arc::new(Floor::default());
    Ok(Embedded { directory, options, documents, history, floor, feed, jobs, writer })
}

/// Opens the state that a clean stop left, if it is the one that the stop noted.
fn reopen(directory: &DataDir, stopped: Stopped) -> Option<Documents> {
    let opened = Documents::open(&directory.documents())
        .and_then(|documents| Ok((documents.applied()?, documents)));
    match opened {
        Ok((applied, documents)) if applied == Some(stopped.position) => Some(documents),
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

/// Sets the state aside and makes it again from the log.
fn rebuild(directory: &DataDir, history: &History) -> Result<Documents, OpenError> {
    directory.set_documents_aside()?;
    let documents = Documents::open(&directory.documents())?;
    let (head, _) = history.head();
    if head > Position::START {
        tracing::info!(commits = head.get(), "making the state again from the log");
    }
    let mut position = Position::START;
    let mut said = Instant::now();
    while position < head {
        let entries = history
            .after(position, READ_BYTES)
            .map_err(|error| OpenError::corrupt(directory.path(), crate::error::chain(&error)))?;
        for entry in &entries {
            documents.apply(entry.position, &entry.commit)?;
            position = entry.position;
        }
        if said.elapsed() >= PROGRESS_INTERVAL {
            said = Instant::now();
            tracing::info!(commits = position.get(), of = head.get(), "making the state again");
        }
    }
    directory.drop_set_aside()?;
    Ok(documents)
}

pub(super) fn log_error(data_dir: &Path, error: log::Error) -> OpenError {
    match error {
        log::Error::Io { path, source } => OpenError::Io { path, source },
        other @ (log::Error::Corrupt { .. }
        | log::Error::WrongStore { .. }
        | log::Error::TooLarge { .. }
        | log::Error::Expired { .. }
        | log::Error::Failed) => OpenError::corrupt(data_dir, crate::error::chain(&other)),
    }
}
