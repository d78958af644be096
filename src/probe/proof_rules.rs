//! The rules of the listener proof, apart from where their facts come from.

use super::proof::{ExpectedGateway, NotProven, ProvenListener};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A TCP socket of this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) listening: bool,
    pub(super) uid: u32,
    /// 0 until the connection was accepted.
    pub(super) inode: u64,
}

/// A process, as far as the rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Real, effective, saved and file system user id.
    pub(super) uids: [u32; 4],
    /// In clock ticks since boot.
    pub(super) start_time: u64,
    /// The path of the executable, for its last name and for texts.
    pub(super) exe: String,
    /// Owner and mode of the file that runs, by its descriptor.
    pub(super) exe_uid: u32,
    pub(super) exe_mode: u32,
    pub(super) arguments: Vec<String>,
    /// Paths of its control groups.
    pub(super) cgroups: Vec<String>,
}

/// Processes by the socket that they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holders {
    pub(super) pids: BTreeMap<u64, Vec<u32>>,
    /// Whether some processes could not be looked into.
    pub(super) denied: bool,
}

/// Where the facts come from.
pub(super) trait ProcView {
    fn sockets(&self) -> Result<Vec<Socket>, NotProven>;
    fn holders(&self, inodes: &[u64]) -> Result<Holders, NotProven>;
    fn process(&self, pid: u32) -> Result<Process, NotProven>;
}

/// Proves the far end of the connection from `local` to `peer`.
pub(super) fn prove(
    view: &dyn ProcView,
    expected: &ExpectedGateway,
    local: SocketAddr,
    peer: SocketAddr,
) -> Result<ProvenListener, NotProven> {
    let uid = expected.uid.ok_or(NotProven::AccountUnknown)?;
    if !super::endpoint::is_loopback(peer.ip()) {
        return Err(NotProven::NotLoopback(peer));
    }
    let sockets = view.sockets()?;
    let far_end = far_end(&sockets, local, peer)?;
    let listeners: Vec<&Socket> = sockets.iter().filter(|socket| listens_at(socket, peer)).collect();
    if listeners.is_empty() {
        return Err(NotProven::NoListener(peer));
    }
    if let Some(other) = listeners.iter().copied().chain([far_end]).find(|socket| socket.uid != uid) {
        return Err(NotProven::SocketOwner { found: other.uid, expected: uid });
    }
    let mut inodes: Vec<u64> = listeners.iter().map(|socket| socket.inode).collect();
    inodes.push(far_end.inode);
    let before = view.holders(&inodes)?;
    let pid = only_holder(&before, far_end.inode)?;
    let holds_listener = |holders: &Holders| {
        listeners.iter().any(|s| holders.pids.get(&s.inode).is_some_and(|pids| pids.contains(&pid)))
    };
    if !holds_listener(&before) {
        return Err(NotProven::NotTheListener(pid));
    }
    let process = view.process(pid)?;
    judge(&process, expected, uid)?;
    // Once more: the pid must still be the same process, and still hold both sockets.
    let after = view.holders(&inodes)?;
    if only_holder(&after, far_end.inode)? != pid || !holds_listener(&after) || view.process(pid)? != process {
        return Err(NotProven::Changed(pid));
    }
    Ok(ProvenListener::new(pid, uid, process.start_time, &process.exe))
}

/// The accepted end: the same pair of addresses, seen from the other side.
fn far_end(sockets: &[Socket], local: SocketAddr, peer: SocketAddr) -> Result<&Socket, NotProven> {
    let mut found =
        sockets.iter().filter(|s| !s.listening && s.inode != 0 && same(s.local, peer) && same(s.remote, local));
    match (found.next(), found.next()) {
        (Some(socket), None) => Ok(socket),
        _ => Err(NotProven::NoFarEnd),
    }
}

fn listens_at(socket: &Socket, peer: SocketAddr) -> bool {
    let ip = socket.local.ip();
    let covers = match ip {
        IpAddr::V4(ip) => ip.is_unspecified() && peer.ip().to_canonical().is_ipv4(),
        // A dual-stack listener takes IPv4 too.
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    socket.listening && socket.local.port() == peer.port() && (covers || ip.to_canonical() == peer.ip().to_canonical())
}

/// Equal also where one side is an IPv4-mapped IPv6 address.
fn same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

fn only_holder(holders: &Holders, inode: u64) -> Result<u32, NotProven> {
    match holders.pids.get(&inode).map(Vec::as_slice) {
        Some([pid]) => Ok(*pid),
        None | Some([]) => Err(NotProven::HolderUnseen { denied: holders.denied }),
        Some(pids) => Err(NotProven::SeveralHolders(pids.to_vec())),
    }
}

fn judge(process: &Process, expected: &ExpectedGateway, uid: u32) -> Result<(), NotProven> {
    let pid = process.pid;
    let exe = || super::text::bounded(&process.exe);
    if let Some(found) = process.uids.iter().copied().find(|found| *found != uid) {
        return Err(NotProven::ProcessOwner { pid, found, expected: uid });
    }
    if !is_runtime(&process.exe) {
        return Err(NotProven::NotARuntime { pid, exe: exe() });
    }
    if (process.exe_uid != 0 && process.exe_uid != uid) || process.exe_mode & 0o022 != 0 {
        return Err(NotProven::UnsafeRuntime { pid, exe: exe() });
    }
    let in_unit =
        || process.cgroups.iter().any(|path| path.split('/').any(|part| expected.units.iter().any(|u| u == part)));
    if !(expected.is_gateway)(&process.arguments) && !in_unit() {
        return Err(NotProven::NotAGateway(pid));
    }
    Ok(())
}

/// `node`, `nodejs`, `bun`, `deno`, also with a version (`node-22`), also where an update has replaced the file.
fn is_runtime(exe: &str) -> bool {
    let path = exe.strip_suffix(" (deleted)").unwrap_or(exe);
    let name = path.rsplit('/').next().unwrap_or_default();
    ["nodejs", "node", "bun", "deno"].iter().any(|runtime| {
        name.strip_prefix(runtime).is_some_and(|version| {
            version.is_empty()
                || version.trim_start_matches('-').chars().all(|c| c.is_ascii_digit() || c == '.')
                    && version.ends_with(|c: char| c.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up host: one gateway (pid 7, uid 1000) with a listener (inode 1) and our connection (inode 2).
    #[derive(Clone)]
    struct Host {
        sockets: Vec<Socket>,
        holders: Holders,
        process: Process,
        /// The start time that the second look sees.
        later_start: u64,
        looks: std::cell::Cell<u32>,
    }

    const LOCAL: &str = "127.0.0.1:40000";
    const PEER: &str = "127.0.0.1:18789";

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn socket(local: &str, remote: &str, listening: bool, inode: u64) -> Socket {
        Socket { local: at(local), remote: at(remote), listening, uid: 1000, inode }
    }

    fn host() -> Host {
        Host {
            sockets: vec![
                socket(PEER, "0.0.0.0:0", true, 1),
                socket(PEER, LOCAL, false, 2),
                socket(LOCAL, PEER, false, 3),
                socket("127.0.0.1:9", "0.0.0.0:0", true, 4),
            ],
            holders: Holders { pids: BTreeMap::from([(1, vec![7]), (2, vec![7])]), denied: false },
            process: Process {
                pid: 7,
                uids: [1000; 4],
                start_time: 55,
                exe: "/usr/bin/node".into(),
                exe_uid: 0,
                exe_mode: 0o100_755,
                arguments: vec!["openclaw-gateway".into()],
                cgroups: vec!["/user.slice/user-1000.slice/user@1000.service/app.slice/other.service".into()],
            },
            later_start: 55,
            looks: std::cell::Cell::new(0),
        }
    }

    impl ProcView for Host {
        fn sockets(&self) -> Result<Vec<Socket>, NotProven> {
            Ok(self.sockets.clone())
        }
        fn holders(&self, _: &[u64]) -> Result<Holders, NotProven> {
            Ok(self.holders.clone())
        }
        fn process(&self, _: u32) -> Result<Process, NotProven> {
            self.looks.set(self.looks.get() + 1);
            let start_time = if self.looks.get() > 1 { self.later_start } else { self.process.start_time };
            Ok(Process { start_time, ..self.process.clone() })
        }
    }

    fn expected(uid: Option<u32>) -> ExpectedGateway {
        let is_gateway = |argv: &[String]| argv.first().is_some_and(|title| title == "openclaw-gateway");
        ExpectedGateway { uid, units: vec!["openclaw-gateway.service".into()], is_gateway }
    }

    fn proved(host: &Host) -> Result<ProvenListener, NotProven> {
        let expected = expected(Some(1000));
        prove(host, &expected, at(LOCAL), at(PEER))
    }

    fn with(change: impl FnOnce(&mut Host)) -> Result<ProvenListener, NotProven> {
        let mut host = host();
        change(&mut host);
        proved(&host)
    }

    #[test]
    fn the_gateway_is_proven() {
        assert_eq!(proved(&host()), Ok(ProvenListener::new(7, 1000, 55, "/usr/bin/node")));
    }

    #[test]
    fn a_dual_stack_listener_is_proven_for_an_ipv4_connection() {
        let result = with(|host| {
            host.sockets[0] = socket("[::]:18789", "[::]:0", true, 1);
            host.sockets[1] = socket("[::ffff:127.0.0.1]:18789", "[::ffff:127.0.0.1]:40000", false, 2);
        });
        assert!(result.is_ok(), "{result:?}");
    }

    #[test]
    fn an_accepted_socket_held_by_somebody_else_is_refused() {
        assert_eq!(with(|h| drop(h.holders.pids.insert(2, vec![8]))), Err(NotProven::NotTheListener(8)));
        assert_eq!(with(|h| drop(h.holders.pids.insert(2, vec![7, 8]))), Err(NotProven::SeveralHolders(vec![7, 8])));
        let unseen = with(|h| {
            h.holders.pids.clear();
            h.holders.denied = true;
        });
        assert_eq!(unseen, Err(NotProven::HolderUnseen { denied: true }));
    }

    #[test]
    fn a_connection_that_nobody_accepted_is_refused() {
        assert_eq!(with(|h| h.sockets[1].inode = 0), Err(NotProven::NoFarEnd));
        assert_eq!(with(|h| h.sockets.truncate(1)), Err(NotProven::NoFarEnd));
        assert_eq!(with(|h| h.sockets.retain(|socket| !socket.listening)), Err(NotProven::NoListener(at(PEER))));
    }

    #[test]
    fn sockets_and_processes_of_other_accounts_are_refused() {
        let other = NotProven::SocketOwner { found: 1001, expected: 1000 };
        assert_eq!(with(|h| h.sockets[0].uid = 1001), Err(other.clone()));
        assert_eq!(with(|h| h.sockets[1].uid = 1001), Err(other));
        let owner = NotProven::ProcessOwner { pid: 7, found: 0, expected: 1000 };
        assert_eq!(with(|h| h.process.uids[2] = 0), Err(owner));
        let expected = expected(None);
        assert_eq!(prove(&host(), &expected, at(LOCAL), at(PEER)), Err(NotProven::AccountUnknown));
    }

    #[test]
    fn programs_that_others_can_change_are_refused() {
        let unsafe_one = NotProven::UnsafeRuntime { pid: 7, exe: "/usr/bin/node".into() };
        assert_eq!(with(|h| h.process.exe_mode = 0o100_775), Err(unsafe_one.clone()));
        assert_eq!(with(|h| h.process.exe_mode = 0o100_757), Err(unsafe_one.clone()));
        assert_eq!(with(|h| h.process.exe_uid = 1001), Err(unsafe_one));
    }

    #[test]
    fn only_runtimes_count_as_programs_of_a_gateway() {
        for exe in ["/usr/bin/node-22", "/opt/node (deleted)", "/x/nodejs", "/x/bun", "/x/deno2", "/x/node22.1"] {
            assert!(with(|h| h.process.exe = exe.into()).is_ok(), "{exe}");
        }
        for exe in ["/usr/bin/python3", "/x/nodes", "/x/node-exporter", "/x/node-", "/node/x", ""] {
            assert!(matches!(with(|h| h.process.exe = exe.into()), Err(NotProven::NotARuntime { .. })), "{exe}");
        }
    }

    #[test]
    fn command_line_or_unit_make_a_gateway() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(with(|h| h.process.arguments = words(&["node", "/x/server.js"])), Err(NotProven::NotAGateway(7)));
        assert_eq!(
            with(|h| h.process.arguments = words(&["node", "openclaw-gateway"])),
            Err(NotProven::NotAGateway(7))
        );
        let in_unit = with(|h| {
            h.process.arguments = words(&["bun", "x"]);
            h.process.cgroups = vec!["/system.slice/openclaw-gateway.service".into()];
        });
        assert!(in_unit.is_ok());
    }

    #[test]
    fn a_recycled_pid_is_refused() {
        assert_eq!(with(|h| h.later_start = 99), Err(NotProven::Changed(7)));
    }

    #[test]
    fn addresses_beyond_this_host_are_refused() {
        let expected = expected(Some(1000));
        let peer = at("192.168.1.2:18789");
        assert_eq!(prove(&host(), &expected, at(LOCAL), peer), Err(NotProven::NotLoopback(peer)));
    }
}
