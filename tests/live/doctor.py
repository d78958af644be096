"""Runs the doctor's binary, as root for the account's installation, and reads its documents."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Answer:
    """One run: exit status, seconds, and the JSON document (empty where it printed none)."""

    status: int
    seconds: float
    document: dict
    words: str = ""
    options: list = field(default_factory=list)

    @property
    def causes(self):
        return [entry["cause"] for entry in self.document.get("diagnosis", [])]

    @property
    def first(self):
        return (self.document.get("diagnosis") or [{}])[0]

    def text_of(self, index=0):
        """Everything that the diagnosis at `index` says, with the findings behind it, as one text to look into."""
        diagnosis = self.document.get("diagnosis") or []
        if index >= len(diagnosis):
            return ""
        chosen = diagnosis[index]
        behind = [finding for finding in self.document.get("findings", [])
                  if finding["fingerprint"] in chosen.get("findings", [])]
        return json.dumps([chosen, behind], ensure_ascii=False)

    def plans(self):
        """The applicabilities that the findings offer, `safe` before `unsafe`."""
        return sorted({finding["fix"]["applicability"] for finding in self.document.get("findings", [])
                       if finding.get("fix")})


class Doctor:
    """The binary under test."""

    def __init__(self, binary, bench):
        self.binary, self.bench = Path(binary).resolve(), bench

    def run(self, *arguments, seconds=180):
        command = [str(self.binary), *arguments, "--home", str(self.bench.home)]
        environment = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LANG": "C.UTF-8", "RUST_BACKTRACE": os.environ.get("RUST_BACKTRACE", "0")}
        started = time.monotonic()
        try:
            done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return Answer(124, time.monotonic() - started, {}, f"not done after {seconds} s")
        try:
            document = json.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            document = {}
        return Answer(done.returncode, time.monotonic() - started, document, done.stdout[-4000:] + done.stderr[-4000:])

    def check(self, *options):
        return self.run("check", "--format", "json", *options)

    def fix(self, *options):
        return self.run("fix", "--yes", "--unsafe", "--json", *options, seconds=600)

    def undo(self):
        return self.run("undo", "--yes", seconds=600)
