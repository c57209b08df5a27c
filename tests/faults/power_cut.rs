//! The power is cut: of all that was not synced, anything may be gone.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::kills::{ANSWERS_MAX, starting};
use super::oracle::Oracle;
use super::volume::{Kind, Volume, note_another_boot};
use super::{Survived, cycles};
use crate::process::hatd::Hatd;
use crate::support::BUSY;
use crate::support::toolchain::{Missing, or_skip};
use crate::watch::traffic;

/// Cycles after which a new volume and a new store are made.
const CYCLES_PER_STORE: usize = 10;

/// Cuts the power of one store after another.
pub(super) async fn cut_often(
    kind: Kind,
    seed: u64,
    cycles: usize,
    bug: Option<&str>,
) -> Result<Survived, Missing> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut survived = Survived::default();
    while survived.cycles < cycles {
        let mut volume = Volume::make(kind)?;
        let data_dir = volume.path().join("data");
        let mut hatd = Hatd::serve(&mut starting(&data_dir, bug)).await;
        let mut oracle = Oracle::of_new(&hatd, rng.random()).await;
        for cycle in 0..CYCLES_PER_STORE.min(cycles - survived.cycles) {
            // The first cut comes soon after the first start.
            let answers = rng.random_range(1..=if cycle == 0 { 3 } else { ANSWERS_MAX });
            let cut = async {
                // Nothing runs on after a power cut. Or else a sync that was at work might return,
                // as some do on a file system that was shut down, without having done anything.
                hatd.freeze().await;
                volume.cut();
                hatd.signal("KILL").await;
            };
            oracle.load(&hatd, answers, cut).await;
            hatd.ended().await;
            volume.mount_again();
            note_another_boot(&data_dir);
            hatd = Hatd::serve(&mut starting(&data_dir, bug)).await;
            oracle.check(&hatd).await;
            survived.cycles += 1;
        }
        survived.answers += oracle.answers;
        hatd.stop().await;
    }
    Ok(survived)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_nothing_that_was_answered_or_shown() {
    let _busy = BUSY.read().await;
    let (seed, cycles) = (traffic::seed(), cycles(100).div_ceil(2));
    let (ext4, xfs) = tokio::join!(
        tokio::spawn(cut_often(Kind::Ext4, seed, cycles, None)),
        tokio::spawn(cut_often(Kind::Xfs, seed.wrapping_add(1), cycles, None)),
    );
    for (name, survived) in [("ext4", ext4), ("xfs", xfs)] {
        let Some(survived) = or_skip(survived.unwrap()) else { return };
        survived.say(&format!("power cut, {name}"));
    }
}
