//! kill -9 in the middle of everything: what was acknowledged stays, and watches go on.

#![expect(clippy::print_stdout, reason = "what a failure is seen again by, and what was measured")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use hatd_client::{Client, pb};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::hatd::{Hatd, LIMIT, command, on, put_open_room};
use crate::watch::held::{Follower, Held};
use crate::watch::stream::{Watch, resume, snapshot};
use crate::watch::traffic;

const ROUNDS: usize = 3;
/// Writes of one round, if nothing ends it before.
const WRITES: usize = 10_000;
const WRITERS: usize = 64;
const ROOMS: usize = 8;

/// A write that was answered.
struct Acknowledged {
    room_jid: String,
    user_jid: String,
    revision: u64,
}

fn room_jid(number: usize) -> String {
    format!("room{number}@conference.localhost")
}

/// Gives hats, each to a user of its own, until the server is gone; tells when `kill_at` writes
/// have been answered.
async fn write(hatd: &Hatd, round: usize, kill_at: usize, due: &Notify) -> Vec<Acknowledged> {
    let next = Arc::new(AtomicUsize::new(0));
    let answered = AtomicUsize::new(0);
    let stub = hatd.stub().await;
    let writers = (0..WRITERS).map(|_| async {
        let (mut stub, next) = (stub.clone(), Arc::clone(&next));
        let mut acknowledged = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= WRITES {
                return acknowledged;
            }
            let (room_jid, user_jid) =
                (room_jid(number % ROOMS), format!("user{round}-{number}@localhost"));
            let request = pb::AddUserHatRequest {
                room_jid: room_jid.clone(),
                user_jid: user_jid.clone(),
                hat_id: "urn:hat:1".to_owned(),
                ..Default::default()
            };
            match stub.add_user_hat(request).await {
                Ok(answer) => {
                    let revision = answer.into_inner().revision;
                    acknowledged.push(Acknowledged { room_jid, user_jid, revision });
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == kill_at {
                        due.notify_one();
                    }
                }
                Err(_) => return acknowledged,
            }
        }
    });
    join_all(writers).await.into_iter().flatten().collect()
}

/// Follows until the server is gone. Answers the token of the last response that was whole.
async fn follow(watch: &mut Watch, follower: &mut Follower) -> String {
    let mut token = String::new();
    while let Ok(Some(response)) = watch.try_next().await {
        follower.follow(&response);
        token.clone_from(&response.token);
    }
    token
}

#[tokio::test]
async fn a_kill_amid_10_000_writes_loses_nothing_acknowledged_and_watches_resume_exactly() {
    let mut rng = StdRng::seed_from_u64(traffic::seed());
    let dir = TempDir::new().unwrap();
    let mut hatd = start(dir.path(), "127.0.0.1:0").await;
    for number in 0..ROOMS {
        put_open_room(&hatd.client().await, &room_jid(number)).await;
    }
    let mut revisions = BTreeMap::new();
    for round in 0..ROUNDS {
        let kill_at = rng.random_range(1..WRITES / 4);
        println!("round {round}: kill after {kill_at} answers");
        let mut watch = Watch::try_open(&hatd.stub().await, snapshot(&[])).await.unwrap();
        let mut follower = Follower::default();
        follower.follow_all(&watch.until_bookmark().await);

        let due = Notify::new();
        let address = hatd.address;
        let (acknowledged, token, ()) = tokio::join!(
            write(&hatd, round, kill_at, &due),
            follow(&mut watch, &mut follower),
            async {
                due.notified().await;
                hatd.signal("KILL").await;
            }
        );
        assert!(acknowledged.len() >= kill_at);
        assert!(acknowledged.len() < WRITES, "it was killed amid the writes");

        hatd.ended().await;
        hatd = start(dir.path(), &address.to_string()).await;
        let state = Held::of(&hatd.client().await).await;
        for Acknowledged { room_jid, user_jid, revision } in acknowledged {
            let document = &state.users[&(room_jid.clone(), user_jid)];
            assert_eq!(document.revision, revision);
            let last = revisions.entry(room_jid).or_insert(revision);
            *last = revision.max(*last);
        }

        let mut watch = Watch::try_open(&hatd.stub().await, resume(&[], &token)).await.unwrap();
        let mut rest = Follower::from(follower.held);
        rest.follow_all(&watch.until_bookmark().await);
        assert_eq!(rest.held, state, "round {round}: the watch lacked exactly this");

        for (room_jid, revision) in &mut revisions {
            let next =
                give(&hatd.client().await, room_jid, &format!("after{round}@localhost")).await;
            assert!(next > *revision, "{room_jid}: revision {next} after {revision}");
            *revision = next;
        }
    }
    hatd.stop().await;
    assert!(dir.path().join("checkpoint").exists());
}

/// Starts a server that takes checkpoints all the time, so that kills meet them.
async fn start(data_dir: &Path, listen: &str) -> Hatd {
    let mut hatd = command(&on(data_dir, listen));
    Hatd::serve(hatd.args(["--checkpoint-bytes=16KiB", "--log-segment-bytes=16KiB"])).await
}

async fn give(client: &Client, room_jid: &str, user_jid: &str) -> u64 {
    client.give_hat(room_jid, user_jid, "urn:hat:1").await.unwrap().revision
}

/// A server with a little of everything in it, and what that is.
async fn with_traffic(data_dir: &Path) -> (Hatd, Held) {
    let hatd = Hatd::start(data_dir).await;
    let client = hatd.client().await;
    traffic::prepare(&client).await;
    traffic::write(&client, traffic::seed(), 4, 40).await;
    let state = Held::of(&client).await;
    (hatd, state)
}

#[tokio::test]
async fn after_a_kill_the_state_is_made_again_from_the_log() {
    let dir = TempDir::new().unwrap();
    let (hatd, state) = with_traffic(dir.path()).await;
    hatd.kill().await;
    // Whatever a crash may have made of it is not looked at.
    for entry in fs::read_dir(dir.path().join("documents")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::write(path, "not a database").unwrap();
        }
    }

    let hatd = Hatd::start(dir.path()).await;
    assert!(
        hatd.greeting.contains("making the state again from the checkpoint and the log"),
        "{}",
        hatd.greeting
    );
    assert_eq!(Held::of(&hatd.client().await).await, state);
    assert!(!dir.path().join("documents.aside").exists());
    hatd.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_with_the_documents() {
    let dir = TempDir::new().unwrap();
    let (hatd, state) = with_traffic(dir.path()).await;
    hatd.stop().await;
    fs::remove_dir_all(dir.path().join("documents")).unwrap();

    let hatd = Hatd::start(dir.path()).await;
    let client = hatd.client().await;
    assert_eq!(Held::of(&client).await, state);
    let users: Vec<_> = client
        .all_user_hats(pb::ListUserHatsRequest {
            user_jid: "ada@localhost".to_owned(),
            ..Default::default()
        })
        .try_collect()
        .await
        .unwrap();
    let expected = state.users.keys().filter(|(_, user)| user == "ada@localhost").count();
    assert_eq!(users.len(), expected, "what finds them by user is there, too");
    hatd.stop().await;
}

#[tokio::test]
async fn a_kill_while_the_state_is_made_again_is_no_harm() {
    let dir = TempDir::new().unwrap();
    let (hatd, state) = with_traffic(dir.path()).await;
    hatd.kill().await;
    for _ in 0..5 {
        let mut starting = command(&on(dir.path(), "127.0.0.1:0"));
        let mut child = starting.spawn().unwrap();
        child.start_kill().unwrap();
        tokio::time::timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    }
    let hatd = Hatd::start(dir.path()).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    hatd.stop().await;
}
