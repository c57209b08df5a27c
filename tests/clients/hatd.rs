//! The real server, as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use serde_json::Value;
use tempfile::TempDir;

/// A hatd on a free port of loopback, with an empty store. Ends when dropped.
pub(super) struct Hatd {
    /// Host and port.
    pub(super) address: String,
    process: Child,
    log: Option<JoinHandle<()>>,
    _data_dir: TempDir,
}

impl Hatd {
    /// Starts a server, and waits until it serves.
    pub(super) fn start() -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_hatd"))
            // No HATD_ variable of whoever runs the tests gets in.
            .env_clear()
            .args(["serve", "--listen=127.0.0.1:0", "--log-format=json", "--data-dir"])
            .arg(data_dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = process.stderr.take().unwrap();
        let (found, address) = sync_channel(1);
        let log = thread::spawn(move || follow(stderr, &found));
        let address = address.recv().expect("hatd says where it serves");
        Self { address, process, log: Some(log), _data_dir: data_dir }
    }
}

impl Drop for Hatd {
    fn drop(&mut self) {
        // A failed test is not to fail again here.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.log.take().map(JoinHandle::join);
    }
}

/// Reads the log to its end, so that the server never waits for a reader; passes on the address.
#[expect(clippy::print_stderr, reason = "it is shown if the test fails")]
fn follow(log: ChildStderr, address: &SyncSender<String>) {
    for line in BufReader::new(log).lines() {
        let line = line.unwrap();
        eprintln!("{line}");
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if event["message"] == "serving gRPC and gRPC-Web" {
            address.send(event["address"].as_str().unwrap().to_owned()).unwrap();
        }
    }
}
