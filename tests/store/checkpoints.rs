//! What a checkpoint makes possible: a state that is made again, and a log that does not grow for ever.

use std::fs;
use std::path::Path;

use hatd::command::Request;
use hatd::store::embedded::OpenError;
use hatd::store::{Located, Retention};

use crate::support::commands::*;
use crate::support::harness::{Engine, Harness, Setup, keyed, seconds};
use crate::support::reads::{assert_consistent, state};

/// A store whose log is forgotten after ten seconds, file by file.
fn forgetful() -> Harness {
    Harness::with(Engine::Embedded, |setup: &mut Setup| {
        setup.segment_bytes = 500;
        setup.options.retention = Retention { age: seconds(10), bytes: 1 << 30 };
        setup.options.request_id_ttl = seconds(10);
    })
}

async fn fill(h: &Harness) {
    h.apply(Request::new(put_room_as(DEN, for_anyone()))).await.unwrap();
    for n in 0..20 {
        h.ok(give(&format!("u{}", n % 5), &format!("n{n}"))).await;
        h.ok(define(&format!("n{n}"))).await;
    }
}

/// The position of the first record in the log.
fn first_logged(dir: &Path) -> u64 {
    let names = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().file_name());
    let first = names.min().unwrap().into_string().unwrap();
    first.trim_end_matches(".log").parse().unwrap()
}

fn refused(outcome: Result<(), OpenError>) -> String {
    match outcome {
        Err(error @ OpenError::Corrupt { .. }) => error.to_string(),
        other => panic!("it opens, or fails otherwise: {other:?}"),
    }
}

#[tokio::test]
async fn what_a_checkpoint_has_and_what_came_after_it_is_made_again() {
    let mut h = Harness::new(Engine::Embedded);
    fill(&h).await;
    h.ok(put_room("gone@chat")).await;
    h.checkpoint().await;
    h.ok(delete_room("gone@chat")).await;
    fill_again(&h).await;
    let before = assert_consistent(h.store()).await;
    h.lose_documents();
    assert_eq!(assert_consistent(h.store()).await, before);
    h.checkpoint().await;
    h.lose_documents();
    assert_eq!(assert_consistent(h.store()).await, before);
}

async fn fill_again(h: &Harness) {
    for n in 20..30 {
        h.ok(give("u1", &format!("n{n}"))).await;
    }
    h.ok(destroy("n3")).await;
}

#[tokio::test]
async fn the_log_is_dropped_once_a_checkpoint_covers_it_and_nobody_needs_it() {
    let mut h = forgetful();
    let old = h.ok(put_room_as(DEN, for_anyone())).await;
    fill(&h).await;
    h.checkpoint().await;
    h.kill_and(|dir| assert_eq!(first_logged(dir), 1, "it is too young")).unwrap();

    h.clock.advance(60);
    let request = keyed("r1", give("ann", "late"));
    let done = h.apply(request.clone()).await.unwrap();
    h.kill_and(|dir| assert_eq!(first_logged(dir), 1, "no checkpoint was taken since")).unwrap();
    h.checkpoint().await;
    h.kill_and(|dir| assert!(first_logged(dir) > 1)).unwrap();

    let before = state(h.store()).await;
    let (head, mark) = h.store().head();
    assert_eq!(h.store().locate(old.position, old.mark).await.unwrap(), Located::Expired);
    assert_eq!(h.store().locate(head, mark).await.unwrap(), Located::Here);
    h.lose_documents();
    assert_eq!(state(h.store()).await, before);
    let again = h.apply(request).await.unwrap();
    assert!(again.replayed && again.position == done.position, "{again:?}");
}

#[tokio::test]
async fn a_repeated_request_is_known_for_its_time_though_no_watch_needs_the_log() {
    let mut h = forgetful();
    h.begin_with(|setup: &mut Setup| {
        setup.segment_bytes = 500;
        setup.options.retention = Retention { age: seconds(10), bytes: 500 };
        setup.options.request_id_ttl = seconds(1000);
    });
    let request = keyed("r1", put_room_as(DEN, for_anyone()));
    let done = h.apply(request.clone()).await.unwrap();
    fill(&h).await;
    h.clock.advance(60);
    h.ok(give("ann", "late")).await;
    h.checkpoint().await;
    h.lose_documents();
    let again = h.apply(request).await.unwrap();
    assert!(again.replayed && again.position == done.position, "{again:?}");
}

#[tokio::test]
async fn damage_to_a_checkpoint_is_named_by_file_and_offset() {
    let mut h = forgetful();
    fill(&h).await;
    h.checkpoint().await;
    let mut whole = Vec::new();
    let before = assert_consistent(h.store()).await;
    h.kill_and(|dir| whole = fs::read(dir.join("checkpoint")).unwrap()).unwrap();

    let harm =
        |damaged: Vec<u8>| move |dir: &Path| fs::write(dir.join("checkpoint"), damaged).unwrap();
    for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        let what = refused(h.kill_and(harm(flipped)));
        assert!(what.contains("checkpoint is corrupt at byte "), "{at}: {what}");
        let what = refused(h.kill_and(harm(whole[..at].to_vec())));
        assert!(what.contains("cut short"), "{at}: {what}");
    }
    let what = refused(h.kill_and(harm([whole.as_slice(), b"x"].concat())));
    assert!(what.contains("something follows the end"), "{what}");

    h.kill_and(harm(whole)).unwrap();
    assert_eq!(assert_consistent(h.store()).await, before);
}

#[tokio::test]
async fn a_checkpoint_that_is_missing_is_missed_only_if_the_log_does_not_reach_back() {
    let mut h = forgetful();
    fill(&h).await;
    h.checkpoint().await;
    let before = assert_consistent(h.store()).await;
    h.kill_and(|dir| fs::remove_file(dir.join("checkpoint")).unwrap()).unwrap();
    assert_eq!(assert_consistent(h.store()).await, before);

    h.clock.advance(60);
    h.ok(give("ann", "late")).await;
    h.checkpoint().await;
    let what = refused(h.kill_and(|dir| fs::remove_file(dir.join("checkpoint")).unwrap()));
    assert!(what.contains("but 1 is needed"), "{what}");
}

#[tokio::test]
async fn a_log_that_ends_before_the_checkpoint_is_refused() {
    let mut h = Harness::new(Engine::Embedded);
    fill(&h).await;
    h.checkpoint().await;
    let what = refused(h.kill_and(|dir| {
        let segment = fs::read_dir(dir.join("log")).unwrap().next().unwrap().unwrap().path();
        let bytes = fs::read(&segment).unwrap();
        fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    }));
    assert!(what.contains("was durable"), "{what}");
}

#[tokio::test]
async fn checkpoints_are_taken_by_themselves_while_writes_go_on() {
    let mut h = Harness::with(Engine::Embedded, |setup: &mut Setup| setup.checkpoint_bytes = 1000);
    h.large = true;
    h.ok(put_room_as(DEN, for_anyone())).await;
    for n in 0..300 {
        h.apply(Request::new(give(&format!("u{}", n % 50), &format!("n{}", n / 50))))
            .await
            .unwrap();
    }
    let before = assert_consistent(h.store()).await;
    // Whatever the last one was, the rest is in the log.
    h.kill_and(|dir| assert!(dir.join("checkpoint").exists())).unwrap();
    assert_eq!(assert_consistent(h.store()).await, before);
    h.lose_documents();
    assert_eq!(assert_consistent(h.store()).await, before);
}
