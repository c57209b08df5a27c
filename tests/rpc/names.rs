//! Rows 201 to 209: the names of rooms, users and hats, and what is displayed.

use ErrorReason::{InvalidField, InvalidHatId, InvalidRoomJid, InvalidTitle, InvalidUserJid};

use super::support::*;

/// Calls that name a room: none of them takes `jid`.
async fn check_no_room(hatd: &Hatd, jid: &str) {
    let field = [("field", "room_jid")];
    hatd.refuses(InvalidRoomJid, &field, hatd.give_answer(jid, USER, HAT)).await;
    let request = pb::PutRoomRequest { room_jid: jid.into(), ..Default::default() };
    hatd.refuses(InvalidRoomJid, &field, hatd.rooms().put_room(request)).await;
}

/// Calls that name a user: none of them takes `jid`.
async fn check_no_user(hatd: &Hatd, jid: &str) {
    let field = [("field", "user_jid")];
    hatd.refuses(InvalidUserJid, &field, hatd.give_answer(ROOM, jid, HAT)).await;
    let request = affiliation_request(ROOM, jid, pb::Affiliation::Member);
    hatd.refuses(InvalidUserJid, &field, hatd.rooms().set_affiliation(request)).await;
}

/// Every spelling is taken as `normal`, for a room and for a user.
async fn check_one_key(hatd: &Hatd, normal: &str, spellings: &[&str]) {
    let before = hatd.put_room_for_anyone(normal).await.room.unwrap();
    assert_eq!(before.room_jid, normal, "normalising twice changes something");
    hatd.give(ROOM, normal, HAT).await;
    for spelling in spellings {
        let again = hatd.put_room(spelling).await;
        assert_eq!((again.room, again.changed), (Some(before.clone()), false), "{spelling:?}");
        let again = hatd.give(ROOM, spelling, HAT).await;
        assert_eq!((again.user_hats.unwrap().user_jid.as_str(), again.changed), (normal, false));
    }
}

#[tokio::test]
async fn f201_malformed_jids_and_parts_of_1024_bytes() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    for jid in ["", "@", "a@", "@b", "a@b@c"] {
        check_no_room(&hatd, jid).await;
        check_no_user(&hatd, jid).await;
    }
    check_no_room(&hatd, "conference.localhost").await;
    hatd.give(ROOM, "gateway.localhost", HAT).await;

    for bytes in [1022, 1023] {
        let long = format!("{}@localhost", "x".repeat(bytes));
        hatd.put_room_for_anyone(&long).await;
        hatd.give(&long, &long, HAT).await;
        assert_eq!(hatd.hat_ids(&long, &long).await, [HAT]);
    }
    let long = format!("{}@localhost", "x".repeat(1024));
    check_no_room(&hatd, &long).await;
    check_no_user(&hatd, &long).await;
    // Counted in bytes of the prepared form, not in characters.
    check_no_user(&hatd, &format!("{}@localhost", "ö".repeat(512))).await;
    hatd.give(ROOM, &format!("{}@localhost", "ö".repeat(511)), HAT).await;
}

#[tokio::test]
async fn f202_a_full_jid_is_no_bare_jid() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    hatd.give(ROOM, USER, HAT).await;
    let full = format!("{USER}/phone");
    check_no_user(&hatd, &full).await;
    check_no_room(&hatd, &format!("{ROOM}/nick")).await;
    check_no_user(&hatd, &format!("{USER}/")).await;

    let field = [("field", "user_jid")];
    let set = set_request::<&str>(ROOM, &full, []);
    hatd.refuses(InvalidUserJid, &field, hatd.hats().set_user_hats(set)).await;
    let remove = remove_request(ROOM, &full, HAT);
    hatd.refuses(InvalidUserJid, &field, hatd.hats().remove_user_hat(remove)).await;
    let get = get_request(ROOM, &full);
    hatd.refuses(InvalidUserJid, &field, hatd.hats().get_user_hats(get)).await;
    assert_eq!(hatd.hat_ids(ROOM, USER).await, [HAT]);
}

#[tokio::test]
async fn f203_characters_that_no_jid_has_and_those_that_go_unseen() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    for character in ['\0', '\u{1}', '\t', '\n', '\r', '\u{7F}', '\u{85}', '\u{9F}', '\u{202E}'] {
        check_no_user(&hatd, &format!("a{character}b@localhost")).await;
        check_no_room(&hatd, &format!("a{character}b@localhost")).await;
        check_no_user(&hatd, &format!("ab@local{character}host")).await;
    }
    let unseen = ["a\u{200D}b@localhost", "a\u{200C}b@localhost", "\u{FEFF}ab@localhost"];
    check_one_key(&hatd, "ab@localhost", &unseen).await;
    // Nothing is left of it.
    check_no_user(&hatd, "\u{200D}@localhost").await;
}

#[tokio::test]
async fn f204_every_spelling_of_a_jid_is_one_key() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let umlaut = ["b\u{75}\u{308}cher@localhost", "BÜCHER@localhost", "bücher@LocalHost."];
    check_one_key(&hatd, "bücher@localhost", &umlaut).await;
    check_one_key(&hatd, "abc@localhost", &["ａｂｃ@localhost", "ABC@ｌocalhost"]).await;
    check_one_key(&hatd, "kelvin@localhost", &["\u{212A}elvin@localhost"]).await;
    check_one_key(&hatd, "strasse@localhost", &["straße@localhost", "STRASSE@localhost"]).await;
    let domains = ["a@xn--bcher-kva.example", "a@BÜCHER.example", "a@XN--BCHER-KVA.Example."];
    check_one_key(&hatd, "a@bücher.example", &domains).await;
    check_one_key(&hatd, "a@[::1]", &["a@[0:0:0:0:0:0:0:1]"]).await;

    // Not one letter, by nodeprep as XMPP servers have it: i with a dot above.
    check_one_key(&hatd, "i\u{307}stanbul@localhost", &["İstanbul@localhost"]).await;
    for punycode in ["a@xn--example-.", "a@xn--example-", "a@xn--.example", "a@-.example"] {
        check_no_user(&hatd, punycode).await;
        check_no_room(&hatd, punycode).await;
    }
    // A capital that came after Unicode 3.2, the tables of stringprep, has no single spelling: it
    // is one key all the same, or refused.
    if let Ok(answer) = hatd.give_answer(ROOM, "stra\u{1E9E}e@localhost", HAT).await {
        let normal = answer.into_inner().user_hats.unwrap().user_jid;
        let again = hatd.give(ROOM, &normal, HAT).await;
        assert_eq!((again.user_hats.unwrap().user_jid, again.changed), (normal, false));
    }
}

/// Every field that holds a title: none of them takes `title`.
async fn check_no_title(hatd: &Hatd, title: &str) {
    let field = [("field", "attachment.title")];
    hatd.refuses(InvalidTitle, &field, hatd.hats().add_user_hat(titled(title))).await;
    let field = [("field", "definition.title")];
    let bad = pb::HatDefinition { title: title.into(), ..definition(HAT) };
    hatd.refuses(InvalidTitle, &field, hatd.hats().define_hat(define_request(bad))).await;
    let field = [("field", "definition.titles[\"de\"]")];
    let titles = [("de".to_owned(), title.to_owned())].into();
    let bad = pb::HatDefinition { titles, ..definition(HAT) };
    hatd.refuses(InvalidTitle, &field, hatd.hats().define_hat(define_request(bad))).await;
}

fn titled(title: &str) -> pb::AddUserHatRequest {
    let attachment = Some(pb::Attachment { title: title.into(), ..Default::default() });
    pb::AddUserHatRequest { attachment, ..add_request(ROOM, USER, HAT) }
}

fn define_request(definition: pb::HatDefinition) -> pb::DefineHatRequest {
    let definition = Some(definition);
    pb::DefineHatRequest { room_jid: ROOM.into(), definition, ..Default::default() }
}

#[tokio::test]
async fn f205_titles_that_do_not_show_as_they_read() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    for title in
        ["a\0b", "a\nb", "\u{9B}1m", "\u{202E}nimdA", "a\u{2066}b", "a\u{2028}b", "\u{FFFF}"]
    {
        check_no_title(&hatd, title).await;
    }
    check_no_title(&hatd, &format!("a{}", "\u{301}".repeat(10_000))).await;

    // What looks like another title is stored: no title is reserved.
    let answer = hatd.hats().add_user_hat(titled("Аdmin")).await.unwrap().into_inner();
    assert_eq!(answer.user_hats.unwrap().hats[HAT].title, "Аdmin");
}

#[tokio::test]
async fn f206_empty_titles_languages_and_hues() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    // No title of its own: what is displayed is the definition's, or the id.
    let given = hatd.hats().add_user_hat(titled("")).await.unwrap().into_inner();
    assert_eq!(given.user_hats.unwrap().hats[HAT].title, "");
    assert_eq!(hatd.define(definition(HAT)).await.definition.unwrap().title, "");

    let refused = async |reason, field: &str, definition| {
        let request = define_request(definition);
        hatd.refuses(reason, &[("field", field)], hatd.hats().define_hat(request)).await;
    };
    let titled = |language: &str, title: &str| pb::HatDefinition {
        titles: [(language.to_owned(), title.to_owned())].into(),
        ..definition(HAT)
    };
    refused(InvalidTitle, "definition.titles[\"de\"]", titled("de", "")).await;
    for language in ["", "d", "de_DE", "de-toolongforit", "de-", "ö"] {
        let field = format!("definition.titles[{language:?}]");
        refused(InvalidField, &field, titled(language, "Lehrerin")).await;
    }
    let twice = pb::HatDefinition {
        titles: ["DE", "de"].map(|language| (language.to_owned(), "x".to_owned())).into(),
        ..definition(HAT)
    };
    refused(InvalidField, "definition.titles[\"de\"]", twice).await;

    for hue in [-1.0, -f64::MIN_POSITIVE, 360.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let hued = pb::HatDefinition { hue: Some(hue), ..definition(HAT) };
        refused(InvalidField, "definition.hue", hued).await;
    }
    for hue in [-0.0, 0.0, 359.999_999_999_999] {
        let hued = pb::HatDefinition { hue: Some(hue), ..definition(HAT) };
        assert_eq!(hatd.define(hued).await.definition.unwrap().hue, Some(hue));
    }
}

#[tokio::test]
async fn f207_hat_ids_that_are_no_absolute_uris() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let long = format!("urn:{}", "x".repeat(8 << 10));
    for hat in
        ["", "teacher", "/hats/a", "//host/a", "#a", "urn: a", "urn:%zz", "urn:ö", "1:a", &long]
    {
        let call = hatd.give_answer(ROOM, USER, hat);
        hatd.refuses(InvalidHatId, &[("field", "hat_id")], call).await;
        let request = set_request(ROOM, USER, [HAT, hat]);
        // The field echoes the id, up to a limit.
        hatd.refuses(InvalidHatId, &[], hatd.hats().set_user_hats(request)).await;
    }
}

#[tokio::test]
async fn f208_hat_ids_are_compared_byte_by_byte() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let ids = [
        "HTTP://example.com/a",
        "http://EXAMPLE.com/a",
        "http://example.com/%2Fa",
        "http://example.com/%2fa",
        "http://example.com//a",
        "http://example.com/a",
        "http://example.com/a#",
        "http://example.com/a#x",
        "javascript:x",
        "urn:x",
    ];
    let answer = hatd.hats().set_user_hats(set_request(ROOM, USER, ids)).await.unwrap();
    let hats = answer.into_inner().user_hats.unwrap().hats;
    assert_eq!(hats.keys().map(String::as_str).collect::<Vec<_>>(), ids);
    for id in ids {
        let answer = hatd.hats().remove_user_hat(remove_request(ROOM, USER, id)).await.unwrap();
        assert!(answer.into_inner().changed, "{id}");
    }
}

#[tokio::test]
async fn f209_no_name_falls_into_the_scan_of_another() {
    let hatd = Hatd::start_on_disk().await;
    let rooms = ["a@b", "a@b.c", "aa@b", "a@bb"];
    let users = ["b", "a@b", "a@b.c", "a!@b", "a@b-c"];
    for room in rooms {
        hatd.put_room_for_anyone(room).await;
        for (count, user) in users.iter().enumerate() {
            // As many hats as tell the document from the others.
            let ids = (0..=count).map(|n| format!("x:{room}/{n}"));
            hatd.hats().set_user_hats(set_request(room, user, ids)).await.unwrap();
        }
    }
    for room in rooms {
        let documents = hatd.all_documents(room).await;
        assert_eq!(documents.len(), users.len(), "{room}");
        for document in documents {
            assert_eq!(document.room_jid, room);
            let count = users.iter().position(|user| *user == document.user_jid).unwrap();
            assert_eq!(document.hats.len(), count + 1);
            assert!(document.hats.keys().all(|hat| hat.starts_with(&format!("x:{room}/"))));
        }
    }
    for user in users {
        let request = pb::ListUserHatsRequest { user_jid: user.into(), ..Default::default() };
        let answer = hatd.hats().list_user_hats(request).await.unwrap().into_inner();
        assert_eq!(answer.rooms.len(), rooms.len());
        assert!(answer.rooms.iter().all(|document| document.user_jid == user));
    }
    let request = pb::DeleteRoomRequest { room_jid: "a@b".into(), ..Default::default() };
    hatd.rooms().delete_room(request).await.unwrap();
    assert_eq!(hatd.all_documents("a@b.c").await.len(), users.len());
}
