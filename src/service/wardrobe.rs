//! `WardrobeService`: what users may do to their own hats.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::App;
use super::hat::only_document;
use super::parse::target;
use crate::command::Command;
use crate::pb::{self, wardrobe_service_server};

/// The service of this name.
pub(super) struct Service(pub(super) Arc<App>);

#[tonic::async_trait]
impl wardrobe_service_server::WardrobeService for Service {
    async fn wear_hat(
        &self,
        request: Request<pb::WearHatRequest>,
    ) -> Result<Response<pb::WearHatResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = self.0.parser().hat_id("hat_id", &request.hat_id)?;
        let room = target.room_jid.clone();
        let command = Command::WearHat { target, hat_id };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::WearHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn doff_hat(
        &self,
        request: Request<pb::DoffHatRequest>,
    ) -> Result<Response<pb::DoffHatResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = self.0.parser().hat_id("hat_id", &request.hat_id)?;
        let room = target.room_jid.clone();
        let command = Command::DoffHat { target, hat_id };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::DoffHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn claim_hat(
        &self,
        request: Request<pb::ClaimHatRequest>,
    ) -> Result<Response<pb::ClaimHatResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = self.0.parser().hat_id("hat_id", &request.hat_id)?;
        let room = target.room_jid.clone();
        let command = Command::ClaimHat { target, hat_id };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::ClaimHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn discard_hat(
        &self,
        request: Request<pb::DiscardHatRequest>,
    ) -> Result<Response<pb::DiscardHatResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = self.0.parser().hat_id("hat_id", &request.hat_id)?;
        let room = target.room_jid.clone();
        let command = Command::DiscardHat { target, hat_id };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::DiscardHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }
}
