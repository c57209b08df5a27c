//! Names, tokens and settings, of any text.

use bolero::check;

use super::{Change, changed};
use crate::commit::{Identity, Mark, Position, Token, seal, unseal};
use crate::hat::{HatId, LanguageTag, Title};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::origin::Origin;

/// Pieces that JIDs are made of, and that their parsers tell apart.
const PIECES: [&str; 24] = [
    "a",
    "Z",
    "@",
    "/",
    ".",
    "。",
    "xn--",
    "-",
    "bcher-kva",
    "ü",
    "ß",
    "İ",
    "K",
    "ﬀ",
    "\u{200d}",
    "\u{202e}",
    "\u{301}",
    "[::1]",
    "1",
    " ",
    "\0",
    "&",
    "日本",
    "😀",
];

/// A text of such pieces, or of any characters.
fn text(input: &[(u8, char)]) -> String {
    let piece = |(number, any): &(u8, char)| {
        PIECES.get(usize::from(*number)).map_or_else(|| any.to_string(), |it| (*it).to_owned())
    };
    input.iter().map(piece).collect()
}

#[test]
fn a_jid_that_is_taken_is_its_own_normal_form() {
    check!().with_type::<Vec<(u8, char)>>().for_each(|input| {
        // Half of the numbers name a piece.
        let input: Vec<_> = input.iter().map(|(number, any)| (number % 48, *any)).collect();
        let text = text(&input);
        if let Ok(user) = UserJid::parse(&text) {
            let again = UserJid::parse(user.as_str());
            assert_eq!(again.as_ref().ok(), Some(&user), "{text:?}: {again:?}");
            assert!(!user.as_str().contains(['\0', '/']), "{user:?}");
        }
        if let Ok(room) = RoomJid::parse(&text) {
            let again = RoomJid::parse(room.as_str());
            assert_eq!(again.as_ref().ok(), Some(&room), "{text:?}: {again:?}");
            assert_eq!(room.as_str(), format!("{}@{}", room.local(), room.domain()));
        }
        if let Ok(domain) = Domain::parse(&text) {
            let again = Domain::parse(domain.as_str());
            assert_eq!(again.as_ref().ok(), Some(&domain), "{text:?}: {again:?}");
        }
    });
}

#[test]
fn a_hat_id_is_ascii_with_a_scheme_and_kept_as_it_is() {
    check!().with_type::<(bool, Vec<(u8, char)>)>().for_each(|(has_scheme, input)| {
        let scheme = if *has_scheme { "urn:" } else { "" };
        let text = format!("{scheme}{}", text(input));
        if let Ok(hat) = HatId::parse(&text, 1023) {
            assert_eq!(hat.as_str(), text);
            assert!(text.is_ascii() && text.contains(':') && text.len() <= 1023);
        }
    });
}

#[test]
fn titles_and_language_tags_are_kept_or_refused() {
    check!().with_type::<Vec<(u8, char)>>().for_each(|input| {
        let text = text(input);
        if let Ok(title) = Title::parse(&text, 256) {
            assert_eq!(title.as_str(), text);
            assert!(!text.chars().any(char::is_control) && text.len() <= 256);
        }
        if let Ok(tag) = LanguageTag::parse(&text) {
            assert_eq!(LanguageTag::parse(tag.as_str()).ok().as_ref(), Some(&tag));
        }
    });
}

#[test]
fn an_origin_that_is_taken_is_its_own_normal_form() {
    check!().with_type::<(u8, Vec<(u8, char)>)>().for_each(|(scheme, input)| {
        let scheme = ["", "http://", "https://", "HTTP://"][usize::from(scheme % 4)];
        let text = format!("{scheme}{}", text(input));
        if let Ok(origin) = text.parse::<Origin>() {
            let normal = origin.to_string();
            let again = normal.parse::<Origin>();
            assert_eq!(again.as_ref().ok(), Some(&origin), "{text:?}: {normal:?}");
        }
    });
}

#[test]
fn a_token_comes_back_or_is_refused() {
    let store = *b"a store's own id";
    check!().with_type::<(u64, u64, u32, Option<u64>, Vec<Change>, String)>().for_each(
        |(epoch, position, mark, selectors, changes, any)| {
            let token = Token {
                identity: Identity { store, epoch: *epoch },
                position: Position::new(*position),
                mark: Mark(*mark),
                selectors: *selectors,
            };
            let text = token.encode();
            assert_eq!(Token::decode(&text).ok(), Some(token));
            let damaged = changed(text.as_bytes(), changes);
            if let Ok(damaged) = String::from_utf8(damaged)
                && damaged != text
            {
                assert_eq!(Token::decode(&damaged).ok(), None, "{damaged:?}");
            }
            if let Ok(other) = Token::decode(any) {
                assert_eq!(other.encode(), *any);
            }
        },
    );
}

#[test]
fn what_is_sealed_comes_back_or_is_refused() {
    check!().with_type::<(Vec<u8>, Vec<Change>)>().for_each(|(bytes, changes)| {
        let text = seal(bytes.clone());
        assert_eq!(unseal(&text).as_ref(), Some(bytes));
        let damaged = changed(text.as_bytes(), changes);
        if let Ok(damaged) = String::from_utf8(damaged)
            && damaged != text
            && let Some(other) = unseal(&damaged)
        {
            // By no change that keeps the length: 32 bits of checksum find each of those.
            assert_ne!(other.len(), bytes.len(), "{damaged:?}");
        }
    });
}
