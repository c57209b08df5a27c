//! Backup of a server that goes on, and restore.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use hatd_client::Client;
use hatd_client::pb::admin_service_client::AdminServiceClient;
use hatd_client::pb::backup_response::Piece;
use hatd_client::pb::watch_hats_response::Event;
use hatd_client::pb::{self, ErrorReason};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

use super::hatd::{Ended, Hatd, command, put_open_room, run};
use crate::hatctl::done;
use crate::rpc::support::{check_status, get_request};
use crate::support::failure;
use crate::watch::held::{Follower, Held};
use crate::watch::stream::{Watch, or_fail, refusal, resume, snapshot};
use crate::watch::traffic;

const ROOM: &str = "room@conference.localhost";

/// How far the revisions of a restored store are above the backup's, at least.
const REVISIONS_ABOVE: u64 = 1 << 32;

async fn admin(hatd: &Hatd) -> AdminServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(hatd.endpoint()).unwrap();
    AdminServiceClient::new(endpoint.connect().await.unwrap())
}

/// Runs `hatd restore`, whatever comes of it.
async fn restore(backup: &Path, data_dir: &Path) -> Ended {
    run(&mut restoring(backup, data_dir)).await
}

fn restoring(backup: &Path, data_dir: &Path) -> tokio::process::Command {
    let [backup, data_dir] = [backup, data_dir].map(|path| path.to_str().unwrap());
    command(&["restore", backup, "--data-dir", data_dir])
}

async fn back_up(hatd: &Hatd, file: &Path) {
    done(hatd, &["backup", file.to_str().unwrap()]).await;
}

/// A server with a little of everything in it, a backup of it, and what it holds.
async fn with_backup(dir: &Path) -> (Hatd, PathBuf, Held) {
    let hatd = Hatd::start(&dir.join("data")).await;
    let client = hatd.client().await;
    traffic::prepare(&client).await;
    traffic::write(&client, traffic::seed(), 4, 40).await;
    let backup = dir.join("backup");
    back_up(&hatd, &backup).await;
    let state = Held::of(&client).await;
    (hatd, backup, state)
}

#[tokio::test]
async fn a_backup_amid_writes_is_the_state_at_one_position() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let client = hatd.client().await;
    let mut watch = Watch::try_open(&hatd.stub().await, snapshot(&[])).await.unwrap();
    let mut responses = watch.until_bookmark().await;
    traffic::prepare(&client).await;

    let is_done = AtomicBool::new(false);
    let write = async {
        let mut seed = traffic::seed();
        while !is_done.load(Ordering::Relaxed) {
            traffic::write(&client, seed, 4, 20).await;
            seed += 1;
        }
    };
    let back_up = async {
        let mut restored = Vec::new();
        for number in 0..3 {
            let before = give(&client, number).await;
            let mut backup = admin(&hatd).await.backup(pb::BackupRequest {}).await.unwrap();
            let header = read_header(backup.get_mut()).await;
            assert!(header.position >= before, "what was answered before is in it");
            let file = dir.path().join(format!("backup{number}"));
            fs::write(&file, read_all(backup.get_mut()).await).unwrap();
            let data_dir = dir.path().join(format!("restored{number}"));
            let ended = restore(&file, &data_dir).await;
            assert_eq!(ended.code(), Some(0), "{}", ended.log);
            restored.push((header.position, data_dir));
        }
        is_done.store(true, Ordering::Relaxed);
        restored
    };
    let ((), restored) = tokio::join!(write, back_up);
    let last = give(&client, 3).await;
    while !has_revision(&responses, last) {
        responses.push(watch.next().await);
    }
    hatd.stop().await;

    for (position, data_dir) in restored {
        // The revision of a commit is its position.
        let mut follower = Follower::default();
        for response in &responses {
            let mut response = response.clone();
            if let Some(Event::Changes(changes)) = &mut response.event {
                changes.commits.retain(|commit| commit.revision <= position);
            }
            follower.follow(&response);
        }
        let hatd = Hatd::start(&data_dir).await;
        assert_eq!(Held::of(&hatd.client().await).await, follower.held, "at {position}");
        hatd.stop().await;
    }
}

/// Gives somebody a hat; answers the revision.
async fn give(client: &Client, number: usize) -> u64 {
    put_open_room(client, ROOM).await;
    let user_jid = format!("user{number}@localhost");
    client.give_hat(ROOM, user_jid, "urn:hat:1").await.unwrap().revision
}

fn has_revision(responses: &[pb::WatchHatsResponse], revision: u64) -> bool {
    responses.iter().any(|response| match &response.event {
        Some(Event::Changes(changes)) => {
            changes.commits.iter().any(|commit| commit.revision == revision)
        }
        _ => false,
    })
}

async fn read_header(backup: &mut Streaming<pb::BackupResponse>) -> pb::BackupHeader {
    let first = backup.message().await.unwrap().unwrap();
    let Some(Piece::Header(header)) = first.piece else { panic!("{first:?}") };
    header
}

async fn read_all(backup: &mut Streaming<pb::BackupResponse>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = backup.message().await.unwrap() {
        let Some(Piece::Data(data)) = piece.piece else { panic!("{piece:?}") };
        bytes.extend(data);
    }
    bytes
}

#[tokio::test]
async fn a_backup_stays_what_it_is_while_checkpoints_are_taken() {
    let dir = TempDir::new().unwrap();
    let (hatd, backup, _) = with_backup(dir.path()).await;
    let expected = fs::read(&backup).unwrap();
    let mut admin = admin(&hatd).await;
    let mut stream = admin.backup(pb::BackupRequest {}).await.unwrap().into_inner();
    let header = read_header(&mut stream).await;
    for _ in 0..3 {
        traffic::write(&hatd.client().await, traffic::seed(), 2, 10).await;
        admin.take_checkpoint(pb::TakeCheckpointRequest {}).await.unwrap();
    }
    let bytes = read_all(&mut stream).await;
    assert_eq!(bytes.len() as u64, header.bytes);
    assert!(bytes == expected, "the same position is the same backup, byte for byte");
    hatd.stop().await;
}

#[tokio::test]
async fn a_restored_store_has_a_new_history_that_no_token_from_before_fits() {
    check_a_restored_store(None).await;
    let found = failure(check_a_restored_store(Some("epoch-kept"))).await;
    assert!(found.is_some_and(|found| found.contains("StoreChanged")));
}

/// Restores a store; by a hatd with a bug, if one is named.
async fn check_a_restored_store(bug: Option<&'static str>) {
    let dir = TempDir::new().unwrap();
    let (hatd, backup, state) = with_backup(dir.path()).await;
    let client = hatd.client().await;
    let room = put_open_room(&client, ROOM).await;
    let mut watch = Watch::try_open(&hatd.stub().await, snapshot(&[])).await.unwrap();
    watch.until_bookmark().await;
    let (address, old_token) = (hatd.address, watch.token.clone());
    hatd.stop().await;

    let data_dir = dir.path().join("restored");
    let mut restoring = restoring(&backup, &data_dir);
    restoring.envs(bug.map(|bug| ("HATD_TEST_BUG", bug)));
    let ended = run(&mut restoring).await;
    assert_eq!(ended.code(), Some(0), "{}", ended.log);
    let hatd = Hatd::restart(&data_dir, address).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);

    let stub = hatd.stub().await;
    let mut watch = Watch::try_open(&stub, resume(&[], &old_token)).await.unwrap();
    let first = watch.next().await;
    let Some(Event::Reset(reset)) = &first.event else { panic!("{first:?}") };
    assert_eq!(reset.reason(), pb::ResetReason::StoreChanged);
    let refused = Watch::try_open(&stub, or_fail(resume(&[], &old_token))).await.err().unwrap();
    assert_eq!(refusal(&refused), (Code::FailedPrecondition, "STORE_MISMATCH".to_owned()));
    let mut read = get_request(ROOM, "user@localhost");
    read.at_least_token = old_token;
    let refused = hatd.stub().await.get_user_hats(read).await.unwrap_err();
    check_status("at_least_token", &refused, ErrorReason::StoreMismatch, &[]);

    let mut new = Watch::try_open(&stub, snapshot(&[])).await.unwrap();
    new.until_bookmark().await;
    let client = hatd.client().await;
    let again = put_open_room(&client, ROOM).await;
    assert!(again > REVISIONS_ABOVE && again > room, "{again}");
    // The first token of the new history, which no commit made, resumes like any other.
    let mut resumed = Watch::try_open(&stub, or_fail(resume(&[], &new.token))).await.unwrap();
    assert!(has_revision(&[resumed.next().await], again));

    // A second backup and restore go on from there.
    let backup = dir.path().join("second");
    back_up(&hatd, &backup).await;
    let state = Held::of(&client).await;
    hatd.stop().await;
    let data_dir = dir.path().join("restored-again");
    assert_eq!(restore(&backup, &data_dir).await.code(), Some(0));
    let hatd = Hatd::start(&data_dir).await;
    let client = hatd.client().await;
    assert_eq!(Held::of(&client).await, state);
    let revision = client.give_hat(ROOM, "user@localhost", "urn:hat:1").await.unwrap().revision;
    assert!(revision > 2 * REVISIONS_ABOVE, "{revision}");
    hatd.stop().await;
}

#[tokio::test]
async fn nothing_is_restored_over_a_store_or_from_a_damaged_backup() {
    let dir = TempDir::new().unwrap();
    let (hatd, backup, state) = with_backup(dir.path()).await;
    let occupied = dir.path().join("data");
    assert_eq!(restore(&backup, &occupied).await.code(), Some(75), "a hatd has it");
    hatd.stop().await;
    let ended = restore(&backup, &occupied).await;
    assert_eq!(ended.code(), Some(73), "{}", ended.log);
    assert!(ended.log.contains("holds a store already"), "{}", ended.log);
    let hatd = Hatd::start(&occupied).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    hatd.stop().await;

    let whole = fs::read(&backup).unwrap();
    let damaged = dir.path().join("damaged");
    let data_dir = dir.path().join("new");
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 1;
    let longer = [&whole[..], b"x"].concat();
    for bytes in [&flipped[..], &whole[..middle], &whole[..whole.len() - 1], &longer, b"", b"hats"]
    {
        fs::write(&damaged, bytes).unwrap();
        let ended = restore(&damaged, &data_dir).await;
        assert_eq!(ended.code(), Some(65), "{}", ended.log);
        let place = format!("{} is corrupt at byte ", damaged.display());
        assert!(ended.log.contains(&place), "{}", ended.log);
        assert!(!data_dir.exists(), "nothing is begun");
    }
    let ended = restore(&dir.path().join("none"), &data_dir).await;
    assert_eq!(ended.code(), Some(73), "{}", ended.log);
}

#[tokio::test]
async fn a_restore_that_is_cut_off_makes_no_store_and_can_be_begun_again() {
    let dir = TempDir::new().unwrap();
    let (hatd, backup, state) = with_backup(dir.path()).await;
    hatd.stop().await;
    let data_dir = dir.path().join("restored");
    for _ in 0..5 {
        let mut child = restoring(&backup, &data_dir).spawn().unwrap();
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }
    // Whatever those kills met: what a cut leaves at the worst.
    fs::create_dir_all(data_dir.join("log")).unwrap();
    fs::write(data_dir.join("restoring"), "").unwrap();
    fs::write(data_dir.join("checkpoint"), "half").unwrap();
    fs::write(data_dir.join("log/00000000000000000001.log"), "half").unwrap();
    for arguments in [&["serve"][..], &["verify"], &["status"]] {
        let mut starting = command(arguments);
        let ended = run(starting.arg("--data-dir").arg(&data_dir)).await;
        assert_eq!(ended.code(), Some(65), "{}", ended.log);
        assert!(ended.log.contains("a restore was cut off"), "{}", ended.log);
    }

    assert_eq!(restore(&backup, &data_dir).await.code(), Some(0));
    let hatd = Hatd::start(&data_dir).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    hatd.stop().await;
}

#[tokio::test]
async fn a_stop_ends_a_backup_that_nobody_reads() {
    let dir = TempDir::new().unwrap();
    let (hatd, _, _) = with_backup(dir.path()).await;
    let mut stream = admin(&hatd).await.backup(pb::BackupRequest {}).await.unwrap().into_inner();
    read_header(&mut stream).await;
    hatd.stop().await;
}
