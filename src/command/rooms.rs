//! The rules for rooms and affiliations.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

use super::draft::{Draft, check_bounds, check_etag, removed_hats};
use super::{
    Answer, Decision, Overlay, Refusal, RoomSettings, Stop, SyncEntry, Target, Turn, UserRange,
};
use crate::commit::Cause;
use crate::hat::{Affiliation, Document, Eligibility, Room};
use crate::jid::{RoomJid, UserJid};
use crate::planted::{self, Bug};

pub(super) fn put_room(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    settings: RoomSettings,
    etag: Option<&str>,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open_or_create(turn, room_jid)?;
    let before = draft.state.map(|state| state.room);
    check_etag(etag, before.map(|room| room.revision).unwrap_or_default())?;
    put_settings(&mut draft.room, settings);
    let mut decision = draft.finish(Cause::Request, "")?;
    decision.answer.room = decision.answer.room.or(before);
    Ok(decision)
}

fn put_settings(room: &mut Room, settings: RoomSettings) {
    room.hat_policy = settings.hat_policy.unwrap_or(room.hat_policy);
    room.eligibility = settings.eligibility.unwrap_or(room.eligibility);
}

pub(super) fn delete_room(
    turn: Turn<'_>,
    room_jid: &RoomJid,
    etag: Option<&str>,
) -> Result<Decision, Stop> {
    let draft = Draft::open(turn, room_jid)?;
    check_etag(etag, draft.room.revision)?;
    let mut commit = turn.empty_commit(room_jid, Cause::Request, turn.env.next);
    commit.room_deleted = true;
    Ok(Decision { commits: vec![commit], ..Decision::default() })
}

pub(super) fn set_affiliation(
    turn: Turn<'_>,
    target: &Target,
    affiliation: Affiliation,
) -> Result<Decision, Stop> {
    let mut draft = Draft::open(turn, &target.room_jid)?;
    draft.check_etag(target)?;
    affiliate(&mut draft, &target.user_jid, affiliation)?;
    draft.finish_for(&target.user_jid, Cause::Affiliation)
}

/// Sets an affiliation, and takes away the hats that do not outlast it.
fn affiliate(draft: &mut Draft<'_>, user: &UserJid, affiliation: Affiliation) -> Result<(), Stop> {
    let eligibility = draft.room.eligibility;
    let document = draft.document(user)?;
    document.affiliation = affiliation;
    let hats_end = match affiliation {
        Affiliation::Outcast => !planted::has(Bug::OutcastKeepsHats),
        Affiliation::None => eligibility == Eligibility::Affiliated,
        Affiliation::Owner | Affiliation::Admin | Affiliation::Member => false,
    };
    if hats_end {
        document.hats.clear();
    }
    Ok(())
}

/// Decides every entry before any is committed: the bound on removed hats is the
/// call's, not an entry's.
pub(super) fn sync_rooms(
    turn: Turn<'_>,
    entries: &[SyncEntry],
    max_removed_hats: u32,
) -> Result<Decision, Stop> {
    let rooms = check_disjoint(entries)?;
    let mut overlay = Overlay::new(turn.view);
    let mut commits = Vec::new();
    let mut fields = Vec::new();
    let mut next = turn.env.next;
    let mut gone = 0;
    for (index, entry) in entries.iter().enumerate() {
        let field = format!("entries[{index}]");
        let commit = {
            let turn = Turn { view: &overlay, ..turn };
            let mut draft = Draft::open_or_create(turn, &entry.room_jid)?;
            if let Some(touched) = rooms.get(&entry.room_jid) {
                put_settings(&mut draft.room, touched.settings);
            }
            gone += replace(turn, &mut draft, entry, &field)?;
            if gone > REMOVED_PER_CALL_MAX {
                let what = format!("the call removes more than {REMOVED_PER_CALL_MAX} users");
                return Err(Refusal::InvalidField { field, what }.into());
            }
            for (user, affiliation) in &entry.affiliations {
                affiliate(&mut draft, user, *affiliation)?;
            }
            draft.commit(Cause::Sync, next)?
        };
        if let Some(commit) = commit {
            overlay.apply(&commit)?;
            commits.push(commit);
            fields.push(field);
            next = next.next();
        }
    }

    let removed = commits.iter().flat_map(|commit| &commit.users).map(removed_hats).sum();
    if removed > max_removed_hats as usize {
        return Err(Refusal::SyncWouldRemove { removed, allowed: max_removed_hats }.into());
    }
    for (commit, field) in commits.iter().zip(&fields) {
        check_bounds(Some(commit), turn.env, field)?;
    }
    Ok(Decision { commits, ..Decision::default() })
}

/// How many users one call may make NONE without listing them. Our choice, to bound the
/// memory of a call that is small itself: it can name many ranges.
const REMOVED_PER_CALL_MAX: usize = 100_000;

/// Makes NONE of the users in the entry's range who are not listed; answers how many.
fn replace(
    turn: Turn<'_>,
    draft: &mut Draft<'_>,
    entry: &SyncEntry,
    field: &str,
) -> Result<usize, Stop> {
    let Some(range) = &entry.replace else { return Ok(0) };
    let mut gone: Vec<(UserJid, Document)> = Vec::new();
    let max = turn.env.limits.sync_users_max;
    turn.view.each_document(&entry.room_jid, range, &mut |user, document| {
        if document.affiliation != Affiliation::None && !entry.affiliations.contains_key(&user) {
            gone.push((user, document));
        }
        if gone.len() > max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if gone.len() > max {
        let what = format!("removes more than {max} users: take smaller ranges");
        return Err(Refusal::InvalidField { field: field.to_owned(), what }.into());
    }
    let count = gone.len();
    for (user, document) in gone {
        draft.load(user.clone(), document);
        affiliate(draft, &user, Affiliation::None)?;
    }
    Ok(count)
}

/// What the entries of one room touch.
#[derive(Default)]
struct Touched<'a> {
    /// The settings of all of them. They count from the first on, so that a repeat of
    /// the call finds nothing to do.
    settings: RoomSettings,
    listed: BTreeSet<&'a UserJid>,
    /// Ranges that do not overlap, by where they begin.
    ranges: BTreeMap<Option<&'a UserJid>, &'a UserRange>,
}

impl<'a> Touched<'a> {
    /// Adds the entry's users, unless an earlier entry touches one of them.
    fn add(&mut self, entry: &'a SyncEntry) -> bool {
        let Some(range) = &entry.replace else {
            return entry
                .affiliations
                .keys()
                .all(|user| !self.is_in_range(user) && self.listed.insert(user));
        };
        let from = range.from.as_ref();
        let first = from.map_or(Bound::Unbounded, Bound::Included);
        let mut listed = self.listed.range::<&UserJid, _>((first, Bound::Unbounded));
        if listed.next().is_some_and(|user| range.contains(user)) {
            return false;
        }
        let before = self.ranges.range(..=from).next_back();
        let after = self.ranges.range(from..).next();
        if before.into_iter().chain(after).any(|(_, earlier)| earlier.overlaps(range)) {
            return false;
        }
        self.ranges.insert(from, range);
        true
    }

    /// Whether the user is in one of the ranges: only the last that begins before the
    /// user can hold the user.
    fn is_in_range(&self, user: &UserJid) -> bool {
        let before = self.ranges.range(..=Some(user)).next_back();
        before.is_some_and(|(_, range)| range.contains(user))
    }

    /// Takes the entry's settings, unless an earlier entry has set one otherwise.
    fn agree(&mut self, settings: RoomSettings) -> bool {
        let RoomSettings { hat_policy, eligibility } = settings;
        agree(&mut self.settings.hat_policy, hat_policy)
            && agree(&mut self.settings.eligibility, eligibility)
    }
}

fn agree<T: Copy + PartialEq>(earlier: &mut Option<T>, setting: Option<T>) -> bool {
    let agreed = earlier.is_none() || setting.is_none() || *earlier == setting;
    *earlier = earlier.or(setting);
    agreed
}

/// Refuses listed users outside their entry's range, users whom two entries touch,
/// and settings that two entries set differently.
fn check_disjoint(entries: &[SyncEntry]) -> Result<BTreeMap<&RoomJid, Touched<'_>>, Refusal> {
    let mut rooms: BTreeMap<&RoomJid, Touched<'_>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let refuse =
            |what: String| Err(Refusal::InvalidField { field: format!("entries[{index}]"), what });
        if let Some(UserRange { from: Some(from), until: Some(until) }) = &entry.replace
            && from >= until
        {
            return refuse("the range is empty: from is not before until".to_owned());
        }
        if let Some(range) = &entry.replace
            && let Some(user) = entry.affiliations.keys().find(|user| !range.contains(user))
        {
            return refuse(format!("user {user} is outside the range"));
        }
        let room_jid = &entry.room_jid;
        let touched = rooms.entry(room_jid).or_default();
        if !touched.add(entry) {
            return refuse(format!("an earlier entry touches users of room {room_jid} too"));
        }
        if !touched.agree(entry.settings) {
            return refuse(format!("an earlier entry sets room {room_jid} otherwise"));
        }
    }
    Ok(rooms)
}

/// How many rooms one turn of `ForgetUser` takes the user out of. Our choice: bounds
/// the memory of a turn.
const FORGET_ROOMS_PER_TURN: usize = 500;

pub(super) fn forget_user(turn: Turn<'_>, user_jid: &UserJid) -> Result<Decision, Stop> {
    let mut rooms = turn.view.rooms_of(user_jid, FORGET_ROOMS_PER_TURN + 1)?;
    let unfinished = rooms.len() > FORGET_ROOMS_PER_TURN;
    rooms.truncate(FORGET_ROOMS_PER_TURN);

    let mut commits = Vec::with_capacity(rooms.len());
    let mut next = turn.env.next;
    for room_jid in &rooms {
        let mut draft = Draft::open(turn, room_jid)?;
        *draft.document(user_jid)? = Document::default();
        if let Some(commit) = draft.commit(Cause::Forgotten, next)? {
            commits.push(commit);
            next = next.next();
        }
    }
    Ok(Decision { commits, answer: Answer::default(), unfinished })
}
