//! Where a watch can go on, and what becomes of a token that it cannot go on from.

use hatd::commit::{Identity, Mark, Position, Token};
use hatd_client::pb;
use hatd_client::pb::watch_hats_response::Event;
use tonic::Code;

use super::held::{Follower, Held};
use super::server::{HAT, OTHER_HAT, OTHER_ROOM, ROOM, Server, Setup, USER};
use super::stream::{
    Watch, is_bookmark, now, of_changes, or_fail, reset_reason, resume, room, snapshot, user,
};

#[tokio::test]
async fn the_token_of_a_write_resumes_any_watch_after_that_write() {
    let server = Server::with_a_member().await;
    let token = server.give(ROOM, USER, HAT).await.token;
    let written = server.give(ROOM, USER, OTHER_HAT).await;
    for selectors in [&[][..], &[room(ROOM)], &[user(USER)]] {
        let mut watch = Watch::open(&server, resume(selectors, &token)).await;
        assert_eq!(watch.commit().await.revision, written.revision);
        assert!(is_bookmark(&watch.next().await));
    }
}

#[tokio::test]
async fn the_token_of_a_read_resumes_any_watch_after_what_was_read() {
    let server = Server::with_a_member().await;
    server.give(ROOM, USER, HAT).await;
    let request = pb::ListRoomHatsRequest { room_jid: ROOM.to_owned(), ..Default::default() };
    let token = server.client.list_room_hats(request).await.unwrap().token;
    let written = server.give(ROOM, USER, OTHER_HAT).await;
    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &token)).await;
    assert_eq!(watch.commit().await.revision, written.revision);
}

#[tokio::test]
async fn a_list_and_a_watch_from_its_first_page_are_the_state() {
    let server = Server::fresh().await;
    server.put_open_room(ROOM).await;
    for user in 0..10 {
        server.give_titled(user, 0, 0).await;
    }
    let mut request =
        pb::ListRoomHatsRequest { room_jid: ROOM.to_owned(), page_size: 3, ..Default::default() };
    let mut held = Held::default();
    let mut first_token = None;
    loop {
        let page = server.client.list_room_hats(request.clone()).await.unwrap();
        first_token.get_or_insert(page.token);
        held.users.extend(
            page.users.into_iter().map(|it| ((it.room_jid.clone(), it.user_jid.clone()), it)),
        );
        // Each page is followed by changes before and behind it.
        for user in [0, 9] {
            server.give_titled(user, 0, held.users.len()).await;
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &first_token.unwrap())).await;
    for response in watch.until_bookmark().await {
        for commit in of_changes(&response) {
            for user in &commit.users {
                let document = user.user_hats.clone().unwrap();
                held.users.insert((ROOM.to_owned(), document.user_jid.clone()), document);
            }
        }
    }
    assert_eq!(held.users, Held::of(&server.client).await.users);
}

#[tokio::test]
async fn a_token_at_the_head_resumes_with_a_bookmark_at_once() {
    let server = Server::with_a_member().await;
    let token = server.give(ROOM, USER, HAT).await.token;
    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &token)).await;
    let response = watch.next().await;
    assert!(is_bookmark(&response));
    assert_eq!(response.after, token, "the first response repeats the token given");
}

#[tokio::test]
async fn a_token_of_a_watch_resumes_the_same_selectors_in_any_order_only() {
    let server = Server::with_a_member().await;
    let mut watch = Watch::open(&server, now(&[room(ROOM), user(USER)])).await;
    watch.next().await;
    let token = watch.token.clone();

    let same = [user("USER@localhost"), room(ROOM), user(USER)];
    assert!(is_bookmark(&Watch::open(&server, resume(&same, &token)).await.next().await));
    for others in [&[room(ROOM)][..], &[], &[room(OTHER_ROOM), user(USER)]] {
        let refusal = Watch::refused(&server, resume(others, &token)).await;
        assert_eq!(refusal, (Code::InvalidArgument, "INVALID_TOKEN".to_owned()), "{others:?}");
    }
    let request = pb::GetRoomRequest { room_jid: ROOM.to_owned(), at_least_token: token };
    server.client.get_room(request).await.unwrap();
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let server = Server::with_a_member().await;
    let mut token = server.give(ROOM, USER, HAT).await.token;
    let last = if token.pop() == Some('A') { 'B' } else { 'A' };
    token.push(last);
    let long = "A".repeat(100_000);
    for forged in ["", " ", "hat", "é", &token, &long] {
        let refusal = Watch::refused(&server, resume(&[], forged)).await;
        let shown: String = forged.chars().take(80).collect();
        assert_eq!(refusal, (Code::InvalidArgument, "INVALID_TOKEN".to_owned()), "{shown:?}");
    }
}

/// Asserts that a token is another history's: a reset and the state, or a refusal.
async fn check_of_another_history(server: &Server, token: &str, what: &str) {
    let mut watch = Watch::open(server, resume(&[], token)).await;
    let responses = watch.until_bookmark().await;
    assert_eq!(reset_reason(&responses[0]), pb::ResetReason::StoreChanged, "{what}");
    assert_eq!(responses[0].after, token, "{what}");
    let mut follower = Follower::default();
    follower.follow_all(&responses);
    assert_eq!(follower.held, Held::of(&server.client).await, "{what}");

    let refusal = Watch::refused(server, or_fail(resume(&[], token))).await;
    assert_eq!(refusal, (Code::FailedPrecondition, "STORE_MISMATCH".to_owned()), "{what}");
    let request = pb::WatchHatsRequest { at_least_token: token.to_owned(), ..snapshot(&[]) };
    let refusal = Watch::refused(server, request).await;
    assert_eq!(refusal, (Code::FailedPrecondition, "STORE_MISMATCH".to_owned()), "{what}");
}

#[tokio::test]
async fn a_token_of_another_history_leads_to_a_reset_or_to_a_refusal() {
    let server = Server::with_a_member().await;
    let text = server.give(ROOM, USER, HAT).await.token;
    let token = Token::decode(&text).unwrap();
    let other = Server::with_a_member().await.give(ROOM, USER, HAT).await.token;
    check_of_another_history(&server, &other, "another store").await;

    let identity = Identity { epoch: token.identity.epoch + 1, ..token.identity };
    check_of_another_history(&server, &Token { identity, ..token }.encode(), "an epoch").await;

    let position = token.position.next();
    check_of_another_history(&server, &Token { position, ..token }.encode(), "past the head").await;
    let position = Position::new(u64::MAX);
    check_of_another_history(&server, &Token { position, ..token }.encode(), "the last").await;

    let mark = Mark(!token.mark.0);
    check_of_another_history(&server, &Token { mark, ..token }.encode(), "another mark").await;
    let start = Token { position: Position::START, mark: Mark(1), ..token };
    check_of_another_history(&server, &start.encode(), "a mark at the start").await;
}

#[tokio::test]
async fn a_token_resumes_without_a_snapshot_after_a_restart() {
    let setup = Setup::new();
    let server = setup.start().await;
    server.put_room(ROOM).await;
    server.member(ROOM, USER).await;
    let mut watch = Watch::open(&server, now(&[room(ROOM)])).await;
    watch.next().await;
    let token = watch.token.clone();
    drop(watch);
    let written = server.give(ROOM, USER, HAT).await;
    server.stopped().await;

    let server = setup.start().await;
    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &token)).await;
    assert_eq!(watch.commit().await.revision, written.revision);
    assert!(is_bookmark(&watch.next().await));
}

#[tokio::test]
async fn a_token_that_is_no_longer_kept_leads_to_a_reset_or_to_a_refusal() {
    let server = Setup::forgetful().start().await;
    server.put_room(ROOM).await;
    server.member(ROOM, USER).await;
    let token = server.give(ROOM, USER, HAT).await.token;
    for _ in 0..3 {
        server.take(ROOM, USER, HAT).await;
        server.give(ROOM, USER, HAT).await;
    }

    let mut watch = Watch::open(&server, resume(&[room(ROOM)], &token)).await;
    let responses = watch.until_bookmark().await;
    assert_eq!(reset_reason(&responses[0]), pb::ResetReason::Expired);
    assert_eq!(responses[0].after, token);
    let mut follower = Follower::default();
    follower.follow_all(&responses);
    assert_eq!(follower.held, Held::of(&server.client).await);
    let written = server.take(ROOM, USER, HAT).await;
    assert_eq!(watch.commit().await.revision, written.revision, "and goes on");

    let refusal = Watch::refused(&server, or_fail(resume(&[room(ROOM)], &token))).await;
    assert_eq!(refusal, (Code::OutOfRange, "RESUME_TOKEN_EXPIRED".to_owned()));
    // It is in the past all the same.
    let request = pb::WatchHatsRequest { at_least_token: token, ..now(&[]) };
    assert!(is_bookmark(&Watch::open(&server, request).await.next().await));
}

#[tokio::test]
async fn a_watch_shows_what_at_least_token_names() {
    let server = Server::with_a_member().await;
    let written = server.give(ROOM, USER, HAT).await;
    let request = pb::WatchHatsRequest { at_least_token: written.token, ..snapshot(&[]) };
    let mut follower = Follower::default();
    follower.follow_all(&Watch::open(&server, request).await.until_bookmark().await);
    assert_eq!(follower.held.users.len(), 1);

    let request = pb::WatchHatsRequest { at_least_token: "hat".to_owned(), ..snapshot(&[]) };
    let refusal = Watch::refused(&server, request).await;
    assert_eq!(refusal, (Code::InvalidArgument, "INVALID_TOKEN".to_owned()));
}

#[tokio::test]
async fn a_watch_from_the_very_beginning_tells_the_whole_history() {
    let server = Server::with_a_member().await;
    let text = server.give(ROOM, USER, HAT).await.token;
    server.define(ROOM, HAT).await;
    server.delete_room(ROOM).await;
    server.put_room(OTHER_ROOM).await;
    let token = Token::decode(&text).unwrap();
    let start = Token { position: Position::START, mark: Mark::ORIGIN, ..token }.encode();

    let mut watch = Watch::open(&server, resume(&[], &start)).await;
    let mut follower = Follower::from(Held::default());
    for response in watch.until_bookmark().await {
        assert!(!matches!(response.event, Some(Event::Reset(_))));
        follower.follow(&response);
    }
    assert_eq!(follower.held, Held::of(&server.client).await);
}
