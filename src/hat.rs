//! What is known of hats: the values that the API carries and the store keeps.
//!
//! Stored values are CBOR maps with numbered fields, so that fields can be added. A field that has
//! its default is left out. Numbers are never used again.

mod hue;
mod text;

use std::{collections::BTreeMap, fmt};

use minicbor::{Decode, Encode};

pub use self::hue::Hue;
pub use self::text::{
    HatId, InvalidHatId, InvalidLanguageTag, InvalidText, InvalidTitle, LanguageTag, Title,
    check_line, check_text,
};
use crate::time::Timestamp;

/// What a user is to a room, lasting (XEP-0045, section 5.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Affiliation {
    /// Owns the room.
    #[n(1)]
    Owner,
    /// Administers the room.
    #[n(2)]
    Admin,
    /// Belongs to the room.
    #[n(3)]
    Member,
    /// Has no lasting relation to the room.
    #[default]
    #[n(4)]
    None,
    /// Is banned from the room.
    #[n(5)]
    Outcast,
}

impl Affiliation {
    /// Whether a user with it belongs to the room: an owner, admin or member.
    pub fn is_affiliated(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Member => true,
            Self::None | Self::Outcast => false,
        }
    }
}

/// Which hats may newly be put on in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum HatPolicy {
    /// Every absolute URI is a hat.
    #[default]
    #[n(1)]
    AnyUri,
    /// Only hats of the room's catalogue. Hats that users have already stay.
    #[n(2)]
    DefinedOnly,
}

/// Which users of a room can have hats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Eligibility {
    /// Those who are affiliated with it.
    #[default]
    #[n(1)]
    Affiliated,
    /// Every user but an outcast.
    #[n(2)]
    Anyone,
}

/// The number of a commit. Strictly rises within one room; gaps are allowed. Revisions of different
/// rooms have no order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Revision(#[n(0)] u64);

impl Revision {
    /// Before the first commit: the revision of what has never been written.
    pub const NONE: Self = Self(0);

    /// The revision of number `revision`.
    pub const fn new(revision: u64) -> Self {
        Self(revision)
    }

    /// The number, as the API carries it.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision after this one.
    ///
    /// # Panics
    ///
    /// If this is the last that 64 bits can hold.
    pub fn next(self) -> Self {
        #[expect(clippy::expect_used, reason = "2^64 commits outlast every room")]
        Self(self.0.checked_add(1).expect("revisions never run out"))
    }

    /// What names the state of a record whose last change was this commit. Callers only compare it.
    ///
    /// A record that is absent has the etag of [`NONE`](Self::NONE).
    pub fn etag(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who asked for a change, and why. A note, of which each part may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Context {
    /// Who asked, in the caller's words.
    #[cbor(n(0), skip_if = "is_default")]
    pub actor: String,
    /// Why.
    #[cbor(n(1), skip_if = "is_default")]
    pub reason: String,
}

/// Who gave a hat, why, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Given {
    /// The [`Context::actor`] of the call that gave the hat.
    #[cbor(n(0), skip_if = "is_default")]
    pub actor: String,
    /// The [`Context::reason`] of the call that gave the hat.
    #[cbor(n(1), skip_if = "is_default")]
    pub reason: String,
    /// When the call was committed.
    #[n(2)]
    pub time: Timestamp,
}

/// How one user has one hat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Attachment {
    /// Whether the user wears the hat: only worn hats are displayed.
    #[cbor(n(0), skip_if = "is_default")]
    pub active: bool,
    /// Whether the hat is managed by the system: its user can neither doff nor discard it.
    #[cbor(n(1), skip_if = "is_default")]
    pub required: bool,
    /// What is displayed for this user, instead of the definition's title.
    #[n(2)]
    pub title: Option<Title>,
    /// When the hat ends.
    #[n(3)]
    pub expire_time: Option<Timestamp>,
    /// Who gave the hat, why, and when.
    #[n(4)]
    pub given: Option<Given>,
}

impl Attachment {
    /// Whether the two are equal but for `given`, which is a note about the attachment.
    pub fn same_but_given(&self, other: &Self) -> bool {
        let Self { active, required, title, expire_time, given: _ } = self;
        *active == other.active
            && *required == other.required
            && *title == other.title
            && *expire_time == other.expire_time
    }
}

/// A hat as a room knows it. A room's definitions are its catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct HatDefinition {
    /// The hat.
    #[n(0)]
    pub hat_id: HatId,
    /// What is displayed for the hat, instead of its id.
    #[n(1)]
    pub title: Option<Title>,
    /// Titles by language.
    #[cbor(n(2), skip_if = "is_default")]
    pub titles: BTreeMap<LanguageTag, Title>,
    /// The hat's colour.
    #[n(3)]
    pub hue: Option<Hue>,
    /// Where the hat stands among others: rising, then by hat id.
    #[cbor(n(4), skip_if = "is_default")]
    pub position: i32,
    /// What the hat is for. May be empty.
    #[cbor(n(5), skip_if = "is_default")]
    pub description: String,
    /// Whether a user may claim the hat.
    #[cbor(n(6), skip_if = "is_default")]
    pub self_assignable: bool,
    /// The last commit that changed this definition.
    #[cbor(n(7), skip_if = "is_default")]
    pub revision: Revision,
}

impl HatDefinition {
    /// Whether the two are equal but for `revision`, which says when, not what.
    pub fn same_but_revision(&self, other: &Self) -> bool {
        let Self {
            hat_id,
            title,
            titles,
            hue,
            position,
            description,
            self_assignable,
            revision: _,
        } = self;
        *hat_id == other.hat_id
            && *title == other.title
            && *titles == other.titles
            && *hue == other.hue
            && *position == other.position
            && *description == other.description
            && *self_assignable == other.self_assignable
    }
}

/// The settings of a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Room {
    /// Which hats may newly be put on.
    #[cbor(n(0), skip_if = "is_default")]
    pub hat_policy: HatPolicy,
    /// Which users can have hats.
    #[cbor(n(1), skip_if = "is_default")]
    pub eligibility: Eligibility,
    /// The last commit that changed these settings.
    #[cbor(n(2), skip_if = "is_default")]
    pub revision: Revision,
}

/// All that is kept for one user in one room. The default is what an unknown user has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Document {
    /// What the user is to the room.
    #[cbor(n(0), skip_if = "is_default")]
    pub affiliation: Affiliation,
    /// The user's hats.
    #[cbor(n(1), skip_if = "is_default")]
    pub hats: BTreeMap<HatId, Attachment>,
    /// The last commit that changed this document.
    #[cbor(n(2), skip_if = "is_default")]
    pub revision: Revision,
    /// When that was.
    #[n(3)]
    pub update_time: Option<Timestamp>,
}

impl Document {
    /// What a hat counts besides its texts, in bytes: above what its flags and two times take as
    /// stored.
    const HAT_BYTES: usize = 32;

    /// Whether there is nothing to keep: neither an affiliation nor a hat.
    pub fn is_absent(&self) -> bool {
        self.affiliation == Affiliation::None && self.hats.is_empty()
    }

    /// Whether the user has a hat.
    pub fn has_hats(&self) -> bool {
        !self.hats.is_empty()
    }

    /// How large the document is, in bytes: for each hat those of its id, title, actor and reason,
    /// and 32 for the rest of it.
    ///
    /// A measure that callers can follow, unlike the stored bytes, and that a change of the storage
    /// format leaves alone.
    pub fn size_bytes(&self) -> usize {
        self.hats
            .iter()
            .map(|(hat_id, attachment)| {
                let title = attachment.title.as_ref().map_or(0, |title| title.as_str().len());
                let given = attachment
                    .given
                    .as_ref()
                    .map_or(0, |given| given.actor.len() + given.reason.len());
                Self::HAT_BYTES + hat_id.as_str().len() + title + given
            })
            .sum()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
