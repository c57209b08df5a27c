//! One span and one line in the log for each call. Never metadata, never bodies.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status, transport::server::TcpConnectInfo};
use tracing::{Instrument as _, Span};

/// Runs the call in its span, and logs how it ended.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let peer = request.extensions().get().and_then(TcpConnectInfo::remote_addr);
    let span = tracing::info_span!(
        "rpc",
        rpc.method = request.uri().path().trim_start_matches('/'),
        peer.addr = peer.map(tracing::field::display),
    );
    let call = Call { span: span.clone(), start: Instant::now(), logged: false };
    answer(call, request, next).instrument(span).await
}

async fn answer(mut call: Call, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(code) = code(response.headers()) {
        call.end(code);
        return response;
    }
    response.map(|inner| Body::new(Logged { inner, call }))
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// A call whose end is to be logged, even if that is only that the caller went away.
struct Call {
    span: Span,
    start: Instant,
    logged: bool,
}

impl Call {
    fn end(&mut self, code: Code) {
        if self.logged {
            return;
        }
        self.logged = true;
        let _entered = self.span.enter();
        let duration_ms = (self.start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss) {
            tracing::warn!(grpc.code = ?code, duration_ms, "answered a call");
        } else {
            tracing::debug!(grpc.code = ?code, duration_ms, "answered a call");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// A body that logs the status in its trailers.
struct Logged {
    inner: Body,
    call: Call,
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let span = this.call.span.clone();
        let polled = span.in_scope(|| Pin::new(&mut this.inner).poll_frame(cx));
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.call.end(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            // An end without a status, which the caller's library calls UNKNOWN.
            Poll::Ready(Some(Err(_)) | None) => this.call.end(Code::Unknown),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
