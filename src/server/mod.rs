//! The server: the services behind a socket, from its start to its drain.
//!
//! A call passes these layers, from the outside in:
//!
//! 1. `plain_http` turns away what is not gRPC;
//! 2. tonic-web makes gRPC of gRPC-Web;
//! 3. `access_log` opens the span and logs the end;
//! 4. `rewrite` mends statuses and catches panics;
//! 5. `deadline` bounds the time;
//!
//! and then the handler.

mod access_log;
mod deadline;
mod listener;
mod methods;
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

pub use self::deadline::Deadline;
use self::{
    deadline::Timeouts,
    listener::{Lifetimes, Listener},
    methods::Methods,
    rewrite::MessageBytesMax,
};
use crate::{
    limits::Limits,
    pb,
    service::{self, App},
    store::{self, Store, embedded},
};

/// How often the store is asked to end the hats that are due. The contract gives an expiry 1 s.
const EXPIRY_TICK: Duration = Duration::from_millis(250);

/// Time for tasks to notice that their connection is cut. Our choice: they are woken at once, and
/// only a bug could need more.
const ABORT_LIMIT: Duration = Duration::from_secs(1);

/// Time for the store to close. Our choice: all that was acknowledged is on disk before, so only a
/// disk that hangs needs more, and then there is nothing to wait for.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What health reports on: the server as a whole, and each service.
const HEALTH_NAMES: [&str; 4] =
    ["", "hatd.v1.HatService", "hatd.v1.RoomService", "hatd.v1.WardrobeService"];

/// What the server goes by.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port for gRPC and gRPC-Web; port 0 takes a free one.
    pub listen: SocketAddr,
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
pub async fn open_store(options: embedded::Options) -> Result<Arc<dyn Store>, embedded::OpenError> {
    match tokio::task::spawn_blocking(|| embedded::open(options)).await {
        Ok(opened) => opened,
        Err(failed) => panic::resume_unwind(failed.into_panic()),
    }
}

/// A server that is bound to its socket: clients can connect, and are answered once it serves.
pub struct Server {
    listener: Listener,
    router: Router,
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
        let app = App::new(Arc::clone(&store), options.limits.clone(), lifetimes.drain.clone());
        let (health, routes) = with_standard_services(service::routes(Arc::new(app))).await?;
        let router = with_layers(routes.into_axum_router(), &options, &lifetimes.drain)?;
        let listener = Listener::bind(options.listen)
            .await
            .map_err(|source| Error::Bind { address: options.listen, source })?;
        Ok(Self { listener, router, health, store, lifetimes, options })
    }

    /// Where it listens: the true port, if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
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
        let Self { listener, router, health, store, lifetimes, options } = self;
        let Lifetimes { drain, abort, tasks } = lifetimes.clone();
        // A stream that has ended says nothing more: wait for ever.
        let mut signals = pin!(signals.chain(stream::pending()));

        let mut expiry = Expiry { store: Arc::clone(&store), failing: false };
        expiry.tick().await;
        tasks.spawn(expiry.run(drain.clone()));
        tasks.spawn(listener.serve(router, options.limits.metadata_bytes_max, lifetimes));

        signals.next().await;
        tracing::info!("draining");
        for name in HEALTH_NAMES {
            health.set_service_status(name, ServingStatus::NotServing).await;
        }
        drain.cancel();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => {}
            () = sleep(options.shutdown_grace_period) => {
                tracing::warn!("cut the calls still open after the grace period");
            }
            _ = signals.next() => tracing::warn!("cut the calls still open at a second signal"),
        }
        abort.cancel();
        if timeout(ABORT_LIMIT, tasks.wait()).await.is_err() {
            tracing::error!("left tasks behind that do not end");
        }

        timeout(CLOSE_LIMIT, store.close())
            .await
            .map_err(|_| Error::CloseTimedOut)?
            .map_err(Error::Close)?;
        tracing::info!("stopped");
        Ok(())
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
        match self.store.expire().await {
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!("ended the hats that were overdue");
            }
            Ok(()) => {}
            // Hats stay until writes are possible again, and a line every tick says nothing more.
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!(error = &error as &dyn std::error::Error, "failed to end hats");
            }
            Err(_) => {}
        }
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
        let builder = tonic_reflection::server::Builder::configure();
        // The builder adds the descriptors of its own service itself.
        [
            pb::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_types::pb::FILE_DESCRIPTOR_SET,
        ]
        .into_iter()
        .fold(builder, |builder, set| builder.register_encoded_file_descriptor_set(set))
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
    let message_bytes_max = MessageBytesMax(options.limits.message_bytes_max);
    Ok(router
        .layer(from_fn_with_state(timeouts, deadline::enforce))
        .layer(from_fn_with_state(message_bytes_max, rewrite::statuses))
        .layer(from_fn(access_log::log))
        .layer(GrpcWebLayer::new())
        .layer(from_fn_with_state(methods, plain_http::refuse)))
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
