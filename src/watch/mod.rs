//! Watches: the state of what is selected, then every change to it.
//!
//! A watch is a cursor: a position in the store's history, and what it selects. It has
//! no queue and no task of its own; whoever sends it to a client asks for the next
//! step when the client has room for it. So a slow client costs what a fast one does,
//! and delays nobody: it reads recent commits from memory, older ones from the log,
//! and if it falls behind what is kept it is given the state anew.

mod scan;
mod selector;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::scan::Scan;
pub use self::scan::SnapshotPage;
pub use self::selector::{Selector, Selectors};
use crate::commit::{Commit, Mark, Position, Token};
use crate::planted::{self, Bug};
use crate::store::{self, Located, Store, Subscription, Taken};
use crate::time::Timestamp;

/// How much of the history is read at once.
const READ_BYTES: usize = 512 << 10;

/// How large `changes` grow as encoded for watchers, unless one commit is larger. The
/// contract says: under 1 MiB.
const CHANGES_BYTES: usize = 512 << 10;

/// How long a stream lives: a random age from this to twice this, so that the load of
/// reconnecting spreads. Our choice, below what proxies and load balancers expect.
pub const AGE_MIN: Duration = Duration::from_mins(30);

/// How long a client is to wait when its stream has reached its age.
const AGE_RETRY_AFTER: Duration = Duration::from_secs(0);

/// How long a client is to wait when the server shuts down. Our choice: a restart takes
/// about as long.
const SHUTDOWN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where a watch starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the state.
    Snapshot,
    /// After a token, given as text.
    Resume {
        /// The token as it was given.
        text: String,
        /// The token.
        token: Token,
    },
    /// With the next change.
    Now,
}

/// What to do with a position that cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExpired {
    /// Give the state anew.
    Reset,
    /// Fail.
    Fail,
}

/// What to watch, and how.
pub struct Options {
    /// What it is about.
    pub selectors: Selectors,
    /// Where it starts.
    pub start: Start,
    /// What to do if `start` cannot be resumed.
    pub on_expired: OnExpired,
    /// How long it may be silent.
    pub heartbeat: Duration,
    /// When it ends of age.
    pub ends_at: Instant,
    /// Ends it when the server shuts down.
    pub shutdown: CancellationToken,
    /// Measures a commit as it is encoded for watchers, in bytes.
    pub commit_len: fn(&Commit) -> usize,
}

/// One response of a watch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The token of the step before; of the first, the one resumed.
    pub after: String,
    /// Where this step takes the client. Empty until a snapshot is complete.
    pub token: String,
    /// What happened.
    pub event: Event,
}

/// What a step says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A snapshot follows.
    Reset(ResetReason),
    /// A page of the state.
    Snapshot(SnapshotPage),
    /// Commits, narrowed to what is selected. None: the watch has come this far.
    Changes(Vec<Arc<Commit>>),
    /// There was nothing more to send at this time.
    Bookmark(Timestamp),
    /// The last step.
    GoAway {
        /// Why it ends.
        reason: GoAwayReason,
        /// How long to wait before resuming.
        retry_after: Duration,
    },
}

/// Why a client is to take the state anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The watch starts.
    Initial,
    /// The position is no longer kept.
    Expired,
    /// The position is of another history.
    StoreChanged,
    /// The history moved on past the beginning of the scan.
    ScanRestarted,
}

/// Why a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoAwayReason {
    /// It is old.
    Age,
    /// The server shuts down.
    Shutdown,
}

/// Why a watch fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The position is no longer kept, and the watch was to fail then.
    #[error("the position to resume from is no longer kept")]
    Expired,
    /// The position is of another history, and the watch was to fail then.
    #[error("the position to resume from is of another store, or of another history of this one")]
    Mismatch,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A cursor in the history of a store.
pub struct Watch {
    store: Arc<dyn Store>,
    options: Options,
    selectors_hash: u64,
    subscription: Subscription,
    phase: Phase,
    /// The last token sent, or the one resumed.
    token: String,
    last_sent: Instant,
    /// Whether the stream has caught up once and has said so.
    bookmarked: bool,
}

enum Phase {
    /// The state is to be given anew.
    Reset(ResetReason),
    /// The state is being read; commits after `from` are to follow.
    Scan { scan: Scan, from: Position },
    /// The state is read; what happened meanwhile is being sent, up to `until`.
    Fold { cursor: Cursor, until: Position },
    /// Changes are being sent, up to `until`. What is selected and comes after it has
    /// touched the subscription.
    Live { cursor: Cursor, until: Position },
    /// The last step was sent.
    Ended,
}

#[derive(Clone, Copy)]
struct Cursor {
    position: Position,
    mark: Mark,
}

impl Watch {
    /// Starts a watch.
    ///
    /// # Errors
    ///
    /// [`Error::Expired`] and [`Error::Mismatch`] if the start cannot be resumed and
    /// the watch is to fail then; [`Error::Store`] if the store cannot say.
    pub async fn open(store: Arc<dyn Store>, options: Options) -> Result<Self, Error> {
        // Subscribed before the head is read: what comes between is touched and read.
        let subscription = store.subscribe(options.selectors.scope());
        let (head, mark) = store.head();
        let (phase, token) = match &options.start {
            Start::Snapshot => (Phase::Reset(ResetReason::Initial), String::new()),
            Start::Now => {
                let cursor = Cursor { position: head, mark };
                (Phase::Live { cursor, until: head }, String::new())
            }
            Start::Resume { text, token } => {
                (locate(store.as_ref(), token, head).await?, text.clone())
            }
        };
        let phase = match (phase, options.on_expired) {
            (Phase::Reset(ResetReason::Expired), OnExpired::Fail) => return Err(Error::Expired),
            (Phase::Reset(ResetReason::StoreChanged), OnExpired::Fail) => {
                return Err(Error::Mismatch);
            }
            (phase, OnExpired::Fail | OnExpired::Reset) => phase,
        };
        Ok(Self {
            selectors_hash: options.selectors.hash(),
            store,
            options,
            subscription,
            phase,
            token,
            last_sent: Instant::now(),
            bookmarked: false,
        })
    }

    /// The next step; none after the last. Waits until there is one.
    ///
    /// # Errors
    ///
    /// As [`Watch::open`]. Nothing follows an error.
    pub async fn next(&mut self) -> Result<Option<Step>, Error> {
        let stepped = self.step().await;
        if stepped.is_err() {
            self.phase = Phase::Ended;
        }
        stepped
    }

    async fn step(&mut self) -> Result<Option<Step>, Error> {
        loop {
            if let Some(reason) = self.must_end() {
                return Ok(self.go_away(reason));
            }
            match &mut self.phase {
                Phase::Ended => return Ok(None),
                Phase::Reset(reason) => {
                    let reason = *reason;
                    let (from, _) = self.store.head();
                    self.bookmarked = false;
                    let scan = Scan::new(&self.options.selectors);
                    self.phase = Phase::Scan { scan, from };
                    return Ok(Some(self.send(String::new(), Event::Reset(reason))));
                }
                Phase::Scan { scan, from } => {
                    let from = *from;
                    let store = self.store.as_ref();
                    if let Some(page) = scan.next_page(store, &self.options.selectors).await? {
                        return Ok(Some(self.send(String::new(), Event::Snapshot(page))));
                    }
                    // Nothing that the scan saw is later than this.
                    let (until, mark) = self.store.settled().await?;
                    let mark = if from == until { mark } else { Mark::ORIGIN };
                    let cursor = Cursor { position: from, mark };
                    self.phase = Phase::Fold { cursor, until };
                }
                Phase::Fold { cursor, until } if cursor.position >= *until => {
                    let (cursor, until) = (*cursor, *until);
                    self.phase = Phase::Live { cursor, until };
                    let page = SnapshotPage { complete: true, ..SnapshotPage::default() };
                    let token = self.token_at(cursor);
                    return Ok(Some(self.send(token, Event::Snapshot(page))));
                }
                Phase::Fold { cursor, .. } => {
                    let at = *cursor;
                    match self.read(at).await? {
                        None => self.phase = Phase::Reset(ResetReason::ScanRestarted),
                        Some((cursor, commits)) => {
                            self.advance(cursor);
                            let silent = self.last_sent.elapsed() >= self.options.heartbeat;
                            if !commits.is_empty() || silent {
                                let event = Event::Changes(commits);
                                return Ok(Some(self.send(String::new(), event)));
                            }
                        }
                    }
                }
                Phase::Live { cursor, until } if cursor.position < *until => {
                    let at = *cursor;
                    if let Some(step) = self.catch_up(at).await? {
                        return Ok(Some(step));
                    }
                }
                Phase::Live { .. } => {
                    if let Some(step) = self.wait().await {
                        return Ok(Some(step));
                    }
                }
            }
        }
    }

    fn must_end(&self) -> Option<GoAwayReason> {
        if self.options.shutdown.is_cancelled() {
            Some(GoAwayReason::Shutdown)
        } else if Instant::now() >= self.options.ends_at {
            Some(GoAwayReason::Age)
        } else {
            None
        }
    }

    fn go_away(&mut self, reason: GoAwayReason) -> Option<Step> {
        if matches!(self.phase, Phase::Ended) {
            return None;
        }
        self.phase = Phase::Ended;
        let retry_after = match reason {
            GoAwayReason::Age => AGE_RETRY_AFTER,
            GoAwayReason::Shutdown => SHUTDOWN_RETRY_AFTER,
        };
        let token = self.token.clone();
        Some(self.send(token, Event::GoAway { reason, retry_after }))
    }

    /// Sends commits behind the head, or says how far it has come.
    async fn catch_up(&mut self, at: Cursor) -> Result<Option<Step>, Error> {
        let Some((cursor, commits)) = self.read(at).await? else {
            if self.options.on_expired == OnExpired::Fail {
                return Err(Error::Expired);
            }
            self.phase = Phase::Reset(ResetReason::Expired);
            return Ok(None);
        };
        self.advance(cursor);
        if commits.is_empty() && self.last_sent.elapsed() < self.options.heartbeat {
            return Ok(None);
        }
        let token = self.token_at(cursor);
        Ok(Some(self.send(token, Event::Changes(commits))))
    }

    /// Looks whether there is more; if not, sends a bookmark if one is due, or waits.
    async fn wait(&mut self) -> Option<Step> {
        let Taken { first, head: (head, mark) } = self.subscription.take();
        if let Some(first) = first
            && !(planted::has(Bug::BookmarkAhead) && self.bookmarked)
        {
            if let Phase::Live { cursor, until } = &mut self.phase {
                // Nothing between the cursor and `first` is selected.
                cursor.position = cursor.position.max(first.previous());
                *until = head;
            }
            return None;
        }
        let cursor = Cursor { position: head, mark };
        self.phase = Phase::Live { cursor, until: head };

        let due = self.last_sent + self.options.heartbeat;
        if planted::has(Bug::BookmarkAhead) && first.is_some() {
            let token = self.token_at(cursor);
            return Some(self.send(token, Event::Bookmark(Timestamp::now())));
        }
        if !self.bookmarked || Instant::now() >= due {
            self.bookmarked = true;
            let token = self.token_at(cursor);
            return Some(self.send(token, Event::Bookmark(Timestamp::now())));
        }
        tokio::select! {
            () = self.subscription.touched() => {}
            () = sleep_until(due.min(self.options.ends_at)) => {}
            () = self.options.shutdown.cancelled() => {}
        }
        None
    }

    /// Reads on after a position: how far, and what of it is selected. None if the
    /// position is no longer kept.
    async fn read(&self, at: Cursor) -> Result<Option<(Cursor, Vec<Arc<Commit>>)>, Error> {
        let entries = match self.store.commits_after(at.position, READ_BYTES).await {
            Err(store::Error::Expired) => return Ok(None),
            entries => entries?,
        };
        let mut cursor = at;
        let mut commits = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            if let Some(commit) = self.options.selectors.narrow(&entry.commit) {
                bytes += (self.options.commit_len)(&commit);
                if bytes > CHANGES_BYTES && !commits.is_empty() {
                    break;
                }
                if planted::has(Bug::CommitSplit) {
                    commits.extend(split(&commit));
                } else {
                    commits.push(commit);
                }
            }
            cursor = Cursor { position: entry.position, mark: entry.mark };
        }
        Ok(Some((cursor, commits)))
    }

    fn advance(&mut self, to: Cursor) {
        match &mut self.phase {
            Phase::Fold { cursor, .. } | Phase::Live { cursor, .. } => *cursor = to,
            Phase::Reset(_) | Phase::Scan { .. } | Phase::Ended => {}
        }
    }

    fn token_at(&self, cursor: Cursor) -> String {
        let token = Token {
            identity: self.store.identity(),
            position: cursor.position,
            mark: cursor.mark,
            selectors: Some(self.selectors_hash),
        };
        token.encode()
    }

    fn send(&mut self, token: String, event: Event) -> Step {
        self.last_sent = Instant::now();
        let after = std::mem::replace(&mut self.token, token.clone());
        Step { after, token, event }
    }
}

/// A commit in two, for [`Bug::CommitSplit`].
fn split(commit: &Arc<Commit>) -> Vec<Arc<Commit>> {
    let (first, second) = commit.users.split_at(commit.users.len() / 2);
    let with = |users: &[crate::commit::UserChange]| {
        Arc::new(Commit { users: users.to_vec(), ..Commit::clone(commit) })
    };
    if first.is_empty() { vec![Arc::clone(commit)] } else { vec![with(first), with(second)] }
}

/// Where a token stands in the store's history.
async fn locate(store: &dyn Store, token: &Token, head: Position) -> Result<Phase, Error> {
    if token.identity != store.identity() {
        return Ok(Phase::Reset(ResetReason::StoreChanged));
    }
    let located = store.locate(token.position, token.mark).await?;
    Ok(match located {
        Located::Here => {
            let mut cursor = Cursor { position: token.position, mark: token.mark };
            if planted::has(Bug::ResumeRepeats) {
                cursor.position = cursor.position.previous();
            }
            Phase::Live { cursor, until: head.max(token.position) }
        }
        Located::Expired => Phase::Reset(ResetReason::Expired),
        Located::Elsewhere => Phase::Reset(ResetReason::StoreChanged),
    })
}
