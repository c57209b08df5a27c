//! What callers can ask for, and the rules: every rule stands here, once.
//!
//! [`decide`] is pure: a request, what it read through a [`View`], the time and
//! the limits go in; commits and an answer, or a [`Refusal`], come out. Every
//! store calls it, so every store has the same rules, and tests of the rules need
//! no store at all.

mod draft;
mod hats;
mod overlay;
mod rooms;
mod wardrobe;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use minicbor::Encode;
use sha2::{Digest as _, Sha256};

pub use self::overlay::Overlay;
use crate::commit::{Commit, CompletedRequest, Counts, Fingerprint, RequestKey};
use crate::hat::{
    Affiliation, Attachment, Context, Document, Eligibility, HatDefinition, HatId, HatPolicy,
    Revision, Room,
};
use crate::jid::{RoomJid, UserJid};
use crate::limits::Limits;
use crate::time::Timestamp;

/// A command, and what every write takes beside it.
#[derive(Clone, Debug, PartialEq, Encode)]
#[cbor(map)]
pub struct Request {
    /// What to do.
    #[n(0)]
    pub command: Command,
    /// Who asked for it, and why.
    #[n(1)]
    pub context: Option<Context>,
    /// Names the request, so that a retry is answered and not done again.
    #[cbor(skip)]
    pub key: Option<RequestKey>,
}

impl Request {
    /// A command that names neither who asked nor itself.
    pub fn new(command: Command) -> Self {
        Self { command, context: None, key: None }
    }

    /// What tells this request from another under the same id: command and context,
    /// as parsed.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "encoding into a vector has no way to fail"
    )]
    pub fn fingerprint(&self) -> Fingerprint {
        let bytes = minicbor::to_vec(self).expect("a vector takes all bytes");
        Fingerprint(Sha256::digest(&bytes).into())
    }
}

/// What callers can ask for. Each variant is the RPC of its name.
#[derive(Clone, Debug, PartialEq, Encode)]
#[cbor(map)]
pub enum Command {
    /// Puts a hat into a user's wardrobe.
    #[n(0)]
    AddUserHat {
        /// Whose hat.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
        /// How the user has it.
        #[n(2)]
        attachment: Attachment,
        /// Whether a hat had already keeps its `active`.
        #[n(3)]
        keep_active: bool,
    },
    /// Takes a hat out of a user's wardrobe.
    #[n(1)]
    RemoveUserHat {
        /// Whose hat.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Makes the listed hats exactly the user's, or those that begin with a prefix.
    #[n(2)]
    SetUserHats {
        /// Whose hats.
        #[n(0)]
        target: Target,
        /// Which hats.
        #[n(1)]
        hats: BTreeMap<HatId, Attachment>,
        /// Touch only hats whose id begins with this. Empty: all.
        #[n(2)]
        prefix: String,
        /// Whether hats had already keep their `active`.
        #[n(3)]
        keep_active: bool,
    },
    /// Makes the listed users exactly those who have a hat.
    #[n(3)]
    SetHatWearers {
        /// In which room.
        #[n(0)]
        room_jid: RoomJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
        /// Who has it.
        #[n(2)]
        user_jids: BTreeSet<UserJid>,
        /// How they have it.
        #[n(3)]
        attachment: Attachment,
        /// Whether a hat had already keeps its `active`.
        #[n(4)]
        keep_active: bool,
    },
    /// Does several operations in one commit.
    #[n(4)]
    UpdateRoomHats {
        /// In which room.
        #[n(0)]
        room_jid: RoomJid,
        /// What to do.
        #[n(1)]
        operations: Vec<Operation>,
        /// What must hold.
        #[n(2)]
        preconditions: Vec<Precondition>,
        /// Whether hats had already keep their `active`.
        #[n(3)]
        keep_active: bool,
    },
    /// Creates or replaces a definition.
    #[n(5)]
    DefineHat {
        /// In whose catalogue.
        #[n(0)]
        room_jid: RoomJid,
        /// The definition; its revision is not read.
        #[n(1)]
        definition: HatDefinition,
        /// The etag that the definition must have.
        #[n(2)]
        etag: Option<String>,
    },
    /// Takes a hat off everybody and out of the catalogue.
    #[n(6)]
    DestroyHat {
        /// In which room.
        #[n(0)]
        room_jid: RoomJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Creates a room, or changes its settings.
    #[n(7)]
    PutRoom {
        /// Which room.
        #[n(0)]
        room_jid: RoomJid,
        /// Its settings.
        #[n(1)]
        settings: RoomSettings,
        /// The etag that the room must have.
        #[n(2)]
        etag: Option<String>,
    },
    /// Deletes a room with all that is in it.
    #[n(8)]
    DeleteRoom {
        /// Which room.
        #[n(0)]
        room_jid: RoomJid,
        /// The etag that the room must have.
        #[n(1)]
        etag: Option<String>,
    },
    /// Sets what a user is to a room.
    #[n(9)]
    SetAffiliation {
        /// Who.
        #[n(0)]
        target: Target,
        /// What the user is.
        #[n(1)]
        affiliation: Affiliation,
    },
    /// Brings rooms and their affiliations up to date.
    #[n(10)]
    SyncRooms {
        /// The rooms.
        #[n(0)]
        entries: Vec<SyncEntry>,
        /// How many hats the call may remove.
        #[n(1)]
        max_removed_hats: u32,
    },
    /// Removes a user from every room.
    #[n(11)]
    ForgetUser {
        /// Whom.
        #[n(0)]
        user_jid: UserJid,
    },
    /// Wears a hat that the user has.
    #[n(12)]
    WearHat {
        /// Whose hat.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Takes off a hat that the user has.
    #[n(13)]
    DoffHat {
        /// Whose hat.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Takes a hat that is self-assignable.
    #[n(14)]
    ClaimHat {
        /// For whom.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Gives up a hat that the user has.
    #[n(15)]
    DiscardHat {
        /// Whose hat.
        #[n(0)]
        target: Target,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// Ends hats whose time has come. No RPC: stores ask for it themselves.
    #[n(16)]
    Expire {
        /// In which room.
        #[n(0)]
        room_jid: RoomJid,
        /// Whose hats are to be looked at.
        #[n(1)]
        user_jids: BTreeSet<UserJid>,
    },
}

/// A user in a room, and the etag that the document must have.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Target {
    /// The room.
    #[n(0)]
    pub room_jid: RoomJid,
    /// The user.
    #[n(1)]
    pub user_jid: UserJid,
    /// The etag that the document must have.
    #[n(2)]
    pub etag: Option<String>,
}

/// What `PutRoom` and `SyncRooms` may set. None: the default for a new room, no
/// change for an existing one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct RoomSettings {
    /// Which hats may newly be put on.
    #[n(0)]
    pub hat_policy: Option<HatPolicy>,
    /// Which users can have hats.
    #[n(1)]
    pub eligibility: Option<Eligibility>,
}

/// One step of `UpdateRoomHats`.
#[derive(Clone, Debug, PartialEq, Encode)]
#[cbor(map)]
pub enum Operation {
    /// As `AddUserHat`.
    #[n(0)]
    Add {
        /// Whose hat.
        #[n(0)]
        user_jid: UserJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
        /// How the user has it.
        #[n(2)]
        attachment: Attachment,
    },
    /// As `RemoveUserHat`.
    #[n(1)]
    Remove {
        /// Whose hat.
        #[n(0)]
        user_jid: UserJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// As `SetUserHats`.
    #[n(2)]
    Set {
        /// Whose hats.
        #[n(0)]
        user_jid: UserJid,
        /// Which hats.
        #[n(1)]
        hats: BTreeMap<HatId, Attachment>,
        /// Touch only hats whose id begins with this. Empty: all.
        #[n(2)]
        prefix: String,
    },
}

impl Operation {
    /// Whose hats it touches.
    pub fn user_jid(&self) -> &UserJid {
        match self {
            Self::Add { user_jid, .. }
            | Self::Remove { user_jid, .. }
            | Self::Set { user_jid, .. } => user_jid,
        }
    }
}

/// What must hold for `UpdateRoomHats`.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
#[cbor(map)]
pub enum Precondition {
    /// The document has this etag.
    #[n(0)]
    Etag {
        /// Whose document.
        #[n(0)]
        user_jid: UserJid,
        /// The etag.
        #[n(1)]
        etag: String,
    },
    /// The user has the hat.
    #[n(1)]
    HasHat {
        /// Who.
        #[n(0)]
        user_jid: UserJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
    /// The user does not have the hat.
    #[n(2)]
    LacksHat {
        /// Who.
        #[n(0)]
        user_jid: UserJid,
        /// Which hat.
        #[n(1)]
        hat_id: HatId,
    },
}

/// One room of `SyncRooms`.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct SyncEntry {
    /// The room.
    #[n(0)]
    pub room_jid: RoomJid,
    /// Its settings.
    #[n(1)]
    pub settings: RoomSettings,
    /// The users listed.
    #[n(2)]
    pub affiliations: BTreeMap<UserJid, Affiliation>,
    /// The users who become NONE unless they are listed.
    #[n(3)]
    pub replace: Option<UserRange>,
}

/// Users from one JID to before another, compared as UTF-8 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct UserRange {
    /// The first. None: from the beginning.
    #[n(0)]
    pub from: Option<UserJid>,
    /// The one before which the range ends. None: to the end.
    #[n(1)]
    pub until: Option<UserJid>,
}

impl UserRange {
    /// Whether the user is in the range.
    pub fn contains(&self, user: &UserJid) -> bool {
        self.from.as_ref().is_none_or(|from| user >= from)
            && self.until.as_ref().is_none_or(|until| user < until)
    }

    /// Whether a user could be in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| match (&a.until, &b.from) {
            (Some(until), Some(from)) => until <= from,
            (Some(_), None) | (None, Some(_) | None) => false,
        };
        !before(self, other) && !before(other, self)
    }
}

/// A room as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// Its record.
    pub room: Room,
    /// The revision of the room's last commit, whatever that changed.
    pub head: Revision,
}

/// What could not be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unreadable(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// The state that a command is decided on. All answers belong to one moment.
///
/// # Errors
///
/// Every method: [`Unreadable`] if the store cannot be read.
#[expect(clippy::missing_errors_doc, reason = "all methods fail alike, as the trait says")]
pub trait View {
    /// The room, if it exists.
    fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Unreadable>;

    /// What is kept for a user in a room; an absent document if that is nothing.
    fn document(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Unreadable>;

    /// Shows each document of the room whose user is in the range, by user JID,
    /// until `show` breaks.
    fn each_document(
        &self,
        room: &RoomJid,
        range: &UserRange,
        show: &mut dyn FnMut(UserJid, Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable>;

    /// The first `limit` users of the room who have the hat.
    fn users_with_hat(
        &self,
        room: &RoomJid,
        hat: &HatId,
        limit: usize,
    ) -> Result<Vec<UserJid>, Unreadable>;

    /// The first `limit` rooms that keep anything for the user.
    fn rooms_of(&self, user: &UserJid, limit: usize) -> Result<Vec<RoomJid>, Unreadable>;

    /// The definition of a hat, if the room's catalogue has it.
    fn definition(&self, room: &RoomJid, hat: &HatId) -> Result<Option<HatDefinition>, Unreadable>;

    /// How many definitions the room's catalogue has.
    fn definition_count(&self, room: &RoomJid) -> Result<usize, Unreadable>;
}

/// What [`decide`] takes as given.
pub struct Env<'a> {
    /// The time.
    pub now: Timestamp,
    /// The revision of the first commit decided; the others follow it.
    pub next: Revision,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// Measures a commit as it is encoded for watchers, in bytes.
    pub commit_len: fn(&Commit) -> usize,
    /// What the earlier turns of this request did.
    pub done: Counts,
}

/// What a request does.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The commits, in order. None: nothing changes.
    pub commits: Vec<Commit>,
    /// What the answer says beside them.
    pub answer: Answer,
    /// Whether the request needs another turn, after these commits are applied and
    /// before anything else is.
    pub unfinished: bool,
}

/// What an answer to a write says of the records written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Documents, as they are after the request.
    pub documents: Vec<(UserJid, Document)>,
    /// The definition, as it is after the request.
    pub definition: Option<HatDefinition>,
    /// The room, as it is after the request.
    pub room: Option<Room>,
    /// The room's revision if nothing changed.
    pub unchanged: Revision,
    /// What the request did in all.
    pub counts: Counts,
}

/// Why a request is refused. Nothing of it happens.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No such room.
    #[error("room {room_jid} does not exist")]
    RoomNotFound {
        /// The room.
        room_jid: RoomJid,
    },
    /// The user is an outcast, or not affiliated with a room for the affiliated.
    #[error("user {user_jid} is not affiliated with room {room_jid}")]
    UserNotAffiliated {
        /// The room.
        room_jid: RoomJid,
        /// The user.
        user_jid: UserJid,
    },
    /// The catalogue lacks the hat.
    #[error("hat {hat_id} is not defined in room {room_jid}")]
    HatNotDefined {
        /// The room.
        room_jid: RoomJid,
        /// The hat.
        hat_id: HatId,
    },
    /// The user does not have the hat.
    #[error("user {user_jid} does not have hat {hat_id} in room {room_jid}")]
    HatNotFound {
        /// The room.
        room_jid: RoomJid,
        /// The user.
        user_jid: UserJid,
        /// The hat.
        hat_id: HatId,
    },
    /// The hat is managed by the system.
    #[error("hat {hat_id} is required: user {user_jid} can neither doff nor discard it")]
    HatRequired {
        /// The room.
        room_jid: RoomJid,
        /// The user.
        user_jid: UserJid,
        /// The hat.
        hat_id: HatId,
    },
    /// Users may not claim the hat.
    #[error("hat {hat_id} of room {room_jid} is not self-assignable")]
    HatNotSelfAssignable {
        /// The room.
        room_jid: RoomJid,
        /// The hat.
        hat_id: HatId,
    },
    /// A precondition does not hold.
    #[error("preconditions[{index}] does not hold for user {user_jid}")]
    PreconditionFailed {
        /// Which, from 0.
        index: usize,
        /// The room.
        room_jid: RoomJid,
        /// The user whom it is about.
        user_jid: UserJid,
    },
    /// The record has changed since its etag was read.
    #[error("the record has changed: its etag is now {present:?}; read it again")]
    EtagMismatch {
        /// The record's etag.
        present: String,
    },
    /// A sync would remove more hats than it allows.
    #[error("the sync would remove {removed} hats, and max_removed_hats is {allowed}")]
    SyncWouldRemove {
        /// How many it would remove.
        removed: usize,
        /// How many it may.
        allowed: u32,
    },
    /// The user would have too many hats in the room, or too many bytes of them.
    #[error("user {user_jid} would have more than {limit} {unit} in room {room_jid}")]
    TooManyHats {
        /// The room.
        room_jid: RoomJid,
        /// The user.
        user_jid: UserJid,
        /// How many are allowed.
        limit: usize,
        /// Of what: `hats` or `bytes of hats`.
        unit: &'static str,
    },
    /// The catalogue would have too many definitions.
    #[error("room {room_jid} would have more than {limit} definitions")]
    TooManyDefinitions {
        /// The room.
        room_jid: RoomJid,
        /// How many are allowed.
        limit: usize,
    },
    /// A field does not fit the others, or asks for too much at once.
    #[error("{field}: {what}")]
    InvalidField {
        /// The path of the field in the request.
        field: String,
        /// What is wrong with it.
        what: String,
    },
    /// An operation of `UpdateRoomHats` is refused.
    #[error("operations[{index}]: {refusal}")]
    InOperation {
        /// Which, from 0.
        index: usize,
        /// Why.
        refusal: Box<Refusal>,
    },
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The rules refuse the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Decides what a request does to the state in `view`.
///
/// # Errors
///
/// [`Stop::Refused`] as the rules say; [`Stop::Unreadable`] as `view` does.
pub fn decide(request: &Request, view: &dyn View, env: &Env<'_>) -> Result<Decision, Stop> {
    let mut decision = match &request.command {
        Command::AddUserHat { target, hat_id, attachment, keep_active } => {
            let give = hats::Give { hat_id, attachment, keep_active: *keep_active };
            hats::add_user_hat(view, env, request, target, &give)
        }
        Command::RemoveUserHat { target, hat_id } => {
            hats::remove_user_hat(view, env, request, target, hat_id)
        }
        Command::SetUserHats { target, hats, prefix, keep_active } => {
            let set = hats::Set { hats, prefix, keep_active: *keep_active };
            hats::set_user_hats(view, env, request, target, &set)
        }
        Command::SetHatWearers { room_jid, hat_id, user_jids, attachment, keep_active } => {
            let give = hats::Give { hat_id, attachment, keep_active: *keep_active };
            hats::set_hat_wearers(view, env, request, room_jid, user_jids, &give)
        }
        Command::UpdateRoomHats { room_jid, operations, preconditions, keep_active } => {
            let update = hats::Update { operations, preconditions, keep_active: *keep_active };
            hats::update_room_hats(view, env, request, room_jid, &update)
        }
        Command::DefineHat { room_jid, definition, etag } => {
            hats::define_hat(view, env, request, room_jid, definition, etag.as_deref())
        }
        Command::DestroyHat { room_jid, hat_id } => {
            hats::destroy_hat(view, env, request, room_jid, hat_id)
        }
        Command::PutRoom { room_jid, settings, etag } => {
            rooms::put_room(view, env, request, room_jid, *settings, etag.as_deref())
        }
        Command::DeleteRoom { room_jid, etag } => {
            rooms::delete_room(view, env, request, room_jid, etag.as_deref())
        }
        Command::SetAffiliation { target, affiliation } => {
            rooms::set_affiliation(view, env, request, target, *affiliation)
        }
        Command::SyncRooms { entries, max_removed_hats } => {
            rooms::sync_rooms(view, env, request, entries, *max_removed_hats)
        }
        Command::ForgetUser { user_jid } => rooms::forget_user(view, env, request, user_jid),
        Command::WearHat { target, hat_id } => {
            wardrobe::wear_hat(view, env, request, target, hat_id)
        }
        Command::DoffHat { target, hat_id } => {
            wardrobe::doff_hat(view, env, request, target, hat_id)
        }
        Command::ClaimHat { target, hat_id } => {
            wardrobe::claim_hat(view, env, request, target, hat_id)
        }
        Command::DiscardHat { target, hat_id } => {
            wardrobe::discard_hat(view, env, request, target, hat_id)
        }
        Command::Expire { room_jid, user_jids } => {
            hats::expire(view, env, request, room_jid, user_jids)
        }
    }?;

    count(&mut decision, env.done);
    if !decision.unfinished
        && let (Some(last), Some(key)) = (decision.commits.last_mut(), &request.key)
    {
        last.request = Some(CompletedRequest {
            key: key.clone(),
            fingerprint: request.fingerprint(),
            counts: decision.answer.counts,
        });
    }
    Ok(decision)
}

/// Whether a room keeps hats for the user, or may: if not, the user is unknown to reads
/// and writes alike.
pub fn is_known(eligibility: Eligibility, document: &Document) -> bool {
    draft::may_have_hats(eligibility, document) || document.has_hats()
}

/// Adds up what the commits do, on top of what earlier turns of the request did.
fn count(decision: &mut Decision, done: Counts) {
    let counts = &mut decision.answer.counts;
    *counts = done;
    for commit in &decision.commits {
        let removed = commit.users.iter().map(draft::removed_hats).sum();
        counts.commits = counts.commits.saturating_add(1);
        counts.users = counts.users.saturating_add(saturated(commit.users.len()));
        counts.removed_hats = counts.removed_hats.saturating_add(saturated(removed));
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
