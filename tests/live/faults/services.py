"""Services and ports: two units on one port, left-over processes, units that are down, foreign listeners."""

import os
import signal
import subprocess

from faults import fault, json_era, sqlite_era

AREA = "services"
LEGACY = "clawdbot-gateway.service"
LISTEN = ('const [port, address] = process.argv.slice(1);'
          'require("node:http").createServer((q, r) => r.end("<h1>no gateway</h1>")).listen(Number(port), address);')


@fault("legacy-unit-same-port", AREA, "duplicate-gateway", (LEGACY, "openclaw-gateway.service"),
       releases=lambda release: release.product == "openclaw", smoke=("2026.2.19", "2026.9.6"))
def legacy_unit(bench):
    """The unit of the old name is still enabled and wins the port, with a state directory of its own."""
    bench.stop()
    state = bench.home / ".clawdbot"
    settings = bench.settings(auth={"mode": "token", "token": "a-legacy-token-of-the-old-installation-0001"})
    import json
    bench.write(state / "openclaw.json", json.dumps(settings))
    bench.write(state / "clawdbot.json", json.dumps(settings))
    bench.install_unit(LEGACY, token=False, environment=(
        f"OPENCLAW_STATE_DIR={state}", f"OPENCLAW_CONFIG_PATH={state}/openclaw.json"))
    bench.manager.systemctl("start", LEGACY)
    if not bench.serves(bench.release.start_seconds):
        raise RuntimeError(f"the legacy unit does not serve: {bench.manager.words(LEGACY)}")
    bench.start(wait=False)
    bench.wait_failed()


@fault("two-units-one-state", AREA, "duplicate-gateway", ("openclaw-gateway-old.service", "openclaw-gateway.service"),
       client="laptop", bites=False, releases=lambda release: release.product == "openclaw")
def two_units(bench):
    """A hand-made second unit for the same state and port; the first one runs, the second goes round."""
    bench.install_unit("openclaw-gateway-old.service")
    bench.manager.systemctl("start", "openclaw-gateway-old.service")
    import time
    time.sleep(20)


# The unit of 2026.6.11 ends a gateway that it finds on its port before it starts, so that there is no such fault.
@fault("orphan-gateway", AREA, "duplicate-gateway", "gateway", bites=False, ends_process=True,
       releases=lambda release: release.version != "2026.6.11")
def orphan(bench):
    """A gateway that somebody started by hand holds the port and the state; the unit cannot start."""
    bench.stop()
    bench.spawn([bench.node, bench.main, "gateway", "run"] if bench.release.product == "openclaw"
                else [bench.node, bench.main, "gateway"], TMPDIR="/tmp",
                **{f"{bench.release.prefix}_SKIP_CHANNELS": "1"})
    if not bench.serves(bench.release.start_seconds):
        raise RuntimeError("the gateway that was started by hand does not serve")
    bench.start(wait=False)
    bench.wait_failed()


@fault("port-foreign", AREA, "port-conflict", "{port}", ends="by hand", by_hand=lambda bench: free_port(bench),
       smoke=("2026.9.6",))
def port_foreign(bench):
    """A web server of the same account sits on the gateway's port."""
    bench.stop()
    bench.spawn([bench.node, "-e", LISTEN, bench.port, "127.0.0.1"])
    held(bench)
    bench.start(wait=False)
    bench.wait_failed()


@fault("port-foreign-root", AREA, "port-conflict", "{port}", ends="by hand", by_hand=lambda bench: free_port(bench))
def port_foreign_root(bench):
    """The same by root, on all addresses."""
    bench.stop()
    bench.spawn_root([bench.node, "-e", LISTEN, bench.port, "0.0.0.0"])
    held(bench)
    bench.start(wait=False)
    bench.wait_failed()


def held(bench):
    import socket
    import time
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", bench.port), timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the foreign listener did not come up")


def free_port(bench):
    bench.end_started()
    bench.start(wait=False)


@fault("unit-stopped", AREA, "gateway-not-running", "{unit}", smoke=("2026.2.19",))
def unit_stopped(bench):
    bench.stop()


@fault("unit-killed", AREA, "gateway-not-running", "{unit}", releases=lambda release: release.product == "openclaw")
def unit_start_limit(bench):
    """The unit ran into its start limit while something was wrong that is mended now."""
    bench.stop()
    text = bench.config.read_text()
    bench.configure("{ broken")
    bench.write_unit(f"{bench.unit}.d/limit.conf",
                     "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n[Service]\nRestartSec=1\n"
                     "RestartPreventExitStatus=\n")
    bench.manager.systemctl("daemon-reload")
    bench.start(wait=False)
    import time
    for _ in range(120):
        if bench.show().get("ActiveState") == "failed":
            break
        time.sleep(1)
    bench.configure(text)


@fault("unit-gone", AREA, "gateway-not-running", "{port}", ends="by hand", by_hand=lambda bench: again(bench))
def unit_gone(bench):
    """The unit file was removed: nothing starts the gateway any more."""
    bench.stop()
    bench.manager.systemctl("disable", bench.unit)
    (bench.units / bench.unit).unlink()
    bench.manager.systemctl("daemon-reload")


def again(bench):
    bench.install_unit()
    bench.start(wait=False)


@fault("lock-folder-root", AREA, ("state-ownership", "stale-lock"), "/tmp/openclaw-", releases=lambda release:
       release.version == "2026.2.19", undo_may_refuse=True)
def lock_folder_root(bench):
    """The folder of the lock belongs to root: the gateway can't take it and does not start."""
    bench.stop()
    folder = f"/tmp/openclaw-{bench.account.uid}"
    subprocess.run(["mkdir", "-p", folder], check=True)
    subprocess.run(["chown", "-R", "root:root", folder], check=True)
    os.chmod(folder, 0o700)
    bench.start(wait=False)
    bench.wait_failed()


@fault("stale-lock", AREA, (), (), ends="none", bites=False, releases=json_era)
def stale_lock(bench):
    """A crash leaves the lock of a dead process: the next start takes it over. Not a fault."""
    # clawdbot's main process is a launcher: its gateway would live on.
    for pid in bench.gateways():
        os.kill(pid, signal.SIGKILL)
    bench.wait_failed(20)
    bench.serves(bench.release.start_seconds)


@fault("healthy", "none", (), (), ends="none", bites=False, smoke=("2026.2.19", "2026.9.6"))
def healthy(bench):
    """Nothing is wrong: no cause, exit 0."""
