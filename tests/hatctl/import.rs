//! Bulk data in and out.
//!
//! The full size is 1,000 rooms with 100,000 affiliations and 200,000 hats. It is what
//! `HATD_TEST_REQUIRE=all` asks for; otherwise a tenth must do, so that a debug build is done in
//! seconds. `HATD_TEST_IMPORT_ROOMS` sets how many rooms of 100 users there are:
//!
//! ```text
//! HATD_TEST_IMPORT_ROOMS=1000 cargo test --release --test main hatctl::import -- --nocapture
//! ```

#![expect(clippy::print_stdout, reason = "what a failure is seen again by, and what was measured")]

use std::fs::{self, File};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::watch::Watching;
use super::{done, hatctl};
use crate::process::hatd::Hatd;

const ROOMS: usize = 100;
const ROOMS_REQUIRED: usize = 1_000;
const USERS_PER_ROOM: usize = 100;
const HATS_PER_USER: usize = 2;

fn rooms() -> usize {
    match std::env::var("HATD_TEST_IMPORT_ROOMS") {
        Ok(rooms) => rooms.parse().expect("HATD_TEST_IMPORT_ROOMS is a number"),
        Err(_) if std::env::var("HATD_TEST_REQUIRE").is_ok_and(|it| it == "all") => ROOMS_REQUIRED,
        Err(_) => ROOMS,
    }
}

/// A room that is in every import file.
const ROOM: &str = "room000001@conference.localhost";

/// Makes an import file.
async fn make_import(dir: &TempDir, rooms: usize) -> String {
    let file = dir.path().join("import.jsonl");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/make-import.sh");
    let arguments = [script, &rooms.to_string(), &USERS_PER_ROOM.to_string()];
    let out = File::create(&file).unwrap();
    let made = Command::new("sh").args(arguments).stdout(out).status().await.unwrap();
    assert!(made.success());
    file.to_str().unwrap().to_owned()
}

/// How many users a watch is told of, all of rooms that it selects.
async fn count_users(mut watch: Watching, expected: usize, is_selected: impl Fn(&str) -> bool) {
    let mut users = 0;
    while users < expected {
        for commit in watch.commits().await {
            let room = commit["room_jid"].as_str().unwrap();
            assert!(is_selected(room), "{room} is not selected");
            users += commit["users"].as_array().map_or(0, Vec::len);
        }
    }
    assert_eq!(users, expected, "each user once");
}

#[tokio::test]
async fn what_is_imported_is_told_to_watches_and_exported_the_same() {
    let rooms = rooms();
    let dir = TempDir::new().unwrap();
    let file = make_import(&dir, rooms).await;
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let of_room = Watching::start(&hatd, &["--room", ROOM]).await;
    let of_domain = Watching::start(&hatd, &["--domain", "conference.example"]).await;

    let start = Instant::now();
    let import = async {
        let imported = done(&hatd, &["import", &file]).await;
        println!("imported {rooms} rooms in {:?}", start.elapsed());
        imported
    };
    let (imported, (), ()) = tokio::join!(
        import,
        count_users(of_room, USERS_PER_ROOM, |room| room == ROOM),
        count_users(of_domain, rooms / 2 * USERS_PER_ROOM, |room| {
            room.ends_with("@conference.example")
        }),
    );
    let affiliations = rooms * USERS_PER_ROOM;
    let hats = affiliations * HATS_PER_USER;
    let says = format!(
        "imported {rooms} rooms, {rooms} definitions, {affiliations} affiliations, {hats} hats of \
         {affiliations} users"
    );
    assert!(imported.err.contains(&says), "{}", imported.err);

    let exported = dir.path().join("export.jsonl");
    let start = Instant::now();
    done(&hatd, &["export", exported.to_str().unwrap()]).await;
    println!("exported {rooms} rooms in {:?}", start.elapsed());
    let same = fs::read(&file).unwrap() == fs::read(&exported).unwrap();
    assert!(same, "{file} and {} differ", exported.display());

    let again = dir.path().join("again.jsonl");
    let token = done(&hatd, &["room", "get", ROOM, "-o", "json"]).await.json()["token"].clone();
    done(&hatd, &["import", &file]).await;
    let unmoved = done(&hatd, &["room", "get", ROOM, "-o", "json"]).await.json()["token"].clone();
    assert_eq!(unmoved, token, "a second import commits nothing");
    done(&hatd, &["export", "--domain", "conference.example", again.to_str().unwrap()]).await;
    let lines = fs::read_to_string(&again).unwrap();
    assert!(lines.lines().all(|line| line.contains("@conference.example\"")));
    assert_eq!(lines.lines().count(), rooms / 2 * (2 + 2 * USERS_PER_ROOM));
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_number_and_nothing_is_done() {
    let dir = TempDir::new().unwrap();
    let file = make_import(&dir, 2).await;
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let good = fs::read_to_string(&file).unwrap();
    let bad = [
        (r#"{"room":{"room_jid":"conference.localhost"}}"#, "not a bare JID with a local part"),
        (r#"{"hats":{"room_jid":"r@c","user_jid":"u@h","hats":{"no uri":{}}}}"#, "absolute URI"),
        (r#"{"room":"#, "EOF"),
    ];
    for (line, says) in bad {
        let number = good.lines().count() + 1;
        fs::write(&file, format!("{good}{line}\n")).unwrap();
        for arguments in [&["import", &file][..], &["import", "--dry-run", &file]] {
            let refused = hatctl(&hatd, arguments).await;
            assert_eq!(refused.code, 1, "{}", refused.err);
            assert!(refused.err.contains(&format!("{file}:{number}: ")), "{}", refused.err);
            assert!(refused.err.contains(says), "{}", refused.err);
        }
        let rooms = done(&hatd, &["room", "list", "-o", "json"]).await.json();
        assert_eq!(rooms, Value::Array(Vec::new()));
    }

    fs::write(&file, &good).unwrap();
    let checked = done(&hatd, &["import", "--dry-run", &file]).await;
    assert!(checked.err.contains("is good: 2 rooms"), "{}", checked.err);
    let rooms = done(&hatd, &["room", "list", "-o", "json"]).await.json();
    assert_eq!(rooms, Value::Array(Vec::new()), "a dry run sends nothing");
}

#[tokio::test]
async fn a_line_that_only_the_server_can_refuse_is_named_too() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let file = dir.path().join("import.jsonl");
    let lines = [
        r#"{"room":{"room_jid":"r@conference.localhost"}}"#,
        r#"{"affiliation":{"room_jid":"r@conference.localhost","user_jid":"u@h","affiliation":"MEMBER"}}"#,
        r#"{"hats":{"room_jid":"r@conference.localhost","user_jid":"u@h","hats":{"urn:a":{}}}}"#,
        r#"{"hats":{"room_jid":"r@conference.localhost","user_jid":"stranger@h","hats":{"urn:a":{}}}}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let refused = hatctl(&hatd, &["import", file.to_str().unwrap()]).await;
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains(&format!("{}:4: ", file.display())), "{}", refused.err);
    assert!(refused.err.contains("[USER_NOT_AFFILIATED]"), "{}", refused.err);
    assert!(refused.err.contains("import the file again"), "{}", refused.err);
}
