//! The conformance suite: every case runs on every engine.

mod checkpoints;
mod expiry;
mod hats;
mod history;
mod lists;
mod requests;
mod restarts;
mod rooms;
mod wardrobe;
mod watches;

use crate::support::harness::Harness;
use crate::support::reads::assert_consistent;
use hatd::commit::Position;
use hatd::store::Error;

/// Makes tests of cases, one for each engine.
///
/// A case is an `async fn(&mut Harness)`. However it ends, the store must then be of
/// one mind, and still be so, with the same history, when it was killed and closed.
macro_rules! conformance {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $case() {
                $crate::store::run!($crate::support::harness::Engine::Memory, super::$case);
            })+
        }

        mod embedded {
            $(#[tokio::test]
            async fn $case() {
                $crate::store::run!($crate::support::harness::Engine::Embedded, super::$case);
            })+
        }
    };
}

macro_rules! run {
    ($engine:expr, $case:path) => {{
        let mut harness = $crate::support::harness::Harness::new($engine);
        Box::pin($case(&mut harness)).await;
        Box::pin($crate::store::check_after(&mut harness)).await;
    }};
}

use {conformance, run};

/// More commits than this are not compared again after every case, to keep the suite
/// quick.
const COMPARED_MAX: u64 = 200;

async fn check_after(h: &mut Harness) {
    let trimmed = matches!(h.store().commits_after(Position::START, 1).await, Err(Error::Expired));
    if trimmed || h.large || h.store().head().0.get() > COMPARED_MAX {
        return;
    }
    let history = assert_consistent(h.store()).await;
    h.kill();
    assert_eq!(assert_consistent(h.store()).await, history, "after a kill");
    h.reopen().await;
    assert_eq!(assert_consistent(h.store()).await, history, "after a clean stop");
}
