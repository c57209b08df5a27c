//! What every write takes and answers: request ids, etags, contexts, no-ops.

use futures_util::future::join_all;
use hatd::command::{Command, Operation, Refusal, Request};
use hatd::hat::{Affiliation, Attachment, Context, Revision};
use hatd::store::{Error, Outcome};

use super::conformance;
use crate::support::at;
use crate::support::commands::*;
use crate::support::harness::{Harness, keyed, keyed_by, seconds};

conformance! {
    a_request_id_is_answered_again,
    a_replay_shows_documents_as_they_are_now,
    a_request_whose_time_has_passed_is_answered_again,
    a_hat_whose_time_has_passed_is_refused_by_every_way_to_give_it,
    a_request_id_for_another_body_is_refused,
    the_same_command_spelled_otherwise_is_the_same_request,
    a_request_id_belongs_to_its_caller,
    refusals_and_no_ops_are_decided_anew,
    a_request_id_is_remembered_through_a_kill_and_a_clean_stop,
    a_request_id_is_forgotten_after_its_time,
    a_hundred_at_once_with_one_request_id_make_one_commit,
    a_request_of_several_commits_is_answered_again,
    a_deleted_room_leaves_its_request_ids,
    one_of_many_racers_with_an_etag_wins,
    an_etag_is_compared_with_the_record_written,
    a_stale_etag_is_refused_before_the_no_op_test,
    existence_comes_before_the_etag,
    the_etag_of_what_is_absent_allows_only_creation,
    the_context_is_kept_and_travels,
    an_identical_write_commits_nothing,
    keep_active_leaves_the_choice_to_the_user,
    an_unchanged_answer_has_the_rooms_revision,
}

async fn give_keyed(h: &Harness, id: &str, hat_id: &str) -> Result<Outcome, Error> {
    h.apply(keyed(id, give("ann", hat_id))).await
}

/// Checks that an outcome answers the first one again.
fn assert_replays(first: &Outcome, again: &Outcome) {
    assert!(again.replayed && !first.replayed);
    let same = |it: &Outcome| (it.revision, it.position, it.mark, it.changed, it.counts);
    assert_eq!(same(again), same(first));
}

async fn a_request_id_is_answered_again(h: &mut Harness) {
    h.den(&["ann"]).await;
    let first = give_keyed(h, "1", "a").await.unwrap();
    h.ok(give("ann", "b")).await;
    let head = h.store().head();
    assert_replays(&first, &give_keyed(h, "1", "a").await.unwrap());
    assert_eq!(h.store().head(), head);
}

async fn a_request_whose_time_has_passed_is_answered_again(h: &mut Harness) {
    h.den(&["ann"]).await;
    let request = keyed("1", add(in_den("ann"), "a", until(10)));
    let first = h.apply(request.clone()).await.unwrap();
    h.clock.set(20);
    h.store().expire().await.unwrap();
    let again = h.apply(request).await.unwrap();
    assert_replays(&first, &again);
    assert!(h.hats("ann").await.is_empty());
}

async fn a_hat_whose_time_has_passed_is_refused_by_every_way_to_give_it(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.clock.set(10);
    let over = || [("a", until(10))];
    let op_add =
        Operation::Add { user_jid: user("ann"), hat_id: hat("urn:a"), attachment: until(10) };
    let wearers = Command::SetHatWearers {
        room_jid: room(DEN),
        hat_id: hat("urn:a"),
        user_jids: [user("ann")].into(),
        attachment: until(10),
        keep_active: false,
    };
    let a = hat("a");
    for (command, expected) in [
        (add(in_den("ann"), "a", until(10)), "attachment.expire_time".to_owned()),
        (wearers, "attachment.expire_time".to_owned()),
        (set(in_den("ann"), &over(), ""), format!("hats[\"{a}\"].expire_time")),
        (update(vec![op_add]), "operations[0].add.attachment.expire_time".to_owned()),
        (
            update(vec![op_set("ann", &over())]),
            format!("operations[0].set.hats[\"{a}\"].expire_time"),
        ),
    ] {
        match h.refused(command).await {
            Refusal::InvalidField { field, .. } => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }
    h.ok(add(in_den("ann"), "a", until(11))).await;
}

async fn a_replay_shows_documents_as_they_are_now(h: &mut Harness) {
    h.den(&["ann"]).await;
    let first = give_keyed(h, "1", "a").await.unwrap();
    assert_eq!(first.documents, [(user("ann"), h.document("ann").await)]);
    h.ok(remove(in_den("ann"), "a")).await;
    h.ok(give("ann", "b")).await;
    let again = give_keyed(h, "1", "a").await.unwrap();
    assert_eq!(again.documents, [(user("ann"), h.document("ann").await)]);

    let define = keyed("2", define("a"));
    let first = h.apply(define.clone()).await.unwrap();
    assert!(first.definition.is_some());
    h.ok(destroy("a")).await;
    let again = h.apply(define).await.unwrap();
    assert_replays(&first, &again);
    assert_eq!(again.definition, None);
}

async fn a_request_id_for_another_body_is_refused(h: &mut Harness) {
    h.den(&["ann"]).await;
    give_keyed(h, "1", "a").await.unwrap();
    let head = h.store().head();
    let context = Some(Context { actor: "eve".into(), reason: String::new() });
    let others = [
        keyed("1", give("ann", "b")),
        keyed("1", remove(in_den("ann"), "a")),
        keyed("1", add(in_den("ann"), "a", inactive())),
        keyed("1", give("bob", "a")),
        Request { context, ..keyed("1", give("ann", "a")) },
    ];
    for other in others {
        let refused = h.apply(other).await;
        assert!(
            matches!(&refused, Err(Error::RequestIdReused { request_id }) if request_id == "1"),
            "{refused:?}"
        );
    }
    assert_eq!(h.store().head(), head);
}

async fn the_same_command_spelled_otherwise_is_the_same_request(h: &mut Harness) {
    h.den(&["ann"]).await;
    let one = set(in_den("ann"), &[("a", active()), ("b", inactive())], "");
    let other = set(target("DEN@Rooms.Example", "ANN"), &[("b", inactive()), ("a", active())], "");
    let first = h.apply(keyed("1", one)).await.unwrap();
    assert_replays(&first, &h.apply(keyed("1", other)).await.unwrap());
}

async fn a_request_id_belongs_to_its_caller(h: &mut Harness) {
    h.den(&["ann"]).await;
    // Callers and ids that are the same text when written after each other.
    for (caller, id, hat_id) in [("bot", "1", "a"), ("bo", "t1", "b"), ("", "bot1", "c")] {
        let outcome = h.apply(keyed_by(caller, id, give("ann", hat_id))).await.unwrap();
        assert!(outcome.changed && !outcome.replayed);
    }
    assert_eq!(h.hats("ann").await, [hat("a"), hat("b"), hat("c")]);
}

async fn refusals_and_no_ops_are_decided_anew(h: &mut Harness) {
    h.den(&[]).await;
    let refused = give_keyed(h, "1", "a").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::UserNotAffiliated { .. }))));
    h.ok(affiliate(in_den("ann"), Affiliation::Member)).await;
    let done = give_keyed(h, "1", "a").await.unwrap();
    assert!(done.changed && !done.replayed);

    let no_op = give_keyed(h, "2", "a").await.unwrap();
    assert!(!no_op.changed && !no_op.replayed);
    h.ok(remove(in_den("ann"), "a")).await;
    let done = give_keyed(h, "2", "a").await.unwrap();
    assert!(done.changed && !done.replayed);
    // The id of a no-op is free for another command.
    assert!(!give_keyed(h, "3", "a").await.unwrap().changed);
    assert!(give_keyed(h, "3", "b").await.unwrap().changed);
}

async fn a_request_id_is_remembered_through_a_kill_and_a_clean_stop(h: &mut Harness) {
    h.den(&["ann"]).await;
    let first = give_keyed(h, "1", "a").await.unwrap();
    h.kill();
    assert_replays(&first, &give_keyed(h, "1", "a").await.unwrap());
    h.reopen().await;
    assert_replays(&first, &give_keyed(h, "1", "a").await.unwrap());
    let reused = give_keyed(h, "1", "b").await;
    assert!(matches!(reused, Err(Error::RequestIdReused { .. })), "{reused:?}");
}

async fn a_request_id_is_forgotten_after_its_time(h: &mut Harness) {
    h.begin_with(|setup| setup.options.request_id_ttl = seconds(60));
    h.den(&["ann"]).await;
    let first = give_keyed(h, "1", "a").await.unwrap();
    h.clock.set(59);
    assert_replays(&first, &give_keyed(h, "1", "a").await.unwrap());
    h.clock.set(60);
    let anew = give_keyed(h, "1", "b").await.unwrap();
    assert!(anew.changed && !anew.replayed);
    // What was forgotten of the first must not take the second along.
    h.clock.set(119);
    h.ok(give("ann", "c")).await;
    assert_replays(&anew, &give_keyed(h, "1", "b").await.unwrap());
    h.kill();
    assert_replays(&anew, &give_keyed(h, "1", "b").await.unwrap());
    h.clock.set(120);
    h.reopen().await;
    assert!(!give_keyed(h, "1", "b").await.unwrap().replayed);
}

async fn a_hundred_at_once_with_one_request_id_make_one_commit(h: &mut Harness) {
    h.den(&["ann"]).await;
    let head = h.store().head().0;
    let all = join_all((0..100).map(|_| give_keyed(h, "1", "a"))).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(h.store().head().0, head.next());
    assert_eq!(all.iter().filter(|outcome| !outcome.replayed).count(), 1);
    let first = all.iter().find(|outcome| !outcome.replayed).unwrap();
    all.iter().filter(|outcome| outcome.replayed).for_each(|again| assert_replays(first, again));
    h.kill();
    assert_replays(first, &give_keyed(h, "1", "a").await.unwrap());
}

async fn a_request_of_several_commits_is_answered_again(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.operations_per_commit_max = 2);
    h.den(&["a", "b", "c", "d", "e"]).await;
    for name in ["a", "b", "c", "d", "e"] {
        h.ok(give(name, "x")).await;
    }
    let head = h.store().head().0;
    let first = h.apply(keyed("1", destroy("x"))).await.unwrap();
    assert_eq!((first.counts.commits, first.counts.users, first.counts.removed_hats), (3, 5, 5));
    assert_eq!(first.position.get(), head.get() + 3);
    h.kill();
    assert_replays(&first, &h.apply(keyed("1", destroy("x"))).await.unwrap());

    let entries = vec![upsert("a@x.example", &[]), upsert("b@x.example", &[])];
    let first = h.apply(keyed("2", sync(entries.clone(), 0))).await.unwrap();
    assert_eq!(first.counts.commits, 2);
    assert_replays(&first, &h.apply(keyed("2", sync(entries, 0))).await.unwrap());
}

async fn a_deleted_room_leaves_its_request_ids(h: &mut Harness) {
    h.den(&["ann"]).await;
    let given = give_keyed(h, "1", "a").await.unwrap();
    let deleted = h.apply(keyed("2", delete_room(DEN))).await.unwrap();
    assert_eq!(deleted.room, None);
    for _ in 0..2 {
        assert_replays(&given, &give_keyed(h, "1", "a").await.unwrap());
        assert_replays(&deleted, &h.apply(keyed("2", delete_room(DEN))).await.unwrap());
        h.kill();
    }
}

async fn one_of_many_racers_with_an_etag_wins(h: &mut Harness) {
    h.den(&["ann"]).await;
    let etag = Some(h.document("ann").await.revision.etag());
    let racers = (0..50).map(|n| {
        let target = hatd::command::Target { etag: etag.clone(), ..in_den("ann") };
        h.apply(Request::new(add(target, &format!("n{n}"), active())))
    });
    let outcomes = join_all(racers).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 49));
    let present = h.document("ann").await.revision.etag();
    for refused in lost {
        let mismatch = Refusal::EtagMismatch { present: present.clone() };
        assert!(matches!(refused, Err(Error::Refused(it)) if it == mismatch));
    }
    assert_eq!(h.hats("ann").await.len(), 1);
}

fn with_etag(command: Command, etag: &str) -> Command {
    let mut command = command;
    match &mut command {
        Command::AddUserHat { target, .. }
        | Command::RemoveUserHat { target, .. }
        | Command::SetUserHats { target, .. }
        | Command::SetAffiliation { target, .. }
        | Command::WearHat { target, .. }
        | Command::DoffHat { target, .. }
        | Command::ClaimHat { target, .. }
        | Command::DiscardHat { target, .. } => target.etag = Some(etag.into()),
        Command::DefineHat { etag: it, .. }
        | Command::PutRoom { etag: it, .. }
        | Command::DeleteRoom { etag: it, .. } => *it = Some(etag.into()),
        other => panic!("{other:?} takes no etag"),
    }
    command
}

async fn an_etag_is_compared_with_the_record_written(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(define_claimable("a")).await;
    let room_etag = h.store().room(&room(DEN)).await.unwrap().unwrap().room.revision.etag();
    h.ok(give("bob", "a")).await;
    let document_etag = h.document("ann").await.revision.etag();
    // Commits to other records of the room have changed neither.
    h.ok(with_etag(put_room_as(DEN, for_anyone()), &room_etag)).await;
    let outcome = h.ok(with_etag(claim("ann", "a"), &document_etag)).await;
    assert_eq!(outcome.documents[0].1.revision, outcome.revision);
    let defined = h.ok(define("a")).await.definition.unwrap();
    h.ok(with_etag(define_claimable("a"), &defined.revision.etag())).await;
    let stale = h.refused(with_etag(doff("ann", "a"), &document_etag)).await;
    assert_eq!(stale, Refusal::EtagMismatch { present: outcome.revision.etag() });
    let room_now = h.store().room(&room(DEN)).await.unwrap().unwrap();
    assert!(room_now.head > room_now.room.revision);
    h.refused(with_etag(delete_room(DEN), &room_now.head.etag())).await;
    h.ok(with_etag(delete_room(DEN), &room_now.room.revision.etag())).await;
}

async fn a_stale_etag_is_refused_before_the_no_op_test(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(define_claimable("a")).await;
    h.ok(give("ann", "a")).await;
    let no_ops = [
        give("ann", "a"),
        remove(in_den("ann"), "x"),
        set(in_den("ann"), &[("a", active())], ""),
        affiliate(in_den("ann"), Affiliation::Member),
        wear("ann", "a"),
        claim("ann", "a"),
        define_claimable("a"),
        put_room(DEN),
    ];
    for command in no_ops {
        h.unchanged(command.clone()).await;
        let refusal = h.refused(with_etag(command.clone(), "7777")).await;
        assert!(matches!(refusal, Refusal::EtagMismatch { .. }), "{command:?}: {refusal:?}");
    }
    for command in [doff("ann", "a"), discard("ann", "a"), delete_room(DEN)] {
        let refusal = h.refused(with_etag(command.clone(), "7777")).await;
        assert!(matches!(refusal, Refusal::EtagMismatch { .. }), "{command:?}: {refusal:?}");
    }
}

async fn existence_comes_before_the_etag(h: &mut Harness) {
    let refusal = h.refused(with_etag(give("ann", "a"), "7777")).await;
    assert_eq!(refusal, Refusal::RoomNotFound { room_jid: room(DEN) });
    let refusal = h.refused(with_etag(delete_room(DEN), "7777")).await;
    assert_eq!(refusal, Refusal::RoomNotFound { room_jid: room(DEN) });
    h.den(&[]).await;
    let refusal = h.refused(with_etag(give("ann", "a"), "7777")).await;
    assert!(matches!(refusal, Refusal::UserNotAffiliated { .. }));
}

async fn the_etag_of_what_is_absent_allows_only_creation(h: &mut Harness) {
    let absent = Revision::NONE.etag();
    h.ok(with_etag(put_room_as(DEN, for_anyone()), &absent)).await;
    h.refused(with_etag(put_room_as(DEN, for_affiliated()), &absent)).await;
    h.ok(with_etag(give("ann", "a"), &absent)).await;
    h.refused(with_etag(give("ann", "b"), &absent)).await;
    h.ok(with_etag(define("a"), &absent)).await;
    h.refused(with_etag(define_claimable("a"), &absent)).await;
}

async fn the_context_is_kept_and_travels(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.clock.set(7);
    let context = Context { actor: "bob".into(), reason: "a prize".into() };
    let request = Request { context: Some(context.clone()), ..Request::new(give("ann", "a")) };
    h.apply(request.clone()).await.unwrap();
    assert_eq!(h.last().await.commit.context, Some(context.clone()));
    let given = |document: &hatd::hat::Document| document.hats[&hat("a")].given.clone().unwrap();
    let first = given(&h.document("ann").await);
    assert_eq!((first.actor, first.reason, first.time), ("bob".into(), "a prize".into(), at(7)));

    // Giving it again for another reason is no change; doffing keeps who gave it.
    h.clock.set(8);
    let context = Some(Context { actor: "cat".into(), reason: "another".into() });
    assert!(!h.apply(Request { context, ..request }).await.unwrap().changed);
    h.ok(doff("ann", "a")).await;
    assert_eq!(given(&h.document("ann").await).actor, "bob");
    h.ok(add(in_den("ann"), "a", required())).await;
    let last = given(&h.document("ann").await);
    assert_eq!((last.actor.as_str(), last.time), ("", at(8)));
}

async fn an_identical_write_commits_nothing(h: &mut Harness) {
    h.den(&["ann"]).await;
    let titled = Attachment { title: Some(title("Awesome")), ..until(100) };
    let entry = replace(DEN, None, None, &[("ann", Affiliation::Member)]);
    let commands = [
        define("a"),
        add(in_den("ann"), "a", titled.clone()),
        set(in_den("ann"), &[("a", titled), ("b", inactive())], ""),
        set_wearers("c", &["ann"]),
        update(vec![op_add("ann", "d"), op_remove("ann", "b")]),
        doff("ann", "d"),
        wear("ann", "d"),
        put_room_as(DEN, defined_only()),
        affiliate(in_den("ann"), Affiliation::Admin),
        sync(vec![entry], 0),
        affiliate(in_den("eve"), Affiliation::Outcast),
        remove(in_den("ann"), "c"),
        destroy("a"),
        forget("ann"),
    ];
    for (seconds, command) in (1..).zip(commands) {
        h.ok(command.clone()).await;
        h.clock.set(seconds);
        h.unchanged(command).await;
    }
}

async fn keep_active_leaves_the_choice_to_the_user(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(give("ann", "a")).await;
    h.ok(doff("ann", "a")).await;
    let keep = |command: Command| {
        let mut command = command;
        match &mut command {
            Command::AddUserHat { keep_active, .. }
            | Command::SetUserHats { keep_active, .. }
            | Command::SetHatWearers { keep_active, .. }
            | Command::UpdateRoomHats { keep_active, .. } => *keep_active = true,
            other => panic!("{other:?} gives no hats"),
        }
        command
    };
    h.unchanged(keep(give("ann", "a"))).await;
    h.unchanged(keep(set(in_den("ann"), &[("a", active())], ""))).await;
    h.unchanged(keep(update(vec![op_add("ann", "a")]))).await;
    h.ok(keep(set_wearers("a", &["ann", "bob"]))).await;
    assert!(!h.document("ann").await.hats[&hat("a")].active);
    assert!(h.document("bob").await.hats[&hat("a")].active, "a new hat is as given");
    h.ok(keep(add(in_den("ann"), "a", required()))).await;
    let had = h.document("ann").await.hats[&hat("a")].clone();
    assert!(!had.active && had.required);
    h.ok(give("ann", "a")).await;
    assert!(h.document("ann").await.hats[&hat("a")].active);
}

async fn an_unchanged_answer_has_the_rooms_revision(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(give("ann", "a")).await;
    let defined = h.ok(define("a")).await;
    h.ok(put_room("other@rooms.example")).await;
    let outcome = h.unchanged(give("ann", "a")).await;
    assert_eq!(outcome.revision, defined.revision);
    assert_eq!(outcome.documents, [(user("ann"), h.document("ann").await)]);
    let outcome = h.unchanged(define("a")).await;
    assert_eq!((outcome.revision, outcome.definition), (defined.revision, defined.definition));
    let outcome = h.unchanged(put_room(DEN)).await;
    assert_eq!(outcome.revision, defined.revision);
    assert_eq!(outcome.room, h.store().room(&room(DEN)).await.unwrap().map(|state| state.room));
}
