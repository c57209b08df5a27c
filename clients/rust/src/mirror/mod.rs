//! The state of a scope, kept current in memory.

mod changes;
mod display;
mod driver;
mod position;
mod state;
mod wait;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use changes::{Change, Changes};
pub use display::DisplayedHat;
pub use position::Position;

use crate::{Client, Counters, Disconnect, Error, WatchOptions, pb};
use driver::{Driver, Phase, Shared};
use wait::{Wait, Waits};

/// How many callers can begin to wait at one time. One more waits for its turn to begin.
const BEGUN_LEN: usize = 64;

/// What to mirror.
///
/// Selectors add up; without any, the mirror is of all that the caller may see.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until they are mirrored with"]
pub struct MirrorOptions(WatchOptions);

impl MirrorOptions {
    /// Selects a room: its record, its catalogue, and its documents.
    pub fn room(self, room_jid: impl Into<String>) -> Self {
        Self(self.0.room(room_jid))
    }

    /// Selects a user: the user's documents in all rooms. Their catalogues are not mirrored, so
    /// that hats are displayed by their own titles and hat ids alone.
    pub fn user(self, user_jid: impl Into<String>) -> Self {
        Self(self.0.user(user_jid))
    }

    /// Selects one user's document in a room, with the room's record and catalogue.
    pub fn user_in_room(self, room_jid: impl Into<String>, user_jid: impl Into<String>) -> Self {
        Self(self.0.user_in_room(room_jid, user_jid))
    }

    /// Selects all rooms of a domain.
    pub fn domain(self, room_domain: impl Into<String>) -> Self {
        Self(self.0.domain(room_domain))
    }

    /// Selects what a selector of the contract does.
    pub fn select(self, selector: pb::WatchSelector) -> Self {
        Self(self.0.select(selector))
    }

    /// As [`WatchOptions::heartbeat_interval`]: 1 to 60 s. Default: 15 s.
    pub fn heartbeat_interval(self, interval: Duration) -> Self {
        Self(self.0.heartbeat_interval(interval))
    }

    /// As [`WatchOptions::reconnect_delay_max`]. Default: 30 s.
    pub fn reconnect_delay_max(self, delay: Duration) -> Self {
        Self(self.0.reconnect_delay_max(delay))
    }

    /// Makes the delays before connecting again the same each time, for tests.
    pub fn jitter_seed(self, seed: u64) -> Self {
        Self(self.0.jitter_seed(seed))
    }
}

/// A mirror: the state of a scope, kept current in memory by a watch in a task of its own.
///
/// Reading it takes no call, and shows each commit whole or not at all. When the watch has to start
/// again, the mirror goes on answering with what it held, and says that it is [`stale`](Self::stale)
/// until it has caught up.
///
/// JIDs are given as hatd answers them, normalised: those in requests may be spelled otherwise, and
/// are not found here.
///
/// Cloning is cheap, and clones are one mirror. It ends with the last of them, or when it is closed.
#[derive(Clone, Debug)]
pub struct Mirror(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
    begun: mpsc::Sender<Wait>,
    closed: CancellationToken,
    task: TaskTracker,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

impl Mirror {
    pub(crate) fn new(client: &Client, options: MirrorOptions) -> Self {
        let options = options.0;
        let waits = Waits::new(options.selectors.clone());
        let shared = Arc::new(Shared::new());
        let closed = client.shared().closed.child_token();
        let (phase_sender, phase) = watch::channel(None);
        let (begun, begun_receiver) = mpsc::channel(BEGUN_LEN);
        let driver = Driver {
            watch: client.watch_until(closed.clone(), options),
            shared: Arc::clone(&shared),
            phase: phase_sender,
            waits,
            begun: begun_receiver,
        };
        let task = TaskTracker::new();
        task.spawn(client.shared().tasks.track_future(driver.run()));
        task.close();
        Self(Arc::new(Handle { shared, phase, begun, closed, task }))
    }

    /// Waits until the first snapshot is complete.
    ///
    /// # Errors
    ///
    /// What ended the mirror for good, which is one of the errors of
    /// [`Watch::next`](crate::Watch::next).
    pub async fn ready(&self) -> Result<(), Error> {
        let mut phase = self.0.phase.clone();
        let reached = phase.wait_for(Option::is_some).await;
        match reached.as_deref() {
            Ok(Some(phase)) => phase.clone(),
            // The task was dropped with its runtime.
            Ok(None) | Err(_) => Err(Error::Closed),
        }
    }

    /// Waits until the mirror includes `position`: an answer of hatd (`&answer`), or the token of
    /// one or of a watch. A caller that does so after a write reads what it wrote.
    ///
    /// A write that changed the hats of one user shows by itself. For anything else the mirror asks
    /// the server, which costs a new stream. An empty token is reached once the mirror is ready.
    /// Dropping the future, by a timeout for one, ends the wait.
    ///
    /// ```
    /// # use hatd_client::{Client, Error, Mirror};
    /// # async fn example(hatd: &Client, mirror: &Mirror) -> Result<(), Error> {
    /// let given = hatd.give_hat("den@chat.example", "ada@example.org", "urn:example:host").await?;
    /// mirror.wait_for(&given).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mirror::ready`], and the reasons `INVALID_TOKEN` and `STORE_MISMATCH` if the token is
    /// not one of this hatd: the mirror itself then goes on.
    pub async fn wait_for(&self, position: impl Into<Position>) -> Result<(), Error> {
        let position = position.into();
        self.ready().await?;

        let (reply, answer) = oneshot::channel();
        if self.0.begun.send(Wait { position, reply }).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return answer;
        }
        // The task is done, so it says why.
        self.ready().await.and(Err(Error::Closed))
    }

    /// Returns the hats that a user wears in a room, as they are displayed: those that the room
    /// defines by position, then the others, each by hat id.
    pub fn hats(&self, room_jid: &str, user_jid: &str) -> Vec<DisplayedHat> {
        self.0.shared.read().state.hats(room_jid, user_jid, None)
    }

    /// Returns the hats that a user wears in a room, with the definitions' titles in a language
    /// (BCP 47, such as `de-AT`), or the nearest to it that they have (RFC 4647, lookup).
    pub fn hats_in(&self, room_jid: &str, user_jid: &str, language: &str) -> Vec<DisplayedHat> {
        self.0.shared.read().state.hats(room_jid, user_jid, Some(language))
    }

    /// Returns a user's document in a room, if it has hats.
    pub fn document(&self, room_jid: &str, user_jid: &str) -> Option<Arc<pb::UserHats>> {
        self.0.shared.read().state.document(room_jid, user_jid)
    }

    /// Returns a room's record.
    pub fn room(&self, room_jid: &str) -> Option<Arc<pb::Room>> {
        self.0.shared.read().state.room(room_jid)
    }

    /// Returns the records of all rooms, by JID.
    pub fn rooms(&self) -> Vec<Arc<pb::Room>> {
        self.0.shared.read().state.rooms()
    }

    /// Returns a room's catalogue, by hat id.
    pub fn definitions(&self, room_jid: &str) -> Vec<Arc<pb::HatDefinition>> {
        self.0.shared.read().state.definitions(room_jid)
    }

    /// Returns the documents of a room that have hats, by user JID.
    pub fn users(&self, room_jid: &str) -> Vec<Arc<pb::UserHats>> {
        self.0.shared.read().state.users(room_jid)
    }

    /// Returns the documents of all rooms that have hats, by room JID and then user JID.
    pub fn documents(&self) -> Vec<Arc<pb::UserHats>> {
        self.0.shared.read().state.documents()
    }

    /// Returns a stream of what differs from now on. Before the first snapshot is complete, that is
    /// what the snapshot brings; after a reset, what is other than it was.
    pub fn changes(&self) -> Changes {
        self.0.shared.listen()
    }

    /// Whether what is held may be behind the server, by more than what is on its way: before the
    /// first snapshot is complete, while the state is taken anew, and once the mirror has ended.
    pub fn stale(&self) -> bool {
        self.0.shared.read().state.is_stale()
    }

    /// Returns the token after what is held, which resumes a watch of the same selectors. None: a
    /// snapshot is not complete.
    pub fn token(&self) -> Option<String> {
        self.0.shared.read().token.clone()
    }

    /// Returns what the watch under the mirror has been through. Streams that
    /// [`Mirror::wait_for`] needed are not counted.
    pub fn counters(&self) -> Counters {
        self.0.shared.read().counters
    }

    /// Returns when the last response came.
    pub fn last_response(&self) -> Option<Instant> {
        self.0.shared.read().last_response
    }

    /// Returns why the stream under the mirror last ended, be it for good. None: it has not.
    pub fn last_disconnect(&self) -> Option<Disconnect> {
        self.0.shared.read().last_disconnect.clone()
    }

    /// Ends the mirror, and waits until its task is done. Callers that wait get [`Error::Closed`];
    /// what is held stays, stale. Closing again does nothing.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.0.task.wait().await;
    }
}
