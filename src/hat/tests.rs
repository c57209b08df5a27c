use minicbor::decode;
use proptest::prelude::*;

use super::*;
use crate::limits::Limits;

fn hat_id(text: &str) -> Result<HatId, InvalidHatId> {
    HatId::parse(text, Limits::default().hat_id_bytes_max)
}

fn title(text: &str) -> Result<Title, InvalidTitle> {
    Title::parse(text, Limits::default().title_bytes_max)
}

#[test]
fn every_absolute_uri_is_a_hat_id_as_it_is() {
    for text in [
        "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607",
        "http://example.com/hats/foo",
        "https://example.net/hats#tutor",
        "HTTP://EXAMPLE.com/%2f?q",
        "javascript:x",
        "a:",
        "xmpp:room@chat.example",
    ] {
        assert_eq!(hat_id(text).unwrap().as_str(), text);
    }
    assert_ne!(hat_id("http://example.com/a%2Fb"), hat_id("http://example.com/a/b"));
    assert_ne!(hat_id("http://example.com/a%2Fb"), hat_id("http://example.com/a%2fb"));
    assert_ne!(hat_id("http://example.com"), hat_id("HTTP://example.com"));
}

#[test]
fn what_is_no_absolute_uri_is_no_hat_id() {
    assert_eq!(hat_id(""), Err(InvalidHatId::Empty));
    for text in [
        "teacher",
        "/hats/foo",
        "//example.com/foo",
        "#foo",
        ":a",
        "1a:b",
        "http://example.com/a b",
        "http://example.com/%zz",
        "http://example.com/\u{E9}",
        "urn:a\0",
        "urn:a\n",
        " urn:a",
        "urn:<a>",
        "urn:a#b#c",
    ] {
        assert_eq!(hat_id(text), Err(InvalidHatId::NotAbsoluteUri), "{text:?}");
    }
}

#[test]
fn a_hat_id_has_at_most_its_limit_in_bytes() {
    let longest = format!("urn:{}", "a".repeat(1019));
    assert!(hat_id(&longest).is_ok());
    let too_long = InvalidHatId::TooLong { bytes: 1024, bytes_max: 1023 };
    assert_eq!(hat_id(&format!("{longest}a")), Err(too_long));
}

#[test]
fn a_title_is_one_line_that_shows_as_it_reads() {
    for text in
        ["Teacher", " ", "Lehrer:in", "\u{5DE}\u{5D5}\u{5E8}\u{5D4}\u{200F}", "\u{1F3A9}\u{FE0F}"]
    {
        assert_eq!(title(text).unwrap().as_str(), text);
    }
    assert!(title(&format!("a{}", "\u{301}".repeat(127))).is_ok());

    assert_eq!(title(""), Err(InvalidTitle::Empty));
    for c in "\0\t\n\r\u{1F}\u{7F}\u{80}\u{85}\u{9F}\u{2028}\u{2029}\u{FFFE}\u{FFFF}".chars() {
        let prohibited = InvalidText::Prohibited { code_point: c.into() };
        assert_eq!(title(&format!("a{c}b")), Err(InvalidTitle::Text(prohibited)));
    }
    for c in ('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}') {
        let direction = InvalidTitle::Direction { code_point: c.into() };
        assert_eq!(title(&format!("a{c}b")), Err(direction));
    }
}

#[test]
fn a_title_has_at_most_its_limit_in_bytes() {
    assert!(title(&"\u{E9}".repeat(128)).is_ok());
    let too_long = InvalidText::TooLong { bytes: 257, bytes_max: 256 };
    assert_eq!(title(&"a".repeat(257)), Err(InvalidTitle::Text(too_long)));
}

#[test]
fn only_a_text_may_have_lines_and_either_may_be_empty() {
    for checked in [check_text, check_line] {
        assert_eq!(checked("", 0), Ok(()));
        assert_eq!(checked("ab", 2), Ok(()));
        assert_eq!(checked("abc", 2), Err(InvalidText::TooLong { bytes: 3, bytes_max: 2 }));
        for c in "\0\r\u{1B}\u{7F}\u{9B}\u{FFFE}\u{FFFF}".chars() {
            let prohibited = InvalidText::Prohibited { code_point: c.into() };
            assert_eq!(checked(&format!("a{c}"), 9), Err(prohibited));
        }
    }
    for c in "\t\n\u{2028}\u{2029}".chars() {
        assert_eq!(check_text(&format!("a{c}"), 9), Ok(()));
        let prohibited = InvalidText::Prohibited { code_point: c.into() };
        assert_eq!(check_line(&format!("a{c}"), 9), Err(prohibited));
    }
}

#[test]
fn a_language_tag_has_its_canonical_case() {
    for (text, canonical) in [
        ("de", "de"),
        ("EN-us", "en-US"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("I-KLINGON", "i-klingon"),
        ("X-Ours", "x-ours"),
    ] {
        assert_eq!(LanguageTag::parse(text).unwrap().as_str(), canonical);
    }
    let too_long = format!("en-x{}", "-abcdefgh".repeat(7));
    for text in ["", "-", "e", "de_DE", "en-", "d\u{E9}", "en\0", "123", &too_long] {
        assert_eq!(LanguageTag::parse(text), Err(InvalidLanguageTag), "{text:?}");
    }
}

#[test]
fn a_hue_is_an_angle_within_one_turn() {
    for degrees in [0.0, 0.5, 359.999, 360.0_f64.next_down(), f64::MIN_POSITIVE] {
        assert_eq!(Hue::new(degrees).map(|hue| hue.degrees().to_bits()), Some(degrees.to_bits()));
    }
    assert_eq!(Hue::new(-0.0), Hue::new(0.0));
    for degrees in [-1.0, 360.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -f64::MIN_POSITIVE] {
        assert_eq!(Hue::new(degrees), None, "{degrees}");
    }
    assert!(Hue::new(1.0) < Hue::new(2.0));
}

#[test]
fn an_etag_names_a_revision() {
    assert_eq!(Revision::NONE.etag(), Revision::default().etag());
    assert_ne!(Revision::new(1).etag(), Revision::new(2).etag());
    assert_eq!(Revision::NONE.next(), Revision::new(1));
    assert!(Revision::new(9) < Revision::new(10));
}

#[test]
fn members_and_those_above_them_are_affiliated() {
    let affiliated = [Affiliation::Owner, Affiliation::Admin, Affiliation::Member];
    assert!(affiliated.into_iter().all(Affiliation::is_affiliated));
    assert!(!Affiliation::None.is_affiliated());
    assert!(!Affiliation::Outcast.is_affiliated());
}

#[test]
fn who_gave_a_hat_is_a_note_about_it() {
    let given = Given { actor: "a".into(), reason: String::new(), time: Timestamp::MIN };
    let attachment = Attachment { active: true, ..Attachment::default() };
    let noted = Attachment { given: Some(given), ..attachment.clone() };
    assert_ne!(attachment, noted);
    assert!(attachment.same_but_given(&noted));

    let others = [
        Attachment { active: false, ..noted.clone() },
        Attachment { required: true, ..noted.clone() },
        Attachment { title: title("A").ok(), ..noted.clone() },
        Attachment { expire_time: Some(Timestamp::MAX), ..noted.clone() },
    ];
    for other in others {
        assert!(!attachment.same_but_given(&other), "{other:?}");
    }
}

#[test]
fn definitions_differ_in_more_than_their_revision() {
    let definition = HatDefinition {
        hat_id: hat_id("urn:a").unwrap(),
        title: None,
        titles: BTreeMap::new(),
        hue: None,
        position: 0,
        description: String::new(),
        self_assignable: false,
        revision: Revision::new(1),
    };
    let later = HatDefinition { revision: Revision::new(2), ..definition.clone() };
    assert_ne!(definition, later);
    assert!(definition.same_but_revision(&later));

    let others = [
        HatDefinition { hat_id: hat_id("urn:b").unwrap(), ..later.clone() },
        HatDefinition { title: title("A").ok(), ..later.clone() },
        HatDefinition {
            titles: [(LanguageTag::parse("de").unwrap(), title("A").unwrap())].into(),
            ..later.clone()
        },
        HatDefinition { hue: Hue::new(0.0), ..later.clone() },
        HatDefinition { position: -1, ..later.clone() },
        HatDefinition { description: "a".into(), ..later.clone() },
        HatDefinition { self_assignable: true, ..later.clone() },
    ];
    for other in others {
        assert!(!definition.same_but_revision(&other), "{other:?}");
    }
}

#[test]
fn a_document_counts_the_texts_of_its_hats() {
    let mut document = Document::default();
    assert!(document.is_absent() && !document.has_hats());
    assert_eq!(document.size_bytes(), 0);

    document.affiliation = Affiliation::Outcast;
    assert!(!document.is_absent() && !document.has_hats());
    assert_eq!(document.size_bytes(), 0);

    document.affiliation = Affiliation::None;
    document.hats.insert(hat_id("urn:a").unwrap(), Attachment::default());
    assert!(!document.is_absent() && document.has_hats());
    assert_eq!(document.size_bytes(), 32 + 5);

    let given = Given { actor: "ab".into(), reason: "abc".into(), time: Timestamp::MIN };
    let attachment =
        Attachment { title: title("\u{E9}").ok(), given: Some(given), ..Attachment::default() };
    document.hats.insert(hat_id("urn:bc").unwrap(), attachment);
    assert_eq!(document.size_bytes(), 32 + 5 + 32 + 6 + 2 + 2 + 3);
}

/// What older versions stored must stay readable: these bytes may be added to, not changed.
#[test]
fn the_stored_form_does_not_change() {
    let document = Document {
        affiliation: Affiliation::Member,
        hats: [(
            hat_id("urn:a").unwrap(),
            Attachment {
                active: true,
                required: false,
                title: title("A").ok(),
                expire_time: Timestamp::new(1, 0),
                given: Some(Given {
                    actor: "b".into(),
                    reason: String::new(),
                    time: Timestamp::new(-1, 2).unwrap(),
                }),
            },
        )]
        .into(),
        revision: Revision::new(3),
        update_time: Timestamp::new(2, 0),
    };
    let stored = b"\xa4\x00\x03\
        \x01\xa1\x65urn:a\xa4\x00\xf5\x02\x61A\x03\x82\x01\x00\x04\xa2\x00\x61b\x02\x82\x20\x02\
        \x02\x03\
        \x03\x82\x02\x00";
    assert_eq!(minicbor::to_vec(&document).unwrap(), stored);
    assert_eq!(decode::<Document>(stored).unwrap(), document);

    for default in [
        minicbor::to_vec(Document::default()),
        minicbor::to_vec(Attachment::default()),
        minicbor::to_vec(Room::default()),
        minicbor::to_vec(Context::default()),
    ] {
        assert_eq!(default.unwrap(), b"\xa0");
    }
}

#[test]
fn a_field_of_a_younger_version_is_skipped() {
    let stored = b"\xa2\x02\x03\x18\x63\x82\x61a\xf6";
    let document = Document { revision: Revision::new(3), ..Document::default() };
    assert_eq!(decode::<Document>(stored).unwrap(), document);
}

#[test]
fn a_stored_value_that_cannot_be_is_an_error() {
    assert!(decode::<Title>(b"\x60").is_err());
    assert!(decode::<HatId>(b"\x60").is_err());
    assert!(decode::<Affiliation>(b"\x00").is_err());
    assert!(decode::<Affiliation>(b"\x06").is_err());
    assert!(decode::<HatDefinition>(b"\xa0").is_err());
    for degrees in [f64::NAN, -1.0, 360.0] {
        assert!(decode::<Hue>(&minicbor::to_vec(degrees).unwrap()).is_err());
    }
}

fn hat_ids() -> impl Strategy<Value = HatId> {
    "[a-z][a-z0-9+.-]{0,4}:[a-zA-Z0-9/]{0,12}(%2F)?(\\?[a-z]{0,3})?(#[a-z]{0,3})?"
        .prop_filter_map("no URI", |text| hat_id(&text).ok())
}

fn titles() -> impl Strategy<Value = Title> {
    "\\PC{1,12}".prop_filter_map("no title", |text| title(&text).ok())
}

fn timestamps() -> impl Strategy<Value = Timestamp> {
    (-2_000_000_000_i64..4_000_000_000, 0..1_000_000_000)
        .prop_filter_map("out of range", |(seconds, nanos)| Timestamp::new(seconds, nanos))
}

fn attachments() -> impl Strategy<Value = Attachment> {
    let given = ("\\PC{0,8}", "\\PC{0,8}", timestamps()).prop_map(|(actor, reason, time)| Given {
        actor,
        reason,
        time,
    });
    (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(titles()),
        prop::option::of(timestamps()),
        prop::option::of(given),
    )
        .prop_map(|(active, required, title, expire_time, given)| Attachment {
            active,
            required,
            title,
            expire_time,
            given,
        })
}

fn documents() -> impl Strategy<Value = Document> {
    let affiliation = prop::sample::select(vec![
        Affiliation::Owner,
        Affiliation::Admin,
        Affiliation::Member,
        Affiliation::None,
        Affiliation::Outcast,
    ]);
    (
        affiliation,
        prop::collection::btree_map(hat_ids(), attachments(), 0..5),
        any::<u64>(),
        prop::option::of(timestamps()),
    )
        .prop_map(|(affiliation, hats, revision, update_time)| Document {
            affiliation,
            hats,
            revision: Revision::new(revision),
            update_time,
        })
}

fn definitions() -> impl Strategy<Value = HatDefinition> {
    let language = prop::sample::select(vec!["de", "en-GB", "zh-Hant-TW", "x-ours"])
        .prop_map(|text| LanguageTag::parse(text).unwrap());
    (
        hat_ids(),
        prop::option::of(titles()),
        prop::collection::btree_map(language, titles(), 0..4),
        prop::option::of((0.0..360.0).prop_map(|degrees| Hue::new(degrees).unwrap())),
        any::<i32>(),
        "\\PC{0,20}",
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(
            |(hat_id, title, titles, hue, position, description, self_assignable, revision)| {
                HatDefinition {
                    hat_id,
                    title,
                    titles,
                    hue,
                    position,
                    description,
                    self_assignable,
                    revision: Revision::new(revision),
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_stored_comes_back(document in documents(), definition in definitions()) {
        let bytes = minicbor::to_vec(&document).unwrap();
        prop_assert_eq!(decode::<Document>(&bytes).unwrap(), document);
        let bytes = minicbor::to_vec(&definition).unwrap();
        prop_assert_eq!(decode::<HatDefinition>(&bytes).unwrap(), definition);
    }

    #[test]
    fn damaged_bytes_decode_or_fail(
        document in documents(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut bytes = minicbor::to_vec(&document).unwrap();
        *at.get_mut(&mut bytes) = byte;
        let _ = decode::<Document>(&bytes);
        let _ = decode::<HatDefinition>(&bytes);
        bytes.truncate(at.index(bytes.len()));
        let _ = decode::<Document>(&bytes);
    }

    #[test]
    fn a_text_is_refused_or_kept_as_it_is(text: String) {
        if let Ok(hat_id) = hat_id(&text) {
            prop_assert_eq!(hat_id.as_str(), &text);
            prop_assert!(text.is_ascii());
        }
        if let Ok(title) = title(&text) {
            prop_assert_eq!(title.as_str(), &text);
            prop_assert_eq!(check_line(&text, text.len()), Ok(()));
            prop_assert_eq!(check_text(&text, text.len()), Ok(()));
        }
    }

    #[test]
    fn a_language_tag_is_refused_or_canonical_once_parsed(
        text in "[a-zA-Z]{1,4}(-[a-zA-Z0-9]{1,8}){0,4}",
    ) {
        if let Ok(tag) = LanguageTag::parse(&text) {
            prop_assert!(tag.as_str().eq_ignore_ascii_case(&text));
            prop_assert_eq!(LanguageTag::parse(tag.as_str()), Ok(tag));
        }
    }
}
