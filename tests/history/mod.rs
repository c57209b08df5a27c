//! Histories of concurrent clients, recorded from outside and then checked: that all calls fit one
//! order, in which each took effect between its beginning and its end (linearizability), and that
//! watches were shown exactly that order.
//!
//! By default a few histories are checked; `HATD_TEST_HISTORIES=1000` asks for more.

mod by_hand;
mod check;
mod model;
mod planted;
mod record;
mod workload;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use self::check::check;
use self::workload::record;
use crate::support::BUSY;
use crate::watch::traffic;

/// Histories of a run, if the environment does not say. Our choice: some 20 seconds' work.
const HISTORIES: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_history_fits_one_order_and_watches_show_it() {
    let _busy = BUSY.read().await;
    let histories = std::env::var("HATD_TEST_HISTORIES");
    let histories = histories.map_or(HISTORIES, |it| it.parse().expect("it is a number"));
    let mut rng = StdRng::seed_from_u64(traffic::seed());
    let (mut calls, mut commits, mut shown) = (0, 0, 0);
    for _ in 0..histories {
        let seed = rng.random();
        let history = Box::pin(record(seed, None)).await;
        let violations = check(&history);
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
        calls += history.calls.len();
        commits += history.log.len();
        shown += history.watches.iter().map(|watch| watch.news.len()).sum::<usize>();
    }
    println!(
        "{histories} histories: {calls} calls, {commits} commits, {shown} shown to watches, 0 violations"
    );
}
