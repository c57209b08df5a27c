//! A small file system of its own, of which the power can be cut.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::toolchain::{Missing, output};

/// The kinds of file system that are tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Ext4,
    Xfs,
}

/// How large a volume is: the least that XFS takes. The file is sparse.
const VOLUME_BYTES: u64 = 320 << 20;

/// A mounted file system in a file, unmounted when dropped.
pub(super) struct Volume {
    dir: TempDir,
    is_mounted: bool,
}

impl Volume {
    /// Makes a file system and mounts it.
    pub(super) fn make(kind: Kind) -> Result<Self, Missing> {
        let dir = TempDir::new().unwrap();
        let mut volume = Self { dir, is_mounted: false };
        File::create(volume.image()).unwrap().set_len(VOLUME_BYTES).unwrap();
        let mut mkfs = match kind {
            Kind::Ext4 => Command::new("mkfs.ext4"),
            Kind::Xfs => Command::new("mkfs.xfs"),
        };
        match kind {
            Kind::Ext4 => mkfs.arg("-qF"),
            Kind::Xfs => mkfs.arg("-qf"),
        };
        output(mkfs.arg(volume.image()))?;
        fs::create_dir(volume.path()).unwrap();
        volume.try_mount()?;
        output(Command::new("xfs_io").arg("-V"))?;
        Ok(volume)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("mounted")
    }

    fn try_mount(&mut self) -> Result<(), Missing> {
        let mut mount = Command::new("mount");
        output(mount.args(["-o", "loop"]).args([self.image(), self.path()]))?;
        self.is_mounted = true;
        Ok(())
    }

    /// Shuts the file system down as it is on the disk at this moment: what was not synced is
    /// gone, its journal's end too.
    pub(super) fn cut(&self) {
        let mut cut = Command::new("xfs_io");
        output(cut.args(["-x", "-c", "shutdown"]).arg(self.path())).unwrap();
    }

    /// Mounts what is left after a cut, when nobody uses it any more.
    pub(super) fn mount_again(&mut self) {
        self.unmount();
        self.try_mount().unwrap();
    }

    fn unmount(&mut self) {
        output(Command::new("umount").arg(self.path())).unwrap();
        self.is_mounted = false;
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.is_mounted {
            // A server that a failed test leaves behind may use it still.
            _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
        }
    }
}

/// Makes the system seem to have been started anew since a server was started on a store, as it
/// is after a cut of the power: after a mere kill hatd takes files for what it wrote to them.
pub(super) fn note_another_boot(data_dir: &Path) {
    fs::write(data_dir.join("running"), "another boot").unwrap();
}

#[test]
fn a_cut_takes_what_was_not_synced_and_leaves_what_was() {
    for kind in [Kind::Ext4, Kind::Xfs] {
        let Some(mut volume) = crate::support::toolchain::or_skip(Volume::make(kind)) else {
            return;
        };
        let [synced, unsynced] = ["synced", "unsynced"].map(|name| volume.path().join(name));
        for path in [&synced, &unsynced] {
            fs::write(path, "hats").unwrap();
        }
        File::open(&synced).unwrap().sync_all().unwrap();
        File::open(volume.path()).unwrap().sync_all().unwrap();
        fs::write(&unsynced, "more hats").unwrap();
        volume.cut();
        volume.mount_again();
        assert_eq!(fs::read_to_string(&synced).unwrap(), "hats", "{kind:?}");
        let left = fs::read_to_string(&unsynced).unwrap_or_default();
        assert_ne!(left, "more hats", "{kind:?}");
    }
}
