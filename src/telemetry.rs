//! Logs: text for people, JSON for machines, on standard error.

use std::{
    fmt,
    io::{self, IsTerminal as _},
    panic,
    str::FromStr,
};

use serde::Deserialize;
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// What log lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines for people, coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// Text if standard error is a terminal, JSON otherwise.
    pub fn for_stderr() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Which events are logged: `info`, `debug`, or directives such as `info,hatd::server=debug`.
///
/// A `Filter` always holds directives that `tracing_subscriber` understands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Filter(String);

impl Default for Filter {
    /// Changes of state and everything worse.
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(directives: &str) -> Result<Self, ParseError> {
        EnvFilter::try_new(directives)?;
        Ok(Self(directives.to_owned()))
    }
}

impl TryFrom<String> for Filter {
    type Error = ParseError;

    fn try_from(directives: String) -> Result<Self, ParseError> {
        directives.parse()
    }
}

/// Sends every event, and the message of every panic, to standard error from now on.
///
/// A second call changes nothing: the first one's settings stay.
pub fn init(format: Format, filter: &Filter) {
    // `Filter` has parsed these directives before, so none is lossy.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&filter.0))
        .with_writer(io::stderr)
        // It reports a failed write with `eprintln!`, which panics when standard error is closed.
        .log_internal_errors(false);
    let installed = match format {
        Format::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        Format::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    if installed.is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

/// The default hook would break a log of JSON lines with its own text.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let payload = panic.payload();
    let error = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(error, location, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_levels_and_directives_and_nothing_else() {
        for good in ["info", "debug", "off", "info,hatd::server=debug", "warn,h2=error"] {
            assert!(good.parse::<Filter>().is_ok(), "{good}");
        }
        for bad in ["hatd=loud", "info,=,", "a=b=c"] {
            assert!(bad.parse::<Filter>().is_err(), "{bad}");
        }
    }
}
