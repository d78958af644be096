//! # A part of the configuration can't be included
//!
//! ## What it finds
//! `$include` of a file that is missing, closed, no JSON5, outside the directory that includes may come from, or that
//! includes itself; a value of `$include` that names no file.
//!
//! ## Why it locks you out
//! The whole configuration fails to load with it: the CLI stops and the next start is refused.
//!
//! ## How to read the evidence
//! The line with the `$include`, and the path that it leads to: relative to the file in which it stands.
//!
//! ## How to be sure by hand
//! `ls -la` of the named path as the gateway's account.
//!
//! ## What the fix does
//! Nothing by itself: where the part has gone is yours to know.
//!
//! ## Since and until
//! All releases. From 2026.2.17 an included file must lie below the configuration's own directory, links resolved; from
//! 2026.5.7 `OPENCLAW_INCLUDE_ROOTS` names more directories. From 2026.2.26 it must be a regular file of at most 2 MiB
//! with one hard link.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, HostPath, Severity, Unknown};
use crate::snapshot::config::{ConfigProblem, ConfigProblemKind};

/// A part of the configuration can't be included.
#[derive(Debug)]
pub struct Includes;

const MISSING: &str = "include-missing";
const UNREADABLE: &str = "include-unreadable";
const SYNTAX: &str = "include-syntax";
const LOOP: &str = "include-loop";
const OUTSIDE: &str = "include-outside";
const SHAPE: &str = "include-no-path";
const LINKED: &str = "include-hard-linked";

impl Check for Includes {
    fn id(&self) -> &'static str {
        "config-includes"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/includes"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(MISSING, Cause::ConfigInvalid, "An included file is missing"),
            CodeSpec::error(UNREADABLE, Cause::ConfigInvalid, "An included file can't be read"),
            CodeSpec::error(SYNTAX, Cause::ConfigInvalid, "An included file is no JSON5"),
            CodeSpec::error(LOOP, Cause::ConfigInvalid, "Included files include each other, or too deep"),
            CodeSpec::error(OUTSIDE, Cause::ConfigInvalid, "An included file lies outside the directories allowed"),
            CodeSpec::error(SHAPE, Cause::ConfigInvalid, "`$include` names no file"),
            CodeSpec::error(LINKED, Cause::ConfigInvalid, "An included file has several hard links"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        Ok(context.config().problems.iter().filter_map(|problem| self.finding(context, problem)).collect())
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "correct the include by hand", vec![by_hand]))
    }
}

impl Includes {
    fn finding(&self, context: &Context<'_>, problem: &ConfigProblem) -> Option<Finding> {
        let (code, message, path, hint) = words(&problem.kind);
        let subject = path.map_or_else(|| problem.key.clone(), ToString::to_string);
        let mut finding = context
            .finding(self, code, &subject, message)
            .at(&problem.file)
            .span(Some(problem.at))
            .evidence(context.place_evidence("the include stands here", &problem.file, problem.at))
            .hint(hint);
        if let Some(path) = path {
            finding.evidence.push(Evidence::new("this is the file that it names").at(path));
        }
        match &problem.kind {
            ConfigProblemKind::IncludeSyntax(problem) => {
                let evidence = Evidence::new(problem.message.clone()).at(&problem.file).span(problem.at);
                finding.evidence.push(evidence.source(problem.source.clone()));
            }
            ConfigProblemKind::IncludeUnreadable(_, why) => {
                finding.certainty = Certainty::Possible;
                finding.evidence.push(Evidence::new(why.reason.clone()));
            }
            ConfigProblemKind::IncludeOutside(_) => {
                (finding.severity, finding.certainty) = self.outside(context)?;
            }
            ConfigProblemKind::IncludeLinked(_) => match context.since(2, 26) {
                Some(false) => return None,
                Some(true) => {}
                None => (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Likely),
            },
            _ => {}
        }
        Some(finding)
    }

    /// How bad an include from elsewhere is; `None` where the release allows it.
    fn outside(&self, context: &Context<'_>) -> Option<(Severity, Certainty)> {
        let roots = "OPENCLAW_INCLUDE_ROOTS";
        let units = context.gateway_units().unwrap_or_default();
        let has_roots = units.iter().any(|unit| unit.environment.has(roots))
            || context.snapshot.caller_environment.known().is_some_and(|environment| environment.has(roots));
        match (context.since(2, 17), context.since(5, 3)) {
            (Some(false), _) => None,
            // Whether the named roots cover it is not known here.
            (_, Some(true) | None) if has_roots => Some((Severity::Warning, Certainty::Possible)),
            (Some(true), _) => Some((Severity::Error, Certainty::Certain)),
            (None, _) => Some((Severity::Warning, Certainty::Likely)),
        }
    }
}

fn words(kind: &ConfigProblemKind) -> (&'static str, String, Option<&HostPath>, String) {
    match kind {
        ConfigProblemKind::IncludeMissing(path) => (
            MISSING,
            format!("The configuration includes {path}, which is not there"),
            Some(path),
            format!("Put {path} back, or correct the $include"),
        ),
        ConfigProblemKind::IncludeUnreadable(path, _) => (
            UNREADABLE,
            format!("The configuration includes {path}, which can't be read"),
            Some(path),
            format!("Let the gateway's account read {path}"),
        ),
        ConfigProblemKind::IncludeSyntax(problem) => (
            SYNTAX,
            format!("The included file {} is no JSON5: {} at line {}", problem.file, problem.message, problem.at.line),
            Some(&problem.file),
            format!("Mend {} at line {}", problem.file, problem.at.line),
        ),
        ConfigProblemKind::IncludeLoop => (
            LOOP,
            "Included files include each other, or more than ten deep".to_owned(),
            None,
            "Take the include out that leads back".to_owned(),
        ),
        ConfigProblemKind::IncludeOutside(path) => (
            OUTSIDE,
            format!("The included file {path} lies outside the configuration's directory"),
            Some(path),
            "Move the file below the configuration's directory (from 2026.5.7: or name its directory in \
             OPENCLAW_INCLUDE_ROOTS)"
                .to_owned(),
        ),
        ConfigProblemKind::IncludeShape => (
            SHAPE,
            "The value of $include is neither a text nor a list of texts".to_owned(),
            None,
            "Give $include a path, or a list of paths".to_owned(),
        ),
        ConfigProblemKind::IncludeLinked(path) => (
            LINKED,
            format!("The included file {path} has several hard links, which OpenClaw refuses"),
            Some(path),
            format!("Replace {path} by a copy of its own"),
        ),
    }
}
