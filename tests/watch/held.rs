//! What a client holds that does what the contract says, and what the server has.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use hatd_client::pb::watch_hats_response::Event;
use hatd_client::{Client, pb};

use super::stream::Response;

/// The state that a watch has led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) rooms: BTreeMap<String, pb::Room>,
    /// By room and hat.
    pub(crate) definitions: BTreeMap<(String, String), pb::HatDefinition>,
    /// Documents with hats, by room and user.
    pub(crate) users: BTreeMap<(String, String), pb::UserHats>,
}

/// Holds what a watch says, and holds the watch to its promises.
#[derive(Clone, Debug, Default)]
pub(crate) struct Follower {
    pub(crate) held: Held,
    /// Whether the state is complete, so that changes are news.
    complete: bool,
    /// The last revision of each room.
    revisions: BTreeMap<String, u64>,
    /// What was news, in order.
    pub(crate) news: Vec<pb::Commit>,
}

impl Follower {
    /// Goes on with a state that is complete: that of a watch from its very beginning, or from
    /// where another one stopped.
    pub(crate) fn from(held: Held) -> Self {
        Self { held, complete: true, ..Self::default() }
    }

    pub(crate) fn follow(&mut self, response: &Response) {
        match response.event.as_ref().expect("every response says something") {
            Event::Reset(_) => {
                self.held = Held::default();
                self.complete = false;
                self.revisions.clear();
            }
            Event::Snapshot(page) => {
                assert!(!self.complete, "no page comes after the last");
                assert_eq!(page.complete, !response.token.is_empty(), "only the last has a token");
                self.held.add_page(page);
                self.complete = page.complete;
            }
            Event::Changes(changes) => {
                assert_eq!(self.complete, !response.token.is_empty());
                for commit in &changes.commits {
                    if self.complete {
                        self.check_news(commit);
                        self.news.push(commit.clone());
                    }
                    self.held.add_commit(commit);
                }
            }
            Event::Bookmark(_) => assert!(self.complete, "a bookmark comes after the state"),
            Event::GoAway(_) => {}
        }
    }

    pub(crate) fn follow_all(&mut self, responses: &[Response]) {
        for response in responses {
            self.follow(response);
        }
    }

    /// Ordered and Exact: revisions rise, and the changes that a commit names are those between
    /// the document held and the new one, no more and no less.
    fn check_news(&mut self, commit: &pb::Commit) {
        let before = self.revisions.insert(commit.room_jid.clone(), commit.revision);
        assert!(
            before.is_none_or(|before| before < commit.revision),
            "{commit:?} after {before:?}"
        );
        for user in &commit.users {
            let document = user.user_hats.as_ref().unwrap();
            let key = (document.room_jid.clone(), document.user_jid.clone());
            let no_hats = BTreeMap::new();
            let old = self.held.users.get(&key).map_or(&no_hats, |held| &held.hats);
            let new = &document.hats;
            let all = old.keys().chain(new.keys().filter(|hat| !old.contains_key(*hat)));
            let mut expected: Vec<_> = all
                .filter(|hat| old.get(*hat) != new.get(*hat))
                .map(|hat| pb::HatChange {
                    hat_id: hat.clone(),
                    r#type: match (old.get(hat), new.get(hat)) {
                        (None, _) => pb::ChangeType::Added,
                        (_, None) => pb::ChangeType::Removed,
                        _ => pb::ChangeType::Updated,
                    }
                    .into(),
                    previous: old.get(hat).cloned(),
                })
                .collect();
            expected.sort_by(|a, b| a.hat_id.cmp(&b.hat_id));
            assert_eq!(user.changes, expected, "the changes of {key:?}");
        }
    }
}

impl Held {
    pub(crate) fn add_page(&mut self, page: &pb::WatchSnapshot) {
        for room in &page.rooms {
            let before = self.rooms.insert(room.room_jid.clone(), room.clone());
            assert_eq!(before, None, "a room comes once");
        }
        for entry in &page.definitions {
            let definition = entry.definition.clone().unwrap();
            self.definitions
                .insert((entry.room_jid.clone(), definition.hat_id.clone()), definition);
        }
        for user in &page.users {
            assert!(!user.hats.is_empty(), "a snapshot has documents with hats only: {user:?}");
            let key = (user.room_jid.clone(), user.user_jid.clone());
            assert_eq!(self.users.insert(key, user.clone()), None, "a document comes once");
        }
    }

    pub(crate) fn add_commit(&mut self, commit: &pb::Commit) {
        let room = &commit.room_jid;
        if commit.room_deleted {
            assert!(commit.room.is_none() && commit.users.is_empty(), "{commit:?}");
            self.rooms.remove(room);
            self.definitions.retain(|(held, _), _| held != room);
            self.users.retain(|(held, _), _| held != room);
        }
        if let Some(record) = &commit.room {
            self.rooms.insert(room.clone(), record.clone());
        }
        for definition in &commit.definitions {
            self.definitions.insert((room.clone(), definition.hat_id.clone()), definition.clone());
        }
        for hat in &commit.removed_definitions {
            self.definitions.remove(&(room.clone(), hat.clone()));
        }
        for user in &commit.users {
            let document = user.user_hats.clone().unwrap();
            assert_eq!(document.room_jid, *room);
            let key = (room.clone(), document.user_jid.clone());
            if document.hats.is_empty() {
                self.users.remove(&key);
            } else {
                self.users.insert(key, document);
            }
        }
    }

    /// What the lists of a server answer.
    pub(crate) async fn of(client: &Client) -> Self {
        let mut state = Self::default();
        let rooms: Vec<_> =
            client.all_rooms(pb::ListRoomsRequest::default()).try_collect().await.unwrap();
        for room in rooms {
            let room_jid = room.room_jid.clone();
            let request =
                pb::ListHatDefinitionsRequest { room_jid: room_jid.clone(), ..Default::default() };
            let definitions: Vec<_> =
                client.all_hat_definitions(request).try_collect().await.unwrap();
            for definition in definitions {
                let key = (room_jid.clone(), definition.hat_id.clone());
                state.definitions.insert(key, definition);
            }
            let request =
                pb::ListRoomHatsRequest { room_jid: room_jid.clone(), ..Default::default() };
            let users: Vec<_> = client.all_room_hats(request).try_collect().await.unwrap();
            for user in users {
                state.users.insert((room_jid.clone(), user.user_jid.clone()), user);
            }
            state.rooms.insert(room_jid, room);
        }
        state
    }

    /// What of it a watch of a room, or of all rooms of a domain, holds.
    pub(crate) fn of_rooms(&self, is_selected: impl Fn(&str) -> bool) -> Self {
        let mut part = self.clone();
        part.rooms.retain(|room, _| is_selected(room));
        part.definitions.retain(|(room, _), _| is_selected(room));
        part.users.retain(|(room, _), _| is_selected(room));
        part
    }
}
