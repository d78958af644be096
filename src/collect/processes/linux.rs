//! Processes from `/proc`.

use super::{Judgement, MOST_OURS, MOST_PROCESSES, cgroup, judge};
use crate::collect::environment::{self, RawVar};
use crate::collect::programs::manifest;
use crate::collect::recognise;
use crate::collect::source::Source;
use crate::model::{Fact, HostPath, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::environment::{Environment, Place};
use crate::snapshot::process::{CgroupPlace, Namespace, ProcessFact, ProcessFacts, ProcessRole};
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, LimitValue, MMapPath, ProcState, Process, Stat};
use procfs::{ProcError, ProcResult};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longer command lines are cut.
const MOST_ARGUMENT_BYTES: u64 = 64 << 10;

/// At most so many paths of one process are kept.
const MOST_PATHS: usize = 50;

/// Finds the processes that matter.
pub(super) fn collect(source: &dyn Source, vault: &mut SecretVault) -> Fact<ProcessFacts> {
    let all = match procfs::process::all_processes() {
        Ok(all) => all,
        Err(error) => return Fact::Unknown(reason("list /proc", &error)),
    };
    let mut facts = ProcessFacts::default();
    facts.blind.extend(hidden_processes());
    let mut own = Own::look();
    for process in all.filter_map(Result::ok) {
        if facts.seen == MOST_PROCESSES || facts.processes.len() == MOST_OURS {
            facts.blind.push(Unknown::new(UnknownKind::TooLarge, "more processes than are looked at"));
            break;
        }
        facts.seen += 1;
        if process.pid() == own.pid {
            continue;
        }
        // A process that ends meanwhile is none that matters.
        let Ok(stat) = process.stat() else { continue };
        let argv = arguments(&process).unwrap_or_default();
        let exe = process.exe();
        if let Some(judgement) = judge(&argv, &stat.comm, exe.as_deref().ok()) {
            facts.processes.extend(describe(source, &mut own, &process, &stat, argv, judgement, vault));
        }
    }
    Fact::Known(facts)
}

/// With `hidepid` an account does not see other accounts' processes, not even process 1.
fn hidden_processes() -> Option<Unknown> {
    let first = Process::new(1).and_then(|process| process.stat());
    first.err().map(|_| {
        Unknown::new(UnknownKind::NoPermission, "processes of other accounts are hidden here (mount option hidepid)")
    })
}

/// What the doctor compares with.
struct Own {
    pid: i32,
    namespaces: Option<procfs::process::Namespaces>,
    container: Option<String>,
    boot: Option<u64>,
    /// Listening sockets of this network namespace, by inode; read when the first process of ours is met.
    sockets: Option<Result<BTreeMap<u64, u16>, Unknown>>,
}

impl Own {
    fn look() -> Self {
        let process = Process::myself().ok();
        let place = process.as_ref().and_then(|process| place_of(process).ok().flatten());
        Self {
            pid: process.as_ref().map_or(0, Process::pid),
            namespaces: process.as_ref().and_then(|process| process.namespaces().ok()),
            container: place.and_then(|place| place.container),
            boot: procfs::boot_time_secs().ok(),
            sockets: None,
        }
    }

    /// Ports on which a process with these sockets listens.
    fn ports(&mut self, process: &Process, network: &Fact<Namespace>, sockets: &BTreeSet<u64>) -> Fact<Vec<u16>> {
        let elsewhere = network.known().is_some_and(|network| !network.own);
        let table = if elsewhere {
            &listening(process.tcp(), process.tcp6())
        } else {
            self.sockets.get_or_insert_with(|| listening(procfs::net::tcp(), procfs::net::tcp6()))
        };
        match table {
            Ok(table) => {
                let ports: BTreeSet<u16> = sockets.iter().filter_map(|inode| table.get(inode)).copied().collect();
                Fact::Known(ports.into_iter().collect())
            }
            Err(why) => Fact::Unknown(why.clone()),
        }
    }

    fn namespace(&self, of: &ProcResult<procfs::process::Namespaces>, kind: &str) -> Fact<Namespace> {
        let find = |all: &procfs::process::Namespaces| all.0.get(OsStr::new(kind)).map(|found| found.identifier);
        match of {
            Ok(all) => match find(all) {
                Some(id) => Fact::Known(Namespace { id, own: self.namespaces.as_ref().and_then(find) == Some(id) }),
                None => Fact::unknown(UnknownKind::Unsupported, format!("this kernel has no {kind} namespaces")),
            },
            Err(error) => Fact::Unknown(reason("look at its namespaces", error)),
        }
    }
}

/// Ports of listening sockets by inode. A kernel without IPv6 has no second table.
fn listening(
    four: ProcResult<Vec<TcpNetEntry>>,
    six: ProcResult<Vec<TcpNetEntry>>,
) -> Result<BTreeMap<u64, u16>, Unknown> {
    let four = four.map_err(|error| reason("read the table of sockets", &error))?;
    let entries = four.into_iter().chain(six.unwrap_or_default());
    let listening = entries.filter(|entry| entry.state == TcpState::Listen);
    Ok(listening.map(|entry| (entry.inode, entry.local_address.port())).collect())
}

/// The arguments, also those that are no UTF-8. The blanks that a title leaves are kept off.
fn arguments(process: &Process) -> ProcResult<Vec<String>> {
    let mut bytes = Vec::new();
    let file = process.open_relative("cmdline")?;
    file.take(MOST_ARGUMENT_BYTES).read_to_end(&mut bytes)?;
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    Ok(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// What a process is to us, if anything.
pub(in crate::collect) fn judge_process(process: &Process, stat: &Stat) -> Option<ProcessRole> {
    let argv = arguments(process).unwrap_or_default();
    judge(&argv, &stat.comm, process.exe().as_deref().ok()).map(|judgement| judgement.role)
}

/// What may be said of any process, for owners of listeners.
pub(in crate::collect) struct Holder {
    pub(in crate::collect) argv: Vec<String>,
    pub(in crate::collect) role: Option<ProcessRole>,
    pub(in crate::collect) exe: Fact<HostPath>,
    pub(in crate::collect) cgroup: Option<CgroupPlace>,
}

/// Describes any process; secrets in its arguments are masked.
pub(in crate::collect) fn holder(process: &Process, stat: &Stat, vault: &mut SecretVault) -> Holder {
    let argv = arguments(process).unwrap_or_default();
    let exe = process.exe();
    let role = judge(&argv, &stat.comm, exe.as_deref().ok()).map(|judgement| judgement.role);
    let (argv, _) = environment::mask_arguments(&argv, &place(process, "cmdline"), vault);
    let cgroup = cgroup_fact(process).known().cloned();
    Holder { argv: shortened(argv), role, exe: path_fact("its executable", exe).0, cgroup }
}

fn shortened(argv: Vec<String>) -> Vec<String> {
    argv.into_iter().take(40).map(|word| word.chars().take(500).collect()).collect()
}

fn place(process: &Process, file: &str) -> Place {
    Place { file: HostPath::new(format!("/proc/{}/{file}", process.pid())), line: None }
}

fn describe(
    source: &dyn Source,
    own: &mut Own,
    process: &Process,
    stat: &Stat,
    raw_argv: Vec<String>,
    judgement: Judgement,
    vault: &mut SecretVault,
) -> Option<ProcessFact> {
    let status = process.status().ok()?;
    let namespaces = process.namespaces();
    let (argv, _) = environment::mask_arguments(&raw_argv, &place(process, "cmdline"), vault);
    let (exe, exe_deleted) = path_fact("its executable", process.exe());
    let mounts = own.namespace(&namespaces, "mnt");
    let network = own.namespace(&namespaces, "net");
    let files = open_files(process);
    let ports = match &files {
        Fact::Known(files) => own.ports(process, &network, &files.sockets),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    };
    let package = package(source, process, &raw_argv, &mounts);
    let state = stat.state().ok();
    let mut cgroup = cgroup_fact(process);
    if let Fact::Known(place) = &mut cgroup
        && place.container == own.container
    {
        place.container = None;
    }
    Some(ProcessFact {
        pid: u32::try_from(stat.pid).ok()?,
        ppid: u32::try_from(stat.ppid).unwrap_or_default(),
        uid: status.ruid,
        euid: status.euid,
        start_ticks: stat.starttime,
        started: started(own.boot, stat.starttime),
        role: judgement.role,
        recognised_by: judgement.by,
        product: judgement.product,
        comm: stat.comm.clone(),
        argv: shortened(argv),
        exe,
        exe_deleted,
        cwd: path_fact("its directory", process.cwd()).0,
        root: path_fact("its root directory", process.root()).0,
        cgroup,
        network,
        ports,
        pids: own.namespace(&namespaces, "pid"),
        mounts,
        environment: variables(process, vault),
        open_files: known("count its open files", process.fd_count()).map(|count| count as u64),
        open_files_limit: known("read its limits", process.limits()).map(|limits| {
            match limits.max_open_files.soft_limit {
                LimitValue::Unlimited => u64::MAX,
                LimitValue::Value(limit) => limit,
            }
        }),
        package,
        deleted_files: files.as_ref().map(|files| files.deleted.clone()),
        databases: files.map(|files| files.databases),
        zombie: state == Some(ProcState::Zombie),
        stopped: matches!(state, Some(ProcState::Stopped | ProcState::Tracing)),
    })
}

fn started(boot: Option<u64>, ticks: u64) -> Fact<jiff::Timestamp> {
    let millis = ticks.saturating_mul(1000).checked_div(procfs::ticks_per_second());
    let time = boot.zip(millis).and_then(|(boot, millis)| {
        let since_epoch = boot.checked_mul(1000)?.checked_add(millis)?;
        jiff::Timestamp::from_millisecond(i64::try_from(since_epoch).ok()?).ok()
    });
    match time {
        Some(time) => Fact::Known(time),
        None => Fact::unknown(UnknownKind::Unsupported, "the time of the last boot is not known"),
    }
}

fn variables(process: &Process, vault: &mut SecretVault) -> Fact<Environment> {
    known("read its environment", process.environ()).map(|all| {
        let at = place(process, "environ");
        let raw: Vec<RawVar> = all
            .into_iter()
            .filter_map(|(name, value)| {
                let value = Secret::new(value.to_string_lossy());
                Some(RawVar { name: name.into_string().ok()?, value, at: at.clone() })
            })
            .collect();
        environment::environment(&raw, vault)
    })
}

fn cgroup_fact(process: &Process) -> Fact<CgroupPlace> {
    match place_of(process) {
        Ok(place) => place.into(),
        Err(error) => Fact::Unknown(reason("read its cgroup", &error)),
    }
}

fn place_of(process: &Process) -> ProcResult<Option<CgroupPlace>> {
    let all = process.cgroups()?;
    Ok(cgroup::place(all.0.iter().map(|one| (one.hierarchy, one.controllers.as_slice(), one.pathname.as_str()))))
}

/// Open files that matter.
#[derive(Default, Clone)]
struct OpenFiles {
    deleted: Vec<HostPath>,
    databases: Vec<HostPath>,
    sockets: BTreeSet<u64>,
}

fn open_files(process: &Process) -> Fact<OpenFiles> {
    let fds = match process.fd() {
        Ok(fds) => fds,
        Err(error) => return Fact::Unknown(reason("list its open files", &error)),
    };
    let mut files = OpenFiles::default();
    let mut paths = BTreeSet::new();
    for info in fds.filter_map(Result::ok) {
        match info.target {
            FDTarget::Path(path) => {
                paths.insert(path);
            }
            FDTarget::Socket(inode) => {
                files.sockets.insert(inode);
            }
            _ => {}
        }
    }
    for path in paths {
        let text = path.to_string_lossy();
        if text.starts_with("/dev/") || text.starts_with("/proc/") {
            continue;
        }
        if let Some(gone) = text.strip_suffix(" (deleted)") {
            files.deleted.push(HostPath::from(gone));
        } else if text.ends_with(".sqlite") {
            files.databases.push(HostPath::from(path.as_path()));
        }
    }
    files.deleted.truncate(MOST_PATHS);
    files.databases.truncate(MOST_PATHS);
    Fact::Known(files)
}

/// The package from the arguments; where a title has taken their place, from native modules that are mapped.
fn package(source: &dyn Source, process: &Process, argv: &[String], mounts: &Fact<Namespace>) -> Fact<HostPath> {
    if mounts.known().is_some_and(|mounts| !mounts.own) {
        return Fact::unknown(UnknownKind::Unsupported, "it runs in another mount namespace");
    }
    let entry = recognise::command(argv).map(|command| PathBuf::from(command.entry));
    let entry = entry.filter(|entry| entry.components().count() > 1).map(|entry| match process.cwd() {
        Ok(cwd) => cwd.join(&entry),
        Err(_) => entry,
    });
    if let Some((directory, Fact::Known(manifest))) = entry.and_then(|entry| manifest::of_entry(source, &entry, None))
        && manifest.product().is_some()
    {
        return Fact::Known(HostPath::from(directory));
    }
    let maps = match process.maps() {
        Ok(maps) => maps,
        Err(error) => return Fact::Unknown(reason("read its memory map", &error)),
    };
    let mapped = maps.iter().filter_map(|map| match &map.pathname {
        MMapPath::Path(path) => packages_near(path),
        _ => None,
    });
    let candidates: BTreeSet<PathBuf> = mapped.flatten().collect();
    let ours = |directory: &PathBuf| {
        manifest::read(source, directory, None).known().is_some_and(|manifest| manifest.product().is_some())
    };
    match candidates.into_iter().find(ours) {
        Some(directory) => Fact::Known(HostPath::from(directory)),
        None => {
            Fact::unknown(UnknownKind::Unsupported, "its arguments are overwritten and no file of a package is mapped")
        }
    }
}

/// `…/node_modules/openclaw` beside or above a mapped module.
fn packages_near(path: &Path) -> Option<Vec<PathBuf>> {
    let modules = path.ancestors().filter(|step| step.file_name() == Some(OsStr::new("node_modules"))).last()?;
    Some(["openclaw", "clawdbot"].iter().map(|name| modules.join(name)).collect())
}

fn path_fact(what: &str, path: ProcResult<PathBuf>) -> (Fact<HostPath>, bool) {
    match path {
        Ok(path) => {
            let text = path.to_string_lossy();
            match text.strip_suffix(" (deleted)") {
                Some(plain) => (Fact::Known(HostPath::from(plain)), true),
                None => (Fact::Known(HostPath::from(path.as_path())), false),
            }
        }
        Err(error) => (Fact::Unknown(reason(&format!("look at {what}"), &error)), false),
    }
}

fn known<T>(what: &str, result: ProcResult<T>) -> Fact<T> {
    match result {
        Ok(value) => Fact::Known(value),
        Err(error) => Fact::Unknown(reason(what, &error)),
    }
}

/// Why something of `/proc` is unknown.
pub(in crate::collect) fn reason(what: &str, error: &ProcError) -> Unknown {
    match error {
        ProcError::PermissionDenied(_) => Unknown::new(UnknownKind::NoPermission, format!("{what}: permission denied")),
        ProcError::NotFound(_) => Unknown::new(UnknownKind::Unstable, format!("{what}: it is not there any more")),
        ProcError::Io(error, _) => Unknown::from_io(what, error),
        ProcError::Incomplete(_) | ProcError::Other(_) | ProcError::InternalError(_) => {
            Unknown::new(UnknownKind::Malformed, format!("{what}: not understood"))
        }
    }
}
