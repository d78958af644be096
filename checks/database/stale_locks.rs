//! # A lock is left over and stops the start
//!
//! ## What it finds
//! Leftovers of a crash that OpenClaw does not clear away by itself: an empty `*.lock.reclaim` directory, and in older
//! releases on systems without process start times a lock whose process number belongs to another program by now.
//!
//! ## Why it locks you out
//! The start ends with `gateway already running (pid N); lock timeout after 5000ms`, although nothing listens.
//!
//! ## How to read the evidence
//! A lock whose process is gone, or whose start time is another one, is removed at the next start in every release and is
//! not reported; neither are the empty `*.lock.sqlite` files, which mean nothing. A lock of a living gateway is no fault.
//!
//! ## How to be sure by hand
//! `ls -laR /tmp/openclaw-$(id -u)` (up to 2026.7.35) or `~/.openclaw/tmp` (from 2026.8.1); `ps -fp PID` for the pid in
//! the file; `ss -ltn 'sport = :18789'`.
//!
//! ## What the fix does
//! Sets exactly that leftover aside, after the gateway is stopped; nothing is lost.
//!
//! ## Since and until
//! All releases. From 2026.4.5 a recycled process number is noticed.

use super::store;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::EventKind;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use crate::snapshot::lock::{Lock, LockFacts, LockKind, LockProcess};

/// See the module's documentation.
pub struct StaleLocks;

const CAUSE: Cause = Cause::StaleLock;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("lock-reclaim-left", CAUSE, "An unfinished takeover of a lock is left over"),
    CodeSpec::error("lock-pid-recycled", CAUSE, "A lock names a process that is another program by now"),
    CodeSpec::error("lock-dir-foreign", Cause::StateOwnership, "The lock directory belongs to another account"),
    CodeSpec::warning("lock-maintenance", Some(CAUSE), "Another OpenClaw task holds the state directory"),
];

/// A takeover is a matter of milliseconds; OpenClaw waits five seconds for it.
const TAKEOVER_NS: i128 = 60 * 1_000_000_000;

impl Check for StaleLocks {
    fn id(&self) -> &'static str {
        "stale-lock"
    }

    fn area(&self) -> Area {
        Area::Database
    }

    fn source(&self) -> &'static str {
        "database/stale_locks"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Locks, Subject::Processes, Subject::Listeners, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let facts = match &context.snapshot.locks {
            Fact::Known(facts) => facts,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let ours = facts.locks.iter().filter(|lock| is_ours(context, lock) || is_accounts(context, facts, lock));
        let mut findings: Vec<Finding> = ours.filter_map(|lock| self.lock(context, lock)).collect();
        findings.extend(self.directories(context, facts));
        match facts.unread.first() {
            Some(unread) if findings.is_empty() => Err(unread.why.clone()),
            _ => Ok(findings),
        }
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let path = finding.path.as_ref()?;
        match finding.code.as_str() {
            "lock-reclaim-left" | "lock-pid-recycled" => {
                let action = Action::SetAside { path: path.clone(), to: store::free_name(context, path)? };
                let step = Step::new(action, "nobody who made it is left");
                let summary = format!("set the leftover {path} aside");
                Some(Plan::of(finding, Applicability::Unsafe, summary, vec![step]).with_gateway_stopped())
            }
            "lock-dir-foreign" => {
                let account = context.installation.account()?;
                let action = Action::ChownTree { path: path.clone(), uid: account.uid, gid: account.gid };
                let step = Step::new(action, "the gateway makes and removes its locks here");
                Some(Plan::of(finding, Applicability::Safe, format!("give {path} back to the account"), vec![step]))
            }
            _ => None,
        }
    }
}

/// Whether a lock is one of this installation's.
fn is_ours(context: &Context<'_>, lock: &Lock) -> bool {
    let installation = context.installation;
    let is_state = |path: &crate::model::HostPath| {
        *path == installation.state_dir || Some(path) == installation.real_state_dir.as_ref()
    };
    let owner = lock.owner.known();
    lock.path.starts_with(&installation.state_dir)
        || installation.real_state_dir.as_ref().is_some_and(|real| lock.path.starts_with(real))
        || lock.config.as_ref() == Some(&installation.config.path)
        || owner.is_some_and(|owner| {
            owner.state_dir.as_ref().is_some_and(is_state)
                || owner.config_path.as_ref() == Some(&installation.config.path)
        })
}

/// A takeover marker whose hash fits no configuration that is known, in the lock directory of an account with one
/// installation only: it can be nobody else's.
fn is_accounts(context: &Context<'_>, facts: &LockFacts, lock: &Lock) -> bool {
    let Some(account) = context.installation.account() else { return false };
    let of_account =
        |other: &&crate::snapshot::Installation| other.account().is_some_and(|owner| owner.uid == account.uid);
    lock.kind == LockKind::Reclaim
        && lock.config.is_none()
        && context.snapshot.installations.iter().filter(of_account).count() == 1
        && facts.directories.iter().any(|directory| {
            directory.uid_in_name == Some(account.uid) && lock.path.parent().as_ref() == Some(&directory.path)
        })
}

/// Whether anything listens on the gateway's port; `None` where unknown.
fn listens(context: &Context<'_>) -> Option<bool> {
    let listeners = context.snapshot.listeners.known().filter(|facts| facts.unread.is_empty())?;
    let port = crate::checks::services::units::gateway_port(context);
    Some(listeners.on(port).next().is_some())
}

/// Whether the last start was refused because of a lock.
fn was_refused(context: &Context<'_>) -> bool {
    let Some(summary) = context.snapshot.logs.known() else { return false };
    let last = summary.events.iter().rev().find(|event| event.kind.is_up() || event.kind.is_start_refusal());
    last.is_some_and(|event| matches!(event.kind, EventKind::AlreadyRunning | EventKind::LockFailed))
}

impl StaleLocks {
    fn lock(&self, context: &Context<'_>, lock: &Lock) -> Option<Finding> {
        match lock.kind {
            LockKind::Reclaim => self.reclaim(context, lock),
            LockKind::Config | LockKind::State | LockKind::Other => self.owned(context, lock),
            LockKind::Clobber | LockKind::Handle => None,
        }
    }

    fn reclaim(&self, context: &Context<'_>, lock: &Lock) -> Option<Finding> {
        let age_ns = context.snapshot.as_of.as_nanosecond() - lock.meta.mtime_ns;
        if age_ns < TAKEOVER_NS || listens(context) == Some(true) {
            return None;
        }
        let refused = was_refused(context);
        let certainty =
            if refused || listens(context) == Some(false) { Certainty::Likely } else { Certainty::Possible };
        let message = format!(
            "{} is left of an unfinished takeover: the start waits for it and gives up after 5 seconds",
            lock.path
        );
        let mut finding = context
            .finding(self, "lock-reclaim-left", &lock.path.to_string(), message)
            .because(CAUSE, certainty)
            .at(&lock.path);
        if certainty == Certainty::Possible {
            finding.severity = Severity::Warning;
        }
        finding = finding.evidence(Evidence::new(format!("{} seconds old", age_ns / 1_000_000_000)).at(&lock.path));
        if refused {
            finding = finding.evidence(Evidence::new("the log's last start was refused because of a lock"));
        }
        Some(finding.hint("Set it aside while no gateway runs, then start the gateway"))
    }

    fn owned(&self, context: &Context<'_>, lock: &Lock) -> Option<Finding> {
        let owner = lock.owner.known()?;
        let pid = owner.pid?;
        match lock.process.known()? {
            LockProcess::AliveUnproven { gateway: false, comm, .. } if context.since(4, 5) != Some(true) => {
                let message = format!(
                    "{} names process {pid}, which is {comm} by now: the start takes it for a running gateway",
                    lock.path
                );
                let finding = context.finding(self, "lock-pid-recycled", &lock.path.to_string(), message);
                let mut finding = finding.because(CAUSE, Certainty::Possible).at(&lock.path);
                if listens(context) == Some(true) {
                    return None;
                }
                if was_refused(context) {
                    finding.certainty = Certainty::Likely;
                }
                Some(finding.evidence(
                    Evidence::new(format!("process {pid} is {comm}; the lock has no start time")).at(&lock.path),
                ))
            }
            LockProcess::Alive { gateway: false, uid } => {
                let role = owner.role.as_ref()?;
                let message = format!(
                    "{role} (process {pid} of uid {uid}) holds the state directory: a gateway can't start until it ends"
                );
                let finding = context.finding(self, "lock-maintenance", &lock.path.to_string(), message);
                Some(
                    finding
                        .because(CAUSE, Certainty::Possible)
                        .at(&lock.path)
                        .evidence(
                            Evidence::new(format!("process {pid} is alive and started when the lock says"))
                                .at(&lock.path),
                        )
                        .hint("Wait until it has ended, then start the gateway"),
                )
            }
            _ => None,
        }
    }

    /// A lock directory under the temporary directory that belongs to somebody else (lab 2026.2.19, F6h). The one in the
    /// state directory is a matter of the ownership check.
    fn directories(&self, context: &Context<'_>, facts: &LockFacts) -> Vec<Finding> {
        let Some(account) = context.installation.account() else { return Vec::new() };
        if context.since(8, 1) == Some(true) {
            return Vec::new();
        }
        let foreign = facts.directories.iter().filter(|directory| {
            !directory.in_state && directory.uid_in_name == Some(account.uid) && directory.meta.uid != account.uid
        });
        foreign
            .map(|directory| {
                let message = format!(
                    "{} belongs to uid {}: the gateway of uid {} can't make its lock and does not start",
                    directory.path, directory.meta.uid, account.uid
                );
                let finding = context.finding(self, "lock-dir-foreign", &directory.path.to_string(), message);
                finding.at(&directory.path).evidence(
                    Evidence::new(format!("owner {}, mode {:04o}", directory.meta.uid, directory.meta.mode))
                        .at(&directory.path),
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, plan};
    use crate::model::file::{EntryKind, Meta};
    use crate::snapshot::lock::{LockDirectory, LockOwner};
    use crate::snapshot::{Snapshot, listener::ListenerFacts};

    fn meta(kind: EntryKind, uid: u32, mtime_ns: i128) -> Meta {
        Meta { kind, mode: 0o700, uid, gid: uid, size: 0, links: 1, device: 0, inode: 0, mtime_ns, ctime_ns: 0 }
    }

    fn with_lock(release: &str, kind: LockKind, process: Fact<LockProcess>, role: Option<&str>) -> Snapshot {
        let mut snapshot = Lab::sqlite(Some(release)).snapshot();
        let config = snapshot.installations[0].config.path.clone();
        let long_ago = snapshot.as_of.as_nanosecond() - 10 * TAKEOVER_NS;
        let owner = LockOwner { pid: Some(77), role: role.map(str::to_owned), ..LockOwner::default() };
        let lock = Lock {
            path: "/tmp/openclaw-1000/gateway.12345678.lock".into(),
            meta: meta(EntryKind::File, 1000, long_ago),
            kind,
            config: Some(config),
            owner: Fact::Known(owner),
            process,
        };
        snapshot.locks = Fact::Known(LockFacts { locks: vec![lock], ..LockFacts::default() });
        snapshot.listeners = Fact::Known(ListenerFacts::default());
        snapshot
    }

    #[test]
    fn locks_that_heal_by_themselves_are_left_in_peace() {
        let unknown = || Fact::Unknown(Unknown::offline_root());
        let other = || Fact::Known(LockProcess::OtherProcess { comm: "bash".to_owned() });
        let unproven = || Fact::Known(LockProcess::AliveUnproven { uid: 1, gateway: false, comm: "bash".to_owned() });
        let alive = || Fact::Known(LockProcess::Alive { uid: 1, gateway: true });
        let table = [
            ("2026.9.6", Fact::Known(LockProcess::Gone), false),
            ("2026.2.19", Fact::Known(LockProcess::Gone), false),
            ("2026.2.19", other(), false),
            ("2026.9.6", alive(), false),
            ("2026.9.6", unknown(), false),
            ("2026.9.6", unproven(), false),
            ("2026.2.19", unproven(), true),
        ];
        for (release, process, found) in table {
            let snapshot = with_lock(release, LockKind::Config, process.clone(), None);
            assert_eq!(!codes(&StaleLocks, &snapshot).is_empty(), found, "{release} {process:?}");
        }
    }

    #[test]
    fn an_unfinished_takeover_stops_the_start_unless_something_listens() {
        let snapshot = with_lock("2026.9.6", LockKind::Reclaim, Fact::Absent, None);
        let found = detect(&StaleLocks, &snapshot).unwrap();
        assert_eq!((found[0].code.as_str(), found[0].certainty), ("lock-reclaim-left", Certainty::Likely));
        assert!(matches!(
            plan(&StaleLocks, &snapshot, "lock-reclaim-left").unwrap().steps[0].action,
            Action::SetAside { .. }
        ));
        let mut offline = snapshot;
        offline.listeners = Fact::Unknown(Unknown::offline_root());
        assert_eq!(detect(&StaleLocks, &offline).unwrap()[0].certainty, Certainty::Possible);
    }

    #[test]
    fn maintenance_and_a_foreign_lock_directory() {
        let alive = Fact::Known(LockProcess::Alive { uid: 1, gateway: false });
        let snapshot = with_lock("2026.9.6", LockKind::State, alive, Some("sqlite-maintenance"));
        assert_eq!(codes(&StaleLocks, &snapshot), ["lock-maintenance"]);
        let mut snapshot = Lab::new(Some("2026.2.19")).snapshot();
        let uid = snapshot.installations[0].account().unwrap().uid;
        let directory = LockDirectory {
            path: format!("/tmp/openclaw-{uid}").as_str().into(),
            meta: meta(EntryKind::Directory, uid + 1, 0),
            in_state: false,
            uid_in_name: Some(uid),
        };
        snapshot.locks = Fact::Known(LockFacts { directories: vec![directory], ..LockFacts::default() });
        assert_eq!(codes(&StaleLocks, &snapshot), ["lock-dir-foreign"]);
    }
}
