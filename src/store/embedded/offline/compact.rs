//! The least that a store needs of the disk.

use std::path::Path;

use super::inspect::{Inspection, inspect};
use crate::store::embedded::error::OpenError;
use crate::store::embedded::open::{self, Config, Start};
use crate::store::{self, Maintenance as _, Store as _};

/// How much of the disk a store took before and after, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub bytes_before: u64,
    /// After.
    pub bytes_after: u64,
}

/// Makes the state again, which leaves its free space behind, takes a checkpoint, and deletes what
/// nobody needs any more of the log. Everything that is kept stays; cut off at any time, the next
/// start finds all of it.
///
/// # Errors
///
/// As [`open`](super::super::open), [`OpenError::Missing`] if there is no store, and [`OpenError::Rebuild`] if the checkpoint cannot be taken.
pub async fn compact(config: Config) -> Result<Compacted, OpenError> {
    let data_dir = config.data_dir.clone();
    let bytes_before = store_bytes(&data_dir)?;
    let opened = tokio::task::spawn_blocking(|| open::open_as(config, Start::Anew)).await;
    let store = opened.map_err(|error| OpenError::Rebuild(error.into()))??;
    let failed = |error: store::Error| OpenError::Rebuild(Box::new(error));
    store.checkpoint().await.map_err(failed)?;
    store.close().await.map_err(failed)?;
    drop(store);
    Ok(Compacted { bytes_before, bytes_after: store_bytes(&data_dir)? })
}

/// How much of the disk checkpoint, log and state take, in bytes.
fn store_bytes(data_dir: &Path) -> Result<u64, OpenError> {
    let inspection = inspect(data_dir)?;
    let Inspection { checkpoint_bytes, log_bytes, documents_bytes, .. } = inspection;
    Ok(checkpoint_bytes + log_bytes + documents_bytes)
}
