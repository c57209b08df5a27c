//! The clients that the cases are run with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A client in one of its forms: a column of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What the table calls it.
    #[serde(rename = "column")]
    pub name: String,
    /// The directory of its package.
    pub package: String,
    /// Which of the package's adapters.
    #[serde(default)]
    pub variant: Option<String>,
    /// What it needs beside the toolchain.
    #[serde(default)]
    pub needs: Option<String>,
    /// Flags of the server.
    #[serde(default)]
    pub flags: Vec<String>,
}

impl Column {
    /// The command that runs its adapter, which has been built.
    pub fn adapter(&self) -> Vec<String> {
        let task = PathBuf::from(CLIENTS).join(&self.package).join("task");
        let mut command = vec![task.display().to_string(), "adapter".to_owned()];
        command.extend(self.variant.clone());
        command
    }
}

/// Reads the columns.
///
/// # Errors
///
/// If the file is not a list of them.
pub fn read() -> Result<Vec<Column>> {
    let file = Path::new(CLIENTS).join("conformance/columns.yaml");
    let text = fs::read_to_string(&file)?;
    serde_saphyr::from_str(&text).context("columns.yaml is not a list of columns")
}
