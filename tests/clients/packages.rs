//! Each client's own tests, and what its README says, done as a user does it.

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::package::{GO, JAVA, PYTHON, Package, RUST, TYPESCRIPT};
use crate::{process::hatd::Hatd, support::toolchain::or_skip};

#[test]
fn the_go_client_passes_its_own_tests() {
    passes_its_own_tests(&GO);
}

#[test]
fn the_java_client_passes_its_own_tests() {
    passes_its_own_tests(&JAVA);
}

#[test]
fn the_python_client_passes_its_own_tests() {
    passes_its_own_tests(&PYTHON);
}

#[test]
fn the_typescript_client_passes_its_own_tests() {
    passes_its_own_tests(&TYPESCRIPT);
}

#[tokio::test]
async fn the_quick_start_in_rust_runs_as_it_is_written() {
    quick_start(&RUST).await;
}

#[tokio::test]
async fn the_quick_start_in_go_runs_as_it_is_written() {
    quick_start(&GO).await;
}

#[tokio::test]
async fn the_quick_start_in_java_runs_as_it_is_written() {
    quick_start(&JAVA).await;
}

#[tokio::test]
async fn the_quick_start_in_python_runs_as_it_is_written() {
    quick_start(&PYTHON).await;
}

#[tokio::test]
async fn the_quick_start_in_typescript_runs_as_it_is_written() {
    quick_start(&TYPESCRIPT).await;
}

fn passes_its_own_tests(package: &Package) {
    let Some(()) = or_skip(package.ready(None)) else { return };
    package.run("test", &[]);
}

/// Builds the package, installs it in an empty folder, and runs the README's first program there.
async fn quick_start(package: &'static Package) {
    let ready = spawn_blocking(|| package.ready(None)).await.unwrap();
    let Some(()) = or_skip(ready) else { return };
    let (data, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let hatd = Hatd::start(data.path()).await;
    let endpoint = hatd.endpoint();
    let said = spawn_blocking(move || {
        package.said("quick-start", &[folder.path().to_str().unwrap(), &endpoint])
    });
    let said = said.await.unwrap();

    let hat = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";
    assert!(said.contains(hat), "the user has the hat in the end: {said}");
    hatd.stop().await;
}
