//! What hatd does to a whole store is cut off at every kind of step: before a write, a sync, a rename,
//! a removal. What was there stays, and it can be begun again.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::damage::copy;
use super::io_errors::{kill_traced, strace};
use super::kills::starting;
use crate::hatctl::done;
use crate::process::hatd::{Hatd, command, run, under};
use crate::support::BUSY;
use crate::support::toolchain::or_skip;
use crate::watch::held::Held;
use crate::watch::traffic;

/// Calls of the system that change what is on a disk.
const CALLS: [&str; 8] =
    ["write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "unlinkat", "mkdir"];

/// A store that was stopped, a backup of it, and what it holds.
struct Made {
    _dir: TempDir,
    data_dir: PathBuf,
    backup: PathBuf,
    held: Held,
}

impl Made {
    async fn make() -> Self {
        let dir = TempDir::new().unwrap();
        let (data_dir, backup) = (dir.path().join("data"), dir.path().join("backup"));
        let hatd = Hatd::serve(&mut starting(&data_dir, None)).await;
        let client = hatd.client().await;
        traffic::prepare(&client).await;
        traffic::write(&client, traffic::seed(), 4, 60).await;
        done(&hatd, &["backup", backup.to_str().unwrap()]).await;
        let held = Held::of(&client).await;
        hatd.stop().await;
        Self { _dir: dir, data_dir, backup, held }
    }

    /// Checks that a directory has all of it.
    async fn check(&self, what: &str, data_dir: &Path) {
        let hatd = Hatd::serve(&mut starting(data_dir, None)).await;
        assert!(Held::of(&hatd.client().await).await == self.held, "{what}");
        hatd.stop().await;
    }
}

/// A command of hatd on a data directory.
fn hatd(arguments: &[&str], data_dir: &Path) -> Command {
    let mut hatd = command(arguments);
    hatd.arg("--data-dir").arg(data_dir);
    hatd
}

/// The command under strace, which kills it at the nth call of a kind in any of its threads.
fn killed_at(call: &str, nth: usize, command: &Command) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
    strace.arg("-e").arg(format!("inject={call}:signal=KILL:when={nth}"));
    under(strace, command)
}

/// Which calls of a kind are tried: the first ones, and ever fewer of those after them.
fn some() -> impl Iterator<Item = usize> {
    iter::successors(Some(1), |nth| Some(nth + 1 + nth / 4))
}

#[tokio::test]
async fn a_restore_that_is_cut_off_anywhere_leaves_no_store_and_is_done_when_begun_again() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    let mut cuts = 0;
    for call in CALLS {
        for nth in some() {
            let dir = TempDir::new().unwrap();
            let data_dir = dir.path().join("restored");
            let what = format!("restore, {call} {nth}");
            let restore = hatd(&["restore", made.backup.to_str().unwrap()], &data_dir);
            let ended = run(&mut killed_at(call, nth, &restore)).await;
            if let Some(code) = ended.code() {
                assert_eq!(code, 0, "{what}: {}", ended.log);
                break;
            }
            cuts += 1;
            // None yet, one that is not whole, or all of it.
            let verified = run(&mut hatd(&["verify"], &data_dir)).await;
            let is_whole = match verified.code() {
                Some(65) => !verified.log.contains("a restore was cut off"),
                Some(66) => false,
                code => code == Some(0),
            };
            let again =
                run(&mut hatd(&["restore", made.backup.to_str().unwrap()], &data_dir)).await;
            let expected = if is_whole { 73 } else { 0 };
            assert_eq!(again.code(), Some(expected), "{what}: {verified:?}, then {}", again.log);
            made.check(&what, &data_dir).await;
        }
    }
    println!("restore: cut off {cuts} times");
    assert!(cuts > 10, "{cuts}");
}

#[tokio::test]
async fn a_compact_that_is_cut_off_anywhere_loses_nothing() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    let mut cuts = 0;
    for call in CALLS {
        for nth in some() {
            let dir = TempDir::new().unwrap();
            copy(&made.data_dir, dir.path());
            let what = format!("compact, {call} {nth}");
            let compact = hatd(&["compact"], dir.path());
            let ended = run(&mut killed_at(call, nth, &compact)).await;
            if let Some(code) = ended.code() {
                assert_eq!(code, 0, "{what}: {}", ended.log);
                break;
            }
            cuts += 1;
            made.check(&what, dir.path()).await;
        }
    }
    println!("compact: cut off {cuts} times");
    assert!(cuts > 10, "{cuts}");
}

#[tokio::test]
async fn a_start_that_makes_the_state_again_and_is_cut_off_anywhere_loses_nothing() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    fs::remove_dir_all(made.data_dir.join("documents")).unwrap();
    let mut cuts = 0;
    for call in CALLS {
        for nth in some() {
            let dir = TempDir::new().unwrap();
            copy(&made.data_dir, dir.path());
            let what = format!("start, {call} {nth}");
            let mut start = killed_at(call, nth, &starting(dir.path(), None));
            match Hatd::try_serve(&mut start).await {
                Ok(hatd) => {
                    kill_traced(hatd).await;
                    break;
                }
                Err(ended) => assert_eq!(ended.code(), None, "{what}: {}", ended.log),
            }
            cuts += 1;
            made.check(&what, dir.path()).await;
        }
    }
    println!("start: cut off {cuts} times");
    assert!(cuts > 10, "{cuts}");
}
