//! The listener proof by `/proc`. Looking into processes of other accounts needs their rights or root's; where they are
//! missing nothing is proven.

use super::proof::{ExpectedGateway, ListenerProof, NotProven, ProvenListener};
use super::proof_rules::{self, Holders, ProcView, Process, Socket};
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::FDTarget;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// How often the table is looked through for a socket that should be in it.
const LOOKS: u32 = 3;

/// How long between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Proof by the tables of the kernel.
pub(super) struct LinuxProof {
    expected: ExpectedGateway,
}

impl LinuxProof {
    pub(super) fn new(expected: ExpectedGateway) -> Self {
        Self { expected }
    }
}

impl ListenerProof for LinuxProof {
    fn prove(&self, local: SocketAddr, peer: SocketAddr) -> Result<ProvenListener, NotProven> {
        // The kernel gives its table in pieces: while other sockets come and go a row can be missed, and a connection that
        // was not accepted yet has no inode. Looking again can only find what is there.
        for _ in 1..LOOKS {
            match proof_rules::prove(&Proc, &self.expected, local, peer) {
                Err(NotProven::NoFarEnd | NotProven::NoListener(_)) => std::thread::sleep(BETWEEN_LOOKS),
                told => return told,
            }
        }
        proof_rules::prove(&Proc, &self.expected, local, peer)
    }
}

/// The live `/proc`.
struct Proc;

fn unreadable(what: &str, error: &dyn std::fmt::Display) -> NotProven {
    NotProven::Unreadable(format!("{what}: {error}"))
}

impl ProcView for Proc {
    fn sockets(&self) -> Result<Vec<Socket>, NotProven> {
        let v4 = procfs::net::tcp().map_err(|error| unreadable("/proc/net/tcp", &error))?;
        // A kernel without IPv6 has no such table.
        let v6 = match procfs::net::tcp6() {
            Ok(rows) => rows,
            Err(procfs::ProcError::NotFound(_)) => Vec::new(),
            Err(error) => return Err(unreadable("/proc/net/tcp6", &error)),
        };
        Ok(v4.into_iter().chain(v6).map(socket).collect())
    }

    fn holders(&self, inodes: &[u64]) -> Result<Holders, NotProven> {
        let mut holders = Holders::default();
        let processes = procfs::process::all_processes().map_err(|error| unreadable("/proc", &error))?;
        // Processes that end meanwhile are nobody's concern.
        for process in processes.flatten() {
            let descriptors = match process.fd() {
                Ok(descriptors) => descriptors,
                Err(procfs::ProcError::PermissionDenied(_)) => {
                    holders.denied = true;
                    continue;
                }
                Err(_) => continue,
            };
            let Ok(pid) = u32::try_from(process.pid()) else { continue };
            for descriptor in descriptors.flatten() {
                if let FDTarget::Socket(inode) = descriptor.target
                    && inodes.contains(&inode)
                {
                    let pids = holders.pids.entry(inode).or_default();
                    if !pids.contains(&pid) {
                        pids.push(pid);
                    }
                }
            }
        }
        Ok(holders)
    }

    fn process(&self, pid: u32) -> Result<Process, NotProven> {
        let what = |file: &str| format!("/proc/{pid}/{file}");
        let number = i32::try_from(pid).map_err(|error| unreadable("process id", &error))?;
        let process = procfs::process::Process::new(number).map_err(|error| unreadable(&what(""), &error))?;
        let start_time = process.stat().map_err(|error| unreadable(&what("stat"), &error))?.starttime;
        let status = process.status().map_err(|error| unreadable(&what("status"), &error))?;
        let exe = process.exe().map_err(|error| unreadable(&what("exe"), &error))?;
        // Through the link the file that really runs is seen, even where its path holds another one by now.
        let file = std::fs::metadata(what("exe")).map_err(|error| unreadable(&what("exe"), &error))?;
        let arguments = process.cmdline().map_err(|error| unreadable(&what("cmdline"), &error))?;
        let cgroups = process.cgroups().map_err(|error| unreadable(&what("cgroup"), &error))?;
        Ok(Process {
            pid,
            uids: [status.ruid, status.euid, status.suid, status.fuid],
            start_time,
            exe: exe.to_string_lossy().into_owned(),
            exe_uid: file.uid(),
            exe_mode: file.mode(),
            arguments,
            cgroups: cgroups.into_iter().map(|group| group.pathname).collect(),
        })
    }
}

fn socket(row: TcpNetEntry) -> Socket {
    Socket {
        local: row.local_address,
        remote: row.remote_address,
        listening: row.state == TcpState::Listen,
        uid: row.uid,
        inode: row.inode,
    }
}
