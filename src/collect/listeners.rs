//! Who listens on the ports that matter. On Linux from the kernel's tables, in the doctor's own network namespace and in
//! those of gateways elsewhere; the process behind a socket is found by its inode.

use super::source::Source;
use crate::model::{Fact, SecretVault, Unknown};
use crate::snapshot::listener::ListenerFacts;
use crate::snapshot::process::ProcessFact;

/// Ports of one gateway: its own, bridge, browser control, canvas (host-by-release 4).
pub fn ports_of(gateway: u16) -> Vec<u16> {
    [0, 1, 2, 4].into_iter().filter_map(|offset: u16| gateway.checked_add(offset)).collect()
}

/// Finds the listeners on these ports. Live hosts only.
pub fn collect(
    source: &dyn Source,
    ports: &[u16],
    gateways: &[ProcessFact],
    vault: &mut SecretVault,
) -> Fact<ListenerFacts> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    #[cfg(target_os = "linux")]
    return Fact::Known(linux::collect(ports, gateways, vault));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (ports, gateways, vault);
        Fact::unknown(crate::model::UnknownKind::Unsupported, "this system shows no table of listeners")
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{ListenerFacts, ProcessFact};
    use crate::collect::processes::{Holder, holder, reason};
    use crate::model::{Fact, SecretVault, Unknown, UnknownKind};
    use crate::snapshot::listener::{Listener, ListenerOwner};
    use procfs::ProcResult;
    use procfs::net::{TcpNetEntry, TcpState};
    use procfs::process::{FDTarget, Process};
    use std::collections::{BTreeMap, BTreeSet};

    pub(super) fn collect(ports: &[u16], gateways: &[ProcessFact], vault: &mut SecretVault) -> ListenerFacts {
        let mut facts = ListenerFacts { ports: ports.to_vec(), ..ListenerFacts::default() };
        add(&mut facts, procfs::net::tcp(), "read /proc/net/tcp", None);
        if std::path::Path::new("/proc/net/tcp6").exists() {
            add(&mut facts, procfs::net::tcp6(), "read /proc/net/tcp6", None);
        }
        let mut seen = BTreeSet::new();
        for gateway in gateways {
            let Some(network) = gateway.network.known().filter(|network| !network.own) else { continue };
            if !seen.insert(network.id) {
                continue;
            }
            let process = i32::try_from(gateway.pid).ok().and_then(|pid| Process::new(pid).ok());
            let Some(process) = process else { continue };
            let what = format!("read the network tables of process {}", gateway.pid);
            add(&mut facts, process.tcp(), &what, Some(gateway.pid));
            add(&mut facts, process.tcp6(), &what, Some(gateway.pid));
        }
        if !facts.listeners.is_empty() {
            find_owners(&mut facts.listeners, vault);
        }
        facts
            .listeners
            .sort_by_key(|listener| (listener.namespace_of, listener.port, listener.address.plain().copied()));
        facts
    }

    fn add(facts: &mut ListenerFacts, table: ProcResult<Vec<TcpNetEntry>>, what: &str, namespace_of: Option<u32>) {
        let table = match table {
            Ok(table) => table,
            Err(error) => {
                facts.unread.push(reason(what, &error));
                return;
            }
        };
        for entry in table {
            if entry.state == TcpState::Listen && facts.ports.contains(&entry.local_address.port()) {
                facts.listeners.push(Listener {
                    address: entry.local_address.ip().into(),
                    port: entry.local_address.port(),
                    uid: entry.uid,
                    inode: entry.inode,
                    namespace_of,
                    owner: Fact::unknown(UnknownKind::NotCollected, "not looked for"),
                });
            }
        }
    }

    /// What the search for owners found.
    #[derive(Default)]
    struct Search {
        /// Processes by socket inode.
        holders: BTreeMap<u64, Vec<Process>>,
        /// Some process did not show its descriptors.
        refused: bool,
    }

    /// First among processes of the account that opened the socket, which is nearly always enough; then among all.
    fn find_owners(listeners: &mut [Listener], vault: &mut SecretVault) {
        let wanted: BTreeSet<u64> =
            listeners.iter().map(|listener| listener.inode).filter(|inode| *inode != 0).collect();
        let uids: BTreeSet<u32> = listeners.iter().map(|listener| listener.uid).collect();
        let mut search = Search::default();
        let same = |process: &Process| process.uid().is_ok_and(|uid| uids.contains(&uid));
        search.run(&wanted, same);
        if search.holders.len() < wanted.len() {
            search.run(&wanted, |process| !same(process));
        }
        for listener in listeners {
            listener.owner = match search.holders.remove(&listener.inode) {
                Some(holders) => owner(&holders, vault),
                None if search.refused => Fact::Unknown(Unknown::new(
                    UnknownKind::NoPermission,
                    format!("the process is not visible without privilege; the socket belongs to uid {}", listener.uid),
                )),
                None => Fact::Absent,
            };
        }
    }

    impl Search {
        fn run(&mut self, wanted: &BTreeSet<u64>, among: impl Fn(&Process) -> bool) {
            let Ok(all) = procfs::process::all_processes() else {
                self.refused = true;
                return;
            };
            for process in all.filter_map(Result::ok).filter(among) {
                let fds = match process.fd() {
                    Ok(fds) => fds,
                    Err(procfs::ProcError::NotFound(_)) => continue,
                    Err(_) => {
                        self.refused = true;
                        continue;
                    }
                };
                let mut held = BTreeSet::new();
                for info in fds.filter_map(Result::ok) {
                    if let FDTarget::Socket(inode) = info.target
                        && wanted.contains(&inode)
                    {
                        held.insert(inode);
                    }
                }
                for inode in held {
                    // Opened anew: the descriptor of a process cannot be shared by two entries.
                    if let Ok(process) = Process::new(process.pid()) {
                        self.holders.entry(inode).or_default().push(process);
                    }
                }
            }
        }
    }

    /// Of several holders the one that is ours, else the oldest; the others are workers or came by inheritance.
    fn owner(holders: &[Process], vault: &mut SecretVault) -> Fact<ListenerOwner> {
        let mut described: Vec<ListenerOwner> = holders
            .iter()
            .filter_map(|process| {
                let stat = process.stat().ok()?;
                let uid = process.status().ok()?.ruid;
                let Holder { argv, role, exe, cgroup } = holder(process, &stat, vault);
                let cgroup = cgroup.unwrap_or_default();
                Some(ListenerOwner {
                    pid: u32::try_from(stat.pid).ok()?,
                    start_ticks: stat.starttime,
                    uid,
                    comm: stat.comm,
                    argv,
                    exe,
                    unit: cgroup.unit,
                    container: cgroup.container,
                    role,
                    shared_with: Vec::new(),
                })
            })
            .collect();
        described.sort_by_key(|owner| (owner.role.is_none(), owner.start_ticks, owner.pid));
        let others: Vec<u32> = described.iter().skip(1).map(|owner| owner.pid).collect();
        match described.into_iter().next() {
            Some(first) => Fact::Known(ListenerOwner { shared_with: others, ..first }),
            None => Fact::unknown(UnknownKind::Unstable, "the process ended while it was looked at"),
        }
    }
}
