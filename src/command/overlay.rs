//! A state with commits applied on top that the store does not show yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

use super::{RoomState, Unreadable, UserRange, View};
use crate::commit::Commit;
use crate::hat::{Document, HatDefinition, HatId};
use crate::jid::{RoomJid, UserJid};

/// A view of what another view will show when it has applied some commits.
pub struct Overlay<'a> {
    base: &'a dyn View,
    rooms: BTreeMap<RoomJid, Layer>,
}

/// What the commits did to one room.
#[derive(Default)]
struct Layer {
    /// The room was deleted: nothing of it in the base counts.
    opaque: bool,
    /// The room as it stands; none if it was deleted and not made again.
    state: Option<RoomState>,
    documents: BTreeMap<UserJid, Document>,
    definitions: BTreeMap<HatId, Option<HatDefinition>>,
}

impl<'a> Overlay<'a> {
    /// The base as it is.
    pub fn new(base: &'a dyn View) -> Self {
        Self { base, rooms: BTreeMap::new() }
    }

    /// Applies a commit that was decided on this view.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] as the base is.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), Unreadable> {
        let before = self.room(&commit.room_jid)?;
        let layer = self.rooms.entry(commit.room_jid.clone()).or_default();
        if commit.room_deleted {
            *layer = Layer { opaque: true, ..Layer::default() };
            return Ok(());
        }
        let room = commit.room.or(before.map(|state| state.room)).unwrap_or_default();
        layer.state = Some(RoomState { room, head: commit.revision });
        for user in &commit.users {
            layer.documents.insert(user.user_jid.clone(), user.document.clone());
        }
        for definition in &commit.definitions {
            layer.definitions.insert(definition.hat_id.clone(), Some(definition.clone()));
        }
        for hat in &commit.removed_definitions {
            layer.definitions.insert(hat.clone(), None);
        }
        Ok(())
    }
}

impl View for Overlay<'_> {
    fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Unreadable> {
        match self.rooms.get(room) {
            Some(layer) => Ok(layer.state),
            None => self.base.room(room),
        }
    }

    fn document(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Unreadable> {
        if let Some(layer) = self.rooms.get(room) {
            if let Some(document) = layer.documents.get(user) {
                return Ok(document.clone());
            }
            if layer.opaque {
                return Ok(Document::default());
            }
        }
        self.base.document(room, user)
    }

    fn each_document(
        &self,
        room: &RoomJid,
        range: &UserRange,
        show: &mut dyn FnMut(UserJid, Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let Some(layer) = self.rooms.get(room) else {
            return self.base.each_document(room, range, show);
        };
        // The layer's documents go in between the base's, in order.
        let from = range.from.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let over = layer.documents.range((from, Bound::Unbounded));
        let mut over = over.take_while(|(user, _)| range.contains(user)).peekable();
        let mut stopped = false;
        let mut show_present = |user: UserJid, document: Document| {
            if document.is_absent() { ControlFlow::Continue(()) } else { show(user, document) }
        };
        if !layer.opaque {
            self.base.each_document(room, range, &mut |user, document| {
                while let Some((earlier, document)) = over.next_if(|(over, _)| **over < user) {
                    if show_present(earlier.clone(), document.clone()).is_break() {
                        stopped = true;
                        return ControlFlow::Break(());
                    }
                }
                let (user, document) = match over.next_if(|(over, _)| **over == user) {
                    Some((user, document)) => (user.clone(), document.clone()),
                    None => (user, document),
                };
                let flow = show_present(user, document);
                stopped = flow.is_break();
                flow
            })?;
        }
        for (user, document) in over {
            if stopped || show_present(user.clone(), document.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn users_with_hat(
        &self,
        room: &RoomJid,
        hat: &HatId,
        limit: usize,
    ) -> Result<Vec<UserJid>, Unreadable> {
        let Some(layer) = self.rooms.get(room) else {
            return self.base.users_with_hat(room, hat, limit);
        };
        let mut users = BTreeSet::new();
        if !layer.opaque {
            // Each document of the layer can hide one user of the base.
            users.extend(self.base.users_with_hat(room, hat, limit + layer.documents.len())?);
        }
        for (user, document) in &layer.documents {
            if document.hats.contains_key(hat) {
                users.insert(user.clone());
            } else {
                users.remove(user);
            }
        }
        Ok(users.into_iter().take(limit).collect())
    }

    fn rooms_of(&self, user: &UserJid, limit: usize) -> Result<Vec<RoomJid>, Unreadable> {
        let hidden = self.rooms.len();
        let mut rooms: BTreeSet<_> =
            self.base.rooms_of(user, limit + hidden)?.into_iter().collect();
        for (room, layer) in &self.rooms {
            match layer.documents.get(user) {
                Some(document) if document.is_absent() => _ = rooms.remove(room),
                Some(_) => _ = rooms.insert(room.clone()),
                None if layer.opaque => _ = rooms.remove(room),
                None => {}
            }
        }
        Ok(rooms.into_iter().take(limit).collect())
    }

    fn definition(&self, room: &RoomJid, hat: &HatId) -> Result<Option<HatDefinition>, Unreadable> {
        if let Some(layer) = self.rooms.get(room) {
            if let Some(definition) = layer.definitions.get(hat) {
                return Ok(definition.clone());
            }
            if layer.opaque {
                return Ok(None);
            }
        }
        self.base.definition(room, hat)
    }

    fn definition_count(&self, room: &RoomJid) -> Result<usize, Unreadable> {
        let Some(layer) = self.rooms.get(room) else { return self.base.definition_count(room) };
        let mut count = if layer.opaque { 0 } else { self.base.definition_count(room)? };
        for (hat, definition) in &layer.definitions {
            let was = !layer.opaque && self.base.definition(room, hat)?.is_some();
            match (was, definition.is_some()) {
                (false, true) => count += 1,
                (true, false) => count = count.saturating_sub(1),
                (true, true) | (false, false) => {}
            }
        }
        Ok(count)
    }
}
