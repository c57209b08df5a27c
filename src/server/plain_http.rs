//! Tells those who come with a browser, `curl` or the wrong library what is spoken here.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, Version, header};

use super::methods::Methods;

/// Lets only gRPC and gRPC-Web pass; no handler sees anything else.
pub(crate) async fn refuse(
    State(methods): State<Arc<Methods>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(kind) = Kind::of(&request) else {
        return if methods.answer(request.uri().path()).is_none() {
            explain(StatusCode::NOT_FOUND, "There is nothing here but gRPC and gRPC-Web services.")
        } else if request.method() == Method::POST {
            explain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The content-type must be application/grpc or application/grpc-web+proto.",
            )
        } else {
            explain(StatusCode::METHOD_NOT_ALLOWED, "This is a gRPC method: call it by POST.")
        };
    };
    if request.method() != Method::POST {
        return explain(StatusCode::METHOD_NOT_ALLOWED, "gRPC methods are called by POST.");
    }
    match kind {
        Kind::Grpc if request.version() != Version::HTTP_2 => {
            return explain(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "gRPC needs HTTP/2. Over HTTP/1.1, speak gRPC-Web: application/grpc-web+proto.",
            );
        }
        Kind::Grpc => {}
        // tonic-web knows the type only in these words, without parameters.
        Kind::GrpcWeb(content_type) => {
            let value = HeaderValue::from_static(content_type);
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
    }
    next.run(request).await
}

enum Kind {
    Grpc,
    GrpcWeb(&'static str),
}

impl Kind {
    fn of(request: &Request) -> Option<Self> {
        let value = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next()?.trim().to_ascii_lowercase();
        match &*essence {
            "application/grpc" | "application/grpc+proto" => Some(Self::Grpc),
            "application/grpc-web" => Some(Self::GrpcWeb("application/grpc-web")),
            "application/grpc-web+proto" => Some(Self::GrpcWeb("application/grpc-web+proto")),
            "application/grpc-web-text" => Some(Self::GrpcWeb("application/grpc-web-text")),
            "application/grpc-web-text+proto" => {
                Some(Self::GrpcWeb("application/grpc-web-text+proto"))
            }
            _ => None,
        }
    }
}

/// Says in words why a request is refused.
pub(crate) fn explain(code: StatusCode, reason: &'static str) -> Response {
    let text = format!(
        "{reason}\n\
         This is hatd, which speaks gRPC and gRPC-Web. The services describe themselves by \
         reflection; hatctl calls them from a terminal.\n"
    );
    let mut response = (code, Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if code == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware::from_fn_with_state};
    use tower::ServiceExt as _;

    use super::*;
    use crate::server::descriptors;

    #[tokio::test]
    async fn only_grpc_and_grpc_web_pass() {
        let methods = Methods::from_descriptors(&descriptors()).unwrap();
        let server = Router::new()
            .fallback(|| async { "passed" })
            .layer(from_fn_with_state(Arc::new(methods), refuse));
        let known = "/hatd.v1.HatService/AddUserHat";
        let (get, post) = (Method::GET, Method::POST);
        let (h1, h2) = (Version::HTTP_11, Version::HTTP_2);
        for (method, path, version, content_type, expected) in [
            (&get, "/", h1, "", 404),
            (&get, known, h1, "", 405),
            (&post, known, h1, "application/json", 415),
            (&post, known, h2, "application/grpcx", 415),
            (&post, known, h2, "application/grpc+json", 415),
            (&post, "/unknown", h1, "application/json", 404),
            (&post, known, h1, "application/grpc", 505),
            (&get, known, h2, "application/grpc", 405),
            (&get, known, h1, "application/grpc-web", 405),
            (&post, known, h2, "application/grpc", 200),
            (&post, known, h2, "application/grpc+proto", 200),
            (&post, "/unknown", h2, "application/grpc", 200),
            (&post, known, h1, "application/grpc-web+proto", 200),
            (&post, known, h1, "Application/gRPC-Web-Text; charset=utf-8", 200),
            (&post, known, h2, "application/grpc-web", 200),
        ] {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method.clone();
            *request.uri_mut() = path.parse().unwrap();
            *request.version_mut() = version;
            if !content_type.is_empty() {
                let value = HeaderValue::from_static(content_type);
                request.headers_mut().insert(header::CONTENT_TYPE, value);
            }
            let response = server.clone().oneshot(request).await.unwrap();
            let got = response.status().as_u16();
            assert_eq!(got, expected, "{method} {path} {version:?} {content_type}");
            assert_eq!(response.headers().contains_key(header::ALLOW), expected == 405);
        }
    }
}
