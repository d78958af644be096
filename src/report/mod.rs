//! The one value that every format renders: the document of the contract, and what a person needs beside it.

pub mod build;
pub mod select;

use crate::checks::run::Status;
use crate::diagnosis::Diagnosis;
use crate::model::plan::{Applicability, Plan};
use crate::model::{Cause, Evidence, HostPath, Severity};
use serde::{Deserialize, Serialize};

/// The result of `check`, in the contract's shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this shape.
    pub schema_version: u32,
    /// Who says so.
    pub tool: Tool,
    /// When, RFC 3339 in UTC.
    pub generated_at: jiff::Timestamp,
    /// The time judged as of.
    pub as_of: jiff::Timestamp,
    /// What that time was taken from.
    pub as_of_from: String,
    /// The host.
    pub host: Host,
    /// Who ran the doctor.
    pub run_as: RunBy,
    /// Whether identities were hidden.
    pub redacted: bool,
    /// Whether the exit code is 0.
    pub ok: bool,
    /// The exit code.
    pub exit_code: u8,
    /// The verdict.
    pub verdict: Verdict,
    /// The severity from which on a finding makes exit code 1; `None` for never.
    #[serde(default)]
    pub fail_on: Option<Severity>,
    /// What the gateway itself shows.
    #[serde(default)]
    pub gateway: GatewaySummary,
    /// Checks that ran.
    pub checks_run: usize,
    /// Checks that did not.
    pub checks_skipped: usize,
    /// The installations found.
    pub installations: Vec<InstallationSummary>,
    /// Ranked causes; the first is the root cause.
    pub diagnosis: Vec<Diagnosis>,
    /// One line a check.
    pub checks: Vec<CheckSummary>,
    /// What is wrong.
    pub findings: Vec<ReportedFinding>,
    /// What could not be established.
    pub unknown: Vec<UnknownFact>,
    /// What the reader should know about this run.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether a finding makes exit code 1.
    pub fn fails(&self, finding: &ReportedFinding) -> bool {
        finding.set_aside.is_none() && self.fail_on.is_some_and(|limit| finding.severity >= limit)
    }

    /// How many findings of a severity count, beside those that were set aside.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity && finding.set_aside.is_none()).count()
    }
}

/// What the gateway itself shows, for monitoring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySummary {
    /// Whether a gateway answers; `None` where nobody asked it or it can't be told.
    pub up: Option<bool>,
    /// Connections refused in the logs that were read; `None` where there were none to read.
    pub refused: Option<u64>,
}

/// Why a finding does not count for the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// By what.
    pub by: SetAsideBy,
    /// Why, in the words of whoever did it.
    pub reason: String,
}

/// What set a finding aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetAsideBy {
    /// `--baseline`: it was there before.
    Baseline,
    /// A dismissal in the configuration file.
    Dismissal,
}

/// Who made a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tool {
    /// `openclaw-doctor`
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This build.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// The container kind, if the doctor runs in one.
    pub container: Option<String>,
    /// The directory or archive of `--root`.
    pub root: Option<HostPath>,
}

/// Who ran the doctor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunBy {
    /// Effective uid.
    pub uid: u32,
    /// Whether it has root's rights.
    pub privileged: bool,
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing locks anybody out, and what decides was read.
    Healthy,
    /// Something locks somebody out.
    Broken,
    /// What decides could not be read.
    Inconclusive,
}

/// One installation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSummary {
    /// `i1`, …
    pub id: String,
    /// Whether it was judged.
    pub selected: bool,
    /// `openclaw`, `clawdbot`, `moltbot`
    pub product: String,
    /// Its state directory.
    pub state_dir: HostPath,
    /// Its configuration.
    pub config_path: HostPath,
    /// Its profile.
    pub profile: Option<String>,
    /// The account that its gateway is meant to run as: a name, or a number as text.
    pub gateway_user: Option<String>,
    /// How that is known.
    pub gateway_user_from: Option<String>,
    /// The release that it was judged by; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judged_by: Option<JudgedBy>,
    /// Releases that left their mark.
    pub versions: VersionSummary,
    /// Where its device store lives.
    pub store: String,
}

/// The release that an installation was judged by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JudgedBy {
    /// The release.
    pub release: String,
    /// What says so, in words.
    pub from: String,
}

impl InstallationSummary {
    /// `openclaw 2026.2.19 (known by the log)`.
    pub fn product_words(&self) -> String {
        match &self.judged_by {
            Some(judged) => format!("{} {} (known by {})", self.product, judged.release, judged.from),
            None => format!("{} of unknown release", self.product),
        }
    }

    /// `json device store`, `no device store`.
    pub fn store_words(&self) -> String {
        match self.store.as_str() {
            "none" => "no device store".to_owned(),
            "both" => "device stores of both kinds".to_owned(),
            "unknown" => "device store unknown".to_owned(),
            kind => format!("{kind} device store"),
        }
    }
}

/// Releases that left their mark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionSummary {
    /// Which wrote the state.
    pub state: Option<String>,
    /// Which the service would start.
    pub service: Option<String>,
    /// Which runs.
    pub running: Option<String>,
    /// Which the caller's `PATH` would run.
    pub cli: Option<String>,
}

/// What came of one check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckSummary {
    /// The check.
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped or crashed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: f64,
}

/// A finding in the contract's shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedFinding {
    /// Stable over runs.
    pub fingerprint: String,
    /// The check.
    pub check_id: String,
    /// The code.
    pub code: String,
    /// What it locks people out by.
    pub cause: Option<Cause>,
    /// How bad.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// The subject.
    pub path: Option<HostPath>,
    /// Line in it.
    pub line: Option<u32>,
    /// Column in it.
    pub column: Option<u32>,
    /// The installation.
    pub installation: Option<String>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub fix_hint: Option<String>,
    /// What the doctor can do.
    pub fix: Option<FixSummary>,
    /// Why it does not count, if so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub set_aside: Option<SetAside>,
}

/// What the doctor can do about a finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixSummary {
    /// How far a machine may go.
    pub applicability: Applicability,
    /// One line.
    pub summary: String,
}

impl From<&Plan> for FixSummary {
    fn from(plan: &Plan) -> Self {
        Self { applicability: plan.applicability, summary: plan.summary.clone() }
    }
}

/// A fact that could not be established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownFact {
    /// Which.
    pub fact: String,
    /// Why.
    pub reason: String,
}
