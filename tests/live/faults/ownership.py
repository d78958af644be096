"""State that another account owns, or whose mode bits and attributes close it."""

import os
import subprocess

from faults import fault, json_era, sqlite_era

AREA = "ownership"


def root(*paths):
    for path in paths:
        os.chown(path, 0, 0)


@fault("devices-dir-root", AREA, "state-ownership", "{state}/devices", releases=json_era, smoke=("2026.2.19",))
def devices_dir_root(bench):
    root(bench.state / "devices")


@fault("devices-tree-root", AREA, "state-ownership", "{state}/devices", releases=json_era)
def devices_tree_root(bench):
    root(bench.state / "devices", *(bench.state / "devices").iterdir())


@fault("devices-files-root", AREA, "state-ownership", "{state}/devices/paired.json", releases=json_era, bites=False)
def devices_files_root(bench):
    """Read as empty and replaced at the next handshake: no client may call before the doctor."""
    root(*(bench.state / "devices").iterdir())


# 2026.6.11 gives its own directory back a mode that it can write, so that there is no such fault.
@fault("devices-dir-0555", AREA, "state-ownership", "{state}/devices",
       releases=lambda release: json_era(release) and release.version != "2026.6.11")
def devices_dir_read_only(bench):
    os.chmod(bench.state / "devices", 0o555)


@fault("paired-immutable", AREA, "state-ownership", "{state}/devices/paired.json", releases=json_era,
       ends="by hand", by_hand=lambda bench: attribute("-i", bench))
def paired_immutable(bench):
    attribute("+i", bench)


def attribute(change, bench):
    subprocess.run(["chattr", change, str(bench.state / "devices/paired.json")], check=True)


@fault("identity-tree-root", AREA, "state-ownership", "{state}/identity", client="host", releases=json_era)
def identity_tree_root(bench):
    root(bench.state / "identity", *(bench.state / "identity").iterdir())
    for path in (bench.state / "identity").iterdir():
        os.chmod(path, 0o600)


@fault("config-root", AREA, "state-ownership", "{config}", client="host")
def config_root(bench):
    root(bench.config)
    os.chmod(bench.config, 0o600)
    bench.stop()
    bench.start(wait=False)
    bench.wait_failed()


@fault("tree-root", AREA, "state-ownership", "{state}", undo_may_refuse=True, smoke=("2026.9.6",))
def tree_root(bench):
    """A `sudo chown -R` gone wrong, or a restore by root: the gateway does not start."""
    bench.stop()
    subprocess.run(["chown", "-R", "root:root", str(bench.state)], check=True)
    bench.start(wait=False)
    bench.wait_failed()


@fault("database-root", AREA, "state-ownership", "{state}/state/openclaw.sqlite", undo_may_refuse=True, releases=sqlite_era)
def database_root(bench):
    bench.stop()
    root(bench.state / "state/openclaw.sqlite")
    bench.start(wait=False)
    bench.wait_failed()


@fault("wal-root", AREA, "state-ownership", "{state}/state/openclaw.sqlite-wal", undo_may_refuse=True, releases=sqlite_era)
def wal_root(bench):
    bench.stop()
    root(*bench.state.glob("state/openclaw.sqlite-*"))
    bench.start(wait=False)
    bench.wait_failed()


@fault("tmp-root", AREA, "state-ownership", "{state}/tmp", undo_may_refuse=True, releases=sqlite_era)
def tmp_root(bench):
    bench.stop()
    subprocess.run(["chown", "-R", "root:root", str(bench.state / "tmp")], check=True)
    bench.start(wait=False)
    bench.wait_failed()


@fault("database-root-live", AREA, "state-ownership", "{state}/state", releases=sqlite_era)
def database_root_live(bench):
    """Below a running gateway: it stays up, and closes every device client with 1000 and no reason."""
    root(bench.state / "state", *bench.state.glob("state/openclaw.sqlite*"))
