//! What a crash leaves, and what opening makes of it.

use std::{
    fs::{self, File},
    time::SystemTime,
};

use super::{super::Cut, *};

#[test]
fn a_last_batch_cut_short_at_any_byte_keeps_its_whole_records() {
    let durable: &[&[u8]] = &[b"first", b"second"];
    let torn: &[&[u8]] = &[b"third", b"", b"the fifth"];
    let dir = log_of(&[durable, torn]);
    let path = first_segment(&dir);
    let whole = fs::read(&path).unwrap();
    let expected = all(&reopen(dir.path()).1);

    let mut ends = vec![SEGMENT_HEADER];
    for payload in durable.iter().chain(torn) {
        ends.push(ends[ends.len() - 1] + FRAME_HEADER + payload.len() as u64);
    }
    for len in ends[2]..=whole.len() as u64 {
        fs::write(&path, &whole[..len as usize]).unwrap();
        let kept = ends.iter().filter(|end| **end <= len).count() - 1;

        let log = open(dir.path()).unwrap();
        let cut = Cut { file: path.clone(), offset: ends[kept], bytes: len - ends[kept] };
        assert_eq!(log.recovery().cut, (cut.bytes > 0).then_some(cut), "cut at {len}");
        assert_eq!(log.recovery().records, kept as u64);
        assert_eq!(log.recovery().bytes, ends[kept]);
        assert_eq!(fs::metadata(&path).unwrap().len(), ends[kept]);

        let (mut appender, reader) = log.into_parts();
        assert_eq!(all(&reader), expected[..kept]);
        commit(&mut appender, &[b"next"]);
        let (_, reader) = reopen(dir.path());
        assert_eq!(all(&reader)[..kept], expected[..kept]);
        assert_eq!(reader.head().0, kept as u64 + 1);
    }
}

#[test]
fn a_last_batch_with_a_hole_is_cut_from_the_hole_on() {
    let dir = log_of(&[&[b"durable"], &[&[1; 50], &[2; 50], &[3; 50]]]);
    let path = first_segment(&dir);
    let whole = fs::read(&path).unwrap();
    let torn_at = SEGMENT_HEADER + FRAME_HEADER + 7;
    for record in 0..3 {
        let offset = torn_at + record * (FRAME_HEADER + 50);
        let mut bytes = whole.clone();
        bytes[offset as usize..][..(FRAME_HEADER + 50) as usize].fill(0);
        fs::write(&path, &bytes).unwrap();

        let log = open(dir.path()).unwrap();
        let cut = Cut { file: path.clone(), offset, bytes: whole.len() as u64 - offset };
        assert_eq!(log.recovery().cut, Some(cut));
        assert_eq!(log.into_parts().1.head().0, record + 1);
    }
}

#[test]
fn zeros_behind_the_last_record_are_cut() {
    let dir = log_of(&[&[b"durable"]]);
    let path = first_segment(&dir);
    let len = fs::metadata(&path).unwrap().len();
    File::options().write(true).open(&path).unwrap().set_len(len + 5000).unwrap();
    let log = open(dir.path()).unwrap();
    assert_eq!(log.recovery().cut, Some(Cut { file: path, offset: len, bytes: 5000 }));
}

#[test]
fn a_segment_torn_while_it_was_begun_is_removed() {
    let dir = log_of_segments();
    let kept = all(&reopen(dir.path()).1);
    let path = segment_path(dir.path(), 13);
    let mut header = vec![];
    for len in 0..=SEGMENT_HEADER {
        fs::write(&path, &header).unwrap();
        let log = open(dir.path()).unwrap();
        assert_eq!(log.recovery().cut, Some(Cut { file: path.clone(), offset: 0, bytes: len }));
        assert!(!path.exists());
        let (mut appender, reader) = log.into_parts();
        assert_eq!(all(&reader), kept);
        header.push(0);
        if len == SEGMENT_HEADER {
            commit(&mut appender, &[b"next"]);
            assert_eq!(reopen(dir.path()).1.head().0, 13);
        }
    }
}

#[test]
fn a_segment_begun_and_not_written_to_is_gone_on_with() {
    let dir = log_of_segments();
    let kept = all(&reopen(dir.path()).1);
    drop(segment::Segment::create(dir.path(), OURS, 13).unwrap());

    let log = open(dir.path()).unwrap();
    assert_eq!(log.recovery().cut, None);
    let (mut appender, reader) = log.into_parts();
    assert_eq!(all(&reader), kept);
    assert_eq!(reader.head(), (12, kept[11].mark));
    assert_eq!(reader.segments().last().unwrap().last_position, 12);
    commit(&mut appender, &[b"next"]);
    assert_eq!(reopen(dir.path()).1.head().0, 13);
}

#[test]
fn a_creation_that_was_interrupted_is_begun_anew() {
    for len in 0..=SEGMENT_HEADER {
        let dir = log_of(&[]);
        File::options().write(true).open(first_segment(&dir)).unwrap().set_len(len).unwrap();
        let (mut appender, _) = create(dir.path(), Options::default());
        commit(&mut appender, &[b"one"]);
        assert_eq!(reopen(dir.path()).1.head().0, 1);
    }
}

/// A sync that failed before the crash may have left the last batch in the page cache only, where
/// it reads as if it were on disk. The tests see the write by the file's time.
#[test]
fn opening_writes_the_last_segment_once_more_and_no_other() {
    let dir = log_of_segments();
    let paths = segment_paths(&dir);
    let (last, sealed) = paths.split_last().unwrap();
    let next = segment_path(dir.path(), 13);
    let written =
        |path: &Path| fs::metadata(path).unwrap().modified().unwrap() != SystemTime::UNIX_EPOCH;
    let age = |path: &Path| {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
    };

    for path in &paths {
        age(path);
    }
    let before = fs::read(last).unwrap();
    open(dir.path()).unwrap();
    assert!(written(last));
    assert!(!sealed.iter().any(|path| written(path)));
    assert_eq!(fs::read(last).unwrap(), before);

    drop(segment::Segment::create(dir.path(), OURS, 13).unwrap());
    age(last);
    age(&next);
    open(dir.path()).unwrap();
    assert!(written(&next));
    assert!(!written(last));
}
