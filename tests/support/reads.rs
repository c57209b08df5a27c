//! Reads a store whole, page by page, and compares what it shows in different ways.

use hatd::command::RoomState;
use hatd::commit::{Mark, Position};
use hatd::hat::{Document, HatDefinition, HatId, Room};
use hatd::jid::{Domain, RoomJid, UserJid};
use hatd::store::{DocumentFilter, Entry, Located, Page, PageLimit, Store};

use super::world::World;

/// Pages of two items, so that every list has several.
pub(crate) const SMALL_PAGES: PageLimit = PageLimit { items: 2, bytes: usize::MAX };

/// Gathers the pages that `$read` gives after a key.
macro_rules! gather {
    (|$after:ident| $read:expr) => {{
        let mut items = Vec::new();
        let mut last = None;
        loop {
            let $after = last.as_ref();
            let page: Page<_, _> = $read;
            items.extend(page.items);
            if page.next.is_none() {
                break items;
            }
            assert!(page.next > last, "a page goes on");
            last = page.next;
        }
    }};
}

pub(crate) async fn rooms(store: &dyn Store, domain: Option<&str>) -> Vec<(RoomJid, Room)> {
    let domain = domain.map(|text| Domain::parse(text).unwrap());
    gather!(|after| store.rooms(domain.as_ref(), after, SMALL_PAGES).await.unwrap())
}

pub(crate) async fn documents(
    store: &dyn Store,
    room: &RoomJid,
    filter: &DocumentFilter,
) -> Vec<(UserJid, Document)> {
    gather!(|after| store.documents(room, filter, after, SMALL_PAGES).await.unwrap().1)
}

pub(crate) async fn documents_of(store: &dyn Store, user: &UserJid) -> Vec<(RoomJid, Document)> {
    gather!(|after| store.documents_of(user, after, SMALL_PAGES).await.unwrap())
}

pub(crate) async fn definitions(store: &dyn Store, room: &RoomJid) -> Vec<(HatId, HatDefinition)> {
    gather!(|after| store.definitions(room, after, SMALL_PAGES).await.unwrap().1)
}

/// Every document with hats, of a domain's rooms or all.
pub(crate) async fn all_documents(
    store: &dyn Store,
    domain: Option<&Domain>,
) -> Vec<((RoomJid, UserJid), Document)> {
    gather!(|after| {
        let after = after.map(|(room, user): &(RoomJid, UserJid)| (room, user));
        store.all_documents(domain, after, SMALL_PAGES).await.unwrap()
    })
}

/// Every definition, of a domain's rooms or all.
pub(crate) async fn all_definitions(
    store: &dyn Store,
    domain: Option<&Domain>,
) -> Vec<((RoomJid, HatId), HatDefinition)> {
    gather!(|after| {
        let after = after.map(|(room, hat): &(RoomJid, HatId)| (room, hat));
        store.all_definitions(domain, after, SMALL_PAGES).await.unwrap()
    })
}

/// The history after a position, in pieces of about `bytes`, checked to be dense.
pub(crate) async fn history_after(store: &dyn Store, after: Position, bytes: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut position = after;
    while position != store.head().0 {
        let piece = store.commits_after(position, bytes).await.unwrap();
        assert!(!piece.is_empty(), "there is more until the head");
        for entry in piece {
            assert_eq!(entry.position, position.next(), "positions are dense");
            position = entry.position;
            entries.push(entry);
        }
    }
    entries
}

/// The whole history.
pub(crate) async fn history(store: &dyn Store) -> Vec<Entry> {
    history_after(store, Position::START, 500).await
}

/// Checks that the store is of one mind: every read shows what the history adds up to,
/// by every index, and every position is where the history says. Returns the history.
pub(crate) async fn assert_consistent(store: &dyn Store) -> Vec<Entry> {
    let entries = history(store).await;
    assert_revisions_rise(&entries);
    assert_located(store, &entries).await;
    assert_shows(store, &World::of(entries.iter().map(|entry| &*entry.commit))).await;
    entries
}

/// Every document with hats and every definition.
pub(crate) async fn state(store: &dyn Store) -> impl PartialEq + std::fmt::Debug + use<> {
    (all_documents(store, None).await, all_definitions(store, None).await)
}

fn assert_revisions_rise(entries: &[Entry]) {
    let mut revisions = std::collections::BTreeMap::new();
    for entry in entries {
        let before = revisions.insert(&entry.commit.room_jid, entry.commit.revision);
        assert!(before < Some(entry.commit.revision), "revisions rise: {entry:?}");
    }
}

async fn assert_located(store: &dyn Store, entries: &[Entry]) {
    let head = entries.last().map_or((Position::START, Mark::ORIGIN), |it| (it.position, it.mark));
    assert_eq!(store.head(), head);
    assert_eq!(store.settled().await.unwrap(), head);
    assert_eq!(store.locate(Position::START, Mark::ORIGIN).await.unwrap(), Located::Here);
    for entry in entries {
        let located = store.locate(entry.position, entry.mark).await.unwrap();
        assert_eq!(located, Located::Here, "{entry:?}");
    }
}

/// Checks every read of the store against a state.
pub(crate) async fn assert_shows(store: &dyn Store, world: &World) {
    let all: Vec<_> = world.rooms.iter().map(|(room, state)| (room.clone(), state.room)).collect();
    assert_eq!(rooms(store, None).await, all);
    for domain in all.iter().map(|(room, _)| room.domain()) {
        let of_domain: Vec<_> =
            all.iter().filter(|(room, _)| room.domain() == domain).cloned().collect();
        assert_eq!(rooms(store, Some(domain)).await, of_domain);
    }
    assert_shows_all(store, world, None).await;
    for room in world.rooms.keys() {
        let domain = Domain::parse(room.domain()).unwrap();
        assert_shows_all(store, world, Some(&domain)).await;
    }
    for (room, state) in &world.rooms {
        assert_shows_room(store, world, room, *state).await;
    }
    for user in world.users() {
        let of_user = world.documents_of(&user).filter(|(_, document)| document.has_hats());
        assert_eq!(documents_of(store, &user).await, owned(of_user), "of {user}");
    }
}

/// Checks the lists that go over rooms, of a domain or all.
async fn assert_shows_all(store: &dyn Store, world: &World, domain: Option<&Domain>) {
    let within = |room: &RoomJid| domain.is_none_or(|domain| domain.as_str() == room.domain());
    let documents = world.documents.iter().filter(|((room, _), it)| within(room) && it.has_hats());
    assert_eq!(all_documents(store, domain).await, owned(documents), "of {domain:?}");
    let definitions = world.definitions.iter().filter(|((room, _), _)| within(room));
    assert_eq!(all_definitions(store, domain).await, owned(definitions), "of {domain:?}");
}

async fn assert_shows_room(store: &dyn Store, world: &World, room: &RoomJid, state: RoomState) {
    assert_eq!(store.room(room).await.unwrap(), Some(state));
    for user in world.users() {
        let document = world.documents.get(&(room.clone(), user.clone()));
        let expected = (Some(state), document.cloned().unwrap_or_default());
        assert_eq!(store.document(room, &user).await.unwrap(), expected, "{user} in {room}");
    }
    let hats = world.hats();
    let by_hat = [None].into_iter().chain(hats.iter().cloned().map(Some));
    let filters = by_hat.flat_map(|hat_id| {
        [false, true]
            .map(|active_only| DocumentFilter::Hats { hat_id: hat_id.clone(), active_only })
    });
    for filter in filters.chain([DocumentFilter::Affiliated]) {
        let listed = world.documents_in(room).filter(|(_, document)| filter.matches(document));
        assert_eq!(documents(store, room, &filter).await, owned(listed), "{filter:?} in {room}");
    }
    assert_eq!(definitions(store, room).await, owned(world.definitions_in(room)), "of {room}");
}

fn owned<'a, K: Clone + 'a, V: Clone + 'a>(
    items: impl Iterator<Item = (&'a K, &'a V)>,
) -> Vec<(K, V)> {
    items.map(|(key, value)| (key.clone(), value.clone())).collect()
}
