//! Clients that are broken on purpose fail the cases that are there for it.

use std::{fs, path::Path};

use hatd_conformance::column;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{
    conformance::{CONFORMANCE, cases, failures},
    package::PYTHON,
};
use crate::support::toolchain::or_skip;

/// A way to break the Python client, which needs no compiler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    /// What it does wrong.
    #[serde(rename = "broken")]
    name: String,
    edits: Vec<Edit>,
    /// The cases that it fails.
    fails: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    find: String,
    replace: String,
}

#[tokio::test]
async fn a_client_that_is_broken_on_purpose_does_not_conform() {
    let ready = spawn_blocking(|| PYTHON.ready(None)).await.unwrap();
    let Some(()) = or_skip(ready) else { return };
    let text = fs::read_to_string(Path::new(CONFORMANCE).join("broken.yaml")).unwrap();
    let broken: Vec<Broken> = serde_saphyr::from_str(&text).unwrap();
    let columns = column::read().unwrap();
    let column = columns.iter().find(|column| column.name == "Python asyncio").unwrap();

    for broken in broken {
        let copy = TempDir::new().unwrap();
        let original = PYTHON.directory();
        for part in ["task", "pyproject.toml", "src", "conformance"] {
            copy_all(&original.join(part), &copy.path().join(part));
        }
        for Edit { file, find, replace } in &broken.edits {
            let file = copy.path().join(file);
            let text = fs::read_to_string(&file).unwrap();
            let places = text.matches(find.trim_end()).count();
            assert_eq!(places, 1, "{}: {find} is in {} once", broken.name, file.display());
            fs::write(&file, text.replace(find.trim_end(), replace.trim_end())).unwrap();
        }

        // The copy runs with what the original has installed; the path comes before the original.
        let cache = original.join(".cache");
        let adapter = [
            "env".to_owned(),
            format!("HATD_CLIENT_CACHE={}", cache.display()),
            format!("PYTHONPATH={}", copy.path().join("src").display()),
            copy.path().join("task").display().to_string(),
            "adapter".to_owned(),
            "aio".to_owned(),
        ];
        let mut cases = cases();
        cases.retain(|case| broken.fails.contains(&case.name));
        assert_eq!(cases.len(), broken.fails.len(), "{} names cases", broken.name);
        let failures = failures(column, adapter.into(), &cases).await;
        assert_eq!(failures.len(), cases.len(), "{}: {}", broken.name, failures.join("\n"));
    }
}

fn copy_all(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}
