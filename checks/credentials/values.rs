//! # The shared token is no secret
//!
//! ## What it finds
//! A token or password that is empty, the text `undefined` or `null`, a published example, a redaction mark that was
//! written back into the file, or one with quotation marks or blanks around it.
//!
//! ## Why it locks you out
//! 2026.9.6 refuses to start with such a token. 2026.2.19 takes an empty one for none, makes a new one and writes it into
//! the configuration, so that every client with the old one is refused. Marks around a value become part of it in one
//! holder and not in another, so that two equal tokens differ.
//!
//! ## How to read the evidence
//! The line, and what is wrong with the value; never the value.
//!
//! ## How to be sure by hand
//! The gateway's log: `gateway auth token is blank, a published example placeholder, or the literal string
//! undefined/null`, or `Gateway auth token is a known redaction sentinel`.
//!
//! ## What the fix does
//! Nothing by itself: a new token must be given to every client.
//!
//! ## Since and until
//! Empty values matter in all releases. The refusals were seen in 2026.9.6; between 2026.8.1 and 2026.9.5 they are
//! likely. Before, such a token works as one that everybody can guess.

use super::holders::{Holder, Shared, all, of_gateway};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::secret::SecretShape;
use crate::model::{Cause, Certainty, Finding, Severity, Unknown};

/// The shared token is no secret.
#[derive(Debug)]
pub struct Values;

const BLANK: &str = "token-blank";
const LITERAL: &str = "token-literal-nothing";
const EXAMPLE: &str = "token-example";
const REDACTED: &str = "token-redacted";
const PADDED: &str = "token-padded";

impl Check for Values {
    fn id(&self) -> &'static str {
        "gateway-token-value"
    }

    fn area(&self) -> Area {
        Area::Credentials
    }

    fn source(&self) -> &'static str {
        "credentials/values"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(BLANK, Cause::ConfigInvalid, "The token is empty"),
            CodeSpec::error(LITERAL, Cause::ConfigInvalid, "The token is the word undefined or null"),
            CodeSpec::error(EXAMPLE, Cause::ConfigInvalid, "The token is a published example"),
            CodeSpec::error(REDACTED, Cause::ConfigInvalid, "The token is a redaction mark"),
            CodeSpec::warning(
                PADDED,
                Some(Cause::GatewayTokenDrift),
                "The token has quotation marks or blanks around it",
            ),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let Some(shared) = Shared::of_mode(context) else { return Ok(Vec::new()) };
        let holders = all(context, shared);
        let counts = of_gateway(context, &holders);
        let judged = holders.iter().filter(|holder| {
            let is_blank = holder.label.shape == SecretShape::Blank && holder.place == super::holders::Site::Config;
            is_blank || counts.as_ref() == Some(*holder) || holder.label.shape == SecretShape::Padded
        });
        Ok(judged.filter_map(|holder| self.finding(context, shared, holder, counts.as_ref())).collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = match finding.code.as_str() {
            PADDED => vec!["Take the marks around the value away.".to_owned()],
            _ => vec![
                format!(
                    "Put a new random value, such as `openssl rand -hex 24` prints, into {}.",
                    context.config().path
                ),
                "Give it to every client, and restart the gateway.".to_owned(),
            ],
        };
        Some(Plan::manual(finding, "put a real secret in its place", by_hand))
    }
}

impl Values {
    fn finding(
        &self,
        context: &Context<'_>,
        shared: Shared,
        holder: &Holder,
        counts: Option<&Holder>,
    ) -> Option<Finding> {
        let what = shared.key();
        let (code, words) = match holder.label.shape {
            SecretShape::Plausible => return None,
            SecretShape::Blank => (BLANK, "is empty"),
            SecretShape::LiteralNothing => (LITERAL, "is the word undefined or null"),
            SecretShape::Placeholder => (EXAMPLE, "is a published example"),
            SecretShape::RedactionSentinel => (REDACTED, "is a redaction mark, not a credential"),
            SecretShape::Padded => (PADDED, "has quotation marks or blanks around it that belong to it"),
        };
        let (severity, certainty, effect) = weight(context, code, holder, counts)?;
        let message = format!("The {what} in {} {words}: {effect}", holder.words);
        let mut finding = context.finding(self, code, &holder.words, message).evidence(holder.evidence.clone());
        finding.path = holder.evidence.path.clone();
        (finding.line, finding.column) = (holder.evidence.line, holder.evidence.column);
        (finding.severity, finding.certainty) = (severity, certainty);
        if severity != Severity::Error && code != PADDED && code != BLANK {
            // It works as a token that everybody can guess.
            finding.cause = None;
        }
        Some(finding.hint("Put a real secret in its place and give it to every client"))
    }
}

/// How bad it is in the judged release.
fn weight(
    context: &Context<'_>,
    code: &str,
    holder: &Holder,
    counts: Option<&Holder>,
) -> Option<(Severity, Certainty, &'static str)> {
    let refuses = "the gateway refuses to start";
    let weak = "everybody can guess it";
    let release = context.release();
    Some(match code {
        PADDED => (Severity::Warning, Certainty::Possible, "another holder may have it without them, and is refused"),
        // Another holder stands in for an empty one, in every release.
        BLANK if counts.is_some() => return None,
        BLANK => match release {
            Some(release) if release.at_least(8, 1) => (Severity::Error, Certainty::Likely, refuses),
            Some(release) if release.at_least(2, 19) => (
                Severity::Warning,
                Certainty::Likely,
                "the next start makes a new one and writes it into the file, and clients with another one are refused",
            ),
            _ => (Severity::Error, Certainty::Likely, refuses),
        },
        _ => match release {
            Some(release) if release.at_least(9, 6) && code != EXAMPLE => {
                (Severity::Error, Certainty::Certain, refuses)
            }
            // Which examples 2026.9.6 knows is not known here one by one.
            Some(release) if release.at_least(9, 6) => (Severity::Error, Certainty::Likely, refuses),
            Some(release) if release.at_least(8, 1) => (Severity::Error, Certainty::Likely, refuses),
            _ if holder.label.chars == 0 => return None,
            _ => (Severity::Warning, Certainty::Possible, weak),
        },
    })
}
