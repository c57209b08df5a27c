//! Web pages: which may call, and what their browsers let them read.

use std::collections::BTreeMap;

use pb::watch_hats_response::Event;
use prost::Message as _;
use tonic::Code;

use super::{
    http1::{Http1, Incoming, PROTO, WebFrame},
    support::*,
};

const ADD: &str = "/hatd.v1.HatService/AddUserHat";
const WATCH: &str = "/hatd.v1.HatService/WatchHats";
/// The page that may call, and one that may not.
const PAGE: &str = "https://chat.example";
const STRANGER: &str = "https://stranger.example";

/// Asks as a browser does before a call of `page`.
async fn preflight<'a>(http: &'a mut Http1, path: &str, page: &str) -> Incoming<'a> {
    let headers = format!(
        "origin: {page}\r\naccess-control-request-method: POST\r\n\
         access-control-request-headers: content-type,grpc-timeout,x-grpc-web,x-user-agent\r\n"
    );
    http.request("OPTIONS", path, &headers, b"").await
}

/// Calls as a browser does for `page`.
async fn call<'a>(
    http: &'a mut Http1,
    path: &str,
    page: &str,
    message: &impl prost::Message,
) -> Incoming<'a> {
    let headers = format!("origin: {page}\r\n");
    http.post(path, PROTO, &headers, &frame(&message.encode_to_vec())).await
}

/// The headers that tell browsers of pages.
fn of_cors(answer: &Incoming<'_>) -> BTreeMap<String, String> {
    let is = |name: &str| name.starts_with("access-control-") || name == "vary";
    answer.headers.clone().into_iter().filter(|(name, _)| is(name)).collect()
}

/// Checks that `page` can read the answer, status included, and that its cookies are not wanted.
#[track_caller]
fn check_readable(answer: &Incoming<'_>, page: &str) {
    let expected = [
        ("access-control-allow-origin", page),
        ("access-control-expose-headers", "grpc-status, grpc-message, grpc-status-details-bin"),
        ("vary", "origin"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(of_cors(answer), expected.into());
}

/// Checks that the answer refuses a page, in words for people, and lets no page read it.
#[track_caller]
fn check_refused(answer: &Incoming<'_>) {
    assert_eq!(answer.status, 403);
    assert_eq!(of_cors(answer), BTreeMap::new());
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let text = std::str::from_utf8(&answer.buffer).unwrap();
    assert!(text.contains("cors-origins"), "{text}");
}

#[tokio::test]
async fn a_browser_is_told_beforehand_what_a_listed_page_may_send() {
    let hatd = Hatd::start_for_pages(&["http://localhost:5173", "HTTPS://Chat.Example:443"]).await;
    let mut http = Http1::connect(hatd.address).await;
    for path in [ADD, WATCH, "/hatd.v1.HatService/Unknown", "/"] {
        for page in ["http://localhost:5173", PAGE] {
            let answer = preflight(&mut http, path, page).await;
            assert_eq!(answer.status, 204, "{path}");
            let mut headers = of_cors(&answer);
            let mut take = |name: &str| headers.remove(&format!("access-control-{name}")).unwrap();
            assert_eq!(take("allow-methods"), "POST");
            assert_eq!(
                take("allow-headers"),
                "content-type, x-grpc-web, x-user-agent, grpc-timeout, grpc-accept-encoding, \
                 authorization, traceparent, tracestate"
            );
            assert_eq!(take("max-age"), "7200");
            assert_eq!(take("allow-origin"), page);
            take("expose-headers");
            assert_eq!(headers.into_iter().collect::<Vec<_>>(), [("vary".into(), "origin".into())]);
        }
    }
}

#[tokio::test]
async fn a_listed_page_reads_its_answers_and_refusals() {
    let hatd = Hatd::start_for_pages(&[PAGE]).await;
    hatd.put_member().await;
    let mut http = Http1::connect(hatd.address).await;

    let mut answer = call(&mut http, ADD, PAGE, &add_request(ROOM, USER, HAT)).await;
    check_readable(&answer, PAGE);
    assert!(answer.message::<pb::AddUserHatResponse>().await.changed);
    assert_eq!(answer.status().await.code(), Code::Ok);

    // A refusal has its status in the headers, which the page reads only if they are exposed.
    let mut answer = call(&mut http, ADD, PAGE, &add_request("nowhere@b", USER, HAT)).await;
    check_readable(&answer, PAGE);
    let exposed = &answer.headers["access-control-expose-headers"];
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(answer.headers.contains_key(name) && exposed.split(", ").any(|it| it == name));
    }
    let room = [("room_jid", "nowhere@b")];
    check_status("a refusal", &answer.status().await, ErrorReason::RoomNotFound, &room);

    let headers = format!("origin: {PAGE}\r\n");
    let mut answer = http.post(ADD, PROTO, &headers, &[0, 0xFF, 0xFF, 0xFF, 0xFF, 7]).await;
    check_readable(&answer, PAGE);
    let limit = [("limit", "4194304")];
    check_status("4 GiB", &answer.status().await, ErrorReason::MessageTooLarge, &limit);

    let timeout = format!("{headers}grpc-timeout: 0S\r\n");
    let mut answer = http.post(ADD, PROTO, &timeout, &frame(&[])).await;
    check_readable(&answer, PAGE);
    assert_eq!(answer.status().await.code(), Code::DeadlineExceeded);

    let unknown = "/hatd.v1.HatService/Unknown";
    let mut answer = http.post(unknown, PROTO, &headers, &frame(&[])).await;
    check_readable(&answer, PAGE);
    assert_eq!(answer.status().await.code(), Code::Unimplemented);

    for (method, path, content_type, expected) in [
        ("POST", ADD, "application/json", 415),
        ("POST", ADD, "application/grpc", 505),
        ("POST", "/unknown", "application/json", 404),
        ("GET", ADD, PROTO, 405),
        // No question of a browser, which says what it wants to do.
        ("OPTIONS", ADD, PROTO, 405),
    ] {
        let headers = format!("{headers}content-type: {content_type}\r\ncontent-length: 0\r\n");
        let answer = http.request(method, path, &headers, b"").await;
        assert_eq!(answer.status, expected, "{method} {path} {content_type}");
        check_readable(&answer, PAGE);
    }
}

#[tokio::test]
async fn a_listed_page_watches() {
    let hatd = Hatd::start_for_pages(&[PAGE]).await;
    hatd.put_member().await;
    let selector = pb::WatchSelector { room_jid: ROOM.into(), ..Default::default() };
    let mut http = Http1::connect(hatd.address).await;
    let mut watch = call(&mut http, WATCH, PAGE, &watch_request(selector)).await;
    check_readable(&watch, PAGE);

    let mut next = async || watch.message::<pb::WatchHatsResponse>().await.event.unwrap();
    while !matches!(next().await, Event::Bookmark(_)) {}
    hatd.give(ROOM, USER, HAT).await;
    let Event::Changes(changes) = next().await else { panic!("changes expected") };
    assert_eq!(changes.commits[0].users[0].changes[0].hat_id, HAT);

    hatd.stop();
    assert!(matches!(next().await, Event::GoAway(_)));
    let Some(WebFrame::Trailers(trailers)) = watch.frame().await else { panic!("an end expected") };
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn f704_a_page_that_is_not_listed_is_refused_and_does_nothing() {
    for listed in [&[][..], &["http://localhost:5173", PAGE]] {
        let hatd = Hatd::start_for_pages(listed).await;
        hatd.put_member().await;
        let before = hatd.state().await;
        let mut http = Http1::connect(hatd.address).await;
        // A name that points at hatd's address makes a page of its own origin: that of the Host.
        let rebound = format!("http://{}", hatd.address);
        for page in [
            STRANGER,
            &rebound,
            "null",
            "",
            "*",
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.stranger.example",
            "https://CHAT.example",
            "https://chat.example, https://stranger.example",
            "\u{FF}",
        ] {
            check_refused(&preflight(&mut http, ADD, page).await);
            let request = add_request(ROOM, USER, HAT);
            check_refused(&call(&mut http, ADD, page, &request).await);
            check_refused(&call(&mut http, WATCH, page, &pb::WatchHatsRequest::default()).await);

            // What a browser sends without asking, and gRPC itself.
            let message = frame(&request.encode_to_vec());
            let headers = format!("origin: {page}\r\n");
            check_refused(&http.post(ADD, "text/plain", &headers, &message).await);
            let answer = hatd.call(ADD, &[("origin", page)], body(message)).await;
            assert_eq!((answer.http.as_u16(), answer.status.is_none()), (403, true), "{page}");
        }
        assert_eq!(hatd.state().await, before);
    }
}

#[tokio::test]
async fn the_star_lists_every_page_but_wants_no_cookies() {
    let hatd = Hatd::start_for_pages(&["*"]).await;
    hatd.put_member().await;
    let mut http = Http1::connect(hatd.address).await;
    for page in [PAGE, STRANGER, "null"] {
        let answer = preflight(&mut http, ADD, page).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.headers["access-control-allow-origin"], page);
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        let mut answer = call(&mut http, ADD, page, &add_request(ROOM, USER, HAT)).await;
        check_readable(&answer, page);
        answer.message::<pb::AddUserHatResponse>().await;
        assert_eq!(answer.status().await.code(), Code::Ok);
    }
}

#[tokio::test]
async fn callers_that_are_no_pages_notice_nothing() {
    for listed in [&[][..], &[PAGE], &["*"]] {
        let hatd = Hatd::start_for_pages(listed).await;
        hatd.put_member().await;
        let mut http = Http1::connect(hatd.address).await;
        let mut answer = http.post_message(ADD, &add_request(ROOM, USER, HAT)).await;
        assert_eq!((answer.status, of_cors(&answer)), (200, BTreeMap::new()));
        answer.message::<pb::AddUserHatResponse>().await;
        assert_eq!(answer.status().await.code(), Code::Ok);
        let asked = "access-control-request-method: POST\r\n";
        let answer = http.request("OPTIONS", ADD, asked, b"").await;
        assert_eq!((answer.status, of_cors(&answer)), (405, BTreeMap::new()));
    }
}
