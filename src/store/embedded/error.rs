//! Why a store cannot be opened.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use super::{checkpoint, documents, log};
use crate::store;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error("another hatd is using {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// There is no store in the directory.
    #[error("there is no store in {}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// There is a store in the directory already.
    #[error("{} holds a store already: restore into an empty directory", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// What is stored is damaged, and nothing was changed.
    #[error("the store in {} is damaged: {what}", path.display())]
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// What is wrong, with file and offset.
        what: String,
    },
    /// The directory cannot be made.
    #[error("failed to create {}", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error("failed to use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state cannot be made again from the checkpoint and the log.
    #[error("failed to make the state again")]
    Rebuild(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The state cannot be opened, though it was just made.
    #[error("failed to open the document store")]
    Documents(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    pub(super) fn corrupt(path: &Path, what: impl Display) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.to_string() }
    }
}

impl From<documents::Error> for OpenError {
    fn from(error: documents::Error) -> Self {
        Self::Documents(Box::new(error))
    }
}

pub(super) fn checkpoint_error(data_dir: &Path, error: checkpoint::Error) -> OpenError {
    match error {
        checkpoint::Error::Io { path, source } => OpenError::Io { path, source },
        corrupt @ checkpoint::Error::Corrupt { .. } => OpenError::corrupt(data_dir, corrupt),
    }
}

pub(super) fn rebuild_error(data_dir: &Path, error: store::Error) -> OpenError {
    if let store::Error::Corrupt(error) = error {
        OpenError::corrupt(data_dir, crate::error::chain(error.as_ref()))
    } else {
        OpenError::Rebuild(Box::new(error))
    }
}

pub(super) fn log_error(data_dir: &Path, error: log::Error) -> OpenError {
    match error {
        log::Error::Io { path, source } => OpenError::Io { path, source },
        other @ (log::Error::Corrupt { .. }
        | log::Error::WrongStore { .. }
        | log::Error::TooLarge { .. }
        | log::Error::Expired { .. }
        | log::Error::Failed) => OpenError::corrupt(data_dir, crate::error::chain(&other)),
    }
}
