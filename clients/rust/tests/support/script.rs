//! What a scripted hatd says on the streams of watches.

use std::{collections::HashMap, time::Duration};

use hatd_client::{Code, pb};
use pb::watch_hats_response::Event;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{Script, Step};

pub const ROOM: &str = "room@conference.localhost";

pub fn response(after: &str, token: &str, event: Event) -> pb::WatchHatsResponse {
    pb::WatchHatsResponse { after: after.into(), token: token.into(), event: Some(event) }
}

pub fn reset(after: &str) -> pb::WatchHatsResponse {
    let reason = pb::ResetReason::Initial.into();
    response(after, "", Event::Reset(pb::WatchReset { reason }))
}

pub fn page(complete: bool, token: &str) -> pb::WatchHatsResponse {
    response("", token, Event::Snapshot(pb::WatchSnapshot { complete, ..Default::default() }))
}

pub fn changes(after: &str, token: &str, revisions: &[u64]) -> pb::WatchHatsResponse {
    let commits = revisions
        .iter()
        .map(|&revision| pb::Commit { room_jid: ROOM.into(), revision, ..Default::default() })
        .collect();
    response(after, token, Event::Changes(pb::WatchChanges { commits }))
}

pub fn bookmark(after: &str, token: &str) -> pb::WatchHatsResponse {
    response(after, token, Event::Bookmark(pb::WatchBookmark::default()))
}

pub fn go_away(after: &str, retry_after: Duration) -> pb::WatchHatsResponse {
    let go_away = pb::WatchGoAway {
        reason: pb::GoAwayReason::Shutdown.into(),
        retry_after: Some(retry_after.try_into().unwrap()),
    };
    response(after, after, Event::GoAway(go_away))
}

pub fn refusal(code: Code, reason: &str) -> Status {
    refusal_of("", code, reason)
}

/// A refusal of a field.
pub fn refusal_of(field: &str, code: Code, reason: &str) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("field".to_owned(), field.to_owned())]);
    details.set_error_info(reason, "hatd.v1", metadata);
    Status::with_error_details(code, "no", details)
}

/// A page with the documents of these users of the room, each with a hat.
pub fn page_of(users: &[(&str, u64)], complete: bool, token: &str) -> pb::WatchHatsResponse {
    let users = users.iter().map(|(user_jid, revision)| document(user_jid, *revision)).collect();
    let page = pb::WatchSnapshot { users, complete, ..Default::default() };
    response("", token, Event::Snapshot(page))
}

/// A commit that gives a user of the room a hat.
pub fn give(after: &str, token: &str, user_jid: &str, revision: u64) -> pb::WatchHatsResponse {
    let user_hats = Some(document(user_jid, revision));
    let commit = pb::Commit {
        room_jid: ROOM.into(),
        revision,
        users: vec![pb::UserChange { user_hats, changes: Vec::new() }],
        ..Default::default()
    };
    response(after, token, Event::Changes(pb::WatchChanges { commits: vec![commit] }))
}

/// A user's document in the room, with a hat.
pub fn document(user_jid: &str, revision: u64) -> pb::UserHats {
    let worn = pb::Attachment { active: true, ..Default::default() };
    pb::UserHats {
        room_jid: ROOM.into(),
        user_jid: user_jid.into(),
        hats: [("urn:hat:1".to_owned(), worn)].into(),
        revision,
        ..Default::default()
    }
}

pub fn send(responses: impl IntoIterator<Item = pb::WatchHatsResponse>) -> Vec<Step> {
    responses.into_iter().map(Step::Send).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "reads as the script that it is")]
pub fn send_and_hang(responses: impl IntoIterator<Item = pb::WatchHatsResponse>) -> Script {
    let mut steps = send(responses);
    steps.push(Step::Hang);
    Ok(steps)
}
