//! A commit in the making: the documents it touches, before and after.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::hats::Give;
use super::{Answer, Decision, Env, Refusal, RoomState, Stop, Target, Turn, is_known};
use crate::commit::{Cause, ChangeKind, Commit, HatChange, UserChange};
use crate::hat::{Document, Eligibility, Given, HatDefinition, HatId, HatPolicy, Revision, Room};
use crate::jid::{RoomJid, UserJid};
use crate::planted::{self, Bug};

/// A commit in the making, for one room.
pub(super) struct Draft<'a> {
    turn: Turn<'a>,
    room_jid: RoomJid,
    /// The room before the commit.
    pub(super) state: Option<RoomState>,
    /// The room's settings as the commit leaves them.
    pub(super) room: Room,
    edits: BTreeMap<UserJid, Edit>,
}

/// One document, before and after.
struct Edit {
    before: Document,
    after: Document,
}

impl<'a> Draft<'a> {
    /// Begins a commit to a room that exists.
    pub(super) fn open(turn: Turn<'a>, room_jid: &RoomJid) -> Result<Self, Stop> {
        let draft = Self::open_or_create(turn, room_jid)?;
        match draft.state {
            Some(_) => Ok(draft),
            None => Err(Refusal::RoomNotFound { room_jid: room_jid.clone() }.into()),
        }
    }

    /// Begins a commit to a room that may not exist yet.
    pub(super) fn open_or_create(turn: Turn<'a>, room_jid: &RoomJid) -> Result<Self, Stop> {
        let state = turn.view.room(room_jid)?;
        let room = state.map(|state| state.room).unwrap_or_default();
        let room_jid = room_jid.clone();
        Ok(Self { turn, room_jid, state, room, edits: BTreeMap::new() })
    }

    /// Begins a commit to one user's hats: the room exists, the user may have hats
    /// or still has some, and the document has the etag asked for.
    pub(super) fn open_for(turn: Turn<'a>, target: &Target) -> Result<Self, Stop> {
        let mut draft = Self::open(turn, &target.room_jid)?;
        draft.check_known(&target.user_jid)?;
        draft.check_etag(target)?;
        Ok(draft)
    }

    /// Refuses a stale etag of the target's document.
    pub(super) fn check_etag(&mut self, target: &Target) -> Result<(), Stop> {
        let present = self.document(&target.user_jid)?.revision;
        Ok(check_etag(target.etag.as_deref(), present)?)
    }

    /// The document as the commit leaves it so far.
    pub(super) fn document(&mut self, user: &UserJid) -> Result<&mut Document, Stop> {
        let edit = match self.edits.entry(user.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let before = self.turn.view.document(&self.room_jid, user)?;
                entry.insert(Edit { after: before.clone(), before })
            }
        };
        Ok(&mut edit.after)
    }

    /// Takes a document that was read already.
    pub(super) fn load(&mut self, user: UserJid, before: Document) {
        self.edits.entry(user).or_insert_with(|| Edit { after: before.clone(), before });
    }

    /// Refuses a user of whom this room can keep no hats and has none.
    pub(super) fn check_known(&mut self, user: &UserJid) -> Result<(), Stop> {
        let eligibility = self.room.eligibility;
        let document = self.document(user)?;
        if is_known(eligibility, document) {
            return Ok(());
        }
        Err(self.not_affiliated(user).into())
    }

    /// Gives a hat. A hat had already gets the new attachment, if that differs.
    pub(super) fn give(&mut self, user: &UserJid, give: &Give<'_>) -> Result<(), Stop> {
        let room = self.room;
        let had = self.document(user)?.hats.get(give.hat_id).cloned();
        if had.is_none() {
            if !may_have_hats(room.eligibility, self.document(user)?) {
                return Err(self.not_affiliated(user).into());
            }
            if room.hat_policy == HatPolicy::DefinedOnly {
                self.defined(give.hat_id)?;
            }
        }

        let mut attachment = give.attachment.clone();
        if let Some(had) = had {
            if give.keep_active {
                attachment.active = had.active;
            }
            if attachment.same_but_given(&had) {
                return Ok(());
            }
        }
        let context = self.turn.request.context.clone().unwrap_or_default();
        let time = self.turn.env.now;
        attachment.given = Some(Given { actor: context.actor, reason: context.reason, time });
        self.document(user)?.hats.insert(give.hat_id.clone(), attachment);
        Ok(())
    }

    /// Takes a hat away, if the user has it.
    pub(super) fn take(&mut self, user: &UserJid, hat: &HatId) -> Result<(), Stop> {
        self.document(user)?.hats.remove(hat);
        Ok(())
    }

    /// The hat's definition.
    pub(super) fn defined(&self, hat: &HatId) -> Result<HatDefinition, Stop> {
        self.turn.view.definition(&self.room_jid, hat)?.ok_or_else(|| {
            let (room_jid, hat_id) = (self.room_jid.clone(), hat.clone());
            Refusal::HatNotDefined { room_jid, hat_id }.into()
        })
    }

    fn not_affiliated(&self, user: &UserJid) -> Refusal {
        Refusal::UserNotAffiliated { room_jid: self.room_jid.clone(), user_jid: user.clone() }
    }

    /// Ends a draft about one user: the answer shows the document, changed or not.
    pub(super) fn finish_for(self, user: &UserJid, cause: Cause) -> Result<Decision, Stop> {
        let before = self.edits.get(user).map(|edit| edit.before.clone()).unwrap_or_default();
        let mut decision = self.finish(cause, "")?;
        if decision.answer.documents.is_empty() {
            decision.answer.documents.push((user.clone(), before));
        }
        Ok(decision)
    }

    /// Ends the draft: one commit if anything changed, none if not. `field` is what
    /// to blame if the commit would be too large.
    pub(super) fn finish(self, cause: Cause, field: &str) -> Result<Decision, Stop> {
        let (env, unchanged) = (self.turn.env, self.head());
        let commit = self.commit(cause, env.next)?;
        check_bounds(commit.as_ref(), env, field)?;
        let documents = commit.iter().flat_map(|commit| commit.users.iter().map(written)).collect();
        let room = commit.as_ref().and_then(|commit| commit.room);
        let answer = Answer { documents, room, unchanged, ..Answer::default() };
        Ok(Decision { commits: commit.into_iter().collect(), answer, unfinished: false })
    }

    /// The room's revision before the commit.
    pub(super) fn head(&self) -> Revision {
        self.state.map(|state| state.head).unwrap_or_default()
    }

    /// The commit, if anything changed.
    pub(super) fn commit(self, cause: Cause, revision: Revision) -> Result<Option<Commit>, Stop> {
        let mut commit = self.turn.empty_commit(&self.room_jid, cause, revision);
        let room_before = self.state.map(|state| state.room);
        if room_before != Some(self.room) {
            commit.room = Some(Room { revision, ..self.room });
        }
        for (user_jid, edit) in self.edits {
            let changes = changes(&edit.before, &edit.after);
            let is_same = changes.is_empty() && edit.before.affiliation == edit.after.affiliation;
            if is_same && !planted::has(Bug::UnchangedCommitted) {
                continue;
            }
            check_document(self.turn.env, &self.room_jid, &user_jid, &edit)?;
            let mut document = edit.after;
            if document.is_absent() {
                document = Document::default();
            } else {
                document.revision = revision;
                document.update_time = Some(self.turn.env.now);
            }
            commit.users.push(UserChange { user_jid, document, changes });
        }
        Ok((commit.room.is_some() || !commit.users.is_empty()).then_some(commit))
    }
}

impl Turn<'_> {
    /// A commit that changes nothing yet.
    pub(super) fn empty_commit(
        self,
        room_jid: &RoomJid,
        cause: Cause,
        revision: Revision,
    ) -> Commit {
        Commit {
            room_jid: room_jid.clone(),
            revision,
            time: self.env.now,
            cause,
            context: self.request.context.clone(),
            room: None,
            room_deleted: false,
            users: Vec::new(),
            definitions: Vec::new(),
            removed_definitions: Vec::new(),
            request: None,
        }
    }
}

/// Whether a user with this document may newly have hats.
pub(super) fn may_have_hats(eligibility: Eligibility, document: &Document) -> bool {
    match eligibility {
        Eligibility::Affiliated => document.affiliation.is_affiliated(),
        Eligibility::Anyone => document.affiliation != crate::hat::Affiliation::Outcast,
    }
}

/// Refuses an etag that is not the record's.
pub(super) fn check_etag(etag: Option<&str>, present: Revision) -> Result<(), Refusal> {
    match etag {
        Some(_) if planted::has(Bug::EtagsIgnored) => Ok(()),
        Some(etag) if etag != present.etag() => {
            Err(Refusal::EtagMismatch { present: present.etag() })
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a commit that watchers could not be sent, or that does too much.
pub(super) fn check_bounds(
    commit: Option<&Commit>,
    env: &Env<'_>,
    field: &str,
) -> Result<(), Refusal> {
    let Some(commit) = commit else { return Ok(()) };
    let users = commit.users.iter().filter(|user| !user.changes.is_empty()).count();
    let too_much = |what| Err(Refusal::InvalidField { field: field.to_owned(), what });
    if users > env.limits.operations_per_commit_max {
        let max = env.limits.operations_per_commit_max;
        return too_much(format!("changes the hats of {users} users, and {max} is the most"));
    }
    let len = (env.commit_len)(commit);
    if len > env.limits.commit_bytes_max {
        let max = env.limits.commit_bytes_max;
        return too_much(format!("makes a commit of {len} bytes, and {max} is the most"));
    }
    Ok(())
}

/// How many hats a change takes away.
pub(super) fn removed_hats(user: &UserChange) -> usize {
    user.changes.iter().filter(|change| change.kind == ChangeKind::Removed).count()
}

fn written(user: &UserChange) -> (UserJid, Document) {
    (user.user_jid.clone(), user.document.clone())
}

fn changes(before: &Document, after: &Document) -> Vec<HatChange> {
    let removed = before
        .hats
        .iter()
        .filter(|(hat, _)| !after.hats.contains_key(*hat))
        .map(|(hat, had)| change(hat, ChangeKind::Removed, Some(had)));
    let put = after.hats.iter().filter_map(|(hat, has)| match before.hats.get(hat) {
        None => Some(change(hat, ChangeKind::Added, None)),
        Some(had) if !has.same_but_given(had) => Some(change(hat, ChangeKind::Updated, Some(had))),
        Some(_) => None,
    });
    let mut changes: Vec<_> = removed.chain(put).collect();
    changes.sort_by(|a, b| a.hat_id.cmp(&b.hat_id));
    changes
}

fn change(hat: &HatId, kind: ChangeKind, had: Option<&crate::hat::Attachment>) -> HatChange {
    let previous = had.filter(|_| !planted::has(Bug::PreviousMissing)).cloned();
    HatChange { hat_id: hat.clone(), kind, previous }
}

/// Refuses a document that outgrows its limits. One that was larger already, since
/// the limits were higher once, may change as long as it does not grow.
fn check_document(
    env: &Env<'_>,
    room_jid: &RoomJid,
    user_jid: &UserJid,
    edit: &Edit,
) -> Result<(), Refusal> {
    let refuse = |limit, unit| {
        let (room_jid, user_jid) = (room_jid.clone(), user_jid.clone());
        Err(Refusal::TooManyHats { room_jid, user_jid, limit, unit })
    };
    let (before, after) = (&edit.before, &edit.after);
    let hats_max = env.limits.hats_per_user_max;
    if after.hats.len() > hats_max && after.hats.len() > before.hats.len() {
        return refuse(hats_max, "hats");
    }
    let bytes_max = env.limits.document_bytes_max;
    if after.size_bytes() > bytes_max && after.size_bytes() > before.size_bytes() {
        return refuse(bytes_max, "bytes of hats");
    }
    Ok(())
}
