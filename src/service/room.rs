//! `RoomService`: which rooms exist and who belongs to them.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::hat::{found, only_document};
use super::page::List;
use super::parse::{room_jid, target, user_jid};
use super::{App, parse, render};
use crate::command::Command;
use crate::jid::{Domain, RoomJid, UserJid};
use crate::pb::{self, room_service_server};
use crate::store::DocumentFilter;

/// The service of this name.
pub(super) struct Service(pub(super) Arc<App>);

#[tonic::async_trait]
impl room_service_server::RoomService for Service {
    async fn put_room(
        &self,
        request: Request<pb::PutRoomRequest>,
    ) -> Result<Response<pb::PutRoomResponse>, Status> {
        let request = request.into_inner();
        let room = room_jid("room_jid", &request.room_jid)?;
        let command = Command::PutRoom {
            room_jid: room.clone(),
            settings: parse::settings("", request.hat_policy, request.eligibility)?,
            etag: parse::etag(request.etag),
        };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::PutRoomResponse {
            room: outcome.room.map(|it| render::room(&room, it)),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn get_room(
        &self,
        request: Request<pb::GetRoomRequest>,
    ) -> Result<Response<pb::GetRoomResponse>, Status> {
        let request = request.into_inner();
        let room = room_jid("room_jid", &request.room_jid)?;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let state = found(&room, self.0.store.room(&room).await?)?;

        Ok(Response::new(pb::GetRoomResponse {
            room: Some(render::room(&room, state.room)),
            revision: state.head.get(),
            token,
        }))
    }

    async fn list_rooms(
        &self,
        request: Request<pb::ListRoomsRequest>,
    ) -> Result<Response<pb::ListRoomsResponse>, Status> {
        let request = request.into_inner();
        let domain = parse::domain("domain", &request.domain)?;
        let limit = self.0.parser().page_limit(request.page_size)?;
        let filter = domain.as_ref().map(Domain::as_str);
        let list = List::new("ListRooms", filter, self.0.store.identity());
        let after = list.key(&request.page_token, RoomJid::parse)?;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let page = self.0.store.rooms(domain.as_ref(), after.as_ref(), limit).await?;

        Ok(Response::new(pb::ListRoomsResponse {
            rooms: page.items.iter().map(|(room, it)| render::room(room, *it)).collect(),
            next_page_token: list.token_after(page.next.as_ref().map(RoomJid::as_str)),
            token,
        }))
    }

    async fn delete_room(
        &self,
        request: Request<pb::DeleteRoomRequest>,
    ) -> Result<Response<pb::DeleteRoomResponse>, Status> {
        let request = request.into_inner();
        let room_jid = room_jid("room_jid", &request.room_jid)?;
        let command = Command::DeleteRoom { room_jid, etag: parse::etag(request.etag) };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::DeleteRoomResponse {
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn set_affiliation(
        &self,
        request: Request<pb::SetAffiliationRequest>,
    ) -> Result<Response<pb::SetAffiliationResponse>, Status> {
        let request = request.into_inner();
        let target = target(&request.room_jid, &request.user_jid, request.etag)?;
        let affiliation = parse::affiliation("affiliation", request.affiliation)?;
        let room = target.room_jid.clone();
        let command = Command::SetAffiliation { target, affiliation };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::SetAffiliationResponse {
            user_hats: only_document(&room, &outcome),
            revision: outcome.revision.get(),
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn list_affiliations(
        &self,
        request: Request<pb::ListAffiliationsRequest>,
    ) -> Result<Response<pb::ListAffiliationsResponse>, Status> {
        let request = request.into_inner();
        let room = room_jid("room_jid", &request.room_jid)?;
        let limit = self.0.parser().page_limit(request.page_size)?;
        let list = List::new("ListAffiliations", &room, self.0.store.identity());
        let after = list.key(&request.page_token, UserJid::parse)?;
        let filter = &DocumentFilter::Affiliated;

        let token = self.0.begin_read(&request.at_least_token).await?;
        let (state, page) = self.0.store.documents(&room, filter, after.as_ref(), limit).await?;

        let state = found(&room, state)?;
        let affiliations = page.items.iter().map(|(user, document)| pb::UserAffiliation {
            user_jid: user.as_str().to_owned(),
            affiliation: render::affiliation(document.affiliation).into(),
        });
        Ok(Response::new(pb::ListAffiliationsResponse {
            affiliations: affiliations.collect(),
            next_page_token: list.token_after(page.next.as_ref().map(UserJid::as_str)),
            revision: state.head.get(),
            token,
        }))
    }

    async fn sync_rooms(
        &self,
        request: Request<pb::SyncRoomsRequest>,
    ) -> Result<Response<pb::SyncRoomsResponse>, Status> {
        let request = request.into_inner();
        let entries = self.0.parser().sync_entries(&request.entries)?;
        let max_removed_hats = request.max_removed_hats;
        let command = Command::SyncRooms { entries, max_removed_hats };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::SyncRoomsResponse {
            changed_entries: outcome.counts.commits,
            changed_users: outcome.counts.users,
            removed_hats: outcome.counts.removed_hats,
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }

    async fn forget_user(
        &self,
        request: Request<pb::ForgetUserRequest>,
    ) -> Result<Response<pb::ForgetUserResponse>, Status> {
        let request = request.into_inner();
        let user_jid = user_jid("user_jid", &request.user_jid)?;
        let command = Command::ForgetUser { user_jid };

        let outcome = self.0.apply(command, request.request_id, request.context).await?;

        Ok(Response::new(pb::ForgetUserResponse {
            rooms: outcome.counts.commits,
            token: self.0.token(outcome.position, outcome.mark),
            changed: outcome.changed,
            replayed: outcome.replayed,
        }))
    }
}
