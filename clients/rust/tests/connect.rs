//! The way to the server: TLS, API keys, and what is refused before anything is sent.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    error::Error as StdError,
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use hatd_client::{Builder, Client, Code, Error, Tls, WatchOptions, pb};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::{Hatd, Step};
use tonic::{
    Status,
    transport::{Certificate, Identity, ServerTlsConfig},
};

/// A certificate and its key, in PEM.
struct Signed {
    certificate: String,
    key: String,
}

/// An authority for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// What a server with a certificate for `name` does.
    fn server(&self, name: &str) -> ServerTlsConfig {
        let Signed { certificate, key } = self.sign(name);
        ServerTlsConfig::new().identity(Identity::from_pem(certificate, key))
    }
}

async fn add(builder: Builder, target: String) -> Result<pb::AddUserHatResponse, Error> {
    builder.connect(target).await?.add_user_hat(pb::AddUserHatRequest::default()).await
}

fn bookmark(after: &str, token: &str) -> Step {
    let event = pb::watch_hats_response::Event::Bookmark(pb::WatchBookmark::default());
    let (after, token) = (after.into(), token.into());
    Step::Send(pb::WatchHatsResponse { after, token, event: Some(event) })
}

/// All that an error says, with what caused it.
fn text(error: &dyn StdError) -> String {
    let source = error.source().map(text).unwrap_or_default();
    format!("{error}: {source}")
}

#[tokio::test]
async fn a_server_is_trusted_if_the_authority_signed_its_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let hatd = Hatd::new();
    let address = hatd.listen(ours.server("127.0.0.1")).await;
    let elsewhere = hatd.listen(ours.server("hatd.example")).await;

    let trusting = |authority: &Authority| {
        let tls = Tls::new().ca_certificate(authority.certificate());
        Client::builder().tls(tls).api_key("key")
    };
    add(trusting(&ours), format!("https://{address}")).await.unwrap();
    add(trusting(&ours), address.to_string()).await.unwrap();
    assert_eq!(hatd.keys(), ["key", "key"]);

    for (builder, address) in [(trusting(&theirs), address), (trusting(&ours), elsewhere)] {
        let error = add(builder, address.to_string()).await.unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert!(text(&error).contains("certificate"), "{}", text(&error));
    }
    assert_eq!(hatd.headers().len(), 2);
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = Authority::new();
    let hatd = Hatd::new();
    let server = authority.server("127.0.0.1");
    let root = Certificate::from_pem(authority.certificate());
    let address = hatd.listen(server.client_ca_root(root)).await.to_string();

    let tls = Tls::new().ca_certificate(authority.certificate());
    let Signed { certificate, key } = authority.sign("bot.example");
    // The server refuses after the handshake, which looks like any connection that breaks.
    let nobody = Client::builder().tls(tls.clone()).write_timeout(Duration::from_millis(100));
    add(nobody, address.clone()).await.unwrap_err();
    add(Client::builder().tls(tls.identity(certificate, key)), address).await.unwrap();
}

#[tokio::test]
async fn a_watch_leaves_a_connection_that_is_half_open_and_calls_follow() {
    let hatd = Hatd::new().with_watches(vec![Ok(vec![bookmark("", "t1"), Step::Hang])]);
    let address = hatd.listen_deaf_at_first().await;
    let client = Client::builder().connect_lazy(address.to_string()).unwrap();
    let options = WatchOptions::default().heartbeat_interval(Duration::from_millis(20));

    let mut watch = client.watch(options);
    watch.next().await.unwrap();
    assert_eq!(watch.counters().reconnects, 1);
    client.give_hat("room", "user", "urn:hat").await.unwrap();
}

#[tokio::test]
async fn tls_settings_that_cannot_be_used_are_refused_at_once() {
    let Signed { certificate, .. } = Authority::new().sign("bot.example");
    for tls in [
        Tls::new().ca_certificate(""),
        Tls::new().ca_certificate("not PEM"),
        Tls::new().ca_certificate(&certificate).identity(&certificate, "not PEM"),
        Tls::new().ca_certificate(&certificate).identity(&certificate, &certificate),
    ] {
        let error = Client::builder().tls(tls).connect_lazy("https://hatd.example").unwrap_err();
        assert!(matches!(error, Error::InvalidTls(_)), "{error:?}");
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn plaintext_to_other_machines_is_refused_unless_allowed() {
    let error = Client::connect("http://hatd.example:50051").await.unwrap_err();
    assert!(matches!(error, Error::PlaintextRefused { .. }), "{error:?}");
    let builder = Client::builder().allow_plaintext();
    assert!(builder.connect_lazy("http://hatd.example:50051").is_ok());
}

#[tokio::test]
async fn a_key_that_no_header_carries_is_refused_at_once() {
    let error = Client::builder().api_key("a\nb").connect_lazy("localhost:50051").unwrap_err();
    assert!(matches!(error, Error::ApiKey(_)), "{error:?}");
    assert_eq!(error.code(), Code::Unauthenticated);
}

/// Keys that a source gives: key0, key1 and so on.
fn keys() -> Builder {
    let asked = AtomicU32::new(0);
    Client::builder().api_key_from(move || {
        io::Result::Ok(format!("key{}\n", asked.fetch_add(1, Ordering::Relaxed)))
    })
}

/// Refuses this many adds.
fn refuse_adds(mut refusals: u32) -> Hatd {
    Hatd::new().on_add(move |_| {
        if refusals == 0 {
            return Ok(pb::AddUserHatResponse::default());
        }
        refusals -= 1;
        Err(Status::unauthenticated("no"))
    })
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_replaced_once_a_call() {
    for (refusals, is_ok, sent) in [
        (0, true, vec!["key0", "key0"]),
        (1, true, vec!["key0", "key1", "key1"]),
        (2, false, vec!["key0", "key1", "key1"]),
    ] {
        let hatd = refuse_adds(refusals);
        let client = hatd.client_with(keys());
        let first = client.give_hat("room", "user", "urn:hat").await;
        assert_eq!(first.is_ok(), is_ok, "{first:?}");
        client.give_hat("room", "user", "urn:hat").await.unwrap();
        assert_eq!(hatd.keys(), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_stays_the_same_is_sent_once() {
    let hatd = refuse_adds(1);
    let client = hatd.client_with(Client::builder().api_key("key"));
    let error = client.give_hat("room", "user", "urn:hat").await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(hatd.keys(), ["key"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_is_the_error() {
    let failing = Client::builder().api_key_from(|| Err::<String, _>("the vault is shut"));
    let hatd = Hatd::new();
    let error = hatd.client_with(failing).give_hat("room", "user", "urn:hat").await.unwrap_err();
    assert!(matches!(error, Error::ApiKey(_)), "{error:?}");
    assert!(text(&error).contains("the vault is shut"));
    assert!(hatd.headers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_watch_replaces_a_refused_key_once_a_stream() {
    let refusal = || Status::unauthenticated("no");
    let hatd = Hatd::new().with_watches(vec![
        Err(refusal()),
        Ok(vec![bookmark("", "t1"), Step::Fail(refusal())]),
        Err(refusal()),
    ]);
    let mut watch = hatd.client_with(keys()).watch(WatchOptions::default());
    watch.next().await.unwrap();
    assert_eq!(watch.next().await.unwrap_err().code(), Code::Unauthenticated);
    assert!(matches!(watch.next().await, Err(Error::WatchEnded)));
    assert_eq!(hatd.keys(), ["key0", "key1", "key2"]);
}
