//! From the domain to messages.

use crate::commit::{Cause, ChangeKind, Commit, Identity};
use crate::hat::{
    Affiliation, Attachment, Context, Document, Eligibility, HatDefinition, HatPolicy, Room,
};
use crate::jid::{RoomJid, UserJid};
use crate::pb;
use crate::store::{Condition, Writes};
use crate::time::Timestamp;
use crate::watch::{Event, GoAwayReason, ResetReason, SnapshotPage, Step};

pub(super) fn user_hats(room: &RoomJid, user: &UserJid, document: &Document) -> pb::UserHats {
    let hats = document.hats.iter();
    pb::UserHats {
        room_jid: room.as_str().to_owned(),
        user_jid: user.as_str().to_owned(),
        affiliation: affiliation(document.affiliation).into(),
        hats: hats.map(|(hat, had)| (hat.as_str().to_owned(), attachment(had))).collect(),
        revision: document.revision.get(),
        etag: document.revision.etag(),
        update_time: document.update_time.map(timestamp),
    }
}

pub(super) fn affiliation(affiliation: Affiliation) -> pb::Affiliation {
    match affiliation {
        Affiliation::Owner => pb::Affiliation::Owner,
        Affiliation::Admin => pb::Affiliation::Admin,
        Affiliation::Member => pb::Affiliation::Member,
        Affiliation::None => pb::Affiliation::None,
        Affiliation::Outcast => pb::Affiliation::Outcast,
    }
}

fn attachment(attachment: &Attachment) -> pb::Attachment {
    let title = attachment.title.as_ref();
    pb::Attachment {
        active: attachment.active,
        required: attachment.required,
        title: title.map(|title| title.as_str().to_owned()).unwrap_or_default(),
        expire_time: attachment.expire_time.map(timestamp),
        given: attachment.given.as_ref().map(|given| pb::Given {
            actor: given.actor.clone(),
            reason: given.reason.clone(),
            time: Some(timestamp(given.time)),
        }),
    }
}

pub(super) fn definition(definition: &HatDefinition) -> pb::HatDefinition {
    let title = definition.title.as_ref();
    let titles = definition.titles.iter();
    pb::HatDefinition {
        hat_id: definition.hat_id.as_str().to_owned(),
        title: title.map(|title| title.as_str().to_owned()).unwrap_or_default(),
        titles: titles
            .map(|(language, title)| (language.as_str().to_owned(), title.as_str().to_owned()))
            .collect(),
        hue: definition.hue.map(crate::hat::Hue::degrees),
        position: definition.position,
        description: definition.description.clone(),
        self_assignable: definition.self_assignable,
        revision: definition.revision.get(),
        etag: definition.revision.etag(),
    }
}

pub(super) fn room(room_jid: &RoomJid, room: Room) -> pb::Room {
    let hat_policy = match room.hat_policy {
        HatPolicy::AnyUri => pb::HatPolicy::AnyUri,
        HatPolicy::DefinedOnly => pb::HatPolicy::DefinedOnly,
    };
    let eligibility = match room.eligibility {
        Eligibility::Affiliated => pb::Eligibility::Affiliated,
        Eligibility::Anyone => pb::Eligibility::Anyone,
    };
    pb::Room {
        room_jid: room_jid.as_str().to_owned(),
        hat_policy: hat_policy.into(),
        eligibility: eligibility.into(),
        revision: room.revision.get(),
        etag: room.revision.etag(),
    }
}

/// A store's id as people write it.
pub(super) fn store_id(identity: Identity) -> String {
    uuid::Uuid::from_bytes(identity.store).to_string()
}

pub(super) fn condition(condition: &Condition) -> pb::GetStoreStatusResponse {
    let writes = match condition.writes {
        Writes::All => pb::WriteAvailability::All,
        Writes::Removals => pb::WriteAvailability::Removals,
        Writes::DiskFull => pb::WriteAvailability::DiskFull,
        Writes::Stopped => pb::WriteAvailability::Stopped,
    };
    pb::GetStoreStatusResponse {
        store_id: store_id(condition.identity),
        epoch: condition.identity.epoch,
        position: condition.position.get(),
        floor_position: condition.floor.get(),
        checkpoint_position: condition.checkpoint_position.get(),
        checkpoint_bytes: condition.checkpoint_bytes,
        log_bytes: condition.log_bytes,
        free_bytes: condition.free_bytes,
        write_availability: writes.into(),
    }
}

pub(super) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(time.nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: time.seconds(), nanos }
}

fn context(context: &Context) -> pb::Context {
    pb::Context { actor: context.actor.clone(), reason: context.reason.clone() }
}

/// A commit as watchers are sent it.
pub(super) fn commit(commit: &Commit) -> pb::Commit {
    let room_jid = &commit.room_jid;
    let users = commit.users.iter().filter(|user| user.concerns_hats());
    let cause = match commit.cause {
        Cause::Request => pb::CommitCause::Request,
        Cause::Expiry => pb::CommitCause::Expiry,
        Cause::Affiliation => pb::CommitCause::Affiliation,
        Cause::Destroyed => pb::CommitCause::Destroyed,
        Cause::Sync => pb::CommitCause::Sync,
        Cause::Forgotten => pb::CommitCause::Forgotten,
    };
    pb::Commit {
        room_jid: room_jid.as_str().to_owned(),
        revision: commit.revision.get(),
        commit_time: Some(timestamp(commit.time)),
        room: commit.room.map(|it| room(room_jid, it)),
        users: users
            .map(|user| pb::UserChange {
                user_hats: Some(user_hats(room_jid, &user.user_jid, &user.document)),
                changes: user.changes.iter().map(hat_change).collect(),
            })
            .collect(),
        definitions: commit.definitions.iter().map(definition).collect(),
        removed_definitions: commit
            .removed_definitions
            .iter()
            .map(|hat| hat.as_str().to_owned())
            .collect(),
        room_deleted: commit.room_deleted,
        context: commit.context.as_ref().map(context),
        cause: cause.into(),
    }
}

fn hat_change(change: &crate::commit::HatChange) -> pb::HatChange {
    let kind = match change.kind {
        ChangeKind::Added => pb::ChangeType::Added,
        ChangeKind::Updated => pb::ChangeType::Updated,
        ChangeKind::Removed => pb::ChangeType::Removed,
    };
    pb::HatChange {
        hat_id: change.hat_id.as_str().to_owned(),
        r#type: kind.into(),
        previous: change.previous.as_ref().map(attachment),
    }
}

/// A step of a watch.
pub(super) fn step(step: Step) -> pb::WatchHatsResponse {
    use pb::watch_hats_response::Event as PbEvent;
    let Step { after, token, event } = step;
    let event = match event {
        Event::Reset(reason) => {
            let reason = match reason {
                ResetReason::Initial => pb::ResetReason::Initial,
                ResetReason::Expired => pb::ResetReason::Expired,
                ResetReason::StoreChanged => pb::ResetReason::StoreChanged,
                ResetReason::ScanRestarted => pb::ResetReason::ScanRestarted,
            };
            PbEvent::Reset(pb::WatchReset { reason: reason.into() })
        }
        Event::Snapshot(page) => PbEvent::Snapshot(snapshot(page)),
        Event::Changes(commits) => {
            let commits = commits.iter().map(|it| commit(it)).collect();
            PbEvent::Changes(pb::WatchChanges { commits })
        }
        Event::Bookmark(time) => {
            PbEvent::Bookmark(pb::WatchBookmark { server_time: Some(timestamp(time)) })
        }
        Event::GoAway { reason, retry_after } => {
            let reason = match reason {
                GoAwayReason::Age => pb::GoAwayReason::Age,
                GoAwayReason::Shutdown => pb::GoAwayReason::Shutdown,
            };
            let retry_after = prost_types::Duration::try_from(retry_after).ok();
            PbEvent::GoAway(pb::WatchGoAway { reason: reason.into(), retry_after })
        }
    };
    pb::WatchHatsResponse { after, token, event: Some(event) }
}

fn snapshot(page: SnapshotPage) -> pb::WatchSnapshot {
    let SnapshotPage { rooms, definitions, users, complete } = page;
    pb::WatchSnapshot {
        rooms: rooms.iter().map(|(jid, it)| room(jid, *it)).collect(),
        definitions: definitions
            .iter()
            .map(|(room, it)| pb::RoomDefinition {
                room_jid: room.as_str().to_owned(),
                definition: Some(definition(it)),
            })
            .collect(),
        users: users.iter().map(|(room, user, it)| user_hats(room, user, it)).collect(),
        complete,
    }
}
