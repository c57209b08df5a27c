//! What each command does: read the arguments, make the call, write the answer.

use std::{collections::BTreeMap, time::SystemTime};

use clap::CommandFactory as _;
use futures_util::TryStreamExt as _;
use hatd_client::{Builder, Client, pb};
use prost::Message as _;
use serde::Serialize;

use crate::{
    admin,
    cli::{self, Cli, Command, Global},
    errors::{EXIT_CODES, Error},
    export, import,
    input::{Source, index_of},
    json::{self, Definition, Document, Room, UserAffiliation},
    output::{Output, Rows, Written},
    watch,
};

/// Bytes of a request that stay well under the server's limit of 4 MiB a message.
const REQUEST_BYTES: usize = 2 * 1024 * 1024;
/// Entries of one `SyncRooms` call: the server's most.
const SYNC_ENTRIES_MAX: usize = 10_000;

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<(), Error> {
    let global = &cli.global;
    let mut output = Output::new(global.output);
    match cli.command {
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "hatctl", &mut script);
            output.bytes(&script)
        }
        Command::ExitCodes => output.text(EXIT_CODES),
        Command::Watch(arguments) => {
            let hatd = builder(global).connect_lazy(&global.endpoint)?;
            watch::run(&hatd, arguments, &mut output).await
        }
        Command::Import(arguments) if arguments.is_dry_run() => import::check(arguments),
        Command::Import(arguments) => import::run(&connect(global).await?, arguments).await,
        Command::Export(arguments) => export::run(&connect(global).await?, arguments).await,
        Command::Status => admin::status(&connect(global).await?, &mut output).await,
        Command::Backup { file } => admin::backup(&connect(global).await?, &file).await,
        Command::Checkpoint => {
            admin::checkpoint(&connect(global).await?, global.timeout, &mut output).await
        }
        Command::Room(command) => room(&connect(global).await?, command, &mut output).await,
        Command::Affiliation(command) => {
            affiliation(&connect(global).await?, command, &mut output).await
        }
        Command::Hat(command) => hat(&connect(global).await?, command, &mut output).await,
        Command::Define(arguments) => define(&connect(global).await?, arguments, &mut output).await,
        Command::Destroy(cli::RoomHat { room, hat, write }) => {
            let request = pb::DestroyHatRequest {
                room_jid: room,
                hat_id: hat,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&connect(global).await?.destroy_hat(request).await?.into())
        }
        Command::Definitions { room, list } => {
            let request = pb::ListHatDefinitionsRequest {
                room_jid: room,
                at_least_token: list.read.at_least_token,
                ..Default::default()
            };
            let definitions = connect(global)
                .await?
                .all_hat_definitions(request)
                .map_ok(|definition| Definition::of(String::new(), definition));
            output.list(definitions, list.limit).await
        }
        Command::Sync(arguments) => sync(&connect(global).await?, arguments, &mut output).await,
        Command::Forget { user, write } => {
            let request = pb::ForgetUserRequest {
                user_jid: user,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&connect(global).await?.forget_user(request).await?.into())
        }
        Command::Wear(arguments) => wear(&connect(global).await?, arguments, &mut output).await,
        Command::Doff(arguments) => doff(&connect(global).await?, arguments, &mut output).await,
        Command::Claim(arguments) => claim(&connect(global).await?, arguments, &mut output).await,
        Command::Discard(arguments) => {
            discard(&connect(global).await?, arguments, &mut output).await
        }
    }
}

/// The settings of the connection that the global options ask for.
fn builder(global: &Global) -> Builder {
    // Where hatd is, `--endpoint` says: `http://` there is as good as asking for it.
    let builder = Client::builder()
        .user_agent(concat!("hatctl/", env!("CARGO_PKG_VERSION")))
        .allow_plaintext();
    match global.timeout {
        Some(timeout) => {
            builder.read_timeout(timeout).write_timeout(timeout).connect_timeout(timeout)
        }
        None => builder,
    }
}

/// Connects at once, so that a wrong address is an error now and not after all the retries.
async fn connect(global: &Global) -> Result<Client, Error> {
    Ok(builder(global).connect(&global.endpoint).await?)
}

async fn wear(
    hatd: &Client,
    cli::Wardrobe { target, etag, write }: cli::Wardrobe,
    output: &mut Output,
) -> Result<(), Error> {
    let request = pb::WearHatRequest {
        room_jid: target.room,
        user_jid: target.user,
        hat_id: target.hat,
        etag: etag.value,
        request_id: write.request_id,
        context: write.context.into_pb(),
    };
    output.written(&hatd.wear_hat(request).await?.into())
}

async fn doff(
    hatd: &Client,
    cli::Wardrobe { target, etag, write }: cli::Wardrobe,
    output: &mut Output,
) -> Result<(), Error> {
    let request = pb::DoffHatRequest {
        room_jid: target.room,
        user_jid: target.user,
        hat_id: target.hat,
        etag: etag.value,
        request_id: write.request_id,
        context: write.context.into_pb(),
    };
    output.written(&hatd.doff_hat(request).await?.into())
}

async fn claim(
    hatd: &Client,
    cli::Wardrobe { target, etag, write }: cli::Wardrobe,
    output: &mut Output,
) -> Result<(), Error> {
    let request = pb::ClaimHatRequest {
        room_jid: target.room,
        user_jid: target.user,
        hat_id: target.hat,
        etag: etag.value,
        request_id: write.request_id,
        context: write.context.into_pb(),
    };
    output.written(&hatd.claim_hat(request).await?.into())
}

async fn discard(
    hatd: &Client,
    cli::Wardrobe { target, etag, write }: cli::Wardrobe,
    output: &mut Output,
) -> Result<(), Error> {
    let request = pb::DiscardHatRequest {
        room_jid: target.room,
        user_jid: target.user,
        hat_id: target.hat,
        etag: etag.value,
        request_id: write.request_id,
        context: write.context.into_pb(),
    };
    output.written(&hatd.discard_hat(request).await?.into())
}

async fn room(hatd: &Client, command: cli::Room, output: &mut Output) -> Result<(), Error> {
    match command {
        cli::Room::Put { room, hat_policy, eligibility, etag, write } => {
            let request = pb::PutRoomRequest {
                room_jid: room,
                hat_policy: hat_policy.unwrap_or_default().into(),
                eligibility: eligibility.unwrap_or_default().into(),
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.put_room(request).await?.into())
        }
        cli::Room::Get { room, read } => {
            let request =
                pb::GetRoomRequest { room_jid: room, at_least_token: read.at_least_token };
            let answer = hatd.get_room(request).await?;
            let record = Room::from(answer.room.unwrap_or_default());
            output.record(&WithToken { record, token: answer.token })
        }
        cli::Room::List { domain, list } => {
            let request = pb::ListRoomsRequest {
                domain: domain.unwrap_or_default(),
                at_least_token: list.read.at_least_token,
                ..Default::default()
            };
            output.list(hatd.all_rooms(request).map_ok(Room::from), list.limit).await
        }
        cli::Room::Delete { room, etag, write } => {
            let request = pb::DeleteRoomRequest {
                room_jid: room,
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.delete_room(request).await?.into())
        }
    }
}

async fn affiliation(
    hatd: &Client,
    command: cli::Affiliation,
    output: &mut Output,
) -> Result<(), Error> {
    match command {
        cli::Affiliation::Set { room, user, affiliation, etag, write } => {
            let request = pb::SetAffiliationRequest {
                room_jid: room,
                user_jid: user,
                affiliation: affiliation.into(),
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.set_affiliation(request).await?.into())
        }
        cli::Affiliation::List { room, list } => {
            let request = pb::ListAffiliationsRequest {
                room_jid: room,
                at_least_token: list.read.at_least_token,
                ..Default::default()
            };
            let users = hatd.all_affiliations(request).map_ok(UserAffiliation::from);
            output.list(users, list.limit).await
        }
    }
}

async fn hat(hatd: &Client, command: cli::Hat, output: &mut Output) -> Result<(), Error> {
    match command {
        cli::Hat::Add { target, attachment, etag, write } => {
            let request = pb::AddUserHatRequest {
                room_jid: target.room,
                user_jid: target.user,
                hat_id: target.hat,
                keep_active: attachment.keep_active,
                attachment: Some(worn(attachment)),
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.add_user_hat(request).await?.into())
        }
        cli::Hat::Remove { target, etag, write } => {
            let request = pb::RemoveUserHatRequest {
                room_jid: target.room,
                user_jid: target.user,
                hat_id: target.hat,
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.remove_user_hat(request).await?.into())
        }
        cli::Hat::Set { room, user, hat_ids, hats, none: _, prefix, attachment, etag, write } => {
            let keep_active = attachment.keep_active;
            let hats = if let Some(hats) = hats {
                json::pb_hats(hats.0)
            } else {
                let attachment = worn(attachment);
                hat_ids.into_iter().map(|hat_id| (hat_id, attachment.clone())).collect()
            };
            let request = pb::SetUserHatsRequest {
                room_jid: room,
                user_jid: user,
                hats,
                hat_id_prefix: prefix,
                keep_active,
                etag: etag.value,
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.set_user_hats(request).await?.into())
        }
        cli::Hat::Get { room, user, read } => {
            let request = pb::GetUserHatsRequest {
                room_jid: room,
                user_jid: user,
                at_least_token: read.at_least_token,
            };
            let answer = hatd.get_user_hats(request).await?;
            let record = Document::from(answer.user_hats.unwrap_or_default());
            output.record(&WithToken { record, token: answer.token })
        }
        cli::Hat::List { room: _, user: Some(user_jid), hat: _, active: _, list } => {
            let request = pb::ListUserHatsRequest {
                user_jid,
                at_least_token: list.read.at_least_token,
                ..Default::default()
            };
            output.list(hatd.all_user_hats(request).map_ok(Document::from), list.limit).await
        }
        cli::Hat::List { room, user: None, hat, active, list } => {
            let request = pb::ListRoomHatsRequest {
                room_jid: room.unwrap_or_default(),
                hat_id: hat.unwrap_or_default(),
                active_only: active,
                at_least_token: list.read.at_least_token,
                ..Default::default()
            };
            output.list(hatd.all_room_hats(request).map_ok(Document::from), list.limit).await
        }
        cli::Hat::Wearers { room, hat, users, none: _, attachment, write } => {
            let request = pb::SetHatWearersRequest {
                room_jid: room,
                hat_id: hat,
                user_jids: users,
                keep_active: attachment.keep_active,
                attachment: Some(worn(attachment)),
                request_id: write.request_id,
                context: write.context.into_pb(),
            };
            output.written(&hatd.set_hat_wearers(request).await?.into())
        }
        cli::Hat::Update { room, file, write } => {
            let source = Source::open(&file)?;
            let update: json::RoomUpdate = source.parse()?;
            let request = pb::UpdateRoomHatsRequest {
                request_id: write.request_id,
                context: write.context.into_pb(),
                ..update.into_pb(room)
            };
            output.written(&hatd.update_room_hats(request).await?.into())
        }
    }
}

/// How a hat is had that is given from the command line: worn, unless it is to be otherwise.
fn worn(attachment: cli::Attachment) -> pb::Attachment {
    pb::Attachment {
        active: !attachment.inactive,
        required: attachment.required,
        title: attachment.title,
        expire_time: attachment.expire.map(|when| when.from(SystemTime::now())),
        given: None,
    }
}

async fn define(hatd: &Client, arguments: cli::Define, output: &mut Output) -> Result<(), Error> {
    let definition = pb::HatDefinition {
        hat_id: arguments.hat,
        title: arguments.title,
        titles: arguments.titles.into_iter().collect::<BTreeMap<_, _>>(),
        hue: arguments.hue,
        position: arguments.position,
        description: arguments.description,
        self_assignable: arguments.self_assignable,
        ..Default::default()
    };
    let request = pb::DefineHatRequest {
        room_jid: arguments.room,
        definition: Some(definition),
        etag: arguments.etag.value,
        request_id: arguments.write.request_id,
        context: arguments.write.context.into_pb(),
    };
    output.written(&hatd.define_hat(request).await?.into())
}

/// Syncs the lines of a file, in as many calls as their size needs.
async fn sync(hatd: &Client, arguments: cli::Sync, output: &mut Output) -> Result<(), Error> {
    let mode = if arguments.replace { pb::SyncMode::Replace } else { pb::SyncMode::Upsert };
    let source = Source::open(&arguments.file)?;
    let mut calls: Vec<Call> = Vec::new();
    for line in source.lines::<json::SyncEntry>()? {
        let (number, entry) = line?;
        let entry = entry.into_pb(mode);
        let bytes = entry.encoded_len();
        match calls.last_mut() {
            Some(call)
                if call.bytes + bytes <= REQUEST_BYTES && call.entries.len() < SYNC_ENTRIES_MAX =>
            {
                call.push(number, entry, bytes);
            }
            _ => {
                let mut call = Call::default();
                call.push(number, entry, bytes);
                calls.push(call);
            }
        }
    }
    if calls.len() > 1 && !arguments.write.request_id.is_empty() {
        return Err(Error::Usage("the file needs several calls: leave --request-id out".into()));
    }

    let context = arguments.write.context.into_pb();
    let mut total: Option<Written> = None;
    for call in calls {
        let removed = total.as_ref().map_or(0, Written::removed_hats);
        let request = pb::SyncRoomsRequest {
            entries: call.entries,
            max_removed_hats: arguments.max_removed_hats.saturating_sub(removed),
            request_id: arguments.write.request_id.clone(),
            context: context.clone(),
        };
        let answer = hatd.sync_rooms(request).await;
        let written = answer.map_err(|error| {
            let violation = error.rpc().and_then(|refusal| refusal.field_violations.first());
            let entry = violation.and_then(|violation| index_of(&violation.field, "entries"));
            let index = entry.map(|(index, _)| index);
            source.error(&call.lines, index, error)
        })?;
        let written = Written::from(written);
        total = Some(match total {
            Some(total) => total.and(written),
            None => written,
        });
    }
    output.written(&total.unwrap_or_default())
}

/// Entries for one `SyncRooms` call, and the lines they came from.
#[derive(Default)]
struct Call {
    entries: Vec<pb::SyncEntry>,
    lines: Vec<usize>,
    bytes: usize,
}

impl Call {
    fn push(&mut self, line: usize, entry: pb::SyncEntry, bytes: usize) {
        self.entries.push(entry);
        self.lines.push(line);
        self.bytes += bytes;
    }
}

/// A record that was read, and the position it was read at.
#[derive(Serialize)]
struct WithToken<T> {
    #[serde(flatten)]
    record: T,
    token: String,
}

impl<T: Rows> Rows for WithToken<T> {
    const HEADER: &'static [&'static str] = T::HEADER;

    fn rows(&self) -> Vec<Vec<String>> {
        self.record.rows()
    }
}
