//! Values that JSON writes as words: enums, and times.

use std::str::FromStr as _;

use hatd_client::{Timestamp, pb};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An enum of the contract that is written as the contract's words are: `MEMBER`.
pub(crate) trait Word: Copy + Into<i32> + TryFrom<i32> {
    /// What stands before the words in the protobuf names.
    const PREFIX: &str;

    fn proto_name(self) -> &'static str;
    fn from_proto_name(name: &str) -> Option<Self>;

    fn word(self) -> &'static str {
        let name = self.proto_name();
        name.strip_prefix(Self::PREFIX).unwrap_or(name)
    }

    /// Reads a word in any case, with `-` for `_` too. `UNSPECIFIED` is not one.
    fn parse(text: &str) -> Result<Self, String> {
        let word = text.to_ascii_uppercase().replace('-', "_");
        Self::from_proto_name(&format!("{}{word}", Self::PREFIX))
            .filter(|_| word != "UNSPECIFIED")
            .ok_or_else(|| format!("{text:?} is not one of {}", Self::words().join(", ")))
    }

    /// The words there are, without `UNSPECIFIED`.
    fn words() -> Vec<&'static str> {
        (1..).map_while(|value| Self::try_from(value).ok()).map(Self::word).collect()
    }
}

macro_rules! word {
    ($type:ty, $prefix:literal) => {
        impl Word for $type {
            const PREFIX: &str = $prefix;

            fn proto_name(self) -> &'static str {
                self.as_str_name()
            }

            fn from_proto_name(name: &str) -> Option<Self> {
                Self::from_str_name(name)
            }
        }
    };
}

word!(pb::Affiliation, "AFFILIATION_");
word!(pb::WriteAvailability, "WRITE_AVAILABILITY_");
word!(pb::HatPolicy, "HAT_POLICY_");
word!(pb::Eligibility, "ELIGIBILITY_");
word!(pb::SyncMode, "SYNC_MODE_");
word!(pb::ResetReason, "RESET_REASON_");
word!(pb::CommitCause, "COMMIT_CAUSE_");
word!(pb::ChangeType, "CHANGE_TYPE_");

/// A word in JSON. None is the contract's `UNSPECIFIED`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named<T>(pub(crate) Option<T>);

impl<T: Word> Named<T> {
    pub(super) fn of(value: i32) -> Self {
        Self(T::try_from(value).ok().filter(|_| value != 0))
    }

    pub(crate) fn value(self) -> i32 {
        self.0.map_or(0, Into::into)
    }

    /// The word, or nothing.
    pub(crate) fn text(self) -> &'static str {
        self.0.map_or("", Word::word)
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Word> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de, T: Word> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::parse(&text).map(Some).map(Self).map_err(D::Error::custom)
    }
}

/// A time, in JSON as RFC 3339 writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::from_str(&text)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{text:?} is not a time of RFC 3339")))
    }
}
