//! Clients who contend for few users of few rooms, and a server that is restarted among them.

mod client;
mod send;
mod watcher;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use self::client::Client;
use self::watcher::Watcher;
use super::record::{Call, History, Moment};
use crate::process::hatd::{Hatd, LIMIT, command, on, put_open_room};
use crate::watch::held::Held;

const ROOMS: [&str; 2] = ["a@conference.localhost", "b@rooms.localhost"];
/// Some begin as others do.
const USERS: [&str; 4] = ["ada@local", "ada@local.example", "bob@local", "bob@localhost"];
const HATS: [&str; 3] = ["urn:hat:1", "urn:hat:2", "urn:hat:3"];

const CLIENTS: usize = 6;
/// Calls of each client between two restarts.
const CALLS: usize = 60;
/// How often the server is restarted: by a kill and by a stop.
const RESTARTS: usize = 2;

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
        let watcher = Watcher::new(number, selector, is_ending.clone());
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

    // If they do not, that is for the checker to find.
    _ = timeout(LIMIT, hats_have_ended(endpoint.connect().await.unwrap())).await;
    ending.send_replace(true);
    let recorded = timeout(LIMIT, watches.join_all()).await;
    let mut recorded: Vec<_> = recorded.expect("watches catch up");
    hatd.stop().await;
    recorded.sort_by_key(|(number, _)| *number);
    let mut recorded = recorded.into_iter().map(|(_, watched)| watched);
    let all = recorded.next().unwrap();
    let calls = std::mem::take(&mut *shared.calls.lock().unwrap());
    History {
        calls,
        began_with: all.began_with,
        log: all.news,
        broken: all.broken,
        watches: recorded.collect(),
    }
}

/// Waits until no hat is left that is to end by itself, as a watch has it.
async fn hats_have_ended(channel: Channel) {
    let request = pb::WatchHatsRequest::default();
    let stream = HatServiceClient::new(channel).watch_hats(request).await.unwrap();
    let (mut stream, mut held) = (stream.into_inner(), Held::default());
    while let Some(response) = stream.message().await.unwrap() {
        match &response.event {
            Some(Event::Snapshot(page)) => held.add_page(page),
            Some(Event::Changes(changes)) => {
                for commit in &changes.commits {
                    held.add_commit(commit);
                }
            }
            _ => {}
        }
        let mut hats = held.users.values().flat_map(|document| document.hats.values());
        if !response.token.is_empty() && hats.all(|hat| hat.expire_time.is_none()) {
            return;
        }
    }
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
