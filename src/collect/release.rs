//! Which release an installation is judged by, and what says so.

use super::gateway_account;
use super::run::Run;
use crate::logs::LogSummary;
use crate::model::{Fact, HostPath, Release, UnknownKind};
use crate::snapshot::installation::{Installation, JudgedRelease, Versions};
use crate::snapshot::process::ProcessFacts;
use crate::snapshot::program::{FoundBy, Package, ProgramFacts};
use crate::snapshot::service::{ServiceFacts, ServiceUnit};

impl Run<'_> {
    /// Which release the unit would start, which the caller's `PATH` would run, and which is there at all.
    pub(super) fn learn_from_programs(
        &self,
        installation: &mut Installation,
        services: &Fact<ServiceFacts>,
        processes: &Fact<ProcessFacts>,
        programs: &Fact<ProgramFacts>,
    ) {
        let packages = programs.known().map(|facts| facts.packages.as_slice()).unwrap_or_default();
        let unit = services.known().and_then(|facts| self.unit_of(installation, facts));
        let started = started_from(installation, processes.known());
        let versions = &mut installation.versions;
        versions.service = unit.and_then(|unit| {
            let written = || unit.service_version.as_ref().map(|version| version.value.clone());
            release_of(unit, packages).or_else(written)
        });
        versions.cli =
            programs.known().and_then(|facts| facts.on_path()).and_then(|package| package.release.known().cloned());
        let running = packages.iter().filter(|package| started.contains(&&package.directory));
        versions.installed = only_release(running).or_else(|| only_release(packages.iter()));
        installation.release = self.judged_release(&installation.versions);
    }

    /// The newest release that a log names, where nothing else tells.
    pub(super) fn learn_from_logs(&self, installation: &mut Installation, logs: &Fact<LogSummary>) {
        let Some(summary) = logs.known() else { return };
        installation.versions.logs =
            summary.releases.iter().max_by_key(|seen| seen.last).map(|seen| seen.release.clone());
        installation.release = self.judged_release(&installation.versions);
    }

    /// The unit that starts the gateway of an installation, for its account. One under an older name counts for the state
    /// of its own product, where no other unit is there: on an upgraded host it is what was left behind.
    fn unit_of<'s>(&self, installation: &Installation, facts: &'s ServiceFacts) -> Option<&'s ServiceUnit> {
        let uid = installation.account().map(|account| account.uid);
        let own = |unit: &&ServiceUnit| {
            let by = gateway_account::unit_account(&self.accounts, unit).map(|account| account.uid);
            !unit.masked && by.is_some() && by == uid && gateway_account::works_on(unit, installation)
        };
        let units = || facts.gateways().filter(own);
        let of_product = |unit: &&ServiceUnit| unit.product == Some(installation.product);
        units().find(|unit| !unit.legacy_name).or_else(|| units().find(of_product))
    }

    pub(super) fn judged_release(&self, versions: &Versions) -> Fact<JudgedRelease> {
        let known = |release: &Release, from: &str| {
            Fact::Known(JudgedRelease { release: release.clone(), from: from.to_owned() })
        };
        let signs = [
            (&self.request.release, "--openclaw-version"),
            (&versions.running, "the running gateway"),
            (&versions.service, "the service's package"),
            (&versions.logs, "the log"),
            (&versions.state, "what the state says it was written by"),
            (&versions.cli, "the package on PATH"),
            (&versions.installed, "the only release that is installed"),
        ];
        signs
            .into_iter()
            .find_map(|(release, from)| release.as_ref().map(|release| known(release, from)))
            .unwrap_or_else(|| {
                Fact::unknown(
                    UnknownKind::Failed,
                    "no package, unit, log or state names it; give it with --openclaw-version",
                )
            })
    }
}

/// The release of the package that a unit starts.
fn release_of(unit: &ServiceUnit, packages: &[Package]) -> Option<Release> {
    let entry = unit.entry.as_ref()?;
    let inside = packages.iter().find(|package| entry.starts_with(&package.directory));
    // The entry may be a link or a start script: then what was found behind it counts.
    let behind =
        || only_release(packages.iter().filter(|package| package.found_by.contains(&FoundBy::Unit(unit.name.clone()))));
    match inside {
        Some(package) => package.release.known().cloned(),
        None => behind(),
    }
}

/// The packages that the account's running gateways were started from.
fn started_from<'s>(installation: &Installation, processes: Option<&'s ProcessFacts>) -> Vec<&'s HostPath> {
    let uid = installation.account().map(|account| account.uid);
    let gateways = processes.into_iter().flat_map(ProcessFacts::gateways);
    gateways.filter(|process| Some(process.euid) == uid).filter_map(|process| process.package.known()).collect()
}

/// The release of these packages, where they agree on one.
fn only_release<'p>(packages: impl Iterator<Item = &'p Package>) -> Option<Release> {
    let mut releases = packages.map(|package| package.release.known());
    let first = releases.next()??;
    releases.all(|other| other == Some(first)).then(|| first.clone())
}
