"""The rows as one table for the terminal and for `docs/live-results.md`."""

import json
from pathlib import Path

import faults
import judge

HEAD = """# Live results

What the live suite saw on {date}: real releases from the npm registry, each under a real `systemd --user` manager
(systemd {systemd}), broken on purpose, judged, mended and taken back by the built binary, which ran as root. Made by
`tests/live/run --table FOLDER …` from the captures of the run; rows that failed are shown as they were.

- **bites**: the client was locked out by the fault before the doctor was asked. `–`: no client may call first (the next
  handshake would destroy the evidence), or the fault does not show to a client.
- **cause**, **evidence**: the right cause is first, and its evidence names the right subject.
- **fix**: `fix --yes --unsafe` applied and verified, exit 0 (1 where the pairings are gone for good and it says so: a
  damaged database that was set aside). *by hand*: the doctor rightly only advises; the suite did
  what a person would do.
- **client**: the client that was locked out gets in afterwards. **kept**: no other paired device lost anything.
- **undo**: `undo --yes` brings the fault back, and the doctor names the same cause again. *refused*: it declined, because
  the gateway has written to what was mended since; that is what it promises. *ended*: the fix ended a process, and says
  that no undo starts it again.
- **as found**: the unit runs, and starts with the machine as before.
- A fault with **@system** was made under a real system manager (`tests/live/run --system`): systemd as process 1 of a pid
  namespace, the gateway a unit of root's with `User=`.

"""


def line(row):
    """One row for the terminal."""
    marks = "  ".join(f"{step}:{row.marks[step]}" for step in judge.STEPS)
    return f"{'ok  ' if row.good else 'FAIL'} {row.release:12} {row.fault:28} {row.said:22} {marks}  {row.seconds:.0f} s"


def markdown(rows):
    """The table as Markdown, one for each release."""
    head = ["area", "fault", "first cause", *judge.STEPS, "check (s)", ""]
    text = []
    for release in dict.fromkeys(row.release for row in rows):
        mine = [row for row in rows if row.release == release]
        text += [f"## {release}: {sum(row.good for row in mine)} of {len(mine)} rows right", "",
                 f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        for row in mine:
            marks = dict(row.marks)
            if row.ends == "by hand":
                marks["fix"] = "by hand"
            cells = [row.area, row.fault, f"`{row.said}`", *[marks[step] for step in judge.STEPS],
                     f"{row.check_seconds:.2f}", "ok" if row.good else "**failed**"]
            text.append(f"| {' | '.join(cells)} |")
        text.append("")
    return "\n".join(text)


def failures(rows):
    """What went wrong in the rows that failed, a line each."""
    text = [f"- {row.release} {row.fault}: " + "; ".join(
        " ".join(note.split())[:300] for note in row.notes if note.split(":")[0] in judge.STEPS)
        for row in rows if not row.good]
    return "\n".join(["## Rows that failed", "", *text, ""]) if text else ""


def kept(folders):
    """The rows that captures hold, by release, in the order of the areas; of one that ran twice, the later."""
    paths = [path for folder in folders for path in Path(folder).glob("*/row.json")]
    rows = {}
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        row = judge.Row(**json.loads(path.read_text()))
        rows[row.release, row.fault] = row
    order = [fault.id for fault in faults.load()]
    place = {name: number for number, name in enumerate(order)}
    return sorted(rows.values(), key=lambda row: (
        [int(part) for part in row.release.replace("-", ".").split(".")], "@" in row.fault,
        place.get(row.fault.partition("@")[0], len(order))))


def document(folders, date, systemd):
    """`docs/live-results.md` from the captures of one or more runs."""
    rows = kept(folders)
    beside = [(Path(folder) / "compare.md") for folder in folders]
    text = HEAD.format(date=date, systemd=systemd) + markdown(rows) + failures(rows)
    for path in beside:
        if path.exists():
            text += "\n## Beside OpenClaw's own tools\n\n" + COMPARED + path.read_text()
    return text


COMPARED = """The same faults on 2026.9.6, asked of three: the doctor's `check` (with its probe), OpenClaw's own lint, and its
deep status, one after the other on the same machine. "names it" is judged generously for OpenClaw's own tools: the
thing at fault, or OpenClaw's word for it, stands anywhere in the output.

"""
