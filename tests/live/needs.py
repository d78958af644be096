"""What the suite needs of the machine, asked before anything is started."""

import os
import shutil
from pathlib import Path


class Missing(Exception):
    """Something that the suite cannot do without is not there; the text says exactly what."""


SYSTEMD = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"]
PROGRAMS = {
    "unshare": "util-linux", "mount": "mount", "useradd": "passwd", "userdel": "passwd", "systemctl": "systemd",
    "chattr": "e2fsprogs", "tar": "tar", "cp": "coreutils", "npm": "npm", "openssl": "openssl",
}


def systemd():
    """The path of the service manager's program."""
    for path in SYSTEMD:
        if os.access(path, os.X_OK):
            return path
    raise Missing(f"no service manager: none of {', '.join(SYSTEMD)} is there (package systemd)")


def cgroup_trees():
    """The writable control group trees that systemd can put its units into."""
    trees = []
    for name in ["systemd", "unified", "."]:
        tree = Path("/sys/fs/cgroup") / name
        if name == "." and not (tree / "cgroup.controllers").exists():
            continue
        if os.access(tree / "cgroup.procs", os.W_OK):
            trees.append(tree)
    return trees


def check():
    """Raises `Missing` with everything that is not there, not only the first."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root (it creates an account, a mount namespace, and faults of ownership)")
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            missing.append(f"the program {program} (Debian package {package})")
    try:
        systemd()
    except Missing as error:
        missing.append(str(error))
    if not cgroup_trees():
        missing.append("a control group tree that root can write: /sys/fs/cgroup/systemd (v1) or /sys/fs/cgroup (v2)")
    if missing:
        raise Missing("the live suite needs:\n  - " + "\n  - ".join(missing))
