//! hatd keeps the hats that people wear in chat rooms ([XEP-0317]), and tells programs of every
//! change by gRPC. This page is the map; the API itself is `proto/hatd/v1`, every element of which
//! is commented.
//!
//! # Words
//!
//! A *hat* is a URI. A user *has* hats in a room, and *wears* those that are active. What is kept
//! of one user in one room, affiliation and hats, is a *document*; what a room knows of hats is its
//! *catalogue* of *definitions*. One atomic change to one room is a *commit*. Commits stand at
//! dense *positions* in the one history of a store; a *token* names a position, and a *revision*
//! orders the commits of one room.
//!
//! # Modules, in reading order
//!
//! What hats are, without any I/O:
//!
//! | module | what is there |
//! |---|---|
//! | [`jid`] | rooms, users and domains: every spelling of a JID becomes one key |
//! | [`hat`] | hat ids, attachments, definitions, rooms, documents: the values that are kept |
//! | [`limits`] | how much of everything there may be |
//! | [`time`] | points in time, in the range of protobuf's |
//! | [`commit`] | what a change is; positions, marks and tokens |
//! | [`command`] | what callers ask for, and [`decide`](command::decide): every rule, once, pure |
//!
//! Where they are kept, and how changes get out:
//!
//! | module | what is there |
//! |---|---|
//! | [`store`] | the trait [`Store`](store::Store), whose promises one conformance suite checks |
//! | [`store::Maintenance`] | what an operator asks of a store on disk |
//! | [`store::memory`] | the executable specification |
//! | [`store::embedded`] | the store on disk: a commit log that is the truth, sled as the state served |
//! | [`watch`] | a watch: a cursor in the history, and what it selects |
//!
//! How callers reach them:
//!
//! | module | what is there |
//! |---|---|
//! | [`pb`] | the messages and services generated from `proto/` |
//! | [`status`] | errors as gRPC statuses: a code, a reason, the metadata |
//! | [`service`] | the services: parse each field into a domain type, act, answer |
//! | [`origin`] | which web pages may call |
//! | [`config`] | flags, environment, one TOML file |
//! | [`server`] | the socket, the layers a call passes, health, reflection, metrics, expiry, the drain |
//! | [`telemetry`] | logs |
//! | [`error`] | an error and its causes, in one line |
//! | `planted` | mistakes that debug builds make on request, for the tests to find |
//!
//! `src/bin/hatd` is the program, with what an operator does to a store that no hatd serves,
//! `src/bin/hatctl` the client for a terminal, and `clients/rust` the client library that hatctl is
//! written with.
//!
//! # Invariants
//!
//! 1. Imports point down: `bin → server → service → status → watch → store → command → commit → hat
//!    → jid`. [`jid`], [`hat`], [`commit`] and [`command`] do no I/O and name nothing above them.
//! 2. A rule stands in [`command`], and nowhere else: every store calls
//!    [`decide`](command::decide), so all stores have the same rules.
//! 3. Only what is durable is visible. The one writer appends a batch of commits to the log and
//!    makes it durable by `fdatasync` before it applies it to the state, shows it to watches, and
//!    answers; refusals and answers that nothing changed wait for the same, since they rest on it.
//! 4. The log is the truth. Commits hold whole documents, so applying one twice is harmless, and
//!    the state can be made again from the checkpoint and the log at any time; where it cannot be
//!    trusted, it is.
//! 5. After a failed write or sync of the log nothing more is written until a restart, since
//!    nobody knows what is on disk. The sync is never tried again.
//! 6. Messages ([`pb`]) become valid domain values in [`service`], and below it there are only
//!    these. `sled` is used in `store/embedded/documents` alone; [`tonic::Status`] values are
//!    made in [`status`] alone.
//! 7. Every queue has a bound that is a named constant, and says what happens when it is full. A
//!    watch has no queue: it reads the history at its own pace, and delays nobody.
//! 8. Every task is tracked by [`server`] and ends at its drain. Writes run on the writer's thread,
//!    scans where blocking is allowed; only reads of single records run in async code.
//! 9. Every bound on what callers send or keep is in [`limits`]; at the bound a request works, one
//!    past it is a typed error.
//!
//! # Walkthrough: `AddUserHat`
//!
//! 1. The request passes the layers that [`server`] lists: it comes from no web page that may not
//!    call, is gRPC or gRPC-Web, has its span in the log, and its deadline.
//! 2. `service/hat.rs` parses room, user, hat id, attachment and context into domain types. What
//!    does not parse is [`Invalid`](status::Invalid): `INVALID_ARGUMENT` with the field's path.
//! 3. [`Store::apply`](store::Store::apply) puts a [`Request`](command::Request) into the writer's
//!    queue. A queue that stays full for a second is OVERLOADED.
//! 4. The writer takes all that is waiting, up to a bound, as one batch. A request id that was
//!    answered before is answered again from the log. Otherwise [`decide`](command::decide) sees
//!    the state with the batch so far on top: no such room is `ROOM_NOT_FOUND`; a user who can have
//!    no hats there, and has none, `USER_NOT_AFFILIATED`; then a stale etag `ETAG_MISMATCH`; then,
//!    for a hat not yet had, a room's `DEFINED_ONLY` policy `HAT_NOT_DEFINED`. The same attachment
//!    again is no change: no commit. Else there is one [`Commit`](commit::Commit) with the whole
//!    new document, if it stays within the limits.
//! 5. The batch is appended to the log and made durable by one `fdatasync`, applied to sled, and
//!    published: the head moves, and the watches whose scope it touches wake.
//! 6. Everyone in the batch is answered: the document, the room's revision, and a token that
//!    includes the write.
//!
//! # Walkthrough: `WatchHats`
//!
//! 1. `service/watch.rs` parses selectors, start and heartbeat, checks `at_least_token`, and counts
//!    the watch. From here on the client's reading drives the stream: HTTP/2 asks for a response,
//!    and [`Watch::next`](watch::Watch::next) makes it. Nothing is read ahead.
//! 2. The watch subscribes to its scope *before* it reads the head, so that nothing falls between.
//!    A resume token is located in the history: it is there, no longer kept, or of another store.
//! 3. A snapshot: `reset`, then pages read from the state while writes go on. A scan is no instant,
//!    so what was committed since it began follows from the history, then `complete` with the first
//!    token. If the history no longer reaches back to the beginning of the scan, it begins again
//!    with another `reset`.
//! 4. Live: commits after the cursor come from those kept in memory or, further back, from the log,
//!    narrowed to what is selected, as `changes`. They end where the subscription says that nothing
//!    further is selected.
//! 5. At the head for the first time, and whenever a heartbeat passes in silence, a `bookmark`
//!    moves the token past commits that were not selected. Still behind after a heartbeat, empty
//!    `changes` do.
//! 6. A watch that has fallen behind what is kept goes back to 3 on the same stream, or fails if it
//!    asked to.
//! 7. At a random age of 30 to 60 minutes, and when the server shuts down, `go_away` is the last
//!    response.
//!
//! [XEP-0317]: https://xmpp.org/extensions/xep-0317.html

pub mod jid;

pub mod hat;

pub mod limits;

pub mod time;

pub mod command;

pub mod commit;

pub mod store;

pub mod watch;

pub mod status;

pub mod service;

pub mod pb;

pub mod origin;

pub mod config;

pub mod server;

pub mod telemetry;

pub mod error;

mod planted;

#[cfg(test)]
mod tests;
