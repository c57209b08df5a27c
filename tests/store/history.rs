//! The history of commits, and where it ends.

use hatd::commit::{Mark, Position};
use hatd::store::{Error, Located, Retention};

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::{Harness, seconds};
use crate::support::reads::{history, history_after};

conformance! {
    positions_are_dense_from_one,
    an_empty_store_is_at_the_start,
    every_position_can_be_read_from,
    a_piece_has_one_commit_even_if_that_is_larger,
    nothing_follows_the_head,
    another_mark_or_a_position_ahead_is_elsewhere,
    marks_and_history_stay_through_a_kill_and_a_clean_stop,
    old_commits_expire_by_bytes,
    old_commits_expire_by_age,
    a_position_expires_exactly_below_the_floor,
}

async fn alternate(h: &Harness, count: usize) {
    for n in 0..count {
        alternate_once(h, n).await;
    }
}

async fn alternate_once(h: &Harness, n: usize) {
    h.ok(if n.is_multiple_of(2) { give("ann", "a") } else { remove(in_den("ann"), "a") }).await;
}

async fn positions_are_dense_from_one(h: &mut Harness) {
    h.den(&["ann"]).await;
    alternate(h, 5).await;
    let entries = history(h.store()).await;
    let positions: Vec<_> = entries.iter().map(|entry| entry.position.get()).collect();
    assert_eq!(positions, (1..=7).collect::<Vec<_>>());
}

async fn an_empty_store_is_at_the_start(h: &mut Harness) {
    for _ in 0..2 {
        assert_eq!(h.store().head(), (Position::START, Mark::ORIGIN));
        assert!(h.store().commits_after(Position::START, 1000).await.unwrap().is_empty());
        let located = h.store().locate(Position::START, Mark::ORIGIN).await.unwrap();
        assert_eq!(located, Located::Here);
        let located = h.store().locate(Position::START, Mark(1)).await.unwrap();
        assert_eq!(located, Located::Elsewhere);
        h.reopen().await;
    }
}

async fn every_position_can_be_read_from(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    alternate(h, 10).await;
    let all = history(h.store()).await;
    for _ in 0..2 {
        for skip in 0..=all.len() {
            for bytes in [0, 300, usize::MAX] {
                let after = Position::new(skip as u64);
                assert_eq!(history_after(h.store(), after, bytes).await, all[skip..]);
            }
        }
        // Now the history is on disk only.
        h.kill();
    }
    // And now its end is in memory, too.
    h.ok(give("bob", "a")).await;
    h.ok(give("bob", "b")).await;
    let all = history(h.store()).await;
    for skip in 0..=all.len() {
        let after = Position::new(skip as u64);
        assert_eq!(history_after(h.store(), after, 300).await, all[skip..]);
    }
}

async fn a_piece_has_one_commit_even_if_that_is_larger(h: &mut Harness) {
    h.den(&["ann"]).await;
    for _ in 0..2 {
        let piece = h.store().commits_after(Position::START, 0).await.unwrap();
        assert_eq!(piece.len(), 1);
        h.kill();
    }
}

async fn nothing_follows_the_head(h: &mut Harness) {
    h.den(&[]).await;
    let (head, _) = h.store().head();
    for position in [head, head.next(), Position::new(u64::MAX)] {
        assert!(h.store().commits_after(position, 1000).await.unwrap().is_empty());
    }
}

async fn another_mark_or_a_position_ahead_is_elsewhere(h: &mut Harness) {
    h.den(&["ann"]).await;
    for _ in 0..2 {
        let (head, mark) = h.store().head();
        let others = [
            (head, Mark(mark.0 ^ 1)),
            (head.previous(), mark),
            (head.next(), mark),
            (Position::new(u64::MAX), mark),
        ];
        for (position, mark) in others {
            let located = h.store().locate(position, mark).await.unwrap();
            assert_eq!(located, Located::Elsewhere, "{position:?}");
        }
        h.kill();
    }
}

async fn marks_and_history_stay_through_a_kill_and_a_clean_stop(h: &mut Harness) {
    h.den(&["ann"]).await;
    let identity = h.store().identity();
    let all = history(h.store()).await;
    h.kill();
    alternate(h, 1).await;
    h.reopen().await;
    h.ok(give("ann", "b")).await;
    assert_eq!(history(h.store()).await[..all.len()], all);
    assert_eq!(h.store().identity(), identity);
}

/// Checks that the history has one floor: below it everything is expired, and from it
/// on nothing is. Returns the floor.
async fn floor(h: &Harness, marks: &[(Position, Mark)]) -> Position {
    let (head, _) = h.store().head();
    let mut floor = None;
    for (position, mark) in marks.iter().filter(|(position, _)| *position <= head) {
        let located = h.store().locate(*position, *mark).await.unwrap();
        match h.store().commits_after(*position, 0).await {
            Err(Error::Expired) => {
                assert_eq!(located, Located::Expired, "{position:?}");
                assert_eq!(floor, None, "{position:?} is above the floor");
            }
            Err(error) => panic!("{error:?}"),
            Ok(entries) => {
                assert_eq!(located, Located::Here, "{position:?}");
                floor = floor.or(Some(*position));
                let first = entries.first().map_or(head, |entry| entry.position.previous());
                assert_eq!(first, *position, "exactly what follows");
            }
        }
    }
    floor.expect("the head is always kept")
}

/// Does some writes, and notes where each stands.
async fn written(h: &Harness, count: usize) -> Vec<(Position, Mark)> {
    let mut marks = vec![(Position::START, Mark::ORIGIN)];
    h.ok(put_room_as(DEN, for_anyone())).await;
    marks.push(h.store().head());
    for n in 0..count {
        alternate_once(h, n).await;
        marks.push(h.store().head());
        h.clock.advance(1);
    }
    marks
}

async fn old_commits_expire_by_bytes(h: &mut Harness) {
    h.begin_with(|setup| {
        setup.options.retention = Retention { age: seconds(1_000_000), bytes: 2000 };
        setup.segment_bytes = 600;
    });
    let marks = written(h, 40).await;
    let before = floor(h, &marks).await;
    assert!(before > Position::START && before < h.store().head().0);
    h.kill();
    assert_eq!(floor(h, &marks).await, before, "the floor does not move by a restart");
    h.clock.set(500_000);
    assert_eq!(floor(h, &marks).await, before, "nor by time that is not up");
}

async fn old_commits_expire_by_age(h: &mut Harness) {
    h.begin_with(|setup| {
        setup.options.retention = Retention { age: seconds(20), bytes: u64::MAX };
        setup.segment_bytes = 600;
    });
    let marks = written(h, 40).await;
    let before = floor(h, &marks).await;
    assert!(before > Position::START && before.get() <= 22, "{before:?}");
    h.clock.advance(10);
    let after = floor(h, &marks).await;
    assert!(before < after && after < h.store().head().0, "{after:?}");
    // Old commits are gone for watchers only: the state is made again from them.
    h.kill();
    assert_eq!(floor(h, &marks).await, after);
    assert_eq!(h.hats("ann").await, []);
    h.clock.set(0);
    floor(h, &marks).await;
}

async fn a_position_expires_exactly_below_the_floor(h: &mut Harness) {
    h.begin_with(|setup| {
        setup.options.retention = Retention { age: seconds(20), bytes: 3000 };
        setup.segment_bytes = 500;
    });
    let mut marks = written(h, 5).await;
    let mut floors = vec![floor(h, &marks).await];
    for n in 5..60 {
        alternate_once(h, n).await;
        marks.push(h.store().head());
        h.clock.advance(1);
        floors.push(floor(h, &marks).await);
    }
    assert!(floors.is_sorted(), "the floor only rises: {floors:?}");
    assert!(floors.last() > floors.first());
}
