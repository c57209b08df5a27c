//! What callers can ask for, and the rules: every rule stands here, once.
//!
//! [`decide`] is pure: a request, what it read through a [`View`], the time and
//! the limits go in; commits and an answer, or a [`Refusal`], come out. Every
//! store calls it, so every store has the same rules, and tests of the rules need
//! no store at all.

mod draft;
mod hats;
mod overlay;
mod refusal;
mod request;
mod rooms;
mod view;
mod wardrobe;

pub use self::overlay::Overlay;
pub use self::refusal::Refusal;
pub use self::request::{
    Command, Operation, Precondition, Request, RoomSettings, SyncEntry, Target, UserRange,
};
pub use self::view::{RoomState, Unreadable, View};
use crate::commit::{Commit, CompletedRequest, Counts};
use crate::hat::{Document, Eligibility, HatDefinition, Revision, Room};
use crate::jid::UserJid;
use crate::limits::Limits;
use crate::time::Timestamp;

/// What [`decide`] takes as given.
pub struct Env<'a> {
    /// The time.
    pub now: Timestamp,
    /// The revision of the first commit decided; the others follow it.
    pub next: Revision,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// Measures a commit as it is encoded for watchers, in bytes.
    pub commit_len: fn(&Commit) -> usize,
    /// What the earlier turns of this request did.
    pub done: Counts,
}

/// A request, and what it is decided on.
#[derive(Clone, Copy)]
struct Turn<'a> {
    request: &'a Request,
    view: &'a dyn View,
    env: &'a Env<'a>,
}

/// What a request does.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The commits, in order. None: nothing changes.
    pub commits: Vec<Commit>,
    /// What the answer says beside them.
    pub answer: Answer,
    /// Whether the request needs another turn, after these commits are applied and
    /// before anything else is.
    pub unfinished: bool,
}

/// What an answer to a write says of the records written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Documents, as they are after the request.
    pub documents: Vec<(UserJid, Document)>,
    /// The definition, as it is after the request.
    pub definition: Option<HatDefinition>,
    /// The room, as it is after the request.
    pub room: Option<Room>,
    /// The room's revision if nothing changed.
    pub unchanged: Revision,
    /// What the request did in all.
    pub counts: Counts,
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The rules refuse the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Decides what a request does to the state in `view`.
///
/// # Errors
///
/// [`Stop::Refused`] as the rules say; [`Stop::Unreadable`] as `view` does.
pub fn decide(request: &Request, view: &dyn View, env: &Env<'_>) -> Result<Decision, Stop> {
    let turn = Turn { request, view, env };
    let mut decision = match &request.command {
        Command::AddUserHat { target, hat_id, attachment, keep_active } => {
            let give = hats::Give { hat_id, attachment, keep_active: *keep_active };
            hats::add_user_hat(turn, target, &give)
        }
        Command::RemoveUserHat { target, hat_id } => hats::remove_user_hat(turn, target, hat_id),
        Command::SetUserHats { target, hats, prefix, keep_active } => {
            let set = hats::Set { hats, prefix, keep_active: *keep_active };
            hats::set_user_hats(turn, target, &set)
        }
        Command::SetHatWearers { room_jid, hat_id, user_jids, attachment, keep_active } => {
            let give = hats::Give { hat_id, attachment, keep_active: *keep_active };
            hats::set_hat_wearers(turn, room_jid, user_jids, &give)
        }
        Command::UpdateRoomHats { room_jid, operations, preconditions, keep_active } => {
            let update = hats::Update { operations, preconditions, keep_active: *keep_active };
            hats::update_room_hats(turn, room_jid, &update)
        }
        Command::DefineHat { room_jid, definition, etag } => {
            hats::define_hat(turn, room_jid, definition, etag.as_deref())
        }
        Command::DestroyHat { room_jid, hat_id } => hats::destroy_hat(turn, room_jid, hat_id),
        Command::PutRoom { room_jid, settings, etag } => {
            rooms::put_room(turn, room_jid, *settings, etag.as_deref())
        }
        Command::DeleteRoom { room_jid, etag } => {
            rooms::delete_room(turn, room_jid, etag.as_deref())
        }
        Command::SetAffiliation { target, affiliation } => {
            rooms::set_affiliation(turn, target, *affiliation)
        }
        Command::SyncRooms { entries, max_removed_hats } => {
            rooms::sync_rooms(turn, entries, *max_removed_hats)
        }
        Command::ForgetUser { user_jid } => rooms::forget_user(turn, user_jid),
        Command::WearHat { target, hat_id } => wardrobe::wear_hat(turn, target, hat_id),
        Command::DoffHat { target, hat_id } => wardrobe::doff_hat(turn, target, hat_id),
        Command::ClaimHat { target, hat_id } => wardrobe::claim_hat(turn, target, hat_id),
        Command::DiscardHat { target, hat_id } => wardrobe::discard_hat(turn, target, hat_id),
        Command::Expire { room_jid, user_jids } => hats::expire(turn, room_jid, user_jids),
    }?;

    count(&mut decision, env.done);
    if !decision.unfinished
        && let (Some(last), Some(key)) = (decision.commits.last_mut(), &request.key)
    {
        last.request = Some(CompletedRequest {
            key: key.clone(),
            fingerprint: request.fingerprint(),
            counts: decision.answer.counts,
        });
    }
    Ok(decision)
}

/// Whether a room keeps hats for the user, or may: if not, the user is unknown to reads
/// and writes alike.
pub fn is_known(eligibility: Eligibility, document: &Document) -> bool {
    draft::may_have_hats(eligibility, document) || document.has_hats()
}

/// Adds up what the commits do, on top of what earlier turns of the request did.
fn count(decision: &mut Decision, done: Counts) {
    let counts = &mut decision.answer.counts;
    *counts = done;
    for commit in &decision.commits {
        let removed = commit.users.iter().map(draft::removed_hats).sum();
        counts.commits = counts.commits.saturating_add(1);
        counts.users = counts.users.saturating_add(saturated(commit.users.len()));
        counts.removed_hats = counts.removed_hats.saturating_add(saturated(removed));
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
