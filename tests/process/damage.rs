//! Damage on disk: told from what a crash leaves, and never served.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::hatd::{Ended, Hatd, command, on, put_open_room, run};
use crate::watch::held::Held;

const ROOM: &str = "room@conference.localhost";

/// The only segment of the log.
fn segment(data_dir: &Path) -> PathBuf {
    data_dir.join("log/00000000000000000001.log")
}

/// A directory with some commits in it, and where each record of them ends, in bytes.
async fn with_commits(stop: bool) -> (TempDir, Vec<u64>, Held) {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    let client = hatd.client().await;
    let len = || fs::metadata(segment(dir.path())).unwrap().len();
    put_open_room(&client, ROOM).await;
    let mut ends = vec![len()];
    for user in 0..5 {
        client.give_hat(ROOM, format!("user{user}@localhost"), "urn:hat:1").await.unwrap();
        ends.push(len());
    }
    let state = Held::of(&client).await;
    if stop {
        hatd.stop().await;
    } else {
        hatd.kill().await;
    }
    (dir, ends, state)
}

async fn start_in_vain(data_dir: &Path) -> Ended {
    let ended = run(&mut command(&on(data_dir, "127.0.0.1:0"))).await;
    assert_eq!(ended.code(), Some(65), "{}", ended.log);
    let helps = format!("hatd restore BACKUP --data-dir {}", data_dir.display());
    assert!(ended.log.contains(&helps), "{}", ended.log);
    ended
}

#[tokio::test]
async fn a_damaged_record_in_the_middle_is_named_by_file_and_offset() {
    for stop in [true, false] {
        let (dir, ends, _) = with_commits(stop).await;
        let mut bytes = fs::read(segment(dir.path())).unwrap();
        let offset = ends[2];
        // The last byte of the third record's successor: its header is good.
        bytes[usize::try_from(ends[3]).unwrap() - 1] ^= 1;
        fs::write(segment(dir.path()), &bytes).unwrap();

        for _ in 0..2 {
            let ended = start_in_vain(dir.path()).await;
            let place = format!("{} is corrupt at byte {offset}", segment(dir.path()).display());
            assert!(ended.log.contains(&place), "{}", ended.log);
            assert_eq!(fs::read(segment(dir.path())).unwrap(), bytes, "nothing is changed");
        }
    }
}

#[tokio::test]
async fn a_missing_log_is_not_made_anew() {
    let (dir, _, _) = with_commits(true).await;
    fs::rename(dir.path().join("log"), dir.path().join("away")).unwrap();
    let ended = start_in_vain(dir.path()).await;
    assert!(ended.log.contains("log is missing"), "{}", ended.log);

    fs::rename(dir.path().join("away"), dir.path().join("log")).unwrap();
    fs::remove_file(segment(dir.path())).unwrap();
    start_in_vain(dir.path()).await;
}

#[tokio::test]
async fn a_missing_identity_is_not_made_anew() {
    let (dir, _, _) = with_commits(true).await;
    fs::remove_file(dir.path().join("identity")).unwrap();
    let ended = start_in_vain(dir.path()).await;
    assert!(ended.log.contains("identity is missing"), "{}", ended.log);
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_the_rest_is_served() {
    // What a crash leaves of a record that nobody was told of: some of its bytes.
    let (dir, ends, state) = with_commits(false).await;
    let bytes = fs::read(segment(dir.path())).unwrap();
    let whole = bytes.len();
    let last = usize::try_from(ends[ends.len() - 2]).unwrap()..whole;
    for torn in [1, 23, 24, last.len() - 1] {
        let torn = [&bytes[..], &bytes[last.clone()][..torn]].concat();
        fs::write(segment(dir.path()), torn).unwrap();
        let hatd = Hatd::start(dir.path()).await;
        assert!(hatd.greeting.contains("cut off the torn end"), "{}", hatd.greeting);
        assert_eq!(Held::of(&hatd.client().await).await, state);
        hatd.kill().await;
        assert_eq!(fs::read(segment(dir.path())).unwrap().len(), whole);
    }
}

#[tokio::test]
async fn a_log_shorter_than_at_the_clean_stop_is_damage() {
    let (dir, ends, _) = with_commits(true).await;
    let file = File::options().write(true).open(segment(dir.path())).unwrap();
    file.set_len(ends[ends.len() - 2]).unwrap();
    let ended = start_in_vain(dir.path()).await;
    assert!(ended.log.contains("was durable"), "{}", ended.log);
}

#[tokio::test]
async fn a_log_of_another_store_is_refused() {
    let (dir, _, _) = with_commits(true).await;
    let (other, _, _) = with_commits(true).await;
    fs::copy(segment(other.path()), segment(dir.path())).unwrap();
    let ended = start_in_vain(dir.path()).await;
    assert!(ended.log.contains("another store"), "{}", ended.log);
}
