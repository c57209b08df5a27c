//! A watch that goes on, whatever happens to it.

use std::sync::Arc;
use std::time::Duration;

use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_response::Event;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::history::record::Watched;
use crate::watch::held::Follower;
use crate::watch::stream::{Response, is_bookmark, of_changes};

/// After what time a watch that cannot connect tries again at the latest.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A watch that is cut now and then, and resumes.
pub(super) struct Watcher {
    number: usize,
    watched: Watched,
    token: String,
    follower: Follower,
    is_complete: bool,
    /// Whether no more commits are to come.
    is_ending: watch::Receiver<bool>,
}

impl Watcher {
    pub(super) fn new(
        number: usize,
        selector: pb::WatchSelector,
        is_ending: watch::Receiver<bool>,
    ) -> Self {
        let watched = Watched { selector, ..Watched::default() };
        let (token, follower) = (String::new(), Follower::default());
        Self { number, watched, token, follower, is_complete: false, is_ending }
    }

    pub(super) async fn run(
        mut self,
        endpoint: Endpoint,
        mut run: watch::Receiver<usize>,
        mut rng: StdRng,
        began: Arc<Notify>,
    ) -> (usize, Watched) {
        loop {
            // The watch of everything stays whole, to be the measure of the others.
            let cut_after = if self.number == 0 { usize::MAX } else { rng.random_range(5..60) };
            if self.follow(&endpoint, cut_after, &began).await {
                return (self.number, self.watched);
            }
            if endpoint.connect().await.is_err() {
                // Until the server is there again; it may be already, if this failed by chance.
                _ = timeout(RETRY_AFTER, run.changed()).await;
            }
        }
    }

    /// Follows until the end, or until it is cut. Answers whether it has ended.
    ///
    /// When no more commits are to come, it is cut once more, and follows until it is told that it
    /// has caught up.
    async fn follow(&mut self, endpoint: &Endpoint, cut_after: usize, began: &Notify) -> bool {
        use pb::watch_hats_request::Start;
        let is_ending = *self.is_ending.borrow_and_update();
        let Ok(channel) = endpoint.connect().await else { return false };
        let start = if self.token.is_empty() {
            (self.follower, self.is_complete) = (Follower::default(), false);
            None
        } else {
            Some(Start::ResumeToken(self.token.clone()))
        };
        let request = pb::WatchHatsRequest {
            selectors: vec![self.watched.selector.clone()],
            start,
            on_expired: pb::OnExpired::Fail.into(),
            heartbeat_interval: Some(Duration::from_secs(1).try_into().unwrap()),
            ..Default::default()
        };
        let mut stream = match HatServiceClient::new(channel).watch_hats(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return self.lost(&status),
        };
        let mut after = self.token.clone();
        for _ in 0..cut_after {
            let message = tokio::select! {
                message = stream.message() => message,
                _ = self.is_ending.changed(), if !is_ending => return false,
            };
            let response = match message {
                Ok(Some(response)) => response,
                Ok(None) => return false,
                Err(status) => return self.lost(&status),
            };
            if response.after != after {
                self.watched.broken.push(format!("{response:?} does not follow {after:?}"));
            }
            after.clone_from(&response.token);
            if !response.token.is_empty() {
                self.token.clone_from(&response.token);
            }
            if self.take(&response) || is_ending && is_bookmark(&response) {
                return true;
            }
            if self.is_complete {
                began.notify_one();
            }
        }
        false
    }

    /// Notes what came. Answers whether there is no going on.
    fn take(&mut self, response: &Response) -> bool {
        if self.is_complete {
            if let Some(Event::Reset(_) | Event::Snapshot(_)) = &response.event {
                self.watched.broken.push(format!("{response:?} comes after the state"));
                return true;
            }
            self.watched.news.extend_from_slice(of_changes(response));
            return false;
        }
        self.follower.follow(response);
        if matches!(&response.event, Some(Event::Snapshot(page)) if page.complete) {
            self.is_complete = true;
            self.watched.began_with = std::mem::take(&mut self.follower.held);
        }
        false
    }

    /// Notes a refusal. Answers whether there is no going on.
    fn lost(&mut self, status: &Status) -> bool {
        let is_refused = matches!(
            status.code(),
            Code::FailedPrecondition | Code::OutOfRange | Code::InvalidArgument | Code::DataLoss
        );
        if is_refused {
            self.watched.broken.push(format!("refused: {status}"));
        }
        is_refused
    }
}
