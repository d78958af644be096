//! # The log shows that the gateway can't use its files
//!
//! ## What it finds
//! Errors of the operating system in the gateway's log: no right to write or replace a file, no space, a read-only file
//! system, no file descriptor left.
//!
//! ## Why it locks you out
//! Every handshake of a device writes to the device store. Where that fails the client sees close code 1000 without a
//! reason, paired or not; the errno stands only here.
//!
//! ## How to read the evidence
//! The path and the errno are the gateway's own. A log tells what was; if the file can be written by now, the last
//! error came before that.
//!
//! ## How to be sure by hand
//! `grep 'parse/handle error' /tmp/openclaw/openclaw-*.log | tail`, then `ls -la` and `lsattr` on the path, and `df -h`
//! and `df -i` on its file system.
//!
//! ## What the fix does
//! Nothing: text from a log never authorises a change. The ownership check offers the fix where it sees the fault itself.
//!
//! ## Since and until
//! All releases.

use super::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::EventKind;
use crate::logs::episode::{Episode, EpisodeKind};
use crate::model::file::EntryKind;
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Unknown};
use crate::snapshot::tree::{EntryFacts, EntryRole};

/// See the module's documentation.
pub struct Faults;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("log-permission-denied", Cause::StateOwnership, "The gateway is denied access to its own files"),
    CodeSpec::error(
        "log-no-space",
        Cause::DiskOrFilesystem,
        "The gateway finds no space, a read-only file system, or no descriptor",
    ),
    CodeSpec::error("log-database-fault", Cause::StateDatabase, "The gateway can't use its database"),
    CodeSpec::warning(
        "log-store-race",
        Some(Cause::PairingStoreLost),
        "The device store changes while the gateway reads it",
    ),
];

impl Check for Faults {
    fn id(&self) -> &'static str {
        "logged-file-faults"
    }

    fn area(&self) -> Area {
        Area::Logs
    }

    fn source(&self) -> &'static str {
        "logs/faults"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let summary = evidence::logs(context)?;
        let mut findings: Vec<Finding> = Vec::new();
        for episode in &summary.episodes {
            let Some(code) = code(context, episode) else { continue };
            if !evidence::is_current(context, episode) {
                continue;
            }
            if code == "log-database-fault" && database_changed(context, episode) {
                continue;
            }
            let detail = &episode.sample.detail;
            let errno = detail.errno.as_deref().unwrap_or("an error");
            let path = detail.path.as_deref().map(HostPath::from);
            let inside = path.as_ref().is_none_or(|path| concerns_state(context, path));
            if !inside || path.as_ref().is_some_and(|path| is_over(context, episode, path)) {
                continue;
            }
            let what = match &path {
                Some(path) => format!("{errno} on {path}"),
                None => errno.to_owned(),
            };
            let piece = evidence::evidence(summary, episode, &what);
            if let Some(finding) = findings.iter_mut().find(|finding| finding.code == code) {
                finding.evidence.push(piece);
                continue;
            }
            let message = format!(
                "The gateway's log has {what}, {}; clients then see close code 1000 without a reason",
                evidence::times(episode)
            );
            let subject = path.as_ref().map(final_path);
            let name = subject.as_ref().map(ToString::to_string).unwrap_or_default();
            let mut finding = context.finding(self, code, &name, message);
            finding.certainty = Certainty::Likely;
            if let Some(subject) = subject {
                finding = finding.at(&subject).evidence(Evidence::new("what the gateway wants to write").at(&subject));
            }
            if let Some(place) = finding.cause.and_then(|cause| evidence::place(context, cause)) {
                finding = finding.evidence(place);
            }
            findings.push(finding.evidence(piece).hint(hint(code)));
        }
        Ok(findings)
    }
}

fn code(context: &Context<'_>, episode: &Episode) -> Option<&'static str> {
    match (episode.kind, episode.event) {
        // A gateway that ended for want of memory is told by `gateway-running`.
        (EpisodeKind::ResourceErrors, EventKind::OutOfMemory) => None,
        // A handshake that failed because of its store, without an error of the system.
        (EpisodeKind::HandlerErrors, _) => match episode.sample.cause(context.installation.release())? {
            Cause::StateDatabase => Some("log-database-fault"),
            Cause::PairingStoreLost => Some("log-store-race"),
            _ => None,
        },
        (EpisodeKind::PermissionErrors, _) => Some("log-permission-denied"),
        (EpisodeKind::ResourceErrors, _) => Some("log-no-space"),
        (EpisodeKind::DatabaseErrors, EventKind::DatabaseSlow) => None,
        (EpisodeKind::DatabaseErrors, _) => Some("log-database-fault"),
        _ => None,
    }
}

/// Paths of tools and plugins are no affair of the gateway's door.
fn concerns_state(context: &Context<'_>, path: &HostPath) -> bool {
    let installation = context.installation;
    let state = [Some(&installation.state_dir), installation.real_state_dir.as_ref()];
    state.into_iter().flatten().any(|state| {
        let inside = path.starts_with(state);
        let passed_over =
            ["workspace", "agents", "media", "cache"].iter().any(|part| path.starts_with(&state.join(part)));
        inside && !passed_over
    })
}

/// The database was written since: what it holds now is for its own checks to judge.
fn database_changed(context: &Context<'_>, episode: &Episode) -> bool {
    let last = episode.last.map(jiff::Timestamp::as_nanosecond).unwrap_or(i128::MAX);
    let is_part = |role| matches!(role, EntryRole::Database | EntryRole::DatabaseCompanion);
    context.installation.tree.kept().any(|entry| is_part(entry.role) && entry.meta.mtime_ns > last)
}

/// Whether the path has become usable since the error. A denied access is over when the account has it now. What mode
/// bits don't explain (an immutable file) is over, on a live host, when the entry changed after the error; on a copy the
/// times of change are those of the copying.
fn is_over(context: &Context<'_>, episode: &Episode, path: &HostPath) -> bool {
    let tree = &context.installation.tree;
    let subject = final_path(path);
    let find = |wanted: &HostPath| tree.kept().find(|entry| entry.path == *wanted);
    let (entry, parent) = (find(&subject), subject.parent().and_then(|parent| find(&parent)));
    if context.snapshot.host.live {
        let last = episode.last.map(jiff::Timestamp::as_nanosecond).unwrap_or_default();
        if [entry, parent].into_iter().flatten().any(|entry| entry.meta.ctime_ns > last) {
            return true;
        }
    }
    if episode.sample.detail.errno.as_deref() != Some("EACCES") {
        return false;
    }
    // A temporary file is made in the directory; the file itself is opened.
    let through_directory = subject != *path;
    let usable = |entry: &EntryFacts| {
        entry.may.known().map(|may| may.read && may.write && (may.enter || entry.meta.kind != EntryKind::Directory))
    };
    match (entry, parent) {
        (Some(entry), _) if !through_directory => usable(entry) == Some(true),
        (_, Some(parent)) => usable(parent) == Some(true),
        _ => false,
    }
}

/// The file that a temporary one was to replace: `paired.json.<uuid>.tmp` → `paired.json`.
fn final_path(path: &HostPath) -> HostPath {
    let name = path.file_name();
    let stem = name.strip_suffix(".tmp").and_then(|stem| stem.rsplit_once('.')).map(|(stem, _)| stem);
    match (stem, path.parent()) {
        (Some(stem), Some(parent)) if stem.contains('.') => parent.join(stem),
        _ => path.clone(),
    }
}

fn hint(code: &str) -> &'static str {
    match code {
        "log-permission-denied" => {
            "Look at owner, mode and attributes of that path (ls -lan, lsattr) for the gateway's account"
        }
        "log-no-space" => "Make room (df -h, df -i), or raise the limit of open files; the gateway goes on by itself",
        "log-store-race" => "Find what else writes the store: a second gateway, a synchronised folder, a script",
        _ => "Find who holds or changed the database before anything is restored",
    }
}
