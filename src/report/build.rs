//! Builds the report from the snapshot and the runs of the checks.

use super::select::Selection;
use super::{
    CheckSummary, GatewaySummary, Host, InstallationSummary, JudgedBy, Report, ReportedFinding, RunBy, SetAside,
    SetAsideBy, Tool, UnknownFact, Verdict, VersionSummary,
};
use crate::checks::run::{CheckRun, Status};
use crate::diagnosis::{Diagnosis, Grounds, diagnose};
use crate::logs::LogSummary;
use crate::model::plan::{Applicability, Plan};
use crate::model::{Cause, Certainty, Fact, Finding, Release, Severity};
use crate::probe::facts::{Connect, EndpointProbe, Identity};
use crate::snapshot::config::ConfigOutcome;
use crate::snapshot::installation::StoreKind;
use crate::snapshot::store::FileState;
use crate::snapshot::{Installation, Snapshot};
use std::collections::BTreeMap;

/// What decides the exit code.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The severity from which on the exit code is 1; `None` for never.
    pub fail_on: Option<Severity>,
    /// Unknowns do not make exit code 3.
    pub allow_unknown: bool,
    /// What is wanted.
    pub selection: Selection,
    /// Findings that don't count for the exit code, by fingerprint. Those that were dismissed are not diagnosed either.
    pub set_aside: BTreeMap<String, SetAside>,
    /// What the reader should know about how it was judged.
    pub notes: Vec<String>,
}

/// Builds the report.
pub fn build(snapshot: &Snapshot, runs: &[CheckRun], judgement: &Judgement) -> Report {
    let judged: Vec<(&Finding, Option<&Plan>)> = runs
        .iter()
        .flat_map(|run| &run.findings)
        .map(|(finding, plan)| (finding, plan.as_ref()))
        .filter(|(finding, _)| judgement.selection.wants_finding(finding))
        .collect();
    let findings: Vec<Finding> = judged.iter().map(|(finding, _)| (*finding).clone()).collect();
    let release = snapshot.selected().and_then(Installation::release);
    let grounds = Grounds { release_newer_than_known: release.is_some_and(Release::is_newer_than_known) };
    let dismissed = |finding: &Finding| {
        judgement.set_aside.get(&finding.fingerprint).is_some_and(|aside| aside.by == SetAsideBy::Dismissal)
    };
    let findings: Vec<Finding> = findings.into_iter().filter(|finding| !dismissed(finding)).collect();
    let diagnosis = diagnose(&findings, grounds, |cause, findings| next_step(snapshot, cause, findings, &judged));
    let unknown = unknown_facts(snapshot, runs);
    let undecided = undecided(snapshot);
    let fails = |finding: &Finding| {
        judgement.fail_on.is_some_and(|limit| finding.severity >= limit)
            && !judgement.set_aside.contains_key(&finding.fingerprint)
    };
    let exit_code = if findings.iter().any(fails) {
        1
    } else if !undecided.is_empty() && !judgement.allow_unknown {
        3
    } else {
        0
    };
    let verdict = verdict(&findings, &diagnosis, !undecided.is_empty());
    Report {
        schema_version: 1,
        tool: Tool::this(),
        generated_at: jiff::Timestamp::now(),
        as_of: snapshot.as_of,
        as_of_from: snapshot.as_of_from.clone(),
        host: Host {
            os: snapshot.host.os.clone(),
            arch: snapshot.host.arch.clone(),
            container: snapshot.surroundings.container.known().map(|container| container.kind.word().to_owned()),
            root: snapshot.host.root.clone(),
        },
        run_as: RunBy { uid: snapshot.run_as.uid, privileged: snapshot.run_as.privileged },
        redacted: false,
        ok: exit_code == 0,
        exit_code,
        verdict,
        fail_on: judgement.fail_on,
        gateway: gateway(snapshot),
        checks_run: runs.iter().filter(|run| matches!(run.status, Status::Ok | Status::Found)).count(),
        checks_skipped: runs.iter().filter(|run| matches!(run.status, Status::Skipped | Status::Crashed)).count(),
        installations: snapshot.installations.iter().map(summary).collect(),
        diagnosis,
        checks: runs.iter().map(check_summary).collect(),
        findings: judged.iter().map(|(finding, plan)| reported(finding, *plan, &judgement.set_aside)).collect(),
        unknown,
        notes: notes(snapshot, &undecided).into_iter().chain(judgement.notes.iter().cloned()).collect(),
    }
}

/// Whether a gateway answers, and how many connections its logs refused.
fn gateway(snapshot: &Snapshot) -> GatewaySummary {
    let endpoints = snapshot.probe.known().map(|probe| probe.endpoints.as_slice()).unwrap_or_default();
    let nobody = |endpoint: &EndpointProbe| {
        endpoint.connect == Connect::Refused || matches!(endpoint.is_openclaw, Identity::No { .. })
    };
    let up = if endpoints.iter().any(|endpoint| matches!(endpoint.is_openclaw, Identity::Yes { .. })) {
        Some(true)
    } else if !endpoints.is_empty() && endpoints.iter().all(nobody) {
        Some(false)
    } else {
        None
    };
    let count = |logs: &LogSummary| logs.refusals.intervals().flat_map(|(_, reasons)| reasons.values()).sum();
    GatewaySummary { up, refused: snapshot.logs.known().map(count) }
}

fn verdict(findings: &[Finding], diagnosis: &[Diagnosis], undecided: bool) -> Verdict {
    let proven = diagnosis.iter().any(|diagnosis| {
        diagnosis.certainty >= Certainty::Likely && !matches!(diagnosis.cause, Cause::NewDevice | Cause::WrongQueue)
    });
    if findings.iter().any(|finding| finding.severity == Severity::Error) || proven {
        Verdict::Broken
    } else if undecided {
        Verdict::Inconclusive
    } else {
        Verdict::Healthy
    }
}

/// What nobody may call healthy without: configuration, device store, gateway account.
pub fn undecided(snapshot: &Snapshot) -> Vec<String> {
    let Some(installation) = snapshot.selected() else { return Vec::new() };
    let mut missing = Vec::new();
    if let Fact::Unknown(why) = &installation.account {
        missing.push(format!("the gateway's account: {why}"));
    }
    if let ConfigOutcome::Unreadable(why) = &installation.config.outcome {
        missing.push(format!("the configuration: {why}"));
    }
    for state in [&installation.devices.paired.state, &installation.devices.pending.state] {
        if let FileState::Unreadable(why) = state {
            missing.push(format!("the device store: {why}"));
        }
    }
    if let Fact::Unknown(why) = &installation.tree.top {
        missing.push(format!("the state directory: {why}"));
    }
    if installation.store == StoreKind::Unknown {
        missing.push("the device store: where it lives could not be established".to_owned());
    }
    missing
}

fn notes(snapshot: &Snapshot, undecided: &[String]) -> Vec<String> {
    let mut notes: Vec<String> = undecided.iter().map(|what| format!("Not conclusive: {what}")).collect();
    if !snapshot.host.live {
        notes.push(format!(
            "Judged as of {} ({}).",
            snapshot.as_of.strftime("%Y-%m-%d %H:%M:%S UTC"),
            snapshot.as_of_from
        ));
    }
    if let Some(installation) = snapshot.selected() {
        match installation.release() {
            Some(release) if release.is_newer_than_known() => notes.push(format!(
                "Release {release} is newer than this doctor knows ({}); it was judged by the rules of that one, and nothing is called certain.",
                crate::model::release::NEWEST_KNOWN
            )),
            Some(_) => {}
            None => notes.push(
                "The OpenClaw release could not be established; rules that differ between releases were not applied. Give it with --openclaw-version.".to_owned(),
            ),
        }
    }
    notes
}

fn unknown_facts(snapshot: &Snapshot, runs: &[CheckRun]) -> Vec<UnknownFact> {
    let mut unknown = Vec::new();
    let mut add = |fact: &str, why: Option<&crate::model::Unknown>| {
        if let Some(why) = why {
            unknown.push(UnknownFact { fact: fact.to_owned(), reason: why.reason.clone() });
        }
    };
    add("services", snapshot.services.why_unknown());
    add("processes", snapshot.processes.why_unknown());
    add("listeners", snapshot.listeners.why_unknown());
    add("locks", snapshot.locks.why_unknown());
    add("mounts", snapshot.mounts.why_unknown());
    add("programs", snapshot.programs.why_unknown());
    add("clock", snapshot.clock.why_unknown());
    add("logs", snapshot.logs.why_unknown());
    add("the gateway's answer", snapshot.probe.why_unknown());
    add("container", snapshot.surroundings.container.why_unknown());
    if let Some(installation) = snapshot.selected() {
        add("gateway account", installation.account.why_unknown());
        add("release", installation.release.why_unknown());
        add("state directory", installation.tree.top.why_unknown());
        add("state directory, in full", installation.tree.cut.as_ref());
        for (path, why) in &installation.tree.unlisted {
            add(&format!("entries of {path}"), Some(why));
        }
        if let ConfigOutcome::Unreadable(why) = &installation.config.outcome {
            add("configuration", Some(why));
        }
        for (name, state) in [
            ("paired devices", &installation.devices.paired.state),
            ("pending requests", &installation.devices.pending.state),
            ("device identity", &installation.devices.identity.state),
            ("cached device tokens", &installation.devices.cached.state),
        ] {
            if let FileState::Unreadable(why) = state {
                add(name, Some(why));
            }
        }
    }
    for run in runs.iter().filter(|run| run.status == Status::Crashed) {
        let reason = run.reason.clone().unwrap_or_default();
        unknown.push(UnknownFact { fact: format!("check {}", run.id), reason });
    }
    unknown
}

/// The first thing that a manual plan tells a person to do.
fn first_words(finding: &Finding, judged: &[(&Finding, Option<&Plan>)]) -> Option<String> {
    let (_, plan) = judged.iter().find(|(other, _)| other.fingerprint == finding.fingerprint)?;
    plan.as_ref()?.manual.first().cloned()
}

/// The one next command: the fix where a machine can help, else what the finding says.
fn next_step(snapshot: &Snapshot, cause: Cause, findings: &[&Finding], judged: &[(&Finding, Option<&Plan>)]) -> String {
    let has_plan = findings.iter().any(|finding| {
        judged.iter().any(|(other, plan)| {
            other.fingerprint == finding.fingerprint
                && plan.is_some_and(|plan| plan.applicability > Applicability::Manual)
        })
    });
    if has_plan {
        // A volume as `--root`, with `--state-dir /`: the fixer refuses what has no directory around it.
        let is_whole = |installation: &Installation| installation.state_dir.as_path().parent().is_none();
        if snapshot.selected().is_some_and(is_whole) {
            return format!(
                "Mount this volume in a container and run `openclaw-doctor fix {cause}` there: a state directory that is \
                 the whole file system is not mended"
            );
        }
        return doctor_command(snapshot, &format!("fix {cause}"));
    }
    findings
        .iter()
        .find_map(|finding| finding.fix_hint.clone())
        .or_else(|| findings.iter().find_map(|finding| first_words(finding, judged)))
        .unwrap_or_else(|| doctor_command(snapshot, &format!("explain {cause}")))
}

/// A command line of the doctor that repeats the options in use, with `sudo` where the account is another one.
pub fn doctor_command(snapshot: &Snapshot, command: &str) -> String {
    let other_account =
        snapshot.selected().and_then(Installation::account).is_some_and(|account| account.uid != snapshot.run_as.uid);
    let sudo = if (other_account || needs_root(snapshot)) && !snapshot.run_as.privileged { "sudo " } else { "" };
    let options: String = snapshot.repeat_options.iter().map(|option| format!(" {option}")).collect();
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let command = if verb == "explain" { format!("{verb} {rest}") } else { format!("{verb} {rest}{options}") };
    format!("{sudo}openclaw-doctor {}", command.trim_end())
}

/// Whether something of the account's belongs to somebody else, so that the account itself can't take it back.
fn needs_root(snapshot: &Snapshot) -> bool {
    let Some(installation) = snapshot.selected() else { return false };
    let Some(account) = installation.account() else { return false };
    installation.tree.kept().any(|entry| {
        entry.meta.uid != account.uid
            || entry.attributes.immutable == Some(true)
            || entry.attributes.append_only == Some(true)
    })
}

fn summary(installation: &Installation) -> InstallationSummary {
    let text = |release: &Option<Release>| release.as_ref().map(ToString::to_string);
    InstallationSummary {
        id: installation.id.clone(),
        selected: installation.selected,
        product: installation.product.name().to_owned(),
        state_dir: installation.state_dir.clone(),
        config_path: installation.config.path.clone(),
        profile: installation.profile.clone(),
        gateway_user: installation.account_name(),
        gateway_user_from: installation.account.known().map(|account| account.from.word().to_owned()),
        judged_by: installation
            .release
            .known()
            .map(|judged| JudgedBy { release: judged.release.to_string(), from: judged.from.clone() }),
        versions: VersionSummary {
            state: text(&installation.versions.state),
            service: text(&installation.versions.service),
            running: text(&installation.versions.running),
            cli: text(&installation.versions.cli),
        },
        store: installation.store.word().to_owned(),
    }
}

fn check_summary(run: &CheckRun) -> CheckSummary {
    CheckSummary {
        id: run.id.to_owned(),
        status: run.status,
        reason: run.reason.clone(),
        ms: (run.took.as_secs_f64() * 100_000.0).round() / 100.0,
    }
}

fn reported(finding: &Finding, plan: Option<&Plan>, set_aside: &BTreeMap<String, SetAside>) -> ReportedFinding {
    ReportedFinding {
        set_aside: set_aside.get(&finding.fingerprint).cloned(),
        fingerprint: finding.fingerprint.clone(),
        check_id: finding.check_id.clone(),
        code: finding.code.clone(),
        cause: finding.cause,
        severity: finding.severity,
        message: finding.message.clone(),
        path: finding.path.clone(),
        line: finding.line,
        column: finding.column,
        installation: finding.installation.clone(),
        evidence: finding.evidence.clone(),
        fix_hint: finding.fix_hint.clone(),
        fix: plan.map(Into::into),
    }
}
