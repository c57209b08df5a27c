//! How each call is made.

use std::collections::BTreeMap;

use hatd_client::pb;
use hatd_client::pb::hat_operation::Operation;
use hatd_client::pb::hat_precondition::Condition as Holds;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::room_service_client::RoomServiceClient;
use hatd_client::pb::wardrobe_service_client::WardrobeServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::history::record::{Answer, Condition, Definition, What};
use crate::process::hatd::open_room;

/// A call as it is sent.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) room_jid: String,
    pub(super) what: What,
    pub(super) request_id: String,
}

/// Makes a write and notes its token; each kind of answer has its documents elsewhere.
macro_rules! written {
    ($caller:expr, $answer:expr, $it:ident => $documents:expr) => {{
        let $it = $answer.await?.into_inner();
        $caller.token.clone_from(&$it.token);
        let (revision, changed, replayed) = ($it.revision, $it.changed, $it.replayed);
        Ok(Answer::Written { revision, changed, replayed, documents: $documents })
    }};
}

/// Makes a write of one document.
macro_rules! written_one {
    ($caller:expr, $answer:expr) => {
        written!($caller, $answer, it => it.user_hats.into_iter().collect())
    };
}

/// Makes a write that says no more than whose hat it is about: the requests of all of them are alike.
macro_rules! written_hat {
    ($caller:expr, $client:ident.$call:ident, $request:ident { $($field:ident),* }) => {{
        let request = pb::$request { $($field,)* ..Default::default() };
        written_one!($caller, $client.$call(request))
    }};
}

/// Makes calls, and tells each read of what it was told last.
#[derive(Default)]
pub(super) struct Caller {
    /// The token of the last answer.
    token: String,
}

impl Caller {
    pub(super) async fn send(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let what = if let What::Again { of, .. } = sent.what { *of } else { sent.what };
        let sent = Sent { what, ..sent };
        match sent.what {
            What::Read { .. } | What::List => self.read(channel, sent).await,
            What::Add { .. }
            | What::Remove { .. }
            | What::Wear { .. }
            | What::Claim { .. }
            | What::Discard { .. } => self.write_hat(channel, sent).await,
            What::Update { .. } | What::SetWearers { .. } => self.write_hats(channel, sent).await,
            _ => self.write_room(channel, sent).await,
        }
    }

    async fn read(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, .. } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let at_least_token = self.token.clone();
        match what {
            What::Read { user_jid } => {
                let request = pb::GetUserHatsRequest { room_jid, user_jid, at_least_token };
                let it = hats.get_user_hats(request).await?.into_inner();
                self.token = it.token;
                let documents = it.user_hats.into_iter().collect();
                Ok(Answer::Read { revision: it.revision, documents })
            }
            What::List => {
                let request =
                    pb::ListRoomHatsRequest { room_jid, at_least_token, ..Default::default() };
                let it = hats.list_room_hats(request).await?.into_inner();
                self.token = it.token;
                Ok(Answer::Read { revision: it.revision, documents: it.users })
            }
            _ => unreachable!("{what:?} is no read"),
        }
    }

    async fn write_hat(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, request_id } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let mut wardrobe = WardrobeServiceClient::new(channel.clone());
        match what {
            What::Add { user_jid, hat_id, title, etag, expire_time } => {
                let expire_time = expire_time.map(Into::into);
                let request = pb::AddUserHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    attachment: Some(pb::Attachment { expire_time, ..attachment(&title) }),
                    etag,
                    request_id,
                    ..Default::default()
                };
                written_one!(self, hats.add_user_hat(request))
            }
            What::Remove { user_jid, hat_id } => written_hat!(
                self,
                hats.remove_user_hat,
                RemoveUserHatRequest { room_jid, user_jid, hat_id, request_id }
            ),
            What::Wear { user_jid, hat_id, active: true } => written_hat!(
                self,
                wardrobe.wear_hat,
                WearHatRequest { room_jid, user_jid, hat_id, request_id }
            ),
            What::Wear { user_jid, hat_id, active: false } => written_hat!(
                self,
                wardrobe.doff_hat,
                DoffHatRequest { room_jid, user_jid, hat_id, request_id }
            ),
            What::Claim { user_jid, hat_id } => written_hat!(
                self,
                wardrobe.claim_hat,
                ClaimHatRequest { room_jid, user_jid, hat_id, request_id }
            ),
            What::Discard { user_jid, hat_id } => written_hat!(
                self,
                wardrobe.discard_hat,
                DiscardHatRequest { room_jid, user_jid, hat_id, request_id }
            ),
            _ => unreachable!("{what:?} is of no single hat"),
        }
    }

    async fn write_hats(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, request_id } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        match what {
            What::Update { users, hat_id, title, condition } => {
                let operations = users.into_iter().map(|user_jid| {
                    let hats = BTreeMap::from([(hat_id.clone(), attachment(&title))]);
                    let set = pb::SetOperation { user_jid, hats, ..Default::default() };
                    pb::HatOperation { operation: Some(Operation::Set(set)) }
                });
                let preconditions = condition.into_iter().map(|condition| {
                    let Condition { user_jid, hat_id, has } = condition;
                    let hat = pb::UserHat { user_jid, hat_id };
                    let holds = if has { Holds::HasHat(hat) } else { Holds::LacksHat(hat) };
                    pb::HatPrecondition { condition: Some(holds) }
                });
                let request = pb::UpdateRoomHatsRequest {
                    room_jid,
                    operations: operations.collect(),
                    preconditions: preconditions.collect(),
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.update_room_hats(request), it => it.users)
            }
            What::SetWearers { users, hat_id, title } => {
                let request = pb::SetHatWearersRequest {
                    room_jid,
                    hat_id,
                    user_jids: users,
                    attachment: Some(attachment(&title)),
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.set_hat_wearers(request), it => it.users)
            }
            _ => unreachable!("{what:?} is not of several users' hats"),
        }
    }

    async fn write_room(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, request_id } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let mut rooms = RoomServiceClient::new(channel.clone());
        match what {
            What::Define { hat_id, definition: Definition { title, self_assignable } } => {
                let definition =
                    pb::HatDefinition { hat_id, title, self_assignable, ..Default::default() };
                let request = pb::DefineHatRequest {
                    room_jid,
                    definition: Some(definition),
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.define_hat(request), it => Vec::new())
            }
            What::Destroy { hat_id } => {
                let request =
                    pb::DestroyHatRequest { room_jid, hat_id, request_id, ..Default::default() };
                written!(self, hats.destroy_hat(request), it => Vec::new())
            }
            What::Affiliate { user_jid, affiliation } => {
                let request = pb::SetAffiliationRequest {
                    room_jid,
                    user_jid,
                    affiliation: affiliation.into(),
                    request_id,
                    ..Default::default()
                };
                written_one!(self, rooms.set_affiliation(request))
            }
            What::Put => {
                let request = pb::PutRoomRequest { request_id, ..open_room(&room_jid) };
                written!(self, rooms.put_room(request), it => Vec::new())
            }
            What::Delete => {
                let request = pb::DeleteRoomRequest { room_jid, request_id, ..Default::default() };
                written!(self, rooms.delete_room(request), it => Vec::new())
            }
            _ => unreachable!("{what:?} is of no room"),
        }
    }
}

fn attachment(title: &str) -> pb::Attachment {
    pb::Attachment { title: title.to_owned(), ..Default::default() }
}
