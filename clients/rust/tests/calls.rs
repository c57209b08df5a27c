//! Calls: retries, deadlines, request ids, pages.

mod support;

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use futures_util::TryStreamExt as _;
use hatd_client::{Client, Code, Error, ErrorReason, Timestamp, WatchOptions, pb};
use support::Hatd;
use tokio::{
    join,
    time::{Instant, sleep},
};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

const ROOM: &str = "room@conference.localhost";
const USER: &str = "user@localhost";
const HAT: &str = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";

/// Answers with these in turn, and well after them.
fn in_turn(
    answers: Vec<Status>,
) -> impl FnMut(pb::AddUserHatRequest) -> Result<pb::AddUserHatResponse, Status> {
    let mut answers = answers.into_iter();
    move |_| match answers.next() {
        Some(status) => Err(status),
        None => Ok(pb::AddUserHatResponse { changed: true, ..Default::default() }),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hat_given_is_active() {
    let hatd = Hatd::new();
    hatd.client().give_hat(ROOM, USER, HAT).await.unwrap();

    let (_, request) = hatd.adds().remove(0);
    assert_eq!((request.room_jid, request.user_jid), (ROOM.to_owned(), USER.to_owned()));
    assert_eq!(request.hat_id, HAT);
    assert_eq!(request.attachment, Some(pb::Attachment { active: true, ..Default::default() }));
}

#[tokio::test(start_paused = true)]
async fn more_can_be_said_of_a_hat_given() {
    let hatd = Hatd::new();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
    let client = hatd.client();
    client.give_hat(ROOM, USER, HAT).title("Host").required().expire_time(end).await.unwrap();

    let (_, request) = hatd.adds().remove(0);
    let expected = pb::Attachment {
        active: true,
        required: true,
        title: "Host".into(),
        expire_time: Some(Timestamp { seconds: 9, nanos: 0 }),
        given: None,
    };
    assert_eq!(request.attachment, Some(expected));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_travels_with_the_call() {
    let hatd = Hatd::new();
    hatd.client().give_hat(ROOM, USER, HAT).await.unwrap();
    assert!(hatd.headers()[0].contains_key("grpc-timeout"));
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again_with_one_request_id() {
    let hatd = Hatd::new().on_add(in_turn(vec![
        Status::unavailable("replacing"),
        Status::unavailable("replacing"),
        Status::unavailable("replacing"),
    ]));
    assert!(hatd.client().give_hat(ROOM, USER, HAT).await.unwrap().changed);

    let adds = hatd.adds();
    assert_eq!(adds.len(), 4);
    assert_eq!(adds[0].1.request_id.len(), 36);
    assert!(adds.iter().all(|(_, request)| *request == adds[0].1));

    hatd.client().give_hat(ROOM, USER, HAT).await.unwrap();
    assert_ne!(hatd.adds()[4].1.request_id, adds[0].1.request_id);
}

#[tokio::test(start_paused = true)]
async fn a_request_id_of_the_callers_is_kept() {
    let hatd = Hatd::new();
    let request = pb::AddUserHatRequest { request_id: "mine".into(), ..Default::default() };
    hatd.client().add_user_hat(request).await.unwrap();
    assert_eq!(hatd.adds()[0].1.request_id, "mine");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_tells_its_request_id() {
    let refusing = Hatd::new().on_add(in_turn(vec![Status::not_found("no such room")]));
    let error = refusing.client().give_hat(ROOM, USER, HAT).await.unwrap_err();
    assert_eq!(error.request_id(), Some(refusing.adds()[0].1.request_id.as_str()));

    let request = pb::AddUserHatRequest { request_id: "mine".into(), ..Default::default() };
    for unreachable in [
        Hatd::new().refuse_connections(u32::MAX).client(),
        Hatd::client_of_the_deaf(Client::builder()),
    ] {
        let error = unreachable.add_user_hat(request.clone()).await.unwrap_err();
        assert_eq!(error.request_id(), Some("mine"));
        let error = unreachable.get_room(pb::GetRoomRequest::default()).await.unwrap_err();
        assert_eq!(error.request_id(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_can_be_of_one_call() {
    let deaf = Hatd::client_of_the_deaf(Client::builder());
    for seconds in [1, 40] {
        let start = Instant::now();
        let timeout = Duration::from_secs(seconds);
        deaf.with_timeout(timeout).give_hat(ROOM, USER, HAT).await.unwrap_err();
        assert!((timeout..timeout + Duration::from_millis(10)).contains(&start.elapsed()));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_ends_what_is_pending_and_what_comes_later() {
    let deaf = Hatd::client_of_the_deaf(Client::builder());
    let mut watch = deaf.watch(WatchOptions::default());
    let other = deaf.clone();
    let close = async {
        sleep(Duration::from_secs(1)).await;
        other.close().await;
        other.close().await;
    };
    let (given, watched, ()) =
        join!(deaf.give_hat(ROOM, USER, HAT).into_future(), watch.next(), close);
    for error in [
        given.unwrap_err(),
        watched.unwrap_err(),
        watch.next().await.unwrap_err(),
        deaf.give_hat(ROOM, USER, HAT).await.unwrap_err(),
        deaf.watch(WatchOptions::default()).next().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Closed), "{error:?}");
        assert_eq!(error.code(), Code::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_is_tried_again() {
    let hatd = Hatd::new().refuse_connections(3);
    assert!(hatd.client().give_hat(ROOM, USER, HAT).await.is_ok());
    assert_eq!(hatd.adds().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_errors_are_not_tried_again() {
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::DataLoss,
        Code::Unauthenticated,
    ] {
        let hatd = Hatd::new().on_add(in_turn(vec![Status::new(code, "no")]));
        let error = hatd.client().give_hat(ROOM, USER, HAT).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(hatd.adds().len(), 1, "{code:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_delay_is_waited_for() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(9)));
    details.set_error_info("SHUTTING_DOWN", "hatd.v1", HashMap::new());
    let status = Status::with_error_details(Code::Unavailable, "later", details);
    let hatd = Hatd::new().on_add(in_turn(vec![status]));
    hatd.client().give_hat(ROOM, USER, HAT).await.unwrap();

    let adds = hatd.adds();
    assert!(adds[1].0 - adds[0].0 >= Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_unavailable_is_the_error() {
    let hatd = Hatd::new().on_add(|_| Err(Status::unavailable("replacing")));
    let start = Instant::now();
    let error = hatd.client().give_hat(ROOM, USER, HAT).await.unwrap_err();

    assert_eq!(error.code(), Code::Unavailable);
    assert!(start.elapsed() <= Duration::from_secs(30));
    assert!(hatd.adds().len() > 10);
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_end_at_their_timeout() {
    let hatd = Hatd::new();
    let unreachable = hatd.client_with(
        Client::builder()
            .read_timeout(Duration::from_secs(1))
            .write_timeout(Duration::from_secs(2)),
    );
    let hatd = hatd.refuse_connections(u32::MAX);

    let start = Instant::now();
    let error = unreachable.get_user_hats(pb::GetUserHatsRequest::default()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert!(start.elapsed() <= Duration::from_secs(1));

    let start = Instant::now();
    let error = unreachable.give_hat(ROOM, USER, HAT).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert!(start.elapsed() <= Duration::from_secs(2));
    assert!(hatd.adds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_not_waited_for() {
    let timeout = Duration::from_secs(2);
    let deaf = Hatd::client_of_the_deaf(Client::builder().write_timeout(timeout));
    let start = Instant::now();
    let error = deaf.give_hat(ROOM, USER, HAT).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(start.elapsed() < timeout + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_its_reason() {
    let mut details = ErrorDetails::new();
    details.set_error_info(
        "ROOM_NOT_FOUND",
        "hatd.v1",
        HashMap::from([("room_jid".to_owned(), ROOM.to_owned())]),
    );
    let status = Status::with_error_details(Code::NotFound, "room does not exist", details);
    let hatd = Hatd::new().on_add(in_turn(vec![status]));
    let error = hatd.client().give_hat(ROOM, USER, HAT).await.unwrap_err();

    assert_eq!(error.reason(), Some(ErrorReason::RoomNotFound));
    assert_eq!(error.metadata("room_jid"), Some(ROOM));
    assert_eq!(error.to_string(), "room does not exist");
}

#[tokio::test(start_paused = true)]
async fn a_list_follows_its_pages_through_an_empty_one() {
    let hatd = Hatd::new().on_list(|request| {
        assert_eq!((request.room_jid.as_str(), request.page_size), (ROOM, 1_000));
        let (users, next) = match request.page_token.as_str() {
            "" => (vec!["a@localhost", "b@localhost"], "2"),
            "2" => (vec![], "3"),
            "3" => (vec!["c@localhost"], ""),
            other => return Err(Status::invalid_argument(other)),
        };
        Ok(pb::ListRoomHatsResponse {
            users: users
                .into_iter()
                .map(|user| pb::UserHats { user_jid: user.into(), ..Default::default() })
                .collect(),
            next_page_token: next.into(),
            ..Default::default()
        })
    });
    let request = pb::ListRoomHatsRequest { room_jid: ROOM.into(), ..Default::default() };
    let users: Vec<_> = hatd
        .client()
        .all_room_hats(request)
        .map_ok(|document| document.user_jid)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(users, ["a@localhost", "b@localhost", "c@localhost"]);
}

#[tokio::test]
async fn nothing_listening_is_a_transport_error_that_says_why() {
    // Bound and dropped: nobody listens on this port now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Client::connect(format!("127.0.0.1:{port}")).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}
