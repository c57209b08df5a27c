//! The disk refuses: the nth write, sync, rename or truncation fails. What was answered stays, a
//! sync that failed is never tried again, reads and watches go on.

use std::path::Path;

use hatd_client::pb;
use hatd_client::pb::{ErrorReason, WriteAvailability};
use tempfile::TempDir;
use tokio::process::Command;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::cycles;
use super::kills::starting;
use crate::process::hatd::{Hatd, put_open_room, under};
use crate::process::metrics::write_availability;
use crate::rpc::support::{add_request, check_status, get_request};
use crate::support::toolchain::{Missing, or_skip, output};
use crate::support::{BUSY, failure};
use crate::watch::held::Follower;
use crate::watch::stream::{Watch, lively, snapshot};

const ROOM: &str = "room@conference.localhost";

/// Writes that are tried in each run: enough for several checkpoints and files of the log.
const WRITES: usize = 120;
/// Writes that are tried after one has failed: none may succeed.
const WRITES_AFTER: usize = 3;

/// How a start may end whose files cannot be read or written, in the words of `sysexits.h`:
/// the data on disk are damaged, the directory cannot be made, the disk fails.
const START_CODES: [i32; 3] = [65, 73, 74];

/// A call of the system that fails.
#[derive(Clone, Copy, Debug)]
struct Failing {
    call: &'static str,
    error: &'static str,
    /// Which call of each thread fails, from 1.
    nth: usize,
}

/// The command under strace, which meddles with the nth call of a kind in each thread.
pub(super) fn injecting(call: &str, fault: &str, nth: usize, command: &Command) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
    strace.arg("-e").arg(format!("inject={call}:{fault}:when={nth}"));
    under(strace, command)
}

/// The server, of which a call fails; with a bug, if one is named.
fn failing(data_dir: &Path, failing: Failing, bug: Option<&str>) -> Command {
    let Failing { call, error, nth } = failing;
    let mut hatd = starting(data_dir, bug);
    injecting(call, &format!("error={error}"), nth, hatd.arg("--metrics-listen=127.0.0.1:0"))
}

/// Serves with a call that fails, and checks all that must hold. Answers whether a write failed.
async fn survive(fault: Failing, bug: Option<&str>) -> bool {
    let dir = TempDir::new().unwrap();
    let what = format!("{fault:?}");
    let hatd = match Hatd::try_serve(&mut failing(dir.path(), fault, bug)).await {
        Ok(hatd) => hatd,
        Err(ended) => {
            let code = ended.code().unwrap_or_else(|| panic!("{what}: {}", ended.log));
            assert!(START_CODES.contains(&code), "{what}: {code}: {}", ended.log);
            assert!(ended.log.contains("hatd: "), "{what}: {}", ended.log);
            // It can be begun again.
            Hatd::serve(&mut starting(dir.path(), None)).await.stop().await;
            return false;
        }
    };
    let mut stub = hatd.stub().await;
    let watch = Watch::try_open(&stub, lively(snapshot(&[]))).await;
    let mut watch = watch.unwrap_or_else(|status| panic!("{what}: {status}"));
    let mut follower = Follower::default();
    follower.follow_all(&watch.until_bookmark().await);

    let (mut given, mut failed) = (0, false);
    let put = pb::PutRoomRequest {
        room_jid: ROOM.to_owned(),
        eligibility: pb::Eligibility::Anyone.into(),
        ..Default::default()
    };
    match hatd.rooms().await.put_room(put).await {
        Ok(_) => {
            for number in 0..WRITES {
                let request = add_request(ROOM, &user_jid(number), "urn:hat:1");
                if let Err(status) = stub.add_user_hat(request).await {
                    check_status(&what, &status, ErrorReason::StoreUnavailable, &[]);
                    failed = true;
                    break;
                }
                given += 1;
            }
        }
        Err(status) => {
            check_status(&what, &status, ErrorReason::StoreUnavailable, &[]);
            failed = true;
        }
    }
    if failed {
        for number in 0..WRITES_AFTER {
            let request = add_request(ROOM, &user_jid(WRITES + number), "urn:hat:1");
            let refused = stub.add_user_hat(request).await;
            let refused = refused.expect_err("no write is taken after one that failed");
            check_status(&what, &refused, ErrorReason::StoreUnavailable, &[]);
        }
    }
    let expected = if failed { WriteAvailability::Stopped } else { WriteAvailability::All };
    assert_eq!(write_availability(&hatd).await, expected, "{what}");
    let health = HealthCheckRequest { service: "hatd.v1.HatService".to_owned() };
    let health = HealthClient::new(hatd.channel().await).check(health).await.unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving, "{what}: reads go on");
    for number in 0..given {
        let read = stub.get_user_hats(get_request(ROOM, &user_jid(number))).await;
        let document = read.unwrap().into_inner().user_hats.unwrap();
        assert_eq!(document.hats.len(), 1, "{what}: {}", document.user_jid);
    }
    // The watch goes on, and has shown what was answered and nothing else.
    follower.follow_all(&watch.until_bookmark().await);
    while follower.held.users.len() < given {
        follower.follow_all(&watch.until_bookmark().await);
    }
    assert_eq!(follower.held.users.len(), given, "{what}");
    kill_traced(hatd).await;

    let hatd = Hatd::serve(&mut starting(dir.path(), None)).await;
    let mut stub = hatd.stub().await;
    put_open_room(&hatd.client().await, ROOM).await;
    for number in 0..WRITES + WRITES_AFTER {
        let read = stub.get_user_hats(get_request(ROOM, &user_jid(number))).await;
        let has = !read.unwrap().into_inner().user_hats.unwrap().hats.is_empty();
        // The write that failed may have been done; those before were, those after were not.
        assert!(number == given || has == (number < given), "{what}: {number} of {given}");
    }
    hatd.stop().await;
    failed
}

fn user_jid(number: usize) -> String {
    format!("user{number}@localhost")
}

/// Kills a server under strace: a kill of strace alone would let it go on.
pub(super) async fn kill_traced(hatd: Hatd) {
    let strace = hatd.pid();
    let children = format!("/proc/{strace}/task/{strace}/children");
    let children = std::fs::read_to_string(children).unwrap();
    for child in children.split_whitespace() {
        let killed = Command::new("sh").args(["-c", "kill -s KILL \"$1\"", "sh", child]).status();
        assert!(killed.await.unwrap().success());
    }
    hatd.ended().await;
}

/// Whether strace can have a call fail here.
pub(super) fn strace() -> Result<(), Missing> {
    let mut strace = std::process::Command::new("strace");
    let injected = ["-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", "true"];
    output(strace.args(injected)).map(|_| ())
}

/// Has the first calls of a kind fail, each in a run of its own.
async fn sweep(call: &'static str, nths: impl Iterator<Item = usize>) -> (usize, usize) {
    let (mut runs, mut failures) = (0, 0);
    for nth in nths {
        for error in ["EIO", "ENOSPC"] {
            failures += usize::from(survive(Failing { call, error, nth }, None).await);
            runs += 1;
        }
    }
    (runs, failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_fails_stops_writes_and_loses_nothing() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    // The nth call of each thread: of the one that starts, the writer, the keeper, sled's.
    let max = cycles(10);
    let some = move |max: usize| (1..=max).step_by((max / 5).max(1));
    let written = tokio::spawn(Box::pin(async move { sweep("pwrite64", some(2 * max)).await }));
    let others = tokio::spawn(Box::pin(async move {
        let synced = Box::pin(sweep("fdatasync", some(max))).await;
        let created = Box::pin(sweep("fsync", some(max))).await;
        let renamed = Box::pin(sweep("rename", 1..=2)).await;
        let sum = |(a, b), (c, d)| (a + c, b + d);
        sum(sum(synced, created), renamed)
    }));
    let (writes, others) = (written.await, others.await);
    let ((writes, failed_writes), (others, failed_others)) = (writes.unwrap(), others.unwrap());
    println!(
        "failing calls: {} runs, in {} of which a write failed, 0 lost",
        writes + others,
        failed_writes + failed_others
    );
    assert!(failed_writes > 0 && failed_others > 0, "the calls of the writer are among them");
}

#[tokio::test]
async fn a_sync_that_is_tried_again_is_found() {
    let _busy = BUSY.read().await;
    if or_skip(strace()).is_none() {
        return;
    }
    let fault = Failing { call: "fdatasync", error: "EIO", nth: 5 };
    assert!(survive(fault, None).await, "a write fails with its sync");
    let found =
        failure(async move { assert!(survive(fault, Some("sync-retried")).await, "retried") });
    assert!(Box::pin(found).await.is_some_and(|found| found.contains("retried")));
}
