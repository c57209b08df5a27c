//! Row 408: the time that callers give, and what no handler sees (row 409).

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use pb::watch_hats_response::Event;
use prost::Message as _;
use tonic::Code;

use super::support::*;

const ADD: &str = "/hatd.v1.HatService/AddUserHat";
const WATCH: &str = "/hatd.v1.HatService/WatchHats";

#[tokio::test]
async fn f408_a_call_that_comes_too_late_writes_nothing() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    for timeout in ["0S", "0n", "00000000H"] {
        let call = hatd.call(ADD, &[("grpc-timeout", timeout)], body(message.clone())).await;
        assert_eq!(call.code(), Code::DeadlineExceeded, "{timeout}");
        assert_eq!(hatd.state().await, before, "{timeout}");
    }
    // A nanosecond has passed by the time anybody looks, or the answer is there already.
    let call = hatd.call(ADD, &[("grpc-timeout", "1n")], body(message.clone())).await;
    assert!(matches!(call.code(), Code::DeadlineExceeded | Code::Ok), "{call:?}");
    for timeout in ["garbage", "", "1", "-1S", "99999999H", "00000020S"] {
        let call = hatd.call(ADD, &[("grpc-timeout", timeout)], body(message.clone())).await;
        let answer: pb::AddUserHatResponse = call.message();
        assert!(answer.user_hats.unwrap().hats.contains_key(HAT), "{timeout:?}");
    }
}

#[tokio::test]
async fn f408_a_deadline_ends_a_watch() {
    let hatd = Hatd::start().await;
    let message = body(frame(&pb::WatchHatsRequest::default().encode_to_vec()));
    let watch = hatd.call(WATCH, &[("grpc-timeout", "1S")], message).await;
    assert_eq!(watch.code(), Code::DeadlineExceeded);
    let mut events = Vec::new();
    let mut rest = &watch.body[..];
    while let Some((prefix, after)) = rest.split_at_checked(5) {
        let len = u32::from_be_bytes(prefix[1..].try_into().unwrap());
        let (message, after) = after.split_at(usize::try_from(len).unwrap());
        events.extend(pb::WatchHatsResponse::decode(message).unwrap().event);
        rest = after;
    }
    assert!(rest.is_empty(), "a message is cut short");
    assert!(matches!(events.first(), Some(Event::Reset(_))), "{events:?}");
    assert!(matches!(events.last(), Some(Event::Bookmark(_))), "{events:?}");
    let status = watch.status.unwrap();
    assert!(status.message().contains("deadline"), "{status:?}");
}

async fn send(hatd: &Hatd, method: Method, path: &str, content_type: &str, message: Bytes) -> Raw {
    let uri = format!("http://{}{path}", hatd.address);
    let request = Request::builder().method(method).uri(uri).header("content-type", content_type);
    hatd.request(request.body(body(message)).unwrap()).await
}

#[tokio::test]
async fn f409_what_is_not_grpc_reaches_no_handler() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    for content_type in ["application/json", "application/grpc+json", ""] {
        let answer = send(&hatd, Method::POST, ADD, content_type, message.clone()).await;
        assert_eq!(answer.http, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    for method in [Method::GET, Method::PUT, Method::OPTIONS] {
        let answer = send(&hatd, method.clone(), ADD, "application/grpc", message.clone()).await;
        assert_eq!(answer.http, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let answer = send(&hatd, Method::POST, "/nowhere", "text/plain", message).await;
    assert_eq!(answer.http, StatusCode::NOT_FOUND);
    assert_eq!(hatd.state().await, before);
}
