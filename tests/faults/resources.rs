//! Few file descriptors, a process that is stopped and goes on, one that is told to end under load,
//! and clocks that are wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hatd_client::pb;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::kills::starting;
use super::oracle::Oracle;
use crate::process::hatd::{Hatd, LIMIT, put_open_room, under};
use crate::rpc::support::{add_request, get_request};
use crate::support::BUSY;
use crate::support::toolchain::{Missing, or_skip};
use crate::watch::stream::{Watch, commits, snapshot};
use crate::watch::traffic;

const ROOM: &str = "room@conference.localhost";
const USER: &str = "user@localhost";
const HAT: &str = "urn:hat:1";

/// File descriptors that a server may have: its own and a few connections.
const DESCRIPTORS: usize = 64;

#[tokio::test]
async fn without_descriptors_connections_wait_and_nothing_ends() {
    let dir = TempDir::new().unwrap();
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--nofile={DESCRIPTORS}"));
    let hatd = Hatd::serve(&mut under(prlimit, &starting(dir.path(), None))).await;
    put_open_room(&hatd.client().await, ROOM).await;
    let mut stub = hatd.stub().await;
    stub.add_user_hat(add_request(ROOM, USER, HAT)).await.unwrap();

    let mut connections = Vec::new();
    for _ in 0..2 * DESCRIPTORS {
        // The system accepts what hatd cannot yet.
        connections.push(TcpStream::connect(hatd.address).await.unwrap());
    }
    // Who was there before goes on: reads, and writes as long as the log's file is open.
    for number in 0..20 {
        stub.get_user_hats(get_request(ROOM, USER)).await.unwrap();
        stub.add_user_hat(add_request(ROOM, &format!("u{number}@localhost"), HAT)).await.unwrap();
    }
    drop(connections);
    let answered =
        timeout(LIMIT, async { hatd.stub().await.get_user_hats(get_request(ROOM, USER)).await });
    answered.await.expect("connections are taken again").unwrap();
    hatd.stop().await;
}

#[tokio::test]
async fn a_server_that_is_stopped_and_goes_on_loses_nothing() {
    let _busy = BUSY.read().await;
    let dir = TempDir::new().unwrap();
    let mut hatd = Hatd::serve(&mut starting(dir.path(), None)).await;
    let mut oracle = Oracle::of_new(&hatd, traffic::seed()).await;
    for _ in 0..5 {
        let pauses = async {
            for _ in 0..10 {
                hatd.signal("STOP").await;
                hatd.signal("CONT").await;
            }
            hatd.signal("KILL").await;
        };
        oracle.load(&hatd, 100, pauses).await;
        hatd.ended().await;
        hatd = Hatd::serve(&mut starting(dir.path(), None)).await;
        oracle.check(&hatd).await;
    }
    hatd.stop().await;
}

#[tokio::test]
async fn a_server_that_is_told_to_end_under_load_answers_and_loses_nothing() {
    let _busy = BUSY.read().await;
    let dir = TempDir::new().unwrap();
    let mut hatd = Hatd::serve(&mut starting(dir.path(), None)).await;
    let mut oracle = Oracle::of_new(&hatd, traffic::seed()).await;
    for _ in 0..5 {
        oracle.load(&hatd, 200, hatd.terminate()).await;
        let ended = hatd.ended().await;
        assert_eq!(ended.code(), Some(0), "{}", ended.log);
        hatd = Hatd::serve(&mut starting(dir.path(), None)).await;
        assert!(!hatd.greeting.contains("making the state again"), "{}", hatd.greeting);
        oracle.check(&hatd).await;
    }
    hatd.stop().await;
}

/// A server whose clock is set by a file.
struct Clock {
    dir: TempDir,
}

impl Clock {
    /// Where the library is that makes another clock.
    fn library() -> Result<PathBuf, Missing> {
        let lib = Path::new("/usr/lib");
        let mut places = vec![lib.join("faketime")];
        places
            .extend(fs::read_dir(lib).unwrap().map(|entry| entry.unwrap().path().join("faketime")));
        let libraries = places.into_iter().map(|place| place.join("libfaketimeMT.so.1"));
        libraries
            .into_iter()
            .find(|library| library.exists())
            .ok_or_else(|| Missing::new("libfaketime is not installed"))
    }

    /// Moves the clock: by `+2h`, `-10d` and so on from what it is.
    fn set(&self, offset: &str) {
        // Renamed into place: it is read at any time.
        let (file, new) = (self.file(), self.dir.path().join("new"));
        fs::write(&new, offset).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("offset")
    }

    async fn serve(&self, library: &Path) -> Hatd {
        let mut command = starting(&self.dir.path().join("data"), None);
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.file());
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
        Hatd::serve(&mut command).await
    }
}

#[tokio::test]
async fn a_clock_that_is_moved_ends_hats_once_and_brings_none_back() {
    let Some(library) = or_skip(Clock::library()) else { return };
    let clock = Clock { dir: TempDir::new().unwrap() };
    clock.set("+0");
    let hatd = clock.serve(&library).await;
    put_open_room(&hatd.client().await, ROOM).await;
    let mut stub = hatd.stub().await;
    let mut watch = Watch::try_open(&stub, snapshot(&[])).await.unwrap();
    watch.until_bookmark().await;
    let mut give = add_request(ROOM, USER, HAT);
    let in_an_hour = SystemTime::now() + Duration::from_hours(1);
    give.attachment =
        Some(pb::Attachment { expire_time: Some(in_an_hour.into()), ..Default::default() });
    let given = stub.add_user_hat(give).await.unwrap().into_inner().revision;
    assert_eq!(commits(&watch.next().await).len(), 1);

    clock.set("+2h");
    let ended = commits(&watch.next().await);
    assert_eq!((ended.len(), ended[0].cause()), (1, pb::CommitCause::Expiry));
    assert!(ended[0].revision > given);

    // Ten days back, ten years ahead: the hat does not return, revisions rise, and a restart is
    // nothing special.
    let mut last = ended[0].revision;
    let mut hatd = hatd;
    for (number, offset) in ["-10d", "+10y", "-1h"].into_iter().enumerate() {
        clock.set(offset);
        for is_restarted in [false, true] {
            if is_restarted {
                let address = hatd.address;
                hatd.stop().await;
                hatd = clock.serve(&library).await;
                assert_ne!(hatd.address, address, "another port");
            }
            let mut stub = hatd.stub().await;
            let read = stub.get_user_hats(get_request(ROOM, USER)).await.unwrap().into_inner();
            assert!(read.user_hats.unwrap().hats.is_empty(), "{offset}");
            let user_jid = format!("user{number}-{is_restarted}@localhost");
            let mut give = add_request(ROOM, &user_jid, HAT);
            give.request_id = format!("{number}-{is_restarted}");
            let answer = stub.add_user_hat(give.clone()).await.unwrap().into_inner();
            assert!(answer.revision > last, "{offset}: {} after {last}", answer.revision);
            last = answer.revision;
            let again = stub.add_user_hat(give).await.unwrap().into_inner();
            assert!(again.replayed && again.revision == last, "{offset}: {again:?}");
        }
    }
    hatd.stop().await;
}
