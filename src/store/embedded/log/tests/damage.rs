//! What no crash leaves, and is refused.

use std::{
    fs::{self, File},
    io,
};

use super::*;

#[test]
fn a_bad_record_below_a_durable_one_is_never_cut() {
    let dir = log_of(&[&[b"first"], &[b"second", b"third"], &[b"fourth", b"fifth"]]);
    let path = first_segment(&dir);
    let whole = fs::read(&path).unwrap();
    let second = SEGMENT_HEADER + FRAME_HEADER + 5;
    let third = second + FRAME_HEADER + 6;
    let fourth = third + FRAME_HEADER + 5;

    for (from, to, offset) in
        [(second, third, second), (third, fourth, third), (second, fourth, second)]
    {
        let mut bytes = whole.clone();
        bytes[from as usize..to as usize].fill(0);
        fs::write(&path, &bytes).unwrap();
        check_corrupt(
            open(dir.path()),
            &path,
            offset,
            "it was durable, says the record of position 4 at byte",
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "a refused log was changed");
    }
}

#[test]
fn no_flipped_bit_of_a_durable_record_or_a_header_goes_unnoticed() {
    let dir = log_of(&[&[b"first"], &[b"second", b"third"], &[b"last"]]);
    let path = first_segment(&dir);
    let whole = fs::read(&path).unwrap();
    let last = whole.len() as u64 - FRAME_HEADER - 4;
    for at in 0..last as usize {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            match open(dir.path()) {
                Err(Error::Corrupt { file, offset, .. }) => {
                    assert_eq!(file, path);
                    assert!(offset <= at as u64, "byte {at} flipped, {offset} reported");
                }
                other => panic!("bit {bit} of byte {at} flipped: {other:?}"),
            }
            assert_eq!(fs::read(&path).unwrap(), bytes, "a refused log was changed");
        }
    }
}

#[test]
fn no_flipped_byte_of_a_sealed_segment_goes_unnoticed() {
    let dir = log_of_segments();
    let path = segment_paths(&dir).swap_remove(1);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(&path, &bytes).unwrap();
        assert!(
            matches!(open(dir.path()), Err(Error::Corrupt { file, .. }) if file == path),
            "byte {at}"
        );
    }
}

#[test]
fn a_sealed_segment_of_any_other_length_is_refused() {
    let dir = log_of_segments();
    let paths = segment_paths(&dir);
    let whole = fs::read(&paths[1]).unwrap();
    for len in 0..whole.len() {
        fs::write(&paths[1], &whole[..len]).unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Corrupt { .. })), "cut at {len}");
    }
    fs::write(&paths[1], [&whole[..], b"x"].concat()).unwrap();
    check_corrupt(open(dir.path()), &paths[1], whole.len() as u64, "too few for a record");
}

#[test]
fn a_position_known_to_be_durable_makes_a_shorter_log_corrupt() {
    let dir = log_of(&[&[b"first"], &[b"second"]]);
    let path = first_segment(&dir);
    let len = fs::metadata(&path).unwrap().len();
    let file = File::options().write(true).open(&path).unwrap();
    let open_at_least =
        |durable| Log::open(dir.path(), OURS, Options::default(), durable_at_least(durable));
    open_at_least(2).unwrap();
    check_corrupt(open_at_least(3), &path, len, "3 was durable");

    file.set_len(len - 1).unwrap();
    let second = SEGMENT_HEADER + FRAME_HEADER + 5;
    check_corrupt(open_at_least(2), &path, second, "2 was durable");
    assert_eq!(fs::metadata(&path).unwrap().len(), len - 1, "a refused log was changed");
    assert_eq!(open_at_least(1).unwrap().recovery().records, 1);
}

#[test]
fn a_position_known_to_be_durable_saves_a_segment_with_a_torn_header() {
    let dir = log_of_segments();
    let last = segment_paths(&dir).pop().unwrap();
    File::options().write(true).open(&last).unwrap().set_len(10).unwrap();
    assert!(matches!(
        Log::open(dir.path(), OURS, small_segments(), durable_at_least(12)),
        Err(Error::Corrupt { .. })
    ));
    assert_eq!(fs::metadata(&last).unwrap().len(), 10);
}

#[test]
fn a_bad_header_of_a_segment_with_records_or_of_the_only_one_is_refused() {
    let dir = log_of_segments();
    let last = segment_paths(&dir).pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    bytes[20] ^= 1;
    fs::write(&last, &bytes).unwrap();
    check_corrupt(open(dir.path()), &last, 0, "checksum of the segment's header");

    for len in 0..SEGMENT_HEADER {
        let dir = log_of(&[]);
        let path = first_segment(&dir);
        File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        check_corrupt(open(dir.path()), &path, 0, "header is cut short");
    }
}

#[test]
fn a_missing_segment_is_refused() {
    let dir = log_of_segments();
    let paths = segment_paths(&dir);
    fs::remove_file(&paths[1]).unwrap();
    check_corrupt(open(dir.path()), &paths[2], 0, "but the one before it ends at");
}

#[test]
fn a_doubled_segment_is_refused() {
    let dir = log_of_segments();
    let paths = segment_paths(&dir);
    let copy = segment_path(dir.path(), 2);
    fs::copy(&paths[0], &copy).unwrap();
    check_corrupt(open(dir.path()), &copy, 0, "but the one before it ends at");
    fs::remove_file(&copy).unwrap();

    let copy = segment_path(dir.path(), 13);
    fs::copy(&paths[1], &copy).unwrap();
    check_corrupt(open(dir.path()), &copy, 0, "not that of the segment it holds");
}

#[test]
fn the_oldest_segments_may_be_gone_if_not_needed_and_what_they_held_is_expired() {
    let dir = log_of_segments();
    let (_, reader) = reopen(dir.path());
    let (kept, first_gone) = (all(&reader), reader.segments()[0].last_position);
    let paths = segment_paths(&dir);
    fs::remove_file(&paths[0]).unwrap();
    check_corrupt(open(dir.path()), &paths[1], 0, "but 1 is needed");
    let based = |base| {
        let known = Known { base: (base, kept[base as usize - 1].mark), ..Known::default() };
        Log::open(dir.path(), OURS, small_segments(), known)
    };
    assert!(based(first_gone - 1).is_err());

    let (_, reader) = based(first_gone).unwrap().into_parts();
    let floor = reader.floor();
    assert_eq!(floor, first_gone);
    assert_eq!(reader.segments()[0].path, paths[1]);
    assert_eq!(reader.segments()[0].first_position, floor + 1);
    assert_eq!(all(&reader), kept[floor as usize..]);
    assert!(
        matches!(reader.read_after(floor - 1, 1, 0), Err(Error::Expired { floor: at }) if at == floor)
    );
    assert_eq!(reader.mark_at(floor).unwrap(), Some(kept[floor as usize - 1].mark));
    assert_eq!(reader.mark_at(floor - 1).unwrap(), None);
    assert_eq!(reader.mark_at(0).unwrap(), Some(Mark::ORIGIN));
}

#[test]
fn a_segment_without_any_record_goes_on_from_what_is_known_and_from_nothing_else() {
    let dir = TempDir::new().unwrap();
    drop(segment::Segment::create(dir.path(), OURS, 5).unwrap());
    let path = segment_path(dir.path(), 5);
    check_corrupt(open(dir.path()), &path, 0, "but 1 is needed");
    let based = |base| {
        let known = Known { base: (base, Mark(7)), ..Known::default() };
        Log::open(dir.path(), OURS, small_segments(), known)
    };
    check_corrupt(based(3), &path, 0, "but 4 is needed");
    check_corrupt(based(5), &path, SEGMENT_HEADER, "holds no record");
    let (mut appender, reader) = based(4).unwrap().into_parts();
    assert_eq!(reader.head(), (4, Mark(7)));
    commit(&mut appender, &[b"fifth"]);
    assert_eq!(payloads(&reader), [b"fifth"]);
}

#[test]
fn whole_segments_are_dropped_oldest_first_and_the_last_one_never() {
    let dir = log_of_segments();
    let (mut appender, reader) = reopen(dir.path());
    let (before, paths) = (all(&reader), segment_paths(&dir));
    let segments = reader.segments();
    assert_eq!(reader.drop_through(segments[1].last_position - 1).unwrap(), segments[0].bytes);
    assert_eq!(segment_paths(&dir), paths[1..]);
    assert_eq!(all(&reader), before[segments[0].last_position as usize..]);

    reader.drop_through(u64::MAX).unwrap();
    assert_eq!(segment_paths(&dir), paths[paths.len() - 1..]);
    commit(&mut appender, &[b"goes on"]);
    assert_eq!(payloads(&reader).last().unwrap(), b"goes on");
}

#[test]
fn a_segment_of_another_store_or_epoch_is_refused() {
    for other in [Identity { store: [7; 16], ..OURS }, Identity { epoch: 4, ..OURS }] {
        let dir = log_of_segments();
        let path = first_segment(&dir);
        let log = Log::open(dir.path(), other, Options::default(), Known::default());
        assert!(matches!(log, Err(Error::WrongStore { file }) if file == path));

        drop(segment::Segment::create(dir.path(), other, 13).unwrap());
        let path = segment_path(dir.path(), 13);
        assert!(matches!(open(dir.path()), Err(Error::WrongStore { file }) if file == path));
    }
}

#[test]
fn an_empty_or_missing_directory_is_never_an_empty_log() {
    let dir = TempDir::new().unwrap();
    check_corrupt(open(dir.path()), dir.path(), 0, "holds no segment");
    assert!(matches!(open(&dir.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn a_log_is_never_created_over_another() {
    for dir in [log_of(&[&[b"one"]]), log_of_segments()] {
        let before = segment_paths(&dir);
        match Log::create(dir.path(), OURS, Options::default(), (0, Mark::ORIGIN)) {
            Err(Error::Io { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::AlreadyExists);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(segment_paths(&dir), before);
        open(dir.path()).unwrap();
    }
}

#[test]
fn a_log_whose_first_segment_lost_its_records_is_not_an_interrupted_creation() {
    let dir = log_of_segments();
    let path = first_segment(&dir);
    File::options().write(true).open(&path).unwrap().set_len(SEGMENT_HEADER).unwrap();
    assert!(matches!(
        Log::create(dir.path(), OURS, Options::default(), (0, Mark::ORIGIN)),
        Err(Error::Io { .. })
    ));
    assert!(path.exists());
}

#[test]
fn a_good_record_in_the_place_of_another_is_refused() {
    let dir = log_of(&[&[&[1; 30]], &[&[2; 30]], &[&[3; 30]], &[&[4; 30]]]);
    let path = first_segment(&dir);
    let mut bytes = fs::read(&path).unwrap();
    let len = frame::HEADER_LEN + 30;
    let second = segment::HEADER_LEN as usize + len;
    bytes.copy_within(second + len..second + 2 * len, second);
    fs::write(&path, &bytes).unwrap();
    check_corrupt(open(dir.path()), &path, second as u64, "position 3 stands where 2 belongs");
}

#[test]
fn a_record_that_claims_to_have_been_durable_before_it_was_written_is_no_record() {
    let dir = log_of(&[]);
    let path = first_segment(&dir);
    let mut bytes = fs::read(&path).unwrap();
    frame::encode(&mut bytes, 1, 1, 3, b"one");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(open(dir.path()).unwrap().recovery().records, 0);
}

#[test]
fn names_that_are_almost_a_segments_are_refused_and_others_ignored() {
    let dir = log_of(&[&[b"one"]]);
    for name in
        ["lost+found", "00000000000000000002.log~", "00000000000000000002.log.bak", "log", ".log"]
    {
        fs::write(dir.path().join(name), b"anything").unwrap();
    }
    assert_eq!(open(dir.path()).unwrap().recovery().records, 1);

    for name in [
        "00000000000000000000.log",
        "2.log",
        "0000000000000000000x.log",
        "+0000000000000000002.log",
        "99999999999999999999.log",
        "18446744073709551615.log",
        "copy of 00000000000000000001.log",
    ] {
        let path = dir.path().join(name);
        fs::write(&path, b"anything").unwrap();
        check_corrupt(open(dir.path()), &path, 0, "not a segment's");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn damage_below_a_running_reader_is_an_error_of_that_read_only() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), Options::default());
    commit(&mut appender, &[b"one", b"two", b"three"]);
    let path = first_segment(&dir);
    let two = SEGMENT_HEADER + FRAME_HEADER + 3;
    let mut bytes = fs::read(&path).unwrap();
    bytes[(two + FRAME_HEADER) as usize] ^= 1;
    fs::write(&path, &bytes).unwrap();

    assert_eq!(reader.read_after(0, 1, 0).unwrap().len(), 1);
    assert!(
        matches!(reader.read_after(0, 2, 100), Err(Error::Corrupt { file, offset, .. }) if file == path && offset == two)
    );
    assert!(matches!(reader.mark_at(2), Err(Error::Corrupt { .. })));
    assert_eq!(reader.read_after(2, 1, 0).unwrap()[0].payload, b"three");

    File::options().write(true).open(&path).unwrap().set_len(two).unwrap();
    assert!(matches!(reader.read_after(2, 1, 0), Err(Error::Corrupt { .. })));
}
