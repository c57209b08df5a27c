//! Which methods exist and how they answer, read from the descriptors that reflection serves.

use std::collections::HashMap;

use prost::{DecodeError, Message as _};
use prost_types::FileDescriptorSet;

/// What a method sends back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One message.
    Unary,
    /// Any number of messages.
    Stream,
}

/// Every method, by its path: `/package.Service/Method`.
#[derive(Debug, Default)]
pub(crate) struct Methods(HashMap<String, Answer>);

impl Methods {
    /// Reads them from encoded `FileDescriptorSet`s.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if one of them is not that.
    pub(crate) fn from_descriptors(sets: &[&[u8]]) -> Result<Self, DecodeError> {
        let mut methods = HashMap::new();
        for set in sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    for method in &service.method {
                        let path =
                            format!("/{}.{}/{}", file.package(), service.name(), method.name());
                        let answer =
                            if method.server_streaming() { Answer::Stream } else { Answer::Unary };
                        methods.insert(path, answer);
                    }
                }
            }
        }
        Ok(Self(methods))
    }

    /// What the method at `path` sends back, or `None` if there is no such method.
    pub(crate) fn answer(&self, path: &str) -> Option<Answer> {
        self.0.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::descriptors;

    #[test]
    fn the_descriptors_tell_streams_from_unary_methods() {
        let methods = Methods::from_descriptors(&descriptors()).unwrap();
        let check = |path: &str, expected| assert_eq!(methods.answer(path), expected, "{path}");
        check("/hatd.v1.HatService/AddUserHat", Some(Answer::Unary));
        check("/hatd.v1.HatService/WatchHats", Some(Answer::Stream));
        check("/hatd.v1.RoomService/SyncRooms", Some(Answer::Unary));
        check("/hatd.v1.WardrobeService/WearHat", Some(Answer::Unary));
        check("/hatd.v1.AdminService/Backup", Some(Answer::Stream));
        check("/grpc.health.v1.Health/Check", Some(Answer::Unary));
        check("/grpc.health.v1.Health/Watch", Some(Answer::Stream));
        for version in ["v1", "v1alpha"] {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            check(&path, Some(Answer::Stream));
        }
        check("/hatd.v1.HatService/Unknown", None);
        check("hatd.v1.HatService/WatchHats", None);
    }
}
