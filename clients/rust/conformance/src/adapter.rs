//! The commands, and what they are about.

use std::{collections::HashMap, error::Error as StdError, fs, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _};
use hatd_client::{Changes, Client, Counters, Error, Event, Mirror, Position, Tls};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{contract::Contract, failure::Failure, options::Options, watcher::Watcher};

/// A command.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Command {
    Connect(Connection),
    Call {
        method: String,
        #[serde(default = "empty")]
        request: Value,
        timeout_ms: Option<u64>,
    },
    GiveHat {
        room_jid: String,
        user_jid: String,
        hat_id: String,
    },
    ListAll {
        method: String,
        #[serde(default = "empty")]
        request: Value,
    },
    Cancel {
        command: u64,
    },
    Watch {
        watch: String,
        #[serde(default)]
        options: Options,
    },
    Next {
        watch: String,
    },
    WatchStatus {
        watch: String,
    },
    CloseWatch {
        watch: String,
    },
    Mirror {
        mirror: String,
        #[serde(default)]
        options: Options,
    },
    Ready {
        mirror: String,
    },
    Hats {
        mirror: String,
        room_jid: String,
        user_jid: String,
        language: Option<String>,
    },
    WaitFor {
        mirror: String,
        method: Option<String>,
        answer: Option<Value>,
        token: Option<String>,
    },
    Listen {
        mirror: String,
        listener: String,
    },
    NextChange {
        listener: String,
    },
    MirrorState {
        mirror: String,
    },
    MirrorStatus {
        mirror: String,
    },
    CloseMirror {
        mirror: String,
    },
    Close,
}

/// How to connect.
#[derive(Deserialize)]
pub(crate) struct Connection {
    target: String,
    api_key: Option<String>,
    #[serde(default)]
    plaintext: bool,
    ca_file: Option<String>,
    read_timeout_ms: Option<u64>,
    write_timeout_ms: Option<u64>,
}

/// The client that is connected, with what is open over it.
pub(crate) struct Adapter {
    contract: Contract,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    client: Option<Client>,
    watches: HashMap<String, Watcher>,
    mirrors: HashMap<String, Mirror>,
    listeners: HashMap<String, Arc<Mutex<Changes>>>,
}

impl Adapter {
    pub(crate) fn new() -> Result<Self, Box<dyn StdError>> {
        Ok(Self { contract: Contract::new()?, session: Mutex::default() })
    }

    /// Does a command.
    pub(crate) async fn run(&self, command: Command) -> Result<Value, Failure> {
        match command {
            Command::Connect(connection) => {
                self.close().await;
                let client = connect(connection)?;
                *self.session.lock().await = Session { client: Some(client), ..Session::default() };
            }
            Command::Call { method, request, timeout_ms } => {
                let mut client = self.client().await?;
                if let Some(timeout) = timeout_ms {
                    client = client.with_timeout(Duration::from_millis(timeout));
                }
                return self.contract.call(&client, &method, request).await;
            }
            Command::GiveHat { room_jid, user_jid, hat_id } => {
                let answer = self.client().await?.give_hat(room_jid, user_jid, hat_id).await?;
                return self.contract.write("AddUserHatResponse", &answer);
            }
            Command::ListAll { method, request } => {
                return self.contract.list_all(&self.client().await?, &method, request).await;
            }
            // It is not done here, where it would be a command of its own.
            Command::Cancel { .. } => {}
            Command::Watch { watch, options } => {
                let options = options.watch(&self.contract)?;
                let watcher = Watcher::new(self.client().await?.watch(options));
                self.session.lock().await.watches.insert(watch, watcher);
            }
            Command::Next { watch } => return self.event(&self.watch(&watch).await?.next().await?),
            Command::WatchStatus { watch } => {
                let status = self.watch(&watch).await?.status().await?;
                let progress = Progress::new(status.token, status.counters);
                return Ok(serde_json::to_value(progress)?);
            }
            Command::CloseWatch { watch } => self.watch(&watch).await?.close().await,
            Command::Mirror { mirror, options } => {
                let options = options.mirror(&self.contract)?;
                let opened = self.client().await?.mirror(options);
                self.session.lock().await.mirrors.insert(mirror, opened);
            }
            Command::Ready { mirror } => self.mirror(&mirror).await?.ready().await?,
            Command::Hats { mirror, room_jid, user_jid, language } => {
                let mirror = self.mirror(&mirror).await?;
                return Ok(hats(&mirror, &room_jid, &user_jid, language.as_deref()));
            }
            Command::WaitFor { mirror, method, answer, token } => {
                let position = match (method, answer, token) {
                    (Some(method), Some(answer), None) => {
                        self.contract.position(&method, answer)?
                    }
                    (None, None, Some(token)) => Position::from(token),
                    _ => return Err(Failure::BadCommand("what to wait for?".to_owned())),
                };
                self.mirror(&mirror).await?.wait_for(position).await?;
            }
            Command::Listen { mirror, listener } => {
                let changes = self.mirror(&mirror).await?.changes();
                let changes = Arc::new(Mutex::new(changes));
                self.session.lock().await.listeners.insert(listener, changes);
            }
            Command::NextChange { listener } => {
                let changes = self.listener(&listener).await?;
                let change = changes.lock().await.next().await.unwrap_or(Err(Error::Closed))?;
                return Ok(json!({"room_jid": change.room_jid, "user_jid": change.user_jid}));
            }
            Command::MirrorState { mirror } => {
                return self.state(&self.mirror(&mirror).await?);
            }
            Command::MirrorStatus { mirror } => {
                let mirror = self.mirror(&mirror).await?;
                let token = mirror.token().unwrap_or_default();
                return Ok(serde_json::to_value(MirrorStatus {
                    progress: Progress::new(token, mirror.counters()),
                    ready: matches!(mirror.ready().now_or_never(), Some(Ok(()))),
                    stale: mirror.stale(),
                })?);
            }
            Command::CloseMirror { mirror } => self.mirror(&mirror).await?.close().await,
            Command::Close => self.close().await,
        }
        Ok(json!({}))
    }

    /// Closes the client, if one is connected.
    pub(crate) async fn close(&self) {
        if let Ok(client) = self.client().await {
            client.close().await;
        }
    }

    async fn client(&self) -> Result<Client, Failure> {
        let client = self.session.lock().await.client.clone();
        client.ok_or_else(|| Failure::BadCommand("nothing is connected".to_owned()))
    }

    async fn watch(&self, name: &str) -> Result<Watcher, Failure> {
        named(&self.session.lock().await.watches, name)
    }

    async fn mirror(&self, name: &str) -> Result<Mirror, Failure> {
        named(&self.session.lock().await.mirrors, name)
    }

    async fn listener(&self, name: &str) -> Result<Arc<Mutex<Changes>>, Failure> {
        named(&self.session.lock().await.listeners, name)
    }

    fn event(&self, event: &Event) -> Result<Value, Failure> {
        let token = event.token().unwrap_or_default();
        Ok(match event {
            Event::Reset { reason } => {
                json!({"kind": "reset", "token": token, "reason": reason.as_str_name()})
            }
            Event::Snapshot { page, .. } => {
                let page = self.contract.write("WatchSnapshot", page)?;
                json!({"kind": "snapshot", "token": token, "page": page})
            }
            Event::Changes { commits, .. } => {
                let commits = commits.iter().map(|commit| self.contract.write("Commit", commit));
                let commits = commits.collect::<Result<Vec<_>, _>>()?;
                json!({"kind": "changes", "token": token, "commits": commits})
            }
            Event::Bookmark { .. } => json!({"kind": "bookmark", "token": token}),
            _ => json!({"kind": "unknown", "token": token}),
        })
    }

    fn state(&self, mirror: &Mirror) -> Result<Value, Failure> {
        let (mut rooms, mut definitions, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for room in mirror.rooms() {
            for definition in mirror.definitions(&room.room_jid) {
                let definition = self.contract.write("HatDefinition", &*definition)?;
                definitions.push(json!({"roomJid": room.room_jid, "definition": definition}));
            }
            rooms.push(self.contract.write("Room", &*room)?);
        }
        for document in mirror.documents() {
            users.push(self.contract.write("UserHats", &*document)?);
        }
        Ok(json!({"rooms": rooms, "definitions": definitions, "users": users}))
    }
}

fn connect(connection: Connection) -> Result<Client, Failure> {
    let mut builder = Client::builder();
    if let Some(key) = connection.api_key {
        builder = builder.api_key(key);
    }
    if connection.plaintext {
        builder = builder.allow_plaintext();
    }
    if let Some(file) = connection.ca_file {
        let pem = fs::read(file).map_err(|error| Failure::BadCommand(error.to_string()))?;
        builder = builder.tls(Tls::new().ca_certificate(pem));
    }
    if let Some(timeout) = connection.read_timeout_ms {
        builder = builder.read_timeout(Duration::from_millis(timeout));
    }
    if let Some(timeout) = connection.write_timeout_ms {
        builder = builder.write_timeout(Duration::from_millis(timeout));
    }
    Ok(builder.connect_lazy(connection.target)?)
}

fn hats(mirror: &Mirror, room_jid: &str, user_jid: &str, language: Option<&str>) -> Value {
    let hats = match language {
        Some(language) => mirror.hats_in(room_jid, user_jid, language),
        None => mirror.hats(room_jid, user_jid),
    };
    let hats = hats.into_iter().map(|hat| match hat.hue {
        Some(hue) => json!({"hat_id": hat.hat_id, "title": hat.title, "hue": hue}),
        None => json!({"hat_id": hat.hat_id, "title": hat.title}),
    });
    json!({"hats": hats.collect::<Vec<_>>()})
}

/// What the status of a watch and of a mirror have in common.
#[derive(Serialize)]
struct Progress {
    token: String,
    reconnects: u64,
    resets: u64,
    chain_breaks: u64,
}

impl Progress {
    fn new(token: String, counters: Counters) -> Self {
        let Counters { reconnects, resets, chain_breaks, .. } = counters;
        Self { token, reconnects, resets, chain_breaks }
    }
}

/// The status of a mirror.
#[derive(Serialize)]
struct MirrorStatus {
    #[serde(flatten)]
    progress: Progress,
    ready: bool,
    stale: bool,
}

fn named<T: Clone>(things: &HashMap<String, T>, name: &str) -> Result<T, Failure> {
    things.get(name).cloned().ok_or_else(|| Failure::BadCommand(format!("there is no {name}")))
}

fn empty() -> Value {
    json!({})
}
