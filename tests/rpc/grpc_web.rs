//! gRPC-Web over HTTP/1.1, as a browser speaks it: frames made and read by hand.

use std::{collections::BTreeMap, net::SocketAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pb::watch_hats_response::Event;
use prost::Message;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::support::*;

const ADD: &str = "/hatd.v1.HatService/AddUserHat";
const WATCH: &str = "/hatd.v1.HatService/WatchHats";
const PROTO: &str = "application/grpc-web+proto";

/// A connection that speaks HTTP/1.1.
struct Http1 {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// A response as it comes.
struct Incoming<'a> {
    http: &'a mut Http1,
    status: u16,
    headers: BTreeMap<String, String>,
    /// What has come of the body and is not read yet.
    buffer: Vec<u8>,
    ended: bool,
}

/// A frame of gRPC-Web.
#[derive(Debug)]
enum WebFrame {
    Message(Vec<u8>),
    /// The end of the answer: the trailers, in one frame.
    Trailers(BTreeMap<String, String>),
}

impl Http1 {
    async fn connect(hatd: &Hatd) -> Self {
        let stream = TcpStream::connect(hatd.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), address: hatd.address }
    }

    async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        headers: &str,
        body: &[u8],
    ) -> Incoming<'_> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\n\
             x-grpc-web: 1\r\ncontent-length: {}\r\n{headers}\r\n",
            self.address,
            body.len(),
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).await.unwrap();

        let status = self.line().await.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let mut incoming = Incoming { http: self, status, headers, buffer: vec![], ended: false };
        if let Some(len) = incoming.headers.get("content-length") {
            incoming.buffer = vec![0; len.parse().unwrap()];
            incoming.http.stream.read_exact(&mut incoming.buffer).await.unwrap();
            incoming.ended = true;
        }
        incoming
    }

    async fn post_message(&mut self, path: &str, message: &impl Message) -> Incoming<'_> {
        self.post(path, PROTO, "", &frame(&message.encode_to_vec())).await
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        assert!(line.ends_with("\r\n"), "the connection ended: {line:?}");
        line.truncate(line.len() - 2);
        line
    }
}

impl Incoming<'_> {
    /// Reads a chunk more of the body.
    async fn read(&mut self) {
        assert_eq!(self.headers["transfer-encoding"], "chunked");
        let len = usize::from_str_radix(&self.http.line().await, 16).unwrap();
        let start = self.buffer.len();
        self.buffer.resize(start + len, 0);
        self.http.stream.read_exact(&mut self.buffer[start..]).await.unwrap();
        assert_eq!(self.http.line().await, "");
        self.ended = len == 0;
    }

    /// The next frame, if there is one.
    async fn frame(&mut self) -> Option<WebFrame> {
        loop {
            if let Some((prefix, rest)) = self.buffer.split_at_checked(5) {
                let len = u32::from_be_bytes(prefix[1..].try_into().unwrap());
                if let Some((payload, rest)) = rest.split_at_checked(len.try_into().unwrap()) {
                    let frame = match prefix[0] {
                        0 => WebFrame::Message(payload.to_vec()),
                        0x80 => WebFrame::Trailers(trailers(payload)),
                        flag => panic!("frame with flag {flag:#x}"),
                    };
                    self.buffer = rest.to_vec();
                    return Some(frame);
                }
            }
            if self.ended {
                assert!(self.buffer.is_empty(), "a frame is cut short");
                return None;
            }
            self.read().await;
        }
    }

    async fn message<M: Message + Default>(&mut self) -> M {
        match self.frame().await {
            Some(WebFrame::Message(bytes)) => M::decode(&bytes[..]).unwrap(),
            other => panic!("a message expected: {other:?}"),
        }
    }

    /// The status, in the headers of an answer without messages, or else in its last frame.
    async fn status(&mut self) -> tonic::Status {
        let trailers = if self.headers.contains_key("grpc-status") {
            assert!(self.frame().await.is_none(), "something follows trailers");
            self.headers.clone()
        } else {
            let Some(WebFrame::Trailers(trailers)) = self.frame().await else {
                panic!("trailers expected")
            };
            assert!(self.frame().await.is_none(), "something follows trailers");
            trailers
        };
        let trailers = trailers.iter().map(|(name, value)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        });
        tonic::Status::from_header_map(&trailers.collect()).unwrap()
    }
}

fn trailers(payload: &[u8]) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(payload).unwrap();
    let lines = text.split("\r\n").filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_unary_call_is_a_message_and_a_frame_of_trailers() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let mut http = Http1::connect(&hatd).await;
    // One connection takes several calls, one after the other.
    for hat in [HAT, "urn:example:2"] {
        let mut answer = http.post_message(ADD, &add_request(ROOM, USER, hat)).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, PROTO));
        let message: pb::AddUserHatResponse = answer.message().await;
        assert!(message.changed && message.user_hats.unwrap().hats.contains_key(hat));
        assert_eq!(answer.status().await.code(), tonic::Code::Ok);
    }
    assert_eq!(hatd.hat_ids(ROOM, USER).await.len(), 2);
}

#[tokio::test]
async fn refusals_come_whole() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let before = hatd.state().await;
    let mut http = Http1::connect(&hatd).await;

    let mut answer = http.post_message(ADD, &add_request("nowhere@b", USER, HAT)).await;
    assert_eq!(answer.status, 200);
    let room = [("room_jid", "nowhere@b")];
    check_status("unary", &answer.status().await, ErrorReason::RoomNotFound, &room);

    let watch = pb::WatchHatsRequest { delivery: 99, ..Default::default() };
    let mut answer = http.post_message(WATCH, &watch).await;
    let field = [("field", "delivery")];
    check_status("a stream", &answer.status().await, ErrorReason::InvalidField, &field);

    let mut answer = http.post(ADD, PROTO, "", &frame(&[0xFF; 8])).await;
    assert_eq!(answer.status().await.code(), tonic::Code::Internal);
    let mut answer = http.post("/hatd.v1.HatService/Unknown", PROTO, "", &frame(&[])).await;
    assert_eq!(answer.status().await.code(), tonic::Code::Unimplemented);
    let mut answer = http.post(ADD, PROTO, "", &[0, 0xFF, 0xFF, 0xFF, 0xFF, 7]).await;
    let limit = [("limit", "4194304")];
    check_status("4 GiB", &answer.status().await, ErrorReason::MessageTooLarge, &limit);
    let message = frame(&add_request(ROOM, USER, HAT).encode_to_vec());
    let mut answer = http.post(ADD, PROTO, "grpc-timeout: 0S\r\n", &message).await;
    assert_eq!(answer.status().await.code(), tonic::Code::DeadlineExceeded);
    assert_eq!(hatd.state().await, before);
}

#[tokio::test]
async fn a_watch_streams_until_the_server_says_goodbye() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let selector = pb::WatchSelector { room_jid: ROOM.into(), ..Default::default() };
    let mut http = Http1::connect(&hatd).await;
    let mut watch = http.post_message(WATCH, &watch_request(selector)).await;
    assert_eq!((watch.status, watch.headers["content-type"].as_str()), (200, PROTO));

    let mut token = String::new();
    let mut next = async || {
        let response: pb::WatchHatsResponse = watch.message().await;
        assert_eq!(response.after, token);
        token.clone_from(&response.token);
        response.event.unwrap()
    };
    assert!(matches!(next().await, Event::Reset(_)));
    let mut rooms = Vec::new();
    loop {
        let Event::Snapshot(page) = next().await else { panic!("a page expected") };
        rooms.extend(page.rooms.into_iter().map(|room| room.room_jid));
        if page.complete {
            break;
        }
    }
    assert_eq!(rooms, [ROOM]);
    assert!(matches!(next().await, Event::Bookmark(_)));

    hatd.give(ROOM, USER, HAT).await;
    let Event::Changes(changes) = next().await else { panic!("changes expected") };
    assert_eq!(changes.commits[0].users[0].changes[0].hat_id, HAT);

    hatd.stop();
    let Event::GoAway(go_away) = next().await else { panic!("a goodbye expected") };
    assert_eq!(go_away.reason(), pb::GoAwayReason::Shutdown);
    assert_eq!(watch.status().await.code(), tonic::Code::Ok);
    drop(http);
    hatd.stopped().await;
}

#[tokio::test]
async fn a_deadline_ends_a_watch() {
    let hatd = Hatd::start().await;
    let mut http = Http1::connect(&hatd).await;
    let message = frame(&pb::WatchHatsRequest::default().encode_to_vec());
    let mut watch = http.post(WATCH, PROTO, "grpc-timeout: 50m\r\n", &message).await;
    loop {
        match watch.frame().await {
            Some(WebFrame::Message(_)) => {}
            Some(WebFrame::Trailers(trailers)) => {
                assert_eq!(trailers["grpc-status"], "4");
                break;
            }
            None => panic!("no trailers"),
        }
    }
}

#[tokio::test]
async fn text_is_base64_of_the_same_frames() {
    let hatd = Hatd::start().await;
    hatd.put_member().await;
    let mut http = Http1::connect(&hatd).await;
    let content_type = "application/grpc-web-text+proto";
    let message = STANDARD.encode(frame(&add_request(ROOM, USER, HAT).encode_to_vec()));
    let accept = format!("accept: {content_type}\r\n");
    let mut answer = http.post(ADD, content_type, &accept, message.as_bytes()).await;
    assert_eq!(answer.headers["content-type"], content_type);
    while !answer.ended {
        answer.read().await;
    }
    // Each frame may be padded for itself: four characters are three bytes, whichever they are of.
    let quads = answer.buffer.chunks(4).map(|quad| STANDARD.decode(quad).unwrap());
    answer.buffer = quads.collect::<Vec<_>>().concat();
    assert!(answer.message::<pb::AddUserHatResponse>().await.changed);
    assert_eq!(answer.status().await.code(), tonic::Code::Ok);
}
