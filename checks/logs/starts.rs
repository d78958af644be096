//! # The log shows that the gateway refused to start
//!
//! ## What it finds
//! The last start that failed, with the reason that the gateway gave, where no start has worked since; a move of the
//! device store to SQLite that was refused; and starts that end another gateway on the port, turn by turn.
//!
//! ## Why it locks you out
//! Nothing listens. From 2026.4.15 a refusal can end with exit code 78, which tells systemd to leave the unit down, so
//! that the service looks merely stopped.
//!
//! ## How to read the evidence
//! The line is the gateway's own. `another gateway instance is already listening` is also printed for a foreign program
//! on the port; who holds it is told by the lines after it, where the gateway may see that.
//!
//! ## How to be sure by hand
//! `journalctl --user -u openclaw-gateway -n 50`, and the newest file in `/tmp/openclaw`.
//!
//! ## What the fix does
//! Nothing: text from a log never authorises a change. The check of the subject itself offers one where it can.
//!
//! ## Since and until
//! All releases; the texts differ, the reasons are told apart by the signatures.

use super::evidence;
use crate::checks::ownership::access;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::episode::{Episode, EpisodeKind};
use crate::logs::summary::LogSummary;
use crate::logs::{EventKind, LogEvent};
use crate::model::{Cause, Certainty, Evidence, Finding, Unknown};
use crate::snapshot::lock::{Lock, LockKind, LockProcess};
use crate::snapshot::tree::EntryRole;

/// See the module's documentation.
pub struct Starts;

const fn warning(code: &'static str, cause: Cause, summary: &'static str) -> CodeSpec {
    CodeSpec::warning(code, Some(cause), summary)
}

static CODES: &[CodeSpec] = &[
    warning("start-refused-config", Cause::ConfigInvalid, "The gateway refused to start because of its configuration"),
    warning("start-refused-legacy", Cause::LegacyState, "The gateway refused to start because of retired JSON files"),
    warning("start-refused-database", Cause::StateDatabase, "The gateway refused to start because of its database"),
    warning(
        "start-refused-access",
        Cause::StateOwnership,
        "The gateway refused to start because it may not use its files",
    ),
    warning(
        "start-refused-secret",
        Cause::SecretUnresolved,
        "The gateway refused to start because a secret is unresolved",
    ),
    warning("start-refused-port", Cause::PortConflict, "The gateway refused to start because its port is taken"),
    warning(
        "start-refused-duplicate",
        Cause::DuplicateGateway,
        "The gateway refused to start because another one runs",
    ),
    warning("start-refused-lock", Cause::StaleLock, "The gateway refused to start because of a lock"),
    warning("import-refused", Cause::PairingStoreDamaged, "The move of the device store to SQLite failed"),
    warning("gateways-end-each-other", Cause::DuplicateGateway, "Each start ends another gateway on the port"),
];

impl Check for Starts {
    fn id(&self) -> &'static str {
        "refused-starts"
    }

    fn area(&self) -> Area {
        Area::Logs
    }

    fn source(&self) -> &'static str {
        "logs/starts"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs, Subject::Locks]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let summary = evidence::logs(context)?;
        let release = context.installation.release();
        let mut findings: Vec<Finding> = Vec::new();
        for episode in &summary.episodes {
            if is_fight(context, episode) {
                findings.push(self.fight(context, summary, episode));
                continue;
            }
            if !matches!(episode.kind, EpisodeKind::StartRefusals | EpisodeKind::Conflicts)
                || !evidence::is_current(context, episode)
            {
                continue;
            }
            let cause = cause(summary, episode).or_else(|| of_lock(context, episode));
            let Some(cause) = cause.or_else(|| episode.sample.cause(release)) else { continue };
            if is_over(context, episode, cause) {
                continue;
            }
            let Some(spec) = CODES.iter().find(|spec| spec.cause == Some(cause)) else { continue };
            let piece = evidence::evidence(summary, episode, episode.event.words());
            if let Some(finding) = findings.iter_mut().find(|finding| finding.code == spec.code) {
                finding.evidence.push(piece);
                continue;
            }
            let message = format!("The gateway did not start: {}, {}", episode.event.words(), evidence::times(episode));
            let mut finding =
                context.finding(self, spec.code, episode.event.id(), message).because(cause, Certainty::Likely);
            if episode.event == EventKind::AlreadyRunning {
                // Whether its owner lives can't be told from the log.
                finding.certainty = Certainty::Possible;
                finding.evidence.extend(own_locks(context).map(|lock| Evidence::new("the lock").at(&lock.path)));
            }
            finding.evidence.push(piece);
            finding.evidence.extend(evidence::place(context, cause));
            finding.fix_hint = hint(context, cause);
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// What to do where the log alone tells of it: the state's own checks say more where they can look.
fn hint(context: &Context<'_>, cause: Cause) -> Option<String> {
    let port = context.config().port().unwrap_or(18_789);
    Some(match cause {
        Cause::DuplicateGateway => format!(
            "On the running host `sudo openclaw-doctor fix duplicate-gateway` names both gateways. By hand: see who listens \
             with `sudo ss -ltnp 'sport = :{port}'`, and stop the one that is not meant through whatever starts it"
        ),
        Cause::PortConflict => format!(
            "See which program it is with `sudo ss -ltnp 'sport = :{port}'`; stop it through whatever starts it, or give the \
             gateway another port with `{}`",
            context.openclaw("config set gateway.port 18889")
        ),
        Cause::StaleLock => {
            "On the running host `sudo openclaw-doctor fix stale-lock` looks whether the lock's owner lives".to_owned()
        }
        _ => return None,
    })
}

impl Starts {
    fn fight(&self, context: &Context<'_>, summary: &LogSummary, episode: &Episode) -> Finding {
        let message = format!(
            "Each start ends another gateway on the port, {}: two supervisors keep one each",
            evidence::times(episode)
        );
        context
            .finding(self, "gateways-end-each-other", "fight", message)
            .because(Cause::DuplicateGateway, Certainty::Likely)
            .evidence(evidence::evidence(summary, episode, episode.event.words()))
            .hint("Look for a second unit, a container, pm2 or tmux that starts a gateway, and keep one")
    }
}

/// Whether what the start was refused for has changed since: then the log tells of the past, and the state's own checks
/// tell whether it was cured.
fn is_over(context: &Context<'_>, episode: &Episode, cause: Cause) -> bool {
    let installation = context.installation;
    let last = episode.last.map(jiff::Timestamp::as_nanosecond).unwrap_or(i128::MAX);
    let changed = |role: EntryRole| installation.tree.with_role(role).is_some_and(|entry| entry.meta.mtime_ns > last);
    match cause {
        Cause::ConfigInvalid | Cause::SecretUnresolved => {
            changed(EntryRole::Config) || installation.config.meta.known().is_some_and(|meta| meta.mtime_ns > last)
        }
        Cause::StateOwnership => installation.account().is_some() && !access::is_closed(context),
        Cause::LegacyState => {
            ![EntryRole::Paired, EntryRole::Pending, EntryRole::Identity, EntryRole::DeviceAuth, EntryRole::Nodes]
                .into_iter()
                .any(|role| installation.tree.with_role(role).is_some())
        }
        Cause::StateDatabase => changed(EntryRole::Database),
        Cause::PairingStoreDamaged => installation.tree.with_role(EntryRole::Paired).is_none(),
        _ => false,
    }
}

/// Starts that clear another gateway from the port, again and again, up to now (host-by-release 3.3).
fn is_fight(context: &Context<'_>, episode: &Episode) -> bool {
    episode.event == EventKind::StalePidsCleared
        && episode.count >= 3
        && episode.last.is_none_or(|last| context.snapshot.as_of_ms() - last.as_millisecond() < FIGHT_MS)
}

/// A fight goes on within minutes; one that ended an hour ago was ended by somebody.
const FIGHT_MS: i64 = 3_600 * 1_000;

/// The locks of this installation that name an owner.
fn own_locks<'s>(context: &Context<'s>) -> impl Iterator<Item = &'s Lock> {
    let installation = context.installation;
    let locks = context.snapshot.locks.known().map(|facts| facts.locks.as_slice()).unwrap_or_default();
    locks.iter().filter(move |lock| {
        let owner = lock.owner.known();
        matches!(lock.kind, LockKind::Config | LockKind::State)
            && (lock.path.starts_with(&installation.state_dir)
                || lock.config.as_ref() == Some(&installation.config.path)
                || owner.is_some_and(|owner| owner.config_path.as_ref() == Some(&installation.config.path)))
    })
}

/// `gateway already running (pid N)`: what the lock's process is decides, where that is known.
fn of_lock(context: &Context<'_>, episode: &Episode) -> Option<Cause> {
    (episode.event == EventKind::AlreadyRunning).then_some(())?;
    let process = own_locks(context).find_map(|lock| lock.process.known());
    Some(match process {
        Some(LockProcess::Alive { gateway: true, .. }) => Cause::DuplicateGateway,
        Some(_) => Cause::StaleLock,
        None if own_locks(context).next().is_some() => Cause::StaleLock,
        None => Cause::DuplicateGateway,
    })
}

/// The same sentence is printed for a second gateway and for a foreign program; the line that names the holder of the
/// port decides, where there is one.
fn cause(summary: &LogSummary, episode: &Episode) -> Option<Cause> {
    if !matches!(episode.event, EventKind::AlreadyListening | EventKind::PortInUse) {
        return None;
    }
    let sample = &episode.sample;
    let near = |event: &&LogEvent| {
        event.kind == EventKind::PortOwner && event.source == sample.source && event.line.abs_diff(sample.line) < 12
    };
    let owner = summary.events.iter().filter(near).min_by_key(|event| event.line.abs_diff(sample.line))?;
    let text = owner.text.to_ascii_lowercase();
    let gateway =
        ["openclaw-gateway", "clawdbot-gateway", "openclaw", "clawdbot"].iter().any(|name| text.contains(name));
    Some(if gateway { Cause::DuplicateGateway } else { Cause::PortConflict })
}
