//! Why a call failed.

use std::{collections::BTreeMap, error::Error as StdError, sync::Arc, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::pb::ErrorReason;

/// The domain of hatd's `google.rpc.ErrorInfo`; reasons of another domain are not hatd's.
const ERROR_DOMAIN: &str = "hatd.v1";

/// A cause that errors can share: an error that ends a mirror is told to all who wait for it.
pub(crate) type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a call failed.
///
/// Branch on [`Error::reason`], or on [`Error::code`] where any reason of that code will do. The
/// text is for people and may change.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error.
    #[error(transparent)]
    Rpc(Box<RpcError>),
    /// The server could not be reached, or the connection broke.
    ///
    /// A write may have been done all the same: do it again with the same `request_id`.
    #[error("the server cannot be reached")]
    #[non_exhaustive]
    Transport {
        /// The request id of the write that failed. None: it was not a write.
        request_id: Option<String>,
        /// What broke.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// No answer came in time. A write may have been done all the same, as with `Transport`.
    #[error("no answer within {} s", timeout.as_secs_f64())]
    #[non_exhaustive]
    DeadlineExceeded {
        /// How long the call was given, retries included.
        timeout: Duration,
        /// The request id of the write that failed. None: it was not a write.
        request_id: Option<String>,
        /// What the last attempt that failed before then said.
        #[source]
        last: Option<Box<Error>>,
    },
    /// The target is not an address that can be connected to.
    #[error("{target:?} is not the address of a server, such as http://127.0.0.1:50051")]
    #[non_exhaustive]
    InvalidTarget {
        /// The target as given.
        target: String,
        /// What is wrong with it.
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// The target is on another machine and without TLS, which nobody has allowed.
    #[error("{target} is not on this machine: use https://, or allow plaintext")]
    #[non_exhaustive]
    PlaintextRefused {
        /// The target as given.
        target: String,
    },
    /// The TLS settings cannot be used: what should be PEM is not, or the system has no roots.
    #[error("the TLS settings cannot be used")]
    InvalidTls(#[source] Arc<dyn StdError + Send + Sync>),
    /// There is no API key to send: its source failed, or a header cannot carry it.
    #[error("there is no API key to send")]
    ApiKey(#[source] Arc<dyn StdError + Send + Sync>),
    /// The client, the watch or the mirror was closed. A write may have been done all the same.
    #[error("closed")]
    Closed,
    /// The watch ended for good earlier, with the error that it answered then.
    #[error("the watch has ended")]
    WatchEnded,
}

/// An error that the server answered with.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct RpcError {
    /// The gRPC code.
    pub code: Code,
    /// The reason, if hatd gave one that this version of the crate knows.
    pub reason: Option<ErrorReason>,
    /// The reason as it came, such as `ROOM_NOT_FOUND`. Empty: none was given.
    pub reason_name: String,
    /// What happened, for people.
    pub message: String,
    /// What the reason is about; [`ErrorReason`] names the keys of each.
    pub metadata: BTreeMap<String, String>,
    /// The fields of the request that are wrong.
    pub field_violations: Vec<FieldViolation>,
    /// What was not found.
    pub resource: Option<Resource>,
    /// How long the server asks to wait before trying again.
    pub retry_delay: Option<Duration>,
    /// The request id of the write that was refused. None: it was not a write.
    pub request_id: Option<String>,
}

/// A field of the request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The path of the field, such as `operations[3].add.hat_id`.
    pub field: String,
    /// What is wrong with it, for people.
    pub description: String,
}

/// What was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// What kind of thing it is.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Error {
    /// Returns the gRPC code. What never reached the server has the code that gRPC gives it.
    pub fn code(&self) -> Code {
        match self {
            Self::Rpc(error) => error.code,
            Self::Transport { .. } => Code::Unavailable,
            Self::DeadlineExceeded { .. } => Code::DeadlineExceeded,
            Self::InvalidTarget { .. } | Self::PlaintextRefused { .. } | Self::InvalidTls(_) => {
                Code::InvalidArgument
            }
            Self::ApiKey(_) => Code::Unauthenticated,
            Self::Closed => Code::Cancelled,
            Self::WatchEnded => Code::FailedPrecondition,
        }
    }

    /// Returns hatd's reason, if it gave one that this version of the crate knows.
    pub fn reason(&self) -> Option<ErrorReason> {
        self.rpc().and_then(|error| error.reason)
    }

    /// Returns what the reason says of `key`; [`ErrorReason`] names the keys of each.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.rpc()?.metadata.get(key).map(String::as_str)
    }

    /// Returns how long the server asks to wait before trying again.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.rpc()?.retry_delay
    }

    /// Returns the request id of the write that failed, which does it again safely. None: it was
    /// not a write, or it was closed.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Rpc(error) => error.request_id.as_deref(),
            Self::Transport { request_id, .. } | Self::DeadlineExceeded { request_id, .. } => {
                request_id.as_deref()
            }
            Self::InvalidTarget { .. }
            | Self::PlaintextRefused { .. }
            | Self::InvalidTls(_)
            | Self::ApiKey(_)
            | Self::Closed
            | Self::WatchEnded => None,
        }
    }

    /// Returns what the server answered, if it did.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            Self::Transport { .. }
            | Self::DeadlineExceeded { .. }
            | Self::InvalidTarget { .. }
            | Self::PlaintextRefused { .. }
            | Self::InvalidTls(_)
            | Self::ApiKey(_)
            | Self::Closed
            | Self::WatchEnded => None,
        }
    }

    /// Adds the request id of the write that failed.
    pub(crate) fn of_write(mut self, id: String) -> Self {
        match &mut self {
            Self::Rpc(error) => error.request_id = Some(id),
            Self::Transport { request_id, .. } | Self::DeadlineExceeded { request_id, .. } => {
                *request_id = Some(id);
            }
            Self::InvalidTarget { .. }
            | Self::PlaintextRefused { .. }
            | Self::InvalidTls(_)
            | Self::ApiKey(_)
            | Self::Closed
            | Self::WatchEnded => {}
        }
        self
    }

    /// Makes the error of a status that a stub returned.
    pub(crate) fn from_status(status: Status) -> Self {
        // Only statuses that the transport made have a source: those of the server are all text.
        if StdError::source(&status).is_some() {
            return Self::Transport { request_id: None, source: Arc::new(TransportStatus(status)) };
        }

        let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN);
        let (reason_name, metadata) = match info {
            Some(info) => (info.reason, info.metadata.into_iter().collect()),
            None => (String::new(), BTreeMap::new()),
        };
        Self::Rpc(Box::new(RpcError {
            code: status.code(),
            reason: ErrorReason::from_str_name(&format!("ERROR_REASON_{reason_name}")),
            reason_name,
            message: match status.message() {
                "" => status.code().description().to_owned(),
                message => message.to_owned(),
            },
            metadata,
            field_violations: status
                .get_details_bad_request()
                .into_iter()
                .flat_map(|details| details.field_violations)
                .map(|violation| FieldViolation {
                    field: violation.field,
                    description: violation.description,
                })
                .collect(),
            resource: status.get_details_resource_info().map(|details| Resource {
                kind: details.resource_type,
                name: details.resource_name,
            }),
            retry_delay: status.get_details_retry_info().and_then(|details| details.retry_delay),
            request_id: None,
        }))
    }
}

/// A status that the transport made, shown by its innermost cause.
#[derive(Debug)]
struct TransportStatus(Status);

impl std::fmt::Display for TransportStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The innermost cause says it best: "connection refused", not "transport error".
        let mut innermost: Option<&dyn StdError> = StdError::source(&self.0);
        while let Some(source) = innermost.and_then(StdError::source) {
            innermost = Some(source);
        }
        match innermost {
            Some(cause) => std::fmt::Display::fmt(cause, f),
            None => f.write_str(self.0.message()),
        }
    }
}

impl StdError for TransportStatus {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    fn refusal(domain: &str, reason: &str) -> Error {
        let mut details = ErrorDetails::new();
        let metadata = HashMap::from([("room_jid".to_owned(), "room@example.org".to_owned())]);
        details.set_error_info(reason, domain, metadata);
        details.add_bad_request_violation("room_jid", "is not there");
        details.set_retry_info(Some(Duration::from_millis(250)));
        Error::from_status(Status::with_error_details(Code::NotFound, "no such room", details))
    }

    #[test]
    fn a_reason_is_typed_and_keeps_its_metadata() {
        let error = refusal("hatd.v1", "ROOM_NOT_FOUND");
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.reason(), Some(ErrorReason::RoomNotFound));
        assert_eq!(error.metadata("room_jid"), Some("room@example.org"));
        assert_eq!(error.retry_delay(), Some(Duration::from_millis(250)));
        assert_eq!(error.rpc().unwrap().field_violations[0].field, "room_jid");
        assert_eq!(error.to_string(), "no such room");
    }

    #[test]
    fn an_unknown_reason_keeps_its_name() {
        let error = refusal("hatd.v1", "ROOM_ON_FIRE");
        assert_eq!(error.reason(), None);
        assert_eq!(error.rpc().unwrap().reason_name, "ROOM_ON_FIRE");
    }

    #[test]
    fn a_reason_of_another_domain_is_not_ours() {
        let error = refusal("example.org", "ROOM_NOT_FOUND");
        assert_eq!(error.reason(), None);
        assert_eq!(error.rpc().unwrap().reason_name, "");
    }
}
