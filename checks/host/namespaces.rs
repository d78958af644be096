//! # 127.0.0.1 here is not the gateway
//!
//! ## What it finds
//! A container or network namespace in which nothing listens on the gateway's port while the gateway lives in another one,
//! and a Windows Subsystem for Linux whose clients can't reach a gateway that listens.
//!
//! ## Why it locks you out
//! Every container has a loopback of its own. A CLI in one container, or on the host, does not reach a gateway that
//! listens on 127.0.0.1 in another: `ECONNREFUSED 127.0.0.1` or `gateway closed (1006)`.
//!
//! ## How to read the evidence
//! Listeners and processes are named with their namespace. A port that the container's runtime publishes counts as
//! listening; then the connection arrives, but not as a local one.
//!
//! ## How to be sure by hand
//! `ss -ltn 'sport = :18789'` here and inside the gateway's container (`docker exec CONTAINER …`).
//!
//! ## What the fix does
//! Nothing: run the CLI in the gateway's container or network (`docker compose exec`, `network_mode: service:…`), or give
//! it an address with `--url` and a token.
//!
//! ## Since and until
//! All releases. Compose files of newer releases share the network of gateway and CLI.

use crate::checks::logs::evidence;
use crate::checks::services::units::gateway_port;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};

/// See the module's documentation.
pub struct Namespaces;

static CODES: &[CodeSpec] = &[
    CodeSpec::error(
        "gateway-in-other-namespace",
        Cause::ContainerLoopback,
        "The gateway has another loopback than this place",
    ),
    CodeSpec::warning("no-gateway-in-container", Some(Cause::ContainerLoopback), "No gateway lives in this container"),
    CodeSpec::warning("wsl-path", Some(Cause::HostNetwork), "Clients can't reach a gateway inside WSL that listens"),
];

impl Check for Namespaces {
    fn id(&self) -> &'static str {
        "network-namespace"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/namespaces"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Listeners, Subject::Processes, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let listeners = match &context.snapshot.listeners {
            Fact::Known(listeners) => listeners,
            Fact::Absent => return Ok(Vec::new()),
            // Of a mounted image the log alone can tell.
            Fact::Unknown(why) if context.snapshot.host.live => return Err(why.clone()),
            Fact::Unknown(why) => return self.offline(context).map_or(Err(why.clone()), |found| Ok(vec![found])),
        };
        let port = gateway_port(context);
        if listeners.on(port).next().is_some() {
            return Ok(self.wsl(context, port).into_iter().collect());
        }
        if let Some(why) = listeners.unread.first() {
            return Err(why.clone());
        }
        Ok(self.elsewhere(context, port).or_else(|| self.container(context, port)).into_iter().collect())
    }
}

impl Namespaces {
    /// A gateway that was seen in another namespace.
    fn elsewhere(&self, context: &Context<'_>, port: u16) -> Option<Finding> {
        let processes = context.snapshot.processes.known()?;
        let process = processes.gateways().find(|process| process.elsewhere() == Some(true))?;
        // One of its own account or directory; another user's container is none of ours.
        let account = context.installation.account()?;
        let listeners = context.snapshot.listeners.known()?;
        let listens = listeners
            .listeners
            .iter()
            .any(|listener| listener.port == port && listener.namespace_of == Some(process.pid));
        if process.uid != account.uid && !listens {
            return None;
        }
        let message = format!(
            "The gateway (pid {}) lives in another network namespace, and nothing listens on port {port} in this one",
            process.pid
        );
        let container = process.cgroup.known().and_then(|place| place.container.clone());
        let place = container.map_or_else(|| "another network namespace".to_owned(), |id| format!("container {id}"));
        let finding = context
            .finding(self, "gateway-in-other-namespace", &context.installation.state_dir.to_string(), message)
            .because(Cause::ContainerLoopback, if listens { Certainty::Likely } else { Certainty::Possible })
            .evidence(Evidence::new(format!("process {}: {}, in {place}", process.pid, process.argv.join(" "))))
            .evidence(Evidence::new(format!("no socket listens on port {port} in this network namespace")));
        Some(finding.hint("Run the CLI inside the gateway's container or network namespace"))
    }

    /// This is a container, and no gateway is in it.
    fn container(&self, context: &Context<'_>, port: u16) -> Option<Finding> {
        let container = context.snapshot.surroundings.container.known()?;
        let processes = context.snapshot.processes.known()?;
        if processes.gateways().next().is_some() {
            return None;
        }
        let kind = container.kind.word();
        let message = format!("This is a {kind} container without a gateway: 127.0.0.1:{port} here is not the gateway");
        let signs = container.signs.join(", ");
        let mut finding = context
            .finding(self, "no-gateway-in-container", &context.installation.state_dir.to_string(), message)
            .because(Cause::ContainerLoopback, Certainty::Possible)
            .evidence(Evidence::new(format!("a container, by {signs}")))
            .evidence(Evidence::new(format!("no gateway process, and no socket on port {port}, in this container")));
        finding.severity = Severity::Warning;
        Some(finding.hint(
            "If the gateway runs in another container, let this one share its network, or use --url with a token",
        ))
    }

    /// An image: a client in it found nothing listening, and no gateway ever listened in a container; or one did, in WSL.
    fn offline(&self, context: &Context<'_>) -> Option<Finding> {
        let summary = context.snapshot.logs.known()?;
        let event = evidence::unreachable(context, summary)?;
        let port = gateway_port(context);
        if summary.events.iter().any(|event| event.kind.is_up()) {
            return self.wsl(context, port);
        }
        let container = context.snapshot.surroundings.container.known()?;
        let message = format!(
            "A client in this {} container found nothing on 127.0.0.1, and no gateway ever listened in it",
            container.kind.word()
        );
        let finding = context
            .finding(self, "no-gateway-in-container", &context.installation.state_dir.to_string(), message)
            .because(Cause::ContainerLoopback, Certainty::Possible)
            .evidence(Evidence::new(format!("a container, by {}", container.signs.join(", "))))
            .evidence(evidence::of_event(summary, event, "a client found nothing listening"));
        Some(finding.hint("Let this container share the gateway's network, or use --url with a token"))
    }

    fn wsl(&self, context: &Context<'_>, port: u16) -> Option<Finding> {
        let wsl = context.snapshot.surroundings.wsl.known()?;
        let summary = context.snapshot.logs.known()?;
        let event = evidence::unreachable(context, summary)?;
        let message = format!("The gateway listens on port {port} inside WSL, and a client did not reach it");
        let version = wsl.version.map_or_else(|| "WSL".to_owned(), |version| format!("WSL {version}"));
        let finding = context
            .finding(self, "wsl-path", "wsl", message)
            .because(Cause::HostNetwork, Certainty::Possible)
            .evidence(Evidence::new(format!("{version}; Windows reaches it through a forwarded localhost")))
            .evidence(evidence::of_event(summary, event, "a client found nothing listening"));
        Some(finding.hint("Try the port from Windows and from WSL; `wsl --shutdown` renews a broken forwarding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes};
    use crate::snapshot::Snapshot;
    use crate::snapshot::container::{Container, ContainerKind};
    use crate::snapshot::listener::{Listener, ListenerFacts};
    use crate::snapshot::process::ProcessFacts;

    fn empty_container() -> Snapshot {
        let mut snapshot = Lab::new(Some("2026.9.6")).snapshot();
        let container = Container { kind: ContainerKind::Docker, signs: vec!["/.dockerenv".to_owned()] };
        snapshot.surroundings.container = Fact::Known(container);
        snapshot.listeners = Fact::Known(ListenerFacts::default());
        snapshot.processes = Fact::Known(ProcessFacts::default());
        snapshot
    }

    #[test]
    fn only_a_container_without_gateway_and_listener_counts() {
        let mut snapshot = empty_container();
        assert_eq!(codes(&Namespaces, &snapshot), ["no-gateway-in-container"]);
        let listener = Listener {
            address: std::net::IpAddr::from([127, 0, 0, 1]).into(),
            port: 18_789,
            uid: 0,
            inode: 1,
            namespace_of: None,
            owner: Fact::Absent,
        };
        snapshot.listeners = Fact::Known(ListenerFacts { listeners: vec![listener], ..ListenerFacts::default() });
        assert!(codes(&Namespaces, &snapshot).is_empty());
        let mut host = empty_container();
        host.surroundings.container = Fact::Absent;
        assert!(codes(&Namespaces, &host).is_empty());
    }
}
