//! The messages of hatd's protobuf contract, package `hatd.v1`, and the bare stubs.
//!
//! Generated from `proto/` and checked in, so that building this crate needs no protobuf compiler.
//! [`Client`](crate::Client) wraps the stubs; use them directly only for what it does not offer.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    rustdoc::broken_intra_doc_links,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_enum_match_arm,
    reason = "generated code"
)]

include!("generated/hatd.v1.rs");
