//! The RPCs over a real socket: what they answer, what they refuse, and that a refusal does
//! nothing.
//!
//! Tests named `f` and a number are rows of one table of faults; the numbers are never reused.

mod calls;
mod cors;
mod deadlines;
mod grpc_web;
pub(crate) mod http1;
mod limits;
mod names;
mod reasons;
mod requests;
mod standard_services;
pub(crate) mod support;
mod sync;
