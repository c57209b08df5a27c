//! Whether a history is one that the contract allows.
//!
//! Revisions say where in a room's order each answer belongs, so nothing is searched: a call that was
//! answered with revision r saw, or made, the state of the room at r. What is left is to see that
//! each commit is what its call makes of the state before it, that the answers agree with those
//! states, and that the order agrees with time.

use std::collections::{BTreeMap, BTreeSet};

use hatd_client::pb::{self, ErrorReason};

use super::model::{self, Document, State, apply, clock};
use super::record::{Answer, Call, Definition, History, Watched, What};

/// What a history must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Revisions of a room do not rise, or a commit came twice.
    Order,
    /// What was answered is not what was committed, or not at all; or a call failed.
    Answer,
    /// A commit did something else than what was asked for, or nobody asked for it.
    Effect,
    /// A call was done that had to be refused, or refused although it could be done.
    Condition,
    /// A call did not see what was answered before it began.
    Stale,
    /// A request that was sent again was done again.
    Twice,
    /// A watch was not shown exactly what there was.
    Watch,
}

/// Something that a history must not have.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    #[expect(dead_code, reason = "for who reads the failure")]
    what: String,
}

/// All that a history has and must not have.
pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut checker = Checker::default();
    checker.check_log(&history.log);
    let rooms: BTreeSet<&str> = history.calls.iter().map(|call| call.room_jid.as_str()).collect();
    for room_jid in rooms.union(&history.log.iter().map(|it| it.room_jid.as_str()).collect()) {
        checker.check_room(
            history.log.iter().filter(|commit| commit.room_jid == *room_jid),
            history.calls.iter().filter(|call| call.room_jid == *room_jid),
        );
    }
    for broken in &history.broken {
        checker.report(Kind::Watch, broken);
    }
    for watched in &history.watches {
        checker.check_watch(watched, history);
    }
    checker.found
}

/// A room's states, by the revision that each began with: the first has nothing in it.
struct Room(BTreeMap<u64, State>);

impl Room {
    /// The state at a revision.
    fn at(&self, revision: u64) -> &State {
        self.0.range(..=revision).next_back().unwrap().1
    }

    /// The states that there were from one revision to another.
    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &State> {
        let begins = *self.0.range(..=from).next_back().unwrap().0;
        self.0.range(begins..=to.max(begins)).map(|(_, state)| state)
    }
}

/// An answer that stands in its room's order.
#[derive(Clone, Copy)]
struct Placed<'a> {
    call: &'a Call,
    revision: u64,
    wrote: bool,
}

#[derive(Default)]
struct Checker {
    found: Vec<Violation>,
}

impl Checker {
    fn report(&mut self, kind: Kind, what: impl Into<String>) {
        self.found.push(Violation { kind, what: what.into() });
    }

    /// Revisions rise, each commit changes something, and says what.
    fn check_log(&mut self, log: &[pb::Commit]) {
        let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
        let mut documents: BTreeMap<(&str, &str), &pb::UserHats> = BTreeMap::new();
        for commit in log {
            let before = revisions.insert(&commit.room_jid, commit.revision);
            if before.is_some_and(|before| before >= commit.revision) {
                self.report(Kind::Order, format!("{before:?}, then {commit:?}"));
            }
            if commit.room_deleted {
                documents.retain(|(room_jid, _), _| *room_jid != commit.room_jid);
            }
            for user in &commit.users {
                let document = user.user_hats.as_ref().unwrap();
                let key = (commit.room_jid.as_str(), document.user_jid.as_str());
                let old = documents.insert(key, document).map(|it| &it.hats);
                let none = BTreeMap::new();
                let (old, new) = (old.unwrap_or(&none), &document.hats);
                let expected: BTreeMap<_, _> = old
                    .keys()
                    .chain(new.keys())
                    .filter(|hat| old.get(*hat) != new.get(*hat))
                    .map(|hat| (hat.clone(), old.get(hat).cloned()))
                    .collect();
                let said: BTreeMap<_, _> = user
                    .changes
                    .iter()
                    .map(|change| (change.hat_id.clone(), change.previous.clone()))
                    .collect();
                // An affiliation may change by itself.
                let is_nothing = said.is_empty() && commit.cause() != pb::CommitCause::Affiliation;
                if said != expected || is_nothing {
                    self.report(Kind::Effect, format!("{commit:?} says {said:?} of {expected:?}"));
                }
            }
        }
    }

    fn check_room<'a>(
        &mut self,
        log: impl Iterator<Item = &'a pb::Commit>,
        calls: impl Iterator<Item = &'a Call> + Clone,
    ) {
        let written = self.written(calls.clone());
        let room = self.replay(log, &written);
        let mut placed = Vec::new();
        for call in calls.clone() {
            match (&call.answer, &call.what) {
                (Answer::Read { revision, documents }, what) => {
                    self.check_read(call, what, documents, room.at(*revision));
                    placed.push(Placed { call, revision: *revision, wrote: false });
                }
                (Answer::Written { revision, replayed, .. }, What::Again { revision: of, .. }) => {
                    if !replayed || revision != of {
                        self.report(Kind::Twice, format!("{call:?}"));
                    }
                }
                (Answer::Written { revision, changed, replayed, documents }, what) => {
                    let state = room.at(*revision);
                    // Documents of a request that was answered once more are those of that time.
                    if !replayed {
                        self.check_documents(call, documents, state);
                    }
                    if !changed {
                        self.check_unchanged(call, what, state);
                    }
                    placed.push(Placed { call, revision: *revision, wrote: *changed });
                }
                (Answer::Failed(_), _) => self.report(Kind::Answer, format!("{call:?}")),
                (Answer::Refused(_), _) => {}
            }
        }
        self.check_time(&placed);
        for call in calls {
            if let Answer::Refused(reason) = call.answer {
                self.check_refusal(&room, call, reason, &placed);
            }
        }
    }

    /// The calls that have made a commit, by its revision.
    fn written<'a>(&mut self, calls: impl Iterator<Item = &'a Call>) -> BTreeMap<u64, &'a Call> {
        let mut written = BTreeMap::new();
        for call in calls {
            let Answer::Written { revision, changed: true, .. } = call.answer else { continue };
            if matches!(call.what, What::Again { .. }) {
                continue;
            }
            if let Some(other) = written.insert(revision, call) {
                self.report(Kind::Twice, format!("{call:?} has the revision of {other:?}"));
            }
        }
        written
    }

    /// The states that the commits and calls of a room lead through. Each commit was asked for, and
    /// is what its call makes of the state before it; or hats end by it, as all do that are to.
    fn replay<'a>(
        &mut self,
        log: impl Iterator<Item = &'a pb::Commit>,
        written: &BTreeMap<u64, &Call>,
    ) -> Room {
        let log: BTreeMap<u64, &pb::Commit> = log.map(|commit| (commit.revision, commit)).collect();
        let revisions: BTreeSet<u64> = log.keys().chain(written.keys()).copied().collect();
        let mut states = BTreeMap::from([(0, State::new())]);
        let mut state = State::new();
        for revision in revisions {
            let before = state.clone();
            match (log.get(&revision).copied(), written.get(&revision).copied()) {
                (Some(commit), call) => {
                    self.follow(&mut state, commit);
                    self.check_commit(&before, commit, call, &state);
                }
                (None, Some(call)) => {
                    self.follow_hidden(&mut state, call);
                    self.check_effect(&before, call, &state);
                }
                (None, None) => unreachable!("{revision} is of a commit or a call"),
            }
            states.insert(revision, state.clone());
        }
        let mut hats = state.documents.values().flat_map(|document| document.hats.values());
        if hats.any(|hat| hat.expire_time.is_some()) {
            self.report(Kind::Effect, format!("hats have not ended: {state:?}"));
        }
        Room(states)
    }

    /// Goes on to the state that a commit shows.
    fn follow(&mut self, state: &mut State, commit: &pb::Commit) {
        if commit.room_deleted {
            *state = State::none();
        }
        if commit.room.is_some() {
            state.exists = true;
        }
        for user in &commit.users {
            let shown = user.user_hats.as_ref().unwrap();
            let document = Document::of(shown);
            let expected = if document.is_nothing() { 0 } else { commit.revision };
            if shown.revision != expected || shown.etag != expected.to_string() {
                self.report(Kind::Effect, format!("{shown:?} was changed by {commit:?}"));
            }
            state.documents.insert(shown.user_jid.clone(), document);
        }
        for shown in &commit.definitions {
            if shown.revision != commit.revision || shown.etag != commit.revision.to_string() {
                self.report(Kind::Effect, format!("{shown:?} was changed by {commit:?}"));
            }
            state.definitions.insert(shown.hat_id.clone(), Definition::of(shown));
        }
        for hat_id in &commit.removed_definitions {
            state.definitions.remove(hat_id);
        }
    }

    /// Goes on to the state that a call has made of which the log says nothing.
    fn follow_hidden(&mut self, state: &mut State, call: &Call) {
        match (&call.what, &call.answer) {
            // Who has no hats can become anything without watches being told.
            (What::Affiliate { user_jid, affiliation }, Answer::Written { revision, .. })
                if state.document(user_jid).hats.is_empty() =>
            {
                let document = state.document_mut(user_jid);
                (document.affiliation, document.revision) = (*affiliation, *revision);
            }
            _ => self.report(Kind::Answer, format!("{call:?} is not in the log")),
        }
    }

    /// A commit was asked for, or came in its time, and is what it has to be.
    fn check_commit(
        &mut self,
        before: &State,
        commit: &pb::Commit,
        call: Option<&Call>,
        after: &State,
    ) {
        let time = clock(commit.commit_time.unwrap());
        let Some(call) = call else {
            let users = commit.users.iter().map(|user| user.user_hats.as_ref().unwrap());
            let expected = before.expire(users.map(|it| it.user_jid.as_str()), time);
            if commit.cause() != pb::CommitCause::Expiry || model::differ(&expected, after) {
                self.report(Kind::Effect, format!("nobody asked for {commit:?} of {before:?}"));
            }
            return;
        };
        if commit.cause() != cause(&call.what) {
            self.report(Kind::Effect, format!("{call:?} has made {commit:?}"));
        }
        if let What::Add { expire_time: Some(expire_time), .. } = call.what
            && expire_time <= time
        {
            self.report(Kind::Condition, format!("{call:?} was done, too late"));
        }
        self.check_effect(before, call, after);
    }

    /// A call has made of a state what it had to.
    fn check_effect(&mut self, before: &State, call: &Call, after: &State) {
        match apply(&call.what, before) {
            Err(reasons) => {
                self.report(Kind::Condition, format!("{call:?} was done, despite {reasons:?}"));
            }
            Ok(expected) if model::differ(&expected, after) => {
                self.report(Kind::Effect, format!("{call:?} made {after:?} of {before:?}"));
            }
            Ok(_) => {}
        }
    }

    /// A read shows what there is.
    fn check_read(&mut self, call: &Call, what: &What, documents: &[pb::UserHats], state: &State) {
        self.check_documents(call, documents, state);
        if apply(what, state).is_err() {
            self.report(Kind::Condition, format!("{call:?} with {state:?}"));
        }
        if *what == What::List {
            let with_hats =
                state.documents.iter().filter(|(_, document)| !document.hats.is_empty());
            let shown = documents.iter().map(|document| &document.user_jid);
            if !with_hats.map(|(user_jid, _)| user_jid).eq(shown) {
                self.report(Kind::Answer, format!("{call:?} with {state:?}"));
            }
        }
    }

    /// Documents are answered as they are.
    fn check_documents(&mut self, call: &Call, documents: &[pb::UserHats], state: &State) {
        for shown in documents {
            let there = state.document(&shown.user_jid);
            if there != Document::of(shown) || shown.etag != there.revision.to_string() {
                self.report(Kind::Answer, format!("{call:?}, and there is {there:?}"));
            }
        }
    }

    /// A call that changed nothing had nothing to do.
    fn check_unchanged(&mut self, call: &Call, what: &What, state: &State) {
        match apply(what, state) {
            Err(reasons) => {
                self.report(Kind::Condition, format!("{call:?} was done, despite {reasons:?}"));
            }
            Ok(expected) if model::differ(&expected, state) => {
                self.report(Kind::Answer, format!("{call:?} with {state:?}"));
            }
            Ok(_) => {}
        }
    }

    /// What was answered before a call began is before it in the order, too.
    fn check_time(&mut self, placed: &[Placed<'_>]) {
        // By time: each end raises the floor for what begins after it.
        let mut moments: Vec<(u64, bool, &Placed<'_>)> = Vec::new();
        for it in placed {
            moments.push((it.call.began, false, it));
            moments.push((it.call.ended, true, it));
        }
        moments.sort_unstable_by_key(|(moment, ..)| *moment);
        let mut floor: Option<&Placed<'_>> = None;
        for (_, is_end, it) in moments {
            let before = floor.map_or(0, |floor| floor.revision);
            if is_end {
                floor = if it.revision >= before { Some(it) } else { floor };
            } else if it.revision < before || it.wrote && it.revision == before {
                let (call, earlier) = (it.call, floor.map(|floor| floor.call));
                self.report(Kind::Stale, format!("{call:?} began after {earlier:?}"));
            }
        }
    }

    /// A refusal was right for some state that there was while the call was made.
    fn check_refusal(
        &mut self,
        room: &Room,
        call: &Call,
        reason: ErrorReason,
        placed: &[Placed<'_>],
    ) {
        let before = placed.iter().filter(|it| it.call.ended < call.began);
        let from = before.map(|it| it.revision).max().unwrap_or(0);
        let after = placed.iter().filter(|it| it.call.began > call.ended);
        let to = after.map(|it| it.revision - u64::from(it.wrote)).min().unwrap_or(u64::MAX);
        // A hat is not given that would have ended already.
        let is_late = matches!(call.what, What::Add { expire_time: Some(time), .. }
            if time <= call.ended_at);
        let refuses = |state: &State| match apply(&call.what, state) {
            Err(reasons) if reasons.contains(&reason) => true,
            _ => reason == ErrorReason::InvalidField && is_late && state.exists,
        };
        if !room.between(from, to).any(refuses) {
            self.report(Kind::Condition, format!("{call:?} from {from} to {to}"));
        }
    }

    /// A watch began with a state that there was, and was shown what came after it: all of it that
    /// it selected, each once, and whole.
    fn check_watch(&mut self, watched: &Watched, history: &History) {
        for broken in &watched.broken {
            self.report(Kind::Watch, broken);
        }
        let selector = &watched.selector;
        let narrowed = history.log.iter().filter_map(|commit| narrow(selector, commit));
        let narrowed: Vec<_> = narrowed.collect();
        let Some(from) = narrowed.len().checked_sub(watched.news.len()) else {
            self.report(Kind::Watch, format!("{watched:?} was shown more than there was"));
            return;
        };
        let (before, after) = narrowed.split_at(from);
        if let Some((expected, shown)) =
            after.iter().zip(&watched.news).find(|(expected, shown)| expected != shown)
        {
            let what = format!("a watch of {selector:?}: {expected:?} was shown as {shown:?}");
            self.report(Kind::Watch, what);
            return;
        }
        let mut expected = history.began_with.clone();
        expected.rooms.retain(|room_jid, _| is_of_room(selector, room_jid));
        for commit in before {
            expected.add_commit(commit);
        }
        if watched.began_with != expected {
            let what = format!("{:?} was no state: {expected:?}", watched.began_with);
            self.report(Kind::Watch, what);
        }
    }
}

/// Why a commit is made that a call asks for.
fn cause(what: &What) -> pb::CommitCause {
    match what {
        What::Affiliate { .. } => pb::CommitCause::Affiliation,
        What::Destroy { .. } => pb::CommitCause::Destroyed,
        _ => pb::CommitCause::Request,
    }
}

/// Whether a selector is of a room, not of users wherever they are.
fn is_of_room(selector: &pb::WatchSelector, room_jid: &str) -> bool {
    let is_of_users = selector.room_jid.is_empty() && !selector.user_jid.is_empty();
    !is_of_users && is_in_range(selector, room_jid)
}

/// Whether a selector has no other rooms than this one in mind.
fn is_in_range(selector: &pb::WatchSelector, room_jid: &str) -> bool {
    let pb::WatchSelector { room_jid: room, room_domain, .. } = selector;
    let (_, domain) = room_jid.split_once('@').unwrap();
    (room.is_empty() || room == room_jid) && (room_domain.is_empty() || room_domain == domain)
}

/// What a watch is shown of a commit.
fn narrow(selector: &pb::WatchSelector, commit: &pb::Commit) -> Option<pb::Commit> {
    if !is_in_range(selector, &commit.room_jid) {
        return None;
    }
    let is_selected = |it: &pb::UserChange| {
        let document = it.user_hats.as_ref().unwrap();
        selector.user_jid.is_empty() || document.user_jid == selector.user_jid
    };
    let mut narrowed = commit.clone();
    narrowed.users.retain(is_selected);
    if !is_of_room(selector, &commit.room_jid) {
        narrowed.room = None;
        narrowed.definitions.clear();
        narrowed.removed_definitions.clear();
    }
    let says_anything = narrowed.room.is_some()
        || narrowed.room_deleted
        || !narrowed.users.is_empty()
        || !narrowed.definitions.is_empty()
        || !narrowed.removed_definitions.is_empty();
    says_anything.then_some(narrowed)
}
