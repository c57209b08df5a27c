//! A watch that resumes by itself, and notices when something was lost.

mod event;
mod options;

use std::{collections::HashMap, fmt, mem::replace, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream::unfold};
use rand::{SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Streaming};

pub use event::{Counters, Disconnect, Event, Lifecycle};
pub use options::{Start, WatchOptions};

use crate::{
    Error,
    backoff::Backoff,
    client::Shared,
    credentials::Key,
    pb::{self, ErrorReason, watch_hats_request, watch_hats_response},
};

/// The heartbeat interval of a server that is not told another.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How many heartbeat intervals of silence mean that the stream is dead. Our choice.
const SILENT_HEARTBEATS: f64 = 2.5;

/// The first delay before connecting again is at most this. Our choice.
const RECONNECT_BASE: Duration = Duration::from_millis(100);
/// No delay before connecting again is longer, unless said otherwise or the server asks for it.
/// Our choice.
const RECONNECT_CEILING: Duration = Duration::from_secs(30);
/// A stream that lasted this long makes the delays short again. Our choice.
const HEALTHY: Duration = Duration::from_mins(2);

/// A watch: the state of a scope, then every change to it.
///
/// It asks for one response at a time and holds none ahead, so a slow caller slows the stream and
/// nothing else. It resumes by itself, whatever ends the stream under it, after the last event that
/// the caller came back from: an event is processed when [`Watch::next`] is called again.
pub struct Watch {
    shared: Arc<Shared>,
    /// The number of the connection that the last stream was opened on.
    connection: u64,
    /// The key that the last stream was opened with.
    key: Option<Key>,
    /// Whether a key was refused and no stream has answered since.
    key_refused: bool,
    closed: CancellationToken,
    request: pb::WatchHatsRequest,
    silence_max: Duration,
    state: State,
    /// Where to start if there is no token to resume with.
    start: Start,
    /// The token of the last response that the caller is done with. Empty: none.
    position: String,
    /// The token of the event that the caller has. It is the position once the caller is back.
    given: Option<String>,
    /// Whether a reset has come and its last page has not.
    in_snapshot: bool,
    /// The last revision seen of each room, to hold the next one to.
    revisions: HashMap<String, u64>,
    backoff: Backoff,
    rng: StdRng,
    counters: Counters,
    last_response: Option<Instant>,
    last_disconnect: Option<Disconnect>,
    observer: Option<Observer>,
}

type Observer = Box<dyn FnMut(Lifecycle<'_>) + Send>;

type Opening =
    Pin<Box<dyn Future<Output = Result<Streaming<pb::WatchHatsResponse>, Error>> + Send>>;

enum State {
    /// No stream. Not before `not_before` is the next one opened.
    Disconnected { not_before: Instant },
    /// A stream is being opened, which takes longer than `silent_at` only if the server is dead.
    Opening { opening: Opening, silent_at: Instant },
    Connected {
        stream: Box<Streaming<pb::WatchHatsResponse>>,
        /// When its first response came.
        since: Option<Instant>,
        /// When the caller began to wait for a response: time that the caller takes is not the
        /// server's silence.
        waiting_since: Option<Instant>,
    },
    /// An error that no new stream would mend has been given to the caller, or it was closed.
    Ended,
}

impl Watch {
    pub(crate) fn new(
        shared: Arc<Shared>,
        closed: CancellationToken,
        options: WatchOptions,
    ) -> Self {
        let heartbeat_interval = options.heartbeat_interval.unwrap_or(HEARTBEAT_INTERVAL);
        let reconnect_delay_max = options.reconnect_delay_max.unwrap_or(RECONNECT_CEILING);
        Self {
            shared,
            connection: 0,
            key: None,
            key_refused: false,
            closed,
            request: pb::WatchHatsRequest {
                selectors: options.selectors,
                start: None,
                delivery: pb::Delivery::EveryCommit.into(),
                on_expired: options.on_expired.into(),
                // An interval too long to say is refused like any other that is out of range.
                heartbeat_interval: Some(heartbeat_interval.try_into().unwrap_or_default()),
                at_least_token: options.at_least_token,
            },
            silence_max: heartbeat_interval.mul_f64(SILENT_HEARTBEATS),
            state: State::Disconnected { not_before: Instant::now() },
            position: match &options.start {
                Start::Token(token) => token.clone(),
                Start::Snapshot | Start::Now => String::new(),
            },
            start: options.start,
            given: None,
            in_snapshot: false,
            revisions: HashMap::new(),
            backoff: Backoff::new(RECONNECT_BASE, reconnect_delay_max),
            rng: options.jitter_seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64),
            counters: Counters::default(),
            last_response: None,
            last_disconnect: None,
            observer: None,
        }
    }

    /// Returns the next event, waiting for it as long as it takes.
    ///
    /// Calling it says that the event before is processed: from then on the watch would resume
    /// after it. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Only what connecting again would not mend; the watch has then ended:
    /// - an [`Error::Rpc`] with the code `INVALID_ARGUMENT`, `UNAUTHENTICATED`,
    ///   `PERMISSION_DENIED`, `UNIMPLEMENTED` or `DATA_LOSS`;
    /// - the reason `RESUME_TOKEN_EXPIRED` or `STORE_MISMATCH` under
    ///   [`OnExpired::Fail`](pb::OnExpired::Fail), and `STORE_MISMATCH` for an `at_least_token` of
    ///   another store;
    /// - [`Error::WatchEnded`] if such an error was returned before;
    /// - [`Error::Closed`] once the watch or its client is closed.
    ///
    /// `UNAUTHENTICATED` first asks [`Builder::api_key_from`](crate::Builder::api_key_from) for
    /// another key.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.advance().await? {
                return Ok(event);
            }
        }
    }

    /// Turns the watch into a stream of events, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, Error>> + Send + 'static {
        unfold(Some(self), |watch| async move {
            let mut watch = watch?;
            match watch.next().await {
                Ok(event) => Some((Ok(event), Some(watch))),
                Err(Error::WatchEnded) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// Returns the token after the last event that is processed, to resume with. None: start with
    /// a snapshot. The event that the caller is at has a token of its own.
    pub fn token(&self) -> Option<&str> {
        Some(self.position.as_str()).filter(|token| !token.is_empty())
    }

    /// Returns what the watch has been through.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Returns when the last response came.
    pub fn last_response(&self) -> Option<Instant> {
        self.last_response
    }

    /// Returns why the stream last ended while the watch went on. None: it has not.
    pub fn last_disconnect(&self) -> Option<&Disconnect> {
        self.last_disconnect.as_ref()
    }

    /// Calls `observer` whenever the stream under the watch ends and whenever a new one answers.
    pub fn on_lifecycle(&mut self, observer: impl FnMut(Lifecycle<'_>) + Send + 'static) {
        self.observer = Some(Box::new(observer));
    }

    /// Ends the stream. Dropping the watch does, too; this leaves its token and counters to read.
    pub fn close(&mut self) {
        self.closed.cancel();
        self.state = State::Ended;
    }

    /// Does what [`Watch::next`] does until an event comes, one step of it. None: there is another.
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn advance(&mut self) -> Result<Option<Event>, Error> {
        self.processed();
        let closed = self.closed.clone();
        match closed.run_until_cancelled(self.step()).await {
            Some(Ok(event)) => Ok(event),
            Some(Err(cause)) => self.disconnect(cause).map(|()| None),
            None => {
                self.state = State::Ended;
                Err(Error::Closed)
            }
        }
    }

    /// Says that the event given last is processed: from now on the watch would resume after it.
    pub(crate) fn processed(&mut self) {
        if let Some(token) = self.given.take() {
            self.position = token;
        }
    }

    /// Asks for a state that includes a position, or, with an empty token, no longer. The first
    /// bookmark from now on has passed it.
    ///
    /// Only a stream that is opened can be asked, so one that is open is opened anew: at once, as
    /// nothing went wrong. This also revives a watch that ended.
    pub(crate) fn ask_for(&mut self, at_least_token: String) {
        self.processed();
        self.request.at_least_token = at_least_token;
        if !matches!(self.state, State::Disconnected { .. }) {
            self.state = State::Disconnected { not_before: Instant::now() };
        }
    }

    /// Goes one step: waits, connects, or takes a response. Only the last may give an event.
    async fn step(&mut self) -> Result<Option<Event>, Disconnect> {
        match &mut self.state {
            State::Disconnected { not_before } => {
                sleep_until(*not_before).await;
                self.state = State::Opening {
                    opening: self.open()?,
                    silent_at: Instant::now() + self.silence_max,
                };
                Ok(None)
            }
            State::Opening { opening, silent_at } => {
                let stream = match timeout_at(*silent_at, opening).await {
                    Ok(stream) => Box::new(stream?),
                    Err(_elapsed) => return Err(Disconnect::Silent(self.silence_max)),
                };
                self.state = State::Connected { stream, since: None, waiting_since: None };
                self.in_snapshot = false;
                Ok(None)
            }
            State::Connected { stream, since, waiting_since } => {
                let silent = *waiting_since.get_or_insert_with(Instant::now) + self.silence_max;
                let response = match timeout_at(silent, stream.message()).await {
                    Ok(Ok(Some(response))) => response,
                    Ok(Ok(None)) => return Err(Disconnect::Ended),
                    Ok(Err(status)) => return Err(Error::from_status(status).into()),
                    Err(_elapsed) => return Err(Disconnect::Silent(self.silence_max)),
                };
                let now = Instant::now();
                self.last_response = Some(now);
                self.key_refused = false;
                *waiting_since = None;
                if since.replace(since.unwrap_or(now)).is_none() {
                    self.observe(Lifecycle::Connected);
                }
                self.take(response)
            }
            State::Ended => Err(Error::WatchEnded.into()),
        }
    }

    /// Opens a stream where the one before ended.
    fn open(&mut self) -> Result<Opening, Disconnect> {
        let mut request = self.request.clone();
        request.start = Some(match &self.start {
            // The server says what is wrong with an empty token.
            Start::Token(token) if token.is_empty() => {
                watch_hats_request::Start::ResumeToken(String::new())
            }
            _ if !self.position.is_empty() => {
                watch_hats_request::Start::ResumeToken(self.position.clone())
            }
            Start::Now => watch_hats_request::Start::Now(pb::StartNow {}),
            Start::Snapshot | Start::Token(_) => {
                watch_hats_request::Start::Snapshot(pb::StartSnapshot {})
            }
        });
        let mut request = Request::new(request);
        self.key = self.shared.credentials.sign(&mut request)?;
        self.connection = self.shared.connection.number();
        let mut stub = self.shared.connection.hats();
        Ok(Box::pin(async move {
            match stub.watch_hats(request).await {
                Ok(response) => Ok(response.into_inner()),
                Err(status) => Err(Error::from_status(status)),
            }
        }))
    }

    /// Checks a response against the one before, and makes it an event.
    ///
    /// There is no await in here: a response that was taken is either given to the caller or the
    /// end of the stream.
    fn take(&mut self, response: pb::WatchHatsResponse) -> Result<Option<Event>, Disconnect> {
        if response.after != self.position {
            return Err(Disconnect::ChainBroken);
        }
        // From here on, a stream without a token to resume with starts with the state: what `now`
        // has let pass is not to be let pass twice.
        self.start = Start::Snapshot;

        let token = response.token;
        let event = match response.event {
            Some(watch_hats_response::Event::Reset(reset)) => {
                self.counters.resets += 1;
                self.in_snapshot = true;
                self.revisions.clear();
                Event::Reset { reason: reset.reason() }
            }
            Some(watch_hats_response::Event::Snapshot(page)) => {
                self.in_snapshot &= !page.complete;
                Event::Snapshot { page, token: token.clone() }
            }
            Some(watch_hats_response::Event::Changes(pb::WatchChanges { commits })) => {
                if !self.in_snapshot {
                    self.check_revisions(&commits)?;
                }
                Event::Changes { commits, token: token.clone() }
            }
            Some(watch_hats_response::Event::Bookmark(bookmark)) => {
                // The first bookmark has passed it; asking again could only fail.
                self.request.at_least_token.clear();
                Event::Bookmark { server_time: bookmark.server_time, token: token.clone() }
            }
            Some(watch_hats_response::Event::GoAway(go_away)) => {
                self.position = token;
                return Err(Disconnect::GoAway {
                    reason: go_away.reason(),
                    retry_after: go_away.retry_after.and_then(|delay| delay.try_into().ok()),
                });
            }
            None => return Err(Disconnect::UnknownEvent),
        };
        self.given = Some(token);
        Ok(Some(event))
    }

    /// Checks that the revisions of each room rise.
    fn check_revisions(&mut self, commits: &[pb::Commit]) -> Result<(), Disconnect> {
        for commit in commits {
            let previous = self.revisions.insert(commit.room_jid.clone(), commit.revision);
            if previous.is_some_and(|previous| commit.revision <= previous) {
                return Err(Disconnect::RevisionNotRising { room_jid: commit.room_jid.clone() });
            }
            if commit.room_deleted {
                self.revisions.remove(&commit.room_jid);
            }
        }
        Ok(())
    }

    /// Ends the stream, for whatever cause: every way out of it leads through here.
    fn disconnect(&mut self, cause: Disconnect) -> Result<(), Error> {
        match cause {
            Disconnect::Failed(error) if self.ends_for_good(&error) && !self.gets_key(&error) => {
                self.state = State::Ended;
                return Err(error);
            }
            Disconnect::ChainBroken | Disconnect::RevisionNotRising { .. } => {
                self.counters.chain_breaks += 1;
                self.position.clear();
                self.start = Start::Snapshot;
                self.revisions.clear();
            }
            Disconnect::Silent(_) => self.shared.connection.leave(self.connection),
            Disconnect::Failed(_)
            | Disconnect::GoAway { .. }
            | Disconnect::Ended
            | Disconnect::UnknownEvent => {}
        }

        if let State::Connected { since: Some(since), .. } = self.state
            && since.elapsed() >= HEALTHY
        {
            self.backoff.reset();
        }
        let retry_in = self.backoff.delay(cause.retry_after(), &mut self.rng);
        self.counters.reconnects += 1;
        self.state = State::Disconnected { not_before: Instant::now() + retry_in };
        self.observe(Lifecycle::Disconnected { cause: &cause, retry_in });
        self.last_disconnect = Some(cause);
        Ok(())
    }

    /// Whether an error is a refused key that another may take the place of. Only once: a second
    /// key that is refused before a stream answers is as good as it gets.
    fn gets_key(&mut self, error: &Error) -> bool {
        error.code() == Code::Unauthenticated
            && !replace(&mut self.key_refused, true)
            && self.shared.credentials.discard(self.key.as_ref())
    }

    /// Whether a new stream would end as this one did.
    fn ends_for_good(&self, error: &Error) -> bool {
        let refusal = match error {
            Error::Rpc(refusal) => refusal,
            Error::WatchEnded => return true,
            Error::Transport { .. }
            | Error::DeadlineExceeded { .. }
            | Error::InvalidTarget { .. }
            | Error::PlaintextRefused { .. }
            | Error::InvalidTls(_)
            | Error::ApiKey(_)
            | Error::Closed => return false,
        };
        let fails_on_expired = self.request.on_expired() == pb::OnExpired::Fail;
        let asks_for_position = !self.request.at_least_token.is_empty();
        matches!(
            refusal.code,
            Code::InvalidArgument
                | Code::Unauthenticated
                | Code::PermissionDenied
                | Code::Unimplemented
                | Code::DataLoss
        ) || match refusal.reason {
            Some(ErrorReason::ResumeTokenExpired) => fails_on_expired,
            Some(ErrorReason::StoreMismatch) => fails_on_expired || asks_for_position,
            _ => false,
        }
    }

    fn observe(&mut self, lifecycle: Lifecycle<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(lifecycle);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("request", &self.request)
            .field("position", &self.position)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
