//! What is appended and synced is read.

use std::{fs, thread};

use super::*;

#[test]
fn synced_records_are_read_back_in_order() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), Options::default());
    assert_eq!(reader.head(), (0, Mark::ORIGIN));
    assert_eq!(all(&reader), []);

    let one = appender.append(b"one").unwrap();
    let two = appender.append(b"").unwrap();
    appender.sync().unwrap();
    let three = appender.append(b"three").unwrap();
    appender.sync().unwrap();

    let record =
        |position, mark, payload: &[u8]| Record { position, mark, payload: payload.to_vec() };
    assert_eq!(
        all(&reader),
        [record(1, one, b"one"), record(2, two, b""), record(3, three, b"three")]
    );
    assert_eq!(reader.head(), (3, three));
    assert_eq!(appender.position(), 3);
}

#[test]
fn records_not_synced_are_invisible_and_gone_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), Options::default());
    commit(&mut appender, &[b"kept"]);
    let head = reader.head();
    appender.append(b"lost").unwrap();

    assert_eq!(appender.position(), 2);
    assert_eq!(reader.head(), head);
    assert_eq!(payloads(&reader), [b"kept"]);
    assert_eq!(reader.mark_at(2).unwrap(), None);

    drop(appender);
    let (_, reader) = reopen(dir.path());
    assert_eq!(reader.head(), head);
}

#[test]
fn marks_are_those_that_append_returned_and_none_elsewhere() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), small_segments());
    let mut marks = vec![Mark::ORIGIN];
    for n in 0..20 {
        marks.push(appender.append(&[n; 30]).unwrap());
        appender.sync().unwrap();
    }
    for reader in [reader, reopen(dir.path()).1] {
        for (position, mark) in (0..).zip(&marks) {
            assert_eq!(reader.mark_at(position).unwrap(), Some(*mark), "position {position}");
        }
        assert_eq!(reader.mark_at(21).unwrap(), None);
        assert_eq!(reader.mark_at(u64::MAX).unwrap(), None);
    }
}

#[test]
fn the_same_payload_at_another_position_has_another_mark() {
    let dir = TempDir::new().unwrap();
    let (mut appender, _) = create(dir.path(), Options::default());
    assert_ne!(appender.append(b"same").unwrap(), appender.append(b"same").unwrap());
}

#[test]
fn a_read_ends_at_either_bound_but_has_one_record_at_least() {
    let dir = log_of(&[&[&[1; 100], &[2; 100], &[3; 100]]]);
    let (_, reader) = reopen(dir.path());
    let count = |after, records, bytes| reader.read_after(after, records, bytes).unwrap().len();
    assert_eq!(count(0, 2, usize::MAX), 2);
    assert_eq!(count(0, 10, 200), 2);
    assert_eq!(count(0, 10, 199), 1);
    assert_eq!(count(0, 10, 0), 1);
    assert_eq!(count(0, 0, 1000), 1);
    assert_eq!(count(2, 10, 1000), 1);
    assert_eq!(count(3, 10, 1000), 0);
    assert_eq!(count(u64::MAX, 10, 1000), 0);
}

#[test]
fn batches_roll_over_segments_and_are_read_across_them() {
    let dir = log_of_segments();
    let (mut appender, reader) = reopen(dir.path());
    commit(&mut appender, &[&[12; 40], &[13; 900], &[14; 40]]);
    commit(&mut appender, &[&[15; 40]]);

    let records = all(&reader);
    assert_eq!(
        records.iter().map(|record| record.position).collect::<Vec<_>>(),
        (1..=16).collect::<Vec<_>>()
    );
    for after in 0..16 {
        assert_eq!(
            reader.read_after(after, 3, usize::MAX).unwrap(),
            records[after as usize..].split_at(3.min(16 - after as usize)).0
        );
    }

    let segments = reader.segments();
    for pair in segments.windows(2) {
        assert_eq!(pair[0].last_position + 1, pair[1].first_position);
    }
    for segment in &segments {
        assert_eq!(fs::metadata(&segment.path).unwrap().len(), segment.bytes);
    }
    let batch = segments
        .iter()
        .find(|segment| (segment.first_position..=segment.last_position).contains(&13))
        .unwrap();
    assert!((batch.first_position..=batch.last_position).contains(&15), "a batch spans segments");
}

#[test]
fn a_log_reopened_goes_on_where_it_ended() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), small_segments());
    commit(&mut appender, &[b"one"]);
    let mut kept = all(&reader);
    for n in 2..30_u8 {
        let log = open(dir.path()).unwrap();
        assert_eq!(log.recovery().records, u64::from(n) - 1);
        assert_eq!(log.recovery().cut, None);
        let (mut appender, reader) = log.into_parts();
        assert_eq!(all(&reader), kept);
        commit(&mut appender, &[&[n; 20]]);
        kept = all(&reader);
    }
}

#[test]
fn a_record_is_found_through_the_index_wherever_it_stands() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) = create(dir.path(), Options::default());
    for n in 0..1000_u32 {
        let len = if n % 97 == 0 { 100_000 } else { n as usize % 300 };
        appender.append(&n.to_be_bytes().repeat(len / 4 + 1)).unwrap();
        if n % 7 == 0 {
            appender.sync().unwrap();
        }
    }
    appender.sync().unwrap();
    for reader in [reader, reopen(dir.path()).1] {
        for n in 0..1000_u32 {
            let found = reader.read_after(u64::from(n), 1, 0).unwrap();
            assert_eq!(found[0].position, u64::from(n) + 1);
            assert_eq!(found[0].payload[..4], n.to_be_bytes());
            assert_eq!(reader.mark_at(u64::from(n) + 1).unwrap(), Some(found[0].mark));
        }
    }
}

#[test]
fn readers_on_other_threads_see_a_dense_prefix_at_every_moment() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) =
        create(dir.path(), Options { segment_bytes: 2000, ..Options::default() });
    thread::scope(|scope| {
        for _ in 0..3 {
            let reader = reader.clone();
            scope.spawn(move || {
                let mut last = 0;
                while last < 600 {
                    let (head, mark) = reader.head();
                    assert_eq!(reader.mark_at(head).unwrap(), Some(mark));
                    for record in reader.read_after(last, 50, usize::MAX).unwrap() {
                        assert_eq!(record.position, last + 1);
                        assert_eq!(record.payload, record.position.to_be_bytes());
                        last = record.position;
                    }
                    assert!(last <= reader.head().0);
                }
            });
        }
        for batch in 0..200_u64 {
            for n in 1..=3 {
                appender.append(&(batch * 3 + n).to_be_bytes()).unwrap();
            }
            appender.sync().unwrap();
        }
    });
}

#[test]
fn a_record_is_refused_one_byte_past_the_bound_and_the_batch_goes_on() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) =
        create(dir.path(), Options { record_bytes_max: 10, ..Options::default() });
    appender.append(&[1; 10]).unwrap();
    assert!(matches!(appender.append(&[2; 11]), Err(Error::TooLarge { len: 11, max: 10 })));
    appender.append(&[3; 9]).unwrap();
    appender.sync().unwrap();
    assert_eq!(payloads(&reader), [vec![1; 10], vec![3; 9]]);

    let narrower = Options { record_bytes_max: 5, ..Options::default() };
    let (_, reader) = Log::open(dir.path(), OURS, narrower, Known::default()).unwrap().into_parts();
    assert_eq!(reader.head().0, 2);
}

#[test]
fn a_segment_bound_below_a_header_still_holds_a_batch_each() {
    let dir = TempDir::new().unwrap();
    let (mut appender, reader) =
        create(dir.path(), Options { segment_bytes: 0, ..Options::default() });
    commit(&mut appender, &[b"one", b"two"]);
    commit(&mut appender, &[b"three"]);
    let firsts: Vec<_> = reader.segments().iter().map(|segment| segment.first_position).collect();
    assert_eq!(firsts, [1, 3]);
}

#[test]
fn the_bytes_are_those_of_format_1() {
    let dir = log_of(&[&[b"hat"], &[b"s"]]);
    let bytes = fs::read(first_segment(&dir)).unwrap();
    let expected = [
        &b"hatdlog1a store's own id"[..],
        b"\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x01\x4d\x63\x9e\x89",
        b"\0\0\0\x03\x14\xfa\x4e\x79\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0hat",
        b"\0\0\0\x01\x23\x19\xdc\x8f\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01s",
    ];
    assert_eq!(bytes, expected.concat());
}
