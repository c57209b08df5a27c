//! Runs the cases against one adapter, and says what came of each.

#![expect(clippy::print_stdout, reason = "a program that talks")]

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Parser;
use hatd_conformance::{contract::Contract, run::Suite, vector};

/// Runs the conformance cases of hatd's clients against an adapter.
#[derive(Parser)]
#[command(name = "conformance")]
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
    /// A flag of the server in every case; may be repeated.
    #[arg(long = "hatd-flag", allow_hyphen_values = true)]
    flags: Vec<String>,
    /// The command that runs the adapter.
    #[arg(last = true, required = true)]
    adapter: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut cases = vector::read(&arguments.vectors)?;
    cases.retain(|case| case.name.contains(&arguments.only));
    let suite = Suite {
        contract: Contract::read()?,
        hatd: arguments.hatd,
        flags: arguments.flags,
        adapter: arguments.adapter,
    };
    let passed = suite
        .run(&cases, |case, result, took| match result {
            Ok(()) => println!("ok    {} ({} ms)", case.name, took.as_millis()),
            Err(error) => println!("FAIL  {} ({} ms)\n{error:#}", case.name, took.as_millis()),
        })
        .await?;
    let failed = passed.iter().filter(|passed| !**passed).count();
    println!("{} passed, {failed} failed", passed.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
