//! Any history, with any cut or damage.

use std::fs::{self, File};

use proptest::prelude::*;

use super::*;

/// Batches of payloads, with the log's segments small enough to roll.
fn histories() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let payload = prop::collection::vec(any::<u8>(), 0..60);
    prop::collection::vec(prop::collection::vec(payload, 1..5), 1..12)
}

/// Writes `history`, and returns its records and the last position that was durable before the last
/// batch.
fn write(dir: &Path, history: &[Vec<Vec<u8>>]) -> (Vec<Record>, u64) {
    let (mut appender, reader) = create(dir, small_segments());
    let mut durable = 0;
    for batch in history {
        durable = appender.position();
        let batch: Vec<_> = batch.iter().map(Vec::as_slice).collect();
        commit(&mut appender, &batch);
    }
    (all(&reader), durable)
}

proptest! {
    #[test]
    fn any_history_is_read_back_after_a_restart(history in histories()) {
        let dir = TempDir::new().unwrap();
        let (records, _) = write(dir.path(), &history);
        prop_assert_eq!(
            records.iter().map(|record| record.payload.clone()).collect::<Vec<_>>(),
            history.concat()
        );
        prop_assert_eq!(all(&reopen(dir.path()).1), records);
    }

    #[test]
    fn a_log_cut_short_anywhere_is_a_prefix_that_goes_on(
        history in histories(),
        at in any::<prop::sample::Index>(),
    ) {
        let dir = TempDir::new().unwrap();
        let (records, _) = write(dir.path(), &history);
        let last = segment_paths(&dir).pop().unwrap();
        let len = fs::metadata(&last).unwrap().len();
        let len = SEGMENT_HEADER + at.index((len - SEGMENT_HEADER + 1) as usize) as u64;
        File::options().write(true).open(&last).unwrap().set_len(len).unwrap();

        let (mut appender, reader) = reopen(dir.path());
        let kept = reader.head().0 as usize;
        prop_assert_eq!(&all(&reader)[..], &records[..kept]);
        commit(&mut appender, &[b"next"]);
        let (_, reader) = reopen(dir.path());
        prop_assert_eq!(&all(&reader)[..kept], &records[..kept]);
        prop_assert_eq!(reader.head().0 as usize, kept + 1);
    }

    #[test]
    fn a_byte_overwritten_anywhere_takes_nothing_that_was_proven_durable(
        history in histories(),
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let dir = TempDir::new().unwrap();
        let (records, durable) = write(dir.path(), &history);
        let paths = segment_paths(&dir);
        let path = file.get(&paths);
        let mut bytes = fs::read(path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(path, &bytes).unwrap();

        match open(dir.path()) {
            Ok(log) => {
                prop_assert!(log.recovery().cut.is_some());
                let kept = all(&log.into_parts().1);
                prop_assert!(kept.len() as u64 >= durable);
                prop_assert_eq!(&kept[..], &records[..kept.len()]);
            }
            Err(Error::Corrupt { file, offset, .. }) => {
                prop_assert_eq!(&file, path);
                prop_assert!(offset <= at as u64);
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
}
