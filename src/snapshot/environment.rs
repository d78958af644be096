//! Environment variables and where each was set. Values that could be secrets are labels.

use crate::model::file::Meta;
use crate::model::{Fact, HostPath, SecretLabel};
use serde::{Deserialize, Serialize};

/// A line of a text file, or the file as a whole where it has no lines (binary plist, `/proc/PID/environ`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: HostPath,
    /// Line, from 1.
    pub line: Option<u32>,
}

/// A value with the place where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sited<T> {
    /// The value.
    pub value: T,
    /// Where it was read.
    pub at: Place,
}

/// One variable of an environment that decides what a gateway or a CLI does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// The name.
    pub name: String,
    /// The value, or what may be said of it.
    pub value: EnvValue,
    /// Where it was set.
    pub at: Place,
}

/// A variable's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvValue {
    /// A value that may be shown. Credentials inside URLs are masked.
    Plain(String),
    /// A secret.
    Secret(SecretLabel),
}

/// The variables of one holder (a unit with its drop-ins and files, a process, a dotenv file), the last setting of each
/// name only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Variables that OpenClaw, node or the service manager act on, and all that look like secrets. In order of names.
    pub vars: Vec<EnvVar>,
    /// Names of all other variables, so that `${NAME}` in the configuration can be judged. In order.
    pub other_names: Vec<String>,
}

/// A file that a unit takes variables from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvFile {
    /// The file, specifiers expanded.
    pub path: HostPath,
    /// With `-` before it: the unit starts without it.
    pub optional: bool,
    /// The `EnvironmentFile=` line.
    pub at: Place,
    /// Owner and mode of the file.
    pub meta: Fact<Meta>,
    /// What it sets.
    pub environment: Fact<Environment>,
}

impl EnvValue {
    /// A value that may be shown.
    pub fn plain(&self) -> Option<&str> {
        match self {
            EnvValue::Plain(text) => Some(text),
            EnvValue::Secret(_) => None,
        }
    }

    /// The label of a secret value.
    pub fn secret(&self) -> Option<&SecretLabel> {
        match self {
            EnvValue::Plain(_) => None,
            EnvValue::Secret(label) => Some(label),
        }
    }
}

impl Environment {
    /// The variable of a name.
    pub fn get(&self, name: &str) -> Option<&EnvVar> {
        self.vars.iter().find(|var| var.name == name)
    }

    /// The value of a variable that may be shown; blank values count as unset, as OpenClaw takes them.
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|var| var.value.plain()).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether a variable of that name is set to anything at all.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some() || self.other_names.binary_search_by(|other| other.as_str().cmp(name)).is_ok()
    }
}
