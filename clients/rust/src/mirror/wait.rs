//! Reading one's own writes: until when a caller of a mirror waits. No I/O and no clock.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem::take,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::{
    position::{Position, Write},
    state::State,
};
use crate::{Error, ErrorReason, pb};

/// How long a write may take to show by itself, before the server is asked for it. It comes within
/// milliseconds, or never: something written later may have undone it before the mirror's snapshot.
/// Our choice.
const SHOWS_WITHIN: Duration = Duration::from_secs(1);

/// A caller that waits for a position.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) position: Position,
    pub(super) reply: Reply,
}

pub(super) type Reply = oneshot::Sender<Result<(), Error>>;

/// All callers that wait.
///
/// A write that the mirror will be told of is waited for until its revision shows. Anything else
/// needs a stream that was opened with `at_least_token`, whose first bookmark has passed it: one
/// position at a time.
#[derive(Debug)]
pub(super) struct Waits {
    selectors: Vec<pb::WatchSelector>,
    shows: VecDeque<Showing>,
    queue: VecDeque<Asking>,
    asked: Option<Asking>,
}

/// A wait for a write to show.
#[derive(Debug)]
struct Showing {
    write: Write,
    /// When to ask for it instead. They are in this order.
    until: Instant,
    token: String,
    reply: Reply,
}

/// Waits for one token.
#[derive(Debug)]
struct Asking {
    token: String,
    replies: Vec<Reply>,
}

impl Waits {
    pub(super) fn new(selectors: Vec<pb::WatchSelector>) -> Self {
        Self { selectors, shows: VecDeque::new(), queue: VecDeque::new(), asked: None }
    }

    /// Begins a wait, at `now`.
    pub(super) fn begin(&mut self, wait: Wait, state: &State, now: Instant) {
        let Wait { position: Position { token, write }, reply } = wait;
        if token.is_empty() {
            answer(reply, Ok(()));
            return;
        }
        match write.filter(|write| !state.is_stale() && self.selects(write)) {
            Some(write) if state.revision(&write.room_jid) >= write.revision => {
                answer(reply, Ok(()));
            }
            Some(write) => {
                let until = now + SHOWS_WITHIN;
                self.shows.push_back(Showing { write, until, token, reply });
            }
            None => self.enqueue(token, reply),
        }
    }

    /// Ends the waits for what shows in a state.
    pub(super) fn show(&mut self, state: &State) {
        let shown = |wait: &Showing| state.revision(&wait.write.room_jid) >= wait.write.revision;
        for wait in extract(&mut self.shows, shown) {
            answer(wait.reply, Ok(()));
        }
    }

    /// When a write has waited long enough to show.
    pub(super) fn shows_until(&self) -> Option<Instant> {
        self.shows.front().map(|wait| wait.until)
    }

    /// Asks for the writes that did not show by `now`.
    pub(super) fn give_up_showing(&mut self, now: Instant) {
        for wait in extract(&mut self.shows, |wait| wait.until <= now) {
            self.enqueue(wait.token, wait.reply);
        }
    }

    /// Forgets the revisions: after a reset, what was written before it may never show.
    pub(super) fn reset(&mut self) {
        for wait in extract(&mut self.shows, |_| true) {
            self.enqueue(wait.token, wait.reply);
        }
    }

    /// Returns the token to ask the server for next, unless one is asked for, or nobody waits.
    pub(super) fn ask(&mut self) -> Option<String> {
        if self.asked.is_some() {
            return None;
        }
        while let Some(mut asking) = self.queue.pop_front() {
            if asking.has_callers() {
                let token = asking.token.clone();
                self.asked = Some(asking);
                return Some(token);
            }
        }
        None
    }

    /// Ends the waits for the token that was asked for: its bookmark has come.
    pub(super) fn bookmark(&mut self) {
        if let Some(asked) = self.asked.take() {
            asked.answer(&Ok(()));
        }
    }

    /// Ends the waits for the token that was asked for, if an error says that it is no good.
    /// Returns whether it does.
    pub(super) fn refuse(&mut self, error: &Error) -> bool {
        let is_refusal = match error.reason() {
            Some(ErrorReason::StoreMismatch) => true,
            Some(ErrorReason::InvalidToken) => error.metadata("field") == Some("at_least_token"),
            _ => false,
        };
        match self.asked.take_if(|_| is_refusal) {
            Some(asked) => {
                asked.answer(&Err(error.clone()));
                true
            }
            None => false,
        }
    }

    /// Comes when nobody waits any more for the token that was asked for, which is then no longer
    /// asked for.
    pub(super) async fn abandoned(&mut self) {
        poll_fn(|context| {
            if !self.asked.as_mut().is_some_and(|asked| asked.poll_abandoned(context)) {
                return Poll::Pending;
            }
            self.asked = None;
            Poll::Ready(())
        })
        .await;
    }

    fn enqueue(&mut self, token: String, reply: Reply) {
        // Those who left while nothing could be asked for are not kept for ever.
        self.queue.retain_mut(Asking::has_callers);
        let mut begun = self.asked.iter_mut().chain(&mut self.queue);
        match begun.find(|asking| asking.token == token) {
            Some(asking) => asking.replies.push(reply),
            None => self.queue.push_back(Asking { token, replies: vec![reply] }),
        }
    }

    /// Whether the document of a write is among those that the mirror is told of. Where a selector
    /// is spelled in another way than hatd does, it seems not to be, which is slower and not wrong.
    fn selects(&self, write: &Write) -> bool {
        let domain = write.room_jid.split_once('@').map_or("", |(_, domain)| domain);
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        self.selectors.is_empty()
            || self.selectors.iter().any(|selector| {
                is(&selector.room_jid, &write.room_jid)
                    && is(&selector.user_jid, &write.user_jid)
                    && is(&selector.room_domain, domain)
            })
    }
}

impl Asking {
    fn answer(self, result: &Result<(), Error>) {
        for reply in self.replies {
            answer(reply, result.clone());
        }
    }

    fn has_callers(&mut self) -> bool {
        self.replies.retain(|reply| !reply.is_closed());
        !self.replies.is_empty()
    }

    /// Whether all who waited have left. Otherwise, the task is woken when one leaves.
    fn poll_abandoned(&mut self, context: &mut Context<'_>) -> bool {
        self.replies.retain_mut(|reply| reply.poll_closed(context).is_pending());
        self.replies.is_empty()
    }
}

/// Answers a caller, who may have left.
fn answer(reply: Reply, result: Result<(), Error>) {
    let _ = reply.send(result);
}

/// Takes out what meets a condition. Both parts stay in order.
fn extract<T>(queue: &mut VecDeque<T>, condition: impl FnMut(&T) -> bool) -> VecDeque<T> {
    let (taken, kept) = take(queue).into_iter().partition(condition);
    *queue = kept;
    taken
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::Event;

    type Answer = Receiver<Result<(), Error>>;

    fn given(room_jid: &str, user_jid: &str, revision: u64) -> pb::AddUserHatResponse {
        pb::AddUserHatResponse {
            user_hats: Some(pb::UserHats {
                room_jid: room_jid.into(),
                user_jid: user_jid.into(),
                hats: [("urn:1".to_owned(), pb::Attachment::default())].into(),
                ..Default::default()
            }),
            revision,
            token: format!("t{revision}"),
            changed: true,
            replayed: false,
        }
    }

    fn waits(selector: pb::WatchSelector) -> Waits {
        Waits::new(vec![selector])
    }

    fn everything() -> Waits {
        Waits::new(Vec::new())
    }

    fn begin(waits: &mut Waits, state: &State, position: impl Into<Position>) -> Answer {
        let (reply, answer) = oneshot::channel();
        waits.begin(Wait { position: position.into(), reply }, state, Instant::now());
        answer
    }

    /// A state that has seen a revision of a room.
    fn seen(room_jid: &str, revision: u64) -> State {
        let mut state = State::new();
        state.apply(Event::Reset { reason: pb::ResetReason::Initial });
        let room = pb::Room { room_jid: room_jid.into(), revision, ..Default::default() };
        let page = pb::WatchSnapshot { rooms: vec![room], complete: true, ..Default::default() };
        state.apply(Event::Snapshot { page, token: "t".into() });
        state
    }

    fn is_done(answer: &mut Answer) -> bool {
        answer.try_recv().is_ok_and(|answer| answer.is_ok())
    }

    #[test]
    fn a_write_to_one_document_waits_for_its_revision() {
        let (mut waits, state) = (everything(), seen("den@chat", 4));
        let mut old = begin(&mut waits, &state, &given("den@chat", "a", 4));
        let mut new = begin(&mut waits, &state, &given("den@chat", "a", 5));
        assert!(is_done(&mut old));
        waits.show(&state);
        assert!(!is_done(&mut new));
        waits.show(&seen("den@chat", 6));
        assert!(is_done(&mut new));
        assert_eq!(waits.ask(), None);
    }

    #[test]
    fn what_may_not_show_is_asked_for() {
        let given = given("den@chat", "a", 5);
        let bare = pb::UserHats { hats: [].into(), ..given.user_hats.clone().unwrap() };
        for position in [
            Position::from("t5"),
            Position::from(&pb::AddUserHatResponse { changed: false, ..given.clone() }),
            Position::from(&pb::AddUserHatResponse { replayed: true, ..given.clone() }),
            Position::from(&pb::AddUserHatResponse { user_hats: None, ..given.clone() }),
            Position::from(&pb::AddUserHatResponse { user_hats: Some(bare), ..given.clone() }),
            Position::from(&pb::DeleteRoomResponse { token: "t5".into(), ..Default::default() }),
        ] {
            let (mut waits, state) = (everything(), seen("den@chat", 9));
            let mut answer = begin(&mut waits, &state, position.clone());
            assert_eq!(waits.ask().as_deref(), Some("t5"), "{position:?}");
            waits.bookmark();
            assert!(is_done(&mut answer));
        }
    }

    #[test]
    fn only_a_write_in_scope_shows() {
        let selector = pb::WatchSelector::default();
        let room = |jid: &str| pb::WatchSelector { room_jid: jid.into(), ..selector.clone() };
        let user = |jid: &str| pb::WatchSelector { user_jid: jid.into(), ..selector.clone() };
        let domain =
            |name: &str| pb::WatchSelector { room_domain: name.into(), ..selector.clone() };
        let both = pb::WatchSelector { user_jid: "b".into(), ..room("den@chat") };
        for (selector, shows) in [
            (selector.clone(), true),
            (room("den@chat"), true),
            (room("bar@chat"), false),
            (user("a"), true),
            (user("b"), false),
            (domain("chat"), true),
            (domain("hat"), false),
            (both, false),
        ] {
            let mut waits = waits(selector.clone());
            let state = seen("den@chat", 5);
            let mut answer = begin(&mut waits, &state, &given("den@chat", "a", 5));
            assert_eq!(is_done(&mut answer), shows, "{selector:?}");
        }
    }

    #[test]
    fn what_does_not_show_in_time_is_asked_for() {
        let (mut waits, state) = (everything(), seen("den@chat", 4));
        let answers = [5, 6].map(|n| begin(&mut waits, &state, &given("den@chat", "a", n)));
        let until = waits.shows_until().unwrap();
        waits.give_up_showing(until - Duration::from_millis(1));
        assert_eq!(waits.ask(), None);
        waits.give_up_showing(until + SHOWS_WITHIN);
        assert_eq!(waits.ask().as_deref(), Some("t5"));
        assert_eq!(waits.shows_until(), None);
        drop(answers);
    }

    #[test]
    fn after_a_reset_a_write_is_asked_for() {
        let (mut waits, state) = (everything(), seen("den@chat", 4));
        let answer = begin(&mut waits, &state, &given("den@chat", "a", 5));
        waits.reset();
        assert_eq!(waits.ask().as_deref(), Some("t5"));
        let mut stale = State::new();
        stale.mark_stale();
        let late = begin(&mut waits, &stale, &given("den@chat", "a", 6));
        waits.bookmark();
        assert_eq!(waits.ask().as_deref(), Some("t6"));
        drop((answer, late));
    }

    #[test]
    fn one_token_is_asked_for_at_a_time_and_equal_ones_go_together() {
        let (mut waits, state) = (everything(), seen("den@chat", 4));
        let mut first = begin(&mut waits, &state, "t1");
        let left = begin(&mut waits, &state, "t2");
        let mut third = begin(&mut waits, &state, "t3");
        assert_eq!(waits.ask().as_deref(), Some("t1"));
        let mut again = begin(&mut waits, &state, "t1");
        assert_eq!(waits.ask(), None);

        drop(left);
        waits.bookmark();
        assert!(is_done(&mut first) && is_done(&mut again));
        assert_eq!(waits.ask().as_deref(), Some("t3"));
        waits.bookmark();
        assert!(is_done(&mut third));
        assert_eq!(waits.ask(), None);
    }

    #[test]
    fn an_empty_token_is_reached() {
        let mut answer = begin(&mut everything(), &seen("den@chat", 4), "");
        assert!(is_done(&mut answer));
    }

    #[test]
    fn those_who_left_are_not_kept() {
        let (mut waits, state) = (everything(), State::new());
        for n in 0..100 {
            drop(begin(&mut waits, &state, format!("t{n}")));
        }
        assert_eq!(waits.queue.len(), 1);
    }
}
