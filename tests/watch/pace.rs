//! Heartbeats, stalls and crowds: nobody waits for a watcher, and no watcher misses anything.

use std::time::Duration;

use futures_util::future::join_all;
use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use tokio::time::Instant;

use super::held::{Follower, Held};
use super::server::{FAR_ROOM, HAT, LIMIT, ROOM, Server, USER, connect_narrow};
use super::stream::{Watch, is_bookmark, lively, now, of_changes, room, snapshot, user};
use super::traffic;

#[tokio::test]
async fn a_quiet_watch_gets_a_bookmark_every_heartbeat() {
    let server = Server::with_a_member().await;
    let start = Instant::now();
    let mut watch = Watch::open(&server, lively(now(&[room(ROOM)]))).await;
    for _ in 0..3 {
        assert!(is_bookmark(&watch.next().await));
    }
    // The first comes at once, each other one after a second.
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(start.elapsed() < LIMIT);
}

#[tokio::test]
async fn a_bookmark_passes_every_write_answered_before_it() {
    let server = Server::with_a_member().await;
    server.put_room(FAR_ROOM).await;
    server.member(FAR_ROOM, USER).await;
    let mut watch = Watch::open(&server, lively(now(&[room(ROOM)]))).await;
    watch.next().await;

    // None of this is selected, or changes anything.
    let elsewhere = server.give(FAR_ROOM, USER, HAT).await;
    let unchanged = server.give(FAR_ROOM, USER, HAT).await;
    assert!(!unchanged.changed);
    server.affiliate(ROOM, USER, pb::Affiliation::Owner).await;
    let last = server.take(ROOM, USER, HAT).await;
    assert!(!last.changed);

    let bookmark = watch.next().await;
    assert!(is_bookmark(&bookmark), "{bookmark:?}");
    let position = |token: &str| hatd::commit::Token::decode(token).unwrap().position;
    for written in [&elsewhere.token, &unchanged.token, &last.token] {
        assert!(position(&bookmark.token) >= position(written));
    }
}

#[tokio::test]
async fn a_watch_that_reads_one_commit_a_moment_gets_them_all() {
    let server = Server::with_a_member().await;
    let mut watch = Watch::open(&server, now(&[user(USER)])).await;
    watch.next().await;
    let mut revisions = Vec::new();
    for _ in 0..20 {
        revisions.push(server.give(ROOM, USER, HAT).await.revision);
        revisions.push(server.take(ROOM, USER, HAT).await.revision);
        for commit in of_changes(&watch.next().await) {
            assert_eq!(commit.revision, revisions.remove(0));
        }
    }
    let last = *revisions.last().unwrap();
    let rest = watch.until(ROOM, last).await;
    let rest: Vec<_> = rest.iter().flat_map(of_changes).map(|commit| commit.revision).collect();
    assert_eq!(rest, revisions);
}

#[tokio::test]
async fn a_stalled_watcher_delays_nobody_and_then_gets_every_commit() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    let stub = HatServiceClient::new(connect_narrow(server.address).await);
    let mut stalled = Watch::try_open(&stub, now(&[room(ROOM)])).await.unwrap();
    let mut live = Watch::open(&server, now(&[room(ROOM)])).await;
    assert!(is_bookmark(&live.next().await));
    assert!(is_bookmark(&stalled.next().await));

    // Far more than the windows and the send buffer hold: 150 documents, growing to 16 KB.
    let mut revisions = Vec::new();
    for hat in 0..60 {
        for user in 0..5 {
            let written = server.give_titled(user, hat, 250).await;
            revisions.push(written.revision);
            // The live one has each commit before the next is made.
            assert_eq!(live.commit().await.revision, written.revision);
        }
    }

    let responses = stalled.until(ROOM, *revisions.last().unwrap()).await;
    let commits: Vec<_> = responses.iter().flat_map(of_changes).map(|it| it.revision).collect();
    assert_eq!(commits, revisions);
    assert!(responses.len() < revisions.len(), "what was late came together");
}

#[tokio::test]
async fn a_hundred_watchers_of_a_busy_server_all_see_the_same() {
    let seed = traffic::seed();
    let server = Server::fresh().await;
    traffic::prepare(&server.client).await;
    let mut watches = Vec::new();
    for _ in 0..100 {
        let mut watch = Watch::open(&server, snapshot(&[])).await;
        let mut follower = Follower::default();
        follower.follow_all(&watch.until_bookmark().await);
        watches.push((watch, follower));
    }

    let writes = async {
        traffic::write(&server.client, seed, 2, 40).await;
        traffic::write_sentinel(&server.client).await
    };
    let follow = join_all(watches.into_iter().map(|(mut watch, mut follower)| async move {
        while !follower.held.rooms.contains_key(traffic::SENTINEL_ROOM) {
            follower.follow(&watch.next().await);
        }
        follower
    }));
    let (_, followers) = tokio::join!(writes, follow);

    let state = Held::of(&server.client).await;
    for follower in &followers {
        assert_eq!(follower.held, state);
        assert_eq!(follower.news, followers[0].news);
    }
}
