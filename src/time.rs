//! Points in time, as the API carries them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A point in time between the years 1 and 9999, to the nanosecond: the range of
/// `google.protobuf.Timestamp`. Orders by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the first of `google.protobuf.Timestamp`.
    pub const MIN: Self = Self { seconds: -62_135_596_800, nanos: 0 };

    /// 9999-12-31T23:59:59.999999999Z, the last of `google.protobuf.Timestamp`.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanos: 999_999_999 };

    /// Makes a timestamp from the fields of a `google.protobuf.Timestamp`: `seconds` since
    /// 1970-01-01T00:00:00Z and, counted forward from there, `nanos`.
    ///
    /// `None` if it lies outside [`MIN`](Self::MIN) to [`MAX`](Self::MAX), or `nanos` outside one
    /// second.
    pub fn new(seconds: i64, nanos: i32) -> Option<Self> {
        let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos <= Self::MAX.nanos)?;
        let in_range = (Self::MIN.seconds..=Self::MAX.seconds).contains(&seconds);
        in_range.then_some(Self { seconds, nanos })
    }

    /// Reads the wall clock, which may step back.
    pub fn now() -> Self {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::EPOCH.saturating_add(after),
            Err(before) => Self::EPOCH.saturating_sub(before.duration()),
        }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down: negative before it.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since [`seconds`](Self::seconds), less than a second.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// The time `duration` later, or [`MAX`](Self::MAX) if that is out of range.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self::from_total_nanos(self.total_nanos().saturating_add(duration_nanos(duration)))
    }

    /// The time `duration` earlier, or [`MIN`](Self::MIN) if that is out of range.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self::from_total_nanos(self.total_nanos().saturating_sub(duration_nanos(duration)))
    }

    /// How long `self` is after `earlier`: zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = (self.total_nanos() - earlier.total_nanos()).max(0);
        let seconds = u64::try_from(nanos / NANOS_PER_SECOND).unwrap_or(u64::MAX);
        let subsecond = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or_default();
        Duration::new(seconds, subsecond)
    }

    /// Twelve bytes that sort as the timestamps do.
    pub fn to_key(self) -> [u8; 12] {
        let mut key = [0; 12];
        let (seconds, nanos) = key.split_at_mut(8);
        // Flipping the sign bit puts negative numbers before the others.
        seconds.copy_from_slice(&(self.seconds ^ i64::MIN).to_be_bytes());
        nanos.copy_from_slice(&self.nanos.to_be_bytes());
        key
    }

    /// The timestamp of which `key` is the [`to_key`](Self::to_key), `None` if there is none.
    pub fn from_key(key: [u8; 12]) -> Option<Self> {
        let (seconds, nanos) = key.split_first_chunk()?;
        let seconds = i64::from_be_bytes(*seconds) ^ i64::MIN;
        let nanos = i32::from_be_bytes(nanos.try_into().ok()?);
        Self::new(seconds, nanos)
    }

    const EPOCH: Self = Self { seconds: 0, nanos: 0 };

    fn total_nanos(self) -> i128 {
        i128::from(self.seconds) * NANOS_PER_SECOND + i128::from(self.nanos)
    }

    fn from_total_nanos(total: i128) -> Self {
        let seconds = i64::try_from(total.div_euclid(NANOS_PER_SECOND)).ok();
        let nanos = i32::try_from(total.rem_euclid(NANOS_PER_SECOND)).ok();
        let saturated = if total < 0 { Self::MIN } else { Self::MAX };
        seconds
            .zip(nanos)
            .and_then(|(seconds, nanos)| Self::new(seconds, nanos))
            .unwrap_or(saturated)
    }
}

fn duration_nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// An array of seconds and nanoseconds.
impl<C> Encode<C> for Timestamp {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?.i64(self.seconds)?.u32(self.nanos)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Timestamp {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        let (seconds, nanos) = d.decode()?;
        Self::new(seconds, nanos)
            .ok_or_else(|| decode::Error::message("timestamp out of range").at(at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timestamps() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.seconds..=Timestamp::MAX.seconds, 0..1_000_000_000)
            .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap())
    }

    #[test]
    fn the_range_is_that_of_protobuf() {
        for (seconds, nanos) in [
            (Timestamp::MIN.seconds - 1, 999_999_999),
            (Timestamp::MAX.seconds + 1, 0),
            (0, -1),
            (0, 1_000_000_000),
            (i64::MIN, 0),
            (i64::MAX, i32::MAX),
        ] {
            assert_eq!(Timestamp::new(seconds, nanos), None, "{seconds}.{nanos}");
        }
        assert_eq!(Timestamp::new(-62_135_596_800, 0), Some(Timestamp::MIN));
        assert_eq!(Timestamp::new(253_402_300_799, 999_999_999), Some(Timestamp::MAX));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_range() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::from_nanos(1)), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.saturating_sub(Duration::from_nanos(1)), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.saturating_sub(Duration::MAX), Timestamp::MIN);
        assert_eq!(
            Timestamp::new(-1, 999_999_999).unwrap().saturating_add(Duration::from_nanos(1)),
            Timestamp::EPOCH
        );
    }

    #[test]
    fn the_wall_clock_is_after_this_was_written() {
        assert!(Timestamp::now() > Timestamp::new(1_760_000_000, 0).unwrap());
    }

    #[test]
    fn a_stored_timestamp_out_of_range_is_an_error() {
        for stored in [(i64::MAX, 0), (0, -1), (0, 1_000_000_000)] {
            let bytes = minicbor::to_vec(stored).unwrap();
            assert!(decode::<Timestamp>(&bytes).is_err(), "{stored:?}");
        }
        assert_eq!(Timestamp::from_key([0; 12]), None);
        assert_eq!(Timestamp::from_key([0xff; 12]), None);
    }

    proptest! {
        #[test]
        fn keys_and_encodings_come_back(time in timestamps()) {
            prop_assert_eq!(Timestamp::from_key(time.to_key()), Some(time));
            let bytes = minicbor::to_vec(time).unwrap();
            prop_assert_eq!(decode::<Timestamp>(&bytes).unwrap(), time);
        }

        #[test]
        fn keys_sort_as_timestamps(a in timestamps(), b in timestamps()) {
            prop_assert_eq!(a.to_key().cmp(&b.to_key()), a.cmp(&b));
        }

        #[test]
        fn what_lies_between_two_times_leads_from_one_to_the_other(
            a in timestamps(),
            b in timestamps(),
        ) {
            let (earlier, later) = (a.min(b), a.max(b));
            let between = later.since(earlier);
            prop_assert_eq!(earlier.saturating_add(between), later);
            prop_assert_eq!(later.saturating_sub(between), earlier);
            prop_assert!(earlier == later || earlier.since(later) == Duration::ZERO);
        }
    }
}
