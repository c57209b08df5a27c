//! The state that a watch begins with.

use std::time::Duration;

use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use prost::Message as _;

use super::held::{Follower, Held};
use super::server::{HAT, ROOM, Server, USER, connect_narrow};
use super::stream::{
    Response, Watch, domain, is_bookmark, is_complete, now, page, reset_reason, room, snapshot,
    user, user_in_room,
};

/// The contract's bound on a page, in bytes.
const PAGE_BYTES: usize = 256 << 10;

/// The responses of a fresh watch up to and with the first bookmark.
async fn responses(server: &Server, selectors: &[pb::WatchSelector]) -> Vec<Response> {
    Watch::open(server, snapshot(selectors)).await.until_bookmark().await
}

#[tokio::test]
async fn a_snapshot_is_a_reset_pages_and_a_bookmark() {
    let server = Server::with_a_member().await;
    server.give(ROOM, USER, HAT).await;
    let responses = responses(&server, &[]).await;

    let [reset, pages @ .., complete, bookmark] = &responses[..] else {
        panic!("too few: {responses:?}")
    };
    assert_eq!(reset_reason(reset), pb::ResetReason::Initial);
    assert!(reset.after.is_empty() && reset.token.is_empty());
    assert!(pages.iter().all(|response| response.token.is_empty() && !page(response).complete));
    assert!(page(complete).complete && !complete.token.is_empty());
    assert!(is_bookmark(bookmark) && !bookmark.token.is_empty());
}

#[tokio::test]
async fn an_empty_selection_is_complete_too() {
    let server = Server::with_a_member().await;
    for selectors in [
        room("nowhere@conference.localhost"),
        user("nobody@localhost"),
        user_in_room("nowhere@conference.localhost", USER),
        domain("nowhere.localhost"),
    ] {
        let responses = responses(&server, std::slice::from_ref(&selectors)).await;
        let mut follower = Follower::default();
        follower.follow_all(&responses);
        assert_eq!(follower.held, Held::default(), "{selectors:?}");
        assert!(responses.iter().any(is_complete), "{selectors:?}");
    }
}

#[tokio::test]
async fn a_watch_of_an_empty_server_is_complete_and_goes_on() {
    let server = Server::fresh().await;
    let mut watch = Watch::open(&server, snapshot(&[])).await;
    watch.until_bookmark().await;
    let revision = server.put_room(ROOM).await.revision;
    assert_eq!(watch.commit().await.revision, revision);
}

#[tokio::test]
async fn pages_stay_under_256_kib_whatever_the_records() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    // Documents near their bound, and definitions as large as they get.
    let title = "ö".repeat(128);
    let context = pb::Context { actor: "a".repeat(1023), reason: "r".repeat(256) };
    for user in 0..12 {
        let hats = (0..28).map(|hat| {
            let id = format!("urn:{hat}:{}", "x".repeat(500));
            (id, pb::Attachment { active: true, title: title.clone(), ..Default::default() })
        });
        let request = pb::SetUserHatsRequest {
            room_jid: ROOM.to_owned(),
            user_jid: format!("user{user}@localhost"),
            hats: hats.collect(),
            context: Some(context.clone()),
            ..Default::default()
        };
        server.client.set_user_hats(request).await.unwrap();
    }
    for hat in 0..40 {
        let languages = (0..32_u8).map(|n| format!("en-{}{}", char::from(b'a' + n % 26), "bcde12"));
        let titles = languages.enumerate().map(|(n, language)| {
            let language = if n < 26 { language } else { format!("de-x-{n}") };
            (language, title.clone())
        });
        let definition = pb::HatDefinition {
            hat_id: format!("urn:{hat}:{}", "x".repeat(1_000)),
            title: title.clone(),
            titles: titles.collect(),
            description: "ö".repeat(512),
            hue: Some(359.9),
            ..Default::default()
        };
        let request = pb::DefineHatRequest {
            room_jid: ROOM.to_owned(),
            definition: Some(definition),
            ..Default::default()
        };
        server.client.define_hat(request).await.unwrap();
    }

    for selectors in [&[][..], &[room(ROOM)], &[domain("conference.localhost")]] {
        let responses = responses(&server, selectors).await;
        let mut follower = Follower::default();
        follower.follow_all(&responses);
        assert_eq!(follower.held, Held::of(&server.client).await);
        let bytes: Vec<_> = responses.iter().map(Response::encoded_len).collect();
        assert!(bytes.iter().all(|bytes| *bytes < PAGE_BYTES), "{bytes:?}");
        assert!(bytes.iter().sum::<usize>() > 2 * PAGE_BYTES, "it takes several pages: {bytes:?}");
    }
}

#[tokio::test]
async fn many_small_documents_come_in_pages_each_once() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    for block in 0..6 {
        let users = (0..500).map(|user| format!("user{block}-{user}@localhost"));
        let operations = users.map(|user_jid| pb::HatOperation {
            operation: Some(pb::hat_operation::Operation::Add(pb::AddOperation {
                user_jid,
                hat_id: HAT.to_owned(),
                attachment: None,
            })),
        });
        let request = pb::UpdateRoomHatsRequest {
            room_jid: ROOM.to_owned(),
            operations: operations.collect(),
            ..Default::default()
        };
        server.client.update_room_hats(request).await.unwrap();
    }
    let responses = responses(&server, &[room(ROOM)]).await;
    let mut follower = Follower::default();
    follower.follow_all(&responses);
    assert_eq!(follower.held.users.len(), 3_000);
    let with_users = |response: &&Response| matches!(&response.event, Some(Event::Snapshot(page)) if !page.users.is_empty());
    assert!(responses.iter().filter(with_users).count() > 2);
}

#[tokio::test]
async fn writes_during_a_snapshot_come_before_it_is_complete() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    for user in 0..80 {
        let attachment = pb::Attachment { title: "t".repeat(250), ..Default::default() };
        let hats = (0..60).map(|hat| (format!("urn:hat:{hat}"), attachment.clone()));
        let request = pb::SetUserHatsRequest {
            room_jid: ROOM.to_owned(),
            user_jid: format!("user{user}@localhost"),
            hats: hats.collect(),
            ..Default::default()
        };
        server.client.set_user_hats(request).await.unwrap();
    }
    let stub = HatServiceClient::new(connect_narrow(server.address).await);
    let mut watch = Watch::try_open(&stub, snapshot(&[room(ROOM)])).await.unwrap();
    let mut follower = Follower::default();
    follower.follow(&watch.next().await);
    follower.follow(&watch.next().await);

    // The scan has begun; the transport has taken some pages ahead, but not all.
    let mut written = server.give_titled(0, 0, 1).await;
    let mut responses = Vec::new();
    loop {
        let response = watch.next().await;
        follower.follow(&response);
        let complete = is_complete(&response);
        responses.push(response);
        if complete {
            break;
        }
        written = server.give_titled(0, 0, 1 + responses.len()).await;
    }
    let changes: Vec<_> = responses
        .iter()
        .filter(|response| matches!(response.event, Some(Event::Changes(_))))
        .collect();
    assert!(!changes.is_empty(), "writes fell into the snapshot");
    assert!(changes.iter().all(|response| response.token.is_empty()), "state, not news");

    let key = (ROOM.to_owned(), "user0@localhost".to_owned());
    while follower.held.users[&key].revision < written.revision {
        follower.follow(&watch.next().await);
    }
    assert_eq!(follower.held, Held::of(&server.client).await);
}

#[tokio::test]
async fn now_begins_with_a_bookmark_and_the_next_change() {
    let server = Server::with_a_member().await;
    server.give(ROOM, USER, HAT).await;
    let mut watch = Watch::open(&server, now(&[room(ROOM)])).await;

    let first = watch.next().await;
    assert!(first.after.is_empty() && is_bookmark(&first), "{first:?}");
    let written = server.take(ROOM, USER, HAT).await;
    assert_eq!(watch.commit().await.revision, written.revision);
}

#[tokio::test]
async fn latest_state_is_refused_until_it_is_built() {
    let server = Server::fresh().await;
    let request =
        pb::WatchHatsRequest { delivery: pb::Delivery::LatestState.into(), ..snapshot(&[]) };
    let refusal = Watch::refused(&server, request).await;
    assert_eq!(refusal, (tonic::Code::InvalidArgument, "INVALID_FIELD".to_owned()));
}

#[tokio::test]
async fn what_no_watch_can_be_is_refused() {
    let server = Server::fresh().await;
    let with_domain =
        pb::WatchSelector { room_domain: "conference.localhost".to_owned(), ..room(ROOM) };
    let heartbeat = |seconds| pb::WatchHatsRequest {
        heartbeat_interval: Some(Duration::from_millis(seconds).try_into().unwrap()),
        ..snapshot(&[])
    };
    let check = async |request: pb::WatchHatsRequest, reason: &str| {
        let (code, said) = Watch::refused(&server, request.clone()).await;
        assert_eq!((code, said.as_str()), (tonic::Code::InvalidArgument, reason), "{request:?}");
    };
    check(snapshot(&[with_domain]), "INVALID_FIELD").await;
    check(snapshot(&[room("conference.localhost")]), "INVALID_ROOM_JID").await;
    check(snapshot(&[room("room@conference.localhost/nick")]), "INVALID_ROOM_JID").await;
    check(snapshot(&[user("user@localhost/phone")]), "INVALID_USER_JID").await;
    check(snapshot(&vec![user(USER); 1_001]), "INVALID_FIELD").await;
    check(heartbeat(999), "INVALID_FIELD").await;
    check(heartbeat(60_001), "INVALID_FIELD").await;
    let unknown = pb::WatchHatsRequest { on_expired: 9, ..snapshot(&[]) };
    check(unknown, "INVALID_FIELD").await;

    Watch::open(&server, snapshot(&vec![user(USER); 1_000])).await.until_bookmark().await;
    Watch::open(&server, heartbeat(1_000)).await.until_bookmark().await;
    Watch::open(&server, heartbeat(60_000)).await.until_bookmark().await;
}
