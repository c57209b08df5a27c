//! What a data directory holds, without reading all of it.

use std::fs;
use std::io;
use std::path::Path;

use crate::commit::{Identity, Position};
use crate::store::embedded::checkpoint::Reader;
use crate::store::embedded::directory::DataDir;
use crate::store::embedded::error::{OpenError, checkpoint_error, log_error};
use crate::store::embedded::log;

/// What a data directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Which store it is, and which history of it.
    pub identity: Identity,
    /// Where the checkpoint stands, if there is one.
    pub checkpoint_position: Option<Position>,
    /// How large it is, in bytes.
    pub checkpoint_bytes: u64,
    /// The first position of each file of the log, oldest first.
    pub log_files: Vec<Position>,
    /// How large the log is, in bytes.
    pub log_bytes: u64,
    /// How large the state is, in bytes.
    pub documents_bytes: u64,
    /// Where the last stop left it; none if that was not clean.
    pub stopped_position: Option<Position>,
}

/// Says what a data directory holds. Nothing is checked but what is read: beginnings of files.
///
/// # Errors
///
/// [`OpenError::Missing`] if there is no store, [`OpenError::Locked`] if a hatd uses it;
/// [`OpenError::Corrupt`] and [`OpenError::Io`] as with opening it.
pub fn inspect(data_dir: &Path) -> Result<Inspection, OpenError> {
    let directory = DataDir::open_existing(data_dir)?;
    let reader = Reader::open(&directory.checkpoint());
    let reader = reader.map_err(|error| checkpoint_error(data_dir, error))?;
    let log_files = log::first_positions(&directory.log());
    let log_files = log_files.map_err(|error| log_error(data_dir, error))?;
    Ok(Inspection {
        identity: directory.identity(),
        checkpoint_position: reader.map(|reader| reader.header().position),
        checkpoint_bytes: bytes_below(&directory.checkpoint())?,
        log_files: log_files.into_iter().map(Position::new).collect(),
        log_bytes: bytes_below(&directory.log())?,
        documents_bytes: bytes_below(&directory.documents())?,
        stopped_position: directory.stopped()?.map(|stopped| stopped.position),
    })
}

/// How much of the disk everything below a path takes, in bytes.
fn bytes_below(path: &Path) -> Result<u64, OpenError> {
    let at = |source: io::Error| OpenError::Io { path: path.to_owned(), source };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        outcome => outcome.map_err(at)?,
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(at)? {
        bytes += bytes_below(&entry.map_err(at)?.path())?;
    }
    Ok(bytes)
}
