//! The connection that a client and its watches share, which can be left for a new one.

use std::sync::{PoisonError, RwLock};

use tonic::transport::{Channel, Endpoint};

use crate::pb::{
    admin_service_client::AdminServiceClient, hat_service_client::HatServiceClient,
    room_service_client::RoomServiceClient, wardrobe_service_client::WardrobeServiceClient,
};

/// A connection to hatd.
#[derive(Debug)]
pub(crate) struct Connection {
    current: RwLock<Current>,
    /// Makes another. None: the channel was made by the caller.
    endpoint: Option<Endpoint>,
    message_bytes_max: usize,
}

#[derive(Clone, Debug)]
struct Current {
    channel: Channel,
    /// How many were left before.
    number: u64,
}

impl Connection {
    pub(crate) fn new(
        channel: Channel,
        endpoint: Option<Endpoint>,
        message_bytes_max: usize,
    ) -> Self {
        let current = Current { channel, number: 0 };
        Self { current: RwLock::new(current), endpoint, message_bytes_max }
    }

    pub(crate) fn hats(&self) -> HatServiceClient<Channel> {
        let bytes = self.message_bytes_max;
        HatServiceClient::new(self.channel()).max_decoding_message_size(bytes)
    }

    pub(crate) fn rooms(&self) -> RoomServiceClient<Channel> {
        let bytes = self.message_bytes_max;
        RoomServiceClient::new(self.channel()).max_decoding_message_size(bytes)
    }

    pub(crate) fn wardrobe(&self) -> WardrobeServiceClient<Channel> {
        let bytes = self.message_bytes_max;
        WardrobeServiceClient::new(self.channel()).max_decoding_message_size(bytes)
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Channel> {
        let bytes = self.message_bytes_max;
        AdminServiceClient::new(self.channel()).max_decoding_message_size(bytes)
    }

    /// Which connection it is now, to be left if it turns out to be dead.
    pub(crate) fn number(&self) -> u64 {
        self.current.read().unwrap_or_else(PoisonError::into_inner).number
    }

    /// Leaves a connection on which nothing comes any more: it may be half open, and a keepalive
    /// takes its time to find that out. What goes on over it may go on; what begins does so on
    /// another. Does nothing if `number` was left already.
    pub(crate) fn leave(&self, number: u64) {
        let Some(endpoint) = &self.endpoint else { return };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            *current = Current { channel: endpoint.connect_lazy(), number: number + 1 };
        }
    }

    fn channel(&self) -> Channel {
        self.current.read().unwrap_or_else(PoisonError::into_inner).channel.clone()
    }
}
