//! The JSON that hatctl reads and writes, and its conversion from and to the contract's messages.
//!
//! Fields have the names of the contract. A user's hats are `{"hats": {ID: {"active": …}}}`, as
//! `mod_muc_hats_api` documents them: `active` is always written, the rest where it is set.

use std::{collections::BTreeMap, str::FromStr as _};

use hatd_client::{Timestamp, pb};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An enum of the contract that is written as the contract's words are: `MEMBER`.
pub(crate) trait Word: Copy + Into<i32> + TryFrom<i32> {
    /// What stands before the words in the protobuf names.
    const PREFIX: &str;

    fn proto_name(self) -> &'static str;
    fn from_proto_name(name: &str) -> Option<Self>;

    fn word(self) -> &'static str {
        let name = self.proto_name();
        name.strip_prefix(Self::PREFIX).unwrap_or(name)
    }

    /// Reads a word in any case, with `-` for `_` too. `UNSPECIFIED` is not one.
    fn parse(text: &str) -> Result<Self, String> {
        let word = text.to_ascii_uppercase().replace('-', "_");
        Self::from_proto_name(&format!("{}{word}", Self::PREFIX))
            .filter(|_| word != "UNSPECIFIED")
            .ok_or_else(|| format!("{text:?} is not one of {}", Self::words().join(", ")))
    }

    /// The words there are, without `UNSPECIFIED`.
    fn words() -> Vec<&'static str> {
        (1..).map_while(|value| Self::try_from(value).ok()).map(Self::word).collect()
    }
}

macro_rules! word {
    ($type:ty, $prefix:literal) => {
        impl Word for $type {
            const PREFIX: &str = $prefix;

            fn proto_name(self) -> &'static str {
                self.as_str_name()
            }

            fn from_proto_name(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }
        }
    };
}

word!(pb::Affiliation, "AFFILIATION_");
word!(pb::WriteAvailability, "WRITE_AVAILABILITY_");
word!(pb::HatPolicy, "HAT_POLICY_");
word!(pb::Eligibility, "ELIGIBILITY_");
word!(pb::SyncMode, "SYNC_MODE_");
word!(pb::ResetReason, "RESET_REASON_");
word!(pb::CommitCause, "COMMIT_CAUSE_");
word!(pb::ChangeType, "CHANGE_TYPE_");

/// A word in JSON. None is the contract's `UNSPECIFIED`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named<T>(pub(crate) Option<T>);

impl<T: Word> Named<T> {
    fn of(value: i32) -> Self {
        Self(T::try_from(value).ok().filter(|_| value != 0))
    }

    pub(crate) fn value(self) -> i32 {
        self.0.map_or(0, Into::into)
    }

    /// The word, or nothing.
    pub(crate) fn text(self) -> &'static str {
        self.0.map_or("", Word::word)
    }

    fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Word> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de, T: Word> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::parse(&text).map(Some).map(Self).map_err(D::Error::custom)
    }
}

/// A time, in JSON as RFC 3339 writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::from_str(&text)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{text:?} is not a time of RFC 3339")))
    }
}

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

/// Several changes to one room, as `hat update` reads them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoomUpdate {
    operations: Vec<Operation>,
    #[serde(default)]
    preconditions: Vec<Precondition>,
    #[serde(default)]
    keep_active: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Add(AddOperation),
    Remove(UserHat),
    Set(SetOperation),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddOperation {
    user_jid: String,
    hat_id: String,
    #[serde(default)]
    attachment: Attachment,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetOperation {
    user_jid: String,
    hats: Hats,
    #[serde(default)]
    hat_id_prefix: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserHat {
    user_jid: String,
    hat_id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentEtag {
    user_jid: String,
    etag: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Precondition {
    Etag(DocumentEtag),
    HasHat(UserHat),
    LacksHat(UserHat),
}

impl From<UserHat> for pb::UserHat {
    fn from(UserHat { user_jid, hat_id }: UserHat) -> Self {
        Self { user_jid, hat_id }
    }
}

impl From<Operation> for pb::HatOperation {
    fn from(operation: Operation) -> Self {
        use pb::hat_operation::Operation as Pb;
        let operation = match operation {
            Operation::Add(AddOperation { user_jid, hat_id, attachment }) => {
                Pb::Add(pb::AddOperation { user_jid, hat_id, attachment: Some(attachment.into()) })
            }
            Operation::Remove(UserHat { user_jid, hat_id }) => {
                Pb::Remove(pb::RemoveOperation { user_jid, hat_id })
            }
            Operation::Set(SetOperation { user_jid, hats, hat_id_prefix }) => {
                Pb::Set(pb::SetOperation { user_jid, hats: pb_hats(hats), hat_id_prefix })
            }
        };
        Self { operation: Some(operation) }
    }
}

impl From<Precondition> for pb::HatPrecondition {
    fn from(precondition: Precondition) -> Self {
        use pb::hat_precondition::Condition as Pb;
        let condition = match precondition {
            Precondition::Etag(DocumentEtag { user_jid, etag }) => {
                Pb::Etag(pb::DocumentEtag { user_jid, etag })
            }
            Precondition::HasHat(user_hat) => Pb::HasHat(user_hat.into()),
            Precondition::LacksHat(user_hat) => Pb::LacksHat(user_hat.into()),
        };
        Self { condition: Some(condition) }
    }
}

impl RoomUpdate {
    pub(crate) fn into_pb(self, room_jid: String) -> pb::UpdateRoomHatsRequest {
        pb::UpdateRoomHatsRequest {
            room_jid,
            operations: self.operations.into_iter().map(Into::into).collect(),
            preconditions: self.preconditions.into_iter().map(Into::into).collect(),
            keep_active: self.keep_active,
            ..Default::default()
        }
    }
}

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
