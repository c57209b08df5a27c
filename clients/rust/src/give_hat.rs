//! Putting a hat on a user.

use std::pin::Pin;

use crate::{Client, Error, Timestamp, pb};

/// A hat that is put on a user once this is awaited. See [`Client::give_hat`].
#[derive(Clone, Debug)]
#[must_use = "no hat is given until this is awaited"]
pub struct GiveHat<'a> {
    client: &'a Client,
    request: pb::AddUserHatRequest,
    attachment: pb::Attachment,
}

impl<'a> GiveHat<'a> {
    pub(crate) fn new(
        client: &'a Client,
        room_jid: String,
        user_jid: String,
        hat_id: String,
    ) -> Self {
        let attachment = pb::Attachment { active: true, ..Default::default() };
        let request = pb::AddUserHatRequest { room_jid, user_jid, hat_id, ..Default::default() };
        Self { client, request, attachment }
    }

    /// What is displayed for this user, up to 256 bytes. Default: the title of the definition, else
    /// the hat id.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.attachment.title = title.into();
        self
    }

    /// Lets the user neither doff nor discard the hat.
    pub fn required(mut self) -> Self {
        self.attachment.required = true;
        self
    }

    /// When the hat ends: a `SystemTime`, for one. Default: never.
    pub fn expire_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.attachment.expire_time = Some(time.into());
        self
    }
}

impl<'a> IntoFuture for GiveHat<'a> {
    type Output = Result<pb::AddUserHatResponse, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let request = pb::AddUserHatRequest { attachment: Some(self.attachment), ..self.request };
        Box::pin(self.client.add_user_hat(request))
    }
}
