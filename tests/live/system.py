"""A real `systemd --system` as process 1 of namespaces of its own, with no units but the suite's.

The suite starts itself three times: outside (`boot`), as the process 1 that becomes the manager (`become_manager`), and
as that one's child, which runs the rows.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import needs
from manager import UserManager, mount

STAGE = "LIVE_SUITE_SYSTEM_STAGE"
UNITS = Path("/etc/systemd/system")
GROUP = "openclaw-live-suite"
ROOT_UNIT = "live-suite.target"
# What every unit depends on or is wanted by; of the machine's own none is read.
TARGETS = (ROOT_UNIT, "sysinit.target", "basic.target", "shutdown.target", "multi-user.target", "network-online.target")


def boot(output):
    """Runs the suite below a system manager, and returns its exit status."""
    output.mkdir(parents=True, exist_ok=True)
    verdict = output / "exit-status"
    verdict.unlink(missing_ok=True)
    groups = [tree / GROUP for tree in needs.cgroup_trees()]
    for group in groups:
        group.mkdir(exist_ok=True)

    def enter():
        for group in groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    manager = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
                                "--kill-child=SIGKILL", sys.executable, *sys.argv],
                               env={**os.environ, STAGE: "manager"}, preexec_fn=enter)
    try:
        while manager.poll() is None and not verdict.exists():
            time.sleep(0.5)
    finally:
        # Process 1 takes no signals from inside; with it everything in its namespace ends.
        manager.kill()
        manager.wait()
        remove(groups)
    return int(verdict.read_text()) if verdict.exists() else 1


def remove(groups):
    for _ in range(50):
        left = [folder for group in groups for folder in sorted(group.rglob("*"), reverse=True) if folder.is_dir()]
        for folder in [*left, *groups]:
            try:
                folder.rmdir()
            except OSError:
                pass
        if not any(group.exists() for group in groups):
            return
        time.sleep(0.1)


def become_manager(output, mounts):
    """As process 1: makes the private mounts, starts the suite as a child, and becomes the manager."""
    mounts()
    UNITS.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", UNITS)
    for name in TARGETS:
        (UNITS / name).write_text("[Unit]\nDescription=A target without members\nDefaultDependencies=no\n")
    if os.fork() == 0:
        # The words of the manager are kept apart from the suite's.
        os.environ[STAGE] = "rows"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    sink = os.open(output / "manager.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    # `container` tells it that the machine below is not its own.
    os.execve(needs.systemd(), [needs.systemd(), "--system", f"--unit={ROOT_UNIT}", "--log-target=console",
                                "--show-status=no"],
              {"PATH": os.environ["PATH"], "container": "live-suite", "SYSTEMD_UNIT_PATH": str(UNITS)})


def finish(output, status):
    """Tells the one outside how it ended, in one step."""
    draft = output / "exit-status.tmp"
    draft.write_text(str(status))
    draft.rename(output / "exit-status")
    signal.pause()


class SystemManager(UserManager):
    """Process 1 of this namespace. Its units are root's and run as the account."""

    def start(self):
        self.journal()
        end = time.monotonic() + 30
        while self.systemctl("list-units").returncode != 0:
            if time.monotonic() > end:
                raise needs.Missing(f"the system manager did not come up; its words are in {self.log}")
            time.sleep(0.1)

    def units(self, _home):
        return UNITS

    def unit_lines(self):
        return [f"User={self.account.name}", f"WorkingDirectory={self.account.home}"]

    def systemctl(self, *arguments, seconds=120):
        return subprocess.run(["/usr/bin/systemctl", "--system", "--no-pager", *arguments], capture_output=True,
                              text=True, errors="replace", timeout=seconds)

    def clear(self):
        """Units are not part of the home that a row goes back to."""
        for path in sorted(UNITS.rglob("*"), reverse=True):
            if path.name in TARGETS:
                continue
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    unit_field = "_SYSTEMD_UNIT"
    wanted_by = "multi-user.target"
    suffix = "@system"

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
