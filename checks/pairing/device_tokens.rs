//! # Device tokens that disagree
//!
//! ## What it finds
//! The device token that this host's clients keep, compared with the one on the device's record: another one, a revoked
//! one, none, or a cache that belongs to another device. And records whose tokens do not fit them: none at all, all
//! revoked, for a role that is not approved, with fewer scopes than the record or with more.
//!
//! ## Why it locks you out
//! Up to 2026.2.12 a client sends its cached device token before the configured shared token, so that a stale one locks it
//! out although the configuration is right; it is refused as `gateway token mismatch`, and dropped, so that the next call
//! sends the configured one. From 2026.2.17 the configured token wins and the cache matters only without
//! one: then a stale device token means `device token mismatch` for that client alone. A record without a valid token is
//! asked to upgrade its role in some releases (an empty map in 2026.3.31, any lack from 2026.4.10).
//!
//! ## How to read the evidence
//! Tokens are shown as labels only: equal labels are equal values. Where a shared token is configured, a stale cache
//! heals at the next connection and is not reported.
//!
//! ## How to be sure by hand
//! The log has `device_token_mismatch` for one device only, while others with the shared token get in. In 2026.2.17 to
//! 2.21 a wrong *shared* token is reported in the same words: compare that one first.
//!
//! ## What the fix does
//! Sets the stale cache aside; the client gets a new device token at its next connection with the shared token. Records
//! are not touched: a device that connects with the shared token is given a new device token.
//!
//! ## Since and until
//! All releases. The cache is a file up to 2026.7.35 and a table from 2026.8.1.

use super::lockout;
use super::plans;
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Action, Applicability, Cause, Certainty, Evidence, Fact, Finding, Plan, Severity, Step, Unknown};
use crate::snapshot::device::{CachedToken, PairedDevice, TokenAgreement, TokenFact};
use crate::statedb::judge::{Problem, Records, judge};

/// See the module's documentation.
pub struct DeviceTokens;

const STALE: Option<Cause> = Some(Cause::StaleDeviceToken);

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "cached-token-stale",
        Cause::StaleDeviceToken,
        "This host's cached device token is not the gateway's",
    ),
    CodeSpec::info(
        "cached-token-dropped",
        Some(Cause::GatewayTokenDrift),
        "The client has dropped its device token, as after a refusal",
    ),
    CodeSpec::info("cached-token-other-device", None, "The cached device tokens belong to another device"),
    CodeSpec::warning("tokens-missing", Some(Cause::PairingStoreDamaged), "Records of devices have no device token"),
    CodeSpec::warning("tokens-revoked", STALE, "All device tokens of a record are revoked"),
    CodeSpec::warning("token-scopes-off", Some(Cause::PairingStoreDamaged), "A device token does not fit its record"),
];

impl Check for DeviceTokens {
    fn id(&self) -> &'static str {
        "device-tokens"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/device_tokens"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        let paired = view.paired()?;
        let cache = [self.stale(context, &view), self.dropped(context, &view), self.other_device(context, &view)];
        let records = [
            self.records(context, &view, "tokens-missing", paired, lacks_tokens),
            self.records(context, &view, "tokens-revoked", paired, all_revoked),
            self.records(context, &view, "token-scopes-off", paired, scopes_off),
        ];
        Ok(cache.into_iter().chain(records).flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        match finding.code.as_str() {
            // With the stale token out of the way the configured one is sent. Without one, nothing would be.
            "cached-token-stale" if view.json().is_some() && view.shared_secret() == Some(true) => {
                let path = view.path(Part::Cached);
                let to = plans::aside(context, &path);
                let step = Step::new(Action::SetAside { path, to }, "the gateway refuses what is in it");
                let again = format!("Connect locally: {}", context.openclaw("devices list"));
                let summary = "Set the stale device tokens aside";
                Some(Plan::of(finding, Applicability::Safe, summary, vec![step]).then_by_hand(again))
            }
            "cached-token-stale" | "tokens-missing" | "tokens-revoked" | "token-scopes-off" => {
                let summary = "A device token is given out at a connection with the shared token";
                let manual = "Connect once with the shared token on each of these devices".to_owned();
                Some(Plan::manual(finding, summary, vec![manual]))
            }
            _ => None,
        }
    }
}

impl DeviceTokens {
    fn stale(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let stale = stale(view)?;
        let path = view.path(Part::Cached);
        let role = stale.role.known().map_or_else(|| "unknown".to_owned(), |role| words::cut(role));
        let how = match stale.agreement {
            TokenAgreement::Revoked => "is revoked on the device's record",
            TokenAgreement::NoToken => "has no counterpart on the device's record",
            TokenAgreement::NotPaired => "belongs to a device that the gateway does not know",
            _ => "is not the one on the device's record",
        };
        let first = view.rules.cached_token_first();
        let consequence = if first {
            "this release sends it before the configured token, so that the client is refused"
        } else {
            "no shared token is configured that would be sent instead, so that the client is refused"
        };
        let message = format!("The device token for the role {role} in {path} {how}; {consequence}");
        let mut finding = context.finding(self, "cached-token-stale", &path.to_string(), message).at(&path);
        let is_sure = view.rules.known && first;
        finding.certainty = if is_sure { Certainty::Certain } else { Certainty::Likely };
        if !first && view.shared_secret().is_none() {
            // A shared token may still come from the environment.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        let label = stale.label.known().map_or_else(|| "an unreadable token".to_owned(), ToString::to_string);
        finding = finding.evidence(Evidence::new(format!("role {role}: {label}, which {how}")).at(&path));
        if let Some(held) = held(view, stale) {
            finding = finding.evidence(Evidence::new(format!("the record holds {held}")).at(&view.path(Part::Paired)));
        }
        Some(finding)
    }

    /// A sign in the client's own file that what it sent was refused.
    fn dropped(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let (record, token) = dropped(view)?;
        let path = view.path(Part::Cached);
        let release = context.release_words();
        let sent_first = view.rules.cached_token_first();
        let why = if sent_first {
            format!(
                "{release} sends it in place of the configured token, says `gateway token mismatch` when it is refused, and \
                 drops it then"
            )
        } else {
            format!("{release} drops it when a shared token is refused")
        };
        let message = format!("{path} holds no device token although the device's record has one: {why}");
        let mut finding = context
            .finding(self, "cached-token-dropped", &path.to_string(), message)
            .at(&path)
            .evidence(Evidence::new("`tokens` is empty").at(&path));
        let again = context.openclaw("devices list");
        if sent_first {
            finding = finding.because(Cause::StaleDeviceToken, Certainty::Likely).hint(format!(
                "Call again: `{again}` now sends the configured token, and gets a new device token with it"
            ));
        } else {
            finding.certainty = Certainty::Possible;
            finding = finding.hint(format!(
                "Unset OPENCLAW_GATEWAY_TOKEN where the CLI is called, then `{again}`: with the right shared token it gets \
                 its device token back; do not rotate it"
            ));
        }
        let id = words::id(&record.place.key);
        let role = words::cut(&token.role_key);
        let text = format!("the record {id} holds {} for the role {role}", label(token));
        finding = finding.evidence(view.evidence(Part::Paired, &record.place, text));
        if let Some(missing) = asked_beyond(view, token) {
            let text = format!("that token does not cover what the CLI asks for: {missing}");
            finding = finding.evidence(view.evidence(Part::Paired, &record.place, text));
        }
        Some(finding)
    }

    fn other_device(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let store = view.json()?;
        let (cached_for, own) = (store.cached_for.known()?, view.host_id()?);
        if cached_for == own || store.cached.records.is_empty() {
            return None;
        }
        let path = view.path(Part::Cached);
        let message = format!("{path} belongs to another device than this host's own and is ignored");
        let finding = context.finding(self, "cached-token-other-device", &path.to_string(), message).at(&path);
        let text = format!("`deviceId` is {}; expected: {}", words::id(&cached_for.0), words::id(&own.0));
        Some(finding.evidence(Evidence::new(text).at(&path)))
    }

    fn records(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        code: &'static str,
        paired: &[PairedDevice],
        fault: impl Fn(&View<'_>, &PairedDevice) -> Option<String>,
    ) -> Option<Finding> {
        // What is wrong with a record that the gateway does not find is told by `paired-records`.
        let usable = paired.iter().filter(|device| lockout::is_usable(view, device));
        let found: Vec<(&PairedDevice, String)> =
            usable.filter_map(|device| fault(view, device).map(|text| (device, text))).collect();
        let (first, _) = found.first()?;
        let path = view.path(Part::Paired);
        let message = format!("{} in {path} {}", count(found.len(), "record"), effect(code, view, found.len()));
        let mut finding = context
            .finding(self, code, &path.to_string(), message)
            .at(&path)
            .span(view.span(Part::Paired, &first.place));
        (finding.severity, finding.certainty) = match code {
            "token-scopes-off" if view.rules.narrows_tokens() => (Severity::Info, Certainty::Possible),
            _ => (Severity::Warning, Certainty::Likely),
        };
        for (device, text) in found.iter().take(words::MOST_LISTED) {
            let text = format!("record {} ({}): {text}", words::id(&device.place.key), words::device(device));
            finding = finding.evidence(view.evidence(Part::Paired, &device.place, text));
        }
        Some(finding)
    }
}

/// The cached token of this host that would get it refused, if one does.
pub(super) fn stale<'s>(view: &View<'s>) -> Option<&'s CachedToken> {
    if !view.rules.cached_token_first() && view.shared_secret() == Some(true) {
        return None;
    }
    let stale = |token: &&CachedToken| {
        matches!(
            token.agreement,
            TokenAgreement::Differs | TokenAgreement::Revoked | TokenAgreement::NoToken | TokenAgreement::NotPaired
        )
    };
    // A cache that belongs to another device is ignored.
    let own = view.host_id();
    view.cached().iter().filter(|token| token.device_id.known() == own).find(stale)
}

/// The record and the token of this host that its client had and dropped, as it does after a refusal.
fn dropped<'s>(view: &View<'s>) -> Option<(&'s PairedDevice, &'s TokenFact)> {
    let store = view.json()?;
    let sound = store.cached.state == crate::snapshot::store::FileState::Sound;
    if !sound || !store.cached.records.is_empty() {
        return None;
    }
    // Without a shared secret it has nothing to fall back to, and keeps the token.
    let at_its_own = view.rules.cached_token_first() && view.shared_secret() != Some(false);
    if !at_its_own && !view.rules.drops_token_at_shared_mismatch() {
        return None;
    }
    let record = view.record_of(store.cached_for.known()?)?;
    tokens(record).iter().find(|token| token.revoked_at_ms.is_absent()).map(|token| (record, token))
}

/// Whether the gateway refused this host's client for the device token that it sent in place of the configured one (up to
/// 2026.2.12): its cache is stale, or was dropped at the refusal.
pub(in crate::checks) fn was_sent_instead(context: &Context<'_>) -> bool {
    View::of(context)
        .is_ok_and(|view| view.rules.cached_token_first() && (stale(&view).is_some() || dropped(&view).is_some()))
}

/// The scopes that the CLI asks for and a token does not cover.
fn asked_beyond(view: &View<'_>, token: &TokenFact) -> Option<String> {
    let missing = view.rules.scopes().missing(&token.role_key, &view.rules.cli_asks(), token.scopes.known()?);
    (!missing.is_empty()).then(|| words::list(&missing))
}

fn held(view: &View<'_>, cached: &CachedToken) -> Option<String> {
    let record = view.record_of(cached.device_id.known()?)?;
    let role = cached.role.known()?;
    tokens(record).iter().find(|token| token.role_key == *role).map(label)
}

fn label(token: &TokenFact) -> String {
    token.label.known().map_or_else(|| "an unreadable token".to_owned(), ToString::to_string)
}

fn tokens(device: &PairedDevice) -> &[TokenFact] {
    device.tokens.known().map_or(&[], Vec::as_slice)
}

fn effect(code: &str, view: &View<'_>, number: usize) -> String {
    let (has, is) = if number == 1 { ("has", "its device is") } else { ("have", "their devices are") };
    match code {
        "tokens-missing" if view.rules.wants_tokens(&Fact::Absent) => {
            format!("{has} no device token: {is} asked to pair again (`reason=role-upgrade`)")
        }
        "tokens-missing" => {
            format!("{has} no device token: {is} let in with the shared token only, and then given a new one")
        }
        "tokens-revoked" => format!("{has} only revoked device tokens: {is} refused without the shared token"),
        _ => format!("{has} device tokens that do not fit: {is} refused with `device token mismatch` when one is used"),
    }
}

fn lacks_tokens(_: &View<'_>, device: &PairedDevice) -> Option<String> {
    match &device.tokens {
        Fact::Absent => Some("`tokens` is missing; expected: one token for each role".to_owned()),
        Fact::Known(tokens) if tokens.is_empty() => {
            Some("`tokens` is empty; expected: one token for each role".to_owned())
        }
        Fact::Known(_) | Fact::Unknown(_) => None,
    }
}

fn all_revoked(_: &View<'_>, device: &PairedDevice) -> Option<String> {
    let tokens = tokens(device);
    let revoked = tokens.iter().filter_map(|token| token.revoked_at_ms.known()).max()?;
    tokens
        .iter()
        .all(|token| token.revoked_at_ms.known().is_some())
        .then(|| format!("its last token was revoked {}", words::time(*revoked)))
}

/// Scopes and roles of tokens that the record does not bear out, or that fall short of it.
fn scopes_off(view: &View<'_>, device: &PairedDevice) -> Option<String> {
    let records = Records { paired: std::slice::from_ref(device), ..Records::default() };
    let beyond = judge(&records, &view.rules.for_records()).into_iter().find_map(|problem| match problem.problem {
        Problem::TokenWithoutRole { role } => {
            Some(format!("it has a token for {}, which is no role of its", words::cut(&role)))
        }
        Problem::TokenOfOtherRole { key, role } => {
            Some(format!("its token for {} says that it is for {}", words::cut(&key), words::cut(&role)))
        }
        Problem::TokenBeyondApproval { role, scopes } => {
            Some(format!("its token for {} holds more than approved: {}", words::cut(&role), words::list(&scopes)))
        }
        _ => None,
    });
    beyond.or_else(|| {
        let held = view.rules.held_scopes(device)?;
        tokens(device).iter().filter(|token| token.revoked_at_ms.is_absent()).find_map(|token| {
            let role = &token.role_key;
            let prefix = format!("{role}.");
            let wanted: Vec<String> = held.iter().filter(|scope| scope.starts_with(&prefix)).cloned().collect();
            let missing = view.rules.scopes().missing(role, &wanted, token.scopes.known()?);
            (!missing.is_empty()).then(|| format!("its token for {} lacks {}", words::cut(role), words::list(&missing)))
        })
    })
}
