//! Running processes that are gateways, node hosts, their launchers, or runs of the CLI. On Linux from `/proc`, elsewhere
//! from the system's own list, with less to see.

mod cgroup;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;

#[cfg(target_os = "linux")]
pub(super) use linux::{Holder, holder, judge_process, reason};

use super::recognise::{self, CommandKind};
use super::source::Source;
use crate::model::{Fact, Product, SecretVault, Unknown};
use crate::snapshot::process::{ProcessFact, ProcessFacts, ProcessRole};
use crate::snapshot::service::Recognition;
use std::path::Path;

/// At most so many processes are looked at.
const MOST_PROCESSES: usize = 200_000;

/// At most so many of ours are described.
const MOST_OURS: usize = 500;

/// Finds the processes that matter. Live hosts only.
pub fn collect(source: &dyn Source, vault: &mut SecretVault) -> Fact<ProcessFacts> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    #[cfg(target_os = "linux")]
    let facts = linux::collect(source, vault);
    #[cfg(not(target_os = "linux"))]
    let facts = portable::collect(vault);
    facts.map(with_listening).map(with_launchers)
}

/// What a process is, from what it shows. `None` where it is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) role: ProcessRole,
    pub(super) by: Recognition,
    pub(super) product: Option<Product>,
}

/// Judges by title and arguments. A title counts only for a JavaScript runtime, or where the executable may not be seen:
/// anybody can choose a title.
pub(super) fn judge(argv: &[String], comm: &str, exe: Option<&Path>) -> Option<Judgement> {
    if exe.is_some_and(|exe| !is_runtime(exe)) {
        return None;
    }
    // A zombie has no arguments any more, only its short name, cut at 15 characters.
    let first = argv.first().map_or(comm, String::as_str);
    let titled = if first == "openclaw-gatewa" || first == "clawdbot-gatewa" {
        recognise::title(first.split('-').next().unwrap_or_default()).map(|(product, _)| (product, Some("gateway")))
    } else {
        recognise::title(first)
    };
    // With arguments of its own it is no title yet: `openclaw gateway`, where the name is the program's.
    if let Some((product, sub)) = titled.filter(|_| argv.len() < 2 || !argv.iter().skip(1).any(|word| is_word(word))) {
        let role = match sub {
            Some("gateway") => ProcessRole::Gateway,
            Some("node") => ProcessRole::Node,
            _ => ProcessRole::Cli,
        };
        return Some(Judgement { role, by: Recognition::Title, product: Some(product) });
    }
    let command = recognise::command(argv)?;
    let role = match command.kind {
        CommandKind::Gateway => ProcessRole::Gateway,
        CommandKind::Node => ProcessRole::Node,
        // `…/dist/index.js status` may be any node program.
        CommandKind::Other => command.product.map(|_| ProcessRole::Cli)?,
    };
    Some(Judgement { role, by: Recognition::Arguments, product: command.product })
}

/// What is left of the original arguments after a title is blank.
fn is_word(text: &str) -> bool {
    !text.trim_matches(['\0', ' ']).is_empty()
}

/// Programs that run JavaScript, and binaries that carry it and our name. Our own tool is none of them.
fn is_runtime(exe: &Path) -> bool {
    let name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.trim_end_matches(" (deleted)");
    ["node", "nodejs", "bun", "deno", "openclaw", "clawdbot", "openclaw-gateway", "electron"].contains(&name)
        || name.strip_prefix("node").is_some_and(|tail| tail.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
}

/// A process with the bare title that listens is a gateway that was not retitled.
fn with_listening(mut facts: ProcessFacts) -> ProcessFacts {
    for process in &mut facts.processes {
        let first = process.argv.first().map_or(process.comm.as_str(), String::as_str);
        let bare = recognise::title(first).is_some_and(|(_, sub)| sub.is_none());
        let listens = process.ports.known().is_some_and(|ports| !ports.is_empty());
        if process.role == ProcessRole::Cli && process.recognised_by == Recognition::Title && bare && listens {
            process.role = ProcessRole::Gateway;
            process.recognised_by = Recognition::Listening;
        }
    }
    facts
}

/// A process whose child is a gateway, and which looks like one or like a plain run of the CLI, has started it and
/// waits for it (`openclaw.mjs` re-spawns itself); the child owns port and lock.
fn with_launchers(mut facts: ProcessFacts) -> ProcessFacts {
    let parents: Vec<u32> = facts.gateways().map(|gateway| gateway.ppid).collect();
    for process in &mut facts.processes {
        let may_launch = matches!(process.role, ProcessRole::Gateway | ProcessRole::Cli);
        if may_launch && parents.contains(&process.pid) {
            process.role = ProcessRole::Launcher;
        }
    }
    facts.processes.sort_by_key(|process: &ProcessFact| process.pid);
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(argv: &[&str], comm: &str, exe: Option<&str>) -> Option<(ProcessRole, Recognition)> {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        judge(&argv, comm, exe.map(Path::new)).map(|judgement| (judgement.role, judgement.by))
    }

    /// Seen with 2026.2.19: `node openclaw.mjs gateway` starts itself again and waits; the child owns port and lock.
    #[test]
    fn a_parent_of_a_gateway_is_its_launcher() {
        let process = |pid: u32, ppid: u32, role: ProcessRole, title: &str, ports: &[u16]| {
            let unknown = || Unknown::new(crate::model::UnknownKind::NotCollected, "not here");
            ProcessFact {
                pid,
                ppid,
                uid: 1,
                euid: 1,
                start_ticks: 1,
                started: Fact::Unknown(unknown()),
                role,
                recognised_by: Recognition::Title,
                product: Some(Product::Openclaw),
                comm: title.to_owned(),
                argv: vec![title.to_owned()],
                exe: Fact::Unknown(unknown()),
                exe_deleted: false,
                cwd: Fact::Unknown(unknown()),
                root: Fact::Unknown(unknown()),
                cgroup: Fact::Unknown(unknown()),
                network: Fact::Unknown(unknown()),
                mounts: Fact::Unknown(unknown()),
                pids: Fact::Unknown(unknown()),
                environment: Fact::Unknown(unknown()),
                open_files: Fact::Unknown(unknown()),
                open_files_limit: Fact::Unknown(unknown()),
                package: Fact::Unknown(unknown()),
                deleted_files: Fact::Unknown(unknown()),
                ports: Fact::Known(ports.to_vec()),
                databases: Fact::Unknown(unknown()),
                zombie: false,
                stopped: false,
            }
        };
        use ProcessRole::{Cli, Gateway, Launcher};
        let processes = vec![
            process(30, 20, Gateway, "openclaw-gateway", &[18789]),
            process(20, 1, Cli, "openclaw", &[]),
            process(40, 1, Cli, "openclaw", &[18889]),
            process(50, 1, Cli, "openclaw", &[]),
            process(60, 30, Cli, "openclaw-models", &[1455]),
        ];
        let facts = with_launchers(with_listening(ProcessFacts { processes, ..ProcessFacts::default() }));
        let roles: Vec<_> = facts.processes.iter().map(|process| (process.pid, process.role)).collect();
        assert_eq!(roles, [(20, Launcher), (30, Gateway), (40, Gateway), (50, Cli), (60, Cli)]);
    }

    #[test]
    fn titles_and_arguments_are_judged_with_the_executable() {
        let node = Some("/usr/bin/node");
        let gateway = Some((ProcessRole::Gateway, Recognition::Title));
        assert_eq!(judged(&["openclaw-gateway"], "openclaw-gatewa", node), gateway);
        assert_eq!(judged(&["openclaw-gateway", "    "], "openclaw-gatewa", None), gateway);
        assert_eq!(judged(&[], "openclaw-gatewa", None), gateway);
        assert_eq!(judged(&["openclaw"], "openclaw", node), Some((ProcessRole::Cli, Recognition::Title)));
        assert_eq!(judged(&["openclaw-gateway"], "openclaw-gatewa", Some("/usr/bin/python3")), None);
        assert_eq!(judged(&["openclaw-doctor"], "openclaw-doctor", Some("/usr/bin/openclaw-doctor")), None);
        let argv = ["/usr/bin/node", "/x/openclaw/openclaw.mjs", "gateway"];
        assert_eq!(judged(&argv, "node", node), Some((ProcessRole::Gateway, Recognition::Arguments)));
        assert_eq!(judged(&["sh", "-c", "openclaw gateway"], "sh", Some("/usr/bin/dash")), None);
        assert_eq!(judged(&["node", "/srv/dist/index.js", "serve"], "node", node), None);
        assert_eq!(judged(&["openclaw-node"], "openclaw-node", node), Some((ProcessRole::Node, Recognition::Title)));
        assert_eq!(judged(&["/usr/bin/vim", "openclaw"], "vim", Some("/usr/bin/vim")), None);
    }
}
