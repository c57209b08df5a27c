//! Files of JSON, one value or one a line, in which an error names its place.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::errors::Error;

/// Longest line that is read, in bytes. No line that hatd would take is longer: a message is at
/// most 4 MiB.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A file that can be read more than once. Standard input is kept in memory for that.
pub(crate) struct Source {
    path: PathBuf,
    held: Option<Vec<u8>>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let held = if path == Path::new("-") {
            let mut held = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut held);
            read.map_err(|source| Error::File { path: path.to_owned(), source })?;
            Some(held)
        } else {
            None
        };
        Ok(Self { path: path.to_owned(), held })
    }

    /// Stands for a file of this text.
    pub(crate) fn held(path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), held: Some(text.into()) }
    }

    /// Reads the file as one value.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut text = Vec::new();
        self.reader()?.read_to_end(&mut text).map_err(|source| self.unreadable(source))?;
        serde_json::from_slice(&text).map_err(|error| Error::Input {
            place: format!("{}:{}", self.name(), error.line()),
            what: error.to_string(),
        })
    }

    /// Reads the file line by line: the number of each line, from 1, and its value. Empty lines
    /// are passed over.
    pub(crate) fn lines<T: DeserializeOwned>(&self) -> Result<Lines<'_, T>, Error> {
        Ok(Lines {
            source: self,
            reader: self.reader()?,
            line: Vec::new(),
            number: 0,
            value: PhantomData,
        })
    }

    /// Makes an error that names a line.
    pub(crate) fn bad_line(&self, number: usize, what: impl Into<String>) -> Error {
        Error::Input { place: format!("{}:{number}", self.name()), what: what.into() }
    }

    /// Makes the error of a call for `lines`, which is about that at `index` if it is known.
    pub(crate) fn error(
        &self,
        lines: &[usize],
        index: Option<usize>,
        error: hatd_client::Error,
    ) -> Error {
        let only = index.and_then(|index| lines.get(index));
        let first = only.or(lines.iter().min()).copied().unwrap_or_default();
        let last = only.or(lines.iter().max()).copied().unwrap_or_default();
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        Error::Lines { lines: format!("{}:{range}", self.name()), source: error }
    }

    /// Returns the name to show.
    pub(crate) fn name(&self) -> String {
        if self.path == Path::new("-") {
            "standard input".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    fn reader(&self) -> Result<Box<dyn BufRead + '_>, Error> {
        if let Some(held) = &self.held {
            return Ok(Box::new(held.as_slice()));
        }
        let file = File::open(&self.path).map_err(|source| self.unreadable(source))?;
        Ok(Box::new(BufReader::with_capacity(256 * 1024, file)))
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::File { path: self.path.clone(), source }
    }
}

/// Splits a path such as `operations[12].set.hats` into the index of a field and what follows.
pub(crate) fn index_of<'a>(path: &'a str, field: &str) -> Option<(usize, &'a str)> {
    let (index, rest) = path.strip_prefix(field)?.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The lines of a file.
pub(crate) struct Lines<'a, T> {
    source: &'a Source,
    reader: Box<dyn BufRead + 'a>,
    line: Vec<u8>,
    number: usize,
    value: PhantomData<T>,
}

impl<T> Lines<'_, T> {
    /// Makes an error that names a line.
    pub(crate) fn bad_line(&self, number: usize, what: impl Into<String>) -> Error {
        self.source.bad_line(number, what)
    }
}

impl<T: DeserializeOwned> Iterator for Lines<'_, T> {
    type Item = Result<(usize, T), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            self.number += 1;
            let mut bounded = (&mut self.reader).take(LINE_BYTES_MAX);
            match bounded.read_until(b'\n', &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(self.source.unreadable(error))),
            }
            if self.line.len() as u64 == LINE_BYTES_MAX {
                let what = format!("the line is longer than {LINE_BYTES_MAX} bytes");
                return Some(Err(self.source.bad_line(self.number, what)));
            }
            let line = self.line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let value = serde_json::from_slice(line).map_err(|error| {
                // The line number of the error is that within the line: always 1.
                let text = error.to_string();
                let what = text.split(" at line ").next().unwrap_or(&text);
                let place = format!("{what} (column {})", error.column());
                self.source.bad_line(self.number, place)
            });
            return Some(value.map(|value| (self.number, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let source = Source::held("-", "1\n\n  2  \nx\n");
        let lines: Vec<_> = source.lines::<u32>().unwrap().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(*lines[1].as_ref().unwrap(), (3, 2));
        let error = lines[2].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("standard input:4: expected value"), "{error}");
    }

    #[test]
    fn a_last_line_needs_no_end() {
        let numbers: Vec<_> =
            Source::held("-", "1\n2").lines::<u32>().unwrap().map(|line| line.unwrap()).collect();
        assert_eq!(numbers, [(1, 1), (2, 2)]);
    }

    #[test]
    fn a_field_path_has_an_index() {
        assert_eq!(index_of("operations[12].set.hats", "operations"), Some((12, "set.hats")));
        assert_eq!(index_of("entries[0]", "entries"), Some((0, "")));
        assert_eq!(index_of("room_jid", "operations"), None);
        assert_eq!(index_of("operations", "operations"), None);
    }
}
