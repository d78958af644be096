//! launchd jobs from their plists (host-by-release 2.1, 2.2). Pure reading of files; what launchd itself says is read by
//! [`super::launchctl`]. No Mac was at hand when this was written.

use super::names;
use super::unit::expand_tilde;
use super::verdict::{Evidence, Verdict};
use super::{ServiceInputs, launchctl, search};
use crate::collect::env_files::{self, EnvDialect};
use crate::collect::environment::{self, RawVar};
use crate::collect::recognise;
use crate::collect::source::Source;
use crate::collect::trust::{Rights, rights_for};
use crate::model::file::Account;
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::environment::{EnvFile, Place, Sited};
use crate::snapshot::service::{
    Enabled, ExecLine, ServiceFacts, ServiceSettings, ServiceUnit, UnitKind, UnitPort, Unread,
};
use plist::{Dictionary, Value};
use std::path::{Path, PathBuf};

/// Real plists have a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// At most so many plists of a directory are read.
const MOST_FILES: usize = 1_000;

/// One directory of jobs.
struct JobDirectory<'a> {
    path: PathBuf,
    rights: Rights,
    account: Option<&'a Account>,
}

/// Finds the jobs that start a gateway or a node host. A label counts once per domain; what launchd would load for
/// every user is shown for the first account, in the domain `gui/UID`.
pub fn collect(source: &dyn Source, inputs: &ServiceInputs<'_>, facts: &mut ServiceFacts, vault: &mut SecretVault) {
    let everybody = inputs.homes.iter().find(|account| account.uid >= 500).or(inputs.homes.first());
    let mut directories = vec![
        JobDirectory { path: "/Library/LaunchDaemons".into(), rights: Rights::own(), account: None },
        JobDirectory { path: "/Library/LaunchAgents".into(), rights: Rights::own(), account: everybody },
    ];
    for account in inputs.homes {
        let Some(home) = &account.home else { continue };
        let path = home.join("Library/LaunchAgents");
        directories.push(JobDirectory { path, rights: Rights::of(account), account: Some(account) });
    }
    for directory in directories {
        let listing = source.resolve(&directory.path).and_then(|real| source.list(&real, MOST_FILES));
        let names = match listing {
            Ok(listing) => listing.names,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => {
                let path = HostPath::from(directory.path.as_path());
                facts.unread.push(Unread { why: Unknown::from_io(format!("list {path}"), &error), path });
                continue;
            }
        };
        for name in names.iter().filter_map(|name| name.to_str()) {
            let path = directory.path.join(name);
            if name.ends_with(".plist") {
                facts.units.extend(read(source, &directory, &path, inputs.ask_managers, vault));
            } else if name.contains(".plist") && search::has_our_word(name) {
                facts.leftovers.push(HostPath::from(path.as_path()));
            }
        }
    }
}

/// Reads one plist; `None` where it is none of ours.
fn read(
    source: &dyn Source,
    directory: &JobDirectory<'_>,
    path: &Path,
    ask: bool,
    vault: &mut SecretVault,
) -> Option<ServiceUnit> {
    let stem = path.file_stem()?.to_str()?;
    let parsed = match source.read(path, MOST_BYTES, directory.rights.reader()) {
        Ok(contents) => Value::from_reader(std::io::Cursor::new(&contents.bytes))
            .map_err(|error| Unknown::new(UnknownKind::Malformed, format!("no plist: {error}")))
            .and_then(|value| value.into_dictionary().ok_or_else(not_a_dictionary))
            .map(|dictionary| (dictionary, contents)),
        Err(error) => Err(error.unknown(path)),
    };
    let file = HostPath::from(path);
    let (job, bytes, meta, unread) = match parsed {
        Ok((dictionary, contents)) => (dictionary, contents.bytes, Some(contents.meta), Vec::new()),
        // Only a name of ours makes an unreadable file worth naming.
        Err(why) => {
            names::launchd(stem)?;
            (Dictionary::new(), Vec::new(), None, vec![Unread { path: file.clone(), why }])
        }
    };
    let job = Job { file, job, text: String::from_utf8_lossy(&bytes).into_owned(), account: directory.account };
    let mut unit = job.unit(source, stem, ask, vault)?;
    unit.meta = meta.map_or_else(|| Fact::unknown(UnknownKind::Failed, "the file could not be read"), Fact::Known);
    unit.unread = unread;
    if !unit.unread.is_empty() {
        unit.kind = UnitKind::Unclear;
    }
    Some(unit)
}

fn not_a_dictionary() -> Unknown {
    Unknown::new(UnknownKind::Malformed, "the plist is no dictionary")
}

/// What launchd's own list of disabled jobs says of a label.
fn disabled(source: &dyn Source, account: Option<&Account>, label: &str) -> Option<bool> {
    let name = account.map_or("disabled.plist".to_owned(), |account| format!("disabled.{}.plist", account.uid));
    let path = Path::new("/private/var/db/com.apple.xpc.launchd").join(name);
    let contents = source.read(&path, MOST_BYTES, Rights::own().reader()).ok()?;
    let list = Value::from_reader(std::io::Cursor::new(&contents.bytes)).ok()?;
    list.as_dictionary()?.get(label)?.as_boolean()
}

struct Job<'a> {
    file: HostPath,
    job: Dictionary,
    /// The file's text, for line numbers of XML plists.
    text: String,
    account: Option<&'a Account>,
}

impl Job<'_> {
    fn unit(self, source: &dyn Source, stem: &str, ask: bool, vault: &mut SecretVault) -> Option<ServiceUnit> {
        let label = self.string("Label").map_or_else(|| stem.to_owned(), |label| label.value);
        let argv = self.argv();
        let mut variables = self.variables();
        let (environment_files, from_file) = self.environment_file(source, &argv, vault);
        variables.extend(from_file);
        let environment = environment::environment(&variables, vault);
        let verdict = Verdict::of(&Evidence {
            source,
            account: self.account,
            named: names::launchd(&label),
            commands: &[&argv],
            environment: &environment,
            readable: !self.job.is_empty(),
        })?;
        let at = self.place("ProgramArguments");
        let (masked, mut held) = environment::mask_arguments(&argv, &at, vault);
        held.extend(variables.iter().filter_map(|var| environment::fact(var, vault)));
        held.retain(|var| var.value.secret().is_some());
        let home = environment.get("HOME").cloned().and_then(|var| expand_tilde(var, None)).or_else(|| {
            let home = self.account?.home.as_ref()?;
            Some(Sited { value: HostPath::from(home.as_path()), at: Place { file: self.file.clone(), line: None } })
        });
        let in_home = |names: [&str; 2]| {
            let var = names.iter().find_map(|name| environment.get(name))?.clone();
            expand_tilde(var, home.as_ref())
        };
        let variable_port =
            environment.get("OPENCLAW_GATEWAY_PORT").or_else(|| environment.get("CLAWDBOT_GATEWAY_PORT"));
        let port = match verdict.port {
            Some(text) => Some((text, true, at.clone())),
            None => variable_port.and_then(|var| Some((var.value.plain()?.to_owned(), false, var.at.clone()))),
        };
        let port = port.map(|(text, from_argument, at)| {
            let port = recognise::port_of(&text);
            Sited { value: UnitPort { port, text: text.chars().take(60).collect(), from_argument }, at }
        });
        let named_profile = environment.plain("OPENCLAW_PROFILE").or_else(|| environment.plain("CLAWDBOT_PROFILE"));
        let version = ["OPENCLAW_SERVICE_VERSION", "CLAWDBOT_SERVICE_VERSION"];
        let version = version
            .iter()
            .find_map(|name| environment.get(name))
            .and_then(|var| Some(Sited { value: var.value.plain()?.parse().ok()?, at: var.at.clone() }));
        let domain = self.account.map_or("system".to_owned(), |account| format!("gui/{}", account.uid));
        let overridden = disabled(source, self.account, &label);
        let live = if ask {
            launchctl::state(source, &domain, &label)
        } else {
            Fact::unknown(UnknownKind::NotCollected, "launchd was not asked")
        };
        Some(ServiceUnit {
            manager: Manager::Launchd { domain },
            name: label,
            meta: Fact::Absent,
            shadowed: Vec::new(),
            drop_ins: Vec::new(),
            kind: verdict.kind,
            recognised_by: verdict.recognised_by,
            product: verdict.product,
            legacy_name: verdict.legacy_name,
            profile: named_profile.map(str::to_owned).or(verdict.profile).filter(|profile| profile != "default"),
            user: self.string("UserName"),
            group: self.string("GroupName"),
            home_owner: self.account.map(|account| account.uid),
            exec: vec![ExecLine { setting: "ProgramArguments".to_owned(), argv: masked, at }],
            entry: verdict.entry.map(|entry| HostPath::from(entry.as_str())),
            port,
            state_dir: in_home(["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"]),
            config_path: in_home(["OPENCLAW_CONFIG_PATH", "CLAWDBOT_CONFIG_PATH"]),
            home,
            working_directory: self.string("WorkingDirectory"),
            environment_files,
            unset_environment: Vec::new(),
            settings: self.settings(),
            service_version: version,
            enabled: Fact::Known(self.enabled(overridden)),
            masked: false,
            logs: self.logs(),
            live,
            held_secrets: held,
            environment,
            unread: Vec::new(),
            path: self.file,
        })
    }

    fn string(&self, key: &str) -> Option<Sited<String>> {
        let value = self.job.get(key)?.as_string()?.to_owned();
        Some(Sited { value, at: self.place(key) })
    }

    /// `Program` where there are no arguments.
    fn argv(&self) -> Vec<String> {
        match self.job.get("ProgramArguments").and_then(Value::as_array) {
            Some(arguments) => arguments.iter().filter_map(Value::as_string).map(str::to_owned).collect(),
            None => self.job.get("Program").and_then(Value::as_string).map(str::to_owned).into_iter().collect(),
        }
    }

    fn variables(&self) -> Vec<RawVar> {
        let Some(variables) = self.job.get("EnvironmentVariables").and_then(Value::as_dictionary) else {
            return Vec::new();
        };
        let pairs = variables.iter().filter_map(|(name, value)| Some((name, value.as_string()?)));
        pairs
            .map(|(name, value)| RawVar { name: name.clone(), value: Secret::new(value), at: self.place(name) })
            .collect()
    }

    /// The file that OpenClaw's own wrapper reads (from 2026.4.29): `…/service-env/LABEL-env-wrapper.sh
    /// …/service-env/LABEL.env PROGRAM …`, written as `export NAME='value'`.
    fn environment_file(
        &self,
        source: &dyn Source,
        argv: &[String],
        vault: &mut SecretVault,
    ) -> (Vec<EnvFile>, Vec<RawVar>) {
        let wrapper = argv.iter().position(|argument| argument.ends_with("-env-wrapper.sh"));
        let named = wrapper.and_then(|position| argv.get(position + 1)).filter(|path| path.ends_with(".env"));
        let Some(path) = named.map(Path::new) else { return (Vec::new(), Vec::new()) };
        let rights = rights_for(source, path, self.account);
        let raw = env_files::raw(source, path, EnvDialect::Dotenv, rights.reader());
        let meta = match source.metadata_following(path) {
            Ok(meta) => Fact::Known(meta),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
            Err(error) => Fact::Unknown(Unknown::from_io(format!("look at {}", path.display()), &error)),
        };
        let file = EnvFile {
            path: HostPath::from(path),
            optional: false,
            at: self.place("ProgramArguments"),
            meta,
            environment: raw.as_ref().map(|raw| environment::environment(raw, vault)),
        };
        (vec![file], raw.known().cloned().unwrap_or_default())
    }

    /// The line of a key in an XML plist; binary plists have none.
    fn place(&self, key: &str) -> Place {
        let wanted = format!("<key>{key}</key>");
        let line = (1u32..).zip(self.text.lines()).find(|(_, line)| line.contains(&wanted)).map(|(number, _)| number);
        Place { file: self.file.clone(), line }
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.job.get(key).and_then(Value::as_boolean)
    }

    fn settings(&self) -> ServiceSettings {
        let number = |key: &str| {
            let value = self.job.get(key)?.as_signed_integer()?.to_string();
            Some(Sited { value, at: self.place(key) })
        };
        // A dictionary of conditions keeps it alive under some of them.
        let alive = match self.job.get("KeepAlive") {
            Some(Value::Boolean(true)) => Some("always"),
            Some(Value::Boolean(false)) => Some("no"),
            Some(Value::Dictionary(_)) => Some("conditional"),
            _ => None,
        };
        ServiceSettings {
            restart: alive.map(|word| Sited { value: word.to_owned(), at: self.place("KeepAlive") }),
            restart_sec: number("ThrottleInterval"),
            timeout_stop: number("ExitTimeOut"),
            ..ServiceSettings::default()
        }
    }

    /// `launchctl disable` and `enable` are kept apart from the plist and win over it.
    fn enabled(&self, overridden: Option<bool>) -> Enabled {
        let starts = self.flag("RunAtLoad") == Some(true)
            || matches!(self.job.get("KeepAlive"), Some(Value::Boolean(true) | Value::Dictionary(_)));
        match (overridden.or(self.flag("Disabled")), starts) {
            (Some(true), _) => Enabled::No,
            (_, true) => Enabled::Yes(vec![self.file.clone()]),
            (_, false) => Enabled::Static,
        }
    }

    fn logs(&self) -> Vec<Sited<HostPath>> {
        let keys = ["StandardOutPath", "StandardErrorPath"].into_iter();
        let paths = keys.filter_map(|key| self.string(key)).filter(|sited| sited.value.starts_with('/'));
        paths.map(|sited| Sited { value: HostPath::from(sited.value.as_str()), at: sited.at }).collect()
    }
}
