//! The store on the local disk: a commit log that is the truth, and sled as the state
//! that is served.
//!
//! ```text
//! hatd-data/
//!   lock         held while a hatd has the directory
//!   identity     which store this is, and which epoch of its history
//!   log/         the commit log: every commit, in order
//!   checkpoint   the state at one position, made from the log; older log may go then
//!   documents/   the state that is served, made from checkpoint and log
//!   stopped      where the last clean stop left log and state; gone while running
//!   durable      up to where the log was durable, at least
//!   ballast      room on the disk that a start on a full one gives back
//!   restoring    there while a restore is at work, and when it was cut off
//!   running      in which boot of the system the directory was last used
//! ```
//!
//! A write is decided on the state, appended to the log, and made durable by one
//! fdatasync that it shares with all that wait; only then is it applied to the state,
//! shown to watchers, and answered. So nothing visible can be taken back by a power
//! cut, and the state may lose anything: where it cannot be trusted, it is set aside and
//! made again from checkpoint and log.

mod checkpoint;
mod directory;
mod documents;
mod durable;
mod error;
mod history;
mod keeper;
mod keys;
pub mod log;
mod moments;
pub mod offline;
mod open;
mod retention;
mod space;
#[cfg(test)]
mod tests;
mod values;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::directory::DataDir;
use self::documents::Documents;
pub use self::error::OpenError;
use self::history::History;
pub use self::open::{Config, open};
use self::retention::Floor;
use self::writer::Job;
use super::feed::{Feed, Scope, Subscription};
use super::page::{DocumentFilter, Page, PageLimit};
use super::{
    Checkpoint, Condition, Entry, Error, Located, Maintenance, Options, Outcome, Store, Writes,
};
use crate::command::{Request, RoomState};
use crate::commit::{Identity, Mark, Position};
use crate::hat::{Document, HatDefinition, HatId, Room};
use crate::jid::{Domain, RoomJid, UserJid};

/// How long a write waits for room in the queue before it is refused as
/// [`Error::Overloaded`]. Our choice: less than any client's deadline.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

/// How often to look whether the head has reached what a read has seen, and for how
/// long: the writer shows a batch as soon as it is applied, so it takes milliseconds.
const SETTLE_POLL: Duration = Duration::from_millis(1);
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// A store on the local disk.
pub struct Embedded {
    directory: DataDir,
    options: Options,
    min_free_bytes: u64,
    /// Whether a write failed, so that none is taken any more.
    failed: Arc<AtomicBool>,
    documents: Arc<Documents>,
    history: History,
    floor: Arc<Floor>,
    feed: Arc<Feed>,
    /// None only while the store is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// None only while the store is dropped.
    keeper: Option<keeper::Handle>,
    keeper_thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Runs what may read the disk where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Documents, &History) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (documents, history) = (Arc::clone(&self.documents), self.history.clone());
        tokio::task::spawn_blocking(move || work(&documents, &history))
            .await
            .unwrap_or_else(|error| Err(Error::Unavailable(error.into())))
    }

    /// Reads single records of a room as they were at one moment: here if no commit
    /// comes in between, else where it may block.
    async fn at_one_moment<T: Send + 'static>(
        &self,
        room: &RoomJid,
        read: impl Fn(&Documents) -> Result<T, documents::Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Some(result) = self.documents.try_read(room, &read) {
            return Ok(result?);
        }
        let room = room.clone();
        self.blocking(move |documents, _| Ok(documents.read(&room, read)?)).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Job,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Error::WritesStopped)?;
        let sent = tokio::time::timeout(QUEUE_WAIT, jobs.send(job(reply))).await;
        match sent {
            Err(_) => return Err(Error::Overloaded),
            Ok(Err(_)) => return Err(Error::WritesStopped),
            Ok(Ok(())) => {}
        }
        answer.await.unwrap_or_else(|_| Err(Error::WritesStopped))
    }

    /// The position below which the log is no longer shown.
    async fn floor(&self) -> Result<Position, Error> {
        let now = (self.options.clock)();
        if let Some(floor) = self.floor.known(&self.history, now) {
            return Ok(floor);
        }
        let (floor, retention) = (Arc::clone(&self.floor), self.options.retention);
        self.blocking(move |_, history| floor.compute(history, retention, now)).await
    }
}

impl Drop for Embedded {
    /// Waits for the threads to end: nothing may open the directory while they write.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(keeper) = self.keeper.take() {
            keeper.hurry();
        }
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        for thread in [writer, self.keeper_thread.take()].into_iter().flatten() {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn apply(&self, request: Request) -> Result<Outcome, Error> {
        self.ask(|reply| Job::Apply { request, reply }).await
    }

    async fn expire(&self) -> Result<(), Error> {
        // Other writes go in between.
        while self.ask(|reply| Job::Expire { reply }).await? {}
        Ok(())
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
            position if position < self.history.dropped() => return Ok(Located::Expired),
            position => match self.feed.recent_mark(position) {
                Some(mark) => Some(mark),
                None => self.blocking(move |_, history| history.mark_at(position)).await?,
            },
        };
        Ok(match here {
            None if position == self.history.dropped() => Located::Expired,
            None => Located::Elsewhere,
            Some(here) if here != mark => Located::Elsewhere,
            Some(_) if position < self.floor().await? => Located::Expired,
            Some(_) => Located::Here,
        })
    }

    async fn commits_after(&self, position: Position, bytes: usize) -> Result<Vec<Entry>, Error> {
        if position < self.floor().await? {
            return Err(Error::Expired);
        }
        if let Some(entries) = self.feed.recent_after(position, bytes) {
            return Ok(entries);
        }
        let (head, _) = self.feed.head();
        let mut entries = self.blocking(move |_, history| history.after(position, bytes)).await?;
        // What is synced but not applied yet is not shown.
        entries.retain(|entry| entry.position <= head);
        Ok(entries)
    }

    fn subscribe(&self, scope: Scope) -> Subscription {
        self.feed.subscribe(scope)
    }

    async fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Error> {
        Ok(self.documents.read_any(|documents| documents.room_state(room))?)
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
            let read = |it: &Documents| it.rooms(domain.as_ref(), after.as_ref(), limit);
            Ok(documents.read_any(read)?)
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
            let read = |it: &Documents| {
                let page = it.documents(&room, &filter, after.as_ref(), limit)?;
                Ok((it.room_state(&room)?, page))
            };
            Ok(documents.read(&room, read)?)
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
            let read = |it: &Documents| it.documents_of(&user, after.as_ref(), limit);
            Ok(documents.read_any(read)?)
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
            let read = |it: &Documents| {
                let page = it.definitions(&room, after.as_ref(), limit)?;
                Ok((it.room_state(&room)?, page))
            };
            Ok(documents.read(&room, read)?)
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
            let read = |it: &Documents| it.all_documents(domain.as_ref(), after.as_ref(), limit);
            Ok(documents.read_any(read)?)
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
            let read = |it: &Documents| it.all_definitions(domain.as_ref(), after.as_ref(), limit);
            Ok(documents.read_any(read)?)
        })
        .await
    }

    fn maintenance(&self) -> Option<&dyn Maintenance> {
        Some(self)
    }

    async fn close(&self) -> Result<(), Error> {
        let (position, mark) = self.ask(|reply| Job::Close { reply }).await?;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || {
            if writer.is_some_and(|writer| writer.join().is_err()) {
                return Err(Error::Unavailable("the writer panicked".into()));
            }
            directory.note_stop(position, mark).map_err(|error| Error::Unavailable(Box::new(error)))
        })
        .await
        .unwrap_or_else(|error| Err(Error::Unavailable(error.into())))
    }
}

#[async_trait]
impl Maintenance for Embedded {
    async fn condition(&self) -> Result<Condition, Error> {
        let floor = self.floor().await?;
        let last = self.keeper.as_ref().map(keeper::Handle::last).unwrap_or_default();
        let (path, min_free) = (self.directory.path().to_owned(), self.min_free_bytes);
        let (free_bytes, writes, log_bytes) = self
            .blocking(move |_, history| {
                let free = space::free_bytes(&path);
                let free = free.map_err(|error| Error::Unavailable(Box::new(error)))?;
                let log = history.segments().iter().map(|segment| segment.bytes).sum();
                Ok((free, space::writes(free, min_free), log))
            })
            .await?;
        let failed = self.failed.load(Ordering::Relaxed);
        Ok(Condition {
            identity: self.directory.identity(),
            position: self.feed.head().0,
            floor,
            checkpoint_position: last.position,
            checkpoint_bytes: last.bytes,
            log_bytes,
            free_bytes,
            writes: if failed { Writes::Stopped } else { writes },
        })
    }

    async fn checkpoint(&self) -> Result<Checkpoint, Error> {
        match &self.keeper {
            Some(keeper) => keeper.take().await,
            None => Err(Error::WritesStopped),
        }
    }
}
