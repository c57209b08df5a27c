//! Does with the Rust client what the conformance runner says: commands come on standard input,
//! replies go to standard output. `clients/conformance/README.md` defines both.

mod adapter;
mod contract;
mod failure;
mod options;
mod watcher;

use std::{
    collections::HashMap,
    error::Error,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    select,
};
use tokio_util::sync::CancellationToken;

use adapter::{Adapter, Command};
use failure::Failure;

// One thread, so that commands begin in the order in which they come.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let adapter = Arc::new(Adapter::new()?);
    let running = Running::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (adapter, running) = (Arc::clone(&adapter), running.clone());
        tokio::spawn(async move {
            let command = serde_json::from_str::<Value>(&line).unwrap_or_default();
            let id = command.get("id").and_then(Value::as_u64).unwrap_or_default();
            let reply = match run(&adapter, &running, id, command).await {
                Ok(answer) => json!({"id": id, "ok": answer}),
                Err(failure) => json!({"id": id, "error": failure.to_json()}),
            };
            // A runner that is gone reads no replies.
            _ = writeln!(std::io::stdout(), "{reply}");
        });
    }
    adapter.close().await;
    Ok(())
}

/// Runs a command, unless it is cancelled before it is done.
async fn run(
    adapter: &Adapter,
    running: &Running,
    id: u64,
    command: Value,
) -> Result<Value, Failure> {
    let command = serde_json::from_value(command)?;
    if let Command::Cancel { command } = command {
        running.cancel(command);
        return Ok(json!({}));
    }
    let cancelled = running.begin(id);
    let answer = select! {
        answer = Box::pin(adapter.run(command)) => answer,
        () = cancelled.cancelled() => Err(Failure::Cancelled),
    };
    running.end(id);
    answer
}

/// What cancels the commands that have not replied.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<HashMap<u64, CancellationToken>>>);

impl Running {
    fn begin(&self, id: u64) -> CancellationToken {
        let token = CancellationToken::new();
        self.with(|running| running.insert(id, token.clone()));
        token
    }

    fn end(&self, id: u64) {
        self.with(|running| running.remove(&id));
    }

    fn cancel(&self, id: u64) {
        if let Some(token) = self.with(|running| running.remove(&id)) {
            token.cancel();
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<u64, CancellationToken>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
