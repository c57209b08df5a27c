//! Texts that have rules: hat ids, titles, languages, and those of any words.

use std::{borrow::Borrow, fmt, sync::Arc};

use iri_string::{spec::UriSpec, validate};
use minicbor::{Decode, Encode};
use oxilangtag::LanguageTag as Bcp47;

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
