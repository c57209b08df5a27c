//! Runs the cases against the clients, and says what came of each.

#![expect(clippy::print_stdout, reason = "a program that talks")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, ensure};
use clap::Parser;
use hatd_conformance::{
    column,
    contract::Contract,
    run::Suite,
    table::Table,
    vector::{self, Case},
};

/// Runs the conformance cases of hatd's clients.
#[derive(Parser)]
#[command(name = "hatd-conformance")]
struct Arguments {
    /// The server's binary.
    #[arg(long, default_value = "target/debug/hatd")]
    hatd: PathBuf,
    /// The directory of the cases.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors"))]
    vectors: PathBuf,
    /// Only cases whose names hold this.
    #[arg(long, default_value = "")]
    only: String,
    /// Only the client that the table calls this; may be repeated. Default: all.
    #[arg(long = "client")]
    clients: Vec<String>,
    /// Writes the table of all clients and cases into this page.
    #[arg(long)]
    table: Option<PathBuf>,
    /// A flag of the server in every case; may be repeated.
    #[arg(long = "hatd-flag", allow_hyphen_values = true)]
    flags: Vec<String>,
    /// The command that runs an adapter, to be tried instead of the clients.
    #[arg(last = true)]
    adapter: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut cases = vector::read(&arguments.vectors)?;
    cases.retain(|case| case.name.contains(&arguments.only));
    let contract = Contract::read()?;
    let suite = |flags: &[String], adapter: Vec<String>| Suite {
        contract: contract.clone(),
        hatd: arguments.hatd.clone(),
        flags: [&arguments.flags, flags].concat(),
        adapter,
    };

    let mut columns = Vec::new();
    if arguments.adapter.is_empty() {
        for column in column::read()? {
            if arguments.clients.is_empty() || arguments.clients.contains(&column.name) {
                println!("{}:", column.name);
                let passed = run(&suite(&column.flags, column.adapter()), &cases).await?;
                columns.push((column.name, passed));
            }
        }
    } else {
        let passed = run(&suite(&[], arguments.adapter.clone()), &cases).await?;
        columns.push(("the adapter".to_owned(), passed));
    }

    let results = columns.iter().flat_map(|(_, passed)| passed);
    let failed = results.clone().filter(|passed| !**passed).count();
    println!("{} passed, {failed} failed", results.count() - failed);
    if let Some(page) = &arguments.table {
        write_table(page, &arguments, &cases, columns)?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(suite: &Suite, cases: &[Case]) -> Result<Vec<bool>> {
    let tell = |case: &Case, result: &Result<()>, took: std::time::Duration| match result {
        Ok(()) => println!("ok    {} ({} ms)", case.name, took.as_millis()),
        Err(error) => println!("FAIL  {} ({} ms)\n{error:#}", case.name, took.as_millis()),
    };
    suite.run(cases, tell).await
}

fn write_table(
    page: &Path,
    arguments: &Arguments,
    cases: &[Case],
    columns: Vec<(String, Vec<bool>)>,
) -> Result<()> {
    let whole = arguments.only.is_empty() && arguments.clients.is_empty();
    ensure!(whole && arguments.adapter.is_empty(), "the table is of all clients and cases");
    let cases = cases.iter().map(|case| case.name.clone()).collect();
    Table { cases, columns }.write(page)
}
