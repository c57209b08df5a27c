//! Whether a data directory holds what was put there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sha2::{Digest as _, Sha256};

use super::super::open::{self, Config};
use crate::commit::{Identity, Position};
use crate::jid::RoomJid;
use crate::store::embedded::checkpoint::{self, Advance, Header, Kind, Reader};
use crate::store::embedded::directory::DataDir;
use crate::store::embedded::documents::Documents;
use crate::store::embedded::error::{OpenError, checkpoint_error, log_error, rebuild_error};
use crate::store::embedded::history::History;
use crate::store::embedded::keys;
use crate::store::embedded::log::Log;
use crate::store::{self, Options};

/// What was found sound in a data directory, and what was not.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which store it is, and which history of it.
    pub identity: Identity,
    /// Where the checkpoint stands, if there is one.
    pub checkpoint_position: Option<Position>,
    /// How large it is, in bytes.
    pub checkpoint_bytes: u64,
    /// How many commits the log has.
    pub log_commits: u64,
    /// How large the log is, in bytes.
    pub log_bytes: u64,
    /// The last commit.
    pub position: Position,
    /// How many rooms, definitions and documents there are by checkpoint and log.
    pub rooms: u64,
    /// How many definitions.
    pub definitions: u64,
    /// How many documents.
    pub documents: u64,
    /// The rooms' hashes, by domain and local part.
    pub room_hashes: Vec<RoomHash>,
    /// What is no damage, and still good to know.
    pub notes: Vec<String>,
    /// What is wrong with the state, which the next start makes again: nothing is lost with it.
    pub state_damage: Option<String>,
}

/// A hash of all that is kept of a room: SHA-256 of its records, in order, each hashed with the
/// hash up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomHash {
    /// The room.
    pub room_jid: RoomJid,
    /// The hash.
    pub hash: [u8; 32],
}

/// Reads everything in a data directory, and checks it: every checksum, that no commit is missing,
/// that the state is what checkpoint and log make, and that the indexes are what the state makes.
/// What is kept stays as it is. Cut off, it leaves a store whose state the next start makes again.
///
/// The changes since the checkpoint are held in memory.
///
/// # Errors
///
/// [`OpenError::Corrupt`] at the first damage to checkpoint or log, with file and offset;
/// [`OpenError::Missing`], [`OpenError::Locked`] and [`OpenError::Io`] as with opening it.
pub fn verify(config: &Config) -> Result<Report, OpenError> {
    let Config { data_dir, options, .. } = config;
    let directory = DataDir::open_existing(data_dir)?;
    let stopped = directory.stopped()?;
    let checkpoint = open::check_checkpoint(&directory)?;
    let (known, noted) = open::known(&directory, stopped, checkpoint.header)?;
    let log = Log::inspect(&directory.log(), directory.identity(), known)
        .map_err(|error| log_error(data_dir, error))?;
    let recovery = log.recovery().clone();
    let (_, reader) = log.into_parts();
    open::check_together(&directory, &reader, checkpoint.header, noted)?;
    let history = History::new(reader);
    let (position, mark) = history.head();

    let mut report = Report {
        identity: directory.identity(),
        checkpoint_position: (checkpoint.bytes > 0).then_some(checkpoint.header.position),
        checkpoint_bytes: checkpoint.bytes,
        log_commits: recovery.records,
        log_bytes: recovery.bytes,
        position,
        rooms: 0,
        definitions: 0,
        documents: 0,
        room_hashes: Vec::new(),
        notes: Vec::new(),
        state_damage: None,
    };
    if stopped.is_none() && directory.is_stop_noted() {
        report.notes.push("the file stopped is damaged: the next start checks more".to_owned());
    }
    if let Some(cut) = recovery.cut {
        report.notes.push(format!(
            "{} has a torn end of {} bytes at byte {}, of which nobody was told: the next start \
             cuts it off",
            cut.file.display(),
            cut.bytes,
            cut.offset,
        ));
    }
    let is_clean = stopped.is_some_and(|stopped| stopped.position == position);
    let checksum = directory.documents_checksum()?;
    let (state, unusable) = if stopped.is_some_and(|it| is_clean && it.documents != checksum) {
        (None, Some("the files of documents/ are not those that the last stop left".to_owned()))
    } else {
        open_state(&directory, position, is_clean, &mut report.notes)
    };
    report.state_damage = unusable;
    let differs = check_state(
        &directory,
        &history,
        options,
        &checkpoint.header,
        state.as_ref(),
        &mut report,
    )?;
    report.state_damage = report.state_damage.take().or(differs);
    if state.is_some() && is_clean && report.state_damage.is_none() {
        // sled has written to its files when it opened them.
        drop(state);
        directory.note_stop(position, mark)?;
    }
    Ok(report)
}

/// Reads a backup from end to end, and checks it. Answers where it was taken and how large it is.
///
/// # Errors
///
/// [`OpenError::Corrupt`] with file and offset; [`OpenError::Io`].
pub fn verify_backup(backup: &Path) -> Result<(Identity, Position, u64), OpenError> {
    let check = || {
        let Some(reader) = Reader::open(backup)? else {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(checkpoint::Error::Io { path: backup.to_owned(), source });
        };
        let Header { identity, position, .. } = reader.header();
        Ok((identity, position, reader.check()?))
    };
    check().map_err(|error| checkpoint_error(backup, error))
}

/// Opens the state if it is of a position; else notes why not, or says what is wrong with it.
fn open_state(
    directory: &DataDir,
    position: Position,
    is_clean: bool,
    notes: &mut Vec<String>,
) -> (Option<Documents>, Option<String>) {
    if !directory.documents().exists() {
        notes.push("there is no state: the next start makes it".to_owned());
        return (None, None);
    }
    let opened = Documents::open(&directory.documents());
    match opened.and_then(|state| Ok((state.applied()?, state))) {
        Ok((Some(applied), state)) if applied == position => (Some(state), None),
        Ok(_) if is_clean => {
            (None, Some("the state is not the one that the last stop left".to_owned()))
        }
        Ok((applied, _)) => {
            let applied = applied.map_or(0, Position::get);
            notes.push(format!(
                "the state is of position {applied}: the last stop was not clean, and the next \
                 start brings it up to date"
            ));
            (None, None)
        }
        Err(error) => (None, Some(crate::error::chain(&error))),
    }
}

/// Goes through what checkpoint and log make: counts it, hashes it, and says where the state is
/// first different.
fn check_state(
    directory: &DataDir,
    history: &History,
    options: &Options,
    header: &Header,
    state: Option<&Documents>,
    report: &mut Report,
) -> Result<Option<String>, OpenError> {
    let forget_before = (options.clock)().saturating_sub(options.request_id_ttl);
    let is_given_up = AtomicBool::new(false);
    let advance = Advance { directory, history, forget_before, is_given_up: &is_given_up };
    let mut comparison = state.map(|state| state.compare(forget_before));
    let mut hashes: BTreeMap<Vec<u8>, [u8; 32]> = BTreeMap::new();
    let mut damage = None;
    let show = |kind: Kind, key: &[u8], value: &[u8]| {
        let counted = match kind {
            Kind::Room => Some(&mut report.rooms),
            Kind::Definition => Some(&mut report.definitions),
            Kind::Document => Some(&mut report.documents),
            Kind::Request => None,
        };
        if let Some(count) = counted {
            *count += 1;
            let room = if kind == Kind::Room { key } else { keys::room_part(key) };
            let hash = hashes.entry(room.to_vec()).or_default();
            *hash = next_hash(*hash, kind, key, value);
        }
        if damage.is_none()
            && let Some(comparison) = &mut comparison
            && let Err(error) = comparison.expect(kind, key, value)
        {
            damage = Some(crate::error::chain(&error));
        }
        Ok::<_, store::Error>(())
    };
    let shown =
        advance.changes(header.position, u64::MAX).and_then(|changes| advance.show(changes, show));
    shown.map_err(|error| rebuild_error(directory.path(), error))?;

    report.room_hashes = hashes
        .into_iter()
        .filter_map(|(key, hash)| Some(RoomHash { room_jid: keys::parse_room(&key)?, hash }))
        .collect();
    let Some(state) = state else { return Ok(None) };
    let rest = comparison.map_or(Ok(()), |mut comparison| comparison.expect_end());
    let checked = rest.and_then(|()| state.check());
    Ok(damage.or_else(|| checked.err().map(|error| crate::error::chain(&error))))
}

fn next_hash(hash: [u8; 32], kind: Kind, key: &[u8], value: &[u8]) -> [u8; 32] {
    let mut next = Sha256::new();
    next.update(hash);
    next.update([kind as u8]);
    for part in [key, value] {
        next.update((part.len() as u64).to_be_bytes());
        next.update(part);
    }
    next.finalize().into()
}
