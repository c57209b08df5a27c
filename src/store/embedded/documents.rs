//! The state that is served, in sled. The commit log is the truth; this can be made
//! again from it at any time, so nothing here is ever flushed to answer a write.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use minicbor::Decode;

use super::checkpoint::Kind;
use super::moments::Moments;
use super::values::{StoredRequest, StoredRoom, encode};
use super::{keys, values};
use crate::command::{RoomState, Unreadable, UserRange, View};
use crate::commit::{ChangeKind, Commit, Position, RequestKey, UserChange};
use crate::hat::{Document, HatDefinition, HatId, Room};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::store::page::{
    DocumentFilter, Filler, Page, PageLimit, definition_bytes, document_bytes, room_bytes,
};
use crate::time::Timestamp;

/// Where `meta` says up to which position the state was applied when it was put away.
const APPLIED_KEY: &[u8] = b"applied";

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// sled failed.
    #[error("the document store failed")]
    Sled(#[from] sled::Error),
    /// sled panicked, as it does when its files are damaged.
    #[error("the document store is damaged: {0}")]
    Panicked(String),
    /// A commit could not be applied whole, or a record was found damaged.
    #[error("the document store is not sound: restart to make it again")]
    Unsound,
    /// A record is not what was written.
    #[error("the record {key} of {tree} is damaged")]
    Damaged {
        /// In which tree.
        tree: &'static str,
        /// The record's key, printable.
        key: String,
    },
}

impl From<Error> for crate::store::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Sled(sled::Error::Corruption { .. })
            | Error::Damaged { .. }
            | Error::Panicked(_) => Self::Corrupt(Box::new(error)),
            Error::Sled(_) | Error::Unsound => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self(Box::new(crate::store::Error::from(error)))
    }
}

/// The current state, and the indexes to find it by.
#[expect(clippy::struct_field_names, reason = "each field of a tree is named as the tree")]
pub(super) struct Documents {
    db: sled::Db,
    rooms: sled::Tree,
    documents: sled::Tree,
    definitions: sled::Tree,
    by_user: sled::Tree,
    by_hat: sled::Tree,
    by_expiry: sled::Tree,
    requests: sled::Tree,
    request_positions: sled::Tree,
    meta: sled::Tree,
    moments: Moments,
    /// The newest position whose commit is being applied or was.
    applying: AtomicU64,
    /// Whether a commit could not be applied: it may be half there.
    broken: AtomicBool,
    /// Whether a record was found damaged: the next start makes the state again.
    damaged: AtomicBool,
}

impl Documents {
    /// Opens or creates the state in a directory.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Its own flusher would only compete with the log's fdatasync: what this state
        // misses after a crash is replayed.
        let config = sled::Config::new().path(path).flush_every_ms(None);
        caught(|| Self::open_trees(&config.open()?))
    }

    fn open_trees(db: &sled::Db) -> Result<Self, Error> {
        Ok(Self {
            rooms: db.open_tree("rooms")?,
            documents: db.open_tree("documents")?,
            definitions: db.open_tree("definitions")?,
            by_user: db.open_tree("by_user")?,
            by_hat: db.open_tree("by_hat")?,
            by_expiry: db.open_tree("by_expiry")?,
            requests: db.open_tree("requests")?,
            request_positions: db.open_tree("request_positions")?,
            meta: db.open_tree("meta")?,
            db: db.clone(),
            moments: Moments::new(),
            applying: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
        })
    }

    /// Up to which position the state was applied when it was last put away.
    pub(super) fn applied(&self) -> Result<Option<Position>, Error> {
        let bytes = caught(|| Ok(self.meta.get(APPLIED_KEY)?))?;
        let number = bytes.as_deref().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        Ok(number.map(|number| Position::new(u64::from_be_bytes(number))))
    }

    /// Notes up to which position the state was applied. What a crash leaves is then
    /// known to have no less.
    pub(super) fn note_applied(&self, applied: Position) -> Result<(), Error> {
        caught(|| Ok(self.meta.insert(APPLIED_KEY, &applied.get().to_be_bytes()).map(|_| ())?))
    }

    /// Hands what was applied so far to the operating system: a crash of this process
    /// leaves no less.
    pub(super) fn flush(&self) -> Result<(), Error> {
        caught(|| Ok(self.db.flush().map(|_| ())?))
    }

    /// Writes everything out, with the position that it was applied up to: what is not
    /// sound is not to be used again.
    pub(super) fn put_away(&self, applied: Position) -> Result<(), Error> {
        self.check_whole()?;
        if self.damaged.load(Ordering::Acquire) {
            return Err(Error::Unsound);
        }
        self.note_applied(applied)?;
        self.flush()
    }

    /// Puts a record, as checkpoints have it, into an empty state.
    pub(super) fn load(&self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Error> {
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

    /// Reads every record, and whether each index has what it should and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong first.
    pub(super) fn check(&self) -> Result<(), Error> {
        caught(|| self.check_records())
    }

    fn check_records(&self) -> Result<(), Error> {
        for item in &self.rooms {
            let (key, value) = item?;
            parsed("rooms", &key, keys::parse_room(&key))?;
            decode::<StoredRoom>("rooms", &key, &value)?;
        }
        for item in &self.definitions {
            let (key, value) = item?;
            parsed("definitions", &key, keys::parse_definition_room(&key))?;
            decode::<HatDefinition>("definitions", &key, &value)?;
        }
        for item in &self.requests {
            let (key, value) = item?;
            let stored: StoredRequest = decode("requests", &key, &value)?;
            let position = keys::request_position(Position::new(stored.position));
            has(&self.request_positions, "request_positions", &position)?;
        }

        let (mut users, mut hats, mut expiries) = (0, 0, 0);
        for item in &self.documents {
            let (key, value) = item?;
            let (room, user) = parsed("documents", &key, keys::parse_document(&key))?;
            let document: Document = decode("documents", &key, &value)?;
            users += 1;
            has(&self.by_user, "by_user", &keys::by_user(&user, &room))?;
            for hat in document.hats.keys() {
                hats += 1;
                has(&self.by_hat, "by_hat", &keys::by_hat(&room, hat, &user))?;
            }
            let times: BTreeSet<_> =
                document.hats.values().filter_map(|had| had.expire_time).collect();
            for time in times {
                expiries += 1;
                has(&self.by_expiry, "by_expiry", &keys::by_expiry(time, &room, &user))?;
            }
        }
        // Each has all that it should; if it has no more entries, it has nothing else.
        for (tree, name, expected) in [
            (&self.by_user, "by_user", users),
            (&self.by_hat, "by_hat", hats),
            (&self.by_expiry, "by_expiry", expiries),
        ] {
            if tree.len() != expected {
                return Err(Error::Damaged { tree: name, key: "(its number)".to_owned() });
            }
        }
        Ok(())
    }

    /// Begins to compare the state with what it should be. Requests that were answered before a
    /// time are left out.
    pub(super) fn compare(&self, forget_before: Timestamp) -> Comparison<'_> {
        Comparison { documents: self, kind: Kind::Room, records: self.rooms.iter(), forget_before }
    }

    /// Reads several records of a room as they were at one moment, without waiting; none
    /// if commits came in between too often.
    pub(super) fn try_read<T>(
        &self,
        room: &RoomJid,
        read: impl Fn(&Self) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let result = self.moments.try_read(room, || self.guarded(|| read(self)))?;
        Some(self.check_whole().and(result))
    }

    /// As [`Self::try_read`], but waits if it must.
    pub(super) fn read<T>(
        &self,
        room: &RoomJid,
        read: impl Fn(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = self.moments.read(room, || self.guarded(|| read(self)));
        self.check_whole().and(result)
    }

    /// Reads what need not be of one moment.
    pub(super) fn read_any<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_whole()?;
        self.guarded(|| read(self))
    }

    /// Refuses reads once a commit could not be applied whole.
    fn check_whole(&self) -> Result<(), Error> {
        if self.broken.load(Ordering::Acquire) { Err(Error::Unsound) } else { Ok(()) }
    }

    /// Does what may find a damaged record, and remembers if it does.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let result = caught(work);
        if let Err(Error::Damaged { .. } | Error::Panicked(_)) = &result {
            self.damaged.store(true, Ordering::Release);
        }
        result
    }

    /// Applies a commit. Applying it again, in order, changes nothing more.
    ///
    /// If it fails, nothing can be read any more: the commit may be half there.
    pub(super) fn apply(&self, position: Position, commit: &Commit) -> Result<(), Error> {
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
        for key in self.definitions.scan_prefix(&prefix).keys() {
            self.definitions.remove(key?)?;
        }
        self.rooms.remove(keys::room(room))?;
        Ok(())
    }

    fn stored_room(&self, key: &[u8]) -> Result<Option<StoredRoom>, Error> {
        self.rooms.get(key)?.map(|value| decode("rooms", key, &value)).transpose()
    }

    /// The room as it stands.
    pub(super) fn room_state(&self, room: &RoomJid) -> Result<Option<RoomState>, Error> {
        let stored = self.stored_room(&keys::room(room))?;
        Ok(stored.map(|StoredRoom { room, head }| RoomState { room, head }))
    }

    /// What is kept for a user in a room.
    pub(super) fn get(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Error> {
        let key = keys::document(room, user);
        let value = self.documents.get(&key)?;
        value.map_or_else(|| Ok(Document::default()), |value| decode("documents", &key, &value))
    }

    /// A page of rooms.
    pub(super) fn rooms(
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
    pub(super) fn documents(
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
    pub(super) fn documents_of(
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
    pub(super) fn definitions(
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
    pub(super) fn all_documents(
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
    pub(super) fn all_definitions(
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
    pub(super) fn applying(&self) -> Position {
        Position::new(self.applying.load(Ordering::Acquire))
    }

    /// Users who have hats that are due, by room: those due first, up to `limit` users.
    pub(super) fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<BTreeMap<RoomJid, BTreeSet<UserJid>>, Error> {
        let mut due: BTreeMap<RoomJid, BTreeSet<UserJid>> = BTreeMap::new();
        for key in self.by_expiry.iter().keys().take(limit) {
            let key = key?;
            let parts = parsed("by_expiry", &key, keys::parse_by_expiry(&key))?;
            let (time, room, user) = parts;
            if time > now {
                break;
            }
            due.entry(room).or_default().insert(user);
        }
        Ok(due)
    }

    /// What is remembered of a request.
    pub(super) fn request(&self, key: &RequestKey) -> Result<Option<StoredRequest>, Error> {
        let key = keys::request(key);
        self.requests.get(&key)?.map(|value| decode("requests", &key, &value)).transpose()
    }

    /// Forgets requests that were answered before a time, up to `limit` of them.
    pub(super) fn forget_requests(&self, before: Timestamp, limit: usize) -> Result<(), Error> {
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

/// Checks that an index has a key.
fn has(tree: &sled::Tree, name: &'static str, key: &[u8]) -> Result<(), Error> {
    parsed(name, key, tree.contains_key(key)?.then_some(()))
}

/// The items whose keys begin with a prefix, after a key that does, too.
fn scan(
    tree: &sled::Tree,
    prefix: &[u8],
    after: Option<Vec<u8>>,
) -> impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>> {
    let from = after.map_or_else(|| Bound::Included(prefix.to_vec()), Bound::Excluded);
    let prefix = prefix.to_vec();
    tree.range::<Vec<u8>, _>((from, Bound::Unbounded)).take_while(move |item| match item {
        Ok((key, _)) => key.starts_with(&prefix),
        Err(_) => true,
    })
}

fn decode<T>(tree: &'static str, key: &[u8], value: &[u8]) -> Result<T, Error>
where
    T: for<'b> Decode<'b, ()>,
{
    parsed(tree, key, values::decode(value))
}

fn parsed<T>(tree: &'static str, key: &[u8], value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| damaged(tree, key))
}

fn damaged(tree: &'static str, key: &[u8]) -> Error {
    Error::Damaged { tree, key: key.escape_ascii().to_string() }
}

/// How far a comparison has come.
pub(super) struct Comparison<'a> {
    documents: &'a Documents,
    kind: Kind,
    /// Those of this kind that are left.
    records: sled::Iter,
    forget_before: Timestamp,
}

impl Comparison<'_> {
    /// Compares the next record, in the order of checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if it is another.
    pub(super) fn expect(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Error> {
        match caught(|| self.next())? {
            Some((of, at, is)) if (of, &*at, &*is) == (kind, key, value) => Ok(()),
            Some(_) | None => Err(damaged(tree_name(kind), key)),
        }
    }

    /// Checks that there is no record more.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if there is.
    pub(super) fn expect_end(&mut self) -> Result<(), Error> {
        match caught(|| self.next())? {
            None => Ok(()),
            Some((kind, key, _)) => Err(damaged(tree_name(kind), &key)),
        }
    }

    fn next(&mut self) -> Result<Option<(Kind, sled::IVec, sled::IVec)>, Error> {
        loop {
            let Some(item) = self.records.next() else {
                let (kind, tree) = match self.kind {
                    Kind::Room => (Kind::Definition, &self.documents.definitions),
                    Kind::Definition => (Kind::Document, &self.documents.documents),
                    Kind::Document => (Kind::Request, &self.documents.requests),
                    Kind::Request => return Ok(None),
                };
                (self.kind, self.records) = (kind, tree.iter());
                continue;
            };
            let (key, value) = item?;
            if self.kind == Kind::Request {
                let stored: StoredRequest = decode("requests", &key, &value)?;
                if stored.time < self.forget_before {
                    continue;
                }
            }
            return Ok(Some((self.kind, key, value)));
        }
    }
}

fn tree_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Room => "rooms",
        Kind::Definition => "definitions",
        Kind::Document => "documents",
        Kind::Request => "requests",
    }
}

/// Makes an error of a panic: sled panics when its files are damaged.
fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::Panicked(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hat::Attachment;

    const HAT: &str = "urn:hat:1";

    fn record(user: &str) -> (Vec<u8>, Vec<u8>) {
        let room = RoomJid::parse("room@conference.localhost").unwrap();
        let user = UserJid::parse(user).unwrap();
        let mut document = Document::default();
        document.hats.insert(HatId::parse(HAT, 1023).unwrap(), Attachment::default());
        (keys::document(&room, &user), encode(&document))
    }

    /// A state with some users' documents.
    fn state(users: &[&str]) -> (tempfile::TempDir, Documents) {
        let dir = tempfile::tempdir().unwrap();
        let documents = Documents::open(dir.path()).unwrap();
        for user in users {
            let (key, value) = record(user);
            documents.load(Kind::Document, &key, &value).unwrap();
        }
        (dir, documents)
    }

    fn compare(documents: &Documents, users: &[&str]) -> Result<(), Error> {
        let mut comparison = documents.compare(Timestamp::now());
        for user in users {
            let (key, value) = record(user);
            comparison.expect(Kind::Document, &key, &value)?;
        }
        comparison.expect_end()
    }

    #[test]
    fn a_comparison_finds_what_is_missing_and_what_is_too_much_and_what_differs() {
        let (_dir, documents) = state(&["a@localhost", "b@localhost"]);
        compare(&documents, &["a@localhost", "b@localhost"]).unwrap();
        for others in [
            &["a@localhost"][..],
            &["b@localhost"],
            &[],
            &["a@localhost", "aa@localhost", "b@localhost"],
            &["a@localhost", "b@localhost", "c@localhost"],
        ] {
            assert!(matches!(compare(&documents, others), Err(Error::Damaged { .. })));
        }
        let (key, _) = record("a@localhost");
        documents.documents.insert(key, encode(&Document::default())).unwrap();
        let differs = compare(&documents, &["a@localhost", "b@localhost"]);
        assert!(matches!(differs, Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_check_finds_an_index_with_less_or_more_than_the_records() {
        let (_dir, documents) = state(&["a@localhost"]);
        documents.check().unwrap();
        for tree in [&documents.by_user, &documents.by_hat, &documents.by_expiry] {
            tree.insert("more", &[]).unwrap();
            assert!(matches!(documents.check(), Err(Error::Damaged { .. })));
            tree.remove("more").unwrap();
        }
        documents.check().unwrap();
        for tree in [&documents.by_user, &documents.by_hat] {
            let (key, value) = tree.pop_min().unwrap().unwrap();
            assert!(matches!(documents.check(), Err(Error::Damaged { .. })));
            tree.insert(key, value).unwrap();
        }
    }
}
