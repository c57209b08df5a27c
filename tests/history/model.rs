//! What a room holds and what calls make of it, as the contract has it: as much of it as the calls of
//! a history need. Rooms are for anyone and take any hat, and users have few.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use hatd_client::pb::{self, Affiliation, ErrorReason};

use super::record::{Condition, Definition, What};

/// A room as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) exists: bool,
    /// By user. Who is not there has nothing.
    pub(super) documents: BTreeMap<String, Document>,
    /// The catalogue, by hat.
    pub(super) definitions: BTreeMap<String, Definition>,
}

/// What is kept of a user in a room.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) affiliation: Affiliation,
    pub(super) hats: BTreeMap<String, Hat>,
    /// The revision of the last commit that changed it, which is its etag.
    pub(super) revision: u64,
}

/// How a user has a hat.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hat {
    pub(super) title: String,
    pub(super) active: bool,
    pub(super) expire_time: Option<SystemTime>,
}

impl State {
    /// A room in which there is nothing.
    pub(super) fn new() -> Self {
        Self { exists: true, documents: BTreeMap::new(), definitions: BTreeMap::new() }
    }

    /// No room.
    pub(super) fn none() -> Self {
        Self { exists: false, ..Self::new() }
    }

    /// A user's document.
    pub(super) fn document(&self, user_jid: &str) -> Document {
        self.documents.get(user_jid).cloned().unwrap_or_default()
    }

    /// A user's document, to be changed.
    pub(super) fn document_mut(&mut self, user_jid: &str) -> &mut Document {
        self.documents.entry(user_jid.to_owned()).or_default()
    }

    fn take(&mut self, hat_id: &str) {
        for document in self.documents.values_mut() {
            document.hats.remove(hat_id);
        }
    }

    /// What is left of it when the users' hats end whose time has come.
    pub(super) fn expire<'a>(&self, users: impl Iterator<Item = &'a str>, now: SystemTime) -> Self {
        let mut after = self.clone();
        for user_jid in users {
            let hats = &mut after.document_mut(user_jid).hats;
            hats.retain(|_, hat| hat.expire_time.is_none_or(|time| time > now));
        }
        after
    }
}

impl Default for Document {
    fn default() -> Self {
        Self { affiliation: Affiliation::None, hats: BTreeMap::new(), revision: 0 }
    }
}

impl Document {
    pub(super) fn of(document: &pb::UserHats) -> Self {
        let hats = document.hats.iter().map(|(hat_id, attachment)| {
            let pb::Attachment { title, active, expire_time, .. } = attachment.clone();
            (hat_id.clone(), Hat { title, active, expire_time: expire_time.map(clock) })
        });
        let (affiliation, revision) = (document.affiliation(), document.revision);
        Self { affiliation, hats: hats.collect(), revision }
    }

    /// Whether nothing is kept of it: then its revision is 0 again.
    pub(super) fn is_nothing(&self) -> bool {
        self.hats.is_empty() && self.affiliation == Affiliation::None
    }
}

impl Definition {
    pub(super) fn of(definition: &pb::HatDefinition) -> Self {
        let pb::HatDefinition { title, self_assignable, .. } = definition.clone();
        Self { title, self_assignable }
    }
}

/// A time that a server said.
pub(super) fn clock(time: prost_types::Timestamp) -> SystemTime {
    time.try_into().expect("it is a time")
}

/// What a call makes of a state, all revisions as they were; or each reason that it may be refused
/// for, apart from those that the clock gives.
pub(super) fn apply(what: &What, state: &State) -> Result<State, BTreeSet<ErrorReason>> {
    // A request that was answered is answered again, whatever has become of the room.
    if !state.exists && !matches!(what, What::Put | What::Again { .. }) {
        return Err(BTreeSet::from([ErrorReason::RoomNotFound]));
    }
    let mut reasons = BTreeSet::new();
    for user_jid in users(what) {
        let is_outcast = state.document(user_jid).affiliation == Affiliation::Outcast;
        if is_outcast && !matches!(what, What::Affiliate { .. }) {
            reasons.insert(ErrorReason::UserNotAffiliated);
        }
    }
    let mut after = state.clone();
    match what {
        What::Read { .. } | What::List | What::Again { .. } => {}
        What::Add { user_jid, hat_id, title, etag, expire_time } => {
            let present = state.document(user_jid).revision.to_string();
            if !etag.is_empty() && *etag != present {
                reasons.insert(ErrorReason::EtagMismatch);
            }
            let hat = Hat { expire_time: *expire_time, ..given(title) };
            after.document_mut(user_jid).hats.insert(hat_id.clone(), hat);
        }
        What::Remove { user_jid, hat_id } => {
            after.document_mut(user_jid).hats.remove(hat_id);
        }
        What::Wear { user_jid, hat_id, active } => {
            match after.document_mut(user_jid).hats.get_mut(hat_id) {
                Some(hat) => hat.active = *active,
                None => _ = reasons.insert(ErrorReason::HatNotFound),
            }
        }
        What::Claim { user_jid, hat_id } => {
            match state.definitions.get(hat_id) {
                Some(definition) if definition.self_assignable => {}
                Some(_) => _ = reasons.insert(ErrorReason::HatNotSelfAssignable),
                None => _ = reasons.insert(ErrorReason::HatNotDefined),
            }
            let hats = &mut after.document_mut(user_jid).hats;
            hats.entry(hat_id.clone()).or_insert_with(|| Hat { active: true, ..given("") });
        }
        What::Discard { user_jid, hat_id } => {
            if after.document_mut(user_jid).hats.remove(hat_id).is_none() {
                reasons.insert(ErrorReason::HatNotFound);
            }
        }
        What::Update { users, hat_id, title, condition } => {
            if condition.as_ref().is_some_and(|condition| !holds(condition, state)) {
                reasons.insert(ErrorReason::PreconditionFailed);
            }
            for user_jid in users {
                after.document_mut(user_jid).hats =
                    BTreeMap::from([(hat_id.clone(), given(title))]);
            }
        }
        What::SetWearers { users, hat_id, title } => {
            after.take(hat_id);
            for user_jid in users {
                after.document_mut(user_jid).hats.insert(hat_id.clone(), given(title));
            }
        }
        What::Define { hat_id, definition } => {
            after.definitions.insert(hat_id.clone(), definition.clone());
        }
        What::Destroy { hat_id } => {
            after.take(hat_id);
            after.definitions.remove(hat_id);
        }
        What::Affiliate { user_jid, affiliation } => {
            let document = after.document_mut(user_jid);
            document.affiliation = *affiliation;
            if *affiliation == Affiliation::Outcast {
                document.hats.clear();
            }
        }
        What::Put => after.exists = true,
        What::Delete => after = State::none(),
    }
    if reasons.is_empty() { Ok(after) } else { Err(reasons) }
}

/// A hat as a call gives it, with a title.
fn given(title: &str) -> Hat {
    Hat { title: title.to_owned(), active: false, expire_time: None }
}

/// Whom a call names.
fn users(what: &What) -> &[String] {
    match what {
        What::Read { user_jid }
        | What::Add { user_jid, .. }
        | What::Remove { user_jid, .. }
        | What::Wear { user_jid, .. }
        | What::Claim { user_jid, .. }
        | What::Discard { user_jid, .. }
        | What::Affiliate { user_jid, .. } => std::slice::from_ref(user_jid),
        What::Update { users, .. } | What::SetWearers { users, .. } => users,
        What::List
        | What::Define { .. }
        | What::Destroy { .. }
        | What::Put
        | What::Delete
        | What::Again { .. } => &[],
    }
}

fn holds(condition: &Condition, state: &State) -> bool {
    state.document(&condition.user_jid).hats.contains_key(&condition.hat_id) == condition.has
}

/// Whether two states differ, apart from revisions.
pub(super) fn differ(one: &State, other: &State) -> bool {
    let users: BTreeSet<_> = one.documents.keys().chain(other.documents.keys()).collect();
    (one.exists, &one.definitions) != (other.exists, &other.definitions)
        || users.into_iter().any(|user_jid| {
            let [one, other] = [one, other].map(|state| state.document(user_jid));
            (one.affiliation, one.hats) != (other.affiliation, other.hats)
        })
}
