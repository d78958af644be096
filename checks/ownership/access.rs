//! # The gateway's account is locked out of its own state
//!
//! ## What it finds
//! Entries of the state directory, and directories above it, that the account which the gateway runs as can't enter,
//! read, write or replace: because of another owner, of mode bits, of an ACL, or of the immutable attribute. Access is
//! judged for that account with its groups, never for whoever runs the doctor.
//!
//! ## Why it locks you out
//! Up to 2026.4.24 a device store that can't be read counts as empty: the host's own CLI is approved afresh, every
//! other device gets `pairing required`, and the first write replaces the file. A `devices/` directory that can't be
//! written ends every handshake with close code 1000 and no reason. From 2026.8.1 a closed database keeps the gateway
//! from starting (exit 78), and its advice to restore a backup would lose data that is not damaged at all.
//!
//! ## How to read the evidence
//! Each line names an entry, its owner and mode, and what the account can't do with it. "Only a gateway writes here"
//! tells which command left it behind. Entries of another owner that the account can read, in directories that it can
//! write, heal by themselves and are not reported.
//!
//! ## How to be sure by hand
//! `sudo -u claw test -r ~claw/.openclaw/devices/paired.json && echo readable` (with the gateway's account), and
//! `ls -lan ~claw/.openclaw ~claw/.openclaw/devices`; `lsattr` shows the immutable attribute.
//!
//! ## What the fix does
//! Gives exactly the named entries back to the account, adds the owner's own missing permission bits, and clears the
//! immutable attribute. Nothing else in the tree changes, and no mode is widened for others. A container's volume whose
//! owner has no number in the container (65534) can be given back from outside only: there is no fix, and the way is shown.
//! Up to 2026.4.24 a gateway that runs and takes the store for empty is stopped first through its service manager and
//! started again afterwards: a handshake that is on its way would write the empty store back. Later releases keep the
//! file, and nothing is stopped.
//!
//! ## Since and until
//! All releases. The loss of devices by an unreadable store ends with 2026.4.25; the database rules start with
//! 2026.8.1.

use super::effect::{Closed, Effect, effect};
use super::{erasable, text};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::file::{Account, EntryKind};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Evidence, Fact, Finding, HostPath, Severity, Unknown, UnknownKind};
use crate::snapshot::container::UidRange;
use crate::snapshot::tree::{EntryFacts, EntryRole};
use std::collections::BTreeMap;

/// See the module's documentation.
pub struct StateAccess;

/// How Linux shows an owner who has no number in the user namespace (user_namespaces(7), `/proc/sys/kernel/overflowuid`).
const OVERFLOW_UID: u32 = 65534;

const CAUSE: Cause = Cause::StateOwnership;

const fn code(code: &'static str, severity: Severity, summary: &'static str) -> CodeSpec {
    CodeSpec { code, severity, cause: Some(CAUSE), summary }
}

static CODES: &[CodeSpec] = &[
    code("state-parent-closed", Severity::Error, "A directory above the state directory is closed to the account"),
    code("state-dir-closed", Severity::Error, "The state directory is closed to the account"),
    code("config-closed", Severity::Error, "The configuration can't be read by the account"),
    code("config-pinned", Severity::Warning, "The configuration is immutable"),
    code("config-copy-closed", Severity::Info, "A copy of the configuration can't be read by the account"),
    code("device-store-closed", Severity::Error, "The directory of the device store can't be written by the account"),
    code("device-store-unreadable", Severity::Error, "The device store can't be read by the account"),
    code("device-store-pinned", Severity::Error, "The device store is immutable"),
    code("pending-unreadable", Severity::Info, "Waiting requests can't be read by the account"),
    code("identity-closed", Severity::Error, "The device identity can't be read by the account"),
    code("device-tokens-closed", Severity::Error, "The cached device tokens can't be written by the account"),
    code("state-database-closed", Severity::Error, "The state database is closed to the account"),
    code("lock-dir-closed", Severity::Error, "The lock directory is closed to the account"),
    code("nodes-closed", Severity::Warning, "The node store is closed to the account"),
    code("env-file-closed", Severity::Warning, "An environment file can't be read by the account"),
    code("state-part-closed", Severity::Warning, "Another part of the state is closed to the account"),
];

impl Check for StateAccess {
    fn id(&self) -> &'static str {
        "state-ownership"
    }

    fn area(&self) -> Area {
        Area::Ownership
    }

    fn source(&self) -> &'static str {
        "ownership/access"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let installation = context.installation;
        let account = match &installation.account {
            Fact::Known(known) => &known.account,
            Fact::Unknown(why) => {
                return Err(Unknown::new(why.kind, format!("the gateway's account is unknown: {why}")));
            }
            Fact::Absent => return Err(Unknown::new(UnknownKind::Failed, "no account runs the gateway")),
        };
        if let Fact::Unknown(why) = &installation.tree.top {
            return Err(why.clone());
        }
        if account.uid == 0 {
            // Only attributes stop root, and no mode does.
            return Ok(faults(context, account)
                .into_iter()
                .filter(|(_, effect)| effect.closed == Closed::Attribute)
                .map(|fault| self.finding(context, account, &[fault]))
                .collect());
        }
        let faults = faults(context, account);
        let mut by_code: BTreeMap<(usize, &str), Vec<(&EntryFacts, Effect)>> = BTreeMap::new();
        for (entry, effect) in faults {
            let place = CODES.iter().position(|spec| spec.code == effect.code).unwrap_or(usize::MAX);
            by_code.entry((place, effect.code)).or_default().push((entry, effect));
        }
        Ok(by_code.values().map(|group| self.finding(context, account, group)).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let account = context.installation.account()?;
        let group: Vec<(&EntryFacts, Effect)> =
            faults(context, account).into_iter().filter(|(_, effect)| effect.code == finding.code).collect();
        plan(context, account, finding, &group)
    }
}

/// Every closed entry that matters, the outermost first. What lies below a directory that can't be entered is not
/// judged again: opening that directory is the cure.
fn faults<'s>(context: &Context<'s>, account: &Account) -> Vec<(&'s EntryFacts, Effect)> {
    let installation = context.installation;
    let era = installation.era();
    let tree = &installation.tree;
    let mut faults: Vec<(&EntryFacts, Effect)> = Vec::new();
    for entry in tree.above.iter().chain(tree.top.known()).chain(&tree.key).chain(&tree.odd) {
        let Some(may) = entry.may.known() else { continue };
        // A link's own bits mean nothing.
        if entry.meta.kind == EntryKind::Symlink {
            continue;
        }
        // What lies below a closed directory of the same wrong owner is part of that one's story and cure.
        let covered = faults.iter().any(|(above, _)| {
            above.meta.kind == EntryKind::Directory
                && above.meta.uid == entry.meta.uid
                && entry.path != above.path
                && entry.path.starts_with(&above.path)
        });
        if covered {
            continue;
        }
        if let Some(effect) = effect(entry, *may, account.uid, era) {
            faults.push((entry, effect));
        }
    }
    faults
}

/// Whether anything that matters is closed to the account. False where the account is unknown.
pub fn is_closed(context: &Context<'_>) -> bool {
    context.installation.account().is_some_and(|account| !faults(context, account).is_empty())
}

impl StateAccess {
    fn finding(&self, context: &Context<'_>, account: &Account, group: &[(&EntryFacts, Effect)]) -> Finding {
        let Some((first, effect)) = group.first().copied() else {
            return context.finding(self, "state-part-closed", "", "");
        };
        let whose = text::account(account);
        let more = if group.len() > 1 { format!(" (and {} more)", group.len() - 1) } else { String::new() };
        let message = format!(
            "{}{more} is a {}: the gateway's account {whose} {}; {}",
            first.path,
            text::state(first),
            text::denied(effect.closed),
            effect.consequence
        );
        let mut finding = context
            .finding(self, effect.code, &first.path.to_string(), message)
            .because(CAUSE, effect.certainty)
            .at(&first.path);
        finding.severity = effect.severity;
        if effect.severity < Severity::Error {
            // Closed, but nobody is locked out by it.
            finding.cause = None;
        }
        for (entry, effect) in group {
            finding = finding.evidence(
                Evidence::new(format!(
                    "{}: {}; {whose} {}",
                    entry.path,
                    text::state(entry),
                    text::denied(effect.closed)
                ))
                .at(&entry.path),
            );
        }
        for entry in companions(context, first) {
            finding =
                finding.evidence(Evidence::new(format!("{}: {}, too", entry.path, text::state(entry))).at(&entry.path));
        }
        if let Some(ranges) = without_number(context, account, first) {
            finding = finding.evidence(Evidence::new(text::not_shifted(account.uid, ranges)));
        }
        if let Some(who) = text::who_did_it(first) {
            finding = finding.evidence(Evidence::new(format!("Who did it: {who}")));
        }
        if effect.erases {
            finding = finding.hint(format!(
                "Do not start or contact the gateway before this is mended: the first contact erases {}",
                first.path
            ));
        }
        finding
    }
}

/// The ranges of this user namespace, where the entry's owner may have no number in it. Nothing inside can change what
/// such an owner owns.
fn without_number<'s>(context: &Context<'s>, account: &Account, entry: &EntryFacts) -> Option<&'s [UidRange]> {
    let ranges = context.snapshot.surroundings.shifted_uids.known()?;
    (entry.meta.uid == OVERFLOW_UID && account.uid != OVERFLOW_UID).then_some(ranges.as_slice())
}

/// Neighbours of the same foreign owner that belong to the story, such as `openclaw.json.bak` beside `openclaw.json`.
fn companions<'s>(context: &Context<'s>, first: &EntryFacts) -> Vec<&'s EntryFacts> {
    let parent = first.path.parent();
    let tree = &context.installation.tree;
    let below = matches!(
        first.role,
        EntryRole::DevicesDir | EntryRole::IdentityDir | EntryRole::DatabaseDir | EntryRole::LockDir
    );
    // What root's own gateway locked is root's (release-2026.9.6 F2j).
    let others = first.path.join(format!("openclaw-{}", first.meta.uid));
    tree.key
        .iter()
        .chain(&tree.odd)
        .filter(|entry| {
            entry.path != first.path
                && entry.meta.uid == first.meta.uid
                && context.installation.account().is_some_and(|account| entry.meta.uid != account.uid)
        })
        .filter(|entry| {
            let is_copy =
                first.role == EntryRole::Config && entry.role == EntryRole::ConfigCopy && entry.path.parent() == parent;
            is_copy || below && entry.path.starts_with(&first.path) && !entry.path.starts_with(&others)
        })
        .collect()
}

fn plan(context: &Context<'_>, account: &Account, finding: &Finding, group: &[(&EntryFacts, Effect)]) -> Option<Plan> {
    let (first, _) = group.first()?;
    if first.role == EntryRole::Above {
        return Some(Plan::manual(
            finding,
            format!("let {} pass through {}", text::account(account), first.path),
            vec![format!(
                "{} is not part of OpenClaw's state; decide who may enter it, for example: sudo chmod a+x {}",
                first.path,
                crate::model::shell::quote(&first.path.to_string())
            )],
        ));
    }
    if let Some(ranges) = without_number(context, account, first) {
        let way_out = text::shift_it(&first.path, account.uid, ranges);
        return Some(Plan::manual(finding, format!("shift the volume of {} with its container", first.path), way_out));
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut seen: Vec<&HostPath> = Vec::new();
    let whole_tree = first.role == EntryRole::StateDir && first.meta.uid != account.uid;
    if whole_tree {
        let action = Action::ChownTree { path: first.path.clone(), uid: account.uid, gid: account.gid };
        steps.push(Step::new(action, format!("the state directory belongs to {}", text::owner(first.meta.uid))));
    }
    let companions: Vec<&EntryFacts> = group.iter().flat_map(|(entry, _)| companions(context, entry)).collect();
    let mut given = Vec::new();
    for entry in group.iter().map(|(entry, _)| *entry).chain(companions) {
        if seen.contains(&&entry.path) {
            continue;
        }
        seen.push(&entry.path);
        given.push(entry);
    }
    entry_steps(&given, account, whole_tree, &mut steps);
    if steps.is_empty() {
        return None;
    }
    let mut plan = Plan::of(
        finding,
        Applicability::Safe,
        format!("give {} back to {}", subjects(&seen), text::account(account)),
        steps,
    );
    let saves = erasable::store(context).is_some_and(|store| entries_hold(group, store));
    if group.iter().any(|(_, effect)| effect.erases) {
        if saves {
            plan = plan.say_first(
                "Do not start or contact the gateway before this fix: the first contact erases the device store.",
            );
        }
    } else if finding.code == "device-store-unreadable" {
        plan = plan.say_first(
            "This release ends handshakes with code 1000 and keeps the file: nothing is lost while you wait.",
        );
    } else if finding.code == "device-store-closed" {
        plan = plan.say_first("Handshakes end with code 1000 and the store is kept: nothing is lost while you wait.");
    }
    if saves {
        plan = plan.with_gateway_paused();
    }
    Some(plan)
}

/// Whether one of these entries is a file or holds it.
fn entries_hold(group: &[(&EntryFacts, Effect)], file: &HostPath) -> bool {
    group.iter().any(|(entry, _)| file.starts_with(&entry.path))
}

/// Attributes first, as nothing can be changed before. Then owners, what lies deepest first: while a directory is closed, a
/// gateway that runs can't replace the files in it. Then modes, with the account's own rights, which need the way there.
fn entry_steps(entries: &[&EntryFacts], account: &Account, whole_tree: bool, steps: &mut Vec<Step>) {
    for entry in entries {
        let (immutable, append_only) =
            (entry.attributes.immutable == Some(true), entry.attributes.append_only == Some(true));
        if immutable || append_only {
            let action = Action::ClearAttributes { path: entry.path.clone(), immutable, append_only };
            steps.push(Step::new(action, "not even its owner can replace it"));
        }
    }
    let foreign = |entry: &&&EntryFacts| entry.meta.uid != account.uid && !whole_tree;
    let mut owners: Vec<&EntryFacts> = entries.iter().filter(foreign).copied().collect();
    owners.sort_by_key(|entry| std::cmp::Reverse(entry.path.as_path().components().count()));
    for entry in owners {
        let action = Action::Chown { path: entry.path.clone(), uid: account.uid, gid: account.gid };
        steps.push(Step::new(action, format!("belongs to {}", text::owner(entry.meta.uid))));
    }
    for entry in entries {
        let wanted = if entry.meta.kind == EntryKind::Directory { 0o700 } else { 0o600 };
        if entry.meta.mode & wanted != wanted {
            let action = Action::Chmod { path: entry.path.clone(), mode: entry.meta.mode | wanted };
            steps.push(Step::new(action, "its owner lacks the usual rights"));
        }
    }
}

fn subjects(paths: &[&HostPath]) -> String {
    match paths {
        [] => "the tree".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
