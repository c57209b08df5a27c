//! The checker is checked: histories made by hand, sound ones and such as have just one fault.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hatd_client::pb::{self, Affiliation, ErrorReason};

use super::check::{Kind, check};
use super::record::{Answer, Call, Definition, History, What};

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
    pb::Commit { users: vec![user], ..commit(revision) }
}

/// A commit that a call asked for.
fn commit(revision: u64) -> pb::Commit {
    pb::Commit {
        room_jid: ROOM.to_owned(),
        revision,
        commit_time: Some(clock(revision).into()),
        cause: pb::CommitCause::Request.into(),
        ..Default::default()
    }
}

/// What the clock said at the commit of a revision.
fn clock(revision: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(revision)
}

fn call(time: (u64, u64), what: What, answer: Answer) -> Call {
    let (began, ended) = time;
    Call { began, ended, ended_at: clock(ended), room_jid: ROOM.to_owned(), what, answer }
}

fn add(title: &str, etag: &str) -> What {
    let (user_jid, hat_id) = (USER.to_owned(), HAT.to_owned());
    let (title, etag) = (title.to_owned(), etag.to_owned());
    What::Add { user_jid, hat_id, title, etag, expire_time: None }
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

fn done(revision: u64) -> Answer {
    Answer::Written { revision, changed: true, replayed: false, documents: vec![] }
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
fn an_affiliation_of_who_has_hats_without_a_commit_is_found() {
    let member = document(3, Some("b"), Affiliation::Member);
    let found = with((5, 6), affiliate(Affiliation::Member), written(3, member));
    assert!(found.contains(&Kind::Answer));
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

/// A gift that is to end at once, and that it ends.
fn gift_that_ends() -> History {
    let mut history = two_gifts();
    history.calls.pop();
    let What::Add { expire_time, .. } = &mut history.calls[0].what else { unreachable!() };
    *expire_time = Some(clock(2));
    let end = Some(clock(2).into());
    let ends = |hats: &mut BTreeMap<String, pb::Attachment>| {
        for hat in hats.values_mut() {
            hat.expire_time = end;
        }
    };
    ends(&mut history.log[0].users[0].user_hats.as_mut().unwrap().hats);
    let Answer::Written { documents, .. } = &mut history.calls[0].answer else { unreachable!() };
    ends(&mut documents[0].hats);

    let previous = pb::Attachment { title: "a".to_owned(), expire_time: end, ..Default::default() };
    let change =
        pb::HatChange { hat_id: HAT.to_owned(), previous: Some(previous), ..Default::default() };
    let user_hats = Some(document(0, None, Affiliation::None));
    history.log[1] = pb::Commit {
        users: vec![pb::UserChange { user_hats, changes: vec![change] }],
        cause: pb::CommitCause::Expiry.into(),
        ..commit(2)
    };
    history
}

#[test]
fn hats_that_end_early_or_not_at_all_are_found() {
    assert_eq!(kinds(&gift_that_ends()), []);
    let mut early = gift_that_ends();
    early.log[1].commit_time = Some(clock(1).into());
    assert_eq!(kinds(&early), [Kind::Effect]);
    let mut unasked = gift_that_ends();
    unasked.log[1].cause = pb::CommitCause::Request.into();
    assert_eq!(kinds(&unasked), [Kind::Effect]);
    let mut never = gift_that_ends();
    never.log.pop();
    assert_eq!(kinds(&never), [Kind::Effect]);
}

#[test]
fn a_hat_that_was_given_too_late_is_found() {
    let mut late = gift_that_ends();
    late.log[0].commit_time = Some(clock(2).into());
    assert_eq!(kinds(&late), [Kind::Condition]);

    let gift = gift_that_ends().calls[0].what.clone();
    let with =
        |time: (u64, u64)| with(time, gift.clone(), Answer::Refused(ErrorReason::InvalidField));
    assert_eq!(with((1, 2)), [], "it has come too late");
    assert_eq!(with((0, 1)), [Kind::Condition], "it has not");
}

/// Two gifts, then the room is deleted and made again.
fn room_made_again() -> History {
    let mut history = two_gifts();
    history.calls.push(call((5, 6), What::Delete, done(3)));
    history.log.push(pb::Commit { room_deleted: true, ..commit(3) });
    history.calls.push(call((7, 8), What::Put, done(4)));
    let room = Some(pb::Room { room_jid: ROOM.to_owned(), ..Default::default() });
    history.log.push(pb::Commit { room, ..commit(4) });
    history
}

#[test]
fn a_room_that_is_there_when_deleted_or_keeps_anything_is_found() {
    assert_eq!(kinds(&room_made_again()), []);
    let with = |time, what, answer| {
        let mut history = room_made_again();
        history.calls.push(call(time, what, answer));
        kinds(&history)
    };
    let gone = || Answer::Refused(ErrorReason::RoomNotFound);
    assert_eq!(with((6, 8), read(), gone()), []);
    assert_eq!(with((9, 10), read(), gone()), [Kind::Condition], "it is there");
    let nothing = || seen(3, document(0, None, Affiliation::None));
    assert_eq!(with((6, 8), read(), nothing()), [Kind::Condition], "it was not there");
    let empty = |revision| Answer::Read { revision, documents: vec![] };
    assert_eq!(with((9, 10), What::List, empty(4)), []);
    assert_eq!(with((9, 10), read(), seen(4, hatted(2, "b"))), [Kind::Answer], "it is kept");
    let again = || What::Again { of: Box::new(add("b", "")), revision: 2 };
    assert_eq!(with((6, 8), again(), gone()), [Kind::Condition], "it was answered already");
}

#[test]
fn claims_of_what_is_not_to_be_claimed_are_found() {
    let hat_id = || HAT.to_owned();
    let claim = || What::Claim { user_jid: USER.to_owned(), hat_id: hat_id() };
    let with = |self_assignable, answer| {
        let mut history = two_gifts();
        let definition = Definition { title: "A".to_owned(), self_assignable };
        let what = What::Define { hat_id: hat_id(), definition };
        history.calls.push(call((5, 6), what, done(3)));
        let definition = pb::HatDefinition {
            hat_id: hat_id(),
            title: "A".to_owned(),
            self_assignable,
            revision: 3,
            etag: "3".to_owned(),
            ..Default::default()
        };
        history.log.push(pb::Commit { definitions: vec![definition], ..commit(3) });
        history.calls.push(call((7, 8), claim(), answer));
        kinds(&history)
    };
    let unchanged = || Answer::Written {
        revision: 3,
        changed: false,
        replayed: false,
        documents: vec![hatted(2, "b")],
    };
    let refused = || Answer::Refused(ErrorReason::HatNotSelfAssignable);
    assert_eq!(with(true, unchanged()), []);
    assert_eq!(with(true, refused()), [Kind::Condition]);
    assert_eq!(with(false, unchanged()), [Kind::Condition]);
    assert_eq!(with(false, refused()), []);
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
