//! How streams end: honestly, and leaving nothing behind.

use std::time::Duration;

use hatd::limits::Limits;
use hatd_client::pb;
use tonic::{Code, Request};

use super::server::{HAT, LIMIT, ROOM, Server, Setup, USER};
use super::stream::{Watch, go_away, is_bookmark, refusal, resume, room, snapshot};

#[tokio::test]
async fn a_shutdown_sends_go_away_and_ok_and_the_token_resumes_after_a_restart() {
    let setup = Setup::new();
    let server = setup.start().await;
    server.put_room(ROOM).await;
    server.member(ROOM, USER).await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;
    let before = watch.token.clone();

    server.shut_down();
    let response = watch.next().await;
    assert_eq!(go_away(&response), pb::GoAwayReason::Shutdown);
    assert_eq!(response.token, before, "nothing was sent in between");
    watch.ends().await;
    server.stopped().await;

    let server = setup.start().await;
    let written = server.give(ROOM, USER, HAT).await;
    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &before)).await;
    assert_eq!(watch.commit().await.revision, written.revision, "no snapshot");
    assert!(is_bookmark(&watch.next().await));
}

#[tokio::test]
async fn one_watch_more_than_the_limit_is_refused_and_a_dropped_one_makes_room() {
    let limits = Limits { watches_per_caller_max: 3, ..Limits::default() };
    let server = Setup { limits, ..Setup::new() }.start().await;
    let mut watches = Vec::new();
    for _ in 0..3 {
        let mut watch = Watch::open(&server, snapshot(&[])).await;
        watch.until_bookmark().await;
        watches.push(watch);
    }
    let status = Watch::try_open(&server.watches, snapshot(&[])).await.err().unwrap();
    assert_eq!(refusal(&status), (Code::ResourceExhausted, "TOO_MANY_WATCHES".to_owned()));
    let retry = tonic_types::StatusExt::get_details_retry_info(&status).unwrap();
    assert!(retry.retry_delay.is_some());

    watches.pop();
    // The server hears of it a moment later.
    let again = async {
        loop {
            match Watch::try_open(&server.watches, snapshot(&[])).await {
                Ok(watch) => return watch,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
            }
        }
    };
    let mut watch = tokio::time::timeout(LIMIT, again).await.unwrap();
    watch.until_bookmark().await;
}

#[tokio::test]
async fn watches_refused_or_failed_do_not_count() {
    let limits = Limits { watches_max: 1, ..Limits::default() };
    let server = Setup { limits, ..Setup::new() }.start().await;
    for _ in 0..5 {
        Watch::refused(&server, resume(&[], "hat")).await;
    }
    Watch::open(&server, snapshot(&[])).await.until_bookmark().await;
}

#[tokio::test]
async fn a_deadline_ends_a_watch_with_a_status() {
    let server = Server::fresh().await;
    let mut request = Request::new(snapshot(&[]));
    request.set_timeout(Duration::from_millis(300));
    let mut stream = server.watches.clone().watch_hats(request).await.unwrap().into_inner();
    let ended = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a deadline is no good end"),
                Err(status) => return status,
            }
        }
    };
    let status = tokio::time::timeout(LIMIT, ended).await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}

#[tokio::test]
async fn a_server_that_drains_takes_no_more_watches() {
    let server = Server::fresh().await;
    let mut watch = Watch::open(&server, snapshot(&[])).await;
    watch.until_bookmark().await;
    server.shut_down();
    assert_eq!(go_away(&watch.next().await), pb::GoAwayReason::Shutdown);
    let (code, _) = match Watch::try_open(&server.watches, snapshot(&[])).await {
        Err(status) => refusal(&status),
        Ok(_) => panic!("a watch was opened during the drain"),
    };
    assert_eq!(code, Code::Unavailable);
}
