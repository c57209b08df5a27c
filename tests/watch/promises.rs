//! Exact, Chained, Ordered, Atomic, Resumable: under concurrent writes, uncut and cut everywhere.

use hatd_client::pb;

use super::held::{Follower, Held};
use super::server::{HAT, OTHER_HAT, OTHER_USER, ROOM, Server, USER};
use super::stream::{Response, Watch, commits, of_changes, resume, room, snapshot};
use super::traffic::{self, SENTINEL_ROOM};

const CALLERS: u64 = 4;

/// Whether a follower has come to the sentinel, after this response.
fn is_at_the_end(follower: &Follower, response: &Response) -> bool {
    !response.token.is_empty() && follower.held.rooms.contains_key(SENTINEL_ROOM)
}

/// Follows until the sentinel.
async fn follow_to_the_end(watch: &mut Watch, follower: &mut Follower) -> Vec<Response> {
    let mut responses = Vec::new();
    loop {
        let response = watch.next().await;
        follower.follow(&response);
        let end = is_at_the_end(follower, &response);
        responses.push(response);
        if end {
            return responses;
        }
    }
}

#[tokio::test]
async fn what_a_watch_adds_up_to_is_the_state() {
    let seed = traffic::seed();
    let server = Server::fresh().await;
    traffic::prepare(&server.client).await;
    let mut watch = Watch::open(&server, snapshot(&[])).await;
    let mut follower = Follower::default();

    let ((), responses) = tokio::join!(
        async {
            traffic::write(&server.client, seed, CALLERS, 100).await;
            traffic::write_sentinel(&server.client).await;
        },
        follow_to_the_end(&mut watch, &mut follower)
    );

    assert!(responses.len() > 3);
    assert_eq!(follower.held, Held::of(&server.client).await);
}

#[tokio::test]
async fn a_stream_cut_after_any_message_and_resumed_goes_on_exactly_there() {
    let seed = traffic::seed();
    let server = Server::fresh().await;
    traffic::prepare(&server.client).await;
    let mut uncut = Watch::open(&server, snapshot(&[])).await;
    let mut follower = Follower::default();
    let ((), responses) = tokio::join!(
        async {
            traffic::write(&server.client, seed, CALLERS, 30).await;
            traffic::write_sentinel(&server.client).await;
        },
        follow_to_the_end(&mut uncut, &mut follower)
    );
    let state = Held::of(&server.client).await;

    let mut follower = Follower::default();
    for (index, response) in responses.iter().enumerate() {
        follower.follow(response);
        if response.token.is_empty() {
            continue;
        }
        let mut again = Follower::from(follower.held.clone());
        let mut watch = Watch::open(&server, resume(&[], &response.token)).await;
        if index + 1 < responses.len() {
            follow_to_the_end(&mut watch, &mut again).await;
        }
        let rest: Vec<_> = responses[index + 1..].iter().flat_map(of_changes).cloned().collect();
        assert_eq!(again.news, rest, "resumed after response {index}");
        assert_eq!(again.held, state, "resumed after response {index}");
    }
}

#[tokio::test]
async fn a_stream_cut_after_every_message_while_others_write_leads_to_the_state() {
    let seed = traffic::seed();
    let server = Server::fresh().await;
    traffic::prepare(&server.client).await;
    let mut uncut = Watch::open(&server, snapshot(&[])).await;
    let mut follower = Follower::default();
    follower.follow_all(&uncut.until_bookmark().await);

    let cut_often = async {
        let mut cut = Follower::default();
        let mut patience = 0;
        let mut token = String::new();
        loop {
            let mut watch = match token.as_str() {
                "" => Watch::open(&server, snapshot(&[])).await,
                token => Watch::open(&server, resume(&[], token)).await,
            };
            // A snapshot that is cut before it is complete starts over, so it is given one
            // message more each time.
            patience = if token.is_empty() { patience + 1 } else { 1 };
            for _ in 0..patience {
                let response = watch.next().await;
                cut.follow(&response);
                token.clone_from(&response.token);
                if is_at_the_end(&cut, &response) {
                    return cut;
                }
            }
        }
    };
    let ((), _, cut) = tokio::join!(
        async {
            traffic::write(&server.client, seed, CALLERS, 50).await;
            traffic::write_sentinel(&server.client).await;
        },
        follow_to_the_end(&mut uncut, &mut follower),
        cut_often,
    );

    assert_eq!(cut.held, follower.held);
    assert_eq!(cut.held, Held::of(&server.client).await);
    let tail = &follower.news[follower.news.len() - cut.news.len()..];
    assert_eq!(cut.news, tail, "each commit once, in the same order");
}

#[tokio::test]
async fn a_snapshot_cut_after_each_of_its_messages_and_begun_again_leads_to_the_state() {
    let seed = traffic::seed();
    let server = Server::fresh().await;
    traffic::prepare(&server.client).await;
    for messages in 1..=6 {
        let cut = async {
            let mut watch = Watch::open(&server, snapshot(&[])).await;
            let mut follower = Follower::default();
            for _ in 0..messages {
                follower.follow(&watch.next().await);
            }
            let request = match watch.token.as_str() {
                "" => snapshot(&[]),
                token => resume(&[], token),
            };
            watch = Watch::open(&server, request).await;
            follow_to_the_end(&mut watch, &mut follower).await;
            follower
        };
        let writes = async {
            traffic::write(&server.client, seed.wrapping_add(messages), CALLERS, 10).await;
            traffic::write_sentinel(&server.client).await;
        };
        let ((), follower) = tokio::join!(writes, cut);
        assert_eq!(follower.held, Held::of(&server.client).await, "cut after {messages}");
        server.delete_room(SENTINEL_ROOM).await;
    }
}

#[tokio::test]
async fn a_commit_on_many_users_comes_whole_and_alone() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;

    let operations = (0..500).map(|user| pb::HatOperation {
        operation: Some(pb::hat_operation::Operation::Add(pb::AddOperation {
            user_jid: format!("user{user}@localhost"),
            hat_id: HAT.to_owned(),
            attachment: None,
        })),
    });
    let request = pb::UpdateRoomHatsRequest {
        room_jid: ROOM.to_owned(),
        operations: operations.collect(),
        ..Default::default()
    };
    let answer = server.client.update_room_hats(request).await.unwrap();

    let commit = watch.commit().await;
    assert_eq!(commit.revision, answer.revision);
    assert_eq!(commit.users.len(), 500);
}

#[tokio::test]
async fn a_commit_carries_the_whole_new_document_and_what_changed_in_it() {
    let server = Server::with_a_member().await;
    server.give(ROOM, USER, HAT).await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;

    let request = pb::AddUserHatRequest {
        room_jid: ROOM.to_owned(),
        user_jid: USER.to_owned(),
        hat_id: OTHER_HAT.to_owned(),
        context: Some(pb::Context { actor: "bot".to_owned(), reason: "a test".to_owned() }),
        ..Default::default()
    };
    let answer = server.client.add_user_hat(request.clone()).await.unwrap();

    let commit = watch.commit().await;
    assert_eq!(commit.room_jid, ROOM);
    assert_eq!(commit.revision, answer.revision);
    assert_eq!(commit.cause(), pb::CommitCause::Request);
    assert_eq!(commit.context, request.context);
    assert!(commit.commit_time.is_some());
    let [user] = &commit.users[..] else { panic!("one user changed: {commit:?}") };
    assert_eq!(user.user_hats, answer.user_hats);
    assert_eq!(user.user_hats.as_ref().unwrap().hats.len(), 2);
    let added = pb::HatChange {
        hat_id: OTHER_HAT.to_owned(),
        r#type: pb::ChangeType::Added.into(),
        previous: None,
    };
    assert_eq!(user.changes, [added]);

    let before = answer.user_hats.unwrap().hats.remove(OTHER_HAT);
    server.give(ROOM, USER, OTHER_HAT).await;
    let commit = watch.commit().await;
    let [change] = &commit.users[0].changes[..] else { panic!("one hat changed: {commit:?}") };
    assert_eq!(change.r#type(), pb::ChangeType::Updated);
    assert_eq!(change.previous, before);
}

#[tokio::test]
async fn a_commit_says_why_it_was_made() {
    let server = Server::with_a_member().await;
    server.member(ROOM, OTHER_USER).await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;
    let cause = async |watch: &mut Watch| watch.commit().await.cause();

    server.give(ROOM, USER, HAT).await;
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Request);

    let request = pb::DestroyHatRequest {
        room_jid: ROOM.to_owned(),
        hat_id: HAT.to_owned(),
        ..Default::default()
    };
    server.client.destroy_hat(request).await.unwrap();
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Destroyed);

    server.give(ROOM, USER, HAT).await;
    server.affiliate(ROOM, USER, pb::Affiliation::Outcast).await;
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Request);
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Affiliation);

    server.give(ROOM, OTHER_USER, HAT).await;
    let request = pb::ForgetUserRequest { user_jid: OTHER_USER.to_owned(), ..Default::default() };
    server.client.forget_user(request).await.unwrap();
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Request);
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Forgotten);

    server.member(ROOM, USER).await;
    server.give(ROOM, USER, HAT).await;
    let entry = pb::SyncEntry {
        room_jid: ROOM.to_owned(),
        mode: pb::SyncMode::Replace.into(),
        ..Default::default()
    };
    let request =
        pb::SyncRoomsRequest { entries: vec![entry], max_removed_hats: 1, ..Default::default() };
    server.client.sync_rooms(request).await.unwrap();
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Request);
    assert_eq!(cause(&mut watch).await, pb::CommitCause::Sync);
}

#[tokio::test]
async fn a_hat_ends_for_watchers_when_its_time_comes() {
    let server = Server::with_a_member().await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;
    let ends = std::time::SystemTime::now() + std::time::Duration::from_millis(300);
    let request = pb::AddUserHatRequest {
        room_jid: ROOM.to_owned(),
        user_jid: USER.to_owned(),
        hat_id: HAT.to_owned(),
        attachment: Some(pb::Attachment { expire_time: Some(ends.into()), ..Default::default() }),
        ..Default::default()
    };
    server.client.add_user_hat(request).await.unwrap();

    assert_eq!(watch.commit().await.cause(), pb::CommitCause::Request);
    let commit = watch.commit().await;
    assert_eq!(commit.cause(), pb::CommitCause::Expiry);
    assert!(commit.users[0].user_hats.as_ref().unwrap().hats.is_empty());
    assert_eq!(commit.users[0].changes[0].r#type(), pb::ChangeType::Removed);
    let committed = std::time::SystemTime::try_from(commit.commit_time.unwrap()).unwrap();
    assert!(committed >= ends, "no hat ends before its time");
}

#[tokio::test]
async fn a_write_that_changes_nothing_tells_nobody() {
    let server = Server::with_a_member().await;
    server.give(ROOM, USER, HAT).await;
    let mut watch = Watch::open(&server, snapshot(&[room(ROOM)])).await;
    watch.until_bookmark().await;

    assert!(!server.give(ROOM, USER, HAT).await.changed);
    assert!(!server.take(ROOM, USER, OTHER_HAT).await.changed);
    let written = server.take(ROOM, USER, HAT).await;

    let response = watch.next().await;
    assert_eq!(commits(&response)[0].revision, written.revision);
}
