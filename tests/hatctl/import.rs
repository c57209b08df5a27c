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
use super::{HAT, USER, done, hatctl};
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

/// A line of each kind that hatd would refuse, and what is said of it. The first line of the file
/// is the room `room000000@conference.example`.
fn bad_lines() -> Vec<(String, &'static str)> {
    let room = |jid: &str| format!(r#"{{"room":{{"room_jid":"{jid}"}}}}"#);
    let definition = |fields: &str| {
        format!(r#"{{"definition":{{"room_jid":"r@c.localhost","hat_id":"urn:a",{fields}}}}}"#)
    };
    let affiliation = |user: &str, affiliation: &str| {
        format!(
            r#"{{"affiliation":{{"room_jid":"{ROOM}","user_jid":"{user}","affiliation":"{affiliation}"}}}}"#
        )
    };
    let hats = |user: &str, hats: &str| {
        format!(
            r#"{{"hats":{{"room_jid":"half@c.localhost","user_jid":"{user}","hats":{{{hats}}}}}}}"#
        )
    };
    let many = |count: usize, id: &str| {
        let hats: Vec<_> = (0..count).map(|hat| format!(r#""urn:{hat}{id}":{{}}"#)).collect();
        hats.join(",")
    };
    let long = |bytes| "a".repeat(bytes);
    // Languages of two letters.
    let titles: Vec<_> = ('a'..='z')
        .flat_map(|a| ('a'..='b').map(move |b| format!(r#""{a}{b}":"T""#)))
        .take(33)
        .collect();
    vec![
        (r#"{"room":"#.to_owned(), "EOF"),
        (room("conference.localhost"), "needs a local part"),
        (room("a b@c.localhost"), "characters that a JID cannot have"),
        (room("r@c.localhost/x"), "no resource"),
        (room(&format!("{}@c", long(1024))), "1023 bytes"),
        (room("ROOM000000@Conference.Example"), "says again what line 1 says"),
        (affiliation("u@h..", "MEMBER"), "host name"),
        (affiliation("u@h", "FRIEND"), "is not one of"),
        (definition(r#""hue":360"#), "hue 360"),
        (definition(&format!(r#""title":"{}""#, long(257))), "title: a text of 257 bytes"),
        (definition(r#""title":"a\u202eb""#), "title: U+202E"),
        (definition(r#""titles":{"de_DE":"A"}"#), "BCP 47"),
        (definition(r#""titles":{"de":""}"#), "a title cannot be empty"),
        (definition(r#""titles":{"de":"A","DE":"B"}"#), "the same language"),
        (definition(&format!(r#""titles":{{{}}}"#, titles.join(","))), "more than 32 titles"),
        (definition(&format!(r#""description":"{}""#, long(1025))), "description: a text of 1025"),
        (definition(r#""description":"\u0000""#), "description: the character U+0000"),
        (hats("u@", r#""urn:a":{}"#), "user_jid"),
        (hats("u@h", r#""no uri":{}"#), "absolute URI"),
        (hats("u@h", &format!(r#""urn:{}":{{}}"#, long(1020))), "longer than 1023"),
        (hats("u@h", r#""urn:a":{"title":"a\nb"}"#), "title of urn:a: the character U+000A"),
        (hats("u@h", r#""urn:a":{"expire_time":"soon"}"#), "RFC 3339"),
        (hats("u@h", &many(65, "")), "65 hats"),
        (hats("u@h", &many(64, &long(1000))), "bytes of hats"),
    ]
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_number_and_nothing_is_done() {
    let dir = TempDir::new().unwrap();
    let file = make_import(&dir, 2).await;
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let good = fs::read_to_string(&file).unwrap();
    let number = good.lines().count() + 1;
    for (line, says) in bad_lines() {
        fs::write(&file, format!("{good}{line}\n")).unwrap();
        for arguments in [&["import", &file][..], &["import", "--dry-run", &file]] {
            let refused = hatctl(&hatd, arguments).await;
            assert_eq!(refused.code, 1, "{line}: {}", refused.err);
            assert!(refused.err.contains(&format!("{file}:{number}: ")), "{}", refused.err);
            assert!(refused.err.contains(says), "{line}: {}", refused.err);
        }
        let rooms = done(&hatd, &["room", "list", "-o", "json"]).await.json();
        assert_eq!(rooms, Value::Array(Vec::new()));
    }

    let banned = [
        r#"{"hats":{"room_jid":"half@c.localhost","user_jid":"U@h","hats":{"urn:a":{}}}}"#,
        r#"{"affiliation":{"room_jid":"half@c.localhost","user_jid":"u@h","affiliation":"OUTCAST"}}"#,
    ];
    fs::write(&file, format!("{good}{}\n{}\n", banned[0], banned[1])).unwrap();
    let refused = hatctl(&hatd, &["import", &file]).await;
    assert_eq!(refused.code, 1, "{}", refused.err);
    let says = format!("{file}:{number}: hats of a user whom line {} makes an OUTCAST", number + 1);
    assert!(refused.err.contains(&says), "{}", refused.err);
    let rooms = done(&hatd, &["room", "list", "-o", "json"]).await.json();
    assert_eq!(rooms, Value::Array(Vec::new()));

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

#[tokio::test]
async fn hats_from_before_settings_became_stricter_are_exported_and_imported() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let (strangers, undefined) = ("strangers@c.localhost", "undefined@c.localhost");
    done(&hatd, &["room", "put", strangers, "--eligibility", "ANYONE"]).await;
    done(&hatd, &["hat", "add", strangers, USER, HAT]).await;
    done(&hatd, &["room", "put", strangers, "--eligibility", "AFFILIATED"]).await;
    done(&hatd, &["room", "put", undefined]).await;
    done(&hatd, &["affiliation", "set", undefined, USER, "MEMBER"]).await;
    done(&hatd, &["hat", "add", undefined, USER, HAT]).await;
    done(&hatd, &["define", undefined, "urn:defined", "--title", "Defined"]).await;
    done(&hatd, &["room", "put", undefined, "--hat-policy", "DEFINED_ONLY"]).await;

    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (exported, again) = (file("export.jsonl"), file("again.jsonl"));
    done(&hatd, &["export", &exported]).await;
    let lines = fs::read_to_string(&exported).unwrap();
    assert_eq!(lines.matches(HAT).count(), 2, "{lines}");

    let fresh = Hatd::start(&dir.path().join("fresh")).await;
    // A second import finds all there, and leaves it so.
    for _ in 0..2 {
        done(&fresh, &["import", &exported]).await;
        done(&fresh, &["export", &again]).await;
        assert_eq!(fs::read_to_string(&again).unwrap(), lines);
    }
    let stranger = hatctl(&fresh, &["hat", "add", strangers, "stranger@localhost", HAT]).await;
    assert!(stranger.err.contains("[USER_NOT_AFFILIATED]"), "{}", stranger.err);
    let undefined = hatctl(&fresh, &["hat", "add", undefined, USER, "urn:other"]).await;
    assert!(undefined.err.contains("[HAT_NOT_DEFINED]"), "{}", undefined.err);
}

#[tokio::test]
async fn a_refusal_leaves_no_room_open() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(&dir.path().join("data")).await;
    let file = dir.path().join("import.jsonl");
    let lines = [
        r#"{"room":{"room_jid":"r@c.localhost","eligibility":"AFFILIATED"}}"#,
        r#"{"hats":{"room_jid":"r@c.localhost","user_jid":"u@h","hats":{"urn:a":{}}}}"#,
        r#"{"hats":{"room_jid":"missing@c.localhost","user_jid":"u@h","hats":{"urn:a":{}}}}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let refused = hatctl(&hatd, &["import", file.to_str().unwrap()]).await;
    assert_eq!(refused.code, 4, "{}", refused.err);
    assert!(refused.err.contains(":3: "), "{}", refused.err);
    let room = done(&hatd, &["room", "get", "r@c.localhost", "-o", "json"]).await.json();
    assert_eq!(room["eligibility"], "AFFILIATED");
}
