//! Deadlines: every call is answered in time, and a stream with a deadline ends at it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    methods::{Answer, Methods},
    trailers,
};
use crate::status;

/// What the layer goes by.
#[derive(Debug)]
pub(crate) struct Timeouts {
    pub(crate) methods: Arc<Methods>,
    /// Time for a unary call that names none.
    pub(crate) default: Duration,
    /// Longest time a unary call gets, and a stream until its first answer.
    pub(crate) max: Duration,
    /// Ends the streams of [`ends_at_shutdown`].
    pub(crate) shutdown: CancellationToken,
}

/// Gives a unary call the time it asks for, within bounds, and ends a stream at its deadline.
///
/// A unary call without `grpc-timeout` gets the default. A stream gets as long as it asks for, or
/// no end; only its first answer, be it no more than headers, is due like a unary one's.
pub(crate) async fn enforce(
    State(timeouts): State<Arc<Timeouts>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let stream = timeouts.methods.answer(path) == Some(Answer::Stream);
    let shutdown = ends_at_shutdown(path, stream).then(|| timeouts.shutdown.clone());
    let now = Instant::now();
    let asked = grpc_timeout(request.headers());
    let unasked = if stream { timeouts.max } else { timeouts.default };
    let answer_within = asked.unwrap_or(unasked).min(timeouts.max);
    // What lies beyond the end of the clock never comes.
    let end_by = asked.and_then(|asked| now.checked_add(asked));

    // A call that comes too late must not begin a write.
    if answer_within.is_zero() {
        return status::deadline_exceeded().into_http();
    }
    let Ok(response) = timeout(answer_within, next.run(request)).await else {
        return status::deadline_exceeded().into_http();
    };

    response.map(|body| {
        // A unary answer is complete once its headers are there.
        if !stream || body.is_end_stream() {
            return body;
        }
        Body::new(Bounded {
            inner: Some(body),
            deadline: end_by.map(sleep_until),
            shutdown: shutdown.map(CancellationToken::cancelled_owned),
        })
    })
}

/// Whether this layer ends the stream when hatd shuts down.
///
/// Our own streams watch the shutdown themselves and say goodbye in their own way; the health and
/// reflection services know nothing of it, and would hold the drain until its limit.
fn ends_at_shutdown(path: &str, stream: bool) -> bool {
    stream && !path.starts_with("/hatd.")
}

/// The time that the caller gives, or `None` if it names none or something that is none.
///
/// The form is `TimeoutValue TimeoutUnit` of the gRPC over HTTP/2 specification: one to eight
/// digits and a unit.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let (unit, digits) = headers.get("grpc-timeout")?.as_bytes().split_last()?;
    if !(1..=8).contains(&digits.len()) {
        return None;
    }
    let value = digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Some(value * 10 + u64::from(digit - b'0')),
        _ => None,
    })?;
    match unit {
        b'H' => Some(Duration::from_secs(value * 60 * 60)),
        b'M' => Some(Duration::from_secs(value * 60)),
        b'S' => Some(Duration::from_secs(value)),
        b'm' => Some(Duration::from_millis(value)),
        b'u' => Some(Duration::from_micros(value)),
        b'n' => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

pin_project! {
    /// A body that ends with a status at its deadline, or when hatd shuts down.
    struct Bounded {
        // `None` once the end has been sent.
        #[pin]
        inner: Option<Body>,
        #[pin]
        deadline: Option<Sleep>,
        #[pin]
        shutdown: Option<WaitForCancellationFutureOwned>,
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };

        // The deadline goes first: a stream that always has more to send must end as well.
        let deadline = this.deadline.as_pin_mut().map(|deadline| deadline.poll(cx));
        if deadline.is_some_and(|deadline| deadline.is_ready()) {
            this.inner.set(None);
            let trailers = trailers(&status::deadline_exceeded());
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        if let Poll::Ready(frame) = inner.poll_frame(cx) {
            return Poll::Ready(frame);
        }
        // The shutdown goes last: what was ready before it, such as the health services' last
        // word, is sent.
        let Some(shutdown) = this.shutdown.as_pin_mut() else {
            return Poll::Pending;
        };
        ready!(shutdown.poll(cx));
        this.inner.set(None);
        Poll::Ready(Some(Ok(Frame::trailers(trailers(&status::shutting_down())))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // What is still to come may never be sent, so only the emptiness of what has ended is known.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future};

    use axum::{Router, middleware::from_fn_with_state};
    use futures_util::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::Code;
    use tower::ServiceExt as _;

    use super::*;
    use crate::server::descriptors;

    const UNARY: &str = "/hatd.v1.HatService/GetUserHats";
    const WATCH: &str = "/hatd.v1.HatService/WatchHats";
    const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";

    #[test]
    fn grpc_timeouts_are_read_as_the_specification_says() {
        let check = |text: &'static str, expected| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                http::HeaderValue::from_static(text),
            )]);
            assert_eq!(grpc_timeout(&headers), expected, "{text:?}");
        };
        check("1H", Some(Duration::from_hours(1)));
        check("2M", Some(Duration::from_mins(2)));
        check("3S", Some(Duration::from_secs(3)));
        check("4m", Some(Duration::from_millis(4)));
        check("5u", Some(Duration::from_micros(5)));
        check("6n", Some(Duration::from_nanos(6)));
        check("0S", Some(Duration::ZERO));
        check("00000001S", Some(Duration::from_secs(1)));
        check("99999999H", Some(Duration::from_hours(99_999_999)));
        for garbage in ["", "S", "1", "1s", "1.5S", "-1S", "+1S", " 1S", "1 S", "100000000S", "1SS"]
        {
            check(garbage, None);
        }
        assert_eq!(grpc_timeout(&HeaderMap::new()), None);
    }

    /// A server under these layers whose handler never ends: unary it never answers, streaming it
    /// sends `first` and waits.
    fn endless(shutdown: &CancellationToken, first: usize) -> Router {
        endless_within(Duration::from_secs(30), shutdown, first)
    }

    fn endless_within(max: Duration, shutdown: &CancellationToken, first: usize) -> Router {
        let timeouts = Arc::new(Timeouts {
            methods: Arc::new(Methods::from_descriptors(&descriptors()).unwrap()),
            default: Duration::from_secs(5),
            max,
            shutdown: shutdown.clone(),
        });
        Router::new()
            .fallback(move |request: Request| async move {
                if request.uri().path() == UNARY {
                    future::pending::<()>().await;
                }
                let frame = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hat")));
                let frames = stream::repeat_with(frame).take(first).chain(stream::pending());
                Response::new(Body::new(StreamBody::new(frames)))
            })
            .layer(from_fn_with_state(timeouts, enforce))
    }

    fn request(path: &str, timeout: Option<&str>) -> Request {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        request
    }

    fn code(headers: &HeaderMap) -> Option<Code> {
        headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_unary_call_has_a_default_and_a_longest_time() {
        let server = endless(&CancellationToken::new(), 0);
        for (timeout, expected) in [
            (None, 5_000),
            (Some("garbage"), 5_000),
            (Some("0S"), 0),
            (Some("700m"), 700),
            (Some("29S"), 29_000),
            (Some("99999999H"), 30_000),
        ] {
            let start = Instant::now();
            let response = server.clone().oneshot(request(UNARY, timeout)).await.unwrap();
            assert_eq!(code(response.headers()), Some(Code::DeadlineExceeded), "{timeout:?}");
            let took = start.elapsed().as_millis();
            assert!((expected..expected + 5).contains(&took), "{timeout:?} took {took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_ends_a_stream() {
        for first in [0, 3, usize::MAX] {
            let server = endless(&CancellationToken::new(), first);
            let start = Instant::now();
            let response = server.oneshot(request(WATCH, Some("60S"))).await.unwrap();
            let mut body = response.into_body();
            let mut messages = 0;
            let trailers = loop {
                // Time must pass for a stream that is always ready, too.
                if messages > 1_000 {
                    tokio::time::advance(Duration::from_mins(1)).await;
                }
                match body.frame().await.unwrap().unwrap().into_trailers() {
                    Ok(trailers) => break trailers,
                    Err(_) => messages += 1,
                }
            };
            assert_eq!(code(&trailers), Some(Code::DeadlineExceeded));
            assert_eq!(start.elapsed().as_secs(), 60);
            assert!(messages >= first.min(1_000));
            assert!(body.is_end_stream() && body.frame().await.is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_a_deadline_goes_on() {
        let server = endless(&CancellationToken::new(), 1);
        let response = server.oneshot(request(WATCH, None)).await.unwrap();
        let mut body = response.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let day = Duration::from_hours(24);
        assert!(timeout(day, body.frame()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_ends_the_streams_that_know_nothing_of_it() {
        let shutdown = CancellationToken::new();
        let server = endless(&shutdown, 1);
        let health = server.clone().oneshot(request(HEALTH_WATCH, None)).await.unwrap();
        let watch = server.oneshot(request(WATCH, None)).await.unwrap();
        shutdown.cancel();

        let mut body = health.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(code(&trailers), Some(Code::Unavailable));

        let mut body = watch.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let hour = Duration::from_hours(1);
        assert!(timeout(hour, body.frame()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_beyond_the_clock_is_no_end() {
        let server = endless_within(Duration::MAX, &CancellationToken::new(), 1);
        for timeout in [None, Some("99999999H")] {
            let response = server.clone().oneshot(request(WATCH, timeout)).await.unwrap();
            let frame = response.into_body().frame().await.unwrap().unwrap();
            assert!(frame.is_data(), "{timeout:?}");
        }
    }
}
