//! The one place where errors become `tonic::Status`: a code, a reason that programs
//! branch on, and nothing of hatd's insides.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::command::Refusal;
use crate::pb::ErrorReason;
use crate::{store, watch};

/// The domain of all our reasons.
pub const ERROR_DOMAIN: &str = "hatd.v1";

/// The longest value that is echoed in metadata, in bytes. Our choice: many clients
/// limit trailers to 8 KiB, and a status must fit well into that.
const ECHO_BYTES_MAX: usize = 256;

/// The longest message, in bytes, for the same reason.
const MESSAGE_BYTES_MAX: usize = 1024;

/// When to try again after `UNAVAILABLE` and `RESOURCE_EXHAUSTED`. Our choice: a restart or
/// a burst takes about as long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A field of a request that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Which kind of field.
    pub reason: ErrorReason,
    /// The path of the field in the request.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}

impl Invalid {
    /// A field that has no reason of its own.
    pub fn field(field: impl Into<String>, what: impl Into<String>) -> Self {
        let reason = ErrorReason::InvalidField;
        Self { reason, field: field.into(), what: what.into() }
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Self {
        let Invalid { reason, field, what } = invalid;
        let message = format!("{field}: {what}");
        Answer::new(Code::InvalidArgument, reason)
            .with("field", &field)
            .at(&field, &what)
            .say(&message)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        refused(&refusal).say(&message)
    }
}

impl From<store::Error> for Status {
    fn from(error: store::Error) -> Self {
        let say = |code, reason| Answer::new(code, reason).say(&error.to_string());
        match error {
            store::Error::Refused(refusal) => refusal.into(),
            store::Error::RequestIdReused { ref request_id } => {
                let what = "it was used for another request";
                Answer::new(Code::InvalidArgument, ErrorReason::RequestIdReused)
                    .with("field", "request_id")
                    .with("request_id", request_id)
                    .at("request_id", what)
                    .say(&error.to_string())
            }
            store::Error::Expired => say(Code::OutOfRange, ErrorReason::ResumeTokenExpired),
            store::Error::Overloaded => say(Code::ResourceExhausted, ErrorReason::Overloaded),
            store::Error::DiskFull => say(Code::ResourceExhausted, ErrorReason::DiskFull),
            store::Error::WritesStopped => say(Code::Unavailable, ErrorReason::StoreUnavailable),
            store::Error::Unavailable(_) => {
                tracing::error!(error = crate::error::chain(&error), "failed to use the store");
                say(Code::Unavailable, ErrorReason::StoreUnavailable)
            }
            store::Error::Corrupt(_) => {
                tracing::error!(error = crate::error::chain(&error), "found the store damaged");
                say(Code::DataLoss, ErrorReason::StoreCorrupt)
            }
        }
    }
}

impl From<watch::Error> for Status {
    fn from(error: watch::Error) -> Self {
        match error {
            watch::Error::Expired => Answer::new(Code::OutOfRange, ErrorReason::ResumeTokenExpired)
                .say("the position to resume from is no longer kept: start at a snapshot"),
            watch::Error::Mismatch => store_mismatch("resume_token"),
            watch::Error::Store(error) => error.into(),
        }
    }
}

/// A token of another store, or of another history of this one.
pub fn store_mismatch(field: &str) -> Status {
    let message = format!("{field} is of another store, or of another history of this one");
    Answer::new(Code::FailedPrecondition, ErrorReason::StoreMismatch)
        .with("field", field)
        .say(&message)
}

/// One watch more than are allowed.
pub fn too_many_watches(limit: usize) -> Status {
    Answer::new(Code::ResourceExhausted, ErrorReason::TooManyWatches)
        .with("limit", &limit.to_string())
        .say(&format!("more than {limit} watches are open"))
}

/// A request larger than is taken, in bytes.
pub fn message_too_large(limit: usize) -> Status {
    Answer::new(Code::ResourceExhausted, ErrorReason::MessageTooLarge)
        .with("limit", &limit.to_string())
        .say(&format!("the request is larger than {limit} bytes"))
}

/// The server shuts down.
pub fn shutting_down() -> Status {
    Answer::new(Code::Unavailable, ErrorReason::ShuttingDown).say("the server is shutting down")
}

/// The caller's deadline, or the server's own, has passed.
pub fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the deadline has passed")
}

/// A store that is kept in memory has nothing to look after.
pub fn no_maintenance() -> Status {
    Status::new(Code::Unimplemented, "this store keeps nothing on a disk")
}

/// A bug.
pub fn internal() -> Status {
    Status::new(Code::Internal, "hatd failed on this request; its log says why")
}

fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::RoomNotFound { room_jid } => {
            Answer::new(Code::NotFound, ErrorReason::RoomNotFound)
                .with("room_jid", room_jid.as_str())
                .resource("room", room_jid.as_str())
        }
        Refusal::UserNotAffiliated { room_jid, user_jid } => {
            Answer::new(Code::NotFound, ErrorReason::UserNotAffiliated)
                .with("room_jid", room_jid.as_str())
                .with("user_jid", user_jid.as_str())
                .resource("user", user_jid.as_str())
        }
        Refusal::HatNotDefined { room_jid, hat_id } => {
            Answer::new(Code::NotFound, ErrorReason::HatNotDefined)
                .with("room_jid", room_jid.as_str())
                .with("hat_id", hat_id.as_str())
                .resource("hat definition", hat_id.as_str())
        }
        Refusal::HatNotFound { room_jid, user_jid, hat_id } => {
            Answer::new(Code::NotFound, ErrorReason::HatNotFound)
                .with("room_jid", room_jid.as_str())
                .with("user_jid", user_jid.as_str())
                .with("hat_id", hat_id.as_str())
                .resource("hat", hat_id.as_str())
        }
        Refusal::HatRequired { room_jid, user_jid, hat_id } => {
            Answer::new(Code::FailedPrecondition, ErrorReason::HatRequired)
                .with("room_jid", room_jid.as_str())
                .with("user_jid", user_jid.as_str())
                .with("hat_id", hat_id.as_str())
        }
        Refusal::HatNotSelfAssignable { room_jid, hat_id } => {
            Answer::new(Code::FailedPrecondition, ErrorReason::HatNotSelfAssignable)
                .with("room_jid", room_jid.as_str())
                .with("hat_id", hat_id.as_str())
        }
        Refusal::PreconditionFailed { index, room_jid, user_jid } => {
            Answer::new(Code::FailedPrecondition, ErrorReason::PreconditionFailed)
                .with("precondition_index", &index.to_string())
                .with("room_jid", room_jid.as_str())
                .with("user_jid", user_jid.as_str())
        }
        Refusal::EtagMismatch { present } => {
            Answer::new(Code::Aborted, ErrorReason::EtagMismatch).with("etag", present)
        }
        Refusal::SyncWouldRemove { removed, allowed } => {
            Answer::new(Code::FailedPrecondition, ErrorReason::SyncWouldRemove)
                .with("removed_hats", &removed.to_string())
                .with("max_removed_hats", &allowed.to_string())
        }
        Refusal::TooManyHats { room_jid, user_jid, limit, unit } => {
            Answer::new(Code::ResourceExhausted, ErrorReason::TooManyHats)
                .with("room_jid", room_jid.as_str())
                .with("user_jid", user_jid.as_str())
                .with("limit", &limit.to_string())
                .with("unit", unit)
        }
        Refusal::TooManyDefinitions { room_jid, limit } => {
            Answer::new(Code::ResourceExhausted, ErrorReason::TooManyDefinitions)
                .with("room_jid", room_jid.as_str())
                .with("limit", &limit.to_string())
        }
        Refusal::InvalidField { field, what } => {
            Answer::new(Code::InvalidArgument, ErrorReason::InvalidField)
                .with("field", field)
                .at(field, what)
        }
        Refusal::InOperation { index, refusal } => {
            refused(refusal).with("operation_index", &index.to_string())
        }
    }
}

/// A status in the making.
struct Answer {
    code: Code,
    reason: ErrorReason,
    metadata: HashMap<String, String>,
    details: ErrorDetails,
}

impl Answer {
    fn new(code: Code, reason: ErrorReason) -> Self {
        let mut details = ErrorDetails::new();
        if matches!(code, Code::Unavailable | Code::ResourceExhausted) {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Self { code, reason, metadata: HashMap::new(), details }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), cut(value, ECHO_BYTES_MAX).to_owned());
        self
    }

    fn at(mut self, field: &str, what: &str) -> Self {
        let (field, what) = (cut(field, ECHO_BYTES_MAX), cut(what, ECHO_BYTES_MAX));
        self.details.add_bad_request_violation(field, what);
        self
    }

    fn resource(mut self, kind: &str, name: &str) -> Self {
        self.details.set_resource_info(kind, cut(name, ECHO_BYTES_MAX), "", "");
        self
    }

    fn say(mut self, message: &str) -> Status {
        let name = self.reason.as_str_name();
        let reason = name.strip_prefix("ERROR_REASON_").unwrap_or(name);
        self.details.set_error_info(reason, ERROR_DOMAIN, self.metadata);
        let message = cut(message, MESSAGE_BYTES_MAX);
        Status::with_error_details(self.code, message, self.details)
    }
}

/// The text, or as many of its bytes as may be echoed.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end_max = bytes_max.min(text.len());
    (0..=end_max).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hat::HatId;
    use crate::jid::{RoomJid, UserJid};

    #[test]
    fn a_status_about_the_longest_names_stays_under_4_kib() {
        let long = "ö".repeat(511);
        let refusal = Refusal::InOperation {
            index: 499,
            refusal: Box::new(Refusal::HatNotFound {
                room_jid: RoomJid::parse(&format!("{long}@conference.localhost")).unwrap(),
                user_jid: UserJid::parse(&format!("{long}@localhost")).unwrap(),
                hat_id: HatId::parse(&format!("urn:{}", "x".repeat(1019)), 1023).unwrap(),
            }),
        };
        let status = Status::from(refusal);
        let bytes = status.message().len() + status.details().len();
        assert!(bytes < 4 << 10, "{bytes} bytes");
    }

    #[test]
    fn what_is_wrong_with_an_operation_names_its_index_and_keeps_its_reason() {
        let room_jid = RoomJid::parse("room@conference.localhost").unwrap();
        let user_jid = UserJid::parse("user@localhost").unwrap();
        let refusal = Box::new(Refusal::UserNotAffiliated { room_jid, user_jid });
        let status = Status::from(Refusal::InOperation { index: 7, refusal });
        assert_eq!(status.code(), Code::NotFound);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("USER_NOT_AFFILIATED", "hatd.v1")
        );
        assert_eq!(info.metadata["operation_index"], "7");
        assert_eq!(info.metadata["user_jid"], "user@localhost");
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!(resource.resource_name, "user@localhost");
    }
}
