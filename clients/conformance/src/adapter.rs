//! The program that drives a client.

use std::{
    collections::{HashMap, VecDeque},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::oneshot,
    time::timeout,
};

/// Lines of what an adapter said last that are kept, to be shown if it fails.
const SAID_LINES: usize = 40;

/// Longest wait for an adapter to end once its input has.
const END_LIMIT: Duration = Duration::from_secs(20);

/// A running adapter. Killed when dropped.
pub struct Adapter {
    child: Child,
    input: ChildStdin,
    shared: Arc<Mutex<Shared>>,
    next_id: u64,
}

#[derive(Default)]
struct Shared {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    said: VecDeque<String>,
}

/// A command that has been sent.
pub struct Pending {
    /// Its id, to cancel it by.
    pub id: u64,
    reply: oneshot::Receiver<Value>,
}

impl Pending {
    /// Waits for the reply: the answer, or the error.
    ///
    /// # Errors
    ///
    /// If the adapter does not reply in time, or has ended.
    pub async fn reply(self, limit: Duration) -> Result<Result<Value, Value>> {
        let reply = timeout(limit, self.reply).await;
        let reply = reply.with_context(|| format!("no reply within {} s", limit.as_secs()))?;
        let reply = reply.context("the adapter has ended")?;
        Ok(match (reply.get("ok"), reply.get("error")) {
            (Some(answer), None) => Ok(answer.clone()),
            (None, Some(error)) => Err(error.clone()),
            _ => anyhow::bail!("not a reply: {reply}"),
        })
    }
}

impl Adapter {
    /// Starts an adapter.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub fn start(command: &[String]) -> Result<Self> {
        let (program, arguments) = command.split_first().context("the adapter has no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program} does not run"))?;
        let input = child.stdin.take().context("its standard input is piped")?;
        let output = child.stdout.take().context("its standard output is piped")?;
        let errors = child.stderr.take().context("its standard error is piped")?;

        let shared = Arc::new(Mutex::new(Shared::default()));
        let replies = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut shared = lock(&replies);
                match serde_json::from_str::<Value>(&line) {
                    Ok(reply) => {
                        let id = reply.get("id").and_then(Value::as_u64).unwrap_or_default();
                        if let Some(waiting) = shared.waiting.remove(&id) {
                            // Nobody waits any more for what came too late.
                            _ = waiting.send(reply);
                        }
                    }
                    Err(_) => shared.say(format!("not JSON: {line}")),
                }
            }
            // Who still waits, waits in vain.
            lock(&replies).waiting.clear();
        });
        let said = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                lock(&said).say(line);
            }
        });
        Ok(Self { child, input, shared, next_id: 1 })
    }

    /// Sends a command.
    ///
    /// # Errors
    ///
    /// If the adapter has ended.
    pub async fn send(&mut self, op: &str, mut fields: Map<String, Value>) -> Result<Pending> {
        let id = self.next_id;
        self.next_id += 1;
        fields.insert("id".to_owned(), json!(id));
        fields.insert("op".to_owned(), json!(op));
        let (waiting, reply) = oneshot::channel();
        lock(&self.shared).waiting.insert(id, waiting);
        let line = Value::Object(fields).to_string() + "\n";
        self.input.write_all(line.as_bytes()).await.context("the adapter has ended")?;
        Ok(Pending { id, reply })
    }

    /// What it said last on its standard error.
    pub fn said(&self) -> String {
        let lines = lock(&self.shared).said.iter().cloned().collect::<Vec<_>>();
        lines.join("\n")
    }

    /// Ends its input, and waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not end, or not well.
    pub async fn end(mut self) -> Result<()> {
        drop(self.input);
        let status = timeout(END_LIMIT, self.child.wait()).await;
        let status = status.context("the adapter does not end when its input has")??;
        ensure!(status.success(), "the adapter ended with {status}");
        Ok(())
    }
}

impl Shared {
    fn say(&mut self, line: String) {
        if self.said.len() == SAID_LINES {
            self.said.pop_front();
        }
        self.said.push_back(line);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
