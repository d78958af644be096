//! The thin edge between the state machines and a socket. Every wait has a limit.

use super::dial::{Dial, DialError, Line, Wire};
use super::facts::{HandshakeSeen, HttpSeen, Page};
use super::http::{HttpFault, Response, ResponseReader, get_request};
use super::pages;
use super::protocol::{Ask, Handshake, Input, Limits, Step, millis};
use super::text::bounded;
use super::trust::TrustedChannel;
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Largest frame and message. A `hello-ok` of 2026.9.6 takes 15 KB on a fresh gateway and grows with what it serves.
const MOST_FRAME: usize = 4 << 20;

/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_millis(300);

/// Asks for one page on a connection of its own. `limit` bounds dialling and answering each.
pub(super) async fn get(dial: &Dial, path: &str, headers: &[(&str, &str)], limit: Duration) -> HttpSeen {
    let started = Instant::now();
    let page = match dial.open(limit).await {
        Err(DialError::Tcp(_)) => Page::None { what: "no connection".to_owned() },
        Err(DialError::Tls { reason, .. }) => Page::None { what: reason },
        Ok(mut line) => {
            let mut all = vec![("Accept", "*/*"), ("Connection", "close")];
            all.extend_from_slice(headers);
            let request = get_request(&dial.endpoint.authority(), path, &all);
            match timeout(limit, exchange(&mut line.wire, &request)).await {
                Ok(answer) => return seen_of(path, answer, started.elapsed()),
                Err(_) => Page::None { what: format!("no answer within {} ms", millis(limit)) },
            }
        }
    };
    HttpSeen { path: path.to_owned(), status: None, page, ms: millis(started.elapsed()) }
}

fn seen_of(path: &str, answer: Result<Response, HttpFault>, took: Duration) -> HttpSeen {
    let (status, page) = match answer {
        Ok(answer) => (Some(answer.status), pages::recognise(path, &answer)),
        Err(fault) => (None, pages::recognise_fault(&fault)),
    };
    HttpSeen { path: path.to_owned(), status, page, ms: millis(took) }
}

/// Sends a request and reads one answer.
async fn exchange(wire: &mut Box<dyn Wire>, request: &str) -> Result<Response, HttpFault> {
    if wire.write_all(request.as_bytes()).await.is_err() || wire.flush().await.is_err() {
        return Err(HttpFault::Ended);
    }
    let mut reader = ResponseReader::default();
    let mut piece = [0; 8 << 10];
    loop {
        match wire.read(&mut piece).await {
            Ok(0) | Err(_) => return reader.finish(),
            Ok(read) => {
                if let Some(answer) = reader.feed(piece.get(..read).unwrap_or_default())? {
                    return Ok(answer);
                }
            }
        }
    }
}

/// Decides, on a connection whose far end has spoken, whether a secret may be sent on it.
pub(super) type Prove<'a> = &'a dyn Fn(&Connection) -> Result<TrustedChannel, String>;

/// What a proof may look at.
pub(super) struct Connection {
    pub(super) local: std::net::SocketAddr,
    pub(super) peer: std::net::SocketAddr,
    pub(super) tls: Option<super::facts::TlsSeen>,
}

/// What to ask on an open line.
pub(super) struct Question<'a> {
    pub(super) ask: Ask,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) limits: Limits,
    pub(super) prove: Prove<'a>,
}

/// Goes through one handshake.
pub(super) async fn shake(dial: &Dial, line: Line, question: Question<'_>) -> HandshakeSeen {
    let started = Instant::now();
    let mut machine = Handshake::new(question.ask, question.limits);
    let connection = Connection { local: line.local, peer: line.peer, tls: line.tls };
    let socket = upgrade(dial, line.wire, question.headers, &mut machine, started).await;
    if let Some(socket) = socket {
        drive(socket, &mut machine, started, &connection, question.prove).await;
    }
    machine.into_seen()
}

/// Asks for the upgrade. Done here rather than by the WebSocket crate, which keeps only part of an answer that is none.
async fn upgrade(
    dial: &Dial,
    mut wire: Box<dyn Wire>,
    headers: &[(&str, &str)],
    machine: &mut Handshake,
    started: Instant,
) -> Option<WebSocketStream<Box<dyn Wire>>> {
    let key = generate_key();
    let mut all = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key.as_str()),
    ];
    all.extend_from_slice(headers);
    let path = dial.endpoint.path();
    let request = get_request(&dial.endpoint.authority(), path, &all);
    let answer = timeout_at(started + machine.deadline(), exchange(&mut wire, &request)).await;
    let now = started.elapsed();
    let Ok(answer) = answer else {
        machine.on(Input::Tick, now);
        return None;
    };
    let accepted = match &answer {
        Ok(answer) if answer.status == 101 => {
            answer.header("sec-websocket-accept") == Some(derive_accept_key(key.as_bytes()).as_str())
        }
        _ => false,
    };
    match answer {
        Ok(answer) if accepted => {
            machine.on(Input::Opened, now);
            let config = WebSocketConfig::default().max_message_size(Some(MOST_FRAME)).max_frame_size(Some(MOST_FRAME));
            Some(WebSocketStream::from_partially_read(wire, answer.body, Role::Client, Some(config)).await)
        }
        Ok(answer) if answer.status == 101 => {
            machine.on(Input::Broken("an upgrade without the right key"), now);
            None
        }
        Err(HttpFault::Ended) => {
            machine.on(Input::Ended, now);
            None
        }
        other => {
            machine.on(Input::Http(seen_of(path, other, now)), now);
            None
        }
    }
}

async fn drive(
    mut socket: WebSocketStream<Box<dyn Wire>>,
    machine: &mut Handshake,
    started: Instant,
    connection: &Connection,
    prove: Prove<'_>,
) {
    let mut step = Step::Wait;
    loop {
        step = match step {
            Step::Wait => match timeout_at(started + machine.deadline(), socket.next()).await {
                Err(_) => machine.on(Input::Tick, started.elapsed()),
                Ok(event) => take_in(machine, event, started.elapsed()),
            },
            Step::Send(frame) => {
                let sent =
                    timeout_at(started + machine.deadline(), socket.send(Message::text(frame.into_wire()))).await;
                match sent {
                    Ok(Ok(())) => Step::Wait,
                    Ok(Err(_)) => machine.on(Input::Ended, started.elapsed()),
                    Err(_) => machine.on(Input::Tick, started.elapsed()),
                }
            }
            Step::ProveFarEnd => match prove(connection) {
                Ok(channel) => machine.trust(&channel, started.elapsed()),
                Err(reason) => machine.withhold(&reason),
            },
            Step::HangUp => break,
        };
    }
    // The handshake is over; how the goodbye goes tells nothing. Reading to the end completes it, so that the gateway does
    // not log an abnormal closure.
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "probe done".into() };
    let _ = timeout(GOODBYE, async {
        let _ = socket.close(Some(goodbye)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

fn take_in(machine: &mut Handshake, event: Option<Result<Message, Error>>, now: Duration) -> Step {
    match event {
        None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_))) => {
            machine.on(Input::Ended, now)
        }
        // Node ends without a close frame when a process dies; that is an end, not a breach.
        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => machine.on(Input::Ended, now),
        Some(Err(error)) => machine
            .on(Input::Broken(&format!("bytes that break WebSocket's rules ({})", bounded(&error.to_string()))), now),
        Some(Ok(Message::Text(text))) => machine.on(Input::Text { text: text.as_str(), wall_ms: wall_ms() }, now),
        Some(Ok(Message::Binary(bytes))) => machine.on(Input::Binary(bytes.len()), now),
        Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => machine.on(Input::Control(bytes.len()), now),
        Some(Ok(Message::Frame(frame))) => machine.on(Input::Control(frame.len()), now),
        Some(Ok(Message::Close(frame))) => match frame {
            Some(frame) => machine.on(Input::Close { code: frame.code.into(), reason: frame.reason.as_str() }, now),
            None => machine.on(Input::Close { code: 1005, reason: "" }, now),
        },
    }
}

/// Our clock in epoch milliseconds.
fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}
