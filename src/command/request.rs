//! What callers can ask for.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::Encode;
use sha2::{Digest as _, Sha256};

use crate::commit::{Fingerprint, RequestKey};
use crate::hat::{Affiliation, Attachment, Context, Eligibility, HatDefinition, HatId, HatPolicy};
use crate::jid::{RoomJid, UserJid};

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
