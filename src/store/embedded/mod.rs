//! The store on the local disk: a commit log that is the truth, and sled as the state
//! that is served.
//!
//! ```text
//! hatd-data/
//!   lock         held while a hatd has the directory
//!   identity     which store this is, and which epoch of its history
//!   log/         the commit log: every commit, in order
//!   documents/   the state, made from the log
//!   stopped      where the last clean stop left log and state; gone while running
//! ```
//!
//! A write is decided on the state, appended to the log, and made durable by one
//! fdatasync that it shares with all that wait; only then is it applied to the state,
//! shown to watchers, and answered. So nothing visible can be taken back by a power
//! cut, and the state may lose anything: after an unclean stop it is set aside and
//! made again from the log.

mod directory;
mod documents;
mod keys;
pub mod log;
mod retention;
mod writer;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::directory::{DataDir, Stopped};
use self::documents::Documents;
use self::log::{Log, Reader};
use self::retention::Floor;
use self::writer::{Job, QUEUE_LEN, Writer};
use super::feed::{Feed, Scope, Subscription};
use super::page::{DocumentFilter, Page, PageLimit};
use super::{Entry, Error, Located, Options, Outcome, Store};
use crate::command::{Request, RoomState};
use crate::commit::{Commit, Identity, Mark, Position};
use crate::hat::{Document, HatDefinition, HatId, Room};
use crate::jid::{Domain, RoomJid, UserJid};

/// How long a write waits for room in the queue before it is refused as
/// [`Error::Overloaded`]. Our choice: less than any client's deadline.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

/// How often to look whether the head has reached what a read has seen, and for how
/// long: the writer shows a batch as soon as it is applied, so it takes milliseconds.
const SETTLE_POLL: Duration = Duration::from_millis(1);
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// What the payload of a log record begins with.
const COMMIT_FORMAT: u8 = 1;

/// How often a start says how far it has come with making the state again.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

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
    fn corrupt(path: &Path, what: impl Display) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.to_string() }
    }
}

impl From<documents::Error> for OpenError {
    fn from(error: documents::Error) -> Self {
        Self::Documents(Box::new(error))
    }
}

/// A store on the local disk.
pub struct Embedded {
    directory: DataDir,
    options: Options,
    documents: Arc<Documents>,
    history: Reader,
    floor: Floor,
    feed: Arc<Feed>,
    jobs: mpsc::Sender<Job>,
    writer: Mutex<Option<JoinHandle<()>>>,
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
    let (appender, history) = log.into_parts();
    let head = (Position::new(history.head().0), history.head().1);

    let documents = match stopped.filter(|stopped| (stopped.position, stopped.mark) == head) {
        Some(stopped) => reopen(&directory, stopped)?,
        None => None,
    };
    // From here on the state changes: it is trusted again only after a clean stop.
    directory.forget_stop()?;
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
    let writer = Mutex::new(Some(writer));
    let floor = Floor::default();
    Ok(Embedded { directory, options, documents, history, floor, feed, jobs, writer })
}

/// Opens the state that a clean stop left, if it is the one that the stop noted.
fn reopen(directory: &DataDir, stopped: Stopped) -> Result<Option<Documents>, OpenError> {
    match Documents::open(&directory.documents()) {
        Ok(documents) if documents.applied()? == Some(stopped.position) => Ok(Some(documents)),
        Ok(_) => {
            tracing::warn!("the state is not the one that the last stop left");
            Ok(None)
        }
        Err(error) => {
            let error = crate::error::chain(&error);
            tracing::warn!(error, "failed to open the state that the last stop left");
            Ok(None)
        }
    }
}

/// Sets the state aside and makes it again from the log.
fn rebuild(directory: &DataDir, history: &Reader) -> Result<Documents, OpenError> {
    directory.set_documents_aside()?;
    let documents = Documents::open(&directory.documents())?;
    let (head, _) = history.head();
    if head > 0 {
        tracing::info!(commits = head, "making the state again from the log");
    }
    let mut position = Position::START;
    let mut said = Instant::now();
    while position.get() < head {
        let entries = read_entries(history, position, READ_BYTES)
            .map_err(|error| OpenError::corrupt(directory.path(), crate::error::chain(&error)))?;
        for entry in &entries {
            documents.apply(entry.position, &entry.commit)?;
            position = entry.position;
        }
        if said.elapsed() >= PROGRESS_INTERVAL {
            said = Instant::now();
            tracing::info!(commits = position.get(), of = head, "making the state again");
        }
    }
    directory.drop_set_aside()?;
    Ok(documents)
}

/// How much of the log is read at a time.
const READ_BYTES: usize = 4 << 20;

fn log_error(data_dir: &Path, error: log::Error) -> OpenError {
    match error {
        log::Error::Io { path, source } => OpenError::Io { path, source },
        other @ (log::Error::Corrupt { .. }
        | log::Error::WrongStore { .. }
        | log::Error::TooLarge { .. }
        | log::Error::Expired { .. }
        | log::Error::Failed) => OpenError::corrupt(data_dir, crate::error::chain(&other)),
    }
}

/// A commit as a log record holds it.
#[expect(clippy::expect_used, reason = "encoding into a vector has no way to fail")]
fn encode_commit(commit: &Commit) -> Vec<u8> {
    let mut payload = vec![COMMIT_FORMAT];
    minicbor::encode(commit, &mut payload).expect("a vector takes all bytes");
    payload
}

fn decode_commit(payload: &[u8]) -> Option<Commit> {
    match payload.split_first() {
        Some((&COMMIT_FORMAT, body)) => minicbor::decode(body).ok(),
        Some(_) | None => None,
    }
}

/// Reads commits after a position from the log, about `bytes` of them.
fn read_entries(history: &Reader, after: Position, bytes: usize) -> Result<Vec<Entry>, Error> {
    let records = history.read_after(after.get(), usize::MAX, bytes).map_err(unreadable)?;
    let entries = records.into_iter().map(|record| {
        let commit = decode_commit(&record.payload).ok_or_else(|| {
            Error::Corrupt(format!("the commit at position {} is damaged", record.position).into())
        })?;
        let position = Position::new(record.position);
        Ok(Entry { position, mark: record.mark, commit: Arc::new(commit) })
    });
    entries.collect()
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

impl Embedded {
    /// Runs what may read the disk where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Documents, &Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (documents, history) = (Arc::clone(&self.documents), self.history.clone());
        tokio::task::spawn_blocking(move || work(&documents, &history))
            .await
            .unwrap_or_else(|error| Err(Error::Unavailable(error.into())))
    }

    /// Runs what reads single records of one room at one moment: here if no commit to
    /// the room is just being applied, else where it may block.
    async fn at_one_moment<T: Send + 'static>(
        &self,
        room: &RoomJid,
        read: impl FnOnce(&Documents) -> Result<T, documents::Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Some(_guard) = self.documents.try_read_room(room) {
            return Ok(read(&self.documents)?);
        }
        let room = room.clone();
        self.blocking(move |documents, _| {
            let _guard = documents.read_room(&room);
            Ok(read(documents)?)
        })
        .await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Job,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = tokio::time::timeout(QUEUE_WAIT, self.jobs.send(job(reply))).await;
        match sent {
            Err(_) => return Err(Error::Overloaded),
            Ok(Err(_)) => return Err(Error::closed()),
            Ok(Ok(())) => {}
        }
        answer.await.unwrap_or_else(|_| Err(Error::closed()))
    }

    /// The position below which the log is no longer shown.
    fn floor(&self) -> Result<Position, Error> {
        self.floor.at(&self.history, self.options.retention, (self.options.clock)())
    }
}

#[async_trait]
impl Store for Embedded {
    async fn apply(&self, request: Request) -> Result<Outcome, Error> {
        self.ask(|reply| Job::Apply { request, reply }).await
    }

    async fn expire(&self) -> Result<(), Error> {
        self.ask(|reply| Job::Expire { reply }).await
    }

    fn identity(&self) -> Identity {
        self.directory.identity()
    }

    fn head(&self) -> (Position, Mark) {
        self.feed.head()
    }

    async fn settled(&self) -> Result<(Position, Mark), Error> {
        let seen = self.documents.applying();
        let settle = async {
            loop {
                let head = self.feed.head();
                if head.0 >= seen {
                    return head;
                }
                tokio::time::sleep(SETTLE_POLL).await;
            }
        };
        tokio::time::timeout(SETTLE_WAIT, settle)
            .await
            .map_err(|_| Error::Unavailable("a commit was not applied in time".into()))
    }

    async fn locate(&self, position: Position, mark: Mark) -> Result<Located, Error> {
        let here = match position {
            Position::START => Some(Mark::ORIGIN),
            position if position > self.feed.head().0 => None,
            position => match self.feed.recent_mark(position) {
                Some(mark) => Some(mark),
                None => {
                    self.blocking(move |_, history| {
                        history.mark_at(position.get()).map_err(unreadable)
                    })
                    .await?
                }
            },
        };
        Ok(match here {
            None => Located::Elsewhere,
            Some(here) if here != mark => Located::Elsewhere,
            Some(_) if position < self.floor()? => Located::Expired,
            Some(_) => Located::Here,
        })
    }

    async fn commits_after(&self, position: Position, bytes: usize) -> Result<Vec<Entry>, Error> {
        if position < self.floor()? {
            return Err(Error::Expired);
        }
        if let Some(entries) = self.feed.recent_after(position, bytes) {
            return Ok(entries);
        }
        let (head, _) = self.feed.head();
        let mut entries =
            self.blocking(move |_, history| read_entries(history, position, bytes)).await?;
        // What is synced but not applied yet is not shown.
        entries.retain(|entry| entry.position <= head);
        Ok(entries)
    }

    fn subscribe(&self, scope: Scope) -> Subscription {
        self.feed.subscribe(scope)
    }

    async fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Error> {
        Ok(self.documents.room_state(room)?)
    }

    async fn document(
        &self,
        room: &RoomJid,
        user: &UserJid,
    ) -> Result<(Option<RoomState>, Document), Error> {
        let (jid, user) = (room.clone(), user.clone());
        self.at_one_moment(room, move |documents| {
            Ok((documents.room_state(&jid)?, documents.get(&jid, &user)?))
        })
        .await
    }

    async fn rooms(
        &self,
        domain: Option<&Domain>,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Room>, Error> {
        let (domain, after) = (domain.cloned(), after.cloned());
        self.blocking(move |documents, _| {
            Ok(documents.rooms(domain.as_ref(), after.as_ref(), limit)?)
        })
        .await
    }

    async fn documents(
        &self,
        room: &RoomJid,
        filter: &DocumentFilter,
        after: Option<&UserJid>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<UserJid, Document>), Error> {
        let (room, filter, after) = (room.clone(), filter.clone(), after.cloned());
        self.blocking(move |documents, _| {
            let _guard = documents.read_room(&room);
            let page = documents.documents(&room, &filter, after.as_ref(), limit)?;
            Ok((documents.room_state(&room)?, page))
        })
        .await
    }

    async fn documents_of(
        &self,
        user: &UserJid,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Document>, Error> {
        let (user, after) = (user.clone(), after.cloned());
        self.blocking(move |documents, _| {
            Ok(documents.documents_of(&user, after.as_ref(), limit)?)
        })
        .await
    }

    async fn definitions(
        &self,
        room: &RoomJid,
        after: Option<&HatId>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<HatId, HatDefinition>), Error> {
        let (room, after) = (room.clone(), after.cloned());
        self.blocking(move |documents, _| {
            let _guard = documents.read_room(&room);
            let page = documents.definitions(&room, after.as_ref(), limit)?;
            Ok((documents.room_state(&room)?, page))
        })
        .await
    }

    async fn all_documents(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &UserJid)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, UserJid), Document>, Error> {
        let after = after.map(|(room, user)| (room.clone(), user.clone()));
        let domain = domain.cloned();
        self.blocking(move |documents, _| {
            Ok(documents.all_documents(domain.as_ref(), after.as_ref(), limit)?)
        })
        .await
    }

    async fn all_definitions(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &HatId)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, HatId), HatDefinition>, Error> {
        let after = after.map(|(room, hat)| (room.clone(), hat.clone()));
        let domain = domain.cloned();
        self.blocking(move |documents, _| {
            Ok(documents.all_definitions(domain.as_ref(), after.as_ref(), limit)?)
        })
        .await
    }

    async fn close(&self) -> Result<(), Error> {
        let (position, mark) = self.ask(|reply| Job::Close { reply }).await?;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || {
            if writer.is_some_and(|writer| writer.join().is_err()) {
                return Err(Error::Unavailable("the writer panicked".into()));
            }
            let stopped = directory.note_stop(Stopped { position, mark });
            stopped.map_err(|error| Error::Unavailable(Box::new(error)))
        })
        .await
        .unwrap_or_else(|error| Err(Error::Unavailable(error.into())))
    }
}
