//! The faults are checked: a hatd with a bug must not survive them.

use super::kills::kill_often;
use super::power_cut::cut_often;
use super::volume::{Kind, Volume};
use crate::support::{BUSY, failure, toolchain::or_skip};
use crate::watch::traffic;

/// Cycles within which a bug must be found. Most are found in the first few.
const CYCLES_MAX: usize = 60;

/// Cycles of kills that a bug must survive which only a power cut shows.
const KILLS: usize = 10;

/// Checks that a fault finds a bug, and that it says one of some things of it.
async fn is_found<T: Send + 'static>(
    bug: &str,
    says: &[&str],
    fault: impl Future<Output = T> + Send + 'static,
) {
    let _busy = BUSY.read().await;
    let found = failure(fault).await;
    let found = found.unwrap_or_else(|| panic!("{bug} survives {CYCLES_MAX} cycles"));
    assert!(says.iter().any(|says| found.contains(says)), "{bug}: {found}");
}

async fn is_found_by_kills(bug: &'static str, says: &[&str]) {
    is_found(bug, says, kill_often(traffic::seed(), CYCLES_MAX, Some(bug))).await;
}

async fn is_found_by_power_cuts(kind: Kind, bug: &'static str, says: &[&str]) {
    if or_skip(Volume::make(kind)).is_some() {
        let cuts = Box::pin(cut_often(kind, traffic::seed(), CYCLES_MAX, Some(bug)));
        is_found(bug, says, async { cuts.await.unwrap() }).await;
    }
}

/// What is said of something that was answered or shown, and is gone.
const LOST: [&str; 5] =
    ["is lost", "was answered with", "was shown with", "the watch goes on", "was durable"];

#[tokio::test]
async fn answers_before_the_sync_are_found_by_power_cuts_and_not_by_kills() {
    is_found_by_power_cuts(Kind::Ext4, "answer-before-sync", &LOST).await;
    kill_often(traffic::seed(), KILLS, Some("answer-before-sync")).await;
}

#[tokio::test]
async fn news_before_the_sync_is_found_by_power_cuts() {
    is_found_by_power_cuts(Kind::Ext4, "publish-before-sync", &LOST).await;
}

#[tokio::test]
async fn a_checkpoint_that_is_not_synced_is_found_by_power_cuts() {
    // ext4 itself syncs a file that takes the place of another one.
    is_found_by_power_cuts(Kind::Xfs, "checkpoint-unsynced", &["hatd ended"]).await;
}

#[tokio::test]
async fn a_state_made_again_without_the_last_commit_is_found_by_power_cuts() {
    let says = [&LOST[..], &["a watch leads to the state"]].concat();
    is_found_by_power_cuts(Kind::Ext4, "rebuild-misses-last", &says).await;
}

#[tokio::test]
async fn a_revision_that_repeats_is_found_by_kills() {
    is_found_by_kills("revision-repeats", &["after Some(", "revision: "]).await;
}

#[tokio::test]
async fn forgotten_request_ids_are_found_by_kills() {
    is_found_by_kills("requests-forgotten", &["is done once"]).await;
}
