//! The checker is checked: histories made by hand, sound ones and such as have just one fault.

use std::collections::BTreeMap;

use hatd_client::pb::{self, Affiliation, ErrorReason};

use super::check::{Kind, check};
use super::record::{Answer, Call, History, What};

const ROOM: &str = "room@conference.localhost";
const USER: &str = "ada@localhost";
const HAT: &str = "urn:hat:1";

/// A user's document as a commit of a revision has left it: with one hat, or none.
fn document(revision: u64, title: Option<&str>, affiliation: Affiliation) -> pb::UserHats {
    let hats = title.map(|title| {
        (HAT.to_owned(), pb::Attachment { title: title.to_owned(), ..Default::default() })
    });
    pb::UserHats {
        room_jid: ROOM.to_owned(),
        user_jid: USER.to_owned(),
        affiliation: affiliation.into(),
        hats: hats.into_iter().collect(),
        revision,
        etag: revision.to_string(),
        ..Default::default()
    }
}

fn hatted(revision: u64, title: &str) -> pb::UserHats {
    document(revision, Some(title), Affiliation::None)
}

/// A commit that gives the user the hat.
fn given(revision: u64, title: &str, before: Option<&str>) -> pb::Commit {
    let previous =
        before.map(|title| pb::Attachment { title: title.to_owned(), ..Default::default() });
    let change = pb::HatChange { hat_id: HAT.to_owned(), previous, ..Default::default() };
    let user = pb::UserChange { user_hats: Some(hatted(revision, title)), changes: vec![change] };
    pb::Commit { room_jid: ROOM.to_owned(), revision, users: vec![user], ..Default::default() }
}

fn call(time: (u64, u64), what: What, answer: Answer) -> Call {
    let (began, ended) = time;
    Call { began, ended, room_jid: ROOM.to_owned(), what, answer }
}

fn add(title: &str, etag: &str) -> What {
    let (user_jid, hat_id) = (USER.to_owned(), HAT.to_owned());
    What::Add { user_jid, hat_id, title: title.to_owned(), etag: etag.to_owned() }
}

fn affiliate(affiliation: Affiliation) -> What {
    What::Affiliate { user_jid: USER.to_owned(), affiliation }
}

fn read() -> What {
    What::Read { user_jid: USER.to_owned() }
}

fn written(revision: u64, document: pb::UserHats) -> Answer {
    Answer::Written { revision, changed: true, replayed: false, documents: vec![document] }
}

fn seen(revision: u64, document: pb::UserHats) -> Answer {
    Answer::Read { revision, documents: vec![document] }
}

/// Two gifts, one after the other.
fn two_gifts() -> History {
    History {
        calls: vec![
            call((1, 2), add("a", ""), written(1, hatted(1, "a"))),
            call((3, 4), add("b", ""), written(2, hatted(2, "b"))),
        ],
        log: vec![given(1, "a", None), given(2, "b", Some("a"))],
        ..History::default()
    }
}

fn kinds(history: &History) -> Vec<Kind> {
    check(history).into_iter().map(|violation| violation.kind).collect()
}

/// What is found once a call has been added to two gifts.
fn with(time: (u64, u64), what: What, answer: Answer) -> Vec<Kind> {
    let mut history = two_gifts();
    history.calls.push(call(time, what, answer));
    kinds(&history)
}

#[test]
fn what_is_sound_is_let_be() {
    assert_eq!(kinds(&History::default()), []);
    assert_eq!(kinds(&two_gifts()), []);
    assert_eq!(with((5, 6), read(), seen(2, hatted(2, "b"))), []);
    assert_eq!(with((1, 6), read(), seen(1, hatted(1, "a"))), [], "it may have been early");
    assert_eq!(with((5, 6), What::List, seen(2, hatted(2, "b"))), []);
    let unchanged = Answer::Written {
        revision: 2,
        changed: false,
        replayed: false,
        documents: vec![hatted(2, "b")],
    };
    assert_eq!(with((5, 6), add("b", ""), unchanged), []);
    let mismatch = Answer::Refused(ErrorReason::EtagMismatch);
    assert_eq!(with((5, 6), add("c", "1"), mismatch), []);
}

#[test]
fn a_commit_that_nobody_asked_for_is_found() {
    let mut history = two_gifts();
    history.calls.pop();
    assert_eq!(kinds(&history), [Kind::Effect]);
}

#[test]
fn an_answer_without_a_commit_is_found() {
    let mut history = two_gifts();
    history.log.pop();
    assert!(kinds(&history).contains(&Kind::Answer));
}

#[test]
fn a_commit_of_something_else_is_found() {
    let mut history = two_gifts();
    history.calls[1].what = add("c", "");
    assert_eq!(kinds(&history), [Kind::Effect]);
}

#[test]
fn two_answers_with_one_commit_are_found() {
    assert_eq!(with((3, 6), add("b", ""), written(2, hatted(2, "b"))), [Kind::Twice]);
}

#[test]
fn commits_out_of_order_are_found() {
    let mut history = two_gifts();
    history.log.swap(0, 1);
    assert!(kinds(&history).contains(&Kind::Order));
}

#[test]
fn a_commit_that_does_not_say_what_was_before_is_found() {
    let mut history = two_gifts();
    history.log[1] = given(2, "b", None);
    assert_eq!(kinds(&history), [Kind::Effect]);
}

#[test]
fn an_etag_of_another_commit_is_found() {
    let mut history = two_gifts();
    history.log[1].users[0].user_hats = Some(hatted(1, "b"));
    assert!(kinds(&history).contains(&Kind::Effect));
}

#[test]
fn what_is_read_and_was_not_there_is_found() {
    assert_eq!(with((5, 6), read(), seen(2, hatted(2, "a"))), [Kind::Answer]);
    assert_eq!(with((5, 6), read(), seen(2, hatted(1, "b"))), [Kind::Answer], "another etag");
    let empty = Answer::Read { revision: 2, documents: vec![] };
    assert_eq!(with((5, 6), What::List, empty), [Kind::Answer]);
}

#[test]
fn a_stale_read_is_found() {
    assert_eq!(with((5, 6), read(), seen(1, hatted(1, "a"))), [Kind::Stale]);
}

#[test]
fn a_write_that_goes_before_what_was_answered_is_found() {
    let mut history = two_gifts();
    history.calls.swap(0, 1);
    (history.calls[0].began, history.calls[0].ended) = (1, 2);
    (history.calls[1].began, history.calls[1].ended) = (3, 4);
    assert_eq!(kinds(&history), [Kind::Stale]);
}

#[test]
fn a_call_that_failed_is_found() {
    assert_eq!(with((5, 6), read(), Answer::Failed("INTERNAL".to_owned())), [Kind::Answer]);
}

#[test]
fn wrong_refusals_are_found() {
    let refused = |what, reason| with((5, 6), what, Answer::Refused(reason));
    assert_eq!(refused(add("c", "2"), ErrorReason::EtagMismatch), [Kind::Condition]);
    assert_eq!(refused(read(), ErrorReason::UserNotAffiliated), [Kind::Condition], "no outcast");
    assert_eq!(refused(read(), ErrorReason::Overloaded), [Kind::Condition]);
    let early = Answer::Refused(ErrorReason::EtagMismatch);
    assert_eq!(with((1, 6), add("c", "2"), early), [], "the etag was another one at first");
}

#[test]
fn etags_that_do_not_hold_are_found() {
    let mut history = two_gifts();
    history.calls[1].what = add("b", "1");
    assert_eq!(kinds(&history), []);
    history.calls[1].what = add("b", "0");
    assert_eq!(kinds(&history), [Kind::Condition]);
}

#[test]
fn outcasts_who_read_or_are_given_hats_are_found() {
    let outcast = || document(1, None, Affiliation::Outcast);
    let banned = call((1, 2), affiliate(Affiliation::Outcast), written(1, outcast()));
    let mut history = History { calls: vec![banned], ..History::default() };
    assert_eq!(kinds(&history), [], "of who has no hats the log says nothing");

    let refused = Answer::Refused(ErrorReason::UserNotAffiliated);
    history.calls.push(call((3, 4), read(), refused));
    assert_eq!(kinds(&history), []);
    history.calls[1].answer = seen(1, outcast());
    assert_eq!(kinds(&history), [Kind::Condition]);

    history.calls[1] = call((3, 4), add("a", ""), written(2, hatted(2, "a")));
    history.log.push(given(2, "a", None));
    assert_eq!(kinds(&history), [Kind::Condition]);
}

#[test]
fn a_request_that_is_done_again_is_found() {
    let again = || What::Again { of: Box::new(add("b", "")), revision: 2 };
    let answer = |revision, replayed| Answer::Written {
        revision,
        changed: true,
        replayed,
        documents: vec![],
    };
    assert_eq!(with((5, 6), again(), answer(2, true)), []);
    assert_eq!(with((5, 6), again(), answer(3, false)), [Kind::Twice]);
    assert_eq!(with((5, 6), again(), answer(1, true)), [Kind::Twice]);
}

#[test]
fn watches_that_miss_or_repeat_or_begin_wrong_are_found() {
    use super::record::Watched;
    let with = |news: Vec<pb::Commit>, before: &[pb::UserHats]| {
        let mut watched = Watched { news, ..Watched::default() };
        let key = (ROOM.to_owned(), USER.to_owned());
        watched.began_with.users = before
            .iter()
            .map(|document| (key.clone(), document.clone()))
            .collect::<BTreeMap<_, _>>();
        kinds(&History { watches: vec![watched], ..two_gifts() })
    };
    let [first, second] = two_gifts().log.try_into().unwrap();
    assert_eq!(with(vec![first.clone(), second.clone()], &[]), []);
    assert_eq!(with(vec![second.clone()], &[hatted(1, "a")]), []);
    assert_eq!(with(vec![], &[hatted(2, "b")]), []);
    assert_eq!(with(vec![], &[hatted(1, "a")]), [Kind::Watch], "it misses a commit");
    assert_eq!(with(vec![second.clone()], &[]), [Kind::Watch], "it began with something else");
    assert_eq!(with(vec![first.clone(), first.clone()], &[]), [Kind::Watch], "it repeats one");
    assert_eq!(with(vec![first.clone(), second, first], &[]), [Kind::Watch], "it goes on too long");
}
