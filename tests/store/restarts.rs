//! What was answered stays, however the store ends.

use futures_util::future::join_all;
use hatd::command::Request;
use hatd::store::Error;

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::Harness;
use crate::support::reads::assert_consistent;

conformance! {
    what_was_answered_is_there_after_a_kill,
    kills_and_clean_stops_in_turn_lose_nothing,
    a_closed_store_takes_no_writes_and_can_be_read,
    writes_at_once_are_all_in_one_history,
    a_later_write_at_once_sees_the_earlier,
    a_request_taken_back_leaves_the_store_working,
    the_log_may_have_many_segments,
}

async fn what_was_answered_is_there_after_a_kill(h: &mut Harness) {
    h.den(&["ann"]).await;
    let outcome = h.ok(add(in_den("ann"), "a", until(100))).await;
    let document = h.document("ann").await;
    h.kill();
    assert_eq!(h.document("ann").await, document);
    assert_eq!(h.store().head(), (outcome.position, outcome.mark));
}

async fn kills_and_clean_stops_in_turn_lose_nothing(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    for n in 0..8 {
        h.ok(give("ann", &format!("n{n}"))).await;
        h.ok(define(&format!("n{n}"))).await;
        if n % 2 == 0 {
            h.kill();
        } else {
            h.reopen().await;
        }
        assert_eq!(h.hats("ann").await.len(), n + 1);
    }
    assert_consistent(h.store()).await;
}

async fn a_closed_store_takes_no_writes_and_can_be_read(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.store().close().await.unwrap();
    let refused = h.apply(Request::new(give("ann", "a"))).await;
    assert!(matches!(refused, Err(Error::WritesStopped)), "{refused:?}");
    let refused = h.store().expire().await;
    assert!(matches!(refused, Err(Error::WritesStopped)), "{refused:?}");
    assert_eq!(h.document("ann").await.hats.len(), 0);
    assert_consistent(h.store()).await;
    // A closed store cannot be closed again: what follows takes another.
    h.begin_with(|_| ());
}

async fn writes_at_once_are_all_in_one_history(h: &mut Harness) {
    h.large = true;
    h.ok(put_room_as(DEN, for_anyone())).await;
    let requests = (0..300).map(|n| {
        let (name, id) = (format!("u{}", n % 7), format!("n{}", n / 7));
        h.apply(Request::new(give(&name, &id)))
    });
    let mut positions: Vec<_> = join_all(requests)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap().position.get())
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, (2..=301).collect::<Vec<_>>());
    let before = assert_consistent(h.store()).await;
    h.kill();
    assert_eq!(assert_consistent(h.store()).await, before);
}

async fn a_later_write_at_once_sees_the_earlier(h: &mut Harness) {
    let names = ["ann", "bob", "cat"];
    let commands = vec![
        put_room_as(DEN, for_anyone()),
        set_wearers("a", &names),
        define("a"),
        destroy("a"),
        give("ann", "b"),
        delete_room(DEN),
        put_room_as(DEN, for_anyone()),
        set_wearers("b", &["bob"]),
        define("b"),
        forget("bob"),
        sync(vec![replace(DEN, None, None, &[("ann", hatd::hat::Affiliation::Owner)])], 0),
        put_room_as(DEN, for_affiliated()),
        give("ann", "b"),
        destroy("b"),
    ];
    let outcomes = join_all(commands.into_iter().map(|it| h.apply(Request::new(it)))).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert!(outcome.as_ref().is_ok_and(|it| it.changed), "{index}: {outcome:?}");
    }
    assert_eq!(h.hats("ann").await, []);
}

async fn a_request_taken_back_leaves_the_store_working(h: &mut Harness) {
    use futures_util::FutureExt as _;
    h.den(&["ann"]).await;
    for n in 0..20 {
        // Dropped after it was sent: it is done or not, and then nobody knows.
        _ = h.apply(Request::new(give("ann", &format!("n{n}")))).now_or_never();
    }
    h.ok(give("ann", "last")).await;
    assert_consistent(h.store()).await;
}

async fn the_log_may_have_many_segments(h: &mut Harness) {
    h.begin_with(|setup| setup.segment_bytes = 300);
    h.ok(put_room_as(DEN, for_anyone())).await;
    for n in 0..20 {
        h.ok(give("ann", &format!("n{n}"))).await;
    }
    h.kill();
    assert_eq!(h.hats("ann").await.len(), 20);
}
