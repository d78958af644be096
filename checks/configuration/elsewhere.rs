//! # A second configuration
//!
//! ## What it finds
//! A configuration taken from another directory than the state, and two product directories of one home that both hold a
//! configuration.
//!
//! ## Why it locks you out
//! Without an override every release from 2026.1.29 looks through all default directories: an existing
//! `~/.clawdbot/clawdbot.json` wins over a missing `~/.openclaw/openclaw.json` although the state is kept in
//! `~/.openclaw`. Edits then go into a file that nobody reads, or gateway and CLI have different ports and tokens.
//!
//! ## How to read the evidence
//! Which file is taken, and which lies beside it.
//!
//! ## How to be sure by hand
//! `openclaw config path`, or `openclaw status` (from 2026.4 it prints `Config (cli)` and `Config (service)`).
//!
//! ## What the fix does
//! Nothing by itself: which of the two is meant is yours to say.
//!
//! ## Since and until
//! `.moltbot` and `.moldbot` are looked at up to 2026.3.13 and 2026.3.28, `.clawdbot` in every release.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use crate::snapshot::Installation;
use crate::snapshot::config::{ConfigFrom, ConfigNode, ConfigOutcome};

/// A second configuration.
#[derive(Debug)]
pub struct Elsewhere;

const OTHER_DIRECTORY: &str = "config-in-other-directory";
const SECOND: &str = "config-second";

impl Check for Elsewhere {
    fn id(&self) -> &'static str {
        "config-elsewhere"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/elsewhere"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const MISMATCH: Option<Cause> = Some(Cause::StateDirMismatch);
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(
                OTHER_DIRECTORY,
                MISMATCH,
                "The configuration comes from another directory than the state",
            ),
            CodeSpec::info(SECOND, None, "Another product directory of this home holds a configuration too"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let own = context.installation;
        let mut findings = Vec::new();
        if own.config.from == ConfigFrom::OtherDefaultDirectory {
            let message = format!(
                "OpenClaw takes {} although the state is in {}: a configuration there is missing",
                own.config.path, own.state_dir
            );
            let mut finding = context
                .file_finding(self, OTHER_DIRECTORY, message)
                .evidence(Evidence::new("this file is taken").at(&own.config.path))
                .evidence(Evidence::new("the state is kept here, without a configuration").at(&own.state_dir))
                .hint(format!("Move {} to {}", own.config.path, own.path("openclaw.json")));
            finding.certainty = Certainty::Possible;
            findings.push(finding);
        }
        let others = context.snapshot.installations.iter().filter(|other| {
            other.id != own.id && other.home.is_some() && other.home == own.home && other.profile == own.profile
        });
        for other in others.filter(|other| matches!(other.config.outcome, ConfigOutcome::Loaded(_))) {
            if other.config.path != own.config.path {
                findings.push(self.second(context, other));
            }
        }
        Ok(findings)
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "keep one configuration", vec![by_hand]))
    }
}

impl Elsewhere {
    fn second(&self, context: &Context<'_>, other: &Installation) -> Finding {
        let own = context.installation;
        let differing = differing(own, other);
        let words =
            if differing.is_empty() { String::new() } else { format!(", with another {}", differing.join(" and ")) };
        let message = format!("{} is taken, and {} lies beside it{words}", own.config.path, other.config.path);
        let mut finding = context
            .finding(self, SECOND, &other.config.path.to_string(), message)
            .at(&other.config.path)
            .evidence(Evidence::new("this file is taken").at(&own.config.path))
            .evidence(Evidence::new("this one is not read").at(&other.config.path))
            .hint(format!("If {} is an old one, move it away", other.config.path));
        if !differing.is_empty() {
            finding.severity = Severity::Warning;
        }
        finding
    }
}

/// What decides about the way in and differs.
fn differing(own: &Installation, other: &Installation) -> Vec<&'static str> {
    let value = |installation: &Installation, path: &[&str]| {
        installation.config.at(path).map(|node: &ConfigNode| node.value.clone())
    };
    let keys: [(&[&str], &str); 2] = [(&["gateway", "port"], "port"), (&["gateway", "auth", "token"], "token")];
    let differs = |(path, _): &(&[&str], &str)| value(own, path) != value(other, path);
    keys.into_iter().filter(differs).map(|(_, words)| words).collect()
}
