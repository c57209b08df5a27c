//! What the operator can set, and where from.
//!
//! Flags win over the environment, the environment over the configuration file, and that over the
//! defaults. One struct, [`Settings`], is both the flags and the file, so neither can lack what the
//! other has.

use std::{
    fs, io,
    net::SocketAddr,
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Deserializer, de};

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

// The first line of each field below is also its text in `--help`, hence without a final period,
// and with the default, which a test compares with the true one.

/// The settings as flags or as a file gives them: whichever are absent come from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address and port for gRPC and gRPC-Web [default: 127.0.0.1:50051]
    #[arg(long, env = "HATD_LISTEN", value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,

    /// Allow a listen address that other machines can reach, although there is neither TLS nor
    /// authentication yet: anybody who reaches the port may do everything
    #[arg(
        long,
        env = "HATD_INSECURE_OPEN",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub insecure_open: Option<bool>,

    /// Address and port for Prometheus, which reads http://IP:PORT/metrics; by default it is not
    /// served
    #[arg(long, env = "HATD_METRICS_LISTEN", value_name = "IP:PORT")]
    pub metrics_listen: Option<SocketAddr>,

    /// Origins of the web pages that may call, such as `https://chat.example`, separated by commas,
    /// or `*` for all pages; by default none may
    #[arg(long, env = "HATD_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origins: Option<Vec<Origin>>,

    /// Directory of the store, made if absent [default: ./hatd-data]
    #[arg(long, env = "HATD_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// What log lines look like; by default text on a terminal, JSON otherwise
    #[arg(long, env = "HATD_LOG_FORMAT")]
    pub log_format: Option<Format>,

    /// Level or directives, such as `info,hatd::server=debug` [default: info]
    #[arg(long, env = "HATD_LOG_FILTER", value_name = "FILTER")]
    pub log_filter: Option<Filter>,

    /// Longest wait for open calls at shutdown [default: 10s]
    #[arg(long, env = "HATD_SHUTDOWN_GRACE_PERIOD", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "duration_in_file")]
    pub shutdown_grace_period: Option<Duration>,

    /// Time for a unary call that names none [default: 5s]
    #[arg(long, env = "HATD_REQUEST_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "duration_in_file")]
    pub request_timeout: Option<Duration>,

    /// Longest time a unary call can ask for [default: 30s]
    #[arg(long, env = "HATD_REQUEST_TIMEOUT_MAX", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "duration_in_file")]
    pub request_timeout_max: Option<Duration>,

    /// How long commits are kept for watches that resume [default: 7d]
    #[arg(long, env = "HATD_RETENTION_AGE", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "duration_in_file")]
    pub retention_age: Option<Duration>,

    /// How much of the commits is kept for watches that resume [default: 8GiB]
    #[arg(long, env = "HATD_RETENTION_BYTES", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "size_in_file")]
    pub retention_bytes: Option<ByteSize>,

    /// How large a file of the commit log grows; commits are forgotten by whole files [default: 64MiB]
    #[arg(long, env = "HATD_LOG_SEGMENT_BYTES", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "size_in_file")]
    pub log_segment_bytes: Option<ByteSize>,

    /// How much is logged before the next checkpoint, at least; it waits until that is as much as the
    /// checkpoint has, too [default: 64MiB]
    #[arg(long, env = "HATD_CHECKPOINT_BYTES", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "size_in_file")]
    pub checkpoint_bytes: Option<ByteSize>,

    /// How much of the disk is to stay free: with less, only what removes is written, and with less
    /// than a quarter of it, nothing [default: 64MiB]
    #[arg(long, env = "HATD_MIN_FREE_BYTES", value_name = "SIZE", value_parser = size)]
    #[serde(deserialize_with = "size_in_file")]
    pub min_free_bytes: Option<ByteSize>,

    /// How long an answer is kept for a repeated request id [default: 1h]
    #[arg(long, env = "HATD_REQUEST_ID_TTL", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "duration_in_file")]
    pub request_id_ttl: Option<Duration>,

    /// Bounds on what callers send and keep.
    #[command(flatten)]
    pub limits: LimitSettings,
}

impl Settings {
    /// Reads them from a TOML file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] or [`Error::Parse`].
    fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| Error::Parse {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_of(&text, span.start)),
            message: error.message().to_owned(),
        })
    }
}

/// The line, from 1, that the byte at `offset` stands in.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// A duration in units, such as `10s`, `90m` or `7d`.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

fn duration_in_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    duration(&text).map(Some).map_err(de::Error::custom)
}

/// A size in units, such as `512MiB` or `8GiB`.
fn size(text: &str) -> Result<ByteSize, String> {
    // The parser's own words tell people of parts of units.
    text.parse().map_err(|_| format!("{text:?} is not a size: a number and a unit, such as 8GiB"))
}

fn size_in_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ByteSize>, D::Error> {
    let text = String::deserialize(from)?;
    size(&text).map(Some).map_err(de::Error::custom)
}

/// The fields of [`Limits`] as flags or as a file gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[command(next_help_heading = "Limits")]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitSettings {
    /// Longest hat id, in bytes [default: 1023]
    #[arg(long, env = "HATD_HAT_ID_BYTES_MAX", value_name = "N")]
    pub hat_id_bytes_max: Option<NonZeroUsize>,
    /// Longest title, in bytes of UTF-8 [default: 256]
    #[arg(long, env = "HATD_TITLE_BYTES_MAX", value_name = "N")]
    pub title_bytes_max: Option<NonZeroUsize>,
    /// Most localised titles of one definition [default: 32]
    #[arg(long, env = "HATD_LOCALISED_TITLES_MAX", value_name = "N")]
    pub localised_titles_max: Option<NonZeroUsize>,
    /// Longest description of a definition, in bytes of UTF-8 [default: 1024]
    #[arg(long, env = "HATD_DESCRIPTION_BYTES_MAX", value_name = "N")]
    pub description_bytes_max: Option<NonZeroUsize>,
    /// Longest actor of a write, in bytes of UTF-8 [default: 1023]
    #[arg(long, env = "HATD_ACTOR_BYTES_MAX", value_name = "N")]
    pub actor_bytes_max: Option<NonZeroUsize>,
    /// Longest reason of a write, in bytes of UTF-8 [default: 256]
    #[arg(long, env = "HATD_REASON_BYTES_MAX", value_name = "N")]
    pub reason_bytes_max: Option<NonZeroUsize>,
    /// Longest request id, in bytes [default: 64]
    #[arg(long, env = "HATD_REQUEST_ID_BYTES_MAX", value_name = "N")]
    pub request_id_bytes_max: Option<NonZeroUsize>,
    /// Most hats of one user in one room [default: 64]
    #[arg(long, env = "HATD_HATS_PER_USER_MAX", value_name = "N")]
    pub hats_per_user_max: Option<NonZeroUsize>,
    /// Largest document of one user in one room, in bytes [default: 65536]
    #[arg(long, env = "HATD_DOCUMENT_BYTES_MAX", value_name = "N")]
    pub document_bytes_max: Option<NonZeroUsize>,
    /// Most definitions of one room [default: 256]
    #[arg(long, env = "HATD_DEFINITIONS_PER_ROOM_MAX", value_name = "N")]
    pub definitions_per_room_max: Option<NonZeroUsize>,
    /// Most operations of one commit [default: 500]
    #[arg(long, env = "HATD_OPERATIONS_PER_COMMIT_MAX", value_name = "N")]
    pub operations_per_commit_max: Option<NonZeroUsize>,
    /// Largest commit as encoded for watchers, in bytes [default: 1048576]
    #[arg(long, env = "HATD_COMMIT_BYTES_MAX", value_name = "N")]
    pub commit_bytes_max: Option<NonZeroUsize>,
    /// Most users that one entry of a sync lists or removes [default: 10000]
    #[arg(long, env = "HATD_SYNC_USERS_MAX", value_name = "N")]
    pub sync_users_max: Option<NonZeroUsize>,
    /// Most entries of one sync [default: 10000]
    #[arg(long, env = "HATD_SYNC_ENTRIES_MAX", value_name = "N")]
    pub sync_entries_max: Option<NonZeroUsize>,
    /// Most users that one call names as wearers [default: 10000]
    #[arg(long, env = "HATD_WEARERS_LISTED_MAX", value_name = "N")]
    pub wearers_listed_max: Option<NonZeroUsize>,
    /// Most selectors of one watch [default: 1000]
    #[arg(long, env = "HATD_SELECTORS_PER_WATCH_MAX", value_name = "N")]
    pub selectors_per_watch_max: Option<NonZeroUsize>,
    /// Most open watches of one caller [default: 10000]
    #[arg(long, env = "HATD_WATCHES_PER_CALLER_MAX", value_name = "N")]
    pub watches_per_caller_max: Option<NonZeroUsize>,
    /// Most open watches in all [default: 50000]
    #[arg(long, env = "HATD_WATCHES_MAX", value_name = "N")]
    pub watches_max: Option<NonZeroUsize>,
    /// Items on a page when the request names no number [default: 100]
    #[arg(long, env = "HATD_PAGE_SIZE_DEFAULT", value_name = "N")]
    pub page_size_default: Option<NonZeroUsize>,
    /// Most items on a page [default: 1000]
    #[arg(long, env = "HATD_PAGE_SIZE_MAX", value_name = "N")]
    pub page_size_max: Option<NonZeroUsize>,
    /// Bytes after which a page ends early [default: 1048576]
    #[arg(long, env = "HATD_PAGE_BYTES_MAX", value_name = "N")]
    pub page_bytes_max: Option<NonZeroUsize>,
    /// Largest request message, in bytes [default: 4194304]
    #[arg(long, env = "HATD_MESSAGE_BYTES_MAX", value_name = "N")]
    pub message_bytes_max: Option<NonZeroUsize>,
    /// Most metadata of one call, in bytes [default: 16384]
    #[arg(long, env = "HATD_METADATA_BYTES_MAX", value_name = "N")]
    pub metadata_bytes_max: Option<NonZeroUsize>,
}

impl LimitSettings {
    /// These, and `other` where these are silent.
    fn or(&self, other: &Self) -> Self {
        Self {
            hat_id_bytes_max: self.hat_id_bytes_max.or(other.hat_id_bytes_max),
            title_bytes_max: self.title_bytes_max.or(other.title_bytes_max),
            localised_titles_max: self.localised_titles_max.or(other.localised_titles_max),
            description_bytes_max: self.description_bytes_max.or(other.description_bytes_max),
            actor_bytes_max: self.actor_bytes_max.or(other.actor_bytes_max),
            reason_bytes_max: self.reason_bytes_max.or(other.reason_bytes_max),
            request_id_bytes_max: self.request_id_bytes_max.or(other.request_id_bytes_max),
            hats_per_user_max: self.hats_per_user_max.or(other.hats_per_user_max),
            document_bytes_max: self.document_bytes_max.or(other.document_bytes_max),
            definitions_per_room_max: self
                .definitions_per_room_max
                .or(other.definitions_per_room_max),
            operations_per_commit_max: self
                .operations_per_commit_max
                .or(other.operations_per_commit_max),
            commit_bytes_max: self.commit_bytes_max.or(other.commit_bytes_max),
            sync_users_max: self.sync_users_max.or(other.sync_users_max),
            sync_entries_max: self.sync_entries_max.or(other.sync_entries_max),
            wearers_listed_max: self.wearers_listed_max.or(other.wearers_listed_max),
            selectors_per_watch_max: self.selectors_per_watch_max.or(other.selectors_per_watch_max),
            watches_per_caller_max: self.watches_per_caller_max.or(other.watches_per_caller_max),
            watches_max: self.watches_max.or(other.watches_max),
            page_size_default: self.page_size_default.or(other.page_size_default),
            page_size_max: self.page_size_max.or(other.page_size_max),
            page_bytes_max: self.page_bytes_max.or(other.page_bytes_max),
            message_bytes_max: self.message_bytes_max.or(other.message_bytes_max),
            metadata_bytes_max: self.metadata_bytes_max.or(other.metadata_bytes_max),
        }
    }

    /// These, and `default` where these are silent.
    fn or_default(&self, default: &Limits) -> Limits {
        let or =
            |setting: Option<NonZeroUsize>, default| setting.map_or(default, NonZeroUsize::get);
        Limits {
            hat_id_bytes_max: or(self.hat_id_bytes_max, default.hat_id_bytes_max),
            title_bytes_max: or(self.title_bytes_max, default.title_bytes_max),
            localised_titles_max: or(self.localised_titles_max, default.localised_titles_max),
            description_bytes_max: or(self.description_bytes_max, default.description_bytes_max),
            actor_bytes_max: or(self.actor_bytes_max, default.actor_bytes_max),
            reason_bytes_max: or(self.reason_bytes_max, default.reason_bytes_max),
            request_id_bytes_max: or(self.request_id_bytes_max, default.request_id_bytes_max),
            hats_per_user_max: or(self.hats_per_user_max, default.hats_per_user_max),
            document_bytes_max: or(self.document_bytes_max, default.document_bytes_max),
            definitions_per_room_max: or(
                self.definitions_per_room_max,
                default.definitions_per_room_max,
            ),
            operations_per_commit_max: or(
                self.operations_per_commit_max,
                default.operations_per_commit_max,
            ),
            commit_bytes_max: or(self.commit_bytes_max, default.commit_bytes_max),
            sync_users_max: or(self.sync_users_max, default.sync_users_max),
            sync_entries_max: or(self.sync_entries_max, default.sync_entries_max),
            wearers_listed_max: or(self.wearers_listed_max, default.wearers_listed_max),
            selectors_per_watch_max: or(
                self.selectors_per_watch_max,
                default.selectors_per_watch_max,
            ),
            watches_per_caller_max: or(self.watches_per_caller_max, default.watches_per_caller_max),
            watches_max: or(self.watches_max, default.watches_max),
            page_size_default: or(self.page_size_default, default.page_size_default),
            page_size_max: or(self.page_size_max, default.page_size_max),
            page_bytes_max: or(self.page_bytes_max, default.page_bytes_max),
            message_bytes_max: or(self.message_bytes_max, default.message_bytes_max),
            metadata_bytes_max: or(self.metadata_bytes_max, default.metadata_bytes_max),
        }
    }
}

#[cfg(test)]
mod tests;
