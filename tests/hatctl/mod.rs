//! The hatctl binary against the hatd binary.

mod import;
mod prosody;
mod refusals;
mod watch;

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::process::hatd::Hatd;

pub(crate) const ROOM: &str = "room@conference.localhost";
pub(crate) const USER: &str = "user@localhost";
pub(crate) const HAT: &str = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";

/// The binary, in an environment without settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hatctl"));
    command.env_remove("HATD_ENDPOINT").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// What it wrote, as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Longest wait for a command: far more than the largest import takes on a busy machine.
const COMMAND_LIMIT: Duration = Duration::from_mins(10);

/// Runs a command to its end.
pub(crate) async fn run(command: &mut Command) -> Done {
    let output = timeout(COMMAND_LIMIT, command.output()).await.expect("it ends in time").unwrap();
    Done {
        code: output.status.code().expect("no signal ended it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command on a server, whatever comes of it.
pub(crate) async fn hatctl(hatd: &Hatd, arguments: &[&str]) -> Done {
    run(command(arguments).env("HATD_ENDPOINT", hatd.endpoint())).await
}

/// Runs a command on a server that is to succeed.
pub(crate) async fn done(hatd: &Hatd, arguments: &[&str]) -> Done {
    let done = hatctl(hatd, arguments).await;
    assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
    done
}

/// A room with one member, made as a person would make it.
pub(crate) async fn put_room_with_a_member(hatd: &Hatd) {
    done(hatd, &["room", "put", ROOM]).await;
    done(hatd, &["affiliation", "set", ROOM, USER, "MEMBER"]).await;
}
