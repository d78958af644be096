//! Live facts, from this machine's own `/proc`: a process with a gateway's title, its listener, its environment.
#![cfg(target_os = "linux")]

use openclaw_doctor::collect::source::LiveSource;
use openclaw_doctor::collect::{listeners, processes};
use openclaw_doctor::model::{Product, SecretVault, UnknownKind};
use openclaw_doctor::snapshot::process::{ProcessFacts, ProcessRole};
use openclaw_doctor::snapshot::service::Recognition;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A process that looks like a gateway: a runtime named `node` with a title in place of its arguments.
struct Imposed {
    child: Child,
    directory: tempfile::TempDir,
}

impl Imposed {
    fn start(program: &str, title: &str, socket: Option<OwnedFd>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let runtime = directory.path().join(program);
        // `cat` waits for its standard input and has no arguments; `sleep` leaves the socket alone that it is given.
        let tool = if socket.is_some() { "/bin/sleep" } else { "/bin/cat" };
        std::fs::copy(tool, &runtime).expect("copies");
        let mut command = Command::new(&runtime);
        command.arg0(title).args(socket.is_some().then_some("1000")).env_clear();
        command.current_dir(directory.path()).stdout(Stdio::null());
        command.env("OPENCLAW_GATEWAY_TOKEN", "live-token-value-1").env("HOME", "/home/somebody").env("LESS", "x");
        command.stdin(socket.map_or_else(Stdio::piped, Stdio::from));
        // While another test forks, the copy may still be open for writing there: ETXTBSY.
        let started = (0..50).find_map(|_| match command.spawn() {
            Ok(child) => Some(child),
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                None
            }
            Err(error) => panic!("{error}"),
        });
        let child = started.expect("starts");
        std::thread::sleep(std::time::Duration::from_millis(50));
        Self { child, directory }
    }
}

impl Drop for Imposed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn facts(vault: &mut SecretVault) -> ProcessFacts {
    let source = LiveSource::host().expect("opens");
    processes::collect(&source, vault).known().expect("processes").clone()
}

#[test]
fn a_process_with_a_gateways_title_is_described() {
    let imposed = Imposed::start("node", "openclaw-gateway", None);
    let mut vault = SecretVault::default();
    let facts = facts(&mut vault);
    let process = facts.by_pid(imposed.child.id()).expect("it is found");
    assert_eq!((process.role, process.recognised_by), (ProcessRole::Gateway, Recognition::Title));
    assert_eq!(process.product, Some(Product::Openclaw));
    assert_eq!(process.ppid, std::process::id());
    assert_eq!(process.uid, rustix::process::getuid().as_raw());
    let directory = imposed.directory.path().canonicalize().expect("resolves");
    assert_eq!(process.cwd.known().map(|cwd| cwd.as_path().to_path_buf()), Some(directory));
    let environment = process.environment.known().expect("its own account may read it");
    assert_eq!(environment.plain("HOME"), Some("/home/somebody"));
    assert_eq!(environment.other_names, ["LESS"]);
    assert!(environment.get("OPENCLAW_GATEWAY_TOKEN").is_some_and(|var| var.value.secret().is_some()));
    assert!(process.open_files_limit.known().is_some_and(|limit| *limit > 0));
    assert!(process.network.known().is_some_and(|network| network.own));
    let age = jiff::Timestamp::now().duration_since(*process.started.known().expect("a start"));
    assert!(age.as_secs().abs() < 60, "{age}");
    assert_eq!(process.ports.known(), Some(&Vec::new()));
    assert!(process.identity().is_some());
    assert!(!serde_json::to_string(&facts).expect("serializes").contains("live-token-value"));
}

#[test]
fn a_zombie_is_no_running_gateway() {
    let mut imposed = Imposed::start("openclaw-gateway", "openclaw-gateway", None);
    let pid = imposed.child.id();
    let runs = |facts: &ProcessFacts| facts.gateways().any(|process| process.pid == pid);
    assert!(runs(&facts(&mut SecretVault::default())));
    // It ends, and nobody collects it.
    imposed.child.kill().expect("killed");
    let status = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is still there");
    let ended = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        status().rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    });
    assert!(ended, "{}", status());
    let facts = facts(&mut SecretVault::default());
    let process = facts.by_pid(pid).expect("it is shown all the same");
    assert!(process.zombie && process.role == ProcessRole::Gateway, "{process:?}");
    assert!(!runs(&facts), "it holds neither port nor state");
}

#[test]
fn a_title_without_a_runtime_counts_for_nothing() {
    let imposed = Imposed::start("python", "openclaw-gateway", None);
    assert!(facts(&mut SecretVault::default()).by_pid(imposed.child.id()).is_none());
}

#[test]
fn a_listener_is_traced_to_its_process() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let six = TcpListener::bind("[::1]:0").ok();
    let port = listener.local_addr().expect("an address").port();
    let six_port = six.as_ref().and_then(|six| six.local_addr().ok()).map(|address| address.port());
    let imposed = Imposed::start("node", "openclaw-gateway", Some(OwnedFd::from(listener)));
    let source = LiveSource::host().expect("opens");
    let mut vault = SecretVault::default();
    let processes = facts(&mut vault);
    let process = processes.by_pid(imposed.child.id()).expect("it is found");
    assert_eq!(process.ports.known(), Some(&vec![port]));
    let ports: Vec<u16> = std::iter::once(port).chain(six_port).collect();
    let facts = listeners::collect(&source, &ports, &processes.processes, &mut vault);
    let facts = facts.known().expect("tables").clone();
    let found: Vec<_> = facts.on(port).collect();
    assert_eq!(found.len(), 1, "{facts:?}");
    assert!(found[0].reaches_ipv4_loopback() && !found[0].is_wildcard());
    assert_eq!(found[0].uid, rustix::process::geteuid().as_raw());
    let owner = found[0].owner.known().expect("its own account may see it");
    assert_eq!((owner.pid, owner.role), (imposed.child.id(), Some(ProcessRole::Gateway)));
    if let Some(port) = six_port {
        let owner = facts.on(port).next().and_then(|listener| listener.owner.known()).expect("the test itself");
        assert_eq!((owner.pid, owner.role), (std::process::id(), None));
    }
    assert_eq!(facts.on(1).count(), 0);
}

#[test]
fn a_gateway_in_another_network_namespace_is_told_apart() {
    let taken = std::thread::spawn(|| {
        // Of this thread alone; processes that it starts inherit it.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).ok()?;
        let listener = TcpListener::bind("0.0.0.0:0").ok()?;
        let port = listener.local_addr().ok()?.port();
        Some((Imposed::start("node", "openclaw-gateway", Some(OwnedFd::from(listener))), port))
    });
    let Ok(Some((imposed, port))) = taken.join() else {
        println!("skipped: a network namespace can be made only with privilege");
        return;
    };
    let source = LiveSource::host().expect("opens");
    let mut vault = SecretVault::default();
    let processes = facts(&mut vault);
    let process = processes.by_pid(imposed.child.id()).expect("it is found");
    assert_eq!(process.network.known().map(|network| network.own), Some(false));
    assert_eq!((process.elsewhere(), process.ports.known()), (Some(true), Some(&vec![port])));
    let listeners = listeners::collect(&source, &[port], &processes.processes, &mut vault);
    let listeners = listeners.known().expect("tables");
    assert_eq!(listeners.on(port).count(), 0, "nothing listens there for the doctor");
    let there = listeners.listeners.iter().find(|one| one.namespace_of == Some(imposed.child.id()));
    let there = there.expect("it is seen in its own namespace");
    assert!(there.is_wildcard());
    assert_eq!(there.owner.known().map(|owner| owner.pid), Some(imposed.child.id()));
}

#[test]
fn below_a_root_there_are_no_live_facts() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = LiveSource::below(directory.path()).expect("opens");
    let mut vault = SecretVault::default();
    let unknown = processes::collect(&source, &mut vault);
    assert_eq!(
        unknown.why_unknown().map(|why| (why.kind, why.reason.as_str())),
        Some((UnknownKind::OfflineRoot, "offline root"))
    );
    assert!(listeners::collect(&source, &[1], &[], &mut vault).why_unknown().is_some());
}
