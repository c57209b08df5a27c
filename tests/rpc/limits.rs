//! Rows 301 to 308: at every limit a request works, and one past it is refused.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use ErrorReason::{
    InvalidField, InvalidHatId, InvalidPageToken, InvalidTitle, InvalidToken, MessageTooLarge,
    StoreMismatch, TooManyDefinitions, TooManyHats, TooManyWatches,
};
use hatd::{
    commit::{Commit, Mark, Position, Token},
    limits::Limits,
    service,
    store::Options,
};
use hatd_client::{ProtoDuration, Timestamp};
use http::StatusCode;
use pb::{
    Affiliation::Member, hat_operation::Operation, watch_hats_request::Start,
    watch_hats_response::Event,
};
use prost::Message as _;
use tonic::{Code, Response};

use super::support::*;

const ADD: &str = "/hatd.v1.HatService/AddUserHat";

fn hat(n: usize) -> String {
    format!("urn:example:{n:03}")
}

/// A hat id as long as one can be.
fn long_hat(n: usize) -> String {
    format!("urn:{n:03}:{}", "x".repeat(1023 - 8))
}

fn user(n: usize) -> String {
    format!("user{n:03}@localhost")
}

/// A room for anyone in which [`USER`] has 63 hats.
async fn with_63_hats() -> Hatd {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let request = set_request(ROOM, USER, (0..63).map(hat));
    hatd.hats().set_user_hats(request).await.unwrap();
    hatd
}

const TOO_MANY: [(&str, &str); 4] =
    [("room_jid", ROOM), ("user_jid", USER), ("limit", "64"), ("unit", "hats")];

#[tokio::test]
async fn f301_64_hats_by_each_call_that_gives_them() {
    let hatd = with_63_hats().await;
    hatd.give(ROOM, USER, &hat(63)).await;
    hatd.refuses(TooManyHats, &TOO_MANY, hatd.give_answer(ROOM, USER, &hat(64))).await;
    // One that is there already is none more.
    hatd.give(ROOM, USER, &hat(0)).await;

    let hatd = with_63_hats().await;
    hatd.hats().set_user_hats(set_request(ROOM, USER, (0..64).map(hat))).await.unwrap();
    let request = set_request(ROOM, USER, (0..65).map(hat));
    hatd.refuses(TooManyHats, &TOO_MANY, hatd.hats().set_user_hats(request)).await;

    let hatd = with_63_hats().await;
    let request = |n| wearers_request(ROOM, &hat(n), [USER]);
    hatd.hats().set_hat_wearers(request(63)).await.unwrap();
    hatd.refuses(TooManyHats, &TOO_MANY, hatd.hats().set_hat_wearers(request(64))).await;

    let hatd = with_63_hats().await;
    let request = |n| update_request([remove(USER, "urn:none"), add(USER, &hat(n))]);
    hatd.hats().update_room_hats(request(63)).await.unwrap();
    let metadata = [&TOO_MANY[..], &[("operation_index", "1")]].concat();
    hatd.refuses(TooManyHats, &metadata, hatd.hats().update_room_hats(request(64))).await;
    // Only the outcome counts: one goes, one comes.
    let swap = update_request([add(USER, &hat(64)), remove(USER, &hat(0))]);
    hatd.hats().update_room_hats(swap).await.unwrap();

    let hatd = with_63_hats().await;
    hatd.hats().update_room_hats(update_request([set(USER, (0..64).map(hat))])).await.unwrap();
    let request = update_request([set(USER, (0..65).map(hat))]);
    let metadata = [&TOO_MANY[..], &[("operation_index", "0")]].concat();
    hatd.refuses(TooManyHats, &metadata, hatd.hats().update_room_hats(request)).await;

    let hatd = with_63_hats().await;
    for n in [63, 64] {
        hatd.define(pb::HatDefinition { self_assignable: true, ..definition(&hat(n)) }).await;
    }
    hatd.wardrobe().claim_hat(claim_request(ROOM, USER, &hat(63))).await.unwrap();
    let request = claim_request(ROOM, USER, &hat(64));
    hatd.refuses(TooManyHats, &TOO_MANY, hatd.wardrobe().claim_hat(request)).await;
}

#[tokio::test]
async fn f301_64_kib_of_hats() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    // Each counts 1,023 bytes and 32: 62 of them, and 126 bytes are left.
    let request = set_request(ROOM, USER, (0..62).map(long_hat));
    hatd.hats().set_user_hats(request).await.unwrap();
    let rest = |bytes: usize| format!("urn:{}", "x".repeat(bytes - 32 - 4));
    let metadata = [("limit", "65536"), ("unit", "bytes of hats")];
    hatd.refuses(TooManyHats, &metadata, hatd.give_answer(ROOM, USER, &rest(127))).await;
    hatd.give(ROOM, USER, &rest(126)).await;
}

#[tokio::test]
async fn f301_256_definitions() {
    let hatd = Hatd::start().await;
    hatd.put_room(ROOM).await;
    for n in 0..256 {
        hatd.define(definition(&hat(n))).await;
    }
    let request = |n: usize| pb::DefineHatRequest {
        room_jid: ROOM.into(),
        definition: Some(pb::HatDefinition { position: 1, ..definition(&hat(n)) }),
        ..Default::default()
    };
    let metadata = [("room_jid", ROOM), ("limit", "256")];
    hatd.refuses(TooManyDefinitions, &metadata, hatd.hats().define_hat(request(256))).await;
    // One that is there already can be replaced.
    assert!(hatd.hats().define_hat(request(255)).await.unwrap().into_inner().changed);
}

#[tokio::test]
async fn f301_as_many_watches_as_are_allowed() {
    let hatd = Hatd::start_with(Limits { watches_per_caller_max: 2, ..Limits::default() }).await;
    let watch = async || hatd.hats().watch_hats(pb::WatchHatsRequest::default()).await;
    let mut first = watch().await.unwrap().into_inner();
    let _second = watch().await.unwrap().into_inner();
    first.message().await.unwrap();
    let refused = async { watch().await.map(|_| Response::new(())) };
    hatd.refuses(TooManyWatches, &[("limit", "2")], refused).await;

    // One that is refused leaves no trace, one that ends makes room.
    drop(first);
    while watch().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn f302_lengths_of_ids_and_texts() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let text = |bytes: usize| "x".repeat(bytes);

    let id = |bytes: usize| format!("urn:{}", "x".repeat(bytes - 4));
    for bytes in [1022, 1023] {
        assert!(hatd.give(ROOM, USER, &id(bytes)).await.changed);
        hatd.define(definition(&id(bytes))).await;
    }
    let field = [("field", "hat_id")];
    hatd.refuses(InvalidHatId, &field, hatd.give_answer(ROOM, USER, &id(1024))).await;
    let mut prefixed = set_request(ROOM, USER, [id(1023)]);
    prefixed.hat_id_prefix = id(1023);
    hatd.hats().set_user_hats(prefixed.clone()).await.unwrap();
    prefixed.hat_id_prefix = id(1024);
    let field = [("field", "hat_id_prefix")];
    hatd.refuses(InvalidField, &field, hatd.hats().set_user_hats(prefixed)).await;

    let titled = |title: String| {
        let attachment = Some(pb::Attachment { title, ..Default::default() });
        pb::AddUserHatRequest { attachment, ..add_request(ROOM, USER, HAT) }
    };
    for bytes in [255, 256] {
        hatd.hats().add_user_hat(titled(text(bytes))).await.unwrap();
    }
    hatd.hats().add_user_hat(titled("ö".repeat(128))).await.unwrap();
    for title in [text(257), "ö".repeat(129)] {
        let field = [("field", "attachment.title")];
        hatd.refuses(InvalidTitle, &field, hatd.hats().add_user_hat(titled(title))).await;
    }

    let whole = |title: usize, localised: usize, languages: usize, description: usize| {
        let language = |n: usize| (format!("de-x-{n}"), text(localised));
        let definition = pb::HatDefinition {
            title: text(title),
            titles: (0..languages).map(language).collect(),
            description: text(description),
            ..definition(HAT)
        };
        let (room_jid, definition) = (ROOM.to_owned(), Some(definition));
        pb::DefineHatRequest { room_jid, definition, ..Default::default() }
    };
    hatd.hats().define_hat(whole(256, 256, 32, 1024)).await.unwrap();
    for (reason, field, request) in [
        (InvalidTitle, "definition.title", whole(257, 256, 32, 1024)),
        (InvalidTitle, "definition.titles[\"de-x-0\"]", whole(256, 257, 1, 1024)),
        (InvalidField, "definition.titles", whole(256, 256, 33, 1024)),
        (InvalidField, "definition.description", whole(256, 256, 32, 1025)),
    ] {
        hatd.refuses(reason, &[("field", field)], hatd.hats().define_hat(request)).await;
    }

    let asked = |actor: usize, reason: usize, request_id: usize| pb::AddUserHatRequest {
        context: Some(pb::Context { actor: text(actor), reason: text(reason) }),
        request_id: text(request_id),
        ..add_request(ROOM, USER, "urn:example:asked")
    };
    hatd.hats().add_user_hat(asked(1023, 256, 64)).await.unwrap();
    for (field, request) in [
        ("context.actor", asked(1024, 256, 64)),
        ("context.reason", asked(1023, 257, 64)),
        ("request_id", asked(1023, 256, 65)),
    ] {
        hatd.refuses(InvalidField, &[("field", field)], hatd.hats().add_user_hat(request)).await;
    }
    let context = Some(pb::Context { actor: "a\nb".into(), reason: String::new() });
    let request = pb::AddUserHatRequest { context, ..add_request(ROOM, USER, HAT) };
    let field = [("field", "context.actor")];
    hatd.refuses(InvalidField, &field, hatd.hats().add_user_hat(request)).await;
}

#[tokio::test]
async fn f303_500_operations_1000_selectors_and_a_heartbeat_of_a_minute() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let all = (0..500).map(|n| add(&user(n), HAT));
    hatd.hats().update_room_hats(update_request(all)).await.unwrap();
    let request = update_request((0..501).map(|n| remove(&user(n), HAT)));
    let field = [("field", "operations")];
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(request)).await;
    // As many preconditions; and users whose hats change by a call that lists them.
    let lacks = pb::hat_precondition::Condition::LacksHat(pb::UserHat {
        user_jid: USER.into(),
        hat_id: HAT.into(),
    });
    let mut request = update_request([]);
    request.preconditions = vec![pb::HatPrecondition { condition: Some(lacks) }; 500];
    hatd.hats().update_room_hats(request.clone()).await.unwrap();
    request.preconditions.push(request.preconditions[0].clone());
    let field = [("field", "preconditions")];
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(request)).await;
    let request = |users: usize| wearers_request(ROOM, "urn:example:2", (0..users).map(user));
    let field = [("field", "user_jids")];
    hatd.refuses(InvalidField, &field, hatd.hats().set_hat_wearers(request(501))).await;
    hatd.hats().set_hat_wearers(request(500)).await.unwrap();

    let watch = |selectors: usize, heartbeat: Option<(i64, i32)>| pb::WatchHatsRequest {
        selectors: (0..selectors)
            .map(|n| pb::WatchSelector { user_jid: user(n), ..Default::default() })
            .collect(),
        heartbeat_interval: heartbeat.map(|(seconds, nanos)| ProtoDuration { seconds, nanos }),
        ..Default::default()
    };
    for request in
        [watch(999, None), watch(1000, None), watch(1, Some((1, 0))), watch(1, Some((60, 0)))]
    {
        hatd.hats().watch_hats(request).await.unwrap();
    }
    for (field, request) in [
        ("selectors", watch(1001, None)),
        ("heartbeat_interval", watch(1, Some((0, 0)))),
        ("heartbeat_interval", watch(1, Some((0, 999_999_999)))),
        ("heartbeat_interval", watch(1, Some((60, 1)))),
        ("heartbeat_interval", watch(1, Some((61, 0)))),
        ("heartbeat_interval", watch(1, Some((-1, 0)))),
        ("heartbeat_interval", watch(1, Some((i64::MIN, i32::MIN)))),
    ] {
        hatd.refuses(InvalidField, &[("field", field)], watched(&hatd, request)).await;
    }
    let both = pb::WatchSelector {
        user_jid: USER.into(),
        room_domain: "localhost".into(),
        ..Default::default()
    };
    let field = [("field", "selectors[0]")];
    hatd.refuses(InvalidField, &field, watched(&hatd, watch_request(both))).await;
}

/// A watch that is to be refused at once.
async fn watched(hatd: &Hatd, request: pb::WatchHatsRequest) -> Answer<()> {
    hatd.hats().watch_hats(request).await.map(|_| Response::new(()))
}

#[tokio::test]
async fn f303_lists_that_need_not_change_anything() {
    let limits = Limits { wearers_listed_max: 3, sync_entries_max: 3, ..Limits::default() };
    let hatd = Hatd::start_with(limits).await;
    hatd.put_room_for_anyone(ROOM).await;
    let wearers = |users: usize| wearers_request(ROOM, HAT, (0..users).map(user));
    hatd.hats().set_hat_wearers(wearers(3)).await.unwrap();
    let field = [("field", "user_jids")];
    hatd.refuses(InvalidField, &field, hatd.hats().set_hat_wearers(wearers(4))).await;

    let entry = |n: usize| pb::SyncEntry {
        room_jid: format!("{n}@localhost"),
        mode: pb::SyncMode::Upsert.into(),
        ..Default::default()
    };
    let sync = |entries: usize| pb::SyncRoomsRequest {
        entries: (0..entries).map(entry).collect(),
        ..Default::default()
    };
    hatd.rooms().sync_rooms(sync(3)).await.unwrap();
    let field = [("field", "entries")];
    hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(sync(4))).await;
}

/// The size of the last commit that a store measured, be it refused then.
static COMMIT_BYTES: AtomicUsize = AtomicUsize::new(0);

fn measured(commit: &Commit) -> usize {
    let bytes = service::commit_len(commit);
    COMMIT_BYTES.store(bytes, Ordering::Relaxed);
    bytes
}

#[tokio::test]
async fn f303_a_commit_of_1_mib() {
    // The times of a clock that stands still are always of one length.
    let clock = hatd::time::Timestamp::new(1_700_000_000, 123_456_789).unwrap();
    let clock = std::sync::Arc::new(move || clock);
    let hatd = Hatd::start_in_memory(Options { clock, ..Options::new(measured) }).await;
    hatd.put_room_for_anyone(ROOM).await;
    // Nine hats for each of 500 users, with titles of 128 to 256 bytes: as many as it takes.
    let request = |mut bytes: usize| {
        let mut hats = |_| {
            let attachment = |n| {
                let more = bytes.min(128);
                bytes -= more;
                (hat(n), pb::Attachment { title: "x".repeat(128 + more), ..Default::default() })
            };
            (0..9).map(attachment).collect::<BTreeMap<_, _>>()
        };
        update_request((0..500).map(|n| {
            let (user_jid, hats) = (user(n), hats(n));
            Operation::Set(pb::SetOperation { user_jid, hats, ..Default::default() })
        }))
    };
    let field = [("field", "operations")];
    let most = request(500 * 9 * 128);
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(most)).await;
    let bytes = 500 * 9 * 128 + (1 << 20) - COMMIT_BYTES.load(Ordering::Relaxed);

    let too_large = request(bytes + 1);
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(too_large)).await;
    assert_eq!(COMMIT_BYTES.load(Ordering::Relaxed), (1 << 20) + 1);
    let start = Some(Start::ResumeToken(hatd.head().await));
    hatd.hats().update_room_hats(request(bytes)).await.unwrap();

    // Watchers are sent what was measured, in one response.
    let request = pb::WatchHatsRequest { start, ..Default::default() };
    let mut watch = hatd.hats().watch_hats(request).await.unwrap().into_inner();
    let response = watch.message().await.unwrap().unwrap();
    let Some(Event::Changes(changes)) = response.event else { panic!("{response:?}") };
    let sizes: Vec<_> = changes.commits.iter().map(prost::Message::encoded_len).collect();
    assert_eq!(sizes, [1 << 20]);
}

#[tokio::test]
async fn f304_whole_documents_count() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let document = || (0..62).map(long_hat);
    for n in 0..20 {
        hatd.hats().set_user_hats(set_request(ROOM, &user(n), document())).await.unwrap();
    }
    // One small hat for each, and the commit holds a MiB and more of documents.
    let field = [("field", "operations")];
    let request = update_request((0..20).map(|n| add(&user(n), "urn:x")));
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(request)).await;
    let field = [("field", "user_jids")];
    let request = wearers_request(ROOM, "urn:x", (0..20).map(user));
    hatd.refuses(InvalidField, &field, hatd.hats().set_hat_wearers(request)).await;
    // What was removed counts too.
    let field = [("field", "operations")];
    let request = update_request((0..20).map(|n| set::<&str>(&user(n), [])));
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(request)).await;
    let request = update_request((0..10).map(|n| add(&user(n), "urn:x")));
    hatd.hats().update_room_hats(request).await.unwrap();

    // DestroyHat takes as many commits as it needs.
    let (room_jid, hat_id) = (ROOM.to_owned(), long_hat(0));
    let request = pb::DestroyHatRequest { room_jid, hat_id, ..Default::default() };
    let answer = hatd.hats().destroy_hat(request).await.unwrap().into_inner();
    assert_eq!(answer.removed_hats, 20);
}

#[tokio::test]
async fn f304_a_page_ends_before_1_mib() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    for n in 0..40 {
        let request = set_request(ROOM, &user(n), (0..62).map(long_hat));
        hatd.hats().set_user_hats(request).await.unwrap();
    }
    let mut request = list_request(ROOM);
    let mut users = Vec::new();
    loop {
        let page = hatd.hats().list_room_hats(request.clone()).await.unwrap().into_inner();
        assert!(page.encoded_len() <= 1 << 20, "a page of {} bytes", page.encoded_len());
        assert!(!page.users.is_empty() || page.next_page_token.is_empty());
        users.extend(page.users.into_iter().map(|user| user.user_jid));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(users, (0..40).map(user).collect::<Vec<_>>());
}

#[tokio::test]
async fn f305_a_message_of_4_mib() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    // An unknown field, 100, of as many bytes as it takes.
    let message = |bytes: usize| {
        let mut message = add_request(ROOM, USER, HAT).encode_to_vec();
        let padding = bytes - message.len() - 2 - 4;
        prost::encoding::bytes::encode(100, &vec![0_u8; padding], &mut message);
        assert_eq!(message.len(), bytes);
        message
    };
    for bytes in [(4 << 20) - 1, 4 << 20] {
        hatd.call_message(ADD, &message(bytes)).await.message::<pb::AddUserHatResponse>();
    }
    let before = hatd.state().await;
    let answer = hatd.call_message(ADD, &message((4 << 20) + 1)).await;
    let limit = [("limit", "4194304")];
    check_status("4 MiB + 1", &answer.status.unwrap(), MessageTooLarge, &limit);
    assert_eq!(hatd.state().await, before);
    hatd.call_message(ADD, &message(4 << 20)).await.message::<pb::AddUserHatResponse>();
}

#[tokio::test]
async fn f305_metadata_of_16_kib() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    // RFC 9113, section 6.5.2: the bytes of name and value and 32 for each field.
    let authority = hatd.address.to_string();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", authority.as_str()),
        (":path", ADD),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("content-length", ""),
        ("x", ""),
    ];
    let base: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    let base = base + message.len().to_string().len();
    let call = async |bytes: usize| {
        let padding = "x".repeat(bytes - base);
        hatd.call(ADD, &[("x", &padding)], body(message.clone())).await
    };
    for bytes in [(16 << 10) - 1, 16 << 10] {
        assert_eq!(call(bytes).await.code(), Code::Ok, "{bytes}");
    }
    let refused = call((16 << 10) + 1).await;
    assert_eq!(refused.http, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{refused:?}");
    assert_eq!(call(1 << 10).await.code(), Code::Ok, "the connection lives");
}

#[tokio::test]
async fn f306_page_sizes() {
    let hatd = Hatd::start().await;
    let entry = |n: usize| pb::SyncEntry {
        room_jid: format!("room{n:04}@localhost"),
        mode: pb::SyncMode::Upsert.into(),
        affiliations: users([(USER.to_owned(), Member)]),
        ..Default::default()
    };
    let entries = (0..1001).map(entry).collect();
    hatd.rooms().sync_rooms(pb::SyncRoomsRequest { entries, ..Default::default() }).await.unwrap();

    let page = async |page_size, page_token: &str| {
        let page_token = page_token.to_owned();
        let request = pb::ListRoomsRequest { page_size, page_token, ..Default::default() };
        hatd.rooms().list_rooms(request).await.map(Response::into_inner)
    };
    for (page_size, expected) in [(0, 100), (1, 1), (999, 999), (1000, 1000)] {
        let first = page(page_size, "").await.unwrap();
        assert_eq!(first.rooms.len(), expected);
        let second = page(page_size, &first.next_page_token).await.unwrap();
        assert_eq!(second.rooms[0].room_jid, format!("room{expected:04}@localhost"));
    }
    // The size may differ from page to page.
    let first = page(1000, "").await.unwrap();
    let last = page(7, &first.next_page_token).await.unwrap();
    assert_eq!((last.rooms.len(), last.next_page_token.as_str()), (1, ""));

    let room = "room0000@localhost";
    for page_size in [-1, 1001, i32::MIN, i32::MAX] {
        for call in LISTS {
            let answer = list(&hatd, call, room, page_size, "").await.map(|_| ());
            check_status(call, &answer.unwrap_err(), InvalidField, &[("field", "page_size")]);
        }
    }
}

const LISTS: [&str; 5] =
    ["ListRoomHats", "ListUserHats", "ListHatDefinitions", "ListRooms", "ListAffiliations"];

/// The token of the next page of a list.
async fn list(
    hatd: &Hatd,
    call: &str,
    room_jid: &str,
    page_size: i32,
    page_token: &str,
) -> Result<String, tonic::Status> {
    let (room_jid, page_token) = (room_jid.to_owned(), page_token.to_owned());
    let user_jid = USER.to_owned();
    Ok(match call {
        "ListRoomHats" => {
            let rest = pb::ListRoomHatsRequest::default();
            let request = pb::ListRoomHatsRequest { room_jid, page_size, page_token, ..rest };
            hatd.hats().list_room_hats(request).await?.into_inner().next_page_token
        }
        "ListUserHats" => {
            let rest = pb::ListUserHatsRequest::default();
            let request = pb::ListUserHatsRequest { user_jid, page_size, page_token, ..rest };
            hatd.hats().list_user_hats(request).await?.into_inner().next_page_token
        }
        "ListHatDefinitions" => {
            let rest = pb::ListHatDefinitionsRequest::default();
            let request = pb::ListHatDefinitionsRequest { room_jid, page_size, page_token, ..rest };
            hatd.hats().list_hat_definitions(request).await?.into_inner().next_page_token
        }
        "ListRooms" => {
            let rest = pb::ListRoomsRequest::default();
            let request = pb::ListRoomsRequest { page_size, page_token, ..rest };
            hatd.rooms().list_rooms(request).await?.into_inner().next_page_token
        }
        "ListAffiliations" => {
            let rest = pb::ListAffiliationsRequest::default();
            let request = pb::ListAffiliationsRequest { room_jid, page_size, page_token, ..rest };
            hatd.rooms().list_affiliations(request).await?.into_inner().next_page_token
        }
        call => panic!("no such list: {call}"),
    })
}

/// Two rooms with two of everything.
async fn with_two_of_all() -> Hatd {
    let hatd = Hatd::start().await;
    for room in [ROOM, "other@conference.localhost"] {
        hatd.put_room(room).await;
        for user in [USER, "other@localhost"] {
            hatd.affiliate(room, user, Member).await;
            hatd.give(room, user, HAT).await;
        }
    }
    for hat in [HAT, "urn:example:2"] {
        hatd.define(definition(hat)).await;
        let definition = Some(definition(hat));
        let room_jid = "other@conference.localhost".to_owned();
        let request = pb::DefineHatRequest { room_jid, definition, ..Default::default() };
        hatd.hats().define_hat(request).await.unwrap();
    }
    hatd
}

#[tokio::test]
async fn f306_a_page_token_is_of_one_list() {
    let hatd = with_two_of_all().await;
    let elsewhere = with_two_of_all().await;
    let before = hatd.state().await;
    let refused = async |call, room, token: &str| {
        let status = list(&hatd, call, room, 1, token).await.unwrap_err();
        check_status(call, &status, InvalidPageToken, &[("field", "page_token")]);
    };
    let mut tokens = BTreeMap::new();
    for call in LISTS {
        let token = list(&hatd, call, ROOM, 1, "").await.unwrap();
        assert_eq!(list(&hatd, call, ROOM, 1, &token).await.unwrap(), "", "{call}");
        tokens.insert(call, token);
    }
    for call in LISTS {
        for (other, token) in &tokens {
            if *other != call {
                refused(call, ROOM, token).await;
            }
        }
        let foreign = list(&elsewhere, call, ROOM, 1, "").await.unwrap();
        refused(call, ROOM, &foreign).await;
        let token = &tokens[call];
        for forged in [&token[1..], &token[..token.len() - 1], "x", &hatd.head().await, "\u{FFFD}"]
        {
            refused(call, ROOM, forged).await;
        }
        let mut flipped = token.clone().into_bytes();
        flipped[10] = if flipped[10] == b'A' { b'B' } else { b'A' };
        refused(call, ROOM, &String::from_utf8(flipped).unwrap()).await;
    }
    // Other filters make another list.
    for call in ["ListRoomHats", "ListHatDefinitions", "ListAffiliations"] {
        refused(call, "other@conference.localhost", &tokens[call]).await;
    }
    for (hat_id, active_only) in [(HAT, false), ("", true)] {
        let page_token = tokens["ListRoomHats"].clone();
        let request = pb::ListRoomHatsRequest {
            hat_id: hat_id.into(),
            active_only,
            page_token,
            ..list_request(ROOM)
        };
        let field = [("field", "page_token")];
        hatd.refuses(InvalidPageToken, &field, hatd.hats().list_room_hats(request)).await;
    }
    let (domain, page_token) = ("conference.localhost".to_owned(), tokens["ListRooms"].clone());
    let request = pb::ListRoomsRequest { domain, page_token, ..Default::default() };
    let field = [("field", "page_token")];
    hatd.refuses(InvalidPageToken, &field, hatd.rooms().list_rooms(request)).await;
    assert_eq!(hatd.state().await, before);
}

/// A token of the same store with another position or mark.
fn moved(token: &str, position: impl Fn(u64) -> u64, mark: impl Fn(u32) -> u32) -> String {
    let token = Token::decode(token).unwrap();
    let position = Position::new(position(token.position.get()));
    Token { position, mark: Mark(mark(token.mark.0)), ..token }.encode()
}

/// Every call that takes `at_least_token`.
async fn read(hatd: &Hatd, call: &str, at_least_token: &str) -> Answer<()> {
    let (room_jid, user_jid) = (ROOM.to_owned(), USER.to_owned());
    let at_least_token = at_least_token.to_owned();
    let done = Response::new(());
    match call {
        "GetUserHats" => {
            let request = pb::GetUserHatsRequest { room_jid, user_jid, at_least_token };
            hatd.hats().get_user_hats(request).await.map(|_| done)
        }
        "ListRoomHats" => {
            let request = pb::ListRoomHatsRequest { at_least_token, ..list_request(ROOM) };
            hatd.hats().list_room_hats(request).await.map(|_| done)
        }
        "ListUserHats" => {
            let rest = pb::ListUserHatsRequest::default();
            let request = pb::ListUserHatsRequest { user_jid, at_least_token, ..rest };
            hatd.hats().list_user_hats(request).await.map(|_| done)
        }
        "ListHatDefinitions" => {
            let rest = pb::ListHatDefinitionsRequest::default();
            let request = pb::ListHatDefinitionsRequest { room_jid, at_least_token, ..rest };
            hatd.hats().list_hat_definitions(request).await.map(|_| done)
        }
        "WatchHats" => {
            let request = pb::WatchHatsRequest { at_least_token, ..Default::default() };
            hatd.hats().watch_hats(request).await.map(|_| done)
        }
        "GetRoom" => {
            let request = pb::GetRoomRequest { room_jid, at_least_token };
            hatd.rooms().get_room(request).await.map(|_| done)
        }
        "ListRooms" => {
            let request = pb::ListRoomsRequest { at_least_token, ..Default::default() };
            hatd.rooms().list_rooms(request).await.map(|_| done)
        }
        "ListAffiliations" => {
            let rest = pb::ListAffiliationsRequest::default();
            let request = pb::ListAffiliationsRequest { room_jid, at_least_token, ..rest };
            hatd.rooms().list_affiliations(request).await.map(|_| done)
        }
        call => panic!("no such read: {call}"),
    }
}

#[tokio::test]
async fn f307_tokens_that_are_none_of_this_store() {
    let hatd = with_two_of_all().await;
    let foreign = with_two_of_all().await.head().await;
    let head = hatd.head().await;
    let same = |it| it;
    let past_head = moved(&head, |position| position + 1, same);
    let far_past_head = moved(&head, |_| u64::MAX, same);
    let other_mark = moved(&head, |position| position, |mark| mark ^ 1);
    let mut flipped = head.clone().into_bytes();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for call in [
        "GetUserHats",
        "ListRoomHats",
        "ListUserHats",
        "ListHatDefinitions",
        "WatchHats",
        "GetRoom",
        "ListRooms",
        "ListAffiliations",
    ] {
        let field = [("field", "at_least_token")];
        for damaged in [&flipped, &head[1..], &head[..head.len() - 1], "garbage", "ö"] {
            let status = read(&hatd, call, damaged).await.unwrap_err();
            check_status(call, &status, InvalidToken, &field);
        }
        for elsewhere in [&foreign, &past_head, &far_past_head, &other_mark] {
            let status = read(&hatd, call, elsewhere).await.unwrap_err();
            check_status(call, &status, StoreMismatch, &field);
        }
        read(&hatd, call, &head).await.unwrap();
        read(&hatd, call, &moved(&head, |_| 0, |_| 0)).await.unwrap();
    }
}

#[tokio::test]
async fn f307_watches_that_resume_where_this_store_never_was() {
    let hatd = with_two_of_all().await;
    let foreign = with_two_of_all().await.head().await;
    let head = hatd.head().await;
    let past_head = moved(&head, |position| position + 1, |mark| mark);
    let resume = |token: &str, on_expired: pb::OnExpired| pb::WatchHatsRequest {
        start: Some(Start::ResumeToken(token.into())),
        on_expired: on_expired.into(),
        ..Default::default()
    };
    for token in [&foreign, &past_head] {
        let request = resume(token, pb::OnExpired::Fail);
        let field = [("field", "resume_token")];
        hatd.refuses(StoreMismatch, &field, watched(&hatd, request)).await;

        let request = resume(token, pb::OnExpired::Reset);
        let mut watch = hatd.hats().watch_hats(request).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!((&first.after, first.token.as_str()), (token, ""));
        let Some(Event::Reset(reset)) = first.event else { panic!("{first:?}") };
        assert_eq!(reset.reason(), pb::ResetReason::StoreChanged);
    }
    let field = [("field", "resume_token")];
    for token in ["", "garbage", &head[1..]] {
        let request = resume(token, pb::OnExpired::Reset);
        hatd.refuses(InvalidToken, &field, watched(&hatd, request)).await;
    }

    // A watch's own token resumes only the same set of selectors, in any order.
    let selector = |user: &str| pb::WatchSelector { user_jid: user.into(), ..Default::default() };
    let request = |selectors: &[&str], start| pb::WatchHatsRequest {
        selectors: selectors.iter().copied().map(selector).collect(),
        start: Some(start),
        ..Default::default()
    };
    let now = request(&["a@b", "c@d"], Start::Now(pb::StartNow {}));
    let mut watch = hatd.hats().watch_hats(now).await.unwrap().into_inner();
    let bookmark = watch.message().await.unwrap().unwrap();
    assert_eq!(bookmark.after, "");
    let own = Start::ResumeToken(bookmark.token.clone());
    let other = request(&["a@b"], own.clone());
    hatd.refuses(InvalidToken, &field, watched(&hatd, other)).await;
    let same = request(&["c@d", "A@b", "a@b"], own);
    let mut watch = hatd.hats().watch_hats(same).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().after, bookmark.token);
    // It serves as `at_least_token` all the same.
    read(&hatd, "GetRoom", &bookmark.token).await.unwrap();
}

#[tokio::test]
async fn f308_times_to_end_at() {
    let hatd = Hatd::start_on_disk().await;
    hatd.put_member().await;
    let request = |seconds, nanos| {
        let expire_time = Some(Timestamp { seconds, nanos });
        let attachment = Some(pb::Attachment { expire_time, ..Default::default() });
        pb::AddUserHatRequest { attachment, ..add_request(ROOM, USER, HAT) }
    };
    let now = hatd::time::Timestamp::now().seconds();
    let year_9999 = 253_402_300_799;
    for (seconds, nanos) in [
        (0, 0),
        (-1, 0),
        (now - 1, 999_999_999),
        (now + 60, -1),
        (now + 60, 1_000_000_000),
        (now + 60, i32::MIN),
        (year_9999 + 1, 0),
        (i64::MAX, i32::MAX),
        (i64::MIN, 0),
    ] {
        let field = [("field", "attachment.expire_time")];
        let request = request(seconds, nanos);
        hatd.refuses(InvalidField, &field, hatd.hats().add_user_hat(request)).await;
    }
    // 292 years are as many nanoseconds as 64 bits hold.
    for seconds in [now + 3600, now + 292 * 31_556_952, now + 293 * 31_556_952, year_9999] {
        let answer = hatd.hats().add_user_hat(request(seconds, 999_999_999)).await.unwrap();
        let hats = answer.into_inner().user_hats.unwrap().hats;
        let expected = Some(Timestamp { seconds, nanos: 999_999_999 });
        assert_eq!(hats[HAT].expire_time, expected);
    }
    let before = hatd.user_hats(ROOM, USER).await;
    let hatd = hatd.restart().await;
    assert_eq!(hatd.user_hats(ROOM, USER).await, before);

    // Adding without a time clears it.
    hatd.give(ROOM, USER, HAT).await;
    assert_eq!(hatd.user_hats(ROOM, USER).await.hats[HAT].expire_time, None);
}
