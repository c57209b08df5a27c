//! A case, step by step.

use std::{
    collections::{BTreeMap, HashMap},
    iter::Enumerate,
    path::PathBuf,
    slice,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, time::timeout};
use tonic::transport::Channel;

use crate::{
    adapter::{Adapter, Pending},
    contract::Contract,
    hatd::Hatd,
    proxy::{Plan, Proxy},
    value::{Scope, compare},
    vector::{Burst, Call, Case, Collect, Do, Server, Step, Until, Verb},
};

/// Longest wait for what a step waits for: far more than it takes.
const LIMIT: Duration = Duration::from_secs(70);

/// The name of the mirror of everything that each case has.
const MIRROR: &str = "all";

/// Most events of a watch that are looked through for commits.
const EVENTS_MAX: usize = 10_000;

/// How many cases run at the same time. They wait, most of their time.
const WORKERS: usize = 4;

/// What is run.
pub struct Suite {
    /// What the messages are.
    pub contract: Contract,
    /// The server's binary.
    pub hatd: PathBuf,
    /// Flags of the server in every case.
    pub flags: Vec<String>,
    /// The command that runs the adapter.
    pub adapter: Vec<String>,
}

impl Suite {
    /// Runs cases, some of them at the same time, and tells of each result as it comes. Returns
    /// which cases passed.
    ///
    /// # Errors
    ///
    /// If the adapter does not run, or does not end well.
    pub async fn run(
        &self,
        cases: &[Case],
        mut tell: impl FnMut(&Case, &Result<()>, Duration),
    ) -> Result<Vec<bool>> {
        let queue = Mutex::new(cases.iter().enumerate());
        let (results, mut came) = mpsc::channel(cases.len().max(1));
        let mut passed = vec![false; cases.len()];
        let workers: Vec<_> = (0..WORKERS).map(|_| self.work(&queue, results.clone())).collect();
        drop(results);
        let telling = async {
            while let Some((index, case, result, took)) = came.recv().await {
                tell(case, &result, took);
                if let Some(passed) = passed.get_mut(index) {
                    *passed = result.is_ok();
                }
            }
        };
        let (ended, ()) = tokio::join!(try_join_all(workers), telling);
        ended?;
        Ok(passed)
    }

    /// Runs cases of a queue with an adapter of its own.
    async fn work<'a>(
        &self,
        queue: &Mutex<Enumerate<slice::Iter<'a, Case>>>,
        results: mpsc::Sender<(usize, &'a Case, Result<()>, Duration)>,
    ) -> Result<()> {
        let mut adapter = Adapter::start(&self.adapter)?;
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, case)) = next else { break };
            let started = Instant::now();
            let result = self.run_case(&mut adapter, case).await;
            let result = result.map_err(|error| anyhow!("{error:#}\n{}", adapter.said()));
            if result.is_err() {
                // What it was left in is not the next case's trouble.
                adapter = Adapter::start(&self.adapter)?;
            }
            let told = results.send((index, case, result, started.elapsed())).await;
            told.map_err(|_| anyhow!("nobody listens"))?;
        }
        adapter.end().await
    }

    async fn run_case(&self, adapter: &mut Adapter, case: &Case) -> Result<()> {
        for (scope, steps) in case.runs()? {
            let described = scope.describe();
            let flags = [self.flags.clone(), case.flags.clone()].concat();
            let hatd = Hatd::start(&self.hatd, flags).await?;
            let proxy = Proxy::start(self.contract.clone(), hatd.address()).await?;
            let channel = hatd.channel()?;
            let contract = &self.contract;
            let (background, surplus) = (HashMap::new(), HashMap::new());
            let mut run =
                Run { contract, adapter, hatd, proxy, channel, scope, background, surplus };
            run.begin().await.context("failed to begin")?;
            for (index, step) in steps.into_iter().enumerate() {
                let text = step.to_string();
                let done = match run.scope.fill(&step).and_then(Step::parse) {
                    Ok(step) => run.step(step).await,
                    Err(error) => Err(error),
                };
                done.with_context(|| format!("step {} {described}: {text}", index + 1))?;
            }
            run.end().await.with_context(|| format!("at the end {described}"))?;
        }
        Ok(())
    }
}

/// One run of a case.
struct Run<'a> {
    contract: &'a Contract,
    adapter: &'a mut Adapter,
    hatd: Hatd,
    proxy: Proxy,
    channel: Channel,
    scope: Scope,
    background: HashMap<String, Pending>,
    /// Commits that came together with those that were asked for, by watch.
    surplus: HashMap<String, Vec<Value>>,
}

impl Run<'_> {
    /// Connects, and opens the mirror of everything.
    async fn begin(&mut self) -> Result<()> {
        let target = format!("http://{}", self.proxy.address());
        self.scope.set("target", json!(target));
        self.command("connect", json!({"target": target})).await?;
        self.open_mirror().await?;
        self.command("ready", json!({"mirror": MIRROR})).await?;
        Ok(())
    }

    async fn open_mirror(&mut self) -> Result<()> {
        let options = json!({"heartbeat_interval_ms": 1000, "reconnect_delay_max_ms": 100});
        self.command("mirror", json!({"mirror": MIRROR, "options": options})).await?;
        Ok(())
    }

    /// Heals all, and compares the mirror of everything with what hatd lists.
    async fn end(&mut self) -> Result<()> {
        ensure!(self.background.is_empty(), "a step in the background was not awaited");
        self.proxy.follow(Plan::default());
        if !self.hatd.is_running() {
            self.hatd.start_again().await?;
        }
        let rooms = self.direct("ListRooms", json!({"pageSize": 1})).await?;
        let token = rooms.get("token").context("an answer has a token")?;
        self.command("wait_for", json!({"mirror": MIRROR, "token": token})).await?;
        let state = self.command("mirror_state", json!({"mirror": MIRROR})).await?;
        let (held, listed) = (State::of_mirror(&state)?, self.listed().await?);
        let same = held.is_as(&listed);
        ensure!(same, "the mirror is not what hatd lists:\n{held:?}\n{listed:?}");
        let status = self.command("mirror_status", json!({"mirror": MIRROR})).await?;
        compare(&json!({"ready": true, "stale": false}), &status)?;
        self.command("close", json!({})).await?;
        self.command("close", json!({})).await.context("a second close does harm")?;
        Ok(())
    }

    async fn step(&mut self, Step { verb, terms }: Step) -> Result<()> {
        if terms.background {
            let (op, fields) = command_of(verb)?;
            let pending = self.adapter.send(&op, fields).await?;
            let name = terms.name.context("a step in the background has a name")?;
            self.scope.set(&name, json!({"command": pending.id}));
            self.background.insert(name, pending);
            return Ok(());
        }

        let started = Instant::now();
        let answer = self.act(verb).await?;
        let took = started.elapsed();
        let least = terms.at_least_ms.map_or(Duration::ZERO, Duration::from_millis);
        let most = terms.at_most_ms.map_or(Duration::MAX, Duration::from_millis);
        ensure!(least <= took && took <= most, "took {took:?}: {answer:?}");

        let answer = match (&terms.fails, answer) {
            (None, Ok(answer)) => {
                if let Some(expected) = &terms.gives {
                    compare(expected, &answer).with_context(|| format!("in {answer}"))?;
                }
                answer
            }
            (None, Err(error)) => bail!("failed: {error}"),
            (Some(expected), Err(error)) => {
                compare(expected, &error).with_context(|| format!("in {error}"))?;
                error
            }
            (Some(_), Ok(answer)) => bail!("did not fail: {answer}"),
        };
        if let Some(name) = &terms.name {
            self.scope.set(name, answer);
        }
        Ok(())
    }

    /// Does what a step says: the answer, or the error.
    async fn act(&mut self, verb: Verb) -> Result<Result<Value, Value>> {
        Ok(match verb {
            Verb::Do(_) | Verb::Call(_) => {
                let (op, fields) = command_of(verb)?;
                let answer = self.adapter.send(&op, fields).await?.reply(LIMIT).await?;
                // The mirror of everything has gone with the client before.
                match (&*op, &answer) {
                    ("connect", Ok(_)) => self.open_mirror().await?,
                    ("connect", Err(_)) => self.begin().await?,
                    _ => {}
                }
                answer
            }
            Verb::Await(name) => {
                let pending = self.background.remove(&name);
                pending.context("nothing runs under that name")?.reply(LIMIT).await?
            }
            Verb::Direct(Call { method, request, .. }) => {
                self.contract.call(&self.channel, &method, &request).await?
            }
            Verb::Collect(collect) => {
                let collected = timeout(LIMIT, self.collect(&collect)).await;
                Ok(collected.context("the commits do not come")??)
            }
            Verb::Until(until) => {
                let event = timeout(LIMIT, self.until(&until)).await;
                Ok(event.context("the event does not come")??)
            }
            Verb::Burst(burst) => Ok(self.burst(&burst).await?),
            Verb::Proxy(plan) => {
                self.proxy.follow(*plan);
                Ok(Value::Null)
            }
            Verb::Seen(method) => Ok(self.proxy.seen(&method)),
            Verb::UntilSeen(until) => {
                self.proxy.until_seen(&until.method, until.count, LIMIT).await?;
                Ok(Value::Null)
            }
            Verb::Server(server) => {
                self.server(server).await?;
                Ok(Value::Null)
            }
            Verb::Value(value) => Ok(value),
        })
    }

    /// Does a command that must not fail.
    async fn command(&mut self, op: &str, fields: Value) -> Result<Value> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        let reply = self.adapter.send(op, fields).await?.reply(LIMIT).await;
        reply.with_context(|| op.to_owned())?.map_err(|error| anyhow!("{op} failed: {error}"))
    }

    /// Makes a call past the client that must not fail.
    async fn direct(&self, method: &str, request: Value) -> Result<Value> {
        let answer = self.contract.call(&self.channel, method, &request).await?;
        answer.map_err(|error| anyhow!("{method} failed: {error}"))
    }

    async fn collect(&mut self, collect: &Collect) -> Result<Value> {
        let mut commits = self.surplus.remove(&collect.watch).unwrap_or_default();
        let mut kinds = Vec::new();
        let mut in_snapshot = false;
        while commits.len() < collect.commits {
            ensure!(kinds.len() < EVENTS_MAX, "only {} commits in {kinds:?}", commits.len());
            let event = self.command("next", json!({"watch": collect.watch})).await;
            let event = event.with_context(|| format!("after {commits:?} in {kinds:?}"))?;
            let kind = event.get("kind").and_then(Value::as_str).context("an event has a kind")?;
            kinds.push(kind.to_owned());
            match kind {
                "reset" => in_snapshot = true,
                "snapshot" => {
                    let complete = event.pointer("/page/complete");
                    in_snapshot = complete.is_none_or(|complete| complete != true);
                }
                "changes" if !in_snapshot => {
                    let came = event.get("commits").and_then(Value::as_array);
                    commits.extend(came.cloned().unwrap_or_default());
                }
                _ => {}
            }
        }
        let surplus = commits.split_off(collect.commits);
        self.surplus.insert(collect.watch.clone(), surplus);
        let revisions = commits.iter().map(|commit| commit.get("revision").cloned());
        let revisions: Vec<_> = revisions.map(Option::unwrap_or_default).collect();
        Ok(json!({"commits": commits, "revisions": revisions, "kinds": kinds}))
    }

    async fn until(&mut self, until: &Until) -> Result<Value> {
        for _ in 0..EVENTS_MAX {
            let event = self.command("next", json!({"watch": until.watch})).await?;
            if event.get("kind").is_some_and(|kind| *kind == until.kind) {
                return Ok(event);
            }
        }
        bail!("no {} came", until.kind)
    }

    async fn burst(&self, burst: &Burst) -> Result<Value> {
        let mut revisions = Vec::new();
        for index in 0..burst.count {
            // A wardrobe holds 64 hats: every second commit takes off what the one before put on.
            let request =
                json!({"roomJid": burst.room, "userJid": burst.user, "hatId": "urn:example:burst"});
            let method = if index % 2 == 0 { "AddUserHat" } else { "RemoveUserHat" };
            let answer = self.direct(method, request).await?;
            compare(&json!({"changed": true}), &answer)?;
            revisions.push(answer.get("revision").cloned().unwrap_or_default());
        }
        Ok(json!({"revisions": revisions}))
    }

    async fn server(&mut self, server: Server) -> Result<()> {
        match server {
            Server::Stop => {
                self.hatd.terminate().await?;
                self.hatd.ended().await
            }
            Server::Kill => self.hatd.kill().await,
            Server::Start => self.hatd.start_again().await,
            Server::StartEmpty => {
                self.hatd.forget().await?;
                self.hatd.start_again().await
            }
        }
    }

    /// What hatd lists of everything.
    async fn listed(&self) -> Result<State> {
        let mut state = State::default();
        for room in self.all("ListRooms", json!({}), "rooms").await? {
            let room_jid = text(&room, "roomJid")?;
            let of_room = json!({"roomJid": room_jid});
            let definitions =
                self.all("ListHatDefinitions", of_room.clone(), "definitions").await?;
            for definition in definitions {
                let key = (room_jid.clone(), text(&definition, "hatId")?);
                state.definitions.insert(key, definition);
            }
            for user in self.all("ListRoomHats", of_room, "users").await? {
                state.users.insert((room_jid.clone(), text(&user, "userJid")?), user);
            }
            state.rooms.insert(room_jid, room);
        }
        Ok(state)
    }

    async fn all(&self, method: &str, request: Value, field: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut page_token = Value::from("");
        loop {
            let mut request = request.clone();
            if let Some(fields) = request.as_object_mut() {
                fields.insert("pageToken".to_owned(), page_token);
                fields.insert("pageSize".to_owned(), json!(1000));
            }
            let page = self.direct(method, request).await?;
            items.extend(list(&page, field)?);
            page_token = page.get("nextPageToken").cloned().unwrap_or_default();
            if page_token.as_str().is_none_or(str::is_empty) {
                return Ok(items);
            }
        }
    }
}

/// The command that a step is for the adapter.
fn command_of(verb: Verb) -> Result<(String, Map<String, Value>)> {
    let Call { method, request, timeout_ms } = match verb {
        Verb::Do(Do { op, fields }) => return Ok((op, fields)),
        Verb::Call(call) => call,
        Verb::Direct(_)
        | Verb::Await(_)
        | Verb::Collect(_)
        | Verb::Until(_)
        | Verb::Burst(_)
        | Verb::Proxy(_)
        | Verb::Seen(_)
        | Verb::UntilSeen(_)
        | Verb::Server(_)
        | Verb::Value(_) => bail!("not a command for the adapter: {verb:?}"),
    };
    let request = if request.is_null() { json!({}) } else { request };
    let mut fields = Map::new();
    fields.insert("method".to_owned(), Value::from(method));
    fields.insert("request".to_owned(), request);
    if let Some(timeout_ms) = timeout_ms {
        fields.insert("timeout_ms".to_owned(), json!(timeout_ms));
    }
    Ok(("call".to_owned(), fields))
}

/// All rooms, with what is in them.
#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<String, Value>,
    definitions: BTreeMap<(String, String), Value>,
    users: BTreeMap<(String, String), Value>,
}

impl State {
    /// Whether both hold the same. Not all libraries write a number in the same way.
    fn is_as(&self, other: &Self) -> bool {
        fn same<K: Ord>(a: &BTreeMap<K, Value>, b: &BTreeMap<K, Value>) -> bool {
            let is_in = |(key, value): (&K, &Value)| {
                b.get(key).is_some_and(|other| {
                    compare(value, other).is_ok() && compare(other, value).is_ok()
                })
            };
            a.len() == b.len() && a.iter().all(is_in)
        }
        same(&self.rooms, &other.rooms)
            && same(&self.definitions, &other.definitions)
            && same(&self.users, &other.users)
    }

    fn of_mirror(state: &Value) -> Result<Self> {
        let mut held = Self::default();
        let mut copies = 0;
        for room in list(state, "rooms")? {
            copies += usize::from(held.rooms.insert(text(&room, "roomJid")?, room).is_some());
        }
        for entry in list(state, "definitions")? {
            let definition = entry.get("definition").cloned().unwrap_or_default();
            let key = (text(&entry, "roomJid")?, text(&definition, "hatId")?);
            copies += usize::from(held.definitions.insert(key, definition).is_some());
        }
        for user in list(state, "users")? {
            let key = (text(&user, "roomJid")?, text(&user, "userJid")?);
            copies += usize::from(held.users.insert(key, user).is_some());
        }
        ensure!(copies == 0, "the mirror holds {copies} things twice: {state}");
        Ok(held)
    }
}

fn list(value: &Value, field: &str) -> Result<Vec<Value>> {
    match value.get(field) {
        Some(Value::Array(items)) => Ok(items.clone()),
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(other) => bail!("{field} is no list: {other}"),
    }
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value.get(field).and_then(Value::as_str);
    Ok(text.with_context(|| format!("{value} has no {field}"))?.to_owned())
}
