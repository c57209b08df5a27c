//! `SyncRooms`: rooms brought up to date in bulk, and what guards them.

use ErrorReason::{InvalidField, SyncWouldRemove};
use pb::Affiliation::{Admin, Member, None as NoAffiliation, Outcast, Owner};

use super::support::*;

const A: &str = "a@localhost";
const B: &str = "b@localhost";
const C: &str = "c@localhost";
const D: &str = "d@localhost";

/// [`ROOM`] with these members, each with one hat.
async fn with_members(members: &[&str]) -> Hatd {
    let hatd = Hatd::start().await;
    hatd.put_room(ROOM).await;
    for user in members {
        hatd.affiliate(ROOM, user, Member).await;
        hatd.give(ROOM, user, HAT).await;
    }
    hatd
}

fn entry(mode: pb::SyncMode, listed: &[(&str, pb::Affiliation)]) -> pb::SyncEntry {
    let listed = listed.iter().map(|(user, affiliation)| ((*user).to_owned(), *affiliation));
    pb::SyncEntry {
        room_jid: ROOM.into(),
        mode: mode.into(),
        affiliations: users(listed),
        ..Default::default()
    }
}

fn upsert(listed: &[(&str, pb::Affiliation)]) -> pb::SyncEntry {
    entry(pb::SyncMode::Upsert, listed)
}

/// Replaces the users from `from` to before `until`.
fn replace(from: &str, until: &str, listed: &[(&str, pb::Affiliation)]) -> pb::SyncEntry {
    let (from, until) = (from.into(), until.into());
    pb::SyncEntry { from, until, ..entry(pb::SyncMode::Replace, listed) }
}

fn request(entries: Vec<pb::SyncEntry>, max_removed_hats: u32) -> pb::SyncRoomsRequest {
    pb::SyncRoomsRequest { entries, max_removed_hats, ..Default::default() }
}

async fn sync(hatd: &Hatd, entries: Vec<pb::SyncEntry>, max: u32) -> pb::SyncRoomsResponse {
    hatd.rooms().sync_rooms(request(entries, max)).await.unwrap().into_inner()
}

async fn check_affiliations(hatd: &Hatd, expected: &[(&str, pb::Affiliation)]) {
    let expected: Vec<_> =
        expected.iter().map(|(user, affiliation)| ((*user).to_owned(), *affiliation)).collect();
    assert_eq!(hatd.all_affiliations(ROOM).await, expected);
}

#[tokio::test]
async fn upsert_touches_only_those_listed() {
    let hatd = with_members(&[A, B]).await;
    let answer = sync(&hatd, vec![upsert(&[(B, Owner), (C, Outcast)])], 0).await;
    assert_eq!((answer.changed_entries, answer.changed_users, answer.removed_hats), (1, 2, 0));
    assert!(answer.changed && !answer.replayed);
    assert_eq!(answer.token, hatd.head().await);
    check_affiliations(&hatd, &[(A, Member), (B, Owner), (C, Outcast)]).await;
    assert_eq!(hatd.hat_ids(ROOM, B).await, [HAT]);

    let again = sync(&hatd, vec![upsert(&[(B, Owner), (C, Outcast)])], 0).await;
    assert_eq!((again.changed_entries, again.changed_users, again.changed), (0, 0, false));
    assert_eq!(again.token, answer.token);
}

#[tokio::test]
async fn entries_make_rooms_and_leave_unset_settings_alone() {
    let hatd = Hatd::start().await;
    let open = pb::SyncEntry {
        hat_policy: pb::HatPolicy::DefinedOnly.into(),
        eligibility: pb::Eligibility::Anyone.into(),
        ..upsert(&[])
    };
    let other = pb::SyncEntry { room_jid: "other@localhost".into(), ..upsert(&[(A, Admin)]) };
    let answer = sync(&hatd, vec![open, other], 0).await;
    assert_eq!((answer.changed_entries, answer.changed_users), (2, 1));
    assert!(!sync(&hatd, vec![upsert(&[])], 0).await.changed);
    let rooms = hatd.state().await.rooms;
    let settings: Vec<_> = rooms
        .iter()
        .map(|room| (room.room_jid.as_str(), room.hat_policy(), room.eligibility()))
        .collect();
    let expected = [
        (ROOM, pb::HatPolicy::DefinedOnly, pb::Eligibility::Anyone),
        ("other@localhost", pb::HatPolicy::AnyUri, pb::Eligibility::Affiliated),
    ];
    assert_eq!(settings, expected);
}

#[tokio::test]
async fn f117_replace_touches_nothing_outside_of_its_range() {
    let hatd = with_members(&[A, B, C, D]).await;
    hatd.affiliate(ROOM, "bb@localhost", Outcast).await;

    // From B, but before D: the outcast in between is not listed, and none any more.
    let answer = sync(&hatd, vec![replace(B, D, &[(C, Owner), ("cc@localhost", Member)])], 1).await;
    assert_eq!((answer.changed_users, answer.removed_hats), (4, 1));
    let left = [(A, Member), (C, Owner), ("cc@localhost", Member), (D, Member)];
    check_affiliations(&hatd, &left).await;
    assert_eq!(hatd.hat_ids(ROOM, C).await, [HAT]);
    let same = vec![replace(B, D, &[(C, Owner), ("cc@localhost", Member)])];
    assert!(!sync(&hatd, same, 0).await.changed, "a repeat converges");

    // Bounds are spelled in any way.
    sync(&hatd, vec![replace("D@LocalHost", "", &[])], 1).await;
    check_affiliations(&hatd, &left[..3]).await;
    sync(&hatd, vec![replace("", B, &[])], 1).await;
    check_affiliations(&hatd, &left[1..3]).await;
    sync(&hatd, vec![replace("", "", &[])], 1).await;
    check_affiliations(&hatd, &[]).await;
}

#[tokio::test]
async fn f117_the_guard_holds_the_whole_call_back() {
    let hatd = with_members(&[A, B, C]).await;
    let half = || {
        let other = pb::SyncEntry { room_jid: "other@localhost".into(), ..upsert(&[(A, Member)]) };
        vec![other, replace("", "", &[(A, Member)])]
    };
    let metadata = [("removed_hats", "2"), ("max_removed_hats", "1")];
    hatd.refuses(SyncWouldRemove, &metadata, hatd.rooms().sync_rooms(request(half(), 1))).await;
    // UPSERT included, and the bound is the call's.
    let leave = vec![
        upsert(&[(A, NoAffiliation)]),
        pb::SyncEntry { room_jid: "other@localhost".into(), ..upsert(&[]) },
        upsert(&[(B, Outcast)]),
    ];
    let call = request(leave.clone(), 1);
    hatd.refuses(SyncWouldRemove, &metadata, hatd.rooms().sync_rooms(call)).await;

    assert_eq!(sync(&hatd, leave, 2).await.removed_hats, 2);
    assert_eq!(sync(&hatd, half(), 1).await.removed_hats, 1);
    check_affiliations(&hatd, &[(A, Member)]).await;
    assert!(hatd.hat_ids(ROOM, A).await.is_empty(), "hats do not return");
}

#[tokio::test]
async fn f117_a_room_twice_for_ranges_apart() {
    let hatd = with_members(&[A, B, C, D]).await;
    let apart = vec![replace("", B, &[]), replace(C, "", &[(D, Owner)]), upsert(&[(B, Admin)])];
    let answer = sync(&hatd, apart, 2).await;
    assert_eq!((answer.changed_entries, answer.removed_hats), (3, 2));
    check_affiliations(&hatd, &[(B, Admin), (D, Owner)]).await;

    for (second, overlapping) in [
        ("entries[1]", vec![replace("", C, &[]), replace(B, "", &[])]),
        ("entries[1]", vec![replace("", "", &[]), upsert(&[(A, Member)])]),
        ("entries[1]", vec![upsert(&[(A, Member)]), replace("", "", &[])]),
        ("entries[1]", vec![upsert(&[(A, Member)]), upsert(&[(A, Member)])]),
        ("entries[0]", vec![replace(B, C, &[(A, Member)])]),
        ("entries[0]", vec![replace(B, C, &[(C, Member)])]),
        ("entries[0]", vec![pb::SyncEntry { from: A.into(), ..upsert(&[]) }]),
        ("entries[0].affiliations[1]", vec![upsert(&[(A, Member), ("A@localhost", Owner)])]),
    ] {
        let call = request(overlapping, 100);
        hatd.refuses(InvalidField, &[("field", second)], hatd.rooms().sync_rooms(call)).await;
    }
    for (field, entry) in [
        ("entries[0].from", replace("@", "", &[])),
        ("entries[0].until", replace("", "a@b/c", &[])),
    ] {
        let call = request(vec![entry], 0);
        let field = [("field", field)];
        hatd.refuses(ErrorReason::InvalidUserJid, &field, hatd.rooms().sync_rooms(call)).await;
    }
}

#[tokio::test]
async fn f117_half_of_a_list_is_refused_whole() {
    let hatd = with_members(&[A]).await;
    let bad = pb::SyncEntry { room_jid: "other".into(), ..upsert(&[]) };
    let call = request(vec![upsert(&[(B, Member)]), bad], 0);
    let field = [("field", "entries[1].room_jid")];
    hatd.refuses(ErrorReason::InvalidRoomJid, &field, hatd.rooms().sync_rooms(call)).await;
}

#[tokio::test]
async fn in_a_room_for_anyone_only_a_ban_takes_hats() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    for user in [A, B, C, D] {
        hatd.give(ROOM, user, HAT).await;
    }
    hatd.affiliate(ROOM, A, Member).await;
    let entries = vec![replace("", "", &[(B, NoAffiliation), (C, Outcast)])];
    let answer = sync(&hatd, entries, 1).await;
    assert_eq!((answer.changed_users, answer.removed_hats), (2, 1));
    check_affiliations(&hatd, &[(C, Outcast)]).await;
    for user in [A, B, D] {
        assert_eq!(hatd.hat_ids(ROOM, user).await, [HAT]);
    }
}

#[tokio::test]
async fn an_entry_lists_or_removes_at_most_10_000_users() {
    let hatd = Hatd::start().await;
    let listed = |range: std::ops::Range<usize>| pb::SyncEntry {
        affiliations: users(range.map(|n| (format!("{n}@b"), Member))),
        ..upsert(&[])
    };
    sync(&hatd, vec![listed(0..10_000)], 0).await;
    let field = [("field", "entries[0].affiliations")];
    let call = request(vec![listed(0..10_001)], 0);
    hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(call)).await;

    sync(&hatd, vec![listed(10_000..10_001)], 0).await;
    let field = [("field", "entries[0]")];
    let call = request(vec![replace("", "", &[])], 0);
    hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(call)).await;
    let answer = sync(&hatd, vec![replace("", "", &[("0@b", Member)])], 0).await;
    assert_eq!(answer.changed_users, 10_000);
}

#[tokio::test]
async fn an_entry_changes_the_hats_of_at_most_500_users() {
    let hatd = Hatd::start().await;
    hatd.put_room_for_anyone(ROOM).await;
    let user = |n: usize| format!("user{n}@localhost");
    for half in [0..250, 250..500, 500..501] {
        hatd.hats()
            .update_room_hats(update_request(half.map(|n| add(&user(n), HAT))))
            .await
            .unwrap();
    }
    let ban = |users_max: usize| pb::SyncEntry {
        affiliations: users((0..users_max).map(|n| (user(n), Outcast))),
        ..upsert(&[])
    };
    let call = request(vec![ban(501)], 501);
    let field = [("field", "entries[0]")];
    hatd.refuses(InvalidField, &field, hatd.rooms().sync_rooms(call)).await;
    assert_eq!(sync(&hatd, vec![ban(500)], 500).await.removed_hats, 500);
}
