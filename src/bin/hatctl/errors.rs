//! What went wrong, what to do about it, and the exit code that says it to scripts.

use std::{
    error::Error as StdError,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use hatd_client::{Code, ErrorReason};

/// The exit codes, as `hatctl help exit-codes` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; also for a write that changed nothing
  1  any other error
  2  the command line is wrong
  4  not found: ROOM_NOT_FOUND, USER_NOT_AFFILIATED, HAT_NOT_DEFINED, HAT_NOT_FOUND
  5  denied: UNAUTHENTICATED, SCOPE_DENIED
  6  unavailable: hatd cannot be reached, is not ready, or did not answer in time
  7  conflict: ETAG_MISMATCH, PRECONDITION_FAILED";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// hatd refused the call, or could not be reached.
    #[error("{}", call_text(.0))]
    Call(#[from] hatd_client::Error),
    /// A call for lines of a file failed.
    #[error("{lines}: {}", call_text(.source))]
    Lines { lines: String, source: hatd_client::Error },
    /// The arguments do not make sense together.
    #[error("{0}")]
    Usage(String),
    /// A file does not hold what it should.
    #[error("{place}: {what}")]
    Input { place: String, what: String },
    /// Part of what was to be imported was not.
    #[error("{0} that are named above were not taken; all else was")]
    NotTaken(usize),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The output cannot be written.
    #[error("failed to write the output: {0}")]
    Output(#[from] io::Error),
    /// The output cannot be put into JSON.
    #[error("failed to write the output: {0}")]
    Json(#[from] serde_json::Error),
}

/// What the server said, with the fields that are wrong; or the causes, where there was no server.
fn call_text(error: &hatd_client::Error) -> String {
    let Some(refusal) = error.rpc() else { return with_causes(error) };
    let mut parts = vec![refusal.message.clone()];
    for violation in &refusal.field_violations {
        if !refusal.message.contains(&violation.field) {
            parts.push(format!("({}: {})", violation.field, violation.description));
        }
    }
    if !refusal.reason_name.is_empty() {
        parts.push(format!("[{}]", refusal.reason_name));
    }
    parts.join(" ")
}

/// An error and what caused it, outermost first.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.join(": ")
}

impl Error {
    /// Whether the reader of the output is gone: nothing is wrong, and nobody listens.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Json(error) => error.io_error_kind() == Some(io::ErrorKind::BrokenPipe),
            Self::Call(_)
            | Self::Lines { .. }
            | Self::Usage(_)
            | Self::Input { .. }
            | Self::NotTaken(_) => false,
            Self::File { source, .. } => source.kind() == io::ErrorKind::BrokenPipe,
        }
    }

    /// Returns the exit code that [`EXIT_CODES`] documents.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Call(error) | Self::Lines { source: error, .. } => call_exit_code(error),
            Self::Usage(_) => 2,
            Self::Input { .. }
            | Self::NotTaken(_)
            | Self::File { .. }
            | Self::Output(_)
            | Self::Json(_) => 1,
        };
        ExitCode::from(code)
    }

    /// Returns what the person at the terminal can do about it, if anything is known to help.
    pub(crate) fn advice(&self, endpoint: &str) -> Option<String> {
        match self {
            Self::Call(error) | Self::Lines { source: error, .. } => call_advice(error, endpoint),
            Self::Usage(_) => Some("see hatctl help".to_owned()),
            Self::Input { .. }
            | Self::NotTaken(_)
            | Self::File { .. }
            | Self::Output(_)
            | Self::Json(_) => None,
        }
    }
}

/// Says on standard error what went wrong, and what to do about it.
pub(crate) fn report(error: &Error, endpoint: &str) {
    note(&format!("error: {error}"));
    if let Some(advice) = error.advice(endpoint) {
        note(&format!("hint: {advice}"));
    }
}

/// Says something on standard error. If nobody can hear it, there is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not named is any other error")]
fn call_exit_code(error: &hatd_client::Error) -> u8 {
    if matches!(error, hatd_client::Error::InvalidTarget { .. }) {
        return 2;
    }
    match error.code() {
        Code::NotFound => 4,
        Code::Unauthenticated | Code::PermissionDenied => 5,
        Code::Unavailable | Code::DeadlineExceeded => 6,
        Code::Aborted => 7,
        Code::FailedPrecondition if error.reason() == Some(ErrorReason::PreconditionFailed) => 7,
        _ => 1,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there is no advice for most codes")]
fn call_advice(error: &hatd_client::Error, endpoint: &str) -> Option<String> {
    let of = |key| quoted(error.metadata(key).unwrap_or("…"));
    let Some(reason) = error.reason() else {
        return match error.code() {
            Code::Unavailable => Some(format!(
                "is hatd running at {endpoint}? Another address: --endpoint or HATD_ENDPOINT"
            )),
            Code::DeadlineExceeded => Some("allow it more time with --timeout".to_owned()),
            _ => None,
        };
    };
    let (room, user, hat) = (of("room_jid"), of("user_jid"), of("hat_id"));
    let advice = match reason {
        ErrorReason::RoomNotFound => format!("create it with: hatctl room put {room}"),
        ErrorReason::UserNotAffiliated => {
            format!("let the user in with: hatctl affiliation set {room} {user} MEMBER")
        }
        ErrorReason::HatNotDefined => {
            format!(
                "define it with: hatctl define {room} {hat} --title TITLE (and --self-assignable, \
                 for users to claim it)"
            )
        }
        ErrorReason::HatNotFound | ErrorReason::TooManyHats => {
            format!("see what the user has with: hatctl hat get {room} {user}")
        }
        ErrorReason::HatRequired => {
            format!("only a program can take it: hatctl hat remove {room} {user} {hat}")
        }
        ErrorReason::HatNotSelfAssignable => format!(
            "give it with: hatctl hat add {room} USER {hat}; or let users claim it with: \
             hatctl define {room} {hat} --self-assignable (and its title)"
        ),
        ErrorReason::RequestIdReused => "choose another --request-id, or none".to_owned(),
        ErrorReason::InvalidToken
        | ErrorReason::StoreMismatch
        | ErrorReason::ResumeTokenExpired => {
            "the token is no good here: leave it out, and take a new one".to_owned()
        }
        ErrorReason::PreconditionFailed => {
            format!("it has changed; read it with: hatctl hat get {room} {user}")
        }
        ErrorReason::EtagMismatch => "take the etag of what is there now".to_owned(),
        ErrorReason::SyncWouldRemove => format!(
            "if that is meant, allow it with --max-removed-hats {}",
            error.metadata("removed_hats").unwrap_or("N")
        ),
        ErrorReason::TooManyDefinitions => {
            format!("see what there is with: hatctl definitions {room}")
        }
        ErrorReason::Unauthenticated | ErrorReason::ScopeDenied => {
            "ask who runs hatd for the right to do this".to_owned()
        }
        ErrorReason::MessageTooLarge => "send it in smaller parts".to_owned(),
        ErrorReason::TooManyWatches
        | ErrorReason::Overloaded
        | ErrorReason::ShuttingDown
        | ErrorReason::TokenNotReached => "try again later".to_owned(),
        ErrorReason::DiskFull => "make room on the disk of hatd's machine".to_owned(),
        ErrorReason::StoreUnavailable | ErrorReason::StoreCorrupt => {
            "see the log of hatd, on its machine".to_owned()
        }
        ErrorReason::Unspecified
        | ErrorReason::InvalidRoomJid
        | ErrorReason::InvalidUserJid
        | ErrorReason::InvalidHatId
        | ErrorReason::InvalidPageToken
        | ErrorReason::InvalidTitle
        | ErrorReason::InvalidField => return None,
    };
    Some(advice)
}

/// Quotes an argument for a shell, if it needs that.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._-:/+%,=…".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        assert_eq!(quoted("room@conference.localhost"), "room@conference.localhost");
        assert_eq!(quoted("http://a/?x=1&y"), "'http://a/?x=1&y'");
        assert_eq!(quoted("o'brien@localhost"), r"'o'\''brien@localhost'");
        assert_eq!(quoted(""), "''");
    }
}
