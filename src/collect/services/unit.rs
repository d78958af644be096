//! One systemd unit as a fact, from its files.

use super::lines::Lines;
use super::names;
use super::search::{UnitDirectory, UnitFiles};
use super::specifiers::Specifiers;
use super::syntax::{Escapes, commands, replace_variables, words};
use super::verdict::{Evidence, Verdict};
use crate::collect::accounts::AccountBook;
use crate::collect::env_files::{self, EnvDialect};
use crate::collect::environment::{self, RawVar};
use crate::collect::recognise;
use crate::collect::source::Source;
use crate::collect::trust::rights_for;
use crate::model::file::Account;
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Release, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::environment::{EnvFile, EnvVar, Place, Sited};
use crate::snapshot::service::{Enabled, ExecLine, ServiceSettings, ServiceUnit, UnitPort, Unread};
use std::path::Path;

/// What one manager's units have in common.
pub struct Context<'a> {
    /// The host's files.
    pub source: &'a dyn Source,
    /// The host's accounts.
    pub book: &'a AccountBook,
    /// The manager.
    pub manager: Manager,
    /// The account of a user manager.
    pub account: Option<&'a Account>,
    /// The load path.
    pub directories: &'a [UnitDirectory],
    /// What the manager itself gives to its units (`environment.d`).
    pub inherited: &'a [RawVar],
}

/// Settings that can close the state to the service.
const SANDBOX: &[&str] = &[
    "DynamicUser",
    "PrivateTmp",
    "ProtectHome",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "InaccessiblePaths",
    "StateDirectory",
    "RootDirectory",
    "TemporaryFileSystem",
    "BindPaths",
    "PrivateUsers",
    "PrivateNetwork",
    "NetworkNamespacePath",
];

/// Reads a unit; `None` where it is none of ours.
pub fn read(context: &Context<'_>, files: &UnitFiles, vault: &mut SecretVault) -> Option<ServiceUnit> {
    let lines = Lines::read(context.source, files, context.directories);
    let builder = Builder { context, files, specifiers: specifiers(context, files), unread: Vec::new(), lines };
    builder.build(vault)
}

fn specifiers(context: &Context<'_>, files: &UnitFiles) -> Specifiers {
    let root = context.book.by_uid(0).0;
    let runs = context.account.unwrap_or(&root);
    Specifiers {
        unit: files.name.clone(),
        home: runs.home.as_ref().and_then(|home| home.to_str()).map(str::to_owned),
        user: runs.name.clone(),
        uid: Some(runs.uid),
        of_user: context.account.is_some(),
    }
}

struct Builder<'a> {
    context: &'a Context<'a>,
    files: &'a UnitFiles,
    specifiers: Specifiers,
    lines: Lines,
    unread: Vec<Unread>,
}

/// A unit's variables on the way to the fact.
struct Variables {
    /// What the program will see, in order of precedence.
    seen: Vec<RawVar>,
    /// Every setting.
    all: Vec<RawVar>,
    files: Vec<EnvFile>,
    unset: Vec<Sited<String>>,
}

impl Builder<'_> {
    fn build(mut self, vault: &mut SecretVault) -> Option<ServiceUnit> {
        let variables = self.variables(vault);
        let raw = self.command_lines(&variables.seen);
        let environment = environment::environment(&variables.seen, vault);
        let verdict = Verdict::of(&Evidence {
            source: self.context.source,
            account: self.context.account,
            named: names::systemd(&self.files.name),
            commands: &raw.iter().filter(|(setting, ..)| *setting == "ExecStart").map(|c| &c.1).collect::<Vec<_>>(),
            environment: &environment,
            readable: self.lines.readable && !self.lines.masked,
        })?;
        let (exec, mut held) = self.masked(raw, &variables, vault);
        held.extend(variables.all.iter().filter_map(|var| environment::fact(var, vault)));
        held.retain(|var| var.value.secret().is_some());
        let account = self.service_account();
        let variable = |names: &[&str]| names.iter().find_map(|name| environment.get(name)).cloned();
        let home = variable(&["HOME"]).and_then(path_of).or_else(|| self.default_home(account.as_ref()));
        let under_home = |var: EnvVar| expand_tilde(var, home.as_ref());
        let state_dir = variable(&["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"]).and_then(under_home);
        let config_path = variable(&["OPENCLAW_CONFIG_PATH", "CLAWDBOT_CONFIG_PATH"]).and_then(under_home);
        let named_profile = environment.plain("OPENCLAW_PROFILE").or_else(|| environment.plain("CLAWDBOT_PROFILE"));
        let profile = named_profile.map(str::to_owned).or(verdict.profile).filter(|profile| profile != "default");
        let argument_port = verdict.port.map(|text| (text, true, exec.first().map(|line| line.at.clone())));
        let variable_port = variable(&["OPENCLAW_GATEWAY_PORT", "CLAWDBOT_GATEWAY_PORT"])
            .and_then(|var| Some((var.value.plain()?.to_owned(), false, Some(var.at))));
        let port = argument_port.or(variable_port).and_then(|(text, from_argument, at)| {
            let port = recognise::port_of(&text);
            let text = text.chars().take(60).collect();
            Some(Sited { value: UnitPort { port, text, from_argument }, at: at? })
        });
        self.unread.append(&mut self.lines.unread);
        Some(ServiceUnit {
            manager: self.context.manager.clone(),
            name: self.files.name.clone(),
            path: HostPath::from(self.files.path.as_path()),
            meta: self.lines.meta.take().unwrap_or(Fact::Absent),
            shadowed: self.files.shadowed.iter().map(|path| HostPath::from(path.as_path())).collect(),
            drop_ins: self.files.drop_ins.iter().map(|(_, path)| HostPath::from(path.as_path())).collect(),
            kind: verdict.kind,
            recognised_by: verdict.recognised_by,
            product: verdict.product,
            legacy_name: verdict.legacy_name,
            profile,
            user: self.setting("User"),
            group: self.setting("Group"),
            home_owner: self.home_owner(),
            entry: verdict.entry.map(|entry| HostPath::from(entry.as_str())),
            port,
            home,
            state_dir,
            config_path,
            working_directory: self.setting("WorkingDirectory"),
            environment_files: variables.files,
            unset_environment: variables.unset,
            settings: self.settings(),
            service_version: self.version(variable(&["OPENCLAW_SERVICE_VERSION", "CLAWDBOT_SERVICE_VERSION"])),
            enabled: Fact::Known(self.enabled()),
            masked: self.lines.masked,
            logs: self.logs(),
            live: Fact::unknown(UnknownKind::NotCollected, "the manager was not asked"),
            exec,
            held_secrets: held,
            environment,
            unread: self.unread,
        })
    }

    fn home_owner(&self) -> Option<u32> {
        let directory = self.context.directories.get(self.files.directory)?;
        directory.in_home.then(|| self.context.account.map(|account| account.uid)).flatten()
    }

    fn setting(&self, key: &str) -> Option<Sited<String>> {
        let sited = self.lines.last("Service", key)?;
        Some(Sited { value: self.specifiers.expand(&sited.value), at: sited.at })
    }

    fn variables(&mut self, vault: &mut SecretVault) -> Variables {
        let counting = self.assigned(&self.lines.list("Service", "Environment"));
        let mut all = self.assigned(&self.lines.every("Service", "Environment"));
        let mut seen = [self.context.inherited, &counting].concat();
        let mut files = Vec::new();
        let named: Vec<Sited<String>> = owned(&self.lines.list("Service", "EnvironmentFile"));
        for line in named {
            let (file, raw) = self.environment_file(&line, vault);
            seen.extend(raw.iter().cloned());
            all.extend(raw);
            files.extend(file);
        }
        let mut unset = Vec::new();
        for line in self.lines.list("Service", "UnsetEnvironment") {
            for word in words(line.value, Escapes::Refused).0 {
                let (name, value) =
                    word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
                seen.retain(|var| var.name != name || value.is_some_and(|value| var.value.expose() != value));
                unset.push(Sited { value: name.to_owned(), at: line.at.clone() });
            }
        }
        Variables { seen, all, files, unset }
    }

    /// `Environment=` lines as variables.
    fn assigned(&self, lines: &[Sited<&str>]) -> Vec<RawVar> {
        let mut found = Vec::new();
        for line in lines {
            for word in words(line.value, Escapes::Refused).0 {
                if let Some((name, value)) = self.specifiers.expand(&word).split_once('=') {
                    found.push(RawVar { name: name.to_owned(), value: Secret::new(value), at: line.at.clone() });
                }
            }
        }
        found
    }

    /// One `EnvironmentFile=`; patterns with `*` are not followed and said so.
    fn environment_file(&mut self, line: &Sited<String>, vault: &mut SecretVault) -> (Option<EnvFile>, Vec<RawVar>) {
        let expanded = self.specifiers.expand(&line.value);
        let (optional, text) = match expanded.strip_prefix('-') {
            Some(rest) => (true, rest.to_owned()),
            None => (false, expanded),
        };
        let path = Path::new(&text);
        if !path.is_absolute() || text.contains(['*', '?', '[']) {
            let why =
                Unknown::new(UnknownKind::Unsupported, format!("EnvironmentFile `{text}` is no plain absolute path"));
            self.unread.push(Unread { path: line.at.file.clone(), why });
            return (None, Vec::new());
        }
        let source = self.context.source;
        let rights = rights_for(source, path, self.context.account);
        let raw = env_files::raw(source, path, EnvDialect::Systemd, rights.reader());
        if let Fact::Unknown(why) = &raw {
            self.unread.push(Unread { path: HostPath::from(path), why: why.clone() });
        }
        let meta = match source.metadata_following(path) {
            Ok(meta) => Fact::Known(meta),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
            Err(error) => Fact::Unknown(Unknown::from_io(format!("look at {text}"), &error)),
        };
        let environment = raw.as_ref().map(|raw| environment::environment(raw, vault));
        let file = EnvFile { path: HostPath::from(path), optional, at: line.at.clone(), meta, environment };
        (Some(file), raw.known().cloned().unwrap_or_default())
    }

    /// Command lines with variables and specifiers replaced, secrets still in them.
    fn command_lines(&self, variables: &[RawVar]) -> Vec<(&'static str, Vec<String>, Place)> {
        let value_of =
            |name: &str| variables.iter().rev().find(|var| var.name == name).map(|var| var.value.expose().to_owned());
        let mut found = Vec::new();
        for key in ["ExecStart", "ExecStartPre"] {
            for line in self.lines.list("Service", key) {
                for (prefix, argv) in commands(line.value).unwrap_or_default() {
                    let argv: Vec<String> = argv.iter().map(|word| self.specifiers.expand(word)).collect();
                    let argv = if prefix.literal { argv } else { replace_variables(argv, value_of) };
                    found.push((key, argv, line.at.clone()));
                }
            }
        }
        found
    }

    /// The command lines without secrets, also without those that variables brought in.
    fn masked(
        &self,
        raw: Vec<(&'static str, Vec<String>, Place)>,
        variables: &Variables,
        vault: &mut SecretVault,
    ) -> (Vec<ExecLine>, Vec<EnvVar>) {
        let mut lines = Vec::new();
        let mut held = Vec::new();
        for (setting, argv, at) in raw {
            let (mut argv, found) = environment::mask_arguments(&argv, &at, vault);
            for argument in &mut argv {
                *argument = environment::mask_values(argument, &variables.all, vault);
            }
            held.extend(found);
            lines.push(ExecLine { setting: setting.to_owned(), argv, at });
        }
        (lines, held)
    }

    /// The account that a system unit runs as.
    fn service_account(&self) -> Option<Account> {
        if let Some(account) = self.context.account {
            return Some(account.clone());
        }
        match self.setting("User") {
            Some(user) => self.context.book.resolve(&user.value).known().cloned(),
            None => Some(self.context.book.by_uid(0).0),
        }
    }

    fn default_home(&self, account: Option<&Account>) -> Option<Sited<HostPath>> {
        let home = account?.home.as_ref()?;
        let from = self.lines.last("Service", "User").map(|user| user.at);
        let at = from.unwrap_or_else(|| Place { file: HostPath::from(self.files.path.as_path()), line: None });
        Some(Sited { value: HostPath::from(home.as_path()), at })
    }

    fn settings(&self) -> ServiceSettings {
        let unit = |key: &str| self.lines.last("Unit", key);
        // Until systemd 229 the limits stood in `[Service]`, and there they are still taken.
        let limit = |new: &str, old: &str| unit(new).or_else(|| unit(old)).or_else(|| self.setting(old));
        ServiceSettings {
            restart: self.setting("Restart"),
            restart_sec: self.setting("RestartSec"),
            restart_prevent_exit_status: self.setting("RestartPreventExitStatus"),
            success_exit_status: self.setting("SuccessExitStatus"),
            start_limit_burst: limit("StartLimitBurst", "StartLimitBurst"),
            start_limit_interval: limit("StartLimitIntervalSec", "StartLimitInterval"),
            kill_mode: self.setting("KillMode"),
            timeout_start: self.setting("TimeoutStartSec"),
            timeout_stop: self.setting("TimeoutStopSec"),
            kind: self.setting("Type"),
            limit_nofile: self.setting("LimitNOFILE"),
            sandbox: SANDBOX.iter().filter_map(|key| Some(((*key).to_owned(), self.setting(key)?))).collect(),
        }
    }

    fn version(&self, variable: Option<EnvVar>) -> Option<Sited<Release>> {
        if let Some(var) = variable
            && let Some(release) = var.value.plain().and_then(|text| text.parse().ok())
        {
            return Some(Sited { value: release, at: var.at });
        }
        // `OpenClaw Gateway (profile: work, v2026.2.19)`
        let description = self.lines.last("Unit", "Description")?;
        let (_, inside) = description.value.rsplit_once('(')?;
        let word = inside.trim_end_matches(')').rsplit(',').next()?.trim().strip_prefix('v')?;
        Some(Sited { value: word.parse().ok()?, at: description.at.clone() })
    }

    fn enabled(&self) -> Enabled {
        let links: Vec<HostPath> = self.files.wanted_by.iter().map(|link| HostPath::from(link.as_path())).collect();
        if !links.is_empty() {
            Enabled::Yes(links)
        } else if self.lines.has_section("Install") {
            Enabled::No
        } else {
            Enabled::Static
        }
    }

    fn logs(&self) -> Vec<Sited<HostPath>> {
        let settings = ["StandardOutput", "StandardError"].into_iter().filter_map(|key| self.setting(key));
        let mut logs: Vec<Sited<HostPath>> = Vec::new();
        for sited in settings {
            let path = ["file:", "append:", "truncate:"].iter().find_map(|kind| sited.value.strip_prefix(kind));
            if let Some(path) = path.map(HostPath::from).filter(|path| logs.iter().all(|log| log.value != *path)) {
                logs.push(Sited { value: path, at: sited.at });
            }
        }
        logs
    }
}

fn owned(lines: &[Sited<&str>]) -> Vec<Sited<String>> {
    lines.iter().map(|line| Sited { value: line.value.to_owned(), at: line.at.clone() }).collect()
}

fn path_of(var: EnvVar) -> Option<Sited<HostPath>> {
    let path = var.value.plain().map(str::trim).filter(|path| path.starts_with('/'))?;
    Some(Sited { value: HostPath::from(path), at: var.at })
}

/// OpenClaw expands `~` in its own path variables.
pub(super) fn expand_tilde(var: EnvVar, home: Option<&Sited<HostPath>>) -> Option<Sited<HostPath>> {
    let text = var.value.plain()?.trim();
    let value = match text.strip_prefix('~') {
        Some(tail) if tail.is_empty() || tail.starts_with('/') => home?.value.join(tail.trim_start_matches('/')),
        _ if text.starts_with('/') => HostPath::from(text),
        _ => return None,
    };
    Some(Sited { value, at: var.at })
}
