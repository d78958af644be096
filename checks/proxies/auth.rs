//! # Login by trusted proxy contradicts other settings
//!
//! ## What it finds
//! `gateway.auth.mode: trusted-proxy` without trusted proxies, without the header that names the user, with a bind that
//! the release refuses for it, with a token beside it, or with a proxy on the same host that the release does not accept.
//!
//! ## Why it locks you out
//! The gateway refuses to start, or refuses every login with `trusted_proxy_…` in its log.
//!
//! ## How to read the evidence
//! The lines that contradict each other.
//!
//! ## How to be sure by hand
//! The log has `reason=trusted_proxy_no_proxies_configured`, `trusted_proxy_config_missing`,
//! `trusted_proxy_loopback_source` or `trusted_proxy_user_missing`.
//!
//! ## What the fix does
//! Nothing by itself: how people log in is yours to say.
//!
//! ## Since and until
//! The mode came with 2026.2.17. 2026.2.17 and 2026.2.19 refuse it with bind loopback; 2026.2.21 to 2026.3.13 want a
//! loopback entry among the trusted proxies then; later releases refuse requests that come from loopback, unless
//! `allowLoopback` is set (from 2026.4.29). A token beside it is refused from 2026.4.15.

use super::trust::{KEY, items, node};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Finding, Severity, Unknown};
use crate::snapshot::config::ConfigNode;

/// Login by trusted proxy contradicts other settings.
#[derive(Debug)]
pub struct TrustedProxyAuth;

const NO_PROXIES: &str = "trusted-proxy-auth-without-proxies";
const NO_HEADER: &str = "trusted-proxy-auth-without-header";
const BIND: &str = "trusted-proxy-auth-on-loopback";
const TOKEN: &str = "trusted-proxy-auth-with-token";
const SAME_HOST: &str = "trusted-proxy-auth-same-host";

impl Check for TrustedProxyAuth {
    fn id(&self) -> &'static str {
        "trusted-proxy-auth"
    }

    fn area(&self) -> Area {
        Area::Proxies
    }

    fn source(&self) -> &'static str {
        "proxies/auth"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(NO_PROXIES, Cause::ConfigInvalid, "Login by trusted proxy without trusted proxies"),
            CodeSpec::error(NO_HEADER, Cause::ConfigInvalid, "Login by trusted proxy without the user's header"),
            CodeSpec::error(BIND, Cause::ConfigInvalid, "Login by trusted proxy with bind loopback"),
            CodeSpec::error(TOKEN, Cause::ConfigInvalid, "Login by trusted proxy with a token beside it"),
            CodeSpec::warning(
                SAME_HOST,
                Some(Cause::ProxyAttribution),
                "Login by trusted proxy through a proxy on the same host",
            ),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let Some(mode) = context.value(&["gateway", "auth", "mode"]) else { return Ok(Vec::new()) };
        // Before 2026.2.17 the word itself is refused, which is another finding.
        if mode.as_str() != Some("trusted-proxy") || context.since(2, 17) == Some(false) {
            return Ok(Vec::new());
        }
        let found = [self.proxies(context, mode), self.header(context, mode), self.token(context, mode)];
        Ok(found.into_iter().chain([self.loopback(context, mode)]).flatten().collect())
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "choose how people log in", vec![by_hand]))
    }
}

impl TrustedProxyAuth {
    fn proxies(&self, context: &Context<'_>, mode: &ConfigNode) -> Option<Finding> {
        // Another type than a list is a finding of its own.
        let empty = match node(context) {
            None => true,
            Some(list) => list.elements().is_some_and(<[ConfigNode]>::is_empty),
        };
        let useless = !empty && !items(context).is_empty() && items(context).iter().all(|item| !item.works());
        if !empty && !useless {
            return None;
        }
        let words = if empty { "no proxy is listed" } else { "no entry can match" };
        let message = format!("gateway.auth.mode is trusted-proxy and in {KEY} {words}: nobody can log in");
        let mut finding = context.config_finding(self, NO_PROXIES, "gateway.auth.mode", mode, message);
        finding.evidence.extend(node(context).map(|list| context.value_evidence(KEY, list)));
        Some(finding.hint(format!("List the address of the proxy in {KEY}")))
    }

    fn header(&self, context: &Context<'_>, mode: &ConfigNode) -> Option<Finding> {
        // With the object there and the header missing the schema itself refuses the file.
        if context.value(&["gateway", "auth", "trustedProxy"]).is_some() {
            return None;
        }
        let message = "gateway.auth.mode is trusted-proxy and gateway.auth.trustedProxy is not set: the gateway does not \
                       know which header names the user";
        let finding = context.config_finding(self, NO_HEADER, "gateway.auth.mode", mode, message);
        Some(finding.hint("Set gateway.auth.trustedProxy.userHeader, for example to x-forwarded-user"))
    }

    fn token(&self, context: &Context<'_>, mode: &ConfigNode) -> Option<Finding> {
        let token = context.value(&["gateway", "auth", "token"])?;
        let (severity, certainty) = match context.release() {
            Some(release) if release.at_least(4, 15) => (Severity::Error, Certainty::Certain),
            Some(release) if release.before(4, 2) => return None,
            // Between 2026.4.1 and 2026.4.15, or unknown.
            _ => (Severity::Warning, Certainty::Possible),
        };
        let message =
            "gateway.auth.mode is trusted-proxy with gateway.auth.token beside it: the gateway does not start";
        let mut finding = context.config_finding(self, TOKEN, "gateway.auth.token", token, message);
        (finding.severity, finding.certainty) = (severity, certainty);
        finding.evidence.push(context.value_evidence("gateway.auth.mode", mode));
        Some(finding.hint("Remove gateway.auth.token, or set gateway.auth.mode to token"))
    }

    fn loopback(&self, context: &Context<'_>, mode: &ConfigNode) -> Option<Finding> {
        let bind = context.value(&["gateway", "bind"]);
        if bind.is_some_and(|bind| bind.as_str() != Some("loopback")) {
            return None;
        }
        let release = context.release()?;
        let covers = items(context)
            .iter()
            .any(|item| item.works() && (item.entry.covers_v4_loopback() || item.entry.covers_v6_loopback()));
        let allowed = context.value(&["gateway", "auth", "trustedProxy", "allowLoopback"]);
        let allowed = allowed.and_then(ConfigNode::as_bool) == Some(true);
        let (code, severity, certainty, message, hint) = if release.before(2, 20) {
            (
                BIND,
                Severity::Error,
                Certainty::Certain,
                "gateway.auth.mode is trusted-proxy with bind loopback, which this release refuses",
                "Set gateway.bind to lan and close the port to all but the proxy, or update to 2026.2.21",
            )
        } else if release.before(3, 14) && !covers {
            (
                BIND,
                Severity::Error,
                Certainty::Certain,
                "gateway.auth.mode is trusted-proxy with bind loopback, and no loopback address is trusted: the gateway \
                 does not start",
                "List 127.0.0.1 in gateway.trustedProxies if the proxy runs on this host",
            )
        } else if release.at_least(4, 1) && !allowed {
            (
                SAME_HOST,
                Severity::Warning,
                Certainty::Likely,
                "gateway.auth.mode is trusted-proxy with bind loopback: logins through a proxy on this host are refused \
                 (trusted_proxy_loopback_source)",
                "From 2026.4.29 set gateway.auth.trustedProxy.allowLoopback, if everybody on this host may log in",
            )
        } else {
            return None;
        };
        let mut finding = context.config_finding(self, code, "gateway.auth.mode", mode, message).hint(hint);
        (finding.severity, finding.certainty) = (severity, certainty);
        finding.evidence.extend(bind.map(|bind| context.value_evidence("gateway.bind", bind)));
        finding.evidence.extend(node(context).map(|list| context.value_evidence(KEY, list)));
        Some(finding)
    }
}
