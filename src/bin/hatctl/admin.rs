//! What an operator asks: `hatctl status`, `hatctl backup`, `hatctl checkpoint`.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::Duration,
};

use futures_util::{Stream, TryStreamExt as _, pin_mut};
use hatd_client::{
    Client,
    pb::{self, backup_response::Piece},
};
use serde::Serialize;

use crate::{
    errors::{Error, note},
    json::Word as _,
    output::{Output, Rows},
    whole::WholeFile,
};

/// How long a checkpoint may take, unless the command line says: the longest that hatd allows.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(30);

/// Shows what the store holds.
pub(crate) async fn status(hatd: &Client, output: &mut Output) -> Result<(), Error> {
    let status = hatd.get_store_status(pb::GetStoreStatusRequest {}).await?;
    output.record(&Status::of(&status))
}

/// Takes a checkpoint.
pub(crate) async fn checkpoint(
    hatd: &Client,
    timeout: Option<Duration>,
    output: &mut Output,
) -> Result<(), Error> {
    let hatd = hatd.with_timeout(timeout.unwrap_or(CHECKPOINT_TIMEOUT));
    let taken = hatd.take_checkpoint(pb::TakeCheckpointRequest {}).await?;
    output.record(&Taken {
        position: taken.position,
        bytes: taken.bytes,
        deleted_log_bytes: taken.deleted_log_bytes,
    })
}

/// Writes the state at one position to a file, for `hatd restore`.
pub(crate) async fn backup(hatd: &Client, file: &Path) -> Result<(), Error> {
    let pieces = hatd.backup(pb::BackupRequest {}).await?;
    let header = if file == Path::new("-") {
        let mut out = BufWriter::new(io::stdout());
        let header = write_pieces(pieces, &mut out).await?;
        out.flush()?;
        header
    } else {
        let mut out = WholeFile::create(file)?;
        let header = write_pieces(pieces, &mut out).await?;
        out.finish()?;
        header
    };
    note(&format!(
        "backed up store {} at position {}: {} bytes",
        header.store_id, header.position, header.bytes
    ));
    Ok(())
}

type Answer = Result<pb::BackupResponse, hatd_client::Error>;

/// Writes what comes, and makes sure that it is whole.
async fn write_pieces(
    pieces: impl Stream<Item = Answer>,
    out: &mut impl Write,
) -> Result<pb::BackupHeader, Error> {
    let broken =
        |what: &str| Error::Input { place: "the backup".to_owned(), what: what.to_owned() };
    pin_mut!(pieces);
    let first = pieces.try_next().await?.and_then(|piece| piece.piece);
    let Some(Piece::Header(header)) = first else {
        return Err(broken("it does not begin with its header"));
    };
    let mut bytes = 0;
    while let Some(piece) = pieces.try_next().await? {
        let Some(Piece::Data(data)) = piece.piece else { continue };
        out.write_all(&data)?;
        bytes += data.len() as u64;
    }
    if bytes == header.bytes { Ok(header) } else { Err(broken("it was cut short")) }
}

/// What a store holds, as it is written.
#[derive(Serialize)]
struct Status {
    store_id: String,
    epoch: u64,
    writes: &'static str,
    position: u64,
    floor_position: u64,
    checkpoint_position: u64,
    checkpoint_bytes: u64,
    log_bytes: u64,
    free_bytes: u64,
}

impl Status {
    fn of(status: &pb::GetStoreStatusResponse) -> Self {
        Self {
            store_id: status.store_id.clone(),
            epoch: status.epoch,
            writes: status.write_availability().word(),
            position: status.position,
            floor_position: status.floor_position,
            checkpoint_position: status.checkpoint_position,
            checkpoint_bytes: status.checkpoint_bytes,
            log_bytes: status.log_bytes,
            free_bytes: status.free_bytes,
        }
    }
}

impl Rows for Status {
    const HEADER: &'static [&'static str] = &["STORE", ""];

    fn rows(&self) -> Vec<Vec<String>> {
        let numbers = [
            ("epoch", self.epoch),
            ("position", self.position),
            ("no longer kept for watches, up to", self.floor_position),
            ("checkpoint at", self.checkpoint_position),
            ("checkpoint, bytes", self.checkpoint_bytes),
            ("log, bytes", self.log_bytes),
            ("free on the disk, bytes", self.free_bytes),
        ];
        let texts = [("id", self.store_id.clone()), ("writes", self.writes.to_owned())];
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        let rows = texts.into_iter().chain(numbers);
        rows.map(|(name, value)| vec![name.to_owned(), value]).collect()
    }
}

/// A checkpoint that was taken, as it is written.
#[derive(Serialize)]
struct Taken {
    position: u64,
    bytes: u64,
    deleted_log_bytes: u64,
}

impl Rows for Taken {
    const HEADER: &'static [&'static str] = &["POSITION", "BYTES", "DELETED LOG BYTES"];

    fn rows(&self) -> Vec<Vec<String>> {
        let numbers = [self.position, self.bytes, self.deleted_log_bytes];
        vec![numbers.iter().map(u64::to_string).collect()]
    }
}
