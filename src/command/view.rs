//! What a command is decided on.

use std::ops::ControlFlow;

use super::UserRange;
use crate::hat::{Document, HatDefinition, HatId, Revision, Room};
use crate::jid::{RoomJid, UserJid};

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
