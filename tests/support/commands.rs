//! Short ways to say commands.

use std::collections::BTreeMap;

use hatd::command::{Command, Operation, RoomSettings, SyncEntry, Target, UserRange};
use hatd::hat::{Affiliation, Attachment, Eligibility, HatDefinition, HatId, HatPolicy, Title};
use hatd::jid::{RoomJid, UserJid};

use super::at;

/// The room of most tests.
pub(crate) const DEN: &str = "den@rooms.example";

pub(crate) fn room(text: &str) -> RoomJid {
    RoomJid::parse(text).unwrap()
}

/// A user, by local part alone or by a whole JID.
pub(crate) fn user(text: &str) -> UserJid {
    let text = if text.contains('@') { text.to_owned() } else { format!("{text}@example.org") };
    UserJid::parse(&text).unwrap()
}

/// A hat, by a URI or by what follows `urn:hat:`.
pub(crate) fn hat(text: &str) -> HatId {
    let text = if text.contains(':') { text.to_owned() } else { format!("urn:hat:{text}") };
    HatId::parse(&text, 1023).unwrap()
}

pub(crate) fn title(text: &str) -> Title {
    Title::parse(text, 256).unwrap()
}

pub(crate) fn active() -> Attachment {
    Attachment { active: true, ..Attachment::default() }
}

pub(crate) fn inactive() -> Attachment {
    Attachment::default()
}

pub(crate) fn required() -> Attachment {
    Attachment { active: true, required: true, ..Attachment::default() }
}

/// A worn hat that ends, in seconds from the start of the tests' clocks.
pub(crate) fn until(seconds: i64) -> Attachment {
    Attachment { expire_time: Some(at(seconds)), ..active() }
}

/// A user in the den.
pub(crate) fn in_den(name: &str) -> Target {
    target(DEN, name)
}

pub(crate) fn target(room_jid: &str, name: &str) -> Target {
    Target { room_jid: room(room_jid), user_jid: user(name), etag: None }
}

pub(crate) fn add(target: Target, hat_id: &str, attachment: Attachment) -> Command {
    Command::AddUserHat { target, hat_id: hat(hat_id), attachment, keep_active: false }
}

/// Gives a user of the den a hat to wear.
pub(crate) fn give(name: &str, hat_id: &str) -> Command {
    add(in_den(name), hat_id, active())
}

pub(crate) fn remove(target: Target, hat_id: &str) -> Command {
    Command::RemoveUserHat { target, hat_id: hat(hat_id) }
}

pub(crate) fn set(target: Target, hats: &[(&str, Attachment)], prefix: &str) -> Command {
    Command::SetUserHats { target, hats: hats_of(hats), prefix: prefix.into(), keep_active: false }
}

pub(crate) fn hats_of(hats: &[(&str, Attachment)]) -> BTreeMap<HatId, Attachment> {
    hats.iter().map(|(id, attachment)| (hat(id), attachment.clone())).collect()
}

pub(crate) fn set_wearers(hat_id: &str, names: &[&str]) -> Command {
    Command::SetHatWearers {
        room_jid: room(DEN),
        hat_id: hat(hat_id),
        user_jids: names.iter().map(|name| user(name)).collect(),
        attachment: active(),
        keep_active: false,
    }
}

pub(crate) fn op_add(name: &str, hat_id: &str) -> Operation {
    Operation::Add { user_jid: user(name), hat_id: hat(hat_id), attachment: active() }
}

pub(crate) fn op_remove(name: &str, hat_id: &str) -> Operation {
    Operation::Remove { user_jid: user(name), hat_id: hat(hat_id) }
}

pub(crate) fn op_set(name: &str, hats: &[(&str, Attachment)]) -> Operation {
    Operation::Set { user_jid: user(name), hats: hats_of(hats), prefix: String::new() }
}

pub(crate) fn update(operations: Vec<Operation>) -> Command {
    Command::UpdateRoomHats {
        room_jid: room(DEN),
        operations,
        preconditions: Vec::new(),
        keep_active: false,
    }
}

pub(crate) fn definition(hat_id: &str) -> HatDefinition {
    HatDefinition {
        hat_id: hat(hat_id),
        title: Some(title(hat_id)),
        titles: BTreeMap::new(),
        hue: None,
        position: 0,
        description: String::new(),
        self_assignable: false,
        revision: hatd::hat::Revision::NONE,
    }
}

pub(crate) fn define(hat_id: &str) -> Command {
    define_as(definition(hat_id))
}

pub(crate) fn define_as(definition: HatDefinition) -> Command {
    Command::DefineHat { room_jid: room(DEN), definition, etag: None }
}

pub(crate) fn define_claimable(hat_id: &str) -> Command {
    define_as(HatDefinition { self_assignable: true, ..definition(hat_id) })
}

pub(crate) fn destroy(hat_id: &str) -> Command {
    Command::DestroyHat { room_jid: room(DEN), hat_id: hat(hat_id) }
}

pub(crate) fn put_room(room_jid: &str) -> Command {
    put_room_as(room_jid, RoomSettings::default())
}

pub(crate) fn put_room_as(room_jid: &str, settings: RoomSettings) -> Command {
    Command::PutRoom { room_jid: room(room_jid), settings, etag: None }
}

pub(crate) fn for_anyone() -> RoomSettings {
    RoomSettings { eligibility: Some(Eligibility::Anyone), hat_policy: None }
}

pub(crate) fn for_affiliated() -> RoomSettings {
    RoomSettings { eligibility: Some(Eligibility::Affiliated), hat_policy: None }
}

pub(crate) fn defined_only() -> RoomSettings {
    RoomSettings { hat_policy: Some(HatPolicy::DefinedOnly), eligibility: None }
}

pub(crate) fn delete_room(room_jid: &str) -> Command {
    Command::DeleteRoom { room_jid: room(room_jid), etag: None }
}

pub(crate) fn affiliate(target: Target, affiliation: Affiliation) -> Command {
    Command::SetAffiliation { target, affiliation }
}

pub(crate) fn forget(name: &str) -> Command {
    Command::ForgetUser { user_jid: user(name) }
}

pub(crate) fn wear(name: &str, hat_id: &str) -> Command {
    Command::WearHat { target: in_den(name), hat_id: hat(hat_id) }
}

pub(crate) fn doff(name: &str, hat_id: &str) -> Command {
    Command::DoffHat { target: in_den(name), hat_id: hat(hat_id) }
}

pub(crate) fn claim(name: &str, hat_id: &str) -> Command {
    Command::ClaimHat { target: in_den(name), hat_id: hat(hat_id) }
}

pub(crate) fn discard(name: &str, hat_id: &str) -> Command {
    Command::DiscardHat { target: in_den(name), hat_id: hat(hat_id) }
}

pub(crate) fn sync(entries: Vec<SyncEntry>, max_removed_hats: u32) -> Command {
    Command::SyncRooms { entries, max_removed_hats }
}

/// An entry that touches only those listed.
pub(crate) fn upsert(room_jid: &str, affiliations: &[(&str, Affiliation)]) -> SyncEntry {
    SyncEntry {
        room_jid: room(room_jid),
        settings: RoomSettings::default(),
        affiliations: affiliations.iter().map(|(name, it)| (user(name), *it)).collect(),
        replace: None,
    }
}

/// An entry that makes NONE of those in the range who are not listed.
pub(crate) fn replace(
    room_jid: &str,
    from: Option<&str>,
    until: Option<&str>,
    affiliations: &[(&str, Affiliation)],
) -> SyncEntry {
    let range = UserRange { from: from.map(user), until: until.map(user) };
    SyncEntry { replace: Some(range), ..upsert(room_jid, affiliations) }
}
