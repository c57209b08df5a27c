//! Subscribers are told of what touches their scope, and of nothing else.

use futures_util::FutureExt as _;
use hatd::commit::Position;
use hatd::hat::Affiliation;
use hatd::jid::Domain;
use hatd::store::{Scope, Subscription, Taken};

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::Harness;

conformance! {
    a_scope_is_touched_by_its_own_commits_only,
    documents_without_hats_wake_nobody,
    a_deleted_room_touches_every_user,
    settings_and_definitions_touch_the_room_and_not_its_users,
    the_first_position_is_kept_until_it_is_taken,
    a_waiting_subscriber_is_woken,
    no_ops_and_refusals_wake_nobody,
    a_subscriber_that_reads_when_touched_misses_nothing,
    a_dropped_subscription_leaves_others_alone,
}

struct Scopes {
    all: Subscription,
    domain: Subscription,
    room: Subscription,
    user: Subscription,
}

fn subscribe(h: &Harness, domain: &str, room_jid: &str, name: &str) -> Scopes {
    let scope = |scope| h.store().subscribe(scope);
    Scopes {
        all: scope(Scope { all: true, ..Scope::default() }),
        domain: scope(Scope { domains: vec![Domain::parse(domain).unwrap()], ..Scope::default() }),
        room: scope(Scope { rooms: vec![room(room_jid)], ..Scope::default() }),
        user: scope(Scope { users: vec![user(name)], ..Scope::default() }),
    }
}

impl Scopes {
    /// Who was touched since this was last called: all, domain, room, user.
    fn touched(&self) -> [bool; 4] {
        [&self.all, &self.domain, &self.room, &self.user].map(|it| it.take().first.is_some())
    }
}

async fn two_rooms(h: &Harness) -> Scopes {
    h.ok(put_room_as("a@x.example", for_anyone())).await;
    h.ok(put_room_as("b@x.example", for_anyone())).await;
    h.ok(put_room_as("a@y.example", for_anyone())).await;
    let scopes = subscribe(h, "x.example", "a@x.example", "ann");
    assert_eq!(scopes.touched(), [false; 4], "what came before is not news");
    scopes
}

async fn a_scope_is_touched_by_its_own_commits_only(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    let cases = [
        (target("a@x.example", "ann"), [true, true, true, true]),
        (target("a@x.example", "bob"), [true, true, true, false]),
        (target("b@x.example", "ann"), [true, true, false, true]),
        (target("a@y.example", "ann"), [true, false, false, true]),
        (target("a@y.example", "bob"), [true, false, false, false]),
    ];
    for (target, touched) in cases {
        for command in [add(target.clone(), "a", active()), remove(target.clone(), "a")] {
            h.ok(command).await;
            assert_eq!(scopes.touched(), touched, "{target:?}");
            assert_eq!(scopes.touched(), [false; 4], "told once");
        }
    }
}

async fn documents_without_hats_wake_nobody(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    let ann = target("a@x.example", "ann");
    h.ok(affiliate(ann.clone(), Affiliation::Member)).await;
    h.ok(affiliate(ann.clone(), Affiliation::Outcast)).await;
    assert_eq!(scopes.touched(), [false; 4]);
    h.ok(affiliate(ann.clone(), Affiliation::Member)).await;
    h.ok(add(ann.clone(), "a", active())).await;
    assert_eq!(scopes.touched(), [true; 4]);
    // Of a document that has hats, the affiliation is told, too, and so is its end.
    h.ok(affiliate(ann.clone(), Affiliation::Admin)).await;
    assert_eq!(scopes.touched(), [true; 4]);
    h.ok(affiliate(ann, Affiliation::Outcast)).await;
    assert_eq!(scopes.touched(), [true; 4]);
}

async fn a_deleted_room_touches_every_user(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    h.ok(delete_room("a@x.example")).await;
    assert_eq!(scopes.touched(), [true; 4]);
    h.ok(delete_room("a@y.example")).await;
    assert_eq!(scopes.touched(), [true, false, false, true]);
}

async fn settings_and_definitions_touch_the_room_and_not_its_users(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(give("ann", "b")).await;
    let scopes = subscribe(h, "rooms.example", DEN, "ann");
    for command in [put_room_as(DEN, defined_only()), define("a"), destroy("a")] {
        h.ok(command).await;
        assert_eq!(scopes.touched(), [true, true, true, false]);
    }
    h.ok(put_room("new@rooms.example")).await;
    assert_eq!(scopes.touched(), [true, true, false, false]);
}

async fn the_first_position_is_kept_until_it_is_taken(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    let first = h.ok(add(target("a@x.example", "ann"), "a", active())).await;
    h.ok(add(target("a@x.example", "ann"), "b", active())).await;
    assert_eq!(scopes.room.take().first, Some(first.position));
    assert_eq!(scopes.room.take().first, None);
    let third = h.ok(add(target("a@x.example", "ann"), "c", active())).await;
    assert_eq!(scopes.room.take().first, Some(third.position));
}

async fn a_waiting_subscriber_is_woken(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    let waiting = scopes.room.touched();
    let mut waiting = std::pin::pin!(waiting);
    assert_eq!(waiting.as_mut().now_or_never(), None);
    h.ok(add(target("a@x.example", "ann"), "a", active())).await;
    waiting.await;
    assert!(scopes.room.take().first.is_some());
    // Touched before it waits, it does not wait.
    h.ok(add(target("a@x.example", "ann"), "b", active())).await;
    scopes.room.touched().await;
}

async fn no_ops_and_refusals_wake_nobody(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(give("ann", "a")).await;
    let scopes = subscribe(h, "rooms.example", DEN, "ann");
    h.unchanged(give("ann", "a")).await;
    h.refused(discard("ann", "b")).await;
    assert_eq!(scopes.touched(), [false; 4]);
}

async fn a_subscriber_that_reads_when_touched_misses_nothing(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    let store = h.store();
    let (mut cursor, _) = store.head();
    let subscription = store.subscribe(Scope { rooms: vec![room(DEN)], ..Scope::default() });
    let last = Position::new(cursor.get() + 60);
    let reader = async {
        let mut seen = 0;
        while cursor < last {
            subscription.touched().await;
            let Taken { first: Some(_), head: (head, _) } = subscription.take() else { continue };
            while cursor < head {
                for entry in store.commits_after(cursor, 400).await.unwrap() {
                    cursor = entry.position;
                    seen += 1;
                }
            }
        }
        seen
    };
    let writer = async {
        for n in 0..60 {
            h.ok(give("ann", &format!("n{n}"))).await;
            tokio::task::yield_now().await;
        }
    };
    let (seen, ()) = tokio::join!(reader, writer);
    assert_eq!(seen, 60);
}

async fn a_dropped_subscription_leaves_others_alone(h: &mut Harness) {
    let scopes = two_rooms(h).await;
    drop(subscribe(h, "x.example", "a@x.example", "ann"));
    h.ok(add(target("a@x.example", "ann"), "a", active())).await;
    assert_eq!(scopes.touched(), [true; 4]);
}
