//! Which rooms there are, and who belongs to them.

use hatd::command::{Command, Refusal, RoomSettings, SyncEntry};
use hatd::commit::{Cause, ChangeKind};
use hatd::hat::{Affiliation, Eligibility, HatPolicy};

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::Harness;

use Affiliation::{Admin, Member, None as Nothing, Outcast, Owner};

conformance! {
    unset_settings_are_defaults_or_no_change,
    a_deleted_room_is_gone_with_all_that_was_in_it,
    a_room_made_again_begins_empty_with_a_higher_revision,
    who_is_none_is_forgotten,
    an_outcast_loses_the_hats_for_good,
    a_room_for_anyone_knows_no_affiliation_but_outcast,
    from_anyone_to_affiliated_takes_nothing_away,
    an_upsert_touches_only_those_listed,
    a_replace_forgets_who_is_not_listed,
    a_replace_of_a_range_touches_nothing_outside,
    a_replace_in_a_room_for_anyone_leaves_hats_alone,
    a_listed_user_outside_the_range_is_refused,
    entries_that_touch_the_same_users_are_refused,
    entries_apart_in_one_room_work,
    entries_that_set_a_room_differently_are_refused,
    settings_of_a_later_entry_count_for_the_earlier,
    a_sync_that_would_remove_too_many_hats_does_nothing,
    a_sync_repeated_changes_nothing,
    a_sync_entry_removes_at_most_so_many,
    forgetting_a_user_takes_one_commit_a_room,
    forgetting_goes_on_over_many_rooms,
}

async fn state(h: &Harness) -> hatd::command::RoomState {
    h.store().room(&room(DEN)).await.unwrap().unwrap()
}

async fn unset_settings_are_defaults_or_no_change(h: &mut Harness) {
    let created = h.ok(put_room(DEN)).await.room.unwrap();
    assert_eq!(created.hat_policy, HatPolicy::AnyUri);
    assert_eq!(created.eligibility, Eligibility::Affiliated);
    assert_eq!(created, state(h).await.room);
    h.unchanged(put_room(DEN)).await;
    h.ok(put_room_as(DEN, defined_only())).await;
    let changed = h.ok(put_room_as(DEN, for_anyone())).await.room.unwrap();
    assert_eq!(changed.hat_policy, HatPolicy::DefinedOnly);
    assert_eq!(changed.eligibility, Eligibility::Anyone);
    h.unchanged(put_room(DEN)).await;
    h.unchanged(sync(vec![upsert(DEN, &[])], 0)).await;
    // An explicit default is a change.
    let back = RoomSettings { hat_policy: Some(HatPolicy::AnyUri), eligibility: None };
    assert_eq!(h.ok(put_room_as(DEN, back)).await.room.unwrap().hat_policy, HatPolicy::AnyUri);
}

async fn a_deleted_room_is_gone_with_all_that_was_in_it(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(define("a")).await;
    h.ok(add(in_den("ann"), "a", until(10))).await;
    let before = h.store().head().0;
    let outcome = h.ok(delete_room(DEN)).await;
    let commits = h.since(before).await;
    let [entry] = commits.as_slice() else { panic!("{commits:?}") };
    assert!(entry.commit.room_deleted && entry.commit.users.is_empty());
    assert_eq!(entry.commit.revision, outcome.revision);
    assert_eq!(h.refused(delete_room(DEN)).await, Refusal::RoomNotFound { room_jid: room(DEN) });
    h.unchanged(forget("ann")).await;
    h.clock.set(20);
    h.store().expire().await.unwrap();
    assert_eq!(h.store().head().0, entry.position, "nothing of it is left to expire");
    let read = h.store().document(&room(DEN), &user("ann")).await.unwrap();
    assert_eq!(read, (None, hatd::hat::Document::default()));
}

async fn a_room_made_again_begins_empty_with_a_higher_revision(h: &mut Harness) {
    let mut last = hatd::hat::Revision::NONE;
    for round in 0..4 {
        h.ok(put_room_as(DEN, for_anyone())).await;
        assert!(h.hats("ann").await.is_empty());
        let defined = h.ok(define("a")).await;
        assert!(defined.revision > last, "round {round}");
        h.ok(give("ann", "a")).await;
        last = h.ok(delete_room(DEN)).await.revision;
        match round {
            0 => h.kill(),
            1 => h.reopen().await,
            _ => {}
        }
    }
}

async fn who_is_none_is_forgotten(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(give("ann", "a")).await;
    let outcome = h.ok(affiliate(in_den("ann"), Nothing)).await;
    assert!(outcome.documents[0].1.is_absent());
    let commit = h.last().await.commit;
    assert_eq!(commit.cause, Cause::Affiliation);
    assert_eq!(commit.users[0].changes[0].kind, ChangeKind::Removed);
    h.unchanged(affiliate(in_den("ann"), Nothing)).await;
    h.ok(affiliate(in_den("ann"), Member)).await;
    assert!(h.hats("ann").await.is_empty());
}

async fn an_outcast_loses_the_hats_for_good(h: &mut Harness) {
    for settings in [for_affiliated(), for_anyone()] {
        h.ok(put_room_as(DEN, settings)).await;
        h.ok(affiliate(in_den("ann"), Owner)).await;
        h.ok(add(in_den("ann"), "a", required())).await;
        h.ok(affiliate(in_den("ann"), Outcast)).await;
        assert!(h.hats("ann").await.is_empty());
        assert_eq!(h.last().await.commit.users[0].changes[0].kind, ChangeKind::Removed);
        h.ok(affiliate(in_den("ann"), Member)).await;
        assert!(h.hats("ann").await.is_empty());
    }
}

async fn a_room_for_anyone_knows_no_affiliation_but_outcast(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.unchanged(remove(in_den("ann"), "a")).await;
    h.ok(give("ann", "a")).await;
    for affiliation in [Owner, Admin, Member, Nothing] {
        h.ok(affiliate(in_den("ann"), affiliation)).await;
        assert_eq!(h.hats("ann").await, [hat("a")]);
    }
    h.ok(affiliate(in_den("ann"), Outcast)).await;
    for command in [give("ann", "a"), wear("ann", "a"), set(in_den("ann"), &[], "")] {
        let refusal = h.refused(command).await;
        assert!(matches!(refusal, Refusal::UserNotAffiliated { .. }), "{refusal:?}");
    }
}

async fn from_anyone_to_affiliated_takes_nothing_away(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(set(in_den("ann"), &[("a", active()), ("b", active())], "")).await;
    h.ok(give("bob", "a")).await;
    h.ok(put_room_as(DEN, for_affiliated())).await;
    assert!(h.last().await.commit.users.is_empty());
    // What is left may be changed and taken off, but nothing newly put on.
    h.ok(doff("ann", "a")).await;
    h.ok(add(in_den("ann"), "a", required())).await;
    h.ok(remove(in_den("ann"), "b")).await;
    for command in [
        give("ann", "b"),
        set(in_den("ann"), &[("a", active()), ("b", active())], ""),
        set_wearers("b", &["ann"]),
    ] {
        let refusal = h.refused(command).await;
        assert!(matches!(refusal, Refusal::UserNotAffiliated { .. }), "{refusal:?}");
    }
    h.ok(affiliate(in_den("ann"), Nothing)).await;
    assert!(h.document("ann").await.is_absent());
    h.refused(remove(in_den("ann"), "a")).await;
    h.ok(remove(in_den("bob"), "a")).await;
    h.refused(remove(in_den("bob"), "a")).await;
}

async fn an_upsert_touches_only_those_listed(h: &mut Harness) {
    h.den(&["ann", "bob", "cat"]).await;
    h.ok(give("ann", "a")).await;
    h.ok(give("bob", "a")).await;
    let entry = SyncEntry {
        settings: defined_only(),
        ..upsert(DEN, &[("bob", Admin), ("cat", Nothing), ("dan", Outcast)])
    };
    let outcome = h.ok(sync(vec![entry, upsert("new@rooms.example", &[("ann", Owner)])], 0)).await;
    assert_eq!((outcome.counts.commits, outcome.counts.users), (2, 4));
    assert_eq!(h.last().await.commit.cause, Cause::Sync);
    assert_eq!(state(h).await.room.hat_policy, HatPolicy::DefinedOnly);
    assert_eq!(h.document("ann").await.affiliation, Member);
    assert_eq!(h.document("bob").await.affiliation, Admin);
    assert_eq!(h.hats("bob").await, [hat("a")]);
    assert!(h.document("cat").await.is_absent());
}

async fn a_replace_forgets_who_is_not_listed(h: &mut Harness) {
    h.den(&["ann", "bob", "cat"]).await;
    h.ok(affiliate(in_den("eve"), Outcast)).await;
    for name in ["ann", "bob", "cat"] {
        h.ok(give(name, "a")).await;
    }
    let entry = replace(DEN, None, None, &[("ann", Admin), ("cat", Outcast)]);
    let outcome = h.ok(sync(vec![entry], 2)).await;
    assert_eq!(outcome.counts.removed_hats, 2);
    assert_eq!(h.hats("ann").await, [hat("a")]);
    assert!(h.document("bob").await.is_absent());
    assert!(h.document("eve").await.is_absent(), "outcasts too");
    assert_eq!(h.document("cat").await.affiliation, Outcast);
}

async fn a_replace_of_a_range_touches_nothing_outside(h: &mut Harness) {
    h.den(&["ann", "bob", "cat", "dan"]).await;
    h.ok(sync(vec![replace(DEN, Some("bob"), Some("dan"), &[])], 0)).await;
    assert_eq!(h.document("ann").await.affiliation, Member);
    assert!(h.document("bob").await.is_absent(), "from is in the range");
    assert!(h.document("cat").await.is_absent());
    assert_eq!(h.document("dan").await.affiliation, Member, "until is not");
    h.ok(sync(vec![replace(DEN, None, Some("bob"), &[])], 0)).await;
    assert!(h.document("ann").await.is_absent());
    h.ok(sync(vec![replace(DEN, Some("dan"), None, &[("zoe", Owner)])], 0)).await;
    assert!(h.document("dan").await.is_absent());
    assert_eq!(h.document("zoe").await.affiliation, Owner);
}

async fn a_replace_in_a_room_for_anyone_leaves_hats_alone(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(affiliate(in_den("ann"), Member)).await;
    for name in ["ann", "bob"] {
        h.ok(give(name, "a")).await;
    }
    h.ok(sync(vec![replace(DEN, None, None, &[])], 0)).await;
    assert_eq!(h.document("ann").await.affiliation, Nothing);
    assert_eq!(h.hats("ann").await, [hat("a")]);
    assert_eq!(h.hats("bob").await, [hat("a")]);
    // The settings of the entry count for its own affiliations.
    h.ok(affiliate(in_den("ann"), Member)).await;
    let entry = SyncEntry { settings: for_affiliated(), ..replace(DEN, None, None, &[]) };
    h.ok(sync(vec![entry], 1)).await;
    assert!(h.document("ann").await.is_absent());
    assert_eq!(h.hats("bob").await, [hat("a")], "who was NONE already keeps what is left");
}

fn field_of(refusal: Refusal) -> String {
    match refusal {
        Refusal::InvalidField { field, .. } => field,
        other => panic!("{other:?}"),
    }
}

async fn a_listed_user_outside_the_range_is_refused(h: &mut Harness) {
    for (from, until) in [(Some("bob"), None), (None, Some("ann")), (Some("bob"), Some("cat"))] {
        let entries =
            vec![upsert("new@rooms.example", &[]), replace(DEN, from, until, &[("ann", Member)])];
        assert_eq!(field_of(h.refused(sync(entries, 0)).await), "entries[1]");
    }
    assert!(h.store().room(&room("new@rooms.example")).await.unwrap().is_none());
}

async fn entries_that_touch_the_same_users_are_refused(h: &mut Harness) {
    let pairs = [
        [upsert(DEN, &[("ann", Member)]), upsert(DEN, &[("bob", Member), ("ann", Owner)])],
        [replace(DEN, None, Some("bob"), &[]), upsert(DEN, &[("ann", Member)])],
        [upsert(DEN, &[("ann", Member)]), replace(DEN, Some("ann"), None, &[])],
        [replace(DEN, None, None, &[]), replace(DEN, Some("ann"), Some("bob"), &[])],
        [replace(DEN, None, Some("cat"), &[]), replace(DEN, Some("bob"), None, &[])],
    ];
    for pair in pairs {
        assert_eq!(field_of(h.refused(sync(pair.to_vec(), 0)).await), "entries[1]", "{pair:?}");
    }
}

async fn entries_apart_in_one_room_work(h: &mut Harness) {
    h.den(&["ann", "bob", "cat"]).await;
    let entries = vec![
        replace(DEN, None, Some("bob"), &[]),
        replace(DEN, Some("bob"), Some("cat"), &[("bob", Owner)]),
        upsert(DEN, &[("dan", Admin)]),
        upsert(DEN, &[("eve", Admin)]),
    ];
    let outcome = h.ok(sync(entries, 0)).await;
    assert_eq!(outcome.counts.commits, 4);
    assert!(h.document("ann").await.is_absent());
    assert_eq!(h.document("bob").await.affiliation, Owner);
    assert_eq!(h.document("cat").await.affiliation, Member);
    assert_eq!(h.document("dan").await.affiliation, Admin);
}

async fn entries_that_set_a_room_differently_are_refused(h: &mut Harness) {
    let entry = |settings| SyncEntry { settings, ..upsert(DEN, &[]) };
    let entries = vec![entry(for_anyone()), entry(for_affiliated())];
    assert_eq!(field_of(h.refused(sync(entries, 0)).await), "entries[1]");
    h.ok(sync(vec![entry(for_anyone()), entry(for_anyone()), entry(defined_only())], 0)).await;
}

async fn settings_of_a_later_entry_count_for_the_earlier(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(give("ann", "a")).await;
    let later = SyncEntry { settings: for_affiliated(), ..upsert(DEN, &[]) };
    let entries = vec![upsert(DEN, &[("ann", Nothing)]), later];
    h.ok(sync(entries.clone(), 1)).await;
    assert!(h.document("ann").await.is_absent());
    h.unchanged(sync(entries, 0)).await;
}

async fn a_sync_that_would_remove_too_many_hats_does_nothing(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(set(in_den("ann"), &[("a", active()), ("b", active())], "")).await;
    h.ok(give("bob", "a")).await;
    let upserting = upsert(DEN, &[("ann", Nothing), ("bob", Outcast)]);
    for entry in [upserting, replace(DEN, None, None, &[])] {
        let entries = vec![upsert("new@rooms.example", &[]), entry];
        for allowed in [0, 2] {
            let refusal = h.refused(sync(entries.clone(), allowed)).await;
            assert_eq!(refusal, Refusal::SyncWouldRemove { removed: 3, allowed });
        }
    }
    assert!(h.store().room(&room("new@rooms.example")).await.unwrap().is_none());
    h.ok(sync(vec![replace(DEN, None, None, &[])], 3)).await;
}

async fn a_sync_repeated_changes_nothing(h: &mut Harness) {
    let entries = vec![
        SyncEntry { settings: for_anyone(), ..replace(DEN, None, None, &[("ann", Member)]) },
        upsert("new@rooms.example", &[("ann", Outcast), ("bob", Nothing)]),
    ];
    h.ok(sync(entries.clone(), 0)).await;
    let outcome = h.unchanged(sync(entries, 0)).await;
    assert_eq!(outcome.counts.commits, 0);
}

async fn a_sync_entry_removes_at_most_so_many(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.sync_users_max = 2);
    h.den(&["ann", "bob", "cat"]).await;
    let refused = h.refused(sync(vec![replace(DEN, None, None, &[])], 0)).await;
    assert_eq!(field_of(refused), "entries[0]");
    h.ok(sync(vec![replace(DEN, None, None, &[("ann", Member), ("dan", Member)])], 0)).await;
}

async fn forgetting_a_user_takes_one_commit_a_room(h: &mut Harness) {
    for room_jid in ["a@rooms.example", "b@rooms.example", "c@other.example"] {
        h.ok(put_room_as(room_jid, for_anyone())).await;
    }
    h.ok(add(target("a@rooms.example", "ann"), "a", active())).await;
    h.ok(affiliate(target("c@other.example", "ann"), Outcast)).await;
    h.ok(add(target("b@rooms.example", "bob"), "a", active())).await;
    let before = h.store().head().0;
    let outcome = h.ok(forget("ann")).await;
    assert_eq!((outcome.counts.commits, outcome.counts.removed_hats), (2, 1));
    let commits = h.since(before).await;
    assert!(commits.iter().all(|entry| entry.commit.cause == Cause::Forgotten));
    let mut rooms: Vec<_> = commits.iter().map(|entry| entry.commit.room_jid.clone()).collect();
    rooms.sort();
    assert_eq!(rooms, [room("c@other.example"), room("a@rooms.example")]);
    h.unchanged(forget("ann")).await;
    h.unchanged(Command::ForgetUser { user_jid: user("nobody") }).await;
}

async fn forgetting_goes_on_over_many_rooms(h: &mut Harness) {
    h.large = true;
    let entries = (0..501).map(|n| upsert(&format!("r{n}@rooms.example"), &[("ann", Member)]));
    h.ok(sync(entries.collect(), 0)).await;
    let before = h.store().head().0;
    let outcome = h.ok(forget("ann")).await;
    assert_eq!((outcome.counts.commits, outcome.counts.users), (501, 501));
    assert_eq!(h.store().head().0.get(), before.get() + 501);
    h.unchanged(forget("ann")).await;
}
