//! What a watch is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::commit::{Commit, UserChange};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::planted::{self, Bug};
use crate::store::Scope;

/// One thing that a watch is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Everything.
    All,
    /// All rooms of a domain.
    Domain(Domain),
    /// A room: its record, its catalogue and its documents.
    Room(RoomJid),
    /// A user's documents in all rooms, and the deletion of every room.
    User(UserJid),
    /// A room's record and catalogue, and one user's document in it.
    RoomUser(RoomJid, UserJid),
}

/// What a watch is about in all. A record that any selector covers is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    all: bool,
    domains: BTreeSet<Domain>,
    rooms: BTreeSet<RoomJid>,
    users: BTreeSet<UserJid>,
    room_users: BTreeMap<RoomJid, BTreeSet<UserJid>>,
}

impl Selectors {
    /// The union of selectors; of none: everything.
    pub fn new(selectors: impl IntoIterator<Item = Selector>) -> Self {
        let mut union = Self::default();
        let mut any = false;
        for selector in selectors {
            any = true;
            match selector {
                Selector::All => union.all = true,
                Selector::Domain(domain) => _ = union.domains.insert(domain),
                Selector::Room(room) => _ = union.rooms.insert(room),
                Selector::User(user) => _ = union.users.insert(user),
                Selector::RoomUser(room, user) => {
                    _ = union.room_users.entry(room).or_default().insert(user);
                }
            }
        }
        union.all |= !any;
        union
    }

    /// Tells these selectors from others, whatever their order, in tokens.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "encoding into a vector has no way to fail"
    )]
    pub fn hash(&self) -> u64 {
        let domains: Vec<_> = self.domains.iter().map(Domain::as_str).collect();
        let mut bytes = Vec::new();
        let canonical = (self.all, domains, &self.rooms, &self.users, &self.room_users);
        minicbor::encode(canonical, &mut bytes).expect("a vector takes all bytes");
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// What to be woken for. A user is enough for nothing but that user's documents:
    /// whoever watches a user in a room hears of the whole room, for its catalogue.
    pub fn scope(&self) -> Scope {
        Scope {
            all: self.all,
            domains: self.domains.iter().cloned().collect(),
            rooms: self.rooms.iter().chain(self.room_users.keys()).cloned().collect(),
            users: self.users.iter().cloned().collect(),
        }
    }

    /// Whether everything of a room is watched.
    fn covers_room(&self, room: &RoomJid) -> bool {
        self.all || self.domains.contains(room.domain()) || self.rooms.contains(room)
    }

    /// The commit, narrowed to what is watched; none if nothing of it is. Users whose
    /// change concerns no hats may be in it: they are not sent.
    pub fn narrow(&self, commit: &Arc<Commit>) -> Option<Arc<Commit>> {
        let room = &commit.room_jid;
        let narrowed = if self.covers_room(room) {
            Arc::clone(commit)
        } else {
            let room_users = self.room_users.get(room);
            let room_level = room_users.is_some();
            let watched = |user: &&UserChange| {
                let begins = |it: &UserJid| user.user_jid.as_str().starts_with(it.as_str());
                self.users.contains(&user.user_jid)
                    || planted::has(Bug::SelectorTooWide) && self.users.iter().any(begins)
                    || room_users.is_some_and(|users| users.contains(&user.user_jid))
            };
            let definitions = commit.definitions.iter().filter(|_| room_level);
            let removed_definitions = commit.removed_definitions.iter().filter(|_| room_level);
            Arc::new(Commit {
                room_jid: commit.room_jid.clone(),
                revision: commit.revision,
                time: commit.time,
                cause: commit.cause,
                context: commit.context.clone(),
                room: commit.room.filter(|_| room_level),
                room_deleted: commit.room_deleted && (room_level || !self.users.is_empty()),
                users: commit.users.iter().filter(watched).cloned().collect(),
                definitions: definitions.cloned().collect(),
                removed_definitions: removed_definitions.cloned().collect(),
                request: None,
            })
        };
        let says_anything = narrowed.room.is_some()
            || narrowed.room_deleted
            || narrowed.users.iter().any(UserChange::concerns_hats)
            || !narrowed.definitions.is_empty()
            || !narrowed.removed_definitions.is_empty();
        says_anything.then_some(narrowed)
    }

    /// How to read the state of all that is watched, each record once.
    pub(super) fn plan(&self) -> Vec<Part> {
        if self.all {
            return vec![Part::Rooms(None), Part::Definitions(None), Part::Documents(None)];
        }
        let mut parts = Vec::new();
        for domain in &self.domains {
            let domain = Some(domain.clone());
            parts.push(Part::Rooms(domain.clone()));
            parts.push(Part::Definitions(domain.clone()));
            parts.push(Part::Documents(domain));
        }
        let in_domain = |room: &&RoomJid| self.domains.contains(room.domain());
        for room in self.rooms.iter().filter(|room| !in_domain(room)) {
            parts.push(Part::Room(room.clone()));
            parts.push(Part::RoomDefinitions(room.clone()));
            parts.push(Part::RoomDocuments(room.clone()));
        }
        for (room, users) in self.room_users.iter().filter(|(room, _)| !self.covers_room(room)) {
            parts.push(Part::Room(room.clone()));
            parts.push(Part::RoomDefinitions(room.clone()));
            let document = |user: &UserJid| Part::Document(room.clone(), user.clone());
            parts.extend(users.iter().map(document));
        }
        parts.extend(self.users.iter().cloned().map(Part::UserDocuments));
        parts
    }

    /// Whether a document that [`Part::UserDocuments`] finds comes with another part, too.
    pub(super) fn comes_otherwise(&self, room: &RoomJid, user: &UserJid) -> bool {
        self.covers_room(room)
            || self.room_users.get(room).is_some_and(|users| users.contains(user))
    }
}

/// A part of the state of what is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The rooms of a domain, or all.
    Rooms(Option<Domain>),
    /// The definitions of a domain's rooms, or all.
    Definitions(Option<Domain>),
    /// The documents with hats of a domain's rooms, or all.
    Documents(Option<Domain>),
    /// One room.
    Room(RoomJid),
    /// One room's definitions.
    RoomDefinitions(RoomJid),
    /// One room's documents with hats.
    RoomDocuments(RoomJid),
    /// One document.
    Document(RoomJid, UserJid),
    /// A user's documents with hats.
    UserDocuments(UserJid),
}
