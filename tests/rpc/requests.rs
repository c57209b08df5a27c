//! Rows 101 to 117: what callers send that they should not, and what they send twice.

use std::collections::BTreeSet;

use ErrorReason::{
    EtagMismatch, HatNotDefined, HatNotFound, HatNotSelfAssignable, HatRequired, InvalidField,
    InvalidHatId, InvalidRoomJid, InvalidUserJid, MessageTooLarge, PreconditionFailed,
    RequestIdReused, RoomNotFound, UserNotAffiliated,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use pb::{
    Affiliation::{Admin, Member, None as NoAffiliation, Outcast, Owner},
    hat_precondition::Condition::{Etag, HasHat, LacksHat},
};
use prost::Message as _;
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use tonic::{Code, Response, body::Body};
use tonic_types::StatusExt as _;

use super::support::*;

const ADD: &str = "/hatd.v1.HatService/AddUserHat";
const UPDATE: &str = "/hatd.v1.HatService/UpdateRoomHats";
const WATCH: &str = "/hatd.v1.HatService/WatchHats";
const LIMIT: &str = "4194304";

/// A body that sends these bytes, and does not end.
fn unfinished(bytes: impl Into<Bytes>) -> Body {
    let sent = stream::iter([Ok::<_, std::io::Error>(Frame::data(bytes.into()))]);
    Body::new(StreamBody::new(sent.chain(stream::pending())))
}

/// A call still works over the connection of those before it.
async fn check_alive(hatd: &Hatd) {
    let answer = hatd.call_message("/hatd.v1.RoomService/ListRooms", &[]).await;
    assert_eq!(answer.code(), Code::Ok, "{answer:?}");
}

#[tokio::test]
async fn f101_bytes_that_do_not_decode() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;

    let not_utf8 = [&[0x0A, 2, 0xC3, 0x28][..], &[0x12, 1, b'a']].concat();
    // Field 100 as the beginning of a group, within itself: 200 deep, and as deep as there is room.
    let nested = [0xA3, 0x06].repeat(200);
    let abyss = [0xA3, 0x06].repeat((4 << 20) / 2);
    for bytes in [&not_utf8, &nested, &abyss] {
        assert_eq!(hatd.call_message(ADD, bytes).await.code(), Code::Internal);
        assert_eq!(hatd.call_message(WATCH, bytes).await.code(), Code::Internal);
    }

    let seed = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..200 {
        let mut bytes = vec![0; random.random_range(1..200)];
        random.fill_bytes(&mut bytes);
        // What decodes by chance is a request that lacks everything.
        let code = hatd.call_message(ADD, &bytes).await.code();
        assert!(matches!(code, Code::Internal | Code::InvalidArgument), "{code:?}, seed {seed}");
    }
    check_alive(&hatd).await;
    assert_eq!(hatd.state().await, before);
}

#[tokio::test]
async fn f102_a_message_cut_short() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let whole = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    for len in 1..whole.len() {
        let answer = hatd.call(ADD, &[], body(whole.slice(..len))).await;
        assert!(matches!(answer.code(), Code::Internal | Code::Cancelled), "{len}: {answer:?}");
    }
    // Whoever keeps us waiting for the rest waits no longer than until the deadline.
    let rest_is_missing = unfinished(whole.slice(..whole.len() - 1));
    let answer = hatd.call(ADD, &[("grpc-timeout", "50m")], rest_is_missing).await;
    assert_eq!(answer.code(), Code::DeadlineExceeded);
    check_alive(&hatd).await;
    assert_eq!(hatd.state().await, before);
}

#[tokio::test]
async fn f103_a_length_of_4_gib_is_refused_before_it_comes() {
    let hatd = Hatd::start().await;
    for path in [ADD, WATCH] {
        let answer = hatd.call(path, &[], unfinished(&[0, 0xFF, 0xFF, 0xFF, 0xFF, 7][..])).await;
        check_status(path, &answer.status.unwrap(), MessageTooLarge, &[("limit", LIMIT)]);
    }
    check_alive(&hatd).await;
}

#[tokio::test]
async fn f104_unknown_fields_are_ignored_and_the_last_arm_counts() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let mut bytes = add_request(ROOM, USER, HAT).encode_to_vec();
    // Field 100 in each wire type: varint, 64 bits, bytes, an empty group, 32 bits.
    bytes.extend([0xA0, 0x06, 0x7F]);
    bytes.extend([0xA1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]);
    bytes.extend([0xA2, 0x06, 2, 0xFF, 0xFF]);
    bytes.extend([0xA3, 0x06, 0xA4, 0x06]);
    bytes.extend([0xA5, 0x06, 1, 2, 3, 4]);
    let answer: pb::AddUserHatResponse = hatd.call_message(ADD, &bytes).await.message();
    assert!(answer.changed);

    // One operation with two arms on the wire.
    let arm = |operation| pb::HatOperation { operation: Some(operation) }.encode_to_vec();
    let both = [arm(add(USER, "urn:example:first")), arm(remove(USER, HAT))].concat();
    let mut bytes = update_request([]).encode_to_vec();
    prost::encoding::bytes::encode(2, &both, &mut bytes);
    let answer: pb::UpdateRoomHatsResponse = hatd.call_message(UPDATE, &bytes).await.message();
    assert!(answer.changed);
    assert!(hatd.hat_ids(ROOM, USER).await.is_empty());
}

#[tokio::test]
async fn f105_unknown_enum_values_are_never_read_as_the_default() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    for number in [-1, 99, i32::MAX] {
        let request = pb::SetAffiliationRequest {
            affiliation: number,
            ..affiliation_request(ROOM, USER, Member)
        };
        let field = [("field", "affiliation")];
        hatd.refuses(InvalidField, &field, hatd.rooms().set_affiliation(request)).await;

        let room = pb::PutRoomRequest { room_jid: ROOM.into(), ..Default::default() };
        let request = pb::PutRoomRequest { hat_policy: number, ..room.clone() };
        let field = [("field", "hat_policy")];
        hatd.refuses(InvalidField, &field, hatd.rooms().put_room(request)).await;
        let request = pb::PutRoomRequest { eligibility: number, ..room };
        let field = [("field", "eligibility")];
        hatd.refuses(InvalidField, &field, hatd.rooms().put_room(request)).await;

        let watch = pb::WatchHatsRequest::default();
        let request = pb::WatchHatsRequest { delivery: number, ..watch.clone() };
        let field = [("field", "delivery")];
        hatd.refuses(InvalidField, &field, watched(&hatd, request)).await;
        let request = pb::WatchHatsRequest { on_expired: number, ..watch };
        let field = [("field", "on_expired")];
        hatd.refuses(InvalidField, &field, watched(&hatd, request)).await;

        let entry = pb::SyncEntry {
            room_jid: ROOM.into(),
            mode: pb::SyncMode::Upsert.into(),
            ..Default::default()
        };
        for (field, entry) in [
            ("entries[0].mode", pb::SyncEntry { mode: number, ..entry.clone() }),
            ("entries[0].hat_policy", pb::SyncEntry { hat_policy: number, ..entry.clone() }),
            ("entries[0].eligibility", pb::SyncEntry { eligibility: number, ..entry.clone() }),
            ("entries[0].affiliations[0].affiliation", {
                let user_jid = USER.into();
                let affiliations = vec![pb::UserAffiliation { user_jid, affiliation: number }];
                pb::SyncEntry { affiliations, ..entry }
            }),
        ] {
            let request = pb::SyncRoomsRequest { entries: vec![entry], ..Default::default() };
            let field = [("field", field)];
            hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(request)).await;
        }
    }
    // Known, and not built.
    let delivery = pb::Delivery::LatestState.into();
    let request = pb::WatchHatsRequest { delivery, ..Default::default() };
    hatd.refuses(InvalidField, &[("field", "delivery")], watched(&hatd, request)).await;
}

/// A watch that is to be refused at once.
async fn watched(hatd: &Hatd, request: pb::WatchHatsRequest) -> Answer<()> {
    hatd.hats().watch_hats(request).await.map(|_| Response::new(()))
}

/// Every RPC about a room, with nothing but the room's JID that it must have.
async fn call_about_room(hatd: &Hatd, room: &str, call: &str) -> Answer<()> {
    let room_jid = room.to_owned();
    match call {
        "UpdateRoomHats" => {
            let request = pb::UpdateRoomHatsRequest { room_jid, ..Default::default() };
            hatd.hats().update_room_hats(request).await.map(|_| Response::new(()))
        }
        "SetHatWearers" => {
            let request = wearers_request::<&str>(room, HAT, []);
            hatd.hats().set_hat_wearers(request).await.map(|_| Response::new(()))
        }
        "ListRoomHats" => {
            hatd.hats().list_room_hats(list_request(room)).await.map(|_| Response::new(()))
        }
        "DefineHat" => {
            let definition = Some(definition(HAT));
            let request = pb::DefineHatRequest { room_jid, definition, ..Default::default() };
            hatd.hats().define_hat(request).await.map(|_| Response::new(()))
        }
        "DestroyHat" => {
            let hat_id = HAT.into();
            let request = pb::DestroyHatRequest { room_jid, hat_id, ..Default::default() };
            hatd.hats().destroy_hat(request).await.map(|_| Response::new(()))
        }
        "ListHatDefinitions" => {
            let request = pb::ListHatDefinitionsRequest { room_jid, ..Default::default() };
            hatd.hats().list_hat_definitions(request).await.map(|_| Response::new(()))
        }
        "GetRoom" => {
            let request = pb::GetRoomRequest { room_jid, ..Default::default() };
            hatd.rooms().get_room(request).await.map(|_| Response::new(()))
        }
        "DeleteRoom" => {
            let request = pb::DeleteRoomRequest { room_jid, ..Default::default() };
            hatd.rooms().delete_room(request).await.map(|_| Response::new(()))
        }
        "ListAffiliations" => {
            let request = pb::ListAffiliationsRequest { room_jid, ..Default::default() };
            hatd.rooms().list_affiliations(request).await.map(|_| Response::new(()))
        }
        call => panic!("no such call: {call}"),
    }
}

const ABOUT_ROOM: [&str; 9] = [
    "UpdateRoomHats",
    "SetHatWearers",
    "ListRoomHats",
    "DefineHat",
    "DestroyHat",
    "ListHatDefinitions",
    "GetRoom",
    "DeleteRoom",
    "ListAffiliations",
];

/// Every RPC about a user in a room.
async fn call_about_user(
    hatd: &Hatd,
    room: &str,
    user: &str,
    etag: &str,
    call: &str,
) -> Answer<()> {
    let etag = etag.to_owned();
    match call {
        "AddUserHat" => {
            let request = pb::AddUserHatRequest { etag, ..add_request(room, user, HAT) };
            hatd.hats().add_user_hat(request).await.map(|_| Response::new(()))
        }
        "RemoveUserHat" => {
            let request = pb::RemoveUserHatRequest { etag, ..remove_request(room, user, HAT) };
            hatd.hats().remove_user_hat(request).await.map(|_| Response::new(()))
        }
        "SetUserHats" => {
            let request = pb::SetUserHatsRequest { etag, ..set_request(room, user, [HAT]) };
            hatd.hats().set_user_hats(request).await.map(|_| Response::new(()))
        }
        "WearHat" => {
            let request = pb::WearHatRequest { etag, ..wear_request(room, user, HAT) };
            hatd.wardrobe().wear_hat(request).await.map(|_| Response::new(()))
        }
        "DoffHat" => {
            let request = pb::DoffHatRequest { etag, ..doff_request(room, user, HAT) };
            hatd.wardrobe().doff_hat(request).await.map(|_| Response::new(()))
        }
        "ClaimHat" => {
            let request = pb::ClaimHatRequest { etag, ..claim_request(room, user, HAT) };
            hatd.wardrobe().claim_hat(request).await.map(|_| Response::new(()))
        }
        "DiscardHat" => {
            let request = pb::DiscardHatRequest { etag, ..discard_request(room, user, HAT) };
            hatd.wardrobe().discard_hat(request).await.map(|_| Response::new(()))
        }
        "GetUserHats" => {
            hatd.hats().get_user_hats(get_request(room, user)).await.map(|_| Response::new(()))
        }
        call => panic!("no such call: {call}"),
    }
}

const ABOUT_USER: [&str; 8] = [
    "AddUserHat",
    "RemoveUserHat",
    "SetUserHats",
    "WearHat",
    "DoffHat",
    "ClaimHat",
    "DiscardHat",
    "GetUserHats",
];

#[tokio::test]
async fn f106_what_is_required_and_missing_is_named() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    for call in ABOUT_ROOM {
        let answer = call_about_room(&hatd, "", call);
        hatd.refuses(InvalidRoomJid, &[("field", "room_jid")], answer).await;
    }
    for call in ABOUT_USER {
        let answer = call_about_user(&hatd, "", USER, "", call);
        hatd.refuses(InvalidRoomJid, &[("field", "room_jid")], answer).await;
        let answer = call_about_user(&hatd, ROOM, "", "", call);
        hatd.refuses(InvalidUserJid, &[("field", "user_jid")], answer).await;
    }
    let no_hat = [("field", "hat_id")];
    hatd.refuses(InvalidHatId, &no_hat, hatd.give_answer(ROOM, USER, "")).await;
    let request = remove_request(ROOM, USER, "");
    hatd.refuses(InvalidHatId, &no_hat, hatd.hats().remove_user_hat(request)).await;
    let request = wearers_request(ROOM, "", [USER]);
    hatd.refuses(InvalidHatId, &no_hat, hatd.hats().set_hat_wearers(request)).await;
    let request = claim_request(ROOM, USER, "");
    hatd.refuses(InvalidHatId, &no_hat, hatd.wardrobe().claim_hat(request)).await;
    let no_user = [("field", "user_jid")];
    let request = pb::ListUserHatsRequest::default();
    hatd.refuses(InvalidUserJid, &no_user, hatd.hats().list_user_hats(request)).await;
    let request = pb::ForgetUserRequest::default();
    hatd.refuses(InvalidUserJid, &no_user, hatd.rooms().forget_user(request)).await;
    let request = wearers_request(ROOM, HAT, [USER, ""]);
    let field = [("field", "user_jids[1]")];
    hatd.refuses(InvalidUserJid, &field, hatd.hats().set_hat_wearers(request)).await;

    let request = pb::DefineHatRequest { room_jid: ROOM.into(), ..Default::default() };
    let field = [("field", "definition")];
    hatd.refuses(InvalidField, &field, hatd.hats().define_hat(request.clone())).await;
    let request = pb::DefineHatRequest { definition: Some(definition("")), ..request };
    let field = [("field", "definition.hat_id")];
    hatd.refuses(InvalidHatId, &field, hatd.hats().define_hat(request)).await;

    let request = affiliation_request(ROOM, USER, pb::Affiliation::Unspecified);
    let field = [("field", "affiliation")];
    hatd.refuses(InvalidField, &field, hatd.rooms().set_affiliation(request)).await;
    let entries = vec![pb::SyncEntry { room_jid: ROOM.into(), ..Default::default() }];
    let request = pb::SyncRoomsRequest { entries, ..Default::default() };
    let field = [("field", "entries[0].mode")];
    hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(request)).await;
}

#[tokio::test]
async fn f106_operations_and_preconditions_without_an_arm() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    for (reason, field, operation) in [
        (InvalidField, "operations[1]", None),
        (InvalidUserJid, "operations[1].add.user_jid", Some(add("", HAT))),
        (InvalidHatId, "operations[1].add.hat_id", Some(add(USER, ""))),
        (InvalidUserJid, "operations[1].remove.user_jid", Some(remove("", HAT))),
        (InvalidHatId, "operations[1].remove.hat_id", Some(remove(USER, ""))),
        (InvalidUserJid, "operations[1].set.user_jid", Some(set("", [HAT]))),
        (InvalidHatId, "operations[1].set.hats[\"\"]", Some(set(USER, [""]))),
    ] {
        let mut request = update_request([add(USER, HAT)]);
        request.operations.push(pb::HatOperation { operation });
        hatd.refuses(reason, &[("field", field)], hatd.hats().update_room_hats(request)).await;
    }

    let hat = |user: &str, hat: &str| pb::UserHat { user_jid: user.into(), hat_id: hat.into() };
    for (reason, field, condition) in [
        (InvalidField, "preconditions[0]", None),
        (InvalidUserJid, "preconditions[0].etag.user_jid", Some(Etag(pb::DocumentEtag::default()))),
        (InvalidUserJid, "preconditions[0].has_hat.user_jid", Some(HasHat(hat("", HAT)))),
        (InvalidHatId, "preconditions[0].has_hat.hat_id", Some(HasHat(hat(USER, "")))),
        (InvalidUserJid, "preconditions[0].lacks_hat.user_jid", Some(LacksHat(hat("", HAT)))),
        (InvalidHatId, "preconditions[0].lacks_hat.hat_id", Some(LacksHat(hat(USER, "")))),
    ] {
        let mut request = update_request([add(USER, HAT)]);
        request.preconditions.push(pb::HatPrecondition { condition });
        hatd.refuses(reason, &[("field", field)], hatd.hats().update_room_hats(request)).await;
    }
}

#[tokio::test]
async fn f107_a_million_tiny_elements_are_refused_by_their_count() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let check = async |path: &str, prefix: Vec<u8>, tag: u8, field: &str| {
        // An element of no bytes, two bytes on the wire.
        let elements = [tag << 3 | 2, 0].repeat(1_000_000);
        let answer = hatd.call_message(path, &[prefix, elements].concat()).await;
        check_status(path, &answer.status.unwrap(), InvalidField, &[("field", field)]);
    };
    check(UPDATE, update_request([]).encode_to_vec(), 2, "operations").await;
    check(UPDATE, update_request([]).encode_to_vec(), 3, "preconditions").await;
    check(WATCH, Vec::new(), 1, "selectors").await;
    check("/hatd.v1.RoomService/SyncRooms", Vec::new(), 1, "entries").await;
    let wearers = wearers_request::<&str>(ROOM, HAT, []).encode_to_vec();
    check("/hatd.v1.HatService/SetHatWearers", wearers, 3, "user_jids").await;
    // Packed varints, where no field is one, are one unknown field.
    let mut bytes = add_request(ROOM, USER, HAT).encode_to_vec();
    prost::encoding::bytes::encode(100, &vec![1_u8; 1_000_000], &mut bytes);
    bytes.extend(add_request(ROOM, USER, "relative").encode_to_vec());
    let answer = hatd.call_message(ADD, &bytes).await;
    check_status("packed", &answer.status.unwrap(), InvalidHatId, &[("field", "hat_id")]);
    assert_eq!(hatd.state().await, before);
    check_alive(&hatd).await;
}

#[tokio::test]
async fn f108_compressed_requests_are_not_spoken() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let mut compressed = frame(&[0; 64]).to_vec();
    compressed[0] = 1;
    for path in [ADD, WATCH] {
        let gzip = [("grpc-encoding", "gzip")];
        let answer = hatd.call(path, &gzip, body(compressed.clone())).await;
        assert_eq!(answer.code(), Code::Unimplemented);
        // A flag that the headers do not announce.
        let answer = hatd.call(path, &[], body(compressed.clone())).await;
        assert_eq!(answer.code(), Code::Internal);
    }
    check_alive(&hatd).await;
    assert_eq!(hatd.state().await, before);
}

#[tokio::test]
async fn f109_unknown_methods_no_message_and_two() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let add = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    for path in ["/hatd.v1.HatService/Unknown", "/hatd.v2.HatService/AddUserHat", "/x", "/"] {
        let answer = hatd.call(path, &[], body(add.clone())).await;
        assert_eq!(answer.code(), Code::Unimplemented, "{path}");
    }
    for path in [ADD, WATCH] {
        assert_eq!(hatd.call(path, &[], Body::empty()).await.code(), Code::Internal, "{path}");
    }
    assert!(hatd.all_documents(ROOM).await.is_empty());

    let head = hatd.head().await;
    let both = [add, frame(&add_request(ROOM, USER, "urn:example:2").encode_to_vec())].concat();
    hatd.call(ADD, &[], body(both)).await;
    let hats = hatd.hat_ids(ROOM, USER).await;
    assert!(hats.is_empty() && hatd.head().await == head || hats == [HAT], "{hats:?}");
    check_alive(&hatd).await;
}

#[tokio::test]
async fn f110_a_request_id_makes_one_commit_of_a_hundred_calls() {
    let hatd = Hatd::start_on_disk().await;
    hatd.put_member().await;
    let mut request = add_request(ROOM, USER, HAT);
    request.request_id = "8f3c7c3e-6d0e-4b1a-9f43-4f8f6a1f2f10".into();
    let calls = (0..100).map(|_| {
        let (mut hats, request) = (hatd.hats(), request.clone());
        async move { hats.add_user_hat(request).await.unwrap().into_inner() }
    });
    let answers = join_all(calls).await;
    let first = answers.iter().find(|answer| !answer.replayed).unwrap().clone();
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    for answer in answers {
        let expected = pb::AddUserHatResponse { replayed: answer.replayed, ..first.clone() };
        assert_eq!(answer, expected);
    }

    // Later: the same revision, token and `changed`, and the document as it is now.
    hatd.give(ROOM, USER, "urn:example:later").await;
    let document = hatd.user_hats(ROOM, USER).await;
    let expected =
        pb::AddUserHatResponse { user_hats: Some(document), replayed: true, ..first.clone() };
    let again = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, expected);

    let hatd = hatd.restart().await;
    let again = hatd.hats().add_user_hat(request).await.unwrap().into_inner();
    assert_eq!(again, expected);
}

#[tokio::test]
async fn f110_every_write_can_be_asked_again() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let request_id = |id: &str| id.to_owned();

    let add = pb::AddUserHatRequest { request_id: request_id("1"), ..add_request(ROOM, USER, HAT) };
    let wear = pb::WearHatRequest { request_id: request_id("2"), ..wear_request(ROOM, USER, HAT) };
    let destroy = pb::DestroyHatRequest {
        room_jid: ROOM.into(),
        hat_id: HAT.into(),
        request_id: request_id("3"),
        ..Default::default()
    };
    let sync = pb::SyncRoomsRequest {
        entries: vec![pb::SyncEntry {
            room_jid: ROOM.into(),
            mode: pb::SyncMode::Upsert.into(),
            affiliations: users([(USER.to_owned(), Owner)]),
            ..Default::default()
        }],
        request_id: request_id("4"),
        ..Default::default()
    };
    let forget = pb::ForgetUserRequest {
        user_jid: USER.into(),
        request_id: request_id("5"),
        ..Default::default()
    };
    let delete = pb::DeleteRoomRequest {
        room_jid: ROOM.into(),
        request_id: request_id("6"),
        ..Default::default()
    };

    hatd.hats().add_user_hat(add.clone()).await.unwrap();
    hatd.wardrobe().wear_hat(wear.clone()).await.unwrap();
    let destroyed = hatd.hats().destroy_hat(destroy.clone()).await.unwrap().into_inner();
    let synced = hatd.rooms().sync_rooms(sync.clone()).await.unwrap().into_inner();
    let forgotten = hatd.rooms().forget_user(forget.clone()).await.unwrap().into_inner();
    let deleted = hatd.rooms().delete_room(delete.clone()).await.unwrap().into_inner();
    let head = hatd.head().await;

    // The room is gone by now: each is answered as it was all the same.
    let added = hatd.hats().add_user_hat(add).await.unwrap().into_inner();
    assert!(added.replayed && added.changed && added.user_hats.unwrap().hats.is_empty());
    assert!(hatd.wardrobe().wear_hat(wear).await.unwrap().into_inner().replayed);
    let again = hatd.hats().destroy_hat(destroy).await.unwrap().into_inner();
    assert_eq!(again, pb::DestroyHatResponse { replayed: true, ..destroyed });
    let again = hatd.rooms().sync_rooms(sync).await.unwrap().into_inner();
    assert_eq!(again, pb::SyncRoomsResponse { replayed: true, ..synced });
    let again = hatd.rooms().forget_user(forget).await.unwrap().into_inner();
    assert_eq!(again, pb::ForgetUserResponse { replayed: true, ..forgotten });
    let again = hatd.rooms().delete_room(delete).await.unwrap().into_inner();
    assert_eq!(again, pb::DeleteRoomResponse { replayed: true, ..deleted });
    assert_eq!(hatd.head().await, head);
}

#[tokio::test]
async fn f111_a_request_id_is_of_one_request() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let named = |request_id: &str, hat| {
        let request_id = request_id.to_owned();
        pb::AddUserHatRequest { request_id, ..add_request(ROOM, USER, hat) }
    };
    hatd.hats().add_user_hat(named("1", HAT)).await.unwrap();

    let metadata = [("field", "request_id"), ("request_id", "1")];
    let other = named("1", "urn:example:other");
    hatd.refuses(RequestIdReused, &metadata, hatd.hats().add_user_hat(other)).await;
    let context = Some(pb::Context { actor: "somebody else".into(), reason: String::new() });
    let other = pb::AddUserHatRequest { context, ..named("1", HAT) };
    hatd.refuses(RequestIdReused, &metadata, hatd.hats().add_user_hat(other)).await;
    let request_id = "1".to_owned();
    let other = pb::RemoveUserHatRequest { request_id, ..remove_request(ROOM, USER, HAT) };
    hatd.refuses(RequestIdReused, &metadata, hatd.hats().remove_user_hat(other)).await;

    // Another spelling is the same command, and so is another order of a map.
    let spelled = pb::AddUserHatRequest { room_jid: ROOM.to_uppercase(), ..named("1", HAT) };
    assert!(hatd.hats().add_user_hat(spelled).await.unwrap().into_inner().replayed);
    let set = |ids: [&str; 2]| {
        let mut bytes = pb::SetUserHatsRequest {
            request_id: "2".into(),
            ..set_request::<&str>(ROOM, USER, [])
        }
        .encode_to_vec();
        for id in ids {
            // An entry of the map: a message with key and value.
            let entry = pb::Context { actor: id.to_owned(), reason: String::new() };
            prost::encoding::message::encode(3, &entry, &mut bytes);
        }
        bytes
    };
    let path = "/hatd.v1.HatService/SetUserHats";
    let first: pb::SetUserHatsResponse =
        hatd.call_message(path, &set(["urn:a", "urn:b"])).await.message();
    assert!(!first.replayed);
    let again: pb::SetUserHatsResponse =
        hatd.call_message(path, &set(["urn:b", "urn:a"])).await.message();
    assert!(again.replayed);

    // Refusals and no-ops are decided anew.
    let later = pb::AddUserHatRequest { user_jid: "later@localhost".into(), ..named("3", HAT) };
    let metadata = [("user_jid", "later@localhost")];
    hatd.refuses(UserNotAffiliated, &metadata, hatd.hats().add_user_hat(later.clone())).await;
    hatd.affiliate(ROOM, "later@localhost", Member).await;
    let answer = hatd.hats().add_user_hat(later).await.unwrap().into_inner();
    assert!(answer.changed && !answer.replayed);

    let no_op = named("4", "urn:a");
    assert!(!hatd.hats().add_user_hat(no_op.clone()).await.unwrap().into_inner().changed);
    hatd.hats().remove_user_hat(remove_request(ROOM, USER, "urn:a")).await.unwrap();
    let answer = hatd.hats().add_user_hat(no_op).await.unwrap().into_inner();
    assert!(answer.changed && !answer.replayed);
}

#[tokio::test]
async fn f112_one_bad_operation_among_500() {
    let hatd = Hatd::start().await;
    hatd.put_room(ROOM).await;
    hatd.define(definition(HAT)).await;
    let hat_policy = pb::HatPolicy::DefinedOnly.into();
    hatd.put(pb::PutRoomRequest { room_jid: ROOM.into(), hat_policy, ..Default::default() }).await;
    let user = |n: usize| format!("user{n}@localhost");
    sync_members(&hatd, (0..500).map(user)).await;

    let with = |bad| {
        let mut request = update_request((0..499).map(|n| add(&user(n), HAT)));
        request.operations.insert(137, pb::HatOperation { operation: Some(bad) });
        request
    };
    for (reason, metadata, bad) in [
        (InvalidHatId, ("field", "operations[137].add.hat_id"), add(&user(499), "relative")),
        (HatNotDefined, ("operation_index", "137"), add(&user(499), "urn:example:undefined")),
        (UserNotAffiliated, ("operation_index", "137"), add("stranger@localhost", HAT)),
        (UserNotAffiliated, ("operation_index", "137"), remove("stranger@localhost", HAT)),
    ] {
        hatd.refuses(reason, &[metadata], hatd.hats().update_room_hats(with(bad))).await;
    }
    // The second of two that exclude each other is named.
    for (index, bad) in [
        ("138", add(&user(137), HAT)),
        ("138", remove(&user(137), HAT)),
        ("138", set(&user(137), [HAT])),
        ("137", set(&user(0), [HAT])),
        ("137", add(&user(136).to_uppercase(), HAT)),
    ] {
        let field = format!("operations[{index}]");
        hatd.refuses(InvalidField, &[("field", &field)], hatd.hats().update_room_hats(with(bad)))
            .await;
    }
    let twice = update_request([set(&user(0), [HAT]), set(&user(0), ["urn:example:2"])]);
    let field = [("field", "operations[1]")];
    hatd.refuses(InvalidField, &field, hatd.hats().update_room_hats(twice)).await;

    let mut outside = set(&user(1), [HAT]);
    if let pb::hat_operation::Operation::Set(set) = &mut outside {
        set.hat_id_prefix = "urn:other:".into();
    }
    let metadata = [("field", "operations[1].set.hats")];
    let request = update_request([add(&user(0), HAT), outside]);
    hatd.refuses(InvalidField, &metadata, hatd.hats().update_room_hats(request)).await;
}

async fn sync_members(hatd: &Hatd, members: impl Iterator<Item = String>) {
    let entry = pb::SyncEntry {
        room_jid: ROOM.into(),
        mode: pb::SyncMode::Upsert.into(),
        affiliations: users(members.map(|user| (user, Member))),
        ..Default::default()
    };
    let request = pb::SyncRoomsRequest { entries: vec![entry], ..Default::default() };
    hatd.rooms().sync_rooms(request).await.unwrap();
}

#[tokio::test]
async fn f113_stale_etags() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    hatd.define(pb::HatDefinition { self_assignable: true, ..definition(HAT) }).await;
    let given = hatd.give(ROOM, USER, HAT).await.user_hats.unwrap();
    let stale = given.etag;
    let present = hatd.give(ROOM, USER, "urn:example:2").await.user_hats.unwrap().etag;
    assert_ne!(stale, present);
    for call in ABOUT_USER.iter().filter(|call| **call != "GetUserHats") {
        for etag in [&stale, "garbage"] {
            let answer = call_about_user(&hatd, ROOM, USER, etag, call);
            hatd.refuses(EtagMismatch, &[("etag", &present)], answer).await;
        }
    }
    let request = pb::SetAffiliationRequest {
        etag: stale.clone(),
        ..affiliation_request(ROOM, USER, Member)
    };
    // A stale etag is refused though nothing would change.
    hatd.refuses(EtagMismatch, &[], hatd.rooms().set_affiliation(request)).await;

    let (room_jid, etag) = (ROOM.to_owned(), stale.clone());
    let request = pb::PutRoomRequest { room_jid, etag, ..Default::default() };
    hatd.refuses(EtagMismatch, &[], hatd.rooms().put_room(request)).await;
    let (room_jid, etag) = (ROOM.to_owned(), stale.clone());
    let request = pb::DeleteRoomRequest { room_jid, etag, ..Default::default() };
    hatd.refuses(EtagMismatch, &[], hatd.rooms().delete_room(request)).await;
    let request = pb::DefineHatRequest {
        room_jid: ROOM.into(),
        definition: Some(definition(HAT)),
        etag: stale.clone(),
        ..Default::default()
    };
    hatd.refuses(EtagMismatch, &[], hatd.hats().define_hat(request)).await;
    // Existence comes before the etag.
    let (room_jid, etag) = ("nowhere@localhost".to_owned(), stale.clone());
    let request = pb::DeleteRoomRequest { room_jid, etag, ..Default::default() };
    hatd.refuses(RoomNotFound, &[], hatd.rooms().delete_room(request)).await;
    for (room, user, reason) in
        [("nowhere@localhost", USER, RoomNotFound), (ROOM, "x@localhost", UserNotAffiliated)]
    {
        hatd.refuses(reason, &[], call_about_user(&hatd, room, user, &stale, "AddUserHat")).await;
    }
    // The right one works.
    call_about_user(&hatd, ROOM, USER, &present, "DiscardHat").await.unwrap();
}

#[tokio::test]
async fn f113_preconditions_are_checked_before_anything_is_done() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let etag = hatd.give(ROOM, USER, HAT).await.user_hats.unwrap().etag;
    let hat = |hat: &str| pb::UserHat { user_jid: USER.into(), hat_id: hat.into() };
    let of = |etag: &str| pb::DocumentEtag { user_jid: USER.into(), etag: etag.into() };
    for fails in
        [Etag(of("garbage")), Etag(of("")), HasHat(hat("urn:example:2")), LacksHat(hat(HAT))]
    {
        let mut request = update_request([add(USER, "urn:example:2")]);
        request.preconditions = [Etag(of(&etag)), HasHat(hat(HAT)), fails]
            .map(|condition| pb::HatPrecondition { condition: Some(condition) })
            .into();
        let metadata = [("precondition_index", "2"), ("room_jid", ROOM), ("user_jid", USER)];
        hatd.refuses(PreconditionFailed, &metadata, hatd.hats().update_room_hats(request)).await;
    }
}

#[tokio::test]
async fn f113_of_many_racers_one_wins() {
    let hatd = Hatd::start_on_disk().await;
    hatd.put_member().await;
    let etag = hatd.user_hats(ROOM, USER).await.etag;
    let racers = (0..32).map(|n| {
        let (mut hats, etag) = (hatd.hats(), etag.clone());
        async move {
            let request = add_request(ROOM, USER, &format!("urn:example:{n}"));
            hats.add_user_hat(pb::AddUserHatRequest { etag, ..request }).await
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = join_all(racers).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for lost in lost {
        check_status("a racer", &lost.unwrap_err(), EtagMismatch, &[]);
    }
    assert_eq!(hatd.hat_ids(ROOM, USER).await.len(), 1);
}

#[tokio::test]
async fn f114_room_first_then_user() {
    let hatd = Hatd::start().await;
    let nowhere = "nowhere@conference.localhost";
    hatd.put_member().await;
    hatd.affiliate(ROOM, "outcast@localhost", Outcast).await;
    hatd.put_room_for_anyone("open@localhost").await;
    hatd.affiliate("open@localhost", "outcast@localhost", Outcast).await;
    for call in ABOUT_ROOM {
        let answer = call_about_room(&hatd, nowhere, call);
        hatd.refuses(RoomNotFound, &[("room_jid", nowhere)], answer).await;
    }
    for call in ABOUT_USER {
        let answer = call_about_user(&hatd, nowhere, USER, "", call);
        hatd.refuses(RoomNotFound, &[("room_jid", nowhere)], answer).await;
        for (room, user) in [
            (ROOM, "outcast@localhost"),
            (ROOM, "nobody@localhost"),
            ("open@localhost", "outcast@localhost"),
        ] {
            let answer = call_about_user(&hatd, room, user, "", call);
            let metadata = [("room_jid", room), ("user_jid", user)];
            hatd.refuses(UserNotAffiliated, &metadata, answer).await;
        }
    }
    let request = affiliation_request(nowhere, USER, Member);
    let metadata = [("room_jid", nowhere)];
    hatd.refuses(RoomNotFound, &metadata, hatd.rooms().set_affiliation(request)).await;
    let request = wearers_request(ROOM, HAT, [USER, "nobody@localhost"]);
    let metadata = [("user_jid", "nobody@localhost")];
    hatd.refuses(UserNotAffiliated, &metadata, hatd.hats().set_hat_wearers(request)).await;
    // Lists of a user are not about a room.
    let user_jid = "nobody@localhost".to_owned();
    let request = pb::ListUserHatsRequest { user_jid, ..Default::default() };
    assert!(hatd.hats().list_user_hats(request).await.unwrap().into_inner().rooms.is_empty());
}

#[tokio::test]
async fn f115_hats_that_are_not_to_be_had_worn_or_lost() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    hatd.define(definition(HAT)).await;
    hatd.give(ROOM, USER, "urn:example:undefined").await;
    let hat_policy = pb::HatPolicy::DefinedOnly.into();
    hatd.put(pb::PutRoomRequest { room_jid: ROOM.into(), hat_policy, ..Default::default() }).await;

    // What was there before stays and can be changed; nothing undefined is newly put on.
    hatd.wardrobe().wear_hat(wear_request(ROOM, USER, "urn:example:undefined")).await.unwrap();
    let new = "urn:example:new";
    let metadata = [("room_jid", ROOM), ("hat_id", new)];
    hatd.refuses(HatNotDefined, &metadata, hatd.give_answer(ROOM, USER, new)).await;
    let request = set_request(ROOM, USER, [HAT, new]);
    hatd.refuses(HatNotDefined, &metadata, hatd.hats().set_user_hats(request)).await;
    let request = wearers_request(ROOM, new, [USER]);
    hatd.refuses(HatNotDefined, &metadata, hatd.hats().set_hat_wearers(request)).await;
    let request = update_request([add(USER, new)]);
    hatd.refuses(HatNotDefined, &metadata, hatd.hats().update_room_hats(request)).await;
    let request = claim_request(ROOM, USER, new);
    hatd.refuses(HatNotDefined, &metadata, hatd.wardrobe().claim_hat(request)).await;

    let request = claim_request(ROOM, USER, HAT);
    let metadata = [("room_jid", ROOM), ("hat_id", HAT)];
    hatd.refuses(HatNotSelfAssignable, &metadata, hatd.wardrobe().claim_hat(request)).await;

    for call in ["WearHat", "DoffHat", "DiscardHat"] {
        let metadata = [("room_jid", ROOM), ("user_jid", USER), ("hat_id", HAT)];
        hatd.refuses(HatNotFound, &metadata, call_about_user(&hatd, ROOM, USER, "", call)).await;
    }
    let required = Some(pb::Attachment { active: true, required: true, ..Default::default() });
    let request = pb::AddUserHatRequest { attachment: required, ..add_request(ROOM, USER, HAT) };
    hatd.hats().add_user_hat(request).await.unwrap();
    for call in ["DoffHat", "DiscardHat"] {
        let metadata = [("room_jid", ROOM), ("user_jid", USER), ("hat_id", HAT)];
        hatd.refuses(HatRequired, &metadata, call_about_user(&hatd, ROOM, USER, "", call)).await;
    }
    // Only users are bound by it.
    hatd.hats().remove_user_hat(remove_request(ROOM, USER, HAT)).await.unwrap();
}

#[tokio::test]
async fn f116_what_changes_nothing_tells_nobody_and_bans_outlast_hats() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let given = hatd.give(ROOM, USER, HAT).await;
    let selector = pb::WatchSelector { room_jid: ROOM.into(), ..Default::default() };
    let start = Some(pb::watch_hats_request::Start::ResumeToken(given.token));
    let request = pb::WatchHatsRequest { start, ..watch_request(selector) };
    let mut watch = hatd.hats().watch_hats(request).await.unwrap().into_inner();
    let head = hatd.head().await;

    assert!(!hatd.give(ROOM, USER, HAT).await.changed);
    let absent = remove_request(ROOM, USER, "urn:example:absent");
    assert!(!hatd.hats().remove_user_hat(absent).await.unwrap().into_inner().changed);
    assert!(!hatd.affiliate(ROOM, USER, Member).await.changed);
    assert!(!hatd.put_room(ROOM).await.changed);
    assert_eq!(hatd.head().await, head);

    for leave in [Outcast, NoAffiliation] {
        hatd.give(ROOM, USER, HAT).await;
        hatd.affiliate(ROOM, USER, leave).await;
        hatd.affiliate(ROOM, USER, Admin).await;
        assert!(hatd.hat_ids(ROOM, USER).await.is_empty());
    }

    // All that watchers hear: the ban took the hat; it was given again, and went with the leave.
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let response = watch.message().await.unwrap().unwrap();
        if let Some(pb::watch_hats_response::Event::Changes(changes)) = response.event {
            heard.extend(changes.commits.into_iter().map(|commit| {
                let [user] = &commit.users[..] else { panic!("{commit:?}") };
                let [change] = &user.changes[..] else { panic!("{user:?}") };
                (commit.cause(), change.r#type())
            }));
        }
    }
    let left = (pb::CommitCause::Affiliation, pb::ChangeType::Removed);
    assert_eq!(heard, [left, (pb::CommitCause::Request, pb::ChangeType::Added), left]);
}

#[tokio::test]
async fn every_reason_of_an_operation_names_its_index() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let request = update_request([remove(USER, HAT), add("nobody@localhost", HAT)]);
    let status = hatd
        .refuses(
            UserNotAffiliated,
            &[("operation_index", "1")],
            hatd.hats().update_room_hats(request),
        )
        .await;
    assert!(status.message().contains("operations[1]"), "{}", status.message());
    let keys: BTreeSet<_> = status.get_details_error_info().unwrap().metadata.into_keys().collect();
    assert_eq!(keys.len(), 3);
}
