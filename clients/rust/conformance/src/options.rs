//! The options of watches and mirrors, as they come.

use std::time::Duration;

use hatd_client::{MirrorOptions, Start, WatchOptions, pb};
use serde::Deserialize;
use serde_json::Value;

use crate::{contract::Contract, failure::Failure};

/// The options of a watch or a mirror.
#[derive(Default, Deserialize)]
pub(crate) struct Options {
    #[serde(default)]
    selectors: Vec<Value>,
    start: Option<StartOption>,
    on_expired: Option<OnExpiredOption>,
    heartbeat_interval_ms: Option<u64>,
    at_least_token: Option<String>,
    reconnect_delay_max_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StartOption {
    Snapshot,
    Now,
    ResumeToken(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum OnExpiredOption {
    Reset,
    Fail,
}

impl Options {
    pub(crate) fn watch(self, contract: &Contract) -> Result<WatchOptions, Failure> {
        let mut options = WatchOptions::default();
        for selector in self.selectors {
            options = options.select(contract.read("WatchSelector", selector)?);
        }
        if let Some(start) = self.start {
            options = options.start(match start {
                StartOption::Snapshot => Start::Snapshot,
                StartOption::Now => Start::Now,
                StartOption::ResumeToken(token) => Start::Token(token),
            });
        }
        if let Some(on_expired) = self.on_expired {
            options = options.on_expired(match on_expired {
                OnExpiredOption::Reset => pb::OnExpired::Reset,
                OnExpiredOption::Fail => pb::OnExpired::Fail,
            });
        }
        if let Some(interval) = self.heartbeat_interval_ms {
            options = options.heartbeat_interval(Duration::from_millis(interval));
        }
        if let Some(token) = self.at_least_token {
            options = options.at_least_token(token);
        }
        if let Some(delay) = self.reconnect_delay_max_ms {
            options = options.reconnect_delay_max(Duration::from_millis(delay));
        }
        Ok(options)
    }

    pub(crate) fn mirror(self, contract: &Contract) -> Result<MirrorOptions, Failure> {
        let mut options = MirrorOptions::default();
        for selector in self.selectors {
            options = options.select(contract.read("WatchSelector", selector)?);
        }
        if let Some(interval) = self.heartbeat_interval_ms {
            options = options.heartbeat_interval(Duration::from_millis(interval));
        }
        if let Some(delay) = self.reconnect_delay_max_ms {
            options = options.reconnect_delay_max(Duration::from_millis(delay));
        }
        Ok(options)
    }
}
