//! What the operator can set, and where from.
//!
//! Flags win over the environment, the environment over the configuration file, and that over the
//! defaults. One struct, [`Settings`], is both the flags and the file, so neither can lack what the
//! other has.

mod settings;

use std::{io, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use bytesize::ByteSize;

pub use self::settings::{LimitSettings, Settings};
use crate::{
    limits::Limits,
    origin::Origin,
    telemetry::{Filter, Format},
};

/// Longest timeout and grace period. Our choice: nobody waits longer for one answer or one stop.
const TIMEOUT_MAX: Duration = Duration::from_hours(24);
/// Longest time to keep anything: 100 years of 365.25 days. Our choice: as good as for ever, and
/// far from the end of every clock.
const KEPT_MAX: Duration = Duration::from_hours(36_525 * 24);
/// Largest commit or page, in bytes. gRPC clients take messages of 4 MiB unless told otherwise, and
/// one carries a commit or a page, and more: our choice is 512 KiB for that.
const ANSWER_BYTES_MAX: usize = 7 << 19;

/// How large a file of the commit log may grow, in bytes. Our choice: the least is for tests, the
/// most still lets a retention of some gigabytes move in steps.
const SEGMENT_BYTES: RangeInclusive<u64> = 4 << 10..=1 << 30;

/// Everything that `hatd serve` goes by, complete and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Address and port for gRPC and gRPC-Web.
    pub listen: SocketAddr,
    /// Address and port for Prometheus, if it is to be served.
    pub metrics_listen: Option<SocketAddr>,
    /// The web pages that may call.
    pub cors_origins: Vec<Origin>,
    /// Directory of the store.
    pub data_dir: PathBuf,
    /// What log lines look like.
    pub log_format: Format,
    /// Which events are logged.
    pub log_filter: Filter,
    /// Longest wait for open calls at shutdown.
    pub shutdown_grace_period: Duration,
    /// Time for a unary call that names none.
    pub request_timeout: Duration,
    /// Longest time a unary call can ask for.
    pub request_timeout_max: Duration,
    /// How long commits are kept for watches that resume.
    pub retention_age: Duration,
    /// How many bytes of commits are kept for watches that resume.
    pub retention_bytes: u64,
    /// How large a file of the commit log grows, in bytes. Commits are forgotten by whole files.
    pub log_segment_bytes: u64,
    /// How many bytes of commits are logged before the next checkpoint, at least.
    pub checkpoint_bytes: u64,
    /// How many bytes are to stay free of the disk.
    pub min_free_bytes: u64,
    /// How long an answer is kept for a repeated request id.
    pub request_id_ttl: Duration,
    /// Bounds on what callers send and keep.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            metrics_listen: None,
            cors_origins: Vec::new(),
            data_dir: PathBuf::from("./hatd-data"),
            log_format: Format::for_stderr(),
            log_filter: Filter::default(),
            shutdown_grace_period: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            request_timeout_max: Duration::from_secs(30),
            retention_age: Duration::from_hours(168),
            retention_bytes: 8 << 30,
            log_segment_bytes: 64 << 20,
            checkpoint_bytes: 64 << 20,
            min_free_bytes: 64 << 20,
            request_id_ttl: Duration::from_hours(1),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Completes the arguments from the configuration file they name, if any, and the defaults.
    ///
    /// # Errors
    ///
    /// - [`Error::Read`] if the file cannot be read.
    /// - [`Error::Parse`] if the file has a key that does not exist, or a value that does not fit.
    /// - [`Error::Open`] if `listen` is reachable from other machines and `insecure-open` is not set.
    /// - [`Error::Zero`] if `request-timeout` is zero.
    /// - [`Error::TooLong`] if a duration is beyond reason.
    /// - [`Error::TooLarge`] if a commit or a page might not fit into what clients take.
    /// - [`Error::Outside`] if a size is too small or too large.
    /// - [`Error::Order`] if a setting exceeds the one that bounds it.
    pub fn load(arguments: Arguments) -> Result<Self, Error> {
        let file = match &arguments.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        Self::resolve(arguments.settings, file)
    }

    fn resolve(flags: Settings, file: Settings) -> Result<Self, Error> {
        let default = Self::default();
        let config = Self {
            listen: flags.listen.or(file.listen).unwrap_or(default.listen),
            metrics_listen: flags.metrics_listen.or(file.metrics_listen),
            cors_origins: flags.cors_origins.or(file.cors_origins).unwrap_or(default.cors_origins),
            data_dir: flags.data_dir.or(file.data_dir).unwrap_or(default.data_dir),
            log_format: flags.log_format.or(file.log_format).unwrap_or(default.log_format),
            log_filter: flags.log_filter.or(file.log_filter).unwrap_or(default.log_filter),
            shutdown_grace_period: flags
                .shutdown_grace_period
                .or(file.shutdown_grace_period)
                .unwrap_or(default.shutdown_grace_period),
            request_timeout: flags
                .request_timeout
                .or(file.request_timeout)
                .unwrap_or(default.request_timeout),
            request_timeout_max: flags
                .request_timeout_max
                .or(file.request_timeout_max)
                .unwrap_or(default.request_timeout_max),
            retention_age: flags
                .retention_age
                .or(file.retention_age)
                .unwrap_or(default.retention_age),
            retention_bytes: flags
                .retention_bytes
                .or(file.retention_bytes)
                .map_or(default.retention_bytes, |size| size.as_u64()),
            log_segment_bytes: flags
                .log_segment_bytes
                .or(file.log_segment_bytes)
                .map_or(default.log_segment_bytes, |size| size.as_u64()),
            checkpoint_bytes: flags
                .checkpoint_bytes
                .or(file.checkpoint_bytes)
                .map_or(default.checkpoint_bytes, |size| size.as_u64()),
            min_free_bytes: flags
                .min_free_bytes
                .or(file.min_free_bytes)
                .map_or(default.min_free_bytes, |size| size.as_u64()),
            request_id_ttl: flags
                .request_id_ttl
                .or(file.request_id_ttl)
                .unwrap_or(default.request_id_ttl),
            limits: flags.limits.or(&file.limits).or_default(&default.limits),
        };
        let open = flags.insecure_open.or(file.insecure_open).unwrap_or(false);
        config.check(open)?;
        Ok(config)
    }

    /// Checks what no single value can tell.
    fn check(&self, open: bool) -> Result<(), Error> {
        // An IPv4 address in IPv6 clothes is as local as the IPv4 address.
        if !open && !self.listen.ip().to_canonical().is_loopback() {
            return Err(Error::Open { listen: self.listen });
        }
        if self.request_timeout.is_zero() {
            return Err(Error::Zero { setting: "request-timeout" });
        }
        for (setting, duration, max) in [
            ("request-timeout", self.request_timeout, TIMEOUT_MAX),
            ("request-timeout-max", self.request_timeout_max, TIMEOUT_MAX),
            ("shutdown-grace-period", self.shutdown_grace_period, TIMEOUT_MAX),
            ("retention-age", self.retention_age, KEPT_MAX),
            ("request-id-ttl", self.request_id_ttl, KEPT_MAX),
        ] {
            if duration > max {
                return Err(Error::TooLong { setting, max });
            }
        }
        if !SEGMENT_BYTES.contains(&self.log_segment_bytes) {
            return Err(Error::Outside {
                setting: "log-segment-bytes",
                min: ByteSize::b(*SEGMENT_BYTES.start()),
                max: ByteSize::b(*SEGMENT_BYTES.end()),
            });
        }
        if self.request_timeout > self.request_timeout_max {
            return Err(Error::Order { lower: "request-timeout", upper: "request-timeout-max" });
        }
        check_limits(&self.limits)
    }
}

/// Checks the limits that bound one another, or that clients bound.
fn check_limits(limits: &Limits) -> Result<(), Error> {
    for (setting, bytes) in
        [("commit-bytes-max", limits.commit_bytes_max), ("page-bytes-max", limits.page_bytes_max)]
    {
        if bytes > ANSWER_BYTES_MAX {
            return Err(Error::TooLarge { setting, max: ANSWER_BYTES_MAX });
        }
    }
    // A document travels in a commit.
    if limits.document_bytes_max > limits.commit_bytes_max {
        return Err(Error::Order { lower: "document-bytes-max", upper: "commit-bytes-max" });
    }
    if limits.page_size_default > limits.page_size_max {
        return Err(Error::Order { lower: "page-size-default", upper: "page-size-max" });
    }
    Ok(())
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file cannot be read.
    #[error("failed to read the configuration file {}", path.display())]
    Read {
        /// The file, as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration file has a key that does not exist, or a value that does not fit.
    #[error("{}:{line}: {message}", path.display())]
    Parse {
        /// The file, as it was named.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// Other machines could call, and nothing would stop them.
    #[error(
        "listen address {listen} is reachable from other machines, and hatd has neither TLS nor \
         authentication yet: anybody who reaches the port may do everything. Listen on 127.0.0.1 \
         or [::1], or add --insecure-open if that is what you want"
    )]
    Open {
        /// The address.
        listen: SocketAddr,
    },
    /// Nothing could be answered in no time.
    #[error("{setting} must be more than zero")]
    Zero {
        /// The setting.
        setting: &'static str,
    },
    /// A duration is beyond reason.
    #[error("{setting} must not exceed {}", humantime::format_duration(*max))]
    TooLong {
        /// The setting.
        setting: &'static str,
        /// The longest it can be.
        max: Duration,
    },
    /// A commit or a page might not fit into the largest message that clients take by default.
    #[error("{setting} must not exceed {max} bytes: clients take no larger messages by default")]
    TooLarge {
        /// The setting.
        setting: &'static str,
        /// The most it can be, in bytes.
        max: usize,
    },
    /// A size is too small or too large.
    #[error("{setting} must be from {min} to {max}")]
    Outside {
        /// The setting.
        setting: &'static str,
        /// The least it can be.
        min: ByteSize,
        /// The most it can be.
        max: ByteSize,
    },
    /// A setting exceeds the one that bounds it.
    #[error("{lower} must not exceed {upper}")]
    Order {
        /// The setting that is too high.
        lower: &'static str,
        /// The setting that bounds it.
        upper: &'static str,
    },
}

/// The arguments of `hatd serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Arguments {
    /// TOML file of the settings below, named as the flags are; limits go into its table `[limits]`
    #[arg(long, env = "HATD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Settings given as flags or in the environment.
    #[command(flatten)]
    pub settings: Settings,
}

#[cfg(test)]
mod tests;
