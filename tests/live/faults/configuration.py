"""The configuration: missing, wiped, rejected, or at odds with itself."""

import json

from faults import fault

AREA = "configuration"
INVALID = "config-invalid"


def started_again(bench):
    bench.stop()
    bench.start(wait=False)
    bench.wait_failed()


@fault("syntax-error", AREA, INVALID, "{config}", client="host", ends="by hand",
       by_hand=lambda bench: corrected(bench), smoke=("2026.9.6",))
def syntax_error(bench):
    """A brace too few."""
    bench.configure(bench.config.read_text().rstrip()[:-1])
    started_again(bench)


def corrected(bench):
    bench.configure()
    bench.start(wait=False)


@fault("unknown-key", AREA, INVALID, "trustedProxy", client="host")
def unknown_key(bench):
    bench.configure(trustedProxy=["127.0.0.1"])
    started_again(bench)


@fault("mode-unset", AREA, INVALID, "gateway.mode", client="host",
       releases=lambda release: release.product == "openclaw", smoke=("2026.2.19", "2026.9.6"))
def mode_unset(bench):
    bench.configure(mode=None)
    started_again(bench)


@fault("config-gone", AREA, INVALID, "{config}", client="host", ends="by hand",
       by_hand=lambda bench: corrected(bench), releases=lambda release: release.product == "openclaw")
def config_gone(bench):
    bench.stop()
    for path in bench.state.glob(bench.config.name + "*"):
        path.unlink()
    bench.start(wait=False)
    bench.wait_failed()


@fault("lan-without-auth", AREA, INVALID, "gateway.bind", client="host", ends="by hand",
       by_hand=lambda bench: corrected(bench), releases=lambda release: release.product == "openclaw")
def lan_without_auth(bench):
    bench.configure(bind="lan", auth={"mode": "none"})
    started_again(bench)


@fault("config-wiped", AREA, INVALID, "{config}", client="host", ends="by hand",
       by_hand=lambda bench: corrected(bench), releases=lambda release: release.product == "openclaw")
def config_wiped(bench):
    bench.stop()
    bench.configure(json.dumps({}))
    bench.start(wait=False)
    bench.wait_failed()
