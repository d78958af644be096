//! What a command line starts: a gateway, a node host, or another run of the CLI. By the subcommand, never by the word
//! "openclaw" alone (host-by-release 2.3 and 3.1).

mod shell;
mod title;

pub use shell::{in_shell, shell_words};
pub use title::{port_of, title};

use crate::model::Product;

/// What a command line starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The kind.
    pub kind: CommandKind,
    /// The product, where the path or name of the program says it.
    pub product: Option<Product>,
    /// The argument that is the product's entry: `…/dist/index.js`, `openclaw`, …
    pub entry: String,
    /// `--profile NAME`; `--dev` is `dev`.
    pub profile: Option<String>,
    /// `--port`, as text.
    pub port: Option<String>,
}

/// Kinds of command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// `gateway` or `gateway run`.
    Gateway,
    /// `node run` and older forms of the node host.
    Node,
    /// Anything else, `gateway status` for example.
    Other,
}

/// Ends of entry files, as `isGatewayArgv` of OpenClaw has them, and those of the older products.
const ENTRY_ENDS: &[&str] = &[
    "dist/index.js",
    "dist/index.mjs",
    "dist/entry.js",
    "dist/entry.mjs",
    "scripts/run-node.mjs",
    "src/entry.ts",
    "src/index.ts",
];

/// Entry files that carry the product's name.
const ENTRY_NAMES: &[(&str, Product)] = &[
    ("openclaw.mjs", Product::Openclaw),
    ("clawdbot.mjs", Product::Clawdbot),
    ("moltbot.mjs", Product::Moltbot),
    ("openclaw", Product::Openclaw),
    ("clawdbot", Product::Clawdbot),
    ("moltbot", Product::Moltbot),
    ("openclaw-gateway", Product::Openclaw),
];

/// Programs that start another program, so that a bare `openclaw` among their arguments is a program too.
const LAUNCHERS: &[&str] = &[
    "env",
    "sudo",
    "doas",
    "su",
    "runuser",
    "setpriv",
    "sh",
    "bash",
    "dash",
    "zsh",
    "fish",
    "npx",
    "npm",
    "pnpm",
    "bunx",
    "bun",
    "yarn",
    "node",
    "nodejs",
    "deno",
    "tini",
    "dumb-init",
    "catatonit",
    "nohup",
    "nice",
    "ionice",
    "timeout",
    "exec",
    "stdbuf",
    "flock",
    "proxychains4",
    "systemd-run",
    "systemd-cat",
    "script",
    "tmux",
    "screen",
    "chroot",
];

/// Options before the subcommand that take a value.
const VALUE_OPTIONS: &[&str] = &["--profile", "--log-level", "--container"];

/// Options of `gateway run` that take a value (2026.9.6, `gateway-run-argv.mjs`; the older ones are among them).
const GATEWAY_VALUE_OPTIONS: &[&str] = &[
    "--port",
    "--bind",
    "--token",
    "--token-file",
    "--auth",
    "--password",
    "--password-file",
    "--tailscale",
    "--ws-log",
    "--raw-stream-path",
    "--profile",
];

/// Commands about the gateway, from the CLI of 2026.1 to 2026.9.
const GATEWAY_COMMANDS: &[&str] = &[
    "status",
    "install",
    "uninstall",
    "start",
    "stop",
    "restart",
    "call",
    "health",
    "probe",
    "discover",
    "usage-cost",
    "diagnostics",
    "stability",
    "logs",
    "help",
    "suspend",
    "resume",
];

/// What a command line starts; `None` where no entry of a product is in it.
pub fn command(argv: &[String]) -> Option<Command> {
    if let Some(command) = in_image(argv).or_else(|| find(argv)) {
        return Some(command);
    }
    // `sh -c 'exec openclaw gateway'`: one argument is a shell text.
    argv.iter().skip(1).filter(|argument| argument.contains(' ')).find_map(|argument| in_shell(argument))
}

fn find(argv: &[String]) -> Option<Command> {
    let launched = argv.first().is_some_and(|first| LAUNCHERS.contains(&base_name(first)));
    let (position, product) = argv.iter().enumerate().find_map(|(position, argument)| {
        let name = base_name(argument);
        if argument.starts_with('-') || argument.contains(char::is_whitespace) {
            return None;
        }
        if let Some((name, product)) = ENTRY_NAMES.iter().find(|(entry, _)| *entry == name) {
            let is_file = name.ends_with(".mjs");
            return (is_file || position == 0 || launched).then_some((position, Some(*product)));
        }
        let ends = ENTRY_ENDS
            .iter()
            .any(|end| argument.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/')));
        ends.then(|| (position, product_in_path(argument)))
    })?;
    let entry = argv.get(position)?;
    let rest = argv.get(position + 1..).unwrap_or_default();
    if base_name(entry) == "openclaw-gateway" {
        return Some(describe(CommandKind::Gateway, product, entry, rest));
    }
    Some(describe(kind_of(rest), product, entry, rest))
}

/// `podman run … ghcr.io/openclaw/openclaw:TAG [COMMAND]`: the image's own command is a gateway (host-by-release 2.4).
fn in_image(argv: &[String]) -> Option<Command> {
    let engine = argv.first().map(|first| base_name(first))?;
    if !matches!(engine, "docker" | "podman" | "nerdctl") || !argv.iter().any(|argument| argument == "run") {
        return None;
    }
    let (position, product) = argv.iter().enumerate().skip(1).find_map(|(position, argument)| {
        let reference = !argument.starts_with(['-', '/', '.', '~', '$']) && argument.contains(['/', ':']);
        let name = base_name(argument.split('@').next().unwrap_or_default());
        let name = name.split(':').next().unwrap_or_default();
        let product = reference.then(|| product_in_path(name)).flatten()?;
        Some((position, product))
    })?;
    let entry = argv.get(position)?;
    let rest = argv.get(position + 1..).unwrap_or_default();
    let kind = if rest.iter().all(|argument| argument.starts_with('-')) {
        CommandKind::Gateway
    } else {
        find(rest).map_or_else(|| kind_of(rest), |inner| inner.kind)
    };
    Some(describe(kind, Some(product), entry, rest))
}

fn describe(kind: CommandKind, product: Option<Product>, entry: &str, rest: &[String]) -> Command {
    let dev = rest.iter().any(|argument| argument == "--dev").then(|| "dev".to_owned());
    Command {
        kind,
        product,
        entry: entry.to_owned(),
        profile: option(rest, "--profile").or(dev).filter(|profile| profile != "default"),
        port: option(rest, "--port"),
    }
}

/// Decides by the first word that is no option, and for `gateway` by the next one: OpenClaw runs it in the foreground
/// for `gateway` and `gateway run`; a word that is no command of any release is taken for something else, a shell
/// redirection for example.
fn kind_of(rest: &[String]) -> CommandKind {
    let mut words = rest.iter().map(String::as_str);
    match positional(&mut words, VALUE_OPTIONS) {
        Some("gateway") => match positional(&mut words, GATEWAY_VALUE_OPTIONS) {
            Some(word) if GATEWAY_COMMANDS.contains(&word) => CommandKind::Other,
            _ => CommandKind::Gateway,
        },
        Some("node") => match positional(&mut words, GATEWAY_VALUE_OPTIONS) {
            None | Some("run" | "start" | "host") => CommandKind::Node,
            Some(_) => CommandKind::Other,
        },
        _ => CommandKind::Other,
    }
}

/// The next word that is neither an option nor an option's value.
fn positional<'a>(words: &mut impl Iterator<Item = &'a str>, with_value: &[&str]) -> Option<&'a str> {
    while let Some(word) = words.next() {
        if with_value.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// The value of `--name VALUE` or `--name=VALUE`; the last one counts.
fn option(argv: &[String], name: &str) -> Option<String> {
    let mut found = None;
    let mut rest = argv.iter();
    while let Some(argument) = rest.next() {
        if argument == name {
            found = rest.next().cloned();
        } else if let Some(value) = argument.strip_prefix(name).and_then(|tail| tail.strip_prefix('=')) {
            found = Some(value.to_owned());
        }
    }
    found
}

/// The last product name among the components of a path.
pub fn product_in_path(path: &str) -> Option<Product> {
    path.split('/').rev().find_map(|part| match part {
        "openclaw" => Some(Product::Openclaw),
        "clawdbot" => Some(Product::Clawdbot),
        "moltbot" => Some(Product::Moltbot),
        _ => None,
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a process with these arguments, which is known to listen on a gateway's port, is a gateway: by its title, which
/// hides the real arguments, or by those. Before 2026.7.1 `gateway run` bears the bare name of the product (seen on a real
/// 2026.6.11), which other runs of the CLI bear too; but those do not listen.
pub fn listens_as_gateway(argv: &[String]) -> bool {
    let titled =
        argv.first().and_then(|first| title(first)).is_some_and(|(_, sub)| matches!(sub, None | Some("gateway")));
    titled || command(argv).is_some_and(|command| command.kind == CommandKind::Gateway)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Option<CommandKind> {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        command(&argv).map(|command| command.kind)
    }

    #[test]
    fn gateways_are_known_by_entry_and_subcommand() {
        for line in [
            "/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789",
            "/usr/bin/node /usr/lib/node_modules/clawdbot/dist/entry.js gateway --port 18789",
            "/usr/bin/node --max-old-space-size=4096 /x/openclaw/dist/index.js gateway --port 1 --allow-unconfigured",
            "/usr/bin/node /opt/moltbot/moltbot.mjs gateway",
            "node dist/index.js gateway --bind lan --port 18789",
            "openclaw gateway",
            "/home/claw/.npm-global/bin/openclaw --profile work gateway run --force",
            "/usr/bin/env OPENCLAW_GATEWAY_PORT=1 openclaw gateway",
            "/usr/bin/npx -y openclaw gateway",
            "sudo -u claw -H openclaw --dev gateway",
            "openclaw-gateway",
            "openclaw gateway --port 1 --token-file /x run --force",
            "/bin/sh /s/service-env/a-env-wrapper.sh /s/service-env/a.env /n/node /x/openclaw/dist/index.js gateway",
            "/usr/bin/podman run --rm --name claw -v /srv/openclaw:/x ghcr.io/openclaw/openclaw:2026.9.6",
            "/usr/bin/docker run -p 18789:18789 openclaw:local node dist/index.js gateway --bind lan",
        ] {
            assert_eq!(kind(line), Some(CommandKind::Gateway), "{line}");
        }
    }

    #[test]
    fn other_commands_and_other_programs_are_none() {
        for line in [
            "openclaw gateway status --deep",
            "openclaw gateway --port 1 status",
            "openclaw devices list",
            "openclaw agent --message gateway",
            "node /x/openclaw/dist/index.js doctor",
            "openclaw gateway install",
        ] {
            assert_eq!(kind(line), Some(CommandKind::Other), "{line}");
        }
        for line in [
            "/usr/local/bin/openclaw-backup --what gateway",
            "/usr/bin/openclaw-doctor check gateway",
            "/usr/bin/restic backup /home/claw/.openclaw gateway",
            "/usr/bin/tar cf /b.tar /opt/openclaw gateway",
            "/usr/bin/docker run -v /srv/openclaw:/data --name openclaw restic/restic:1 backup",
            "/usr/bin/docker compose up openclaw-gateway",
            "/usr/bin/nginx -c /etc/openclaw/gateway.conf",
            "node /srv/kong/server.js gateway",
            "",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }

    #[test]
    fn node_hosts_are_told_apart() {
        assert_eq!(kind("/usr/bin/node /x/openclaw/dist/index.js node run --host a --port 1"), Some(CommandKind::Node));
        assert_eq!(kind("openclaw nodes list"), Some(CommandKind::Other));
    }

    #[test]
    fn shell_lines_are_looked_into() {
        let argv = ["/bin/bash", "-lc", "cd /srv && exec openclaw --profile work gateway --port=19001 >> /tmp/log"];
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        let command = command(&argv).expect("a command");
        assert_eq!(command.kind, CommandKind::Gateway);
        assert_eq!((command.profile.as_deref(), command.port.as_deref()), (Some("work"), Some("19001")));
    }
}
