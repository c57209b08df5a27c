//! gRPC-Web over HTTP/1.1, as a browser speaks it: frames made and read by hand.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pb::watch_hats_response::Event;
use prost::Message as _;

use super::{
    http1::{Http1, PROTO, WebFrame},
    support::*,
};

const ADD: &str = "/hatd.v1.HatService/AddUserHat";
const WATCH: &str = "/hatd.v1.HatService/WatchHats";

#[tokio::test]
async fn a_unary_call_is_a_message_and_a_frame_of_trailers() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let mut http = Http1::connect(hatd.address).await;
    // One connection takes several calls, one after the other.
    for hat in [HAT, "urn:example:2"] {
        let mut answer = http.post_message(ADD, &add_request(ROOM, USER, hat)).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, PROTO));
        let message: pb::AddUserHatResponse = answer.message().await;
        assert!(message.changed && message.user_hats.unwrap().hats.contains_key(hat));
        assert_eq!(answer.status().await.code(), tonic::Code::Ok);
    }
    assert_eq!(hatd.hat_ids(ROOM, USER).await.len(), 2);
}

#[tokio::test]
async fn refusals_come_whole() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let mut http = Http1::connect(hatd.address).await;

    let mut answer = http.post_message(ADD, &add_request("nowhere@b", USER, HAT)).await;
    assert_eq!(answer.status, 200);
    let room = [("room_jid", "nowhere@b")];
    check_status("unary", &answer.status().await, ErrorReason::RoomNotFound, &room);

    let watch = pb::WatchHatsRequest { delivery: 99, ..Default::default() };
    let mut answer = http.post_message(WATCH, &watch).await;
    let field = [("field", "delivery")];
    check_status("a stream", &answer.status().await, ErrorReason::InvalidField, &field);

    let mut answer = http.post(ADD, PROTO, "", &frame(&[0xFF; 8])).await;
    assert_eq!(answer.status().await.code(), tonic::Code::Internal);
    let mut answer = http.post("/hatd.v1.HatService/Unknown", PROTO, "", &frame(&[])).await;
    assert_eq!(answer.status().await.code(), tonic::Code::Unimplemented);
    let mut answer = http.post(ADD, PROTO, "", &[0, 0xFF, 0xFF, 0xFF, 0xFF, 7]).await;
    let limit = [("limit", "4194304")];
    check_status("4 GiB", &answer.status().await, ErrorReason::MessageTooLarge, &limit);
    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    let mut answer = http.post(ADD, PROTO, "grpc-timeout: 0S\r\n", &message).await;
    assert_eq!(answer.status().await.code(), tonic::Code::DeadlineExceeded);
    assert_eq!(hatd.state().await, before);
}

#[tokio::test]
async fn a_watch_streams_until_the_server_says_goodbye() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let selector = pb::WatchSelector { room_jid: ROOM.into(), ..Default::default() };
    let mut http = Http1::connect(hatd.address).await;
    let mut watch = http.post_message(WATCH, &watch_request(selector)).await;
    assert_eq!((watch.status, watch.headers["content-type"].as_str()), (200, PROTO));

    let mut token = String::new();
    let mut next = async || {
        let response: pb::WatchHatsResponse = watch.message().await;
        assert_eq!(response.after, token);
        token.clone_from(&response.token);
        response.event.unwrap()
    };
    assert!(matches!(next().await, Event::Reset(_)));
    let mut rooms = Vec::new();
    loop {
        let Event::Snapshot(page) = next().await else { panic!("a page expected") };
        rooms.extend(page.rooms.into_iter().map(|room| room.room_jid));
        if page.complete {
            break;
        }
    }
    assert_eq!(rooms, [ROOM]);
    assert!(matches!(next().await, Event::Bookmark(_)));

    hatd.give(ROOM, USER, HAT).await;
    let Event::Changes(changes) = next().await else { panic!("changes expected") };
    assert_eq!(changes.commits[0].users[0].changes[0].hat_id, HAT);

    hatd.stop();
    let Event::GoAway(go_away) = next().await else { panic!("a goodbye expected") };
    assert_eq!(go_away.reason(), pb::GoAwayReason::Shutdown);
    assert_eq!(watch.status().await.code(), tonic::Code::Ok);
    drop(http);
    hatd.stopped().await;
}

#[tokio::test]
async fn a_deadline_ends_a_watch() {
    let hatd = Hatd::start().await;
    let mut http = Http1::connect(hatd.address).await;
    let message = frame(&pb::WatchHatsRequest::default().encode_to_vec());
    let mut watch = http.post(WATCH, PROTO, "grpc-timeout: 50m\r\n", &message).await;
    loop {
        match watch.frame().await {
            Some(WebFrame::Message(_)) => {}
            Some(WebFrame::Trailers(trailers)) => {
                assert_eq!(trailers["grpc-status"], "4");
                break;
            }
            None => panic!("no trailers"),
        }
    }
}

#[tokio::test]
async fn text_is_base64_of_the_same_frames() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let mut http = Http1::connect(hatd.address).await;
    let content_type = "application/grpc-web-text+proto";
    let message = STANDARD.encode(frame(&add_request(ROOM, USER, HAT).encode_to_vec()));
    let accept = format!("accept: {content_type}\r\n");
    let mut answer = http.post(ADD, content_type, &accept, message.as_bytes()).await;
    assert_eq!(answer.headers["content-type"], content_type);
    while !answer.ended {
        answer.read().await;
    }
    // Each frame may be padded for itself: four characters are three bytes, whichever they are of.
    let quads = answer.buffer.chunks(4).map(|quad| STANDARD.decode(quad).unwrap());
    answer.buffer = quads.collect::<Vec<_>>().concat();
    assert!(answer.message::<pb::AddUserHatResponse>().await.changed);
    assert_eq!(answer.status().await.code(), tonic::Code::Ok);
}
