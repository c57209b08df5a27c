//! From a state and what changed since, to the state after.

use super::delta::Change;
use super::{Delta, Error, Kind, Reader, Record};
use crate::store::embedded::values::{StoredRequest, StoredRoom, decode};
use crate::time::Timestamp;

/// Shows every record of the state that `base` (nothing, if there is none) becomes by
/// `delta`, in order. Requests that were answered before a time are forgotten.
///
/// # Errors
///
/// As reading `base`; those of `show`.
pub(super) fn merge<E: From<Error>>(
    mut base: Option<Reader>,
    mut delta: Delta,
    forget_before: Timestamp,
    mut show: impl FnMut(Kind, &[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut changes = std::mem::take(&mut delta.changes).into_iter().peekable();
    let mut show = |kind: Kind, key: &[u8], value: &[u8]| {
        let is_old = kind == Kind::Request
            && decode(value).is_none_or(|request: StoredRequest| request.time < forget_before);
        if is_old { Ok(()) } else { show(kind, key, value) }
    };
    let mut next = read(base.as_mut(), &delta)?;
    loop {
        let is_change_first = match (&next, changes.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(record), Some(((kind, key), _))) => {
                (*kind, key.as_slice()) <= (record.kind, record.key.as_slice())
            }
        };
        if is_change_first {
            let Some(((kind, key), change)) = changes.next() else { continue };
            let is_same = |record: &mut Record| record.kind == kind && record.key == key;
            let before = next.take_if(is_same);
            if let Some(value) = apply(change, before.as_ref(), kind) {
                show(kind, &key, &value)?;
            }
            if before.is_none() {
                continue;
            }
        } else if let Some(record) = next.take() {
            show(record.kind, &record.key, &record.value)?;
        }
        next = read(base.as_mut(), &delta)?;
    }
}

fn apply(change: Change, before: Option<&Record>, kind: Kind) -> Option<Vec<u8>> {
    let is_room = kind == Kind::Room;
    let room = before.filter(|_| is_room).and_then(|record| decode::<StoredRoom>(&record.value));
    change.apply(room)
}

/// The next record that is not wiped.
fn read(base: Option<&mut Reader>, delta: &Delta) -> Result<Option<Record>, Error> {
    let Some(base) = base else { return Ok(None) };
    while let Some(record) = base.next()? {
        if !delta.wipes(record.kind, &record.key) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}
