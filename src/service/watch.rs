//! `WatchHats`: a watch as the stream of a call.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{Stream, stream};
use rand::Rng as _;
use tokio::time::Instant;
use tonic::Status;

use super::{App, commit_len, parse, render};
use crate::pb;
use crate::status;
use crate::watch::{AGE_MIN, Options, Start, Watch};

/// The responses of a watch.
pub(super) type Responses =
    Pin<Box<dyn Stream<Item = Result<pb::WatchHatsResponse, Status>> + Send>>;

impl App {
    /// Starts a watch. The client's reading drives it: nothing is read ahead.
    pub(super) async fn watch(&self, request: pb::WatchHatsRequest) -> Result<Responses, Status> {
        let selectors = self.parser().selectors(&request.selectors)?;
        let start = match request.start {
            None | Some(pb::watch_hats_request::Start::Snapshot(_)) => Start::Snapshot,
            Some(pb::watch_hats_request::Start::Now(_)) => Start::Now,
            Some(pb::watch_hats_request::Start::ResumeToken(text)) => {
                Start::Resume { token: parse::resume_token(&text, &selectors)?, text }
            }
        };
        parse::delivery(request.delivery)?;
        let on_expired = parse::on_expired(request.on_expired)?;
        let heartbeat = parse::heartbeat(request.heartbeat_interval)?;
        self.reach(&request.at_least_token).await?;
        if self.shutdown.is_cancelled() {
            return Err(status::shutting_down());
        }

        let open = self.count_watch()?;
        let age = rand::rng().random_range(AGE_MIN..AGE_MIN * 2);
        let options = Options {
            selectors,
            start,
            on_expired,
            heartbeat,
            ends_at: Instant::now() + age,
            shutdown: self.shutdown.clone(),
            commit_len,
        };
        let watch = Watch::open(Arc::clone(&self.store), options).await?;

        let responses = stream::unfold((watch, open), |(mut watch, open)| async move {
            let response = match watch.next().await {
                Ok(step) => Ok(render::step(step?)),
                Err(error) => Err(error.into()),
            };
            Some((response, (watch, open)))
        });
        Ok(Box::pin(responses))
    }

    /// Counts a watch until the guard is dropped. All callers are one so far, so the
    /// lower of the two limits counts.
    fn count_watch(&self) -> Result<OpenWatch, Status> {
        let limit = self.limits.watches_per_caller_max.min(self.limits.watches_max);
        let open = OpenWatch(Arc::clone(&self.open_watches));
        if open.0.fetch_add(1, Ordering::AcqRel) >= limit {
            return Err(status::too_many_watches(limit));
        }
        Ok(open)
    }
}

/// One of the open watches.
struct OpenWatch(Arc<AtomicUsize>);

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
