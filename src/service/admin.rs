//! `AdminService`: what the operator asks of a running hatd.

use std::fs::File;
use std::io::Read as _;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, stream};
use tonic::{Request, Response, Status};

use super::{App, render};
use crate::pb;
use crate::pb::admin_service_server::AdminService;
use crate::pb::backup_response::Piece;
use crate::status;
use crate::store::{Checkpoint, Error, Maintenance};
use crate::time::Timestamp;

/// Bytes of one piece of a backup. Our choice: far below what clients take as one message.
const PIECE_BYTES: u64 = 256 << 10;

/// Implements `AdminService`.
pub(super) struct Service(pub(super) Arc<App>);

impl Service {
    fn maintenance(&self) -> Result<&dyn Maintenance, Status> {
        self.0.store.maintenance().ok_or_else(status::no_maintenance)
    }
}

#[tonic::async_trait]
impl AdminService for Service {
    type BackupStream = Pin<Box<dyn Stream<Item = Result<pb::BackupResponse, Status>> + Send>>;

    async fn get_store_status(
        &self,
        _: Request<pb::GetStoreStatusRequest>,
    ) -> Result<Response<pb::GetStoreStatusResponse>, Status> {
        let condition = self.maintenance()?.condition().await?;

        Ok(Response::new(render::condition(&condition)))
    }

    async fn backup(
        &self,
        _: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        self.maintenance()?;

        let pieces = stream::unfold(Backup::Asked(Arc::clone(&self.0)), Backup::next);
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn take_checkpoint(
        &self,
        _: Request<pb::TakeCheckpointRequest>,
    ) -> Result<Response<pb::TakeCheckpointResponse>, Status> {
        let taken = self.maintenance()?.checkpoint().await?;

        Ok(Response::new(pb::TakeCheckpointResponse {
            position: taken.position.get(),
            bytes: taken.bytes,
            deleted_log_bytes: taken.deleted_log_bytes,
        }))
    }
}

/// How far a backup has come. The client's reading drives it: nothing is read ahead.
enum Backup {
    /// The checkpoint is still to be taken, which may take longer than clients wait for an answer
    /// to begin.
    Asked(Arc<App>),
    /// So many bytes of the file are left.
    Sending(Arc<App>, File, u64),
    /// The last piece was sent, or it failed.
    Ended,
}

impl Backup {
    async fn next(self) -> Option<(Result<pb::BackupResponse, Status>, Self)> {
        let step = match self {
            Self::Asked(app) => Self::begin(app).await,
            Self::Sending(_, _, 0) | Self::Ended => return None,
            Self::Sending(app, file, left) => Self::go_on(app, file, left).await,
        };
        Some(match step {
            Ok((piece, next)) => (Ok(pb::BackupResponse { piece: Some(piece) }), next),
            Err(status) => (Err(status), Self::Ended),
        })
    }

    async fn begin(app: Arc<App>) -> Result<(Piece, Self), Status> {
        let maintenance = app.store.maintenance().ok_or_else(status::no_maintenance)?;
        let taken = tokio::select! {
            taken = maintenance.checkpoint() => taken?,
            () = app.shutdown.cancelled() => return Err(status::shutting_down()),
        };
        let Checkpoint { file, position, bytes, .. } = taken;
        let identity = app.store.identity();
        let header = pb::BackupHeader {
            store_id: render::store_id(identity),
            epoch: identity.epoch,
            position: position.get(),
            bytes,
            create_time: Some(render::timestamp(Timestamp::now())),
        };
        Ok((Piece::Header(header), Self::Sending(app, file, bytes)))
    }

    async fn go_on(app: Arc<App>, mut file: File, left: u64) -> Result<(Piece, Self), Status> {
        if app.shutdown.is_cancelled() {
            return Err(status::shutting_down());
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut data = Vec::new();
            (&mut file).take(PIECE_BYTES.min(left)).read_to_end(&mut data)?;
            Ok::<_, std::io::Error>((file, data))
        });
        let read = read.await.map_err(|error| Error::Unavailable(error.into()))?;
        let (file, data) = read.map_err(|error| Error::Unavailable(error.into()))?;
        if data.is_empty() {
            return Err(Error::Corrupt("the checkpoint is cut short".into()).into());
        }
        let left = left - data.len() as u64;
        Ok((Piece::Data(data), Self::Sending(app, file, left)))
    }
}
