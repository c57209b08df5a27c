//! What a watch gives and tells.

use std::time::Duration;

use crate::{Error, pb};

/// A step of a watch.
///
/// Each takes the caller from the state that the tokens before it name to the state that its own
/// token names. Tokens are opaque: keep the last one and hand it back, never compare two.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A snapshot follows: what is held and not in it, up to its last page, is gone. What is held
    /// meanwhile is old, not wrong.
    Reset {
        /// Why.
        reason: pb::ResetReason,
    },
    /// A page of the state. The last one is `complete`.
    Snapshot {
        /// The page.
        page: pb::WatchSnapshot,
        /// Where a watch may resume. Empty unless the page is the last.
        token: String,
    },
    /// Changes, in order. They may be none, while the watch catches up.
    ///
    /// Between a reset and the last page of its snapshot they bring documents up to date, and are
    /// not news.
    Changes {
        /// The commits, each with the whole new documents.
        commits: Vec<pb::Commit>,
        /// Where a watch may resume. Empty within a snapshot.
        token: String,
    },
    /// There was nothing more to send.
    Bookmark {
        /// The server's clock.
        server_time: Option<prost_types::Timestamp>,
        /// Where a watch may resume.
        token: String,
    },
}

impl Event {
    /// Returns the token that resumes a watch after this event. None within a snapshot, which
    /// starts again if it is cut.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Reset { .. } => None,
            Self::Snapshot { token, .. }
            | Self::Changes { token, .. }
            | Self::Bookmark { token, .. } => {
                Some(token.as_str()).filter(|token| !token.is_empty())
            }
        }
    }
}

/// What happens to the stream under a watch. See [`Watch::on_lifecycle`](super::Watch::on_lifecycle).
#[derive(Debug)]
#[non_exhaustive]
pub enum Lifecycle<'a> {
    /// The server has answered on a new stream.
    Connected,
    /// The stream ended; the watch goes on by itself.
    Disconnected {
        /// Why.
        cause: &'a Disconnect,
        /// How long the watch waits before it connects again.
        retry_in: Duration,
    },
}

/// Why a stream under a watch ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnect {
    /// The server said that it would end the stream.
    #[error("{}", match reason {
        pb::GoAwayReason::Shutdown => "the server is shutting down",
        pb::GoAwayReason::Age | pb::GoAwayReason::Unspecified => "the stream was old",
    })]
    GoAway {
        /// Why.
        reason: pb::GoAwayReason,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The stream ended without a word.
    #[error("the stream ended")]
    Ended,
    /// The stream could not be opened, or broke, or the server ended it with an error.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Nothing came for too long.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// A response does not follow the one before it: something was lost on the way. The watch
    /// starts again with a snapshot.
    #[error("the chain of tokens is broken")]
    ChainBroken,
    /// A revision of a room does not rise. The watch starts again with a snapshot.
    #[error("a revision of {room_jid} does not rise")]
    RevisionNotRising {
        /// The room.
        room_jid: String,
    },
    /// A response has no event that this version of the crate knows.
    #[error("a response holds no known event")]
    UnknownEvent,
}

impl Disconnect {
    /// Returns how long the server asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::GoAway { retry_after, .. } => *retry_after,
            Self::Failed(error) => error.retry_delay(),
            Self::Ended
            | Self::Silent(_)
            | Self::ChainBroken
            | Self::RevisionNotRising { .. }
            | Self::UnknownEvent => None,
        }
    }
}

/// What a watch has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// How often the stream ended, or could not be opened, and the watch went on.
    pub reconnects: u64,
    /// How many resets came, that of an initial snapshot included.
    pub resets: u64,
    /// How often something was found to be lost, and the watch started again with a snapshot.
    pub chain_breaks: u64,
}
