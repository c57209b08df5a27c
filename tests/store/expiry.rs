//! Hats end when their time has come, and stay ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hatd::commit::{Cause, ChangeKind};
use hatd::hat::{Affiliation, Attachment};

use super::conformance;
use crate::support::at;
use crate::support::commands::*;
use crate::support::harness::Harness;

conformance! {
    a_hat_lasts_until_its_expiry_is_committed,
    only_hats_that_are_due_end,
    each_expiry_is_committed_once,
    a_clock_that_steps_back_resurrects_nothing,
    a_clock_that_steps_back_while_hats_end_is_no_damage,
    what_was_due_while_the_store_was_down_ends_at_the_next_chance,
    a_new_end_replaces_the_old_one,
    an_end_that_was_moved_or_lifted_ends_nothing,
    many_that_are_due_end_in_several_commits,
    what_is_due_first_ends_first,
}

async fn a_hat_lasts_until_its_expiry_is_committed(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(add(in_den("ann"), "a", until(10))).await;
    h.clock.set(1000);
    assert_eq!(h.hats("ann").await, [hat("a")], "reads do not look at the clock");
    h.store().expire().await.unwrap();
    assert!(h.hats("ann").await.is_empty());
    let commit = h.last().await.commit;
    assert_eq!((commit.cause, commit.time), (Cause::Expiry, at(1000)));
    assert_eq!(commit.users[0].changes[0].kind, ChangeKind::Removed);
    assert_eq!(h.document("ann").await.affiliation, Affiliation::Member);
}

async fn only_hats_that_are_due_end(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    let required = Attachment { required: true, ..until(10) };
    let hats = [("a", until(10)), ("b", until(11)), ("c", active()), ("d", required)];
    h.ok(set(in_den("ann"), &hats, "")).await;
    h.ok(add(in_den("bob"), "a", until(11))).await;
    h.clock.set(9);
    h.store().expire().await.unwrap();
    assert_eq!(h.hats("ann").await.len(), 4);
    h.clock.set(10);
    h.store().expire().await.unwrap();
    assert_eq!(h.hats("ann").await, [hat("b"), hat("c")]);
    assert_eq!(h.hats("bob").await, [hat("a")]);
}

async fn each_expiry_is_committed_once(h: &mut Harness) {
    for room_jid in ["a@rooms.example", "b@rooms.example"] {
        h.ok(put_room_as(room_jid, for_anyone())).await;
        for name in ["ann", "bob"] {
            h.ok(add(target(room_jid, name), "a", until(10))).await;
            h.ok(add(target(room_jid, name), "b", until(10))).await;
        }
    }
    h.clock.set(10);
    let before = h.store().head().0;
    for _ in 0..2 {
        h.store().expire().await.unwrap();
        let commits = h.since(before).await;
        let sizes: Vec<_> = commits.iter().map(|entry| entry.commit.users.len()).collect();
        assert_eq!(sizes, [2, 2], "a commit a room");
    }
}

async fn a_clock_that_steps_back_resurrects_nothing(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(add(in_den("ann"), "a", until(10))).await;
    h.ok(add(in_den("ann"), "b", until(20))).await;
    h.clock.set(10);
    h.store().expire().await.unwrap();
    h.clock.set(-100_000);
    for _ in 0..2 {
        h.store().expire().await.unwrap();
        assert_eq!(h.hats("ann").await, [hat("b")]);
        h.kill();
    }
}

async fn a_clock_that_steps_back_while_hats_end_is_no_damage(h: &mut Harness) {
    // Read for the first time after it was armed, the clock is late, and then no more.
    let late = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&late);
    h.begin_with(move |setup| {
        setup.options.clock =
            Arc::new(move || if armed.swap(false, Ordering::SeqCst) { at(10) } else { at(0) });
    });
    h.den(&["ann"]).await;
    h.ok(add(in_den("ann"), "a", until(10))).await;
    late.store(true, Ordering::SeqCst);
    h.store().expire().await.unwrap();
    // The hat ended or it did not: either way the store goes on.
    h.store().expire().await.unwrap();
    h.ok(give("ann", "b")).await;
}

async fn what_was_due_while_the_store_was_down_ends_at_the_next_chance(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(add(in_den("ann"), "a", until(10))).await;
    h.ok(add(in_den("bob"), "a", until(30))).await;
    h.clock.set(20);
    h.kill();
    h.store().expire().await.unwrap();
    assert!(h.hats("ann").await.is_empty());
    h.clock.set(40);
    h.reopen().await;
    h.store().expire().await.unwrap();
    assert!(h.hats("bob").await.is_empty());
    h.kill();
    assert!(h.hats("bob").await.is_empty());
}

async fn a_new_end_replaces_the_old_one(h: &mut Harness) {
    h.den(&["ann"]).await;
    let ends = [("a", until(10)), ("b", until(10)), ("c", until(10))];
    h.ok(set(in_den("ann"), &ends, "")).await;
    h.ok(add(in_den("ann"), "a", until(20))).await;
    h.ok(give("ann", "b")).await;
    h.clock.set(10);
    h.store().expire().await.unwrap();
    assert_eq!(h.hats("ann").await, [hat("a"), hat("b")]);
    // Given again after it ended, it lasts anew.
    h.ok(add(in_den("ann"), "c", until(30))).await;
    h.clock.set(20);
    h.store().expire().await.unwrap();
    assert_eq!(h.hats("ann").await, [hat("b"), hat("c")]);
}

async fn an_end_that_was_moved_or_lifted_ends_nothing(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    for name in ["ann", "bob"] {
        h.ok(add(in_den(name), "a", until(10))).await;
    }
    h.ok(add(in_den("ann"), "a", until(20))).await;
    h.ok(give("bob", "a")).await;
    let before = h.store().head();
    h.clock.set(10);
    h.store().expire().await.unwrap();
    assert_eq!(h.store().head(), before);
    h.clock.set(20);
    h.store().expire().await.unwrap();
    assert_eq!((h.hats("ann").await, h.hats("bob").await), (vec![], vec![hat("a")]));
}

async fn many_that_are_due_end_in_several_commits(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.operations_per_commit_max = 2);
    h.ok(put_room_as(DEN, for_anyone())).await;
    for name in ["a", "b", "c", "d", "e"] {
        h.ok(add(in_den(name), "x", until(10))).await;
    }
    h.clock.set(10);
    let before = h.store().head().0;
    h.store().expire().await.unwrap();
    let sizes: Vec<_> = h.since(before).await.iter().map(|it| it.commit.users.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

async fn what_is_due_first_ends_first(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.operations_per_commit_max = 2);
    let due = [("b", 10, 3), ("c", 11, 1), ("a", 12, 3), ("d", 12, 1)];
    for (room, end, users) in due {
        let room_jid = format!("{room}@rooms.example");
        h.ok(put_room_as(&room_jid, for_anyone())).await;
        for name in ["ann", "bob", "cat"].iter().take(users) {
            h.ok(add(target(&room_jid, name), "x", until(end))).await;
        }
    }
    h.clock.set(12);
    let before = h.store().head().0;
    h.store().expire().await.unwrap();
    let ended = h.since(before).await;
    let rooms: Vec<_> = ended.iter().map(|entry| entry.commit.room_jid.local()).collect();
    assert_eq!(rooms, ["b", "c", "a", "d", "b", "a"], "no room waits for all of another");
}
