//! HTTP/1.1 by hand, and what is read from it: gRPC-Web as a browser has it.

use std::{collections::BTreeMap, net::SocketAddr};

use prost::Message;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::support::*;

/// The content type of gRPC-Web, as browsers send it.
pub(crate) const PROTO: &str = "application/grpc-web+proto";

/// A connection that speaks HTTP/1.1.
pub(crate) struct Http1 {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// A response as it comes.
pub(crate) struct Incoming<'a> {
    http: &'a mut Http1,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// What has come of the body and is not read yet.
    pub(crate) buffer: Vec<u8>,
    pub(crate) ended: bool,
}

/// A frame of gRPC-Web.
#[derive(Debug)]
pub(crate) enum WebFrame {
    Message(Vec<u8>),
    /// The end of the answer: the trailers, in one frame.
    Trailers(BTreeMap<String, String>),
}

impl Http1 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), address }
    }

    /// Calls by gRPC-Web. `headers` are lines, each with its end.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        headers: &str,
        body: &[u8],
    ) -> Incoming<'_> {
        let headers = format!(
            "content-type: {content_type}\r\nx-grpc-web: 1\r\ncontent-length: {}\r\n{headers}",
            body.len(),
        );
        self.request("POST", path, &headers, body).await
    }

    /// Sends a request that need not be a call. `headers` are lines, each with its end.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Incoming<'_> {
        let host = self.address;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).await.unwrap();

        let status = self.line().await.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let ended = status == 204;
        let mut incoming = Incoming { http: self, status, headers, buffer: vec![], ended };
        if let Some(len) = incoming.headers.get("content-length") {
            incoming.buffer = vec![0; len.parse().unwrap()];
            incoming.http.stream.read_exact(&mut incoming.buffer).await.unwrap();
            incoming.ended = true;
        }
        incoming
    }

    pub(crate) async fn post_message(
        &mut self,
        path: &str,
        message: &impl Message,
    ) -> Incoming<'_> {
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
    pub(crate) async fn read(&mut self) {
        assert_eq!(self.headers["transfer-encoding"], "chunked");
        let len = usize::from_str_radix(&self.http.line().await, 16).unwrap();
        let start = self.buffer.len();
        self.buffer.resize(start + len, 0);
        self.http.stream.read_exact(&mut self.buffer[start..]).await.unwrap();
        assert_eq!(self.http.line().await, "");
        self.ended = len == 0;
    }

    /// The next frame, if there is one.
    pub(crate) async fn frame(&mut self) -> Option<WebFrame> {
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

    pub(crate) async fn message<M: Message + Default>(&mut self) -> M {
        match self.frame().await {
            Some(WebFrame::Message(bytes)) => M::decode(&bytes[..]).unwrap(),
            other => panic!("a message expected: {other:?}"),
        }
    }

    /// The status, in the headers of an answer without messages, or else in its last frame.
    pub(crate) async fn status(&mut self) -> tonic::Status {
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
