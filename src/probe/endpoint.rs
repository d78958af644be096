//! Where a gateway is to be found, and which secrets are meant for it.

use super::run::SecretCandidate;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use tokio_tungstenite::tungstenite::http::Uri;

/// A gateway URL in parts. Text form: `ws://host:port/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

/// A text that is no gateway URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It can't be parsed.
    #[error("`{0}` is no gateway URL; expected a form like ws://127.0.0.1:18789 or wss://gateway.example")]
    Malformed(String),
    /// It is another kind of URL.
    #[error("`{0}` is no scheme of a gateway; expected ws, wss, http or https")]
    Scheme(String),
    /// It carries credentials, which would end up in outputs.
    #[error("the gateway URL carries a user name or password; leave them out")]
    Credentials,
}

impl Endpoint {
    /// A plain or TLS endpoint at an address.
    pub fn at(address: SocketAddr, tls: bool) -> Self {
        Self { tls, host: address.ip().to_string(), port: address.port(), path: "/".to_owned() }
    }

    /// Whether it is `wss`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of the WebSocket, starting with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same place, but with TLS.
    pub(super) fn with_tls(&self) -> Self {
        Self { tls: true, ..self.clone() }
    }

    /// The host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether the host is a loopback address or the name `localhost`, so that looking it up asks nobody.
    pub fn is_loopback(&self) -> bool {
        self.ip().map_or_else(|| self.host.eq_ignore_ascii_case("localhost"), is_loopback)
    }

    /// `host:port`, with brackets around an IPv6 address: the `Host` header.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Loopback also in its IPv4-mapped form.
pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bad = || EndpointError::Malformed(super::text::bounded(text));
        let spelled = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let uri: Uri = spelled.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            other => return Err(EndpointError::Scheme(super::text::bounded(other.unwrap_or_default()))),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        // Not by `Authority::port`, which takes a number that is no port for none.
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" if tls => 443,
            "" => 80,
            text => {
                text.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0).ok_or_else(bad)?
            }
        };
        if host.is_empty() {
            return Err(bad());
        }
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Ok(Self { tls, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        let path = if self.path == "/" { "" } else { &self.path };
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

/// The SHA-256 of a certificate, as `gateway.remote.tlsFingerprint` holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub(super) [u8; 32]);

impl FromStr for Fingerprint {
    type Err = EndpointError;

    /// 64 hex digits, with or without colons, spaces, upper case, or a leading `sha256:`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || EndpointError::Malformed(super::text::bounded(text));
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix("sha256:").or_else(|| lower.strip_prefix("sha-256:")).unwrap_or(&lower);
        let digits: Vec<u8> = digits.bytes().filter(|byte| !matches!(byte, b':' | b' ' | b'-')).collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

/// An endpoint with what belongs to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where to dial.
    pub endpoint: Endpoint,
    /// The certificate that must be shown.
    pub pin: Option<Fingerprint>,
    /// The secrets that are meant for this gateway, and for no other.
    pub secrets: Vec<SecretCandidate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().expect("an endpoint")
    }

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(endpoint("ws://127.0.0.1:18789").to_string(), "ws://127.0.0.1:18789");
        assert_eq!(endpoint("[::1]:18789").authority(), "[::1]:18789");
        assert_eq!(endpoint("wss://host.tail1234.ts.net/gw").to_string(), "wss://host.tail1234.ts.net:443/gw");
        assert_eq!(endpoint("https://h").port(), 443);
        assert!(endpoint("localhost:1").is_loopback());
        assert!(endpoint("ws://[::ffff:127.0.0.1]:1").is_loopback());
        assert!(!endpoint("ws://192.168.1.2:1").is_loopback());
        assert!(!endpoint("ws://localhost.example:1").is_loopback());
    }

    #[test]
    fn urls_that_are_none_are_refused() {
        for text in ["", "ws://", "ftp://h:1", "ws://h:99999", "ws://h:0", "ws://h:", "ws://a b:1", "ws://u:p@h:1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        assert_eq!("ws://:secret@h:1".parse::<Endpoint>(), Err(EndpointError::Credentials));
    }

    #[test]
    fn fingerprints_are_read_in_their_usual_forms() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(plain.parse::<Fingerprint>(), format!("SHA256:{colons}").parse());
        assert!("ab".parse::<Fingerprint>().is_err());
        assert!("zz".repeat(32).parse::<Fingerprint>().is_err());
    }
}
