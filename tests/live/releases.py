"""Installs real OpenClaw releases with the Node they want, from the registry that npm itself is configured for.

Each release gets a folder of its own in the cache, with its own `node` (the npm package of that name carries the
binary). A folder counts only when its stamp `installed.json` is there; it is written last.
"""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from needs import Missing

# npm retries a request by itself; this is for the hiccup that outlasts them.
ATTEMPTS = 3
INSTALL_SECONDS = 900


@dataclass(frozen=True)
class Release:
    """One published release and what it takes to install and start it."""

    version: str
    product: str
    node: str
    sqlite: bool = False
    extra: tuple = ()
    entry: str = "dist/index.js"
    # The variables of clawdbot are named after it; later releases read OPENCLAW_* only.
    prefix: str = "OPENCLAW"
    # Seconds that a first start may take: 2026.2.19 compiles its plugins then.
    start_seconds: int = 400
    # What the host's CLI is tried with. Where it asks only for what a call needs and is granted no more later (2026.4.29
    # to 6.x), the call must be one that asks for everything, or the record of a healthy host holds too little.
    host_call: tuple = ("devices", "list")
    # A browser's origin must be allowed where it does not come from the gateway's own host.
    asks_origin: bool = False
    # Clients say which token is their device's (from 2026.2.22; before, that is a schema error).
    names_device_token: bool = False
    config_extra: tuple = ()

    @property
    def state_name(self):
        return ".clawdbot" if self.product == "clawdbot" else ".openclaw"

    @property
    def config_name(self):
        return f"{self.product}.json"

    @property
    def unit(self):
        return f"{self.product}-gateway.service"

    def folder(self, cache):
        return Path(cache) / self.version

    def package(self, cache):
        return self.folder(cache) / "node_modules" / self.product


NO_MDNS = (("discovery", {"mdns": {"mode": "off"}}),)
KNOWN = [
    Release("2026.1.24-3", "clawdbot", "22", extra=("strip-ansi@7",), entry="dist/entry.js", prefix="CLAWDBOT"),
    Release("2026.2.19", "openclaw", "22", config_extra=NO_MDNS),
    Release("2026.6.11", "openclaw", "24", host_call=("gateway", "call", "config.schema"), asks_origin=True,
            names_device_token=True, config_extra=NO_MDNS),
    Release("2026.9.6", "openclaw", "24", sqlite=True, names_device_token=True,
            config_extra=NO_MDNS + (("plugins", {"enabled": False}),)),
]


def by_version(version):
    for release in KNOWN:
        if release.version == version:
            return release
    raise Missing(f"release {version} is not one that this suite knows: {', '.join(r.version for r in KNOWN)}")


def installed(release, cache):
    """Whether the release is complete in the cache (a stamp, or an install made by hand that answers)."""
    folder = release.folder(cache)
    node, main = folder / "node_modules/node/bin/node", release.package(cache) / release.entry
    return (folder / "installed.json").is_file() and node.is_file() and main.is_file()


def install(release, cache, say):
    """Installs the release below `cache` unless it is there; raises `Missing` with npm's last words."""
    folder = release.folder(cache)
    if installed(release, cache):
        return
    if shutil.which("npm") is None:
        raise Missing("npm is not on PATH: it is needed to install OpenClaw releases")
    folder.mkdir(parents=True, exist_ok=True)
    # `libsignal` is a git dependency of these releases; the published package of the same code needs no git.
    (folder / "package.json").write_text(json.dumps({
        "name": "live-suite", "private": True,
        "overrides": {"libsignal": "npm:libsignal@2.0.1"}, "allowScripts": {"node": True}}))
    started = time.monotonic()
    # The package `node` has an install script that puts the binary in place; OpenClaw's own scripts are not needed.
    npm(["install", "--ignore-scripts", f"{release.product}@{release.version}", *release.extra], folder, say)
    npm(["install", "--foreground-scripts", f"node@{release.node}"], folder, say)
    node, main = folder / "node_modules/node/bin/node", release.package(cache) / release.entry
    if not node.is_file() or not main.is_file():
        raise Missing(f"{release.product} {release.version} was installed, but {node} or {main} is not there")
    warm_up(release, cache, node)
    (folder / "installed.json").write_text(json.dumps({"seconds": round(time.monotonic() - started)}))
    say(f"installed {release.product} {release.version} in {round(time.monotonic() - started)} s")


def npm(arguments, folder, say):
    command = ["npm", *arguments, "--no-audit", "--no-fund", "--loglevel=error"]
    for attempt in range(1, ATTEMPTS + 1):
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
            if done.returncode == 0:
                return
            words = (done.stderr or done.stdout).strip()[-800:]
        except subprocess.TimeoutExpired:
            words = f"not done after {INSTALL_SECONDS} s"
        say(f"npm {' '.join(arguments)}: attempt {attempt} of {ATTEMPTS} failed: {words}")
        time.sleep(10 * attempt)
    raise Missing(f"npm could not install {' '.join(arguments)} (is the registry reachable?): {words}")


def warm_up(release, cache, node):
    """2026.9.6 finishes its installation at the first call, which must therefore be able to write there."""
    main = release.package(cache) / ("openclaw.mjs" if release.product == "openclaw" else release.entry)
    subprocess.run([node, main, "--version"], capture_output=True, timeout=300, check=False)
    subprocess.run(["chmod", "-R", "a+rX", str(release.folder(cache))], check=True)
