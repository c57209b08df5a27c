//! What a room holds and what calls make of it, as the contract has it: as much of it as the calls of
//! a history need. Rooms are for anyone, and users have few hats.

use std::collections::{BTreeMap, BTreeSet};

use hatd_client::pb::{self, Affiliation, ErrorReason};

use super::record::{Condition, What};

/// A room's documents, by user.
pub(super) type State = BTreeMap<String, Document>;

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
}

impl Default for Document {
    fn default() -> Self {
        Self { affiliation: Affiliation::None, hats: BTreeMap::new(), revision: 0 }
    }
}

impl Document {
    pub(super) fn of(document: &pb::UserHats) -> Self {
        let hats = document.hats.iter().map(|(hat_id, attachment)| {
            let pb::Attachment { title, active, .. } = attachment.clone();
            (hat_id.clone(), Hat { title, active })
        });
        let (affiliation, revision) = (document.affiliation(), document.revision);
        Self { affiliation, hats: hats.collect(), revision }
    }

    /// Whether nothing is kept of it: then its revision is 0 again.
    pub(super) fn is_nothing(&self) -> bool {
        self.hats.is_empty() && self.affiliation == Affiliation::None
    }
}

/// A user's document in a state.
pub(super) fn document(state: &State, user_jid: &str) -> Document {
    state.get(user_jid).cloned().unwrap_or_default()
}

/// A user's document in a state, to be changed.
pub(super) fn document_mut<'a>(state: &'a mut State, user_jid: &str) -> &'a mut Document {
    state.entry(user_jid.to_owned()).or_default()
}

/// What a call makes of a state, all revisions as they were; or each reason that it may be refused
/// for.
pub(super) fn apply(what: &What, state: &State) -> Result<State, BTreeSet<ErrorReason>> {
    let mut reasons = BTreeSet::new();
    for user_jid in users(what) {
        let is_outcast = document(state, user_jid).affiliation == Affiliation::Outcast;
        if is_outcast && !matches!(what, What::Affiliate { .. }) {
            reasons.insert(ErrorReason::UserNotAffiliated);
        }
    }
    let mut after = state.clone();
    let hat = |title: &str| Hat { title: title.to_owned(), active: false };
    match what {
        What::Read { .. } | What::List | What::Again { .. } => {}
        What::Add { user_jid, hat_id, title, etag } => {
            let present = document(state, user_jid).revision.to_string();
            if !etag.is_empty() && *etag != present {
                reasons.insert(ErrorReason::EtagMismatch);
            }
            document_mut(&mut after, user_jid).hats.insert(hat_id.clone(), hat(title));
        }
        What::Remove { user_jid, hat_id } => {
            document_mut(&mut after, user_jid).hats.remove(hat_id);
        }
        What::Wear { user_jid, hat_id, active } => {
            match document_mut(&mut after, user_jid).hats.get_mut(hat_id) {
                Some(hat) => hat.active = *active,
                None => _ = reasons.insert(ErrorReason::HatNotFound),
            }
        }
        What::Update { users, hat_id, title, condition } => {
            if condition.as_ref().is_some_and(|condition| !holds(condition, state)) {
                reasons.insert(ErrorReason::PreconditionFailed);
            }
            for user_jid in users {
                document_mut(&mut after, user_jid).hats =
                    BTreeMap::from([(hat_id.clone(), hat(title))]);
            }
        }
        What::SetWearers { users, hat_id, title } => {
            for document in after.values_mut() {
                document.hats.remove(hat_id);
            }
            for user_jid in users {
                document_mut(&mut after, user_jid).hats.insert(hat_id.clone(), hat(title));
            }
        }
        What::Destroy { hat_id } => {
            for document in after.values_mut() {
                document.hats.remove(hat_id);
            }
        }
        What::Affiliate { user_jid, affiliation } => {
            let document = document_mut(&mut after, user_jid);
            document.affiliation = *affiliation;
            if *affiliation == Affiliation::Outcast {
                document.hats.clear();
            }
        }
    }
    if reasons.is_empty() { Ok(after) } else { Err(reasons) }
}

/// Whom a call names.
fn users(what: &What) -> &[String] {
    match what {
        What::Read { user_jid }
        | What::Add { user_jid, .. }
        | What::Remove { user_jid, .. }
        | What::Wear { user_jid, .. }
        | What::Affiliate { user_jid, .. } => std::slice::from_ref(user_jid),
        What::Update { users, .. } | What::SetWearers { users, .. } => users,
        What::Destroy { .. } | What::List | What::Again { .. } => &[],
    }
}

fn holds(condition: &Condition, state: &State) -> bool {
    document(state, &condition.user_jid).hats.contains_key(&condition.hat_id) == condition.has
}

/// Whether two states differ, apart from revisions.
pub(super) fn differ(one: &State, other: &State) -> bool {
    let users: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    users.into_iter().any(|user_jid| {
        let [one, other] = [one, other].map(|state| document(state, user_jid));
        (one.affiliation, one.hats) != (other.affiliation, other.hats)
    })
}
