//! The JSON that hatctl reads and writes, and its conversion from and to the contract's messages.
//!
//! Fields have the names of the contract. A user's hats are `{"hats": {ID: {"active": …}}}`, as
//! `mod_muc_hats_api` documents them: `active` is always written, the rest where it is set.

mod update;
mod watch;
mod words;

use std::collections::BTreeMap;

use hatd_client::pb;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    update::RoomUpdate,
    watch::{Commit, Event, WatchLine},
    words::{Named, Time, Word},
};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A user's hats, by hat id.
pub(crate) type Hats = BTreeMap<String, Attachment>;

/// How one user has one hat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attachment {
    #[serde(default)]
    pub(crate) active: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) required: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expire_time: Option<Time>,
    /// Read, so that what was written can be read back, and then left to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given: Option<Given>,
}

/// Who gave a hat, why, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) actor: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Time>,
}

impl From<pb::Attachment> for Attachment {
    fn from(attachment: pb::Attachment) -> Self {
        Self {
            active: attachment.active,
            required: attachment.required,
            title: attachment.title,
            expire_time: attachment.expire_time.map(Time),
            given: attachment.given.map(|given| Given {
                actor: given.actor,
                reason: given.reason,
                time: given.time.map(Time),
            }),
        }
    }
}

impl From<Attachment> for pb::Attachment {
    fn from(attachment: Attachment) -> Self {
        Self {
            active: attachment.active,
            required: attachment.required,
            title: attachment.title,
            expire_time: attachment.expire_time.map(|time| time.0),
            given: None,
        }
    }
}

/// Makes a user's hats of the contract's.
pub(crate) fn hats(hats: BTreeMap<String, pb::Attachment>) -> Hats {
    hats.into_iter().map(|(hat_id, attachment)| (hat_id, attachment.into())).collect()
}

/// Makes the contract's hats of a user's.
pub(crate) fn pb_hats(hats: Hats) -> BTreeMap<String, pb::Attachment> {
    hats.into_iter().map(|(hat_id, attachment)| (hat_id, attachment.into())).collect()
}

/// All that is kept for one user in one room.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) room_jid: String,
    pub(crate) user_jid: String,
    #[serde(skip_serializing_if = "Named::is_none")]
    pub(crate) affiliation: Named<pb::Affiliation>,
    pub(crate) hats: Hats,
    pub(crate) revision: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) update_time: Option<Time>,
}

impl From<pb::UserHats> for Document {
    fn from(document: pb::UserHats) -> Self {
        Self {
            room_jid: document.room_jid,
            user_jid: document.user_jid,
            affiliation: Named::of(document.affiliation),
            hats: hats(document.hats),
            revision: document.revision,
            etag: document.etag,
            update_time: document.update_time.map(Time),
        }
    }
}

/// A room. Its `revision` and `etag` are only written.
#[expect(clippy::struct_field_names, reason = "the contract's names")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Room {
    pub(crate) room_jid: String,
    #[serde(default = "unspecified", skip_serializing_if = "Named::is_none")]
    pub(crate) hat_policy: Named<pb::HatPolicy>,
    #[serde(default = "unspecified", skip_serializing_if = "Named::is_none")]
    pub(crate) eligibility: Named<pb::Eligibility>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) revision: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) etag: String,
}

impl Room {
    /// A room of which nothing but its name is said.
    pub(crate) fn of(room_jid: &str) -> Self {
        Self {
            room_jid: room_jid.to_owned(),
            hat_policy: unspecified(),
            eligibility: unspecified(),
            revision: 0,
            etag: String::new(),
        }
    }
}

fn unspecified<T>() -> Named<T> {
    Named(None)
}

impl From<pb::Room> for Room {
    fn from(room: pb::Room) -> Self {
        Self {
            room_jid: room.room_jid,
            hat_policy: Named::of(room.hat_policy),
            eligibility: Named::of(room.eligibility),
            revision: room.revision,
            etag: room.etag,
        }
    }
}

/// A hat as a room knows it. Its `revision` and `etag` are only written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The room. Empty where the context says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) room_jid: String,
    pub(crate) hat_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) titles: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hue: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) position: i32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) self_assignable: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) revision: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) etag: String,
}

impl Definition {
    pub(crate) fn of(room_jid: String, definition: pb::HatDefinition) -> Self {
        Self {
            room_jid,
            hat_id: definition.hat_id,
            title: definition.title,
            titles: definition.titles,
            hue: definition.hue,
            position: definition.position,
            description: definition.description,
            self_assignable: definition.self_assignable,
            revision: definition.revision,
            etag: definition.etag,
        }
    }
}

impl From<Definition> for pb::HatDefinition {
    fn from(definition: Definition) -> Self {
        Self {
            hat_id: definition.hat_id,
            title: definition.title,
            titles: definition.titles,
            hue: definition.hue,
            position: definition.position,
            description: definition.description,
            self_assignable: definition.self_assignable,
            revision: 0,
            etag: String::new(),
        }
    }
}

/// What a user is to the room that the context names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserAffiliation {
    pub(crate) user_jid: String,
    pub(crate) affiliation: Named<pb::Affiliation>,
}

impl From<pb::UserAffiliation> for UserAffiliation {
    fn from(user: pb::UserAffiliation) -> Self {
        Self { user_jid: user.user_jid, affiliation: Named::of(user.affiliation) }
    }
}

impl From<UserAffiliation> for pb::UserAffiliation {
    fn from(user: UserAffiliation) -> Self {
        Self { user_jid: user.user_jid, affiliation: user.affiliation.value() }
    }
}

/// A line of an import or export: an object with one key, which says what it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Room(Room),
    Definition(Definition),
    Affiliation(AffiliationLine),
    Hats(HatsLine),
}

/// What a user is to a room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AffiliationLine {
    pub(crate) room_jid: String,
    pub(crate) user_jid: String,
    pub(crate) affiliation: Named<pb::Affiliation>,
}

/// All hats of a user in a room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HatsLine {
    pub(crate) room_jid: String,
    pub(crate) user_jid: String,
    pub(crate) hats: Hats,
}

/// A room with its settings and affiliations, to bring up to date.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncEntry {
    pub(crate) room_jid: String,
    #[serde(default = "unspecified")]
    hat_policy: Named<pb::HatPolicy>,
    #[serde(default = "unspecified")]
    eligibility: Named<pb::Eligibility>,
    #[serde(default = "unspecified")]
    mode: Named<pb::SyncMode>,
    #[serde(default)]
    affiliations: Vec<UserAffiliation>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
}

impl SyncEntry {
    /// Makes the contract's entry. `mode` is that of an entry which names none.
    pub(crate) fn into_pb(self, mode: pb::SyncMode) -> pb::SyncEntry {
        pb::SyncEntry {
            room_jid: self.room_jid,
            hat_policy: self.hat_policy.value(),
            eligibility: self.eligibility.value(),
            mode: self.mode.0.unwrap_or(mode).into(),
            affiliations: self.affiliations.into_iter().map(Into::into).collect(),
            from: self.from,
            until: self.until,
        }
    }
}
