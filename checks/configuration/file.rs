//! # The configuration file is missing or can't be read
//!
//! ## What it finds
//! No configuration where OpenClaw looks for one, or one that can't be read: closed to the gateway's account, too large,
//! a directory or another thing that is no file.
//!
//! ## Why it locks you out
//! Without a file the gateway does not start (`Missing config. Run openclaw setup …`), and the CLI falls back to port
//! 18789 without a token. With a file that it can't read, the CLI says `Config invalid` (2026.9.6: "existing config is
//! missing gateway.mode"), which is not what is wrong. A gateway that still runs while the file vanishes makes a new
//! token and writes a stub (seen in 2026.2.19).
//!
//! ## How to read the evidence
//! The path that OpenClaw would take and why, and copies beside it that could be put back.
//!
//! ## How to be sure by hand
//! `ls -la ~/.openclaw/openclaw.json*`
//!
//! ## What the fix does
//! Puts a sound copy back on request, `.last-good` first, with the text shown. A file closed by owner or mode is mended
//! by `state-ownership`.
//!
//! ## Since and until
//! All releases. Up to 2026.4.14 exit 1, later 78. From 2026.9.5 a generated unit passes `--allow-unconfigured`, and then
//! a gateway without a configuration starts with a token of its own.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown, UnknownKind};
use crate::snapshot::config::{ConfigOutcome, ConfigSibling};
use crate::snapshot::tree::EntryRole;

/// The configuration file is missing or can't be read.
#[derive(Debug)]
pub struct File;

const MISSING: &str = "config-missing";
const UNREADABLE: &str = "config-unreadable";
const NO_FILE: &str = "config-no-file";
const LARGE: &str = "config-too-large";

impl Check for File {
    fn id(&self) -> &'static str {
        "config-file"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/file"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(MISSING, Cause::ConfigInvalid, "There is no configuration"),
            CodeSpec::error(UNREADABLE, Cause::ConfigInvalid, "The configuration can't be read"),
            CodeSpec::error(
                NO_FILE,
                Cause::ConfigInvalid,
                "Something that is no file lies at the configuration's path",
            ),
            CodeSpec::warning(LARGE, Some(Cause::ConfigInvalid), "The configuration is larger than any real one"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        match &context.config().outcome {
            ConfigOutcome::Missing => Ok(vec![self.missing(context)]),
            ConfigOutcome::Unreadable(why) => self.unreadable(context, why).map(|finding| vec![finding]),
            ConfigOutcome::Syntax(_) | ConfigOutcome::Loaded(_) => Ok(Vec::new()),
        }
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let config = &context.config().path;
        if finding.code == MISSING
            && let Some(plan) = context.restore_plan(finding)
        {
            return Some(plan);
        }
        let by_hand = match (finding.code.as_str(), best_copy(context)) {
            (MISSING, Some(copy)) => vec![
                format!("Look at {} and see whether it is the configuration that you want.", copy.path),
                format!("Put it back: `cp -p {} {config}`.", copy.path),
            ],
            (MISSING, None) => vec![format!("Set it up again: `{}`.", context.openclaw("setup"))],
            (NO_FILE, _) => vec![format!("See what {config} is, and move it away.")],
            _ => return None,
        };
        Some(Plan::manual(finding, "put a configuration in place by hand", by_hand))
    }
}

impl File {
    fn missing(&self, context: &Context<'_>) -> Finding {
        let config = context.config();
        let copy = best_copy(context);
        let used = traces(context);
        let message = format!("There is no configuration at {}: the gateway does not start", config.path);
        let mut finding = context.file_finding(self, MISSING, message);
        finding
            .evidence
            .push(Evidence::new("this is the path that OpenClaw takes, and no file is there").at(&config.path));
        if let Some(copy) = copy {
            let text = format!("a copy with gateway.mode lies beside it ({} bytes)", copy.meta.size);
            finding.evidence.push(Evidence::new(text).at(&copy.path));
            finding = finding.hint(format!("Compare {} and put it back as {}", copy.path, config.path));
        } else {
            finding = finding.hint(format!("Run `{}`", context.openclaw("setup")));
        }
        if allows_unconfigured(context) {
            finding.message = format!(
                "There is no configuration at {}: the gateway starts all the same, with a token of its own",
                config.path
            );
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Likely);
        } else if used.is_empty() && copy.is_none() {
            // Nobody has used this directory as a gateway's yet.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        finding.evidence.extend(used);
        finding
    }

    fn unreadable(&self, context: &Context<'_>, why: &Unknown) -> Result<Finding, Unknown> {
        let path = &context.config().path;
        let (code, words) = match why.kind {
            UnknownKind::Malformed => (NO_FILE, "is no regular file"),
            UnknownKind::TooLarge => (LARGE, "is larger than any real configuration"),
            _ => (UNREADABLE, "can't be read"),
        };
        let closed = context.installation.tree.with_role(EntryRole::Config).and_then(|entry| entry.may.known());
        if code == UNREADABLE && why.kind == UnknownKind::NoPermission && closed.is_none_or(|may| may.read) {
            // It is the doctor that lacks the right, as far as is known: nobody may call that a fault of the gateway.
            return Err(why.clone());
        }
        let message = format!("The configuration {path} {words}: the gateway does not start and the CLI stops");
        let mut finding =
            context.file_finding(self, code, message).evidence(Evidence::new(why.reason.clone()).at(path));
        if code != NO_FILE {
            finding.certainty = Certainty::Possible;
        }
        Ok(finding)
    }
}

/// The newest copy that parses and sets the mode.
fn best_copy<'c>(context: &Context<'c>) -> Option<&'c ConfigSibling> {
    let is_good = |sibling: &&ConfigSibling| {
        sibling.parses.known() == Some(&true)
            && sibling.has_mode.known() == Some(&true)
            && !sibling.path.file_name().ends_with(".tmp")
    };
    context.config().siblings.iter().filter(is_good).max_by_key(|sibling| sibling.meta.mtime_ns)
}

/// Signs that a gateway has used this state directory.
fn traces(context: &Context<'_>) -> Vec<Evidence> {
    const ROLES: &[(EntryRole, &str)] = &[
        (EntryRole::Paired, "a gateway has kept its devices here"),
        (EntryRole::Database, "a gateway has kept its state here"),
        (EntryRole::Identity, "a CLI or gateway has made its identity here"),
    ];
    let tree = &context.installation.tree;
    let traces = ROLES.iter().filter_map(|(role, words)| Some(Evidence::new(*words).at(&tree.with_role(*role)?.path)));
    traces.take(1).collect()
}

/// Whether a unit of this installation lets the gateway start without a configuration.
pub fn allows_unconfigured(context: &Context<'_>) -> bool {
    let passes = |argument: &String| argument == "--allow-unconfigured";
    context.gateway_units().unwrap_or_default().iter().any(|unit| {
        unit.exec
            .iter()
            .filter(|line| line.setting.starts_with("ExecStart") || line.setting == "ProgramArguments")
            .any(|line| line.argv.iter().any(passes))
    })
}
