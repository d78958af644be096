//! Servers for tests: each listens on a loopback port of its own and serves every connection on a thread.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocket};

/// The token that the replayed gateways take for the right one.
pub(super) const RIGHT: &str = "the-right-token-of-the-fake-gateway";

/// Everything that a server was sent, as bytes and once more decoded.
pub(super) type Log = Arc<Mutex<Vec<u8>>>;

/// A server, and everything that was sent to it.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    received: Log,
}

impl Fake {
    /// A server on `bind` that serves each connection with `serve`.
    pub(super) fn start<F>(bind: &str, serve: F) -> Self
    where
        F: Fn(Recorded) + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(bind).expect("bind a loopback port");
        let address = listener.local_addr().expect("its address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, serve) = (received.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serve, log) = (serve.clone(), log.clone());
                std::thread::spawn(move || serve(Recorded { stream, log }));
            }
        });
        Self { address, received }
    }

    /// A server that answers every request with these bytes and closes.
    pub(super) fn answering(bytes: &'static [u8]) -> Self {
        Self::start("127.0.0.1:0", move |mut wire| {
            read_request(&mut wire);
            let _ = wire.write_all(bytes);
        })
    }

    /// A gateway that opens WebSockets and then does as told.
    pub(super) fn web_socket<F>(serve: F) -> Self
    where
        F: Fn(WebSocket<Recorded>) + Send + Sync + 'static,
    {
        Self::start("127.0.0.1:0", move |mut wire| {
            let request = read_request(&mut wire);
            if let Some(socket) = upgrade(wire, &request) {
                serve(socket);
            }
        })
    }

    /// A gateway that replays what a real one of this release said.
    pub(super) fn replaying(release: &'static str, bind: &str) -> Self {
        Self::start(bind, move |wire| replay(release, wire))
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Whether these bytes were ever sent to it.
    pub(super) fn has_received(&self, bytes: &[u8]) -> bool {
        let received = self.received.lock().expect("the record");
        received.windows(bytes.len()).any(|window| window == bytes)
    }

    /// How often this text was sent to it.
    pub(super) fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.received.lock().expect("the record")).matches(text).count()
    }
}

/// A connection that remembers what it was sent.
pub(super) struct Recorded {
    stream: TcpStream,
    log: Log,
}

impl Recorded {
    /// Where to note what was received inside another encoding, e.g. masked or encrypted.
    pub(super) fn log(&self) -> Log {
        self.log.clone()
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Read for Recorded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.log.lock().expect("the record").extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

/// Reads up to the empty line that ends a request.
pub(super) fn read_request(wire: &mut impl Read) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(wire.read(&mut byte), Ok(1)) {
        request.push(byte[0]);
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Accepts an upgrade, if the request is one.
pub(super) fn upgrade<S: Read + Write>(mut wire: S, request: &str) -> Option<WebSocket<S>> {
    let key = header(request, "Sec-WebSocket-Key")?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    wire.write_all(answer.as_bytes()).ok()?;
    Some(WebSocket::from_raw_socket(wire, Role::Server, None))
}

pub(super) fn fixture(release: &str, name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures/protocol", release, name].iter().collect();
    std::fs::read(path).ok()
}

/// The frames and the close of a capture.
pub(super) fn frames(release: &str, name: &str) -> Vec<String> {
    let text = String::from_utf8(fixture(release, name).expect("a capture")).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn replay(release: &str, mut wire: Recorded) {
    let request = read_request(&mut wire);
    let forwarded = header(&request, "X-Forwarded-For").is_some();
    if header(&request, "Upgrade").is_none() {
        let path = request.split(' ').nth(1).unwrap_or("/").trim_matches('/');
        let name = if path.is_empty() { "root" } else { path };
        let forwarded = forwarded.then(|| fixture(release, &format!("{name}-forwarded.http"))).flatten();
        let plain = || fixture(release, &format!("{name}.http")).or_else(|| fixture(release, "root.http"));
        let answer = forwarded.or_else(plain).expect("a page");
        let _ = wire.write_all(&answer);
        return;
    }
    if let Some(refusal) = forwarded.then(|| fixture(release, "upgrade-forwarded.http")).flatten() {
        let _ = wire.write_all(&refusal);
        return;
    }
    let _ = wire.stream().set_read_timeout(Some(Duration::from_secs(10)));
    let log = wire.log();
    if let Some(mut socket) = upgrade(wire, &request) {
        converse(release, &mut socket, &log);
    }
}

/// The gateway's side of one handshake, from the captures.
pub(super) fn converse<S: Read + Write>(release: &str, socket: &mut WebSocket<S>, log: &Log) {
    let challenge = frames(release, "no-auth.frames").remove(0);
    let _ = socket.send(Message::text(challenge));
    let Ok(Message::Text(asked)) = socket.read() else { return };
    log.lock().expect("the record").extend_from_slice(asked.as_bytes());
    let asked: serde_json::Value = serde_json::from_str(&asked).expect("a JSON request");
    let auth = &asked["params"]["auth"];
    let name = match (asked["params"]["minProtocol"].as_u64(), auth["token"].as_str(), auth["password"].as_str()) {
        (Some(1000), ..) => "protocol-1000.frames",
        (_, Some(RIGHT), _) => "right-token.frames",
        (_, Some(_), _) => "wrong-token.frames",
        (_, _, Some(_)) => "password-instead.frames",
        _ => "no-auth.frames",
    };
    for line in frames(release, name).into_iter().skip(1) {
        match line.strip_prefix("close ").and_then(|close| close.split_once(' ')) {
            None => drop(socket.send(Message::text(line))),
            // After hello-ok the client said goodbye first.
            Some(("1000", _)) => while socket.read().is_ok() {},
            Some((code, reason)) => {
                let code = code.parse::<u16>().expect("a close code").into();
                let _ = socket.close(Some(CloseFrame { code, reason: reason.into() }));
                while socket.read().is_ok() {}
            }
        }
    }
}

/// Notes what a client sends on a WebSocket until it hangs up, unmasked, so that a secret in it would be seen.
pub(super) fn listen(socket: &mut WebSocket<Recorded>) {
    let log = socket.get_ref().log();
    while let Ok(message) = socket.read() {
        log.lock().expect("the record").extend_from_slice(&message.into_data());
    }
}

/// A listener that never accepts and whose queue is full, so that further connections get no answer at all.
pub(super) struct FullBacklog {
    pub(super) address: SocketAddr,
    _queued: Vec<TcpStream>,
    _listener: tokio::net::TcpListener,
    _runtime: tokio::runtime::Runtime,
}

pub(super) fn full_backlog() -> FullBacklog {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("bind");
        socket.listen(1).expect("listen")
    });
    let address = listener.local_addr().expect("its address");
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    let queued = (0..4).map_while(connect).collect();
    FullBacklog { address, _queued: queued, _listener: listener, _runtime: runtime }
}
