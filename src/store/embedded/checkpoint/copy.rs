//! A checkpoint as the beginning of another history.

use std::path::Path;

use super::{Error, Header, Kind, Reader, Writer};

/// Writes the records of a checkpoint to a new file under another header, without answers to
/// requests: these stand in a log that the other history does not have. Answers how many records
/// that were. The file's name is for the caller to make durable.
///
/// # Errors
///
/// As reading the one and writing the other.
pub(in super::super) fn copy_state(
    mut from: Reader,
    to: &Path,
    header: Header,
) -> Result<u64, Error> {
    let mut writer = Writer::create(to, header)?;
    let mut records = 0;
    while let Some(record) = from.next()? {
        if record.kind != Kind::Request {
            writer.put(record.kind, &record.key, &record.value)?;
            records += 1;
        }
    }
    writer.finish()?;
    Ok(records)
}
