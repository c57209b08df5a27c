//! The log, the checkpoint and the state's records, damaged in any way: refused, or what was written.

use std::fs;
use std::path::Path;

use bolero::{TypeGenerator, check};
use tempfile::TempDir;

use crate::commit::{Identity, Mark, Position};
use crate::hat::{Document, HatDefinition};
use crate::store::embedded::checkpoint::{self, Header, Reader, write_for_tests};
use crate::store::embedded::log::{self, Error, Known, Log};
use crate::store::embedded::values::{StoredRequest, StoredRoom, decode};
use crate::store::embedded::{history, keys};
use crate::tests::{Change, changed};

const OURS: Identity = Identity { store: *b"a store's own id", epoch: 3 };

/// Inputs of a target that writes files for each. Our choice: a second's work.
const FILES_ITERATIONS: usize = 300;

/// Damage to one file of several.
#[derive(Clone, Debug, TypeGenerator)]
enum Damage {
    Change {
        file: u8,
        change: Change,
    },
    Remove {
        file: u8,
    },
    /// One file holds what another did.
    Copy {
        from: u8,
        to: u8,
    },
}

/// Records of many lengths: their payloads are their positions, repeated.
fn payload(position: u64) -> Vec<u8> {
    position.to_string().repeat(usize::try_from(position * 7 % 23).unwrap()).into_bytes()
}

/// A log of several segments: names and contents of its files, and its records.
fn sound_log() -> (Vec<(String, Vec<u8>)>, u64) {
    let dir = TempDir::new().unwrap();
    let options = log::Options { segment_bytes: 400, ..log::Options::default() };
    let log = Log::create(dir.path(), OURS, options, (0, Mark::ORIGIN)).unwrap();
    let (mut appender, reader) = log.into_parts();
    for position in 1..=30 {
        appender.append(&payload(position)).unwrap();
        if position % 3 == 0 {
            appender.sync().unwrap();
        }
    }
    let mut files: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{}", files.len());
    (files, reader.head().0)
}

#[test]
fn a_damaged_log_is_refused_or_a_beginning_of_itself_that_has_all_that_was_durable() {
    let (files, head) = sound_log();
    check!().with_iterations(FILES_ITERATIONS).with_type::<(Vec<Damage>, u8)>().for_each(
        |(damages, known)| {
            let mut damaged: Vec<Option<Vec<u8>>> =
                files.iter().map(|(_, bytes)| Some(bytes.clone())).collect();
            let count = files.len();
            let at = |number: &u8| usize::from(*number) % count;
            // One damage is the rule, and finds more than many.
            for damage in damages.iter().take(2) {
                match damage {
                    Damage::Change { file, change } => {
                        if let Some(bytes) = &mut damaged[at(file)] {
                            change.apply(bytes);
                        }
                    }
                    Damage::Remove { file } => damaged[at(file)] = None,
                    Damage::Copy { from, to } => damaged[at(to)] = damaged[at(from)].clone(),
                }
            }
            let dir = TempDir::new().unwrap();
            for ((name, _), bytes) in files.iter().zip(&damaged) {
                if let Some(bytes) = bytes {
                    fs::write(dir.path().join(name), bytes).unwrap();
                }
            }
            let durable = u64::from(*known) % (head + 1);
            let known = Known { durable, ..Known::default() };
            match Log::open(dir.path(), OURS, log::Options::default(), known) {
                Ok(log) => {
                    let (_, reader) = log.into_parts();
                    let records = reader.read_after(0, usize::MAX, usize::MAX).unwrap();
                    assert!(records.len() as u64 >= durable);
                    for (record, position) in records.iter().zip(1..) {
                        let is_written = record.position == position && record.position <= head;
                        assert!(is_written && record.payload == payload(position), "{record:?}");
                    }
                }
                Err(Error::Corrupt { .. } | Error::WrongStore { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        },
    );
}

#[test]
fn any_file_is_a_log_of_nothing_or_refused() {
    check!().with_iterations(FILES_ITERATIONS).with_type::<Vec<u8>>().for_each(|bytes| {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("00000000000000000001.log"), bytes).unwrap();
        let opened = Log::open(dir.path(), OURS, log::Options::default(), Known::default());
        assert!(opened.is_err(), "no header is met by chance");
    });
}

fn sound_checkpoint(path: &Path) -> Vec<u8> {
    let header = Header { identity: OURS, position: Position::new(7), mark: Mark(9) };
    write_for_tests(path, header, 20).unwrap();
    fs::read(path).unwrap()
}

fn read_checkpoint(path: &Path) -> Result<u64, checkpoint::Error> {
    Reader::open(path)?.map_or(Ok(0), Reader::check)
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("checkpoint");
    let sound = sound_checkpoint(&path);
    check!()
        .with_iterations(FILES_ITERATIONS)
        .with_type::<(Vec<Change>, bool, Vec<u8>)>()
        .for_each(|(changes, has_header, any)| {
            let damaged = changed(&sound, changes);
            fs::write(&path, &damaged).unwrap();
            assert_eq!(read_checkpoint(&path).is_ok(), damaged == sound);
            // A sound header, and then anything: lengths of 4 GiB among it.
            let header = if *has_header { &sound[..48] } else { &[] };
            fs::write(&path, [header, any].concat()).unwrap();
            assert!(read_checkpoint(&path).is_err());
        });
}

#[test]
fn any_bytes_are_a_record_or_none() {
    check!().with_type::<Vec<u8>>().for_each(|bytes| {
        // Neither is met by chance, because of their checksums.
        assert!(decode::<Document>(bytes).is_none());
        assert!(decode::<HatDefinition>(bytes).is_none());
        assert!(decode::<StoredRoom>(bytes).is_none());
        assert!(decode::<StoredRequest>(bytes).is_none());
        // Where there is none, anything is read or refused.
        _ = history::decode(bytes);
        _ = minicbor::decode::<Document>(bytes);
        _ = keys::parse_room(bytes);
        if let Some((room, user)) = keys::parse_document(bytes) {
            assert_eq!(keys::document(&room, &user), *bytes);
        }
    });
}

#[test]
fn a_damaged_commit_is_read_or_refused() {
    let commit = crate::commit::Commit {
        room_jid: crate::jid::RoomJid::parse("room@conference.localhost").unwrap(),
        revision: crate::hat::Revision::new(7),
        time: crate::time::Timestamp::now(),
        cause: crate::commit::Cause::Request,
        context: None,
        room: None,
        room_deleted: false,
        users: Vec::new(),
        definitions: Vec::new(),
        removed_definitions: vec![crate::hat::HatId::parse("urn:hat:1", 1023).unwrap()],
        request: None,
    };
    let sound = history::encode(&commit);
    check!().with_type::<Vec<Change>>().for_each(|changes| {
        let damaged = changed(&sound, changes);
        if damaged == sound {
            assert_eq!(history::decode(&damaged).as_ref(), Some(&commit));
        } else if let Some(other) = history::decode(&damaged) {
            // The log's checksums tell; here it is enough that what is read can be written.
            assert_eq!(history::decode(&history::encode(&other)), Some(other));
        }
    });
}
