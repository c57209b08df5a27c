//! A hatd in this process behind a real socket, and what to ask it.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::Future,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::{BufMut as _, Bytes, BytesMut};
use hatd::{
    limits::Limits,
    origin::Origin,
    server::{self, Server},
    service,
    store::{self, Store, embedded, memory::Memory},
};
pub(crate) use hatd_client::pb::{self, ErrorReason};
use hatd_client::pb::{
    admin_service_client::AdminServiceClient, hat_service_client::HatServiceClient,
    room_service_client::RoomServiceClient, wardrobe_service_client::WardrobeServiceClient,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use prost_types::FileDescriptorSet;
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Response, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

pub(crate) const ROOM: &str = "room@conference.localhost";
pub(crate) const USER: &str = "user@localhost";
pub(crate) const HAT: &str = "urn:example:hat";

/// What a call answers, without what the transport adds.
pub(crate) type Answer<T> = Result<Response<T>, Status>;

/// A server, and one connection to it.
pub(crate) struct Hatd {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channel: Channel,
    raw: SendRequest<Body>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), server::Error>>,
    dir: Option<TempDir>,
}

impl Hatd {
    /// With all in memory.
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    /// With all in memory, under limits of the test's own.
    pub(crate) async fn start_with(limits: Limits) -> Self {
        let options = store::Options { limits, ..store::Options::new(service::commit_len) };
        Self::start_in_memory(options).await
    }

    /// With all in memory, and every option of the store.
    pub(crate) async fn start_in_memory(options: store::Options) -> Self {
        let limits = options.limits.clone();
        Self::serve(Arc::new(Memory::new(options)), limits).await
    }

    /// With all on disk, in a directory of its own.
    pub(crate) async fn start_on_disk() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(dir: TempDir) -> Self {
        let options = store::Options::new(service::commit_len);
        let limits = options.limits.clone();
        let store = server::open_store(embedded::Config::new(dir.path(), options)).await.unwrap();
        Self { dir: Some(dir), ..Self::serve(store, limits).await }
    }

    /// With all in memory, and web pages of these origins among its callers.
    pub(crate) async fn start_for_pages(origins: &[&str]) -> Self {
        let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let store = Memory::new(store::Options::new(service::commit_len));
        Self::serve_pages(Arc::new(store), Limits::default(), origins).await
    }

    /// Over a store that the test brings.
    pub(crate) async fn serve(store: Arc<dyn Store>, limits: Limits) -> Self {
        Self::serve_pages(store, limits, vec![]).await
    }

    async fn serve_pages(store: Arc<dyn Store>, limits: Limits, cors_origins: Vec<Origin>) -> Self {
        let options = server::Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            cors_origins,
            request_timeout: Duration::from_secs(20),
            request_timeout_max: Duration::from_secs(30),
            shutdown_grace_period: Duration::from_secs(10),
            limits,
        };
        let server = Server::bind(options, Arc::clone(&store)).await.unwrap();
        let address = server.local_addr();
        let stop = CancellationToken::new();
        let served = tokio::spawn(server.serve(stop.clone().cancelled_owned()));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let raw = connect(address).await;
        Self { address, store, channel, raw, stop, served, dir: None }
    }

    /// Begins the drain.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the end of the drain.
    pub(crate) async fn stopped(self) {
        self.served.await.unwrap().unwrap();
    }

    /// Stops the server, and starts another one on the same directory.
    pub(crate) async fn restart(self) -> Self {
        self.stop();
        self.served.await.unwrap().unwrap();
        drop((self.channel, self.raw));
        // Connections may still be on their way out.
        let is_last = async {
            while Arc::strong_count(&self.store) > 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), is_last).await.unwrap();
        drop(self.store);
        Self::start_in(self.dir.unwrap()).await
    }

    pub(crate) fn hats(&self) -> HatServiceClient<Channel> {
        HatServiceClient::new(self.channel.clone())
    }

    pub(crate) fn rooms(&self) -> RoomServiceClient<Channel> {
        RoomServiceClient::new(self.channel.clone())
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    pub(crate) fn wardrobe(&self) -> WardrobeServiceClient<Channel> {
        WardrobeServiceClient::new(self.channel.clone())
    }

    /// Makes a call of any bytes, over a connection that all such calls share.
    pub(crate) async fn call(&self, path: &str, headers: &[(&str, &str)], body: Body) -> Raw {
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.request(request.body(body).unwrap()).await
    }

    /// Sends a request that need not be a call.
    pub(crate) async fn request(&self, request: Request<Body>) -> Raw {
        let response = self.raw.clone().send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status =
            Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&parts.headers));
        Raw { http: parts.status, status, body: body.to_bytes() }
    }

    /// Makes a call of the bytes of one message.
    pub(crate) async fn call_message(&self, path: &str, message: &[u8]) -> Raw {
        self.call(path, &[], body(frame(message))).await
    }

    pub(crate) async fn put_room(&self, room_jid: &str) -> pb::PutRoomResponse {
        self.put(pb::PutRoomRequest { room_jid: room_jid.into(), ..Default::default() }).await
    }

    /// Makes a room in which everybody can have hats.
    pub(crate) async fn put_room_for_anyone(&self, room_jid: &str) -> pb::PutRoomResponse {
        let eligibility = pb::Eligibility::Anyone.into();
        let room_jid = room_jid.into();
        self.put(pb::PutRoomRequest { room_jid, eligibility, ..Default::default() }).await
    }

    pub(crate) async fn put(&self, request: pb::PutRoomRequest) -> pb::PutRoomResponse {
        self.rooms().put_room(request).await.unwrap().into_inner()
    }

    pub(crate) async fn affiliate(
        &self,
        room_jid: &str,
        user_jid: &str,
        affiliation: pb::Affiliation,
    ) -> pb::SetAffiliationResponse {
        let request = affiliation_request(room_jid, user_jid, affiliation);
        self.rooms().set_affiliation(request).await.unwrap().into_inner()
    }

    /// Makes [`ROOM`] with [`USER`] as its member.
    pub(crate) async fn put_member(&self) {
        self.put_room(ROOM).await;
        self.affiliate(ROOM, USER, pb::Affiliation::Member).await;
    }

    /// Gives a hat, not worn.
    pub(crate) async fn give(
        &self,
        room_jid: &str,
        user_jid: &str,
        hat_id: &str,
    ) -> pb::AddUserHatResponse {
        self.give_answer(room_jid, user_jid, hat_id).await.unwrap().into_inner()
    }

    /// Gives a hat, not worn, or is refused.
    pub(crate) async fn give_answer(
        &self,
        room_jid: &str,
        user_jid: &str,
        hat_id: &str,
    ) -> Answer<pb::AddUserHatResponse> {
        self.hats().add_user_hat(add_request(room_jid, user_jid, hat_id)).await
    }

    pub(crate) async fn define(&self, definition: pb::HatDefinition) -> pb::DefineHatResponse {
        let definition = Some(definition);
        let request =
            pb::DefineHatRequest { room_jid: ROOM.into(), definition, ..Default::default() };
        self.hats().define_hat(request).await.unwrap().into_inner()
    }

    pub(crate) async fn user_hats(&self, room_jid: &str, user_jid: &str) -> pb::UserHats {
        let request = get_request(room_jid, user_jid);
        let answer = self.hats().get_user_hats(request).await.unwrap().into_inner();
        answer.user_hats.unwrap()
    }

    /// The ids of a user's hats.
    pub(crate) async fn hat_ids(&self, room_jid: &str, user_jid: &str) -> Vec<String> {
        self.user_hats(room_jid, user_jid).await.hats.into_keys().collect()
    }

    /// The token of a read. Two are equal if and only if nothing was committed in between.
    pub(crate) async fn head(&self) -> String {
        self.rooms().list_rooms(pb::ListRoomsRequest::default()).await.unwrap().into_inner().token
    }

    /// All that the server shows.
    pub(crate) async fn state(&self) -> State {
        let rooms = self.all_rooms().await;
        let mut contents = Vec::new();
        for room in &rooms {
            contents.push(Contents {
                documents: self.all_documents(&room.room_jid).await,
                affiliations: self.all_affiliations(&room.room_jid).await,
                definitions: self.all_definitions(&room.room_jid).await,
            });
        }
        State { head: self.head().await, rooms, contents }
    }

    async fn all_rooms(&self) -> Vec<pb::Room> {
        let mut request = pb::ListRoomsRequest { page_size: 1000, ..Default::default() };
        let mut rooms = Vec::new();
        loop {
            let page = self.rooms().list_rooms(request.clone()).await.unwrap().into_inner();
            rooms.extend(page.rooms);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return rooms;
            }
        }
    }

    /// The documents with hats of a room.
    pub(crate) async fn all_documents(&self, room_jid: &str) -> Vec<pb::UserHats> {
        let mut request = list_request(room_jid);
        let mut documents = Vec::new();
        loop {
            let page = self.hats().list_room_hats(request.clone()).await.unwrap().into_inner();
            documents.extend(page.users);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return documents;
            }
        }
    }

    /// The affiliations of a room other than NONE, by user.
    pub(crate) async fn all_affiliations(&self, room_jid: &str) -> Vec<(String, pb::Affiliation)> {
        let room_jid = room_jid.to_owned();
        let mut request =
            pb::ListAffiliationsRequest { room_jid, page_size: 1000, ..Default::default() };
        let mut affiliations = Vec::new();
        loop {
            let page = self.rooms().list_affiliations(request.clone()).await.unwrap().into_inner();
            affiliations.extend(page.affiliations.into_iter().map(|user| {
                let affiliation = user.affiliation();
                (user.user_jid, affiliation)
            }));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return affiliations;
            }
        }
    }

    async fn all_definitions(&self, room_jid: &str) -> Vec<pb::HatDefinition> {
        let room_jid = room_jid.to_owned();
        let mut request =
            pb::ListHatDefinitionsRequest { room_jid, page_size: 1000, ..Default::default() };
        let mut definitions = Vec::new();
        loop {
            let page =
                self.hats().list_hat_definitions(request.clone()).await.unwrap().into_inner();
            definitions.extend(page.definitions);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return definitions;
            }
        }
    }

    /// Checks that a call is refused for the reason, in every detail that the contract names and
    /// those that the test knows, and that it leaves no trace.
    #[track_caller]
    pub(crate) fn refuses<T: Debug>(
        &self,
        reason: ErrorReason,
        metadata: &[(&str, &str)],
        call: impl Future<Output = Answer<T>>,
    ) -> impl Future<Output = Status> {
        let caller = std::panic::Location::caller();
        async move {
            let before = self.state().await;
            let status = match call.await {
                Ok(answer) => panic!("{caller}: {reason:?} expected, but answered {answer:?}"),
                Err(status) => status,
            };
            assert_eq!(self.state().await, before, "{caller}: a refusal left a trace");
            check_status(&caller.to_string(), &status, reason, metadata);
            status
        }
    }
}

/// Connects for calls of any bytes, once: a connection that is lost stays lost.
async fn connect(address: SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// All that a server shows.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    head: String,
    pub(crate) rooms: Vec<pb::Room>,
    contents: Vec<Contents>,
}

/// All that a server shows of a room.
#[derive(Debug, PartialEq)]
struct Contents {
    documents: Vec<pb::UserHats>,
    affiliations: Vec<(String, pb::Affiliation)>,
    definitions: Vec<pb::HatDefinition>,
}

impl State {
    /// The token of a read, which stands for the last commit.
    pub(crate) fn head(&self) -> &str {
        &self.head
    }
}

/// The answer to a call of any bytes.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) http: StatusCode,
    /// The status, if gRPC answered.
    pub(crate) status: Option<Status>,
    pub(crate) body: Bytes,
}

impl Raw {
    #[track_caller]
    pub(crate) fn code(&self) -> Code {
        match &self.status {
            Some(status) => status.code(),
            None => panic!("no gRPC status: {self:?}"),
        }
    }

    /// The only message of the answer.
    #[track_caller]
    pub(crate) fn message<M: Message + Default>(&self) -> M {
        assert_eq!(self.code(), Code::Ok, "{self:?}");
        let (prefix, message) = self.body.split_at(5);
        assert_eq!(prefix, &frame(message)[..5]);
        M::decode(message).unwrap()
    }
}

/// A message with its prefix, uncompressed.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

/// Bytes as the whole body of a call.
pub(crate) fn body(bytes: impl Into<Bytes>) -> Body {
    Body::new(http_body_util::Full::new(bytes.into()))
}

/// What `errors.proto` says of a reason.
struct Documented {
    code: Code,
    /// The keys of the metadata, in order.
    keys: Vec<String>,
}

/// The comments of the contract: what is promised is what is checked.
static DOCUMENTED: LazyLock<BTreeMap<i32, Documented>> = LazyLock::new(|| {
    let files = FileDescriptorSet::decode(hatd::pb::FILE_DESCRIPTOR_SET).unwrap().file;
    let file = files.iter().find(|file| file.name() == "hatd/v1/errors.proto").unwrap();
    let reasons = &file.enum_type[0];
    let locations = &file.source_code_info.as_ref().unwrap().location;
    let documented = reasons.value.iter().enumerate().skip(1).map(|(index, value)| {
        // The value's path: field 5 of the file (enum_type), and field 2 of the enum (value).
        let path = [5, 0, 2, i32::try_from(index).unwrap()];
        let location = locations.iter().find(|location| location.path == path).unwrap();
        (value.number(), parse_comment(location.leading_comments()))
    });
    documented.collect()
});

/// Reads a comment of the form "CODE: what happened. Metadata: `key`, `key`."
fn parse_comment(comment: &str) -> Documented {
    let (code, rest) = comment.trim().split_once(": ").unwrap();
    let names = |it: &Code| format!("{it:?}").to_uppercase() == code.replace('_', "");
    let code = (0..=16).map(Code::from_i32).find(names).unwrap();
    let keys = rest.rsplit_once("Metadata:").map_or("", |(_, keys)| keys);
    let keys = keys.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Documented { code, keys }
}

/// Checks a status in every detail that the contract names for the reason, and those that the test
/// knows. `what` says where it comes from.
pub(crate) fn check_status(
    what: &str,
    status: &Status,
    reason: ErrorReason,
    metadata: &[(&str, &str)],
) {
    let Documented { code, keys } = &DOCUMENTED[&reason.into()];
    let Some(info) = status.get_details_error_info() else {
        panic!("{what}: {reason:?} expected, but no reason given: {status:?}")
    };
    let name = reason.as_str_name().strip_prefix("ERROR_REASON_").unwrap();
    assert_eq!((info.reason.as_str(), status.code()), (name, *code), "{what}: {status:?}");
    assert_eq!(info.domain, "hatd.v1", "{what}");
    assert!(!status.message().is_empty(), "{what}");

    // An operation of UpdateRoomHats is named in addition.
    let mut present = info.metadata.clone();
    present.remove("operation_index");
    let present: Vec<_> = BTreeMap::from_iter(present).into_keys().collect();
    let mut documented = keys.clone();
    documented.sort();
    assert_eq!(present, documented, "{what}: the metadata of {name}");
    for (key, value) in metadata {
        let is = info.metadata.get(*key).map(String::as_str);
        assert_eq!(is, Some(*value), "{what}: {key} in the metadata of {name}");
    }

    let resource = status.get_details_resource_info().map(|resource| resource.resource_name);
    let missing = (*code == Code::NotFound).then(|| info.metadata[keys.last().unwrap()].clone());
    assert_eq!(resource, missing, "{what}: ResourceInfo");
    let fields = status.get_details_bad_request().map(|bad| {
        bad.field_violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    });
    let field = (*code == Code::InvalidArgument).then(|| vec![info.metadata["field"].clone()]);
    assert_eq!(fields, field, "{what}: BadRequest");
    let retries = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    assert_eq!(status.get_details_retry_info().is_some(), retries, "{what}: RetryInfo");

    let details = status.details();
    assert!(details.len() < 4 << 10, "{what}: a status of {} bytes", details.len());
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers).unwrap();
    let trailers: usize = trailers.values().map(http::HeaderValue::len).sum();
    assert!(trailers < 8 << 10, "{what}: trailers of {trailers} bytes");
    assert!(STANDARD_NO_PAD.encode(details).len() <= trailers);
}

pub(crate) fn affiliation_request(
    room_jid: &str,
    user_jid: &str,
    affiliation: pb::Affiliation,
) -> pb::SetAffiliationRequest {
    let (room_jid, user_jid) = (room_jid.into(), user_jid.into());
    let affiliation = affiliation.into();
    pb::SetAffiliationRequest { room_jid, user_jid, affiliation, ..Default::default() }
}

pub(crate) fn add_request(room_jid: &str, user_jid: &str, hat_id: &str) -> pb::AddUserHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::AddUserHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

pub(crate) fn remove_request(
    room_jid: &str,
    user_jid: &str,
    hat_id: &str,
) -> pb::RemoveUserHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::RemoveUserHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

/// Sets a user's hats, each with the empty attachment.
pub(crate) fn set_request<H: Into<String>>(
    room_jid: &str,
    user_jid: &str,
    hats: impl IntoIterator<Item = H>,
) -> pb::SetUserHatsRequest {
    let (room_jid, user_jid) = (room_jid.into(), user_jid.into());
    pb::SetUserHatsRequest { room_jid, user_jid, hats: unworn(hats), ..Default::default() }
}

/// Hats with the empty attachment.
pub(crate) fn unworn<H: Into<String>>(
    hats: impl IntoIterator<Item = H>,
) -> BTreeMap<String, pb::Attachment> {
    hats.into_iter().map(|hat| (hat.into(), pb::Attachment::default())).collect()
}

pub(crate) fn wearers_request<U: Into<String>>(
    room_jid: &str,
    hat_id: &str,
    user_jids: impl IntoIterator<Item = U>,
) -> pb::SetHatWearersRequest {
    let (room_jid, hat_id) = (room_jid.into(), hat_id.into());
    let user_jids = user_jids.into_iter().map(Into::into).collect();
    pb::SetHatWearersRequest { room_jid, hat_id, user_jids, ..Default::default() }
}

pub(crate) fn get_request(room_jid: &str, user_jid: &str) -> pb::GetUserHatsRequest {
    let (room_jid, user_jid) = (room_jid.into(), user_jid.into());
    pb::GetUserHatsRequest { room_jid, user_jid, ..Default::default() }
}

pub(crate) fn list_request(room_jid: &str) -> pb::ListRoomHatsRequest {
    let room_jid = room_jid.into();
    pb::ListRoomHatsRequest { room_jid, page_size: 1000, ..Default::default() }
}

pub(crate) fn wear_request(room_jid: &str, user_jid: &str, hat_id: &str) -> pb::WearHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::WearHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

pub(crate) fn doff_request(room_jid: &str, user_jid: &str, hat_id: &str) -> pb::DoffHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::DoffHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

pub(crate) fn claim_request(room_jid: &str, user_jid: &str, hat_id: &str) -> pb::ClaimHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::ClaimHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

pub(crate) fn discard_request(
    room_jid: &str,
    user_jid: &str,
    hat_id: &str,
) -> pb::DiscardHatRequest {
    let (room_jid, user_jid, hat_id) = (room_jid.into(), user_jid.into(), hat_id.into());
    pb::DiscardHatRequest { room_jid, user_jid, hat_id, ..Default::default() }
}

/// Operations on [`ROOM`].
pub(crate) fn update_request(
    operations: impl IntoIterator<Item = pb::hat_operation::Operation>,
) -> pb::UpdateRoomHatsRequest {
    let operation = |operation| pb::HatOperation { operation: Some(operation) };
    let operations = operations.into_iter().map(operation).collect();
    pb::UpdateRoomHatsRequest { room_jid: ROOM.into(), operations, ..Default::default() }
}

pub(crate) fn add(user_jid: &str, hat_id: &str) -> pb::hat_operation::Operation {
    let (user_jid, hat_id) = (user_jid.into(), hat_id.into());
    pb::hat_operation::Operation::Add(pb::AddOperation { user_jid, hat_id, attachment: None })
}

pub(crate) fn remove(user_jid: &str, hat_id: &str) -> pb::hat_operation::Operation {
    let (user_jid, hat_id) = (user_jid.into(), hat_id.into());
    pb::hat_operation::Operation::Remove(pb::RemoveOperation { user_jid, hat_id })
}

pub(crate) fn set<H: Into<String>>(
    user_jid: &str,
    hats: impl IntoIterator<Item = H>,
) -> pb::hat_operation::Operation {
    let (user_jid, hats) = (user_jid.into(), unworn(hats));
    pb::hat_operation::Operation::Set(pb::SetOperation { user_jid, hats, ..Default::default() })
}

pub(crate) fn definition(hat_id: &str) -> pb::HatDefinition {
    pb::HatDefinition { hat_id: hat_id.into(), ..Default::default() }
}

/// Members, outcasts and others for an entry of `SyncRooms`.
pub(crate) fn users(
    users: impl IntoIterator<Item = (String, pb::Affiliation)>,
) -> Vec<pb::UserAffiliation> {
    let user = |(user_jid, affiliation): (String, pb::Affiliation)| pb::UserAffiliation {
        user_jid,
        affiliation: affiliation.into(),
    };
    users.into_iter().map(user).collect()
}

/// A watch of one selector, from a snapshot.
pub(crate) fn watch_request(selector: pb::WatchSelector) -> pb::WatchHatsRequest {
    pb::WatchHatsRequest { selectors: vec![selector], ..Default::default() }
}
