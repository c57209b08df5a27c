//! Every client does what `clients/conformance` says, with a real hatd and a proxy that does harm.

use std::path::Path;

use hatd_conformance::{
    column::{self, Column},
    contract::Contract,
    run::Suite,
    table::Table,
    vector,
};
use tokio::task::spawn_blocking;

use super::package::Package;
use crate::support::toolchain::{Missing, or_skip};

pub(super) const CONFORMANCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/conformance");

#[tokio::test]
async fn the_rust_client_conforms() {
    conforms("Rust").await;
}

#[tokio::test]
async fn the_go_client_conforms() {
    conforms("Go").await;
}

#[tokio::test]
async fn the_java_client_conforms() {
    conforms("Java").await;
}

#[tokio::test]
async fn the_asynchronous_java_client_conforms() {
    conforms("Java async").await;
}

#[tokio::test]
async fn the_python_client_conforms() {
    conforms("Python").await;
}

#[tokio::test]
async fn the_asynchronous_python_client_conforms() {
    conforms("Python asyncio").await;
}

#[tokio::test]
async fn the_typescript_client_conforms_in_node() {
    conforms("Node").await;
}

#[tokio::test]
async fn the_typescript_client_conforms_in_node_over_grpc_web() {
    conforms("Node gRPC-Web").await;
}

#[tokio::test]
async fn the_typescript_client_conforms_in_a_browser() {
    conforms("Browser").await;
}

#[test]
fn the_table_shows_every_client_and_case() {
    let cases = cases().into_iter().map(|case| case.name).collect::<Vec<_>>();
    // What is red fails the test of its column.
    let columns = column::read().unwrap().into_iter();
    let columns = columns.map(|column| (column.name, vec![true; cases.len()])).collect();
    let table = Table { cases, columns };
    assert!(
        table.is_in(&Path::new(CONFORMANCE).join("README.md")).unwrap(),
        "clients/conformance/README.md is out of date; build the clients and write it anew with \
         cargo run -p hatd-conformance -- --table clients/conformance/README.md"
    );
}

/// Runs all cases with a client.
async fn conforms(name: &str) {
    let column = column::read().unwrap().into_iter().find(|column| column.name == name).unwrap();
    let Some(column) = or_skip(ready(column).await) else { return };
    let adapter = column.adapter();
    let failures = failures(&column, adapter, &cases()).await;
    assert!(failures.is_empty(), "{} fails:\n{}", column.name, failures.join("\n"));
}

async fn ready(column: Column) -> Result<Column, Missing> {
    spawn_blocking(move || {
        Package::named(&column.package).ready(column.needs.as_deref())?;
        Ok(column)
    })
    .await
    .unwrap()
}

pub(super) fn cases() -> Vec<vector::Case> {
    vector::read(&Path::new(CONFORMANCE).join("vectors")).unwrap()
}

/// Runs cases with an adapter, and returns those that fail, each with why.
pub(super) async fn failures(
    column: &Column,
    adapter: Vec<String>,
    cases: &[vector::Case],
) -> Vec<String> {
    let suite = Suite {
        contract: Contract::read().unwrap(),
        hatd: env!("CARGO_BIN_EXE_hatd").into(),
        flags: column.flags.clone(),
        adapter,
    };
    let mut failures = Vec::new();
    let tell = |case: &vector::Case, result: &anyhow::Result<()>, _| {
        if let Err(error) = result {
            failures.push(format!("{}: {error:#}", case.name));
        }
    };
    let passed = suite.run(cases, tell).await.unwrap();
    assert_eq!(passed.len(), cases.len());
    failures
}
