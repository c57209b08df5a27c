//! What a caller of a mirror can wait for.

use crate::pb;

/// A position in what happened to hatd, which a mirror can wait for: of any answer of hatd, or the
/// token of one or of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) token: String,
    /// What shows in a mirror, if the position is that of a write to one document.
    pub(super) write: Option<Write>,
}

/// A write that gave one document hats or left it some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) room_jid: String,
    pub(super) user_jid: String,
    /// The room's, of the write.
    pub(super) revision: u64,
}

impl From<String> for Position {
    fn from(token: String) -> Self {
        Self { token, write: None }
    }
}

impl From<&str> for Position {
    fn from(token: &str) -> Self {
        token.to_owned().into()
    }
}

impl From<&String> for Position {
    fn from(token: &String) -> Self {
        token.clone().into()
    }
}

/// Makes positions of the answers of writes to one document.
macro_rules! of_writes {
    ($($answer:ident),* $(,)?) => {$(
        impl From<&pb::$answer> for Position {
            fn from(answer: &pb::$answer) -> Self {
                let is_new = answer.changed && !answer.replayed;
                let document = answer.user_hats.as_ref().filter(|document| {
                    // A mirror holds no documents without hats, and is not told of all changes
                    // to them.
                    is_new && !document.hats.is_empty()
                });
                Self {
                    token: answer.token.clone(),
                    write: document.map(|document| Write {
                        room_jid: document.room_jid.clone(),
                        user_jid: document.user_jid.clone(),
                        revision: answer.revision,
                    }),
                }
            }
        }
    )*};
}

/// Makes positions of other answers.
macro_rules! of_answers {
    ($($answer:ident),* $(,)?) => {$(
        impl From<&pb::$answer> for Position {
            fn from(answer: &pb::$answer) -> Self {
                answer.token.as_str().into()
            }
        }
    )*};
}

of_writes!(
    AddUserHatResponse,
    RemoveUserHatResponse,
    SetUserHatsResponse,
    SetAffiliationResponse,
    WearHatResponse,
    DoffHatResponse,
    ClaimHatResponse,
    DiscardHatResponse,
);

of_answers!(
    SetHatWearersResponse,
    UpdateRoomHatsResponse,
    GetUserHatsResponse,
    ListRoomHatsResponse,
    ListUserHatsResponse,
    DefineHatResponse,
    DestroyHatResponse,
    ListHatDefinitionsResponse,
    PutRoomResponse,
    GetRoomResponse,
    ListRoomsResponse,
    DeleteRoomResponse,
    ListAffiliationsResponse,
    SyncRoomsResponse,
    ForgetUserResponse,
);
