//! `hatd verify`, `compact` and `status`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;
use tokio::time::timeout;

use super::hatd::{Hatd, LIMIT, command, put_open_room};
use crate::hatctl::done;
use crate::watch::held::Held;
use crate::watch::traffic;

const ROOM: &str = "room@conference.localhost";

/// How a command ended.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs a command on a data directory.
async fn hatd(command_line: &[&str], data_dir: &Path) -> Done {
    let mut command = command(command_line);
    let output = command.arg("--data-dir").arg(data_dir).output();
    let Output { status, stdout, stderr } =
        timeout(LIMIT, output).await.expect("it ends in time").unwrap();
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Done { code: status.code(), out, err }
}

/// A data directory with a checkpoint and a log after it, and what it holds.
async fn with_traffic(dir: &Path) -> (Hatd, Held) {
    let hatd = Hatd::start(dir).await;
    let client = hatd.client().await;
    traffic::prepare(&client).await;
    traffic::write(&client, traffic::seed(), 4, 40).await;
    done(&hatd, &["checkpoint"]).await;
    traffic::write(&client, traffic::seed() + 1, 4, 40).await;
    let state = Held::of(&client).await;
    (hatd, state)
}

/// Every file but those that a hatd only needs while it runs, or that sled has for itself.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in ["identity", "stopped", "running", "checkpoint"] {
        if let Ok(bytes) = fs::read(dir.join(name)) {
            files.insert(dir.join(name), bytes);
        }
    }
    for entry in fs::read_dir(dir.join("log")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        files.insert(path, bytes);
    }
    files
}

#[tokio::test]
async fn a_sound_store_is_said_to_be_and_stays_as_it_is() {
    for stop in [true, false] {
        let dir = TempDir::new().unwrap();
        let (server, state) = with_traffic(dir.path()).await;
        if stop {
            server.stop().await;
        } else {
            server.kill().await;
        }
        let kept = || {
            let mut files = files(dir.path());
            // It has the checksum of sled's files, to which sled writes when it opens them.
            files.remove(&dir.path().join("stopped"));
            files
        };
        let before = kept();
        let done = hatd(&["verify", "--rooms"], dir.path()).await;
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
        assert!(done.out.ends_with("sound\n"), "{}", done.out);
        assert_eq!(kept(), before);
        let documents = format!("{} rooms", state.rooms.len());
        assert!(done.out.contains(&documents), "{}", done.out);
        for room in state.rooms.keys() {
            assert!(done.out.contains(&format!("  {room}\n")), "{}", done.out);
        }

        let again = hatd(&["verify", "--rooms"], dir.path()).await;
        assert_eq!(again.out, done.out, "equal rooms, equal hashes");
        let server = Hatd::start(dir.path()).await;
        assert!(!server.greeting.contains("making the state again"), "{}", server.greeting);
        assert_eq!(Held::of(&server.client().await).await, state);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_flipped_byte_is_named_with_file_and_offset() {
    let dir = TempDir::new().unwrap();
    let (server, state) = with_traffic(dir.path()).await;
    server.stop().await;
    for (file, bytes) in files(dir.path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        for at in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&file, damaged).unwrap();
            let done = hatd(&["verify"], dir.path()).await;
            let what = format!("{name} at {at}: {}{}", done.out, done.err);
            match name {
                // In which boot hatd was started: any other is no damage.
                "running" => assert!(done.code == Some(0), "{what}"),
                // Without it the next start checks more.
                "stopped" => assert!(done.out.contains("stopped is damaged"), "{what}"),
                "identity" => assert!(done.err.contains("identity is not readable"), "{what}"),
                _ => {
                    let place = format!("{} is corrupt at byte ", file.display());
                    assert!(done.err.contains(&place), "{what}");
                    let offset = done.err.split(&place).nth(1).unwrap();
                    let offset = offset.split(':').next().unwrap().parse::<usize>().unwrap();
                    assert!(offset <= at, "the record that holds byte {at} begins at {offset}");
                }
            }
            if !matches!(name, "running" | "stopped") {
                assert_eq!(done.code, Some(65), "{what}");
            }
        }
        fs::write(&file, bytes).unwrap();
    }
    let server = Hatd::start(dir.path()).await;
    assert_eq!(Held::of(&server.client().await).await, state);
    server.stop().await;
    assert_eq!(hatd(&["verify"], dir.path()).await.code, Some(0));
}

#[tokio::test]
async fn a_state_that_does_not_open_is_said_to_be_damaged_and_made_again() {
    let dir = TempDir::new().unwrap();
    let (server, state) = with_traffic(dir.path()).await;
    server.stop().await;
    fs::write(dir.path().join("documents/db"), "not a database").unwrap();
    let done = hatd(&["verify"], dir.path()).await;
    let said = format!("{}{}", done.out, done.err);
    assert!(done.code == Some(65) && said.contains("makes the state again"), "{said}");
    assert!(!said.contains("sound"), "{said}");
    let server = Hatd::start(dir.path()).await;
    assert_eq!(Held::of(&server.client().await).await, state);
    server.stop().await;
}

#[tokio::test]
async fn a_compacted_store_is_smaller_and_the_same() {
    let dir = TempDir::new().unwrap();
    let server = Hatd::start(dir.path()).await;
    let client = server.client().await;
    put_open_room(&client, ROOM).await;
    let mut last = 0;
    for number in 0..500 {
        let hat = format!("urn:hat:{}", number % 3);
        let given = client.give_hat(ROOM, "user@localhost", hat).title(format!("{number}"));
        last = given.await.unwrap().revision;
    }
    let state = Held::of(&client).await;
    server.stop().await;
    let size = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
    let before = size("documents/db");
    let done = hatd(&["compact"], dir.path()).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(size("documents/db") < before, "{} of {before}", size("documents/db"));
    assert_eq!(hatd(&["verify"], dir.path()).await.code, Some(0));

    let server = Hatd::start(dir.path()).await;
    let client = server.client().await;
    assert_eq!(Held::of(&client).await, state);
    assert!(client.give_hat(ROOM, "user@localhost", "urn:hat:9").await.unwrap().revision > last);
    server.stop().await;
}

#[tokio::test]
async fn the_commands_say_why_they_cannot() {
    let dir = TempDir::new().unwrap();
    let none = dir.path().join("none");
    let data_dir = dir.path().join("data");
    let server = Hatd::start(&data_dir).await;
    for name in ["verify", "compact", "status"] {
        let done = hatd(&[name], &none).await;
        assert_eq!(done.code, Some(66), "{name}: {}", done.err);
        assert!(!none.exists(), "{name} makes no store of a misspelt name");
        let done = hatd(&[name], &data_dir).await;
        assert_eq!(done.code, Some(75), "{name}: {}", done.err);
    }
    server.stop().await;
    let done = hatd(&["status"], &data_dir).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("stopped     cleanly, at position 0"), "{}", done.out);
}
