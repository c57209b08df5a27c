//! A hatd of its own process.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::room_service_client::RoomServiceClient;
use hatd_client::{Client, pb};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

/// Longest wait for anything a process does: far more than it takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A hatd that serves. Killed when dropped.
pub(crate) struct Hatd {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it says after it has begun to serve; read all the time, so that it is never held up.
    log: JoinHandle<String>,
    /// What it said before.
    pub(crate) greeting: String,
}

/// How a hatd ended, and all that it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// The binary, in an environment without settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hatd"));
    let settings = std::env::vars_os().map(|(name, _)| name);
    for name in settings.filter(|name| name.to_string_lossy().starts_with("HATD_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// A command under another program, such as strace, that is already told how to run it.
pub(crate) fn under(mut program: Command, command: &Command) -> Command {
    let command = command.as_std();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    program.arg(command.get_program()).args(command.get_args());
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    program
}

/// The arguments of a server on a data directory, on a free port.
pub(crate) fn on<'a>(data_dir: &'a Path, listen: &'a str) -> [&'a str; 4] {
    ["--data-dir", data_dir.to_str().unwrap(), "--listen", listen]
}

/// Runs a hatd that is to end by itself.
pub(crate) async fn run(command: &mut Command) -> Ended {
    let output = timeout(LIMIT, command.output()).await.expect("it ends by itself").unwrap();
    Ended { status: output.status, log: String::from_utf8(output.stderr).unwrap() }
}

impl Hatd {
    /// Starts a server on a data directory, on a free port.
    pub(crate) async fn start(data_dir: &Path) -> Self {
        Self::serve(&mut command(&on(data_dir, "127.0.0.1:0"))).await
    }

    /// Starts it again where another one was, so that its clients find it.
    pub(crate) async fn restart(data_dir: &Path, address: SocketAddr) -> Self {
        Self::serve(&mut command(&on(data_dir, &address.to_string()))).await
    }

    /// Starts a server that is to serve, and waits until it does.
    pub(crate) async fn serve(command: &mut Command) -> Self {
        match Self::try_serve(command).await {
            Ok(hatd) => hatd,
            Err(ended) => panic!("hatd ended: {}", ended.log),
        }
    }

    /// Starts a server, and waits until it serves or ends.
    pub(crate) async fn try_serve(command: &mut Command) -> Result<Self, Ended> {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut greeting = String::new();
        let address = timeout(LIMIT, until_it_serves(&mut lines, &mut greeting)).await;
        let Some(address) = address.expect("hatd serves in time") else {
            let status = timeout(LIMIT, child.wait()).await.expect("hatd ends in time").unwrap();
            return Err(Ended { status, log: greeting });
        };
        let log = tokio::spawn(async move {
            let mut log = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                log.push_str(&line);
                log.push('\n');
            }
            log
        });
        Ok(Self { child, address, log, greeting })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.endpoint()).await.unwrap()
    }

    /// A connection of its own.
    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.endpoint()).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// The bare stub, which tries nothing twice, on a connection of its own.
    pub(crate) async fn stub(&self) -> HatServiceClient<Channel> {
        HatServiceClient::new(self.channel().await)
    }

    /// As [`Hatd::stub`], for rooms.
    pub(crate) async fn rooms(&self) -> RoomServiceClient<Channel> {
        RoomServiceClient::new(self.channel().await)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends a signal, by its name.
    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        // The shell has it built in, wherever the program of that name may be.
        let script = "kill -s \"$1\" \"$2\"";
        let sent = Command::new("sh").args(["-c", script, "sh", signal, &pid]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Stops it where it is (SIGSTOP), and waits until it has: no thread of it runs on then, but
    /// what the system does for one of them goes on.
    pub(crate) async fn freeze(&self) {
        self.signal("STOP").await;
        let tasks = format!("/proc/{}/task", self.pid());
        let is_stopped = || {
            // The signal waits until some thread takes it, and stops them all.
            let tasks = fs::read_dir(&tasks).unwrap();
            let mut stats =
                tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok());
            // After the name in parentheses.
            stats.any(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
        };
        timeout(LIMIT, async {
            while !is_stopped() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it stops in time");
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = timeout(LIMIT, self.child.wait()).await.expect("hatd ends in time").unwrap();
        let log = self.greeting + &self.log.await.unwrap();
        Ended { status, log }
    }

    /// Stops it as an operator does, and waits until it has.
    pub(crate) async fn stop(self) -> Ended {
        self.terminate().await;
        let ended = self.ended().await;
        assert_eq!(ended.code(), Some(0), "{}", ended.log);
        ended
    }

    /// Kills it at once (SIGKILL), and waits for its end.
    pub(crate) async fn kill(self) {
        self.signal("KILL").await;
        let ended = self.ended().await;
        assert_eq!(ended.code(), None, "a signal ended it: {}", ended.log);
    }
}

/// Reads the log up to the line that says where it serves; none if it ends.
async fn until_it_serves(
    lines: &mut Lines<BufReader<ChildStderr>>,
    greeting: &mut String,
) -> Option<SocketAddr> {
    loop {
        let line = lines.next_line().await.unwrap()?;
        greeting.push_str(&line);
        greeting.push('\n');
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        if event["message"] == "serving gRPC and gRPC-Web" {
            return Some(event["address"].as_str().unwrap().parse().unwrap());
        }
    }
}

/// Makes a room in which every user can have hats.
pub(crate) async fn put_open_room(client: &Client, room_jid: &str) -> u64 {
    client.put_room(open_room(room_jid)).await.unwrap().revision
}

/// A room in which anyone can have hats.
pub(crate) fn open_room(room_jid: &str) -> pb::PutRoomRequest {
    pb::PutRoomRequest {
        room_jid: room_jid.to_owned(),
        eligibility: pb::Eligibility::Anyone.into(),
        ..Default::default()
    }
}
