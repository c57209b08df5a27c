//! Properties of the rules, for any sequence of commands.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use hatd::command::{
    Command, Decision, Env, Overlay, Refusal, Request, Stop, UserRange, View, decide, is_known,
};
use hatd::commit::{ChangeKind, Commit, Counts, UserChange};
use hatd::hat::{Affiliation, Document, Eligibility, HatPolicy, Revision};
use hatd::limits::Limits;
use hatd::service::commit_len;
use hatd::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::commands::{hat, room, user};
use crate::support::random::{self, HATS, ROOMS, USERS, resolve};
use crate::support::world::World;
use crate::support::{at, small_limits};

/// A request, or the expiry of what is due, some seconds after the step before.
#[derive(Clone, Debug)]
struct Step {
    request: Option<Request>,
    seconds: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let request = prop::option::weighted(0.95, random::request());
    let step = (request, 0..3_i64).prop_map(|(request, seconds)| Step { request, seconds });
    vec(step, 1..60)
}

/// What one turn of a request was decided on, and what it did.
struct Turn<'a> {
    request: &'a Request,
    now: Timestamp,
    next: Revision,
    done: Counts,
    limits: &'a Limits,
    before: &'a World,
    after: &'a World,
    decision: &'a Decision,
}

/// Decides one turn.
fn decide_on(
    view: &dyn View,
    request: &Request,
    (now, next, done): (Timestamp, Revision, Counts),
    limits: &Limits,
) -> Result<Decision, Refusal> {
    match decide(request, view, &Env { now, next, limits, commit_len, done }) {
        Ok(decision) => Ok(decision),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Unreadable(error)) => panic!("{error}"),
    }
}

/// Runs steps from nothing, and shows each turn.
fn run(steps: Vec<Step>, mut check: impl FnMut(Turn<'_>)) {
    let limits = small_limits();
    let mut world = World::default();
    let mut next = Revision::new(1);
    let mut seconds = 0;
    for step in steps {
        seconds += step.seconds;
        let now = at(seconds);
        let request = match step.request.or_else(|| expiry(&world, now)) {
            Some(request) => resolve(request, &world),
            None => continue,
        };
        let mut done = Counts::default();
        loop {
            let before = world.clone();
            let Ok(decision) = decide_on(&before, &request, (now, next, done), &limits) else {
                break;
            };
            decision.commits.iter().for_each(|commit| world.apply(commit));
            let (after, limits) = (&world, &limits);
            let (before, decision) = (&before, &decision);
            check(Turn { request: &request, now, next, done, limits, before, after, decision });
            if let Some(last) = decision.commits.last() {
                next = last.revision.next();
            }
            done = decision.answer.counts;
            if !decision.unfinished {
                break;
            }
        }
    }
}

/// What a store would ask for if hats are due.
fn expiry(world: &World, now: Timestamp) -> Option<Request> {
    let is_due = |document: &Document| {
        document.hats.values().any(|had| had.expire_time.is_some_and(|time| time <= now))
    };
    let ((room_jid, _), _) = world.documents.iter().find(|(_, document)| is_due(document))?;
    let due = world.documents_in(room_jid).filter(|(_, document)| is_due(document));
    let user_jids = due.map(|(user, _)| user.clone()).collect();
    Some(Request::new(Command::Expire { room_jid: room_jid.clone(), user_jids }))
}

/// The state with what names commits left out: what a change must be a change of.
fn without_revisions(world: &World) -> World {
    let mut world = world.clone();
    for state in world.rooms.values_mut() {
        state.head = Revision::NONE;
        state.room.revision = Revision::NONE;
    }
    for document in world.documents.values_mut() {
        document.revision = Revision::NONE;
        document.update_time = None;
    }
    world.definitions.values_mut().for_each(|it| it.revision = Revision::NONE);
    world
}

fn changed_users(turn: &Turn<'_>) -> impl Iterator<Item = (Commit, UserChange)> {
    let commits = turn.decision.commits.clone().into_iter();
    commits.flat_map(|commit| commit.users.clone().into_iter().map(move |it| (commit.clone(), it)))
}

fn document(world: &World, commit: &Commit, change: &UserChange) -> Document {
    world.document(&commit.room_jid, &change.user_jid).unwrap()
}

proptest! {
    #[test]
    fn nobody_has_hats_who_may_not(steps in steps()) {
        run(steps, |turn| {
            for ((room_jid, user_jid), after) in &turn.after.documents {
                assert!(!(after.affiliation == Affiliation::Outcast && after.has_hats()));
                let before = turn.before.document(room_jid, user_jid).unwrap();
                let room = turn.after.rooms[room_jid].room;
                let new = after.hats.keys().filter(|hat| !before.hats.contains_key(*hat));
                for hat in new {
                    assert!(room.eligibility == Eligibility::Anyone
                        || after.affiliation.is_affiliated(), "{user_jid} in {room_jid}");
                    assert!(room.hat_policy == HatPolicy::AnyUri
                        || turn.after.definition(room_jid, hat).unwrap().is_some(), "{hat}");
                }
            }
        });
    }

    #[test]
    fn limits_hold(steps in steps()) {
        run(steps, |turn| {
            for document in turn.after.documents.values() {
                assert!(document.hats.len() <= turn.limits.hats_per_user_max);
                assert!(document.size_bytes() <= turn.limits.document_bytes_max);
            }
            for room in turn.after.rooms.keys() {
                let defined = turn.after.definitions_in(room).count();
                assert!(defined <= turn.limits.definitions_per_room_max);
            }
            for commit in &turn.decision.commits {
                let users = commit.users.iter().filter(|user| !user.changes.is_empty()).count();
                assert!(users <= turn.limits.operations_per_commit_max);
                assert!(commit_len(commit) <= turn.limits.commit_bytes_max);
            }
        });
    }

    #[test]
    fn revisions_rise_by_one_and_stand_on_all_that_changed(steps in steps()) {
        run(steps, |turn| {
            let mut expected = turn.next;
            for commit in &turn.decision.commits {
                assert_eq!(commit.revision, expected);
                assert_eq!(commit.time, turn.now);
                expected = expected.next();
                assert!(commit.room.is_none_or(|room| room.revision == commit.revision));
                assert!(commit.definitions.iter().all(|it| it.revision == commit.revision));
                for user in commit.users.iter().filter(|user| !user.document.is_absent()) {
                    assert_eq!(user.document.revision, commit.revision);
                    assert_eq!(user.document.update_time, Some(turn.now));
                }
            }
        });
    }

    #[test]
    fn there_is_a_commit_exactly_if_the_state_changes(steps in steps()) {
        run(steps, |turn| {
            let changed = without_revisions(turn.before) != without_revisions(turn.after);
            assert_eq!(changed, !turn.decision.commits.is_empty(), "{:?}", turn.request);
            if !changed {
                assert_eq!(turn.before, turn.after);
                assert!(!turn.decision.unfinished);
            }
            for commit in &turn.decision.commits {
                assert!(commit.users.iter().all(|user| {
                    let before = turn.before.document(&commit.room_jid, &user.user_jid).unwrap();
                    !user.changes.is_empty() || user.document.affiliation != before.affiliation
                }), "{commit:?}");
            }
        });
    }

    #[test]
    fn the_same_is_decided_twice(steps in steps()) {
        run(steps, |turn| {
            let given = (turn.now, turn.next, turn.done);
            let again = decide_on(turn.before, turn.request, given, turn.limits).unwrap();
            assert_eq!(again.commits, turn.decision.commits);
            assert_eq!(again.answer, turn.decision.answer);
            assert_eq!(again.unfinished, turn.decision.unfinished);
        });
    }

    #[test]
    fn changes_say_what_happened_to_each_hat(steps in steps()) {
        run(steps, |turn| {
            let mut world = turn.before.clone();
            for commit in &turn.decision.commits {
                for change in &commit.users {
                    assert_changes(&document(&world, commit, change), change);
                }
                world.apply(commit);
                let users: Vec<_> = commit.users.iter().map(|user| &user.user_jid).collect();
                assert!(users.is_sorted_by(|a, b| a < b), "by user JID, each once");
                if commit.room_deleted {
                    assert!(commit.users.is_empty() && commit.room.is_none());
                }
            }
        });
    }

    #[test]
    fn users_can_neither_doff_nor_discard_what_is_required(steps in steps()) {
        run(steps, |turn| {
            let wardrobe = matches!(
                turn.request.command,
                Command::WearHat { .. } | Command::DoffHat { .. }
                    | Command::ClaimHat { .. } | Command::DiscardHat { .. }
            );
            if !wardrobe {
                return;
            }
            for (commit, change) in changed_users(&turn) {
                let (before, after) = (document(turn.before, &commit, &change), &change.document);
                for (hat, had) in before.hats.iter().filter(|(_, had)| had.required) {
                    let has = after.hats.get(hat).expect("it stays");
                    assert!(has.required && (has.active || !had.active), "{hat}");
                }
                for hat in after.hats.keys().filter(|hat| !before.hats.contains_key(*hat)) {
                    let defined = turn.before.definition(&commit.room_jid, hat).unwrap();
                    assert!(defined.is_some_and(|it| it.self_assignable), "{hat}");
                }
            }
        });
    }

    #[test]
    fn answers_show_records_as_they_are_afterwards(steps in steps()) {
        run(steps, |turn| {
            let answer = &turn.decision.answer;
            let Some(room_jid) = room_of(&turn.request.command) else { return };
            for (user, shown) in &answer.documents {
                assert_eq!(*shown, turn.after.document(room_jid, user).unwrap());
            }
            if let Some(shown) = &answer.definition {
                let kept = turn.after.definition(room_jid, &shown.hat_id).unwrap();
                assert_eq!(Some(shown), kept.as_ref());
            }
            let state = turn.after.room(room_jid).unwrap();
            assert!(answer.room.is_none() || answer.room == state.map(|state| state.room));
            if turn.decision.commits.is_empty() {
                assert_eq!(answer.unchanged, state.map(|state| state.head).unwrap_or_default());
            }
        });
    }

    #[test]
    fn what_was_done_is_not_done_again(steps in steps()) {
        run(steps, |turn| {
            if turn.decision.unfinished || !repeatable(&turn.request.command) {
                return;
            }
            let given = (turn.now, Revision::new(1_000_000), Counts::default());
            let again = decide_on(turn.after, turn.request, given, turn.limits);
            if let Err(Refusal::UserNotAffiliated { room_jid, user_jid }) = &again {
                // The user's last hat was all that the room still knew of the user.
                let eligibility = turn.after.room(room_jid).unwrap().unwrap().room.eligibility;
                let document = turn.after.document(room_jid, user_jid).unwrap();
                assert!(!is_known(eligibility, &document));
                return;
            }
            assert!(
                again.as_ref().is_ok_and(|again| again.commits.is_empty()),
                "{:?}: {again:?}", turn.request,
            );
        });
    }

    #[test]
    fn counts_add_up_and_a_sync_keeps_to_its_bound(steps in steps()) {
        run(steps, |turn| {
            let count = |count: usize| u32::try_from(count).unwrap();
            let (commits, counts) = (&turn.decision.commits, turn.decision.answer.counts);
            let removed = changed_users(&turn).map(|(_, user)| {
                user.changes.iter().filter(|it| it.kind == ChangeKind::Removed).count()
            });
            let removed = count(removed.sum());
            assert_eq!(counts.commits, turn.done.commits + count(commits.len()));
            assert_eq!(counts.users, turn.done.users + count(changed_users(&turn).count()));
            assert_eq!(counts.removed_hats, turn.done.removed_hats + removed);
            if let Command::SyncRooms { max_removed_hats, .. } = turn.request.command {
                assert!(removed <= max_removed_hats);
            }
        });
    }

    #[test]
    fn only_the_last_commit_of_a_request_completes_it(steps in steps()) {
        run(steps, |turn| {
            let Some((last, others)) = turn.decision.commits.split_last() else { return };
            assert!(others.iter().all(|commit| commit.request.is_none()));
            let key = turn.request.key.as_ref().filter(|_| !turn.decision.unfinished);
            assert_eq!(last.request.as_ref().map(|request| &request.key), key);
            if let Some(request) = &last.request {
                assert_eq!(request.fingerprint, turn.request.fingerprint());
                assert_eq!(request.counts, turn.decision.answer.counts);
            }
        });
    }

    #[test]
    fn an_overlay_shows_what_its_base_will(steps in steps(), flushed in 0..60_usize) {
        let mut base = World::default();
        let mut commits = Vec::new();
        let mut turns = 0;
        run(steps, |turn| {
            turns += 1;
            if turns <= flushed {
                base = turn.after.clone();
            } else {
                commits.extend(turn.decision.commits.iter().cloned());
            }
            let mut overlay = Overlay::new(&base);
            for commit in &commits {
                overlay.apply(commit).unwrap();
            }
            assert_same_views(&overlay, turn.after);
        });
    }
}

/// Checks a change of a user against the document before it.
fn assert_changes(before: &Document, change: &UserChange) {
    let after = &change.document;
    let hats: BTreeSet<_> = before.hats.keys().chain(after.hats.keys()).collect();
    let mut changes = change.changes.iter();
    for hat in hats {
        let (had, has) = (before.hats.get(hat), after.hats.get(hat));
        let kind = match (had, has) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (Some(had), Some(has)) if had.same_but_given(has) => {
                assert_eq!(had, has, "who gave it changes only with the rest");
                continue;
            }
            (Some(_), Some(_)) => ChangeKind::Updated,
        };
        let said = changes.next().expect("every change is said");
        assert_eq!((&said.hat_id, said.kind, said.previous.as_ref()), (hat, kind, had));
    }
    assert_eq!(changes.next(), None, "nothing else is said");
}

/// The room of a command about one room.
fn room_of(command: &Command) -> Option<&hatd::jid::RoomJid> {
    match command {
        Command::AddUserHat { target, .. }
        | Command::RemoveUserHat { target, .. }
        | Command::SetUserHats { target, .. }
        | Command::SetAffiliation { target, .. }
        | Command::WearHat { target, .. }
        | Command::DoffHat { target, .. }
        | Command::ClaimHat { target, .. }
        | Command::DiscardHat { target, .. } => Some(&target.room_jid),
        Command::SetHatWearers { room_jid, .. }
        | Command::UpdateRoomHats { room_jid, .. }
        | Command::DefineHat { room_jid, .. }
        | Command::DestroyHat { room_jid, .. }
        | Command::PutRoom { room_jid, .. }
        | Command::DeleteRoom { room_jid, .. }
        | Command::Expire { room_jid, .. } => Some(room_jid),
        Command::SyncRooms { .. } | Command::ForgetUser { .. } => None,
    }
}

/// Whether a command says how things shall be, whatever they are.
fn repeatable(command: &Command) -> bool {
    match command {
        Command::AddUserHat { target, .. }
        | Command::RemoveUserHat { target, .. }
        | Command::SetUserHats { target, .. }
        | Command::SetAffiliation { target, .. }
        | Command::WearHat { target, .. }
        | Command::DoffHat { target, .. }
        | Command::ClaimHat { target, .. } => target.etag.is_none(),
        Command::DefineHat { etag, .. } | Command::PutRoom { etag, .. } => etag.is_none(),
        Command::UpdateRoomHats { preconditions, .. } => preconditions.is_empty(),
        Command::SetHatWearers { .. }
        | Command::DestroyHat { .. }
        | Command::SyncRooms { .. }
        | Command::ForgetUser { .. } => true,
        Command::DeleteRoom { .. } | Command::DiscardHat { .. } | Command::Expire { .. } => false,
    }
}

/// Compares all that two views show.
fn assert_same_views(a: &dyn View, b: &dyn View) {
    for user_jid in USERS.map(user) {
        for limit in 0..4 {
            assert_eq!(
                a.rooms_of(&user_jid, limit).unwrap(),
                b.rooms_of(&user_jid, limit).unwrap()
            );
        }
    }
    for room_jid in ROOMS.map(room) {
        assert_eq!(a.room(&room_jid).unwrap(), b.room(&room_jid).unwrap());
        let counts = [a, b].map(|view| view.definition_count(&room_jid).unwrap());
        assert_eq!(counts[0], counts[1]);
        for user_jid in USERS.map(user) {
            let [a, b] = [a, b].map(|view| view.document(&room_jid, &user_jid).unwrap());
            assert_eq!(a, b);
        }
        for hat_id in HATS.map(hat) {
            let [one, other] = [a, b].map(|view| view.definition(&room_jid, &hat_id).unwrap());
            assert_eq!(one, other);
            for limit in 0..5 {
                let users =
                    [a, b].map(|view| view.users_with_hat(&room_jid, &hat_id, limit).unwrap());
                assert_eq!(users[0], users[1]);
            }
        }
        for (from, until) in [(None, None), (Some(1), None), (None, Some(2)), (Some(1), Some(3))] {
            let at = |index: Option<usize>| index.map(|index| user(USERS[index]));
            let range = UserRange { from: at(from), until: at(until) };
            for limit in 1..5 {
                let shown = [a, b].map(|view| {
                    let mut shown = Vec::new();
                    view.each_document(&room_jid, &range, &mut |user, document| {
                        shown.push((user, document));
                        if shown.len() < limit {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    })
                    .unwrap();
                    shown
                });
                assert_eq!(shown[0], shown[1]);
            }
        }
    }
}
