#![doc = include_str!("../README.md")]

mod backoff;
mod calls;
mod client;
mod error;
mod pages;
pub mod pb;
mod watch;

pub use prost_types::{Duration as ProtoDuration, Timestamp};
pub use tonic::Code;

pub use client::{Builder, Client};
pub use error::{Error, FieldViolation, Resource, RpcError};
pub use pb::ErrorReason;
pub use watch::{Counters, Disconnect, Event, Lifecycle, Start, Watch, WatchOptions};
