//! Messages as JSON, and the client's methods by the names of the RPCs.

use std::error::Error as StdError;

use futures_util::{Stream, TryStreamExt as _};
use hatd_client::{Client, Error, Position, pb};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};

use crate::failure::Failure;

/// The contract, by which JSON is read and written.
pub(crate) struct Contract(DescriptorPool);

/// Defines `call` and `position` by the methods of the client and the types that they answer.
macro_rules! methods {
    ($($name:literal => $method:ident: $answer:ident,)*) => {
        impl Contract {
            /// Makes a call.
            pub(crate) async fn call(
                &self,
                client: &Client,
                name: &str,
                request: Value,
            ) -> Result<Value, Failure> {
                let rpc = self.rpc(name)?;
                match name {
                    $($name => {
                        let answer = client.$method(read(rpc.input(), request)?).await?;
                        write(rpc.output(), &answer)
                    })*
                    _ => Err(unknown(name)),
                }
            }

            /// The position that the answer of a call stands for.
            pub(crate) fn position(&self, name: &str, answer: Value) -> Result<Position, Failure> {
                let rpc = self.rpc(name)?;
                match name {
                    $($name => {
                        let answer: pb::$answer = read(rpc.output(), answer)?;
                        Ok(Position::from(&answer))
                    })*
                    _ => Err(unknown(name)),
                }
            }
        }
    };
}

methods! {
    "AddUserHat" => add_user_hat: AddUserHatResponse,
    "RemoveUserHat" => remove_user_hat: RemoveUserHatResponse,
    "SetUserHats" => set_user_hats: SetUserHatsResponse,
    "SetHatWearers" => set_hat_wearers: SetHatWearersResponse,
    "UpdateRoomHats" => update_room_hats: UpdateRoomHatsResponse,
    "GetUserHats" => get_user_hats: GetUserHatsResponse,
    "ListRoomHats" => list_room_hats: ListRoomHatsResponse,
    "ListUserHats" => list_user_hats: ListUserHatsResponse,
    "DefineHat" => define_hat: DefineHatResponse,
    "DestroyHat" => destroy_hat: DestroyHatResponse,
    "ListHatDefinitions" => list_hat_definitions: ListHatDefinitionsResponse,
    "PutRoom" => put_room: PutRoomResponse,
    "GetRoom" => get_room: GetRoomResponse,
    "ListRooms" => list_rooms: ListRoomsResponse,
    "DeleteRoom" => delete_room: DeleteRoomResponse,
    "SetAffiliation" => set_affiliation: SetAffiliationResponse,
    "ListAffiliations" => list_affiliations: ListAffiliationsResponse,
    "SyncRooms" => sync_rooms: SyncRoomsResponse,
    "ForgetUser" => forget_user: ForgetUserResponse,
    "WearHat" => wear_hat: WearHatResponse,
    "DoffHat" => doff_hat: DoffHatResponse,
    "ClaimHat" => claim_hat: ClaimHatResponse,
    "DiscardHat" => discard_hat: DiscardHatResponse,
}

impl Contract {
    pub(crate) fn new() -> Result<Self, Box<dyn StdError>> {
        let descriptors = include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"));
        Ok(Self(DescriptorPool::decode(descriptors.as_slice())?))
    }

    /// All items of a list, by the client's own stream.
    pub(crate) async fn list_all(
        &self,
        client: &Client,
        name: &str,
        request: Value,
    ) -> Result<Value, Failure> {
        let request_type = self.rpc(name)?.input();
        match name {
            "ListRoomHats" => {
                let items = client.all_room_hats(read(request_type, request)?);
                self.items("UserHats", items).await
            }
            "ListUserHats" => {
                let items = client.all_user_hats(read(request_type, request)?);
                self.items("UserHats", items).await
            }
            "ListHatDefinitions" => {
                let items = client.all_hat_definitions(read(request_type, request)?);
                self.items("HatDefinition", items).await
            }
            "ListRooms" => {
                let items = client.all_rooms(read(request_type, request)?);
                self.items("Room", items).await
            }
            "ListAffiliations" => {
                let items = client.all_affiliations(read(request_type, request)?);
                self.items("UserAffiliation", items).await
            }
            _ => Err(unknown(name)),
        }
    }

    /// Reads a message of the contract.
    pub(crate) fn read<T: Message + Default>(&self, name: &str, json: Value) -> Result<T, Failure> {
        read(self.message(name)?, json)
    }

    /// Writes a message of the contract.
    pub(crate) fn write(&self, name: &str, message: &impl Message) -> Result<Value, Failure> {
        write(self.message(name)?, message)
    }

    async fn items<T: Message>(
        &self,
        name: &str,
        items: impl Stream<Item = Result<T, Error>>,
    ) -> Result<Value, Failure> {
        let items: Vec<T> = items.try_collect().await?;
        let items: Result<Vec<_>, _> = items.iter().map(|item| self.write(name, item)).collect();
        Ok(json!({"items": items?}))
    }

    fn message(&self, name: &str) -> Result<MessageDescriptor, Failure> {
        self.0.get_message_by_name(&format!("hatd.v1.{name}")).ok_or_else(|| unknown(name))
    }

    fn rpc(&self, name: &str) -> Result<MethodDescriptor, Failure> {
        let mut rpcs = self.0.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        rpcs.find(|rpc| rpc.name() == name).ok_or_else(|| unknown(name))
    }
}

fn read<T: Message + Default>(of: MessageDescriptor, json: Value) -> Result<T, Failure> {
    let message = DynamicMessage::deserialize(of, json)?;
    message.transcode_to().map_err(|error| Failure::BadCommand(error.to_string()))
}

fn write(of: MessageDescriptor, message: &impl Message) -> Result<Value, Failure> {
    let mut json = DynamicMessage::new(of);
    json.transcode_from(message).map_err(|error| Failure::BadCommand(error.to_string()))?;
    Ok(serde_json::to_value(json)?)
}

fn unknown(name: &str) -> Failure {
    Failure::BadCommand(format!("the contract has no {name} for this"))
}
