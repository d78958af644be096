"""One release on the bench: its configuration, its unit, its clients, and a healthy home to come back to."""

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import store
from manager import RELEASES

HERE = Path(__file__).resolve().parent


class Bench:
    """A healthy installation of one release in the account's home, under the account's or the system's service manager.

    `laptop` (operator) and `phone` (node) are paired devices; the host's own CLI is the third client.
    """

    def __init__(self, release, account, manager, work, port):
        self.release, self.account, self.manager, self.port = release, account, manager, port
        self.home = account.home
        self.state = self.home / release.state_name
        self.config = self.state / release.config_name
        self.units = manager.units(self.home)
        self.unit = release.unit
        self.folder = release.folder(RELEASES)
        self.node = self.folder / "node_modules/node/bin/node"
        self.package = self.folder / "node_modules" / release.product
        self.main = self.package / ("openclaw.mjs" if release.product == "openclaw" else release.entry)
        self.token = secrets.token_hex(24)
        self.work = work / release.version
        self.clients = self.work / "clients"
        self.base = self.work / "base"
        self.clients.mkdir(parents=True, exist_ok=True)
        self.started = []
        # What the doctor said last, for the rows whose cure is to do what it says.
        self.advice = ""

    # -- files of the account ---------------------------------------------------------------------------------------

    def own(self, *paths, mode=None):
        for path in paths:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
            if mode is not None:
                os.chmod(path, mode)

    def write(self, path, text, mode=0o600):
        """Writes a file of the account, with the folders above it."""
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700)
            self.own(folder)
        path.write_text(text)
        self.own(path, mode=mode)

    def settings(self, **gateway):
        """The configuration of a healthy gateway; named members replace those of `gateway`."""
        members = {"mode": "local", "port": self.port, "bind": "loopback",
                   "auth": {"mode": "token", "token": self.token}, **gateway}
        members = {key: value for key, value in members.items() if value is not None}
        return {"gateway": members, "update": {"checkOnStart": False}, **dict(self.release.config_extra)}

    def configure(self, text=None, **gateway):
        self.write(self.config, text if text is not None else json.dumps(self.settings(**gateway), indent=2) + "\n")

    def unit_text(self, name=None, port=None, entry=None, environment=(), token=True):
        """The unit as this release's own generator writes it (`openclaw gateway install`)."""
        release, prefix = self.release, self.release.prefix
        title = "Clawdbot Gateway" if release.product == "clawdbot" else "OpenClaw Gateway"
        port = port or self.port
        lines = ["[Unit]", f"Description={title} (v{release.version})", "After=network-online.target",
                 "Wants=network-online.target"]
        if release.sqlite:
            lines += ["StartLimitBurst=10", "StartLimitIntervalSec=300"]
        lines += ["", "[Service]",
                  f'ExecStart="{self.node}" "{entry or self.package / release.entry}" gateway --port {port}',
                  "Restart=always", "RestartSec=5", *self.manager.unit_lines()]
        if release.sqlite:
            lines += ["RestartPreventExitStatus=78", "TimeoutStopSec=330", "TimeoutStartSec=30",
                      "SuccessExitStatus=0 143", "OOMPolicy=continue", "KillMode=mixed",
                      f"EnvironmentFile=-{self.state}/gateway.systemd.env"]
        else:
            lines += ["KillMode=process"]
        lines += [f'Environment="HOME={self.home}"', "Environment=TMPDIR=/tmp",
                  f'Environment="PATH={self.node.parent}:/usr/local/bin:/usr/bin:/bin"',
                  f"Environment={prefix}_GATEWAY_PORT={port}"]
        if token and not release.sqlite:
            lines.append(f"Environment={prefix}_GATEWAY_TOKEN={self.token}")
        lines += [f'Environment="{prefix}_SYSTEMD_UNIT={name or self.unit}"',
                  f"Environment={prefix}_SERVICE_MARKER={release.product}",
                  f"Environment={prefix}_SERVICE_KIND=gateway",
                  f"Environment={prefix}_SERVICE_VERSION={release.version}",
                  # No channels: the bench has no accounts and no network.
                  f"Environment={prefix}_SKIP_CHANNELS=1"]
        lines += [f"Environment={line}" for line in environment]
        return "\n".join([*lines, "", "[Install]", f"WantedBy={self.manager.wanted_by}", ""])

    def write_unit(self, name, text):
        """A file of the manager's: the account's own, or root's."""
        path = self.units / name
        if path.is_relative_to(self.home):
            self.write(path, text, mode=0o644)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def install_unit(self, name=None, enable=True, **options):
        name = name or self.unit
        self.write_unit(name, self.unit_text(name, **options))
        self.manager.systemctl("daemon-reload")
        if enable:
            self.manager.systemctl("enable", name)

    # -- the gateway ------------------------------------------------------------------------------------------------

    def start(self, wait=True):
        self.manager.systemctl("reset-failed", self.unit)
        self.manager.systemctl("start", self.unit)
        if wait and not self.serves(self.release.start_seconds):
            raise RuntimeError(f"{self.unit} does not serve: {self.show()}\n{self.manager.words(self.unit)}")

    def stop(self):
        self.manager.systemctl("stop", self.unit, seconds=400)

    def show(self, unit=None):
        return self.manager.show(unit or self.unit)

    def serves(self, seconds):
        """Whether a WebSocket challenge comes within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            if self.challenged() and (not self.release.sqlite or self.ready()):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.5)

    def challenged(self):
        """One look: does the port answer an upgrade as a gateway does? Nothing is sent after it."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=3) as link:
                link.settimeout(5)
                link.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Key: bGl2ZS1zdWl0ZS1rZXkxMg==\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n".encode())
                data = b""
                while b"connect.challenge" not in data and len(data) < 8192:
                    part = link.recv(4096)
                    if not part:
                        return False
                    data += part
                return b"connect.challenge" in data
        except OSError:
            return False

    def ready(self):
        """Whether a gateway of the SQLite era says that it has finished starting; before, it turns clients away."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return b'"ready":true' in answer.read(4096)
        except OSError:
            return False

    def wait_failed(self, seconds=120):
        """Waits until the unit gave up or went round at least once; the state that it is in then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.show()
            if state.get("ActiveState") == "failed" or int(state.get("NRestarts", "0") or 0) >= 1:
                return state
            time.sleep(1)
        return self.show()

    # -- clients ----------------------------------------------------------------------------------------------------

    def cli(self, *arguments, seconds=90, **environment):
        """The release's own command line, as the account."""
        return self.account.run([self.node, self.main, *arguments], seconds=seconds, **{
            f"{self.release.prefix}_SKIP_CHANNELS": "1", "OPENCLAW_NO_AUTO_UPDATE": "1", "TMPDIR": "/tmp",
            **environment})

    def host(self):
        """Whether the host's own CLI gets in: `(ok, its words)`."""
        done = self.cli(*self.release.host_call)
        return done.returncode == 0, (done.stdout + done.stderr).strip()[-600:]

    def connect(self, *options, port=None):
        """One handshake as a client elsewhere would make it: the answer of `client.mjs`."""
        done = subprocess.run([str(self.node), str(HERE / "client.mjs"), f"ws://127.0.0.1:{port or self.port}",
                               *map(str, options)], env={"OC_PACKAGE": str(self.package), "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, timeout=60)
        try:
            return json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            return {"ok": False, "why": (done.stderr or done.stdout).strip()[-300:]}

    KINDS = {"laptop": ["--client", "gateway-client", "--mode", "ui"],
             "phone": ["--client", "node-host", "--mode", "node", "--role", "node"]}

    def pair(self, name):
        return self.connect(*self.KINDS[name], "--token", self.token, "--device", self.clients / f"{name}.json",
                            "--save-token", self.clients / f"{name}.token")

    def device(self, name):
        """A paired device that comes back with its own device token."""
        token = (self.clients / f"{name}.token").read_text()
        named = ["--names-it"] if self.release.names_device_token else []
        return self.connect(*self.KINDS[name], "--device-token", token, *named, "--device",
                            self.clients / f"{name}.json")

    def laptop(self):
        answer = self.device("laptop")
        return answer["ok"], json.dumps(answer)

    def laptop_shared(self):
        """The laptop with the shared token of the configuration as it was when everything was well."""
        answer = self.connect(*self.KINDS["laptop"], "--token", self.token, "--device", self.clients / "laptop.json")
        return answer["ok"], json.dumps(answer)

    def phone(self):
        answer = self.device("phone")
        return answer["ok"], json.dumps(answer)

    def store(self):
        return store.devices(self.release, self.state)

    def device_id(self, name):
        text = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER", "-in", "/dev/stdin"],
                              input=json.loads((self.clients / f"{name}.json").read_text())["privateKeyPem"].encode(),
                              capture_output=True, check=True).stdout
        return hashlib.sha256(text[-32:]).hexdigest()

    def host_id(self):
        """The device id of the host's own CLI, where this release gives it one."""
        if self.release.sqlite:
            rows = store.database(self.state, "select device_id from device_identities")
            return rows[0]["device_id"] if rows else None
        try:
            return json.loads((self.base / self.release.state_name / "identity/device.json").read_text())["deviceId"]
        except OSError:
            return None

    # -- healthy, and back to healthy -------------------------------------------------------------------------------

    def make_baseline(self):
        """A fresh home, three clients paired, everything stopped and copied aside."""
        self.clear_home()
        self.configure()
        self.install_unit()
        self.start()
        time.sleep(2)
        ok, words = self.host()
        if not ok:
            raise RuntimeError(f"the host's CLI does not get in on a healthy gateway: {words}")
        for name in self.KINDS:
            answer = self.pair(name)
            if not answer["ok"] or not (self.clients / f"{name}.token").exists():
                raise RuntimeError(f"the {name} could not be paired on a healthy gateway: {answer}")
        for name in self.KINDS:
            answer = self.device(name)
            if not answer["ok"]:
                raise RuntimeError(f"the {name} does not get in with its device token: {answer}")
        # A node is paired as a device, and what it offers is approved apart (a request of its own in the JSON era).
        offers = self.state / "nodes/pending.json"
        for request in json.loads(offers.read_text()) if offers.exists() and not self.release.sqlite else []:
            done = self.cli("nodes", "approve", request)
            if done.returncode != 0:
                raise RuntimeError(f"the node's offer is not approved: {(done.stdout + done.stderr)[-300:]}")
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)
        subprocess.run(["cp", "-a", f"{self.home}/.", str(self.base)], check=True)
        subprocess.run(["cp", "-a", str(self.clients), f"{self.clients}-base"], check=True)

    def gateways(self):
        """The account's processes that belong to a gateway: all but its service manager's own."""
        own = {"systemd", "(sd-pam)", "dbus-daemon", "dbus-broker"}
        found = []
        for pid in self.account.processes():
            try:
                if Path(f"/proc/{pid}/comm").read_text().strip() not in own:
                    found.append(pid)
            except OSError:
                continue
        return found

    def end_gateways(self):
        """A unit with `KillMode=process` leaves the children of its main process behind."""
        for pid in self.gateways():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def clear_home(self):
        subprocess.run(["chattr", "-R", "-f", "-i", "-a", str(self.home)], capture_output=True, check=False)
        for entry in self.home.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def restore(self, start=True):
        """The healthy home again, with its gateway running."""
        self.end_started()
        for name in list(self.units.glob("*.service")) if self.units.exists() else []:
            self.manager.systemctl("stop", name.name, seconds=400)
            self.manager.systemctl("reset-failed", name.name)
        self.end_gateways()
        self.clear_home()
        self.manager.clear()
        for folder in [Path("/tmp/openclaw"), Path("/tmp/clawdbot"), *Path("/tmp").glob("openclaw-*")]:
            shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", f"{self.base}/.", str(self.home)], check=True)
        self.own(self.home, mode=0o755)
        # A row may have given a client another token, or made new ones.
        shutil.rmtree(self.clients)
        subprocess.run(["cp", "-a", f"{self.clients}-base", str(self.clients)], check=True)
        if self.units.is_relative_to(self.home):
            self.manager.systemctl("daemon-reload")
        else:
            self.install_unit()
        if start:
            self.start()

    def spawn(self, command, **environment):
        """Starts a helper process of the account; it is ended with the row."""
        process = self.account.spawn(command, self.work / "helpers.log", **environment)
        self.started.append(process)
        return process

    def spawn_root(self, command):
        with open(self.work / "helpers.log", "ab") as sink:
            process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=sink,
                                       stderr=sink, start_new_session=True)
        self.started.append(process)
        return process

    def end_started(self):
        for process in self.started:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, 15)
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, 9)
                    process.wait()
                except ProcessLookupError:
                    process.wait()
        self.started.clear()
