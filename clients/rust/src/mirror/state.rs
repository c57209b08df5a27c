//! What a mirror holds, and what the events of a watch do to it. No I/O and no clock.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::Arc,
};

use super::{
    Change,
    display::{self, DisplayedHat},
};
use crate::{Event, pb};

/// The state of a scope.
#[derive(Debug)]
pub(super) struct State {
    rooms: Records<pb::Room>,
    /// By room, then by hat.
    definitions: BTreeMap<String, Records<pb::HatDefinition>>,
    /// By room, then by user. Documents without hats are left out.
    users: BTreeMap<String, Records<pb::UserHats>>,
    /// The highest revision seen of each room since the last reset.
    revisions: HashMap<String, u64>,
    /// How many resets there were. What was written in an earlier epoch and not again is dropped
    /// when the snapshot is complete.
    epoch: u64,
    stale: bool,
}

type Records<T> = BTreeMap<String, Record<T>>;

#[derive(Debug)]
struct Record<T> {
    value: Arc<T>,
    /// The epoch in which it was written last.
    epoch: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            rooms: Records::new(),
            definitions: BTreeMap::new(),
            users: BTreeMap::new(),
            revisions: HashMap::new(),
            epoch: 0,
            stale: true,
        }
    }

    /// Applies an event, and returns what differs for it.
    pub(super) fn apply(&mut self, event: Event) -> Vec<Change> {
        match event {
            Event::Reset { .. } => {
                self.epoch += 1;
                self.stale = true;
                self.revisions.clear();
                Vec::new()
            }
            Event::Snapshot { page, .. } => self.put_page(page),
            Event::Changes { commits, .. } => {
                commits.into_iter().flat_map(|commit| self.put_commit(commit)).collect()
            }
            Event::Bookmark { .. } => Vec::new(),
        }
    }

    /// Says that changes were lost, or that none will come any more.
    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// Whether what is held may be behind: until a snapshot is complete.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The highest revision of a room that was seen since the last reset.
    pub(super) fn revision(&self, room_jid: &str) -> u64 {
        self.revisions.get(room_jid).copied().unwrap_or(0)
    }

    pub(super) fn rooms(&self) -> Vec<Arc<pb::Room>> {
        values(Some(&self.rooms))
    }

    pub(super) fn room(&self, room_jid: &str) -> Option<Arc<pb::Room>> {
        self.rooms.get(room_jid).map(|room| Arc::clone(&room.value))
    }

    pub(super) fn definitions(&self, room_jid: &str) -> Vec<Arc<pb::HatDefinition>> {
        values(self.definitions.get(room_jid))
    }

    pub(super) fn users(&self, room_jid: &str) -> Vec<Arc<pb::UserHats>> {
        values(self.users.get(room_jid))
    }

    pub(super) fn documents(&self) -> Vec<Arc<pb::UserHats>> {
        self.users.values().flat_map(|users| values(Some(users))).collect()
    }

    pub(super) fn document(&self, room_jid: &str, user_jid: &str) -> Option<Arc<pb::UserHats>> {
        let document = self.users.get(room_jid)?.get(user_jid)?;
        Some(Arc::clone(&document.value))
    }

    pub(super) fn hats(
        &self,
        room_jid: &str,
        user_jid: &str,
        language: Option<&str>,
    ) -> Vec<DisplayedHat> {
        let Some(document) = self.users.get(room_jid).and_then(|users| users.get(user_jid)) else {
            return Vec::new();
        };
        let policy = self.rooms.get(room_jid).map(|room| room.value.hat_policy());
        let catalogue = self.definitions.get(room_jid);
        let definition = |hat_id: &str| catalogue?.get(hat_id).map(|kept| Arc::clone(&kept.value));
        display::hats(&document.value, definition, policy.unwrap_or_default(), language)
    }

    fn put_page(&mut self, page: pb::WatchSnapshot) -> Vec<Change> {
        let mut changes = Vec::new();
        for room in page.rooms {
            if self.put_room(room.clone()) {
                changes.push(Change::room(&room.room_jid));
            }
        }
        for pb::RoomDefinition { room_jid, definition } in page.definitions {
            if definition.is_some_and(|definition| self.put_definition(&room_jid, definition)) {
                changes.push(Change::room(&room_jid));
            }
        }
        changes.extend(page.users.into_iter().filter_map(|document| self.put_document(document)));
        if page.complete {
            self.sweep(&mut changes);
            self.stale = false;
        }
        changes
    }

    fn put_commit(&mut self, commit: pb::Commit) -> Vec<Change> {
        let room_jid = commit.room_jid;
        if commit.room_deleted {
            // A watch of users tells of every room that goes: those never seen leave no trace.
            self.revisions.entry(room_jid.clone()).and_modify(|seen| *seen = commit.revision);
            return self.remove_room(&room_jid);
        }
        self.see(&room_jid, commit.revision);

        let mut room_differs = commit.room.is_some_and(|room| self.put_room(room));
        for definition in commit.definitions {
            room_differs |= self.put_definition(&room_jid, definition);
        }
        for hat_id in commit.removed_definitions {
            room_differs |= remove(&mut self.definitions, &room_jid, &hat_id);
        }
        let mut changes = Vec::new();
        if room_differs {
            changes.push(Change::room(&room_jid));
        }
        let documents = commit.users.into_iter().filter_map(|user| user.user_hats);
        changes.extend(documents.filter_map(|document| self.put_document(document)));
        changes
    }

    fn put_room(&mut self, room: pb::Room) -> bool {
        self.see(&room.room_jid, room.revision);
        put(&mut self.rooms, room.room_jid.clone(), room, self.epoch)
    }

    fn put_definition(&mut self, room_jid: &str, definition: pb::HatDefinition) -> bool {
        self.see(room_jid, definition.revision);
        let catalogue = self.definitions.entry(room_jid.to_owned()).or_default();
        put(catalogue, definition.hat_id.clone(), definition, self.epoch)
    }

    fn put_document(&mut self, document: pb::UserHats) -> Option<Change> {
        self.see(&document.room_jid, document.revision);
        let change = Change::user(&document.room_jid, &document.user_jid);
        let differs = if document.hats.is_empty() {
            remove(&mut self.users, &document.room_jid, &document.user_jid)
        } else {
            let users = self.users.entry(document.room_jid.clone()).or_default();
            put(users, document.user_jid.clone(), document, self.epoch)
        };
        differs.then_some(change)
    }

    fn remove_room(&mut self, room_jid: &str) -> Vec<Change> {
        let room = self.rooms.remove(room_jid).is_some();
        let definitions = self.definitions.remove(room_jid).is_some();
        let users = self.users.remove(room_jid).unwrap_or_default();
        let room_change = (room || definitions).then(|| Change::room(room_jid));
        let user_changes = users.keys().map(|user_jid| Change::user(room_jid, user_jid));
        room_change.into_iter().chain(user_changes).collect()
    }

    /// Drops what a complete snapshot did not name.
    fn sweep(&mut self, changes: &mut Vec<Change>) {
        let epoch = self.epoch;
        self.rooms.retain(|room_jid, room| {
            let keep = room.epoch == epoch;
            if !keep {
                changes.push(Change::room(room_jid));
            }
            keep
        });
        self.definitions.retain(|room_jid, catalogue| {
            let held = catalogue.len();
            catalogue.retain(|_, definition| definition.epoch == epoch);
            if catalogue.len() < held {
                changes.push(Change::room(room_jid));
            }
            !catalogue.is_empty()
        });
        self.users.retain(|room_jid, users| {
            users.retain(|user_jid, document| {
                let keep = document.epoch == epoch;
                if !keep {
                    changes.push(Change::user(room_jid, user_jid));
                }
                keep
            });
            !users.is_empty()
        });
    }

    fn see(&mut self, room_jid: &str, revision: u64) {
        match self.revisions.get_mut(room_jid) {
            Some(seen) => *seen = revision.max(*seen),
            None => _ = self.revisions.insert(room_jid.to_owned(), revision),
        }
    }
}

/// Writes a record, and returns whether it differs from the one before.
fn put<T: PartialEq>(records: &mut Records<T>, key: String, value: T, epoch: u64) -> bool {
    match records.entry(key) {
        Entry::Vacant(vacant) => {
            vacant.insert(Record { value: Arc::new(value), epoch });
            true
        }
        Entry::Occupied(mut occupied) => {
            let record = occupied.get_mut();
            record.epoch = epoch;
            let differs = *record.value != value;
            if differs {
                record.value = Arc::new(value);
            }
            differs
        }
    }
}

/// Removes a record of a room, and returns whether there was one.
fn remove<T>(rooms: &mut BTreeMap<String, Records<T>>, room_jid: &str, key: &str) -> bool {
    let Some(records) = rooms.get_mut(room_jid) else { return false };
    let removed = records.remove(key).is_some();
    if records.is_empty() {
        rooms.remove(room_jid);
    }
    removed
}

fn values<T>(records: Option<&Records<T>>) -> Vec<Arc<T>> {
    let records = records.into_iter().flat_map(BTreeMap::values);
    records.map(|record| Arc::clone(&record.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEN: &str = "den@chat.example";
    const BAR: &str = "bar@chat.example";

    fn reset() -> Event {
        Event::Reset { reason: pb::ResetReason::Initial }
    }

    fn room(room_jid: &str, revision: u64) -> pb::Room {
        pb::Room { room_jid: room_jid.into(), revision, ..Default::default() }
    }

    fn definition(title: &str) -> pb::HatDefinition {
        pb::HatDefinition { hat_id: "urn:1".into(), title: title.into(), ..Default::default() }
    }

    fn document(room_jid: &str, user_jid: &str, revision: u64) -> pb::UserHats {
        let worn = pb::Attachment { active: true, ..Default::default() };
        pb::UserHats {
            room_jid: room_jid.into(),
            user_jid: user_jid.into(),
            hats: [("urn:1".to_owned(), worn)].into(),
            revision,
            ..Default::default()
        }
    }

    fn page(rooms: Vec<pb::Room>, users: Vec<pb::UserHats>, complete: bool) -> Event {
        let page = pb::WatchSnapshot { rooms, users, complete, ..Default::default() };
        Event::Snapshot { page, token: String::new() }
    }

    fn commit(commit: pb::Commit) -> Event {
        Event::Changes { commits: vec![commit], token: String::new() }
    }

    fn write(document: pb::UserHats) -> Event {
        commit(pb::Commit {
            room_jid: document.room_jid.clone(),
            revision: document.revision,
            users: vec![pb::UserChange { user_hats: Some(document), changes: Vec::new() }],
            ..Default::default()
        })
    }

    fn delete(room_jid: &str, revision: u64) -> Event {
        let room_jid = room_jid.into();
        commit(pb::Commit { room_jid, revision, room_deleted: true, ..Default::default() })
    }

    /// A state with a room, its catalogue, and the documents of `a` and `b`.
    fn state() -> State {
        let mut state = State::new();
        state.apply(reset());
        state.apply(commit(pb::Commit {
            room_jid: DEN.into(),
            revision: 2,
            room: Some(room(DEN, 1)),
            definitions: vec![definition("Hat")],
            ..Default::default()
        }));
        state.apply(page(vec![], vec![document(DEN, "a", 3), document(DEN, "b", 4)], true));
        state
    }

    fn users(state: &State, room_jid: &str) -> Vec<(String, u64)> {
        let users = state.users(room_jid);
        users.iter().map(|document| (document.user_jid.clone(), document.revision)).collect()
    }

    #[test]
    fn a_snapshot_is_all_there_is_once_it_is_complete() {
        let mut state = State::new();
        assert!(state.is_stale());
        state.apply(reset());
        let changes = state.apply(page(vec![room(DEN, 1)], vec![document(DEN, "a", 2)], false));
        assert_eq!(changes, [Change::room(DEN), Change::user(DEN, "a")]);
        assert!(state.is_stale());
        state.apply(page(vec![], vec![document(BAR, "a", 5)], true));
        assert!(!state.is_stale());
        assert_eq!(state.rooms().len(), 1);
        assert_eq!(state.documents().len(), 2);
    }

    #[test]
    fn a_reset_keeps_the_old_state_until_the_new_one_is_complete() {
        let mut state = state();
        assert_eq!(state.apply(reset()), []);
        assert!(state.is_stale());
        assert_eq!(users(&state, DEN).len(), 2);

        // What is as it was is no change, what is not named goes at the end, and not before.
        let changes = state.apply(page(vec![room(DEN, 1)], vec![document(DEN, "a", 3)], false));
        assert_eq!(changes, []);
        assert_eq!(users(&state, DEN).len(), 2);
        let changes = state.apply(page(vec![], vec![], true));
        assert_eq!(changes, [Change::room(DEN), Change::user(DEN, "b")]);
        assert_eq!(users(&state, DEN), [("a".to_owned(), 3)]);
        assert_eq!(state.definitions(DEN), []);
    }

    #[test]
    fn a_snapshot_that_begins_again_has_to_name_everything_again() {
        let mut state = state();
        state.apply(reset());
        state.apply(page(vec![room(DEN, 1)], vec![document(DEN, "a", 3)], false));
        state.apply(reset());
        state.apply(page(vec![], vec![document(DEN, "b", 4)], true));
        assert_eq!(state.rooms(), []);
        assert_eq!(users(&state, DEN), [("b".to_owned(), 4)]);
    }

    #[test]
    fn changes_within_a_snapshot_count_as_named() {
        let mut state = state();
        state.apply(reset());
        state.apply(write(document(DEN, "b", 9)));
        state.apply(page(vec![], vec![], true));
        assert_eq!(users(&state, DEN), [("b".to_owned(), 9)]);
    }

    #[test]
    fn a_document_without_hats_is_dropped() {
        let mut state = state();
        let bare = pb::UserHats { hats: BTreeMap::new(), ..document(DEN, "a", 5) };
        assert_eq!(state.apply(write(bare.clone())), [Change::user(DEN, "a")]);
        assert_eq!(state.document(DEN, "a"), None);
        assert_eq!(state.apply(write(bare)), [], "it was gone already");
    }

    #[test]
    fn a_deleted_room_takes_everything_along() {
        let mut state = state();
        state.apply(write(document(BAR, "a", 1)));
        let changes = state.apply(delete(DEN, 7));
        let expected = [Change::room(DEN), Change::user(DEN, "a"), Change::user(DEN, "b")];
        assert_eq!(changes, expected);
        assert_eq!((state.room(DEN), state.definitions(DEN)), (None, Vec::new()));
        assert_eq!(state.documents().len(), 1);
        assert_eq!(state.revision(DEN), 7);
    }

    #[test]
    fn a_room_that_was_never_seen_leaves_no_trace() {
        let mut state = state();
        assert_eq!(state.apply(delete(BAR, 7)), []);
        assert_eq!(state.revisions.len(), 1);
    }

    #[test]
    fn the_catalogue_follows_the_commits() {
        let mut state = state();
        let change = |commit_of: pb::Commit| {
            commit(pb::Commit { room_jid: DEN.into(), revision: 8, ..commit_of })
        };
        let defined = pb::Commit { definitions: vec![definition("Cap")], ..Default::default() };
        assert_eq!(state.apply(change(defined.clone())), [Change::room(DEN)]);
        assert_eq!(state.hats(DEN, "a", None)[0].title, "Cap");
        assert_eq!(state.apply(change(defined)), []);

        let hat_id = "urn:1".to_owned();
        let removed = pb::Commit { removed_definitions: vec![hat_id], ..Default::default() };
        assert_eq!(state.apply(change(removed.clone())), [Change::room(DEN)]);
        assert_eq!(state.hats(DEN, "a", None)[0].title, "urn:1");
        assert_eq!(state.apply(change(removed)), []);
    }

    #[test]
    fn the_highest_revision_of_a_room_is_that_of_any_record_since_the_reset() {
        let mut state = state();
        assert_eq!((state.revision(DEN), state.revision(BAR)), (4, 0));
        state.apply(commit(pb::Commit { room_jid: DEN.into(), revision: 6, ..Default::default() }));
        assert_eq!(state.revision(DEN), 6);
        state.apply(reset());
        assert_eq!(state.revision(DEN), 0);
    }
}
