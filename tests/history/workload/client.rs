//! A client that makes calls of all kinds, by chance.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hatd_client::pb::{self, ErrorReason};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, index};
use rand::{Rng as _, SeedableRng as _};
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use super::send::{Caller, Sent};
use super::{CALLS, HATS, ROOMS, Shared, USERS};
use crate::history::record::{Answer, Call, Condition, Definition, Moment, What};

/// Titles that are given often, so that some writes change nothing.
const COMMON: [&str; 2] = ["Teacher", "Host"];

/// After how many milliseconds a hat ends that is to end: most do while the clients are at work.
const ENDS_AFTER_MS: Range<u64> = 20..400;

/// A client that makes one call after the other, and one that was not answered again when the server
/// is back.
pub(super) struct Client {
    number: usize,
    rng: StdRng,
    shared: Arc<Shared>,
    /// How many calls it has begun.
    calls: usize,
    /// A call without an answer yet, and when it began.
    open: Option<(Moment, Sent)>,
    /// The etags that it has seen last.
    etags: BTreeMap<(String, String), String>,
    caller: Caller,
    /// Its last write that was answered, and at which revision.
    last: Option<(Sent, u64)>,
}

impl Client {
    pub(super) fn new(number: usize, seed: u64, shared: Arc<Shared>) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let (caller, etags) = (Caller::default(), BTreeMap::new());
        Self { number, rng, shared, caller, calls: 0, open: None, etags, last: None }
    }

    /// Makes its calls until the server is gone, or it has made those of one run of the server.
    pub(super) async fn run(mut self, channel: Channel) -> Self {
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
            let call = Call { began, ended, ended_at: SystemTime::now(), room_jid, what, answer };
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
            0..24 => What::Read { user_jid },
            24..31 => What::List,
            31..43 => {
                let ends = rng.random_bool(0.6);
                let after = Duration::from_millis(rng.random_range(ENDS_AFTER_MS));
                let expire_time = ends.then(|| SystemTime::now() + after);
                What::Add { user_jid, hat_id, title, etag: String::new(), expire_time }
            }
            43..52 => {
                let key = (room_jid.clone(), user_jid.clone());
                let etag = self.etags.get(&key).cloned().unwrap_or_default();
                What::Add { user_jid, hat_id, title, etag, expire_time: None }
            }
            52..58 => What::Remove { user_jid, hat_id },
            58..64 => What::Wear { user_jid, hat_id, active: rng.random_bool(0.6) },
            64..67 => What::Claim { user_jid, hat_id },
            67..69 => What::Discard { user_jid, hat_id },
            69..78 => {
                let condition = rng.random_bool(0.5).then(|| Condition {
                    user_jid,
                    hat_id: (*HATS.choose(rng).unwrap()).to_owned(),
                    has: rng.random_bool(0.5),
                });
                What::Update { users: some_users(rng, 1), hat_id, title, condition }
            }
            78..81 => What::SetWearers { users: some_users(rng, 0), hat_id, title },
            81..84 => {
                let definition = Definition { title, self_assignable: rng.random_bool(0.7) };
                What::Define { hat_id, definition }
            }
            84..86 => What::Destroy { hat_id },
            86..92 => {
                let affiliation = if rng.random_bool(0.4) {
                    pb::Affiliation::Outcast
                } else {
                    pb::Affiliation::Member
                };
                What::Affiliate { user_jid, affiliation }
            }
            92..95 => What::Put,
            95..96 => What::Delete,
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
        let status = match self.caller.send(channel, request.clone()).await {
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
}

/// A few users, each once.
fn some_users(rng: &mut StdRng, min: usize) -> Vec<String> {
    let count = rng.random_range(min..=3);
    let users = index::sample(rng, USERS.len(), count);
    users.iter().map(|user| USERS[user].to_owned()).collect()
}
