//! SIGKILL at any time: while a server serves, takes a checkpoint, begins a segment, starts.

use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tokio::process::Command;

use super::oracle::Oracle;
use super::{Survived, cycles};
use crate::process::hatd::{Hatd, command, on};
use crate::support::BUSY;
use crate::watch::traffic;

/// Stores that are killed side by side.
const LANES: usize = 4;
/// Cycles after which a lane begins a new store: so young ones are met, and older ones.
const CYCLES_PER_STORE: usize = 25;
/// Writes that are answered before a kill, at most.
pub(super) const ANSWERS_MAX: usize = 300;
/// When a starting server is killed, at most: before it is done and after.
const START_MAX: Duration = Duration::from_millis(150);

/// A server that takes checkpoints and begins segments all the time, so that faults meet them;
/// with a bug, if one is named.
pub(super) fn starting(data_dir: &Path, bug: Option<&str>) -> Command {
    let mut command = command(&on(data_dir, "127.0.0.1:0"));
    command.args(["--checkpoint-bytes=16KiB", "--log-segment-bytes=16KiB"]);
    // The volumes of the tests are small.
    command.args(["--min-free-bytes=1MiB", "--log-filter=warn,hatd=info"]);
    if let Some(bug) = bug {
        command.env("HATD_TEST_BUG", bug);
    }
    command
}

/// Kills the servers of one store after another.
pub(super) async fn kill_often(seed: u64, cycles: usize, bug: Option<&str>) -> Survived {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut survived = Survived::default();
    while survived.cycles < cycles {
        let dir = TempDir::new().unwrap();
        let mut hatd = Hatd::serve(&mut starting(dir.path(), bug)).await;
        let mut oracle = Oracle::of_new(&hatd, rng.random()).await;
        for _ in 0..CYCLES_PER_STORE.min(cycles - survived.cycles) {
            let answers = rng.random_range(1..=ANSWERS_MAX);
            oracle.load(&hatd, answers, hatd.signal("KILL")).await;
            hatd.ended().await;
            if rng.random_bool(0.3) {
                kill_a_start(dir.path(), bug, rng.random_range(Duration::ZERO..START_MAX)).await;
            }
            hatd = Hatd::serve(&mut starting(dir.path(), bug)).await;
            oracle.check(&hatd).await;
            survived.cycles += 1;
        }
        survived.answers += oracle.answers;
        hatd.stop().await;
    }
    survived
}

async fn kill_a_start(data_dir: &Path, bug: Option<&str>, after: Duration) {
    let mut child = starting(data_dir, bug).spawn().unwrap();
    tokio::time::sleep(after).await;
    child.start_kill().unwrap();
    child.wait().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_that_was_answered_or_shown() {
    let _busy = BUSY.read().await;
    let (seed, cycles) = (traffic::seed(), cycles(300));
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let seed = seed.wrapping_add(lane as u64);
        lanes.spawn(kill_often(seed, cycles.div_ceil(LANES), None));
    }
    let mut survived = Survived::default();
    while let Some(lane) = lanes.join_next().await {
        survived = survived.and(lane.unwrap());
    }
    survived.say("kill -9");
}
