//! What an operator does to a store while no hatd serves it: `hatd restore`, `verify`, `compact`
//! and `status`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use hatd::commit::{Identity, Position};
use hatd::config::{Arguments, Config};
use hatd::store::embedded::offline;
use hatd::telemetry;
use uuid::Uuid;

/// What can be done to a store.
#[derive(Subcommand)]
pub(crate) enum Maintenance {
    /// Make a store of a backup, in a data directory that has none
    ///
    /// The backup, which hatctl backup wrote, is read from end to end and checked before anything
    /// is written. The restored store is the same store with a new history: watches that resume
    /// begin at a snapshot, and revisions go on far above the backup's.
    Restore(Restore),
    /// Read everything in the data directory and check it
    ///
    /// Checks every checksum, that no commit is missing, and that the state and its indexes are
    /// what the checkpoint and the commit log make. Damage is named with file and offset.
    Verify(Verify),
    /// Make the data directory as small as it can be
    ///
    /// Makes the state again, which leaves its free space behind, takes a checkpoint, and deletes
    /// what nobody needs any more of the commit log.
    Compact(Arguments),
    /// Say what the data directory holds
    Status(Arguments),
}

/// The arguments of `hatd restore`.
#[derive(Args)]
pub(crate) struct Restore {
    /// The file that hatctl backup wrote
    backup: PathBuf,
    #[command(flatten)]
    settings: Arguments,
}

/// The arguments of `hatd verify`.
#[derive(Args)]
pub(crate) struct Verify {
    /// Check this backup instead of the data directory
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// List each room with a hash of all that is kept of it: equal hashes, equal rooms
    #[arg(long, conflicts_with = "backup")]
    rooms: bool,
    #[command(flatten)]
    settings: Arguments,
}

/// The state is not what checkpoint and log make.
#[derive(Debug, thiserror::Error)]
#[error("{0}: the next start of hatd makes the state again, and nothing is lost")]
pub(crate) struct StateDamaged(String);

impl Maintenance {
    /// Does it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Restore(arguments) => restore(arguments),
            Self::Verify(arguments) => verify(arguments),
            Self::Compact(arguments) => compact(arguments),
            Self::Status(arguments) => status(arguments),
        }
    }
}

/// The settings, and a log on standard error.
fn settings(arguments: Arguments) -> anyhow::Result<Config> {
    let config = Config::load(arguments)?;
    telemetry::init(config.log_format, &config.log_filter);
    Ok(config)
}

fn restore(Restore { backup, settings: arguments }: Restore) -> anyhow::Result<()> {
    let config = settings(arguments)?;
    let restored = offline::restore(&config.data_dir, &backup)?;
    say(&format!(
        "restored {} records as of position {} in {}\n\
         {} begins, with revisions above {}: start hatd on it\n",
        restored.records,
        restored.backup_position.get(),
        config.data_dir.display(),
        store(restored.identity),
        restored.position.get(),
    ))
}

fn verify(Verify { backup, rooms, settings: arguments }: Verify) -> anyhow::Result<()> {
    let config = settings(arguments)?;
    if let Some(backup) = backup {
        let (identity, position, bytes) = offline::verify_backup(&backup)?;
        let (store, position) = (store(identity), position.get());
        let bytes = size(bytes);
        return say(&format!("sound: a backup of {store} at position {position}, {bytes}\n"));
    }
    let report = offline::verify(&crate::store_config(&config))?;
    let mut text = String::new();
    writeln!(text, "{}", store(report.identity))?;
    writeln!(
        text,
        "checkpoint  {}",
        checkpoint(report.checkpoint_position, report.checkpoint_bytes)
    )?;
    writeln!(
        text,
        "log         {} commits, the last at position {}, {}",
        report.log_commits,
        report.position.get(),
        size(report.log_bytes)
    )?;
    writeln!(
        text,
        "state       {} rooms, {} definitions, {} documents",
        report.rooms, report.definitions, report.documents
    )?;
    for note in &report.notes {
        writeln!(text, "note: {note}")?;
    }
    if rooms {
        for room in &report.room_hashes {
            let hash =
                room.hash.iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
            writeln!(text, "{hash}  {}", room.room_jid)?;
        }
    }
    if let Some(damage) = report.state_damage {
        say(&text)?;
        return Err(StateDamaged(damage).into());
    }
    writeln!(text, "sound")?;
    say(&text)
}

fn compact(arguments: Arguments) -> anyhow::Result<()> {
    let config = settings(arguments)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let done = runtime.block_on(offline::compact(crate::store_config(&config)))?;
    let (before, after) = (size(done.bytes_before), size(done.bytes_after));
    say(&format!("compacted {}: {before} before, {after} after\n", config.data_dir.display()))
}

fn status(arguments: Arguments) -> anyhow::Result<()> {
    let config = settings(arguments)?;
    let found = offline::inspect(&config.data_dir)?;
    let mut text = String::new();
    writeln!(text, "{}", store(found.identity))?;
    writeln!(
        text,
        "checkpoint  {}",
        checkpoint(found.checkpoint_position, found.checkpoint_bytes)
    )?;
    let first = found.log_files.first().map_or(0, |first| first.get());
    let (count, bytes) = (found.log_files.len(), size(found.log_bytes));
    let files = if count == 1 { "file" } else { "files" };
    writeln!(text, "log         {count} {files} from position {first} on, {bytes}")?;
    writeln!(text, "state       {}", size(found.documents_bytes))?;
    match found.stopped_position {
        Some(position) => writeln!(text, "stopped     cleanly, at position {}", position.get())?,
        None => writeln!(text, "stopped     not cleanly: the next start checks the state")?,
    }
    say(&text)
}

fn store(identity: Identity) -> String {
    format!("store {}, epoch {}", Uuid::from_bytes(identity.store), identity.epoch)
}

fn checkpoint(position: Option<Position>, bytes: u64) -> String {
    match position {
        Some(position) => format!("at position {}, {}", position.get(), size(bytes)),
        None => "none yet".to_owned(),
    }
}

fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}
