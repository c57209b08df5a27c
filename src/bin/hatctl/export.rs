//! `hatctl export`: everything, as lines that import takes.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, pin_mut, stream};
use hatd_client::{Client, ErrorReason, pb};

use crate::{
    cli,
    errors::{Error, note},
    json::{self, AffiliationLine, Definition, HatsLine, Line, Named, Room},
    whole::WholeFile,
};

/// Writes every room asked for, in the order of the lists: the same data is the same bytes.
pub(crate) async fn run(hatd: &Client, arguments: cli::Export) -> Result<(), Error> {
    note("note: an export is not one instant: rooms change while they are read");
    if arguments.file == Path::new("-") {
        let mut out = BufWriter::new(io::stdout());
        let rooms = write_rooms(hatd, &arguments, &mut out).await?;
        out.flush()?;
        note(&format!("exported {rooms} rooms"));
        return Ok(());
    }

    let mut out = WholeFile::create(&arguments.file)?;
    let rooms = write_rooms(hatd, &arguments, &mut out).await?;
    out.finish()?;
    note(&format!("exported {rooms} rooms to {}", arguments.file.display()));
    Ok(())
}

async fn write_rooms(
    hatd: &Client,
    arguments: &cli::Export,
    out: &mut impl Write,
) -> Result<usize, Error> {
    let rooms = rooms(hatd, arguments);
    pin_mut!(rooms);
    let mut written = 0;
    while let Some(room) = rooms.try_next().await? {
        let room_jid = room.room_jid.clone();
        match write_room(hatd, room, out).await {
            Ok(()) => written += 1,
            Err(Error::Call(error)) if error.reason() == Some(ErrorReason::RoomNotFound) => {
                note(&format!("note: {room_jid} was deleted while it was read"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// The rooms asked for: those named, or those listed.
fn rooms(
    hatd: &Client,
    arguments: &cli::Export,
) -> impl Stream<Item = Result<pb::Room, hatd_client::Error>> {
    if arguments.rooms.is_empty() {
        let domain = arguments.domain.clone().unwrap_or_default();
        let request = pb::ListRoomsRequest { domain, ..Default::default() };
        return hatd.all_rooms(request).boxed();
    }
    let hatd = hatd.clone();
    let mut named = arguments.rooms.clone();
    named.sort();
    named.dedup();
    stream::iter(named)
        .then(move |room_jid| {
            let hatd = hatd.clone();
            async move {
                let request = pb::GetRoomRequest { room_jid, ..Default::default() };
                Ok(hatd.get_room(request).await?.room.unwrap_or_default())
            }
        })
        .boxed()
}

/// Writes a room: its settings, its catalogue, who belongs to it, and the hats they have.
async fn write_room(hatd: &Client, room: pb::Room, out: &mut impl Write) -> Result<(), Error> {
    let room_jid = room.room_jid.clone();
    write_line(out, &Line::Room(Room { revision: 0, etag: String::new(), ..room.into() }))?;

    let request =
        pb::ListHatDefinitionsRequest { room_jid: room_jid.clone(), ..Default::default() };
    let definitions = hatd.all_hat_definitions(request);
    pin_mut!(definitions);
    while let Some(definition) = definitions.try_next().await? {
        let definition = Definition {
            revision: 0,
            etag: String::new(),
            ..Definition::of(room_jid.clone(), definition)
        };
        write_line(out, &Line::Definition(definition))?;
    }

    let request = pb::ListAffiliationsRequest { room_jid: room_jid.clone(), ..Default::default() };
    let affiliations = hatd.all_affiliations(request);
    pin_mut!(affiliations);
    while let Some(user) = affiliations.try_next().await? {
        let affiliation = Named(Some(user.affiliation()));
        let (room_jid, user_jid) = (room_jid.clone(), user.user_jid);
        write_line(out, &Line::Affiliation(AffiliationLine { room_jid, user_jid, affiliation }))?;
    }

    let request = pb::ListRoomHatsRequest { room_jid, ..Default::default() };
    let documents = hatd.all_room_hats(request);
    pin_mut!(documents);
    while let Some(document) = documents.try_next().await? {
        let mut hats = json::hats(document.hats);
        for attachment in hats.values_mut() {
            attachment.given = None;
        }
        let (room_jid, user_jid) = (document.room_jid, document.user_jid);
        write_line(out, &Line::Hats(HatsLine { room_jid, user_jid, hats }))?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, line: &Line) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    Ok(())
}
