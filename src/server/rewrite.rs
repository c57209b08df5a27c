//! Mends the answers that tonic or a bug makes, so that callers see only statuses of ours.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tonic::{Code, Status};

use super::trailers;
use crate::status;

/// The size limit of a request message, in bytes, which a refusal names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageBytesMax(pub(crate) usize);

/// Gives a message that is too large the status that the contract names, and turns a panic into
/// INTERNAL: the connection and its other calls live on.
pub(crate) async fn statuses(
    State(MessageBytesMax(limit)): State<MessageBytesMax>,
    request: Request,
    next: Next,
) -> Response {
    // Nothing that the handler leaves half done is seen again: the call ends here.
    let Ok(response) = AssertUnwindSafe(next.run(request)).catch_unwind().await else {
        return status::internal().into_http();
    };
    if is_too_large(response.headers()) {
        return status::message_too_large(limit).into_http();
    }
    response.map(
        |body| {
            if body.is_end_stream() { body } else { Body::new(Caught { inner: Some(body) }) }
        },
    )
}

/// Whether this is tonic's own answer to a message over the limit: `OUT_OF_RANGE` without details.
fn is_too_large(headers: &HeaderMap) -> bool {
    // Nearly no answer has a status in its headers, and reading one costs a copy.
    headers.contains_key(Status::GRPC_STATUS)
        && !headers.contains_key(Status::GRPC_STATUS_DETAILS)
        && Status::from_header_map(headers).is_some_and(|status| {
            status.code() == Code::OutOfRange
                && status.message().contains("decoded message length too large")
        })
}

/// A body in which a panic becomes INTERNAL.
struct Caught {
    // `None` after a panic.
    inner: Option<Body>,
}

impl http_body::Body for Caught {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let polled: Result<_, Box<dyn Any + Send>> =
            catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx)));
        polled.unwrap_or_else(|_| {
            self.inner = None;
            Poll::Ready(Some(Ok(Frame::trailers(trailers(&status::internal())))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware::from_fn_with_state};
    use futures_util::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;
    use tonic_types::StatusExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(handler: fn() -> Response) -> Response {
        Router::new()
            .fallback(move || async move { handler() })
            .layer(from_fn_with_state(MessageBytesMax(7), statuses))
            .oneshot(Request::new(Body::empty()))
            .await
            .unwrap()
    }

    fn out_of_range(message: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", "11".parse().unwrap());
        headers.insert("grpc-message", message.parse().unwrap());
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = headers;
        response
    }

    #[tokio::test]
    async fn a_message_over_the_limit_has_its_reason_and_the_limit() {
        let response = answer(|| {
            out_of_range("Error,%20decoded%20message%20length%20too%20large:%20found%208%20bytes")
        });
        let status = Status::from_header_map(response.await.headers()).unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), &*info.reason), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
        assert_eq!(info.metadata.get("limit").map(String::as_str), Some("7"));
    }

    #[tokio::test]
    async fn other_statuses_stay() {
        let response = answer(|| out_of_range("no%20longer%20kept"));
        let status = Status::from_header_map(response.await.headers()).unwrap();
        assert_eq!((status.code(), status.message()), (Code::OutOfRange, "no longer kept"));
    }

    #[tokio::test]
    async fn a_panic_before_the_answer_is_internal() {
        let status = Status::from_header_map(answer(|| panic!("a bug")).await.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("bug"));
    }

    #[tokio::test]
    async fn a_panic_within_a_stream_is_internal() {
        let response = answer(|| {
            let frames = stream::iter(0..2).map(|n| {
                assert!(n == 0, "a bug");
                Ok::<_, axum::Error>(Bytes::from_static(b"hat"))
            });
            Response::new(Body::from_stream(frames))
        });
        let mut body = response.await.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::Internal);
        assert!(body.frame().await.is_none());
    }
}
