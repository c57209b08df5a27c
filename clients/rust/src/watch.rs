//! A watch that resumes by itself, and notices when something was lost.

use std::{collections::HashMap, fmt, time::Duration};

use futures_util::{Stream, stream::unfold};
use rand::{SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tonic::{Code, Streaming, transport::Channel};

use crate::{
    Error,
    backoff::Backoff,
    pb::{
        self, ErrorReason, hat_service_client::HatServiceClient, watch_hats_request,
        watch_hats_response,
    },
};

/// The heartbeat interval of a server that is not told another.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How many heartbeat intervals of silence mean that the stream is dead.
const SILENT_HEARTBEATS: f64 = 2.5;

/// The first delay before connecting again is at most this.
const RECONNECT_BASE: Duration = Duration::from_millis(100);
/// No delay before connecting again is longer, unless the server asks for it.
const RECONNECT_CEILING: Duration = Duration::from_secs(30);
/// A stream that lasted this long makes the delays short again.
const HEALTHY: Duration = Duration::from_mins(2);

/// What to watch, and from where.
///
/// Selectors add up; without any, the watch is about all that the caller may see.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until they are watched with"]
pub struct WatchOptions {
    selectors: Vec<pb::WatchSelector>,
    start: Start,
    on_expired: pb::OnExpired,
    heartbeat_interval: Option<Duration>,
    at_least_token: String,
    jitter_seed: Option<u64>,
}

/// Where a watch starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the state, then the changes.
    #[default]
    Snapshot,
    /// After this token: of a watch with the same selectors, or of any read or write.
    Token(String),
    /// With the next change.
    Now,
}

impl WatchOptions {
    /// Selects a room: its record, its catalogue, and its documents.
    pub fn room(self, room_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { room_jid: room_jid.into(), ..Default::default() })
    }

    /// Selects a user: the user's documents in all rooms, and the deletion of every room.
    pub fn user(self, user_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { user_jid: user_jid.into(), ..Default::default() })
    }

    /// Selects one user's document in a room, with the room's record and catalogue.
    pub fn user_in_room(self, room_jid: impl Into<String>, user_jid: impl Into<String>) -> Self {
        self.select(pb::WatchSelector {
            room_jid: room_jid.into(),
            user_jid: user_jid.into(),
            ..Default::default()
        })
    }

    /// Selects all rooms of a domain.
    pub fn domain(self, room_domain: impl Into<String>) -> Self {
        self.select(pb::WatchSelector { room_domain: room_domain.into(), ..Default::default() })
    }

    fn select(mut self, selector: pb::WatchSelector) -> Self {
        self.selectors.push(selector);
        self
    }

    /// Where to start. Default: [`Start::Snapshot`].
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// What the server does with a token that it cannot resume: a reset and a snapshot (default),
    /// or, with [`OnExpired::Fail`](pb::OnExpired::Fail), an error that ends the watch.
    pub fn on_expired(mut self, on_expired: pb::OnExpired) -> Self {
        self.on_expired = on_expired;
        self
    }

    /// How long the stream may be silent while nothing changes: 1 to 60 s. Default: 15 s.
    ///
    /// After two and a half intervals of silence the watch connects again.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = Some(interval);
        self
    }

    /// Starts with a state that includes this position: the token of any answer or watch. The
    /// first bookmark has passed it.
    pub fn at_least_token(mut self, token: impl Into<String>) -> Self {
        self.at_least_token = token.into();
        self
    }

    /// Makes the delays before connecting again the same each time, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter_seed = Some(seed);
        self
    }
}

/// A step of a watch.
///
/// Each takes the caller from the state that the tokens before it name to the state that its own
/// token names. Tokens are opaque: keep the last one and hand it back, never compare two.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A snapshot follows: what is held and not in it, up to its last page, is gone. What is held
    /// meanwhile is old, not wrong.
    Reset {
        /// Why.
        reason: pb::ResetReason,
    },
    /// A page of the state. The last one is `complete`.
    Snapshot {
        /// The page.
        page: pb::WatchSnapshot,
        /// Where a watch may resume. Empty unless the page is the last.
        token: String,
    },
    /// Changes, in order. They may be none, while the watch catches up.
    ///
    /// Between a reset and the last page of its snapshot they bring documents up to date, and are
    /// not news.
    Changes {
        /// The commits, each with the whole new documents.
        commits: Vec<pb::Commit>,
        /// Where a watch may resume. Empty within a snapshot.
        token: String,
    },
    /// There was nothing more to send.
    Bookmark {
        /// The server's clock.
        server_time: Option<prost_types::Timestamp>,
        /// Where a watch may resume.
        token: String,
    },
}

impl Event {
    /// Returns the token that resumes a watch after this event. None within a snapshot, which
    /// starts again if it is cut.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Reset { .. } => None,
            Self::Snapshot { token, .. }
            | Self::Changes { token, .. }
            | Self::Bookmark { token, .. } => {
                Some(token.as_str()).filter(|token| !token.is_empty())
            }
        }
    }
}

/// What happens to the stream under a watch. See [`Watch::on_lifecycle`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Lifecycle<'a> {
    /// The server has answered on a new stream.
    Connected,
    /// The stream ended; the watch goes on by itself.
    Disconnected {
        /// Why.
        cause: &'a Disconnect,
        /// How long the watch waits before it connects again.
        retry_in: Duration,
    },
}

/// Why a stream under a watch ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnect {
    /// The server said that it would end the stream.
    #[error("{}", match reason {
        pb::GoAwayReason::Shutdown => "the server is shutting down",
        pb::GoAwayReason::Age | pb::GoAwayReason::Unspecified => "the stream was old",
    })]
    GoAway {
        /// Why.
        reason: pb::GoAwayReason,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The stream ended without a word.
    #[error("the stream ended")]
    Ended,
    /// The stream could not be opened, or broke, or the server ended it with an error.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Nothing came for too long.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// A response does not follow the one before it: something was lost on the way. The watch
    /// starts again with a snapshot.
    #[error("the chain of tokens is broken")]
    ChainBroken,
    /// A revision of a room does not rise. The watch starts again with a snapshot.
    #[error("a revision of {room_jid} does not rise")]
    RevisionNotRising {
        /// The room.
        room_jid: String,
    },
    /// A response has no event that this version of the crate knows.
    #[error("a response holds no known event")]
    UnknownEvent,
}

impl Disconnect {
    /// Returns how long the server asks to wait.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::GoAway { retry_after, .. } => *retry_after,
            Self::Failed(error) => error.retry_delay(),
            Self::Ended
            | Self::Silent(_)
            | Self::ChainBroken
            | Self::RevisionNotRising { .. }
            | Self::UnknownEvent => None,
        }
    }
}

/// What a watch has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// How often the stream ended, or could not be opened, and the watch went on.
    pub reconnects: u64,
    /// How many resets came, that of an initial snapshot included.
    pub resets: u64,
    /// How often something was found to be lost, and the watch started again with a snapshot.
    pub chain_breaks: u64,
}

/// A watch: the state of a scope, then every change to it.
///
/// It asks for one response at a time and holds none ahead, so a slow caller slows the stream and
/// nothing else. It resumes by itself, whatever ends the stream under it, after the last event that
/// the caller came back from: an event is processed when [`Watch::next`] is called again.
pub struct Watch {
    stub: HatServiceClient<Channel>,
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
    observer: Option<Observer>,
}

type Observer = Box<dyn FnMut(Lifecycle<'_>) + Send>;

enum State {
    /// No stream. Not before `not_before` is the next one opened.
    Disconnected { not_before: Instant },
    Connected {
        stream: Box<Streaming<pb::WatchHatsResponse>>,
        /// When its first response came.
        since: Option<Instant>,
        /// When the caller began to wait for a response: time that the caller takes is not the
        /// server's silence.
        waiting_since: Option<Instant>,
    },
    /// An error that no new stream would mend has been given to the caller.
    Ended,
}

impl Watch {
    pub(crate) fn new(stub: HatServiceClient<Channel>, options: WatchOptions) -> Self {
        let heartbeat_interval = options.heartbeat_interval.unwrap_or(HEARTBEAT_INTERVAL);
        Self {
            stub,
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
            backoff: Backoff::new(RECONNECT_BASE, RECONNECT_CEILING),
            rng: options.jitter_seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64),
            counters: Counters::default(),
            last_response: None,
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
    /// - [`Error::WatchEnded`] if such an error was returned before.
    pub async fn next(&mut self) -> Result<Event, Error> {
        if let Some(token) = self.given.take() {
            self.position = token;
        }
        loop {
            match self.step().await {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(cause) => self.disconnect(cause)?,
            }
        }
    }

    /// Turns the watch into a stream of events, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, Error>> + Send + 'static {
        unfold(self, |mut watch| async move {
            match watch.next().await {
                Err(Error::WatchEnded) => None,
                item => Some((item, watch)),
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

    /// Calls `observer` whenever the stream under the watch ends and whenever a new one answers.
    pub fn on_lifecycle(&mut self, observer: impl FnMut(Lifecycle<'_>) + Send + 'static) {
        self.observer = Some(Box::new(observer));
    }

    /// Goes one step: waits, connects, or takes a response. Only the last may give an event.
    async fn step(&mut self) -> Result<Option<Event>, Disconnect> {
        match &mut self.state {
            State::Disconnected { not_before } => {
                sleep_until(*not_before).await;
                let stream = self.open().await?;
                self.state =
                    State::Connected { stream: Box::new(stream), since: None, waiting_since: None };
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
    async fn open(&mut self) -> Result<Streaming<pb::WatchHatsResponse>, Disconnect> {
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
        match timeout(self.silence_max, self.stub.watch_hats(request)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Error::from_status(status).into()),
            Err(_elapsed) => Err(Disconnect::Silent(self.silence_max)),
        }
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
        }
        Ok(())
    }

    /// Ends the stream, for whatever cause: every way out of it leads through here.
    fn disconnect(&mut self, cause: Disconnect) -> Result<(), Error> {
        match cause {
            Disconnect::Failed(error) if self.ends_for_good(&error) => {
                self.state = State::Ended;
                return Err(error);
            }
            Disconnect::ChainBroken | Disconnect::RevisionNotRising { .. } => {
                self.counters.chain_breaks += 1;
                self.position.clear();
                self.start = Start::Snapshot;
                self.revisions.clear();
            }
            Disconnect::Failed(_)
            | Disconnect::GoAway { .. }
            | Disconnect::Ended
            | Disconnect::Silent(_)
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
        Ok(())
    }

    /// Whether a new stream would end as this one did.
    fn ends_for_good(&self, error: &Error) -> bool {
        let refusal = match error {
            Error::Rpc(refusal) => refusal,
            Error::WatchEnded => return true,
            Error::Transport(_) | Error::DeadlineExceeded { .. } | Error::InvalidTarget { .. } => {
                return false;
            }
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
