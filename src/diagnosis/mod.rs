//! Turns findings into ranked causes, by explicit rules.

mod rules;

use crate::model::{Cause, Certainty, Evidence, Finding, Severity};
use serde::Serialize;
use std::cmp::Reverse;

/// One cause with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The cause.
    pub cause: Cause,
    /// How sure.
    pub certainty: Certainty,
    /// One line.
    pub title: String,
    /// What happened, in words for a tired person.
    pub summary: String,
    /// What proves it, of all its findings.
    pub evidence: Vec<Evidence>,
    /// Fingerprints of the findings that show it.
    pub findings: Vec<String>,
    /// Fingerprints of findings that it brought about.
    pub consequences: Vec<String>,
    /// The one command or step to take next.
    pub next: String,
}

/// What the diagnosis must know beside the findings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grounds {
    /// The release judged by is newer than this build knows: nothing is more than likely.
    pub release_newer_than_known: bool,
}

/// Ranks the causes of the findings. Empty where nothing locks anybody out.
///
/// `next` gives the one next command for the findings of a cause.
pub fn diagnose(findings: &[Finding], grounds: Grounds, next: impl Fn(Cause, &[&Finding]) -> String) -> Vec<Diagnosis> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings {
        let Some(cause) = finding.cause else { continue };
        match groups.iter_mut().find(|group| group.cause == cause) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group { cause, findings: vec![finding] }),
        }
    }
    groups.sort_by_key(|group| (Reverse(group.rank()), rules::precedence(group.cause)));
    let mut diagnoses: Vec<Diagnosis> = Vec::new();
    for group in &groups {
        // A group is explained by the best-ranked cause that brings it about; that one has been handled already, unless
        // it is less sure, and then it explains nothing.
        let explained_by = diagnoses.iter_mut().find(|diagnosis| {
            let is_error = severity_of(&groups, diagnosis.cause) == Some(Severity::Error);
            accounts_for((diagnosis.cause, diagnosis.certainty, is_error), (group.cause, group.certainty(grounds)))
        });
        match explained_by {
            Some(diagnosis) => diagnosis.consequences.extend(group.fingerprints()),
            None => diagnoses.push(group.diagnosis(grounds, &next)),
        }
    }
    absorb_explained(&mut diagnoses, &groups);
    diagnoses
}

fn severity_of(groups: &[Group<'_>], cause: Cause) -> Option<Severity> {
    groups.iter().find(|group| group.cause == cause).map(Group::severity)
}

/// Whether a cause takes another one under it. That no gateway listens is what every fault that keeps it from starting
/// looks like: there a likely error is enough, however certain it is that nothing listens.
fn accounts_for((cause, sure, is_error): (Cause, Certainty, bool), (other, how_sure): (Cause, Certainty)) -> bool {
    let enough = sure >= how_sure || other == Cause::GatewayNotRunning && is_error && sure >= Certainty::Likely;
    cause != other && rules::explains(cause, other) && enough
}

/// A cause that ranks behind may still explain one before it that is no surer, for example by precedence.
fn absorb_explained(diagnoses: &mut Vec<Diagnosis>, groups: &[Group<'_>]) {
    let mut index = 0;
    while let Some(candidate) = diagnoses.get(index) {
        let (cause, certainty) = (candidate.cause, candidate.certainty);
        let explainer = diagnoses.iter().position(|other| {
            let is_error = severity_of(groups, other.cause) == Some(Severity::Error);
            accounts_for((other.cause, other.certainty, is_error), (cause, certainty))
        });
        match explainer {
            Some(at) => {
                let explained = diagnoses.remove(index);
                let at = if at > index { at - 1 } else { at };
                if let Some(explainer) = diagnoses.get_mut(at) {
                    explainer.consequences.extend(explained.findings);
                    explainer.consequences.extend(explained.consequences);
                }
            }
            None => index += 1,
        }
    }
}

struct Group<'f> {
    cause: Cause,
    findings: Vec<&'f Finding>,
}

impl Group<'_> {
    fn certainty(&self, grounds: Grounds) -> Certainty {
        let strongest = self.findings.iter().map(|finding| finding.certainty).max().unwrap_or(Certainty::Possible);
        // Two independent signs of one cause are more than one sign.
        let checks: std::collections::BTreeSet<&str> =
            self.findings.iter().map(|finding| finding.check_id.as_str()).collect();
        let agreed = if strongest == Certainty::Possible && checks.len() > 1 { Certainty::Likely } else { strongest };
        if grounds.release_newer_than_known { agreed.min(Certainty::Likely) } else { agreed }
    }

    fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Info)
    }

    /// Errors before warnings: a proven detail must not hide a probable lock-out.
    fn rank(&self) -> (Severity, Certainty) {
        (self.severity(), self.certainty(Grounds::default()))
    }

    fn fingerprints(&self) -> impl Iterator<Item = String> + '_ {
        self.findings.iter().map(|finding| finding.fingerprint.clone())
    }

    fn diagnosis(&self, grounds: Grounds, next: &impl Fn(Cause, &[&Finding]) -> String) -> Diagnosis {
        let mut findings = self.findings.clone();
        findings.sort_by_key(|finding| Reverse((finding.severity, finding.certainty)));
        let summary = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
        let mut evidence: Vec<Evidence> = Vec::new();
        for finding in &findings {
            if let Some(path) = &finding.path
                && !finding.evidence.iter().any(|piece| piece.path.as_ref() == Some(path))
            {
                let mut piece = Evidence::new(finding.message.clone()).at(path);
                (piece.line, piece.column) = (finding.line, finding.column);
                evidence.push(piece);
            }
            for piece in &finding.evidence {
                if !evidence.contains(piece) {
                    evidence.push(piece.clone());
                }
            }
        }
        Diagnosis {
            cause: self.cause,
            certainty: self.certainty(grounds),
            title: self.cause.title().to_owned(),
            summary,
            evidence,
            findings: findings.iter().map(|finding| finding.fingerprint.clone()).collect(),
            consequences: Vec::new(),
            next: next(self.cause, &findings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, cause: Cause, severity: Severity, certainty: Certainty) -> Finding {
        Finding::new(code, code, severity, code, format!("{code} happened")).because(cause, certainty)
    }

    fn causes(findings: &[Finding]) -> Vec<Cause> {
        diagnose(findings, Grounds::default(), |_, _| String::new()).iter().map(|diagnosis| diagnosis.cause).collect()
    }

    #[test]
    fn a_consequence_goes_under_its_cause_in_any_order() {
        let owner = finding("owner", Cause::StateOwnership, Severity::Error, Certainty::Certain);
        let down = finding("down", Cause::GatewayNotRunning, Severity::Error, Certainty::Certain);
        for findings in [[owner.clone(), down.clone()], [down, owner]] {
            let diagnoses = diagnose(&findings, Grounds::default(), |_, _| String::new());
            assert_eq!(diagnoses.len(), 1);
            assert_eq!(diagnoses[0].cause, Cause::StateOwnership);
            assert_eq!(diagnoses[0].consequences.len(), 1);
        }
    }

    #[test]
    fn a_likely_fault_explains_that_nothing_listens() {
        let down = finding("down", Cause::GatewayNotRunning, Severity::Error, Certainty::Certain);
        let newer = finding("newer", Cause::StateDatabase, Severity::Error, Certainty::Likely);
        assert_eq!(causes(&[down.clone(), newer]), [Cause::StateDatabase]);
        let hint = finding("hint", Cause::StateDatabase, Severity::Warning, Certainty::Likely);
        assert_eq!(causes(&[down, hint]), [Cause::GatewayNotRunning, Cause::StateDatabase]);
    }

    #[test]
    fn an_unsure_cause_explains_nothing_that_is_surer() {
        let owner = finding("owner", Cause::StateOwnership, Severity::Warning, Certainty::Possible);
        let config = finding("config", Cause::ConfigInvalid, Severity::Error, Certainty::Certain);
        assert_eq!(causes(&[owner, config]), [Cause::ConfigInvalid, Cause::StateOwnership]);
    }

    #[test]
    fn two_checks_that_agree_make_it_likely_and_an_unknown_release_caps() {
        let one = finding("one", Cause::NotLocal, Severity::Error, Certainty::Possible);
        let two = finding("two", Cause::NotLocal, Severity::Error, Certainty::Possible);
        let agreed = diagnose(&[one.clone(), two], Grounds::default(), |_, _| String::new());
        assert_eq!(agreed[0].certainty, Certainty::Likely);
        let sure = finding("sure", Cause::NotLocal, Severity::Error, Certainty::Certain);
        let capped = diagnose(&[sure], Grounds { release_newer_than_known: true }, |_, _| String::new());
        assert_eq!(capped[0].certainty, Certainty::Likely);
    }

    #[test]
    fn findings_without_a_cause_make_no_diagnosis() {
        let plain = Finding::new("x", "x", Severity::Warning, "x", "open mode");
        assert!(causes(&[plain]).is_empty());
    }
}
