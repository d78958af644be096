//! Facts about the OpenClaw packages and the Node binaries on the host, found without running anything.

use super::service::Unread;
use crate::model::{Fact, HostPath, Product, Release};
use serde::{Deserialize, Serialize};

/// Packages and Node binaries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramFacts {
    /// Every OpenClaw package, each directory once.
    pub packages: Vec<Package>,
    /// Node binaries that units, processes or `PATH` use.
    pub nodes: Vec<NodeBinary>,
    /// Places that could not be read.
    pub unread: Vec<Unread>,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its directory, links resolved.
    pub directory: HostPath,
    /// Its product.
    pub product: Product,
    /// `version` of its `package.json`.
    pub release: Fact<Release>,
    /// `engines.node` of its `package.json`, for example `>=22.12.0`.
    pub engines_node: Fact<String>,
    /// Owner of its `package.json`.
    pub uid: u32,
    /// The newest schema of the state database that it knows (`openclaw.schemaVersions.state`, from 2026.8.1).
    pub schema_version: Fact<u32>,
    /// What led to it, each once.
    pub found_by: Vec<FoundBy>,
}

/// What led to a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// A service unit, by name.
    Unit(String),
    /// A running process.
    Process(u32),
    /// An entry of the caller's `PATH`; position from 0. The lowest is what typing `openclaw` runs.
    Path {
        /// Position in `PATH`.
        position: usize,
        /// The program file there.
        program: HostPath,
    },
    /// A usual place of npm, pnpm, bun, a version manager, Homebrew, or an image.
    UsualPlace,
    /// The macOS app.
    App,
}

/// One Node binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeBinary {
    /// The file, links resolved.
    pub path: HostPath,
    /// Its version, where files beside it tell. The doctor never runs it.
    pub version: Fact<NodeVersion>,
    /// What led to it.
    pub found_by: Vec<FoundBy>,
}

/// A Node version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeVersion {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl std::fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl ProgramFacts {
    /// What the caller's shell would run for `openclaw`.
    pub fn on_path(&self) -> Option<&Package> {
        self.packages
            .iter()
            .filter_map(|package| Some((package.path_position()?, package)))
            .min_by_key(|(position, _)| *position)
            .map(|(_, package)| package)
    }
}

impl Package {
    /// Its lowest position in the caller's `PATH`.
    pub fn path_position(&self) -> Option<usize> {
        let positions = self.found_by.iter().filter_map(|by| match by {
            FoundBy::Path { position, .. } => Some(*position),
            _ => None,
        });
        positions.min()
    }
}
