//! The data directory: its lock, whose store it is, and what the last stop left.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{self, OpenError};
use super::log::{self, Log};
use crate::commit::{Identity, Mark, Position, seal, unseal};

const LOCK: &str = "lock";
const IDENTITY: &str = "identity";
const STOPPED: &str = "stopped";
const RUNNING: &str = "running";
const DURABLE: &str = "durable";
const RESTORING: &str = "restoring";
const CHECKPOINT: &str = "checkpoint";
const CHECKPOINT_NEW: &str = "checkpoint.new";
const LOG: &str = "log";
const BALLAST: &str = "ballast";
const DOCUMENTS: &str = "documents";
const DOCUMENTS_ASIDE: &str = "documents.aside";

/// Where the system tells one run of it from another: random, new at each boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// How much of a file is read for its checksum at a time, in bytes. Our choice.
const CHECKSUM_BYTES: usize = 1 << 20;

/// What `identity` and `stopped` begin with, before they are sealed.
const IDENTITY_FORMAT: u8 = 1;
const STOPPED_FORMAT: u8 = 2;

/// Where a clean stop left log and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    /// The head of the log.
    pub(super) position: Position,
    /// The mark there.
    pub(super) mark: Mark,
    /// What [`DataDir::documents_checksum`] was.
    pub(super) documents: u32,
}

/// A data directory that no other process uses as long as this is held.
#[derive(Clone)]
pub(super) struct DataDir {
    path: PathBuf,
    identity: Identity,
    /// Unlocked when the last handle is dropped.
    _lock: Arc<Lock>,
}

impl DataDir {
    /// Opens a data directory, or makes a new store in it.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.exists() {
            create_private(path)
                .map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
        }
        let lock = Lock::take(path)?;
        let identity = match read_identity(path)? {
            Some(identity) => identity,
            None => Self::create(path)?,
        };
        Ok(Self { path: path.to_owned(), identity, _lock: Arc::new(lock) })
    }

    /// Opens a data directory that has a store.
    pub(super) fn open_existing(path: &Path) -> Result<Self, OpenError> {
        let missing = || OpenError::Missing { path: path.to_owned() };
        // Locking would leave a file behind.
        if !path.is_dir() {
            return Err(missing());
        }
        let lock = Lock::take(path)?;
        let identity = read_identity(path)?.ok_or_else(missing)?;
        Ok(Self { path: path.to_owned(), identity, _lock: Arc::new(lock) })
    }

    /// Begins to restore a store in a directory that has none. Until the restore is finished,
    /// nothing opens it.
    pub(super) fn begin_restore(path: &Path, identity: Identity) -> Result<Self, OpenError> {
        create_private(path)
            .map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
        let lock = Lock::take(path)?;
        let marker = path.join(RESTORING);
        let parts =
            [IDENTITY, LOG, DURABLE, CHECKPOINT, CHECKPOINT_NEW, STOPPED, RUNNING, DOCUMENTS];
        let parts = parts.map(|part| path.join(part));
        if marker.exists() {
            // Of a restore that was cut off.
            for part in parts {
                remove_all(&part).map_err(|source| io_error(&part, source))?;
            }
        } else if parts.iter().any(|part| part.exists()) {
            return Err(OpenError::Occupied { path: path.to_owned() });
        }
        let mark = || File::create(&marker)?.sync_all().and_then(|()| sync_dir(path));
        mark().map_err(|source| io_error(&marker, source))?;
        Ok(Self { path: path.to_owned(), identity, _lock: Arc::new(lock) })
    }

    /// Makes the store that was restored one to open, when everything else is on disk.
    pub(super) fn finish_restore(&self) -> Result<(), OpenError> {
        write(&self.path, IDENTITY, format_identity(self.identity))?;
        let marker = self.path.join(RESTORING);
        let unmarked = fs::remove_file(&marker).and_then(|()| sync_dir(&self.path));
        unmarked.map_err(|source| io_error(&marker, source))
    }

    /// Makes a new store: the log first, so that an identity without one is damage.
    /// A start that was cut off in between is begun anew.
    fn create(path: &Path) -> Result<Identity, OpenError> {
        let identity = Identity { store: *uuid::Uuid::new_v4().as_bytes(), epoch: 1 };
        let base = (0, Mark::ORIGIN);
        match Log::create(&path.join(LOG), identity, log::Options::default(), base) {
            Err(log::Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenError::corrupt(path, "the file identity is missing, and there is a log"))
            }
            outcome => outcome.map_err(|error| error::log_error(path, error)),
        }?;
        write(path, IDENTITY, format_identity(identity))?;
        Ok(identity)
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whose store it is.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Where the log is.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// Where the state is.
    pub(super) fn documents(&self) -> PathBuf {
        self.path.join(DOCUMENTS)
    }

    /// Where the checkpoint is.
    pub(super) fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// Where the next checkpoint is written.
    pub(super) fn new_checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT_NEW)
    }

    /// Where room on the disk is held for a start on a full one.
    pub(super) fn ballast(&self) -> PathBuf {
        self.path.join(BALLAST)
    }

    /// Where it is noted up to where the log is durable.
    pub(super) fn durable(&self) -> PathBuf {
        self.path.join(DURABLE)
    }

    /// Puts the new checkpoint, whose contents are durable, in the place of the old one.
    pub(super) fn replace_checkpoint(&self) -> io::Result<()> {
        fs::rename(self.new_checkpoint(), self.checkpoint())?;
        sync_dir(&self.path)
    }

    /// Whether the system has run ever since a hatd that did not stop cleanly was started
    /// here: then no power was cut, and files are as that hatd left them.
    pub(super) fn is_same_boot(&self) -> bool {
        let before = fs::read_to_string(self.path.join(RUNNING));
        boot_id().is_some_and(|boot| before.is_ok_and(|before| before == boot))
    }

    /// Notes that a hatd runs, before anything changes: the last stop is forgotten.
    pub(super) fn note_running(&self) -> Result<(), OpenError> {
        let file = self.path.join(RUNNING);
        let noted = match boot_id() {
            Some(boot) => fs::write(&file, boot),
            None => remove_all(&file),
        };
        noted.map_err(|source| io_error(&file, source))?;
        self.forget_stop()
    }

    /// What the last stop left, if it was clean.
    pub(super) fn stopped(&self) -> Result<Option<Stopped>, OpenError> {
        read(&self.path.join(STOPPED), parse_stopped)
    }

    /// Whether a stop was noted, legibly or not.
    pub(super) fn is_stop_noted(&self) -> bool {
        self.path.join(STOPPED).exists()
    }

    /// Notes a clean stop, when everything else is on disk.
    pub(super) fn note_stop(&self, position: Position, mark: Mark) -> Result<(), OpenError> {
        // sled's flush leaves what it wrote in the system's cache.
        sync_all(&self.documents()).map_err(|source| io_error(&self.documents(), source))?;
        let documents = self.documents_checksum()?;
        write(&self.path, STOPPED, format_stopped(Stopped { position, mark, documents }))
    }

    /// A CRC-32C of the state's files, with their names and lengths. sled takes some damage to
    /// them for an end of its data, and serves what is left.
    pub(super) fn documents_checksum(&self) -> Result<u32, OpenError> {
        let mut files = Vec::new();
        let documents = self.documents();
        list_files(&documents, &mut files).map_err(|source| io_error(&documents, source))?;
        files.sort();
        files.iter().try_fold(0, |crc, file| {
            let name = file.strip_prefix(&documents).unwrap_or(file);
            let crc = crc32c::crc32c_append(crc, name.as_os_str().as_encoded_bytes());
            checksum_file(crc, file).map_err(|source| io_error(file, source))
        })
    }

    fn forget_stop(&self) -> Result<(), OpenError> {
        let file = self.path.join(STOPPED);
        match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(io_error(&file, source)),
            Ok(()) => sync_dir(&self.path).map_err(|source| io_error(&self.path, source)),
        }
    }

    /// Removes the state, by its name first: what is left of it when this is cut off does not pass
    /// for one.
    pub(super) fn remove_documents(&self) -> Result<(), OpenError> {
        let (documents, aside) = (self.documents(), self.path.join(DOCUMENTS_ASIDE));
        let remove = || remove_all(&aside).map_err(|source| io_error(&aside, source));
        remove()?;
        if documents.exists() {
            fs::rename(&documents, &aside).map_err(|source| io_error(&documents, source))?;
        }
        remove()
    }
}

/// Whose store a directory holds, if any.
fn read_identity(path: &Path) -> Result<Option<Identity>, OpenError> {
    if path.join(RESTORING).exists() {
        let what = "a restore was cut off: begin it again with the same command";
        return Err(OpenError::corrupt(path, what));
    }
    let file = path.join(IDENTITY);
    if !file.exists() {
        return Ok(None);
    }
    let identity = read(&file, parse_identity)?
        .ok_or_else(|| OpenError::corrupt(path, "the file identity is not readable"))?;
    if !path.join(LOG).exists() {
        let what = "the folder log is missing: restore a backup, or start in an empty directory";
        return Err(OpenError::corrupt(path, what));
    }
    Ok(Some(identity))
}

fn boot_id() -> Option<String> {
    fs::read_to_string(BOOT_ID).ok()
}

/// Removes a file or a directory with all that is in it, if it is there.
fn remove_all(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}

/// The lock of a data directory, held until this is dropped.
struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Self, OpenError> {
        let file = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&file);
        let lock = lock.map_err(|source| io_error(&file, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self(lock)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error(&file, source)),
        }
    }
}

impl Drop for Lock {
    /// To close the file would not do: a program that this process has started has it open as
    /// well until it is running.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            let error = crate::error::chain(&error);
            tracing::warn!(error, "failed to unlock the data directory");
        }
    }
}

/// Makes a directory that only its owner can enter, and those above it, durably.
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(io::ErrorKind::NotFound.into()),
    };
    create_private(parent)?;
    fs::DirBuilder::new().mode(0o700).create(path)?;
    sync_dir(parent)
}

fn read<T>(file: &Path, parse: fn(&[u8]) -> Option<T>) -> Result<Option<T>, OpenError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(unseal(text.trim_end()).and_then(|bytes| parse(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(source) => Err(io_error(file, source)),
    }
}

/// Writes a file whole or not at all, and makes it durable.
fn write(dir: &Path, name: &str, bytes: Vec<u8>) -> Result<(), OpenError> {
    let file = dir.join(name);
    let new = dir.join(format!("{name}.new"));
    let write = || {
        let mut writing = File::create(&new)?;
        writing.write_all(format!("{}\n", seal(bytes)).as_bytes())?;
        writing.sync_all()?;
        fs::rename(&new, &file)?;
        sync_dir(dir)
    };
    write().map_err(|source| io_error(&file, source))
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs every file and folder below a path.
fn sync_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_all(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// Lists the files below a directory; none if it does not exist.
fn list_files(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            list_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The checksum of a file's contents and length, which goes on from one.
fn checksum_file(mut crc: u32, path: &Path) -> io::Result<u32> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; CHECKSUM_BYTES];
    let mut bytes = 0_u64;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(crc32c::crc32c_append(crc, &bytes.to_be_bytes())),
            read => {
                crc = crc32c::crc32c_append(crc, buffer.get(..read).unwrap_or_default());
                bytes += read as u64;
            }
        }
    }
}

fn format_identity(identity: Identity) -> Vec<u8> {
    let epoch = identity.epoch.to_be_bytes();
    [[IDENTITY_FORMAT].as_slice(), &identity.store, &epoch].concat()
}

fn parse_identity(bytes: &[u8]) -> Option<Identity> {
    let (&IDENTITY_FORMAT, rest) = bytes.split_first()? else { return None };
    let (store, epoch) = rest.split_first_chunk()?;
    Some(Identity { store: *store, epoch: u64::from_be_bytes(epoch.try_into().ok()?) })
}

fn format_stopped(stopped: Stopped) -> Vec<u8> {
    let position = stopped.position.get().to_be_bytes();
    let [mark, documents] = [stopped.mark.0, stopped.documents].map(u32::to_be_bytes);
    [[STOPPED_FORMAT].as_slice(), &position, &mark, &documents].concat()
}

fn parse_stopped(bytes: &[u8]) -> Option<Stopped> {
    let (&STOPPED_FORMAT, rest) = bytes.split_first()? else { return None };
    let (position, mark) = rest.split_first_chunk()?;
    let (mark, documents) = mark.split_first_chunk()?;
    let mark = Mark(u32::from_be_bytes(*mark));
    let documents = u32::from_be_bytes(documents.try_into().ok()?);
    Some(Stopped { position: Position::new(u64::from_be_bytes(*position)), mark, documents })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_unlocked_even_if_another_process_still_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        assert!(matches!(Lock::take(dir.path()), Err(OpenError::Locked { .. })));
        let inherited = lock.0.try_clone().unwrap();
        drop(lock);
        Lock::take(dir.path()).unwrap();
        drop(inherited);
    }
}
