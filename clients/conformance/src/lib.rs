//! Runs the conformance cases of hatd's clients.
//!
//! `README.md` says what an adapter is and how a case is written. In reading order:
//!
//! - [`vector`]: cases and steps, as they are written in `vectors/`.
//! - [`value`]: what is saved, filled in and compared.
//! - [`contract`]: messages and calls, by the descriptors of `proto/` alone.
//! - [`frame`]: messages as they stand in a body.
//! - [`adapter`]: the program that drives a client.
//! - [`hatd`]: the server of a case.
//! - [`proxy`]: what stands between the two, and cuts, loses, holds and forges.
//! - [`run`]: a case, step by step.
//! - [`mod@column`]: the clients that the cases are run with.
//! - [`table`]: client × case.

pub mod adapter;
pub mod column;
pub mod contract;
pub mod frame;
pub mod hatd;
pub mod proxy;
pub mod run;
pub mod table;
pub mod value;
pub mod vector;
