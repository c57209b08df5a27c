//! hatctl: hatd from the command line.

mod admin;
mod check;
mod cli;
mod commands;
mod errors;
mod export;
#[cfg(test)]
mod fuzz;
mod import;
mod input;
mod json;
mod output;
mod prosody;
mod time;
mod watch;
mod whole;

use std::{env, process::ExitCode};

use anyhow::Context as _;

fn main() -> anyhow::Result<ExitCode> {
    let cli = match cli::parse(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output with 0, a wrong command line to standard error with 2.
            // Who has read enough of it closes the pipe.
            _ = error.print();
            return Ok(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    let endpoint = cli.global.endpoint.clone();

    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.is_broken_pipe() => Ok(ExitCode::SUCCESS),
        Err(error) => {
            errors::report(&error, &endpoint);
            Ok(error.exit_code())
        }
    }
}
