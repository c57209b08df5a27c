//! The responses of one watch, as they pass.

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use prost_reflect::DynamicMessage;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    connection::Connection,
    plan::{Streams, Then},
};
use crate::{
    contract::{Contract, Forged},
    frame,
};

/// Frames of a body; an error resets the stream.
pub(super) type Frames = mpsc::Sender<Result<Frame<Bytes>, Broken>>;

/// The end of a stream that the proxy breaks.
#[derive(Debug)]
pub(super) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// How a client ends its messages: gRPC by trailers, gRPC-Web by a frame that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    GrpcWeb,
}

/// Passes the responses of a watch, and does to them what the plan says.
pub(super) struct Passage {
    pub(super) contract: Contract,
    pub(super) protocol: Protocol,
    pub(super) plan: Option<Streams>,
    pub(super) connection: Connection,
    pub(super) to: Frames,
}

impl Passage {
    /// Passes all that comes, until either side ends.
    pub(super) async fn pass(self, mut body: Incoming) {
        let mut buffer = BytesMut::new();
        let mut passed = 0;
        let mut last_token = String::new();
        if self.is_due(passed) && !self.meet(&last_token, 0).await {
            return;
        }
        loop {
            // Who is gone needs no more of it, and hatd is to notice.
            let next = tokio::select! {
                next = body.frame() => next,
                () = self.to.closed() => return,
            };
            let received = match next {
                Some(Ok(received)) => received,
                Some(Err(_)) => return self.connection.close(),
                None => return,
            };
            let data = match received.into_data() {
                Ok(data) => data,
                Err(trailers) => {
                    _ = self.to.send(Ok(trailers)).await;
                    return;
                }
            };
            buffer.extend_from_slice(&data);
            while let Some(message) = frame::split(&mut buffer) {
                let is_message = !frame::is_trailers(&message);
                if is_message && self.is_due(passed) {
                    passed += 1;
                    match self.plan.as_ref().map(|plan| &plan.then) {
                        Some(Then::Lose) => continue,
                        Some(Then::Repeat) => self.send(message.clone()).await,
                        _ => {}
                    }
                } else if is_message {
                    passed += 1;
                }
                if let Some(token) = is_message.then(|| self.token(&message)).flatten() {
                    last_token = token;
                }
                let written = self.connection.written() + message.len() as u64;
                self.send(message).await;
                if is_message && self.is_due(passed) && !self.meet(&last_token, written).await {
                    return;
                }
            }
        }
    }

    /// Whether it is now that the plan says something.
    fn is_due(&self, passed: u64) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.after == passed)
    }

    /// Does what does not wait for another response, once so many bytes were written. Returns
    /// whether the stream goes on.
    async fn meet(&self, last_token: &str, written: u64) -> bool {
        let Some(plan) = &self.plan else { return true };
        match &plan.then {
            Then::Lose | Then::Repeat => return true,
            Then::Insert(response) => {
                if let Some(message) = self.forge(response, last_token) {
                    self.send(message).await;
                }
                return true;
            }
            Then::Disconnect => {
                self.connection.until_written(written).await;
                self.connection.close();
            }
            Then::Reset => _ = self.to.send(Err(Broken)).await,
            Then::End => {
                let fine = Forged::fine();
                _ = self.to.send(Ok(end(self.protocol, &fine))).await;
            }
            Then::Fail(status) => _ = self.to.send(Ok(end(self.protocol, status))).await,
            Then::Hold => self.to.closed().await,
        }
        false
    }

    async fn send(&self, message: Bytes) {
        // If the client is gone, the next look for it says so.
        _ = self.to.send(Ok(Frame::data(message))).await;
    }

    fn token(&self, message: &[u8]) -> Option<String> {
        let descriptor = self.contract.message("WatchHatsResponse").ok()?;
        let response = DynamicMessage::decode(descriptor, frame::payload(message)).ok()?;
        let token = response.get_field_by_name("token")?.as_str()?.to_owned();
        Some(token)
    }

    fn forge(&self, response: &Value, last_token: &str) -> Option<Bytes> {
        let mut response = response.clone();
        if let Some(fields) = response.as_object_mut() {
            for value in fields.values_mut().filter(|value| *value == "<last>") {
                *value = Value::from(last_token);
            }
        }
        let descriptor = self.contract.message("WatchHatsResponse").ok()?;
        Contract::parse(descriptor, &response).ok().map(|message| frame::of(&message))
    }
}

/// The end of a stream or a call, with a status.
pub(super) fn end(protocol: Protocol, status: &Forged) -> Frame<Bytes> {
    let trailers = status.trailers();
    match protocol {
        Protocol::Grpc => Frame::trailers(trailers),
        Protocol::GrpcWeb => {
            let mut block = BytesMut::new();
            for (name, value) in &trailers {
                block.extend_from_slice(name.as_str().as_bytes());
                block.extend_from_slice(b": ");
                block.extend_from_slice(value.as_bytes());
                block.extend_from_slice(b"\r\n");
            }
            Frame::data(frame::pack(frame::TRAILERS, &block))
        }
    }
}
