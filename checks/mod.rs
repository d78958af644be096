//! The checks. Each is a pure function over the snapshot: it reads nothing else and changes nothing.
//!
//! One file per check, in the folder of its area; registered in [`CHECKS`], in the order they print.

pub mod configuration;
pub mod credentials;
pub mod database;
pub mod docs;
pub mod host;
pub mod logs;
pub mod own;
pub mod ownership;
pub mod pairing;
pub mod ports;
pub mod proxies;
pub mod reading;
pub mod releases;
pub mod run;
pub mod safety;
pub mod services;
#[cfg(test)]
pub(crate) mod testing;

pub use crate::model::subject::Subject;

use crate::model::plan::Plan;
use crate::model::{Cause, Finding, Severity, Unknown};
use crate::snapshot::{Installation, Snapshot};
use serde::Serialize;

/// One check.
pub trait Check: Sync {
    /// The id, in kebab-case; for ever.
    fn id(&self) -> &'static str;

    /// The area, a group of checks that can be selected together.
    fn area(&self) -> Area;

    /// Module path below `checks`, for the documentation, for example `ownership/foreign_owner`.
    fn source(&self) -> &'static str;

    /// What it finds, why, and how to be sure: the sections of [`docs::SECTIONS`].
    fn documentation(&self) -> &'static str {
        docs::text(self.source()).unwrap_or_default()
    }

    /// The codes that it can report.
    fn codes(&self) -> &'static [CodeSpec];

    /// The subjects it needs, so that `--only` collects nothing else.
    fn needs(&self) -> &'static [Subject];

    /// Looks for faults.
    ///
    /// # Errors
    /// The reason why it can't tell, where a fact that it needs is unknown.
    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown>;

    /// What can be done about one of its findings.
    fn plan(&self, _context: &Context<'_>, _finding: &Finding) -> Option<Plan> {
        None
    }
}

/// What a check may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'s> {
    /// Everything that is known.
    pub snapshot: &'s Snapshot,
    /// The installation that is judged.
    pub installation: &'s Installation,
}

/// A code that a check can report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CodeSpec {
    /// The code, in kebab-case, unique over all checks; never used again for something else.
    pub code: &'static str,
    /// Its usual severity; a finding may be milder.
    pub severity: Severity,
    /// What it locks people out by, if it does.
    pub cause: Option<Cause>,
    /// One line.
    pub summary: &'static str,
}

/// A group of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Owners, modes, attributes of the state.
    Ownership,
    /// The device store, identities, device tokens, requests.
    Pairing,
    /// Units, processes, supervisors.
    Services,
    /// Ports and listeners.
    Ports,
    /// Proxies and locality.
    Proxies,
    /// What the logs show.
    Logs,
    /// The configuration file.
    Configuration,
    /// Tokens, passwords, references.
    Credentials,
    /// The SQLite state and JSON leftovers.
    Database,
    /// Releases and known defects.
    Releases,
    /// State directories, disks, clocks, network.
    Host,
    /// Settings that lock nobody out but leave a door open.
    Safety,
    /// The user's own rules.
    Own,
}

impl Area {
    /// Every area.
    pub const ALL: &'static [Area] = &[
        Area::Ownership,
        Area::Pairing,
        Area::Services,
        Area::Ports,
        Area::Proxies,
        Area::Logs,
        Area::Configuration,
        Area::Credentials,
        Area::Database,
        Area::Releases,
        Area::Host,
        Area::Safety,
        Area::Own,
    ];

    /// The id.
    pub fn id(self) -> &'static str {
        match self {
            Area::Ownership => "ownership",
            Area::Pairing => "pairing",
            Area::Services => "services",
            Area::Ports => "ports",
            Area::Proxies => "proxies",
            Area::Logs => "logs",
            Area::Configuration => "configuration",
            Area::Credentials => "credentials",
            Area::Database => "database",
            Area::Releases => "releases",
            Area::Host => "host",
            Area::Safety => "safety",
            Area::Own => "own",
        }
    }
}

impl CodeSpec {
    /// A code that is an error with a cause.
    pub const fn error(code: &'static str, cause: Cause, summary: &'static str) -> Self {
        Self { code, severity: Severity::Error, cause: Some(cause), summary }
    }

    /// A code that is a warning.
    pub const fn warning(code: &'static str, cause: Option<Cause>, summary: &'static str) -> Self {
        Self { code, severity: Severity::Warning, cause, summary }
    }

    /// A code that only informs.
    pub const fn info(code: &'static str, cause: Option<Cause>, summary: &'static str) -> Self {
        Self { code, severity: Severity::Info, cause, summary }
    }
}

impl<'s> Context<'s> {
    /// A finding of one of a check's codes about `subject` (a text that stays the same over runs), with the code's
    /// severity and cause and of this installation.
    pub fn finding(&self, check: &dyn Check, code: &str, subject: &str, message: impl Into<String>) -> Finding {
        let spec = check.codes().iter().find(|spec| spec.code == code);
        let mut finding =
            Finding::new(check.id(), code, spec.map_or(Severity::Warning, |spec| spec.severity), subject, message);
        finding.cause = spec.and_then(|spec| spec.cause);
        finding.of(&self.installation.id)
    }

    /// `sudo -u claw -H openclaw …` where the doctor runs as another account than the gateway's, else the bare command.
    /// The product's command name follows the installation.
    pub fn openclaw(&self, arguments: &str) -> String {
        let installation = self.installation;
        let program = match installation.product {
            crate::model::release::Product::Clawdbot => "clawdbot",
            _ => "openclaw",
        };
        let profile = installation.profile.as_deref().map(|name| format!(" --profile {name}")).unwrap_or_default();
        let command = format!("{program}{profile} {arguments}");
        match installation.account_name() {
            Some(name) if installation.account().is_some_and(|account| account.uid != self.snapshot.run_as.uid) => {
                format!("sudo -u {name} -H {command}")
            }
            _ => command,
        }
    }
}

/// Every check, in the order they print.
pub static CHECKS: &[&dyn Check] = &[
    &ownership::access::StateAccess,
    &ownership::leftovers::Leftovers,
    &services::duplicates::Duplicates,
    &services::running::Running,
    &services::answer::Answer,
    &ports::holder::Holder,
    &logs::refusals::Refusals,
    &logs::faults::Faults,
    &logs::starts::Starts,
    &configuration::file::File,
    &configuration::syntax::Syntax,
    &configuration::includes::Includes,
    &configuration::keys::Keys,
    &configuration::values::Values,
    &pairing::device_store_text::DeviceStoreText,
    &pairing::paired_records::PairedRecords,
    &pairing::pending_requests::PendingRequests,
    &pairing::host_device::HostDevice,
    &pairing::store_loss::StoreLoss,
    &pairing::device_identity::DeviceIdentityCheck,
    &pairing::device_tokens::DeviceTokens,
    &pairing::approval_queues::ApprovalQueues,
    &configuration::mode::Mode,
    &configuration::bind::Bind,
    &configuration::port::Port,
    &configuration::origins::Origins,
    &configuration::history::History,
    &configuration::elsewhere::Elsewhere,
    &proxies::items::Items,
    &proxies::loopback::Loopback,
    &proxies::wide::Wide,
    &proxies::untrusted::Untrusted,
    &proxies::auth::TrustedProxyAuth,
    &proxies::locality::Locality,
    &credentials::drift::Drift,
    &credentials::trials::Trials,
    &credentials::values::Values,
    &credentials::references::References,
    &credentials::presence::Presence,
    &safety::break_glass::BreakGlass,
    &safety::open_files::OpenFiles,
    &database::file::DatabaseFile,
    &database::replaced::Replaced,
    &database::schema::Schema,
    &database::rows::Rows,
    &database::locked::Locked,
    &database::legacy_files::LegacyFiles,
    &database::legacy_identity::LegacyIdentity,
    &database::retired_files::RetiredFiles,
    &database::stale_locks::StaleLocks,
    &releases::version_skew::VersionSkew,
    &releases::known_bugs::KnownBugs,
    &host::disk::Disk,
    &host::clock::Clock,
    &host::descriptors::Descriptors,
    &host::namespaces::Namespaces,
    &host::state_dirs::StateDirs,
    &own::files::OwnFiles,
    &own::signatures::OwnSignatures,
];

/// Every check, the user's own ones last.
pub fn all() -> impl Iterator<Item = &'static dyn Check> + Clone {
    CHECKS.iter().copied().chain(own::installed().checks.iter().copied())
}
