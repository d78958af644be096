//! Processes where there is no `/proc` (macOS, BSD): from the system's own list.

use super::{MOST_OURS, judge};
use crate::collect::environment::{self, RawVar};
use crate::model::{Fact, HostPath, Secret, SecretVault, Unknown, UnknownKind};
use crate::snapshot::environment::{Environment, Place};
use crate::snapshot::process::{ProcessFact, ProcessFacts};
use sysinfo::{Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

/// Finds the processes that matter.
pub(super) fn collect(vault: &mut SecretVault) -> Fact<ProcessFacts> {
    let always = UpdateKind::Always;
    let wanted = ProcessRefreshKind::nothing().with_cmd(always).with_exe(always).with_cwd(always);
    let wanted = wanted.with_environ(always).with_user(always).without_tasks();
    let Ok(mut system) = System::new() else {
        return Fact::unknown(UnknownKind::Unsupported, "this system does not list its processes");
    };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
    let own = std::process::id();
    let all = system.processes().values().filter(|process| process.pid().as_u32() != own);
    let processes = all.filter_map(|process| describe(process, vault)).take(MOST_OURS).collect();
    Fact::Known(ProcessFacts { processes, seen: system.processes().len(), blind: Vec::new() })
}

fn describe(process: &Process, vault: &mut SecretVault) -> Option<ProcessFact> {
    let argv: Vec<String> = process.cmd().iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let comm = process.name().to_string_lossy().into_owned();
    let judgement = judge(&argv, &comm, process.exe())?;
    let pid = process.pid().as_u32();
    let at = Place { file: HostPath::new(format!("/proc/{pid}/environ")), line: None };
    let (argv, _) = environment::mask_arguments(&argv, &at, vault);
    let uid = process.user_id().map_or(u32::MAX, |uid| **uid);
    let here = || Unknown::new(UnknownKind::Unsupported, "this system does not tell");
    Some(ProcessFact {
        pid,
        ppid: process.parent().map_or(0, sysinfo::Pid::as_u32),
        uid,
        euid: process.effective_user_id().map_or(uid, |uid| **uid),
        // Seconds since the epoch take the place of clock ticks: they too tell a process from a later one.
        start_ticks: process.start_time(),
        started: i64::try_from(process.start_time())
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .map_or_else(|| Fact::Unknown(here()), Fact::Known),
        role: judgement.role,
        recognised_by: judgement.by,
        product: judgement.product,
        comm,
        argv,
        exe: process.exe().map_or_else(|| Fact::Unknown(here()), |path| Fact::Known(HostPath::from(path))),
        exe_deleted: false,
        cwd: process.cwd().map_or_else(|| Fact::Unknown(here()), |path| Fact::Known(HostPath::from(path))),
        root: Fact::Unknown(here()),
        cgroup: Fact::Absent,
        network: Fact::Unknown(here()),
        mounts: Fact::Unknown(here()),
        pids: Fact::Unknown(here()),
        environment: variables(process, &at, vault),
        open_files: Fact::Unknown(here()),
        open_files_limit: Fact::Unknown(here()),
        package: Fact::Unknown(here()),
        deleted_files: Fact::Unknown(here()),
        ports: Fact::Unknown(here()),
        databases: Fact::Unknown(here()),
        zombie: process.status() == ProcessStatus::Zombie,
        stopped: process.status() == ProcessStatus::Stop,
    })
}

/// Empty where the system does not show it: no process has no environment at all.
fn variables(process: &Process, at: &Place, vault: &mut SecretVault) -> Fact<Environment> {
    let raw: Vec<RawVar> = process
        .environ()
        .iter()
        .filter_map(|text| {
            let text = text.to_string_lossy();
            let (name, value) = text.split_once('=')?;
            Some(RawVar { name: name.to_owned(), value: Secret::new(value), at: at.clone() })
        })
        .collect();
    if raw.is_empty() {
        return Fact::unknown(UnknownKind::NoPermission, "its environment is not shown");
    }
    Fact::Known(environment::environment(&raw, vault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_list_is_read_and_the_doctor_is_not_in_it() {
        let facts = collect(&mut SecretVault::default());
        let facts = facts.known().expect("a list");
        assert!(facts.seen > 0);
        assert!(facts.processes.iter().all(|process| process.pid != std::process::id()));
    }
}
