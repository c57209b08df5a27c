//! The connection, and how a call is made over it.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use crate::{
    Error, Watch, WatchOptions,
    backoff::Backoff,
    pb::{
        hat_service_client::HatServiceClient, room_service_client::RoomServiceClient,
        wardrobe_service_client::WardrobeServiceClient,
    },
};

/// How long a read may take, retries included, unless said otherwise.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a write may take, retries included, unless said otherwise: long enough for a server
/// that is being replaced.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one attempt to connect may take. Our choice.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a connection is probed, also without calls, so that a dead one is noticed.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long the answer to a probe may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that a stream may send ahead of its reader. Small against the connection's window, so
/// that dozens of watches nobody reads leave room for calls. Our choice.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// Bytes that all streams of a connection may send ahead of their readers. Our choice.
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Longest response, in bytes: the limit of the contract.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The first delay between two attempts of one call is at most this.
const RETRY_BASE: Duration = Duration::from_millis(50);
/// No delay between two attempts of one call is longer, unless the server asks for it.
const RETRY_CEILING: Duration = Duration::from_secs(2);

/// A connection to hatd.
///
/// Cloning is cheap, and clones share the connection. A connection that breaks is made anew by the
/// next call.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) hats: HatServiceClient<Channel>,
    pub(crate) rooms: RoomServiceClient<Channel>,
    pub(crate) wardrobe: WardrobeServiceClient<Channel>,
    read_timeout: Duration,
    write_timeout: Duration,
}

impl Client {
    /// Connects to a hatd, such as `http://127.0.0.1:50051`, with the defaults of [`Builder`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTarget`], or [`Error::Transport`] if nothing answers there.
    pub async fn connect(target: impl Into<String>) -> Result<Self, Error> {
        Self::builder().connect(target).await
    }

    /// Returns the settings of a connection, to change and connect with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Watches hats: the state of what `options` select, then every change to it.
    ///
    /// Nothing is sent until the first [`Watch::next`].
    pub fn watch(&self, options: WatchOptions) -> Watch {
        Watch::new(self.hats.clone(), options)
    }

    /// Makes a call that reads.
    pub(crate) async fn read<Stub, Q, P, F, Fut>(
        &self,
        stub: &Stub,
        request: Q,
        call: F,
    ) -> Result<P, Error>
    where
        Stub: Clone,
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        self.call(stub, request, self.read_timeout, call).await
    }

    /// Makes a call that writes. Its request id is set before the first attempt, so that the
    /// attempts are one write.
    pub(crate) async fn write<Stub, Q, P, F, Fut>(
        &self,
        stub: &Stub,
        mut request: Q,
        request_id: fn(&mut Q) -> &mut String,
        call: F,
    ) -> Result<P, Error>
    where
        Stub: Clone,
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        let request_id = request_id(&mut request);
        if request_id.is_empty() {
            *request_id = Uuid::new_v4().to_string();
        }
        self.call(stub, request, self.write_timeout, call).await
    }

    /// Makes a call, again and again while the server is unavailable and there is time.
    async fn call<Stub, Q, P, F, Fut>(
        &self,
        stub: &Stub,
        request: Q,
        timeout: Duration,
        call: F,
    ) -> Result<P, Error>
    where
        Stub: Clone,
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        let deadline = Instant::now() + timeout;
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_CEILING);
        let mut last = None;
        loop {
            let mut attempt = Request::new(request.clone());
            attempt.set_timeout(deadline - Instant::now());
            let error = match timeout_at(deadline, call(stub.clone(), attempt)).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => Error::from_status(status),
                Err(_elapsed) => return Err(Error::DeadlineExceeded { timeout, last }),
            };
            // The transport gives up at the deadline too, in words of its own.
            if Instant::now() >= deadline && matches!(error, Error::Transport(_)) {
                return Err(Error::DeadlineExceeded { timeout, last });
            }
            if error.code() != Code::Unavailable {
                return Err(error);
            }

            let delay = backoff.delay(error.retry_delay(), &mut rand::rng());
            // A wait past the deadline helps nobody: what happened says more than a late timeout.
            if Instant::now() + delay >= deadline {
                return Err(error);
            }
            last = Some(Box::new(error));
            sleep(delay).await;
        }
    }
}

/// The settings of a connection.
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they are connected with"]
pub struct Builder {
    read_timeout: Duration,
    write_timeout: Duration,
    connect_timeout: Duration,
    message_bytes_max: usize,
    user_agent: String,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            read_timeout: READ_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            message_bytes_max: MESSAGE_BYTES_MAX,
            user_agent: concat!("hatd-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl Builder {
    /// How long a read may take, retries included. Default: 5 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long a write may take, retries included. Default: 30 s, long enough for a hatd that is
    /// being replaced.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// How long one attempt to connect may take. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest response that is taken, in bytes. Default: 4 MiB, the server's own limit.
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Names the program, in front of this crate's own name and version.
    pub fn user_agent(mut self, program: &str) -> Self {
        self.user_agent = format!("{program} {}", Self::default().user_agent);
        self
    }

    /// Connects to a hatd, such as `http://127.0.0.1:50051`; `http://` may be left out.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTarget`], or [`Error::Transport`] if nothing answers there.
    pub async fn connect(self, target: impl Into<String>) -> Result<Client, Error> {
        let channel = self.endpoint(target.into())?.connect().await;
        match channel {
            Ok(channel) => Ok(self.with_channel(channel)),
            Err(error) => Err(Error::from_status(Status::from_error(Box::new(error)))),
        }
    }

    /// Returns a client that connects with its first call, so that the server may start later.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTarget`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect_lazy(self, target: impl Into<String>) -> Result<Client, Error> {
        let channel = self.endpoint(target.into())?.connect_lazy();
        Ok(self.with_channel(channel))
    }

    /// Returns a client over a channel that the caller made: a Unix socket, a server in this
    /// process. The settings of the connection itself are then the channel's.
    pub fn with_channel(self, channel: Channel) -> Client {
        let bytes = self.message_bytes_max;
        Client {
            hats: HatServiceClient::new(channel.clone()).max_decoding_message_size(bytes),
            rooms: RoomServiceClient::new(channel.clone()).max_decoding_message_size(bytes),
            wardrobe: WardrobeServiceClient::new(channel).max_decoding_message_size(bytes),
            read_timeout: self.read_timeout,
            write_timeout: self.write_timeout,
        }
    }

    fn endpoint(&self, target: String) -> Result<Endpoint, Error> {
        let uri = if target.contains("://") { target.clone() } else { format!("http://{target}") };
        if !uri.starts_with("http://") {
            return Err(Error::InvalidTarget { target, source: None });
        }
        let endpoint = Endpoint::from_shared(uri)
            .and_then(|endpoint| endpoint.user_agent(self.user_agent.clone()));
        match endpoint {
            Ok(endpoint) => Ok(endpoint
                .connect_timeout(self.connect_timeout)
                .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
                .keep_alive_timeout(KEEPALIVE_TIMEOUT)
                .keep_alive_while_idle(true)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(CONNECTION_WINDOW_BYTES)),
            Err(source) => Err(Error::InvalidTarget { target, source: Some(Box::new(source)) }),
        }
    }
}
