//! Bytes that rot: every file of a store, damaged in every way, leads to the same state again or to
//! a refusal that names it. Nothing is lost in silence, and no empty store is served.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use hatd_client::pb;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::process::Command;

use super::cycles;
use super::kills::starting;
use crate::process::hatd::{Hatd, put_open_room};
use crate::support::{BUSY, failure};
use crate::watch::held::Held;
use crate::watch::traffic;

/// The exit code for damaged data.
const DATA_ERR: i32 = 65;

const ROOM: &str = "room@conference.localhost";

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip,
    Zero,
    Truncate,
    Delete,
    Append,
    Empty,
}

const DAMAGES: [Damage; 6] =
    [Damage::Flip, Damage::Zero, Damage::Truncate, Damage::Delete, Damage::Append, Damage::Empty];

/// How many bytes are zeroed: a page.
const ZEROED_BYTES: usize = 4096;

/// All that can be read of a server.
#[derive(Debug, PartialEq)]
struct Shown {
    held: Held,
    /// What the index by user finds.
    by_user: BTreeMap<String, usize>,
}

impl Shown {
    async fn of(hatd: &Hatd) -> Self {
        let client = hatd.client().await;
        let held = Held::of(&client).await;
        let mut by_user = BTreeMap::new();
        for user_jid in held.users.keys().map(|(_, user)| user.clone()) {
            let request =
                pb::ListUserHatsRequest { user_jid: user_jid.clone(), ..Default::default() };
            let rooms: Vec<_> = client.all_user_hats(request).try_collect().await.unwrap();
            by_user.insert(user_jid, rooms.len());
        }
        Self { held, by_user }
    }
}

/// A store with a checkpoint, several files of the log, and a state.
async fn make(data_dir: &Path, stop: bool) -> Shown {
    let hatd = Hatd::serve(&mut starting(data_dir, None)).await;
    let client = hatd.client().await;
    traffic::prepare(&client).await;
    traffic::write(&client, traffic::seed(), 4, 100).await;
    let shown = Shown::of(&hatd).await;
    if stop {
        hatd.stop().await;
    } else {
        hatd.kill().await;
    }
    shown
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

fn damage(path: &Path, damage: Damage, rng: &mut StdRng) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = rng.random_range(0..bytes.len().max(1));
    match damage {
        Damage::Flip if bytes.is_empty() => {}
        Damage::Flip => bytes[at] ^= 1 << rng.random_range(0..8),
        Damage::Zero => {
            let end = bytes.len().min(at + ZEROED_BYTES);
            bytes[at.min(end)..end].fill(0);
        }
        Damage::Truncate => bytes.truncate(at),
        Damage::Append => bytes.extend((0..100).map(|_| rng.random::<u8>())),
        Damage::Empty => bytes.clear(),
        Damage::Delete => {
            fs::remove_file(path).unwrap();
            return "deleted".to_owned();
        }
    }
    fs::write(path, bytes).unwrap();
    format!("{damage:?} at {at}")
}

/// Starts a server on a damaged store: it refuses, naming what is damaged, or shows the same.
async fn check(mut starting: Command, data_dir: &Path, shown: &Shown, what: &str) {
    starting.arg("--log-format=json");
    let served = Hatd::try_serve(&mut starting).await;
    match served {
        Ok(hatd) => {
            assert_eq!(Shown::of(&hatd).await, *shown, "{what}: {}", hatd.greeting);
            hatd.kill().await;
        }
        Err(ended) => {
            assert_eq!(ended.code(), Some(DATA_ERR), "{what}: {}", ended.log);
            let store = data_dir.to_str().unwrap();
            assert!(ended.log.contains(store), "{what}: {}", ended.log);
            assert!(!ended.log.contains("panicked"), "{what}: {}", ended.log);
        }
    }
}

/// Damages each file of a store in each way, several times; answers how many starts that were.
async fn damage_all(stop: bool, rounds: usize, seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let shown = make(&store, stop).await;
    let mut found = Vec::new();
    files(&store, &mut found);
    assert!(found.len() > 8, "{found:?}");
    let mut starts = 0;
    for file in &found {
        let name = file.strip_prefix(&store).unwrap();
        for kind in DAMAGES {
            for _ in 0..rounds {
                let damaged = dir.path().join("damaged");
                copy(&store, &damaged);
                let what = damage(&damaged.join(name), kind, &mut rng);
                let what = format!("{}, stopped: {stop}, {what}", name.display());
                check(starting(&damaged, None), &damaged, &shown, &what).await;
                fs::remove_dir_all(&damaged).unwrap();
                starts += 1;
            }
        }
    }
    starts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_any_file_is_mended_or_refused() {
    let _busy = BUSY.read().await;
    let (seed, rounds) = (traffic::seed(), cycles(1));
    let stopped = tokio::spawn(Box::pin(damage_all(true, rounds, seed)));
    let killed = tokio::spawn(Box::pin(damage_all(false, rounds, seed + 1)));
    let starts = stopped.await.unwrap() + killed.await.unwrap();
    println!("damage: {starts} starts, each with the same state or a refusal");
}

#[tokio::test]
async fn the_file_of_another_store_is_refused_or_of_no_use() {
    let _busy = BUSY.read().await;
    let dir = TempDir::new().unwrap();
    let [store, other] = ["store", "other"].map(|name| dir.path().join(name));
    let shown = make(&store, true).await;
    make(&other, true).await;
    let mut found = Vec::new();
    files(&store, &mut found);
    for file in found {
        let name = file.strip_prefix(&store).unwrap();
        let damaged = dir.path().join("damaged");
        copy(&store, &damaged);
        let Ok(bytes) = fs::read(other.join(name)) else { continue };
        fs::write(damaged.join(name), bytes).unwrap();
        let what = format!("{} of another store", name.display());
        check(starting(&damaged, None), &damaged, &shown, &what).await;
        fs::remove_dir_all(&damaged).unwrap();
    }
}

/// A store whose log says another title than was given, and that has no state to hide it.
async fn check_a_changed_title(bug: Option<&str>) {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::serve(&mut starting(dir.path(), bug)).await;
    let client = hatd.client().await;
    put_open_room(&client, ROOM).await;
    client.give_hat(ROOM, "user@localhost", "urn:hat:1").title("Teacher").await.unwrap();
    let shown = Shown::of(&hatd).await;
    hatd.kill().await;

    let log = dir.path().join("log/00000000000000000001.log");
    let mut bytes = fs::read(&log).unwrap();
    let at = bytes.windows(7).position(|window| window == b"Teacher").unwrap();
    bytes[at] = b'P';
    fs::write(&log, bytes).unwrap();
    fs::remove_dir_all(dir.path().join("documents")).unwrap();
    check(starting(dir.path(), bug), dir.path(), &shown, "another title").await;
}

#[tokio::test]
async fn a_changed_title_is_refused_and_so_are_ignored_checksums_found() {
    check_a_changed_title(None).await;
    let found = failure(check_a_changed_title(Some("checksums-ignored"))).await;
    assert!(found.is_some_and(|found| found.contains("Peacher")));
}
