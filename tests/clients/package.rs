//! The clients' packages, each with a script that knows its language.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::support::toolchain::{Missing, output};

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// What `task require` exits with if the toolchain is missing.
const MISSING: i32 = 3;

/// A client's package.
pub(super) struct Package {
    name: &'static str,
    /// Whether it has been built, in this run of the tests.
    built: OnceLock<()>,
}

pub(super) static EJABBERD: Package = Package::new("ejabberd");
pub(super) static GO: Package = Package::new("go");
pub(super) static JAVA: Package = Package::new("java");
pub(super) static PROSODY: Package = Package::new("prosody");
pub(super) static PYTHON: Package = Package::new("python");
pub(super) static RUST: Package = Package::new("rust");
pub(super) static TYPESCRIPT: Package = Package::new("typescript");

impl Package {
    const fn new(name: &'static str) -> Self {
        Self { name, built: OnceLock::new() }
    }

    /// The package of a directory.
    pub(super) fn named(name: &str) -> &'static Self {
        let all = [&GO, &JAVA, &PYTHON, &RUST, &TYPESCRIPT];
        all.into_iter().find(|package| package.name == name).expect("there is a package")
    }

    /// Builds it, if its toolchain is there.
    pub(super) fn ready(&self, needs: Option<&str>) -> Result<(), Missing> {
        let mut require = self.task("require");
        require.args(needs);
        let ran = require.stdin(Stdio::null()).output().unwrap();
        match ran.status.code() {
            Some(0) => {}
            Some(MISSING) => return Err(Missing::new(String::from_utf8_lossy(&ran.stdout).trim())),
            _ => panic!("{require:?} fails: {ran:?}"),
        }
        self.built.get_or_init(|| self.run("build", &[]));
        Ok(())
    }

    /// Does a task of it that must succeed.
    pub(super) fn run(&self, task: &str, arguments: &[&str]) {
        self.said(task, arguments);
    }

    /// What a task says that must succeed.
    pub(super) fn said(&self, task: &str, arguments: &[&str]) -> String {
        let mut command = self.task(task);
        command.args(arguments).stdin(Stdio::null());
        output(&mut command).unwrap_or_else(|failed| panic!("{failed}"))
    }

    /// Where it is.
    pub(super) fn directory(&self) -> PathBuf {
        Path::new(CLIENTS).join(self.name)
    }

    /// A command of its script.
    pub(super) fn task(&self, task: &str) -> Command {
        let mut command = Command::new(self.directory().join("task"));
        command.arg(task);
        command
    }
}
