//! Messages and calls, by the descriptors of `proto/` alone.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use http::{HeaderMap, uri::PathAndQuery};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_types::{ErrorDetails, StatusExt as _};

const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");

/// The largest answer that is taken, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// The messages and methods of `hatd.v1`.
#[derive(Clone, Debug)]
pub struct Contract(DescriptorPool);

impl Contract {
    /// Reads `proto/`.
    ///
    /// # Errors
    ///
    /// If it does not compile.
    pub fn read() -> Result<Self> {
        let services = ["hat_service", "room_service", "wardrobe_service"];
        let files = services.map(|name| format!("{PROTO}/hatd/v1/{name}.proto"));
        let descriptors = protox::compile(files, [Path::new(PROTO)])?;
        Ok(Self(DescriptorPool::from_file_descriptor_set(descriptors)?))
    }

    /// Finds a method by its name; no two services have one of the same name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn method(&self, name: &str) -> Result<MethodDescriptor> {
        let mut methods =
            self.0.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let method = methods.find(|method| method.name() == name);
        method.ok_or_else(|| anyhow!("the contract has no method {name}"))
    }

    /// Finds a message of `hatd.v1`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn message(&self, name: &str) -> Result<MessageDescriptor> {
        let message = self.0.get_message_by_name(&format!("hatd.v1.{name}"));
        message.ok_or_else(|| anyhow!("the contract has no message {name}"))
    }

    /// Makes a message of JSON.
    ///
    /// # Errors
    ///
    /// If it does not fit.
    pub fn parse(descriptor: MessageDescriptor, json: &Value) -> Result<DynamicMessage> {
        let json = if json.is_null() { &Value::Object(Map::new()) } else { json };
        let name = descriptor.name().to_owned();
        DynamicMessage::deserialize(descriptor, json)
            .with_context(|| format!("{json} is not a {name}"))
    }

    /// Calls a unary method once, with nothing between. A refusal is shown as adapters show theirs.
    ///
    /// # Errors
    ///
    /// If the request does not fit the method.
    pub async fn call(
        &self,
        channel: &Channel,
        method: &str,
        request: &Value,
    ) -> Result<Result<Value, Value>> {
        let method = self.method(method)?;
        let request = Self::parse(method.input(), request)?;
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path)?;
        let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        grpc.ready().await?;
        let answer = grpc.unary(Request::new(request), path, Dynamic(method.output())).await;
        Ok(match answer {
            Ok(response) => Ok(serde_json::to_value(response.into_inner())?),
            Err(status) => Err(refusal(&status)),
        })
    }
}

fn refusal(status: &Status) -> Value {
    let info = status.get_details_error_info();
    json!({
        "code": code_name(status.code()),
        "reason": info.as_ref().map_or("", |info| &info.reason),
        "message": status.message(),
        "metadata": info.as_ref().map(|info| &info.metadata),
    })
}

/// The name that gRPC gives a code.
fn code_name(code: tonic::Code) -> String {
    let name = format!("{code:?}");
    let mut words = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 && name != "Ok" {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// A status that a proxy makes up.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forged {
    /// The number of the gRPC code.
    code: i32,
    #[serde(default = "hatd_domain")]
    domain: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    retry_delay_ms: Option<u64>,
}

impl Forged {
    /// The status of a call that went well.
    pub fn fine() -> Self {
        Self {
            code: 0,
            domain: String::new(),
            reason: String::new(),
            message: String::new(),
            metadata: HashMap::new(),
            retry_delay_ms: None,
        }
    }

    /// The trailers that hold it.
    pub fn trailers(&self) -> HeaderMap {
        let mut details = ErrorDetails::new();
        if !self.reason.is_empty() {
            details.set_error_info(&self.reason, &self.domain, self.metadata.clone());
        }
        if let Some(delay) = self.retry_delay_ms {
            details.set_retry_info(Some(Duration::from_millis(delay)));
        }
        let status = Status::with_error_details(self.code.into(), self.message.clone(), details);
        let mut trailers = HeaderMap::new();
        // It can fail for a message that no header can hold, and percent-encodes each message.
        _ = status.add_header(&mut trailers);
        trailers
    }
}

fn hatd_domain() -> String {
    "hatd.v1".to_owned()
}

/// Messages that are known by their descriptors only.
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> Self {
        Self(self.0.clone())
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(
        &mut self,
        message: DynamicMessage,
        buffer: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
