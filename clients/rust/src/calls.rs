//! One method for each RPC.

use futures_util::{Stream, TryStreamExt as _};

use crate::{Client, Error, GiveHat, connection::Connection, pb};

/// The RPCs of `HatService`, which the contract describes in full.
///
/// Reads and writes are tried again while the server is unavailable, until their timeout. A write
/// whose `request_id` is empty gets one, so that it is done once however often it is tried.
impl Client {
    /// Puts a hat into a user's wardrobe, or replaces how the user has it.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn add_user_hat(
        &self,
        request: pb::AddUserHatRequest,
    ) -> Result<pb::AddUserHatResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.add_user_hat(request).await },
        )
        .await
    }

    /// Puts a hat on a user: adds it with `active` set, where the bare RPC would add it unworn.
    ///
    /// Await what it returns, as it is or with more said of the hat:
    ///
    /// ```
    /// # use std::time::{Duration, SystemTime};
    /// # use hatd_client::{Client, Error};
    /// # async fn example(hatd: &Client) -> Result<(), Error> {
    /// let (room, user, hat) = ("den@chat.example", "ada@example.org", "urn:example:host");
    /// hatd.give_hat(room, user, hat).await?;
    /// let end = SystemTime::now() + Duration::from_secs(3_600);
    /// hatd.give_hat(room, user, hat).title("Tonight's host").expire_time(end).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Client::add_user_hat`].
    pub fn give_hat(
        &self,
        room_jid: impl Into<String>,
        user_jid: impl Into<String>,
        hat_id: impl Into<String>,
    ) -> GiveHat<'_> {
        GiveHat::new(self, room_jid.into(), user_jid.into(), hat_id.into())
    }

    /// Takes a hat out of a user's wardrobe.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn remove_user_hat(
        &self,
        request: pb::RemoveUserHatRequest,
    ) -> Result<pb::RemoveUserHatResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.remove_user_hat(request).await },
        )
        .await
    }

    /// Makes the listed hats exactly the user's, or exactly those of the user's with a prefix.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn set_user_hats(
        &self,
        request: pb::SetUserHatsRequest,
    ) -> Result<pb::SetUserHatsResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.set_user_hats(request).await },
        )
        .await
    }

    /// Makes the listed users exactly those who have the hat in the room.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn set_hat_wearers(
        &self,
        request: pb::SetHatWearersRequest,
    ) -> Result<pb::SetHatWearersResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.set_hat_wearers(request).await },
        )
        .await
    }

    /// Does up to 500 operations on one room in one commit, all or nothing.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn update_room_hats(
        &self,
        request: pb::UpdateRoomHatsRequest,
    ) -> Result<pb::UpdateRoomHatsResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.update_room_hats(request).await },
        )
        .await
    }

    /// Reads one user's document in one room.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn get_user_hats(
        &self,
        request: pb::GetUserHatsRequest,
    ) -> Result<pb::GetUserHatsResponse, Error> {
        self.read(Connection::hats, request, |mut stub, request| async move {
            stub.get_user_hats(request).await
        })
        .await
    }

    /// Reads a page of the documents of a room that have hats.
    ///
    /// [`Client::all_room_hats`] follows the pages.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn list_room_hats(
        &self,
        request: pb::ListRoomHatsRequest,
    ) -> Result<pb::ListRoomHatsResponse, Error> {
        self.read(Connection::hats, request, |mut stub, request| async move {
            stub.list_room_hats(request).await
        })
        .await
    }

    /// Reads a page of a user's documents that have hats.
    ///
    /// [`Client::all_user_hats`] follows the pages.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn list_user_hats(
        &self,
        request: pb::ListUserHatsRequest,
    ) -> Result<pb::ListUserHatsResponse, Error> {
        self.read(Connection::hats, request, |mut stub, request| async move {
            stub.list_user_hats(request).await
        })
        .await
    }

    /// Creates or replaces a definition in a room's catalogue.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn define_hat(
        &self,
        request: pb::DefineHatRequest,
    ) -> Result<pb::DefineHatResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.define_hat(request).await },
        )
        .await
    }

    /// Takes a hat off everybody in a room and out of its catalogue.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn destroy_hat(
        &self,
        request: pb::DestroyHatRequest,
    ) -> Result<pb::DestroyHatResponse, Error> {
        self.write(
            Connection::hats,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.destroy_hat(request).await },
        )
        .await
    }

    /// Reads a page of a room's catalogue. [`Client::all_hat_definitions`] follows the pages.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn list_hat_definitions(
        &self,
        request: pb::ListHatDefinitionsRequest,
    ) -> Result<pb::ListHatDefinitionsResponse, Error> {
        self.read(Connection::hats, request, |mut stub, request| async move {
            stub.list_hat_definitions(request).await
        })
        .await
    }
}

/// The RPCs of `RoomService`, which the contract describes in full.
///
/// Reads and writes are tried again while the server is unavailable, until their timeout. A write
/// whose `request_id` is empty gets one, so that it is done once however often it is tried.
impl Client {
    /// Creates a room, or changes its settings.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn put_room(
        &self,
        request: pb::PutRoomRequest,
    ) -> Result<pb::PutRoomResponse, Error> {
        self.write(
            Connection::rooms,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.put_room(request).await },
        )
        .await
    }

    /// Reads a room.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn get_room(
        &self,
        request: pb::GetRoomRequest,
    ) -> Result<pb::GetRoomResponse, Error> {
        self.read(Connection::rooms, request, |mut stub, request| async move {
            stub.get_room(request).await
        })
        .await
    }

    /// Reads a page of the rooms. [`Client::all_rooms`] follows the pages.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn list_rooms(
        &self,
        request: pb::ListRoomsRequest,
    ) -> Result<pb::ListRoomsResponse, Error> {
        self.read(Connection::rooms, request, |mut stub, request| async move {
            stub.list_rooms(request).await
        })
        .await
    }

    /// Deletes a room, its catalogue and all its documents.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn delete_room(
        &self,
        request: pb::DeleteRoomRequest,
    ) -> Result<pb::DeleteRoomResponse, Error> {
        self.write(
            Connection::rooms,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.delete_room(request).await },
        )
        .await
    }

    /// Sets what a user is to a room.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn set_affiliation(
        &self,
        request: pb::SetAffiliationRequest,
    ) -> Result<pb::SetAffiliationResponse, Error> {
        self.write(
            Connection::rooms,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.set_affiliation(request).await },
        )
        .await
    }

    /// Reads a page of the affiliations of a room. [`Client::all_affiliations`] follows the pages.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn list_affiliations(
        &self,
        request: pb::ListAffiliationsRequest,
    ) -> Result<pb::ListAffiliationsResponse, Error> {
        self.read(Connection::rooms, request, |mut stub, request| async move {
            stub.list_affiliations(request).await
        })
        .await
    }

    /// Brings rooms and their affiliations up to date in bulk.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn sync_rooms(
        &self,
        request: pb::SyncRoomsRequest,
    ) -> Result<pb::SyncRoomsResponse, Error> {
        self.write(
            Connection::rooms,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.sync_rooms(request).await },
        )
        .await
    }

    /// Removes a user from every room.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn forget_user(
        &self,
        request: pb::ForgetUserRequest,
    ) -> Result<pb::ForgetUserResponse, Error> {
        self.write(
            Connection::rooms,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.forget_user(request).await },
        )
        .await
    }
}

/// The RPCs of `WardrobeService`, which the contract describes in full.
///
/// Reads and writes are tried again while the server is unavailable, until their timeout. A write
/// whose `request_id` is empty gets one, so that it is done once however often it is tried.
impl Client {
    /// Wears a hat that the user has.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn wear_hat(
        &self,
        request: pb::WearHatRequest,
    ) -> Result<pb::WearHatResponse, Error> {
        self.write(
            Connection::wardrobe,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.wear_hat(request).await },
        )
        .await
    }

    /// Takes off a hat that the user has, and keeps it.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn doff_hat(
        &self,
        request: pb::DoffHatRequest,
    ) -> Result<pb::DoffHatResponse, Error> {
        self.write(
            Connection::wardrobe,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.doff_hat(request).await },
        )
        .await
    }

    /// Takes a hat whose definition is self-assignable, and wears it.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn claim_hat(
        &self,
        request: pb::ClaimHatRequest,
    ) -> Result<pb::ClaimHatResponse, Error> {
        self.write(
            Connection::wardrobe,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.claim_hat(request).await },
        )
        .await
    }

    /// Gives up a hat that the user has.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn discard_hat(
        &self,
        request: pb::DiscardHatRequest,
    ) -> Result<pb::DiscardHatResponse, Error> {
        self.write(
            Connection::wardrobe,
            request,
            |request| &mut request.request_id,
            |mut stub, request| async move { stub.discard_hat(request).await },
        )
        .await
    }
}

/// The RPCs of `AdminService`, which the contract describes in full: what an operator asks.
impl Client {
    /// Says what the store holds, and whether it takes writes.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn get_store_status(
        &self,
        request: pb::GetStoreStatusRequest,
    ) -> Result<pb::GetStoreStatusResponse, Error> {
        self.read(Connection::admin, request, |mut stub, request| async move {
            stub.get_store_status(request).await
        })
        .await
    }

    /// Takes a checkpoint, and deletes those files of the commit log that nobody needs any more.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::DeadlineExceeded`],
    /// [`Error::ApiKey`] and [`Error::Closed`].
    pub async fn take_checkpoint(
        &self,
        request: pb::TakeCheckpointRequest,
    ) -> Result<pb::TakeCheckpointResponse, Error> {
        self.read(Connection::admin, request, |mut stub, request| async move {
            stub.take_checkpoint(request).await
        })
        .await
    }

    /// Sends the state at one position: a header, then the bytes of a file. Nothing is tried
    /// again: a backup that breaks off is begun anew.
    ///
    /// # Errors
    ///
    /// What the server answers, [`Error::Transport`], [`Error::ApiKey`] and [`Error::Closed`]; so
    /// do the pieces.
    pub async fn backup(
        &self,
        request: pb::BackupRequest,
    ) -> Result<impl Stream<Item = Result<pb::BackupResponse, Error>> + Send + use<>, Error> {
        let pieces = self
            .stream(Connection::admin, request, |mut stub, request| async move {
                stub.backup(request).await
            })
            .await?;
        Ok(pieces.map_err(Error::from_status))
    }
}
