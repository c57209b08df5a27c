//! What every RPC does and answers, over both engines.

use std::future::Future;

use hatd_client::Timestamp;
use pb::Affiliation::{Admin, Member, None as NoAffiliation, Outcast, Owner};

use super::support::*;

const OTHER_ROOM: &str = "other@conference.localhost";
const OTHER_USER: &str = "other@localhost";
const OTHER_HAT: &str = "urn:example:other";

async fn on_each_engine<F: Future>(test: impl Fn(Hatd) -> F) {
    test(Hatd::start().await).await;
    test(Hatd::start_on_disk().await).await;
}

fn attachment(active: bool, title: &str) -> pb::Attachment {
    pb::Attachment { active, title: title.into(), ..Default::default() }
}

fn context() -> pb::Context {
    pb::Context { actor: "admin@localhost".into(), reason: "asked nicely".into() }
}

/// What can be compared of a user's hats: all but when and by whom they were given.
fn hats(document: &pb::UserHats) -> Vec<(&str, bool, bool, &str)> {
    let hats = document.hats.iter();
    hats.map(|(hat, had)| (hat.as_str(), had.active, had.required, had.title.as_str())).collect()
}

#[tokio::test]
async fn add_user_hat_answers_the_whole_document() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let before = hatd.user_hats(ROOM, USER).await;

        let mut request = add_request(ROOM, USER, HAT);
        request.attachment =
            Some(pb::Attachment { required: true, ..attachment(true, "The Teacher") });
        request.context = Some(context());
        request.etag = before.etag.clone();
        let answer = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();

        let document = answer.user_hats.unwrap();
        assert_eq!((document.room_jid.as_str(), document.user_jid.as_str()), (ROOM, USER));
        assert_eq!(document.affiliation(), Member);
        assert_eq!(hats(&document), [(HAT, true, true, "The Teacher")]);
        let given = document.hats[HAT].given.clone().unwrap();
        assert_eq!(
            (given.actor.as_str(), given.reason.as_str()),
            ("admin@localhost", "asked nicely")
        );
        assert_eq!(given.time, document.update_time);
        assert!(answer.revision > before.revision);
        assert_eq!(document.revision, answer.revision);
        assert_ne!(document.etag, before.etag);
        assert_eq!(answer.token, hatd.head().await);
        assert!(answer.changed && !answer.replayed);
        assert_eq!(hatd.user_hats(ROOM, USER).await, document);

        // The same again is no change, whoever asks for it.
        request.etag = document.etag.clone();
        request.context = None;
        let same = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();
        assert_eq!(same.user_hats, Some(document.clone()));
        assert_eq!((same.revision, same.token), (answer.revision, answer.token));
        assert!(!same.changed && !same.replayed);

        // Another attachment takes the place of the old one, an omitted one too.
        request.attachment = None;
        let replaced = hatd.hats().add_user_hat(request).await.unwrap().into_inner();
        assert!(replaced.changed && replaced.revision > answer.revision);
        assert_eq!(hats(&replaced.user_hats.unwrap()), [(HAT, false, false, "")]);
    })
    .await;
}

#[tokio::test]
async fn remove_user_hat_takes_one_hat_and_leaves_the_others() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.give(ROOM, USER, HAT).await;
        let given = hatd.give(ROOM, USER, OTHER_HAT).await;

        let request = remove_request(ROOM, USER, HAT);
        let answer = hatd.hats().remove_user_hat(request.clone()).await.unwrap().into_inner();
        let document = answer.user_hats.unwrap();
        assert_eq!(hats(&document), [(OTHER_HAT, false, false, "")]);
        assert!(answer.changed && !answer.replayed && answer.revision > given.revision);
        assert_eq!((document.revision, answer.token), (answer.revision, hatd.head().await));

        let again = hatd.hats().remove_user_hat(request).await.unwrap().into_inner();
        assert_eq!(again.user_hats, Some(document));
        assert_eq!((again.changed, again.revision), (false, answer.revision));
    })
    .await;
}

#[tokio::test]
async fn set_user_hats_sets_all_or_those_with_a_prefix() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let call =
            |request| async { hatd.hats().set_user_hats(request).await.unwrap().into_inner() };

        let answer = call(set_request(ROOM, USER, ["urn:a:1", "urn:a:2", "urn:b:1"])).await;
        assert!(answer.changed && !answer.replayed);
        assert_eq!(answer.token, hatd.head().await);
        let document = answer.user_hats.unwrap();
        assert_eq!(document.revision, answer.revision);
        let given = document.hats["urn:a:2"].given.clone();

        let again = call(set_request(ROOM, USER, ["urn:b:1", "urn:a:2", "urn:a:1"])).await;
        assert_eq!((again.changed, again.user_hats), (false, Some(document)));

        let mut request = set_request(ROOM, USER, ["urn:a:2", "urn:a:3"]);
        request.hat_id_prefix = "urn:a:".into();
        let document = call(request.clone()).await.user_hats.unwrap();
        let ids: Vec<_> = document.hats.keys().map(String::as_str).collect();
        assert_eq!(ids, ["urn:a:2", "urn:a:3", "urn:b:1"]);
        assert_eq!(document.hats["urn:a:2"].given, given, "an unchanged hat was given again");

        // A prefix is text, not a path of the URI.
        request.hats.clear();
        request.hat_id_prefix = "urn:a:2".into();
        call(request.clone()).await;
        assert_eq!(hatd.hat_ids(ROOM, USER).await, ["urn:a:3", "urn:b:1"]);

        request.hat_id_prefix = String::new();
        let answer = call(request).await;
        assert!(answer.changed && answer.user_hats.unwrap().hats.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_hat_outside_the_prefix_is_refused() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    hatd.give(ROOM, USER, "urn:a:1").await;
    let mut request = set_request(ROOM, USER, ["urn:a:2", "urn:b:1"]);
    request.hat_id_prefix = "urn:a:".into();
    let field = [("field", "hats")];
    hatd.refuses(ErrorReason::InvalidField, &field, hatd.hats().set_user_hats(request)).await;
}

#[tokio::test]
async fn set_hat_wearers_makes_exactly_these_users_have_the_hat() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.affiliate(ROOM, OTHER_USER, Admin).await;
        hatd.affiliate(ROOM, "third@localhost", Owner).await;
        hatd.give(ROOM, USER, OTHER_HAT).await;
        let call =
            |request| async { hatd.hats().set_hat_wearers(request).await.unwrap().into_inner() };

        let mut request = wearers_request(ROOM, HAT, [USER, OTHER_USER, USER]);
        request.attachment = Some(attachment(true, "Guest"));
        let answer = call(request.clone()).await;
        assert!(answer.changed && !answer.replayed);
        assert_eq!(answer.token, hatd.head().await);
        let users: Vec<_> = answer.users.iter().map(|user| user.user_jid.as_str()).collect();
        assert_eq!(users, [OTHER_USER, USER]);
        assert!(answer.users.iter().all(|user| user.revision == answer.revision));
        let guest = (HAT, true, false, "Guest");
        assert_eq!(hats(&answer.users[1]), [guest, (OTHER_HAT, false, false, "")]);

        assert!(!call(request.clone()).await.changed);

        request.user_jids = vec!["third@localhost".into(), OTHER_USER.into()];
        let answer = call(request).await;
        let users: Vec<_> = answer.users.iter().map(|user| user.user_jid.as_str()).collect();
        assert_eq!(users, ["third@localhost", USER], "those who changed, and nobody else");
        assert_eq!(hatd.hat_ids(ROOM, USER).await, [OTHER_HAT]);

        let answer = call(wearers_request::<&str>(ROOM, HAT, [])).await;
        assert_eq!(answer.users.len(), 2);
        let list = pb::ListRoomHatsRequest { hat_id: HAT.into(), ..list_request(ROOM) };
        assert!(hatd.hats().list_room_hats(list).await.unwrap().into_inner().users.is_empty());
    })
    .await;
}

#[tokio::test]
async fn update_room_hats_is_one_commit() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.affiliate(ROOM, OTHER_USER, Admin).await;
        hatd.give(ROOM, USER, "urn:example:old").await;
        hatd.give(ROOM, OTHER_USER, "urn:example:old").await;
        let etag = hatd.user_hats(ROOM, USER).await.etag;

        let mut request = update_request([
            add(USER, HAT),
            remove(USER, "urn:example:old"),
            set(OTHER_USER, [HAT, OTHER_HAT]),
        ]);
        let condition = |condition| pb::HatPrecondition { condition: Some(condition) };
        let hat = |user: &str, hat: &str| pb::UserHat { user_jid: user.into(), hat_id: hat.into() };
        request.preconditions = vec![
            condition(pb::hat_precondition::Condition::Etag(pb::DocumentEtag {
                user_jid: USER.into(),
                etag,
            })),
            condition(pb::hat_precondition::Condition::HasHat(hat(USER, "urn:example:old"))),
            condition(pb::hat_precondition::Condition::LacksHat(hat(USER, HAT))),
        ];
        let answer = hatd.hats().update_room_hats(request.clone()).await.unwrap().into_inner();
        assert!(answer.changed && !answer.replayed);
        assert_eq!(answer.token, hatd.head().await);
        let revisions: Vec<_> = answer.users.iter().map(|user| user.revision).collect();
        assert_eq!(revisions, [answer.revision; 2]);
        assert_eq!(hatd.hat_ids(ROOM, USER).await, [HAT]);
        assert_eq!(hatd.hat_ids(ROOM, OTHER_USER).await, [HAT, OTHER_HAT]);

        request.preconditions.clear();
        let again = hatd.hats().update_room_hats(request).await.unwrap().into_inner();
        assert_eq!((again.users.len(), again.changed), (0, false));
        assert_eq!(again.revision, answer.revision);
        // Nothing to do is done, in a room that exists.
        let none = hatd.hats().update_room_hats(update_request([])).await.unwrap().into_inner();
        assert!(!none.changed);
    })
    .await;
}

#[tokio::test]
async fn get_user_hats_answers_document_and_room_revision() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let given = hatd.give(ROOM, USER, HAT).await;
        let later = hatd.affiliate(ROOM, OTHER_USER, Member).await;
        let answer = hatd.hats().get_user_hats(get_request(ROOM, USER)).await.unwrap().into_inner();
        assert_eq!(answer.user_hats, given.user_hats);
        assert_eq!((answer.revision, answer.token), (later.revision, later.token));

        // A member without hats is known, and has none.
        assert!(hatd.user_hats(ROOM, OTHER_USER).await.hats.is_empty());
    })
    .await;
}

#[tokio::test]
async fn list_room_hats_filters_by_hat_and_by_what_is_worn() {
    on_each_engine(|hatd| async move {
        hatd.put_room_for_anyone(ROOM).await;
        hatd.affiliate(ROOM, "nothing@localhost", Member).await;
        hatd.give(ROOM, "b@localhost", HAT).await;
        hatd.give(ROOM, "b@localhost", OTHER_HAT).await;
        hatd.give(ROOM, "a@localhost", HAT).await;
        let wear = wear_request(ROOM, "b@localhost", OTHER_HAT);
        let last = hatd.wardrobe().wear_hat(wear).await.unwrap().into_inner();

        let users = async |hat_id: &str, active_only| {
            let hat_id = hat_id.into();
            let request = pb::ListRoomHatsRequest { hat_id, active_only, ..list_request(ROOM) };
            let answer = hatd.hats().list_room_hats(request).await.unwrap().into_inner();
            assert_eq!((answer.revision, &answer.token), (last.revision, &last.token));
            assert_eq!(answer.next_page_token, "");
            answer
                .users
                .into_iter()
                .map(|user| (user.user_jid, user.hats.len()))
                .collect::<Vec<_>>()
        };
        let (a, b) = (("a@localhost".to_owned(), 1), ("b@localhost".to_owned(), 2));
        assert_eq!(users("", false).await, [a.clone(), b.clone()]);
        assert_eq!(users(HAT, false).await, [a, b.clone()]);
        let whole = [b];
        assert_eq!(users("", true).await, whole);
        assert_eq!(users(OTHER_HAT, true).await, whole);
        assert_eq!(users(HAT, true).await, []);
    })
    .await;
}

#[tokio::test]
async fn list_user_hats_lists_the_rooms_where_a_user_has_hats() {
    on_each_engine(|hatd| async move {
        for room in ["z@a.localhost", "a@b.localhost", "m@a.localhost"] {
            hatd.put_room_for_anyone(room).await;
        }
        hatd.affiliate("z@a.localhost", USER, Member).await;
        hatd.give("a@b.localhost", USER, HAT).await;
        hatd.give("m@a.localhost", USER, HAT).await;
        hatd.give("m@a.localhost", OTHER_USER, HAT).await;
        let request = pb::ListUserHatsRequest { user_jid: USER.into(), ..Default::default() };
        let answer = hatd.hats().list_user_hats(request).await.unwrap().into_inner();
        let rooms: Vec<_> = answer.rooms.iter().map(|it| it.room_jid.as_str()).collect();
        assert_eq!(rooms, ["m@a.localhost", "a@b.localhost"]);
        assert!(answer.rooms.iter().all(|it| it.user_jid == USER && it.hats.contains_key(HAT)));
        assert_eq!((answer.next_page_token.as_str(), answer.token), ("", hatd.head().await));
    })
    .await;
}

#[tokio::test]
async fn define_hat_replaces_the_whole_definition() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let whole = pb::HatDefinition {
            title: "Teacher".into(),
            titles: [("de".to_owned(), "Lehrerin".to_owned())].into(),
            hue: Some(359.5),
            position: -7,
            description: "Teaches.\nAnd learns.".into(),
            self_assignable: true,
            ..definition(HAT)
        };
        let answer = hatd.define(whole.clone()).await;
        let defined = answer.definition.unwrap();
        assert_eq!(defined.revision, answer.revision);
        let etag = defined.etag.clone();
        assert!(!etag.is_empty() && answer.changed && !answer.replayed);
        assert_eq!(answer.token, hatd.head().await);
        assert_eq!(defined, pb::HatDefinition { revision: answer.revision, etag, ..whole.clone() });

        let same = hatd.define(whole).await;
        assert_eq!((same.changed, same.definition), (false, Some(defined.clone())));

        let bare = hatd.define(definition(HAT)).await.definition.unwrap();
        assert_eq!((bare.title.as_str(), bare.hue, bare.titles.len()), ("", None, 0));
        assert_ne!(bare.etag, defined.etag);
        let second = hatd.define(definition("urn:a")).await;
        let request = pb::ListHatDefinitionsRequest { room_jid: ROOM.into(), ..Default::default() };
        let list = hatd.hats().list_hat_definitions(request).await.unwrap().into_inner();
        assert_eq!(list.definitions, [second.definition.unwrap(), bare]);
        assert_eq!((list.revision, list.token), (second.revision, second.token));
        assert_eq!(list.next_page_token, "");
    })
    .await;
}

#[tokio::test]
async fn destroy_hat_takes_definition_and_hat_from_everybody() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.affiliate(ROOM, OTHER_USER, Admin).await;
        hatd.define(definition(HAT)).await;
        for user in [USER, OTHER_USER] {
            hatd.give(ROOM, user, HAT).await;
            hatd.give(ROOM, user, OTHER_HAT).await;
        }
        let request = |hat_id: &str| {
            let (room_jid, hat_id) = (ROOM.into(), hat_id.into());
            pb::DestroyHatRequest { room_jid, hat_id, ..Default::default() }
        };
        let answer = hatd.hats().destroy_hat(request(HAT)).await.unwrap().into_inner();
        assert_eq!((answer.removed_hats, answer.changed, answer.replayed), (2, true, false));
        assert_eq!(answer.token, hatd.head().await);
        assert_eq!(hatd.hat_ids(ROOM, USER).await, [OTHER_HAT]);

        // A hat that is not defined is destroyed too.
        let undefined = hatd.hats().destroy_hat(request(OTHER_HAT)).await.unwrap().into_inner();
        assert_eq!((undefined.removed_hats, undefined.changed), (2, true));
        assert!(hatd.all_documents(ROOM).await.is_empty());

        let again = hatd.hats().destroy_hat(request(HAT)).await.unwrap().into_inner();
        assert_eq!((again.removed_hats, again.changed), (0, false));
        assert_eq!((again.revision, again.token), (undefined.revision, undefined.token));
    })
    .await;
}

#[tokio::test]
async fn put_room_makes_a_room_and_changes_what_it_is_told_to() {
    on_each_engine(|hatd| async move {
        let made = hatd.put_room(ROOM).await;
        let room = made.room.unwrap();
        assert_eq!(room.room_jid, ROOM);
        assert_eq!(room.hat_policy(), pb::HatPolicy::AnyUri);
        assert_eq!(room.eligibility(), pb::Eligibility::Affiliated);
        assert_eq!((room.revision, made.changed, made.replayed), (made.revision, true, false));
        assert_eq!(made.token, hatd.head().await);

        let mut request = pb::PutRoomRequest {
            room_jid: ROOM.into(),
            hat_policy: pb::HatPolicy::DefinedOnly.into(),
            etag: room.etag,
            ..Default::default()
        };
        let changed = hatd.put(request.clone()).await;
        let room = changed.room.unwrap();
        assert_eq!(room.hat_policy(), pb::HatPolicy::DefinedOnly);
        assert!(changed.changed && changed.revision > made.revision);

        request.etag.clone_from(&room.etag);
        request.hat_policy = pb::HatPolicy::Unspecified.into();
        request.eligibility = pb::Eligibility::Anyone.into();
        let room = hatd.put(request.clone()).await.room.unwrap();
        assert_eq!(room.hat_policy(), pb::HatPolicy::DefinedOnly, "unset means unchanged");
        assert_eq!(room.eligibility(), pb::Eligibility::Anyone);

        request.etag.clear();
        let same = hatd.put(request).await;
        assert_eq!((same.room, same.changed), (Some(room.clone()), false));

        // The room's revision rises with all of its commits, its record's does not.
        let later = hatd.affiliate(ROOM, USER, Member).await;
        let request = pb::GetRoomRequest { room_jid: ROOM.into(), ..Default::default() };
        let read = hatd.rooms().get_room(request).await.unwrap().into_inner();
        assert_eq!(
            (read.room, read.revision, read.token),
            (Some(room), later.revision, later.token)
        );
    })
    .await;
}

#[tokio::test]
async fn list_rooms_is_by_domain_then_local_part() {
    on_each_engine(|hatd| async move {
        for room in ["z@a.localhost", "a@b.localhost", "b@a.localhost"] {
            hatd.put_room(room).await;
        }
        let rooms = async |domain: &str| {
            let request = pb::ListRoomsRequest { domain: domain.into(), ..Default::default() };
            let answer = hatd.rooms().list_rooms(request).await.unwrap().into_inner();
            assert_eq!(answer.next_page_token, "");
            answer.rooms.into_iter().map(|room| room.room_jid).collect::<Vec<_>>()
        };
        assert_eq!(rooms("").await, ["b@a.localhost", "z@a.localhost", "a@b.localhost"]);
        assert_eq!(rooms("A.localhost").await, ["b@a.localhost", "z@a.localhost"]);
        assert!(rooms("localhost").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn delete_room_takes_everything_along_and_revisions_rise_on() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.define(definition(HAT)).await;
        hatd.give(ROOM, USER, HAT).await;
        hatd.put_room(OTHER_ROOM).await;
        let room_jid = ROOM.to_owned();
        let request = pb::GetRoomRequest { room_jid: room_jid.clone(), ..Default::default() };
        let before = hatd.rooms().get_room(request).await.unwrap().into_inner();

        let etag = before.room.unwrap().etag;
        let request = pb::DeleteRoomRequest { room_jid, etag, ..Default::default() };
        let answer = hatd.rooms().delete_room(request).await.unwrap().into_inner();
        assert!(answer.changed && !answer.replayed && answer.revision > before.revision);
        assert_eq!(answer.token, hatd.head().await);
        let left: Vec<_> = hatd.state().await.rooms.into_iter().map(|it| it.room_jid).collect();
        assert_eq!(left, [OTHER_ROOM]);

        let made = hatd.put_room(ROOM).await;
        assert!(made.revision > answer.revision);
        assert!(hatd.all_documents(ROOM).await.is_empty());
        assert!(hatd.all_affiliations(ROOM).await.is_empty());
        let request = pb::ListHatDefinitionsRequest { room_jid: ROOM.into(), ..Default::default() };
        let list = hatd.hats().list_hat_definitions(request).await.unwrap().into_inner();
        assert!(list.definitions.is_empty());
    })
    .await;
}

#[tokio::test]
async fn set_affiliation_keeps_hats_until_the_user_leaves() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.give(ROOM, USER, HAT).await;

        let answer = hatd.affiliate(ROOM, USER, Owner).await;
        let document = answer.user_hats.unwrap();
        assert_eq!((document.affiliation(), document.hats.len()), (Owner, 1));
        assert_eq!((document.revision, answer.changed), (answer.revision, true));
        assert_eq!((answer.replayed, answer.token), (false, hatd.head().await));
        let same = hatd.affiliate(ROOM, USER, Owner).await;
        assert_eq!((same.changed, same.revision), (false, answer.revision));

        hatd.affiliate(ROOM, OTHER_USER, Outcast).await;
        let expected = [(OTHER_USER.to_owned(), Outcast), (USER.to_owned(), Owner)];
        assert_eq!(hatd.all_affiliations(ROOM).await, expected);

        let gone = hatd.affiliate(ROOM, USER, NoAffiliation).await.user_hats.unwrap();
        assert_eq!((gone.affiliation(), gone.hats.len(), gone.revision), (NoAffiliation, 0, 0));
        assert_eq!(hatd.all_affiliations(ROOM).await, expected[..1]);
    })
    .await;
}

#[tokio::test]
async fn list_affiliations_answers_revision_and_token() {
    on_each_engine(|hatd| async move {
        hatd.put_room_for_anyone(ROOM).await;
        hatd.give(ROOM, OTHER_USER, HAT).await;
        let last = hatd.affiliate(ROOM, USER, Admin).await;
        let request = pb::ListAffiliationsRequest { room_jid: ROOM.into(), ..Default::default() };
        let answer = hatd.rooms().list_affiliations(request).await.unwrap().into_inner();
        assert_eq!(answer.affiliations, users([(USER.to_owned(), Admin)]), "NONE is not listed");
        assert_eq!((answer.revision, answer.token), (last.revision, last.token));
        assert_eq!(answer.next_page_token, "");
    })
    .await;
}

#[tokio::test]
async fn forget_user_takes_the_user_out_of_every_room() {
    on_each_engine(|hatd| async move {
        for room in [ROOM, OTHER_ROOM, "third@conference.localhost"] {
            hatd.put_room(room).await;
            hatd.affiliate(room, OTHER_USER, Member).await;
        }
        hatd.affiliate(ROOM, USER, Outcast).await;
        hatd.affiliate(OTHER_ROOM, USER, Member).await;
        hatd.give(OTHER_ROOM, USER, HAT).await;

        let request = pb::ForgetUserRequest { user_jid: USER.into(), ..Default::default() };
        let answer = hatd.rooms().forget_user(request.clone()).await.unwrap().into_inner();
        assert_eq!((answer.rooms, answer.changed, answer.replayed), (2, true, false));
        assert_eq!(answer.token, hatd.head().await);
        for room in [ROOM, OTHER_ROOM] {
            let left = [(OTHER_USER.to_owned(), Member)];
            assert_eq!(hatd.all_affiliations(room).await, left);
        }
        let again = hatd.rooms().forget_user(request).await.unwrap().into_inner();
        assert_eq!((again.rooms, again.changed, again.token), (0, false, answer.token));
    })
    .await;
}

#[tokio::test]
async fn users_wear_doff_and_discard_their_hats() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let mut request = add_request(ROOM, USER, HAT);
        request.attachment = Some(pb::Attachment {
            title: "Mine".into(),
            expire_time: Some(Timestamp { seconds: 32_503_680_000, nanos: 7 }),
            ..Default::default()
        });
        let given = hatd.hats().add_user_hat(request).await.unwrap().into_inner();
        let had = given.user_hats.unwrap().hats[HAT].clone();

        let wear = wear_request(ROOM, USER, HAT);
        let worn = hatd.wardrobe().wear_hat(wear.clone()).await.unwrap().into_inner();
        let document = worn.user_hats.unwrap();
        let expected = pb::Attachment { active: true, ..had.clone() };
        assert_eq!(document.hats[HAT], expected, "only active changes");
        assert_eq!((document.revision, worn.changed, worn.replayed), (worn.revision, true, false));
        assert_eq!(worn.token, hatd.head().await);
        let again = hatd.wardrobe().wear_hat(wear).await.unwrap().into_inner();
        assert_eq!((again.user_hats, again.changed), (Some(document), false));

        let doff = doff_request(ROOM, USER, HAT);
        let doffed = hatd.wardrobe().doff_hat(doff.clone()).await.unwrap().into_inner();
        let document = doffed.user_hats.unwrap();
        assert_eq!((&document.hats[HAT], doffed.changed), (&had, true));
        assert_eq!((document.revision, doffed.replayed), (doffed.revision, false));
        assert_eq!(doffed.token, hatd.head().await);
        let again = hatd.wardrobe().doff_hat(doff).await.unwrap().into_inner();
        assert_eq!((again.user_hats, again.changed), (Some(document), false));

        let discard = discard_request(ROOM, USER, HAT);
        let discarded = hatd.wardrobe().discard_hat(discard).await.unwrap().into_inner();
        let document = discarded.user_hats.unwrap();
        assert_eq!((document.hats.len(), discarded.changed, discarded.replayed), (0, true, false));
        assert_eq!(document.revision, discarded.revision);
        assert_eq!(discarded.token, hatd.head().await);
    })
    .await;
}

#[tokio::test]
async fn users_claim_hats_that_are_self_assignable() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        hatd.define(pb::HatDefinition { self_assignable: true, ..definition(HAT) }).await;
        let claim = claim_request(ROOM, USER, HAT);
        let claimed = hatd.wardrobe().claim_hat(claim.clone()).await.unwrap().into_inner();
        let document = claimed.user_hats.unwrap();
        assert_eq!(hats(&document), [(HAT, true, false, "")]);
        assert_eq!((document.revision, claimed.changed), (claimed.revision, true));
        assert_eq!((claimed.replayed, claimed.token), (false, hatd.head().await));

        hatd.wardrobe().doff_hat(doff_request(ROOM, USER, HAT)).await.unwrap();
        let again = hatd.wardrobe().claim_hat(claim).await.unwrap().into_inner();
        assert_eq!(hats(&again.user_hats.unwrap()), [(HAT, false, false, "")]);
        assert!(!again.changed, "a hat had already stays as it is");
    })
    .await;
}

#[tokio::test]
async fn keep_active_keeps_what_the_user_chose() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let worn = || Some(attachment(true, "Teacher"));
    let mut request = add_request(ROOM, USER, HAT);
    request.attachment = worn();
    request.keep_active = true;
    let new = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();
    assert_eq!(hats(&new.user_hats.unwrap()), [(HAT, true, false, "Teacher")]);
    hatd.wardrobe().doff_hat(doff_request(ROOM, USER, HAT)).await.unwrap();

    // None of the four calls that give hats undoes the doffing; all but `active` is as asked.
    let doffed = |title: &'static str| vec![(HAT, false, false, title)];
    let again = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();
    assert!(!again.changed);
    request.attachment = Some(attachment(true, "1"));
    let added = hatd.hats().add_user_hat(request.clone()).await.unwrap().into_inner();
    assert_eq!(hats(&added.user_hats.unwrap()), doffed("1"));

    let mut set = set_request(ROOM, USER, [HAT]);
    set.hats.insert(HAT.into(), attachment(true, "2"));
    set.keep_active = true;
    let answer = hatd.hats().set_user_hats(set).await.unwrap().into_inner();
    assert_eq!(hats(&answer.user_hats.unwrap()), doffed("2"));

    let mut wearers = wearers_request(ROOM, HAT, [USER]);
    wearers.attachment = Some(attachment(true, "3"));
    wearers.keep_active = true;
    let answer = hatd.hats().set_hat_wearers(wearers).await.unwrap().into_inner();
    assert_eq!(hats(&answer.users[0]), doffed("3"));

    let add = pb::AddOperation {
        user_jid: USER.into(),
        hat_id: HAT.into(),
        attachment: Some(attachment(true, "4")),
    };
    let mut update = update_request([pb::hat_operation::Operation::Add(add)]);
    update.keep_active = true;
    let answer = hatd.hats().update_room_hats(update).await.unwrap().into_inner();
    assert_eq!(hats(&answer.users[0]), doffed("4"));

    request.keep_active = false;
    let asserted = hatd.hats().add_user_hat(request).await.unwrap().into_inner();
    assert_eq!(hats(&asserted.user_hats.unwrap()), [(HAT, true, false, "1")]);
}

#[tokio::test]
async fn a_room_for_anyone_asks_for_no_affiliation() {
    on_each_engine(|hatd| async move {
        hatd.put_room_for_anyone(ROOM).await;

        // Of whom nothing is kept: an empty document, whose etag can be written with.
        let nobody = hatd.user_hats(ROOM, USER).await;
        assert_eq!((nobody.hats.len(), nobody.revision), (0, 0));
        assert_eq!((nobody.affiliation(), nobody.update_time), (NoAffiliation, None));
        let mut request = add_request(ROOM, USER, HAT);
        request.etag = nobody.etag;
        hatd.hats().add_user_hat(request.clone()).await.unwrap();
        hatd.refuses(ErrorReason::EtagMismatch, &[], hatd.hats().add_user_hat(request)).await;

        // Neither coming nor going changes the hats; a ban does.
        for affiliation in [Member, NoAffiliation] {
            let document = hatd.affiliate(ROOM, USER, affiliation).await.user_hats.unwrap();
            assert_eq!((document.affiliation(), document.hats.len()), (affiliation, 1));
        }
        let banned = hatd.affiliate(ROOM, USER, Outcast).await.user_hats.unwrap();
        assert!(banned.hats.is_empty());
        let request = get_request(ROOM, USER);
        hatd.refuses(
            ErrorReason::UserNotAffiliated,
            &[("user_jid", USER)],
            hatd.hats().get_user_hats(request),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn from_anyone_to_affiliated_takes_nothing_away() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    hatd.give(ROOM, USER, HAT).await;
    hatd.give(ROOM, USER, OTHER_HAT).await;
    let eligibility = pb::Eligibility::Affiliated.into();
    let room_jid = ROOM.into();
    hatd.put(pb::PutRoomRequest { room_jid, eligibility, ..Default::default() }).await;

    // Hats had already can be read, changed and removed; none is newly put on.
    assert_eq!(hatd.hat_ids(ROOM, USER).await, [HAT, OTHER_HAT]);
    hatd.wardrobe().wear_hat(wear_request(ROOM, USER, HAT)).await.unwrap();
    assert!(hatd.give(ROOM, USER, HAT).await.changed);
    hatd.hats().remove_user_hat(remove_request(ROOM, USER, OTHER_HAT)).await.unwrap();
    let new = || hatd.give_answer(ROOM, USER, "urn:example:new");
    hatd.refuses(ErrorReason::UserNotAffiliated, &[("user_jid", USER)], new()).await;

    // Setting NONE forgets the user, and so does taking the last hat.
    hatd.affiliate(ROOM, USER, NoAffiliation).await;
    hatd.refuses(
        ErrorReason::UserNotAffiliated,
        &[("room_jid", ROOM)],
        hatd.hats().get_user_hats(get_request(ROOM, USER)),
    )
    .await;
}

#[tokio::test]
async fn reads_show_what_their_token_asks_for() {
    on_each_engine(|hatd| async move {
        hatd.put_member().await;
        let token = hatd.give(ROOM, USER, HAT).await.token;
        let request =
            pb::GetUserHatsRequest { at_least_token: token.clone(), ..get_request(ROOM, USER) };
        let answer = hatd.hats().get_user_hats(request).await.unwrap().into_inner();
        assert_eq!((answer.user_hats.unwrap().hats.len(), &answer.token), (1, &token));

        // The token of a read serves too, and so does one from before.
        let room_jid = ROOM.to_owned();
        let at_least_token = answer.token;
        hatd.give(ROOM, USER, OTHER_HAT).await;
        let request = pb::GetRoomRequest { room_jid, at_least_token };
        let read = hatd.rooms().get_room(request).await.unwrap().into_inner();
        assert_ne!(read.token, token);
    })
    .await;
}

#[tokio::test]
async fn all_is_there_after_a_restart() {
    let hatd = Hatd::start_on_disk().await;
    hatd.put_member().await;
    hatd.define(pb::HatDefinition { hue: Some(12.0), ..definition(HAT) }).await;
    let mut request = add_request(ROOM, USER, HAT);
    request.context = Some(context());
    hatd.hats().add_user_hat(request).await.unwrap();
    hatd.affiliate(ROOM, OTHER_USER, Outcast).await;

    let before = hatd.state().await;
    let hatd = hatd.restart().await;
    assert_eq!(hatd.state().await, before);
    let token = before.head().to_owned();
    let request = pb::GetUserHatsRequest { at_least_token: token, ..get_request(ROOM, USER) };
    hatd.hats().get_user_hats(request).await.unwrap();
}

#[tokio::test]
async fn what_is_kept_in_memory_has_nothing_for_the_operator() {
    let hatd = Hatd::start().await;
    let unimplemented =
        |status: tonic::Status| assert_eq!(status.code(), tonic::Code::Unimplemented);
    let mut admin = hatd.admin();
    unimplemented(admin.get_store_status(pb::GetStoreStatusRequest {}).await.unwrap_err());
    unimplemented(admin.take_checkpoint(pb::TakeCheckpointRequest {}).await.unwrap_err());
    unimplemented(admin.backup(pb::BackupRequest {}).await.unwrap_err());
}
