//! From decisions to answers, the same in every engine.

use super::{Entry, Error, Outcome};
use crate::command::{Answer, Stop, Unreadable, View};
use crate::commit::{CompletedRequest, Fingerprint, Mark, Position, RequestKey};
use crate::hat::Revision;

/// The outcome of a request whose last commit stands at a position.
pub(super) fn changed(answer: Answer, revision: Revision, at: (Position, Mark)) -> Outcome {
    let Answer { documents, definition, room, unchanged: _, counts } = answer;
    let (position, mark) = at;
    Outcome {
        revision,
        position,
        mark,
        changed: true,
        replayed: false,
        documents,
        definition,
        room,
        counts,
    }
}

/// The outcome of a request that changed nothing, with the head it was decided at.
pub(super) fn unchanged(answer: Answer, head: (Position, Mark)) -> Outcome {
    let revision = answer.unchanged;
    Outcome { changed: false, ..changed(answer, revision, head) }
}

/// Answers a request again from its last commit, with the records as they are now.
pub(super) fn replayed(
    entry: &Entry,
    request: &CompletedRequest,
    view: &dyn View,
) -> Result<Outcome, Unreadable> {
    let commit = &entry.commit;
    let mut documents = Vec::with_capacity(commit.users.len());
    for user in &commit.users {
        let document = view.document(&commit.room_jid, &user.user_jid)?;
        documents.push((user.user_jid.clone(), document));
    }
    let definition = match commit.definitions.first() {
        Some(definition) => view.definition(&commit.room_jid, &definition.hat_id)?,
        None => None,
    };
    let room = view.room(&commit.room_jid)?.map(|state| state.room);
    Ok(Outcome {
        revision: commit.revision,
        position: entry.position,
        mark: entry.mark,
        changed: true,
        replayed: true,
        documents,
        definition,
        room,
        counts: request.counts,
    })
}

/// Refuses a request whose id was used for another.
pub(super) fn check_same(
    key: &RequestKey,
    done: Fingerprint,
    asked: Fingerprint,
) -> Result<(), Error> {
    if done == asked {
        return Ok(());
    }
    Err(Error::RequestIdReused { request_id: key.request_id.clone() })
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(refusal) => Self::Refused(refusal),
            Stop::Unreadable(unreadable) => unreadable.into(),
        }
    }
}

impl From<Unreadable> for Error {
    /// A view reads by way of its store, whose error comes back as it was.
    fn from(Unreadable(error): Unreadable) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(other) => Self::Unavailable(other),
        }
    }
}
