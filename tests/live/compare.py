"""The doctor beside OpenClaw's own two ways of asking, on the same faults: who names the cause, and how long it took."""

import json
import time
from dataclasses import dataclass

import judge
from doctor import Doctor

# What OpenClaw's own output must contain to count as naming the cause: words that its lint or status uses for it, or the
# thing at fault itself. Judged generously: one of them anywhere in the output is enough.
WORDS = {
    "config-root": ["EACCES", "ownership", "not readable"],
    "tree-root": ["EACCES", "ownership"],
    "tmp-root": ["openclaw/tmp", "EACCES"],
    "row-broken-json": ["{laptop}"],
    "row-tokens-gone": ["{laptop}"],
    "legacy-unit-same-port": ["clawdbot-gateway.service"],
    "port-foreign": ["already in use", "non-gateway", "not a gateway", "EADDRINUSE"],
    "orphan-gateway": ["another gateway", "another OpenClaw process", "already running"],
    "proxy-untrusted": ["trustedProxies", "proxy_attribution"],
    "trusted-host-name": ["trustedProxies"],
    "syntax-error": ["JSON5", "parse", "SyntaxError"],
    "mode-unset": ["gateway.mode"],
    "legacy-malformed": ["devices/paired.json"],
    "legacy-identity": ["identity/device.json"],
    "database-emptied": ["openclaw.sqlite"],
    "token-reference": ["LIVE_SUITE_TOKEN"],
    "unit-stopped": ["not running", "stopped", "inactive"],
}
OTHERS = {"doctor --lint": ["doctor", "--lint", "--all", "--json"], "status --deep": ["gateway", "status", "--deep"]}


@dataclass
class Comparison:
    """One fault: for each asker, whether it named the cause, and its seconds."""

    fault: str
    ours: str
    named: dict
    seconds: dict


def compare(fault, bench, binary, keep):
    """Makes the fault once and asks all three, ours first: it leaves nothing behind that the others could see."""
    bench.restore(start=fault.running)
    fault.make(bench)
    row = judge.Row(bench.release.version, f"compare-{fault.id}", "compare")
    answer = Doctor(binary, bench).check()
    keep.document(row, "check", answer)
    first = answer.causes[0] if answer.causes else "–"
    named, seconds = {"openclaw-doctor": first in fault.causes}, {"openclaw-doctor": answer.seconds}
    for name, arguments in OTHERS.items():
        started = time.monotonic()
        done = bench.cli(*arguments, seconds=240)
        seconds[name] = time.monotonic() - started
        said = done.stdout + done.stderr
        (keep.place(row) / f"{name.replace(' ', '')}.txt").write_text(f"exit {done.returncode}\n{said}")
        looked_for = [judge.fill(word, bench) for word in WORDS[fault.id]]
        named[name] = any(word in findings_only(said) for word in looked_for)
    return Comparison(fault.id, first, named, seconds)


def findings_only(said):
    """A JSON lint document without its housekeeping (texts at `info`), anything else as it is."""
    try:
        document = json.loads(said[said.index("{"):])
        return json.dumps([f for f in document.get("findings", []) if f.get("severity") != "info"]) or said
    except ValueError:
        return said


def markdown(comparisons):
    askers = ["openclaw-doctor", *OTHERS]
    text = ["| fault | openclaw-doctor | `openclaw doctor --lint --all --json` | `openclaw gateway status --deep` |",
            "|---|---|---|---|"]
    for one in comparisons:
        cells = [f"{'names it' if one.named[a] else 'no'}, {one.seconds[a]:.1f} s" for a in askers]
        cells[0] = f"`{one.ours}`{'' if one.named[askers[0]] else ' (wrong)'}, {one.seconds[askers[0]]:.1f} s"
        text.append(f"| {one.fault} | {' | '.join(cells)} |")
    return "\n".join(text) + "\n"
