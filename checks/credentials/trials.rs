//! # What the running gateway says to the secrets that are held for it
//!
//! ## What it finds
//! A token or password that configuration, units, environment files or the shell hold and that the running gateway
//! refuses; a gateway that asks for another kind of secret than the configuration says; a closed limiter.
//!
//! ## Why it locks you out
//! The configuration can be right and the gateway still have the secret from before: it reads the token when it starts.
//! Whoever sends a refused one gets `unauthorized: gateway token mismatch`, in 2026.2.17 to 2026.2.21 the misleading
//! `device token mismatch (rotate/reissue device token)`.
//!
//! ## How to read the evidence
//! Each secret was sent once, alone and without a device, which no release stores, and only to a listener on loopback that
//! is proven to be this account's gateway. Equal letters are equal values; the values are never shown.
//!
//! ## How to be sure by hand
//! `openclaw-doctor probe` shows what became of every secret.
//!
//! ## What the fix does
//! Nothing: which holder is right is your choice. A restart makes the gateway read its configuration again.
//!
//! ## Since and until
//! All releases. Without a configured limiter nothing counts failures up to 2026.5.20; later, loopback is exempt by default.

use super::holders::{Shared, all, of_cli};
use crate::checks::services::units;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use crate::probe::ProbeFacts;
use crate::probe::facts::{AuthMode, TokenTrial, TrialVerdict};

/// See the module's documentation.
#[derive(Debug)]
pub struct Trials;

const REFUSED: &str = "gateway-refuses-secret";
const MODE: &str = "gateway-auth-mode-differs";
const LIMITER: &str = "gateway-limiter-closed";

impl Check for Trials {
    fn id(&self) -> &'static str {
        "gateway-secret-trial"
    }

    fn area(&self) -> Area {
        Area::Credentials
    }

    fn source(&self) -> &'static str {
        "credentials/trials"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(REFUSED, Cause::GatewayTokenDrift, "The running gateway refuses a secret held for it"),
            CodeSpec::error(
                MODE,
                Cause::GatewayTokenDrift,
                "The running gateway asks for another kind of secret than the configuration says",
            ),
            CodeSpec::error(LIMITER, Cause::AuthRateLimit, "The gateway's limiter is closed for this address"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Probe, Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let probe = match &context.snapshot.probe {
            Fact::Known(probe) => probe,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let mut findings: Vec<Finding> = self.refused(context, probe).into_iter().collect();
        findings.extend(self.mode(context, probe));
        findings.extend(self.limiter(context, probe));
        Ok(findings)
    }
}

impl Trials {
    fn refused(&self, context: &Context<'_>, probe: &ProbeFacts) -> Option<Finding> {
        let refused: Vec<&TokenTrial> =
            probe.tokens.iter().filter(|trial| trial.verdict == TrialVerdict::Mismatch).collect();
        let own = Shared::of_mode(context).and_then(|shared| of_cli(context, &all(context, shared)));
        let is_own = |trial: &TokenTrial| own.as_ref().is_some_and(|holder| holder.label == trial.label);
        // What the host's own CLI sends comes first: with that one refused, it is shut out.
        let first = refused.iter().copied().find(|trial| is_own(trial)).or_else(|| refused.first().copied())?;
        let taken = probe.tokens.iter().find(|trial| trial.verdict == TrialVerdict::Accepted);
        let takes =
            taken.map(|trial| format!("; it takes {} ({})", trial.label, trial.holders.join(", "))).unwrap_or_default();
        let message = format!("The running gateway refuses {} ({}){takes}", first.label, first.holders.join(", "));
        let mut finding = context.finding(self, REFUSED, &first.holders.join(","), message);
        if !is_own(first) {
            // The CLI gets in; only whoever uses this copy does not.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        if let Some(shared) = Shared::of_mode(context)
            && let Some(node) = context.value(&["gateway", "auth", shared.key()])
        {
            let key = format!("gateway.auth.{}", shared.key());
            finding = finding.evidence(context.value_evidence(&key, node)).at(&context.config().path);
        }
        for trial in refused.into_iter().chain(taken) {
            finding = finding.evidence(tried(trial));
        }
        Some(finding.hint(hint(context, first, taken)))
    }

    fn mode(&self, context: &Context<'_>, probe: &ProbeFacts) -> Option<Finding> {
        let configured = configured_mode(context)?;
        let (trial, wants) = probe.tokens.iter().find_map(|trial| match &trial.verdict {
            TrialVerdict::OtherMode { wants } if *wants != configured => Some((trial, wants)),
            _ => None,
        })?;
        let of_config = trial.holders.iter().any(|holder| holder.starts_with("gateway.auth."));
        let message = format!(
            "The running gateway asks for another kind of secret ({wants}) than the configuration says ({configured}): it \
             has not read this configuration, or reads another one"
        );
        let mut finding = context.finding(self, MODE, "gateway.auth.mode", message).at(&context.config().path);
        finding.certainty = Certainty::Likely;
        if *wants == AuthMode::None || !of_config {
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        let restart = context.openclaw("gateway restart");
        Some(finding.evidence(tried(trial)).hint(format!("Restart the gateway so that it reads it: `{restart}`")))
    }

    fn limiter(&self, context: &Context<'_>, probe: &ProbeFacts) -> Option<Finding> {
        let trial = probe.tokens.iter().find(|trial| trial.verdict == TrialVerdict::RateLimited)?;
        let message = "The gateway counts too many failed attempts of this address and lets nobody from it in for now";
        let finding = context.finding(self, LIMITER, &units::gateway_port(context).to_string(), message);
        Some(finding.evidence(tried(trial)).hint(
            "Stop the client that keeps trying a wrong secret, then wait 5 minutes (gateway.auth.rateLimit.lockoutMs) or \
             restart the gateway",
        ))
    }
}

fn hint(context: &Context<'_>, refused: &TokenTrial, taken: Option<&TokenTrial>) -> String {
    let of_config = |trial: &TokenTrial| trial.holders.iter().any(|holder| holder.starts_with("gateway.auth."));
    if of_config(refused) {
        let restart = context.openclaw("gateway restart");
        return match taken {
            Some(taken) => format!(
                "The gateway still has the secret of {}. Restart it to make it take the configuration's: `{restart}`",
                taken.holders.join(", ")
            ),
            None => format!("Restart the gateway so that it reads the configuration's: `{restart}`"),
        };
    }
    format!("Remove {}, or make it the gateway's", refused.holders.join(", "))
}

fn configured_mode(context: &Context<'_>) -> Option<AuthMode> {
    match context.text(&["gateway", "auth", "mode"]) {
        Some(mode) => Some(AuthMode::from_word(mode)),
        None => Some(match Shared::of_mode(context)? {
            Shared::Token => AuthMode::Token,
            Shared::Password => AuthMode::Password,
        }),
    }
}

fn tried(trial: &TokenTrial) -> Evidence {
    let said = match &trial.verdict {
        TrialVerdict::Accepted => "takes it".to_owned(),
        TrialVerdict::Mismatch => "refuses it".to_owned(),
        TrialVerdict::OtherMode { wants } => format!("does not look at it; its mode is {wants}"),
        TrialVerdict::RateLimited => "answers that too many attempts failed".to_owned(),
        TrialVerdict::Skipped { reason } | TrialVerdict::Unclear { reason } => reason.clone(),
    };
    Evidence::new(format!("probe of {}: {} ({}): the gateway {said}", trial.url, trial.label, trial.holders.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, detect};
    use crate::model::SecretLabel;
    use crate::snapshot::Snapshot;
    use crate::snapshot::config::ConfigValue;

    const CONFIG: &str = r#"{ "gateway": { "mode": "local", "auth": { "mode": "token", "token": "0123456789abcdef0123456789abcdef0123456789abcdef" } } }"#;

    /// A host whose configuration holds a token, and what the gateway says to it.
    fn host(verdict: TrialVerdict) -> Snapshot {
        let mut snapshot = Lab::new(Some("2026.9.6")).file("openclaw.json", CONFIG).snapshot();
        let trial = trial(&label(&snapshot), "gateway.auth.token in /home/claw/.openclaw/openclaw.json", verdict);
        snapshot.probe = Fact::Known(ProbeFacts { tokens: vec![trial], ..ProbeFacts::default() });
        snapshot
    }

    fn label(snapshot: &Snapshot) -> SecretLabel {
        match &snapshot.selected().unwrap().config.at(&["gateway", "auth", "token"]).unwrap().value {
            ConfigValue::Secret(label) => label.clone(),
            other => panic!("{other:?} is no secret"),
        }
    }

    fn trial(label: &SecretLabel, holder: &str, verdict: TrialVerdict) -> TokenTrial {
        TokenTrial {
            label: label.clone(),
            holders: vec![holder.to_owned()],
            url: "ws://127.0.0.1:18789".to_owned(),
            verdict,
        }
    }

    fn found(snapshot: &Snapshot) -> Vec<(String, Severity, Option<Cause>)> {
        let found = detect(&Trials, snapshot).unwrap();
        found.into_iter().map(|finding| (finding.code, finding.severity, finding.cause)).collect()
    }

    #[test]
    fn an_accepted_secret_and_one_that_was_not_sent_are_silent() {
        assert!(found(&host(TrialVerdict::Accepted)).is_empty());
        assert!(found(&host(TrialVerdict::Skipped { reason: "listener not proven".to_owned() })).is_empty());
    }

    #[test]
    fn the_configurations_own_secret_refused_means_a_restart() {
        let snapshot = host(TrialVerdict::Mismatch);
        assert_eq!(found(&snapshot), [(REFUSED.to_owned(), Severity::Error, Some(Cause::GatewayTokenDrift))]);
        let finding = &detect(&Trials, &snapshot).unwrap()[0];
        assert!(finding.fix_hint.as_deref().unwrap().contains("gateway restart"), "{finding:?}");
        assert_eq!(finding.path, Some("/home/claw/.openclaw/openclaw.json".into()));
    }

    #[test]
    fn a_refused_copy_that_the_cli_does_not_use_is_a_warning() {
        let mut snapshot = host(TrialVerdict::Accepted);
        let mut other = label(&snapshot);
        other.index += 1;
        if let Fact::Known(probe) = &mut snapshot.probe {
            probe.tokens.push(trial(&other, "OPENCLAW_GATEWAY_TOKEN in /etc/openclaw.env", TrialVerdict::Mismatch));
        }
        assert_eq!(found(&snapshot), [(REFUSED.to_owned(), Severity::Warning, Some(Cause::GatewayTokenDrift))]);
        assert!(detect(&Trials, &snapshot).unwrap()[0].message.contains("it takes"), "says which one is right");
    }

    #[test]
    fn another_mode_and_a_closed_limiter_are_said() {
        let wants = AuthMode::Password;
        assert_eq!(found(&host(TrialVerdict::OtherMode { wants }))[0].0, MODE);
        assert!(found(&host(TrialVerdict::OtherMode { wants: AuthMode::Token })).is_empty());
        let limited = host(TrialVerdict::RateLimited);
        assert_eq!(found(&limited), [(LIMITER.to_owned(), Severity::Error, Some(Cause::AuthRateLimit))]);
    }
}
