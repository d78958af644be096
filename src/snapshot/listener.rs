//! Facts about TCP listeners on the ports that matter. Live hosts only.

use super::process::{ProcessRole, UnitRef};
use crate::model::{Fact, HostPath, Maskable, Unknown};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Who listens on the ports that were asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerFacts {
    /// The ports.
    pub ports: Vec<u16>,
    /// What listens on them, in the doctor's network namespace and in those of the gateways.
    pub listeners: Vec<Listener>,
    /// Tables that could not be read; where this is not empty, no listener means nothing.
    pub unread: Vec<Unknown>,
}

/// One listening socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The address; `0.0.0.0` and `::` are wildcards.
    pub address: Maskable<IpAddr>,
    /// The port.
    pub port: u16,
    /// The account that opened the socket. Always known: the kernel's table has it.
    pub uid: u32,
    /// The socket's inode.
    pub inode: u64,
    /// The gateway process in whose network namespace it was seen, where that is not the doctor's own.
    pub namespace_of: Option<u32>,
    /// The process, where it may be seen. Absent: no process has it (the kernel's own, or handed over).
    pub owner: Fact<ListenerOwner>,
}

/// The process behind a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerOwner {
    /// The process.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub start_ticks: u64,
    /// Its real uid.
    pub uid: u32,
    /// Its short name.
    pub comm: String,
    /// Its arguments, secrets masked.
    pub argv: Vec<String>,
    /// Its executable.
    pub exe: Fact<HostPath>,
    /// Its service unit.
    pub unit: Option<UnitRef>,
    /// Its container, by id.
    pub container: Option<String>,
    /// What it is to OpenClaw; `None` for a program that is none of ours.
    pub role: Option<ProcessRole>,
    /// Other processes that hold the same socket (workers, socket activation).
    pub shared_with: Vec<u32>,
}

impl Listener {
    /// Whether it takes connections on every address of its family.
    pub fn is_wildcard(&self) -> bool {
        self.address.plain().is_some_and(IpAddr::is_unspecified)
    }

    /// Whether a connection to 127.0.0.1 reaches it. `::` usually takes IPv4 too (`net.ipv6.bindv6only` = 0), and the
    /// kernel's table does not say where a program turned that off.
    pub fn reaches_ipv4_loopback(&self) -> bool {
        match self.address.plain() {
            Some(IpAddr::V4(address)) => address.is_unspecified() || address.is_loopback(),
            Some(IpAddr::V6(address)) => {
                address.is_unspecified() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
            }
            None => false,
        }
    }
}

impl ListenerFacts {
    /// Listeners on a port in the doctor's own network namespace.
    pub fn on(&self, port: u16) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |listener| listener.port == port && listener.namespace_of.is_none())
    }
}
