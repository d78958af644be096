//! # gateway.mode keeps the gateway from starting
//!
//! ## What it finds
//! `gateway.mode` unset, or `remote` on a host that runs a gateway; `remote` without an address, or with the address of
//! this host itself.
//!
//! ## Why it locks you out
//! A gateway starts only with `gateway.mode` set to `local` (`Gateway start blocked: set gateway.mode=local`). A running
//! one survives the edit and fails at its next start. With `remote` and no `gateway.remote.url` the CLI stops with
//! `gateway remote mode misconfigured`.
//!
//! ## How to read the evidence
//! The line of the configuration, and what shows that a gateway belongs on this host. A host that is only a client of a
//! gateway elsewhere has `remote` rightly.
//!
//! ## How to be sure by hand
//! `openclaw config get gateway.mode`; the gateway's log says `Gateway start blocked`.
//!
//! ## What the fix does
//! An unset mode is set to `local`. Between `local` and `remote` you choose.
//!
//! ## Since and until
//! All releases. By the change log 2026.4.5 took an unset mode for `local`; from 2026.4.15 on an existing file without it
//! counts as clobbered and is refused. `--allow-unconfigured` lifts the refusal; generated units pass it from 2026.9.5.

use super::file::allows_unconfigured;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::{Applicability, ConfigEdit, JsonPath, Plan};
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Span, Unknown};
use crate::snapshot::config::ConfigNode;
use crate::snapshot::tree::EntryRole;

/// gateway.mode keeps the gateway from starting.
#[derive(Debug)]
pub struct Mode;

const UNSET: &str = "gateway-mode-unset";
const REMOTE: &str = "gateway-mode-remote";
const NO_URL: &str = "remote-url-missing";
const SELF_URL: &str = "remote-url-self";

impl Check for Mode {
    fn id(&self) -> &'static str {
        "gateway-mode"
    }

    fn area(&self) -> Area {
        Area::Configuration
    }

    fn source(&self) -> &'static str {
        "configuration/mode"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::error(UNSET, Cause::ConfigInvalid, "gateway.mode is not set"),
            CodeSpec::error(REMOTE, Cause::ConfigInvalid, "gateway.mode is remote on a gateway's host"),
            CodeSpec::error(NO_URL, Cause::ConfigInvalid, "gateway.mode is remote without an address"),
            CodeSpec::error(SELF_URL, Cause::ConfigInvalid, "gateway.mode is remote and points back to this host"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Services, Subject::Processes, Subject::Devices]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(root) = context.loaded()? else { return Ok(Vec::new()) };
        if root.members().is_none() {
            return Ok(Vec::new());
        }
        match root.at(&["gateway", "mode"]) {
            None => Ok(vec![self.unset(context, root)]),
            Some(mode) if mode.as_str() == Some("remote") => Ok(self.remote(context, mode)),
            // Another value is no word of the schema, or a variable's.
            Some(_) => Ok(Vec::new()),
        }
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let root = context.loaded().ok()??;
        if finding.code != UNSET {
            let by_hand = Plan::manual(
                finding,
                "choose between local and remote",
                vec![
                    format!("If the gateway is to run here: `{}`.", context.openclaw("config set gateway.mode local")),
                    "If this host is only a client: set gateway.remote.url to the gateway's address and remove the \
                     service here."
                        .to_owned(),
                ],
            );
            return Some(match self.local(context, finding) {
                Some(local) => by_hand.or_else_choose("local", local),
                None => by_hand,
            });
        }
        let edits = vec![ConfigEdit::InsertMember {
            object: JsonPath::keys(["gateway"]),
            key: "mode".to_owned(),
            value: "local".into(),
        }];
        let node = root.get("gateway").unwrap_or(root);
        context.edit_plan(
            finding,
            Applicability::Safe,
            "set gateway.mode to local",
            node,
            edits,
            "the gateway does not start without it",
        )
    }
}

impl Mode {
    /// The gateway is meant to run here.
    fn local(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let node = context.value(&["gateway", "mode"])?;
        let was = node.as_str().map(serde_json::Value::from);
        let edits = vec![ConfigEdit::ReplaceValue { at: JsonPath::keys(["gateway", "mode"]), was, to: "local".into() }];
        let summary = "set gateway.mode to local: the gateway is to run here";
        let reason = "with mode remote this host's gateway does not start";
        let plan = context.edit_plan(finding, Applicability::Unsafe, summary, node, edits, reason)?;
        Some(plan.say_first("This host's CLI then talks to the gateway here, and no longer to the remote one."))
    }

    fn unset(&self, context: &Context<'_>, root: &ConfigNode) -> Finding {
        let path = &context.config().path;
        let release = context.release_words();
        let message = format!("gateway.mode is not set: {release} refuses to start the gateway");
        let gateway = root.members().and_then(|members| members.iter().find(|member| member.key == "gateway"));
        let at = gateway.map_or(Span { line: root.at.line, column: root.at.column }, |member| member.key_at);
        let mut finding = context
            .file_finding(self, UNSET, message)
            .span(Some(at))
            .evidence(context.place_evidence("gateway.mode is not in this file", path, at))
            .hint(format!("Run `{}`", context.openclaw("config set gateway.mode local")));
        let with_mode = context.config().siblings.iter().filter(|copy| copy.has_mode.known() == Some(&true));
        if let Some(copy) = with_mode.max_by_key(|copy| copy.meta.mtime_ns) {
            let text = "this copy has gateway.mode: compare it, more than the mode may have been lost";
            finding.evidence.push(Evidence::new(text).at(&copy.path));
        }
        if allows_unconfigured(context) {
            finding.message =
                "gateway.mode is not set; the unit's --allow-unconfigured starts it all the same".to_owned();
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        } else if context.within((4, 5), (4, 14)) == Some(true) {
            // The change log of 2026.4.5 and the package of 2026.4.15 differ; what lies between was not seen.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        } else if !means_gateway(context, root) {
            // The configuration of a client, as far as it can be seen.
            (finding.severity, finding.certainty) = (Severity::Warning, Certainty::Possible);
        } else if context.release().is_none() {
            finding.certainty = Certainty::Likely;
        }
        finding
    }

    fn remote(&self, context: &Context<'_>, mode: &ConfigNode) -> Vec<Finding> {
        let here = gateway_here(context);
        let hint =
            || format!("Run `{}`, if the gateway is to run here", context.openclaw("config set gateway.mode local"));
        let mut findings = Vec::new();
        if let Some((evidence, certainty)) = &here {
            let message = "gateway.mode is remote on the host of a gateway: it does not start any more".to_owned();
            let mut finding = context.config_finding(self, REMOTE, "gateway.mode", mode, message).hint(hint());
            finding.certainty = *certainty;
            finding.evidence.push(evidence.clone());
            findings.push(finding);
        }
        match context.text(&["gateway", "remote", "url"]).map(str::trim) {
            None | Some("") if !is_reference(context) => {
                let message = "gateway.mode is remote and gateway.remote.url is not set: the CLI stops".to_owned();
                findings.push(context.config_finding(self, NO_URL, "gateway.mode", mode, message).hint(hint()));
            }
            Some(url) if here.is_some() && is_own_address(context, url) => {
                let node = context.value(&["gateway", "remote", "url"]).unwrap_or(mode);
                let message = "gateway.remote.url points back to this host, whose gateway mode remote keeps down";
                let mut finding =
                    context.config_finding(self, SELF_URL, "gateway.remote.url", node, message).hint(hint());
                finding.certainty = Certainty::Likely;
                findings.push(finding);
            }
            _ => {}
        }
        findings
    }
}

/// Whether anything says that a gateway is meant to run here: its settings, its state, a unit, a copy with the mode.
fn means_gateway(context: &Context<'_>, root: &ConfigNode) -> bool {
    let gateway = root.get("gateway").and_then(ConfigNode::members).unwrap_or_default();
    let tree = &context.installation.tree;
    gateway.iter().any(|member| member.key != "remote")
        || [EntryRole::Paired, EntryRole::Database].iter().any(|role| tree.with_role(*role).is_some())
        || context.config().siblings.iter().any(|copy| copy.has_mode.known() == Some(&true))
        || gateway_here(context).is_some()
}

fn is_reference(context: &Context<'_>) -> bool {
    context
        .value(&["gateway", "remote", "url"])
        .is_some_and(|node| node.as_str().is_none() && node.type_name() == "string")
}

/// What shows that a gateway belongs on this host.
fn gateway_here(context: &Context<'_>) -> Option<(Evidence, Certainty)> {
    let units = context.gateway_units().unwrap_or_default();
    if let Some(unit) = units.iter().find(|unit| unit.starts_by_itself() != Some(false)) {
        return Some((
            Evidence::new(format!("{} starts a gateway here", unit.name)).at(&unit.path),
            Certainty::Certain,
        ));
    }
    let installation = context.installation;
    if installation.paired_devices().next().is_some() {
        let file = [EntryRole::Paired, EntryRole::Database]
            .iter()
            .find_map(|role| installation.tree.with_role(*role))
            .map_or_else(|| installation.state_dir.clone(), |entry| entry.path.clone());
        return Some((Evidence::new("a gateway keeps paired devices here").at(&file), Certainty::Likely));
    }
    None
}

/// Whether an address is this host's own, as far as the configuration and the host's name tell.
pub fn is_own_address(context: &Context<'_>, url: &str) -> bool {
    let Some(host) = host_of(url) else { return false };
    let host = host.to_ascii_lowercase();
    let name = context.snapshot.host.name.known().map(|name| name.to_ascii_lowercase());
    let is_name = name.is_some_and(|name| {
        !name.is_empty() && (host == name || host == format!("{name}.local") || host.starts_with(&format!("{name}.")))
    });
    is_name || super::super::proxies::address::is_loopback_host(&host)
}

/// The host of a URL, brackets of IPv6 taken off.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next();
    }
    host.rsplit_once(':')
        .map_or(Some(host), |(name, port)| Some(if port.chars().all(|c| c.is_ascii_digit()) { name } else { host }))
}
