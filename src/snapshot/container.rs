//! Facts about where the doctor itself runs: container, virtual machine, WSL, init system.

use crate::model::Fact;
use serde::{Deserialize, Serialize};

/// Where the doctor itself runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The container. Absent: signs were looked for and none found.
    pub container: Fact<Container>,
    /// Windows Subsystem for Linux.
    pub wsl: Fact<Wsl>,
    /// What runs as process 1.
    pub init: Fact<Init>,
    /// Whether uid 0 inside is another uid outside (user namespace). Absent: not shifted.
    pub shifted_uids: Fact<Vec<UidRange>>,
}

/// The container around the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The kind.
    pub kind: ContainerKind,
    /// What says so: a file or variable.
    pub signs: Vec<String>,
}

/// Kinds of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerKind {
    /// Docker or something that speaks like it.
    Docker,
    /// Podman.
    Podman,
    /// A Kubernetes pod.
    Kubernetes,
    /// LXC or Incus.
    Lxc,
    /// systemd-nspawn.
    Nspawn,
    /// Fly.io machine.
    Fly,
    /// Another one.
    Other,
}

/// Windows Subsystem for Linux.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wsl {
    /// 1 or 2, where it can be told.
    pub version: Option<u8>,
    /// `systemd=true` in `/etc/wsl.conf`; `None` where the file does not say.
    pub systemd: Option<bool>,
    /// Whether Windows programs can be started.
    pub interop: Option<bool>,
}

/// What runs as process 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// systemd (`/run/systemd/system` exists).
    Systemd,
    /// launchd.
    Launchd,
    /// Something else, by its short name.
    Other(String),
}

/// One range of a uid map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UidRange {
    /// First uid inside.
    pub inside: u32,
    /// First uid outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl ContainerKind {
    /// The lower-case word of the contract's `host.container`.
    pub fn word(self) -> &'static str {
        match self {
            ContainerKind::Docker => "docker",
            ContainerKind::Podman => "podman",
            ContainerKind::Kubernetes => "kubernetes",
            ContainerKind::Lxc => "lxc",
            ContainerKind::Nspawn => "nspawn",
            ContainerKind::Fly => "fly",
            ContainerKind::Other => "other",
        }
    }
}
