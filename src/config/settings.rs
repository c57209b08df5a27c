//! The settings, each of them a flag, a variable and a key of the file.

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Deserializer, de};

use super::Error;
use crate::{
    limits::Limits,
    origin::Origin,
    telemetry::{Filter, Format},
};

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
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
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
pub(super) fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

fn duration_in_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    duration(&text).map(Some).map_err(de::Error::custom)
}

/// A size in units, such as `512MiB` or `8GiB`.
pub(super) fn size(text: &str) -> Result<ByteSize, String> {
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
    pub(super) fn or(&self, other: &Self) -> Self {
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
    pub(super) fn or_default(&self, default: &Limits) -> Limits {
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
