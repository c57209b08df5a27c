//! What commits add up to, recomputed as plainly as possible: the tests' own opinion
//! of a state, to compare the stores and the overlay with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use hatd::command::{RoomState, Unreadable, UserRange, View};
use hatd::commit::Commit;
use hatd::hat::{Document, HatDefinition, HatId};
use hatd::jid::{RoomJid, UserJid};

/// A whole state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) rooms: BTreeMap<RoomJid, RoomState>,
    pub(crate) documents: BTreeMap<(RoomJid, UserJid), Document>,
    pub(crate) definitions: BTreeMap<(RoomJid, HatId), HatDefinition>,
}

impl World {
    /// The state that commits lead to, from nothing.
    pub(crate) fn of<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> Self {
        let mut world = Self::default();
        commits.into_iter().for_each(|commit| world.apply(commit));
        world
    }

    pub(crate) fn apply(&mut self, commit: &Commit) {
        let room_jid = &commit.room_jid;
        if commit.room_deleted {
            self.rooms.remove(room_jid);
            self.documents.retain(|(room, _), _| room != room_jid);
            self.definitions.retain(|(room, _), _| room != room_jid);
            return;
        }
        let room = commit.room.or_else(|| self.rooms.get(room_jid).map(|state| state.room));
        let room = room.expect("a commit to a room that does not exist creates it");
        self.rooms.insert(room_jid.clone(), RoomState { room, head: commit.revision });
        for change in &commit.users {
            let key = (room_jid.clone(), change.user_jid.clone());
            if change.document.is_absent() {
                self.documents.remove(&key);
            } else {
                self.documents.insert(key, change.document.clone());
            }
        }
        for definition in &commit.definitions {
            let key = (room_jid.clone(), definition.hat_id.clone());
            self.definitions.insert(key, definition.clone());
        }
        for hat_id in &commit.removed_definitions {
            self.definitions.remove(&(room_jid.clone(), hat_id.clone()));
        }
    }

    /// The documents of a room, by user JID.
    pub(crate) fn documents_in<'a>(
        &'a self,
        room: &'a RoomJid,
    ) -> impl Iterator<Item = (&'a UserJid, &'a Document)> {
        let all = self.documents.iter();
        all.filter(move |((of, _), _)| of == room).map(|((_, user), document)| (user, document))
    }

    /// A user's documents, by room.
    pub(crate) fn documents_of<'a>(
        &'a self,
        user: &'a UserJid,
    ) -> impl Iterator<Item = (&'a RoomJid, &'a Document)> {
        let all = self.documents.iter();
        all.filter(move |((_, of), _)| of == user).map(|((room, _), document)| (room, document))
    }

    /// The catalogue of a room, by hat id.
    pub(crate) fn definitions_in<'a>(
        &'a self,
        room: &'a RoomJid,
    ) -> impl Iterator<Item = (&'a HatId, &'a HatDefinition)> {
        let all = self.definitions.iter();
        all.filter(move |((of, _), _)| of == room).map(|((_, hat), definition)| (hat, definition))
    }

    /// Every user of whom something is kept.
    pub(crate) fn users(&self) -> BTreeSet<UserJid> {
        self.documents.keys().map(|(_, user)| user.clone()).collect()
    }

    /// Every hat that somebody has or a catalogue names.
    pub(crate) fn hats(&self) -> BTreeSet<HatId> {
        let had = self.documents.values().flat_map(|document| document.hats.keys());
        had.chain(self.definitions.keys().map(|(_, hat)| hat)).cloned().collect()
    }
}

impl View for World {
    fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Unreadable> {
        Ok(self.rooms.get(room).copied())
    }

    fn document(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Unreadable> {
        Ok(self.documents.get(&(room.clone(), user.clone())).cloned().unwrap_or_default())
    }

    fn each_document(
        &self,
        room: &RoomJid,
        range: &UserRange,
        show: &mut dyn FnMut(UserJid, Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let mut within = self.documents_in(room).filter(|(user, _)| range.contains(user));
        _ = within.try_for_each(|(user, document)| show(user.clone(), document.clone()));
        Ok(())
    }

    fn users_with_hat(
        &self,
        room: &RoomJid,
        hat: &HatId,
        limit: usize,
    ) -> Result<Vec<UserJid>, Unreadable> {
        let having =
            self.documents_in(room).filter(|(_, document)| document.hats.contains_key(hat));
        Ok(having.map(|(user, _)| user.clone()).take(limit).collect())
    }

    fn rooms_of(&self, user: &UserJid, limit: usize) -> Result<Vec<RoomJid>, Unreadable> {
        Ok(self.documents_of(user).map(|(room, _)| room.clone()).take(limit).collect())
    }

    fn definition(&self, room: &RoomJid, hat: &HatId) -> Result<Option<HatDefinition>, Unreadable> {
        Ok(self.definitions.get(&(room.clone(), hat.clone())).cloned())
    }

    fn definition_count(&self, room: &RoomJid) -> Result<usize, Unreadable> {
        Ok(self.definitions_in(room).count())
    }
}
