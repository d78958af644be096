//! # Different releases work on one installation
//!
//! ## What it finds
//! A CLI, a service, a running gateway and a state directory that come from different releases where that matters: state
//! that moved to SQLite under a release that reads JSON files, a CLI and a gateway on two sides of a protocol or store
//! change, a configuration written by a newer release, a Node that is too old for the package.
//!
//! ## Why it locks you out
//! Up to 2026.5.7 clients and gateways speak protocol 3, from 2026.5.12 protocol 4 (`protocol mismatch`). A release before
//! 2026.8.1 does not find devices that live in SQLite, and from 2026.6.1 it refuses the newer schema. A package whose
//! Node is too old does not start.
//!
//! ## How to read the evidence
//! Releases come from `package.json`, units, state and logs; nothing is run. What the service starts, what runs, and what
//! your `PATH` finds may be three packages: each line names its directory. Two releases of one store and protocol side by
//! side lock nobody out and are only mentioned.
//!
//! ## How to be sure by hand
//! `type -a openclaw`, `npm ls -g openclaw`, the `ExecStart=` of the unit, and `curl -s http://127.0.0.1:18789/startup`
//! (from 2026.8.1) for what runs.
//!
//! ## What the fix does
//! Nothing: which release is meant is your choice. Install that one for service and shell, then restart the gateway.
//!
//! ## Since and until
//! All releases.

use super::engines::satisfies;
use crate::checks::database::schema::version;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Release, Severity, Unknown};
use crate::snapshot::program::{FoundBy, Package};

/// See the module's documentation.
pub struct VersionSkew;

const CAUSE: Cause = Cause::VersionSkew;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("state-newer-than-release", CAUSE, "The devices live in SQLite, and the release reads JSON files"),
    CodeSpec::error("releases-incompatible", CAUSE, "CLI, service and running gateway are of releases that do not fit"),
    CodeSpec::info("releases-differ", None, "CLI, service and running gateway are of different releases"),
    CodeSpec::warning("config-from-newer-release", Some(CAUSE), "A newer release wrote the configuration"),
    CodeSpec::error("node-too-old", CAUSE, "The service's Node does not suit its OpenClaw package"),
];

/// A part of an installation that has a release.
struct Part<'s> {
    what: &'static str,
    release: &'s Release,
    directory: Option<&'s HostPath>,
}

impl Check for VersionSkew {
    fn id(&self) -> &'static str {
        "version-skew"
    }

    fn area(&self) -> Area {
        Area::Releases
    }

    fn source(&self) -> &'static str {
        "releases/version_skew"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Programs, Subject::Database, Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let mut findings: Vec<Finding> = Vec::new();
        findings.extend(self.state(context));
        findings.extend(self.parts(context));
        findings.extend(self.config(context));
        findings.extend(self.node(context));
        match context.snapshot.programs.why_unknown() {
            Some(why) if findings.is_empty() && context.release().is_none() => Err(why.clone()),
            _ => Ok(findings),
        }
    }
}

/// What runs, what the service starts, and what the caller's shell starts, as far as each is known.
fn parts<'s>(context: &Context<'s>) -> Vec<Part<'s>> {
    let versions = &context.installation.versions;
    let packages = context.snapshot.programs.known().map(|programs| programs.packages.as_slice()).unwrap_or_default();
    let pids: Vec<u32> = gateway_pids(context);
    let units: Vec<&str> = own_units(context);
    let running = packages
        .iter()
        .find(|package| package.found_by.iter().any(|by| matches!(by, FoundBy::Process(pid) if pids.contains(pid))));
    let service = packages.iter().find(|package| {
        package.found_by.iter().any(|by| matches!(by, FoundBy::Unit(name) if units.contains(&name.as_str())))
    });
    let cli = context.snapshot.programs.known().and_then(|programs| programs.on_path());
    let part = |what, known: &'s Option<Release>, package: Option<&'s Package>| {
        let release = known.as_ref().or_else(|| package.and_then(|package| package.release.known()))?;
        Some(Part { what, release, directory: package.map(|package| &package.directory) })
    };
    [
        part("the running gateway", &versions.running, running),
        part("the service", &versions.service, service),
        part("the CLI on PATH", &versions.cli, cli),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn gateway_pids(context: &Context<'_>) -> Vec<u32> {
    let uid = context.installation.account().map(|account| account.uid);
    let processes = context.snapshot.processes.known();
    processes
        .into_iter()
        .flat_map(|facts| facts.gateways())
        .filter(|process| Some(process.uid) == uid && process.elsewhere() != Some(true))
        .map(|process| process.pid)
        .collect()
}

fn own_units<'s>(context: &Context<'s>) -> Vec<&'s str> {
    let services = context.snapshot.services.known();
    services
        .into_iter()
        .flat_map(|facts| facts.gateways())
        .filter(|unit| !unit.masked && crate::checks::services::units::is_of_installation(context, unit))
        .map(|unit| unit.name.as_str())
        .collect()
}

/// The installed package of a release, the one that a unit of this installation starts first.
fn package_of<'s>(context: &Context<'s>, release: &Release) -> Option<&'s Package> {
    let units = own_units(context);
    let started = |package: &&Package| {
        package.found_by.iter().any(|by| matches!(by, FoundBy::Unit(name) if units.contains(&name.as_str())))
    };
    let packages = context.snapshot.programs.known()?.packages.iter();
    let fits = |package: &&Package| package.release.known().is_some_and(|held| held == release);
    packages.filter(fits).max_by_key(|package| started(package))
}

/// What two releases do not have in common, if it matters (pairing-by-release 0 and 4.1).
fn misfit(one: &Release, other: &Release) -> Option<&'static str> {
    if one.before(5, 12) != other.before(5, 12) {
        Some("one speaks protocol 3 and the other protocol 4")
    } else if one.era().is_json() != other.era().is_json() {
        Some("one keeps devices and identity in JSON files and the other in SQLite")
    } else {
        None
    }
}

impl VersionSkew {
    fn state(&self, context: &Context<'_>) -> Option<Finding> {
        let release = context.release().filter(|release| release.era().is_json())?;
        let database = context.installation.database.known()?;
        database.is_live().known().filter(|live| **live)?;
        let schema = version(database).unwrap_or_default();
        let effect = if release.at_least(6, 1) {
            "it refuses the newer schema and does not start"
        } else {
            "it does not look there, and knows none of the devices"
        };
        let message = format!(
            "The devices live in {} (schema {schema}), and {release} reads JSON files: {effect}",
            database.path
        );
        let writer = database.content.known().and_then(|content| content.primary_meta()?.release.known());
        let wrote = writer.map(|writer| format!("last written by {writer}, ")).unwrap_or_default();
        let judged = context.installation.release.known().map(|judged| judged.from.as_str()).unwrap_or_default();
        let package = package_of(context, release);
        let mut judged_by = Evidence::new(format!("release {release}, from {judged}"));
        judged_by.path = package.map(|package| package.directory.join("package.json"));
        Some(
            context
                .finding(self, "state-newer-than-release", &database.path.to_string(), message)
                .because(CAUSE, Certainty::Likely)
                .at(&database.path)
                .evidence(Evidence::new(format!("{wrote}schema {schema}")).at(&database.path))
                .evidence(judged_by)
                .hint("Go back to a release from 2026.8.1 on, or restore the state directory from before the upgrade"),
        )
    }

    fn parts(&self, context: &Context<'_>) -> Option<Finding> {
        let parts = parts(context);
        let (first, rest) = parts.split_first()?;
        let other = rest.iter().find(|part| misfit(first.release, part.release).is_some());
        let other = other.or_else(|| rest.iter().find(|part| !part.release.same_day(first.release)))?;
        let misfit = misfit(first.release, other.release);
        let message = format!(
            "{} is {} and {} is {}{}",
            capital(first.what),
            first.release,
            other.what,
            other.release,
            misfit.map(|what| format!(": {what}")).unwrap_or_default()
        );
        let code = if misfit.is_some() { "releases-incompatible" } else { "releases-differ" };
        let mut finding = context.finding(self, code, &context.installation.state_dir.to_string(), message);
        finding.certainty = if misfit.is_some() { Certainty::Likely } else { Certainty::Possible };
        for part in &parts {
            let mut piece = Evidence::new(format!("{} is {}", part.what, part.release));
            piece.path = part.directory.cloned();
            finding = finding.evidence(piece);
        }
        Some(finding.hint("Install the same release for the service and the shell, then restart the gateway"))
    }

    fn config(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["meta", "lastTouchedVersion"])?;
        let wrote: Release = node.as_str()?.parse().ok()?;
        let judged = context.release().filter(|release| wrote > **release && !wrote.same_day(release))?;
        let message = format!("The configuration was last written by {wrote}, and {judged} is to load it");
        let mut finding = context
            .config_finding(self, "config-from-newer-release", "meta.lastTouchedVersion", node, message)
            .because(CAUSE, Certainty::Possible);
        // Keys may have been renamed or added across a change of the store.
        if wrote.era() == judged.era() {
            finding.severity = Severity::Info;
            finding.cause = None;
        }
        Some(finding.hint("Start the newer release, or look for keys that the older one does not know"))
    }

    fn node(&self, context: &Context<'_>) -> Option<Finding> {
        let programs = context.snapshot.programs.known()?;
        let units = own_units(context);
        let of_unit = |found_by: &[FoundBy]| {
            found_by.iter().find_map(|by| match by {
                FoundBy::Unit(name) if units.contains(&name.as_str()) => Some(name.clone()),
                _ => None,
            })
        };
        programs.nodes.iter().find_map(|node| {
            let unit = of_unit(&node.found_by)?;
            let node_version = node.version.known()?;
            let starts = |by: &FoundBy| matches!(by, FoundBy::Unit(name) if *name == unit);
            let package = programs.packages.iter().find(|package| package.found_by.iter().any(starts))?;
            let range = package.engines_node.known()?;
            (!satisfies(*node_version, range)?).then(|| {
                let message =
                    format!("{unit} starts OpenClaw with Node {node_version}, and the package asks for {range}");
                context
                    .finding(self, "node-too-old", &node.path.to_string(), message)
                    .because(CAUSE, Certainty::Likely)
                    .at(&node.path)
                    .evidence(Evidence::new(format!("Node {node_version}")).at(&node.path))
                    .evidence(
                        Evidence::new(format!("engines.node is {range}")).at(&package.directory.join("package.json")),
                    )
                    .hint("Let the unit start a Node that suits the package, then restart the gateway")
            })
        })
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect, installation};
    use crate::model::Fact;
    use crate::snapshot::program::{NodeBinary, NodeVersion, ProgramFacts};

    fn with_parts(running: &str, cli: &str) -> crate::snapshot::Snapshot {
        let mut snapshot = Lab::new(Some(running)).snapshot();
        installation(&mut snapshot).versions.running = running.parse().ok();
        installation(&mut snapshot).versions.cli = cli.parse().ok();
        snapshot
    }

    #[test]
    fn only_releases_that_do_not_fit_lock_anybody_out() {
        let table: &[(&str, &str, &[&str])] = &[
            ("2026.9.6", "2026.9.6", &[]),
            ("2026.9.6", "2026.9.6-2", &[]),
            ("2026.9.6", "2026.9.5", &["releases-differ"]),
            ("2026.9.6", "2026.7.1", &["releases-incompatible"]),
            ("2026.5.12", "2026.5.7", &["releases-incompatible"]),
        ];
        for (running, cli, expected) in table {
            assert_eq!(codes(&VersionSkew, &with_parts(running, cli)), *expected, "{running} and {cli}");
        }
    }

    #[test]
    fn state_in_sqlite_under_an_older_release() {
        for release in ["2026.7.35", "2026.5.28", "2026.2.19"] {
            let found = detect(&VersionSkew, &Lab::sqlite(Some(release)).snapshot()).unwrap();
            assert_eq!(found[0].code, "state-newer-than-release", "{release}");
        }
        assert!(codes(&VersionSkew, &Lab::sqlite(Some("2026.9.6")).snapshot()).is_empty());
    }

    #[test]
    fn a_configuration_of_a_newer_release_matters_across_a_change_of_the_store() {
        let config = r#"{ "meta": { "lastTouchedVersion": "2026.9.6" }, "gateway": { "mode": "local" } }"#;
        for (release, cause) in [("2026.9.5", None), ("2026.7.1", Some(CAUSE))] {
            let found =
                detect(&VersionSkew, &Lab::new(Some(release)).file("openclaw.json", config).snapshot()).unwrap();
            assert_eq!((found[0].code.as_str(), found[0].cause), ("config-from-newer-release", cause));
        }
    }

    #[test]
    fn a_node_of_no_unit_of_ours_is_left_in_peace() {
        let mut snapshot = Lab::new(Some("2026.9.6")).snapshot();
        let node = NodeBinary {
            path: "/usr/bin/node".into(),
            version: Fact::Known(NodeVersion { major: 12, minor: 0, patch: 0 }),
            found_by: vec![FoundBy::UsualPlace],
        };
        snapshot.programs = Fact::Known(ProgramFacts { nodes: vec![node], ..ProgramFacts::default() });
        assert!(codes(&VersionSkew, &snapshot).is_empty());
    }
}
