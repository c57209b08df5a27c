//! Files that are never half written.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::errors::Error;

/// A file that has another name until it is whole. Dropped before, it is removed.
pub(crate) struct WholeFile {
    file: PathBuf,
    partial: PathBuf,
    /// None once it is whole.
    out: Option<BufWriter<File>>,
}

impl WholeFile {
    /// Begins a file beside the one that it will become, for its owner alone: who has which hat,
    /// and why, is not for everybody.
    pub(crate) fn create(file: &Path) -> Result<Self, Error> {
        let mut partial = file.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let out = BufWriter::new(options.open(&partial).map_err(at(&partial))?);
        Ok(Self { file: file.to_owned(), partial, out: Some(out) })
    }

    /// Makes it durable under its own name, in place of one that is there.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        if let Some(out) = &mut self.out {
            out.flush().and_then(|()| out.get_ref().sync_all()).map_err(at(&self.partial))?;
        }
        fs::rename(&self.partial, &self.file).map_err(at(&self.file))?;
        self.out = None;
        let folder = match self.file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(0), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.out.take().is_some() {
            // Nothing is lost if it stays: the next one takes its place.
            _ = fs::remove_file(&self.partial);
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing_and_the_one_before_it_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backup");
        let begin = |text: &str| {
            let mut whole = WholeFile::create(&file).unwrap();
            whole.write_all(text.as_bytes()).unwrap();
            whole
        };
        let names = || fs::read_dir(dir.path()).unwrap().count();

        drop(begin("unfinished"));
        assert_eq!(names(), 0);
        begin("one").finish().unwrap();
        drop(begin("unfinished"));
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), ("one", 1));
        begin("two").finish().unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names()), ("two", 1));
    }
}
