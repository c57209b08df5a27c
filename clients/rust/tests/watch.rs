//! The watch, against scripted streams that are cut, broken, silent, late and wrong.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt as _;
use hatd_client::{
    Client, Code, Counters, Error, ErrorReason, Event, Lifecycle, Start, Watch, WatchOptions, pb,
};
use pb::watch_hats_request::Start as WireStart;
use support::{
    Hatd, Step,
    script::{ROOM, bookmark, changes, go_away, page, refusal, reset, send, send_and_hang},
};
use tokio::time::{Instant, timeout};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

fn resume(token: &str) -> WireStart {
    WireStart::ResumeToken(token.into())
}

fn snapshot() -> WireStart {
    WireStart::Snapshot(pb::StartSnapshot {})
}

fn options() -> WatchOptions {
    WatchOptions::default().room(ROOM).jitter_seed(7)
}

fn from(token: &str) -> WatchOptions {
    options().start(Start::Token(token.into()))
}

async fn take(watch: &mut Watch, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(watch.next().await.unwrap());
    }
    events
}

/// The tokens of events, None for those within a snapshot.
fn tokens(events: &[Event]) -> Vec<Option<&str>> {
    events.iter().map(Event::token).collect()
}

/// The whole of a watch: a snapshot of two pages, changes in the midst, and what follows.
fn whole() -> Vec<pb::WatchHatsResponse> {
    vec![
        reset(""),
        page(false, ""),
        changes("", "", &[9]),
        page(true, "t1"),
        bookmark("t1", "t2"),
        changes("t2", "t3", &[10, 11]),
        changes("t3", "t4", &[12]),
        bookmark("t4", "t5"),
    ]
}

/// What a server that holds `whole` sends from a start.
fn replay(start: &WireStart) -> Vec<pb::WatchHatsResponse> {
    match start {
        WireStart::ResumeToken(token) => {
            whole().into_iter().skip_while(|response| response.after != *token).collect()
        }
        WireStart::Snapshot(_) | WireStart::Now(_) => whole(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_counts_once_the_caller_comes_back() {
    let hatd = Hatd::new().with_watches(vec![send_and_hang(whole())]);
    let mut watch = hatd.client().watch(options());

    let events = take(&mut watch, 4).await;
    assert_eq!(tokens(&events), [None, None, None, Some("t1")]);
    assert_eq!(watch.token(), None, "the last page is not processed yet");
    take(&mut watch, 1).await;
    assert_eq!(watch.token(), Some("t1"));
    assert_eq!(watch.counters().resets, 1);
}

#[tokio::test(start_paused = true)]
async fn cut_after_every_nth_response_it_shows_the_same() {
    let uncut = {
        let hatd = Hatd::new().with_watches(vec![send_and_hang(whole())]);
        take(&mut hatd.client().watch(options()), whole().len()).await
    };

    for n in 1..=whole().len() {
        for broken in [false, true] {
            // Cut once after n responses, then every time after n more. A snapshot that is cut
            // starts again, so it needs room to get through.
            let mut streams = 0;
            let hatd = Hatd::new().on_watch(move |request| {
                streams += 1;
                let mut steps = send(replay(&request.start.unwrap()));
                if streams == 1 || n >= 4 {
                    steps.truncate(n);
                }
                if broken {
                    steps.push(Step::Fail(Status::internal("cut")));
                }
                Ok(steps)
            });
            let mut watch = hatd.client().watch(options());
            let mut events = Vec::new();
            while events.last().and_then(Event::token) != Some("t5") {
                let event = watch.next().await.unwrap();
                if matches!(event, Event::Reset { .. }) {
                    events.clear();
                }
                events.push(event);
            }
            assert_eq!(events, uncut, "cut after {n}");
            assert_eq!(watch.counters().chain_breaks, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_resumes_after_the_last_event_that_was_processed() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([changes("t1", "t2", &[5]), changes("t2", "t3", &[6])])),
        send_and_hang([changes("t3", "t4", &[7])]),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    assert_eq!(tokens(&take(&mut watch, 3).await), [Some("t2"), Some("t3"), Some("t4")]);
    assert_eq!(hatd.starts(), [resume("t1"), resume("t3")]);
    assert_eq!(watch.counters().reconnects, 1);
    assert_eq!(watch.counters().chain_breaks, 0);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_follow_starts_a_snapshot() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([changes("t1", "t2", &[5]), changes("t3", "t4", &[7])])),
        send_and_hang(whole()),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    let events = take(&mut watch, 2).await;
    assert!(matches!(events[1], Event::Reset { .. }), "{events:?}");
    assert_eq!(hatd.starts(), [resume("t1"), snapshot()]);
    assert_eq!(watch.counters().chain_breaks, 1);
}

#[tokio::test(start_paused = true)]
async fn the_chain_is_checked_on_resume_too() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([bookmark("t1", "t2")])),
        Ok(send([changes("t1", "t3", &[5])])),
        send_and_hang(whole()),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 2).await;
    assert_eq!(hatd.starts(), [resume("t1"), resume("t2"), snapshot()]);
    assert_eq!(watch.counters().chain_breaks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_does_not_rise_starts_a_snapshot() {
    for revisions in [[5, 5], [5, 4]] {
        let hatd = Hatd::new().with_watches(vec![
            Ok(send([changes("t1", "t2", &[revisions[0]]), changes("t2", "t3", &[revisions[1]])])),
            send_and_hang(whole()),
        ]);
        let mut watch = hatd.client().watch(from("t1"));
        let events = take(&mut watch, 2).await;
        assert!(matches!(events[1], Event::Reset { .. }), "{events:?}");
        assert_eq!(hatd.starts(), [resume("t1"), snapshot()]);
        assert_eq!(watch.counters().chain_breaks, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_forgets_the_revisions_and_the_token() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([changes("t1", "t2", &[100]), reset("t2"), page(false, "")])),
        send_and_hang(whole()),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    let events = take(&mut watch, 3 + whole().len()).await;
    assert_eq!(tokens(&events).last().unwrap(), &Some("t5"));
    // The stream died within the snapshot: the token from before the reset is no good.
    assert_eq!(hatd.starts(), [resume("t1"), snapshot()]);
    let counters = watch.counters();
    assert_eq!((counters.resets, counters.chain_breaks), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_go_away_no_sooner_than_asked() {
    let wait = Duration::from_secs(4);
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([bookmark("t1", "t2"), go_away("t2", wait)])),
        send_and_hang([bookmark("t2", "t3")]),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 2).await;

    let watches = hatd.watches();
    let waited = watches[1].0 - watches[0].0;
    assert!((wait..=wait * 3 / 2 + Duration::from_millis(5)).contains(&waited), "{waited:?}");
    assert_eq!(hatd.starts()[1], resume("t2"));
}

#[tokio::test(start_paused = true)]
async fn go_away_within_a_snapshot_starts_it_again() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([reset(""), page(false, ""), go_away("", Duration::ZERO)])),
        send_and_hang(whole()),
    ]);
    let mut watch = hatd.client().watch(options());
    take(&mut watch, 3).await;
    assert_eq!(hatd.starts(), [snapshot(), snapshot()]);
}

#[tokio::test(start_paused = true)]
async fn silence_of_two_and_a_half_heartbeats_ends_the_stream() {
    let heartbeat = Duration::from_secs(4);
    let hatd = Hatd::new().with_watches(vec![
        send_and_hang([bookmark("t1", "t2")]),
        send_and_hang([bookmark("t2", "t3")]),
    ]);
    let mut watch = hatd.client().watch(from("t1").heartbeat_interval(heartbeat));
    take(&mut watch, 1).await;
    let start = Instant::now();
    take(&mut watch, 1).await;

    let silent = Duration::from_secs(10);
    let waited = start.elapsed();
    assert!((silent..silent + Duration::from_millis(200)).contains(&waited), "{waited:?}");
    assert_eq!(hatd.starts(), [resume("t1"), resume("t2")]);
}

#[tokio::test(start_paused = true)]
async fn silence_while_opening_ends_the_attempt() {
    let deaf = Hatd::client_of_the_deaf(Client::builder());
    let mut watch = deaf.watch(from("t1").heartbeat_interval(Duration::from_secs(4)));
    timeout(Duration::from_secs(29), watch.next()).await.unwrap_err();
    assert_eq!(watch.counters().reconnects, 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_slow_is_not_silence() {
    let hatd = Hatd::new().with_watches(vec![send_and_hang(whole())]);
    let mut watch = hatd.client().watch(options());
    for _ in 0..whole().len() {
        watch.next().await.unwrap();
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    assert_eq!(watch.counters().reconnects, 0);
}

#[tokio::test(start_paused = true)]
async fn errors_that_a_new_stream_would_not_mend_end_it() {
    for code in [
        Code::InvalidArgument,
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::Unimplemented,
        Code::DataLoss,
    ] {
        for script in [
            Err(Status::new(code, "no")),
            Ok(vec![Step::Send(bookmark("t1", "t2")), Step::Fail(Status::new(code, "no"))]),
        ] {
            let events = usize::from(script.is_ok());
            let hatd = Hatd::new().with_watches(vec![script]);
            let mut watch = hatd.client().watch(from("t1"));
            take(&mut watch, events).await;
            assert_eq!(watch.next().await.unwrap_err().code(), code);
            assert!(matches!(watch.next().await, Err(Error::WatchEnded)));
            assert_eq!(hatd.watches().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_other_errors_are_outlasted() {
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Internal,
        Code::Unavailable,
    ] {
        let hatd = Hatd::new().with_watches(vec![
            Err(Status::new(code, "later")),
            Ok(vec![Step::Send(bookmark("t1", "t2")), Step::Fail(Status::new(code, "later"))]),
            send_and_hang([bookmark("t2", "t3")]),
        ]);
        let mut watch = hatd.client().watch(from("t1"));
        assert_eq!(tokens(&take(&mut watch, 2).await), [Some("t2"), Some("t3")], "{code:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_resumed_ends_it_only_if_asked() {
    for (code, name, reason) in [
        (Code::OutOfRange, "RESUME_TOKEN_EXPIRED", ErrorReason::ResumeTokenExpired),
        (Code::FailedPrecondition, "STORE_MISMATCH", ErrorReason::StoreMismatch),
    ] {
        let scripts = || vec![Err(refusal(code, name)), send_and_hang([bookmark("t1", "t2")])];

        let hatd = Hatd::new().with_watches(scripts());
        let mut watch = hatd.client().watch(from("t1").on_expired(pb::OnExpired::Fail));
        assert_eq!(watch.next().await.unwrap_err().reason(), Some(reason));

        let hatd = Hatd::new().with_watches(scripts());
        let mut watch = hatd.client().watch(from("t1"));
        assert!(watch.next().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_store_cannot_be_waited_for() {
    let hatd =
        Hatd::new().with_watches(vec![Err(refusal(Code::FailedPrecondition, "STORE_MISMATCH"))]);
    let mut watch = hatd.client().watch(options().at_least_token("other"));
    assert_eq!(watch.next().await.unwrap_err().reason(), Some(ErrorReason::StoreMismatch));
}

#[tokio::test(start_paused = true)]
async fn a_position_is_asked_for_until_a_bookmark_has_passed_it() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([changes("t1", "t2", &[5])])),
        Ok(send([bookmark("t2", "t3")])),
        send_and_hang([bookmark("t3", "t4")]),
    ]);
    let mut watch = hatd.client().watch(from("t1").at_least_token("t3"));
    take(&mut watch, 3).await;
    let asked: Vec<_> =
        hatd.watches().into_iter().map(|(_, request)| request.at_least_token).collect();
    assert_eq!(asked, ["t3", "t3", ""]);
}

#[tokio::test(start_paused = true)]
async fn now_means_now_until_something_has_come() {
    let hatd = Hatd::new().with_watches(vec![
        Err(Status::unavailable("starting")),
        Ok(vec![]),
        Ok(send([bookmark("", "t1")])),
        send_and_hang([bookmark("t1", "t2")]),
    ]);
    let mut watch = hatd.client().watch(options().start(Start::Now));
    take(&mut watch, 2).await;
    let now = WireStart::Now(pb::StartNow {});
    assert_eq!(hatd.starts(), [now.clone(), now.clone(), now, resume("t1")]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_token_is_left_to_the_server_to_refuse() {
    let hatd = Hatd::new().with_watches(vec![Err(refusal(Code::InvalidArgument, "INVALID_TOKEN"))]);
    let mut watch = hatd.client().watch(from(""));
    assert_eq!(watch.next().await.unwrap_err().reason(), Some(ErrorReason::InvalidToken));
    assert_eq!(hatd.starts(), [resume("")]);
}

#[tokio::test(start_paused = true)]
async fn delays_grow_while_it_fails_and_shrink_after_two_minutes_of_health() {
    let mut streams = 0;
    let hatd = Hatd::new().on_watch(move |_| {
        streams += 1;
        match streams {
            13 => send_and_hang([bookmark("t1", "t2")]),
            _ => Err(Status::unavailable("down")),
        }
    });
    // Twelve failures bring the ceiling to its highest, 30 s.
    let mut watch = hatd.client().watch(from("t1").heartbeat_interval(Duration::from_mins(1)));
    let delays = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&delays);
    watch.on_lifecycle(move |lifecycle| {
        if let Lifecycle::Disconnected { retry_in, .. } = lifecycle {
            seen.lock().unwrap().push(retry_in);
        }
    });
    take(&mut watch, 1).await;
    for (failures, delay) in delays.lock().unwrap().iter().enumerate() {
        let ceiling = Duration::from_millis(100 << failures).min(Duration::from_secs(30));
        assert!(*delay <= ceiling, "{failures}: {delay:?}");
    }
    assert!(delays.lock().unwrap().iter().any(|delay| *delay > Duration::from_secs(5)));
    assert_eq!(delays.lock().unwrap().len(), 12);

    // The thirteenth stream is healthy for 150 s, until silence ends it.
    timeout(Duration::from_secs(151), watch.next()).await.unwrap_err();
    assert!(delays.lock().unwrap()[12] <= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn the_servers_delay_is_honoured() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(20)));
    let status = Status::with_error_details(Code::ResourceExhausted, "too many", details);
    let hatd = Hatd::new().with_watches(vec![Err(status), send_and_hang([bookmark("t1", "t2")])]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 1).await;
    let watches = hatd.watches();
    assert!(watches[1].0 - watches[0].0 >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let hatd =
        Hatd::new().refuse_connections(5).with_watches(vec![send_and_hang([bookmark("t1", "t2")])]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 1).await;
    assert_eq!(watch.counters().reconnects, 5);
}

#[tokio::test(start_paused = true)]
async fn a_response_without_a_known_event_ends_the_stream() {
    let unknown = pb::WatchHatsResponse { after: "t1".into(), token: "t2".into(), event: None };
    let hatd =
        Hatd::new().with_watches(vec![Ok(send([unknown])), send_and_hang([bookmark("t1", "t2")])]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 1).await;
    assert_eq!(hatd.starts(), [resume("t1"), resume("t1")]);
}

#[tokio::test(start_paused = true)]
async fn dropping_next_loses_nothing() {
    let hatd = Hatd::new().with_watches(vec![
        send_and_hang([bookmark("t1", "t2")]),
        send_and_hang([bookmark("t2", "t3")]),
    ]);
    let heartbeat = Duration::from_secs(4);
    let mut watch = hatd.client().watch(from("t1").heartbeat_interval(heartbeat));
    take(&mut watch, 1).await;
    // Abandoned each second, it is still as long in waiting as it is.
    for _ in 0..9 {
        timeout(Duration::from_secs(1), watch.next()).await.unwrap_err();
    }
    assert_eq!(watch.token(), Some("t2"));
    assert_eq!(watch.counters().reconnects, 0);
    let event = timeout(Duration::from_millis(1_200), watch.next()).await.unwrap().unwrap();
    assert_eq!(event.token(), Some("t3"));
}

#[tokio::test(start_paused = true)]
async fn dropping_next_does_not_open_the_stream_anew() {
    let hatd = Hatd::new()
        .opens_after(Duration::from_secs(3))
        .with_watches(vec![send_and_hang([bookmark("t1", "t2")])]);
    let mut watch = hatd.client().watch(from("t1"));
    for _ in 0..2 {
        timeout(Duration::from_secs(1), watch.next()).await.unwrap_err();
    }
    take(&mut watch, 1).await;
    assert_eq!(hatd.watches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_delay_is_longer_than_asked() {
    let hatd = Hatd::new()
        .refuse_connections(99)
        .with_watches(vec![send_and_hang([bookmark("t1", "t2")])]);
    // Time goes by whole milliseconds, up to one more for each delay.
    let (longest, start) = (Duration::from_millis(9), Instant::now());
    take(&mut hatd.client().watch(from("t1").reconnect_delay_max(longest)), 1).await;
    assert!(start.elapsed() <= Duration::from_millis(990), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn closed_it_keeps_its_token() {
    let hatd =
        Hatd::new().with_watches(vec![send_and_hang([bookmark("t1", "t2"), bookmark("t2", "t3")])]);
    let mut watch = hatd.client().watch(from("t1"));
    take(&mut watch, 2).await;
    watch.close();
    watch.close();
    for _ in 0..2 {
        assert!(matches!(watch.next().await, Err(Error::Closed)));
    }
    assert_eq!(watch.token(), Some("t3"));
    let items: Vec<_> = watch.into_stream().collect().await;
    assert!(matches!(items.as_slice(), [Err(Error::Closed)]));
}

#[tokio::test(start_paused = true)]
async fn its_life_is_told() {
    let hatd = Hatd::new().with_watches(vec![
        Ok(send([bookmark("t1", "t2"), go_away("t2", Duration::from_secs(1))])),
        Ok(send([changes("other", "t9", &[1])])),
        send_and_hang(whole()),
    ]);
    let mut watch = hatd.client().watch(from("t1"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    watch.on_lifecycle(move |lifecycle| {
        tell.lock().unwrap().push(match lifecycle {
            Lifecycle::Connected => "connected".to_owned(),
            Lifecycle::Disconnected { cause, .. } => cause.to_string(),
            _ => unreachable!(),
        });
    });
    take(&mut watch, 2).await;
    assert_eq!(
        *told.lock().unwrap(),
        [
            "connected",
            "the server is shutting down",
            "connected",
            "the chain of tokens is broken",
            "connected"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn as_a_stream_it_ends_after_its_error() {
    let hatd = Hatd::new()
        .with_watches(vec![Ok(send([bookmark("t1", "t2")])), Err(Status::permission_denied("no"))]);
    let items: Vec<_> = hatd.client().watch(from("t1")).into_stream().collect().await;
    assert_eq!(items.len(), 2);
    assert!(items[0].is_ok());
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn a_new_watch_has_been_through_nothing() {
    let watch = Hatd::new().client().watch(options());
    assert_eq!(watch.counters(), Counters::default());
    assert_eq!(watch.last_response(), None);
}
