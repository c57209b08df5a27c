//! What is known of hats: the values that the API carries and the store keeps.
//!
//! Stored values are CBOR maps with numbered fields, so that fields can be added. A field that has
//! its default is left out. Numbers are never used again.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use iri_string::{spec::UriSpec, validate};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use oxilangtag::LanguageTag as Bcp47;

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

/// Identifies a hat: an absolute URI. Compared byte by byte, never normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct HatId(#[cbor(n(0), with = "stored_text")] Arc<str>);

impl HatId {
    /// Takes `text` as it is, if it is a URI with a scheme (RFC 3986, section 3); a fragment is
    /// allowed.
    ///
    /// # Errors
    ///
    /// [`InvalidHatId`] if it is none, or longer than `bytes_max`.
    pub fn parse(text: &str, bytes_max: usize) -> Result<Self, InvalidHatId> {
        if text.is_empty() {
            return Err(InvalidHatId::Empty);
        }
        if text.len() > bytes_max {
            return Err(InvalidHatId::TooLong { bytes: text.len(), bytes_max });
        }
        match validate::iri::<UriSpec>(text) {
            Ok(()) => Ok(Self(text.into())),
            Err(_) => Err(InvalidHatId::NotAbsoluteUri),
        }
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A map of hats can be asked for a URI.
impl Borrow<str> for HatId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is no [`HatId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidHatId {
    /// The text is empty.
    #[error("a hat id cannot be empty")]
    Empty,
    /// The text is longer than allowed.
    #[error("a hat id of {bytes} bytes is longer than {bytes_max}")]
    TooLong {
        /// How long the text is, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        bytes_max: usize,
    },
    /// The text is no URI, or one without a scheme.
    #[error("a hat id must be an absolute URI in ASCII, such as urn:example:teacher")]
    NotAbsoluteUri,
}

/// What is displayed for a hat: a text that is not empty and shows as it reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Title(#[cbor(n(0), with = "stored_text")] Arc<str>);

impl Title {
    /// Takes `text` as it is.
    ///
    /// # Errors
    ///
    /// [`InvalidTitle`] if it is empty, longer than `bytes_max`, or has a character that breaks the
    /// line, changes the direction of other text, or cannot be sent in XML.
    pub fn parse(text: &str, bytes_max: usize) -> Result<Self, InvalidTitle> {
        if text.is_empty() {
            return Err(InvalidTitle::Empty);
        }
        check_line(text, bytes_max)?;
        match text.chars().find(|c| overrides_direction(*c)) {
            Some(c) => Err(InvalidTitle::Direction { code_point: c.into() }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is no [`Title`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidTitle {
    /// The text is empty.
    #[error("a title cannot be empty")]
    Empty,
    /// The text has a character that embeds, overrides or isolates a direction of writing.
    #[error("U+{code_point:04X} can make a title look like another one")]
    Direction {
        /// The first such character.
        code_point: u32,
    },
    /// The text is not one line of limited length.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

/// Checks a text that may have several lines, such as a description. It may be empty.
///
/// # Errors
///
/// [`InvalidText`] if it is longer than `bytes_max`, has a control character other than tab and
/// newline, or one that cannot be sent in XML.
pub fn check_text(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    check(text, bytes_max, |c| c.is_control() && !matches!(c, '\t' | '\n'))
}

/// Checks a text of one line, such as an actor or a reason. It may be empty.
///
/// # Errors
///
/// [`InvalidText`] if it is longer than `bytes_max`, has a control character or line separator, or
/// one that cannot be sent in XML.
pub fn check_line(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    check(text, bytes_max, |c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidText {
    /// The text is longer than allowed.
    #[error("a text of {bytes} bytes is longer than {bytes_max}")]
    TooLong {
        /// How long the text is, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        bytes_max: usize,
    },
    /// The text has a character that is not allowed.
    #[error("the character U+{code_point:04X} is not allowed")]
    Prohibited {
        /// The first such character.
        code_point: u32,
    },
}

fn check(text: &str, bytes_max: usize, prohibited: fn(char) -> bool) -> Result<(), InvalidText> {
    if text.len() > bytes_max {
        return Err(InvalidText::TooLong { bytes: text.len(), bytes_max });
    }
    match text.chars().find(|c| prohibited(*c) || !fits_xml(*c)) {
        Some(c) => Err(InvalidText::Prohibited { code_point: c.into() }),
        None => Ok(()),
    }
}

/// Whether XML 1.0 can carry `c`, controls aside (section 2.2, production 2).
fn fits_xml(c: char) -> bool {
    !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Whether `c` opens or closes an embedding, override or isolate (UAX #9, section 2).
fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A language, by a well-formed tag of BCP 47 in its canonical case, such as `de` or `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct LanguageTag(#[cbor(n(0), with = "stored_text")] Arc<str>);

impl LanguageTag {
    /// Longest tag, in bytes. Our choice: RFC 5646, section 4.4.1, asks for 35.
    pub const BYTES_MAX: usize = 64;

    /// Parses a tag, and gives it its canonical case.
    ///
    /// # Errors
    ///
    /// [`InvalidLanguageTag`] if `text` is not well-formed (RFC 5646, section 2.2.9), or longer
    /// than [`BYTES_MAX`](Self::BYTES_MAX).
    pub fn parse(text: &str) -> Result<Self, InvalidLanguageTag> {
        if text.len() > Self::BYTES_MAX {
            return Err(InvalidLanguageTag);
        }
        match Bcp47::parse_and_normalize(text) {
            Ok(tag) => Ok(Self(tag.into_inner().into())),
            Err(_) => Err(InvalidLanguageTag),
        }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no [`LanguageTag`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "a language must be a BCP 47 tag of at most {} bytes, such as de or zh-Hant-TW",
    LanguageTag::BYTES_MAX
)]
pub struct InvalidLanguageTag;

/// A hue angle in degrees, from 0 to below 360 (XEP-0392).
#[derive(Debug, Clone, Copy)]
pub struct Hue(f64);

impl Hue {
    /// The hue of `degrees`, `None` if that is not in 0 ≤ `degrees` < 360.
    pub fn new(degrees: f64) -> Option<Self> {
        // Adding zero makes -0 of 0, so that equal hues have equal bits.
        (0.0..360.0).contains(&degrees).then_some(Self(degrees + 0.0))
    }

    /// The angle, in degrees.
    pub fn degrees(self) -> f64 {
        self.0
    }
}

impl PartialEq for Hue {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Hue {}

impl PartialOrd for Hue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Hue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl<C> Encode<C> for Hue {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.f64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Hue {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        Self::new(d.f64()?).ok_or_else(|| decode::Error::message("hue out of range").at(at))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Texts of which an empty one means something else. What was stored had been parsed.
mod stored_text {
    use std::sync::Arc;

    use minicbor::{
        Decoder, Encoder,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub(super) fn encode<C, W: Write>(
        text: &Arc<str>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.str(text)?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Arc<str>, DecodeError> {
        let at = d.position();
        match d.str()? {
            "" => Err(DecodeError::message("empty text").at(at)),
            text => Ok(text.into()),
        }
    }
}

#[cfg(test)]
mod tests;
