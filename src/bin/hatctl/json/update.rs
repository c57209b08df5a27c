//! What `hat update` reads.

use hatd_client::pb;
use serde::Deserialize;

use super::{Attachment, Hats, pb_hats};

/// Several changes to one room, as `hat update` reads them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoomUpdate {
    operations: Vec<Operation>,
    #[serde(default)]
    preconditions: Vec<Precondition>,
    #[serde(default)]
    keep_active: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Add(AddOperation),
    Remove(UserHat),
    Set(SetOperation),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddOperation {
    user_jid: String,
    hat_id: String,
    #[serde(default)]
    attachment: Attachment,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetOperation {
    user_jid: String,
    hats: Hats,
    #[serde(default)]
    hat_id_prefix: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserHat {
    user_jid: String,
    hat_id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentEtag {
    user_jid: String,
    etag: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Precondition {
    Etag(DocumentEtag),
    HasHat(UserHat),
    LacksHat(UserHat),
}

impl From<UserHat> for pb::UserHat {
    fn from(UserHat { user_jid, hat_id }: UserHat) -> Self {
        Self { user_jid, hat_id }
    }
}

impl From<Operation> for pb::HatOperation {
    fn from(operation: Operation) -> Self {
        use pb::hat_operation::Operation as Pb;
        let operation = match operation {
            Operation::Add(AddOperation { user_jid, hat_id, attachment }) => {
                Pb::Add(pb::AddOperation { user_jid, hat_id, attachment: Some(attachment.into()) })
            }
            Operation::Remove(UserHat { user_jid, hat_id }) => {
                Pb::Remove(pb::RemoveOperation { user_jid, hat_id })
            }
            Operation::Set(SetOperation { user_jid, hats, hat_id_prefix }) => {
                Pb::Set(pb::SetOperation { user_jid, hats: pb_hats(hats), hat_id_prefix })
            }
        };
        Self { operation: Some(operation) }
    }
}

impl From<Precondition> for pb::HatPrecondition {
    fn from(precondition: Precondition) -> Self {
        use pb::hat_precondition::Condition as Pb;
        let condition = match precondition {
            Precondition::Etag(DocumentEtag { user_jid, etag }) => {
                Pb::Etag(pb::DocumentEtag { user_jid, etag })
            }
            Precondition::HasHat(user_hat) => Pb::HasHat(user_hat.into()),
            Precondition::LacksHat(user_hat) => Pb::LacksHat(user_hat.into()),
        };
        Self { condition: Some(condition) }
    }
}

impl RoomUpdate {
    pub(crate) fn into_pb(self, room_jid: String) -> pb::UpdateRoomHatsRequest {
        pb::UpdateRoomHatsRequest {
            room_jid,
            operations: self.operations.into_iter().map(Into::into).collect(),
            preconditions: self.preconditions.into_iter().map(Into::into).collect(),
            keep_active: self.keep_active,
            ..Default::default()
        }
    }
}
