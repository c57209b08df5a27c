//! The server of a case.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use tonic::transport::{Channel, Endpoint};

/// Longest wait for a server to begin or to end: far more than it takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A hatd that can be ended and started again at its address.
pub struct Hatd {
    program: PathBuf,
    flags: Vec<String>,
    data_dir: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Hatd {
    /// Starts a server without data.
    ///
    /// # Errors
    ///
    /// If it does not begin to serve.
    pub async fn start(program: &Path, flags: Vec<String>) -> Result<Self> {
        let mut hatd = Self {
            program: program.to_owned(),
            flags,
            data_dir: TempDir::new()?,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child: None,
        };
        hatd.start_again().await?;
        Ok(hatd)
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it, made when it is used.
    ///
    /// # Errors
    ///
    /// None that can happen: the address is one.
    pub fn channel(&self) -> Result<Channel> {
        Ok(Endpoint::from_shared(format!("http://{}", self.address))?.connect_lazy())
    }

    /// Whether it was started and not ended.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts it where it was.
    ///
    /// # Errors
    ///
    /// If it does not begin to serve.
    pub async fn start_again(&mut self) -> Result<()> {
        self.ended().await?;
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HATD_") {
                command.env_remove(name);
            }
        }
        command.arg("--data-dir").arg(self.data_dir.path());
        command.args(["--listen", &self.address.to_string(), "--log-format", "json"]);
        command.args(&self.flags).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stderr = child.stderr.take().context("its standard error is piped")?;
        let mut lines = BufReader::new(stderr).lines();
        self.address =
            timeout(LIMIT, address(&mut lines)).await.context("hatd does not begin")??;
        // Read to its end, so that the server is never held up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.child = Some(child);
        Ok(())
    }

    /// Forgets the data. The server must have ended.
    ///
    /// # Errors
    ///
    /// If there is no place for new data.
    pub async fn forget(&mut self) -> Result<()> {
        self.ended().await?;
        self.data_dir = TempDir::new()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn terminate(&self) -> Result<()> {
        let pid = self.child.as_ref().and_then(Child::id).context("hatd has ended")?.to_string();
        // The shell has it built in, wherever the program of that name may be.
        let kill = ["-c", "kill -s TERM \"$1\"", "sh", &pid];
        ensure!(Command::new("sh").args(kill).status().await?.success(), "no signal was sent");
        Ok(())
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.take().context("hatd has ended")?.kill().await?;
        Ok(())
    }

    /// Waits for its end, if it runs and was asked to end.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub async fn ended(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            timeout(LIMIT, child.wait()).await.context("hatd does not end")??;
        }
        Ok(())
    }
}

/// Reads the log up to the line that says where it serves.
async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<SocketAddr> {
    let mut log = String::new();
    while let Some(line) = lines.next_line().await? {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if event.get("message").is_some_and(|said| said == "serving gRPC and gRPC-Web") {
            let address = event.get("address").and_then(serde_json::Value::as_str);
            return Ok(address.context("the line names the address")?.parse()?);
        }
        log.push_str(&line);
        log.push('\n');
    }
    bail!("hatd ended: {log}")
}
