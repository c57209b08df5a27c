//! A scripted hatd in this process, over a pipe instead of a socket, so that time can be paused.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests")]

pub mod script;

use std::{
    convert::Infallible,
    future::{self, pending},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::StreamExt as _;
use hatd_client::{Builder, Client, pb};
use hyper_util::rt::TokioIo;
use tokio::{
    io::DuplexStream,
    net::TcpListener,
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{BoxFuture, BoxStream, Service, http},
    server::{Grpc, NamedService},
    transport::{Endpoint, Server, ServerTlsConfig},
};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// What the server does on a stream.
#[derive(Clone, Debug)]
pub enum Step {
    Send(pb::WatchHatsResponse),
    /// Ends the stream with an error.
    Fail(Status),
    /// Says nothing for so long.
    Pause(Duration),
    /// Says nothing more and keeps the stream open. A script without it ends with OK.
    Hang,
}

pub type Script = Result<Vec<Step>, Status>;
type Watches = dyn FnMut(pb::WatchHatsRequest) -> Script + Send;
type Adds = dyn FnMut(pb::AddUserHatRequest) -> Result<pb::AddUserHatResponse, Status> + Send;
type Lists = dyn FnMut(pb::ListRoomHatsRequest) -> Result<pb::ListRoomHatsResponse, Status> + Send;

/// The scripted server: how it answers, and what it was asked.
#[derive(Clone)]
pub struct Hatd(Arc<Mutex<Inner>>);

struct Inner {
    on_watch: Box<Watches>,
    on_add: Box<Adds>,
    on_list: Box<Lists>,
    watches: Vec<(Instant, pb::WatchHatsRequest)>,
    adds: Vec<(Instant, pb::AddUserHatRequest)>,
    headers: Vec<http::HeaderMap>,
    refused_connections: u32,
    opens_after: Duration,
}

impl Hatd {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            on_watch: Box::new(|_| Err(Status::unimplemented("no script"))),
            on_add: Box::new(|_| Ok(pb::AddUserHatResponse::default())),
            on_list: Box::new(|_| Ok(pb::ListRoomHatsResponse::default())),
            watches: Vec::new(),
            adds: Vec::new(),
            headers: Vec::new(),
            refused_connections: 0,
            opens_after: Duration::ZERO,
        })))
    }

    /// Answers each watch as `script` says.
    pub fn on_watch(
        self,
        script: impl FnMut(pb::WatchHatsRequest) -> Script + Send + 'static,
    ) -> Self {
        self.lock().on_watch = Box::new(script);
        self
    }

    /// Answers the watches with these scripts in turn, and hangs after them.
    pub fn with_watches(self, scripts: Vec<Script>) -> Self {
        let mut scripts = scripts.into_iter();
        self.on_watch(move |_| scripts.next().unwrap_or_else(|| Ok(vec![Step::Hang])))
    }

    /// Answers each `AddUserHat` as `answer` says.
    pub fn on_add(
        self,
        answer: impl FnMut(pb::AddUserHatRequest) -> Result<pb::AddUserHatResponse, Status>
        + Send
        + 'static,
    ) -> Self {
        self.lock().on_add = Box::new(answer);
        self
    }

    /// Answers each `ListRoomHats` as `answer` says.
    pub fn on_list(
        self,
        answer: impl FnMut(pb::ListRoomHatsRequest) -> Result<pb::ListRoomHatsResponse, Status>
        + Send
        + 'static,
    ) -> Self {
        self.lock().on_list = Box::new(answer);
        self
    }

    /// Refuses the next `connections`.
    pub fn refuse_connections(self, connections: u32) -> Self {
        self.lock().refused_connections = connections;
        self
    }

    /// Takes so long to open a watch.
    pub fn opens_after(self, time: Duration) -> Self {
        self.lock().opens_after = time;
        self
    }

    /// The watches opened so far, and when.
    pub fn watches(&self) -> Vec<(Instant, pb::WatchHatsRequest)> {
        self.lock().watches.clone()
    }

    /// Where the watches opened so far were to start.
    pub fn starts(&self) -> Vec<pb::watch_hats_request::Start> {
        self.watches().into_iter().map(|(_, request)| request.start.unwrap()).collect()
    }

    /// The hats added so far, and when.
    pub fn adds(&self) -> Vec<(Instant, pb::AddUserHatRequest)> {
        self.lock().adds.clone()
    }

    /// The headers of all requests so far.
    pub fn headers(&self) -> Vec<http::HeaderMap> {
        self.lock().headers.clone()
    }

    /// The API keys that came with the requests so far, or nothing where none did.
    pub fn keys(&self) -> Vec<String> {
        let key = |headers: &http::HeaderMap| {
            let key = headers.get(http::header::AUTHORIZATION)?.to_str().unwrap();
            Some(key.strip_prefix("Bearer ").unwrap().to_owned())
        };
        self.headers().iter().map(|headers| key(headers).unwrap_or_default()).collect()
    }

    pub fn client(&self) -> Client {
        self.client_with(Client::builder())
    }

    pub fn client_with(&self, builder: Builder) -> Client {
        let (connections, accepted) = mpsc::channel::<DuplexStream>(16);
        tokio::spawn(
            Server::builder()
                .add_service(self.clone())
                .serve_with_incoming(ReceiverStream::new(accepted).map(Ok::<_, io::Error>)),
        );
        let hatd = self.clone();
        let connector = service_fn(move |_uri: http::Uri| {
            let (connections, hatd) = (connections.clone(), hatd.clone());
            async move {
                let refused = &mut hatd.lock().refused_connections;
                if *refused > 0 {
                    *refused -= 1;
                    return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
                }
                let (near, far) = tokio::io::duplex(64 * 1024);
                connections.try_send(far).map_err(io::Error::other)?;
                Ok(TokioIo::new(near))
            }
        });
        let endpoint = Endpoint::from_static("http://hatd.test");
        builder.with_channel(endpoint.connect_with_connector_lazy(connector))
    }

    /// Serves on a socket of this machine, with TLS.
    pub async fn listen(&self, tls: ServerTlsConfig) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().tls_config(tls).unwrap().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    /// Serves on a socket of this machine, whose first connection is half open: it is taken, and
    /// nothing comes of it.
    pub async fn listen_deaf_at_first(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut deaf = None;
        let incoming = TcpListenerStream::new(listener).filter_map(move |connection| {
            future::ready(if deaf.is_some() {
                Some(connection)
            } else {
                deaf = connection.ok();
                None
            })
        });
        let server = Server::builder().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(incoming));
        address
    }

    /// A client of a server that takes connections and never says a word.
    pub fn client_of_the_deaf(builder: Builder) -> Client {
        let held = Arc::new(Mutex::new(Vec::new()));
        let connector = service_fn(move |_uri: http::Uri| {
            let (near, far) = tokio::io::duplex(64 * 1024);
            held.lock().unwrap().push(far);
            async { Ok::<_, io::Error>(TokioIo::new(near)) }
        });
        let endpoint = Endpoint::from_static("http://hatd.test");
        builder.with_channel(endpoint.connect_with_connector_lazy(connector))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn watch(
        &self,
        request: pb::WatchHatsRequest,
    ) -> Result<BoxStream<pb::WatchHatsResponse>, Status> {
        let mut inner = self.lock();
        inner.watches.push((Instant::now(), request.clone()));
        let script = (inner.on_watch)(request)?;
        Ok(Box::pin(futures_util::stream::iter(script).filter_map(|step| async {
            match step {
                Step::Send(response) => Some(Ok(response)),
                Step::Fail(status) => Some(Err(status)),
                Step::Pause(pause) => {
                    sleep(pause).await;
                    None
                }
                Step::Hang => pending().await,
            }
        })))
    }
}

impl NamedService for Hatd {
    const NAME: &'static str = "hatd.v1.HatService";
}

impl Service<http::Request<Body>> for Hatd {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, http: http::Request<Body>) -> Self::Future {
        let hatd = self.clone();
        hatd.lock().headers.push(http.headers().clone());
        Box::pin(async move {
            let response = match http.uri().path().rsplit('/').next().unwrap() {
                "WatchHats" => {
                    let watch = service_fn(|request: Request<pb::WatchHatsRequest>| {
                        let stream = hatd.watch(request.into_inner());
                        let opens_after = hatd.lock().opens_after;
                        async move {
                            sleep(opens_after).await;
                            stream.map(Response::new)
                        }
                    });
                    Grpc::new(ProstCodec::default()).server_streaming(watch, http).await
                }
                "AddUserHat" => {
                    let add = service_fn(|request: Request<pb::AddUserHatRequest>| {
                        let mut inner = hatd.lock();
                        let request = request.into_inner();
                        inner.adds.push((Instant::now(), request.clone()));
                        let answer = (inner.on_add)(request);
                        async { answer.map(Response::new) }
                    });
                    Grpc::new(ProstCodec::default()).unary(add, http).await
                }
                "ListRoomHats" => {
                    let list = service_fn(|request: Request<pb::ListRoomHatsRequest>| {
                        let answer = (hatd.lock().on_list)(request.into_inner());
                        async { answer.map(Response::new) }
                    });
                    Grpc::new(ProstCodec::default()).unary(list, http).await
                }
                _ => Status::unimplemented("not in the script").into_http(),
            };
            Ok(response)
        })
    }
}
