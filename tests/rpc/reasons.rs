//! Every reason that a call can be refused for, with all its details.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use hatd::{
    command::{Request, RoomState},
    commit::{Identity, Mark, Position},
    hat::{Document, HatDefinition, HatId, Room},
    jid::{Domain, RoomJid, UserJid},
    limits::Limits,
    service,
    store::{
        self, DocumentFilter, Entry, Located, Options, Outcome, Page, PageLimit, Retention, Scope,
        Store, Subscription, memory::Memory,
    },
};
use http_body::Frame;
use http_body_util::StreamBody;
use pb::Affiliation::Member;
use prost::Message as _;
use tokio::sync::oneshot;
use tonic::{Code, Status, body::Body};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::support::*;

/// A store whose next write fails as it is told.
struct Failing {
    store: Memory,
    next: Mutex<Option<store::Error>>,
}

impl Failing {
    fn with(error: store::Error) -> Arc<dyn Store> {
        let store = Memory::new(Options::new(service::commit_len));
        Arc::new(Self { store, next: Mutex::new(Some(error)) })
    }
}

#[async_trait]
impl Store for Failing {
    async fn apply(&self, request: Request) -> Result<Outcome, store::Error> {
        let failure = self.next.lock().unwrap().take();
        match failure {
            Some(error) => Err(error),
            None => self.store.apply(request).await,
        }
    }

    async fn expire(&self) -> Result<(), store::Error> {
        self.store.expire().await
    }

    fn maintenance(&self) -> Option<&dyn store::Maintenance> {
        None
    }

    fn identity(&self) -> Identity {
        self.store.identity()
    }

    fn head(&self) -> (Position, Mark) {
        self.store.head()
    }

    async fn settled(&self) -> Result<(Position, Mark), store::Error> {
        self.store.settled().await
    }

    async fn locate(&self, position: Position, mark: Mark) -> Result<Located, store::Error> {
        self.store.locate(position, mark).await
    }

    async fn commits_after(
        &self,
        position: Position,
        bytes: usize,
    ) -> Result<Vec<Entry>, store::Error> {
        self.store.commits_after(position, bytes).await
    }

    fn subscribe(&self, scope: Scope) -> Subscription {
        self.store.subscribe(scope)
    }

    async fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, store::Error> {
        self.store.room(room).await
    }

    async fn document(
        &self,
        room: &RoomJid,
        user: &UserJid,
    ) -> Result<(Option<RoomState>, Document), store::Error> {
        self.store.document(room, user).await
    }

    async fn rooms(
        &self,
        domain: Option<&Domain>,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Room>, store::Error> {
        self.store.rooms(domain, after, limit).await
    }

    async fn documents(
        &self,
        room: &RoomJid,
        filter: &DocumentFilter,
        after: Option<&UserJid>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<UserJid, Document>), store::Error> {
        self.store.documents(room, filter, after, limit).await
    }

    async fn documents_of(
        &self,
        user: &UserJid,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Document>, store::Error> {
        self.store.documents_of(user, after, limit).await
    }

    async fn definitions(
        &self,
        room: &RoomJid,
        after: Option<&HatId>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<HatId, HatDefinition>), store::Error> {
        self.store.definitions(room, after, limit).await
    }

    async fn all_documents(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &UserJid)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, UserJid), Document>, store::Error> {
        self.store.all_documents(domain, after, limit).await
    }

    async fn all_definitions(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &HatId)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, HatId), HatDefinition>, store::Error> {
        self.store.all_definitions(domain, after, limit).await
    }

    async fn close(&self) -> Result<(), store::Error> {
        self.store.close().await
    }
}

/// What a write is answered when the store fails.
async fn failing(error: store::Error) -> Status {
    let hatd = Hatd::serve(Failing::with(error), Limits::default()).await;
    let request = pb::PutRoomRequest { room_jid: ROOM.into(), ..Default::default() };
    let before = hatd.state().await;
    let status = hatd.rooms().put_room(request).await.unwrap_err();
    assert_eq!(hatd.state().await, before);
    assert!(!status.message().contains("/var/lib"), "shows internals: {}", status.message());
    hatd.put_room(ROOM).await;
    status
}

/// A status with this reason, and the metadata that is known; none for reasons that nothing can
/// be refused for yet.
#[expect(clippy::too_many_lines, reason = "an arm for each reason")]
async fn provoke(reason: ErrorReason) -> Option<(Status, Vec<(&'static str, &'static str)>)> {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    hatd.define(definition(HAT)).await;
    let internals = || "/var/lib/hatd/log/1 ends early".into();
    let stranger = "stranger@localhost";

    let refused = match reason {
        ErrorReason::RoomNotFound => {
            let room = "nowhere@localhost";
            let status = hatd.give_answer(room, USER, HAT).await.unwrap_err();
            (status, vec![("room_jid", room)])
        }
        ErrorReason::UserNotAffiliated => {
            let status = hatd.give_answer(ROOM, stranger, HAT).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("user_jid", stranger)])
        }
        ErrorReason::HatNotDefined => {
            let request = claim_request(ROOM, USER, "urn:x");
            let status = hatd.wardrobe().claim_hat(request).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("hat_id", "urn:x")])
        }
        ErrorReason::HatNotFound => {
            let request = wear_request(ROOM, USER, HAT);
            let status = hatd.wardrobe().wear_hat(request).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("user_jid", USER), ("hat_id", HAT)])
        }
        ErrorReason::InvalidRoomJid => {
            let status = hatd.give_answer("", USER, HAT).await.unwrap_err();
            (status, vec![("field", "room_jid")])
        }
        ErrorReason::InvalidUserJid => {
            let status = hatd.give_answer(ROOM, "", HAT).await.unwrap_err();
            (status, vec![("field", "user_jid")])
        }
        ErrorReason::InvalidHatId => {
            let status = hatd.give_answer(ROOM, USER, "").await.unwrap_err();
            (status, vec![("field", "hat_id")])
        }
        ErrorReason::InvalidTitle => {
            let attachment = Some(pb::Attachment { title: "\0".into(), ..Default::default() });
            let request = pb::AddUserHatRequest { attachment, ..add_request(ROOM, USER, HAT) };
            let status = hatd.hats().add_user_hat(request).await.unwrap_err();
            (status, vec![("field", "attachment.title")])
        }
        ErrorReason::InvalidField => {
            let request = pb::ListRoomHatsRequest { page_size: -1, ..list_request(ROOM) };
            let status = hatd.hats().list_room_hats(request).await.unwrap_err();
            (status, vec![("field", "page_size")])
        }
        ErrorReason::InvalidPageToken => {
            let page_token = "x".to_owned();
            let request = pb::ListRoomHatsRequest { page_token, ..list_request(ROOM) };
            let status = hatd.hats().list_room_hats(request).await.unwrap_err();
            (status, vec![("field", "page_token")])
        }
        ErrorReason::InvalidToken => {
            let at_least_token = "x".to_owned();
            let request = pb::GetUserHatsRequest { at_least_token, ..get_request(ROOM, USER) };
            let status = hatd.hats().get_user_hats(request).await.unwrap_err();
            (status, vec![("field", "at_least_token")])
        }
        ErrorReason::RequestIdReused => {
            let mut request = add_request(ROOM, USER, HAT);
            request.request_id = "1".into();
            hatd.hats().add_user_hat(request.clone()).await.unwrap();
            request.hat_id = "urn:x".into();
            let status = hatd.hats().add_user_hat(request).await.unwrap_err();
            (status, vec![("field", "request_id"), ("request_id", "1")])
        }
        ErrorReason::HatRequired => {
            let attachment = Some(pb::Attachment { required: true, ..Default::default() });
            let request = pb::AddUserHatRequest { attachment, ..add_request(ROOM, USER, HAT) };
            hatd.hats().add_user_hat(request).await.unwrap();
            let request = doff_request(ROOM, USER, HAT);
            let status = hatd.wardrobe().doff_hat(request).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("user_jid", USER), ("hat_id", HAT)])
        }
        ErrorReason::HatNotSelfAssignable => {
            let request = claim_request(ROOM, USER, HAT);
            let status = hatd.wardrobe().claim_hat(request).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("hat_id", HAT)])
        }
        ErrorReason::PreconditionFailed => {
            let hat = pb::UserHat { user_jid: USER.into(), hat_id: HAT.into() };
            let condition = Some(pb::hat_precondition::Condition::HasHat(hat));
            let preconditions = vec![pb::HatPrecondition { condition }];
            let request = pb::UpdateRoomHatsRequest { preconditions, ..update_request([]) };
            let status = hatd.hats().update_room_hats(request).await.unwrap_err();
            (status, vec![("precondition_index", "0"), ("room_jid", ROOM), ("user_jid", USER)])
        }
        ErrorReason::SyncWouldRemove => {
            hatd.give(ROOM, USER, HAT).await;
            let entries = vec![pb::SyncEntry {
                room_jid: ROOM.into(),
                mode: pb::SyncMode::Replace.into(),
                ..Default::default()
            }];
            let request = pb::SyncRoomsRequest { entries, ..Default::default() };
            let status = hatd.rooms().sync_rooms(request).await.unwrap_err();
            (status, vec![("removed_hats", "1"), ("max_removed_hats", "0")])
        }
        ErrorReason::StoreMismatch => {
            let at_least_token = Hatd::start().await.head().await;
            let request = pb::GetUserHatsRequest { at_least_token, ..get_request(ROOM, USER) };
            let status = hatd.hats().get_user_hats(request).await.unwrap_err();
            (status, vec![("field", "at_least_token")])
        }
        ErrorReason::EtagMismatch => {
            let request =
                pb::AddUserHatRequest { etag: "x".into(), ..add_request(ROOM, USER, HAT) };
            (hatd.hats().add_user_hat(request).await.unwrap_err(), vec![("etag", "2")])
        }
        ErrorReason::ResumeTokenExpired => (expired().await, vec![]),
        ErrorReason::TooManyHats => {
            let request = set_request(ROOM, USER, (0..65).map(|n| format!("urn:{n}")));
            let status = hatd.hats().set_user_hats(request).await.unwrap_err();
            (status, vec![("limit", "64"), ("unit", "hats")])
        }
        ErrorReason::TooManyDefinitions => {
            let limits = Limits { definitions_per_room_max: 0, ..Limits::default() };
            let hatd = Hatd::start_with(limits).await;
            hatd.put_room(ROOM).await;
            let (room_jid, definition) = (ROOM.to_owned(), Some(definition(HAT)));
            let request = pb::DefineHatRequest { room_jid, definition, ..Default::default() };
            let status = hatd.hats().define_hat(request).await.unwrap_err();
            (status, vec![("room_jid", ROOM), ("limit", "0")])
        }
        ErrorReason::TooManyWatches => {
            let limits = Limits { watches_max: 0, ..Limits::default() };
            let hatd = Hatd::start_with(limits).await;
            let request = pb::WatchHatsRequest::default();
            let status = hatd.hats().watch_hats(request).await.map(drop).unwrap_err();
            (status, vec![("limit", "0")])
        }
        ErrorReason::MessageTooLarge => {
            let limits = Limits { message_bytes_max: 10, ..Limits::default() };
            let hatd = Hatd::start_with(limits).await;
            let status = hatd.give_answer(ROOM, USER, HAT).await.unwrap_err();
            (status, vec![("limit", "10")])
        }
        ErrorReason::Overloaded => (failing(store::Error::Overloaded).await, vec![]),
        ErrorReason::StoreUnavailable => {
            (failing(store::Error::Unavailable(internals())).await, vec![])
        }
        ErrorReason::DiskFull => (failing(store::Error::DiskFull).await, vec![]),
        ErrorReason::StoreCorrupt => (failing(store::Error::Corrupt(internals())).await, vec![]),
        ErrorReason::ShuttingDown => (shutting_down(hatd).await, vec![]),
        // Never sent. To come with API keys and grants; with replicas, for a server alone is never behind
        // its own tokens.
        ErrorReason::Unspecified
        | ErrorReason::Unauthenticated
        | ErrorReason::ScopeDenied
        | ErrorReason::TokenNotReached => return None,
    };
    Some(refused)
}

/// Resumes a watch at a position that is no longer kept.
async fn expired() -> Status {
    let retention = Retention { bytes: 0, ..Retention::default() };
    let options = Options { retention, ..Options::new(service::commit_len) };
    let hatd = Hatd::start_in_memory(options).await;
    let token = hatd.put_room(ROOM).await.token;
    hatd.affiliate(ROOM, USER, Member).await;
    let request = pb::WatchHatsRequest {
        start: Some(pb::watch_hats_request::Start::ResumeToken(token)),
        on_expired: pb::OnExpired::Fail.into(),
        ..Default::default()
    };
    hatd.hats().watch_hats(request).await.map(drop).unwrap_err()
}

/// Makes a write that has begun before a shutdown, and is complete only after it.
async fn shutting_down(hatd: Hatd) -> Status {
    let mut health = HealthClient::new(hatd.channel.clone());
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    watch.message().await.unwrap();

    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    let (first, last) = (message.slice(..7), message.slice(7..));
    let (complete, completed) = oneshot::channel::<Bytes>();
    let rest = stream::once(async { completed.await.unwrap() });
    let frames = stream::once(async { first }).chain(rest);
    let frames = frames.map(|bytes| Ok::<_, std::io::Error>(Frame::data(bytes)));
    let path = "/hatd.v1.HatService/AddUserHat";
    let mut call = Box::pin(hatd.call(path, &[], Body::new(StreamBody::new(frames))));
    assert!((&mut call).now_or_never().is_none());
    // An answer to what came later over the same connection: the server has the call.
    let later = hatd.call_message("/hatd.v1.RoomService/ListRooms", &[]).await;
    assert_eq!(later.code(), Code::Ok);

    hatd.stop();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::NotServing {}
    complete.send(last).unwrap();
    call.await.status.unwrap()
}

#[tokio::test]
async fn every_reason_is_given_as_documented_or_comes_later() {
    let mut later = Vec::new();
    // Past the last number by far; which there are, the match above knows.
    for reason in (1..1_000).filter_map(|number| ErrorReason::try_from(number).ok()) {
        match Box::pin(provoke(reason)).await {
            Some((status, metadata)) => {
                check_status(reason.as_str_name(), &status, reason, &metadata);
            }
            None => later.push(reason),
        }
    }
    let expected =
        [ErrorReason::Unauthenticated, ErrorReason::ScopeDenied, ErrorReason::TokenNotReached];
    assert_eq!(later, expected);
}

#[tokio::test]
async fn the_longest_names_fit_into_a_status() {
    let hatd = Hatd::start().await;
    let (room, user) = (format!("{}@localhost", "ö".repeat(511)), format!("{}@b", "ü".repeat(511)));
    hatd.put_room_for_anyone(&room).await;
    let hat = format!("urn:{}", "x".repeat(1019));
    let request = wear_request(&room, &user, &hat);
    // Values are cut at 256 bytes.
    let cut = hat[..256].to_owned();
    let metadata = [("hat_id", cut.as_str())];
    hatd.refuses(ErrorReason::HatNotFound, &metadata, hatd.wardrobe().wear_hat(request)).await;

    let garbage = "\u{10FFFF}\n\0".repeat(10_000);
    hatd.refuses(ErrorReason::InvalidRoomJid, &[], hatd.give_answer(&garbage, USER, HAT)).await;
    let request = set_request(&room, &user, [&garbage]);
    hatd.refuses(ErrorReason::InvalidHatId, &[], hatd.hats().set_user_hats(request)).await;
    let mut request = add_request(&room, &user, HAT);
    request.etag = garbage;
    hatd.refuses(ErrorReason::EtagMismatch, &[], hatd.hats().add_user_hat(request)).await;
}
