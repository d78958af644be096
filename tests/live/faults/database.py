"""The SQLite state, and what the JSON era left beside it."""

import json
import os

from faults import fault, sqlite_era
from faults.pairing import change_row

AREA = "database"
DATABASE = "{state}/state/openclaw.sqlite"


def database(bench):
    return bench.state / "state/openclaw.sqlite"


def again(bench):
    bench.start(wait=False)
    bench.wait_failed()


@fault("legacy-malformed", AREA, "legacy-state", "{state}/devices/paired.json", releases=sqlite_era, bites=False,
       smoke=("2026.9.6",))
def legacy_malformed(bench):
    """A retired device file that does not parse: a start by hand is refused, one by the unit warns and serves."""
    bench.stop()
    bench.write(bench.state / "devices/paired.json", '{"a": {"deviceId": "a", ')
    bench.start(wait=False)
    bench.serves(90)


@fault("legacy-identity", AREA, "legacy-state", "{state}/identity/device.json", releases=sqlite_era, bites=False)
def legacy_identity(bench):
    """A retired identity with another key than the database's."""
    bench.stop()
    made = bench.account.run([bench.node, "-e", IDENTITY])
    bench.write(bench.state / "identity/device.json", made.stdout)
    again(bench)


IDENTITY = """
const c = require("node:crypto"), k = c.generateKeyPairSync("ed25519");
const raw = k.publicKey.export({type: "spki", format: "der"}).subarray(-32);
console.log(JSON.stringify({version: 1, deviceId: c.createHash("sha256").update(raw).digest("hex"),
  publicKeyPem: k.publicKey.export({type: "spki", format: "pem"}),
  privateKeyPem: k.privateKey.export({type: "pkcs8", format: "pem"}), createdAtMs: Date.now()}));
"""


@fault("database-garbage", AREA, "state-database", DATABASE, client="host", releases=sqlite_era,
       mended=("host", "laptop", "phone"), undo_may_refuse=True, stays_lost=True)
def garbage(bench):
    """The header is overwritten: file is not a database. Set aside, the host gets in and the others pair again."""
    bench.stop()
    with open(database(bench), "r+b") as file:
        file.write(os.urandom(100))
    again(bench)


@fault("database-truncated", AREA, "state-database", DATABASE, client="host", releases=sqlite_era,
       mended=("host", "laptop", "phone"), undo_may_refuse=True, stays_lost=True)
def truncated(bench):
    bench.stop()
    change_row(bench, "pragma wal_checkpoint(truncate)")
    os.truncate(database(bench), database(bench).stat().st_size // 2)
    again(bench)


@fault("database-emptied", AREA, ("state-database", "pairing-store-lost", "pairing-store-damaged"), DATABASE,
       releases=sqlite_era, ends="by hand", mended=("host", "laptop", "phone"))
def emptied(bench):
    """Zero bytes: the gateway builds an empty one without a word, and all pairings are gone."""
    bench.stop()
    for path in bench.state.glob("state/openclaw.sqlite-*"):
        path.unlink()
    os.truncate(database(bench), 0)
    bench.start()


@fault("database-newer", AREA, ("state-database", "version-skew"), DATABASE, releases=sqlite_era, ends="by hand")
def newer(bench):
    bench.stop()
    change_row(bench, "pragma user_version = 99")
    again(bench)


@fault("legacy-archives", AREA, (), (), releases=sqlite_era, ends="none", bites=False)
def archives(bench):
    """`.migrated` archives are no fault."""
    bench.write(bench.state / "devices/paired.json.migrated", json.dumps({}))
