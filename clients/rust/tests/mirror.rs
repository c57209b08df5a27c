//! The mirror, against scripted streams.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use hatd_client::{
    Changes, Client, Code, Disconnect, Error, ErrorReason, Mirror, MirrorOptions, pb,
};
use pb::watch_hats_request::Start;
use support::{
    Hatd, Script, Step,
    script::{
        ROOM, bookmark, document, give, go_away, page, page_of, refusal, refusal_of, reset, send,
        send_and_hang,
    },
};
use tokio::{
    join,
    time::{Instant, sleep, timeout},
};
use tonic::Status;

const SECOND: Duration = Duration::from_secs(1);

fn mirror(hatd: &Hatd) -> Mirror {
    hatd.client().mirror(MirrorOptions::default().room(ROOM).jitter_seed(7))
}

/// A mirror whose first stream has sent a state with the user `ann`, with the token `t2`.
async fn ready(hatd: &Hatd) -> Mirror {
    let mirror = mirror(hatd);
    mirror.ready().await.unwrap();
    settle().await;
    mirror
}

/// A state with the user `ann`, and a bookmark.
fn state() -> Vec<Step> {
    send([reset(""), page_of(&[("ann", 1)], true, "t1"), bookmark("t1", "t2")])
}

/// That state, then what a step more says.
#[expect(clippy::unnecessary_wraps, reason = "reads as the script that it is")]
fn state_and(step: Step) -> Script {
    let mut steps = state();
    steps.push(step);
    Ok(steps)
}

/// Lets everything happen that is due.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn users(mirror: &Mirror) -> Vec<String> {
    mirror.users(ROOM).iter().map(|document| document.user_jid.clone()).collect()
}

fn given(user_jid: &str, revision: u64) -> pb::AddUserHatResponse {
    pb::AddUserHatResponse {
        user_hats: Some(document(user_jid, revision)),
        revision,
        token: format!("w{revision}"),
        changed: true,
        replayed: false,
    }
}

/// The positions that the streams opened so far were to include.
fn asked(hatd: &Hatd) -> Vec<String> {
    hatd.watches().into_iter().map(|(_, request)| request.at_least_token).collect()
}

fn resume(token: &str) -> Start {
    Start::ResumeToken(token.into())
}

fn snapshot() -> Start {
    Start::Snapshot(pb::StartSnapshot {})
}

/// The users whose documents have changed, as far as it was told, and nothing for the room.
fn told(changes: &mut Changes) -> Vec<String> {
    let mut users = Vec::new();
    while let Some(change) = changes.next().now_or_never() {
        users.push(change.unwrap().unwrap().user_jid);
    }
    users
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_once_the_snapshot_is_complete() {
    let mut steps = send([reset(""), page_of(&[("ann", 1)], false, "")]);
    steps.push(Step::Pause(SECOND));
    steps.extend(send([page_of(&[("bob", 2)], true, "t1")]));
    steps.push(Step::Hang);
    let hatd = Hatd::new().with_watches(vec![Ok(steps)]);
    let start = Instant::now();

    let mirror = mirror(&hatd);
    assert!(mirror.stale());
    mirror.ready().await.unwrap();
    assert!(start.elapsed() >= SECOND);
    assert!(!mirror.stale());
    assert_eq!(users(&mirror), ["ann", "bob"]);
    assert_eq!(mirror.hats(ROOM, "ann")[0].title, "urn:hat:1");
    assert_eq!(mirror.token().as_deref(), Some("t1"));
    assert_eq!(mirror.counters().resets, 1);
    assert!(mirror.last_response().is_some() && mirror.last_disconnect().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_it_held_answers_until_the_new_state_is_whole() {
    let mut interrupted = send([reset("t2"), page_of(&[("bob", 2)], false, "")]);
    interrupted.push(Step::Pause(SECOND));
    let hatd = Hatd::new().with_watches(vec![
        Ok(state()),
        Ok(interrupted),
        send_and_hang([reset(""), page_of(&[("cat", 3)], true, "t9")]),
    ]);
    let mirror = ready(&hatd).await;
    sleep(SECOND / 2).await;
    assert_eq!((users(&mirror), mirror.stale()), (vec!["ann".into(), "bob".into()], true));
    assert_eq!(mirror.token(), None);
    mirror.ready().await.unwrap();

    sleep(SECOND).await;
    assert_eq!((users(&mirror), mirror.stale()), (vec!["cat".into()], false));
    assert_eq!(hatd.starts(), [snapshot(), resume("t2"), snapshot()]);
    assert_eq!(mirror.counters().chain_breaks, 0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_chain_makes_it_stale_until_the_new_state_is_whole() {
    let hatd = Hatd::new().with_watches(vec![
        state_and(Step::Send(give("t9", "t10", "bob", 5))),
        Ok(vec![Step::Pause(SECOND)]),
        send_and_hang([reset(""), page_of(&[("ann", 1), ("bob", 5)], true, "t10")]),
    ]);
    let mirror = ready(&hatd).await;
    sleep(SECOND / 2).await;
    assert_eq!((users(&mirror), mirror.stale()), (vec!["ann".into()], true));
    assert!(matches!(mirror.last_disconnect(), Some(Disconnect::ChainBroken)));
    assert_eq!(mirror.token(), None);

    sleep(SECOND).await;
    assert_eq!((users(&mirror), mirror.stale()), (vec!["ann".into(), "bob".into()], false));
    assert_eq!(mirror.counters().chain_breaks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_in_scope_shows_by_itself() {
    let mut steps = state();
    steps.push(Step::Pause(SECOND / 2));
    steps.extend(send([give("t2", "t3", "bob", 7)]));
    steps.push(Step::Hang);
    let hatd = Hatd::new().with_watches(vec![Ok(steps)]);
    let mirror = ready(&hatd).await;

    mirror.wait_for(&given("bob", 7)).await.unwrap();
    assert_eq!(users(&mirror), ["ann", "bob"]);
    mirror.wait_for(&given("bob", 7)).await.unwrap();
    assert_eq!(asked(&hatd), [""]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_does_not_show_is_asked_for() {
    let hatd = Hatd::new()
        .with_watches(vec![state_and(Step::Hang), send_and_hang([bookmark("t2", "t3")])]);
    let mirror = ready(&hatd).await;
    let start = Instant::now();
    // Taken off again before the snapshot: its revision is never seen.
    mirror.wait_for(&given("bob", 7)).await.unwrap();
    assert!((SECOND..SECOND * 2).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(asked(&hatd), ["", "w7"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_on_a_new_stream_that_is_no_reconnect() {
    let hatd = Hatd::new().with_watches(vec![
        state_and(Step::Hang),
        Ok(vec![Step::Pause(SECOND), Step::Send(bookmark("t2", "t3")), Step::Hang]),
        send_and_hang([bookmark("t3", "t4")]),
        Ok(vec![Step::Fail(Status::unavailable("later"))]),
        send_and_hang([bookmark("t4", "t5")]),
    ]);
    let mirror = ready(&hatd).await;
    let start = Instant::now();

    let (first, same, second) =
        join!(mirror.wait_for("a"), mirror.wait_for("a"), mirror.wait_for(String::from("b")));
    first.and(same).and(second).unwrap();
    assert!(start.elapsed() < SECOND + Duration::from_millis(10), "{:?}", start.elapsed());
    assert_eq!(asked(&hatd), ["", "a", "b"]);
    assert_eq!(hatd.starts()[1..], [resume("t2"), resume("t3")]);
    assert_eq!(mirror.counters().reconnects, 0);

    // What fails on the way is outlasted, and asked for again.
    mirror.wait_for("c").await.unwrap();
    assert_eq!(asked(&hatd)[3..], ["c", "c"]);
    assert_eq!(mirror.counters().reconnects, 1);
    mirror.wait_for("").await.unwrap();
    assert_eq!(hatd.watches().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_no_good_fails_the_wait_and_not_the_mirror() {
    for (code, name, reason) in [
        (Code::FailedPrecondition, "STORE_MISMATCH", ErrorReason::StoreMismatch),
        (Code::InvalidArgument, "INVALID_TOKEN", ErrorReason::InvalidToken),
    ] {
        let hatd = Hatd::new().with_watches(vec![
            state_and(Step::Hang),
            Err(refusal_of("at_least_token", code, name)),
            send_and_hang([give("t2", "t3", "bob", 7)]),
        ]);
        let mirror = ready(&hatd).await;
        let error = mirror.wait_for("forged").await.unwrap_err();
        assert_eq!(error.reason(), Some(reason));
        settle().await;
        assert_eq!(users(&mirror), ["ann", "bob"]);
        assert_eq!(asked(&hatd), ["", "forged", ""]);
        assert_eq!((mirror.counters().reconnects, mirror.stale()), (0, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_waits_for_any_more_keeps_no_stream_from_opening() {
    let hatd = Hatd::new().on_watch(|request| match request.at_least_token.as_str() {
        "" if request.start == Some(snapshot()) => state_and(Step::Hang),
        "" => send_and_hang([give("t2", "t3", "bob", 7)]),
        _ => Err(refusal(Code::Unavailable, "TOKEN_NOT_REACHED")),
    });
    let mirror = ready(&hatd).await;
    timeout(SECOND * 3, mirror.wait_for("ahead")).await.unwrap_err();
    sleep(SECOND * 10).await;
    assert_eq!(users(&mirror), ["ann", "bob"]);
    assert_eq!(hatd.watches().last().unwrap().1.at_least_token, "");
}

#[tokio::test(start_paused = true)]
async fn a_wait_does_not_shorten_the_delay_before_connecting_again() {
    let delay = SECOND * 9;
    let hatd = Hatd::new().with_watches(vec![
        state_and(Step::Send(go_away("t2", delay))),
        send_and_hang([bookmark("t2", "t3")]),
    ]);
    let mirror = ready(&hatd).await;
    mirror.wait_for("a").await.unwrap();
    let watches = hatd.watches();
    assert!(watches[1].0 - watches[0].0 >= delay);
    assert_eq!(asked(&hatd), ["", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_within_a_snapshot_lets_it_be_whole_first() {
    let mut steps = state();
    steps.extend(send([reset("t2"), page(false, "")]));
    steps.push(Step::Pause(SECOND));
    steps.extend(send([page(true, "t5")]));
    steps.push(Step::Hang);
    let hatd = Hatd::new().with_watches(vec![Ok(steps), send_and_hang([bookmark("t5", "t6")])]);
    let mirror = ready(&hatd).await;
    assert!(mirror.stale());
    // Within it, the revision of a write says nothing.
    mirror.wait_for(&given("ann", 1)).await.unwrap();
    assert_eq!(hatd.starts(), [snapshot(), resume("t5")]);
    assert_eq!(users(&mirror), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_error_that_no_new_stream_would_mend() {
    let hatd = Hatd::new()
        .with_watches(vec![state_and(Step::Pause(SECOND)), Err(Status::permission_denied("no"))]);
    let mirror = ready(&hatd).await;
    let changes = mirror.changes();
    let error = mirror.wait_for("a").await.unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);

    assert_eq!(mirror.ready().await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(mirror.wait_for("").await.unwrap_err().code(), Code::PermissionDenied);
    let told: Vec<_> = changes.collect().await;
    assert!(matches!(told.as_slice(), [Err(error)] if error.code() == Code::PermissionDenied));
    assert!(mirror.changes().next().await.unwrap().is_err());
    assert!(matches!(mirror.last_disconnect(), Some(Disconnect::Failed(_))));
    assert_eq!((users(&mirror), mirror.stale()), (vec!["ann".into()], true));
    mirror.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_ends_when_it_is_closed() {
    for by_client in [false, true] {
        let client = Hatd::new().on_watch(|_| Ok(vec![Step::Hang])).client();
        let mirror = client.mirror(MirrorOptions::default());
        let mut changes = mirror.changes();
        let close = async {
            settle().await;
            if by_client {
                client.close().await;
            } else {
                mirror.close().await;
                mirror.close().await;
            }
        };
        let (ready, waited, change, ()) =
            join!(mirror.ready(), mirror.wait_for("a"), changes.next(), close);
        for end in [ready, waited, change.unwrap().map(drop), mirror.ready().await] {
            assert!(matches!(end, Err(Error::Closed)), "{end:?}");
        }
        assert!(changes.next().await.is_none());
        if by_client {
            let late = client.mirror(MirrorOptions::default());
            assert!(matches!(late.ready().await, Err(Error::Closed)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_last_of_its_clones() {
    let hatd = Hatd::new().with_watches(vec![state_and(Step::Hang)]);
    let mirror = ready(&hatd).await;
    let clone = mirror.clone();
    let mut changes = mirror.changes();
    drop(mirror);
    assert!(timeout(SECOND, changes.next()).await.is_err());
    drop(clone);
    assert!(matches!(changes.next().await, Some(Err(Error::Closed))));
    assert!(changes.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_told_what_differs() {
    let mut steps = state();
    steps.push(Step::Pause(SECOND));
    steps.extend(send([give("t2", "t3", "bob", 5), give("t3", "t4", "bob", 6)]));
    steps.push(Step::Pause(SECOND));
    steps.extend(send([reset("t4"), page_of(&[("ann", 1), ("cat", 7)], true, "t9")]));
    steps.push(Step::Hang);
    let hatd = Hatd::new().with_watches(vec![Ok(steps)]);

    let mirror = mirror(&hatd);
    let mut changes = mirror.changes();
    mirror.ready().await.unwrap();
    assert_eq!(told(&mut changes), ["ann"]);
    let first = changes.next().await.unwrap().unwrap();
    assert_eq!((first.room_jid.as_str(), first.user_jid.as_str()), (ROOM, "bob"));
    settle().await;
    drop(told(&mut changes));
    sleep(SECOND).await;
    assert_eq!(told(&mut changes), ["cat", "bob"], "ann is as she was, bob is gone");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_replaced() {
    let builder = Client::builder().api_key_from(|| Ok::<_, Error>("key".to_owned()));
    let hatd =
        Hatd::new().with_watches(vec![Err(Status::unauthenticated("no")), state_and(Step::Hang)]);
    let mirror = hatd.client_with(builder).mirror(MirrorOptions::default());
    mirror.ready().await.unwrap();
    assert_eq!(hatd.keys(), ["key", "key"]);
}
