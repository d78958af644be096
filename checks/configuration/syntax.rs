//! # The configuration is no JSON5
//!
//! ## What it finds
//! A text that OpenClaw's parser refuses: a text that is not closed, a missing comma, stray words; a file that is empty
//! or holds only blanks; a top level that is no object; keys that stand twice, of which only the last one counts.
//!
//! ## Why it locks you out
//! The CLI stops with `Config invalid` and a running gateway goes on with what it had. The next start is refused. From
//! 2026.4.20 that start may instead put back `openclaw.json.last-good` and keep your text as `.clobbered.…`: your edit
//! then seems to vanish.
//!
//! ## How to read the evidence
//! Line and column are where the text leaves the grammar; the slip itself may be just before. 2026.9.6 reports this
//! fault as "existing config is missing gateway.mode", which is wrong.
//!
//! ## How to be sure by hand
//! `openclaw doctor` prints `JSON5 parse failed` with the place, or paste the file without its secrets into any JSON5
//! checker.
//!
//! ## What the fix does
//! Where there is one obvious repair (a comma, a quotation mark, a brace), it is shown as a difference and made; where
//! there is more than one, a sound copy is put back on request, with what is lost shown.
//!
//! ## Since and until
//! All releases read JSON5. From 2026.3.22 strict JSON is tried first, which changes nothing here. By 2026.4.29 words
//! before the first brace are stripped at the start.

use crate::checks::reading::{in_words, listed};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Unknown};
use crate::snapshot::config::{ConfigOutcome, ConfigValue, DuplicateKey, SyntaxProblem};

/// The configuration is no JSON5.
#[derive(Debug)]
pub struct Syntax;

const SYNTAX: &str = "config-no-json5";
const BLANK: &str = "config-blank";
const NO_OBJECT: &str = "config-no-object";
const TWICE: &str = "config-key-twice";

impl Check for Syntax {
    fn id(&self) -> &'static str {
        "config-syntax"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/syntax"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(SYNTAX, Cause::ConfigInvalid, "The configuration is no JSON5"),
            CodeSpec::error(BLANK, Cause::ConfigInvalid, "The configuration is empty"),
            CodeSpec::error(NO_OBJECT, Cause::ConfigInvalid, "The configuration's top level is no object"),
            CodeSpec::warning(TWICE, None, "A key stands twice, and only the last one counts"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        match &context.config().outcome {
            ConfigOutcome::Missing => Ok(Vec::new()),
            ConfigOutcome::Unreadable(why) => Err(why.clone()),
            ConfigOutcome::Syntax(problem) => Ok(vec![self.syntax(context, problem)]),
            ConfigOutcome::Loaded(root) if !matches!(root.value, ConfigValue::Object(_)) => {
                let words = in_words(root);
                let message = format!("The configuration's top level must be an object, and is {words}");
                Ok(vec![context.config_finding(self, NO_OBJECT, "the top level", root, message)])
            }
            ConfigOutcome::Loaded(_) => {
                Ok(context.config().duplicates.iter().map(|twice| self.twice(context, twice)).collect())
            }
        }
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let path = &context.config().path;
        let by_hand = |what: String| Some(Plan::manual(finding, "mend the text by hand", vec![what]));
        let ConfigOutcome::Syntax(problem) = &context.config().outcome else {
            return by_hand(finding.fix_hint.clone()?);
        };
        let Some(mended) = &problem.mended else {
            return context.restore_plan(finding).or_else(|| by_hand(finding.fix_hint.clone()?));
        };
        let changes = listed(&mended.changes);
        let Some((seen, content)) = mended.bytes.clone() else {
            return by_hand(format!("In {path}: {changes}."));
        };
        let applicability = if mended.lossless { Applicability::Safe } else { Applicability::Unsafe };
        let step = Step::new(
            Action::Replace { path: path.clone(), seen, content },
            "the text then parses, and nothing else in it changes",
        );
        Some(Plan::of(finding, applicability, format!("mend the configuration: {changes}"), vec![step]))
    }
}

impl Syntax {
    fn syntax(&self, context: &Context<'_>, problem: &SyntaxProblem) -> Finding {
        let copy = newest_good_copy(context);
        if problem.blank {
            let message = format!("The configuration {} is empty", problem.file);
            let finding = context
                .file_finding(self, BLANK, message)
                .evidence(Evidence::new("the file holds no text").at(&problem.file))
                .hint(match &copy {
                    Some(copy) => {
                        format!("Look at {} and put it back", copy.path.clone().unwrap_or(problem.file.clone()))
                    }
                    None => format!("Run `{}`", context.openclaw("setup")),
                });
            return with(finding, copy);
        }
        let message =
            format!("The configuration {} is no JSON5: {} at line {}", problem.file, problem.message, problem.at.line);
        let evidence = Evidence::new(problem.message.clone()).at(&problem.file).span(problem.at);
        let finding = context
            .file_finding(self, SYNTAX, message)
            .at(&problem.file)
            .span(Some(problem.at))
            .evidence(evidence.source(problem.source.clone()))
            .hint(match &problem.mended {
                Some(mended) => format!("One repair is obvious: {}", listed(&mended.changes)),
                None => format!("Mend the text at line {}", problem.at.line),
            });
        let mut finding = with(finding, copy);
        if context.since(4, 20) == Some(true) && has_last_good(context) {
            finding.evidence.push(Evidence::new(
                "the next start may put openclaw.json.last-good in its place and keep this text as .clobbered",
            ));
        }
        finding
    }

    fn twice(&self, context: &Context<'_>, twice: &DuplicateKey) -> Finding {
        let path = &context.config().path;
        let decides = ["gateway", "gateway.auth", "gateway.mode", "gateway.auth.token", "gateway.trustedProxies"];
        let message = format!(
            "The key {} stands twice: what line {} says is ignored, line {} counts",
            twice.key, twice.first.line, twice.last.line
        );
        let mut finding = context
            .finding(self, TWICE, &format!("{path}#{}", twice.key), message)
            .at(path)
            .span(Some(twice.first))
            .evidence(context.place_evidence("this one is ignored", path, twice.first))
            .evidence(context.place_evidence("this one counts", path, twice.last))
            .hint(format!("Merge the two into one {}", twice.key));
        if decides.contains(&twice.key.as_str()) {
            finding = finding.because(Cause::ConfigInvalid, Certainty::Possible);
        }
        finding
    }
}

fn with(mut finding: Finding, evidence: Option<Evidence>) -> Finding {
    finding.evidence.extend(evidence);
    finding
}

fn has_last_good(context: &Context<'_>) -> bool {
    context.config().siblings.iter().any(|sibling| sibling.path.file_name().ends_with(".last-good"))
}

fn newest_good_copy(context: &Context<'_>) -> Option<Evidence> {
    let good =
        context.config().siblings.iter().filter(|sibling| {
            matches!(sibling.parses, Fact::Known(true)) && matches!(sibling.has_mode, Fact::Known(true))
        });
    let copy = good.max_by_key(|sibling| sibling.meta.mtime_ns)?;
    Some(Evidence::new("this copy parses and sets gateway.mode").at(&copy.path))
}
