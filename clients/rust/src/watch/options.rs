//! What to watch, and from where.

use std::time::Duration;

use crate::pb;

/// What to watch, and from where.
///
/// Selectors add up; without any, the watch is about all that the caller may see.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until they are watched with"]
pub struct WatchOptions {
    pub(crate) selectors: Vec<pb::WatchSelector>,
    pub(super) start: Start,
    pub(super) on_expired: pb::OnExpired,
    pub(super) heartbeat_interval: Option<Duration>,
    pub(super) at_least_token: String,
    pub(super) reconnect_delay_max: Option<Duration>,
    pub(super) jitter_seed: Option<u64>,
}

/// Where a watch starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the state, then the changes.
    #[default]
    Snapshot,
    /// After this token: of a watch with the same selectors, or of any read or write.
    Token(String),
    /// With the next change.
    Now,
}

impl WatchOptions {
    /// Selects a room: its record, its catalogue, and its documents.
    pub fn room(self, room_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { room_jid: room_jid.into(), ..Default::default() })
    }

    /// Selects a user: the user's documents in all rooms, and the deletion of every room.
    pub fn user(self, user_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { user_jid: user_jid.into(), ..Default::default() })
    }

    /// Selects one user's document in a room, with the room's record and catalogue.
    pub fn user_in_room(self, room_jid: impl Into<String>, user_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector {
            room_jid: room_jid.into(),
            user_jid: user_jid.into(),
            ..Default::default()
        })
    }

    /// Selects all rooms of a domain.
    pub fn domain(self, room_domain: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { room_domain: room_domain.into(), ..Default::default() })
    }

    /// Selects what a selector of the contract does.
    pub fn select(mut self, selector: pb::WatchSelector) -> Self {
        self.selectors.push(selector);
        self
    }

    /// Where to start. Default: [`Start::Snapshot`].
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// What the server does with a token that it cannot resume: a reset and a snapshot (default),
    /// or, with [`OnExpired::Fail`](pb::OnExpired::Fail), an error that ends the watch.
    pub fn on_expired(mut self, on_expired: pb::OnExpired) -> Self {
        self.on_expired = on_expired;
        self
    }

    /// How long the stream may be silent while nothing changes: 1 to 60 s. Default: 15 s.
    ///
    /// After two and a half intervals of silence the watch connects again.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = Some(interval);
        self
    }

    /// Starts with a state that includes this position: the token of any answer or watch. The
    /// first bookmark has passed it.
    pub fn at_least_token(mut self, token: impl Into<String>) -> Self {
        self.at_least_token = token.into();
        self
    }

    /// The longest delay before connecting again, unless the server asks for more. Default: 30 s.
    pub fn reconnect_delay_max(mut self, delay: Duration) -> Self {
        self.reconnect_delay_max = Some(delay);
        self
    }

    /// Makes the delays before connecting again the same each time, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter_seed = Some(seed);
        self
    }
}
