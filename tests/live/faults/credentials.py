"""The shared token: holders that disagree, references that lead nowhere, values that are none."""

import json

from faults import fault, json_era, sqlite_era

AREA = "credentials"
OLD = "an-older-shared-token-that-nobody-uses-now-0002"


@fault("env-file-old-token", AREA, "gateway-token-drift", "{state}/.env", client="host", ends="by hand",
       by_hand=lambda bench: (bench.state / ".env").unlink(),
       releases=lambda release: release.version == "2026.2.19", smoke=("2026.2.19",))
def env_file(bench):
    """`.env` in the state directory holds an older token: the CLI takes it before the configuration's."""
    bench.write(bench.state / ".env", f"OPENCLAW_GATEWAY_TOKEN={OLD}\n")


@fault("unit-token-only", AREA, ("gateway-token-drift", "token-missing"), "token", client="laptop_shared",
       ends="by hand", by_hand=lambda bench: back(bench), releases=json_era)
def unit_token(bench):
    """The unit carries an older token and the configuration none: the gateway takes the unit's."""
    bench.stop()
    token, bench.token = bench.token, OLD
    bench.install_unit()
    bench.token = token
    bench.configure(auth={"mode": "token"})
    bench.start()


def back(bench):
    bench.stop()
    bench.install_unit()
    bench.configure()
    bench.start()


@fault("unit-token-old", AREA, "gateway-token-drift", "token", ends="none", bites=False, releases=json_era)
def unit_token_unused(bench):
    """The unit's token is older than the configuration's, which wins: nobody is locked out by it."""
    bench.stop()
    token, bench.token = bench.token, OLD
    bench.install_unit()
    bench.token = token
    bench.start()


@fault("token-reference-unused", AREA, "secret-unresolved", "OPENCLAW_GATEWAY_TOKEN", ends="none", bites=False,
       releases=lambda release: release.version == "2026.6.11")
def token_reference_unused(bench):
    """The same where the unit has a token of its own: from 2026.3.7 that one counts, and the gateway serves."""
    token_reference(bench)


@fault("token-reference", AREA, "secret-unresolved", "LIVE_SUITE_TOKEN", client="laptop_shared", ends="by hand",
       by_hand=lambda bench: back(bench), releases=lambda release: release.version != "2026.6.11")
def token_reference(bench):
    """The token is a reference to a variable that the service does not have."""
    bench.stop()
    bench.configure(auth={"mode": "token", "token": "${LIVE_SUITE_TOKEN}"})
    bench.start(wait=False)
    bench.wait_failed(60)


@fault("token-undefined", AREA, ("config-invalid", "gateway-token-drift", "secret-unresolved", "token-missing"),
       "token", client="laptop_shared", ends="by hand", by_hand=lambda bench: back(bench), releases=sqlite_era)
def token_undefined(bench):
    """The literal text `undefined`, as a script leaves it: this release refuses to start with it."""
    bench.stop()
    bench.configure(auth={"mode": "token", "token": "undefined"})
    bench.start(wait=False)
    bench.wait_failed(60)


@fault("token-rotated", AREA, ("gateway-token-drift", "stale-device-token"), "token", client="laptop_shared",
       ends="by hand", by_hand=lambda bench: back(bench))
def token_rotated(bench):
    """The token was changed, a client still sends the old one: only the log shows it."""
    bench.stop()
    bench.configure(auth={"mode": "token", "token": "a-new-shared-token-that-clients-do-not-know-03"})
    bench.start()
    for _ in range(3):
        bench.laptop_shared()


@fault("remote-mode-here", AREA, "config-invalid", "gateway.mode", client="host", ends="by hand",
       by_hand=lambda bench: back(bench), releases=lambda release: release.product == "openclaw")
def remote_mode(bench):
    """`mode: remote` on the gateway's own host, without an address."""
    bench.stop()
    bench.configure(mode="remote")
    bench.start(wait=False)
    bench.wait_failed()


@fault("device-token-stale", AREA, "stale-device-token", "token", ends="by hand", mended=("laptop",),
       releases=lambda release: release.names_device_token, by_hand=lambda bench: bench.pair("laptop"))
def device_token_stale(bench):
    """The laptop comes back with a device token that is not the one on its record, as after a restored backup."""
    kept = bench.clients / "laptop.token"
    kept.write_text(kept.read_text()[:-6] + "AAAAAA")
    bench.laptop()


@fault("device-token-stale-unnamed", AREA, ("gateway-token-drift", "stale-device-token"), "token", ends="by hand",
       mended=("laptop",), releases=lambda release: not release.names_device_token,
       by_hand=lambda bench: bench.pair("laptop"))
def device_token_stale_unnamed(bench):
    """The same before clients said which token is their device's: the gateway takes it for a wrong gateway token."""
    device_token_stale(bench)
