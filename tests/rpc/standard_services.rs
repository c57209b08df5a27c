//! Reflection and health, as tools that know nothing of hatd use them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MapKey, Value};
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use super::support::*;

const OURS: [&str; 4] = [
    "hatd.v1.AdminService",
    "hatd.v1.HatService",
    "hatd.v1.RoomService",
    "hatd.v1.WardrobeService",
];

/// What reflection is asked, in either version.
enum Question<'a> {
    Services,
    FileOf(&'a str),
    File(&'a str),
}

/// What reflection answers: names of services, or encoded files.
#[derive(Debug)]
enum Found {
    Services(BTreeSet<String>),
    Files(Vec<Vec<u8>>),
    Nothing(Code),
}

/// The version of the reflection service: tools of today ask the one, older ones the other.
#[derive(Clone, Copy)]
enum Version {
    V1,
    V1Alpha,
}

async fn ask(hatd: &Hatd, version: Version, question: Question<'_>) -> Found {
    match version {
        Version::V1 => ask_v1(hatd, question).await,
        Version::V1Alpha => ask_v1alpha(hatd, question).await,
    }
}

async fn ask_v1(hatd: &Hatd, question: Question<'_>) -> Found {
    use v1::server_reflection_request::MessageRequest as Asked;
    use v1::server_reflection_response::MessageResponse as Answered;
    let asked = match question {
        Question::Services => Asked::ListServices(String::new()),
        Question::FileOf(symbol) => Asked::FileContainingSymbol(symbol.to_owned()),
        Question::File(name) => Asked::FileByFilename(name.to_owned()),
    };
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(hatd.channel.clone());
    let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
    match answers.into_inner().message().await {
        Ok(answer) => match answer.unwrap().message_response.unwrap() {
            Answered::ListServicesResponse(list) => {
                Found::Services(list.service.into_iter().map(|service| service.name).collect())
            }
            Answered::FileDescriptorResponse(files) => Found::Files(files.file_descriptor_proto),
            Answered::ErrorResponse(error) => Found::Nothing(Code::from_i32(error.error_code)),
            other @ Answered::AllExtensionNumbersResponse(_) => panic!("{other:?}"),
        },
        Err(status) => Found::Nothing(status.code()),
    }
}

async fn ask_v1alpha(hatd: &Hatd, question: Question<'_>) -> Found {
    use v1alpha::server_reflection_request::MessageRequest as Asked;
    use v1alpha::server_reflection_response::MessageResponse as Answered;
    let asked = match question {
        Question::Services => Asked::ListServices(String::new()),
        Question::FileOf(symbol) => Asked::FileContainingSymbol(symbol.to_owned()),
        Question::File(name) => Asked::FileByFilename(name.to_owned()),
    };
    let request =
        v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(hatd.channel.clone());
    let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
    match answers.into_inner().message().await {
        Ok(answer) => match answer.unwrap().message_response.unwrap() {
            Answered::ListServicesResponse(list) => {
                Found::Services(list.service.into_iter().map(|service| service.name).collect())
            }
            Answered::FileDescriptorResponse(files) => Found::Files(files.file_descriptor_proto),
            Answered::ErrorResponse(error) => Found::Nothing(Code::from_i32(error.error_code)),
            other @ Answered::AllExtensionNumbersResponse(_) => panic!("{other:?}"),
        },
        Err(status) => Found::Nothing(status.code()),
    }
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let hatd = Hatd::start().await;
    for version in [Version::V1, Version::V1Alpha] {
        let found = ask(&hatd, version, Question::Services).await;
        let Found::Services(services) = found else { panic!("{found:?}") };
        assert!(OURS.iter().all(|name| services.contains(*name)), "{services:?}");
        assert!(services.contains("grpc.health.v1.Health"), "{services:?}");
        for question in [Question::FileOf("hatd.v1.Unknown"), Question::File("unknown.proto")] {
            let found = ask(&hatd, version, question).await;
            assert!(matches!(found, Found::Nothing(Code::NotFound)), "{found:?}");
        }
    }
}

/// Gathers the file of a service and all that it imports.
async fn describe(hatd: &Hatd, service: &str, version: Version) -> DescriptorPool {
    let mut files = BTreeMap::new();
    let mut found = ask(hatd, version, Question::FileOf(service)).await;
    let mut wanted: Vec<String> = Vec::new();
    loop {
        let Found::Files(answered) = found else { panic!("{found:?}") };
        for bytes in answered {
            let file = FileDescriptorProto::decode(&bytes[..]).unwrap();
            wanted.extend(file.dependency.iter().cloned());
            files.insert(file.name().to_owned(), file);
        }
        wanted.retain(|name| !files.contains_key(name));
        let Some(name) = wanted.pop() else { break };
        found = ask(hatd, version, Question::File(&name)).await;
    }
    let file = files.into_values().collect();
    DescriptorPool::from_file_descriptor_set(prost_types::FileDescriptorSet { file }).unwrap()
}

#[tokio::test]
async fn reflection_is_all_that_a_call_needs() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    for (version, hat) in [(Version::V1, HAT), (Version::V1Alpha, "urn:example:2")] {
        let pool = describe(&hatd, "hatd.v1.HatService", version).await;
        let service = pool.get_service_by_name("hatd.v1.HatService").unwrap();
        let method = service.methods().find(|method| method.name() == "AddUserHat").unwrap();
        assert!(service.methods().any(|it| it.name() == "WatchHats" && it.is_server_streaming()));

        let mut attachment =
            DynamicMessage::new(pool.get_message_by_name("hatd.v1.Attachment").unwrap());
        attachment.set_field_by_name("active", Value::Bool(true));
        let mut request = DynamicMessage::new(method.input());
        for (field, value) in [("room_jid", ROOM), ("user_jid", USER), ("hat_id", hat)] {
            request.set_field_by_name(field, Value::String(value.into()));
        }
        request.set_field_by_name("attachment", Value::Message(attachment));
        let path = format!("/{}/{}", service.full_name(), method.name());
        let answer = hatd.call_message(&path, &request.encode_to_vec()).await;
        assert_eq!(answer.code(), Code::Ok);

        let answer = DynamicMessage::decode(method.output(), &answer.body[5..]).unwrap();
        let document = answer.get_field_by_name("user_hats").unwrap().into_owned();
        let hats = document.as_message().unwrap().get_field_by_name("hats").unwrap().into_owned();
        let given = &hats.as_map().unwrap()[&MapKey::String(hat.into())];
        let active = given.as_message().unwrap().get_field_by_name("active").unwrap().into_owned();
        assert_eq!(active.as_bool(), Some(true));
    }
}

#[tokio::test]
async fn reflection_comes_with_the_comments_of_the_contract() {
    let hatd = Hatd::start().await;
    for service in OURS {
        let pool = describe(&hatd, service, Version::V1).await;
        let file = pool.get_service_by_name(service).unwrap().parent_file();
        let file = file.file_descriptor_proto().clone();
        let locations = file.source_code_info.unwrap().location;
        let commented: BTreeSet<_> = locations
            .into_iter()
            .filter(|location| !location.leading_comments().trim().is_empty())
            .map(|location| location.path)
            .collect();
        // Field 6 of a file are its services, whose field 2 are their methods; field 4 of a file
        // are its messages, whose field 2 are their fields.
        for (index, service) in (0..).zip(&file.service) {
            for (method, name) in (0..).zip(&service.method) {
                assert!(commented.contains(&vec![6, index, 2, method]), "{}", name.name());
            }
        }
        for (index, message) in (0..).zip(&file.message_type) {
            assert!(commented.contains(&vec![4, index]), "{}", message.name());
            for (field, name) in (0..).zip(&message.field) {
                let path = vec![4, index, 2, field];
                assert!(commented.contains(&path), "{}.{}", message.name(), name.name());
            }
        }
    }
}

#[tokio::test]
async fn the_details_of_statuses_are_described_too() {
    let hatd = Hatd::start().await;
    for detail in ["ErrorInfo", "BadRequest", "ResourceInfo", "RetryInfo"] {
        let found =
            ask(&hatd, Version::V1, Question::FileOf(&format!("google.rpc.{detail}"))).await;
        assert!(matches!(found, Found::Files(_)), "{detail}: {found:?}");
    }
    let found = ask(&hatd, Version::V1, Question::FileOf("hatd.v1.ErrorReason")).await;
    assert!(matches!(found, Found::Files(_)), "{found:?}");
}

#[tokio::test]
async fn health_is_serving_until_the_drain() {
    let hatd = Hatd::start().await;
    let mut client = HealthClient::new(hatd.channel.clone());
    let of = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let mut watches = Vec::new();
    for service in ["", OURS[0], OURS[1], OURS[2]] {
        let answer = client.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
        let mut watch = client.watch(of(service)).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving, "{service:?}");
        watches.push(watch);
    }
    let unknown = client.check(of("hatd.v1.Unknown")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    hatd.stop();
    for mut watch in watches {
        let next = watch.message().await.unwrap().unwrap();
        assert_eq!(next.status(), ServingStatus::NotServing);
        let end = watch.message().await.unwrap_err();
        check_status("health", &end, ErrorReason::ShuttingDown, &[]);
    }
    hatd.stopped().await;
}
