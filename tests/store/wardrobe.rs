//! What users may do to their own hats.

use hatd::command::{Command, Refusal};
use hatd::hat::{Affiliation, HatId};

use super::conformance;
use crate::support::at;
use crate::support::commands::*;
use crate::support::harness::Harness;

conformance! {
    wearing_and_doffing_set_active_and_nothing_else,
    a_hat_not_had_is_not_found,
    a_required_hat_is_neither_doffed_nor_discarded,
    a_discarded_hat_is_gone,
    only_self_assignable_hats_are_claimed,
    a_claim_of_a_hat_already_had_changes_nothing,
}

async fn wearing_and_doffing_set_active_and_nothing_else(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(add(in_den("ann"), "a", until(100))).await;
    let given = h.document("ann").await.hats[&hat("a")].given.clone();
    h.clock.set(5);
    h.unchanged(wear("ann", "a")).await;
    h.ok(doff("ann", "a")).await;
    h.unchanged(doff("ann", "a")).await;
    let had = h.document("ann").await.hats[&hat("a")].clone();
    assert_eq!((had.active, had.expire_time), (false, Some(at(100))));
    h.ok(wear("ann", "a")).await;
    let document = h.document("ann").await;
    assert_eq!(document.hats[&hat("a")].expire_time, Some(at(100)));
    assert_eq!(document.hats[&hat("a")].given, given);
    assert_eq!(document.update_time, Some(at(5)));
}

async fn a_hat_not_had_is_not_found(h: &mut Harness) {
    h.den(&["ann"]).await;
    let not_found =
        Refusal::HatNotFound { room_jid: room(DEN), user_jid: user("ann"), hat_id: hat("a") };
    for command in [wear("ann", "a"), doff("ann", "a"), discard("ann", "a")] {
        assert_eq!(h.refused(command).await, not_found);
    }
}

async fn a_required_hat_is_neither_doffed_nor_discarded(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(define_claimable("a")).await;
    h.ok(add(in_den("ann"), "a", required())).await;
    for command in [doff("ann", "a"), discard("ann", "a")] {
        let refusal = h.refused(command).await;
        assert!(matches!(refusal, Refusal::HatRequired { .. }), "{refusal:?}");
    }
    h.unchanged(claim("ann", "a")).await;
    // Programs may, and may end that it is required.
    h.ok(give("ann", "a")).await;
    h.ok(discard("ann", "a")).await;
    h.ok(add(in_den("ann"), "a", required())).await;
    h.ok(remove(in_den("ann"), "a")).await;
}

async fn a_discarded_hat_is_gone(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(give("ann", "a")).await;
    h.ok(discard("ann", "a")).await;
    assert!(h.hats("ann").await.is_empty());
    h.refused(discard("ann", "a")).await;
}

async fn only_self_assignable_hats_are_claimed(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(put_room_as(DEN, defined_only())).await;
    let undefined = Refusal::HatNotDefined { room_jid: room(DEN), hat_id: hat("a") };
    assert_eq!(h.refused(claim("ann", "a")).await, undefined);
    h.ok(define("a")).await;
    let refusal = h.refused(claim("ann", "a")).await;
    assert_eq!(refusal, Refusal::HatNotSelfAssignable { room_jid: room(DEN), hat_id: hat("a") });
    h.ok(define_claimable("a")).await;
    h.ok(claim("ann", "a")).await;
    assert!(h.document("ann").await.hats[&hat("a")].same_but_given(&active()));

    // Who may have no hats claims none, and who has some left over claims no more.
    h.ok(define_claimable("b")).await;
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(claim("eve", "a")).await;
    h.ok(put_room_as(DEN, for_affiliated())).await;
    for name in ["eve", "bob"] {
        let refusal = h.refused(claim(name, "b")).await;
        assert!(matches!(refusal, Refusal::UserNotAffiliated { .. }), "{refusal:?}");
    }
    h.ok(affiliate(in_den("bob"), Affiliation::Outcast)).await;
    let refusal = h.refused(claim("bob", "b")).await;
    assert!(matches!(refusal, Refusal::UserNotAffiliated { .. }), "{refusal:?}");
}

async fn a_claim_of_a_hat_already_had_changes_nothing(h: &mut Harness) {
    h.den(&["ann"]).await;
    h.ok(define_claimable("a")).await;
    h.ok(add(in_den("ann"), "a", inactive())).await;
    h.unchanged(claim("ann", "a")).await;
    let ids: Vec<HatId> = h.hats("ann").await;
    assert_eq!(ids, [hat("a")]);
    h.ok(define("a")).await;
    let claim = Command::ClaimHat { target: in_den("ann"), hat_id: hat("a") };
    assert!(matches!(h.refused(claim).await, Refusal::HatNotSelfAssignable { .. }));
}
