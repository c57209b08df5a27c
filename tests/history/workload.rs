//! Clients who contend for few users of few rooms, and a server that is restarted among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hatd_client::pb::hat_operation::Operation;
use hatd_client::pb::hat_precondition::Condition as Holds;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::room_service_client::RoomServiceClient;
use hatd_client::pb::wardrobe_service_client::WardrobeServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use hatd_client::pb::{self, ErrorReason};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, index};
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::record::{Answer, Call, Condition, History, Moment, Watched, What};
use crate::process::hatd::{Hatd, LIMIT, command, on, put_open_room};
use crate::watch::held::Follower;
use crate::watch::stream::{Response, is_bookmark, of_changes};

const ROOMS: [&str; 2] = ["a@conference.localhost", "b@rooms.localhost"];
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

/// After what time a watch that cannot connect tries again at the latest.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What clients share.
#[derive(Default)]
struct Shared {
    clock: AtomicU64,
    calls: Mutex<Vec<Call>>,
    /// Whether the server is being stopped, so that calls may have no answer.
    is_stopping: AtomicBool,
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
    let shared = Arc::new(Shared::default());

    let endpoint = Endpoint::from_shared(hatd.endpoint()).unwrap();
    // Which run of the server it is: clients and watches connect anew with each.
    let (runs, run) = watch::channel(0_usize);
    let (ending, is_ending) = watch::channel(false);
    let mut watches = JoinSet::new();
    for (number, selector) in selectors().into_iter().enumerate() {
        let watched = Watched { selector, ..Watched::default() };
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

    let mut clients: Vec<_> =
        (0..CLIENTS).map(|number| Client::new(number, rng.random(), Arc::clone(&shared))).collect();
    for restart in 0..=RESTARTS {
        let mut running = JoinSet::new();
        for client in clients.drain(..) {
            let channel = endpoint.connect().await.unwrap();
            running.spawn(client.run(channel));
        }
        if restart == RESTARTS {
            running.join_all().await;
            break;
        }
        // In the middle of it.
        let calls = (restart + 1) * CLIENTS * CALLS * 2 / 3;
        let is_enough = async {
            while shared.calls.lock().unwrap().len() < calls {
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, is_enough).await.expect("clients get on");
        shared.is_stopping.store(true, Ordering::SeqCst);
        let address = hatd.address;
        if restart % 2 == 0 {
            hatd.kill().await;
        } else {
            hatd.stop().await;
        }
        clients = running.join_all().await;
        hatd = serve(address.to_string()).await;
        shared.is_stopping.store(false, Ordering::SeqCst);
        runs.send_replace(restart + 1);
    }

    ending.send_replace(true);
    let recorded = timeout(LIMIT, watches.join_all()).await;
    let mut recorded: Vec<_> = recorded.expect("watches catch up");
    hatd.stop().await;
    recorded.sort_by_key(|(number, _)| *number);
    let mut recorded = recorded.into_iter().map(|(_, watched)| watched);
    let all = recorded.next().unwrap();
    let calls = std::mem::take(&mut *shared.calls.lock().unwrap());
    History { calls, log: all.news, broken: all.broken, watches: recorded.collect() }
}

/// What the watches of a history select: the first, everything.
fn selectors() -> [pb::WatchSelector; 6] {
    let of = |room: &str, user: &str| pb::WatchSelector {
        room_jid: room.to_owned(),
        user_jid: user.to_owned(),
        ..Default::default()
    };
    let domain =
        pb::WatchSelector { room_domain: "rooms.localhost".to_owned(), ..Default::default() };
    [
        of("", ""),
        of("", USERS[0]),
        of(ROOMS[0], ""),
        of(ROOMS[1], USERS[2]),
        of("", USERS[2]),
        domain,
    ]
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
                // Until the server is there again; it may be already, if this failed by chance.
                _ = timeout(RETRY_AFTER, run.changed()).await;
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
        let start = if self.token.is_empty() {
            (self.follower, self.is_complete) = (Follower::default(), false);
            None
        } else {
            Some(Start::ResumeToken(self.token.clone()))
        };
        let request = pb::WatchHatsRequest {
            selectors: vec![self.watched.selector.clone()],
            start,
            on_expired: pb::OnExpired::Fail.into(),
            heartbeat_interval: Some(Duration::from_secs(1).try_into().unwrap()),
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

/// Makes a write and notes its token; each kind of answer has its documents elsewhere.
macro_rules! written {
    ($client:expr, $answer:expr, $documents:expr) => {{
        let it = $answer.await?.into_inner();
        $client.token.clone_from(&it.token);
        let (revision, changed, replayed) = (it.revision, it.changed, it.replayed);
        let documents = $documents(it);
        Ok(Answer::Written { revision, changed, replayed, documents })
    }};
}

/// A client that makes one call after the other, and one that was not answered again when the server
/// is back.
struct Client {
    number: usize,
    rng: StdRng,
    shared: Arc<Shared>,
    /// How many calls it has begun.
    calls: usize,
    /// A call without an answer yet, and when it began.
    open: Option<(Moment, Sent)>,
    /// The etags that it has seen last.
    etags: BTreeMap<(String, String), String>,
    /// The token of its last answer.
    token: String,
    /// Its last write that was answered, and at which revision.
    last: Option<(Sent, u64)>,
}

/// A call as it is sent.
#[derive(Clone)]
struct Sent {
    room_jid: String,
    what: What,
    request_id: String,
}

impl Client {
    fn new(number: usize, seed: u64, shared: Arc<Shared>) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let (etags, token) = (BTreeMap::new(), String::new());
        Self { number, rng, shared, calls: 0, open: None, etags, token, last: None }
    }

    /// Makes its calls until the server is gone, or it has made those of one run of the server.
    async fn run(mut self, channel: Channel) -> Self {
        for _ in 0..CALLS {
            let (began, request) = if let Some(open) = self.open.take() {
                open
            } else {
                let request = self.choose();
                (self.shared.now(), request)
            };
            let Some(answer) = self.call(&channel, &request).await else {
                self.open = Some((began, request));
                break;
            };
            let ended = self.shared.now();
            self.note(&request, &answer);
            let Sent { room_jid, what, .. } = request;
            let is_failed = matches!(answer, Answer::Failed(_));
            let call = Call { began, ended, room_jid, what, answer };
            self.shared.calls.lock().unwrap().push(call);
            if is_failed {
                break;
            }
        }
        self
    }

    fn choose(&mut self) -> Sent {
        let request_id = format!("{}-{}", self.number, self.calls);
        self.calls += 1;
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
            0..26 => What::Read { user_jid },
            26..34 => What::List,
            34..48 => What::Add { user_jid, hat_id, title, etag: String::new() },
            48..58 => {
                let key = (room_jid.clone(), user_jid.clone());
                let etag = self.etags.get(&key).cloned().unwrap_or_default();
                What::Add { user_jid, hat_id, title, etag }
            }
            58..66 => What::Remove { user_jid, hat_id },
            66..72 => What::Wear { user_jid, hat_id, active: rng.random_bool(0.6) },
            72..82 => {
                let condition = rng.random_bool(0.5).then(|| Condition {
                    user_jid,
                    hat_id: (*HATS.choose(rng).unwrap()).to_owned(),
                    has: rng.random_bool(0.5),
                });
                What::Update { users: some_users(rng, 1), hat_id, title, condition }
            }
            82..85 => What::SetWearers { users: some_users(rng, 0), hat_id, title },
            85..87 => What::Destroy { hat_id },
            87..95 => {
                let affiliation = if rng.random_bool(0.4) {
                    pb::Affiliation::Outcast
                } else {
                    pb::Affiliation::Member
                };
                What::Affiliate { user_jid, affiliation }
            }
            _ => {
                if let Some((request, revision)) = self.last.clone() {
                    let what = What::Again { of: Box::new(request.what), revision };
                    return Sent { what, ..request };
                }
                What::Read { user_jid }
            }
        };
        Sent { room_jid, what, request_id }
    }

    fn note(&mut self, request: &Sent, answer: &Answer) {
        let documents = match answer {
            Answer::Read { documents, .. } | Answer::Written { documents, .. } => documents,
            Answer::Refused(_) | Answer::Failed(_) => return,
        };
        for document in documents {
            let key = (request.room_jid.clone(), document.user_jid.clone());
            self.etags.insert(key, document.etag.clone());
        }
        let is_first = !matches!(request.what, What::Again { .. });
        if let Answer::Written { revision, changed: true, .. } = answer
            && is_first
        {
            self.last = Some((request.clone(), *revision));
        }
    }

    /// Makes a call; no answer if the server is gone.
    async fn call(&mut self, channel: &Channel, request: &Sent) -> Option<Answer> {
        let status = match self.send(channel, request.clone()).await {
            Ok(answer) => return Some(answer),
            Err(status) => status,
        };
        let info = status.get_details_error_info();
        let reason = info
            .and_then(|info| ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)));
        match reason {
            // It may have been done.
            None | Some(ErrorReason::StoreUnavailable | ErrorReason::ShuttingDown) => {
                let is_stopping = self.shared.is_stopping.load(Ordering::SeqCst);
                (!is_stopping).then(|| Answer::Failed(status.to_string()))
            }
            Some(reason) => Some(Answer::Refused(reason)),
        }
    }

    async fn send(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let what = if let What::Again { of, .. } = sent.what { *of } else { sent.what };
        let sent = Sent { what, ..sent };
        match sent.what {
            What::Read { .. } | What::List => self.read(channel, sent).await,
            What::Add { .. } | What::Remove { .. } | What::Wear { .. } => {
                self.write_hat(channel, sent).await
            }
            _ => self.write_room(channel, sent).await,
        }
    }

    async fn read(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, .. } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let at_least_token = self.token.clone();
        match what {
            What::Read { user_jid } => {
                let request = pb::GetUserHatsRequest { room_jid, user_jid, at_least_token };
                let it = hats.get_user_hats(request).await?.into_inner();
                self.token = it.token;
                let documents = it.user_hats.into_iter().collect();
                Ok(Answer::Read { revision: it.revision, documents })
            }
            What::List => {
                let request =
                    pb::ListRoomHatsRequest { room_jid, at_least_token, ..Default::default() };
                let it = hats.list_room_hats(request).await?.into_inner();
                self.token = it.token;
                Ok(Answer::Read { revision: it.revision, documents: it.users })
            }
            _ => unreachable!("{what:?} is no read"),
        }
    }

    async fn write_hat(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, request_id } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let mut wardrobe = WardrobeServiceClient::new(channel.clone());
        match what {
            What::Add { user_jid, hat_id, title, etag } => {
                let request = pb::AddUserHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    attachment: Some(attachment(&title)),
                    etag,
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.add_user_hat(request), |it: pb::AddUserHatResponse| {
                    it.user_hats.into_iter().collect()
                })
            }
            What::Remove { user_jid, hat_id } => {
                let request = pb::RemoveUserHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.remove_user_hat(request), |it: pb::RemoveUserHatResponse| {
                    it.user_hats.into_iter().collect()
                })
            }
            What::Wear { user_jid, hat_id, active: true } => {
                let request = pb::WearHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    request_id,
                    ..Default::default()
                };
                written!(self, wardrobe.wear_hat(request), |it: pb::WearHatResponse| {
                    it.user_hats.into_iter().collect()
                })
            }
            What::Wear { user_jid, hat_id, active: false } => {
                let request = pb::DoffHatRequest {
                    room_jid,
                    user_jid,
                    hat_id,
                    request_id,
                    ..Default::default()
                };
                written!(self, wardrobe.doff_hat(request), |it: pb::DoffHatResponse| {
                    it.user_hats.into_iter().collect()
                })
            }
            _ => unreachable!("{what:?} is of no single hat"),
        }
    }

    async fn write_room(&mut self, channel: &Channel, sent: Sent) -> Result<Answer, Status> {
        let Sent { room_jid, what, request_id } = sent;
        let mut hats = HatServiceClient::new(channel.clone());
        let mut rooms = RoomServiceClient::new(channel.clone());
        match what {
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
                written!(self, hats.update_room_hats(request), |it: pb::UpdateRoomHatsResponse| it
                    .users)
            }
            What::SetWearers { users, hat_id, title } => {
                let request = pb::SetHatWearersRequest {
                    room_jid,
                    hat_id,
                    user_jids: users,
                    attachment: Some(attachment(&title)),
                    request_id,
                    ..Default::default()
                };
                written!(self, hats.set_hat_wearers(request), |it: pb::SetHatWearersResponse| it
                    .users)
            }
            What::Destroy { hat_id } => {
                let request =
                    pb::DestroyHatRequest { room_jid, hat_id, request_id, ..Default::default() };
                written!(self, hats.destroy_hat(request), |_| Vec::new())
            }
            What::Affiliate { user_jid, affiliation } => {
                let request = pb::SetAffiliationRequest {
                    room_jid,
                    user_jid,
                    affiliation: affiliation.into(),
                    request_id,
                    ..Default::default()
                };
                written!(self, rooms.set_affiliation(request), |it: pb::SetAffiliationResponse| {
                    it.user_hats.into_iter().collect()
                })
            }
            _ => unreachable!("{what:?} is of no room"),
        }
    }
}

fn attachment(title: &str) -> pb::Attachment {
    pb::Attachment { title: title.to_owned(), ..Default::default() }
}

/// A few users, each once.
fn some_users(rng: &mut StdRng, min: usize) -> Vec<String> {
    let count = rng.random_range(min..=3);
    let users = index::sample(rng, USERS.len(), count);
    users.iter().map(|user| USERS[user].to_owned()).collect()
}
