//! Records and pages of them, out of the state.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::{Documents, Error, decode, parsed, scan};
use crate::command::{RoomState, Unreadable, UserRange, View};
use crate::commit::{Position, RequestKey};
use crate::hat::{Document, HatDefinition, HatId, Room};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::store::embedded::keys;
use crate::store::embedded::values::{StoredRequest, StoredRoom};
use crate::store::page::{
    DocumentFilter, Filler, Page, PageLimit, definition_bytes, document_bytes, room_bytes,
};
use crate::time::Timestamp;

impl Documents {
    /// The room as it stands.
    pub(in super::super) fn room_state(&self, room: &RoomJid) -> Result<Option<RoomState>, Error> {
        let stored = self.stored_room(&keys::room(room))?;
        Ok(stored.map(|StoredRoom { room, head }| RoomState { room, head }))
    }

    /// What is kept for a user in a room.
    pub(in super::super) fn get(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Error> {
        let key = keys::document(room, user);
        let value = self.documents.get(&key)?;
        value.map_or_else(|| Ok(Document::default()), |value| decode("documents", &key, &value))
    }

    /// A page of rooms.
    pub(in super::super) fn rooms(
        &self,
        domain: Option<&Domain>,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Room>, Error> {
        let prefix = domain.map_or_else(Vec::new, |it| keys::domain_prefix(it.as_str()));
        let mut filler = Filler::new(limit);
        for item in scan(&self.rooms, &prefix, after.map(keys::room)) {
            let (key, value) = item?;
            let room = parsed("rooms", &key, keys::parse_room(&key))?;
            let stored: StoredRoom = decode("rooms", &key, &value)?;
            if filler.is_full(&room, Some((stored.room, room_bytes(key.len())))) {
                break;
            }
        }
        Ok(filler.finish())
    }

    /// A page of a room's documents.
    pub(in super::super) fn documents(
        &self,
        room: &RoomJid,
        filter: &DocumentFilter,
        after: Option<&UserJid>,
        limit: PageLimit,
    ) -> Result<Page<UserJid, Document>, Error> {
        let mut filler = Filler::new(limit);
        let mut show = |user: &UserJid, key_bytes, document: Document| {
            let matching = filter.matches(&document).then(|| {
                let bytes = document_bytes(key_bytes, &document);
                (document, bytes)
            });
            filler.is_full(user, matching)
        };
        if let DocumentFilter::Hats { hat_id: Some(hat), .. } = filter {
            let prefix = keys::by_hat_prefix(room, hat);
            let after = after.map(|user| keys::by_hat(room, hat, user));
            for item in scan(&self.by_hat, &prefix, after) {
                let (key, _) = item?;
                let user = parsed("by_hat", &key, keys::parse_last_user(&key))?;
                let document = self.get(room, &user)?;
                if show(&user, key.len(), document) {
                    break;
                }
            }
        } else {
            let prefix = keys::room_prefix(room);
            let after = after.map(|user| keys::document(room, user));
            for item in scan(&self.documents, &prefix, after) {
                let (key, value) = item?;
                let user = parsed("documents", &key, keys::parse_last_user(&key))?;
                if show(&user, key.len(), decode("documents", &key, &value)?) {
                    break;
                }
            }
        }
        Ok(filler.finish())
    }

    /// A page of a user's documents that have hats.
    pub(in super::super) fn documents_of(
        &self,
        user: &UserJid,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Document>, Error> {
        let prefix = keys::by_user_prefix(user);
        let after = after.map(|room| keys::by_user(user, room));
        let mut filler = Filler::new(limit);
        for item in scan(&self.by_user, &prefix, after) {
            let (key, _) = item?;
            let room = parsed("by_user", &key, keys::parse_by_user_room(&key))?;
            let document = self.get(&room, user)?;
            let matching = document.has_hats().then(|| {
                let bytes = document_bytes(key.len(), &document);
                (document, bytes)
            });
            if filler.is_full(&room, matching) {
                break;
            }
        }
        Ok(filler.finish())
    }

    /// A page of a room's catalogue.
    pub(in super::super) fn definitions(
        &self,
        room: &RoomJid,
        after: Option<&HatId>,
        limit: PageLimit,
    ) -> Result<Page<HatId, HatDefinition>, Error> {
        let prefix = keys::room_prefix(room);
        let after = after.map(|hat| keys::definition(room, hat));
        let mut filler = Filler::new(limit);
        for item in scan(&self.definitions, &prefix, after) {
            let (key, value) = item?;
            let definition: HatDefinition = decode("definitions", &key, &value)?;
            let hat = definition.hat_id.clone();
            let bytes = definition_bytes(key.len(), &definition);
            if filler.is_full(&hat, Some((definition, bytes))) {
                break;
            }
        }
        Ok(filler.finish())
    }

    /// A page of documents with hats, of a domain's rooms or all.
    pub(in super::super) fn all_documents(
        &self,
        domain: Option<&Domain>,
        after: Option<&(RoomJid, UserJid)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, UserJid), Document>, Error> {
        let prefix = domain.map_or_else(Vec::new, |it| keys::domain_prefix(it.as_str()));
        let after = after.map(|(room, user)| keys::document(room, user));
        let mut filler = Filler::new(limit);
        for item in scan(&self.documents, &prefix, after) {
            let (key, value) = item?;
            let both = parsed("documents", &key, keys::parse_document(&key))?;
            let document: Document = decode("documents", &key, &value)?;
            let matching = document.has_hats().then(|| {
                let bytes = document_bytes(key.len(), &document);
                (document, bytes)
            });
            if filler.is_full(&both, matching) {
                break;
            }
        }
        Ok(filler.finish())
    }

    /// A page of definitions, of a domain's rooms or all.
    pub(in super::super) fn all_definitions(
        &self,
        domain: Option<&Domain>,
        after: Option<&(RoomJid, HatId)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, HatId), HatDefinition>, Error> {
        let prefix = domain.map_or_else(Vec::new, |it| keys::domain_prefix(it.as_str()));
        let after = after.map(|(room, hat)| keys::definition(room, hat));
        let mut filler = Filler::new(limit);
        for item in scan(&self.definitions, &prefix, after) {
            let (key, value) = item?;
            let room = parsed("definitions", &key, keys::parse_definition_room(&key))?;
            let definition: HatDefinition = decode("definitions", &key, &value)?;
            let both = (room, definition.hat_id.clone());
            let bytes = definition_bytes(key.len(), &definition);
            if filler.is_full(&both, Some((definition, bytes))) {
                break;
            }
        }
        Ok(filler.finish())
    }

    /// The last position of which a read may have seen anything.
    pub(in super::super) fn applying(&self) -> Position {
        Position::new(self.applying.load(Ordering::Acquire))
    }

    /// Up to `limit` users who have hats that are due, those due first, by room: the room of the
    /// hat due first comes first.
    pub(in super::super) fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(RoomJid, BTreeSet<UserJid>)>, Error> {
        let mut due: Vec<(RoomJid, BTreeSet<UserJid>)> = Vec::new();
        let mut places: HashMap<RoomJid, usize> = HashMap::new();
        for key in self.by_expiry.iter().keys().take(limit) {
            let key = key?;
            let parts = parsed("by_expiry", &key, keys::parse_by_expiry(&key))?;
            let (time, room, user) = parts;
            if time > now {
                break;
            }
            let place = *places.entry(room.clone()).or_insert(due.len());
            match due.get_mut(place) {
                Some((_, users)) => _ = users.insert(user),
                None => due.push((room, BTreeSet::from([user]))),
            }
        }
        Ok(due)
    }

    /// What is remembered of a request.
    pub(in super::super) fn request(
        &self,
        key: &RequestKey,
    ) -> Result<Option<StoredRequest>, Error> {
        let key = keys::request(key);
        self.requests.get(&key)?.map(|value| decode("requests", &key, &value)).transpose()
    }
}

impl View for Documents {
    fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Unreadable> {
        Ok(self.room_state(room)?)
    }

    fn document(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Unreadable> {
        Ok(self.get(room, user)?)
    }

    fn each_document(
        &self,
        room: &RoomJid,
        range: &UserRange,
        show: &mut dyn FnMut(UserJid, Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        let prefix = keys::room_prefix(room);
        let from =
            range.from.as_ref().map_or_else(|| prefix.clone(), |from| keys::document(room, from));
        for item in self.documents.range(from..) {
            let (key, value) = item.map_err(Error::from)?;
            if !key.starts_with(&prefix) {
                break;
            }
            let user = parsed("documents", &key, keys::parse_last_user(&key))?;
            if range.until.as_ref().is_some_and(|until| user >= *until)
                || show(user, decode("documents", &key, &value)?).is_break()
            {
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
        let keys = self.by_hat.scan_prefix(keys::by_hat_prefix(room, hat)).keys();
        let users = keys.take(limit).map(|key| {
            let key = key.map_err(Error::from)?;
            Ok(parsed("by_hat", &key, keys::parse_last_user(&key))?)
        });
        users.collect()
    }

    fn rooms_of(&self, user: &UserJid, limit: usize) -> Result<Vec<RoomJid>, Unreadable> {
        let keys = self.by_user.scan_prefix(keys::by_user_prefix(user)).keys();
        let rooms = keys.take(limit).map(|key| {
            let key = key.map_err(Error::from)?;
            Ok(parsed("by_user", &key, keys::parse_by_user_room(&key))?)
        });
        rooms.collect()
    }

    fn definition(&self, room: &RoomJid, hat: &HatId) -> Result<Option<HatDefinition>, Unreadable> {
        let key = keys::definition(room, hat);
        let value = self.definitions.get(&key).map_err(Error::from)?;
        Ok(value.map(|value| decode("definitions", &key, &value)).transpose()?)
    }

    fn definition_count(&self, room: &RoomJid) -> Result<usize, Unreadable> {
        let mut count = 0;
        for key in self.definitions.scan_prefix(keys::room_prefix(room)).keys() {
            key.map_err(Error::from)?;
            count += 1;
        }
        Ok(count)
    }
}
