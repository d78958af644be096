//! Opens connections: TCP, and TLS on it. No proxy settings of the environment are looked at.

use super::endpoint::{Endpoint, Fingerprint, is_loopback};
use super::facts::{Connect, TlsSeen};
use super::protocol::millis;
use super::tls::{self, Roots};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

/// Something to talk on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// An open connection.
pub(super) struct Line {
    pub(super) wire: Box<dyn Wire>,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) connect_ms: u64,
    pub(super) tls: Option<TlsSeen>,
}

/// Why there is no line.
#[derive(Debug)]
pub(super) enum DialError {
    /// No TCP connection.
    Tcp(Connect),
    /// A TCP connection, but no TLS on it.
    Tls { connect: Connect, reason: String },
}

/// What to dial.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    pub(super) endpoint: Endpoint,
    pub(super) address: SocketAddr,
    pub(super) pin: Option<Fingerprint>,
    pub(super) roots: Roots,
}

impl Dial {
    /// One address of an endpoint. The system's roots are asked only beyond loopback, where nothing else proves the far
    /// end.
    pub(super) fn new(endpoint: Endpoint, address: SocketAddr, pin: Option<Fingerprint>) -> Self {
        let roots = if is_loopback(address.ip()) { Roots::NotAsked } else { Roots::System };
        Self { endpoint, address, pin, roots }
    }

    /// Opens a connection within the limit, which holds for TCP and TLS each.
    pub(super) async fn open(&self, limit: Duration) -> Result<Line, DialError> {
        let started = Instant::now();
        let stream = match timeout(limit, TcpStream::connect(self.address)).await {
            Err(_) => return Err(DialError::Tcp(Connect::Filtered { waited_ms: millis(limit) })),
            Ok(Err(error)) => return Err(DialError::Tcp(failure(&error, started.elapsed()))),
            Ok(Ok(stream)) => stream,
        };
        let connect_ms = millis(started.elapsed());
        let addresses = stream.local_addr().and_then(|local| Ok((local, stream.peer_addr()?)));
        let (local, peer) = addresses.map_err(|error| DialError::Tcp(failure(&error, started.elapsed())))?;
        if !self.endpoint.is_tls() {
            return Ok(Line { wire: Box::new(stream), local, peer, connect_ms, tls: None });
        }
        let connect = Connect::Connected { ms: connect_ms };
        match timeout(limit, tls::wrap(stream, self.endpoint.host(), self.pin, &self.roots)).await {
            Ok(Ok((stream, seen))) => Ok(Line { wire: Box::new(stream), local, peer, connect_ms, tls: Some(seen) }),
            Ok(Err(reason)) => Err(DialError::Tls { connect, reason }),
            Err(_) => Err(DialError::Tls { connect, reason: format!("no TLS handshake within {} ms", millis(limit)) }),
        }
    }
}

fn failure(error: &std::io::Error, waited: Duration) -> Connect {
    let reason = error.to_string();
    match error.kind() {
        ErrorKind::ConnectionRefused => Connect::Refused,
        ErrorKind::TimedOut => Connect::Filtered { waited_ms: millis(waited) },
        ErrorKind::AddrNotAvailable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::Unsupported => Connect::Unavailable { reason },
        _ => Connect::Failed { reason },
    }
}

/// The addresses of an endpoint, without asking anybody where it names one itself.
pub(super) async fn resolve(endpoint: &Endpoint, limit: Duration) -> Result<Vec<SocketAddr>, String> {
    if let Some(ip) = endpoint.ip() {
        return Ok(vec![SocketAddr::new(ip, endpoint.port())]);
    }
    let found = match timeout(limit, tokio::net::lookup_host((endpoint.host(), endpoint.port()))).await {
        Err(_) => return Err(format!("no answer from the resolver within {} ms", millis(limit))),
        Ok(Err(error)) => return Err(error.to_string()),
        Ok(Ok(found)) => found,
    };
    let mut addresses = Vec::new();
    for address in found {
        if !addresses.contains(&address) && addresses.len() < MOST_ADDRESSES {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err("the name has no address".to_owned()) } else { Ok(addresses) }
}
