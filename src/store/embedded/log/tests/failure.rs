//! After a write or sync that failed.

use std::{
    fs::{self, File},
    io, mem,
    sync::Arc,
};

use super::*;

/// Puts another file in the place of the one that the appender writes to.
fn swap_file(appender: &mut Appender, path: &str) -> Arc<File> {
    let other = File::options().write(true).open(path).unwrap();
    mem::replace(&mut appender.file, Arc::new(other))
}

#[track_caller]
fn check_failed_for_good(device: &str, kind: Option<io::ErrorKind>) {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), Options::default());
    commit(&mut appender, &[b"kept"]);
    let before = fs::read(first_segment(&dir)).unwrap();

    let file = swap_file(&mut appender, device);
    appender.append(b"lost").unwrap();
    match appender.sync() {
        Err(Error::Io { path, source }) => {
            assert_eq!(path, first_segment(&dir));
            assert!(kind.is_none_or(|kind| source.kind() == kind), "{source}");
        }
        other => panic!("{other:?}"),
    }

    appender.file = file;
    assert!(matches!(appender.sync(), Err(Error::Failed)));
    assert!(matches!(appender.append(b"more"), Err(Error::Failed)));
    assert!(matches!(appender.sync(), Err(Error::Failed)));
    assert_eq!(fs::read(first_segment(&dir)).unwrap(), before);
    assert_eq!(payloads(&reader), [b"kept"]);

    drop(appender);
    let (mut appender, reader) = reopen(dir.path());
    commit(&mut appender, &[b"more"]);
    assert_eq!(payloads(&reader), [b"kept", b"more"]);
}

#[test]
fn after_a_write_that_failed_the_file_is_not_touched_again() {
    check_failed_for_good("/dev/full", Some(io::ErrorKind::StorageFull));
}

#[test]
fn after_a_sync_that_failed_the_file_is_not_touched_again() {
    // It takes every write, and has nothing to sync to.
    check_failed_for_good("/dev/null", Some(io::ErrorKind::InvalidInput));
}

#[test]
fn after_a_segment_that_could_not_be_begun_the_log_takes_no_more() {
    let dir = log_of_segments();
    let (mut appender, reader) = reopen(dir.path());
    let head = reader.head();
    appender.options.segment_bytes = 0;
    let next = segment_path(dir.path(), head.0 + 1);
    fs::create_dir(&next).unwrap();

    appender.append(b"lost").unwrap();
    assert!(matches!(appender.sync(), Err(Error::Io { path, .. }) if path == next));
    fs::remove_dir(&next).unwrap();
    assert!(matches!(appender.sync(), Err(Error::Failed)));
    assert!(!next.exists());
    assert_eq!(reader.head(), head);
}
