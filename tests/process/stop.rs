//! Stopping: everybody is told, nobody holds it up.

use std::time::Instant;

use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use tempfile::TempDir;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::hatd::{Hatd, LIMIT, command, on, put_open_room};
use crate::watch::server::connect_narrow;

const ROOM: &str = "room@conference.localhost";

#[tokio::test]
async fn a_stop_tells_health_and_watches_and_ends_with_0() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_open_room(&hatd.client().await, ROOM).await;
    let mut watch =
        hatd.stub().await.watch_hats(pb::WatchHatsRequest::default()).await.unwrap().into_inner();
    while !matches!(watch.message().await.unwrap().unwrap().event, Some(Event::Bookmark(_))) {}
    let channel = Endpoint::from_shared(hatd.endpoint()).unwrap().connect().await.unwrap();
    let request = HealthCheckRequest { service: "hatd.v1.HatService".to_owned() };
    let mut health = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
    let status = health.message().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::Serving);

    hatd.terminate().await;

    let status = health.message().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::NotServing);
    let last = watch.message().await.unwrap().unwrap();
    let Some(Event::GoAway(go_away)) = last.event else { panic!("{last:?}") };
    assert_eq!(go_away.reason(), pb::GoAwayReason::Shutdown);
    assert!(go_away.retry_after.is_some());
    assert_eq!(watch.message().await.unwrap(), None, "and OK");
    drop((watch, health));
    assert_eq!(hatd.ended().await.code(), Some(0));
}

/// A client with a watch that it never reads, with more in it than the connection holds.
async fn stalled_watch(hatd: &Hatd) -> tonic::Streaming<pb::WatchHatsResponse> {
    let client = hatd.client().await;
    put_open_room(&client, ROOM).await;
    let mut stub = HatServiceClient::new(connect_narrow(hatd.address).await);
    let watch = stub.watch_hats(pb::WatchHatsRequest::default()).await.unwrap().into_inner();
    for user in 0..4 {
        for hat in 0..60 {
            let request = pb::AddUserHatRequest {
                room_jid: ROOM.to_owned(),
                user_jid: format!("user{user}@localhost"),
                hat_id: format!("urn:hat:{hat}"),
                attachment: Some(pb::Attachment { title: "t".repeat(250), ..Default::default() }),
                ..Default::default()
            };
            client.add_user_hat(request).await.unwrap();
        }
    }
    watch
}

#[tokio::test]
async fn a_client_that_never_reads_holds_a_stop_up_no_longer_than_the_grace_period() {
    let dir = TempDir::new().unwrap();
    let arguments =
        [&on(dir.path(), "127.0.0.1:0")[..], &["--shutdown-grace-period", "1s"]].concat();
    let hatd = Hatd::serve(&mut command(&arguments)).await;
    let _stalled = stalled_watch(&hatd).await;

    let start = Instant::now();
    let ended = hatd.stop().await;
    assert!(start.elapsed() < LIMIT / 3, "{:?}: {}", start.elapsed(), ended.log);
    assert!(dir.path().join("stopped").exists(), "the store is put away all the same");
}

#[tokio::test]
async fn a_second_signal_cuts_the_drain_short() {
    let dir = TempDir::new().unwrap();
    let arguments =
        [&on(dir.path(), "127.0.0.1:0")[..], &["--shutdown-grace-period", "1h"]].concat();
    let hatd = Hatd::serve(&mut command(&arguments)).await;
    let _stalled = stalled_watch(&hatd).await;
    let channel = Endpoint::from_shared(hatd.endpoint()).unwrap().connect().await.unwrap();
    let mut health =
        HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    health.message().await.unwrap();

    hatd.terminate().await;
    // The first signal has been taken when health says so.
    let status = health.message().await.unwrap().unwrap().status();
    assert_eq!(status, ServingStatus::NotServing);
    hatd.terminate().await;

    let ended = hatd.ended().await;
    assert_eq!(ended.code(), Some(0), "{}", ended.log);
    assert!(ended.log.contains("a second signal came"), "{}", ended.log);
    assert!(dir.path().join("stopped").exists(), "the store is put away all the same");
}
