//! A connection that can be frozen: it stays open, and nothing passes any more.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
    task::AbortHandle,
};

/// What is known of a connection, and what can be done to it.
#[derive(Clone)]
pub(super) struct Connection {
    task: AbortHandle,
    frozen: Arc<AtomicBool>,
    written: watch::Receiver<u64>,
}

impl Connection {
    /// Closes it at once.
    pub(super) fn close(&self) {
        self.task.abort();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.task.is_finished()
    }

    /// Lets nothing pass any more. A frozen connection is closed in the end, never thawed.
    pub(super) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }

    /// How many bytes have been written to the client.
    pub(super) fn written(&self) -> u64 {
        *self.written.borrow()
    }

    /// Waits until so many bytes have been written, or it is closed.
    pub(super) async fn until_written(&self, bytes: u64) {
        // It fails when the connection is gone.
        _ = self.written.clone().wait_for(|written| *written >= bytes).await;
    }
}

/// A connection that passes bytes until it is frozen.
pub(super) struct Freezable {
    stream: TcpStream,
    frozen: Arc<AtomicBool>,
    written: watch::Sender<u64>,
}

impl Freezable {
    pub(super) fn new(stream: TcpStream) -> Self {
        let written = watch::Sender::new(0);
        Self { stream, frozen: Arc::default(), written }
    }

    /// What makes the handle on it, once there is a task that serves it.
    pub(super) fn handle(&self) -> impl FnOnce(AbortHandle) -> Connection + use<> {
        let (frozen, written) = (Arc::clone(&self.frozen), self.written.subscribe());
        move |task| Connection { task, frozen, written }
    }

    /// Nothing wakes who polls a frozen connection.
    fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }
}

impl AsyncRead for Freezable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_frozen() {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Freezable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_frozen() {
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.written.send_modify(|written| *written += *count as u64);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_frozen() {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
