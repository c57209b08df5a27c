//! How much room the disk has left, and what is still written when it has little.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::store::Writes;

/// Below this part of the watermark nothing is written. Our choice: what is between is for
/// removals, by which there may be room again, and what is left for a start.
const REMOVALS_PART: u64 = 4;

/// How large the ballast is, in bytes. Our choice: starting and stopping write less, unless the
/// state is made again, for which the old one goes first.
const BALLAST_BYTES: u64 = 8 << 20;

/// How often it is said at most what is written. Our choice: each write looks, and with a disk that
/// hovers about the watermark, lines without end would take the room that is left.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// Which writes there is room for, with so many bytes free, of which so many are to stay free.
pub(super) fn writes(free: u64, min_free: u64) -> Writes {
    if free >= min_free {
        Writes::All
    } else if free >= min_free / REMOVALS_PART {
        Writes::Removals
    } else {
        Writes::DiskFull
    }
}

/// The disk that a data directory is on.
pub(super) struct Space {
    path: PathBuf,
    /// A file that only takes up room, which a start or a stop on a full disk gives back.
    ballast: PathBuf,
    /// How many bytes are to stay free.
    min_free: u64,
    /// What was last said that there is room for, and when.
    said: (Writes, Option<Instant>),
}

impl Space {
    pub(super) fn new(path: &Path, ballast: PathBuf, min_free: u64) -> Self {
        Self { path: path.to_owned(), ballast, min_free, said: (Writes::All, None) }
    }

    /// Gives the ballast's room back if there is not enough without.
    pub(super) fn drop_ballast_if_low(&mut self) {
        if self.look() != Writes::All
            && let Err(error) = fs::remove_file(&self.ballast)
            && error.kind() != io::ErrorKind::NotFound
        {
            let file = self.ballast.display();
            tracing::warn!(%error, %file, "failed to give room on the disk back");
        }
    }

    /// Makes the ballast, if that much room is to be had.
    pub(super) fn hold_ballast(&self) {
        let file = &self.ballast;
        let is_there = file.metadata().is_ok_and(|metadata| metadata.len() == BALLAST_BYTES);
        let free = free_bytes(&self.path).unwrap_or(0);
        if is_there || free < self.min_free.saturating_add(BALLAST_BYTES) {
            return;
        }
        match make_ballast(file) {
            Ok(true) => {}
            Ok(false) => {
                tracing::debug!("the file system cannot hold room for a start on a full disk");
            }
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "failed to hold room on the disk");
            }
        }
    }

    /// Looks what there is room for, and says so if it has changed.
    pub(super) fn look(&mut self) -> Writes {
        let min_free = self.min_free;
        let (writes, free) = match free_bytes(&self.path) {
            Ok(free) => (writes(free, min_free), free),
            // Nothing is known, and writing finds out.
            Err(error) => {
                tracing::debug!(%error, "failed to see how much room there is");
                (Writes::All, min_free)
            }
        };
        if self.is_to_say(writes, Instant::now()) {
            let path = self.path.display();
            match writes {
                Writes::All => tracing::info!(%path, free, "there is room again for all writes"),
                Writes::Removals => tracing::warn!(
                    %path, free, min_free, "the disk is nearly full: only removals are written",
                ),
                Writes::DiskFull | Writes::Stopped => tracing::error!(
                    %path, free, min_free, "the disk is full: nothing is written until there is room",
                ),
            }
        }
        writes
    }

    /// Whether something else was said last, and long enough ago. Then this is said.
    fn is_to_say(&mut self, writes: Writes, now: Instant) -> bool {
        let (said, at) = self.said;
        let is_soon = at.is_some_and(|at| now.duration_since(at) < SAID_EVERY);
        if writes == said || is_soon {
            return false;
        }
        self.said = (writes, Some(now));
        true
    }
}

/// How many bytes are left of the disk that a path is on, for users without privileges.
///
/// # Errors
///
/// What the operating system says.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Answers whether the file system can give room to a file at once. There is no file if not.
fn make_ballast(file: &Path) -> io::Result<bool> {
    let made = File::options().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    match fallocate(made, FallocateFlags::empty(), 0, BALLAST_BYTES) {
        Ok(()) => Ok(true),
        Err(error) => {
            fs::remove_file(file)?;
            if error == Errno::OPNOTSUPP { Ok(false) } else { Err(error.into()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(path: &Path, min_free: u64) -> Space {
        Space::new(path, path.join("ballast"), min_free)
    }

    #[test]
    fn the_room_goes_by_what_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let free = free_bytes(dir.path()).unwrap();
        let look = |min_free| space(dir.path(), min_free).look();
        assert_eq!(look(0), Writes::All);
        assert_eq!(look(free / 2), Writes::All);
        assert_eq!(look(free * 2), Writes::Removals);
        assert_eq!(look(free * 8), Writes::DiskFull);
    }

    #[test]
    fn a_disk_that_hovers_about_the_watermark_makes_few_lines() {
        let mut space = space(Path::new("/"), 0);
        let began = Instant::now();
        let mut says = |writes, after| space.is_to_say(writes, began + after);
        assert!(!says(Writes::All, Duration::ZERO), "that is no news");
        assert!(says(Writes::Removals, Duration::ZERO));
        let soon = SAID_EVERY.saturating_sub(Duration::from_nanos(1));
        assert!(!says(Writes::All, soon) && !says(Writes::Removals, soon));
        assert!(!says(Writes::Removals, SAID_EVERY), "it was said already");
        assert!(says(Writes::All, SAID_EVERY), "and what lasts is said");
    }

    #[test]
    fn the_ballast_takes_room_if_there_is_some() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ballast");
        space(dir.path(), u64::MAX).hold_ballast();
        assert!(!file.exists());
        for _ in 0..2 {
            space(dir.path(), 0).hold_ballast();
            if let Ok(metadata) = file.metadata() {
                assert_eq!(metadata.len(), BALLAST_BYTES);
                assert!(metadata.blocks() * 512 >= BALLAST_BYTES, "it is no hole");
            }
        }
        space(dir.path(), u64::MAX).drop_ballast_if_low();
        assert!(!file.exists());
    }
}
