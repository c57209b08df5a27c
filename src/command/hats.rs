//! The rules for hats and the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, check_bounds, check_etag};
use super::{Answer, Decision, Operation, Precondition, Refusal, Stop, Target, Turn};
use crate::commit::Cause;
use crate::hat::{Attachment, HatDefinition, HatId, Revision};
use crate::jid::{RoomJid, UserJid};
use crate::planted::{self, Bug};
use crate::time::Timestamp;

/// A hat to give, and how.
pub(super) struct Give<'a> {
    pub(super) hat_id: &'a HatId,
    pub(super) attachment: &'a Attachment,
    pub(super) keep_active: bool,
}

impl Give<'_> {
    /// Refuses a hat that would end before it is there. `field` is the attachment's.
    pub(super) fn check_time(&self, now: Timestamp, field: &str) -> Result<(), Refusal> {
        match self.attachment.expire_time {
            Some(time) if time <= now => {
                let (field, what) = (format!("{field}.expire_time"), "this time has passed");
                Err(Refusal::InvalidField { field, what: what.to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Hats that are to be a user's, all or those under a prefix.
pub(super) struct Set<'a> {
    pub(super) hats: &'a BTreeMap<HatId, Attachment>,
    pub(super) prefix: &'a str,
    pub(super) keep_active: bool,
}

/// Operations, and what must hold for them.
pub(super) struct Update<'a> {
    pub(super) operations: &'a [Operation],
    pub(super) preconditions: &'a [Precondition],
    pub(super) keep_active: bool,
}

pub(super) fn add_user_hat(
    turn: Turn<'_>,
    target: &Target,
    give: &Give<'_>,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    give.check_time(turn.env.now, "attachment")?;
    draft.give(&target.user_jid, give)?;
    draft.finish_for(&target.user_jid, Cause::Request)
}

pub(super) fn remove_user_hat(
    turn: Turn<'_>,
    target: &Target,
    hat_id: &HatId,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    draft.take(&target.user_jid, hat_id)?;
    draft.finish_for(&target.user_jid, Cause::Request)
}

pub(super) fn set_user_hats(
    turn: Turn<'_>,
    target: &Target,
    set: &Set<'_>,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open_for(turn, target)?;
    put_set(turn, &mut draft, &target.user_jid, set)?;
    draft.finish_for(&target.user_jid, Cause::Request)
}

fn put_set(
    turn: Turn<'_>,
    draft: &mut Draft<'_>,
    user: &UserJid,
    set: &Set<'_>,
) -> Result<(), Stop> {
    if let Some(hat) = set.hats.keys().find(|hat| !hat.as_str().starts_with(set.prefix)) {
        let what = format!("hat {hat} does not begin with hat_id_prefix");
        return Err(Refusal::InvalidField { field: "hats".to_owned(), what }.into());
    }
    draft
        .document(user)?
        .hats
        .retain(|hat, _| !hat.as_str().starts_with(set.prefix) || set.hats.contains_key(hat));
    for (hat_id, attachment) in set.hats {
        let give = Give { hat_id, attachment, keep_active: set.keep_active };
        give.check_time(turn.env.now, &format!("hats[{:?}]", hat_id.as_str()))?;
        draft.give(user, &give)?;
    }
    Ok(())
}

pub(super) fn set_hat_wearers(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    user_jids: &BTreeSet<UserJid>,
    give: &Give<'_>,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open(turn, room_jid)?;
    give.check_time(turn.env.now, "attachment")?;
    for user in user_jids {
        draft.give(user, give)?;
    }
    // Those listed and the most that one commit may change: a longer list of users
    // who lose the hat is refused below without reading on.
    let enough = user_jids.len() + turn.env.limits.operations_per_commit_max + 1;
    for user in turn.view.users_with_hat(room_jid, give.hat_id, enough)? {
        if !user_jids.contains(&user) {
            draft.take(&user, give.hat_id)?;
        }
    }
    draft.finish(Cause::Request, "user_jids")
}

pub(super) fn update_room_hats(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    update: &Update<'_>,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open(turn, room_jid)?;
    check_distinct(update.operations)?;
    for (index, precondition) in update.preconditions.iter().enumerate() {
        check_precondition(&mut draft, room_jid, index, precondition)?;
    }

    for (index, operation) in update.operations.iter().enumerate() {
        draft.check_known(operation.user_jid()).map_err(|stop| in_operation(index, stop))?;
    }
    for (index, operation) in update.operations.iter().enumerate() {
        if index > 0 && planted::has(Bug::UpdateInPart) {
            break;
        }
        operate(turn, &mut draft, operation, update.keep_active)
            .map_err(|stop| in_operation(index, stop))?;
    }
    draft.finish(Cause::Request, "operations").map_err(|stop| blame(update.operations, stop))
}

fn operate(
    turn: Turn<'_>,
    draft: &mut Draft<'_>,
    operation: &Operation,
    keep_active: bool,
) -> Result<(), Stop> {
    match operation {
        Operation::Add { user_jid, hat_id, attachment } => {
            let give = Give { hat_id, attachment, keep_active };
            give.check_time(turn.env.now, "add.attachment")?;
            draft.give(user_jid, &give)
        }
        Operation::Remove { user_jid, hat_id } => draft.take(user_jid, hat_id),
        Operation::Set { user_jid, hats, prefix } => {
            put_set(turn, draft, user_jid, &Set { hats, prefix, keep_active })
                .map_err(|stop| under("set", stop))
        }
    }
}

fn in_operation(index: usize, stop: Stop) -> Stop {
    match stop {
        // Its path says which operation.
        Stop::Refused(Refusal::InvalidField { .. }) => under(&format!("operations[{index}]"), stop),
        Stop::Refused(refusal) => {
            Stop::Refused(Refusal::InOperation { index, refusal: Box::new(refusal) })
        }
        Stop::Unreadable(error) => Stop::Unreadable(error),
    }
}

/// Puts the message that a field is in before its path.
fn under(path: &str, stop: Stop) -> Stop {
    match stop {
        Stop::Refused(Refusal::InvalidField { field, what }) => {
            let field = format!("{path}.{field}");
            Stop::Refused(Refusal::InvalidField { field, what })
        }
        other @ (Stop::Refused(_) | Stop::Unreadable(_)) => other,
    }
}

/// Names the operation behind a document that would be too large: the last one that
/// gives its user hats, for only the outcome of all of them is judged.
fn blame(operations: &[Operation], stop: Stop) -> Stop {
    let Stop::Refused(Refusal::TooManyHats { user_jid, .. }) = &stop else { return stop };
    let gives = |operation: &Operation| !matches!(operation, Operation::Remove { .. });
    let last = operations.iter().rposition(|it| gives(it) && it.user_jid() == user_jid);
    match last {
        Some(index) => in_operation(index, stop),
        None => stop,
    }
}

/// Refuses two operations on one hat of one user, and any beside a `set` on a user.
fn check_distinct(operations: &[Operation]) -> Result<(), Refusal> {
    let mut sets = BTreeSet::new();
    let mut hats: BTreeMap<&UserJid, BTreeSet<&HatId>> = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let user = operation.user_jid();
        let distinct = match operation {
            Operation::Add { hat_id, .. } | Operation::Remove { hat_id, .. } => {
                !sets.contains(user) && hats.entry(user).or_default().insert(hat_id)
            }
            Operation::Set { .. } => !hats.contains_key(user) && sets.insert(user),
        };
        if !distinct {
            let field = format!("operations[{index}]");
            let what = format!("an earlier operation on user {user} excludes it");
            return Err(Refusal::InvalidField { field, what });
        }
    }
    Ok(())
}

fn check_precondition(
    draft: &mut Draft<'_>,
    room_jid: &RoomJid,
    index: usize,
    precondition: &Precondition,
) -> Result<(), Stop> {
    let (user_jid, holds) = match precondition {
        Precondition::Etag { user_jid, etag } => {
            (user_jid, draft.document(user_jid)?.revision.etag() == *etag)
        }
        Precondition::HasHat { user_jid, hat_id } => {
            (user_jid, draft.document(user_jid)?.hats.contains_key(hat_id))
        }
        Precondition::LacksHat { user_jid, hat_id } => {
            (user_jid, !draft.document(user_jid)?.hats.contains_key(hat_id))
        }
    };
    if holds || planted::has(Bug::PreconditionsIgnored) {
        return Ok(());
    }
    let (room_jid, user_jid) = (room_jid.clone(), user_jid.clone());
    Err(Refusal::PreconditionFailed { index, room_jid, user_jid }.into())
}

pub(super) fn define_hat(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    definition: &HatDefinition,
    etag: Option<&str>,
) -> Result<Decision, Stop> {
    let draft = Draft::open(turn, room_jid)?;
    let before = turn.view.definition(room_jid, &definition.hat_id)?;
    let revision = before.as_ref().map(|before| before.revision).unwrap_or_default();
    check_etag(etag, revision)?;
    if let Some(before) = before.filter(|before| before.same_but_revision(definition)) {
        let unchanged = draft.head();
        let answer = Answer { definition: Some(before), unchanged, ..Answer::default() };
        return Ok(Decision { answer, ..Decision::default() });
    }

    let limit = turn.env.limits.definitions_per_room_max;
    if revision == Revision::NONE && turn.view.definition_count(room_jid)? >= limit {
        return Err(Refusal::TooManyDefinitions { room_jid: room_jid.clone(), limit }.into());
    }
    let definition = HatDefinition { revision: turn.env.next, ..definition.clone() };
    let mut commit = turn.empty_commit(room_jid, Cause::Request, turn.env.next);
    commit.definitions.push(definition.clone());
    let answer = Answer { definition: Some(definition), ..Answer::default() };
    Ok(Decision { commits: vec![commit], answer, unfinished: false })
}

/// Takes the hat off as many users as one commit may change. Each turn is one
/// commit; the last also takes the definition.
pub(super) fn destroy_hat(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    hat_id: &HatId,
) -> Result<Decision, Stop> {
    let limit = turn.env.limits.operations_per_commit_max;
    let mut users = turn.view.users_with_hat(room_jid, hat_id, limit + 1)?;
    let mut unfinished = users.len() > limit;
    users.truncate(limit);

    loop {
        let mut draft = Draft::open(turn, room_jid)?;
        for user in &users {
            draft.take(user, hat_id)?;
        }
        let unchanged = draft.head();
        let mut commit = draft.commit(Cause::Destroyed, turn.env.next)?;
        if !unfinished && turn.view.definition(room_jid, hat_id)?.is_some() {
            commit
                .get_or_insert_with(|| turn.empty_commit(room_jid, Cause::Destroyed, turn.env.next))
                .removed_definitions
                .push(hat_id.clone());
        }
        match check_bounds(commit.as_ref(), turn.env, "hat_id") {
            // Whole documents of so many users do not fit: fewer of them, then.
            Err(_) if users.len() > 1 => {
                users.truncate(users.len() / 2);
                unfinished = true;
            }
            Err(refusal) => return Err(refusal.into()),
            Ok(()) => {
                let answer = Answer { unchanged, ..Answer::default() };
                return Ok(Decision { commits: commit.into_iter().collect(), answer, unfinished });
            }
        }
    }
}

/// Ends those hats of the users whose time has come, as many as one commit may hold.
pub(super) fn expire(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    user_jids: &BTreeSet<UserJid>,
) -> Result<Decision, Stop> {
    let mut users: Vec<_> =
        user_jids.iter().take(turn.env.limits.operations_per_commit_max).collect();
    loop {
        let mut draft = Draft::open(turn, room_jid)?;
        for user in &users {
            let ended = |had: &Attachment| {
                had.expire_time.is_some_and(|time| time <= turn.env.now)
                    || planted::has(Bug::ExpiryTakesAll)
            };
            draft.document(user)?.hats.retain(|_, had| !ended(had));
        }
        match draft.finish(Cause::Expiry, "") {
            Err(Stop::Refused(Refusal::InvalidField { .. })) if users.len() > 1 => {
                users.truncate(users.len() / 2);
            }
            outcome => return outcome,
        }
    }
}
