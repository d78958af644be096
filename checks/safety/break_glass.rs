//! # A break-glass setting is left on
//!
//! ## What it finds
//! Settings that were made to get in once and that switch a protection off for as long as they stand: device identity
//! and pairing of the Control UI, the check of origins, authentication as a whole, approval of nodes from any address.
//!
//! ## Why it locks you out
//! It does not. It leaves a door open, and it is often the rest of a lock-out that was cured in another way since.
//! Authentication mode `none` does not even help: device pairing stays for all but the Control UI.
//!
//! ## How to read the evidence
//! The line of the setting, and what it does in the judged release: some releases ignore or reject it.
//!
//! ## How to be sure by hand
//! `openclaw security audit` names most of them.
//!
//! ## What the fix does
//! Removes the setting. Whoever got in only because of it must pair then, so this is asked for.
//!
//! ## Since and until
//! `dangerouslyDisableDeviceAuth` works from 2026.1.29 to 2026.7.35 and is ignored from 2026.8.1. `allowInsecureAuth`
//! skips identity and pairing up to 2026.2.19, allows plain HTTP on loopback only up to 2026.7.35, and is rejected from
//! 2026.8.1. `dangerouslyAllowHostHeaderOriginFallback` is there from 2026.2.23, `autoApproveCidrs` from 2026.4.24, mode
//! `none` from 2026.2.19. Before that these keys are unknown, which `config-keys` says.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Finding, Severity, Unknown};
use crate::snapshot::config::ConfigNode;

/// A break-glass setting is left on.
#[derive(Debug)]
pub struct BreakGlass;

const DEVICE_AUTH: &str = "device-auth-disabled";
const INSECURE: &str = "insecure-auth-allowed";
const ORIGIN: &str = "origin-fallback-allowed";
const NONE: &str = "auth-none";
const CIDRS: &str = "node-approval-open";

/// One setting that can be on.
struct Setting {
    code: &'static str,
    path: [&'static str; 3],
}

const SETTINGS: &[Setting] = &[
    Setting { code: DEVICE_AUTH, path: ["gateway", "controlUi", "dangerouslyDisableDeviceAuth"] },
    Setting { code: INSECURE, path: ["gateway", "controlUi", "allowInsecureAuth"] },
    Setting { code: ORIGIN, path: ["gateway", "controlUi", "dangerouslyAllowHostHeaderOriginFallback"] },
];

impl Check for BreakGlass {
    fn id(&self) -> &'static str {
        "break-glass"
    }

    fn area(&self) -> Area {
        Area::Safety
    }

    fn source(&self) -> &'static str {
        "safety/break_glass"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(DEVICE_AUTH, None, "Device identity of the Control UI is switched off"),
            CodeSpec::warning(INSECURE, None, "The Control UI may log in without a device identity"),
            CodeSpec::warning(ORIGIN, None, "Browser origins are accepted by their Host header"),
            CodeSpec::warning(NONE, None, "Authentication is switched off"),
            CodeSpec::warning(CIDRS, None, "Nodes are approved by themselves from everywhere"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let mut findings: Vec<Finding> = SETTINGS.iter().filter_map(|setting| self.setting(context, setting)).collect();
        findings.extend(self.none(context));
        findings.extend(self.cidrs(context));
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        if finding.code == NONE {
            let by_hand = vec![
                "Put a new random value into gateway.auth.token, and set gateway.auth.mode to token.".to_owned(),
                "Give the token to every client: until then they are refused.".to_owned(),
            ];
            return Some(Plan::manual(finding, "switch authentication on again", by_hand));
        }
        let path: Vec<&str> = match SETTINGS.iter().find(|setting| setting.code == finding.code) {
            Some(setting) => setting.path.to_vec(),
            None => vec!["gateway", "nodes", "pairing", "autoApproveCidrs"],
        };
        let node = context.value(&path)?;
        let was = node.as_bool().map(serde_json::Value::from);
        let edits = vec![ConfigEdit::RemoveMember { at: JsonPath::keys(path.iter().copied()), was }];
        let summary = format!("remove {}", path.join("."));
        let reason = "it switches a protection off";
        let plan = context.edit_plan(finding, Applicability::Unsafe, summary, node, edits, reason)?;
        Some(plan.say_first(loses_access(context, &finding.code)))
    }
}

impl BreakGlass {
    fn setting(&self, context: &Context<'_>, setting: &Setting) -> Option<Finding> {
        let node = context.value(&setting.path)?;
        if node.as_bool() != Some(true) {
            return None;
        }
        let (severity, effect) = effect(context, setting.code)?;
        let key = setting.path.join(".");
        let message = format!("{key} is on: {effect}");
        let mut finding = context.config_finding(self, setting.code, &key, node, message);
        finding.severity = severity;
        Some(finding.hint(format!("Remove {key} when you no longer need it")))
    }

    fn none(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["gateway", "auth", "mode"])?;
        // Before 2026.2.19 the word itself makes the configuration invalid.
        if node.as_str() != Some("none") || context.since(2, 18) == Some(false) {
            return None;
        }
        // In 2026.3.22 the Control UI skips pairing then (pairing-by-release 3.1); which later releases do is not known.
        let message = if context.since(3, 22) == Some(false) {
            "gateway.auth.mode is none: whoever reaches the port needs no token; device pairing stays on all the same"
        } else {
            "gateway.auth.mode is none: whoever reaches the port needs no token, and the Control UI may get in without \
             pairing; every other device has to pair all the same"
        };
        let finding = context.config_finding(self, NONE, "gateway.auth.mode", node, message);
        Some(finding.hint("Set gateway.auth.mode to token"))
    }

    fn cidrs(&self, context: &Context<'_>) -> Option<Finding> {
        let node = context.value(&["gateway", "nodes", "pairing", "autoApproveCidrs"])?;
        if context.since(4, 24) == Some(false) {
            return None;
        }
        let everywhere = |text: &str| matches!(text.trim(), "0.0.0.0/0" | "::/0");
        let open = node.elements()?.iter().filter_map(ConfigNode::as_str).any(everywhere);
        let key = "gateway.nodes.pairing.autoApproveCidrs";
        open.then(|| {
            let message = format!("{key} covers every address: any node that reaches the port is approved by itself");
            context.config_finding(self, CIDRS, key, node, message).hint("List the networks of your own nodes only")
        })
    }
}

/// What a setting does in the judged release; `None` where another check has it.
fn effect(context: &Context<'_>, code: &str) -> Option<(Severity, &'static str)> {
    let release = context.release();
    Some(match code {
        DEVICE_AUTH => match release {
            Some(release) if release.before(1, 29) => return None,
            Some(release) if release.at_least(8, 1) => (Severity::Info, "this release ignores it"),
            _ => (Severity::Warning, "browsers get in with the shared token alone, without pairing"),
        },
        INSECURE => match release {
            // From 2026.8.1 the key itself is refused, which `config-keys` says.
            Some(release) if release.at_least(8, 1) => return None,
            Some(release) if release.at_least(2, 20) => {
                (Severity::Warning, "the Control UI may log in over plain HTTP on loopback; pairing stays")
            }
            _ => (Severity::Warning, "browsers get in over plain HTTP with the shared token alone, without pairing"),
        },
        _ if context.since(2, 23) == Some(false) => return None,
        _ => (Severity::Warning, "a page on any host name that leads here may use the gateway in the browser's name"),
    })
}

/// Who is refused once the setting is off.
fn loses_access(context: &Context<'_>, code: &str) -> &'static str {
    let release = context.release();
    match code {
        DEVICE_AUTH if release.is_some_and(|release| release.at_least(8, 1)) => {
            "Nobody loses access: this release ignores the setting."
        }
        INSECURE if release.is_some_and(|release| release.at_least(2, 20)) => {
            "The Control UI over plain HTTP on this host's loopback address must pair afterwards. Nobody else loses access: \
             from 2026.2.20 the setting allows nothing else."
        }
        ORIGIN => "Browsers whose origin is not in gateway.controlUi.allowedOrigins are refused afterwards.",
        CIDRS => "New nodes wait for approval afterwards; nodes that are paired already stay.",
        _ => "Browsers that never paired must pair afterwards, over HTTPS or on localhost.",
    }
}
