//! The connection, and how a call is made over it.

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::{
    Builder, Error, Mirror, MirrorOptions, Watch, WatchOptions, backoff::Backoff,
    connection::Connection, credentials::Credentials,
};

/// The first delay between two attempts of one call is at most this. Our choice.
const RETRY_BASE: Duration = Duration::from_millis(50);
/// No delay between two attempts of one call is longer, unless the server asks for it. Our choice.
const RETRY_CEILING: Duration = Duration::from_secs(2);

/// A connection to hatd.
///
/// Cloning is cheap, and clones share the connection. A connection that breaks is made anew by the
/// next call. It ends when the client, its clones, watches and mirrors are gone;
/// [`Client::close`] ends what goes on over it.
#[derive(Clone, Debug)]
pub struct Client {
    timeouts: Timeouts,
    shared: Arc<Shared>,
}

/// How long calls may take, retries included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
}

/// What clones of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) credentials: Credentials,
    /// Ends calls, watches and mirrors.
    pub(crate) closed: CancellationToken,
    /// The tasks of the mirrors.
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn new(connection: Connection, credentials: Credentials) -> Self {
        let (closed, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self { connection, credentials, closed, tasks }
    }
}

impl Client {
    /// Connects to a hatd, such as `http://127.0.0.1:50051`, with the defaults of [`Builder`].
    ///
    /// # Errors
    ///
    /// As [`Builder::connect`].
    pub async fn connect(target: impl Into<String>) -> Result<Self, Error> {
        Self::builder().connect(target).await
    }

    /// Returns the settings of a connection, to change and connect with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns a client over the same connection whose calls may take as long as `timeout`, retries
    /// included: `hatd.with_timeout(Duration::from_secs(1)).get_room(…)`.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeouts: Timeouts { read: timeout, write: timeout }, ..self.clone() }
    }

    /// Watches hats: the state of what `options` select, then every change to it.
    ///
    /// Nothing is sent until the first [`Watch::next`].
    pub fn watch(&self, options: WatchOptions) -> Watch {
        self.watch_until(self.shared.closed.child_token(), options)
    }

    /// Watches hats until `closed` is cancelled.
    pub(crate) fn watch_until(&self, closed: CancellationToken, options: WatchOptions) -> Watch {
        Watch::new(Arc::clone(&self.shared), closed, options)
    }

    /// Keeps the state of what `options` select in memory, from now on and in the background.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn mirror(&self, options: MirrorOptions) -> Mirror {
        Mirror::new(self, options)
    }

    /// Ends the calls, watches and mirrors of this client and its clones with [`Error::Closed`], and
    /// waits until the mirrors' tasks are done. What is begun later ends so at once.
    pub async fn close(&self) {
        self.shared.closed.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    pub(crate) fn new(timeouts: Timeouts, shared: Shared) -> Self {
        Self { timeouts, shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Makes a call that reads.
    pub(crate) async fn read<Stub, Q, P, F, Fut>(
        &self,
        stub: fn(&Connection) -> Stub,
        request: Q,
        call: F,
    ) -> Result<P, Error>
    where
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        self.call(stub, request, self.timeouts.read, call).await
    }

    /// Makes a call that writes. Its request id is set before the first attempt, so that the
    /// attempts are one write.
    pub(crate) async fn write<Stub, Q, P, F, Fut>(
        &self,
        stub: fn(&Connection) -> Stub,
        mut request: Q,
        request_id: fn(&mut Q) -> &mut String,
        call: F,
    ) -> Result<P, Error>
    where
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        let id = request_id(&mut request);
        if id.is_empty() {
            *id = Uuid::new_v4().to_string();
        }
        let id = id.clone();
        let answer = self.call(stub, request, self.timeouts.write, call).await;
        answer.map_err(|error| error.of_write(id))
    }

    /// Makes a call that answers with a stream, once and for as long as it takes.
    pub(crate) async fn stream<Stub, Q, P, F, Fut>(
        &self,
        stub: fn(&Connection) -> Stub,
        request: Q,
        call: F,
    ) -> Result<P, Error>
    where
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        let mut request = Request::new(request);
        self.shared.credentials.sign(&mut request)?;
        select! {
            biased;
            () = self.shared.closed.cancelled() => Err(Error::Closed),
            answer = call(stub(&self.shared.connection), request) => {
                answer.map(Response::into_inner).map_err(Error::from_status)
            }
        }
    }

    /// Makes a call, unless the client is closed before it is answered.
    async fn call<Stub, Q, P, F, Fut>(
        &self,
        stub: fn(&Connection) -> Stub,
        request: Q,
        timeout: Duration,
        call: F,
    ) -> Result<P, Error>
    where
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        select! {
            biased;
            () = self.shared.closed.cancelled() => Err(Error::Closed),
            answer = self.attempts(stub, request, timeout, call) => answer,
        }
    }

    /// Makes a call, again and again while the server is unavailable and there is time.
    async fn attempts<Stub, Q, P, F, Fut>(
        &self,
        stub: fn(&Connection) -> Stub,
        request: Q,
        timeout: Duration,
        call: F,
    ) -> Result<P, Error>
    where
        Q: Clone,
        F: Fn(Stub, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<P>, Status>>,
    {
        let deadline = Instant::now() + timeout;
        let too_late = |last| Error::DeadlineExceeded { timeout, request_id: None, last };
        let credentials = &self.shared.credentials;
        let mut has_another_key = true;
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_CEILING);
        let mut last = None;
        loop {
            let mut attempt = Request::new(request.clone());
            attempt.set_timeout(deadline - Instant::now());
            let key = credentials.sign(&mut attempt)?;
            let error =
                match timeout_at(deadline, call(stub(&self.shared.connection), attempt)).await {
                    Ok(Ok(response)) => return Ok(response.into_inner()),
                    Ok(Err(status)) => Error::from_status(status),
                    Err(_elapsed) => return Err(too_late(last)),
                };
            // The transport gives up at the deadline too, in words of its own.
            if Instant::now() >= deadline && matches!(error, Error::Transport { .. }) {
                return Err(too_late(last));
            }
            if error.code() == Code::Unauthenticated && has_another_key {
                has_another_key = false;
                if credentials.discard(key.as_ref()) {
                    continue;
                }
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
