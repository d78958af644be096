//! # The gateway has no token or password
//!
//! ## What it finds
//! A mode of authentication whose secret is nowhere: neither in the configuration nor in the environment of the service.
//!
//! ## Why it locks you out
//! It depends on the release. Up to 2026.2.17 the gateway refuses to start. 2026.2.19 and later make a token: up to about
//! 2026.5.7 they write it into the configuration, later they keep it for one run only, so that every restart shuts out
//! whoever was given it. Password mode without a password never starts.
//!
//! ## How to read the evidence
//! The mode, and that the secret is missing.
//!
//! ## How to be sure by hand
//! The gateway's log: `gateway auth mode is token, but no token was configured`, or `Generated a runtime token for this
//! startup without changing config`.
//!
//! ## What the fix does
//! Nothing by itself: a token is made by OpenClaw's own command and given to every client by you.
//!
//! ## Since and until
//! clawdbot 2026.1.24-3 and 2026.2.17 run without authentication when nothing is set; that is not reported here.

use super::holders::{Shared, Site, all, of_gateway};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};

/// The gateway has no token or password.
#[derive(Debug)]
pub struct Presence;

const REFUSED: &str = "token-none";
const RUNTIME: &str = "token-runtime-only";
const SAVED: &str = "token-generated-at-start";
const PASSWORD: &str = "password-none";
const REMOTE: &str = "remote-token-none";

impl Check for Presence {
    fn id(&self) -> &'static str {
        "gateway-token-present"
    }

    fn area(&self) -> Area {
        Area::Credentials
    }

    fn source(&self) -> &'static str {
        "credentials/presence"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(REFUSED, Cause::ConfigInvalid, "No token is set and the gateway refuses to start"),
            CodeSpec::warning(RUNTIME, Some(Cause::GatewayTokenDrift), "The token changes with every start"),
            CodeSpec::info(SAVED, None, "The next start makes a token and saves it"),
            CodeSpec::error(PASSWORD, Cause::ConfigInvalid, "No password is set and the gateway refuses to start"),
            CodeSpec::warning(REMOTE, Some(Cause::TokenMissing), "The CLI has no token for the remote gateway"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(root) = context.loaded()? else { return Ok(Vec::new()) };
        if root.members().is_none() {
            return Ok(Vec::new());
        }
        if context.uses_remote_gateway() {
            return Ok(self.remote(context).into_iter().collect());
        }
        let Some(shared) = Shared::of_mode(context) else { return Ok(Vec::new()) };
        // A reference that can't be resolved, or an empty text, is a finding of its own.
        if context.value(&["gateway", "auth", shared.key()]).is_some() {
            return Ok(Vec::new());
        }
        if of_gateway(context, &all(context, shared)).is_some() {
            return Ok(Vec::new());
        }
        Ok(self.finding(context, shared).into_iter().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = match finding.code.as_str() {
            REMOTE => vec!["Set gateway.remote.token to the token of that gateway.".to_owned()],
            PASSWORD => vec!["Set gateway.auth.password, or gateway.auth.mode to token.".to_owned()],
            _ => vec![
                format!(
                    "Put a random value, such as `openssl rand -hex 24` prints, into gateway.auth.token in {}.",
                    context.config().path
                ),
                "Give it to every client.".to_owned(),
            ],
        };
        Some(Plan::manual(finding, "give the gateway a secret", by_hand))
    }
}

impl Presence {
    /// A client of a gateway elsewhere.
    fn remote(&self, context: &Context<'_>) -> Option<Finding> {
        let url = context.value(&["gateway", "remote", "url"])?;
        let configured = ["token", "password"].iter().any(|key| context.value(&["gateway", "remote", key]).is_some());
        let held = [Shared::Token, Shared::Password]
            .into_iter()
            .any(|shared| all(context, shared).iter().any(|holder| holder.place != Site::Config));
        if configured || held {
            return None;
        }
        let message = "gateway.mode is remote without gateway.remote.token: the CLI has no token to send, and gets in only \
                       with a device token that it has already";
        let mut finding = context.config_finding(self, REMOTE, "gateway.remote.url", url, message);
        finding.certainty = Certainty::Possible;
        Some(finding.hint("Set gateway.remote.token to the token of that gateway"))
    }

    fn finding(&self, context: &Context<'_>, shared: Shared) -> Option<Finding> {
        let explicit = context.value(&["gateway", "auth", "mode"]);
        // What a service that could not be looked at holds is unknown.
        let sure = context.gateway_units().is_ok_and(|units| units.iter().all(|unit| unit.unread.is_empty()));
        let refused =
            if sure { (Severity::Error, Certainty::Likely) } else { (Severity::Warning, Certainty::Possible) };
        let release = context.release();
        let (code, (severity, certainty), message) = match (shared, release) {
            (Shared::Password, _) => {
                (PASSWORD, refused, "gateway.auth.mode is password and no password is set: the gateway does not start")
            }
            (Shared::Token, Some(release)) if release.at_least(5, 28) => (
                RUNTIME,
                (Severity::Warning, Certainty::Possible),
                "No token is set: every start makes one for that run only, and clients that were given it are refused \
                 after the next start",
            ),
            (Shared::Token, Some(release)) if release.at_least(2, 19) => (
                SAVED,
                (Severity::Info, Certainty::Possible),
                "No token is set: the next start makes one and writes it into the configuration",
            ),
            (Shared::Token, Some(release)) if explicit.is_some() || release.within((1, 29), (2, 12)) => {
                (REFUSED, refused, "No token is set: the gateway does not start")
            }
            (Shared::Token, _) => return None,
        };
        let path = &context.config().path;
        let mut finding = context.file_finding(self, code, message);
        (finding.severity, finding.certainty) = (severity, certainty);
        finding.evidence.extend(explicit.map(|mode| context.value_evidence("gateway.auth.mode", mode)));
        finding.evidence.push(Evidence::new(format!("gateway.auth.{} is not set", shared.key())).at(path));
        Some(finding)
    }
}
