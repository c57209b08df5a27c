//! Who and where: the bare JIDs that name rooms and users (RFC 7622).
//!
//! Every spelling of a JID becomes one text, so that it is one key. Local parts are prepared by
//! nodeprep (RFC 6122, appendix A) and domains by nameprep (RFC 3491), as XMPP servers do; before
//! that, A-labels (`xn--…`) become Unicode. A text that preparing twice would change again is
//! refused: it has no single spelling.

use std::{borrow::Borrow, cmp::Ordering, fmt, net::Ipv6Addr, sync::Arc};

use ::jid::{DomainPart, NodePart};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// Longest text that is looked at, in bytes. Twice what a bare JID can be (two parts of
/// 1,023 bytes each), for spellings that preparation makes shorter.
const TEXT_BYTES_MAX: usize = 4096;

/// Longest local part or domain, in bytes (RFC 7622, sections 3.2 and 3.3).
const PART_BYTES_MAX: usize = 1023;

/// Why a text names no room, user or domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidJid {
    /// The text is empty.
    #[error("a JID cannot be empty")]
    Empty,
    /// The text is longer than any bare JID.
    #[error("a bare JID cannot be longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// The text has a `/`: it is a full JID.
    #[error("a bare JID has no resource: leave out the '/' and what follows it")]
    Resource,
    /// The text has more than one `@`.
    #[error("a JID has at most one '@'")]
    TooManyAts,
    /// A room's JID has no local part.
    #[error("a room's JID needs a local part: local@domain")]
    LocalMissing,
    /// A domain has a local part.
    #[error("a domain has no local part: leave out the '@' and what precedes it")]
    LocalUnexpected,
    /// Nothing is left of the local part.
    #[error("the part before the '@' cannot be empty")]
    LocalEmpty,
    /// The local part is longer than 1,023 bytes once prepared.
    #[error("the part before the '@' cannot be longer than {PART_BYTES_MAX} bytes")]
    LocalTooLong,
    /// The local part has characters that nodeprep prohibits, or has no single spelling.
    #[error("the part before the '@' has characters that a JID cannot have")]
    LocalProhibited,
    /// The domain is neither a host name that DNS can carry nor an IP address.
    #[error("the domain must be a valid host name or an IP address ('[…]' around an IPv6 one)")]
    Domain,
}

/// A chat room's bare JID: `local@domain`. Orders by domain, then local part, each by bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoomJid {
    text: Arc<str>,
    /// Where the `@` stands: never at an end of the text.
    at: usize,
}

impl RoomJid {
    /// Parses and normalises a room's JID.
    ///
    /// # Errors
    ///
    /// [`InvalidJid`] if `text` is no bare JID, or has no local part.
    pub fn parse(text: &str) -> Result<Self, InvalidJid> {
        let (local, domain) = split(text)?;
        let local = normalise_local(local.ok_or(InvalidJid::LocalMissing)?)?;
        let domain = normalise_domain(domain)?;
        Ok(Self { text: format!("{local}@{domain}").into(), at: local.len() })
    }

    /// The room of parts that were stored normalised; none if they have not the shape.
    pub(crate) fn from_stored(local: &str, domain: &str) -> Option<Self> {
        let text = format!("{local}@{domain}");
        let is_room = matches!(split_stored(&text), Some((Some(part), _)) if part == local);
        is_room.then(|| Self { text: text.into(), at: local.len() })
    }

    /// The whole JID, normalised.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`: the room within its service.
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The part after the `@`: the service.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

impl Ord for RoomJid {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.domain(), self.local()).cmp(&(other.domain(), other.local()))
    }
}

impl PartialOrd for RoomJid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RoomJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RoomJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoomJid").field(&self.as_str()).finish()
    }
}

/// Text, as [`RoomJid::as_str`] gives it.
impl<C> Encode<C> for RoomJid {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

/// Only the shape is checked: what was stored had been normalised.
impl<'b, C> Decode<'b, C> for RoomJid {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let position = d.position();
        let text = d.str()?;
        match split_stored(text) {
            Some((Some(local), _)) => Ok(Self { text: text.into(), at: local.len() }),
            Some((None, _)) | None => {
                Err(decode::Error::message("malformed room JID").at(position))
            }
        }
    }
}

/// A person's bare JID: `local@domain`, or a domain alone. Orders by its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserJid(Arc<str>);

impl UserJid {
    /// Parses and normalises a user's JID.
    ///
    /// # Errors
    ///
    /// [`InvalidJid`] if `text` is no bare JID.
    pub fn parse(text: &str) -> Result<Self, InvalidJid> {
        let (local, domain) = split(text)?;
        let Some(local) = local else { return Ok(Self(normalise_domain(domain)?.into())) };
        Ok(Self(format!("{}@{}", normalise_local(local)?, normalise_domain(domain)?).into()))
    }

    /// The user of text that was stored normalised; none if it has not the shape.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        split_stored(text).map(|_| Self(text.into()))
    }

    /// The whole JID, normalised.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for UserJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserJid").field(&self.as_str()).finish()
    }
}

/// Text, as [`UserJid::as_str`] gives it.
impl<C> Encode<C> for UserJid {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

/// Only the shape is checked: what was stored had been normalised.
impl<'b, C> Decode<'b, C> for UserJid {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let position = d.position();
        let text = d.str()?;
        split_stored(text)
            .map(|_| Self(text.into()))
            .ok_or_else(|| decode::Error::message("malformed user JID").at(position))
    }
}

/// A chat service's domain, as in [`RoomJid::domain`]. Orders by its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Parses and normalises a domain.
    ///
    /// # Errors
    ///
    /// [`InvalidJid`] if `text` is no domain, or has a local part or resource.
    pub fn parse(text: &str) -> Result<Self, InvalidJid> {
        match split(text)? {
            (None, domain) => Ok(Self(normalise_domain(domain)?.into())),
            (Some(_), _) => Err(InvalidJid::LocalUnexpected),
        }
    }

    /// The domain, normalised.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A set of domains can be asked for [`RoomJid::domain`].
impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.as_str()).finish()
    }
}

/// Splits a bare JID as it was written into local part and domain.
fn split(text: &str) -> Result<(Option<&str>, &str), InvalidJid> {
    if text.is_empty() {
        return Err(InvalidJid::Empty);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(InvalidJid::TooLong);
    }
    if text.contains('/') {
        return Err(InvalidJid::Resource);
    }
    match text.split_once('@') {
        None => Ok((None, text)),
        Some((_, rest)) if rest.contains('@') => Err(InvalidJid::TooManyAts),
        Some((local, domain)) => Ok((Some(local), domain)),
    }
}

/// Splits a bare JID as it was stored, `None` if it can never have been one.
fn split_stored(text: &str) -> Option<(Option<&str>, &str)> {
    let (local, domain) = split(text).ok()?;
    let fits = |part: &str| (1..=PART_BYTES_MAX).contains(&part.len());
    let valid = fits(domain) && local.is_none_or(fits) && !text.contains(char::is_control);
    valid.then_some((local, domain))
}

fn normalise_local(text: &str) -> Result<String, InvalidJid> {
    fixed_point(text, prepare_local, InvalidJid::LocalProhibited)
}

fn normalise_domain(text: &str) -> Result<String, InvalidJid> {
    fixed_point(text, prepare_domain, InvalidJid::Domain)
}

/// Prepares `text`, and refuses what preparing once more would change.
///
/// The tables of stringprep are those of Unicode 3.2, its normalisation is of today: a younger
/// character can become an older one that stringprep would have mapped, such as a capital.
fn fixed_point(
    text: &str,
    prepare: fn(&str) -> Result<String, InvalidJid>,
    unstable: InvalidJid,
) -> Result<String, InvalidJid> {
    let prepared = prepare(text)?;
    if prepared == text || prepare(&prepared)? == prepared { Ok(prepared) } else { Err(unstable) }
}

fn prepare_local(text: &str) -> Result<String, InvalidJid> {
    match NodePart::new(text) {
        Ok(local) => Ok(local.into_owned().into_inner()),
        Err(::jid::Error::NodeEmpty) => Err(InvalidJid::LocalEmpty),
        Err(::jid::Error::NodeTooLong) => Err(InvalidJid::LocalTooLong),
        Err(_) => Err(InvalidJid::LocalProhibited),
    }
}

fn prepare_domain(text: &str) -> Result<String, InvalidJid> {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| InvalidJid::Domain)?;
        return Ok(format!("[{address}]"));
    }

    // Nameprep maps these two away; IDNA would refuse them in most places.
    let text = text.replace(['\u{200C}', '\u{200D}'], "");
    let (unicode, valid) =
        Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::URL, Hyphens::Check);
    valid.map_err(|_| InvalidJid::Domain)?;
    // RFC 7622, section 3.2: one final dot, the root's, is no part of the domain.
    let host = unicode.strip_suffix('.').unwrap_or(&unicode);
    Uts46::new()
        .to_ascii(host.as_bytes(), AsciiDenyList::URL, Hyphens::Check, DnsLength::Verify)
        .map_err(|_| InvalidJid::Domain)?;

    // Nameprep is for single labels (RFC 3490, section 4): over a whole domain its rule for
    // right-to-left text would refuse a Hebrew label under an English one.
    let labels: Result<Vec<String>, _> = host
        .split('.')
        .map(|label| DomainPart::new(label).map(|label| label.into_owned().into_inner()))
        .collect();
    Ok(labels.map_err(|_| InvalidJid::Domain)?.join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(text: &str) -> Result<String, InvalidJid> {
        UserJid::parse(text).map(|jid| jid.to_string())
    }

    fn check_one_key(key: &str, spellings: &[&str]) {
        for spelling in spellings.iter().chain([&key]) {
            assert_eq!(user(spelling).as_deref(), Ok(key), "{spelling:?}");
        }
    }

    fn check_refused(error: InvalidJid, texts: &[&str]) {
        for text in texts {
            assert_eq!(user(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn parts_that_are_missing_or_doubled_are_refused() {
        check_refused(InvalidJid::Empty, &[""]);
        check_refused(InvalidJid::LocalEmpty, &["@b", "@", "\u{200D}@b"]);
        check_refused(InvalidJid::Domain, &["a@", "a@.", ".", "a@b..", "a@.b", "a@b..c", " "]);
        check_refused(InvalidJid::TooManyAts, &["a@b@c", "@@"]);
    }

    #[test]
    fn a_local_part_has_at_most_1023_bytes() {
        let longest = "a".repeat(1023);
        assert!(RoomJid::parse(&format!("{longest}@b")).is_ok());
        check_refused(InvalidJid::LocalTooLong, &[&format!("{longest}a@b")]);
        // What counts is the prepared text, in which the three bytes of U+FF21 are one.
        assert_eq!(user(&format!("{}@b", "\u{FF21}".repeat(1023))), Ok(format!("{longest}@b")));
        check_refused(InvalidJid::TooLong, &[&format!("{}@b", "\u{FF21}".repeat(1400))]);
    }

    /// RFC 7622 allows 1,023 bytes, of which DNS carries 253.
    #[test]
    fn a_domain_is_as_long_as_dns_carries() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(user(&longest).as_deref(), Ok(&*longest));
        let too_long = ["a".repeat(64), format!("{longest}a"), "a.".repeat(511) + "a"];
        check_refused(InvalidJid::Domain, &too_long.each_ref().map(|domain| &**domain));
    }

    #[test]
    fn a_full_jid_is_refused() {
        check_refused(InvalidJid::Resource, &["a@b/c", "b/c", "a@b/", "/", "a/b@c", "a@b/c@d"]);
        assert_eq!(RoomJid::parse("room@service/nick"), Err(InvalidJid::Resource));
        assert_eq!(Domain::parse("service/nick"), Err(InvalidJid::Resource));
        // A full-width solidus is a solidus once prepared.
        assert_eq!(user("a\u{FF0F}b@c"), Err(InvalidJid::LocalProhibited));
        assert_eq!(user("a@b\u{FF0F}c"), Err(InvalidJid::Domain));
    }

    #[test]
    fn control_and_bidi_override_characters_are_refused() {
        for c in
            "\0\u{1}\t\n\r \u{7F}\u{80}\u{85}\u{9F}\u{202A}\u{202E}\u{2066}\u{2028}\u{FFFE}".chars()
        {
            check_refused(InvalidJid::LocalProhibited, &[&format!("a{c}b@c"), &format!("{c}@c")]);
            check_refused(InvalidJid::Domain, &[&format!("a@b{c}c"), &format!("a@{c}b")]);
        }
    }

    #[test]
    fn characters_that_nodeprep_prohibits_are_refused() {
        for c in "\"&':<> \u{FF20}\u{E000}\u{FFFD}\u{E0001}".chars() {
            check_refused(InvalidJid::LocalProhibited, &[&format!("a{c}b@c")]);
        }
    }

    #[test]
    fn invisible_characters_are_mapped_away() {
        check_one_key(
            "ab@cd.example",
            &[
                "a\u{200D}b@cd.example",
                "a\u{200C}b@cd.example",
                "\u{FEFF}ab@cd.example",
                "a\u{AD}b@cd.example",
                "ab@c\u{200D}d.example",
                "ab@c\u{200C}d.example",
                "ab@\u{FEFF}cd.example",
                "ab@c\u{AD}d.example",
            ],
        );
    }

    #[test]
    fn spellings_of_a_local_part_are_one_key() {
        check_one_key("caf\u{E9}@b", &["cafe\u{301}@b", "CAF\u{C9}@b"]);
        check_one_key("abc@b", &["ABC@b", "\u{FF41}\u{FF22}c@b"]);
        check_one_key("k@b", &["K@b", "\u{212A}@b"]);
        check_one_key("strasse@b", &["stra\u{DF}e@b", "STRASSE@b"]);
        check_one_key("i\u{307}@b", &["\u{130}@b", "I\u{307}@b"]);
        // The capital sharp s came with Unicode 5.1, after stringprep's 3.2.
        check_refused(InvalidJid::LocalProhibited, &["stra\u{1E9E}e@b"]);
    }

    #[test]
    fn spellings_of_a_domain_are_one_key() {
        check_one_key("a@b.example", &["a@B.EXAMPLE", "a@b.example.", "a@\u{FF42}.example"]);
        check_one_key("a@b.example", &["a@b\u{3002}example\u{3002}", "a@b\u{FF0E}example"]);
        check_one_key("a@k.example", &["a@\u{212A}.example"]);
        check_one_key(
            "a@b\u{FC}cher.example",
            &[
                "a@xn--bcher-kva.example",
                "a@XN--BCHER-KVA.example.",
                "a@B\u{DC}CHER.example",
                "a@bu\u{308}cher.example",
            ],
        );
        check_one_key(
            "fass.example",
            &["fa\u{DF}.example", "fa\u{1E9E}.example", "xn--fa-hia.example"],
        );
        check_one_key("i\u{307}x.example", &["\u{130}x.example"]);
        check_one_key("\u{5D0}\u{5D1}.example", &["xn--4dbc.example"]);
        check_one_key("localhost", &["LOCALHOST."]);
    }

    #[test]
    fn spellings_of_an_address_are_one_key() {
        check_one_key("a@127.0.0.1", &["a@127.0.0.1.", "a@\u{FF11}27.0.0.1"]);
        check_one_key("[::1]", &["[0:0:0:0:0:0:0:1]", "[0000::0001]"]);
        check_one_key("a@[2001:db8::a]", &["a@[2001:DB8::A]", "a@[2001:0db8:0::000a]"]);
        check_refused(InvalidJid::Domain, &["::1", "[::1", "[]", "[::1%eth0]", "[::1].", "[a]"]);
    }

    /// RUSTSEC-2024-0421.
    #[test]
    fn punycode_that_is_no_a_label_is_refused() {
        check_refused(
            InvalidJid::Domain,
            &["xn--example-.", "a@xn--example-", "xn--a", "xn--.example", "xn--\u{FC}.example"],
        );
    }

    /// What makes stringprep's tables and today's normalisation disagree.
    #[test]
    fn a_local_part_without_a_single_spelling_is_refused() {
        // A squared capital A normalises to "A" and that, once prepared again, to "a".
        check_refused(InvalidJid::LocalProhibited, &["\u{1F130}@b"]);
    }

    #[test]
    fn a_room_has_a_local_part_and_a_domain_none() {
        let room = RoomJid::parse("Atrium@Chat.Example").unwrap();
        assert_eq!((room.local(), room.domain()), ("atrium", "chat.example"));
        assert_eq!(room.to_string(), "atrium@chat.example");
        assert_eq!(RoomJid::parse("chat.example"), Err(InvalidJid::LocalMissing));
        assert_eq!(Domain::parse("Chat.Example.").unwrap().as_str(), room.domain());
        assert_eq!(Domain::parse("a@chat.example"), Err(InvalidJid::LocalUnexpected));
        assert_eq!(user("chat.example").as_deref(), Ok("chat.example"));
    }

    #[test]
    fn rooms_sort_by_domain_and_users_by_bytes() {
        let rooms = ["b@a", "a-b@a.b", "a@a.b", "a@b"];
        let mut sorted = rooms.map(|room| RoomJid::parse(room).unwrap());
        sorted.sort();
        assert_eq!(sorted.map(|room| room.to_string()), ["b@a", "a@a.b", "a-b@a.b", "a@b"]);

        let mut users = ["b@a", "a@b", "a-b@b"].map(|user| UserJid::parse(user).unwrap());
        users.sort();
        assert_eq!(users.map(|user| user.to_string()), ["a-b@b", "a@b", "b@a"]);
    }

    #[test]
    fn a_stored_jid_of_no_shape_is_an_error() {
        let long = format!("{}@b", "a".repeat(1024));
        for stored in ["", "@", "a@", "@b", "a@b@c", "a@b/c", "a\0@b", "a@b\0", &long] {
            let bytes = minicbor::to_vec(stored).unwrap();
            assert!(decode::<RoomJid>(&bytes).is_err(), "{stored:?}");
            assert!(decode::<UserJid>(&bytes).is_err(), "{stored:?}");
        }
        assert!(decode::<RoomJid>(&minicbor::to_vec("b").unwrap()).is_err());
        assert!(decode::<UserJid>(&minicbor::to_vec(7).unwrap()).is_err());
    }

    /// Characters that normalise, join, end, forbid or hide, among ordinary ones.
    fn texts() -> impl Strategy<Value = String> {
        let odd: Vec<char> =
            "aAbz09-._@/: []\0\n\u{7F}\u{AD}\u{DF}\u{E9}\u{130}\u{131}\u{17F}\u{301}\u{307}\u{308}\
             \u{34F}\u{3C2}\u{3A3}\u{1E9E}\u{200C}\u{200D}\u{202E}\u{2066}\u{2100}\u{212A}\u{212B}\
             \u{3002}\u{FB01}\u{FE0F}\u{FEFF}\u{FF0E}\u{FF0F}\u{FF20}\u{FF21}\u{FFFD}\u{FFFF}\
             \u{5D0}\u{627}\u{660}\u{94D}\u{1F130}\u{1F600}\u{A7F2}\u{10FFFF}"
                .chars()
                .collect();
        let odd_text =
            prop::collection::vec(prop::sample::select(odd), 0..10).prop_map(String::from_iter);
        let label = prop_oneof![odd_text.clone(), "[a-z\u{E0}-\u{17F}]{1,8}", "xn--[a-z0-9-]{0,8}"];
        prop_oneof![
            any::<String>(),
            odd_text.clone(),
            (odd_text, label.clone(), label).prop_map(|(local, a, b)| format!("{local}@{a}.{b}")),
            ("[\\p{L}\\p{M}\\p{N}]{1,6}", "[\\p{L}\\p{M}\\p{N}]{1,6}")
                .prop_map(|(local, domain)| format!("{local}@{domain}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_text_is_refused_or_normalises_to_itself(text in texts()) {
            let Ok(jid) = UserJid::parse(&text) else { return Ok(()) };
            prop_assert_eq!(UserJid::parse(jid.as_str()), Ok(jid.clone()));
            prop_assert!(!jid.as_str().contains(['\0', '/']));
            prop_assert!(!jid.as_str().contains(char::is_control));

            let bytes = minicbor::to_vec(&jid).unwrap();
            prop_assert_eq!(decode::<UserJid>(&bytes).unwrap(), jid.clone());

            if let Ok(room) = RoomJid::parse(&text) {
                prop_assert_eq!(room.as_str(), jid.as_str());
                prop_assert_eq!(format!("{}@{}", room.local(), room.domain()), room.to_string());
                prop_assert_eq!(
                    Domain::parse(room.domain()).map(|domain| domain.to_string()),
                    Ok(room.domain().to_owned())
                );
                prop_assert_eq!(decode::<RoomJid>(&bytes).unwrap(), room);
            }
        }

        #[test]
        fn a_domain_and_its_a_labels_are_one_key(domain in "[\\p{L}\\p{M}]{1,6}(\\.[a-z]{1,3})?") {
            let Ok(unicode) = Domain::parse(&domain) else { return Ok(()) };
            let ascii = idna::domain_to_ascii(unicode.as_str()).unwrap();
            prop_assert_eq!(Domain::parse(&ascii), Ok(unicode.clone()));
            // Where IDNA keeps what nameprep folds, both spellings still fold to one.
            let ascii = idna::domain_to_ascii(&domain).unwrap();
            prop_assert_eq!(Domain::parse(&ascii), Ok(unicode));
        }

        #[test]
        fn stored_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<RoomJid>(&bytes);
            let _ = decode::<UserJid>(&bytes);
        }
    }
}
