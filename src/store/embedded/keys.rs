//! How keys are laid out: parts joined by NUL, which no JID or hat id contains.
//!
//! A room is `domain NUL local`, so that the rooms of a domain stand together. Every
//! key ends its last part with the end of the key and every other part with NUL, so
//! no key is a prefix of another of its tree, and no scan strays into a neighbour.

use crate::commit::{Position, RequestKey};
use crate::hat::HatId;
use crate::jid::{RoomJid, UserJid};
use crate::time::Timestamp;

const NUL: u8 = 0;

/// Joins parts by NUL.
fn join(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            key.push(NUL);
        }
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// What every key of a domain's rooms begins with.
pub(super) fn domain_prefix(domain: &str) -> Vec<u8> {
    join(&[domain, ""])
}

/// The key of a room.
pub(super) fn room(room: &RoomJid) -> Vec<u8> {
    join(&[room.domain(), room.local()])
}

/// What every key of a room's records begins with.
pub(super) fn room_prefix(room: &RoomJid) -> Vec<u8> {
    join(&[room.domain(), room.local(), ""])
}

/// The key of the room that the key of a document or definition begins with.
pub(super) fn room_part(key: &[u8]) -> &[u8] {
    let nuls = key.iter().enumerate().filter(|(_, byte)| **byte == NUL);
    let end = nuls.map(|(at, _)| at).nth(1).unwrap_or(key.len());
    key.split_at(end).0
}

/// The key of a user's document.
pub(super) fn document(room: &RoomJid, user: &UserJid) -> Vec<u8> {
    join(&[room.domain(), room.local(), user.as_str()])
}

/// The key of a definition.
pub(super) fn definition(room: &RoomJid, hat: &HatId) -> Vec<u8> {
    join(&[room.domain(), room.local(), hat.as_str()])
}

/// The key by which a user's rooms are found.
pub(super) fn by_user(user: &UserJid, room: &RoomJid) -> Vec<u8> {
    join(&[user.as_str(), room.domain(), room.local()])
}

/// What every key of [`by_user`] begins with for one user.
pub(super) fn by_user_prefix(user: &UserJid) -> Vec<u8> {
    join(&[user.as_str(), ""])
}

/// The key by which a hat's users are found.
pub(super) fn by_hat(room: &RoomJid, hat: &HatId, user: &UserJid) -> Vec<u8> {
    join(&[room.domain(), room.local(), hat.as_str(), user.as_str()])
}

/// What every key of [`by_hat`] begins with for one hat.
pub(super) fn by_hat_prefix(room: &RoomJid, hat: &HatId) -> Vec<u8> {
    join(&[room.domain(), room.local(), hat.as_str(), ""])
}

/// The key by which documents with hats that end are found, in order of time.
pub(super) fn by_expiry(time: Timestamp, room: &RoomJid, user: &UserJid) -> Vec<u8> {
    [time.to_key().as_slice(), &document(room, user)].concat()
}

/// The key of an answered request.
pub(super) fn request(key: &RequestKey) -> Vec<u8> {
    let caller = key.caller.as_bytes();
    let caller_len = u64::try_from(caller.len()).unwrap_or(u64::MAX).to_be_bytes();
    [caller_len.as_slice(), caller, key.request_id.as_bytes()].concat()
}

/// The key of an answered request in order of time.
pub(super) fn request_position(position: Position) -> [u8; 8] {
    position.get().to_be_bytes()
}

/// The parts of a key, as text.
fn split(key: &[u8]) -> Option<Vec<&str>> {
    key.split(|byte| *byte == NUL).map(|part| std::str::from_utf8(part).ok()).collect()
}

/// The room of a key that [`room`] made.
pub(super) fn parse_room(key: &[u8]) -> Option<RoomJid> {
    match split(key)?.as_slice() {
        [domain, local] => RoomJid::from_stored(local, domain),
        _ => None,
    }
}

/// The room and user of a key that [`document`] made.
pub(super) fn parse_document(key: &[u8]) -> Option<(RoomJid, UserJid)> {
    match split(key)?.as_slice() {
        [domain, local, user] => {
            Some((RoomJid::from_stored(local, domain)?, UserJid::from_stored(user)?))
        }
        _ => None,
    }
}

/// The room of a key that [`definition`] made.
pub(super) fn parse_definition_room(key: &[u8]) -> Option<RoomJid> {
    match split(key)?.as_slice() {
        [domain, local, _] => RoomJid::from_stored(local, domain),
        _ => None,
    }
}

/// The last part of a key, as a user.
pub(super) fn parse_last_user(key: &[u8]) -> Option<UserJid> {
    UserJid::from_stored(split(key)?.last()?)
}

/// The room of a key that [`by_user`] made.
pub(super) fn parse_by_user_room(key: &[u8]) -> Option<RoomJid> {
    match split(key)?.as_slice() {
        [_, domain, local] => RoomJid::from_stored(local, domain),
        _ => None,
    }
}

/// The time, room and user of a key that [`by_expiry`] made.
pub(super) fn parse_by_expiry(key: &[u8]) -> Option<(Timestamp, RoomJid, UserJid)> {
    let (time, rest) = key.split_first_chunk()?;
    match split(rest)?.as_slice() {
        [domain, local, user] => Some((
            Timestamp::from_key(*time)?,
            RoomJid::from_stored(local, domain)?,
            UserJid::from_stored(user)?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room_jid() -> impl Strategy<Value = RoomJid> {
        "[a-c/:.]{1,3}@[a-c]{1,2}(\\.[a-c]{1,2})?"
            .prop_filter_map("a room", |text| RoomJid::parse(&text).ok())
    }

    fn user_jid() -> impl Strategy<Value = UserJid> {
        "([a-c]{1,3}@)?[a-c]{1,2}(\\.[a-c]{1,2})?"
            .prop_filter_map("a user", |text| UserJid::parse(&text).ok())
    }

    proptest! {
        #[test]
        fn no_two_documents_share_a_key_or_a_scan(
            a in (room_jid(), user_jid()),
            b in (room_jid(), user_jid()),
        ) {
            let (key_a, key_b) = (document(&a.0, &a.1), document(&b.0, &b.1));
            prop_assert_eq!(a == b, key_a == key_b);
            prop_assert_eq!(a.0 == b.0, key_a.starts_with(&room_prefix(&b.0)));
            let in_domain = key_a.starts_with(&domain_prefix(b.0.domain()));
            prop_assert_eq!(a.0.domain() == b.0.domain(), in_domain);
            let of_user = by_user(&a.1, &a.0).starts_with(&by_user_prefix(&b.1));
            prop_assert_eq!(a.1 == b.1, of_user);
        }

        #[test]
        fn keys_sort_as_jids_do_and_come_back(a in room_jid(), b in room_jid(), user in user_jid()) {
            prop_assert_eq!(a.cmp(&b), room(&a).cmp(&room(&b)));
            prop_assert_eq!(parse_room(&room(&a)), Some(a.clone()));
            prop_assert_eq!(parse_last_user(&document(&a, &user)), Some(user.clone()));
            prop_assert_eq!(parse_by_user_room(&by_user(&user, &a)), Some(a.clone()));
            let time = Timestamp::new(1_700_000_000, 5).unwrap();
            prop_assert_eq!(parse_by_expiry(&by_expiry(time, &a, &user)), Some((time, a, user)));
        }
    }
}
