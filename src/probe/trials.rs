//! Which secrets to try, and what the answers say about them.

use super::attempts::AttemptBudget;
use super::endpoint::Endpoint;
use super::facts::{AuthMode, EndpointProbe, HandshakeSeen, RefusalKind, TokenTrial, TrialVerdict, Verdict};
use super::frames::{SealedSecret, SecretUse};
use super::run::SecretCandidate;
use crate::model::secret::{SecretKind, SecretShape};
use crate::model::{Fact, Release, Secret};
use std::time::Instant;

/// All trials of a run. A secret is tried once at each gateway; a later address of the same gateway is asked only where the
/// former one was not proven or not there.
#[derive(Debug, Default)]
pub(super) struct Trials(Vec<Trial>);

#[derive(Debug)]
struct Trial {
    gateway: String,
    secret: Secret,
    seen: TokenTrial,
}

/// What to do with a secret at an endpoint.
pub(super) enum Plan {
    /// It was tried there already.
    Known,
    /// It can't or mustn't be tried.
    Skip(String),
    /// Try it.
    Try(SealedSecret),
}

impl Trials {
    /// Decides about one secret at an endpoint that answered as `probe` says.
    pub(super) fn plan(
        &mut self,
        candidate: &SecretCandidate,
        endpoint: &Endpoint,
        probe: &EndpointProbe,
        release: Option<&Release>,
        budget: &mut AttemptBudget,
    ) -> Plan {
        let gateway = gateway_of(endpoint);
        if let Some(trial) = self.find(&gateway, &candidate.secret) {
            for holder in &candidate.holders {
                if !trial.seen.holders.contains(holder) {
                    trial.seen.holders.push(holder.clone());
                }
            }
            if !matches!(trial.seen.verdict, TrialVerdict::Skipped { .. }) {
                return Plan::Known;
            }
        }
        let presented = match candidate.label.kind {
            SecretKind::GatewayToken => SecretUse::Token,
            SecretKind::GatewayPassword if release.is_some_and(|release| release.before(2, 2)) => {
                SecretUse::PasswordBesideToken
            }
            SecretKind::GatewayPassword => SecretUse::Password,
            _ => {
                return Plan::Skip(
                    "only shared secrets are tried; other kinds need a device, which is never sent".into(),
                );
            }
        };
        if candidate.label.shape == SecretShape::Blank {
            return Plan::Skip("it is blank".into());
        }
        if let Some(reason) = not_ready(probe) {
            return Plan::Skip(reason);
        }
        if self.0.iter().any(|trial| trial.gateway == gateway && trial.seen.verdict == TrialVerdict::RateLimited) {
            return Plan::Skip("the gateway's limiter is closed".into());
        }
        if !budget.allows(Instant::now()) {
            return Plan::Skip("a wrong one more could close the gateway's limiter".into());
        }
        Plan::Try(SealedSecret::new(candidate.secret.clone(), presented))
    }

    /// Takes down what became of a secret.
    pub(super) fn record(&mut self, candidate: &SecretCandidate, endpoint: &Endpoint, verdict: TrialVerdict) {
        let gateway = gateway_of(endpoint);
        if let Some(trial) = self.find(&gateway, &candidate.secret) {
            trial.seen.url = endpoint.to_string();
            trial.seen.verdict = verdict;
            return;
        }
        let (label, holders) = (candidate.label.clone(), candidate.holders.clone());
        let seen = TokenTrial { label, holders, url: endpoint.to_string(), verdict };
        self.0.push(Trial { gateway, secret: candidate.secret.clone(), seen });
    }

    /// The facts, without the secrets.
    pub(super) fn into_seen(self) -> Vec<TokenTrial> {
        self.0.into_iter().map(|trial| trial.seen).collect()
    }

    fn find(&mut self, gateway: &str, secret: &Secret) -> Option<&mut Trial> {
        self.0.iter_mut().find(|trial| trial.gateway == gateway && trial.secret == *secret)
    }
}

/// All loopback addresses of one port are one gateway.
fn gateway_of(endpoint: &Endpoint) -> String {
    if endpoint.is_loopback() { format!("loopback:{}", endpoint.port()) } else { endpoint.authority() }
}

/// Why no secret is worth trying where the handshake without one went as it did.
fn not_ready(probe: &EndpointProbe) -> Option<String> {
    if !probe.is_openclaw.is_yes() {
        return Some(format!("no OpenClaw gateway was recognised at {}", probe.url));
    }
    match &probe.handshake {
        Fact::Known(HandshakeSeen { verdict: Verdict::HelloOk(_), .. }) => None,
        Fact::Known(HandshakeSeen { verdict: Verdict::Refused(refusal), .. }) => match refusal.kind {
            RefusalKind::Starting => Some("the gateway is still starting".into()),
            RefusalKind::ProtocolMismatch => {
                Some("the gateway speaks a protocol that this program does not know".into())
            }
            RefusalKind::InvalidRequest => Some("the gateway does not understand this program's request".into()),
            RefusalKind::RateLimited => Some("the gateway's limiter is closed".into()),
            _ => None,
        },
        _ => Some("the handshake without a secret got no answer".into()),
    }
}

/// What an answer says about a secret that was sent, at a gateway of this release.
pub(super) fn judge(kind: SecretKind, seen: &HandshakeSeen, release: Option<&Release>) -> TrialVerdict {
    let unclear = |reason: String| TrialVerdict::Unclear { reason };
    let refusal = match &seen.verdict {
        Verdict::HelloOk(_) => return TrialVerdict::Accepted,
        Verdict::Withheld { reason } => return TrialVerdict::Skipped { reason: reason.clone() },
        Verdict::Refused(refusal) => refusal,
        Verdict::Http(_) => return unclear("the WebSocket upgrade was refused this time".into()),
        Verdict::Closed { waiting_for } => {
            let code = seen.close.as_ref().map(|close| format!(" with code {}", close.code)).unwrap_or_default();
            return unclear(format!("closed{code} instead of sending {waiting_for}"));
        }
        Verdict::TimedOut { waiting_for } => return unclear(format!("out of time while waiting for {waiting_for}")),
        Verdict::NotTheProtocol { what, .. } => return unclear(what.clone()),
    };
    let is_password = kind == SecretKind::GatewayPassword;
    match refusal.kind {
        RefusalKind::TokenMismatch if !is_password => TrialVerdict::Mismatch,
        RefusalKind::PasswordMismatch if is_password => TrialVerdict::Mismatch,
        RefusalKind::TokenMismatch | RefusalKind::TokenMissing => TrialVerdict::OtherMode { wants: AuthMode::Token },
        RefusalKind::PasswordMismatch | RefusalKind::PasswordMissing => {
            TrialVerdict::OtherMode { wants: AuthMode::Password }
        }
        RefusalKind::ProxyIdentityRequired => TrialVerdict::OtherMode { wants: AuthMode::TrustedProxy },
        RefusalKind::RateLimited => TrialVerdict::RateLimited,
        // From 2026.2.19 that is how a gateway without authentication answers (pairing-by-release, 4.2).
        RefusalKind::DeviceRequired if release.is_some_and(|release| release.at_least(2, 19)) => {
            TrialVerdict::OtherMode { wants: AuthMode::None }
        }
        RefusalKind::DeviceRequired => unclear(
            "the gateway wants a device whatever the secret is: it may ask for none (mode none), or, up to 2026.2.1, look \
             at a password only beside a token"
                .into(),
        ),
        _ => unclear(format!("answered `{}`", refusal.message)),
    }
}

/// How the gateway authenticates, as far as a trial shows it: one that refuses a token as wrong looks at tokens, and so does
/// one that takes it, except clawdbot, which without authentication takes any (pairing-by-release, 4.2).
pub(super) fn mode_shown(kind: SecretKind, verdict: &TrialVerdict, release: Option<&Release>) -> Option<AuthMode> {
    let shown = match verdict {
        TrialVerdict::OtherMode { wants } => return Some(wants.clone()),
        TrialVerdict::Mismatch => true,
        TrialVerdict::Accepted => release.is_some_and(|release| release.at_least(1, 29)),
        _ => false,
    };
    match kind {
        SecretKind::GatewayToken if shown => Some(AuthMode::Token),
        SecretKind::GatewayPassword if shown => Some(AuthMode::Password),
        _ => None,
    }
}
