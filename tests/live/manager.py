"""A private corner of the machine, an account, and that account's real `systemd --user` manager in it.

The suite runs in a mount namespace of its own: `/run`, `/tmp` and the doctor's journal folder are private, so that
nothing of the machine is touched and nothing stays behind. The installed releases are mounted below
`/srv/openclaw-live`, where an ordinary account can read them.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import needs

RELEASES = Path("/srv/openclaw-live")
JOURNAL = Path("/var/lib/openclaw-doctor")


def private_mounts(cache, needed):
    """Mounts what must be private. The caller is already in a mount namespace of its own.

    `needed` are folders that must stay visible where they are, also where a private folder comes to lie over them.
    """
    hidden = {}
    for place, options in [("/run", "mode=755"), ("/tmp", "mode=1777"), ("/srv", "mode=755")]:
        for folder in needed:
            if folder.resolve().is_relative_to(place):
                hidden[folder.resolve()] = os.open(folder.resolve(), os.O_PATH | os.O_DIRECTORY)
        Path(place).mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", options, "tmpfs", place)
    for folder, descriptor in hidden.items():
        folder.mkdir(parents=True, exist_ok=True)
        bind(f"/proc/self/fd/{descriptor}", folder)
        os.close(descriptor)
    JOURNAL.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=700", "tmpfs", JOURNAL)
    RELEASES.mkdir()
    mount("--bind", cache, RELEASES)
    # systemd looks for this folder to learn whether the machine was booted with it.
    Path("/run/systemd/system").mkdir(parents=True)


def bind(source, target):
    """A bind mount from a descriptor: `mount` itself would look at its name, which is hidden by now."""
    call = ctypes.CDLL(None, use_errno=True).mount
    if call(source.encode(), os.fsencode(target), None, 4096 | 16384, None) != 0:
        raise needs.Missing(f"{target} could not be kept visible: {os.strerror(ctypes.get_errno())}")


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


class Account:
    """An unprivileged account: created if it is not there, and then removed at the end."""

    def __init__(self, name):
        self.name = name
        self.created = False
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
            self.created = True
            entry = pwd.getpwnam(name)
        self.uid, self.gid, self.home = entry.pw_uid, entry.pw_gid, Path(entry.pw_dir)
        if self.uid == 0:
            raise needs.Missing(f"{name} is root: ownership faults do not exist for it, name an ordinary account")

    def environment(self, **more):
        """What a login shell of the account would have, and no more."""
        return {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "SHELL": "/bin/bash",
                "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "PATH": "/usr/local/bin:/usr/bin:/bin",
                "XDG_RUNTIME_DIR": f"/run/user/{self.uid}", **more}

    def where(self):
        return self.home if self.home.is_dir() else Path("/")

    def run(self, command, seconds=120, **environment):
        """Runs `command` as the account; a command that takes too long is answered with exit status 124."""
        try:
            return subprocess.run([str(part) for part in command], user=self.uid, group=self.gid, extra_groups=[],
                                  env=self.environment(**environment), cwd=self.where(), capture_output=True, text=True,
                                  errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired as late:
            out = late.stdout.decode(errors="replace") if late.stdout else ""
            return subprocess.CompletedProcess(command, 124, out, f"not done after {seconds} s")

    def spawn(self, command, output, **environment):
        """Starts `command` as the account in a session of its own."""
        with open(output, "ab") as sink:
            return subprocess.Popen([str(part) for part in command], user=self.uid, group=self.gid, extra_groups=[],
                                    env=self.environment(**environment), cwd=self.where(), stdin=subprocess.DEVNULL,
                                    stdout=sink, stderr=sink, start_new_session=True)

    def processes(self):
        """The account's processes: where the suite made the account, it started each of them."""
        owned = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and entry.stat().st_uid == self.uid:
                    owned.append(int(entry.name))
            except OSError:
                continue
        return owned

    def remove(self):
        """Ends what is left of the account and removes it, if the suite made it."""
        if self.created:
            for number in [signal.SIGTERM, signal.SIGKILL]:
                for pid in self.processes():
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        pass
                time.sleep(1 if self.processes() else 0)
            subprocess.run(["userdel", "--remove", self.name], capture_output=True, check=False)
            shutil.rmtree(self.home, ignore_errors=True)


class UserManager:
    """The account's own service manager, and a journal for what its units print."""

    def __init__(self, account, log):
        self.account, self.log = account, log
        self.processes, self.groups = [], []

    def start(self):
        runtime = Path(f"/run/user/{self.account.uid}")
        runtime.mkdir(parents=True)
        os.chown(runtime, self.account.uid, self.account.gid)
        runtime.chmod(0o700)
        slice_ = f"user.slice/user-{self.account.uid}.slice/user@{self.account.uid}.service"
        for tree in needs.cgroup_trees():
            group = tree / slice_
            group.mkdir(parents=True, exist_ok=True)
            subprocess.run(["chown", "-R", f"{self.account.uid}:{self.account.gid}", str(group)], check=True)
            self.groups.append(group)
        self.journal()
        groups = self.groups

        def enter():
            for group in groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))
            os.setgroups([])
            os.setgid(self.account.gid)
            os.setuid(self.account.uid)

        with open(self.log, "ab") as sink:
            self.processes.append(subprocess.Popen(
                [needs.systemd(), "--user", "--log-target=console"], env=self.account.environment(),
                cwd="/", stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, preexec_fn=enter))
        end = time.monotonic() + 30
        while self.systemctl("list-units").returncode != 0:
            if time.monotonic() > end:
                raise needs.Missing(f"the account's service manager did not come up; its words are in {self.log}")
            time.sleep(0.1)

    def journal(self):
        """journald, so that what a gateway prints at its start is kept as on a real host."""
        program = Path(needs.systemd()).parent / "systemd-journald"
        if program.exists():
            with open(self.log, "ab") as sink:
                self.processes.append(subprocess.Popen([str(program)], stdin=subprocess.DEVNULL, stdout=sink,
                                                       stderr=sink, start_new_session=True))
            time.sleep(0.5)

    # What a unit of this manager is told by in the journal, and the target that starts it.
    unit_field = "_SYSTEMD_USER_UNIT"
    wanted_by = "default.target"
    # What its rows are marked with in the table.
    suffix = ""

    def units(self, home):
        """Where the units lie."""
        return home / ".config/systemd/user"

    def unit_lines(self):
        """What a unit says about its account."""
        return []

    def clear(self):
        """Takes away what a row left beside the home; here the units lie in it."""

    def systemctl(self, *arguments, seconds=120):
        return self.account.run(["/usr/bin/systemctl", "--user", "--no-pager", *arguments], seconds=seconds)

    def show(self, unit):
        """The unit's state as a dictionary; empty where the manager does not answer."""
        names = "LoadState,ActiveState,SubState,Result,MainPID,NRestarts,UnitFileState,ExecMainStatus"
        text = self.systemctl("show", f"--property={names}", "--", unit).stdout
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def words(self, unit, lines=40):
        """What the unit printed lately."""
        done = subprocess.run(["journalctl", "--no-pager", "-q", "-o", "cat", "-n", str(lines),
                               f"{self.unit_field}={unit}"], capture_output=True, text=True, check=False)
        return done.stdout

    def stop(self):
        self.systemctl("exit", seconds=20)
        for process in reversed(self.processes):
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process is self.processes[-1] and len(self.processes) > 1:
                self.processes[0].terminate()
        for group in self.groups:
            for folder in sorted(group.rglob("*"), reverse=True):
                if folder.is_dir():
                    folder.rmdir() if not any(f.is_dir() for f in folder.iterdir()) else None
            for folder in [group, *group.parents[:2]]:
                try:
                    folder.rmdir()
                except OSError:
                    break
