//! Whether a history is one that the contract allows.
//!
//! Revisions say where in a room's order each answer belongs, so nothing is searched: a call that was
//! answered with revision r saw, or made, the state of the room at r. What is left is to see that
//! the answers agree with those states, and that the order agrees with time.

use std::collections::{BTreeMap, BTreeSet};

use hatd_client::pb::{self, ErrorReason};

use super::record::{Answer, Call, Condition, Documents, History, Watched, What};
use crate::watch::held::Held;

/// What a history must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Revisions of a room do not rise, or a commit came twice.
    Order,
    /// What was answered is not what was committed, or not at all.
    Answer,
    /// A commit did something else than what was asked for.
    Effect,
    /// An etag or precondition did not hold, and the call was done; or it did, and was refused.
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
    for (room_jid, room) in Room::all_of(&history.log) {
        let calls = history.calls.iter().filter(|call| call.room_jid == room_jid);
        checker.check_room(&room, &calls.collect::<Vec<_>>());
    }
    for broken in &history.broken {
        checker.report(Kind::Watch, broken);
    }
    for watched in &history.watches {
        checker.check_watch(watched, &history.log);
    }
    checker.found
}

/// A room's states, in order. State 0 has no hats; state n is after the nth commit.
struct Room<'a> {
    commits: Vec<&'a pb::Commit>,
    states: Vec<Documents>,
}

impl<'a> Room<'a> {
    fn all_of(log: &'a [pb::Commit]) -> BTreeMap<&'a str, Self> {
        let mut rooms: BTreeMap<&str, Self> = BTreeMap::new();
        for commit in log {
            let room = rooms
                .entry(&commit.room_jid)
                .or_insert_with(|| Self { commits: Vec::new(), states: vec![Documents::new()] });
            let mut state = room.states.last().unwrap().clone();
            for user in &commit.users {
                let document = user.user_hats.clone().unwrap();
                state.insert(document.user_jid.clone(), document);
            }
            room.commits.push(commit);
            room.states.push(state);
        }
        rooms
    }

    /// The state that a revision is of. Commits that concern no hats are not shown to watches, so
    /// there may be revisions without a state of their own.
    fn at(&self, revision: u64) -> usize {
        self.commits.partition_point(|commit| commit.revision <= revision)
    }

    /// The commit of a revision, and the number of its state.
    fn commit(&self, revision: u64) -> Option<(usize, &'a pb::Commit)> {
        let at = self.at(revision);
        let commit = *self.commits.get(at.checked_sub(1)?)?;
        (commit.revision == revision).then_some((at, commit))
    }
}

fn hats(state: &Documents, user_jid: &str) -> BTreeMap<String, pb::Attachment> {
    state.get(user_jid).map(|document| document.hats.clone()).unwrap_or_default()
}

fn holds(condition: &Condition, state: &Documents) -> bool {
    hats(state, &condition.user_jid).contains_key(&condition.hat_id) == condition.has
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

    fn check_room(&mut self, room: &Room<'_>, calls: &[&Call]) {
        let mut made: BTreeSet<u64> = BTreeSet::new();
        // Where in the order each call stands, where that is known, and whether it wrote there.
        let mut placed = Vec::new();
        for call in calls {
            let Some(answer) = &call.answer else { continue };
            match (answer, &call.what) {
                (Answer::Read { revision, document }, _) => {
                    let at = room.at(*revision);
                    let there = hats(&room.states[at], &document.user_jid);
                    if there != document.hats {
                        self.report(Kind::Answer, format!("{call:?}, and there is {there:?}"));
                    }
                    placed.push((*call, at, false));
                }
                (Answer::Written { revision, replayed, .. }, What::Again { revision: of, .. }) => {
                    if !replayed || revision != of {
                        self.report(Kind::Twice, format!("{call:?}"));
                    }
                }
                (Answer::Written { revision, changed: true, documents, .. }, what) => {
                    if !made.insert(*revision) {
                        self.report(Kind::Twice, format!("{call:?} has another's revision"));
                    }
                    match room.commit(*revision) {
                        Some((at, commit)) => {
                            self.check_commit(room, call, what, documents, at, commit);
                            placed.push((*call, at, true));
                        }
                        // Who has no hats can become anything without watches being told.
                        None if matches!(what, What::Affiliate { .. }) => {}
                        None => self.report(Kind::Answer, format!("{call:?} is not in the log")),
                    }
                }
                (Answer::Written { revision, changed: false, .. }, what) => {
                    let at = room.at(*revision);
                    self.check_unchanged(call, what, &room.states[at]);
                    placed.push((*call, at, false));
                }
                (Answer::Refused(_), _) => {}
            }
        }
        self.check_time(&placed);
        self.check_refusals(room, calls, &placed);
        self.check_titles(room, calls);
    }

    /// A commit does what was asked for, if that held, and was answered as it is.
    fn check_commit(
        &mut self,
        room: &Room<'_>,
        call: &Call,
        what: &What,
        documents: &[pb::UserHats],
        at: usize,
        commit: &pb::Commit,
    ) {
        let (before, after) = (&room.states[at - 1], &room.states[at]);
        for document in documents {
            if hats(after, &document.user_jid) != document.hats {
                self.report(Kind::Answer, format!("{call:?} is {commit:?}"));
            }
        }
        let title_of = |user_jid: &str, hat_id: &str| {
            hats(after, user_jid).get(hat_id).map(|attachment| attachment.title.clone())
        };
        // Whether a user's other hats are as they were.
        let others = |user_jid: &str, hat_id: &str| {
            let [mut before, mut after] = [before, after].map(|state| hats(state, user_jid));
            before.remove(hat_id);
            after.remove(hat_id);
            before == after
        };
        let (users, is_done) = match what {
            What::Add { user_jid, hat_id, title, etag } => {
                let present = before.get(user_jid).map(|document| document.etag.as_str());
                // Of a document without hats the log may not have the newest etag.
                let has_hats = !hats(before, user_jid).is_empty();
                if has_hats && !etag.is_empty() && present != Some(etag) {
                    self.report(Kind::Condition, format!("{call:?}, and it was {present:?}"));
                }
                let is_given = title_of(user_jid, hat_id).as_ref() == Some(title);
                (vec![user_jid.clone()], is_given && others(user_jid, hat_id))
            }
            What::Remove { user_jid, hat_id } => {
                let is_gone = title_of(user_jid, hat_id).is_none();
                (vec![user_jid.clone()], is_gone && others(user_jid, hat_id))
            }
            What::Update { users, hat_id, title, condition } => {
                if condition.as_ref().is_some_and(|condition| !holds(condition, before)) {
                    self.report(Kind::Condition, format!("{call:?}, and it did not hold"));
                }
                let is_set = |user: &String| {
                    let hats = hats(after, user);
                    hats.len() == 1 && hats.get(hat_id).is_some_and(|it| it.title == *title)
                };
                (users.clone(), users.iter().all(is_set))
            }
            What::Affiliate { user_jid, affiliation } => {
                let kept = hats(after, user_jid);
                let is_done = match affiliation {
                    pb::Affiliation::Outcast => kept.is_empty(),
                    _ => kept == hats(before, user_jid),
                };
                (vec![user_jid.clone()], is_done)
            }
            What::Read { .. } | What::Again { .. } => return,
        };
        if !is_done {
            self.report(Kind::Effect, format!("{call:?} made {commit:?} of {before:?}"));
        }
        for user in &commit.users {
            let user_jid = &user.user_hats.as_ref().unwrap().user_jid;
            if !users.contains(user_jid) {
                self.report(Kind::Effect, format!("{call:?} changed {user_jid}"));
            }
        }
    }

    /// A call that changed nothing had nothing to do.
    fn check_unchanged(&mut self, call: &Call, what: &What, state: &Documents) {
        let has_title = |user: &String, hat_id: &String, title: &String| {
            hats(state, user).get(hat_id).is_some_and(|it| it.title == *title)
        };
        let is_so = match what {
            What::Add { user_jid, hat_id, title, .. } => has_title(user_jid, hat_id, title),
            What::Remove { user_jid, hat_id } => !hats(state, user_jid).contains_key(hat_id),
            What::Update { users, hat_id, title, .. } => {
                users.iter().all(|user| has_title(user, hat_id, title))
            }
            What::Affiliate { .. } | What::Read { .. } | What::Again { .. } => true,
        };
        if !is_so {
            self.report(Kind::Answer, format!("{call:?} with {state:?}"));
        }
    }

    /// What was answered before a call began is before it in the order, too.
    fn check_time(&mut self, placed: &[(&Call, usize, bool)]) {
        // By time: each end raises the floor for what begins after it.
        let mut moments: Vec<(u64, Option<usize>, usize)> = Vec::new();
        for (index, (call, at, _)) in placed.iter().enumerate() {
            moments.push((call.began, None, index));
            moments.extend(call.ended.map(|ended| (ended, Some(*at), index)));
        }
        moments.sort_unstable();
        let mut floor = 0;
        let mut by = 0;
        for (_, ended_at, index) in moments {
            let (call, at, wrote) = &placed[index];
            if let Some(at) = ended_at {
                if at >= floor {
                    (floor, by) = (at, index);
                }
            } else if *at < floor || *wrote && *at == floor {
                let earlier = placed[by].0;
                self.report(Kind::Stale, format!("{call:?} began after {earlier:?}"));
            }
        }
    }

    /// A refusal was right for some state that there was while the call was made.
    fn check_refusals(
        &mut self,
        room: &Room<'_>,
        calls: &[&Call],
        placed: &[(&Call, usize, bool)],
    ) {
        for call in calls {
            let Some(Answer::Refused(reason)) = call.answer else { continue };
            let ended = call.ended.unwrap_or(u64::MAX);
            let before =
                placed.iter().filter(|(it, ..)| it.ended.is_some_and(|it| it < call.began));
            let from = before.map(|(_, at, _)| *at).max().unwrap_or(0);
            let after = placed.iter().filter(|(it, ..)| it.began > ended);
            let until = after.map(|(_, at, wrote)| at - usize::from(*wrote)).min();
            let until = until.unwrap_or(room.states.len() - 1).max(from);
            let states = &room.states[from..=until];
            let is_right = match (reason, &call.what) {
                (ErrorReason::PreconditionFailed, What::Update { condition, .. }) => {
                    let condition = condition.as_ref();
                    condition.is_some_and(|it| states.iter().any(|state| !holds(it, state)))
                }
                (ErrorReason::EtagMismatch, What::Add { user_jid, etag, .. }) => {
                    let differs = |state: &Documents| {
                        let document = state.get(user_jid);
                        document.is_none_or(|it| it.etag != *etag || it.hats.is_empty())
                    };
                    !etag.is_empty() && states.iter().any(differs)
                }
                // An outcast, of whom the log says nothing; or the same request id again.
                (ErrorReason::UserNotAffiliated, _) => true,
                _ => false,
            };
            if !is_right {
                self.report(Kind::Condition, format!("{call:?} with {states:?}"));
            }
        }
    }

    /// A title that only one call gives comes into a room by one commit at most.
    fn check_titles(&mut self, room: &Room<'_>, calls: &[&Call]) {
        let mut given: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for commit in &room.commits {
            for user in &commit.users {
                let document = user.user_hats.as_ref().unwrap();
                for change in &user.changes {
                    if let Some(has) = document.hats.get(&change.hat_id) {
                        given.entry(&has.title).or_default().insert(commit.revision);
                    }
                }
            }
        }
        for call in calls {
            let (What::Add { title, .. } | What::Update { title, .. }) = &call.what else {
                continue;
            };
            let is_unique = title.contains('-');
            let count = given.get(title.as_str()).map_or(0, BTreeSet::len);
            if is_unique && count > 1 {
                self.report(Kind::Twice, format!("{call:?} made {count} commits"));
            }
        }
    }

    /// A watch began with a state that there was, and was shown what came after it: all of it that
    /// it selected, each once, and whole.
    fn check_watch(&mut self, watched: &Watched, log: &[pb::Commit]) {
        for broken in &watched.broken {
            self.report(Kind::Watch, broken);
        }
        let narrowed: Vec<_> = log.iter().filter_map(|commit| narrow(watched, commit)).collect();
        let Some(from) = narrowed.len().checked_sub(watched.news.len()) else {
            self.report(Kind::Watch, format!("{watched:?} was shown more than there was"));
            return;
        };
        let (before, after) = narrowed.split_at(from);
        if let Some((expected, shown)) =
            after.iter().zip(&watched.news).find(|(expected, shown)| expected != shown)
        {
            let (room, user) = (&watched.room_jid, &watched.user_jid);
            let what = format!("a watch of {room:?} {user:?}: {expected:?} was shown as {shown:?}");
            self.report(Kind::Watch, what);
            return;
        }
        let mut began_with = BTreeMap::new();
        for user in before.iter().flat_map(|commit| &commit.users) {
            let document = user.user_hats.as_ref().unwrap();
            let key = (document.room_jid.clone(), document.user_jid.clone());
            if document.hats.is_empty() {
                began_with.remove(&key);
            } else {
                began_with.insert(key, document.clone());
            }
        }
        let Held { users, .. } = &watched.began_with;
        if *users != began_with {
            self.report(Kind::Watch, format!("{users:?} was no state: {began_with:?}"));
        }
    }
}

/// What a watch is shown of a commit.
fn narrow(watched: &Watched, commit: &pb::Commit) -> Option<pb::Commit> {
    let Watched { room_jid, user_jid, .. } = watched;
    if !room_jid.is_empty() && commit.room_jid != *room_jid {
        return None;
    }
    let is_of = |it: &pb::UserChange| {
        it.user_hats
            .as_ref()
            .is_some_and(|document| user_jid.is_empty() || document.user_jid == *user_jid)
    };
    let mut narrowed = commit.clone();
    narrowed.users.retain(is_of);
    (!narrowed.users.is_empty()).then_some(narrowed)
}
