//! How values are laid out: a format byte, a CRC32C of what follows, and the record.

use minicbor::{Decode, Encode};

use crate::commit::Fingerprint;
use crate::hat::{Revision, Room};
use crate::time::Timestamp;

/// The format of every value so far.
const FORMAT: u8 = 1;
const HEADER_LEN: usize = 1 + 4;

/// What is kept of a room.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct StoredRoom {
    #[n(0)]
    pub(super) room: Room,
    /// The revision of its last commit.
    #[n(1)]
    pub(super) head: Revision,
}

/// What is remembered of an answered request.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct StoredRequest {
    /// What the request was.
    #[n(0)]
    pub(super) fingerprint: Fingerprint,
    /// Where its last commit stands.
    #[n(1)]
    pub(super) position: u64,
    /// When that was committed.
    #[n(2)]
    pub(super) time: Timestamp,
}

/// A record as a value.
#[expect(clippy::expect_used, reason = "encoding into a vector has no way to fail")]
pub(super) fn encode(record: &impl Encode<()>) -> Vec<u8> {
    let mut value = vec![FORMAT, 0, 0, 0, 0];
    minicbor::encode(record, &mut value).expect("a vector takes all bytes");
    if let Some((header, body)) = value.split_at_mut_checked(HEADER_LEN)
        && let Some(crc) = header.last_chunk_mut()
    {
        *crc = crc32c::crc32c(body).to_be_bytes();
    }
    value
}

/// The record of a value; none if it is not what [`encode`] made.
pub(super) fn decode<T>(value: &[u8]) -> Option<T>
where
    T: for<'b> Decode<'b, ()>,
{
    match value.split_at_checked(HEADER_LEN)? {
        ([FORMAT, crc @ ..], body) if *crc == crc32c::crc32c(body).to_be_bytes() => {
            minicbor::decode(body).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_or_is_seen_to_be_damaged() {
        let record = ("teacher".to_owned(), 7_u64);
        let value = encode(&record);
        assert_eq!(decode(&value), Some(record));
        for at in 0..value.len() {
            for bit in 0..8 {
                let mut damaged = value.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(decode::<(String, u64)>(&damaged), None);
            }
            assert_eq!(decode::<(String, u64)>(&value[..at]), None);
        }
    }
}
