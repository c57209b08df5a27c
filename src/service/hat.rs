//! `HatService`: what programs do to hats.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::page::List;
use super::parse::{room_jid, target, user_jid};
use super::watch::Responses;
use super::{App, parse, render};
use crate::command::{self, Command, Refusal};
use crate::hat::HatId;
use crate::jid::{RoomJid, UserJid};
use crate::pb::{self, hat_service_server};
use crate::store::{DocumentFilter, Outcome};

/// The service of this name.
pub(super) struct Service(pub(super) Arc<App>);

#[tonic::async_trait]
impl hat_service_server::HatService for Service {
    async fn add_user_hat(
        &self,
        request: Request<pb::AddUserHatRequest>,
    ) -> Result<Response<pb::AddUserHatResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = parser.hat_id("hat_id", &request.hat_id)?;
        let attachment = parser.attachment("attachment", request.attachment)?;
        let room = target.room_jid.clone();
        let keep_active = request.keep_active;
        let command = Command::AddUserHat { target, hat_id, attachment, keep_active };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::AddUserHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn remove_user_hat(
        &self,
        request: Request<pb::RemoveUserHatRequest>,
    ) -> Result<Response<pb::RemoveUserHatResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hat_id = self.0.parser().hat_id("hat_id", &request.hat_id)?;
        let room = target.room_jid.clone();
        let command = Command::RemoveUserHat { target, hat_id };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::RemoveUserHatResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn set_user_hats(
        &self,
        request: Request<pb::SetUserHatsRequest>,
    ) -> Result<Response<pb::SetUserHatsResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let hats = parser.hats("hats", request.hats)?;
        let prefix = parser.hat_id_prefix("hat_id_prefix", request.hat_id_prefix)?;
        let room = target.room_jid.clone();
        let keep_active = request.keep_active;
        let command = Command::SetUserHats { target, hats, prefix, keep_active };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::SetUserHatsResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn set_hat_wearers(
        &self,
        request: Request<pb::SetHatWearersRequest>,
    ) -> Result<Response<pb::SetHatWearersResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let room = room_jid("room_jid", &request.room_jid)?;
        let command = Command::SetHatWearers {
            room_jid: room.clone(),
            hat_id: parser.hat_id("hat_id", &request.hat_id)?,
            user_jids: parser.user_jids(&request.user_jids)?,
            attachment: parser.attachment("attachment", request.attachment)?,
            keep_active: request.keep_active,
        };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::SetHatWearersResponse {
            users: documents(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn update_room_hats(
        &self,
        request: Request<pb::UpdateRoomHatsRequest>,
    ) -> Result<Response<pb::UpdateRoomHatsResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let room = room_jid("room_jid", &request.room_jid)?;
        let command = Command::UpdateRoomHats {
            room_jid: room.clone(),
            operations: parser.operations(request.operations)?,
            preconditions: parser.preconditions(request.preconditions)?,
            keep_active: request.keep_active,
        };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::UpdateRoomHatsResponse {
            users: documents(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn get_user_hats(
        &self,
        request: Request<pb::GetUserHatsRequest>,
    ) -> Result<Response<pb::GetUserHatsResponse>, Status> {
        let request = request.into_inner();
        let room = room_jid("room_jid", &request.room_jid)?;
        let user = user_jid("user_jid", &request.user_jid)?;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let (state, document) = self.0.store.document(&room, &user).await?;

        let state = found(&room, state)?;
        if !command::is_known(state.room.eligibility, &document) {
            let (room_jid, user_jid) = (room, user);
            return Err(Refusal::UserNotAffiliated { room_jid, user_jid }.into());
        }
        Ok(Response::new(pb::GetUserHatsResponse {
            user_hats: Some(render::user_hats(&room, &user, &document)),
            revision: state.head.get(),
            token,
        }))
    }

    async fn list_room_hats(
        &self,
        request: Request<pb::ListRoomHatsRequest>,
    ) -> Result<Response<pb::ListRoomHatsResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let room = room_jid("room_jid", &request.room_jid)?;
        let hat_id = match request.hat_id.as_str() {
            "" => None,
            text => Some(parser.hat_id("hat_id", text)?),
        };
        let limit = parser.page_limit(request.page_size)?;
        let filters = (&room, &hat_id, request.active_only);
        let list = List::new("ListRoomHats", filters, self.0.store.identity());
        let after = list.key(&request.page_token, UserJid::parse)?;
        let filter = DocumentFilter::Hats { hat_id, active_only: request.active_only };

        let token = self.0.begin_read(&request.at_least_token).await?;
        let (state, page) = self.0.store.documents(&room, &filter, after.as_ref(), limit).await?;

        let state = found(&room, state)?;
        let users = page.items.iter().map(|(user, it)| render::user_hats(&room, user, it));
        Ok(Response::new(pb::ListRoomHatsResponse {
            users: users.collect(),
            next_page_token: list.token_after(page.next.as_ref().map(UserJid::as_str)),
            revision: state.head.get(),
            token,
        }))
    }

    async fn list_user_hats(
        &self,
        request: Request<pb::ListUserHatsRequest>,
    ) -> Result<Response<pb::ListUserHatsResponse>, Status> {
        let request = request.into_inner();
        let user = user_jid("user_jid", &request.user_jid)?;
        let limit = self.0.parser().page_limit(request.page_size)?;
        let list = List::new("ListUserHats", &user, self.0.store.identity());
        let after = list.key(&request.page_token, RoomJid::parse)?;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let page = self.0.store.documents_of(&user, after.as_ref(), limit).await?;

        let rooms = page.items.iter().map(|(room, it)| render::user_hats(room, &user, it));
        Ok(Response::new(pb::ListUserHatsResponse {
            rooms: rooms.collect(),
            next_page_token: list.token_after(page.next.as_ref().map(RoomJid::as_str)),
            token,
        }))
    }

    async fn define_hat(
        &self,
        request: Request<pb::DefineHatRequest>,
    ) -> Result<Response<pb::DefineHatResponse>, Status> {
        let request = request.into_inner();
        let command = Command::DefineHat {
            room_jid: room_jid("room_jid", &request.room_jid)?,
            definition: self.0.parser().definition(request.definition)?,
            etag: parse::etag(request.etag),
        };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::DefineHatResponse {
            definition: outcome.definition.as_ref().map(render::definition),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn destroy_hat(
        &self,
        request: Request<pb::DestroyHatRequest>,
    ) -> Result<Response<pb::DestroyHatResponse>, Status> {
        let request = request.into_inner();
        let command = Command::DestroyHat {
            room_jid: room_jid("room_jid", &request.room_jid)?,
            hat_id: self.0.parser().hat_id("hat_id", &request.hat_id)?,
        };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::DestroyHatResponse {
            removed_hats: outcome.counts.removed_hats,
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn list_hat_definitions(
        &self,
        request: Request<pb::ListHatDefinitionsRequest>,
    ) -> Result<Response<pb::ListHatDefinitionsResponse>, Status> {
        let request = request.into_inner();
        let parser = self.0.parser();
        let room = room_jid("room_jid", &request.room_jid)?;
        let limit = parser.page_limit(request.page_size)?;
        let list = List::new("ListHatDefinitions", &room, self.0.store.identity());
        let after = list.key(&request.page_token, |key| parser.hat_id("page_token", key))?;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let (state, page) = self.0.store.definitions(&room, after.as_ref(), limit).await?;

        let state = found(&room, state)?;
        Ok(Response::new(pb::ListHatDefinitionsResponse {
            definitions: page.items.iter().map(|(_, it)| render::definition(it)).collect(),
            next_page_token: list.token_after(page.next.as_ref().map(HatId::as_str)),
            revision: state.head.get(),
            token,
        }))
    }

    type WatchHatsStream = Responses;

    async fn watch_hats(
        &self,
        request: Request<pb::WatchHatsRequest>,
    ) -> Result<Response<Responses>, Status> {
        Ok(Response::new(self.0.watch(request.into_inner()).await?))
    }
}

/// A room that a read needs.
pub(super) fn found<T>(room: &RoomJid, state: Option<T>) -> Result<T, Refusal> {
    state.ok_or_else(|| Refusal::RoomNotFound { room_jid: room.clone() })
}

/// The document of a call about one user.
pub(super) fn only_document(room: &RoomJid, outcome: &Outcome) -> Option<pb::UserHats> {
    let (user, document) = outcome.documents.first()?;
    Some(render::user_hats(room, user, document))
}

fn documents(room: &RoomJid, outcome: &Outcome) -> Vec<pb::UserHats> {
    let documents = outcome.documents.iter();
    documents.map(|(user, document)| render::user_hats(room, user, document)).collect()
}
