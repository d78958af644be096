"""Device stores: malformed, hand-edited, pending-shaped, contradictory; records that cover too little."""

import json
import re
import time

from faults import config_first, fault, json_era, sqlite_era, token_first

AREA = "pairing"
DAMAGED = "pairing-store-damaged"
PAIRED = "{state}/devices/paired.json"
PENDING = "{state}/devices/pending.json"


def paired(bench):
    return bench.state / "devices/paired.json"


def pending(bench):
    return bench.state / "devices/pending.json"


def records(bench):
    return json.loads(paired(bench).read_text())


def put(bench, path, value):
    """Replaces a store file as an editor would: same owner, same mode."""
    bench.write(path, value if isinstance(value, str) else json.dumps(value, indent=2))


def waiting(bench, device, **more):
    """A waiting request for a device that is in the store."""
    record = records(bench)[device]
    return {"requestId": "5f0a2d5e-1c3b-4a55-9f0e-2f6a1c9d7e10", "deviceId": device, "publicKey": record["publicKey"],
            "platform": "linux", "clientId": "cli", "clientMode": "cli", "role": "operator", "roles": ["operator"],
            "scopes": ["operator.admin", "operator.approvals", "operator.pairing"], "silent": False,
            "isRepair": True, "ts": int(time.time() * 1000), **more}


@fault("paired-trailing-comma", AREA, DAMAGED, PAIRED, releases=json_era, bites=False, smoke=("2026.2.19",))
def trailing_comma(bench):
    """Hand-edited. The next handshake would take it for empty and replace it: no client may call before the doctor."""
    text = paired(bench).read_text().rstrip()
    put(bench, paired(bench), text[:-1].rstrip() + ",\n}\n")


@fault("paired-bom", AREA, DAMAGED, PAIRED, releases=json_era, bites=False)
def byte_order_mark(bench):
    put(bench, paired(bench), "\ufeff" + paired(bench).read_text())


@fault("paired-comment", AREA, DAMAGED, PAIRED, releases=json_era, bites=False)
def comment(bench):
    put(bench, paired(bench), "// my devices\n" + paired(bench).read_text())


@fault("paired-truncated", AREA, DAMAGED, PAIRED, releases=json_era, bites=False, mended=("phone",))
def truncated(bench):
    """A write that was cut off in the last record: the phone's is lost, the others can be salvaged."""
    text = paired(bench).read_text()
    put(bench, paired(bench), text[:-200])


@fault("paired-array", AREA, DAMAGED, PAIRED, client="laptop_shared", releases=json_era, bites=False,
       mended=("host", "laptop", "phone"))
def array(bench):
    """`[]`: nothing can be stored in it, every approval is forgotten."""
    put(bench, paired(bench), "[]\n")


@fault("paired-pending-shaped", AREA, DAMAGED, PAIRED, client="host", releases=json_era, mended=("host",))
def pending_shaped(bench):
    """The hack of the threads: the waiting request copied over the host's record, under the request's id."""
    host = bench.host_id()
    request = waiting(bench, host)
    store = records(bench)
    del store[host]
    store[request["requestId"]] = request
    put(bench, paired(bench), store)
    put(bench, pending(bench), {request["requestId"]: request})


# 2026.6.11 refuses the first contact and mends the record with it, so that there is no such fault.
@fault("paired-no-role", AREA, (DAMAGED, "scope-upgrade"), PAIRED, client="host", mended=("host",),
       releases=lambda release: json_era(release) and release.version != "2026.6.11")
def no_role(bench):
    store = records(bench)
    for name in ["role", "roles", "scopes", "tokens", "approvedScopes"]:
        store[bench.host_id()].pop(name, None)
    put(bench, paired(bench), store)


@fault("paired-key-mismatch", AREA, DAMAGED, PAIRED, releases=json_era)
def key_mismatch(bench):
    store = records(bench)
    laptop = bench.device_id("laptop")
    store["laptop"] = store.pop(laptop)
    put(bench, paired(bench), store)


def devices_list(bench):
    done = bench.cli("devices", "list")
    return done.returncode == 0, (done.stdout + done.stderr).strip()[-600:]


@fault("paired-null-record", AREA, DAMAGED, PAIRED, client=devices_list, releases=json_era, mended=("laptop",))
def null_record(bench):
    store = records(bench)
    store[bench.device_id("laptop")] = None
    put(bench, paired(bench), store)


@fault("pending-null-entry", AREA, DAMAGED, PENDING, releases=json_era, smoke=("2026.2.19",))
def pending_null(bench):
    """Every handshake ends with close 1000 and no reason."""
    put(bench, pending(bench), {"6f1b7c1e-0000-4000-8000-000000000001": None})


@fault("host-scopes-narrowed", AREA, "scope-upgrade", "{host}", client="host", releases=config_first,
       mended=("host",), smoke=("2026.2.19",))
def host_scopes(bench):
    narrow_host(bench)


@fault("host-token-narrowed", AREA, "stale-device-token", "{host}", client="host", releases=token_first, ends="by hand",
       by_hand=lambda bench: None, mended=("host",))
def host_token(bench):
    """The client sends its device token in place of the configured one, and drops it when it is refused: the advice is to
    call again."""
    narrow_host(bench)


def narrow_host(bench):
    store = records(bench)
    record = store[bench.host_id()]
    record["scopes"] = ["operator.read"]
    record.pop("approvedScopes", None)
    for token in record.get("tokens", {}).values():
        token["scopes"] = ["operator.read"]
    put(bench, paired(bench), store)


@fault("host-remote-request", AREA, ("scope-upgrade", "new-device", "proxy-attribution", "not-local"), PENDING, client="host",
       releases=json_era, mended=("host",))
def remote_request(bench):
    """The host's device is unknown, and a request of it waits that came in when it counted as remote."""
    host = bench.host_id()
    request = waiting(bench, host, isRepair=False, remoteIp="203.0.113.7")
    store = records(bench)
    del store[host]
    put(bench, paired(bench), store)
    put(bench, pending(bench), {request["requestId"]: request})


@fault("device-tokens-gone", AREA, ("stale-device-token", DAMAGED), "{laptop}", releases=json_era, ends="by hand",
       by_hand=lambda bench: bench.pair("laptop"), mended=("laptop",))
def tokens_gone(bench):
    """The record lost its tokens: the device comes with one that the store does not know."""
    store = records(bench)
    store[bench.device_id("laptop")]["tokens"] = {}
    put(bench, paired(bench), store)


def change_row(bench, statement, *parameters):
    """One statement on the database, as the account, with the gateway stopped."""
    script = ('const [file, sql, values] = process.argv.slice(1);'
              'const db = new (require("node:sqlite").DatabaseSync)(file);'
              'db.prepare(sql).run(...JSON.parse(values)); db.close();')
    done = bench.account.run([bench.node, "-e", script, bench.state / "state/openclaw.sqlite", statement,
                              json.dumps(parameters)])
    if done.returncode != 0:
        raise RuntimeError(f"the row could not be changed: {done.stderr[-300:]}")


@fault("row-broken-json", AREA, ("state-database", DAMAGED), "{laptop}", client="phone", releases=sqlite_era,
       mended=("laptop",), undo_may_refuse=True, smoke=("2026.9.6",))
def broken_row(bench):
    """One row that does not parse closes the door to every device, this release's worst surprise."""
    bench.stop()
    change_row(bench, "update device_pairing_paired set tokens_json='{\"operator\":' where device_id=?",
               bench.device_id("laptop"))
    bench.start()


@fault("row-tokens-gone", AREA, ("stale-device-token", DAMAGED), "{laptop}", releases=sqlite_era, ends="by hand",
       by_hand=lambda bench: bench.pair("laptop"), mended=("laptop",))
def row_tokens_gone(bench):
    bench.stop()
    change_row(bench, "update device_pairing_paired set tokens_json='{}' where device_id=?", bench.device_id("laptop"))
    bench.start()


@fault("row-scopes-narrowed", AREA, ("scope-upgrade", "device-repin"), "{laptop}", client="laptop_shared",
       releases=sqlite_era, ends="by hand", mended=("laptop",), by_hand=lambda bench: approve(bench))
def row_scopes(bench):
    """The record covers less than the device asks for, and local approval is switched off."""
    bench.stop()
    narrow = json.dumps(["operator.read"])
    change_row(bench, "update device_pairing_paired set scopes_json=?, approved_scopes_json=? where device_id=?",
               narrow, narrow, bench.device_id("laptop"))
    bench.configure(nodes={"pairing": {"autoApproveLocal": False}})
    bench.start()


def approve(bench):
    """Does what the doctor says: approves, on the host, the request that it names."""
    named = re.search(r"devices approve ([0-9a-f-]{36})", bench.advice)
    if not named:
        raise RuntimeError("the doctor names no request to approve")
    done = bench.cli("devices", "approve", named.group(1))
    if done.returncode != 0:
        raise RuntimeError(f"the approval that the doctor advises fails: {(done.stdout + done.stderr)[-400:]}")


