//! What programs in other languages need from this machine.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// What a test needs and this machine lacks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Missing(String);

impl Missing {
    /// Says what is missing.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// What was found. Otherwise says loudly that the test is skipped, which the caller then does.
///
/// # Panics
///
/// If it was not found and `HATD_TEST_REQUIRE=all` demands that no test is skipped.
pub(crate) fn or_skip<T>(found: Result<T, Missing>) -> Option<T> {
    let missing = match found {
        Ok(found) => return Some(found),
        Err(missing) => missing,
    };
    assert!(
        env::var_os("HATD_TEST_REQUIRE").is_none_or(|required| required != "all"),
        "HATD_TEST_REQUIRE=all, but {missing}"
    );
    let thread = thread::current();
    // Not `eprintln!`, whose text is shown only if the test fails.
    let mut stderr = io::stderr();
    writeln!(stderr, "SKIPPED: {}: {missing}", thread.name().unwrap_or_default()).unwrap();
    None
}

/// What a program says on its standard output, if it is there and succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String, Missing> {
    let output =
        command.output().map_err(|error| Missing(format!("{command:?} does not run: {error}")))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        Err(Missing(format!("{command:?} fails with {}: {said}", output.status)))
    }
}

/// A directory that `make` fills once for all runs, and anew when `key` changes.
pub(crate) fn cached(
    name: &str,
    key: &str,
    make: impl FnOnce(&Path) -> Result<(), Missing>,
) -> Result<PathBuf, Missing> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = cache.join(name);
    // Written last, so that what was cut short is made again.
    let stamp = cache.join(format!("{name}.key"));
    // Held until the return: other tests wait for this one to make what they need, too.
    let lock = File::create(cache.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();

    if fs::read_to_string(&stamp).is_ok_and(|made| made == key) {
        return Ok(directory);
    }
    for removed in [fs::remove_file(&stamp), fs::remove_dir_all(&directory)] {
        if let Err(error) = removed {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        }
    }
    make(&directory)?;
    fs::write(&stamp, key).unwrap();
    Ok(directory)
}
