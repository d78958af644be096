"""Probes of a running gateway: whatever the token, the device store stays as it was, to the byte or to the row."""

import json
import time

import store
from doctor import Doctor
from judge import Row

WRONG = "a-token-that-no-gateway-of-this-bench-has-0009"


def settings(bench, token):
    """The bench's configuration with another token, in a file beside it: what a caller with that file would send."""
    chosen = bench.settings(auth={"mode": "token", "token": token} if token else {"mode": "token"})
    path = bench.home / f"probe-{'none' if token is None else 'other'}.json"
    bench.write(path, json.dumps(chosen))
    return path


def rows(bench, binary, keep):
    """One row for each token that the prober holds: the gateway's, another, none."""
    doctor, done = Doctor(binary, bench), []
    bench.restore()
    for name, options in [
        ("right token", []),
        ("wrong token", ["--config", str(settings(bench, WRONG)), "--state-dir", str(bench.state)]),
        ("no token", ["--config", str(settings(bench, None)), "--state-dir", str(bench.state)]),
    ]:
        row = Row(bench.release.version, f"probe-{name.replace(' ', '-')}", "probe", ends="none")
        started = time.monotonic()
        before = store.exact(bench.release, bench.state)
        answer = doctor.run("probe", "--json", *options)
        checked = doctor.check(*options)
        after = store.exact(bench.release, bench.state)
        keep.document(row, "probe", answer)
        row.check_seconds, row.seconds = round(answer.seconds, 2), round(time.monotonic() - started, 1)
        said = json.dumps(answer.document)
        row.said = summary(answer)
        row.mark("cause", bool(answer.document), f"the probe printed no document: {answer.words[-300:]}")
        row.mark("evidence", bench.release.version in said or not bench.release.sqlite,
                 "it does not name the release that the gateway tells")
        row.mark("kept", before == after, f"the store changed: {different(before, after)}")
        ok, words = bench.laptop()
        row.mark("client", ok, f"a paired device is refused afterwards (limiter?): {words}")
        row.notes.append(f"check beside it: exit {checked.status}, {checked.causes}")
        done.append(row)
    return done


def summary(answer):
    return f"exit {answer.status}"


def different(before, after):
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
