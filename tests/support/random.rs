//! Random commands about few rooms, users and hats, so that they meet.

use hatd::command::{Command, Operation, Precondition, Request, RoomSettings, SyncEntry, Target};
use hatd::command::{UserRange, View};
use hatd::commit::RequestKey;
use hatd::hat::{Affiliation, Attachment, Context, Eligibility, HatDefinition, HatId, HatPolicy};
use hatd::jid::{RoomJid, UserJid};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::at;
use super::commands::{definition, hat, room, title, user};

/// Rooms whose keys begin alike.
pub(crate) const ROOMS: [&str; 3] = ["a@x.example", "ab@x.example", "a@x.example.org"];
/// Users whose keys begin alike.
pub(crate) const USERS: [&str; 4] = ["a@b", "a@b.c", "b@b", "c@b"];
/// Hats whose keys begin alike.
pub(crate) const HATS: [&str; 4] = ["p:a", "p:ab", "p:b", "q:a"];

/// An etag that stands for the one that the record has when the command is done.
const PRESENT: &str = "present";

fn room_jid() -> impl Strategy<Value = RoomJid> {
    select(&ROOMS[..]).prop_map(room)
}

fn user_jid() -> impl Strategy<Value = UserJid> {
    select(&USERS[..]).prop_map(user)
}

fn hat_id() -> impl Strategy<Value = HatId> {
    select(&HATS[..]).prop_map(hat)
}

fn prefix() -> impl Strategy<Value = String> {
    select(&["", "", "p:", "p:a", "q"][..]).prop_map(str::to_owned)
}

fn etag() -> impl Strategy<Value = Option<String>> {
    select(&[None, None, None, Some(PRESENT), Some("0"), Some("3")][..])
        .prop_map(|etag| etag.map(str::to_owned))
}

fn target() -> impl Strategy<Value = Target> {
    (room_jid(), user_jid(), etag()).prop_map(|(room_jid, user_jid, etag)| Target {
        room_jid,
        user_jid,
        etag,
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let titles = select(&[None, None, Some("x"), Some("a longer title")][..]);
    let ends = option::weighted(0.3, 0_i64..40);
    (any::<bool>(), prop::bool::weighted(0.2), titles, ends).prop_map(
        |(active, required, text, end)| Attachment {
            active,
            required,
            title: text.map(title),
            expire_time: end.map(at),
            given: None,
        },
    )
}

fn affiliation() -> impl Strategy<Value = Affiliation> {
    use Affiliation::{Admin, Member, None, Outcast, Owner};
    select(&[Owner, Admin, Member, Member, None, Outcast][..])
}

fn settings() -> impl Strategy<Value = RoomSettings> {
    let policies = [None, None, Some(HatPolicy::AnyUri), Some(HatPolicy::DefinedOnly)];
    let eligibilities = [None, Some(Eligibility::Affiliated), Some(Eligibility::Anyone)];
    (select(policies.to_vec()), select(eligibilities.to_vec()))
        .prop_map(|(hat_policy, eligibility)| RoomSettings { hat_policy, eligibility })
}

fn hat_definition() -> impl Strategy<Value = HatDefinition> {
    (hat_id(), -1..2_i32, any::<bool>()).prop_map(|(hat_id, position, self_assignable)| {
        HatDefinition { position, self_assignable, ..definition(hat_id.as_str()) }
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (user_jid(), hat_id(), attachment()).prop_map(|(user_jid, hat_id, attachment)| {
            Operation::Add { user_jid, hat_id, attachment }
        }),
        2 => (user_jid(), hat_id())
            .prop_map(|(user_jid, hat_id)| Operation::Remove { user_jid, hat_id }),
        1 => (user_jid(), btree_map(hat_id(), attachment(), 0..3), prefix()).prop_map(
            |(user_jid, hats, prefix)| Operation::Set { user_jid, hats, prefix }
        ),
    ]
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        (user_jid(), hat_id())
            .prop_map(|(user_jid, hat_id)| Precondition::HasHat { user_jid, hat_id }),
        (user_jid(), hat_id())
            .prop_map(|(user_jid, hat_id)| Precondition::LacksHat { user_jid, hat_id }),
        (user_jid(), select(&[PRESENT, PRESENT, "0"][..]))
            .prop_map(|(user_jid, etag)| Precondition::Etag { user_jid, etag: etag.to_owned() }),
    ]
}

fn sync_entry() -> impl Strategy<Value = SyncEntry> {
    let range = (option::of(user_jid()), option::of(user_jid()))
        .prop_map(|(from, until)| UserRange { from, until });
    let affiliations = btree_map(user_jid(), affiliation(), 0..4);
    (room_jid(), settings(), affiliations, option::of(range)).prop_map(
        |(room_jid, settings, mut affiliations, replace)| {
            if let Some(range) = &replace {
                affiliations.retain(|user, _| range.contains(user));
            }
            SyncEntry { room_jid, settings, affiliations, replace }
        },
    )
}

fn hat_command() -> impl Strategy<Value = Command> {
    let hats = || btree_map(hat_id(), attachment(), 0..4);
    prop_oneof![
        4 => (target(), hat_id(), attachment(), any::<bool>()).prop_map(
            |(target, hat_id, attachment, keep_active)| {
                Command::AddUserHat { target, hat_id, attachment, keep_active }
            }
        ),
        1 => (target(), hat_id())
            .prop_map(|(target, hat_id)| Command::RemoveUserHat { target, hat_id }),
        2 => (target(), hats(), prefix(), any::<bool>()).prop_map(
            |(target, mut hats, prefix, keep_active)| {
                hats.retain(|hat, _| hat.as_str().starts_with(&prefix) || keep_active);
                Command::SetUserHats { target, hats, prefix, keep_active }
            }
        ),
        2 => (room_jid(), hat_id(), btree_set(user_jid(), 0..4), attachment(), any::<bool>())
            .prop_map(|(room_jid, hat_id, user_jids, attachment, keep_active)| {
                Command::SetHatWearers { room_jid, hat_id, user_jids, attachment, keep_active }
            }),
        2 => (room_jid(), vec(operation(), 0..4), vec(precondition(), 0..2), any::<bool>())
            .prop_map(|(room_jid, operations, preconditions, keep_active)| {
                Command::UpdateRoomHats { room_jid, operations, preconditions, keep_active }
            }),
        2 => (room_jid(), hat_definition(), etag()).prop_map(|(room_jid, definition, etag)| {
            Command::DefineHat { room_jid, definition, etag }
        }),
        1 => (room_jid(), hat_id())
            .prop_map(|(room_jid, hat_id)| Command::DestroyHat { room_jid, hat_id }),
    ]
}

fn room_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (room_jid(), settings(), etag())
            .prop_map(|(room_jid, settings, etag)| Command::PutRoom { room_jid, settings, etag }),
        1 => (room_jid(), etag())
            .prop_map(|(room_jid, etag)| Command::DeleteRoom { room_jid, etag }),
        4 => (target(), affiliation())
            .prop_map(|(target, affiliation)| Command::SetAffiliation { target, affiliation }),
        2 => (vec(sync_entry(), 0..3), 0..4_u32).prop_map(|(entries, max_removed_hats)| {
            Command::SyncRooms { entries, max_removed_hats }
        }),
        1 => user_jid().prop_map(|user_jid| Command::ForgetUser { user_jid }),
    ]
}

fn wardrobe_command() -> impl Strategy<Value = Command> {
    (0..4, target(), hat_id()).prop_map(|(which, target, hat_id)| match which {
        0 => Command::WearHat { target, hat_id },
        1 => Command::DoffHat { target, hat_id },
        2 => Command::ClaimHat { target, hat_id },
        _ => Command::DiscardHat { target, hat_id },
    })
}

/// Any command that has an RPC.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![4 => hat_command(), 3 => room_command(), 2 => wardrobe_command()]
}

/// Any request; some share an id.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    let key = (select(&["", "bot"][..]), select(&["1", "2", "3"][..]));
    let context = select(&["", "eve"][..]);
    (command(), option::weighted(0.2, key), option::weighted(0.3, context)).prop_map(
        |(command, key, actor)| {
            let key = key.map(|(caller, request_id)| RequestKey {
                caller: caller.to_owned(),
                request_id: request_id.to_owned(),
            });
            let context =
                actor.map(|actor| Context { actor: actor.to_owned(), reason: String::new() });
            Request { command, context, key }
        },
    )
}

/// Puts the etags that records have now where a request asks for the present one.
pub(crate) fn resolve(mut request: Request, view: &dyn View) -> Request {
    let document = |room: &RoomJid, user: &UserJid| view.document(room, user).unwrap().revision;
    match &mut request.command {
        Command::AddUserHat { target, .. }
        | Command::RemoveUserHat { target, .. }
        | Command::SetUserHats { target, .. }
        | Command::SetAffiliation { target, .. }
        | Command::WearHat { target, .. }
        | Command::DoffHat { target, .. }
        | Command::ClaimHat { target, .. }
        | Command::DiscardHat { target, .. } => {
            put(&mut target.etag, document(&target.room_jid, &target.user_jid));
        }
        Command::DefineHat { room_jid, definition, etag } => {
            let present = view.definition(room_jid, &definition.hat_id).unwrap();
            put(etag, present.map(|it| it.revision).unwrap_or_default());
        }
        Command::PutRoom { room_jid, etag, .. } | Command::DeleteRoom { room_jid, etag } => {
            let present = view.room(room_jid).unwrap();
            put(etag, present.map(|it| it.room.revision).unwrap_or_default());
        }
        Command::UpdateRoomHats { room_jid, preconditions, .. } => {
            for precondition in preconditions {
                if let Precondition::Etag { user_jid, etag } = precondition
                    && etag == PRESENT
                {
                    *etag = document(room_jid, user_jid).etag();
                }
            }
        }
        Command::SetHatWearers { .. }
        | Command::DestroyHat { .. }
        | Command::SyncRooms { .. }
        | Command::ForgetUser { .. }
        | Command::Expire { .. } => {}
    }
    request
}

fn put(etag: &mut Option<String>, present: hatd::hat::Revision) {
    if etag.as_deref() == Some(PRESENT) {
        *etag = Some(present.etag());
    }
}
