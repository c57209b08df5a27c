//! Why the rules refuse a request.

use crate::hat::HatId;
use crate::jid::{RoomJid, UserJid};

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
