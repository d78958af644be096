//! A secret goes only to a listener that is proven to be the gateway: seen from outside, with the system's own proof.
//!
//! The gateway of these tests is this test program itself, started as a child under the name `node` and with the title of a
//! gateway. It speaks the handshake perfectly, so that only the proof keeps a secret from it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use openclaw_doctor::collect::recognise::listens_as_gateway;
use openclaw_doctor::model::secret::{Secret, SecretKind, SecretVault};
use openclaw_doctor::probe::facts::TrialVerdict;
use openclaw_doctor::probe::{
    AttemptBudget, ExpectedGateway, ProbeFacts, ProbeRequest, SecretCandidate, Target, run, system_proof,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

const TOKEN: &str = "a-token-that-only-the-gateway-may-see";
const CHILD: &str = "OPENCLAW_DOCTOR_TEST_GATEWAY";

/// The child: serves handshakes and prints every frame it gets.
#[test]
fn gateway_child() {
    if std::env::var_os(CHILD).is_none() {
        println!("only of use as a child of the other tests");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    println!("port {}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming().flatten() {
        serve(stream);
    }
}

fn serve(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let Some(key) = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")) else {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        return;
    };
    let accept = derive_accept_key(key.as_bytes());
    let _ = stream.write_all(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .as_bytes(),
    );
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let capture = |name: &str, line: usize| {
        let path = format!("{}/fixtures/protocol/2026.9.6/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).expect("a capture").lines().nth(line).expect("a frame").to_owned()
    };
    let _ = socket.send(Message::text(capture("no-auth.frames", 0)));
    if let Ok(Message::Text(asked)) = socket.read() {
        println!("got {asked}");
        let name = if asked.contains(TOKEN) { "right-token.frames" } else { "no-auth.frames" };
        let _ = socket.send(Message::text(capture(name, 1)));
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    }
}

struct Gateway {
    child: Child,
    port: u16,
    received: Receiver<String>,
    _home: tempfile::TempDir,
}

/// How the child presents itself.
struct Guise {
    program: &'static str,
    mode: u32,
    title: &'static str,
    uid: Option<u32>,
}

const GATEWAY: Guise = Guise { program: "node", mode: 0o755, title: "openclaw-gateway", uid: None };

impl Gateway {
    fn start(guise: &Guise) -> Self {
        // One at a time: a child that is forked while another program is being copied keeps it open for writing, and a
        // program that is open for writing can't be started.
        static STARTING: Mutex<()> = Mutex::new(());
        let _starting = STARTING.lock().expect("no start has failed");
        let home = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).expect("its mode");
        let program = home.path().join(guise.program);
        std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy of it");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(guise.mode)).expect("its mode");
        let mut command = Command::new(&program);
        command.arg0(guise.title).args(["--exact", "gateway_child", "--nocapture", "--test-threads=1"]);
        command.env(CHILD, "1").current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(uid) = guise.uid {
            command.uid(uid).gid(uid);
        }
        let mut child = command.spawn().expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit_once("port ").and_then(|(_, port)| port.parse().ok()))
            .expect("a port");
        // What the child was sent is read at the end, by a thread, so that its pipe never fills.
        let (sent, received) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sent.send(line))));
        Self { child, port, received, _home: home }
    }

    /// Everything that the child was sent; ends it.
    fn received(&mut self) -> String {
        self.end();
        self.received.iter().collect::<Vec<String>>().join("\n")
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn probe(&self, expected: ExpectedGateway) -> ProbeFacts {
        let secret = Secret::new(TOKEN);
        let label = SecretVault::default().label(SecretKind::GatewayToken, secret.clone());
        let candidate = SecretCandidate { label, secret, holders: vec!["gateway.auth.token".into()] };
        let endpoint = format!("ws://127.0.0.1:{}", self.port).parse().expect("an endpoint");
        let request = ProbeRequest {
            targets: vec![Target { endpoint, pin: None, secrets: vec![candidate] }],
            remote: false,
            proxy_headers: false,
            release: None,
            time_limit: Duration::from_secs(8),
        };
        run(&request, &*system_proof(expected), &mut AttemptBudget::default())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}

fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

fn expected(uid: u32) -> ExpectedGateway {
    ExpectedGateway { uid: Some(uid), units: vec!["openclaw-gateway.service".into()], is_gateway: listens_as_gateway }
}

/// The secret stayed here, for this reason, although the handshake was perfect.
fn refused(mut gateway: Gateway, expected: ExpectedGateway, reason: &str) {
    let facts = gateway.probe(expected);
    assert!(facts.endpoints[0].is_openclaw.is_yes(), "{:?}", facts.endpoints[0]);
    let TrialVerdict::Skipped { reason: said } = &facts.tokens[0].verdict else { panic!("{:?}", facts.tokens) };
    assert!(said.starts_with("listener not proven: ") && said.contains(reason), "{said}");
    let received = gateway.received();
    assert!(received.contains("\"method\":\"connect\""), "the child records what it gets: {received}");
    assert!(!received.contains(TOKEN) && !received.contains("\"auth\""), "{received}");
}

#[test]
fn the_gateway_gets_the_secret() {
    let mut gateway = Gateway::start(&GATEWAY);
    let facts = gateway.probe(expected(own_uid()));
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::Accepted, "{facts:?}");
    assert!(gateway.received().contains(TOKEN));
}

#[test]
fn an_impostor_that_is_no_gateway_gets_none() {
    refused(Gateway::start(&Guise { title: "server", ..GATEWAY }), expected(own_uid()), "neither the title");
}

#[test]
fn an_impostor_that_is_no_runtime_gets_none() {
    refused(Gateway::start(&Guise { program: "python3", ..GATEWAY }), expected(own_uid()), "no JavaScript runtime");
}

#[test]
fn a_runtime_that_others_can_write_gets_none() {
    refused(Gateway::start(&Guise { mode: 0o777, ..GATEWAY }), expected(own_uid()), "can be changed by others");
}

#[test]
fn a_listener_of_another_account_than_the_gateways_gets_none() {
    refused(Gateway::start(&GATEWAY), expected(own_uid().wrapping_add(1)), "meant to run as uid");
    refused(Gateway::start(&GATEWAY), ExpectedGateway { uid: None, ..expected(0) }, "not known");
}

#[test]
fn an_impostor_of_another_account_gets_none() {
    if own_uid() != 0 {
        println!("skipped: needs root to start a process as another account");
        return;
    }
    let nobody = 65534;
    refused(Gateway::start(&Guise { uid: Some(nobody), ..GATEWAY }), expected(0), "belongs to uid 65534");
    // And as root the doctor can prove the gateway of the account, whose program root owns.
    let mut gateway = Gateway::start(&Guise { uid: Some(nobody), ..GATEWAY });
    let facts = gateway.probe(expected(nobody));
    assert_eq!(facts.tokens[0].verdict, TrialVerdict::Accepted, "{facts:?}");
    assert!(gateway.received().contains(TOKEN));
}
