//! Connections: accepting them, their HTTP/1.1 and HTTP/2 bounds, and their end.
//!
//! hyper serves them, not `tonic::transport::Server`: that one answers a passed deadline with
//! CANCELLED, lets streams outlive theirs, speaks HTTP/1.1 without a limit on the time that a
//! header takes, and gives neither the send buffer nor the number of connections a bound.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use http::Request;
use hyper::{body::Incoming, rt::Executor, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::server::TcpConnectInfo;
use tower::ServiceExt as _;

/// Most connections at a time; more are closed at once, so that their clients back off. Our choice:
/// as many as the watchers we are built for, one to a connection.
const CONNECTIONS_MAX: usize = 10_000;
/// Most calls on one connection at a time; more are refused by `RST_STREAM`. Our choice: RFC 9113,
/// section 6.5.2 recommends no fewer than 100, and hyper's default is 200.
const STREAMS_MAX: u32 = 128;
/// Streams that the caller reset before we saw them; more end the connection (CVE-2023-44487).
/// hyper's default.
const PENDING_ACCEPT_RESET_STREAMS_MAX: usize = 20;
/// Streams that we reset for the caller's mistakes; more end the connection (CVE-2025-8671).
/// hyper's default, which tonic takes away.
const LOCAL_ERROR_RESET_STREAMS_MAX: usize = 1_024;
/// Largest frame taken, in bytes. The smallest that RFC 9113, section 4.2 allows, so that no caller
/// makes us hold more for one frame.
const FRAME_BYTES_MAX: u32 = 16 << 10;
/// Bytes that a caller may send ahead on one stream. Our choice: nearly every request is smaller.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// Bytes that a caller may send ahead on one connection. Our choice: 16 streams at full speed.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of answers that wait for a slow reader, a stream. Our choice: what a watcher that never
/// reads may cost; hyper's default is 400 KiB.
const SEND_BUFFER_BYTES_MAX: usize = 64 << 10;
/// Silence after which a connection is asked whether it lives: an HTTP/2 connection by a PING, and
/// every one by TCP, as HTTP/1.1 has no such question. With the time to answer, a caller that has
/// vanished is gone in 30 s. (TCP does not ask while it still repeats bytes that were not
/// acknowledged; an HTTP/1.1 caller that vanished then is gone when the operating system gives up.)
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// Time to answer that. gRPC's usual value is 20 s; ours makes 30 s with the interval.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between the questions of TCP, and from the last one to the end.
const TCP_PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// How often TCP asks. With the interval, as long as [`KEEPALIVE_TIMEOUT`].
const TCP_PROBES: u32 = 2;
/// Time for the first bytes of a connection, which tell HTTP/1.1 from HTTP/2. Our choice: a client
/// sends them as soon as it is connected.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// Length of the HTTP/2 preface in bytes, RFC 9113, section 3.4. No gRPC-Web request is as short.
const PREFACE_BYTES: usize = 24;
/// Time for the header of an HTTP/1.1 request, the wait for a further one included. hyper's default.
const HTTP1_HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Least buffer that hyper takes for an HTTP/1.1 connection, in bytes.
const HTTP1_BUFFER_BYTES_MIN: usize = 8 << 10;
/// Wait after `accept` fails for want of something, such as file descriptors, that only time
/// brings. Our choice: long enough not to spin, too short to notice.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// A socket that takes connections.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
}

/// What ends the calls and connections, step by step, and what counts their tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifetimes {
    /// Streams say goodbye, and calls are refused.
    pub(crate) shutdown: CancellationToken,
    /// No further connections and calls; those that are open end by themselves.
    pub(crate) drain: CancellationToken,
    /// No connection lives on.
    pub(crate) abort: CancellationToken,
    /// Every task of every connection.
    pub(crate) tasks: TaskTracker,
}

impl Listener {
    /// Binds the socket: from here on clients can connect, and wait.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let local_addr = socket.local_addr()?;
        Ok(Self { socket, local_addr })
    }

    /// Where it listens: the true port, if it was bound to port 0.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Gives each connection its task, until the drain begins.
    pub(crate) async fn serve(self, router: Router, metadata_bytes_max: usize, until: Lifetimes) {
        let http = Arc::new(http(metadata_bytes_max, until.tasks.clone()));
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut failing = false;
        let mut full = false;
        while let Some(accepted) = until.drain.run_until_cancelled(self.socket.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    if !failing {
                        tracing::warn!(error = %error, "failed to accept connections");
                    }
                    failing = true;
                    until.drain.run_until_cancelled(sleep(ACCEPT_BACK_OFF)).await;
                    continue;
                }
            };
            failing = false;
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                if !full {
                    tracing::warn!(limit = CONNECTIONS_MAX, "refused a connection: too many");
                }
                full = true;
                continue;
            };
            full = false;
            let connection = Connection { stream, peer, local: self.local_addr, _permit: permit };
            let (http, router, until) = (Arc::clone(&http), router.clone(), until.clone());
            until.tasks.clone().spawn(async move {
                until.abort.run_until_cancelled(connection.serve(&http, router, until.drain)).await
            });
        }
    }
}

/// Whether `accept` failed for a client that went away while it waited, and not for want of
/// anything here.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// How connections speak HTTP.
fn http(metadata_bytes_max: usize, tasks: TaskTracker) -> auto::Builder<Tracked> {
    // One more than the limit: h2 refuses a header list of just the size it is given.
    let header_list_bytes = u32::try_from(metadata_bytes_max).unwrap_or(u32::MAX).saturating_add(1);
    let mut http = auto::Builder::new(Tracked(tasks));
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP1_HEADER_TIMEOUT)
        .max_buf_size(metadata_bytes_max.max(HTTP1_BUFFER_BYTES_MIN));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(PENDING_ACCEPT_RESET_STREAMS_MAX)
        .max_local_error_reset_streams(LOCAL_ERROR_RESET_STREAMS_MAX)
        .max_header_list_size(header_list_bytes)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    http
}

/// How TCP asks a silent client whether it lives.
fn tcp_keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(KEEPALIVE_INTERVAL)
        .with_interval(TCP_PROBE_INTERVAL)
        .with_retries(TCP_PROBES)
}

/// Spawns the tasks that hyper makes, one a call, where the drain can wait for them.
#[derive(Clone, Debug)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, call: F) {
        self.0.spawn(call);
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, http: &auto::Builder<Tracked>, router: Router, drain: CancellationToken) {
        // They fail if the client is gone already, which reading tells as well.
        let _ = self.stream.set_nodelay(true);
        let _ = SockRef::from(&self.stream).set_tcp_keepalive(&tcp_keepalive());
        let info = TcpConnectInfo { local_addr: Some(self.local), remote_addr: Some(self.peer) };
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info.clone());
            router.clone().oneshot(request)
        });

        let io = TokioIo::new(PrefaceTimeout::new(self.stream));
        let mut connection = pin!(http.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // Whatever a client does to its own connection concerns nobody else.
        if let Err(error) = ended {
            tracing::debug!(peer.addr = %self.peer, error, "lost a connection");
        }
    }
}

/// Bytes of a connection, which fails if the first of them are late.
///
/// The timeouts of HTTP/1.1 and HTTP/2 begin only when it is known which of the two is spoken, and
/// until then a silent client would hold its connection for ever.
struct PrefaceTimeout<I> {
    inner: I,
    /// `None` once the preface is complete.
    late: Option<Pin<Box<Sleep>>>,
    bytes_read: usize,
}

impl<I> PrefaceTimeout<I> {
    fn new(inner: I) -> Self {
        Self { inner, late: Some(Box::pin(sleep(PREFACE_TIMEOUT))), bytes_read: 0 }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for PrefaceTimeout<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let Some(late) = &mut self.late else {
            return polled;
        };
        if polled.is_pending() {
            return late.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        self.bytes_read += buffer.filled().len() - filled;
        if self.bytes_read >= PREFACE_BYTES {
            self.late = None;
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for PrefaceTimeout<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, iter};

    use axum::{body::Body, routing::get};
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        time::timeout,
    };

    use super::*;

    /// Far more than any of these tests takes.
    const LIMIT: Duration = Duration::from_secs(30);

    /// Serves `/short`, which ends, and `/endless`, which does not.
    async fn start() -> (SocketAddr, Lifetimes) {
        let endless = || async {
            let hats =
                iter::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'h'; 4_096])));
            Body::from_stream(stream::iter(hats))
        };
        let router =
            Router::new().route("/short", get(|| async { "hat" })).route("/endless", get(endless));
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, lifetimes) = (listener.local_addr(), Lifetimes::default());
        lifetimes.tasks.spawn(listener.serve(router, 16 << 10, lifetimes.clone()));
        lifetimes.tasks.close();
        (address, lifetimes)
    }

    /// Asks for `path` and reads the first byte of the answer.
    async fn ask(address: SocketAddr, path: &str) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: hats.example\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'H');
        client
    }

    #[tokio::test]
    async fn a_drain_ends_idle_connections_by_itself() {
        let (address, lifetimes) = start().await;
        let silent = TcpStream::connect(address).await.unwrap();
        let answered = ask(address, "/short").await;

        lifetimes.drain.cancel();

        timeout(LIMIT, lifetimes.tasks.wait()).await.unwrap();
        for mut client in [silent, answered] {
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
        }
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn only_the_abort_ends_a_client_that_never_reads() {
        let (address, lifetimes) = start().await;
        let _client = ask(address, "/endless").await;

        lifetimes.drain.cancel();
        let drained = timeout(Duration::from_millis(50), lifetimes.tasks.wait()).await;
        assert!(drained.is_err());

        lifetimes.abort.cancel();
        timeout(LIMIT, lifetimes.tasks.wait()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_too_little_loses_its_connection() {
        let (address, _lifetimes) = start().await;
        for start in ["", "P", "PRI * HTTP/2.0", "GET /short HTTP/1.1\r\n"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(start.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
        }
    }

    #[tokio::test]
    async fn tcp_asks_silent_clients_whether_they_live() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&tcp_keepalive()).unwrap();
        assert!(socket.keepalive().unwrap());
        let (first, interval) =
            (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
        let gone_after = first + interval * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(gone_after, Duration::from_secs(30));
    }

    #[tokio::test]
    async fn metadata_over_the_limit_are_refused() {
        let (address, _lifetimes) = start().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let metadata = "h".repeat(16 << 10);
        let request = format!("GET /short HTTP/1.1\r\nhats: {metadata}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 431");
    }
}
