//! The checker is checked: it finds each bug that a server has on purpose.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::check::{Kind, check};
use super::workload::record;
use crate::support::BUSY;
use crate::watch::traffic;

/// Histories within which a bug must be found. Most are found in the first.
const HISTORIES_MAX: usize = 15;

/// Checks that histories of a server with a bug show it, in one of some ways.
async fn is_found(bug: &'static str, kinds: &[Kind]) {
    let _busy = BUSY.read().await;
    let mut rng = StdRng::seed_from_u64(traffic::seed());
    for number in 1..=HISTORIES_MAX {
        let history = Box::pin(record(rng.random(), Some(bug))).await;
        let violations = check(&history);
        if violations.iter().any(|violation| kinds.contains(&violation.kind)) {
            println!("{bug} is found by history {number}");
            return;
        }
        assert!(violations.is_empty(), "{bug} is found as something else: {violations:#?}");
    }
    panic!("{bug} survives {HISTORIES_MAX} histories");
}

macro_rules! planted {
    ($($name:ident: $bug:literal, $kinds:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                is_found($bug, &$kinds).await;
            }
        )*
    };
}

planted! {
    answers_before_the_commit_are_found: "answer-before-commit",
        [Kind::Stale, Kind::Answer, Kind::Condition];
    ignored_etags_are_found: "etags-ignored", [Kind::Condition];
    ignored_preconditions_are_found: "preconditions-ignored", [Kind::Condition];
    an_update_in_part_is_found: "update-in-part", [Kind::Effect, Kind::Answer];
    a_commit_of_nothing_is_found: "unchanged-committed", [Kind::Effect, Kind::Answer];
    an_outcast_who_keeps_the_hats_is_found: "outcast-keeps-hats", [Kind::Effect, Kind::Answer];
    hats_that_end_with_another_are_found: "expiry-takes-all", [Kind::Effect];
    a_catalogue_that_outlives_its_room_is_found: "deleted-room-keeps-catalogue",
        [Kind::Effect, Kind::Answer, Kind::Condition, Kind::Watch];
    a_change_without_what_was_before_is_found: "previous-missing", [Kind::Effect];
    a_commit_that_a_watch_misses_is_found: "watch-skips-commit", [Kind::Watch, Kind::Answer];
    a_resume_that_repeats_is_found: "resume-repeats", [Kind::Watch, Kind::Order];
    a_commit_in_two_is_found: "commit-split", [Kind::Watch, Kind::Order];
    a_bookmark_ahead_of_its_watch_is_found: "bookmark-ahead", [Kind::Watch, Kind::Answer];
    removals_that_are_hidden_are_found: "removals-hidden", [Kind::Answer, Kind::Effect];
    a_selector_that_is_too_wide_is_found: "selector-too-wide", [Kind::Watch];
    repeated_revisions_are_found: "revision-repeats", [Kind::Order, Kind::Answer, Kind::Twice];
    forgotten_request_ids_are_found: "requests-forgotten", [Kind::Twice];
}
