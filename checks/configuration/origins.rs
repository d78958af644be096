//! # The browser's origin is not on the list
//!
//! ## What it finds
//! Origins that the log shows as refused and that are nearly on the list of `gateway.controlUi.allowedOrigins`: what
//! exactly differs. Entries of the list that are no origins.
//!
//! ## Why it locks you out
//! The Control UI's connection is closed with `origin not allowed`. Scheme, host and port must all be the same as in the
//! address bar: `http://gw:18789`, `https://gw` and `http://gw` are three origins, and a path or a final slash makes an
//! entry match none.
//!
//! ## How to read the evidence
//! The origin as the gateway saw it, and the list.
//!
//! ## How to be sure by hand
//! `grep origin-mismatch /tmp/openclaw/openclaw-*.log`; the browser's console shows the same.
//!
//! ## What the fix does
//! Nothing by itself: an origin that is let in may use the gateway in the browser's name, so adding one is yours.
//!
//! ## Since and until
//! The check of origins came with 2026.2.6. From mid-2026 pages that the gateway itself serves on a private address need
//! no entry.

use crate::checks::logs::evidence;
use crate::checks::reading::{listed, quoted};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::Rejection;
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Finding, Unknown};
use crate::snapshot::config::ConfigNode;

/// The browser's origin is not on the list.
#[derive(Debug)]
pub struct Origins;

const MISSING: &str = "origin-not-listed";
const FORM: &str = "origin-entry-no-origin";

const KEY: &str = "gateway.controlUi.allowedOrigins";

impl Check for Origins {
    fn id(&self) -> &'static str {
        "allowed-origins"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/origins"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const ORIGIN: Option<Cause> = Some(Cause::OriginNotAllowed);
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(MISSING, ORIGIN, "A refused origin is not on the list"),
            CodeSpec::warning(FORM, ORIGIN, "An entry of the list is no origin and matches nothing"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        context.loaded()?;
        let Some(list) = context.value(&["gateway", "controlUi", "allowedOrigins"]) else { return Ok(Vec::new()) };
        let elements = list.elements().unwrap_or_default();
        let mut findings: Vec<Finding> = elements.iter().enumerate().filter_map(|at| self.form(context, at)).collect();
        match evidence::logs(context) {
            Ok(summary) => {
                let refused = summary.episodes.iter().filter(|episode| {
                    episode.rejection == Some(Rejection::OriginNotAllowed) && evidence::is_current(context, episode)
                });
                for episode in refused {
                    let Some(origin) = episode.sample.detail.origin.as_deref() else { continue };
                    if let Some(mut finding) = self.missing(context, list, elements, origin) {
                        finding.evidence.push(evidence::evidence(summary, episode, "the origin was refused"));
                        findings.push(finding);
                    }
                }
                Ok(findings)
            }
            Err(_) if !findings.is_empty() => Ok(findings),
            Err(why) => Err(why),
        }
    }

    fn plan(&self, _: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let by_hand = finding.fix_hint.clone()?;
        Some(Plan::manual(finding, "list the origin if you trust it", vec![by_hand]))
    }
}

impl Origins {
    fn missing(
        &self,
        context: &Context<'_>,
        list: &ConfigNode,
        elements: &[ConfigNode],
        origin: &str,
    ) -> Option<Finding> {
        let entries: Vec<&str> = elements.iter().filter_map(ConfigNode::as_str).collect();
        if entries.iter().any(|entry| entry.eq_ignore_ascii_case(origin) || *entry == "*") {
            // It is listed by now.
            return None;
        }
        let near: Vec<String> = entries.iter().filter(|entry| host(entry) == host(origin)).map(|e| quoted(e)).collect();
        if near.is_empty() {
            // Nobody meant to list it, so that the refusal may be right; `refused-connections` has it.
            return None;
        }
        let message = format!(
            "The browser's origin {} is not in {KEY}; {} is listed, which differs in scheme, port or what follows",
            quoted(origin),
            listed(&near)
        );
        Some(
            context
                .config_finding(self, MISSING, &format!("{KEY}#{origin}"), list, message)
                .because(Cause::OriginNotAllowed, Certainty::Likely)
                .hint(format!("Add exactly {} to {KEY}, if that page is yours", quoted(origin))),
        )
    }

    fn form(&self, context: &Context<'_>, (index, element): (usize, &ConfigNode)) -> Option<Finding> {
        let text = element.as_str()?;
        let key = format!("{KEY}[{index}]");
        let wrong = fault(text)?;
        let message = format!("{key} {} {wrong}, so it matches no origin", quoted(text));
        let mut finding = context.config_finding(self, FORM, &key, element, message);
        finding.certainty = Certainty::Possible;
        Some(
            finding
                .hint("Write scheme, host and port only, such as https://gw.example.org or http://192.168.1.10:18789"),
        )
    }
}

/// Why a text is no origin.
fn fault(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text == "*" {
        return None;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Some("has no scheme") };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "capacitor" | "tauri" | "app") {
        return Some("has a scheme that browsers do not send");
    }
    if rest.is_empty() {
        Some("has no host")
    } else if rest.contains(['/', '?', '#']) {
        Some("has a path or a final slash")
    } else {
        None
    }
}

fn host(origin: &str) -> Option<String> {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(super::mode::host_of(authority)?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_make_an_origin() {
        for sound in ["http://localhost:18789", "https://gw.example.org", "*", "http://[::1]:18789"] {
            assert_eq!(fault(sound), None, "{sound}");
        }
        for wrong in ["gw.example.org", "https://gw.example.org/", "ws://gw:18789", "https://", "http://gw/ui"] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
        assert_eq!(host("http://GW:18789"), host("https://gw"));
    }
}
