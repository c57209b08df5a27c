//! From a backup to a data directory.

use std::path::Path;

use rand::Rng as _;

use crate::commit::{Identity, Mark, Position};
use crate::planted::{self, Bug};
use crate::store::embedded::checkpoint::{self, Header, Reader};
use crate::store::embedded::directory::DataDir;
use crate::store::embedded::error::{OpenError, checkpoint_error, log_error};
use crate::store::embedded::log::{self, Log};
use crate::time::Timestamp;

/// How far the positions, and so the revisions, of a restored store are above the backup's.
///
/// Whatever was committed between the backup and the restore had lower ones, so that no revision
/// is used twice: at 100,000 commits a second it would take 12 hours to come so far.
const POSITIONS_ABOVE: u64 = 1 << 32;

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which store it is, and which history of it begins here.
    pub identity: Identity,
    /// Where the backup was taken.
    pub backup_position: Position,
    /// After which position the new history begins.
    pub position: Position,
    /// How many records the state has: rooms, definitions and documents.
    pub records: u64,
}

/// Makes a store of a backup, in a directory that holds none. It is the same store, and a new
/// history of it: tokens from before lead to a reset, and revisions go on far above. Answers to
/// request ids are not in it.
///
/// The backup is read from end to end before anything is written. A restore that is cut off leaves
/// what no hatd opens; begin it again.
///
/// # Errors
///
/// [`OpenError::Occupied`] if the directory holds a store, [`OpenError::Locked`] if a hatd uses it,
/// [`OpenError::Corrupt`] if the backup is damaged; nothing is changed then. [`OpenError::Io`] and
/// [`OpenError::Create`] as the disk has it.
pub fn restore(data_dir: &Path, backup: &Path) -> Result<Restored, OpenError> {
    let unusable = |error| checkpoint_error(backup, error);
    let open = || Reader::open(backup).and_then(|reader| reader.ok_or_else(|| missing(backup)));
    open().and_then(Reader::check).map_err(unusable)?;

    let reader = open().map_err(unusable)?;
    let Header { identity, position: backup_position, .. } = reader.header();
    let header = Header {
        identity: Identity { epoch: next_epoch(identity.epoch), ..identity },
        position: Position::new(backup_position.get() + POSITIONS_ABOVE),
        // Of no record, so that no token of another restore of this backup fits.
        mark: Mark(rand::rng().random()),
    };
    let directory = DataDir::begin_restore(data_dir, header.identity)?;
    let records = checkpoint::copy_state(reader, &directory.checkpoint(), header)
        .map_err(|error| checkpoint_error(directory.path(), error))?;
    let base = (header.position.get(), header.mark);
    Log::create(&directory.log(), header.identity, log::Options::default(), base)
        .map_err(|error| log_error(directory.path(), error))?;
    directory.finish_restore()?;
    Ok(Restored { identity: header.identity, backup_position, position: header.position, records })
}

/// The epoch of a history that begins now. By the clock, so that two restores of one backup
/// differ, and higher than the one before in any case.
fn next_epoch(epoch: u64) -> u64 {
    if planted::has(Bug::EpochKept) {
        return epoch;
    }
    let now = u64::try_from(Timestamp::now().seconds()).unwrap_or(0);
    now.max(epoch + 1)
}

fn missing(backup: &Path) -> checkpoint::Error {
    let source = std::io::ErrorKind::NotFound.into();
    checkpoint::Error::Io { path: backup.to_owned(), source }
}
