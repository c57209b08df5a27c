//! How a connection is made.

use std::{error::Error as StdError, net::IpAddr, sync::Arc, time::Duration};

use tonic::{
    Status,
    transport::{Channel, Endpoint, Uri},
};

use crate::{
    Client, Error, Tls,
    client::{Shared, Timeouts},
    connection::Connection,
    credentials::Credentials,
    error::Cause,
};

/// How long a read may take, retries included, unless said otherwise. Our choice.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a write may take, retries included, unless said otherwise: long enough for a server
/// that is being replaced.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one attempt to connect may take. Our choice.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a connection is probed, also without calls, so that a dead one is noticed.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long the answer to a probe may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that a stream may send ahead of its reader. Small against the connection's window, so
/// that dozens of watches nobody reads leave room for calls. Our choice.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// Bytes that all streams of a connection may send ahead of their readers. Our choice.
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Longest response, in bytes: the limit of the contract.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The settings of a connection.
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until they are connected with"]
pub struct Builder {
    timeouts: Timeouts,
    connect_timeout: Duration,
    message_bytes_max: usize,
    user_agent: String,
    credentials: Credentials,
    tls: Option<Tls>,
    plaintext_allowed: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            timeouts: Timeouts { read: READ_TIMEOUT, write: WRITE_TIMEOUT },
            connect_timeout: CONNECT_TIMEOUT,
            message_bytes_max: MESSAGE_BYTES_MAX,
            user_agent: concat!("hatd-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            credentials: Credentials::None,
            tls: None,
            plaintext_allowed: false,
        }
    }
}

impl Builder {
    /// How long a read may take, retries included. Default: 5 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.read = timeout;
        self
    }

    /// How long a write may take, retries included. Default: 30 s, long enough for a hatd that is
    /// being replaced.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.write = timeout;
        self
    }

    /// How long one attempt to connect may take. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest response that is taken, in bytes. Default: 4 MiB, the server's own limit.
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Names the program, in front of this crate's own name and version.
    pub fn user_agent(mut self, program: &str) -> Self {
        self.user_agent = format!("{program} {}", Self::default().user_agent);
        self
    }

    /// Sends this API key with each call, as `authorization: Bearer KEY`.
    pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
        self.credentials = Credentials::fixed(key.as_ref());
        self
    }

    /// Sends the API key that `source` returns with each call, as `authorization: Bearer KEY`.
    ///
    /// It is asked for a key before the first call, and for another when the server answers
    /// UNAUTHENTICATED: the call, or the watch, is then tried once more. Callers wait for it, so it
    /// should be as quick as reading a small file.
    ///
    /// ```
    /// # use hatd_client::Client;
    /// let hatd = Client::builder().api_key_from(|| std::fs::read_to_string("/etc/hatd/api-key"));
    /// ```
    pub fn api_key_from<E>(
        mut self,
        source: impl Fn() -> Result<String, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.credentials =
            Credentials::provided(move || source().map_err(|error| Arc::from(error.into())));
        self
    }

    /// Whom to trust, and who to be, on a connection with TLS. Default: the system's roots, and
    /// nobody.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Allows `http://` to other machines: calls, answers and the API key are then readable on the
    /// way.
    pub fn allow_plaintext(mut self) -> Self {
        self.plaintext_allowed = true;
        self
    }

    /// Connects to a hatd: `https://host:port` with TLS, or `http://host:port` without, which is
    /// for this machine only (`localhost`, `127.0.0.0/8`, `[::1]`) unless
    /// [`Builder::allow_plaintext`] says otherwise. A bare `host:port` is without TLS on this
    /// machine if no [`Builder::tls`] is given, and with it anywhere else.
    ///
    /// # Errors
    ///
    /// As [`Builder::connect_lazy`], or [`Error::Transport`] if nothing answers there.
    pub async fn connect(self, target: impl Into<String>) -> Result<Client, Error> {
        let endpoint = self.endpoint(target.into())?;
        match endpoint.connect().await {
            Ok(channel) => Ok(self.client(channel, Some(endpoint))),
            Err(error) => Err(Error::from_status(Status::from_error(Box::new(error)))),
        }
    }

    /// Returns a client that connects with its first call, so that the server may start later. The
    /// target is that of [`Builder::connect`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTarget`], [`Error::PlaintextRefused`], [`Error::InvalidTls`], and
    /// [`Error::ApiKey`] if the key of [`Builder::api_key`] is empty or no header can carry it.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect_lazy(self, target: impl Into<String>) -> Result<Client, Error> {
        let endpoint = self.endpoint(target.into())?;
        Ok(self.client(endpoint.connect_lazy(), Some(endpoint)))
    }

    /// Returns a client over a channel that the caller made: a Unix socket, a server in this
    /// process. The settings of the connection itself, TLS among them, are then the channel's, and
    /// an API key is sent over it in any case.
    pub fn with_channel(self, channel: Channel) -> Client {
        self.client(channel, None)
    }

    fn client(self, channel: Channel, endpoint: Option<Endpoint>) -> Client {
        let connection = Connection::new(channel, endpoint, self.message_bytes_max);
        Client::new(self.timeouts, Shared::new(connection, self.credentials))
    }

    fn endpoint(&self, target: String) -> Result<Endpoint, Error> {
        self.credentials.check()?;
        let uri = match self.uri(&target) {
            Ok(uri) => uri,
            Err(source) => return Err(Error::InvalidTarget { target, source }),
        };
        let with_tls = uri.scheme_str() == Some("https");
        if !with_tls && !self.plaintext_allowed && !is_loopback(&uri) {
            return Err(Error::PlaintextRefused { target });
        }

        let endpoint = match Endpoint::from(uri).user_agent(self.user_agent.clone()) {
            Ok(endpoint) => endpoint
                .connect_timeout(self.connect_timeout)
                .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
                .keep_alive_timeout(KEEPALIVE_TIMEOUT)
                .keep_alive_while_idle(true)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(CONNECTION_WINDOW_BYTES),
            Err(source) => {
                return Err(Error::InvalidTarget { target, source: Some(Arc::new(source)) });
            }
        };
        if with_tls { self.tls.clone().unwrap_or_default().apply(endpoint) } else { Ok(endpoint) }
    }

    /// Returns what a target stands for, or what is wrong with it.
    fn uri(&self, target: &str) -> Result<Uri, Option<Cause>> {
        let parse =
            |text: String| text.parse::<Uri>().map_err(|error| Some(Arc::new(error) as Cause));
        let uri = if target.contains("://") {
            parse(target.to_owned())?
        } else {
            let plaintext = parse(format!("http://{target}"))?;
            if self.tls.is_none() && is_loopback(&plaintext) {
                plaintext
            } else {
                parse(format!("https://{target}"))?
            }
        };
        match uri.scheme_str() {
            Some("http") if self.tls.is_some() => Err(Some(Arc::new(TlsWithoutTls))),
            Some("http" | "https") if is_address(&uri) => Ok(uri),
            _ => Err(None),
        }
    }
}

/// Whether a URI is a host and a port, or a host alone, and nothing more.
fn is_address(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    // A port that is no number is only in the authority, as is what stands before an `@`.
    let authority = match uri.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    !host.is_empty()
        && uri.authority().is_some_and(|given| *given == *authority)
        && matches!(uri.path(), "" | "/")
        && uri.query().is_none()
}

/// Whether a target is this machine, whatever network it is on.
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[derive(Debug, thiserror::Error)]
#[error("TLS settings are given, and http:// is without TLS")]
struct TlsWithoutTls;

#[cfg(test)]
mod tests {
    use super::*;

    /// The address that a target stands for, or the error's variant.
    fn address(builder: &Builder, target: &str) -> String {
        match builder.endpoint(target.to_owned()) {
            Ok(endpoint) => endpoint.uri().to_string(),
            Err(Error::InvalidTarget { .. }) => "invalid".to_owned(),
            Err(Error::PlaintextRefused { .. }) => "refused".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    fn check(builder: &Builder, cases: &[(&str, &str)]) {
        for (target, expected) in cases {
            assert_eq!(address(builder, target), *expected, "{target}");
        }
    }

    /// Settings with a root of their own, as not every machine that tests has any.
    fn with_tls() -> Builder {
        let key = rcgen::generate_simple_self_signed(["hatd.example".to_owned()]).unwrap();
        Client::builder().tls(Tls::new().ca_certificate(key.cert.pem()))
    }

    #[test]
    fn plaintext_stays_on_this_machine() {
        check(
            &Client::builder(),
            &[
                ("http://127.0.0.1:50051", "http://127.0.0.1:50051/"),
                ("http://127.8.9.10:50051/", "http://127.8.9.10:50051/"),
                ("http://[::1]:50051", "http://[::1]:50051/"),
                ("http://LocalHost:50051", "http://LocalHost:50051/"),
                ("localhost:50051", "http://localhost:50051/"),
                ("127.0.0.1:50051", "http://127.0.0.1:50051/"),
                ("[::1]:50051", "http://[::1]:50051/"),
                ("http://hatd.example:50051", "refused"),
                ("http://10.0.0.1:50051", "refused"),
                ("http://[2001:db8::1]:50051", "refused"),
                ("http://localhost.example:50051", "refused"),
                ("http://127.0.0.1.example:50051", "refused"),
            ],
        );
    }

    #[test]
    fn plaintext_goes_anywhere_if_allowed() {
        check(
            &Client::builder().allow_plaintext(),
            &[
                ("http://hatd.example:50051", "http://hatd.example:50051/"),
                ("localhost:50051", "http://localhost:50051/"),
            ],
        );
    }

    #[test]
    fn a_bare_target_is_encrypted_unless_it_is_this_machine() {
        check(
            &with_tls(),
            &[
                ("hatd.example:50051", "https://hatd.example:50051/"),
                ("localhost:50051", "https://localhost:50051/"),
                ("https://127.0.0.1:50051", "https://127.0.0.1:50051/"),
                ("http://127.0.0.1:50051", "invalid"),
            ],
        );
        let uri = Client::builder().uri("hatd.example:50051").unwrap();
        assert_eq!(uri.scheme_str(), Some("https"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for target in [
            "",
            ":50051",
            "http://",
            "https://",
            "ftp://localhost",
            "http://a b",
            "http://localhost:50051/hats",
            "http://localhost:50051?a",
            "http://localhost:port",
            "http://localhost:",
            "http://localhost:99999",
            "http://localhost@hatd.example:50051",
        ] {
            assert_eq!(address(&Client::builder(), target), "invalid", "{target:?}");
        }
    }
}
