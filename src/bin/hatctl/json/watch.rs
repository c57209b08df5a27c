//! What `watch` writes.

use hatd_client::pb;
use serde::Serialize;

use super::{Attachment, Definition, Document, Named, Room, Time, is_false};

/// An event of a watch, as one line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Reset {
        reason: Named<pb::ResetReason>,
    },
    Snapshot {
        rooms: Vec<Room>,
        definitions: Vec<Definition>,
        users: Vec<Document>,
        complete: bool,
    },
    Changes {
        commits: Vec<Commit>,
    },
    Bookmark {
        #[serde(skip_serializing_if = "Option::is_none")]
        server_time: Option<Time>,
    },
}

/// An event and the token that resumes a watch after it, if there is one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WatchLine {
    #[serde(flatten)]
    pub(crate) event: Event,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) token: String,
}

/// One atomic change to one room.
#[expect(clippy::struct_field_names, reason = "the contract's names")]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Commit {
    pub(crate) room_jid: String,
    pub(crate) revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<Room>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) users: Vec<UserChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) definitions: Vec<Definition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed_definitions: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<Context>,
    #[serde(skip_serializing_if = "Named::is_none")]
    pub(crate) cause: Named<pb::CommitCause>,
}

/// Who asked, and why.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Context {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) actor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

/// What a commit did to one user.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UserChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_hats: Option<Document>,
    pub(crate) changes: Vec<HatChange>,
}

/// What a commit did to one hat of a user.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HatChange {
    pub(crate) hat_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: Named<pb::ChangeType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Attachment>,
}

impl From<hatd_client::Event> for WatchLine {
    fn from(event: hatd_client::Event) -> Self {
        use hatd_client::Event as Watched;
        let (event, token) = match event {
            Watched::Snapshot { page, token } => (page.into(), token),
            Watched::Changes { commits, token } => {
                (Event::Changes { commits: commits.into_iter().map(Into::into).collect() }, token)
            }
            Watched::Bookmark { server_time, token } => {
                (Event::Bookmark { server_time: server_time.map(Time) }, token)
            }
            Watched::Reset { reason } => {
                (Event::Reset { reason: Named::of(reason.into()) }, String::new())
            }
            // An event of a later client crate, of which there is nothing to show.
            _ => (Event::Bookmark { server_time: None }, String::new()),
        };
        Self { event, token }
    }
}

impl From<pb::WatchSnapshot> for Event {
    fn from(page: pb::WatchSnapshot) -> Self {
        Self::Snapshot {
            rooms: page.rooms.into_iter().map(Into::into).collect(),
            definitions: page
                .definitions
                .into_iter()
                .filter_map(|of_room| Some((of_room.room_jid, of_room.definition?)))
                .map(|(room_jid, definition)| Definition::of(room_jid, definition))
                .collect(),
            users: page.users.into_iter().map(Into::into).collect(),
            complete: page.complete,
        }
    }
}

impl From<pb::Commit> for Commit {
    fn from(commit: pb::Commit) -> Self {
        let cause = Named::of(commit.cause);
        Self {
            room_jid: commit.room_jid,
            revision: commit.revision,
            commit_time: commit.commit_time.map(Time),
            room: commit.room.map(Into::into),
            users: commit.users.into_iter().map(Into::into).collect(),
            definitions: commit
                .definitions
                .into_iter()
                .map(|definition| Definition::of(String::new(), definition))
                .collect(),
            removed_definitions: commit.removed_definitions,
            room_deleted: commit.room_deleted,
            context: commit
                .context
                .map(|context| Context { actor: context.actor, reason: context.reason }),
            cause,
        }
    }
}

impl From<pb::UserChange> for UserChange {
    fn from(change: pb::UserChange) -> Self {
        Self {
            user_hats: change.user_hats.map(Into::into),
            changes: change
                .changes
                .into_iter()
                .map(|change| HatChange {
                    kind: Named::of(change.r#type),
                    hat_id: change.hat_id,
                    previous: change.previous.map(Into::into),
                })
                .collect(),
        }
    }
}
