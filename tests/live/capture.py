"""Keeps what each row saw, in the form of the project's fixtures: the home before and after, and the documents."""

import json
import subprocess
from pathlib import Path


class Keep:
    """Writes below `folder/RELEASE-FAULT/`. The tokens in it are throwaway and belong to nothing."""

    def __init__(self, folder):
        self.folder = folder

    def place(self, row):
        place = self.folder / f"{row.release}-{row.fault}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def state(self, row, bench, when):
        """The state and the units as they are now: owners, modes and the live WAL included."""
        names = [bench.state.name] + ([".config"] if (bench.home / ".config").exists() else [])
        name = {"before": "state.tar.gz", "after": "state-after.tar.gz"}[when]
        subprocess.run(["tar", "-C", "/", "--numeric-owner", "--exclude=*/cache/*", "--warning=no-file-changed",
                        "-czf", str(self.place(row) / name), *[str(bench.home / n).lstrip("/") for n in names]],
                       check=False, capture_output=True)
        (self.place(row) / f"processes-{when}.txt").write_text(processes(bench))
        if when == "before":
            self.log(row, bench)
            (self.place(row) / "unit.txt").write_text(json.dumps(bench.show(), indent=1) + "\n"
                                                      + bench.manager.words(bench.unit))

    def log(self, row, bench):
        """The gateway's own log of this row."""
        logs = [path for pattern in ["openclaw*/*.log", "clawdbot*/*.log"] for path in Path("/tmp").glob(pattern)]
        with open(self.place(row) / "gateway.jsonl", "wb") as sink:
            for path in sorted(logs, key=lambda path: path.stat().st_mtime):
                sink.write(path.read_bytes())

    def truth(self, row, bench, fault):
        """What a test needs to know of the capture to use it as a fixture."""
        folder = "/tmp/openclaw" if bench.release.version == "2026.2.19" else f"/tmp/openclaw-{bench.account.uid}"
        (self.place(row) / "truth.json").write_text(json.dumps({
            "id": fault.id, "release": bench.release.version, "user": bench.account.name, "uid": bench.account.uid,
            "home": str(bench.home), "log_dir": folder, "cause": list(fault.causes) or None,
            "offline": fault.area not in ("services", "proxies"), "what": (fault.make.__doc__ or fault.id).strip(),
            "subjects": list(fault.subjects), "severity": "error", "symptom": None, "data_lost": None,
            "fix": fault.ends, "note": "captured by tests/live/run"}, indent=1) + "\n")

    def document(self, row, name, answer):
        place = self.place(row)
        if answer.document:
            (place / f"{name}.json").write_text(json.dumps(answer.document, indent=1, ensure_ascii=False) + "\n")
        else:
            (place / f"{name}.txt").write_text(answer.words)

    def row(self, row):
        (self.place(row) / "row.json").write_text(json.dumps(vars(row), indent=1, ensure_ascii=False) + "\n")


def processes(bench):
    """The account's processes: pid, parent, unit, command line."""
    lines = []
    for pid in bench.account.processes():
        try:
            place = Path(f"/proc/{pid}")
            parent = place.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            groups = [line for line in place.joinpath("cgroup").read_text().splitlines() if "systemd" in line]
            words = place.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            lines.append(f"{pid} {parent} {(groups or [''])[0].rpartition('/')[2]} {words[:200]}")
        except (OSError, IndexError):
            continue
    return "\n".join(lines) + "\n"
