//! The gRPC services: parse, act, answer.
//!
//! Each field is parsed into a domain type here, at the edge; below, only valid values
//! exist. `parse` goes from messages to the domain, `render` back.

mod admin;
mod hat;
mod page;
mod parse;
mod render;
mod room;
mod wardrobe;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;

use self::parse::Parser;
use crate::command::{Command, Request};
use crate::commit::{Commit, Mark, Position, RequestKey};
use crate::limits::Limits;
use crate::pb;
use crate::status;
use crate::store::{self, Located, Outcome, Store};

/// What all services share.
pub struct App {
    store: Arc<dyn Store>,
    limits: Limits,
    shutdown: CancellationToken,
    open_watches: Arc<AtomicUsize>,
}

impl App {
    /// Services over a store. When `shutdown` is cancelled, watches end and writes are
    /// refused.
    pub fn new(store: Arc<dyn Store>, limits: Limits, shutdown: CancellationToken) -> Self {
        Self { store, limits, shutdown, open_watches: Arc::default() }
    }

    fn parser(&self) -> Parser<'_> {
        Parser { limits: &self.limits }
    }

    /// Commits a command, or answers it again.
    async fn apply(
        &self,
        command: Command,
        request_id: String,
        context: Option<pb::Context>,
    ) -> Result<Outcome, Status> {
        let context = self.parser().context(context)?;
        let request_id = self.parser().request_id(request_id)?;
        if self.shutdown.is_cancelled() {
            return Err(status::shutting_down());
        }

        let key = request_id.map(|request_id| RequestKey { caller: String::new(), request_id });
        Ok(self.store.apply(Request { command, context, key }).await?)
    }

    fn token(&self, position: Position, mark: Mark) -> String {
        store::token(self.store.as_ref(), position, mark).encode()
    }

    /// Begins a read: checks that the store has the position that the caller wants to
    /// see, and answers the token of the read. What is read after it includes it.
    async fn begin_read(&self, at_least_token: &str) -> Result<String, Status> {
        self.reach(at_least_token).await?;
        let (position, mark) = self.store.head();
        Ok(self.token(position, mark))
    }

    /// Refuses a token of a position that this store does not have. A single server is
    /// never behind its own positions, so there is nothing to wait for.
    async fn reach(&self, at_least_token: &str) -> Result<(), Status> {
        let field = "at_least_token";
        if at_least_token.is_empty() {
            return Ok(());
        }
        let token = parse::token(field, at_least_token)?;
        if token.identity != self.store.identity() {
            return Err(status::store_mismatch(field));
        }
        match self.store.locate(token.position, token.mark).await? {
            Located::Here | Located::Expired => Ok(()),
            Located::Elsewhere => Err(status::store_mismatch(field)),
        }
    }
}

/// The services, ready to be served.
pub fn routes(app: Arc<App>) -> Routes {
    let bytes_max = app.limits.message_bytes_max;
    let hats = hat::Service(Arc::clone(&app));
    let rooms = room::Service(Arc::clone(&app));
    let wardrobe = wardrobe::Service(Arc::clone(&app));
    let admin = admin::Service(app);
    Routes::new(
        pb::hat_service_server::HatServiceServer::new(hats).max_decoding_message_size(bytes_max),
    )
    .add_service(
        pb::room_service_server::RoomServiceServer::new(rooms).max_decoding_message_size(bytes_max),
    )
    .add_service(
        pb::wardrobe_service_server::WardrobeServiceServer::new(wardrobe)
            .max_decoding_message_size(bytes_max),
    )
    .add_service(
        pb::admin_service_server::AdminServiceServer::new(admin)
            .max_decoding_message_size(bytes_max),
    )
}

/// How many bytes a commit takes as encoded for watchers.
pub fn commit_len(commit: &Commit) -> usize {
    render::commit(commit).encoded_len()
}
