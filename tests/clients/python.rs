//! Programs in Python, which know hatd by its contract alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tokio::task::spawn_blocking;

use crate::process::hatd::Hatd;
use crate::support::toolchain::{Missing, cached, or_skip, output};

const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python");

#[tokio::test]
async fn a_python_program_keeps_hats_with_generated_code() {
    let Some(python) = or_skip(Python::install()) else { return };
    let generated = tempfile::tempdir().unwrap();
    python.generate(generated.path());

    python.run("program.py", Some(generated.path())).await;
}

#[tokio::test]
async fn a_python_program_keeps_hats_by_reflection_alone() {
    let Some(python) = or_skip(Python::install()) else { return };

    python.run("reflection.py", None).await;
}

/// Python with the packages that the programs need.
struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// Installs the packages into a virtual environment, unless they are there.
    fn install() -> Result<Self, Missing> {
        let requirements = format!("{PROGRAMS}/requirements.txt");
        let version = "import sys; print(sys.executable, sys.version)";
        let version = output(Command::new("python3").args(["-c", version]))?;
        let key = version + &fs::read_to_string(&requirements).unwrap();
        let environment = cached("python", &key, |directory| {
            output(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
            let pip = ["-m", "pip", "install", "--no-input", "--requirement", &requirements];
            output(Command::new(directory.join("bin/python")).args(pip))?;
            Ok(())
        })?;
        Ok(Self { interpreter: environment.join("bin/python") })
    }

    /// Generates code from the contract.
    fn generate(&self, to: &Path) {
        let mut command = Command::new(&self.interpreter);
        command.args(["-m", "grpc_tools.protoc", "--proto_path", PROTO]);
        for kind in ["python", "grpc_python"] {
            command.arg(format!("--{kind}_out={}", to.display()));
        }
        for file in fs::read_dir(format!("{PROTO}/hatd/v1")).unwrap() {
            command.arg(file.unwrap().path());
        }
        output(&mut command).unwrap_or_else(|missing| panic!("{missing}"));
    }

    /// Runs a program against a server of its own, with modules that it may import beside the
    /// packages.
    async fn run(&self, program: &str, modules: Option<&Path>) {
        let data_dir = tempfile::tempdir().unwrap();
        let hatd = Hatd::start(data_dir.path()).await;
        let mut command = Command::new(&self.interpreter);
        // Without -B it would leave compiled modules among the sources.
        command.arg("-B").arg(format!("{PROGRAMS}/{program}")).arg(hatd.address.to_string());
        match modules {
            Some(modules) => command.env("PYTHONPATH", modules),
            None => command.env_remove("PYTHONPATH"),
        };
        let ran = spawn_blocking(move || output(&mut command)).await.unwrap();
        let log = hatd.stop().await.log;
        ran.unwrap_or_else(|missing| panic!("{missing}\n{log}"));
    }
}
