//! What a Prosody keeps, brought over. `tests/data/prosody` was written by a real one, as
//! `tests/data/make-prosody.sh` tells.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::{done, hatctl};
use crate::process::hatd::Hatd;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/prosody");

/// What `hatctl export` says of a server, one line a record, sorted.
async fn exported(hatd: &Hatd) -> Vec<String> {
    let exported = done(hatd, &["export", "-"]).await;
    let mut lines: Vec<_> = exported.out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn rooms_affiliations_and_hats_of_a_prosody_come_over() {
    let data = TempDir::new().unwrap();
    let hatd = Hatd::start(data.path()).await;
    let imported = hatctl(&hatd, &["import", "prosody", DATA]).await;
    assert_eq!(imported.code, 1, "some is not taken: {}", imported.err);

    let exported_first = exported(&hatd).await;
    let expected: Vec<_> = include_str!("../data/prosody.jsonl").lines().collect();
    assert_eq!(exported_first, expected);

    // All that hatd does not take is named, with why.
    let refused: Vec<_> =
        imported.err.lines().filter_map(|line| line.strip_prefix("not taken: ")).collect();
    let room = "algebra@conference.localhost";
    for (hat, why) in [
        ("carol@localhost not a uri", "URI"),
        ("carol@localhost", "hat id \"\": "),
        ("carol@localhost urn:example:long", "256"),
        ("carol@localhost urn:example:lines", "U+000A is not allowed"),
        ("carol@localhost urn:example:number", "the title is no text"),
        ("carol@localhost urn:example:true", "true stands where a table belongs"),
        ("carol@localhost 1", "the hat id is no text"),
        ("dave@localhost no hat", "URI"),
        ("mallory@localhost urn:example:tutor", "the user is an outcast"),
    ] {
        let names = |line: &&&str| line.starts_with(&format!("{room} {hat}: "));
        let line = refused.iter().find(names).unwrap_or_else(|| panic!("{hat}: {refused:#?}"));
        assert!(line.contains(why), "{line}");
    }
    assert_eq!(refused.len(), 9, "{refused:#?}");
    assert!(imported.err.contains("error: 9 that are named above were not taken"));
    assert!(imported.err.contains("passed over 2 rooms that are not persistent or destroyed"));

    // Again, it changes nothing.
    let head = done(&hatd, &["-o", "json", "room", "get", room]).await.out;
    hatctl(&hatd, &["import", "prosody", DATA]).await;
    assert_eq!(done(&hatd, &["-o", "json", "room", "get", room]).await.out, head);
    assert_eq!(exported(&hatd).await, exported_first);
    hatd.stop().await;
}

#[tokio::test]
async fn a_dry_run_names_what_is_refused_and_sends_nothing() {
    let data = TempDir::new().unwrap();
    let hatd = Hatd::start(data.path()).await;
    let checked = hatctl(&hatd, &["import", "prosody", "--dry-run", DATA]).await;
    assert_eq!(checked.code, 1);
    assert!(checked.err.contains("dave@localhost no hat: "), "{}", checked.err);
    assert_eq!(exported(&hatd).await, [""; 0]);
    hatd.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_named_and_nothing_is_sent() {
    let data = TempDir::new().unwrap();
    let hatd = Hatd::start(&data.path().join("data")).await;
    let copy = data.path().join("prosody");
    let config = copy.join("conference%2elocalhost/config");
    fs::create_dir_all(&config).unwrap();
    let original = Path::new(DATA).join("conference%2elocalhost/config/algebra.dat");
    let text = fs::read(original).unwrap();
    for (file, bytes) in [("a.dat", text.as_slice()), ("b.dat", &text[..text.len() / 2])] {
        fs::write(config.join(file), bytes).unwrap();
    }
    let failed = hatctl(&hatd, &["import", "prosody", copy.to_str().unwrap()]).await;
    assert_eq!(failed.code, 1);
    let line = text[..text.len() / 2].split(|byte| *byte == b'\n').count();
    assert!(failed.err.contains(&format!("b.dat:{line}: ")), "{}", failed.err);
    assert_eq!(exported(&hatd).await, [""; 0]);

    let empty = hatctl(&hatd, &["import", "prosody", config.to_str().unwrap()]).await;
    assert_eq!(empty.code, 2, "{}", empty.err);
    assert!(empty.err.contains("has no HOST/config/ROOM.dat"), "{}", empty.err);
    hatd.stop().await;
}
