//! One request on its way to hatd, and the answer on its way back.

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Version, header};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost_reflect::DynamicMessage;
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    State,
    connection::Connection,
    lock,
    plan::Call,
    stream::{Broken, Passage, Protocol, end},
};
use crate::{
    contract::{Contract, Forged},
    frame,
};

type Body = UnsyncBoxBody<Bytes, Broken>;

/// What one connection forwards with.
#[derive(Clone)]
pub(super) struct Forwarder {
    pub(super) hatd: SocketAddr,
    pub(super) contract: Contract,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) connection: Connection,
}

impl Forwarder {
    /// Answers a request as hatd does, or as the plan says. If hatd is not there, the connection is
    /// closed, as it would be if the client had come to hatd.
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        if let Ok(response) = self.try_answer(request).await {
            return Ok(response);
        }
        self.connection.close();
        pending().await
    }

    async fn try_answer(&self, request: Request<Incoming>) -> Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let method = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
        if head.method != Method::POST || self.contract.method(&method).is_err() {
            let response = self.send(head, body).await?;
            return Ok(response.map(|body| body.map_err(|_| Broken).boxed_unsync()));
        }

        let protocol = match head.version {
            Version::HTTP_2 => Protocol::Grpc,
            _ => Protocol::GrpcWeb,
        };
        let origin = head.headers.get(header::ORIGIN).cloned();
        let message = self.message(&method, &body)?;
        let selectors = message.get("selectors").and_then(Value::as_array);
        let selectors = selectors.cloned().unwrap_or_default();
        let is_watch = method == "WatchHats";
        let (streams, call) = {
            let mut state = lock(&self.state);
            if !is_watch || !selectors.is_empty() {
                state.seen.note(&method, &head.headers, &message);
                state.seen_changed.notify_waiters();
            }
            if is_watch {
                (state.progress.take_stream(&selectors), None)
            } else {
                (None, state.progress.take_call(&method))
            }
        };

        if let Some(Call::Fail(status)) = &call {
            return Ok(refuse(protocol, status, origin));
        }
        let response = self.send(head, body).await?;
        match call {
            Some(Call::LoseAnswer(status)) => {
                response.into_body().collect().await?;
                return Ok(refuse(protocol, &status, origin));
            }
            Some(Call::Disconnect) => {
                response.into_body().collect().await?;
                self.connection.close();
                return pending().await;
            }
            Some(Call::Hold) => {
                response.into_body().collect().await?;
                return pending().await;
            }
            Some(Call::Fail(_)) | None => {}
        }
        // A refusal is in the headers, and no body must follow.
        if !is_watch || response.body().is_end_stream() {
            return Ok(response.map(|body| body.map_err(|_| Broken).boxed_unsync()));
        }
        let (to, frames) = mpsc::channel(1);
        let passage = Passage {
            contract: self.contract.clone(),
            protocol,
            plan: streams,
            connection: self.connection.clone(),
            to,
        };
        let (head, body) = response.into_parts();
        tokio::spawn(passage.pass(body));
        let body = StreamBody::new(ReceiverStream::new(frames)).boxed_unsync();
        Ok(Response::from_parts(head, body))
    }

    /// Reads the one message of a request.
    fn message(&self, method: &str, body: &[u8]) -> Result<Value> {
        let input = self.contract.method(method)?.input();
        let message = DynamicMessage::decode(input, frame::payload(body))?;
        Ok(serde_json::to_value(message)?)
    }

    /// Sends a request on a connection of its own, in the version that it came in.
    async fn send(
        &self,
        mut head: http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.hatd).await.context("hatd is not there")?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = match head.version {
            Version::HTTP_2 => format!("http://{}{path}", self.hatd).parse()?,
            _ => path.parse()?,
        };
        let request = Request::from_parts(head, Full::new(body));
        if request.version() == Version::HTTP_2 {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?)
        } else {
            let (mut sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?)
        }
    }
}

/// An answer that hatd did not give.
fn refuse(protocol: Protocol, status: &Forged, origin: Option<HeaderValue>) -> Response<Body> {
    let end: Result<Frame<Bytes>, Broken> = Ok(end(protocol, status));
    let body = StreamBody::new(tokio_stream::once(end)).boxed_unsync();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let content_type = match protocol {
        Protocol::Grpc => "application/grpc",
        Protocol::GrpcWeb => "application/grpc-web+proto",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}
