//! A full disk: writes are refused before it is full, nothing is lost, and all goes on by itself
//! when there is room.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use hatd_client::pb::{self, ErrorReason, WriteAvailability};
use tempfile::TempDir;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::hatd::{Hatd, command, on, put_open_room};
use super::metrics::write_availability;
use crate::rpc::support::{check_status, remove_request};
use crate::support::toolchain::{Missing, or_skip, output};
use crate::watch::held::{Follower, Held};
use crate::watch::stream::{Watch, snapshot};

const ROOM: &str = "room@conference.localhost";

/// A small disk of its own, gone when dropped.
struct Disk(TempDir);

impl Disk {
    fn mount(size: &str) -> Result<Self, Missing> {
        let at = TempDir::new().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        output(mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at.path()))?;
        Ok(Self(at))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What something else has written to it.
    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// Has something else take all that is left of it.
    fn fill(&self) {
        let file = File::options().create(true).append(true).open(self.filler());
        let mut file = file.unwrap();
        loop {
            match file.write_all(&[7; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").args(["--lazy".as_ref(), self.path()]).status();
        assert!(unmounted.unwrap().success(), "{} stays mounted", self.path().display());
    }
}

async fn start(data_dir: &Path, min_free: u64) -> Hatd {
    let min_free = format!("--min-free-bytes={min_free}B");
    let mut command = command(&on(data_dir, "127.0.0.1:0"));
    Hatd::serve(command.args([&min_free, "--metrics-listen=127.0.0.1:0"])).await
}

/// Hats that take some 15 KiB.
fn large(user: usize) -> pb::SetUserHatsRequest {
    let attachment = pb::Attachment { title: "x".repeat(256), ..Default::default() };
    let hats = (0..50).map(|hat| (format!("urn:hat:{hat}"), attachment.clone())).collect();
    let user_jid = format!("user{user}@localhost");
    pb::SetUserHatsRequest { room_jid: ROOM.to_owned(), user_jid, hats, ..Default::default() }
}

async fn set(hatd: &Hatd, request: pb::SetUserHatsRequest) -> Result<u64, Status> {
    Ok(hatd.stub().await.set_user_hats(request).await?.into_inner().revision)
}

/// Removes the first hat of a user; answers whether it was there.
async fn remove(hatd: &Hatd, user: usize) -> Result<bool, Status> {
    let request = remove_request(ROOM, &format!("user{user}@localhost"), "urn:hat:0");
    Ok(hatd.stub().await.remove_user_hat(request).await?.into_inner().changed)
}

fn check_disk_full(what: &str, status: &Status) {
    check_status(what, status, ErrorReason::DiskFull, &[]);
}

async fn check_health(hatd: &Hatd) {
    let channel = tonic::transport::Endpoint::from_shared(hatd.endpoint()).unwrap();
    let mut health = HealthClient::new(channel.connect().await.unwrap());
    let request = HealthCheckRequest { service: "hatd.v1.HatService".to_owned() };
    let status = health.check(request).await.unwrap().into_inner().status();
    assert_eq!(status, ServingStatus::Serving, "reads go on");
}

#[tokio::test]
async fn on_a_nearly_full_disk_only_removals_are_written_and_on_a_full_one_nothing() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_open_room(&hatd.client().await, ROOM).await;
    for user in 0..3 {
        set(&hatd, large(user)).await.unwrap();
    }
    hatd.stop().await;
    let disk = rustix::fs::statvfs(dir.path()).unwrap();
    let free = disk.f_bavail * disk.f_frsize;

    let hatd = start(dir.path(), free * 2).await;
    assert!(hatd.greeting.contains("only removals are written"), "{}", hatd.greeting);
    assert_eq!(write_availability(&hatd).await, WriteAvailability::Removals);
    check_disk_full("set", &set(&hatd, large(9)).await.unwrap_err());
    assert!(remove(&hatd, 0).await.unwrap());
    assert!(!remove(&hatd, 0).await.unwrap(), "what changes nothing is answered");
    check_health(&hatd).await;
    hatd.stop().await;

    let hatd = start(dir.path(), free * 8).await;
    assert!(hatd.greeting.contains("nothing is written"), "{}", hatd.greeting);
    assert_eq!(write_availability(&hatd).await, WriteAvailability::DiskFull);
    check_disk_full("set", &set(&hatd, large(9)).await.unwrap_err());
    check_disk_full("remove", &remove(&hatd, 1).await.unwrap_err());
    let state = Held::of(&hatd.client().await).await;
    assert_eq!(state.users.len(), 3);
    check_health(&hatd).await;
    hatd.stop().await;

    let hatd = Hatd::start(dir.path()).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    assert!(remove(&hatd, 1).await.unwrap());
    hatd.stop().await;
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_hatd_starts_on_it_and_goes_on_when_there_is_room() {
    const MIN_FREE: u64 = 8 << 20;
    const FILLER_BYTES: usize = 16 << 20;
    let Some(disk) = or_skip(Disk::mount("48m")) else { return };
    let data_dir = disk.path().join("data");
    fs::write(disk.filler(), vec![7; FILLER_BYTES]).unwrap();
    let hatd = start(&data_dir, MIN_FREE).await;
    put_open_room(&hatd.client().await, ROOM).await;
    let mut watch = Watch::try_open(&hatd.stub().await, snapshot(&[])).await.unwrap();
    let mut follower = Follower::default();

    let mut stub = hatd.stub().await;
    let mut users = 0;
    let refused = loop {
        match stub.set_user_hats(large(users)).await {
            Ok(_) => users += 1,
            Err(status) => break status,
        }
        follower.follow(&watch.next().await);
    };
    check_disk_full("set", &refused);
    assert!(users > 100, "{users}");
    assert!(remove(&hatd, 0).await.unwrap(), "removals go on");

    follower.follow_all(&watch.until_bookmark().await);
    let state = Held::of(&hatd.client().await).await;
    assert_eq!(follower.held, state);

    disk.fill();
    check_disk_full("remove", &remove(&hatd, 1).await.unwrap_err());
    assert_eq!(write_availability(&hatd).await, WriteAvailability::DiskFull);
    hatd.stop().await;
    let hatd = start(&data_dir, MIN_FREE).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    disk.make_room();
    set(&hatd, large(users)).await.expect("there is room again");
    assert_eq!(write_availability(&hatd).await, WriteAvailability::All);
    hatd.stop().await;

    let hatd = start(&data_dir, MIN_FREE).await;
    disk.fill();
    check_disk_full("remove", &remove(&hatd, 1).await.unwrap_err());
    let state = Held::of(&hatd.client().await).await;
    hatd.kill().await;
    let hatd = start(&data_dir, MIN_FREE).await;
    assert_eq!(Held::of(&hatd.client().await).await, state);
    disk.make_room();
    set(&hatd, large(users + 1)).await.expect("there is room again");
    hatd.stop().await;
}
