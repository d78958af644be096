"""Proxies: headers that make a client count as remote, and settings that lock out or never match."""

import sys
import time
from pathlib import Path

from faults import fault, json_era, sqlite_era

AREA = "proxies"
PROXY = Path(__file__).resolve().parents[1] / "proxy.py"


def proxy(bench, *headers):
    """Starts the header-adding proxy in front of the gateway."""
    bench.spawn_root([sys.executable, PROXY, bench.port + 1, bench.port, *headers])
    time.sleep(1)


def newcomer(bench):
    """A device that nobody approved, by way of the proxy."""
    import json
    device = bench.clients / f"newcomer-{time.time_ns()}.json"
    answer = bench.connect("--client", f"{bench.release.product}-control-ui", "--mode", "webchat", "--token", bench.token,
                           "--device", device, "--header", f"Origin: http://127.0.0.1:{bench.port}",
                           port=bench.port + 1)
    return answer["ok"], json.dumps(answer)


def by_proxy(bench):
    """The paired laptop, by way of the proxy."""
    import json
    token = (bench.clients / "laptop.token").read_text()
    answer = bench.connect(*bench.KINDS["laptop"], "--device-token", token, "--device",
                           bench.clients / "laptop.json", port=bench.port + 1)
    return answer["ok"], json.dumps(answer)


@fault("trusted-loopback", AREA, "proxy-attribution", "{config}", client="host", releases=lambda release:
       release.version == "2026.2.19", mended=("host",), smoke=("2026.2.19",))
def trusted_loopback(bench):
    """trustedProxies covers loopback, and the host's own device is not paired: each direct call counts as remote."""
    bench.stop()
    forget_host(bench)
    bench.configure(trustedProxies=["127.0.0.1", "::1"])
    bench.start()
    bench.host()


def forget_host(bench):
    import json
    path = bench.state / "devices/paired.json"
    records = json.loads(path.read_text())
    records.pop(bench.host_id(), None)
    bench.write(path, json.dumps(records, indent=2))


@fault("proxy-untrusted", AREA, ("proxy-attribution", "new-device"), "trustedProxies", client=by_proxy,
       releases=sqlite_era, ends="by hand", by_hand=lambda bench: bench.configure(trustedProxies=["127.0.0.1"]),
       smoke=("2026.9.6",))
def proxy_untrusted(bench):
    """A reverse proxy that is not listed: HTTP 403 at the upgrade, for paired devices too."""
    proxy(bench, "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: gw.example.test")
    by_proxy(bench)


@fault("proxy-new-device", AREA, ("proxy-attribution", "new-device"), "trustedProxies", client=newcomer,
       releases=json_era, ends="by hand")
def proxy_new_device(bench):
    """A new browser by way of a proxy that is not listed: pairing required."""
    if bench.release.asks_origin:
        bench.stop()
        bench.configure(controlUi={"allowedOrigins": [f"http://127.0.0.1:{bench.port}"]})
        bench.start()
    proxy(bench, "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: gw.example.test")
    newcomer(bench)


@fault("trusted-host-name", AREA, ("proxy-attribution", "new-device"), "localhost", client=by_proxy,
       releases=sqlite_era, ends="by hand", by_hand=lambda bench: bench.configure(trustedProxies=["127.0.0.1"]))
def trusted_host_name(bench):
    """A host name in trustedProxies is accepted and never matches."""
    bench.stop()
    bench.configure(trustedProxies=["localhost"])
    bench.start()
    proxy(bench, "X-Forwarded-For: 203.0.113.7")
    by_proxy(bench)


@fault("trusted-string", AREA, ("config-invalid", "proxy-attribution"), "trustedProxies", client="host")
def trusted_string(bench):
    """trustedProxies is a string: the CLI stops at once, the gateway at its next start."""
    bench.stop()
    bench.configure(trustedProxies="127.0.0.1")
    bench.start(wait=False)
    bench.wait_failed()
