"""Reads a device store, of either era, as plain values: what a row is compared by before and after."""

import hashlib
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path

# Columns and fields that every handshake moves.
TOUCHED = {"last_seen_at_ms", "last_seen_reason", "lastUsedAtMs", "lastSeenAtMs", "lastSeenReason",
           "pending_node_surface_json", "remote_ip", "remoteIp"}


def database(state, query, parameters=()):
    """Rows of a copy: opening the live files as root would re-own `-wal` and `-shm` and so mend an ownership fault."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ["openclaw.sqlite", "openclaw.sqlite-wal"]:
            if (state / "state" / name).exists():
                shutil.copyfile(state / "state" / name, Path(folder) / name)
        connection = sqlite3.connect(Path(folder) / "openclaw.sqlite")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, parameters)]
        finally:
            connection.close()


def devices(release, state):
    """`{device id: record}` of the paired devices, without what each handshake moves; None where it can't be read."""
    try:
        if release.sqlite:
            rows = database(state, "select * from device_pairing_paired")
            return {row["device_id"]: without({name: parsed(name, value) for name, value in row.items()})
                    for row in rows}
        records = json.loads((state / "devices/paired.json").read_text())
        return {key: without(record) for key, record in records.items()}
    except (OSError, ValueError, AttributeError, sqlite3.Error):
        return None


def parsed(name, value):
    """The value behind a `…_json` column; broken JSON stays as it is."""
    try:
        return json.loads(value) if name.endswith("_json") and isinstance(value, str) else value
    except ValueError:
        return value


def without(value):
    """The value without what each handshake moves."""
    if isinstance(value, dict):
        return {key: without(inner) for key, inner in value.items() if key not in TOUCHED}
    return value


def exact(release, state):
    """The store to the byte (JSON files) or to the row (SQLite): for probes, which must leave it alone."""
    if release.sqlite:
        tables = ["device_pairing_paired", "device_pairing_pending", "device_identities", "device_auth_tokens",
                  "device_bootstrap_tokens"]
        return {table: database(state, f"select * from {table}") for table in tables}
    sums = {}
    for folder in ["devices", "identity"]:
        for path in sorted((state / folder).glob("*")):
            sums[str(path.relative_to(state))] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_ino)
    return sums


def lost(before, after, mended=()):
    """Words for what other devices lost; empty when nothing. `mended`: ids that the fix was meant to touch."""
    if after is None:
        return ["the store cannot be read"]
    words = []
    for key, record in (before or {}).items():
        if key in mended:
            continue
        if key not in after:
            words.append(f"device {key[:8]} is gone")
        elif after[key] != record:
            names = sorted(name for name in {*record, *after[key]} if record.get(name) != after[key].get(name))
            words.append(f"device {key[:8]} differs in {', '.join(names)}")
    return words
