//! What a command replies with when it fails.

use std::collections::BTreeMap;

use hatd_client::{Code, Error};
use serde::Serialize;
use serde_json::{Value, json};

/// Why a command failed.
pub(crate) enum Failure {
    /// The command is unknown, or makes no sense.
    BadCommand(String),
    /// The runner cancelled it.
    Cancelled,
    /// The client says so.
    Client(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::BadCommand(error.to_string())
    }
}

/// A failure as it is replied.
#[derive(Default, Serialize)]
struct Reply {
    r#type: String,
    code: String,
    reason: String,
    message: String,
    metadata: BTreeMap<String, String>,
    request_id: String,
    violations: Vec<Violation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_delay_ms: Option<u128>,
}

#[derive(Serialize)]
struct Violation {
    field: String,
    description: String,
}

impl Failure {
    pub(crate) fn to_json(&self) -> Value {
        json!(match self {
            Self::BadCommand(what) => Reply::new("BadCommand", Code::InvalidArgument, what),
            Self::Cancelled => Reply::new("HatdError", Code::Cancelled, "cancelled"),
            Self::Client(error) => Reply::of(error),
        })
    }
}

impl Reply {
    fn of(error: &Error) -> Self {
        // The client has one type for all; what is a type of its own elsewhere is a reason here.
        let kind = match (error, error.reason()) {
            (Error::Closed, _) => "Closed".to_owned(),
            (_, Some(reason)) => format!("{reason:?}"),
            (_, None) => "HatdError".to_owned(),
        };
        let mut reply = Self {
            request_id: error.request_id().unwrap_or_default().to_owned(),
            retry_delay_ms: error.retry_delay().map(|delay| delay.as_millis()),
            ..Self::new(&kind, error.code(), &error.to_string())
        };
        if let Some(refusal) = error.rpc() {
            reply.reason.clone_from(&refusal.reason_name);
            reply.metadata.clone_from(&refusal.metadata);
            let violations = refusal.field_violations.iter().map(|violation| Violation {
                field: violation.field.clone(),
                description: violation.description.clone(),
            });
            reply.violations = violations.collect();
        }
        reply
    }

    fn new(kind: &str, code: Code, message: &str) -> Self {
        Self {
            r#type: kind.to_owned(),
            code: code_name(code),
            message: message.to_owned(),
            ..Self::default()
        }
    }
}

/// The name of a code as gRPC spells it: `NOT_FOUND`.
fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
