//! The log's tests, and what they share.

mod crash;
mod damage;
mod failure;
mod history;
mod writing;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Appender, Error, Identity, Known, Log, Mark, Options, Reader, Record, frame, segment};

const OURS: Identity = Identity { store: *b"a store's own id", epoch: 3 };

/// Bytes of a segment's header, and of a frame's, where the tests count.
const SEGMENT_HEADER: u64 = segment::HEADER_LEN;
const FRAME_HEADER: u64 = frame::HEADER_LEN as u64;

fn small_segments() -> Options {
    Options { segment_bytes: 200, ..Options::default() }
}

fn create(dir: &Path, options: Options) -> (Appender, Reader) {
    Log::create(dir, OURS, options, (0, Mark::ORIGIN)).unwrap().into_parts()
}

fn open(dir: &Path) -> Result<Log, Error> {
    Log::open(dir, OURS, small_segments(), Known::default())
}

fn durable_at_least(durable: u64) -> Known {
    Known { durable, ..Known::default() }
}

fn reopen(dir: &Path) -> (Appender, Reader) {
    open(dir).unwrap().into_parts()
}

/// Appends `payloads` as one batch and syncs it.
fn commit(appender: &mut Appender, payloads: &[&[u8]]) {
    for payload in payloads {
        appender.append(payload).unwrap();
    }
    appender.sync().unwrap();
}

fn all(reader: &Reader) -> Vec<Record> {
    reader.read_after(reader.floor(), usize::MAX, usize::MAX).unwrap()
}

fn payloads(reader: &Reader) -> Vec<Vec<u8>> {
    all(reader).into_iter().map(|record| record.payload).collect()
}

/// A log of one segment: batches of the given payloads.
fn log_of(batches: &[&[&[u8]]]) -> TempDir {
    let dir = TempDir::new().unwrap();
    let (mut appender, _) = create(dir.path(), Options::default());
    for batch in batches {
        commit(&mut appender, batch);
    }
    dir
}

/// A log of at least three segments: 12 records of 40 bytes, each its own batch.
fn log_of_segments() -> TempDir {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), small_segments());
    for n in 0..12 {
        commit(&mut appender, &[&[n; 40]]);
    }
    assert!(reader.segments().len() >= 3);
    dir
}

fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(segment::file_name(first))
}

fn first_segment(dir: &TempDir) -> PathBuf {
    segment_path(dir.path(), 1)
}

fn segment_paths(dir: &TempDir) -> Vec<PathBuf> {
    segment::list(dir.path())
        .unwrap()
        .into_iter()
        .map(|first| segment_path(dir.path(), first))
        .collect()
}

#[track_caller]
fn check_corrupt(
    result: Result<Log, Error>,
    expected_file: &Path,
    expected_offset: u64,
    expected_what: &str,
) {
    match result {
        Err(Error::Corrupt { file, offset, what }) => {
            assert_eq!((file.as_path(), offset), (expected_file, expected_offset), "{what}");
            assert!(what.contains(expected_what), "{what}");
        }
        other => panic!("not corrupt: {other:?}"),
    }
}
