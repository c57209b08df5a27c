//! How long a checkpoint holds writes up: `cargo bench --bench checkpoint`.
//!
//! One writer writes as fast as it is answered, first alone, then while one checkpoint after
//! another is taken. `HATD_BENCH_DOCUMENTS` says how many users' documents the store has (100,000
//! by default), `HATD_BENCH_DIR` on which disk it is.

#![expect(clippy::print_stdout, reason = "what it measures is for whoever runs it")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use hatd::{
    command::{Command, Operation, Request, RoomSettings, Target},
    hat::{Attachment, Eligibility, HatId, Title},
    jid::{RoomJid, UserJid},
    server, service,
    store::{self, Store, embedded},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

const USERS_PER_ROOM: usize = 100;
const HATS_PER_USER: usize = 2;

/// For how long writes are timed.
const TIME: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let documents: usize =
        env::var("HATD_BENCH_DOCUMENTS").map_or(Ok(100_000), |text| text.parse())?;
    let dir = match env::var_os("HATD_BENCH_DIR") {
        Some(dir) => TempDir::new_in(PathBuf::from(dir))?,
        None => TempDir::new()?,
    };
    let mut config = embedded::Config::new(dir.path(), store::Options::new(service::commit_len));
    // They are taken when this asks for them.
    config.checkpoint_bytes = u64::MAX;
    let store = server::open_store(config).await?;
    fill(&*store, documents.div_ceil(USERS_PER_ROOM)).await?;
    let first = checkpoint(&*store).await?;
    println!("{documents} documents, a checkpoint of {} MiB\n", first.bytes >> 20);

    println!(
        "{:<24}{:>10}{:>12}{:>12}{:>12}{:>12}",
        "", "writes/s", "median", "99 %", "99.9 %", "longest"
    );
    print("alone", &write_for(&*store, "alone").await?);

    let (stop, mut stopped) = oneshot::channel();
    let taking = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let mut times = Vec::new();
            while stopped.try_recv().is_err() {
                let started = Instant::now();
                checkpoint(&*store).await?;
                times.push(started.elapsed());
            }
            Ok::<_, Failure>(times)
        }
    });
    let during = write_for(&*store, "during").await?;
    _ = stop.send(());
    let times = taking.await??;
    print("during checkpoints", &during);
    let longest = times.iter().max().copied().unwrap_or_default();
    println!("\n{} checkpoints, the longest took {:.2} s", times.len(), longest.as_secs_f64());
    store.close().await?;
    Ok(())
}

fn room(number: usize) -> Result<RoomJid, Failure> {
    Ok(RoomJid::parse(&format!("room{number}@conference.localhost"))?)
}

fn user(number: usize) -> Result<UserJid, Failure> {
    Ok(UserJid::parse(&format!("user{number}@localhost"))?)
}

fn hat(number: usize) -> Result<HatId, Failure> {
    Ok(HatId::parse(&format!("urn:example:hat:{number}"), 1023)?)
}

async fn fill(store: &dyn Store, rooms: usize) -> Result<(), Failure> {
    for number in 0..rooms {
        let room_jid = room(number)?;
        let settings =
            RoomSettings { eligibility: Some(Eligibility::Anyone), ..RoomSettings::default() };
        let put = Command::PutRoom { room_jid: room_jid.clone(), settings, etag: None };
        store.apply(Request::new(put)).await?;
        let mut operations = Vec::new();
        for number in 0..USERS_PER_ROOM {
            for hat_number in 0..HATS_PER_USER {
                let attachment = Attachment { active: true, ..Attachment::default() };
                let (user_jid, hat_id) = (user(number)?, hat(hat_number)?);
                operations.push(Operation::Add { user_jid, hat_id, attachment });
            }
        }
        let preconditions = Vec::new();
        let update =
            Command::UpdateRoomHats { room_jid, operations, preconditions, keep_active: false };
        store.apply(Request::new(update)).await?;
    }
    Ok(())
}

async fn checkpoint(store: &dyn Store) -> Result<store::Checkpoint, Failure> {
    let maintenance = store.maintenance().ok_or("the store has no checkpoints")?;
    Ok(maintenance.checkpoint().await?)
}

/// Writes one after another, and says how long each took, the shortest first. The hats are told by
/// their title from those of another time.
async fn write_for(store: &dyn Store, name: &str) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < TIME {
        let number = times.len();
        let target =
            Target { room_jid: room(0)?, user_jid: user(number % USERS_PER_ROOM)?, etag: None };
        let title = Some(Title::parse(&format!("{name} {number}"), 256)?);
        let attachment = Attachment { title, ..Attachment::default() };
        let hats = BTreeMap::from([(hat(0)?, attachment)]);
        let set = Command::SetUserHats { target, hats, prefix: String::new(), keep_active: false };
        let write = Instant::now();
        let outcome = store.apply(Request::new(set)).await?;
        times.push(write.elapsed());
        if !outcome.changed {
            return Err("a write changed nothing".into());
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn print(name: &str, times: &[Duration]) {
    let rate = times.len() as u64 / TIME.as_secs();
    print!("{name:<24}{rate:>10}");
    for per_mille in [500, 990, 999, 1000] {
        let time = times.get((times.len() - 1) * per_mille / 1000).copied().unwrap_or_default();
        print!("{:>9.2} ms", time.as_secs_f64() * 1e3);
    }
    println!();
}
