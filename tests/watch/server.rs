//! A server in this process, on a port of its own, and the calls that the tests make.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hatd::limits::Limits;
use hatd::server::{self, Options};
use hatd::service;
use hatd::store::{self, Retention, Store, embedded};
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::{Client, pb};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

pub(crate) const ROOM: &str = "room@conference.localhost";
pub(crate) const OTHER_ROOM: &str = "other@conference.localhost";
/// A room of another domain.
pub(crate) const FAR_ROOM: &str = "room@conference.example";
pub(crate) const USER: &str = "user@localhost";
pub(crate) const OTHER_USER: &str = "other@localhost";
pub(crate) const HAT: &str = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";
pub(crate) const OTHER_HAT: &str = "urn:hat:other";

/// Longest wait for anything: far more than any of it takes, so that a test that waits in vain
/// fails instead of hanging.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What a server is started with. Servers started with clones of it have the same data.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) data_dir: Arc<TempDir>,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    pub(crate) segment_bytes: Option<u64>,
    pub(crate) grace_period: Duration,
}

impl Setup {
    /// The defaults, and no data yet.
    pub(crate) fn new() -> Self {
        Self {
            data_dir: Arc::new(TempDir::new().unwrap()),
            limits: Limits::default(),
            retention: Retention::default(),
            segment_bytes: None,
            grace_period: LIMIT,
        }
    }

    /// Keeps hardly any history for watches.
    pub(crate) fn forgetful() -> Self {
        let retention = Retention { bytes: 1, ..Retention::default() };
        Self { retention, segment_bytes: Some(1), ..Self::new() }
    }

    pub(crate) async fn open_store(&self) -> Arc<dyn Store> {
        let options = store::Options {
            limits: self.limits.clone(),
            retention: self.retention,
            ..store::Options::new(service::commit_len)
        };
        let mut config = embedded::Config::new(self.data_dir.path(), options);
        config.segment_bytes = self.segment_bytes.unwrap_or(config.segment_bytes);
        server::open_store(config).await.unwrap()
    }

    pub(crate) async fn start(&self) -> Server {
        let store = self.open_store().await;
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            cors_origins: Vec::new(),
            request_timeout: LIMIT,
            request_timeout_max: LIMIT,
            shutdown_grace_period: self.grace_period,
            limits: self.limits.clone(),
        };
        let server = server::Server::bind(options, Arc::clone(&store)).await.unwrap();
        let address = server.local_addr();
        let stop = CancellationToken::new();
        let served = tokio::spawn(server.serve(stop.clone().cancelled_owned()));
        let client = Client::connect(format!("http://{address}")).await.unwrap();
        let watches = HatServiceClient::new(connect(address).await);
        let data_dir = Arc::clone(&self.data_dir);
        Server { address, store, client, watches, stop, served, _data_dir: data_dir }
    }
}

/// A connection of its own.
pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// A connection of its own that takes as little ahead as HTTP/2 has it by default: what is not read
/// stays with the server.
pub(crate) async fn connect_narrow(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(STREAM_WINDOW_BYTES);
    endpoint.initial_connection_window_size(STREAM_WINDOW_BYTES).connect().await.unwrap()
}

/// RFC 9113, section 6.9.2.
const STREAM_WINDOW_BYTES: u32 = 65_535;

/// A running server, and connections to it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) client: Client,
    /// On another connection than the client's.
    pub(crate) watches: HatServiceClient<Channel>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), server::Error>>,
    /// Deleted with the last who use it.
    _data_dir: Arc<TempDir>,
}

impl Server {
    /// A server with default settings and no data.
    pub(crate) async fn fresh() -> Self {
        Setup::new().start().await
    }

    /// A server with a room, and a user who is a member there.
    pub(crate) async fn with_a_member() -> Self {
        let server = Self::fresh().await;
        server.put_room(ROOM).await;
        server.member(ROOM, USER).await;
        server
    }

    /// Begins the drain.
    pub(crate) fn shut_down(&self) {
        self.stop.cancel();
    }

    /// Drains, and waits until the data directory is free again.
    pub(crate) async fn stopped(self) {
        let Self { store, client, watches, stop, served, .. } = self;
        stop.cancel();
        drop((client, watches));
        served.await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "nobody holds the store after the drain");
    }

    pub(crate) async fn put_room(&self, room_jid: &str) -> pb::PutRoomResponse {
        let request = pb::PutRoomRequest { room_jid: room_jid.to_owned(), ..Default::default() };
        self.client.put_room(request).await.unwrap()
    }

    pub(crate) async fn delete_room(&self, room_jid: &str) -> pb::DeleteRoomResponse {
        let request = pb::DeleteRoomRequest { room_jid: room_jid.to_owned(), ..Default::default() };
        self.client.delete_room(request).await.unwrap()
    }

    pub(crate) async fn affiliate(
        &self,
        room_jid: &str,
        user_jid: &str,
        affiliation: pb::Affiliation,
    ) -> pb::SetAffiliationResponse {
        let request = pb::SetAffiliationRequest {
            room_jid: room_jid.to_owned(),
            user_jid: user_jid.to_owned(),
            affiliation: affiliation.into(),
            ..Default::default()
        };
        self.client.set_affiliation(request).await.unwrap()
    }

    pub(crate) async fn member(&self, room_jid: &str, user_jid: &str) {
        self.affiliate(room_jid, user_jid, pb::Affiliation::Member).await;
    }

    /// Puts a hat on a user, worn.
    pub(crate) async fn give(&self, room_jid: &str, user_jid: &str, hat_id: &str) -> Written {
        let answer = self.client.give_hat(room_jid, user_jid, hat_id).await.unwrap();
        Written { revision: answer.revision, token: answer.token, changed: answer.changed }
    }

    pub(crate) async fn take(&self, room_jid: &str, user_jid: &str, hat_id: &str) -> Written {
        let request = pb::RemoveUserHatRequest {
            room_jid: room_jid.to_owned(),
            user_jid: user_jid.to_owned(),
            hat_id: hat_id.to_owned(),
            ..Default::default()
        };
        let answer = self.client.remove_user_hat(request).await.unwrap();
        Written { revision: answer.revision, token: answer.token, changed: answer.changed }
    }

    /// Gives a user of the room, by number, a worn hat with a title of some bytes.
    pub(crate) async fn give_titled(&self, user: usize, hat: usize, title_bytes: usize) -> Written {
        let request = pb::AddUserHatRequest {
            room_jid: ROOM.to_owned(),
            user_jid: format!("user{user}@localhost"),
            hat_id: format!("urn:hat:{hat}"),
            attachment: Some(pb::Attachment {
                active: true,
                title: "t".repeat(title_bytes),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.client.add_user_hat(request).await.unwrap();
        Written { revision: answer.revision, token: answer.token, changed: answer.changed }
    }

    pub(crate) async fn define(&self, room_jid: &str, hat_id: &str) -> Written {
        let definition = pb::HatDefinition {
            hat_id: hat_id.to_owned(),
            title: "Defined".to_owned(),
            ..Default::default()
        };
        let request = pb::DefineHatRequest {
            room_jid: room_jid.to_owned(),
            definition: Some(definition),
            ..Default::default()
        };
        let answer = self.client.define_hat(request).await.unwrap();
        Written { revision: answer.revision, token: answer.token, changed: answer.changed }
    }

    /// Makes a room in which every user can have hats.
    pub(crate) async fn put_open_room(&self, room_jid: &str) {
        let request = pb::PutRoomRequest {
            room_jid: room_jid.to_owned(),
            eligibility: pb::Eligibility::Anyone.into(),
            ..Default::default()
        };
        self.client.put_room(request).await.unwrap();
    }
}

/// What a write answered, as far as the tests look.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) revision: u64,
    pub(crate) token: String,
    pub(crate) changed: bool,
}
