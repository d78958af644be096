//! A dismissal: somebody knows about a finding and does not want it to count, for a while.

use super::Applied;
use crate::checks::all;
use crate::checks::run::{CheckRun, Status};
use crate::model::{Finding, HostPath, Release};
use crate::report::{SetAside, SetAsideBy};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// One `[[dismiss]]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// A check, code or cause.
    pub id: &'static str,
    /// Only findings about this path or below it.
    pub path: Option<HostPath>,
    /// The first day (UTC) on which it counts again.
    pub until: Option<Date>,
    /// The first OpenClaw release with which it counts again.
    pub until_version: Option<Release>,
    /// Why, for whoever reads the report.
    pub reason: String,
    /// Its line in the file.
    pub line: usize,
}

impl Dismissal {
    /// Sets its findings aside, or says why it does nothing.
    pub(super) fn apply(
        &self,
        runs: &[CheckRun],
        release: Option<&Release>,
        as_of: jiff::Timestamp,
        file: &str,
        applied: &mut Applied,
    ) {
        let matching: Vec<&Finding> = runs
            .iter()
            .flat_map(|run| &run.findings)
            .map(|(finding, _)| finding)
            .filter(|finding| self.is_about(finding))
            .collect();
        if matching.is_empty() {
            // Where its check could not look, nobody knows whether it would match.
            if self.was_looked_for(runs) {
                applied.notes.push(format!("The dismissal of `{}` at {file}:{} matches nothing.", self.id, self.line));
            }
            return;
        }
        if let Some(why) = self.lapsed(release, as_of) {
            applied
                .notes
                .push(format!("The dismissal of `{}` at {file}:{} does not apply: {why}.", self.id, self.line));
            return;
        }
        for finding in matching {
            let aside = SetAside { by: SetAsideBy::Dismissal, reason: self.reason.clone() };
            applied.set_aside.insert(finding.fingerprint.clone(), aside);
        }
    }

    fn is_about(&self, finding: &Finding) -> bool {
        let named = self.id == finding.check_id
            || self.id == finding.code
            || finding.cause.is_some_and(|cause| cause.id() == self.id);
        let there = |base: &HostPath| finding.path.as_ref().is_some_and(|path| path.starts_with(base));
        named && self.path.as_ref().is_none_or(there)
    }

    /// Whether every check that could report it ran.
    fn was_looked_for(&self, runs: &[CheckRun]) -> bool {
        let could = all().filter(|check| {
            check.id() == self.id
                || check
                    .codes()
                    .iter()
                    .any(|spec| spec.code == self.id || spec.cause.is_some_and(|cause| cause.id() == self.id))
        });
        could.into_iter().all(|check| {
            runs.iter().any(|run| run.id == check.id() && matches!(run.status, Status::Ok | Status::Found))
        })
    }

    /// Why it is over, if it is. An unknown release can't be said to be below the limit.
    fn lapsed(&self, release: Option<&Release>, as_of: jiff::Timestamp) -> Option<String> {
        if let Some(until) = self.until
            && as_of.to_zoned(TimeZone::UTC).date() >= until
        {
            return Some(format!("it ended on {until}"));
        }
        let limit = self.until_version.as_ref()?;
        match release {
            None => Some(format!("it holds until release {limit}, and the release is unknown")),
            Some(release) if release >= limit => Some(format!("it ended with release {limit}")),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;
    use std::time::Duration;

    fn dismissal() -> Dismissal {
        Dismissal {
            id: "state-ownership",
            path: Some(HostPath::from("/home/claw/.openclaw")),
            until: "2026-12-01".parse().ok(),
            until_version: "2026.9.1".parse().ok(),
            reason: "known".to_owned(),
            line: 4,
        }
    }

    fn applied(dismissal: &Dismissal, path: &str, release: Option<&str>, as_of: &str) -> Applied {
        let finding =
            Finding::new("state-ownership", "some-code", Severity::Error, path, "x").at(&HostPath::from(path));
        let run = CheckRun {
            id: "state-ownership",
            status: Status::Found,
            reason: None,
            took: Duration::ZERO,
            findings: vec![(finding, None)],
        };
        let release: Option<Release> = release.and_then(|release| release.parse().ok());
        let mut applied = Applied::default();
        dismissal.apply(&[run], release.as_ref(), as_of.parse().expect("time"), "/c.toml", &mut applied);
        applied
    }

    #[test]
    fn it_holds_until_its_day_and_its_release() {
        let (day, path) = ("2026-11-30T23:59:59Z", "/home/claw/.openclaw/devices");
        assert_eq!(applied(&dismissal(), path, Some("2026.8.9"), day).set_aside.len(), 1);
        for (release, time) in [(Some("2026.8.9"), "2026-12-01T00:00:00Z"), (Some("2026.9.1"), day), (None, day)] {
            let lapsed = applied(&dismissal(), path, release, time);
            assert!(lapsed.set_aside.is_empty(), "{release:?} {time}");
            assert!(lapsed.notes.concat().contains("/c.toml:4 does not apply"), "{:?}", lapsed.notes);
        }
    }

    #[test]
    fn another_path_is_not_dismissed() {
        let elsewhere = applied(&dismissal(), "/home/claw/.openclaw-two", Some("2026.8.9"), "2026-11-01T00:00:00Z");
        assert!(elsewhere.set_aside.is_empty());
    }
}
