//! # Something else holds the gateway's port
//!
//! ## What it finds
//! A listener on the gateway's port, or on one derived from it, that is no gateway of this installation: a foreign
//! program, or the gateway of another account. Also a foreign listener on `0.0.0.0` or on one address family only.
//!
//! ## Why it locks you out
//! The gateway can't bind and exits; it says `another gateway instance is already listening` for a foreign program too.
//! Clients reach that program and see close code 1006 or an HTTP answer.
//!
//! ## How to read the evidence
//! The owner comes from the socket tables of the kernel. Without root the program behind another account's socket can't
//! be seen, only the account.
//!
//! ## How to be sure by hand
//! `sudo ss -ltnp 'sport = :18789'`, and `curl -s http://127.0.0.1:18789/healthz`.
//!
//! ## What the fix does
//! Nothing by itself: whose program must give way is your decision. The exact commands for both ways are shown.
//!
//! ## Since and until
//! All releases. The bridge port (+1) up to 2026.2.1, the canvas port (+4) up to 2026.2.1, browser control (+2) in all.

use crate::checks::services::units;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::plan::Plan;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use crate::snapshot::listener::Listener;
use crate::snapshot::process::ProcessRole;

/// See the module's documentation.
pub struct Holder;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "port-held-by-foreign-program",
        Cause::PortConflict,
        "A program that is no gateway holds the gateway's port",
    ),
    CodeSpec::warning(
        "port-alias-held",
        Some(Cause::PortConflict),
        "Another program holds the port on one address family only",
    ),
    CodeSpec::warning("derived-port-held", None, "Another program holds a port that the gateway derives from its own"),
    CodeSpec::error(
        "port-held-by-other-gateway",
        Cause::DuplicateGateway,
        "The gateway of another account holds the port",
    ),
];

impl Check for Holder {
    fn id(&self) -> &'static str {
        "port-holder"
    }

    fn area(&self) -> Area {
        Area::Ports
    }

    fn source(&self) -> &'static str {
        "ports/holder"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Listeners, Subject::Services, Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if context.uses_remote_gateway() {
            return Ok(Vec::new());
        }
        let listeners = match &context.snapshot.listeners {
            Fact::Known(listeners) => listeners,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let port = units::gateway_port(context);
        let here: Vec<&Listener> =
            listeners.listeners.iter().filter(|listener| listener.namespace_of.is_none()).collect();
        let on_port: Vec<&Listener> = here.iter().copied().filter(|listener| listener.port == port).collect();
        let ours = on_port.iter().any(|listener| kind(context, listener) == Kind::Ours);
        let mut findings: Vec<Finding> = Vec::new();
        for listener in &on_port {
            let (code, severity, certainty) = match kind(context, listener) {
                Kind::Ours => continue,
                Kind::OtherGateway => ("port-held-by-other-gateway", Severity::Error, Certainty::Certain),
                // Our gateway listens as well: the other one has only an address that it does not need.
                Kind::Foreign if ours => ("port-alias-held", Severity::Warning, Certainty::Possible),
                Kind::Foreign => ("port-held-by-foreign-program", Severity::Error, Certainty::Certain),
                Kind::Unseen if ours => continue,
                Kind::Unseen => ("port-held-by-foreign-program", Severity::Error, Certainty::Likely),
            };
            if findings.iter().any(|finding| finding.code == code) {
                continue;
            }
            let message = format!("{} listens on {}:{port}, the gateway's port", holder(listener), listener.address);
            let mut finding = context.finding(self, code, &format!("{port}/{}", listener.uid), message);
            finding.severity = severity;
            finding.certainty = certainty;
            findings.push(finding.evidence(evidence(listener)).hint(format!(
                "Stop that program, or give the gateway another port: `{}` and restart it",
                context.openclaw("config set gateway.port 18889")
            )));
        }
        let derived = port.saturating_add(2);
        let foreign = here.iter().find(|listener| listener.port == derived && kind(context, listener) == Kind::Foreign);
        if let Some(listener) = foreign {
            let message = format!(
                "{} listens on {}:{derived}, which the gateway uses for browser control",
                holder(listener),
                listener.address
            );
            let finding = context.finding(self, "derived-port-held", &derived.to_string(), message);
            findings.push(finding.evidence(evidence(listener)));
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        if !matches!(finding.code.as_str(), "port-held-by-foreign-program" | "port-held-by-other-gateway") {
            return None;
        }
        let port = units::gateway_port(context);
        Some(Plan::manual(
            finding,
            format!("decide which program gives up port {port}"),
            vec![
                format!("See which program it is: sudo ss -ltnp 'sport = :{port}'"),
                "Either stop it through whatever starts it,".to_owned(),
                format!("or give the gateway another port: {}", context.openclaw("config set gateway.port 18889")),
            ],
        ))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A gateway of this installation's account.
    Ours,
    /// A gateway of another account.
    OtherGateway,
    /// Certainly no gateway.
    Foreign,
    /// Another account's program, which can't be seen without root.
    Unseen,
}

fn kind(context: &Context<'_>, listener: &Listener) -> Kind {
    let account = context.installation.account().map(|account| account.uid);
    match &listener.owner {
        Fact::Known(owner) => match owner.role {
            Some(ProcessRole::Gateway | ProcessRole::Launcher) if Some(owner.uid) == account => Kind::Ours,
            Some(ProcessRole::Gateway | ProcessRole::Launcher) => Kind::OtherGateway,
            Some(ProcessRole::Node | ProcessRole::Cli) | None => Kind::Foreign,
        },
        // Same account, unseen program: mostly the gateway itself behind a hidden /proc.
        Fact::Absent | Fact::Unknown(_) if Some(listener.uid) == account => Kind::Ours,
        Fact::Absent | Fact::Unknown(_) => Kind::Unseen,
    }
}

fn holder(listener: &Listener) -> String {
    match &listener.owner {
        Fact::Known(owner) => {
            let unit = owner.unit.as_ref().map(|unit| format!(" of {}", unit.name)).unwrap_or_default();
            format!("{} (pid {}, uid {}{unit})", owner.comm, owner.pid, owner.uid)
        }
        Fact::Absent | Fact::Unknown(_) => format!("a program of uid {} that only root can see", listener.uid),
    }
}

fn evidence(listener: &Listener) -> Evidence {
    let command = listener.owner.known().map(|owner| format!(": {}", owner.argv.join(" "))).unwrap_or_default();
    Evidence::new(format!(
        "socket {}:{} of uid {}, inode {}{command}",
        listener.address, listener.port, listener.uid, listener.inode
    ))
}
