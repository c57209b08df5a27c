//! What is recorded of a history.

use std::time::SystemTime;

use hatd_client::pb;

use crate::watch::held::Held;

/// A moment in a history: moments rise, and no two are the same.
pub(super) type Moment = u64;

/// All that was seen of a server, across its restarts.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Calls, by any client.
    pub(super) calls: Vec<Call>,
    /// What there was in the beginning: rooms without anything.
    pub(super) began_with: Held,
    /// What a watch of everything was shown from then on: every commit but those that change only
    /// affiliations of users without hats, in order.
    pub(super) log: Vec<pb::Commit>,
    /// What broke that watch's promises as it came.
    pub(super) broken: Vec<String>,
    /// Other watches.
    pub(super) watches: Vec<Watched>,
}

/// A call and its answer: the first that came, if it was made again since the server was gone.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) began: Moment,
    pub(super) ended: Moment,
    /// What the clock said then.
    pub(super) ended_at: SystemTime,
    pub(super) room_jid: String,
    pub(super) what: What,
    pub(super) answer: Answer,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Read {
        user_jid: String,
    },
    /// Reads all users who have hats.
    List,
    Add {
        user_jid: String,
        hat_id: String,
        title: String,
        etag: String,
        /// When the hat is to end by itself.
        expire_time: Option<SystemTime>,
    },
    Remove {
        user_jid: String,
        hat_id: String,
    },
    /// Wears a hat or takes it off.
    Wear {
        user_jid: String,
        hat_id: String,
        active: bool,
    },
    /// Takes a hat that is for everyone to take.
    Claim {
        user_jid: String,
        hat_id: String,
    },
    /// Gives a hat up.
    Discard {
        user_jid: String,
        hat_id: String,
    },
    /// Sets the hats of several users, if a user has or lacks a hat.
    Update {
        users: Vec<String>,
        hat_id: String,
        title: String,
        condition: Option<Condition>,
    },
    SetWearers {
        users: Vec<String>,
        hat_id: String,
        title: String,
    },
    Define {
        hat_id: String,
        definition: Definition,
    },
    Destroy {
        hat_id: String,
    },
    Affiliate {
        user_jid: String,
        affiliation: pb::Affiliation,
    },
    /// Makes the room, if there is none.
    Put,
    Delete,
    /// A request that was answered once more, with its id.
    Again {
        of: Box<What>,
        revision: u64,
    },
}

/// What a room's catalogue says of a hat.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) title: String,
    pub(super) self_assignable: bool,
}

/// What must hold for an update.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) user_jid: String,
    pub(super) hat_id: String,
    /// Whether the user must have the hat, or must not.
    pub(super) has: bool,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Of a read, one document; of a list, all that have hats.
    Read {
        revision: u64,
        documents: Vec<pb::UserHats>,
    },
    Written {
        revision: u64,
        changed: bool,
        replayed: bool,
        documents: Vec<pb::UserHats>,
    },
    /// By a reason of hatd's.
    Refused(pb::ErrorReason),
    /// Otherwise, while nobody was stopping the server.
    Failed(String),
}

/// What a watch selected, and was shown.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) selector: pb::WatchSelector,
    /// The state that it began with.
    pub(super) began_with: Held,
    /// Commits after that, across cuts and resumes.
    pub(super) news: Vec<pb::Commit>,
    /// What broke its promises as it came.
    pub(super) broken: Vec<String>,
}
