//! A watch as a client that trusts nothing: every response is checked against the one before.

use std::collections::VecDeque;
use std::time::Duration;

use hatd_client::pb;
use hatd_client::pb::hat_service_client::HatServiceClient;
use hatd_client::pb::watch_hats_request::Start;
use hatd_client::pb::watch_hats_response::Event;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use super::server::{LIMIT, Server};

/// One response.
pub(crate) type Response = pb::WatchHatsResponse;

pub(crate) fn room(room_jid: &str) -> pb::WatchSelector {
    pb::WatchSelector { room_jid: room_jid.to_owned(), ..Default::default() }
}

pub(crate) fn user(user_jid: &str) -> pb::WatchSelector {
    pb::WatchSelector { user_jid: user_jid.to_owned(), ..Default::default() }
}

pub(crate) fn user_in_room(room_jid: &str, user_jid: &str) -> pb::WatchSelector {
    pb::WatchSelector { user_jid: user_jid.to_owned(), ..room(room_jid) }
}

pub(crate) fn domain(domain: &str) -> pb::WatchSelector {
    pb::WatchSelector { room_domain: domain.to_owned(), ..Default::default() }
}

/// A watch of these, from the state on.
pub(crate) fn snapshot(selectors: &[pb::WatchSelector]) -> pb::WatchHatsRequest {
    pb::WatchHatsRequest { selectors: selectors.to_vec(), ..Default::default() }
}

/// A watch of these, from the next change on.
pub(crate) fn now(selectors: &[pb::WatchSelector]) -> pb::WatchHatsRequest {
    pb::WatchHatsRequest { start: Some(Start::Now(pb::StartNow {})), ..snapshot(selectors) }
}

/// A watch of these, from a token on.
pub(crate) fn resume(selectors: &[pb::WatchSelector], token: &str) -> pb::WatchHatsRequest {
    let start = Some(Start::ResumeToken(token.to_owned()));
    pb::WatchHatsRequest { start, ..snapshot(selectors) }
}

/// The same watch, failing if it cannot be resumed.
pub(crate) fn or_fail(request: pb::WatchHatsRequest) -> pb::WatchHatsRequest {
    pb::WatchHatsRequest { on_expired: pb::OnExpired::Fail.into(), ..request }
}

/// The same watch, with a heartbeat of a second: the shortest there is.
pub(crate) fn lively(request: pb::WatchHatsRequest) -> pb::WatchHatsRequest {
    let heartbeat_interval = Some(Duration::from_secs(1).try_into().unwrap());
    pb::WatchHatsRequest { heartbeat_interval, ..request }
}

/// The code and hatd's reason of a refusal.
pub(crate) fn refusal(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info();
    (status.code(), info.map(|info| info.reason).unwrap_or_default())
}

/// An open watch.
pub(crate) struct Watch {
    stream: Streaming<Response>,
    /// Commits of the last response that were not asked for yet.
    pending: VecDeque<pb::Commit>,
    /// The token of the last response; of none yet, the one resumed.
    pub(crate) token: String,
}

impl Watch {
    /// Opens a watch that the server is to accept.
    pub(crate) async fn open(server: &Server, request: pb::WatchHatsRequest) -> Self {
        Self::try_open(&server.watches, request).await.unwrap()
    }

    pub(crate) async fn try_open(
        stub: &HatServiceClient<Channel>,
        request: pb::WatchHatsRequest,
    ) -> Result<Self, Status> {
        let token = match &request.start {
            Some(Start::ResumeToken(token)) => token.clone(),
            None | Some(Start::Snapshot(_) | Start::Now(_)) => String::new(),
        };
        let stream = stub.clone().watch_hats(request).await?.into_inner();
        Ok(Self { stream, pending: VecDeque::new(), token })
    }

    /// Opens a watch that the server is to refuse, at once or in place of the first response.
    pub(crate) async fn refused(server: &Server, request: pb::WatchHatsRequest) -> (Code, String) {
        let status = match Self::try_open(&server.watches, request).await {
            Err(status) => status,
            Ok(mut watch) => watch.try_next().await.unwrap_err(),
        };
        refusal(&status)
    }

    /// The next response, whose `after` repeats the token before it byte for byte.
    pub(crate) async fn next(&mut self) -> Response {
        self.try_next().await.unwrap().expect("the stream goes on")
    }

    /// As [`Watch::next`]; none at the end.
    pub(crate) async fn try_next(&mut self) -> Result<Option<Response>, Status> {
        assert_eq!(self.pending, [], "no commit is passed over");
        let response = tokio::time::timeout(LIMIT, self.stream.message()).await;
        let Some(response) = response.expect("no watch is silent for long")? else {
            return Ok(None);
        };
        assert_eq!(response.after, self.token, "the chain holds: {response:?}");
        self.token.clone_from(&response.token);
        Ok(Some(response))
    }

    /// The next response, which brings changes.
    pub(crate) async fn commits(&mut self) -> Vec<pb::Commit> {
        commits(&self.next().await)
    }

    /// The next commit, which may have come with the one before it.
    pub(crate) async fn commit(&mut self) -> pb::Commit {
        while self.pending.is_empty() {
            self.pending = self.commits().await.into();
        }
        self.pending.pop_front().expect("there is one")
    }

    /// All up to and with the next bookmark.
    pub(crate) async fn until_bookmark(&mut self) -> Vec<Response> {
        let mut responses = Vec::new();
        loop {
            let response = self.next().await;
            let bookmark = matches!(response.event, Some(Event::Bookmark(_)));
            responses.push(response);
            if bookmark {
                return responses;
            }
        }
    }

    /// All up to and with the commit of this revision to a room.
    pub(crate) async fn until(&mut self, room_jid: &str, revision: u64) -> Vec<Response> {
        let mut responses = Vec::new();
        loop {
            let response = self.next().await;
            let reached = of_changes(&response)
                .iter()
                .any(|commit| commit.room_jid == room_jid && commit.revision == revision);
            responses.push(response);
            if reached {
                return responses;
            }
        }
    }

    /// Asserts that the server ends the stream here, with OK.
    pub(crate) async fn ends(mut self) {
        assert_eq!(self.try_next().await.unwrap(), None);
    }
}

/// The commits of a response, if it brings changes.
pub(crate) fn of_changes(response: &Response) -> &[pb::Commit] {
    match &response.event {
        Some(Event::Changes(changes)) => &changes.commits,
        _ => &[],
    }
}

/// The commits of a response that brings changes.
pub(crate) fn commits(response: &Response) -> Vec<pb::Commit> {
    match &response.event {
        Some(Event::Changes(changes)) => changes.commits.clone(),
        other => panic!("changes were to come, not {other:?}"),
    }
}

/// The page of a response that brings one.
pub(crate) fn page(response: &Response) -> pb::WatchSnapshot {
    match &response.event {
        Some(Event::Snapshot(page)) => page.clone(),
        other => panic!("a page was to come, not {other:?}"),
    }
}

pub(crate) fn is_complete(response: &Response) -> bool {
    matches!(&response.event, Some(Event::Snapshot(page)) if page.complete)
}

pub(crate) fn is_bookmark(response: &Response) -> bool {
    matches!(response.event, Some(Event::Bookmark(_)))
}

/// Why a response resets the state.
pub(crate) fn reset_reason(response: &Response) -> pb::ResetReason {
    match &response.event {
        Some(Event::Reset(reset)) => reset.reason(),
        other => panic!("a reset was to come, not {other:?}"),
    }
}

/// Why a response says that the stream ends.
pub(crate) fn go_away(response: &Response) -> pb::GoAwayReason {
    match &response.event {
        Some(Event::GoAway(go_away)) => go_away.reason(),
        other => panic!("go_away was to come, not {other:?}"),
    }
}
