//! What commits change in a state, without the state.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use crate::commit::{Commit, Position};
use crate::hat::{Revision, Room};
use crate::store::embedded::keys;
use crate::store::embedded::values::{StoredRequest, StoredRoom, encode};

/// What commits make of records, whatever these were before.
#[derive(Default)]
pub(in super::super) struct Delta {
    pub(super) changes: BTreeMap<(Kind, Vec<u8>), Change>,
    /// Rooms, by key, that were deleted: nothing from before is left of them.
    pub(super) wiped: BTreeSet<Vec<u8>>,
}

/// What becomes of a record.
pub(super) enum Change {
    Put(Vec<u8>),
    Remove,
    /// A room goes on to a revision, its record with it or as it was.
    Room {
        record: Option<Room>,
        head: Revision,
    },
}

impl Change {
    /// The record's value afterwards; none if it is gone.
    pub(super) fn apply(self, before: Option<StoredRoom>) -> Option<Vec<u8>> {
        match self {
            Self::Put(value) => Some(value),
            Self::Remove => None,
            Self::Room { record, head } => {
                let room = record.or(before.map(|before| before.room)).unwrap_or_default();
                Some(encode(&StoredRoom { room, head }))
            }
        }
    }
}

impl Delta {
    /// Adds the commit that follows those added before.
    pub(in super::super) fn add(&mut self, position: Position, commit: &Commit) {
        let room_jid = &commit.room_jid;
        if commit.room_deleted {
            self.wipe(keys::room(room_jid), &keys::room_prefix(room_jid));
        } else {
            self.put_room(commit);
            for user in &commit.users {
                let key = keys::document(room_jid, &user.user_jid);
                let change = if user.document.is_absent() {
                    Change::Remove
                } else {
                    Change::Put(encode(&user.document))
                };
                self.changes.insert((Kind::Document, key), change);
            }
            for definition in &commit.definitions {
                let key = keys::definition(room_jid, &definition.hat_id);
                self.changes.insert((Kind::Definition, key), Change::Put(encode(definition)));
            }
            for hat in &commit.removed_definitions {
                let key = keys::definition(room_jid, hat);
                self.changes.insert((Kind::Definition, key), Change::Remove);
            }
        }
        if let Some(request) = &commit.request {
            let stored = StoredRequest {
                fingerprint: request.fingerprint,
                position: position.get(),
                time: commit.time,
            };
            let key = keys::request(&request.key);
            self.changes.insert((Kind::Request, key), Change::Put(encode(&stored)));
        }
    }

    fn put_room(&mut self, commit: &Commit) {
        let key = (Kind::Room, keys::room(&commit.room_jid));
        let earlier = match self.changes.get(&key) {
            Some(Change::Room { record, .. }) => *record,
            Some(Change::Put(_) | Change::Remove) | None => None,
        };
        let record = commit.room.or(earlier);
        self.changes.insert(key, Change::Room { record, head: commit.revision });
    }

    fn wipe(&mut self, room: Vec<u8>, prefix: &[u8]) {
        for kind in [Kind::Definition, Kind::Document] {
            let from = (kind, prefix.to_vec());
            let in_room = self.changes.range(from..);
            let in_room =
                in_room.take_while(|((at, key), _)| *at == kind && key.starts_with(prefix));
            let in_room: Vec<_> = in_room.map(|(key, _)| key.clone()).collect();
            for key in in_room {
                self.changes.remove(&key);
            }
        }
        self.changes.insert((Kind::Room, room.clone()), Change::Remove);
        self.wiped.insert(room);
    }

    /// Whether a record from before has no part in the state after, unless it is put
    /// there anew.
    pub(super) fn wipes(&self, kind: Kind, key: &[u8]) -> bool {
        match kind {
            Kind::Room => self.wiped.contains(key),
            Kind::Definition | Kind::Document => self.wiped.contains(keys::room_part(key)),
            Kind::Request => false,
        }
    }
}
