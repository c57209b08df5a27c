//! Clients who contend for few users of few rooms, and a server that is restarted among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hatd_client::pb::hat_operation::Operation;
use hatd_client::pb::hat_precondition::Condition as Holds;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use hatd_client::pb::{self, ErrorReason};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, index};
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::record::{Answer, Call, Condition, History, Moment, Watched, What};
use crate::process::hatd::{Hatd, command, on, put_open_room};
use crate::watch::held::Follower;
use crate::watch::stream::{Response, is_bookmark, of_changes};

const ROOMS: [&str; 2] = ["a@conference.localhost", "b@conference.localhost"];
/// Some begin as others do.
const USERS: [&str; 4] = ["ada@local", "ada@local.example", "bob@local", "bob@localhost"];
const HATS: [&str; 3] = ["urn:hat:1", "urn:hat:2", "urn:hat:3"];
/// Titles that are given often, so that some writes change nothing.
const COMMON: [&str; 2] = ["Teacher", "Host"];

const CLIENTS: usize = 6;
/// Calls of each client between two restarts.
const CALLS: usize = 60;
/// How often the server is restarted: by a kill and by a stop.
const RESTARTS: usize = 2;

/// What clients share.
struct Shared {
    clock: AtomicU64,
    calls: Mutex<Vec<Call>>,
}

impl Shared {
    fn now(&self) -> Moment {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// Records a history; of a server with a bug, if one is named.
pub(super) async fn record(seed: u64, bug: Option<&str>) -> History {
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = TempDir::new().unwrap();
    let serve = |listen: String| {
        let mut command = command(&on(dir.path(), &listen));
        command.args(["--checkpoint-bytes=32KiB", "--log-filter=error,hatd=info"]);
        if let Some(bug) = bug {
            command.env("HATD_TEST_BUG", bug);
        }
        async move { Hatd::serve(&mut command).await }
    };
    let mut hatd = serve("127.0.0.1:0".to_owned()).await;
    let client = hatd.client().await;
    for room in ROOMS {
        put_open_room(&client, room).await;
    }
    let shared = Arc::new(Shared { clock: AtomicU64::new(1), calls: Mutex::default() });

    let endpoint = Endpoint::from_shared(hatd.endpoint()).unwrap();
    // Which run of the server it is: clients and watches connect anew with each.
    let (runs, run) = watch::channel(0_usize);
    let (ending, is_ending) = watch::channel(false);
    let mut watches = JoinSet::new();
    let selectors =
        [("", ""), ("", USERS[0]), (ROOMS[0], ""), (ROOMS[1], USERS[2]), ("", USERS[2])];
    for (number, (room_jid, user_jid)) in selectors.into_iter().enumerate() {
        let watched = Watched {
            room_jid: room_jid.to_owned(),
            user_jid: user_jid.to_owned(),
            ..Watched::default()
        };
        let watcher = Watcher {
            number,
            watched,
            token: String::new(),
            follower: Follower::default(),
            is_complete: false,
            is_ending: is_ending.clone(),
        };
        let rng = StdRng::seed_from_u64(rng.random());
        let began = Arc::new(Notify::new());
        watches.spawn(watcher.run(endpoint.clone(), run.clone(), rng, Arc::clone(&began)));
        if number == 0 {
            // The watch of everything is to see everything.
            began.notified().await;
        }
    }

    for restart in 0..=RESTARTS {
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let channel = endpoint.connect().await.unwrap();
            let name = format!("{restart}-{number}");
            clients.spawn(Client::new(name, channel, rng.random(), Arc::clone(&shared)).run());
        }
        if restart == RESTARTS {
            while clients.join_next().await.is_some_and(|done| done.map(|()| true).unwrap()) {}
            break;
        }
        // In the middle of it.
        while shared.calls.lock().unwrap().len() < (restart + 1) * CLIENTS * CALLS * 2 / 3 {
            tokio::task::yield_now().await;
        }
        let address = hatd.address;
        if restart % 2 == 0 {
            hatd.kill().await;
        } else {
            hatd.stop().await;
        }
        while clients.join_next().await.is_some_and(|done| done.map(|()| true).unwrap()) {}
        hatd = serve(address.to_string()).await;
        runs.send_replace(restart + 1);
    }

    ending.send_replace(true);
    let mut recorded: Vec<_> = watches.join_all().await;
    hatd.stop().await;
    recorded.sort_by_key(|(number, _)| *number);
    let mut recorded = recorded.into_iter().map(|(_, watched)| watched);
    let all = recorded.next().unwrap();
    let calls = std::mem::take(&mut *shared.calls.lock().unwrap());
    History { calls, log: all.news, broken: all.broken, watches: recorded.collect() }
}

/// A watch that is cut now and then, and resumes.
struct Watcher {
    number: usize,
    watched: Watched,
    token: String,
    follower: Follower,
    is_complete: bool,
    /// Whether no more commits are to come.
    is_ending: watch::Receiver<bool>,
}

impl Watcher {
    async fn run(
        mut self,
        endpoint: Endpoint,
        mut run: watch::Receiver<usize>,
        mut rng: StdRng,
        began: Arc<Notify>,
    ) -> (usize, Watched) {
        loop {
            // The watch of everything stays whole, to be the measure of the others.
            let cut_after = if self.number == 0 { usize::MAX } else { rng.random_range(5..60) };
            if self.follow(&endpoint, cut_after, &began).await {
                return (self.number, self.watched);
            }
            if endpoint.connect().await.is_err() {
                // Until the server is there again.
                run.changed().await.ok();
            }
        }
    }

    /// Follows until the end, or until it is cut. Answers whether it has ended.
    ///
    /// When no more commits are to come, it is cut once more, and follows until it is told that it
    /// has caught up.
    async fn follow(&mut self, endpoint: &Endpoint, cut_after: usize, began: &Notify) -> bool {
        use pb::watch_hats_request::Start;
        let is_ending = *self.is_ending.borrow_and_update();
        let Ok(channel) = endpoint.connect().await else { return false };
        let selector = pb::WatchSelector {
            room_jid: self.watched.room_jid.clone(),
            user_jid: self.watched.user_jid.clone(),
            ..Default::default()
        };
        let start = if self.token.is_empty() {
            (self.follower, self.is_complete) = (Follower::default(), false);
            None
        } else {
            Some(Start::ResumeToken(self.token.clone()))
        };
        let request = pb::WatchHatsRequest {
            selectors: vec![selector],
            start,
            on_expired: pb::OnExpired::Fail.into(),
            heartbeat_interval: Some(std::time::Duration::from_secs(1).try_into().unwrap()),
            ..Default::default()
        };
        let mut stream = match HatServiceClient::new(channel).watch_hats(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return self.lost(&status),
        };
        let mut after = self.token.clone();
        for _ in 0..cut_after {
            let message = tokio::select! {
                message = stream.message() => message,
                _ = self.is_ending.changed(), if !is_ending => return false,
            };
            let response = match message {
                Ok(Some(response)) => response,
                Ok(None) => return false,
                Err(status) => return self.lost(&status),
            };
            if response.after != after {
                self.watched.broken.push(format!("{response:?} does not follow {after:?}"));
            }
            after.clone_from(&response.token);
            if !response.token.is_empty() {
                self.token.clone_from(&response.token);
            }
            if self.take(&response) || is_ending && is_bookmark(&response) {
                return true;
            }
            if self.is_complete {
                began.notify_one();
            }
        }
        false
    }

    /// Notes what came. Answers whether there is no going on.
    fn take(&mut self, response: &Response) -> bool {
        if self.is_complete {
            if let Some(Event::Reset(_) | Event::Snapshot(_)) = &response.event {
                self.watched.broken.push(format!("{response:?} comes after the state"));
                return true;
            }
            self.watched.news.extend_from_slice(of_changes(response));
            return false;
        }
        self.follower.follow(response);
        if matches!(&response.event, Some(Event::Snapshot(page)) if page.complete) {
            self.is_complete = true;
            self.watched.began_with = std::mem::take(&mut self.follower.held);
        }
        false
    }

    /// Notes a refusal. Answers whether there is no going on.
    fn lost(&mut self, status: &Status) -> bool {
        let is_refused = matches!(
            status.code(),
            Code::FailedPrecondition | Code::OutOfRange | Code::InvalidArgument | Code::DataLoss
        );
        if is_refused {
            self.watched.broken.push(format!("refused: {status}"));
        }
        is_refused
    }
}

/// A client that makes one call after the other.
struct Client {
    name: String,
    channel: Channel,
    stub: HatServiceClient<Channel>,
    rng: StdRng,
    shared: Arc<Shared>,
    /// The etags that it has seen last.
    etags: BTreeMap<(String, String), String>,
    /// Its last write that was answered: what it was, with which id, at which revision.
    last: Option<(String, What, String, u64)>,
}

impl Client {
    fn new(name: String, channel: Channel, seed: u64, shared: Arc<Shared>) -> Self {
        let (stub, rng) = (HatServiceClient::new(channel.clone()), StdRng::seed_from_u64(seed));
        Self { name, channel, stub, rng, shared, etags: BTreeMap::new(), last: None }
    }

    async fn run(mut self) {
        for number in 0..CALLS {
            let request_id = format!("{}-{number}", self.name);
            let (room_jid, what, request_id) = self.choose(request_id);
            let began = self.shared.now();
            let answer = self.call(&room_jid, &what, &request_id).await;
            let is_gone = answer.is_none();
            let ended = answer.is_some().then(|| self.shared.now());
            if let Some(answer) = &answer {
                self.note(&room_jid, &what, request_id, answer);
            }
            let call = Call { began, ended, room_jid, what, answer };
            self.shared.calls.lock().unwrap().push(call);
            if is_gone {
                return;
            }
        }
    }

    fn choose(&mut self, request_id: String) -> (String, What, String) {
        let rng = &mut self.rng;
        let room_jid = (*ROOMS.choose(rng).unwrap()).to_owned();
        let user_jid = (*USERS.choose(rng).unwrap()).to_owned();
        let hat_id = (*HATS.choose(rng).unwrap()).to_owned();
        let title = if rng.random_bool(0.3) {
            (*COMMON.choose(rng).unwrap()).to_owned()
        } else {
            request_id.clone()
        };
        let what = match rng.random_range(0..100) {
            0..35 => What::Read { user_jid },
            35..50 => What::Add { user_jid, hat_id, title, etag: String::new() },
            50..60 => {
                let key = (room_jid.clone(), user_jid.clone());
                let etag = self.etags.get(&key).cloned().unwrap_or_default();
                What::Add { user_jid, hat_id, title, etag }
            }
            60..72 => What::Remove { user_jid, hat_id },
            72..86 => {
                let count = rng.random_range(1..=3);
                let users = index::sample(rng, USERS.len(), count);
                let users = users.iter().map(|user| USERS[user].to_owned()).collect();
                let condition = rng.random_bool(0.5).then(|| Condition {
                    user_jid,
                    hat_id: (*HATS.choose(rng).unwrap()).to_owned(),
                    has: rng.random_bool(0.5),
                });
                What::Update { users, hat_id, title, condition }
            }
            86..94 => {
                let affiliation = if rng.random_bool(0.4) {
                    pb::Affiliation::Outcast
                } else {
                    pb::Affiliation::Member
                };
                What::Affiliate { user_jid, affiliation }
            }
            _ => {
                if let Some((room_jid, what, request_id, revision)) = self.last.clone() {
                    return (room_jid, What::Again { of: Box::new(what), revision }, request_id);
                }
                What::Read { user_jid }
            }
        };
        (room_jid, what, request_id)
    }

    fn note(&mut self, room_jid: &str, what: &What, request_id: String, answer: &Answer) {
        let documents = match answer {
            Answer::Read { document, .. } => std::slice::from_ref(document),
            Answer::Written { documents, .. } => documents,
            Answer::Refused(_) => &[],
        };
        for document in documents {
            let key = (room_jid.to_owned(), document.user_jid.clone());
            self.etags.insert(key, document.etag.clone());
        }
        let is_first = !matches!(what, What::Again { .. } | What::Affiliate { .. });
        if let Answer::Written { revision, changed: true, .. } = answer
            && is_first
        {
            self.last = Some((room_jid.to_owned(), what.clone(), request_id, *revision));
        }
    }

    /// Makes a call; no answer if the server is gone.
    async fn call(&mut self, room_jid: &str, what: &What, request_id: &str) -> Option<Answer> {
        match self.send(room_jid.to_owned(), what, request_id.to_owned()).await {
            Ok(answer) => Some(answer),
            Err(status) => {
                let info = status.get_details_error_info()?;
                let reason = format!("ERROR_REASON_{}", info.reason);
                match ErrorReason::from_str_name(&reason)? {
                    // It may have been done.
                    ErrorReason::StoreUnavailable | ErrorReason::ShuttingDown => None,
                    reason => Some(Answer::Refused(reason)),
                }
            }
        }
    }

    async fn send(
        &mut self,
        room_jid: String,
        what: &What,
        request_id: String,
    ) -> Result<Answer, Status> {
        let stub = &mut self.stub;
        let attachment =
            |title: &str| pb::Attachment { title: title.to_owned(), ..Default::default() };
        match what.clone() {
            What::Read { user_jid } => {
                let request = pb::GetUserHatsRequest { room_jid, user_jid, ..Default::default() };
                let answer = stub.get_user_hats(request).await?.into_inner();
                let document = answer.user_hats.unwrap();
                Ok(Answer::Read { revision: answer.revision, document })
            }
            What::Add { user_jid, hat_id, title, etag } => {
                let attachment = Some(attachment(&title));
                let request = pb::AddUserHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    attachment,
                    etag,
                    request_id,
                    ..Default::default()
                };
                let it = stub.add_user_hat(request).await?.into_inner();
                let documents = it.user_hats.into_iter().collect();
                Ok(written(it.revision, it.changed, it.replayed, documents))
            }
            What::Remove { user_jid, hat_id } => {
                let request = pb::RemoveUserHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    request_id,
                    ..Default::default()
                };
                let it = stub.remove_user_hat(request).await?.into_inner();
                let documents = it.user_hats.into_iter().collect();
                Ok(written(it.revision, it.changed, it.replayed, documents))
            }
            What::Update { users, hat_id, title, condition } => {
                let operations = users.into_iter().map(|user_jid| {
                    let hats = BTreeMap::from([(hat_id.clone(), attachment(&title))]);
                    let set = pb::SetOperation { user_jid, hats, ..Default::default() };
                    pb::HatOperation { operation: Some(Operation::Set(set)) }
                });
                let preconditions = condition.into_iter().map(|condition| {
                    let Condition { user_jid, hat_id, has } = condition;
                    let hat = pb::UserHat { user_jid, hat_id };
                    let holds = if has { Holds::HasHat(hat) } else { Holds::LacksHat(hat) };
                    pb::HatPrecondition { condition: Some(holds) }
                });
                let request = pb::UpdateRoomHatsRequest {
                    room_jid,
                    operations: operations.collect(),
                    preconditions: preconditions.collect(),
                    request_id,
                    ..Default::default()
                };
                let it = stub.update_room_hats(request).await?.into_inner();
                Ok(written(it.revision, it.changed, it.replayed, it.users))
            }
            What::Affiliate { user_jid, affiliation } => {
                let channel = self.channel.clone();
                let request = pb::SetAffiliationRequest {
                    room_jid,
                    user_jid,
                    affiliation: affiliation.into(),
                    ..Default::default()
                };
                let mut rooms = pb::room_service_client::RoomServiceClient::new(channel);
                let it = rooms.set_affiliation(request).await?.into_inner();
                let documents = it.user_hats.into_iter().collect();
                Ok(written(it.revision, it.changed, it.replayed, documents))
            }
            What::Again { of, .. } => Box::pin(self.send(room_jid, &of, request_id)).await,
        }
    }
}

fn written(revision: u64, changed: bool, replayed: bool, documents: Vec<pb::UserHats>) -> Answer {
    Answer::Written { revision, changed, replayed, documents }
}
