"""The rows as one table for the terminal and for `docs/live-results.md`."""

from judge import STEPS


def line(row):
    """One row for the terminal."""
    marks = "  ".join(f"{step}:{row.marks[step]}" for step in STEPS)
    return f"{'ok  ' if row.good else 'FAIL'} {row.release:12} {row.fault:28} {row.said:22} {marks}  {row.seconds:.0f} s"


def markdown(rows):
    """The table as Markdown."""
    head = ["release", "area", "fault", "first cause", *STEPS, "check (s)", "row"]
    text = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in rows:
        undo = dict(row.marks)
        if row.ends == "by hand":
            undo["fix"] = "by hand"
        cells = [row.release, row.area, row.fault, f"`{row.said}`", *[undo[step] for step in STEPS],
                 f"{row.check_seconds:.2f}", "ok" if row.good else "**failed**"]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text) + "\n"
