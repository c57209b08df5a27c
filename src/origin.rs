//! Origins of web pages (RFC 6454), which say what pages may call.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use url::Url;

/// The pages of one origin, such as `https://chat.example`, or `*`: all pages.
///
/// An origin is spelt as browsers spell it: in lower case, with a Unicode name as A-labels, and
/// without a port that goes without saying.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// A text that is neither an origin nor `*`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin: scheme://host or scheme://host:port, such as https://chat.example, \
     without a wildcard or anything after it; or * for any"
)]
pub struct InvalidOrigin(String);

impl Origin {
    /// Whether these are all pages, wherever they come from.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether a page is among these; `origin` is the `Origin` header that its browser sends.
    pub fn includes(&self, origin: &[u8]) -> bool {
        self.is_any() || self.0.as_bytes() == origin
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let spelling = if text == "*" { Some(text.to_owned()) } else { as_browsers_spell(text) };
        spelling.map(Self).ok_or_else(|| InvalidOrigin(text.to_owned()))
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

/// The origin as it stands in an `Origin` header, or `None` if the text is more or less than one.
fn as_browsers_spell(text: &str) -> Option<String> {
    // The standard that `Url` and browsers follow forgives much, such as a `\` or a line break, and
    // takes a `*` for a part of a name.
    let (scheme, authority) = text.split_once("://")?;
    let is_stray = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '@' | '*' | '\0'..=' ');
    if scheme.contains(is_stray) || authority.contains(is_stray) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let (scheme, host) = (url.scheme(), url.host_str()?);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_spelt_as_browsers_spell_them() {
        let check = |text: &str, expected: &str| {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), expected, "{text:?}");
            assert!(origin.includes(expected.as_bytes()), "{text:?}");
            assert_eq!(expected.parse(), Ok(origin), "{text:?}");
        };
        check("https://chat.example", "https://chat.example");
        check("HTTPS://Chat.Example", "https://chat.example");
        check("https://chat.example:443", "https://chat.example");
        check("http://chat.example:80", "http://chat.example");
        check("http://chat.example:443", "http://chat.example:443");
        check("https://chat.example:8443", "https://chat.example:8443");
        check("http://localhost:5173", "http://localhost:5173");
        check("http://chat_1:80", "http://chat_1");
        check("https://bücher.example", "https://xn--bcher-kva.example");
        check("http://127.0.0.1:8080", "http://127.0.0.1:8080");
        check("http://[::1]:8080", "http://[::1]:8080");
        check("http://[2001:DB8:0::1]", "http://[2001:db8::1]");
        check("http://[::ffff:192.0.2.1]", "http://[::ffff:c000:201]");
        check("chrome-extension://abcdefgh", "chrome-extension://abcdefgh");
        check("tauri://localhost", "tauri://localhost");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "null",
            "chat.example",
            "chat.example:443",
            "//chat.example",
            "://chat.example",
            "https://",
            "https:chat.example",
            "https://chat.example/",
            "https://chat.example/hats",
            "https:\\\\chat.example",
            "https://chat.example\\hats",
            "https://chat.example?hats",
            "https://chat.example#hats",
            "https://me@chat.example",
            "https://chat.example:65536",
            "https://chat.example:https",
            "https://[::1",
            "https://*",
            "https://*.example",
            "https://chat.example:*",
            "*://chat.example",
            "**",
            " https://chat.example",
            "https://chat.example ",
            "https://chat.example\n",
            "https://chat example",
            "https://chat.example,https://b.example",
            "file://",
            "file:///srv/index.html",
        ] {
            let error = text.parse::<Origin>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not an origin: ")), "{error}");
        }
    }

    #[test]
    fn an_origin_is_itself_alone_and_the_star_is_any() {
        let one: Origin = "https://chat.example".parse().unwrap();
        for other in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://a.chat.example",
            "https://chat.example.evil.example",
            "https://chat.exampl",
            "null",
            "*",
            "",
        ] {
            assert!(!one.includes(other.as_bytes()), "{other:?}");
        }
        let any: Origin = "*".parse().unwrap();
        assert!(any.is_any() && !one.is_any());
        for page in [&b"https://chat.example"[..], b"null", b"\xFF"] {
            assert!(any.includes(page));
        }
    }
}
