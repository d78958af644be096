//! What a unit or job starts, and what says so.

use super::names::NamedUnit;
use crate::collect::programs::manifest;
use crate::collect::recognise::{self, Command, CommandKind};
use crate::collect::source::{Source, read_text};
use crate::collect::trust::rights_for;
use crate::model::file::Account;
use crate::model::{Fact, Product};
use crate::snapshot::environment::Environment;
use crate::snapshot::service::{Recognition, UnitKind};
use std::path::Path;

/// Scripts that start a gateway are short.
const MOST_SCRIPT_BYTES: u64 = 64 << 10;

/// What is known of a unit before it is judged.
pub struct Evidence<'a> {
    /// The host's files.
    pub source: &'a dyn Source,
    /// The account whose files it may name.
    pub account: Option<&'a Account>,
    /// What its name says.
    pub named: Option<NamedUnit>,
    /// What it starts, secrets still in it.
    pub commands: &'a [&'a Vec<String>],
    /// What the program will see.
    pub environment: &'a Environment,
    /// Whether the unit's file was read.
    pub readable: bool,
}

/// What a unit starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The kind.
    pub kind: UnitKind,
    /// What says so.
    pub recognised_by: Recognition,
    /// The product.
    pub product: Option<Product>,
    /// Whether the name is one that no openclaw release gives.
    pub legacy_name: bool,
    /// The entry or program.
    pub entry: Option<String>,
    /// Profile, from the arguments, else from the name.
    pub profile: Option<String>,
    /// `--port`
    pub port: Option<String>,
}

impl Verdict {
    /// Judges; `None` where nothing says that the unit is ours.
    pub fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let command = evidence.command();
        let marker = evidence.marker();
        let (kind, recognised_by) = match (&command, marker) {
            (Some(command), None) => (unit_kind(command.kind), Recognition::Arguments),
            (Some(command), Some(_)) if command.kind != CommandKind::Other => {
                (unit_kind(command.kind), Recognition::Arguments)
            }
            (_, Some((kind, _))) => (kind, Recognition::Markers),
            (None, None) => match evidence.named.as_ref()?.kind {
                UnitKind::Gateway | UnitKind::Node => (UnitKind::Unclear, Recognition::Name),
                UnitKind::Unclear | UnitKind::Other if !evidence.readable => (UnitKind::Unclear, Recognition::Name),
                UnitKind::Unclear | UnitKind::Other => (UnitKind::Other, Recognition::Name),
            },
        };
        let named = evidence.named.as_ref();
        if kind == UnitKind::Other && named.is_none() {
            return None;
        }
        let product = command.as_ref().and_then(|command| command.product);
        let product = product.or(marker.and_then(|(_, product)| product)).or(named.and_then(|named| named.product));
        let in_name = named.filter(|named| named.kind != UnitKind::Other).and_then(|named| named.profile.clone());
        Some(Self {
            kind,
            recognised_by,
            product,
            legacy_name: named.is_some_and(|named| named.legacy),
            profile: command.as_ref().and_then(|command| command.profile.clone()).or(in_name),
            port: command.as_ref().and_then(|command| command.port.clone()),
            entry: command.map(|command| command.entry),
        })
    }
}

fn unit_kind(kind: CommandKind) -> UnitKind {
    match kind {
        CommandKind::Gateway => UnitKind::Gateway,
        CommandKind::Node => UnitKind::Node,
        CommandKind::Other => UnitKind::Other,
    }
}

impl Evidence<'_> {
    /// The first command line that starts one of our programs, directly, by a wrapper, or from a script.
    fn command(&self) -> Option<Command> {
        let direct = self.commands.iter().filter_map(|argv| recognise::command(argv)).find_map(|c| self.confirmed(c));
        direct.or_else(|| self.commands.iter().find_map(|argv| self.wrapped(argv)))
    }

    /// `…/dist/index.js gateway` may belong to any node program: the package decides, and where there is none, whether
    /// anything else speaks for us.
    fn confirmed(&self, command: Command) -> Option<Command> {
        if command.product.is_some() {
            return Some(command);
        }
        let package = manifest::of_entry(self.source, Path::new(&command.entry), self.account);
        match package {
            Some((_, Fact::Known(manifest))) => {
                let product = manifest.product()?;
                Some(Command { product: Some(product), ..command })
            }
            _ => self.speaks_for_us(&command.entry).then_some(command),
        }
    }

    fn speaks_for_us(&self, entry: &str) -> bool {
        let lower = entry.to_ascii_lowercase();
        self.named.is_some()
            || ["claw", "molt"].iter().any(|word| lower.contains(word))
            || self.environment.vars.iter().any(|var| is_our_variable(&var.name))
    }

    /// `OPENCLAW_WRAPPER` (from 2026.4.29), or a script whose lines start a gateway.
    fn wrapped(&self, argv: &[String]) -> Option<Command> {
        let program = argv.first()?;
        let arguments = argv.get(1..).unwrap_or_default();
        if self.environment.plain("OPENCLAW_WRAPPER") == Some(program.as_str()) {
            let words = std::iter::once("openclaw".to_owned()).chain(arguments.iter().cloned());
            let words: Vec<String> = words.collect();
            return recognise::command(&words).map(|command| Command { entry: program.clone(), ..command });
        }
        // `sh /home/claw/start.sh`: the first argument that is a path; else the program itself.
        let scripts = argv.iter().filter(|word| word.starts_with('/')).take(3);
        scripts.filter(|path| !is_system_program(path)).find_map(|path| self.script(path))
    }

    /// Looks through a script for a line that starts one of our programs. It is read, never run.
    fn script(&self, path: &str) -> Option<Command> {
        let rights = rights_for(self.source, Path::new(path), self.account);
        let text = read_text(self.source, Path::new(path), MOST_SCRIPT_BYTES, rights.reader()).ok()?;
        if !text.starts_with("#!") {
            return None;
        }
        recognise::in_shell(&text)
            .filter(|command| command.kind != CommandKind::Other)
            .and_then(|command| self.confirmed(command))
    }

    /// The variables by which OpenClaw marks its own units (host-by-release 2.2).
    fn marker(&self) -> Option<(UnitKind, Option<Product>)> {
        let both = [("OPENCLAW", Product::Openclaw), ("CLAWDBOT", Product::Clawdbot)];
        both.into_iter().find_map(|(prefix, product)| {
            let marker = self.environment.plain(&format!("{prefix}_SERVICE_MARKER"))?;
            let product = recognise::product_in_path(marker).unwrap_or(product);
            match self.environment.plain(&format!("{prefix}_SERVICE_KIND")) {
                Some("gateway") => Some((UnitKind::Gateway, Some(product))),
                Some("node") => Some((UnitKind::Node, Some(product))),
                _ => None,
            }
        })
    }
}

fn is_our_variable(name: &str) -> bool {
    name.starts_with("OPENCLAW_") || name.starts_with("CLAWDBOT_") || name.starts_with("MOLTBOT_")
}

/// Programs of the system are no scripts that start a gateway.
fn is_system_program(path: &str) -> bool {
    ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/lib/", "/lib/"].iter().any(|start| path.starts_with(start))
}
