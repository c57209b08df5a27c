#![doc = include_str!("../README.md")]

mod backoff;
mod calls;
mod client;
mod connect;
mod connection;
mod credentials;
mod error;
mod give_hat;
mod mirror;
mod pages;
pub mod pb;
mod tls;
mod watch;

pub use prost_types::{Duration as ProtoDuration, Timestamp};
pub use tonic::Code;

pub use client::Client;
pub use connect::Builder;
pub use error::{Error, FieldViolation, Resource, RpcError};
pub use give_hat::GiveHat;
pub use mirror::{Change, Changes, DisplayedHat, Mirror, MirrorOptions, Position};
pub use pb::ErrorReason;
pub use tls::Tls;
pub use watch::{Counters, Disconnect, Event, Lifecycle, Start, Watch, WatchOptions};
