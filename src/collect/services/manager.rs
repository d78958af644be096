//! Asks a running systemd for the state of units. The only program that the doctor runs while it collects is
//! `/usr/bin/systemctl`, with `show`, which changes nothing; its environment is cleared, its time is limited, and for
//! another account's manager it runs with that account's rights.

use crate::collect::source::Source;
use crate::model::file::{Account, EntryKind};
use crate::model::plan::Manager;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::service::UnitState;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where distributions have it. `/bin` is a link to `/usr/bin` or the older place.
const SYSTEMCTL: &[&str] = &["/usr/bin/systemctl", "/bin/systemctl"];

/// A manager that answers at all answers at once.
const MOST_TIME: Duration = Duration::from_secs(3);

/// A unit's properties take about a kilobyte.
const MOST_OUTPUT: u64 = 1 << 20;

/// What is asked for.
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,ExecMainCode,\
                          UnitFileState,NeedDaemonReload,ControlGroup,FragmentPath,DropInPaths,\
                          ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic";

/// The state of units as their manager tells it, in the order of `units`. `Absent` where the manager is proven not to
/// run; a unit that the manager does not know has the load state `not-found`.
pub fn states(
    source: &dyn Source,
    manager: &Manager,
    account: Option<&Account>,
    units: &[String],
) -> Fact<Vec<UnitState>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    if let Some(other) = reachable(source, manager, account) {
        return other;
    }
    let mut command = match command(source, manager, account) {
        Ok(command) => command,
        Err(why) => return Fact::Unknown(why),
    };
    command.arg("show").arg(format!("--property={PROPERTIES}")).arg("--").args(units);
    match run(&mut command) {
        Ok(text) => parsed(&text, units.len()),
        Err(why) => Fact::Unknown(why),
    }
}

/// Why the manager cannot be asked, without trying: it does not run, or it is another account's.
fn reachable(source: &dyn Source, manager: &Manager, account: Option<&Account>) -> Option<Fact<Vec<UnitState>>> {
    let place = match manager {
        Manager::SystemdSystem => "/run/systemd/system".to_owned(),
        Manager::SystemdUser { uid } => format!("/run/user/{uid}/systemd"),
        Manager::Launchd { .. } => return Some(Fact::unknown(UnknownKind::Unsupported, "launchd is no systemd")),
    };
    let caller = rustix::process::geteuid();
    match source.metadata(Path::new(&place)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Fact::Absent),
        Err(error) => return Some(Fact::Unknown(Unknown::from_io(format!("look at {place}"), &error))),
    }
    let uid = account.map(|account| account.uid);
    if uid.is_some_and(|uid| !caller.is_root() && caller.as_raw() != uid) {
        let why =
            format!("the user manager of uid {} answers only to that account and to root", uid.unwrap_or_default());
        return Some(Fact::unknown(UnknownKind::NoPermission, why));
    }
    None
}

/// `systemctl` by absolute path, as the account, with nothing of the caller's environment.
fn command(source: &dyn Source, manager: &Manager, account: Option<&Account>) -> Result<Command, Unknown> {
    let program = SYSTEMCTL.iter().map(Path::new).find(|path| is_trusted(source, path));
    let Some(program) = program else {
        return Err(Unknown::new(UnknownKind::Unsupported, "no systemctl that only root can change"));
    };
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(["--no-pager", "--no-ask-password"]);
    if let (Manager::SystemdUser { uid }, Some(account)) = (manager, account) {
        command.arg("--user");
        command.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"));
        if rustix::process::geteuid().is_root() && account.uid != 0 {
            // std drops the supplementary groups too when a privileged process sets another uid.
            command.uid(account.uid).gid(account.gid);
        }
    }
    Ok(command)
}

/// A regular file of root's that nobody else can change, nor any directory above it.
fn is_trusted(source: &dyn Source, path: &Path) -> bool {
    let Ok(real) = source.resolve(path) else { return false };
    real.ancestors().all(|step| {
        source.metadata(step).is_ok_and(|meta| {
            let kind = if step == real { EntryKind::File } else { EntryKind::Directory };
            meta.kind == kind && meta.uid == 0 && meta.mode & 0o022 == 0
        })
    })
}

/// Runs a command for a limited time and returns what it printed.
fn run(command: &mut Command) -> Result<String, Unknown> {
    let failed = |error: &std::io::Error| Unknown::from_io("run systemctl", error);
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let output = child.stdout.take();
    let errors = child.stderr.take();
    let deadline = Instant::now() + MOST_TIME;
    // One thread per pipe, so that neither can fill up; both end with the child.
    let reading = |pipe: Option<Box<dyn Read + Send>>| std::thread::spawn(move || text_of(pipe));
    let output = reading(output.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let errors = reading(errors.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let status = wait(&mut child, deadline)?;
    let (output, errors) = (output.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if status.success() {
        return Ok(output);
    }
    let words: String = errors.lines().next().unwrap_or("no reason given").chars().take(200).collect();
    let kind = if words.contains("Permission denied") { UnknownKind::NoPermission } else { UnknownKind::Failed };
    Err(Unknown::new(kind, format!("systemctl show: {words}")))
}

fn text_of(pipe: Option<Box<dyn Read + Send>>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error still counts; the exit status decides.
        let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, deadline: Instant) -> Result<std::process::ExitStatus, Unknown> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = MOST_TIME.as_secs();
                return Err(Unknown::new(UnknownKind::TimedOut, format!("systemctl gave no answer in {seconds} s")));
            }
            Err(error) => return Err(Unknown::from_io("wait for systemctl", &error)),
        }
    }
}

/// The blocks of `systemctl show`, one per unit, separated by blank lines.
fn parsed(text: &str, expected: usize) -> Fact<Vec<UnitState>> {
    let boot = boot_time();
    let states: Vec<UnitState> =
        text.trim().split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| state(block, boot)).collect();
    if states.len() == expected {
        Fact::Known(states)
    } else {
        let why = format!("systemctl described {} units instead of {expected}", states.len());
        Fact::unknown(UnknownKind::Malformed, why)
    }
}

/// One block. Unknown properties are left out by older systemd versions.
fn state(block: &str, boot: Option<jiff::Timestamp>) -> UnitState {
    let mut state = UnitState::default();
    let since_boot = |value: &str| {
        let micros: i64 = value.parse().ok().filter(|micros| *micros > 0)?;
        boot?.checked_add(jiff::SignedDuration::from_micros(micros)).ok()
    };
    for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "LoadState" => state.load = value.to_owned(),
            "ActiveState" => state.active = value.to_owned(),
            "SubState" => state.sub = value.to_owned(),
            "Result" => state.result = value.to_owned(),
            "MainPID" => state.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            "NRestarts" => state.n_restarts = value.parse().ok(),
            "ExecMainStatus" => state.exec_main_status = value.parse().ok(),
            "ExecMainCode" => state.exec_main_code = value.parse().ok(),
            "UnitFileState" => state.unit_file_state = value.to_owned(),
            "NeedDaemonReload" => state.need_daemon_reload = Some(value == "yes"),
            "ControlGroup" => state.control_group = Some(value.to_owned()).filter(|path| !path.is_empty()),
            "FragmentPath" => state.fragment_path = Some(value).filter(|path| !path.is_empty()).map(HostPath::from),
            "DropInPaths" => state.drop_in_paths = value.split_whitespace().map(HostPath::from).collect(),
            "ActiveEnterTimestampMonotonic" => state.active_since = since_boot(value),
            "StateChangeTimestampMonotonic" => state.changed = since_boot(value),
            _ => {}
        }
    }
    state
}

#[cfg(target_os = "linux")]
fn boot_time() -> Option<jiff::Timestamp> {
    let seconds = procfs::boot_time_secs().ok()?;
    jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(not(target_os = "linux"))]
fn boot_time() -> Option<jiff::Timestamp> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn blocks_are_read_and_counted() {
        let text = "Id=a.service\nLoadState=loaded\nActiveState=failed\nResult=start-limit-hit\nMainPID=0\nNRestarts=5\n\
                    DropInPaths=/a/x.conf /a/y.conf\n\nId=b.service\nLoadState=not-found\nActiveState=inactive\n";
        let states = parsed(text, 2);
        let states = states.known().expect("two states");
        assert!(states[0].start_limit_hit() && states[0].main_pid.is_none() && states[0].n_restarts == Some(5));
        assert_eq!(states[0].drop_in_paths.len(), 2);
        assert_eq!(states[1].load, "not-found");
        assert!(parsed(text, 3).why_unknown().is_some());
    }

    /// Captured from systemd 252 after a unit ran into its start limit, another exited with 78, a third runs.
    #[test]
    fn a_real_answer_is_read() {
        let text = include_str!("../../../fixtures/units/show-states.txt");
        let states = parsed(text, 5);
        let states = states.known().expect("five states");
        let shown: Vec<_> = states.iter().map(|s| (s.load.as_str(), s.active.as_str(), s.exec_main_status)).collect();
        assert_eq!(
            shown,
            [
                ("loaded", "failed", Some(1)),
                ("loaded", "failed", Some(78)),
                ("loaded", "active", Some(0)),
                ("masked", "inactive", Some(0)),
                ("not-found", "inactive", Some(0)),
            ]
        );
        assert_eq!(states[0].n_restarts, Some(3));
        assert!(states[2].is_up() && states[2].main_pid == Some(18849) && states[2].changed.is_some());
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let start = Instant::now();
        let mut command = Command::new("/bin/sleep");
        command.arg("30").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let outcome = run(&mut command);
        assert_eq!(outcome.map_err(|why| why.kind), Err(UnknownKind::TimedOut));
        assert!(start.elapsed() < MOST_TIME + Duration::from_secs(5));
    }

    #[test]
    fn below_a_root_no_manager_is_asked() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = LiveSource::below(directory.path()).expect("opens");
        let asked = states(&source, &Manager::SystemdSystem, None, &["a.service".to_owned()]);
        assert_eq!(asked.why_unknown().map(|why| why.kind), Some(UnknownKind::OfflineRoot));
    }
}
