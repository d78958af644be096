//! A service manager for tests: a script in `systemctl`'s place, in a mount namespace of the engine's process alone, which
//! keeps the state of units in files. With it the engine works on the running host, on units that nobody has.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::scenarios::{PAIRED, PAIRED_MENDED, finding};
use openclaw_doctor::collect::source::Account;
use openclaw_doctor::fix::engine::{Engine, Fate, Standing};
use openclaw_doctor::fix::journal::Vault;
use openclaw_doctor::fix::lower::Territory;
use openclaw_doctor::fix::world::{Gateway, Host};
use openclaw_doctor::model::{
    Action, Applicability, Content, Fact, HostPath, Manager, Plan, ProcessId, SecretVault, Step,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const TASK: &str = "OPENCLAW_DOCTOR_TEST_SERVICES";
const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// The account of the tests; no such account need exist.
const UID: u32 = 61_003;
/// The gateway that is meant, and another one.
pub const GATEWAY: &str = "openclaw-gateway.service";
pub const OTHER: &str = "clawdbot-gateway.service";

/// Every kind of plan that works on services.
pub const KINDS: &[&str] =
    &["disable", "disable-and-mask", "stop", "start", "reset-failed", "stopped-meanwhile", "paused-meanwhile"];

/// Why these tests can't run here, if so.
pub fn missing() -> Option<&'static str> {
    let works =
        |program: &str, word: &str| Command::new(program).arg(word).output().is_ok_and(|out| out.status.success());
    if !rustix::process::geteuid().is_root() {
        return Some("a service manager can only be put in place by root");
    }
    if !Path::new(SYSTEMCTL).exists() {
        return Some("systemctl is not installed");
    }
    if !works("strace", "-V") {
        return Some("strace is not installed");
    }
    (!works("unshare", "-m") && !works("unshare", "--version")).then_some("unshare is not installed")
}

/// What the manager knows: unit, load state, enablement, activity.
type Unit = (&'static str, &'static str, &'static str);

fn units(kind: &str) -> Vec<Unit> {
    let other = match kind {
        "start" => (OTHER, "enabled", "inactive"),
        "reset-failed" => (OTHER, "enabled", "failed"),
        _ => (OTHER, "enabled", "active"),
    };
    vec![(GATEWAY, "enabled", "active"), other]
}

/// Lays out the units and a store that is root's.
pub fn set_up(root: &Path, kind: &str) {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(root.join("units")).unwrap();
    fs::create_dir_all(root.join("state/devices")).unwrap();
    for dir in ["state", "state/devices"] {
        chown(root.join(dir), Some(UID), Some(UID)).unwrap();
    }
    let paired = root.join("state/devices/paired.json");
    fs::write(&paired, PAIRED).unwrap();
    fs::set_permissions(&paired, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = if kind == "paused-meanwhile" { 0 } else { UID };
    chown(&paired, Some(owner), Some(owner)).unwrap();
    for (unit, enabled, active) in units(kind) {
        fs::write(root.join(format!("units/{unit}.enabled")), enabled).unwrap();
        fs::write(root.join(format!("units/{unit}.active")), active).unwrap();
    }
    // Each change is one rename: this manager is never in between, as the real one is not.
    let script = format!(
        r#"#!/bin/sh
root='{root}'
verb= unit=
for word in "$@"; do
  case "$word" in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else unit=$word; fi ;;
  esac
done
[ -e "$root/units/$unit.active" ] || {{ echo LoadState=not-found; exit 0; }}
put() {{ printf %s "$2" >"$root/new.$$" && mv "$root/new.$$" "$root/units/$unit.$1"; }}
active=$(cat "$root/units/$unit.active") enabled=$(cat "$root/units/$unit.enabled")
[ "$verb" = show ] || echo "$verb $unit $(stat -c %u "$root/state/devices/paired.json")" >>"$root/calls"
case "$verb" in
  show) printf 'LoadState=loaded\nActiveState=%s\nUnitFileState=%s\nFragmentPath=/usr/lib/systemd/system/%s\nMainPID=0\n' \
    "$active" "$enabled" "$unit" ;;
  stop) put active inactive ;;
  start) [ "$enabled" != masked ] || {{ echo masked >&2; exit 1; }}; put active active ;;
  disable) [ "$enabled" = masked ] || put enabled disabled ;;
  enable) put enabled enabled ;;
  mask) put enabled masked ;;
  unmask) put enabled disabled ;;
  reset-failed) put active inactive ;;
  *) echo "unknown verb $verb" >&2; exit 1 ;;
esac
"#,
        root = root.display()
    );
    fs::write(root.join("systemctl"), script).unwrap();
    fs::set_permissions(root.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// What the manager did, in order, each with the owner of the store at that moment.
pub fn calls(root: &Path) -> Vec<String> {
    fs::read_to_string(root.join("calls")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The units and the store: what a plan changes and an undo brings back.
pub fn picture(root: &Path) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt;
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root.join("units")).unwrap().flatten() {
        all.insert(entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    }
    for entry in walkdir::WalkDir::new(root.join("state")).into_iter().flatten().filter(|entry| entry.path().is_file())
    {
        let meta = entry.metadata().unwrap();
        let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
        let name = entry.path().strip_prefix(root).unwrap().display().to_string();
        all.insert(name, format!("{} {:o} {text}", meta.uid(), meta.mode()));
    }
    all
}

/// A process that somebody left over. Ended with the value.
pub struct Orphan(Child);

impl Orphan {
    pub fn start(root: &Path) -> Self {
        let child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let start = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
        // The program is there once the child has become it.
        let exe = loop {
            let exe = fs::read_link(format!("/proc/{}/exe", child.id())).unwrap();
            if exe.file_name().is_some_and(|name| name != std::env::current_exe().unwrap().file_name().unwrap()) {
                break exe;
            }
            std::thread::yield_now();
        };
        let process = ProcessId { pid: child.id(), start_ticks: start, exe: HostPath::from(exe), uid: 0 };
        fs::write(root.join("process"), serde_json::to_vec(&process).unwrap()).unwrap();
        Self(child)
    }

    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that does a task with that manager, under `strace` with these options where there are any.
pub fn command(options: &[&str], task: &str, root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c"]);
    command.arg("mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"").arg("sh");
    command.arg(root.join("systemctl")).arg(SYSTEMCTL);
    if !options.is_empty() {
        command.arg("strace").args(["-f", "-qq"]).args(options);
    }
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["driver", "--exact", "--ignored", "--nocapture", "--test-threads=1", "--quiet"]);
    command.env(TASK, format!("{task}:{}", root.display()));
    command
}

struct LiveHost {
    root: PathBuf,
    vault: SecretVault,
}

impl LiveHost {
    fn state(&self) -> HostPath {
        HostPath::from(self.root.join("state"))
    }
}

impl Host for LiveHost {
    fn root(&self) -> Option<&Path> {
        None
    }

    fn territory(&self, _installation: Option<&str>) -> Fact<Territory> {
        // With the file `other` the options of this run name the installation of another account.
        let uid = if self.root.join("other").exists() { UID + 1 } else { UID };
        let account = Account { uid, gid: uid, groups: vec![uid], name: None, home: None };
        Fact::Known(Territory { account, bases: vec![self.state()], frozen: Vec::new() })
    }

    fn gateway(&self, _installation: Option<&str>) -> Gateway {
        // With the file `loose` the process is a gateway that no manager started.
        if self.root.join("loose").exists() {
            return Gateway::Loose { process: orphan(&self.root), start: "openclaw gateway run".to_owned() };
        }
        match fs::read_to_string(self.root.join(format!("units/{GATEWAY}.active"))).unwrap().as_str() {
            "active" => Gateway::Unit { manager: Manager::SystemdSystem, unit: GATEWAY.to_owned() },
            _ => Gateway::Stopped,
        }
    }

    fn external_supervisor(&self, _installation: Option<&str>) -> Option<String> {
        self.root.join("external").exists().then(|| "change it where it is supervised from".to_owned())
    }

    fn secrets(&self) -> &SecretVault {
        &self.vault
    }

    fn home(&self) -> Option<PathBuf> {
        None
    }
}

fn orphan(root: &Path) -> ProcessId {
    serde_json::from_slice(&fs::read(root.join("process")).unwrap()).unwrap()
}

fn plan_for(kind: &str, root: &Path) -> Plan {
    let (manager, unit) = (Manager::SystemdSystem, OTHER.to_owned());
    let paired = HostPath::from(root.join("state/devices/paired.json"));
    let mended = || Action::Replace {
        path: paired.clone(),
        seen: Content(PAIRED.to_vec()).digest(),
        content: Content(PAIRED_MENDED.to_vec()),
    };
    let plan = |actions: Vec<Action>| {
        let steps = actions.into_iter().map(|action| Step::new(action, "the test wants it")).collect();
        Plan::of(&finding(), Applicability::Safe, "a plan of the tests", steps)
    };
    match kind {
        "disable" => plan(vec![Action::DisableUnit { manager, unit, mask: false }]),
        "disable-and-mask" => plan(vec![Action::DisableUnit { manager, unit, mask: true }]),
        "stop" => plan(vec![Action::StopUnit { manager, unit }]),
        "start" => plan(vec![Action::StartUnit { manager, unit }]),
        "reset-failed" => plan(vec![Action::ResetFailedUnit { manager, unit }]),
        "stopped-meanwhile" => plan(vec![mended()]).with_gateway_stopped(),
        "paused-meanwhile" => {
            plan(vec![Action::Chown { path: paired.clone(), uid: UID, gid: UID }, mended()]).with_gateway_paused()
        }
        "end-process" => plan(vec![Action::EndProcess { process: orphan(root), kill: false }]),
        other => panic!("no kind {other}"),
    }
}

/// What the test `driver` does. Returns at once where nobody asked.
pub fn run() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (kind, root) = task.split_once(':').unwrap();
    let host = LiveHost { root: PathBuf::from(root), vault: SecretVault::default() };
    let engine = Engine::new(&host).expect("an engine");
    let vault = Vault::create(&engine.top, &HostPath::from(host.root.join("journal"))).expect("a vault");
    let code = match kind {
        "undo" => undo(&engine, &vault),
        "look" => look(&engine, &vault),
        _ => apply(&engine, &vault, plan_for(kind, &host.root)),
    };
    std::process::exit(code);
}

fn apply(engine: &Engine<'_>, vault: &Vault, plan: Plan) -> i32 {
    let prepared = engine.prepare(vec![plan]);
    if let Some(words) = &prepared[0].gateway {
        eprintln!("gateway: {words}");
    }
    match &prepared[0].standing {
        Standing::Ready => {}
        Standing::Nothing => return 16,
        other => {
            eprintln!("{other:?}");
            return 13;
        }
    }
    match engine.apply(&prepared, &[true], vault, jiff::Timestamp::now()) {
        Ok(applied) if applied.fates == [Some(Fate::Applied)] && applied.alarms.is_empty() => 0,
        Ok(applied) => {
            eprintln!("{:?} {:?}", applied.fates, applied.alarms);
            11
        }
        Err(error) => {
            eprintln!("{error}");
            12
        }
    }
}

fn undo(engine: &Engine<'_>, vault: &Vault) -> i32 {
    let Some(id) = engine.newest(vault).expect("transactions") else { return 15 };
    let done = engine.prepare_undo(vault, &id).and_then(|prepared| {
        prepared.notes.iter().for_each(|note| eprintln!("note: {note}"));
        engine.undo(&prepared, vault, jiff::Timestamp::now())
    });
    match done {
        Ok((_, alarms)) if alarms.is_empty() => 0,
        Ok((_, alarms)) => {
            eprintln!("{alarms:?}");
            11
        }
        Err(error) => {
            eprintln!("{error}");
            11
        }
    }
}

/// Whether what was cut short can be looked at.
fn look(engine: &Engine<'_>, vault: &Vault) -> i32 {
    let looked: Result<Vec<_>, _> =
        engine.interrupted(vault).expect("a list").iter().map(|id| engine.prepare_undo(vault, id)).collect();
    match looked {
        Ok(_) => 0,
        Err(error) => {
            eprintln!("{error}");
            11
        }
    }
}
