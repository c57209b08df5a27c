//! Where rooms, catalogues and documents are kept, and the history of changes.
//!
//! [`Store`] is what the rest of hatd knows of an engine. [`memory`] is the
//! executable specification; [`embedded`] keeps everything on the local disk. One
//! conformance suite runs on both.

pub mod embedded;
mod feed;
mod maintenance;
pub mod memory;
mod outcome;
mod page;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::feed::{Scope, Subscription, Taken};
pub use self::maintenance::{Checkpoint, Condition, Maintenance, Writes};
pub use self::page::{
    DocumentFilter, Page, PageLimit, definition_bytes, document_bytes, room_bytes,
};
use crate::command::{Refusal, Request, RoomState};
use crate::commit::{Commit, Counts, Identity, Mark, Position, Token};
use crate::hat::{Document, HatDefinition, HatId, Revision, Room};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::limits::Limits;
use crate::time::Timestamp;

/// A store of hats: current state, and the commits that led to it.
///
/// Every implementation keeps these promises, and the conformance suite checks them:
///
/// - **Durable first.** Nothing is visible to anyone, nor answered, that a crash or
///   power cut could take back: no commit, and no refusal or unchanged answer that
///   rests on one.
/// - **Atomic.** A commit is visible whole or not at all, to reads and to history.
/// - **One history.** Commits have dense positions, from 1. Order of positions is
///   order of visibility. The revisions of a room strictly rise, for ever.
/// - **Linearizable.** A read shows every commit that was answered before it began.
/// - **Writers first.** No reader, however slow, delays a write.
#[async_trait]
pub trait Store: Send + Sync {
    /// Decides a request by the rules of [`crate::command`] and commits the outcome.
    /// A request whose key was answered within the time kept is answered again.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] as the rules say, [`Error::RequestIdReused`] if the key was
    /// used for another request, [`Error::Overloaded`] if too many writes are waiting,
    /// [`Error::DiskFull`] if the disk is: nothing was done then. After
    /// [`Error::WritesStopped`], [`Error::Unavailable`] and [`Error::Corrupt`] it may have been.
    async fn apply(&self, request: Request) -> Result<Outcome, Error>;

    /// Ends all hats whose time has come: one commit for each room, the room of the hat due first
    /// before the others, and again as long as any are left.
    ///
    /// # Errors
    ///
    /// As [`Store::apply`].
    async fn expire(&self) -> Result<(), Error>;

    /// Which store this is, and which history of it.
    fn identity(&self) -> Identity;

    /// The position of the newest visible commit, and its mark.
    fn head(&self) -> (Position, Mark);

    /// As [`Store::head`], but not before it includes every commit that any read which
    /// has ended by now has shown: reads may be a moment ahead of the head.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the store has failed in between.
    async fn settled(&self) -> Result<(Position, Mark), Error>;

    /// Says what a position and the mark that somebody saw there are to this store.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Corrupt`] if the history cannot be read.
    async fn locate(&self, position: Position, mark: Mark) -> Result<Located, Error>;

    /// The commits after a position, oldest first: at least one unless the position is
    /// the head, and no more than `bytes` of them as the store encodes them, unless
    /// the first alone is larger.
    ///
    /// # Errors
    ///
    /// [`Error::Expired`] if the position is below what is kept for watchers;
    /// [`Error::Unavailable`] or [`Error::Corrupt`] if the history cannot be read.
    async fn commits_after(&self, position: Position, bytes: usize) -> Result<Vec<Entry>, Error>;

    /// Subscribes to commits that touch a scope, from now on.
    fn subscribe(&self, scope: Scope) -> Subscription;

    /// The room, if it exists.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Corrupt`] if the state cannot be read; so do
    /// all reads below.
    async fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Error>;

    /// The room, if it exists, and what is kept there for a user, at one moment.
    async fn document(
        &self,
        room: &RoomJid,
        user: &UserJid,
    ) -> Result<(Option<RoomState>, Document), Error>;

    /// Rooms after `after`, of a domain or all, by domain and local part.
    async fn rooms(
        &self,
        domain: Option<&Domain>,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Room>, Error>;

    /// The room, and documents of it after `after`, by user JID, at one moment.
    async fn documents(
        &self,
        room: &RoomJid,
        filter: &DocumentFilter,
        after: Option<&UserJid>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<UserJid, Document>), Error>;

    /// A user's documents that have hats, in rooms after `after`.
    async fn documents_of(
        &self,
        user: &UserJid,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Document>, Error>;

    /// The room, and its definitions after `after`, by hat id, at one moment.
    async fn definitions(
        &self,
        room: &RoomJid,
        after: Option<&HatId>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<HatId, HatDefinition>), Error>;

    /// Documents with hats after `after`, of a domain's rooms or all, by room and user.
    async fn all_documents(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &UserJid)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, UserJid), Document>, Error>;

    /// Definitions after `after`, of a domain's rooms or all, by room and hat id.
    async fn all_definitions(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &HatId)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, HatId), HatDefinition>, Error>;

    /// What there is to look after; nothing if the store keeps its data nowhere.
    fn maintenance(&self) -> Option<&dyn Maintenance>;

    /// Takes no more writes, and puts the store away for a quick start.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it cannot be put away. Nothing acknowledged is lost
    /// then, and the next start takes longer.
    async fn close(&self) -> Result<(), Error>;
}

/// What every engine is given.
#[derive(Clone)]
pub struct Options {
    /// The operator's limits.
    pub limits: Limits,
    /// How far back watches can resume.
    pub retention: Retention,
    /// How long a request id is remembered.
    pub request_id_ttl: Duration,
    /// Measures a commit as it is encoded for watchers, in bytes.
    pub commit_len: fn(&Commit) -> usize,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Options {
    /// The defaults, with a measure of commits.
    pub fn new(commit_len: fn(&Commit) -> usize) -> Self {
        Self {
            limits: Limits::default(),
            retention: Retention::default(),
            request_id_ttl: REQUEST_ID_TTL,
            commit_len,
            clock: Arc::new(Timestamp::now),
        }
    }
}

/// How long a request id is remembered. Our choice: longer than any client retries.
pub const REQUEST_ID_TTL: Duration = Duration::from_hours(1);

/// How far back watches can resume: whichever ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How old commits may be.
    pub age: Duration,
    /// How many bytes of commits, as the store encodes them.
    pub bytes: u64,
}

impl Default for Retention {
    /// 7 days or 8 GiB. Our choice: a consumer that was away over a long weekend
    /// resumes without a snapshot.
    fn default() -> Self {
        Self { age: Duration::from_hours(168), bytes: 8 << 30 }
    }
}

/// What a write did.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The revision of the request's last commit; of the room as it stands if nothing
    /// changed.
    pub revision: Revision,
    /// A position that includes the request.
    pub position: Position,
    /// The mark there.
    pub mark: Mark,
    /// Whether anything was committed.
    pub changed: bool,
    /// Whether this answers a request that was answered before.
    pub replayed: bool,
    /// The documents written, by user JID; of a request about one user, that document
    /// in any case.
    pub documents: Vec<(UserJid, Document)>,
    /// The definition that the request is about, if it is there.
    pub definition: Option<HatDefinition>,
    /// The room that the request is about, if it is there.
    pub room: Option<Room>,
    /// How much the request did in all.
    pub counts: Counts,
}

/// A commit in the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// Its mark.
    pub mark: Mark,
    /// The commit.
    pub commit: Arc<Commit>,
}

/// What a position that somebody saw is to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// In this history.
    Here,
    /// Below what is kept for watchers. Whether the mark fits may no longer be known.
    Expired,
    /// Not in this history: the store has another commit there, or none.
    Elsewhere,
}

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request id was used for another request.
    #[error("request_id {request_id:?} was used for another request")]
    RequestIdReused {
        /// The id.
        request_id: String,
    },
    /// The position is below what is kept for watchers.
    #[error("the position is no longer kept")]
    Expired,
    /// Too many writes are waiting.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The disk is nearly full. Nothing was done: there is room still for commits that only
    /// remove, or, when it is fuller yet, for none.
    #[error("there is too little space on the disk")]
    DiskFull,
    /// The store takes no writes any more: it was closed, or a write failed and only a
    /// restart finds out what is on disk. It said so once, when it stopped.
    #[error("the store takes no writes")]
    WritesStopped,
    /// The store cannot be read, or a write failed just now.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is damaged.
    #[error("the store is damaged")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A token of this store at a position.
pub fn token(store: &dyn Store, position: Position, mark: Mark) -> Token {
    Token { identity: store.identity(), position, mark, selectors: None }
}
