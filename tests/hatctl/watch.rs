//! Changes as they come, on the command line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use super::{HAT, ROOM, USER, command, done, put_room_with_a_member};
use crate::process::hatd::{Hatd, LIMIT};

/// A `hatctl watch` that is running, and what it prints, a JSON object a line.
pub(super) struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    /// Starts a watch, and waits until it has begun.
    pub(super) async fn start(hatd: &Hatd, arguments: &[&str]) -> Self {
        let arguments = [&["watch", "-o", "jsonl"], arguments].concat();
        let mut child = command(&arguments).env("HATD_ENDPOINT", hatd.endpoint()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut watching = Self { child, lines };
        loop {
            if watching.next().await.get("bookmark").is_some() {
                return watching;
            }
        }
    }

    pub(super) async fn next(&mut self) -> Value {
        let line = timeout(LIMIT, self.lines.next_line()).await.expect("a line comes in time");
        serde_json::from_str(&line.unwrap().expect("the watch goes on")).unwrap()
    }

    /// The commits of the next line that has any.
    pub(super) async fn commits(&mut self) -> Vec<Value> {
        loop {
            let mut line = self.next().await;
            assert!(line.get("reset").is_none(), "nothing was lost: {line}");
            if let Value::Array(commits) = line["changes"]["commits"].take()
                && !commits.is_empty()
            {
                return commits;
            }
        }
    }

    /// Whether it is still running.
    pub(super) fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

#[tokio::test]
async fn a_hat_added_is_seen_by_a_watch_within_a_second_and_read_back_as_documented() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_room_with_a_member(&hatd).await;
    let mut watch = Watching::start(&hatd, &["--room", ROOM]).await;

    let added = done(&hatd, &["hat", "add", ROOM, USER, HAT, "-o", "json"]).await.json();
    let answered = Instant::now();
    let commits = watch.commits().await;
    assert!(answered.elapsed() < Duration::from_secs(1), "{:?}", answered.elapsed());

    assert_eq!(added["changed"], true);
    assert_eq!(commits[0]["room_jid"], ROOM);
    assert_eq!(commits[0]["revision"], added["revision"]);
    assert_eq!(commits[0]["users"][0]["changes"], json!([{"hat_id": HAT, "type": "ADDED"}]));
    assert_eq!(commits[0]["users"][0]["user_hats"]["hats"][HAT]["active"], true);

    let mut read = done(&hatd, &["hat", "get", ROOM, USER, "-o", "json"]).await.json();
    let given = read["hats"][HAT].as_object_mut().unwrap().remove("given").unwrap();
    assert!(given["time"].is_string());
    assert_eq!(read["hats"], json!({HAT: {"active": true}}));
    assert_eq!((&read["room_jid"], &read["user_jid"]), (&json!(ROOM), &json!(USER)));
    assert_eq!(read["affiliation"], "MEMBER");
    let table = done(&hatd, &["hat", "get", ROOM, USER]).await.out;
    assert!(table.contains(HAT) && table.contains("yes"), "{table}");
}

#[tokio::test]
async fn a_watch_for_people_is_a_line_a_change() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_room_with_a_member(&hatd).await;
    done(&hatd, &["hat", "add", ROOM, USER, "urn:hat:1"]).await;
    let mut command = command(&["watch", "--snapshot", "--room", ROOM]);
    let mut child = command.env("HATD_ENDPOINT", hatd.endpoint()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();

    assert_eq!(next().await, "# the state follows (INITIAL)");
    assert_eq!(next().await, format!("= {ROOM} room ANY_URI AFFILIATED"));
    assert_eq!(next().await, format!("= {ROOM} {USER} urn:hat:1 (active)"));
    assert_eq!(next().await, "# the state is complete; changes follow");
    done(&hatd, &["hat", "remove", ROOM, USER, "urn:hat:1", "--actor", "bot"]).await;
    let line = next().await;
    assert!(line.ends_with(&format!("Z {ROOM} {USER} - urn:hat:1 by bot")), "{line}");
}

#[tokio::test]
async fn a_watch_goes_on_by_itself_across_a_restart_and_a_crash() {
    let dir = TempDir::new().unwrap();
    let mut hatd = Hatd::start(dir.path()).await;
    put_room_with_a_member(&hatd).await;
    let mut watch = Watching::start(&hatd, &["--room", ROOM]).await;
    for crash in [false, true] {
        done(&hatd, &["hat", "add", ROOM, USER, HAT]).await;
        assert_eq!(watch.commits().await[0]["users"][0]["changes"][0]["type"], "ADDED");
        let address = hatd.address;
        if crash {
            hatd.kill().await;
        } else {
            hatd.stop().await;
        }
        hatd = Hatd::restart(dir.path(), address).await;
        done(&hatd, &["hat", "remove", ROOM, USER, HAT]).await;
        assert_eq!(watch.commits().await[0]["users"][0]["changes"][0]["type"], "REMOVED");
        assert!(watch.goes_on());
    }
}

#[tokio::test]
async fn a_token_of_a_write_starts_a_watch_after_it() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_room_with_a_member(&hatd).await;
    let added = done(&hatd, &["hat", "add", ROOM, USER, HAT, "-o", "json"]).await.json();
    let removed = done(&hatd, &["hat", "remove", ROOM, USER, HAT, "-o", "json"]).await.json();
    let token = added["token"].as_str().unwrap();
    let arguments = ["watch", "-o", "jsonl", "--user", USER, "--from", token];
    let mut child = command(&arguments).env("HATD_ENDPOINT", hatd.endpoint()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["changes"]["commits"][0]["revision"], removed["revision"]);
}
