//! What hatd does to a whole store is cut off at every kind of step: before a write, a sync, a rename,
//! a removal. What was there stays, and it can be begun again.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::damage::copy;
use super::io_errors::{injecting, kill_traced, strace};
use super::kills::starting;
use crate::hatctl::done;
use crate::process::hatd::{Hatd, command, run};
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
    async fn check(&self, cut: Cut, data_dir: &Path) {
        let hatd = Hatd::serve(&mut starting(data_dir, None)).await;
        assert!(Held::of(&hatd.client().await).await == self.held, "{cut:?}");
        hatd.stop().await;
    }
}

/// A command of hatd on a data directory.
fn hatd(arguments: &[&str], data_dir: &Path) -> Command {
    let mut hatd = command(arguments);
    hatd.arg("--data-dir").arg(data_dir);
    hatd
}

/// A step that is the last one: the nth call of a kind, in any thread.
#[derive(Clone, Copy, Debug)]
struct Cut {
    call: &'static str,
    nth: usize,
}

impl Cut {
    /// The command, which is killed there.
    fn of(self, command: &Command) -> Command {
        injecting(self.call, "signal=KILL", self.nth, command)
    }

    /// Whether a command that is to end by itself came so far.
    async fn cuts_off(self, command: &Command) -> bool {
        let ended = run(&mut self.of(command)).await;
        let code = ended.code();
        assert!(code.is_none_or(|code| code == 0), "{self:?}: {code:?}: {}", ended.log);
        code.is_none()
    }
}

/// Tries the first calls of each kind, and ever fewer of those after them, until `is_cut_off` says
/// that there are no more.
async fn sweep(what: &str, is_cut_off: impl AsyncFn(Cut) -> bool) {
    let mut cuts = 0;
    for call in CALLS {
        let mut nth = 1;
        while is_cut_off(Cut { call, nth }).await {
            cuts += 1;
            nth += 1 + nth / 4;
        }
    }
    println!("{what}: cut off {cuts} times");
    assert!(cuts > 10, "{cuts}");
}

#[tokio::test]
async fn a_restore_that_is_cut_off_anywhere_leaves_no_store_and_is_done_when_begun_again() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    sweep("restore", async |cut| {
        let dir = TempDir::new().unwrap();
        let data_dir = dir.path().join("restored");
        let mut restore = hatd(&["restore", made.backup.to_str().unwrap()], &data_dir);
        if !cut.cuts_off(&restore).await {
            return false;
        }
        // None yet, one that is not whole, or all of it.
        let verified = run(&mut hatd(&["verify"], &data_dir)).await;
        let is_whole = match verified.code() {
            Some(65) => !verified.log.contains("a restore was cut off"),
            Some(66) => false,
            code => code == Some(0),
        };
        let again = run(&mut restore).await;
        let expected = if is_whole { 73 } else { 0 };
        assert_eq!(again.code(), Some(expected), "{cut:?}: {verified:?}, then {}", again.log);
        made.check(cut, &data_dir).await;
        true
    })
    .await;
}

#[tokio::test]
async fn a_compact_that_is_cut_off_anywhere_loses_nothing() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    sweep("compact", async |cut| {
        let dir = TempDir::new().unwrap();
        copy(&made.data_dir, dir.path());
        let is_cut_off = cut.cuts_off(&hatd(&["compact"], dir.path())).await;
        made.check(cut, dir.path()).await;
        is_cut_off
    })
    .await;
}

#[tokio::test]
async fn a_start_that_makes_the_state_again_and_is_cut_off_anywhere_loses_nothing() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let made = Made::make().await;
    fs::remove_dir_all(made.data_dir.join("documents")).unwrap();
    sweep("start", async |cut| {
        let dir = TempDir::new().unwrap();
        copy(&made.data_dir, dir.path());
        let served = Hatd::try_serve(&mut cut.of(&starting(dir.path(), None))).await;
        let is_cut_off = served.is_err();
        match served {
            Ok(hatd) => kill_traced(hatd).await,
            Err(ended) => assert_eq!(ended.code(), None, "{cut:?}: {}", ended.log),
        }
        made.check(cut, dir.path()).await;
        is_cut_off
    })
    .await;
}
