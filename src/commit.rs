//! What a change to a room is, and where it stands in the store's history.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use minicbor::{Decode, Encode};

use crate::hat::{Attachment, Context, Document, HatDefinition, HatId, Revision, Room};
use crate::jid::{RoomJid, UserJid};
use crate::planted::{self, Bug};
use crate::time::Timestamp;

/// One atomic change to one room.
///
/// It holds whole documents, so applying it twice is harmless, and all that a
/// store or a watcher needs to know: nothing is looked up to apply or to match it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Commit {
    /// The room changed.
    #[n(0)]
    pub room_jid: RoomJid,
    /// The room's revision with this commit.
    #[n(1)]
    pub revision: Revision,
    /// When it was committed, by the wall clock.
    #[n(2)]
    pub time: Timestamp,
    /// Why it was made.
    #[n(3)]
    pub cause: Cause,
    /// Who asked for it, and why.
    #[n(4)]
    pub context: Option<Context>,
    /// The room's record, if it was created or changed.
    #[n(5)]
    pub room: Option<Room>,
    /// The room is gone, with its catalogue and all its documents.
    #[n(6)]
    pub room_deleted: bool,
    /// The users changed, by user JID.
    #[n(7)]
    pub users: Vec<UserChange>,
    /// The definitions created or changed.
    #[n(8)]
    pub definitions: Vec<HatDefinition>,
    /// The hats no longer defined.
    #[n(9)]
    pub removed_definitions: Vec<HatId>,
    /// The request that this commit completes, if the caller gave it an id.
    #[n(10)]
    pub request: Option<CompletedRequest>,
}

impl Commit {
    /// Whether it only takes away, so that the state is no larger with it.
    pub fn only_removes(&self) -> bool {
        self.room.is_none()
            && self.definitions.is_empty()
            && self.users.iter().all(UserChange::only_removes)
    }
}

/// What a commit did to one user.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UserChange {
    /// The user.
    #[n(0)]
    pub user_jid: UserJid,
    /// The whole new document. Absent: nothing is kept of the user any more.
    #[n(1)]
    pub document: Document,
    /// What changed in its hats, by hat id.
    #[n(2)]
    pub changes: Vec<HatChange>,
}

impl UserChange {
    /// Whether watchers are told: the document has hats, or has just lost its last.
    pub fn concerns_hats(&self) -> bool {
        if planted::has(Bug::RemovalsHidden) {
            return self.document.has_hats();
        }
        self.document.has_hats() || !self.changes.is_empty()
    }

    fn only_removes(&self) -> bool {
        let is_removal = |change: &HatChange| change.kind == ChangeKind::Removed;
        self.document.is_absent() || !self.changes.is_empty() && self.changes.iter().all(is_removal)
    }
}

/// What a commit did to one hat of a user.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HatChange {
    /// The hat.
    #[n(0)]
    pub hat_id: HatId,
    /// What happened to it.
    #[n(1)]
    pub kind: ChangeKind,
    /// The attachment before the commit; none if the hat was added.
    #[n(2)]
    pub previous: Option<Attachment>,
}

/// What happened to one hat of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ChangeKind {
    /// The user has it newly.
    #[n(0)]
    Added,
    /// The user had it, with another attachment.
    #[n(1)]
    Updated,
    /// The user has it no more.
    #[n(2)]
    Removed,
}

/// Why a commit was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Cause {
    /// A call asked for it.
    #[n(0)]
    Request,
    /// Hats reached their `expire_time`.
    #[n(1)]
    Expiry,
    /// `SetAffiliation`.
    #[n(2)]
    Affiliation,
    /// `DestroyHat`.
    #[n(3)]
    Destroyed,
    /// `SyncRooms`.
    #[n(4)]
    Sync,
    /// `ForgetUser`.
    #[n(5)]
    Forgotten,
}

/// A request that has an id, as its last commit remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CompletedRequest {
    /// The caller and the caller's id for the request.
    #[n(0)]
    pub key: RequestKey,
    /// What the request was, hashed.
    #[n(1)]
    pub fingerprint: Fingerprint,
    /// What it did in all its commits.
    #[n(2)]
    pub counts: Counts,
}

/// Whose request it is, and which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct RequestKey {
    /// The caller. Empty: a local caller without credentials.
    #[n(0)]
    pub caller: String,
    /// The caller's id for the request.
    #[n(1)]
    pub request_id: String,
}

/// SHA-256 of a parsed request, so that bodies are compared as commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Fingerprint(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

/// How much a request did, where the answer says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Counts {
    /// How many commits it made.
    #[n(0)]
    pub commits: u32,
    /// How many users it changed.
    #[n(1)]
    pub users: u32,
    /// How many hats it removed.
    #[n(2)]
    pub removed_hats: u32,
}

/// How many commits the store holds up to and with one: the first has position 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first commit.
    pub const START: Self = Self(0);

    /// The position with this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The position of the commit that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position of the commit before; the start has none and stays.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// Tells the commit at a position from others that might stand there in another
/// history: the CRC of its log record. 0 at [`Position::START`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark(pub u32);

impl Mark {
    /// The mark of [`Position::START`], which is in every history.
    pub const ORIGIN: Self = Self(0);
}

/// Which store, and which history of it: a restore begins a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Drawn at random when the store is created.
    pub store: [u8; 16],
    /// 1 at first.
    pub epoch: u64,
}

/// A position in the history of one store, as clients keep it: opaque to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose position it is.
    pub identity: Identity,
    /// The position.
    pub position: Position,
    /// The mark that the log has there.
    pub mark: Mark,
    /// A hash of the watch's selectors; none in the token of a read or write,
    /// which resumes any watch.
    pub selectors: Option<u64>,
}

/// The text is not a token, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of hatd, or damaged on the way")]
pub struct InvalidToken;

/// The first byte of a token; another layout gets another number.
const TOKEN_VERSION: u8 = 1;
/// Version, store, epoch, position, mark; then the selectors' hash, if any, and a CRC32C.
const TOKEN_FIXED_LEN: usize = 1 + 16 + 8 + 8 + 4;
const TOKEN_CRC_LEN: usize = 4;

impl Token {
    /// The token as text: base64url, ending in a checksum.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_FIXED_LEN + 8 + TOKEN_CRC_LEN);
        bytes.push(TOKEN_VERSION);
        bytes.extend_from_slice(&self.identity.store);
        bytes.extend_from_slice(&self.identity.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.position.0.to_be_bytes());
        bytes.extend_from_slice(&self.mark.0.to_be_bytes());
        if let Some(selectors) = self.selectors {
            bytes.extend_from_slice(&selectors.to_be_bytes());
        }
        seal(bytes)
    }

    /// Reads a token back.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] if the text is not one that [`Token::encode`] made.
    pub fn decode(text: &str) -> Result<Self, InvalidToken> {
        let bytes = unseal(text).ok_or(InvalidToken)?;
        let mut rest = bytes.as_slice();
        if take::<1>(&mut rest) != Some([TOKEN_VERSION]) {
            return Err(InvalidToken);
        }
        let store = take(&mut rest).ok_or(InvalidToken)?;
        let epoch = take(&mut rest).map(u64::from_be_bytes).ok_or(InvalidToken)?;
        let position = take(&mut rest).map(u64::from_be_bytes).ok_or(InvalidToken)?;
        let mark = take(&mut rest).map(u32::from_be_bytes).ok_or(InvalidToken)?;
        let selectors = match rest.len() {
            0 => None,
            _ => Some(take(&mut rest).map(u64::from_be_bytes).ok_or(InvalidToken)?),
        };
        if !rest.is_empty() {
            return Err(InvalidToken);
        }
        let identity = Identity { store, epoch };
        Ok(Self { identity, position: Position(position), mark: Mark(mark), selectors })
    }
}

/// Makes opaque text of bytes: base64url of the bytes and their CRC32C.
pub fn seal(mut bytes: Vec<u8>) -> String {
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes that [`seal`] made text of; none if it did not, or if they changed.
pub fn unseal(text: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let body = bytes.len().checked_sub(TOKEN_CRC_LEN)?;
    let crc = bytes.split_off(body);
    (crc == crc32c::crc32c(&bytes).to_be_bytes()).then_some(bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(selectors: Option<u64>) -> Token {
        let identity = Identity { store: [7; 16], epoch: 1 };
        Token { identity, position: Position(42), mark: Mark(0xdead_beef), selectors }
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        for selectors in [None, Some(0), Some(u64::MAX)] {
            assert_eq!(Token::decode(&token(selectors).encode()), Ok(token(selectors)));
        }
    }

    #[test]
    fn a_token_with_any_bit_flipped_or_any_byte_missing_is_refused() {
        for selectors in [None, Some(9)] {
            let text = token(selectors).encode();
            for at in 0..text.len() {
                for bit in 0..7 {
                    let mut bytes = text.clone().into_bytes();
                    bytes[at] ^= 1 << bit;
                    if let Ok(damaged) = String::from_utf8(bytes) {
                        assert_eq!(Token::decode(&damaged), Err(InvalidToken), "{damaged}");
                    }
                }
                assert_eq!(Token::decode(&text[..at]), Err(InvalidToken));
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_or_refused(text in ".*") {
            prop_assert_eq!(Token::decode(&text), Err(InvalidToken));
        }
    }
}
