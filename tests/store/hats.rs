//! What programs do to hats.

use hatd::command::{Command, Operation, Precondition, Refusal};
use hatd::commit::{Cause, ChangeKind};
use hatd::hat::{Affiliation, Attachment, Document, HatDefinition};

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::Harness;

conformance! {
    the_room_is_looked_for_before_the_user,
    only_the_affiliated_have_hats,
    adding_replaces_the_attachment_and_says_what_it_was,
    removing_an_absent_hat_is_no_change,
    setting_hats_touches_only_those_under_the_prefix,
    setting_a_hat_outside_the_prefix_is_refused,
    setting_wearers_leaves_other_hats_alone,
    setting_no_wearers_takes_the_hat_from_all,
    setting_an_ineligible_wearer_is_refused,
    an_update_is_one_commit,
    a_refused_operation_is_named_and_nothing_is_done,
    operations_on_the_same_hat_exclude_each_other,
    preconditions_are_checked_before_operations_and_named,
    the_etag_precondition_knows_the_absent,
    hats_of_a_user_have_a_limit_in_every_call,
    documents_have_a_limit_in_bytes,
    definitions_have_a_limit,
    a_commit_changes_the_hats_of_at_most_so_many_users,
    a_commit_too_large_for_watchers_is_refused,
    defining_replaces_the_whole_definition,
    destroying_takes_the_hat_from_everybody,
    destroying_a_hat_of_many_takes_several_commits,
    destroying_goes_on_where_it_was_cut_off,
    destroying_halves_until_commits_fit,
    destroying_the_unknown_is_no_change,
    an_undefined_hat_is_refused_where_only_defined_ones_may_be,
    hats_whose_ids_begin_alike_are_told_apart,
}

async fn the_room_is_looked_for_before_the_user(h: &mut Harness) {
    let commands = || {
        [
            give("ann", "a"),
            remove(in_den("ann"), "a"),
            set(in_den("ann"), &[], ""),
            wear("ann", "a"),
            doff("ann", "a"),
            claim("ann", "a"),
            discard("ann", "a"),
            update(vec![op_add("ann", "a")]),
            set_wearers("a", &["ann"]),
        ]
    };
    for command in commands() {
        assert_eq!(h.refused(command).await, Refusal::RoomNotFound { room_jid: room(DEN) });
    }
    for command in
        [define("a"), destroy("a"), delete_room(DEN), affiliate(in_den("ann"), Affiliation::Member)]
    {
        assert_eq!(h.refused(command).await, Refusal::RoomNotFound { room_jid: room(DEN) });
    }
    h.den(&[]).await;
    h.ok(define_claimable("a")).await;
    let unknown = Refusal::UserNotAffiliated { room_jid: room(DEN), user_jid: user("ann") };
    for command in commands() {
        let refusal = match h.refused(command).await {
            Refusal::InOperation { index: 0, refusal } => *refusal,
            refusal => refusal,
        };
        assert_eq!(refusal, unknown);
    }
}

async fn only_the_affiliated_have_hats(h: &mut Harness) {
    h.den(&[]).await;
    let all = [
        (Affiliation::Owner, true),
        (Affiliation::Admin, true),
        (Affiliation::Member, true),
        (Affiliation::Outcast, false),
    ];
    for (affiliation, may) in all {
        h.ok(affiliate(in_den("ann"), affiliation)).await;
        if may {
            h.ok(give("ann", "a")).await;
        } else {
            h.refused(give("ann", "a")).await;
        }
        h.ok(affiliate(in_den("ann"), Affiliation::None)).await;
        h.refused(give("ann", "a")).await;
    }
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(give("ann", "a")).await;
    h.ok(affiliate(in_den("ann"), Affiliation::Outcast)).await;
    h.refused(give("ann", "a")).await;
}

async fn adding_replaces_the_attachment_and_says_what_it_was(h: &mut Harness) {
    h.den(&["ann"]).await;
    let titled = Attachment { title: Some(title("Awesome")), ..until(50) };
    let outcome = h.ok(add(in_den("ann"), "a", titled.clone())).await;
    let commit = h.last().await.commit;
    assert_eq!((commit.cause, commit.revision), (Cause::Request, outcome.revision));
    let [change] = commit.users.as_slice() else { panic!("{commit:?}") };
    assert_eq!((change.changes[0].kind, &change.changes[0].previous), (ChangeKind::Added, &None));

    h.ok(add(in_den("ann"), "a", inactive())).await;
    let had = h.document("ann").await.hats[&hat("a")].clone();
    assert!(had.same_but_given(&inactive()), "the title and the end are gone: {had:?}");
    let commit = h.last().await.commit;
    let change = &commit.users[0].changes[0];
    assert_eq!(change.kind, ChangeKind::Updated);
    assert!(change.previous.as_ref().unwrap().same_but_given(&titled));
    assert_eq!(commit.users[0].document, h.document("ann").await);
}

async fn removing_an_absent_hat_is_no_change(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.unchanged(remove(in_den("ann"), "a")).await;
    h.ok(give("ann", "a")).await;
    h.ok(remove(in_den("ann"), "a")).await;
    let change = h.last().await.commit.users[0].changes[0].clone();
    assert_eq!((change.kind, change.hat_id), (ChangeKind::Removed, hat("a")));
    h.unchanged(remove(in_den("ann"), "a")).await;
}

async fn setting_hats_touches_only_those_under_the_prefix(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(set(in_den("ann"), &[("x:1", active()), ("x:2", active()), ("y:1", active())], "")).await;
    h.ok(set(in_den("ann"), &[("x:2", inactive()), ("x:3", active())], "x:")).await;
    assert_eq!(h.hats("ann").await, [hat("x:2"), hat("x:3"), hat("y:1")]);
    let kinds: Vec<_> = h.last().await.commit.users[0]
        .changes
        .iter()
        .map(|it| (it.hat_id.clone(), it.kind))
        .collect();
    let expected = [
        (hat("x:1"), ChangeKind::Removed),
        (hat("x:2"), ChangeKind::Updated),
        (hat("x:3"), ChangeKind::Added),
    ];
    assert_eq!(kinds, expected);
    h.ok(set(in_den("ann"), &[], "x:")).await;
    assert_eq!(h.hats("ann").await, [hat("y:1")]);
    h.unchanged(set(in_den("ann"), &[], "x:")).await;
    h.ok(set(in_den("ann"), &[], "")).await;
    assert!(h.hats("ann").await.is_empty());
}

async fn setting_a_hat_outside_the_prefix_is_refused(h: &mut Harness) {
    h.den(&["ann"]).await;
    let refusal = h.refused(set(in_den("ann"), &[("y:1", active())], "x:")).await;
    assert!(matches!(refusal, Refusal::InvalidField { field, .. } if field == "hats"));
}

async fn setting_wearers_leaves_other_hats_alone(h: &mut Harness) {
    h.den(&["ann", "bob", "cat"]).await;
    h.ok(set(in_den("ann"), &[("a", active()), ("b", active())], "")).await;
    h.ok(give("bob", "a")).await;
    let head = h.store().head().0;
    let outcome = h.ok(set_wearers("a", &["bob", "cat"])).await;
    assert_eq!(h.store().head().0, head.next(), "one commit");
    let written: Vec<_> = outcome.documents.iter().map(|(user, _)| user.clone()).collect();
    assert_eq!(written, [user("ann"), user("cat")]);
    assert_eq!(h.hats("ann").await, [hat("b")]);
    assert_eq!(h.hats("bob").await, [hat("a")]);
    assert_eq!(h.hats("cat").await, [hat("a")]);
}

async fn setting_no_wearers_takes_the_hat_from_all(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.unchanged(set_wearers("a", &[])).await;
    h.ok(set_wearers("a", &["ann", "bob"])).await;
    h.ok(set_wearers("a", &[])).await;
    assert!(h.hats("ann").await.is_empty() && h.hats("bob").await.is_empty());
}

async fn setting_an_ineligible_wearer_is_refused(h: &mut Harness) {
    h.den(&["ann"]).await;
    let refusal = h.refused(set_wearers("a", &["ann", "eve"])).await;
    let expected = Refusal::UserNotAffiliated { room_jid: room(DEN), user_jid: user("eve") };
    assert_eq!(refusal, expected);
}

async fn an_update_is_one_commit(h: &mut Harness) {
    h.den(&["ann", "bob", "cat"]).await;
    h.ok(give("bob", "x")).await;
    h.ok(give("cat", "y")).await;
    let head = h.store().head().0;
    let operations = vec![
        op_add("ann", "a"),
        op_add("ann", "b"),
        op_remove("bob", "x"),
        op_set("cat", &[("c", inactive())]),
    ];
    let outcome = h.ok(update(operations)).await;
    assert_eq!(h.store().head().0, head.next());
    assert_eq!(outcome.documents.len(), 3);
    assert!(outcome.documents.iter().all(|(_, document)| document.revision == outcome.revision));
    assert_eq!(h.hats("ann").await, [hat("a"), hat("b")]);
    assert!(h.hats("bob").await.is_empty());
    assert_eq!(h.hats("cat").await, [hat("c")]);
}

async fn a_refused_operation_is_named_and_nothing_is_done(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    let mut operations: Vec<_> = (0..499).map(|n| op_remove("bob", &format!("n{n}"))).collect();
    operations[3] = op_add("ann", "a");
    operations.insert(321, op_add("eve", "a"));
    let refusal = h.refused(update(operations)).await;
    let Refusal::InOperation { index, refusal } = refusal else { panic!("{refusal:?}") };
    assert_eq!(index, 321);
    let expected = Refusal::UserNotAffiliated { room_jid: room(DEN), user_jid: user("eve") };
    assert_eq!(*refusal, expected);
    assert!(h.hats("ann").await.is_empty());

    h.ok(put_room_as(DEN, defined_only())).await;
    h.ok(define("a")).await;
    let refusal = h.refused(update(vec![op_add("ann", "a"), op_add("bob", "b")])).await;
    let expected = Refusal::HatNotDefined { room_jid: room(DEN), hat_id: hat("b") };
    assert_eq!(refusal, Refusal::InOperation { index: 1, refusal: Box::new(expected) });
}

async fn operations_on_the_same_hat_exclude_each_other(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    let refused = [
        [op_add("ann", "a"), op_add("ann", "a")],
        [op_add("ann", "a"), op_remove("ann", "a")],
        [op_set("ann", &[]), op_remove("ann", "a")],
        [op_add("ann", "b"), op_set("ann", &[("a", active())])],
        [op_set("ann", &[]), op_set("ann", &[])],
    ];
    for operations in refused {
        let refusal = h.refused(update(operations.to_vec())).await;
        let named =
            matches!(&refusal, Refusal::InvalidField { field, .. } if field == "operations[1]");
        assert!(named, "{operations:?}: {refusal:?}");
    }
    h.ok(update(vec![op_set("ann", &[("a", active())]), op_add("bob", "a")])).await;
}

fn update_if(preconditions: Vec<Precondition>, operations: Vec<Operation>) -> Command {
    let keep_active = false;
    Command::UpdateRoomHats { room_jid: room(DEN), operations, preconditions, keep_active }
}

async fn preconditions_are_checked_before_operations_and_named(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(give("ann", "a")).await;
    let (ann, bob) = (user("ann"), user("bob"));
    let has = |it: &hatd::jid::UserJid, id| Precondition::HasHat {
        user_jid: it.clone(),
        hat_id: hat(id),
    };
    let lacks = |it: &hatd::jid::UserJid, id| Precondition::LacksHat {
        user_jid: it.clone(),
        hat_id: hat(id),
    };
    let etag =
        |it: &hatd::jid::UserJid, etag: String| Precondition::Etag { user_jid: it.clone(), etag };
    let ann_etag = h.document("ann").await.revision.etag();

    let failing = [lacks(&ann, "a"), has(&ann, "b"), has(&bob, "a"), etag(&ann, "7777".into())];
    for failing in failing {
        // The operation is wrong, too, and comes second.
        let command = update_if(vec![has(&ann, "a"), failing], vec![op_add("eve", "a")]);
        let refusal = h.refused(command).await;
        assert!(matches!(refusal, Refusal::PreconditionFailed { index: 1, .. }), "{refusal:?}");
    }
    let holding = vec![has(&ann, "a"), lacks(&bob, "a"), etag(&ann, ann_etag.clone())];
    // They are about the state before the operations.
    h.ok(update_if(holding.clone(), vec![op_remove("ann", "a"), op_add("bob", "a")])).await;
    let refusal = h.refused(update_if(holding, vec![])).await;
    assert!(
        matches!(refusal, Refusal::PreconditionFailed { index: 0, user_jid, .. } if user_jid == ann)
    );
}

async fn the_etag_precondition_knows_the_absent(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    let absent = Document::default().revision.etag();
    let condition = || vec![Precondition::Etag { user_jid: user("ann"), etag: absent.clone() }];
    h.ok(update_if(condition(), vec![op_add("ann", "a")])).await;
    let refusal = h.refused(update_if(condition(), vec![op_add("ann", "b")])).await;
    assert!(matches!(refusal, Refusal::PreconditionFailed { index: 0, .. }));
}

async fn hats_of_a_user_have_a_limit_in_every_call(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(put_room_as(DEN, defined_only())).await;
    let ids: Vec<_> = (0..65).map(|n| format!("n{n:02}")).collect();
    for id in &ids {
        h.ok(define_claimable(id)).await;
    }
    let hats: Vec<_> = ids.iter().map(|id| (id.as_str(), active())).collect();
    let too_many = h.refused(set(in_den("ann"), &hats, "")).await;
    let expected = Refusal::TooManyHats {
        room_jid: room(DEN),
        user_jid: user("ann"),
        limit: 64,
        unit: "hats",
    };
    assert_eq!(too_many, expected);
    h.ok(set(in_den("ann"), &hats[..64], "")).await;
    for command in [give("ann", "n64"), set_wearers("n64", &["ann"]), claim("ann", "n64")] {
        assert_eq!(h.refused(command).await, expected);
    }
    let refusal = h.refused(update(vec![op_remove("ann", "x"), op_add("ann", "n64")])).await;
    assert_eq!(refusal, Refusal::InOperation { index: 1, refusal: Box::new(expected) });
    // One out and one in keeps to it, in either order.
    h.ok(update(vec![op_add("ann", "n64"), op_remove("ann", "n00")])).await;
    assert_eq!(h.hats("ann").await.len(), 64);
}

async fn documents_have_a_limit_in_bytes(h: &mut Harness) {
    let mut document = Document::default();
    document.hats.insert(hat("a"), active());
    let room_for_one = document.size_bytes();
    h.begin_with(|setup| setup.options.limits.document_bytes_max = room_for_one);
    h.den(&["ann"]).await;
    h.ok(give("ann", "a")).await;
    let titled = Attachment { title: Some(title("x")), ..active() };
    for command in [give("ann", "b"), add(in_den("ann"), "a", titled)] {
        let refusal = h.refused(command).await;
        assert!(matches!(refusal, Refusal::TooManyHats { unit: "bytes of hats", .. }));
    }
    h.ok(set(in_den("ann"), &[("b", active())], "")).await;
}

async fn definitions_have_a_limit(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.definitions_per_room_max = 2);
    h.den(&[]).await;
    h.ok(define("a")).await;
    h.ok(define("b")).await;
    let refusal = h.refused(define("c")).await;
    assert_eq!(refusal, Refusal::TooManyDefinitions { room_jid: room(DEN), limit: 2 });
    h.ok(define_claimable("b")).await;
    h.ok(destroy("a")).await;
    h.ok(define("c")).await;
}

async fn a_commit_changes_the_hats_of_at_most_so_many_users(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.operations_per_commit_max = 2);
    h.den(&["a", "b", "c"]).await;
    let fields = |refusal| match refusal {
        Refusal::InvalidField { field, .. } => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(fields(h.refused(set_wearers("x", &["a", "b", "c"])).await), "user_jids");
    h.ok(set_wearers("x", &["a", "b"])).await;
    // Those who lose the hat count as well.
    assert_eq!(fields(h.refused(set_wearers("x", &["c"])).await), "user_jids");
    h.ok(set_wearers("x", &["a", "b", "c"])).await;
    let out =
        [("a", Affiliation::Outcast), ("b", Affiliation::Outcast), ("c", Affiliation::Outcast)];
    let refused = h.refused(sync(vec![upsert("y@x", &[]), upsert(DEN, &out)], 9)).await;
    assert_eq!(fields(refused), "entries[1]");
    h.ok(sync(vec![upsert(DEN, &out[..2])], 9)).await;
}

async fn a_commit_too_large_for_watchers_is_refused(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.commit_bytes_max = 1000);
    h.den(&["ann", "bob", "cat"]).await;
    let long = format!("urn:{}", "x".repeat(300));
    let refusal = h.refused(set_wearers(&long, &["ann", "bob"])).await;
    assert!(matches!(&refusal, Refusal::InvalidField { field, .. } if field == "user_jids"));
    h.ok(set_wearers(&long, &["ann"])).await;
    // What is removed counts, too: the commit says what it was.
    h.ok(give("bob", &long)).await;
    h.ok(give("cat", &long)).await;
    h.refused(set_wearers(&long, &[])).await;
}

async fn defining_replaces_the_whole_definition(h: &mut Harness) {
    h.den(&[]).await;
    let full = HatDefinition {
        position: 3,
        description: "said at length".into(),
        hue: hatd::hat::Hue::new(12.5),
        self_assignable: true,
        ..definition("a")
    };
    let first = h.ok(define_as(full.clone())).await;
    let expected = HatDefinition { revision: first.revision, ..full };
    assert_eq!(first.definition, Some(expected.clone()));
    assert_eq!(h.last().await.commit.definitions, [expected]);
    let second = h.ok(define("a")).await;
    let plain = HatDefinition { revision: second.revision, ..definition("a") };
    assert_eq!(second.definition, Some(plain));
}

async fn destroying_takes_the_hat_from_everybody(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(define("a")).await;
    h.ok(set(in_den("ann"), &[("a", required()), ("b", active())], "")).await;
    h.ok(give("bob", "a")).await;
    h.ok(destroy("a")).await;
    let commit = h.last().await.commit;
    assert_eq!((commit.cause, commit.users.len()), (Cause::Destroyed, 2));
    assert_eq!(commit.removed_definitions, [hat("a")]);
    assert_eq!(h.hats("ann").await, [hat("b")]);
    // Defined and had by nobody; had and not defined.
    h.ok(define("c")).await;
    h.ok(destroy("c")).await;
    h.ok(destroy("b")).await;
    assert!(h.last().await.commit.removed_definitions.is_empty());
}

async fn destroying_a_hat_of_many_takes_several_commits(h: &mut Harness) {
    h.large = true;
    h.ok(put_room_as(DEN, for_anyone())).await;
    let names: Vec<_> = (0..501).map(|n| format!("u{n:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    h.ok(set_wearers("a", &names[..500])).await;
    h.ok(set_wearers("a", &names)).await;
    h.ok(define("a")).await;
    let before = h.store().head().0;
    let outcome = h.ok(destroy("a")).await;
    let commits = h.since(before).await;
    let sizes: Vec<_> = commits.iter().map(|entry| entry.commit.users.len()).collect();
    assert_eq!(sizes, [500, 1]);
    assert!(commits[0].commit.removed_definitions.is_empty());
    assert_eq!(commits[1].commit.removed_definitions, [hat("a")]);
    assert_eq!(outcome.revision, commits[1].commit.revision);
    assert_eq!((outcome.counts.commits, outcome.counts.removed_hats), (2, 501));
    h.unchanged(destroy("a")).await;
}

async fn destroying_goes_on_where_it_was_cut_off(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.operations_per_commit_max = 2);
    let names = ["a", "b", "c", "d", "e"];
    h.den(&names).await;
    h.ok(define("x")).await;
    for name in names {
        h.ok(give(name, "x")).await;
    }
    // As a crash between two of its commits leaves it: some have the hat no more, and
    // it is still defined.
    h.ok(set_wearers("x", &["c", "d", "e"])).await;
    h.kill();
    let before = h.store().head().0;
    h.ok(destroy("x")).await;
    let commits = h.since(before).await;
    assert_eq!(commits.iter().map(|entry| entry.commit.users.len()).sum::<usize>(), 3);
    assert!(commits.iter().all(|entry| entry.commit.cause == Cause::Destroyed));
    assert_eq!(commits.last().unwrap().commit.removed_definitions, [hat("x")]);
    h.unchanged(destroy("x")).await;
}

async fn destroying_halves_until_commits_fit(h: &mut Harness) {
    h.begin_with(|setup| setup.options.limits.commit_bytes_max = 1500);
    h.ok(put_room_as(DEN, for_anyone())).await;
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let long = format!("urn:{}", "x".repeat(300));
    for name in names {
        h.ok(set(in_den(name), &[("x", active()), (long.as_str(), active())], "")).await;
    }
    let before = h.store().head().0;
    let outcome = h.ok(destroy("x")).await;
    let commits = h.since(before).await;
    assert!(commits.len() > 1, "whole documents of seven users do not fit into one");
    assert_eq!(commits.iter().map(|entry| entry.commit.users.len()).sum::<usize>(), 7);
    assert_eq!(outcome.counts.removed_hats, 7);
}

async fn destroying_the_unknown_is_no_change(h: &mut Harness) {
    h.den(&["ann"]).await;
    let outcome = h.unchanged(destroy("a")).await;
    assert_eq!(outcome.revision, h.store().room(&room(DEN)).await.unwrap().unwrap().head);
}

async fn an_undefined_hat_is_refused_where_only_defined_ones_may_be(h: &mut Harness) {
    h.den(&["ann", "bob"]).await;
    h.ok(give("ann", "a")).await;
    h.ok(put_room_as(DEN, defined_only())).await;
    // What she had stays and may be changed, but is not newly put on.
    h.ok(doff("ann", "a")).await;
    h.ok(add(in_den("ann"), "a", required())).await;
    let undefined = Refusal::HatNotDefined { room_jid: room(DEN), hat_id: hat("a") };
    assert_eq!(h.refused(give("bob", "a")).await, undefined);
    assert_eq!(h.refused(set_wearers("a", &["ann", "bob"])).await, undefined);
    h.ok(remove(in_den("ann"), "a")).await;
    assert_eq!(h.refused(give("ann", "a")).await, undefined);
    h.ok(define("a")).await;
    h.ok(give("ann", "a")).await;
}

async fn hats_whose_ids_begin_alike_are_told_apart(h: &mut Harness) {
    let rooms = ["den@rooms.example", "den2@rooms.example", "den@rooms.example.org"];
    for room_jid in rooms {
        h.ok(put_room_as(room_jid, for_anyone())).await;
        for name in ["a@b", "a@b.c", "aa@b"] {
            for id in ["urn:a", "urn:a:b", "urn:ab"] {
                h.ok(add(target(room_jid, name), id, active())).await;
            }
        }
    }
    h.ok(destroy("urn:a")).await;
    h.ok(forget("a@b")).await;
    h.ok(delete_room("den@rooms.example")).await;
    let left = h.store().document(&room("den2@rooms.example"), &user("a@b.c")).await.unwrap().1;
    assert_eq!(left.hats.len(), 3);
}
