//! Which web pages may call, and what their browsers let them read of the answers (CORS).
//!
//! A browser that reaches hatd opens pages of anybody. None of them may call from there unless it
//! is listed: neither from another origin, nor from a name that its owner lets point at hatd's
//! address, which to the browser is hatd's own origin (DNS rebinding). One rule prevents both: a
//! request that names an origin which is not listed is refused. Browsers name it with every POST,
//! to the same origin as well, and pages cannot change it (Fetch standard, "`Origin` header"); and
//! nothing but POST does anything here. Other programs name none.
//!
//! Nothing here allows credentials, that is cookies: an API key goes into a header.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::plain_http::explain;
use crate::origin::Origin;

/// What gRPC-Web clients in browsers send. `@connectrpc/connect-web` 2.1 and `grpc-web` 2.1 send
/// the first four, `Grpc.Net.Client` the fifth as well; `authorization` is where API keys go; and
/// `OpenTelemetry` adds the last two (W3C Trace Context).
const ALLOWED_HEADERS: &str = "content-type, x-grpc-web, x-user-agent, grpc-timeout, \
     grpc-accept-encoding, authorization, traceparent, tracestate";

/// The status of an answer without a message, which has no frame of trailers.
const EXPOSED_HEADERS: &str = "grpc-status, grpc-message, grpc-status-details-bin";

/// How long a browser need not ask again, in seconds: the longest that Chromium takes. Calls are
/// checked in any case.
const MAX_AGE: &str = "7200";

/// Refuses pages that are not listed, answers what browsers ask beforehand, and lets the listed
/// pages read what they are answered, refusals included.
pub(crate) async fn enforce(
    State(listed): State<Arc<[Origin]>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    if !listed.iter().any(|pages| pages.includes(origin.as_bytes())) {
        tracing::debug!(origin = origin.to_str().ok(), "refused a web page");
        return explain(
            StatusCode::FORBIDDEN,
            "Web pages of this origin may not call: the setting cors-origins does not list it.",
        );
    }

    let mut response = if is_preflight(&request) { preflight() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers
        .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// Whether a browser asks if the page may make a call.
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
