//! The server: the services behind a socket, from its start to its drain.
//!
//! A call passes these layers, from the outside in:
//!
//! 1. `cors` turns away web pages that are not listed, and lets the others read every answer;
//! 2. `plain_http` turns away what is not gRPC;
//! 3. tonic-web makes gRPC of gRPC-Web;
//! 4. `access_log` opens the span and logs the end;
//! 5. `rewrite` mends statuses and catches panics;
//! 6. `deadline` bounds the time;
//!
//! and then the handler. What Prometheus reads is on a listener of its own, if at all: `metrics`.

mod access_log;
mod cors;
mod deadline;
mod listener;
mod methods;
mod metrics;
mod plain_http;
mod rewrite;

use std::{io, net::SocketAddr, panic, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Status, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};
use tonic_web::GrpcWebLayer;

use self::{
    deadline::Timeouts,
    listener::{Lifetimes, Listener},
    methods::Methods,
    rewrite::MessageBytesMax,
};
use crate::{
    limits::Limits,
    origin::Origin,
    pb,
    service::{self, App},
    store::{self, Store, embedded},
};

/// How often the store is asked to end the hats that are due. The contract gives an expiry 1 s.
const EXPIRY_TICK: Duration = Duration::from_millis(250);

/// Time between the goodbye of the streams and that of their connections (GOAWAY). Our choice: some
/// clients, curl 7.88 for one, hang up at a GOAWAY and would miss what comes after it.
const FAREWELL: Duration = Duration::from_millis(100);

/// Time for tasks to notice that their connection is cut. Our choice: they are woken at once, and
/// only a bug could need more.
const ABORT_LIMIT: Duration = Duration::from_secs(1);

/// Time for the store to close. Our choice: all that was acknowledged is on disk before, and what is
/// synced and checksummed then is the state, for a quick start. Some gigabytes of it take seconds.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// What health reports on: the server as a whole, and each service.
const HEALTH_NAMES: [&str; 5] = [
    "",
    "hatd.v1.AdminService",
    "hatd.v1.HatService",
    "hatd.v1.RoomService",
    "hatd.v1.WardrobeService",
];

/// What the server goes by.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port for gRPC and gRPC-Web; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address and port for Prometheus, if it is to be served; port 0 takes a free one.
    pub metrics_listen: Option<SocketAddr>,
    /// The web pages that may call.
    pub cors_origins: Vec<Origin>,
    /// Time for a unary call that names none.
    pub request_timeout: Duration,
    /// Longest time a unary call can ask for.
    pub request_timeout_max: Duration,
    /// Longest wait for open calls at shutdown.
    pub shutdown_grace_period: Duration,
    /// Bounds on what callers send and keep.
    pub limits: Limits,
}

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket is not to be had.
    #[error("failed to listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The descriptors compiled into this binary are damaged.
    #[error("failed to read the service descriptors")]
    Descriptors(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store did not stop cleanly, and will be checked at the next start.
    #[error("failed to close the store")]
    Close(#[source] store::Error),
    /// The store did not stop in time, and will be checked at the next start.
    #[error("the store did not close within {} s", CLOSE_LIMIT.as_secs())]
    CloseTimedOut,
}

/// Opens the store, which may take long after a crash; dropping the future leaves it to itself.
///
/// # Errors
///
/// As [`embedded::open`].
///
/// # Panics
///
/// If opening does.
pub async fn open_store(config: embedded::Config) -> Result<Arc<dyn Store>, embedded::OpenError> {
    match tokio::task::spawn_blocking(|| embedded::open(config)).await {
        Ok(opened) => Ok(Arc::new(opened?)),
        Err(failed) => panic::resume_unwind(failed.into_panic()),
    }
}

/// A server that is bound to its socket: clients can connect, and are answered once it serves.
pub struct Server {
    listener: Listener,
    router: Router,
    metrics_listener: Option<Listener>,
    health: HealthReporter,
    store: Arc<dyn Store>,
    lifetimes: Lifetimes,
    options: Options,
}

impl Server {
    /// Binds the socket and puts the services behind it.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] or [`Error::Descriptors`].
    pub async fn bind(options: Options, store: Arc<dyn Store>) -> Result<Self, Error> {
        let lifetimes = Lifetimes::default();
        let app = App::new(Arc::clone(&store), options.limits.clone(), lifetimes.shutdown.clone());
        let (health, routes) = with_standard_services(service::routes(Arc::new(app))).await?;
        let router = with_layers(routes.into_axum_router(), &options, &lifetimes.shutdown)?;
        let listener = listen(options.listen).await?;
        let metrics_listener = match options.metrics_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self { listener, router, metrics_listener, health, store, lifetimes, options })
    }

    /// Where it listens: the true port, if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Where Prometheus is served, if it is: a URL.
    pub fn metrics_url(&self) -> Option<String> {
        let listener = self.metrics_listener.as_ref()?;
        Some(format!("http://{}{}", listener.local_addr(), metrics::PATH))
    }

    /// Serves until `shutdown`, then drains for at most the grace period and closes the store.
    ///
    /// # Errors
    ///
    /// [`Error::Close`] or [`Error::CloseTimedOut`].
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        self.serve_until(stream::once(shutdown)).await
    }

    /// As [`Server::serve`]: the first of the `signals` begins the drain, the second cuts it short.
    ///
    /// # Errors
    ///
    /// [`Error::Close`] or [`Error::CloseTimedOut`].
    pub async fn serve_until(self, signals: impl Stream<Item = ()>) -> Result<(), Error> {
        let Self { listener, router, metrics_listener, health, store, lifetimes, options } = self;
        // A stream that has ended says nothing more: wait for ever.
        let mut signals = pin!(signals.chain(stream::pending()));
        let metadata_bytes_max = options.limits.metadata_bytes_max;
        let serving = listener.serve(router, metadata_bytes_max, lifetimes.clone());
        let metrics = metrics_listener.map(|listener| {
            let router = metrics::router(Arc::clone(&store));
            listener.serve(router, metadata_bytes_max, lifetimes.clone())
        });
        let mut expiry = Expiry { store: Arc::clone(&store), failing: false };

        // What is due already is ended before anybody is answered. That may be much, and a signal
        // does not wait for it.
        let ready = tokio::select! {
            () = expiry.tick() => true,
            _ = signals.next() => false,
        };
        if ready {
            lifetimes.tasks.spawn(expiry.run(lifetimes.shutdown.clone()));
            lifetimes.tasks.spawn(serving);
            if let Some(metrics) = metrics {
                lifetimes.tasks.spawn(metrics);
            }
            signals.next().await;
        }

        let cut = async {
            tokio::select! {
                () = sleep(options.shutdown_grace_period) => "the grace period has passed",
                _ = signals.next() => "a second signal came",
            }
        };
        drain(&lifetimes, &health, cut).await;
        timeout(CLOSE_LIMIT, store.close())
            .await
            .map_err(|_| Error::CloseTimedOut)?
            .map_err(Error::Close)?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Binds a socket.
async fn listen(address: SocketAddr) -> Result<Listener, Error> {
    Listener::bind(address).await.map_err(|source| Error::Bind { address, source })
}

/// Ends all calls and connections, and waits for their tasks: at most until `cut`, which says why.
async fn drain(lifetimes: &Lifetimes, health: &HealthReporter, cut: impl Future<Output = &str>) {
    tracing::info!("draining");
    for name in HEALTH_NAMES {
        health.set_service_status(name, ServingStatus::NotServing).await;
    }
    lifetimes.shutdown.cancel();
    lifetimes.tasks.close();
    let drained = async {
        sleep(FAREWELL).await;
        lifetimes.drain.cancel();
        lifetimes.tasks.wait().await;
    };
    tokio::select! {
        () = drained => {}
        reason = cut => tracing::warn!(reason, "cut the calls that were still open"),
    }
    lifetimes.drain.cancel();
    lifetimes.abort.cancel();
    if timeout(ABORT_LIMIT, lifetimes.tasks.wait()).await.is_err() {
        tracing::error!("left tasks behind that do not end");
    }
}

/// Ends the hats that are due.
struct Expiry {
    store: Arc<dyn Store>,
    failing: bool,
}

impl Expiry {
    async fn run(mut self, until: CancellationToken) {
        let ticks = async {
            let mut ticks = interval(EXPIRY_TICK);
            // After a pause of the machine one look is enough.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.tick().await;
            }
        };
        until.run_until_cancelled(ticks).await;
    }

    async fn tick(&mut self) {
        let result = self.store.expire().await;
        // Hats stay until writes are possible again, and a line every tick says nothing more.
        match result {
            Err(ref error) if !self.failing => {
                tracing::error!(error = error as &dyn std::error::Error, "failed to end hats");
            }
            Ok(()) if self.failing => tracing::info!("ended the hats that were overdue"),
            Ok(()) | Err(_) => {}
        }
        self.failing = result.is_err();
    }
}

/// The encoded `FileDescriptorSet`s of all services and error details.
fn descriptors() -> [&'static [u8]; 5] {
    [
        pb::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ]
}

/// Adds health and reflection; health says SERVING from the start, as nothing is answered before.
///
/// # Errors
///
/// [`Error::Descriptors`].
async fn with_standard_services(routes: Routes) -> Result<(HealthReporter, Routes), Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in HEALTH_NAMES {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    let reflection = || {
        // The builder adds the descriptors of its own service itself.
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = reflection().build_v1().map_err(|error| Error::Descriptors(error.into()))?;
    // Older tools, grpcurl and Postman among them, know only this one.
    let v1alpha = reflection().build_v1alpha().map_err(|error| Error::Descriptors(error.into()))?;
    Ok((reporter, routes.add_service(health).add_service(v1).add_service(v1alpha)))
}

/// Puts the layers around the services, the innermost first.
///
/// # Errors
///
/// [`Error::Descriptors`].
fn with_layers(
    router: Router,
    options: &Options,
    shutdown: &CancellationToken,
) -> Result<Router, Error> {
    let methods = Methods::from_descriptors(&descriptors())
        .map_err(|error| Error::Descriptors(error.into()))?;
    let methods = Arc::new(methods);
    let timeouts = Arc::new(Timeouts {
        methods: Arc::clone(&methods),
        default: options.request_timeout,
        max: options.request_timeout_max,
        shutdown: shutdown.clone(),
    });
    let origins: Arc<[Origin]> = options.cors_origins.as_slice().into();
    let message_bytes_max = MessageBytesMax(options.limits.message_bytes_max);
    Ok(router
        .layer(from_fn_with_state(timeouts, deadline::enforce))
        .layer(from_fn_with_state(message_bytes_max, rewrite::statuses))
        .layer(from_fn(access_log::log))
        .layer(GrpcWebLayer::new())
        .layer(from_fn_with_state(methods, plain_http::refuse))
        .layer(from_fn_with_state(origins, cors::enforce)))
}

/// The trailers that end a stream with `status`.
fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // Its text is encoded for headers, so nothing in it can fail; the code alone would do.
    if status.add_header(&mut trailers).is_err() {
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    trailers
}

#[cfg(test)]
mod tests {
    use std::future;

    use tonic::{Code, transport::Channel};
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus as Wire,
        health_client::HealthClient,
    };
    use tonic_reflection::pb::{v1, v1alpha};

    use super::*;

    /// The server without our own services.
    async fn start() -> (Channel, HealthReporter, Lifetimes) {
        let lifetimes = Lifetimes::default();
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            cors_origins: Vec::new(),
            request_timeout: Duration::from_secs(5),
            request_timeout_max: Duration::from_secs(30),
            shutdown_grace_period: Duration::from_secs(10),
            limits: Limits::default(),
        };
        let (health, routes) = with_standard_services(Routes::default()).await.unwrap();
        let router = with_layers(routes.into_axum_router(), &options, &lifetimes.shutdown).unwrap();
        let listener = Listener::bind(options.listen).await.unwrap();
        let address = listener.local_addr();
        lifetimes.tasks.spawn(listener.serve(router, 16 << 10, lifetimes.clone()));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap();
        (channel.connect().await.unwrap(), health, lifetimes)
    }

    #[tokio::test]
    async fn a_drain_tells_health_watchers_first_and_cuts_nobody() {
        let (channel, health, lifetimes) = start().await;
        let mut client = HealthClient::new(channel);
        for name in HEALTH_NAMES {
            let request = HealthCheckRequest { service: name.to_owned() };
            let status = client.check(request).await.unwrap().into_inner().status();
            assert_eq!(status, Wire::Serving, "{name}");
        }
        let request = HealthCheckRequest { service: "hatd.v1.HatService".to_owned() };
        let mut watch = client.watch(request).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), Wire::Serving);

        tokio::join!(drain(&lifetimes, &health, future::pending()), async {
            assert_eq!(watch.message().await.unwrap().unwrap().status(), Wire::NotServing);
            assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
        });
    }

    #[tokio::test]
    async fn reflection_lists_our_services_in_both_versions() {
        let (channel, ..) = start().await;
        let ours = ["hatd.v1.AdminService", "hatd.v1.HatService", "hatd.v1.RoomService"];

        let request = v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
                String::new(),
            )),
        };
        let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
        let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
        let answer = format!("{:?}", answers.into_inner().message().await.unwrap());
        assert!(ours.iter().all(|name| answer.contains(name)), "{answer}");

        let request = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
            ),
        };
        let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
        let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
        let answer = format!("{:?}", answers.into_inner().message().await.unwrap());
        assert!(ours.iter().all(|name| answer.contains(name)), "{answer}");
    }
}
