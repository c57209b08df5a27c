//! Commits, and what is made again of them, into the state.

use std::sync::atomic::Ordering;

use super::{Documents, Error, caught, decode, parsed};
use crate::commit::{ChangeKind, Commit, Position, UserChange};
use crate::hat::Document;
use crate::jid::RoomJid;
use crate::planted::{self, Bug};
use crate::store::embedded::checkpoint::Kind;
use crate::store::embedded::keys;
use crate::store::embedded::values::{StoredRequest, StoredRoom, encode};
use crate::time::Timestamp;

impl Documents {
    /// Puts a record, as checkpoints have it, into an empty state.
    pub(in super::super) fn load(&self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Error> {
        caught(|| self.load_record(kind, key, value))
    }

    fn load_record(&self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Error> {
        match kind {
            Kind::Room => self.rooms.insert(key, value)?,
            Kind::Definition => self.definitions.insert(key, value)?,
            Kind::Document => {
                let (room, user) = parsed("documents", key, keys::parse_document(key))?;
                let document: Document = decode("documents", key, value)?;
                self.by_user.insert(keys::by_user(&user, &room), &[])?;
                for (hat, had) in &document.hats {
                    self.by_hat.insert(keys::by_hat(&room, hat, &user), &[])?;
                    if let Some(time) = had.expire_time {
                        self.by_expiry.insert(keys::by_expiry(time, &room, &user), &[])?;
                    }
                }
                self.documents.insert(key, value)?
            }
            Kind::Request => {
                let stored: StoredRequest = decode("requests", key, value)?;
                let position = Position::new(stored.position);
                self.request_positions.insert(keys::request_position(position), key)?;
                self.requests.insert(key, value)?
            }
        };
        Ok(())
    }

    /// Applies a commit. Applying it again, in order, changes nothing more.
    ///
    /// If it fails, nothing can be read any more: the commit may be half there.
    pub(in super::super) fn apply(&self, position: Position, commit: &Commit) -> Result<(), Error> {
        self.applying.store(position.get(), Ordering::Release);
        self.moments.write(&commit.room_jid, || {
            let applied = self.guarded(|| self.apply_records(position, commit));
            if applied.is_err() {
                self.broken.store(true, Ordering::Release);
            }
            applied
        })
    }

    fn apply_records(&self, position: Position, commit: &Commit) -> Result<(), Error> {
        if commit.room_deleted {
            self.delete_room(&commit.room_jid)?;
        } else {
            self.put_room(commit)?;
            for user in &commit.users {
                self.put_document(&commit.room_jid, user)?;
            }
            for definition in &commit.definitions {
                let key = keys::definition(&commit.room_jid, &definition.hat_id);
                self.definitions.insert(key, encode(definition))?;
            }
            for hat in &commit.removed_definitions {
                self.definitions.remove(keys::definition(&commit.room_jid, hat))?;
            }
        }
        if let Some(request) = &commit.request {
            let stored = StoredRequest {
                fingerprint: request.fingerprint,
                position: position.get(),
                time: commit.time,
            };
            let key = keys::request(&request.key);
            self.request_positions.insert(keys::request_position(position), key.as_slice())?;
            self.requests.insert(key, encode(&stored))?;
        }
        Ok(())
    }

    fn put_room(&self, commit: &Commit) -> Result<(), Error> {
        let key = keys::room(&commit.room_jid);
        let room = match commit.room {
            Some(room) => room,
            None => self.stored_room(&key)?.map(|stored| stored.room).unwrap_or_default(),
        };
        self.rooms.insert(key, encode(&StoredRoom { room, head: commit.revision }))?;
        Ok(())
    }

    fn put_document(&self, room: &RoomJid, change: &UserChange) -> Result<(), Error> {
        let user = &change.user_jid;
        for hat in &change.changes {
            if hat.kind == ChangeKind::Removed {
                self.by_hat.remove(keys::by_hat(room, &hat.hat_id, user))?;
            }
            if let Some(time) = hat.previous.as_ref().and_then(|had| had.expire_time) {
                self.by_expiry.remove(keys::by_expiry(time, room, user))?;
            }
        }

        let key = keys::document(room, user);
        if change.document.is_absent() {
            self.documents.remove(key)?;
            self.by_user.remove(keys::by_user(user, room))?;
            return Ok(());
        }
        self.documents.insert(key, encode(&change.document))?;
        self.by_user.insert(keys::by_user(user, room), &[])?;
        for hat in &change.changes {
            if hat.kind == ChangeKind::Added {
                self.by_hat.insert(keys::by_hat(room, &hat.hat_id, user), &[])?;
            }
        }
        for time in change.document.hats.values().filter_map(|had| had.expire_time) {
            self.by_expiry.insert(keys::by_expiry(time, room, user), &[])?;
        }
        Ok(())
    }

    fn delete_room(&self, room: &RoomJid) -> Result<(), Error> {
        let prefix = keys::room_prefix(room);
        for item in self.documents.scan_prefix(&prefix) {
            let (key, value) = item?;
            let user = parsed("documents", &key, keys::parse_last_user(&key))?;
            let document: Document = decode("documents", &key, &value)?;
            for (hat, had) in &document.hats {
                self.by_hat.remove(keys::by_hat(room, hat, &user))?;
                if let Some(time) = had.expire_time {
                    self.by_expiry.remove(keys::by_expiry(time, room, &user))?;
                }
            }
            self.by_user.remove(keys::by_user(&user, room))?;
            self.documents.remove(key)?;
        }
        if !planted::has(Bug::DeletedRoomKeepsCatalogue) {
            for key in self.definitions.scan_prefix(&prefix).keys() {
                self.definitions.remove(key?)?;
            }
        }
        self.rooms.remove(keys::room(room))?;
        Ok(())
    }

    /// Forgets requests that were answered before a time, up to `limit` of them.
    pub(in super::super) fn forget_requests(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<(), Error> {
        for item in self.request_positions.iter().take(limit) {
            let (position, key) = item?;
            let stored = self.requests.get(&key)?;
            let stored: Option<StoredRequest> =
                stored.map(|value| decode("requests", &key, &value)).transpose()?;
            match stored {
                // A later request used the id again: it has an entry of its own.
                Some(stored) if stored.position.to_be_bytes() != *position => {}
                Some(stored) if stored.time >= before => break,
                Some(_) => _ = self.requests.remove(&key)?,
                None => {}
            }
            self.request_positions.remove(&position)?;
        }
        Ok(())
    }
}
