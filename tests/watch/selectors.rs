//! What each selector selects, in snapshots and in changes.

use hatd_client::pb;

use super::held::{Follower, Held};
use super::server::{FAR_ROOM, HAT, OTHER_HAT, OTHER_ROOM, OTHER_USER, ROOM, Server, USER};
use super::stream::{Watch, domain, room, snapshot, user, user_in_room};

/// Three rooms in two domains, with a definition each; two users who have a hat in each of them.
async fn three_rooms() -> Server {
    let server = Server::fresh().await;
    for room_jid in [ROOM, OTHER_ROOM, FAR_ROOM] {
        server.put_room(room_jid).await;
        server.define(room_jid, HAT).await;
        for user_jid in [USER, OTHER_USER] {
            server.member(room_jid, user_jid).await;
            server.give(room_jid, user_jid, HAT).await;
        }
    }
    server
}

/// A change of every kind in each of the three rooms.
async fn change_everything(server: &Server) {
    for room_jid in [ROOM, OTHER_ROOM, FAR_ROOM] {
        for user_jid in [USER, OTHER_USER] {
            server.give(room_jid, user_jid, OTHER_HAT).await;
            server.take(room_jid, user_jid, HAT).await;
        }
        server.define(room_jid, OTHER_HAT).await;
        let request = pb::PutRoomRequest {
            room_jid: room_jid.to_owned(),
            hat_policy: pb::HatPolicy::DefinedOnly.into(),
            ..Default::default()
        };
        server.client.put_room(request).await.unwrap();
    }
}

/// Asserts that a watch of the selectors holds this part of the state, before and after changes.
async fn check(selectors: &[pb::WatchSelector], part: impl Fn(&Held) -> Held) {
    let server = three_rooms().await;
    let mut watch = Watch::open(&server, snapshot(selectors)).await;
    let mut follower = Follower::default();
    follower.follow_all(&watch.until_bookmark().await);
    assert_eq!(follower.held, part(&Held::of(&server.client).await), "{selectors:?}: the state");

    change_everything(&server).await;
    // Resuming sends what is left and then a bookmark, so that the end is seen.
    let request = super::stream::resume(selectors, &watch.token);
    let mut watch = Watch::open(&server, request).await;
    follower.follow_all(&watch.until_bookmark().await);
    assert_eq!(follower.held, part(&Held::of(&server.client).await), "{selectors:?}: changes");

    for commit in &follower.news {
        let says_something = commit.room.is_some()
            || !commit.users.is_empty()
            || !commit.definitions.is_empty()
            || !commit.removed_definitions.is_empty();
        assert!(says_something, "{selectors:?}: what is empty is not sent: {commit:?}");
    }
}

/// The documents of a user in all rooms, and nothing else.
fn documents_of(state: &Held, user_jid: &str) -> Held {
    let mut users = state.users.clone();
    users.retain(|(_, user), _| user == user_jid);
    Held { users, ..Held::default() }
}

/// A room's record and catalogue, and one user's document there.
fn one_document(state: &Held, room_jid: &str, user_jid: &str) -> Held {
    let mut part = state.of_rooms(|room| room == room_jid);
    part.users.retain(|(_, user), _| user == user_jid);
    part
}

fn union(parts: impl IntoIterator<Item = Held>) -> Held {
    let mut union = Held::default();
    for part in parts {
        union.rooms.extend(part.rooms);
        union.definitions.extend(part.definitions);
        union.users.extend(part.users);
    }
    union
}

#[tokio::test]
async fn no_selector_and_the_empty_one_select_everything() {
    check(&[], Held::clone).await;
    check(&[pb::WatchSelector::default()], Held::clone).await;
    check(&[room(ROOM), pb::WatchSelector::default()], Held::clone).await;
}

#[tokio::test]
async fn a_room_selects_everything_of_that_room() {
    check(&[room(ROOM)], |state| state.of_rooms(|room| room == ROOM)).await;
    check(&[room("ROOM@Conference.LOCALHOST")], |state| state.of_rooms(|room| room == ROOM)).await;
}

#[tokio::test]
async fn a_domain_selects_everything_of_its_rooms() {
    let near = |room: &str| room.ends_with("@conference.localhost");
    check(&[domain("conference.localhost")], |state| state.of_rooms(near)).await;
}

#[tokio::test]
async fn a_user_selects_that_users_documents_and_no_rooms() {
    check(&[user(USER)], |state| documents_of(state, USER)).await;
}

#[tokio::test]
async fn a_user_in_a_room_selects_the_room_its_definitions_and_that_one_document() {
    check(&[user_in_room(ROOM, USER)], |state| one_document(state, ROOM, USER)).await;
}

#[tokio::test]
async fn selectors_add_up_and_nothing_comes_twice() {
    check(&[room(ROOM), room(OTHER_ROOM)], |state| state.of_rooms(|room| room != FAR_ROOM)).await;
    check(&[user(USER), room(ROOM)], |state| {
        union([documents_of(state, USER), state.of_rooms(|room| room == ROOM)])
    })
    .await;
    let overlapping = [
        domain("conference.localhost"),
        room(ROOM),
        user_in_room(ROOM, USER),
        user_in_room(FAR_ROOM, OTHER_USER),
        user(USER),
        user(USER),
    ];
    check(&overlapping, |state| {
        union([
            state.of_rooms(|room| room != FAR_ROOM),
            one_document(state, FAR_ROOM, OTHER_USER),
            documents_of(state, USER),
        ])
    })
    .await;
}

#[tokio::test]
async fn a_commit_is_narrowed_to_what_is_selected() {
    let server = three_rooms().await;
    let mut of_user = Watch::open(&server, snapshot(&[user(USER)])).await;
    let mut of_room_user = Watch::open(&server, snapshot(&[user_in_room(ROOM, USER)])).await;
    of_user.until_bookmark().await;
    of_room_user.until_bookmark().await;

    // One commit on both users, and then on the catalogue as well.
    let request = pb::DestroyHatRequest {
        room_jid: ROOM.to_owned(),
        hat_id: HAT.to_owned(),
        ..Default::default()
    };
    server.client.destroy_hat(request).await.unwrap();

    let commit = of_user.commit().await;
    assert_eq!(commit.users.len(), 1);
    assert_eq!(commit.users[0].user_hats.as_ref().unwrap().user_jid, USER);
    assert!(commit.removed_definitions.is_empty(), "a user selects no catalogue");
    let commit = of_room_user.commit().await;
    assert_eq!(commit.users.len(), 1);
    assert_eq!(commit.removed_definitions, [HAT]);
}

#[tokio::test]
async fn a_room_deleted_is_told_to_the_room_its_domain_and_every_user() {
    let server = three_rooms().await;
    let selectors = [
        room(ROOM),
        user_in_room(ROOM, "stranger@localhost"),
        domain("conference.localhost"),
        pb::WatchSelector::default(),
        user(USER),
        user("stranger@localhost"),
    ];
    let mut watches = Vec::new();
    for selector in selectors {
        let mut watch = Watch::open(&server, snapshot(&[selector])).await;
        watch.until_bookmark().await;
        watches.push(watch);
    }
    let mut elsewhere = Watch::open(&server, snapshot(&[room(OTHER_ROOM)])).await;
    elsewhere.until_bookmark().await;

    let revision = server.delete_room(ROOM).await.revision;

    for mut watch in watches {
        let commit = watch.commit().await;
        let expected = pb::Commit {
            room_jid: ROOM.to_owned(),
            revision,
            commit_time: commit.commit_time,
            room_deleted: true,
            cause: pb::CommitCause::Request.into(),
            ..Default::default()
        };
        assert_eq!(commit, expected, "the commit is room_deleted alone");
    }
    let written = server.take(OTHER_ROOM, USER, HAT).await;
    assert_eq!(elsewhere.commit().await.revision, written.revision);
}

#[tokio::test]
async fn revisions_go_on_when_a_room_is_deleted_and_made_again() {
    let server = three_rooms().await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;
    let deleted = server.delete_room(ROOM).await.revision;
    let made = server.put_room(ROOM).await.revision;
    assert!(made > deleted);
    assert_eq!(watch.commit().await.revision, deleted);
    assert_eq!(watch.commit().await.revision, made);
}

#[tokio::test]
async fn a_document_without_hats_is_in_no_snapshot_and_wakes_nobody() {
    let server = three_rooms().await;
    server.member(ROOM, "hatless@localhost").await;
    for selectors in [
        &[][..],
        &[room(ROOM)],
        &[domain("conference.localhost")],
        &[user("hatless@localhost")],
        &[user_in_room(ROOM, "hatless@localhost")],
    ] {
        let mut watch = Watch::open(&server, snapshot(selectors)).await;
        let mut follower = Follower::default();
        follower.follow_all(&watch.until_bookmark().await);
        let is_hatless = |(_, user): &(String, String)| user == "hatless@localhost";
        assert!(!follower.held.users.keys().any(is_hatless), "{selectors:?}");

        server.affiliate(ROOM, "hatless@localhost", pb::Affiliation::Owner).await;
        server.affiliate(ROOM, "hatless@localhost", pb::Affiliation::Member).await;
        server.member(ROOM, "newcomer@localhost").await;
        server.affiliate(ROOM, "newcomer@localhost", pb::Affiliation::None).await;
        let written = server.give(ROOM, "hatless@localhost", HAT).await;
        let commit = watch.commit().await;
        assert_eq!(commit.revision, written.revision, "{selectors:?}: nothing came before");
        server.take(ROOM, "hatless@localhost", HAT).await;
    }
}

#[tokio::test]
async fn a_document_comes_once_more_when_it_loses_its_last_hat() {
    for selectors in [&[][..], &[user(USER)], &[user_in_room(ROOM, USER)]] {
        let server = three_rooms().await;
        let mut watch = Watch::open(&server, snapshot(selectors)).await;
        watch.until_bookmark().await;

        server.affiliate(ROOM, USER, pb::Affiliation::Outcast).await;
        let commit = watch.commit().await;
        let [change] = &commit.users[..] else { panic!("one user lost hats: {commit:?}") };
        let document = change.user_hats.as_ref().unwrap();
        assert!(document.hats.is_empty());
        assert_eq!(document.affiliation(), pb::Affiliation::Outcast);
        assert_eq!(change.changes[0].r#type(), pb::ChangeType::Removed);

        server.affiliate(ROOM, USER, pb::Affiliation::Member).await;
        let written = server.give(ROOM, USER, HAT).await;
        assert_eq!(watch.commit().await.revision, written.revision, "and then no more");
    }
}

#[tokio::test]
async fn an_affiliation_of_a_user_with_hats_is_told() {
    let server = three_rooms().await;
    let mut watch = Watch::open(&server, snapshot(&[user(USER)])).await;
    watch.until_bookmark().await;
    server.affiliate(ROOM, USER, pb::Affiliation::Admin).await;
    let commit = watch.commit().await;
    let document = commit.users[0].user_hats.as_ref().unwrap();
    assert_eq!(document.affiliation(), pb::Affiliation::Admin);
    assert!(commit.users[0].changes.is_empty());
}
