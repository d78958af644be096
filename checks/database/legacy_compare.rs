//! What retired JSON files hold that the SQLite state does not, how much that weighs by release, and how one is set aside.

use super::store;
use crate::checks::Context;
use crate::model::file::Meta;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Era, Fact, Finding, HostPath, Release, Severity};
use crate::snapshot::device::{DeviceId, RecordShape};
use crate::snapshot::device_key::decode_public;
use crate::snapshot::process::ProcessFact;
use crate::snapshot::store::{FileState, StoreFile};
use crate::statedb::DatabaseContent;

/// The content of the live database. `None` where there is none yet: then the files wait for their first import, which
/// is an ordinary upgrade.
pub(super) fn live_content<'s>(context: &Context<'s>) -> Option<&'s DatabaseContent> {
    context.installation.live_content()
}

/// How the devices of `devices/paired.json` relate to the rows of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Compared {
    /// Every device of the file has a row.
    AllThere,
    /// These devices have no row.
    Missing(Vec<DeviceId>),
    /// One of the two could not be understood as a whole.
    Unclear,
}

/// Compares `devices/paired.json` with the database.
pub(super) fn paired(context: &Context<'_>) -> Compared {
    let Some(records) = context.installation.devices.paired.all() else { return Compared::Unclear };
    let rows = live_content(context).and_then(|content| content.paired.known());
    let Some(rows) = rows else { return Compared::Unclear };
    let missing: Vec<DeviceId> = records
        .iter()
        .filter(|record| record.shape == RecordShape::Expected)
        .map(|record| record.device_id.known().cloned().unwrap_or_else(|| DeviceId(record.place.key.clone())))
        .filter(|id| !rows.iter().any(|row| row.place.key == id.0))
        .collect();
    if missing.is_empty() { Compared::AllThere } else { Compared::Missing(missing) }
}

/// How `identity/device.json` relates to the identity in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// The same key: the file is ignored.
    Same,
    /// Another key: the migration refuses.
    Other,
    /// The database has no identity yet.
    NotImported,
    /// One of the two could not be understood.
    Unclear,
}

/// Compares `identity/device.json` with the database; `None` where there is no such file.
pub(super) fn identity(context: &Context<'_>) -> Option<Identity> {
    let file = &context.installation.devices.identity;
    if file.state == FileState::Missing {
        return None;
    }
    let Some(content) = live_content(context) else { return Some(Identity::Unclear) };
    let row = match content.primary_identity() {
        Fact::Known(row) => row,
        Fact::Absent => return Some(Identity::NotImported),
        Fact::Unknown(_) => return Some(Identity::Unclear),
    };
    let raw = |text: &Fact<String>| text.known().and_then(|text| decode_public(text).1);
    let in_file = file.all().and_then(|records| records.first()).and_then(|record| raw(&record.key.text));
    Some(match (in_file, raw(&row.key.text)) {
        (Some(file), Some(row)) if file == row => Identity::Same,
        (Some(_), Some(_)) => Identity::Other,
        _ => Identity::Unclear,
    })
}

/// Whether every cached token of `identity/device-auth.json` is in the database, too. `None` where that can't be told.
pub(super) fn tokens_are_there(context: &Context<'_>) -> Option<bool> {
    let records = context.installation.devices.cached.all()?;
    let rows = live_content(context)?.cached_tokens.known()?;
    Some(records.iter().all(|record| {
        rows.iter().any(|row| row.role == record.role && row.label.known().is_some() && row.label == record.label)
    }))
}

/// Whether a file is there in a form that `JSON.parse` or OpenClaw's importer refuses.
pub(super) fn is_malformed<T>(file: &StoreFile<T>) -> bool {
    matches!(file.state, FileState::Faulty(_) | FileState::NotAFile(_))
}

/// Whether a file is there, in whatever form.
pub(super) fn exists<T>(file: &StoreFile<T>) -> bool {
    file.state != FileState::Missing
}

/// What a file that can't be imported does to a start of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtStart {
    /// It is refused, exit 78 (from 2026.9.5).
    Refused,
    /// The same release, and yet the gateway that runs, by its pid, came up with the file there: a 2026.9.6 under its unit
    /// was seen to warn and serve where the same start by hand was refused.
    CameUp(u32),
    /// It is one warning (up to 2026.9.4).
    Warned,
    /// The release is not known.
    Unclear,
}

impl AtStart {
    /// What is known of it for a file with this metadata.
    pub fn with(context: &Context<'_>, meta: &Fact<Meta>) -> Self {
        match context.release().map(|release| release.era() == Era::SqlitePipeline) {
            None => AtStart::Unclear,
            Some(false) => AtStart::Warned,
            Some(true) => came_up_with(context, meta).map_or(AtStart::Refused, AtStart::CameUp),
        }
    }

    /// In words; `warned` says what it does where it is only warned of.
    pub fn words(self, warned: &str) -> String {
        match self {
            AtStart::Refused | AtStart::Unclear => "the gateway refuses to start (exit 78)".to_owned(),
            AtStart::CameUp(pid) => format!(
                "the gateway that runs (process {pid}) came up with it, but another start may be refused (exit 78)"
            ),
            AtStart::Warned => warned.to_owned(),
        }
    }
}

/// The gateway that listens, has this state's database open, and was started after the file was last touched. One of
/// another profile says nothing about this state.
fn came_up_with(context: &Context<'_>, meta: &Fact<Meta>) -> Option<u32> {
    let meta = meta.known()?;
    let touched = meta.mtime_ns.max(meta.ctime_ns);
    let state = &context.installation.state_dir;
    let came_up = |process: &&ProcessFact| {
        let listens = process.ports.known().is_some_and(|ports| !ports.is_empty());
        let works_here =
            process.databases.known().is_some_and(|paths| paths.iter().any(|path| path.starts_with(state)));
        let after = process.started.known().is_some_and(|started| started.as_nanosecond() > touched);
        listens && works_here && after
    };
    let mut gateways = context.snapshot.processes.known()?.gateways();
    gateways.find(came_up).map(|process| process.pid)
}

/// Severity, certainty and cause of a fault that refuses the start from 2026.9.5 on.
pub(super) fn weigh(at_start: AtStart, finding: Finding, sure: Certainty) -> Finding {
    let mut finding = finding.because(Cause::LegacyState, sure);
    match at_start {
        // One start was refused and another, by the unit, was not (see `AtStart::CameUp`).
        AtStart::Refused | AtStart::Unclear => finding.certainty = sure.min(Certainty::Likely),
        AtStart::CameUp(_) => (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible),
        AtStart::Warned => {
            (finding.severity, finding.cause, finding.certainty) = (Severity::Warning, None, Certainty::Possible);
        }
    }
    finding
}

/// Sets one file aside; not under a release that is newer than the doctor knows.
pub(super) fn set_aside(
    context: &Context<'_>,
    finding: &Finding,
    path: &HostPath,
    applicability: Applicability,
    reason: &str,
) -> Option<Plan> {
    if context.release().is_some_and(Release::is_newer_than_known) {
        return None;
    }
    let action = Action::SetAside { path: path.clone(), to: store::free_name(context, path)? };
    Some(Plan::of(finding, applicability, format!("set {path} aside"), vec![Step::new(action, reason)]))
}
