//! Proof that a loopback connection ends in the gateway, before a secret is sent on it.
//!
//! A port proves nothing: whoever binds it first gets what clients send. So the far end of the *connected* socket is looked
//! up (its inode by the reversed pair of addresses), and the one process that holds it must hold the listener too, belong
//! to the gateway's account, run a JavaScript runtime that others can't write, and be a gateway.

use super::text::bounded;
use std::fmt;
use std::net::SocketAddr;

/// Who the gateway is meant to be.
#[derive(Debug, Clone)]
pub struct ExpectedGateway {
    /// The account that the gateway is meant to run as; 0 only if it is meant to run as root. Nothing is proven without it.
    pub uid: Option<u32>,
    /// Names of its units, e.g. `openclaw-gateway.service`. A process in the control group of one counts as a gateway even
    /// where its title and arguments are not those of one.
    pub units: Vec<String>,
    /// Whether the command line, or the title that replaced it, of a process that listens is that of a gateway.
    pub is_gateway: fn(&[String]) -> bool,
}

/// A process that was proven to be the gateway at the far end of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenListener {
    pid: u32,
    uid: u32,
    start_time: u64,
    exe: String,
}

impl ProvenListener {
    pub(super) fn new(pid: u32, uid: u32, start_time: u64, exe: &str) -> Self {
        Self { pid, uid, start_time, exe: bounded(exe) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The account it runs as.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// When it started, in clock ticks since boot.
    pub fn start_time(&self) -> u64 {
        self.start_time
    }
}

impl fmt::Display for ProvenListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of uid {} ({})", self.pid, self.uid, self.exe)
    }
}

/// Why a listener was not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// This system offers no way.
    #[error("this system offers no way to look up who listens")]
    Unsupported,
    /// The caller does not know the account.
    #[error("the account that the gateway is meant to run as is not known (see --user)")]
    AccountUnknown,
    /// The connection leaves this host.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// A table of the system could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// No listening socket covers the address.
    #[error("no listening socket for {0} is in this network namespace")]
    NoListener(SocketAddr),
    /// The accepted end of the connection is not in the tables.
    #[error("the far end of the connection is not in this network namespace")]
    NoFarEnd,
    /// A socket belongs to another account.
    #[error("the listener belongs to uid {found}, and the gateway is meant to run as uid {expected}")]
    SocketOwner {
        /// Whose it is.
        found: u32,
        /// Whose it should be.
        expected: u32,
    },
    /// Nobody can be seen to hold the socket.
    #[error("which process holds the connection can't be seen{}", if *.denied { " with these rights" } else { "" })]
    HolderUnseen {
        /// Whether some processes could not be looked into.
        denied: bool,
    },
    /// Several processes hold the socket.
    #[error("several processes hold the connection: {0:?}")]
    SeveralHolders(Vec<u32>),
    /// The process at the far end is not the one that listens.
    #[error("process {0} holds the connection, but not the listener")]
    NotTheListener(u32),
    /// The process runs as another account.
    #[error("process {pid} runs as uid {found}, and the gateway is meant to run as uid {expected}")]
    ProcessOwner {
        /// The process.
        pid: u32,
        /// Whose it is.
        found: u32,
        /// Whose it should be.
        expected: u32,
    },
    /// The program is no JavaScript runtime.
    #[error("process {pid} runs {exe}, which is no JavaScript runtime")]
    NotARuntime {
        /// The process.
        pid: u32,
        /// Its executable.
        exe: String,
    },
    /// The program belongs to somebody else, or others may write it.
    #[error("the program of process {pid}, {exe}, can be changed by others than root and the account")]
    UnsafeRuntime {
        /// The process.
        pid: u32,
        /// Its executable.
        exe: String,
    },
    /// The process is no gateway.
    #[error("process {0} has neither the title nor the arguments nor the unit of a gateway")]
    NotAGateway(u32),
    /// It changed while it was looked at.
    #[error("process {0} changed while it was looked at")]
    Changed(u32),
}

/// Looks up who holds the far end of a connection.
pub trait ListenerProof {
    /// Proves the far end of the connection from `local` (our end) to `peer` (the listener's address). To be called once
    /// the far end has sent something, since before that it may not have accepted.
    ///
    /// # Errors
    /// The reason why nothing was proven; then no secret may be sent.
    fn prove(&self, local: SocketAddr, peer: SocketAddr) -> Result<ProvenListener, NotProven>;
}

/// The proof of this system.
#[cfg(target_os = "linux")]
pub fn system_proof(expected: ExpectedGateway) -> Box<dyn ListenerProof> {
    Box::new(super::proof_linux::LinuxProof::new(expected))
}

/// The proof of this system: none, so that secrets stay here.
#[cfg(not(target_os = "linux"))]
pub fn system_proof(_expected: ExpectedGateway) -> Box<dyn ListenerProof> {
    struct NoProof;
    impl ListenerProof for NoProof {
        fn prove(&self, _: SocketAddr, _: SocketAddr) -> Result<ProvenListener, NotProven> {
            Err(NotProven::Unsupported)
        }
    }
    Box::new(NoProof)
}
