//! # Bind, Tailscale and authentication contradict each other
//!
//! ## What it finds
//! `bind: custom` without a usable address; Tailscale Serve or Funnel with a bind other than loopback; Funnel without a
//! password; a bind other than loopback without authentication, or without a list of allowed origins where the release
//! insists on one.
//!
//! ## Why it locks you out
//! The gateway refuses to start with each of them. A running one has taken the edit over in part (2026.2.19 with
//! `auth.mode: none`: still on loopback, but without authentication) and fails at its next start.
//!
//! ## How to read the evidence
//! The lines that contradict each other.
//!
//! ## How to be sure by hand
//! The gateway's log: `Refusing to bind gateway to lan without auth.`, `tailscale serve/funnel requires gateway
//! bind=loopback (127.0.0.1)`, `gateway.bind=custom requires gateway.customBindHost`, `non-loopback Control UI requires
//! gateway.controlUi.allowedOrigins`.
//!
//! ## What the fix does
//! Bind is put back to loopback, which is what OpenClaw has by default and what Tailscale needs. The gateway can then no
//! longer be reached from other machines directly, so this is asked for.
//!
//! ## Since and until
//! `customBindHost` came with 2026.2.21; before, `bind: custom` can't work. Authentication mode `none` came with
//! 2026.2.19. The origins rule refuses from 2026.2.23 to 2026.2.26; from 2026.3.2 a start fills the list in instead.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::address::is_pseudonym;
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Cause, Certainty, Finding, Severity, Unknown};
use crate::snapshot::config::{ConfigNode, ConfigValue};
use std::net::Ipv4Addr;

/// Bind, Tailscale and authentication contradict each other.
#[derive(Debug)]
pub struct Bind;

const CUSTOM: &str = "bind-custom-without-host";
const CUSTOM_HOST: &str = "bind-custom-host-invalid";
const CUSTOM_EARLY: &str = "bind-custom-too-early";
const TAILSCALE: &str = "bind-not-loopback-for-tailscale";
const FUNNEL: &str = "funnel-without-password";
const OPEN: &str = "bind-open-without-auth";
const ORIGINS: &str = "bind-open-without-origins";

impl Check for Bind {
    fn id(&self) -> &'static str {
        "gateway-bind"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/bind"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(CUSTOM, Cause::ConfigInvalid, "bind is custom and customBindHost is not set"),
            CodeSpec::error(CUSTOM_HOST, Cause::ConfigInvalid, "customBindHost is no IPv4 address"),
            CodeSpec::error(CUSTOM_EARLY, Cause::ConfigInvalid, "bind is custom, which this release can't do"),
            CodeSpec::error(TAILSCALE, Cause::ConfigInvalid, "Tailscale Serve or Funnel needs bind loopback"),
            CodeSpec::error(FUNNEL, Cause::ConfigInvalid, "Tailscale Funnel needs a password"),
            CodeSpec::error(OPEN, Cause::ConfigInvalid, "The gateway would be open to the network without auth"),
            CodeSpec::error(ORIGINS, Cause::OriginNotAllowed, "Allowed origins are missing on an open bind"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if context.loaded()?.is_none() {
            return Ok(Vec::new());
        }
        let Some(bind) = context.value(&["gateway", "bind"]) else {
            return Ok(self.funnel(context).into_iter().collect());
        };
        let found = [self.custom(context, bind), self.tailscale(context, bind), self.funnel(context)];
        let open = [self.open(context, bind), self.origins(context, bind)];
        Ok(found.into_iter().chain(open).flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let bind = context.value(&["gateway", "bind"]);
        match (finding.code.as_str(), bind) {
            (TAILSCALE | OPEN | CUSTOM | CUSTOM_EARLY, Some(bind)) => {
                let was = bind.as_str().map(serde_json::Value::from);
                let at = JsonPath::keys(["gateway", "bind"]);
                let edits = vec![ConfigEdit::ReplaceValue { at, was, to: "loopback".into() }];
                let plan = context.edit_plan(
                    finding,
                    Applicability::Unsafe,
                    "set gateway.bind back to loopback",
                    bind,
                    edits,
                    "the gateway does not start with this bind",
                )?;
                let plan = plan
                    .say_first("Afterwards other machines reach the gateway only through Tailscale, SSH or a proxy.");
                Some(match self.without_tailscale(context, finding).filter(|_| finding.code == TAILSCALE) {
                    Some(other) => plan.or_else_choose("tailscale-off", other),
                    None => plan,
                })
            }
            _ => {
                let by_hand = finding.fix_hint.clone()?;
                Some(Plan::manual(finding, "choose the settings by hand", vec![by_hand]))
            }
        }
    }
}

impl Bind {
    /// The other of the two settings that contradict each other gives way.
    fn without_tailscale(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let keys = ["gateway", "tailscale", "mode"];
        let node = context.value(&keys)?;
        let was = node.as_str().map(serde_json::Value::from);
        let edits = vec![ConfigEdit::ReplaceValue { at: JsonPath::keys(keys), was, to: "off".into() }];
        let summary = "set gateway.tailscale.mode to off and keep gateway.bind";
        let reason = "Tailscale Serve and Funnel need bind loopback";
        let plan = context.edit_plan(finding, Applicability::Unsafe, summary, node, edits, reason)?;
        Some(plan.say_first("Afterwards the gateway is no longer reached through Tailscale Serve or Funnel."))
    }

    fn custom(&self, context: &Context<'_>, bind: &ConfigNode) -> Option<Finding> {
        if bind.as_str() != Some("custom") {
            return None;
        }
        let host = context.value(&["gateway", "customBindHost"]);
        if context.since(2, 20) == Some(false) {
            // With customBindHost the key itself is reported as unknown.
            let message = "gateway.bind is custom, and this release has no gateway.customBindHost yet (from 2026.2.21)";
            let finding = context.config_finding(self, CUSTOM_EARLY, "gateway.bind", bind, message);
            return Some(finding.hint("Set gateway.bind to loopback or lan"));
        }
        match host {
            None => {
                let message =
                    "gateway.bind is custom and gateway.customBindHost is not set: the gateway does not start";
                let finding = context.config_finding(self, CUSTOM, "gateway.bind", bind, message);
                Some(finding.hint("Set gateway.customBindHost to an IPv4 address of this host"))
            }
            Some(host) => {
                let text = host.as_str()?;
                let is_address = text.trim().parse::<Ipv4Addr>().is_ok() || is_pseudonym(text.trim());
                (!is_address).then(|| {
                    let message = "gateway.customBindHost is no IPv4 address: the gateway does not start";
                    let mut finding =
                        context.config_finding(self, CUSTOM_HOST, "gateway.customBindHost", host, message);
                    finding.evidence.push(context.value_evidence("gateway.bind", bind));
                    finding.hint("Set gateway.customBindHost to an IPv4 address of this host")
                })
            }
        }
    }

    fn tailscale(&self, context: &Context<'_>, bind: &ConfigNode) -> Option<Finding> {
        let node = context.value(&["gateway", "tailscale", "mode"])?;
        let mode = node.as_str().filter(|mode| matches!(*mode, "serve" | "funnel"))?;
        let bound = bind.as_str().filter(|bind| *bind != "loopback")?;
        let message = format!(
            "gateway.tailscale.mode is {mode} and gateway.bind is {bound}: Tailscale needs bind loopback, and the \
             gateway does not start"
        );
        let mut finding = context.config_finding(self, TAILSCALE, "gateway.bind", bind, message);
        finding.evidence.push(context.value_evidence("gateway.tailscale.mode", node));
        if bound == "auto" {
            // `auto` is loopback wherever that can be bound.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        }
        Some(finding.hint("Set gateway.bind to loopback, or gateway.tailscale.mode to off"))
    }

    fn funnel(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["gateway", "tailscale", "mode"])?;
        (node.as_str() == Some("funnel")).then_some(())?;
        let mode = context.value(&["gateway", "auth", "mode"]);
        if mode.is_some_and(|mode| mode.as_str().is_none_or(|mode| mode == "password")) {
            return None;
        }
        // With only a password set the mode is password by itself.
        let token = context.value(&["gateway", "auth", "token"]);
        if mode.is_none() && token.is_none() && context.value(&["gateway", "auth", "password"]).is_some() {
            return None;
        }
        let message = "gateway.tailscale.mode is funnel without gateway.auth.mode password: the gateway does not start";
        let mut finding = context.config_finding(self, FUNNEL, "gateway.tailscale.mode", node, message);
        finding.evidence.extend(mode.map(|mode| context.value_evidence("gateway.auth.mode", mode)));
        Some(finding.hint("Set gateway.auth.mode to password and give it one, or set tailscale.mode to serve"))
    }

    fn open(&self, context: &Context<'_>, bind: &ConfigNode) -> Option<Finding> {
        let bound = open_bind(bind)?;
        let mode = context.value(&["gateway", "auth", "mode"])?;
        (mode.as_str() == Some("none")).then_some(())?;
        // Before 2026.2.19 the word itself is refused, which is another finding.
        (context.since(2, 19) != Some(false)).then_some(())?;
        let message = format!("gateway.bind is {bound} and gateway.auth.mode is none: the gateway refuses to start");
        let mut finding = context.config_finding(self, OPEN, "gateway.auth.mode", mode, message);
        finding.evidence.push(context.value_evidence("gateway.bind", bind));
        Some(finding.hint("Set gateway.auth.mode to token, or gateway.bind to loopback"))
    }

    fn origins(&self, context: &Context<'_>, bind: &ConfigNode) -> Option<Finding> {
        let bound = open_bind(bind)?;
        let ui = |key: &str| context.value(&["gateway", "controlUi", key]);
        let on = |key: &str| ui(key).and_then(ConfigNode::as_bool) == Some(true);
        let off = ui("enabled").and_then(ConfigNode::as_bool) == Some(false);
        let listed = ui("allowedOrigins").and_then(ConfigNode::elements).is_some_and(|list| !list.is_empty());
        if off || listed || on("dangerouslyAllowHostHeaderOriginFallback") {
            return None;
        }
        let (severity, certainty) = match context.release() {
            Some(release) if release.within((2, 23), (2, 26)) => (Severity::Error, Certainty::Certain),
            // 2026.3.1 seeds the list by its change log, 2026.3.2 by its package.
            Some(release) if release.within((2, 27), (3, 1)) => (Severity::Warning, Certainty::Possible),
            _ => return None,
        };
        let message =
            format!("gateway.bind is {bound} without gateway.controlUi.allowedOrigins: the gateway refuses to start");
        let mut finding = context.config_finding(self, ORIGINS, "gateway.bind", bind, message);
        (finding.severity, finding.certainty) = (severity, certainty);
        Some(finding.hint("List the origins that browsers use, such as http://192.168.1.10:18789, in gateway.controlUi.allowedOrigins"))
    }
}

/// A bind that is open to other machines.
fn open_bind(bind: &ConfigNode) -> Option<&str> {
    match &bind.value {
        ConfigValue::Text(text) if matches!(text.as_str(), "lan" | "tailnet" | "custom") => Some(text),
        _ => None,
    }
}
