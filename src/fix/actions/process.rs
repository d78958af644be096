//! Ending one process: a descriptor is taken on it first, then it is looked at, then signalled through the descriptor, so
//! that a process that got the same pid meanwhile is never hit. TERM first; KILL only where the plan said so.

use super::{Deed, Hands};
use crate::fix::error::{FixError, Result};
use crate::fix::journal::Ledger;
use crate::fix::op::{After, Intent, Op};
use crate::model::ProcessId;
use std::time::Duration;

/// How long a process may take to end after TERM; OpenClaw's own shutdown takes up to some 10 s.
const TERM_LIMIT: Duration = Duration::from_secs(20);
/// And after KILL.
const KILL_LIMIT: Duration = Duration::from_secs(5);

impl Hands<'_> {
    pub(super) fn end_process(&self, ledger: &mut Ledger, process: &ProcessId, kill: bool) -> Result<Deed> {
        self.machine.must_be_live(&format!("ending process {}", process.pid))?;
        let held = hold(process)?;
        let intent = Intent {
            op: Op::EndProcess { process: process.clone(), kill },
            kept: Vec::new(),
            temporary: None,
            dir_mtime: None,
        };
        self.journalled(ledger, intent, None, || {
            let actor = self.access.walker.actor;
            let signal = |signal| held.send(signal, process);
            let own = process.uid == actor.account.uid;
            let as_owner = |wanted| if own { actor.as_account(|| signal(wanted)) } else { signal(wanted) };
            as_owner(Wanted::Term)?;
            if held.wait(TERM_LIMIT)? {
                return Ok(After::default());
            }
            if kill {
                as_owner(Wanted::Kill)?;
                if held.wait(KILL_LIMIT)? {
                    return Ok(After::default());
                }
            }
            let what =
                format!("process {} was told to end and still runs after {} s", process.pid, TERM_LIMIT.as_secs());
            Err(FixError::Command { what })
        })
    }
}

/// Proves that the process runs and is the one that is meant.
///
/// # Errors
/// [`FixError::Stale`] where it is gone or another one.
pub fn must_run(process: &ProcessId) -> Result<()> {
    hold(process).map(drop)
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    Term,
    Kill,
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Held(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
fn hold(process: &ProcessId) -> Result<Held> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let gone = || FixError::Stale { what: format!("process {} is not there any more", process.pid) };
    let pid = i32::try_from(process.pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw).ok_or_else(gone)?;
    let held = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(held) => held,
        Err(rustix::io::Errno::SRCH) => return Err(gone()),
        Err(error) => return Err(FixError::io(format!("hold process {}", process.pid), error)),
    };
    // With the descriptor in hand the pid cannot be given to another process before that descriptor says "ended".
    let seen = procfs::process::Process::new(pid.as_raw_pid())
        .and_then(|seen| Ok((seen.stat()?, seen.uid()?, seen.exe().ok())))
        .map_err(|_| gone())?;
    let (stat, uid, exe) = seen;
    // One that has ended and that nobody has collected yet runs no program any more.
    if matches!(stat.state, 'Z' | 'X' | 'x') {
        return Err(gone());
    }
    let start = stat.starttime;
    if start != process.start_ticks {
        return Err(FixError::Stale { what: format!("pid {} is another process now", process.pid) });
    }
    if uid != process.uid {
        return Err(FixError::Stale { what: format!("process {} belongs to uid {uid} now", process.pid) });
    }
    let Some(exe) = exe else {
        return Err(FixError::NeedsRoot { what: format!("seeing which program process {} runs", process.pid) });
    };
    if without_deleted(&exe) != without_deleted(process.exe.as_path()) {
        return Err(FixError::Stale { what: format!("process {} runs another program now", process.pid) });
    }
    Ok(Held(held))
}

/// The kernel adds this where the program was replaced on disk, as an update does.
#[cfg(target_os = "linux")]
fn without_deleted(exe: &std::path::Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = exe.as_os_str().as_bytes();
    bytes.strip_suffix(b" (deleted)").unwrap_or(bytes).to_vec()
}

#[cfg(target_os = "linux")]
impl Held {
    fn send(&self, wanted: Wanted, process: &ProcessId) -> Result<()> {
        use rustix::process::Signal;
        let signal = match wanted {
            Wanted::Term => Signal::TERM,
            Wanted::Kill => Signal::KILL,
        };
        match rustix::process::pidfd_send_signal(&self.0, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(rustix::io::Errno::PERM) => {
                Err(FixError::NeedsRoot { what: format!("ending process {}", process.pid) })
            }
            Err(error) => Err(FixError::io(format!("end process {}", process.pid), error)),
        }
    }

    /// Whether it ended in time.
    fn wait(&self, limit: Duration) -> Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        let timeout = rustix::fs::Timespec { tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(error) => Err(FixError::io("wait for a process", error)),
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Held;

#[cfg(not(target_os = "linux"))]
fn hold(process: &ProcessId) -> Result<Held> {
    Err(FixError::no(format!("processes can be ended safely on Linux only; end process {} by hand", process.pid)))
}

#[cfg(not(target_os = "linux"))]
impl Held {
    fn send(&self, _wanted: Wanted, _process: &ProcessId) -> Result<()> {
        Err(FixError::no("not supported here"))
    }

    fn wait(&self, _limit: Duration) -> Result<bool> {
        Err(FixError::no("not supported here"))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::model::HostPath;
    use std::process::{Command, Stdio};

    /// A process of our own and what tells it apart.
    fn sleeper(script: &str) -> (std::process::Child, ProcessId) {
        let mut command = Command::new("/bin/sh");
        let mut child = command.args(["-c", script]).stdout(Stdio::piped()).spawn().expect("a shell");
        // The first line says that the script has set its traps.
        let mut ready = [0u8; 1];
        std::io::Read::read_exact(child.stdout.as_mut().expect("output"), &mut ready).expect("a line");
        let seen = procfs::process::Process::new(i32::try_from(child.id()).expect("a pid")).expect("a process");
        let process = ProcessId {
            pid: child.id(),
            start_ticks: seen.stat().expect("stat").starttime,
            exe: HostPath::from(seen.exe().expect("exe")),
            uid: seen.uid().expect("uid"),
        };
        (child, process)
    }

    #[test]
    fn only_the_very_process_is_signalled() {
        let (mut child, process) = sleeper("echo; sleep 100 & wait");
        must_run(&process).expect("it runs");
        let other = |change: fn(&mut ProcessId)| {
            let mut other = process.clone();
            change(&mut other);
            must_run(&other).expect_err("another process").to_string()
        };
        assert!(other(|p| p.start_ticks += 1).contains("another process now"));
        assert!(other(|p| p.uid += 1).contains("belongs to uid"));
        assert!(other(|p| p.exe = HostPath::from("/bin/other")).contains("another program"));
        assert!(other(|p| p.pid = 0).contains("not there"));
        let held = hold(&process).expect("held");
        held.send(Wanted::Term, &process).expect("sent");
        assert!(held.wait(Duration::from_secs(5)).expect("waited"));
        let zombie = must_run(&process).expect_err("it has ended, though nobody has collected it yet").to_string();
        assert!(zombie.contains("not there any more"), "{zombie}");
        child.wait().expect("ended");
        assert!(must_run(&process).is_err(), "it is gone");
        held.send(Wanted::Kill, &process).expect("the descriptor never means another process");
    }

    #[test]
    fn term_may_be_ignored_and_kill_not() {
        let (mut child, process) = sleeper("trap '' TERM; echo; while :; do sleep 0.05; done");
        let held = hold(&process).expect("held");
        held.send(Wanted::Term, &process).expect("sent");
        assert!(!held.wait(Duration::from_secs(1)).expect("waited"), "TERM is ignored");
        held.send(Wanted::Kill, &process).expect("sent");
        assert!(held.wait(Duration::from_secs(5)).expect("waited"));
        child.wait().expect("ended");
    }
}
