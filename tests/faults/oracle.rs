//! Writers, readers and a watcher that remember, outside the server, all that it has told them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use hatd::commit::Token;
use hatd_client::pb;
use hatd_client::pb::hat_operation::Operation;
use hatd_client::pb::hat_service_client::HatServiceClient;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, index};
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;
use tonic::Status;
use tonic::transport::Channel;

use crate::process::hatd::{Hatd, put_open_room};
use crate::rpc::support::get_request;
use crate::watch::held::{Follower, Held};
use crate::watch::stream::{Watch, or_fail, resume, snapshot};

const ROOMS: usize = 3;
const WRITERS: usize = 12;
const READERS: usize = 2;
/// Users of each writer in each room: a batch writes several of them.
const USERS: usize = 4;
const HAT: &str = "urn:hat:1";
/// What a title is padded to, at most, so that writes have many lengths.
const PADDING_MAX: usize = 200;

/// Room and user.
type Target = (String, String);

/// A write of one number to some users of a room, in one commit.
#[derive(Clone, Debug)]
struct Attempt {
    room_jid: String,
    user_jids: Vec<String>,
    number: u64,
    title: String,
    request_id: String,
}

/// What a write was answered.
#[derive(Clone, Copy, Debug)]
struct Answer {
    revision: u64,
    replayed: bool,
}

/// A caller that writes rising numbers to users of its own, one after the other.
struct Writer {
    name: usize,
    /// The oracle's, by which its rooms are named.
    seed: u64,
    next: u64,
    /// What its users have: the number and the revision of the last write that was answered.
    answered: BTreeMap<Target, (u64, u64)>,
    /// The write that was not answered.
    in_flight: Option<Attempt>,
}

/// All that a server has told, across its faults.
pub(super) struct Oracle {
    seed: u64,
    rng: StdRng,
    writers: Vec<Writer>,
    /// The newest number of each user that anybody was shown.
    shown: Mutex<BTreeMap<Target, u64>>,
    follower: Follower,
    /// Where the follower stands.
    token: String,
    /// The newest revision of each room that anybody was told.
    revisions: Mutex<BTreeMap<String, u64>>,
    /// How many writes were answered in all.
    pub(super) answers: usize,
}

/// Each oracle has rooms of its own: the port of a server that is gone may soon be another's.
fn room_jid(seed: u64, number: usize) -> String {
    format!("room{number}-{seed:x}@conference.localhost")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number that a document holds; 0 if it has no hat.
fn number_of(document: &pb::UserHats) -> u64 {
    let Some(attachment) = document.hats.get(HAT) else { return 0 };
    attachment.title.split(' ').next().unwrap().parse().unwrap()
}

impl Oracle {
    /// Of a new store.
    pub(super) async fn of_new(hatd: &Hatd, seed: u64) -> Self {
        let client = hatd.client().await;
        for number in 0..ROOMS {
            put_open_room(&client, &room_jid(seed, number)).await;
        }
        let writer =
            |name| Writer { name, seed, next: 1, answered: BTreeMap::new(), in_flight: None };
        Self {
            seed,
            rng: StdRng::seed_from_u64(seed),
            writers: (0..WRITERS).map(writer).collect(),
            shown: Mutex::default(),
            follower: Follower::default(),
            token: String::new(),
            revisions: Mutex::default(),
            answers: 0,
        }
    }

    /// Writes, reads and watches until `fault`, which begins after so many answers, has brought
    /// the server down.
    pub(super) async fn load(&mut self, hatd: &Hatd, answers: usize, fault: impl Future) {
        let (stub, due, answered) = (hatd.stub().await, Notify::new(), AtomicUsize::new(0));
        let mut watch = self.watch(hatd).await;
        let seed = self.rng.random();
        let Self { seed: of, writers, shown, follower, token, revisions, .. } = self;
        let on_answer = || {
            if answered.fetch_add(1, Ordering::Relaxed) + 1 == answers {
                due.notify_one();
            }
        };
        let rng = |number: usize| StdRng::seed_from_u64(u64::wrapping_add(seed, number as u64));
        let writing = writers
            .iter_mut()
            .map(|it| it.write(stub.clone(), rng(it.name), revisions, &on_answer));
        let rooms: Vec<_> = (0..ROOMS).map(|number| room_jid(*of, number)).collect();
        let reading =
            (0..READERS).map(|reader| read(stub.clone(), rng(WRITERS + reader), &rooms, shown));
        let watching = async {
            while let Ok(Some(response)) = watch.try_next().await {
                follower.follow(&response);
                token.clone_from(&response.token);
            }
        };
        let faulting = async {
            due.notified().await;
            fault.await;
        };
        tokio::join!(join_all(writing), join_all(reading), watching, faulting);
        if self.token.is_empty() {
            // A snapshot that was not complete is begun anew.
            self.follower = Follower::default();
        }
        self.answers += answered.into_inner();
    }

    async fn watch(&self, hatd: &Hatd) -> Watch {
        let request = match self.token.as_str() {
            "" => snapshot(&[]),
            token => or_fail(resume(&[], token)),
        };
        match Watch::try_open(&hatd.stub().await, request).await {
            Ok(watch) => watch,
            Err(status) => {
                let token = Token::decode(&self.token);
                let store =
                    hatd.client().await.get_store_status(pb::GetStoreStatusRequest {}).await;
                let said = &hatd.greeting;
                panic!("the watch goes on: {status}: {token:?} in {store:?}, which said {said}")
            }
        }
    }

    /// Checks that a server that nobody writes to has all that was ever told of it.
    pub(super) async fn check(&mut self, hatd: &Hatd) {
        let state = Held::of(&hatd.client().await).await;
        let number = |target: &Target| state.users.get(target).map_or(0, number_of);
        for (target, shown) in lock(&self.shown).iter() {
            let there = number(target);
            assert!(there >= *shown, "{target:?} was shown with {shown} and is back at {there}");
        }

        // What a watch was shown, and then exactly the rest.
        let mut watch = self.watch(hatd).await;
        self.follower.follow_all(&watch.until_bookmark().await);
        self.token.clone_from(&watch.token);
        assert_eq!(self.follower.held, state, "a watch leads to the state");
        self.follower.news.clear();

        let mut stub = hatd.stub().await;
        for writer in &mut self.writers {
            let was_done = writer.check(&state);
            if let Some(attempt) = writer.in_flight.take() {
                let answer = attempt.send(&mut stub).await.expect("a write after a start");
                assert_eq!(answer.replayed, was_done, "{attempt:?} is done once");
                writer.note(&attempt, answer, &self.revisions);
            }
        }
    }
}

impl Writer {
    /// Writes until the server is gone.
    async fn write(
        &mut self,
        mut stub: HatServiceClient<Channel>,
        mut rng: StdRng,
        revisions: &Mutex<BTreeMap<String, u64>>,
        on_answer: impl Fn(),
    ) {
        loop {
            let attempt = self.attempt(&mut rng);
            let Ok(answer) = attempt.send(&mut stub).await else {
                self.in_flight = Some(attempt);
                return;
            };
            assert!(!answer.replayed, "{attempt:?} was sent once");
            self.note(&attempt, answer, revisions);
            on_answer();
        }
    }

    /// The next write: to one user, or to several at once.
    fn attempt(&mut self, rng: &mut StdRng) -> Attempt {
        let (name, number) = (self.name, self.next);
        self.next += 1;
        let users = if rng.random_bool(0.3) { rng.random_range(2..=USERS) } else { 1 };
        let users = index::sample(rng, USERS, users);
        let padding = "x".repeat(rng.random_range(0..PADDING_MAX));
        Attempt {
            room_jid: room_jid(self.seed, rng.random_range(0..ROOMS)),
            user_jids: users.iter().map(|user| format!("w{name}u{user}@localhost")).collect(),
            number,
            title: format!("{number} {padding}"),
            request_id: format!("{name}-{number}"),
        }
    }

    fn note(
        &mut self,
        attempt: &Attempt,
        answer: Answer,
        revisions: &Mutex<BTreeMap<String, u64>>,
    ) {
        for target in attempt.targets() {
            let before = self.answered.insert(target, (attempt.number, answer.revision));
            assert!(before.is_none_or(|(_, revision)| revision < answer.revision), "{attempt:?}");
        }
        // Answers to different callers may come in any order.
        let mut revisions = lock(revisions);
        let newest = revisions.entry(attempt.room_jid.clone()).or_default();
        *newest = answer.revision.max(*newest);
    }

    /// Checks that what was answered is there, and of what was not answered all or nothing.
    /// Answers whether that is there.
    fn check(&self, state: &Held) -> bool {
        let is_of = |document: &pb::UserHats| {
            self.in_flight.as_ref().is_some_and(|it| number_of(document) == it.number)
        };
        for (target, (number, revision)) in &self.answered {
            let document = state.users.get(target);
            let document = document.unwrap_or_else(|| panic!("{target:?} with {number} is lost"));
            let is_answered = (number_of(document), document.revision) == (*number, *revision);
            assert!(
                is_answered || is_of(document),
                "{target:?} was answered with {number} at {revision}, and is {document:?}"
            );
        }
        let Some(attempt) = &self.in_flight else { return false };
        let done = attempt.targets().filter(|target| state.users.get(target).is_some_and(is_of));
        let done = done.count();
        assert!(done == 0 || done == attempt.user_jids.len(), "{attempt:?} is half done");
        done > 0
    }
}

impl Attempt {
    fn targets(&self) -> impl Iterator<Item = Target> {
        self.user_jids.iter().map(|user_jid| (self.room_jid.clone(), user_jid.clone()))
    }

    async fn send(&self, stub: &mut HatServiceClient<Channel>) -> Result<Answer, Status> {
        let attachment = pb::Attachment { title: self.title.clone(), ..Default::default() };
        let hats = BTreeMap::from([(HAT.to_owned(), attachment)]);
        let (room_jid, request_id) = (self.room_jid.clone(), self.request_id.clone());
        if let [user_jid] = self.user_jids.as_slice() {
            let user_jid = user_jid.clone();
            let request = pb::SetUserHatsRequest {
                room_jid,
                user_jid,
                hats,
                request_id,
                ..Default::default()
            };
            let answer = stub.set_user_hats(request).await?.into_inner();
            return Ok(Answer { revision: answer.revision, replayed: answer.replayed });
        }
        let operations = self.user_jids.iter().map(|user_jid| {
            let (user_jid, hats) = (user_jid.clone(), hats.clone());
            let set = pb::SetOperation { user_jid, hats, ..Default::default() };
            pb::HatOperation { operation: Some(Operation::Set(set)) }
        });
        let operations = operations.collect();
        let request =
            pb::UpdateRoomHatsRequest { room_jid, operations, request_id, ..Default::default() };
        let answer = stub.update_room_hats(request).await?.into_inner();
        Ok(Answer { revision: answer.revision, replayed: answer.replayed })
    }
}

/// Reads until the server is gone, and never sees a user go back.
async fn read(
    mut stub: HatServiceClient<Channel>,
    mut rng: StdRng,
    rooms: &[String],
    shown: &Mutex<BTreeMap<Target, u64>>,
) {
    loop {
        let room_jid = rooms.choose(&mut rng).unwrap().clone();
        let user = rng.random_range(0..USERS);
        let user_jid = format!("w{}u{user}@localhost", rng.random_range(0..WRITERS));
        let target = (room_jid, user_jid);
        let before = lock(shown).get(&target).copied().unwrap_or(0);
        let request = get_request(&target.0, &target.1);
        let Ok(answer) = stub.get_user_hats(request).await else { return };
        let number = number_of(&answer.into_inner().user_hats.unwrap());
        assert!(number >= before, "{target:?} was shown with {before}, then with {number}");
        let mut shown = lock(shown);
        let newest = shown.entry(target).or_default();
        *newest = number.max(*newest);
    }
}
