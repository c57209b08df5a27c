//! Files that hatctl reads, of any bytes.

use bolero::check;

use crate::{check::Rules, errors::Error, input::Source, prosody};

/// Pieces that lines for an import are made of.
const LINE: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\"",
    "\"room\"",
    "\"hats\"",
    "\"affiliation\"",
    "\"definition\"",
    "\"room_jid\"",
    "\"user_jid\"",
    "\"a@b.example\"",
    "\"hat_id\"",
    "\"urn:x:1\"",
    "\"MEMBER\"",
    "true",
    "null",
    "1e400",
    "\\ud800",
];

/// Pieces that files of Prosody are made of.
const LUA: [&str; 20] = [
    "return ", "{", "}", "[", "]", "=", ";", ",", "\"", "'", "\\", "\\200", "\\x", "nil", "true",
    "0x1p4", "-1", "1e999", "a", "--[[",
];

/// Bytes of such pieces, or any.
fn bytes(pieces: &[&str], input: &[(u8, u8)]) -> Vec<u8> {
    let piece = |(number, any): &(u8, u8)| match pieces.get(usize::from(number % 32)) {
        Some(piece) => piece.as_bytes().to_vec(),
        None => vec![*any],
    };
    input.iter().flat_map(piece).collect()
}

#[test]
fn any_file_is_imported_or_its_bad_line_named() {
    let rules = Rules::new(None, false).unwrap();
    check!().with_type::<(bool, Vec<(u8, u8)>)>().for_each(|(is_room, input)| {
        let mut file = Vec::new();
        if *is_room {
            file.extend(b"{\"room\":{\"room_jid\":\"a@b.example\"}}\n");
        }
        file.extend(bytes(&LINE, input));
        match rules.check(&Source::held("file", file)) {
            Ok(_) => {}
            Err(Error::Input { place, what }) => {
                assert!(place.starts_with("file:") && !what.is_empty(), "{place}: {what}");
            }
            Err(error) => panic!("{error:?}"),
        }
    });
}

#[test]
fn any_file_of_prosody_is_read_or_its_bad_line_named() {
    check!().with_type::<(bool, Vec<(u8, u8)>)>().for_each(|(begins, input)| {
        let mut file = if *begins { b"return ".to_vec() } else { Vec::new() };
        file.extend(bytes(&LUA, input));
        let lines = file.split(|byte| *byte == b'\n').count();
        if let Some(line) = prosody::bad_line(&file) {
            assert!((1..=lines).contains(&line), "{line} of {lines}");
        }
    });
}
