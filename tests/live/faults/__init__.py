"""The faults: one function per way to break a healthy bench, each with what a right answer looks like."""

from dataclasses import dataclass
from typing import Callable, Optional

ALL = []
# What is asked again under a system manager (`--system`): what its units change in the answer.
UNDER_SYSTEM = ("config-root", "tree-root", "devices-dir-root", "devices-files-root", "database-root",
                "legacy-unit-same-port", "two-units-one-state", "port-foreign", "unit-stopped", "unit-killed",
                "unit-gone", "token-reference", "env-file-old-token", "mode-unset", "healthy")


@dataclass(frozen=True)
class Fault:
    """A way to break the bench, and how to judge what the doctor says and does about it."""

    id: str
    area: str
    make: Callable
    # Accepted cause ids for the first place, best first; empty where nothing is broken.
    causes: tuple
    # One of these must stand in the diagnosis or its findings; `{home}` and the like are filled in.
    subjects: tuple
    # The client that must be locked out by it and let in again: laptop, phone, laptop_shared, host, or a function.
    client: object
    # "plan": a plan is offered and works; "by hand": only advice, followed by `by_hand`; "none": nothing to do.
    ends: str = "plan"
    by_hand: Optional[Callable] = None
    # Which releases it applies to: a function of the release.
    releases: Callable = lambda release: True
    # Device names whose records the fix is meant to change or the fault itself destroyed.
    mended: tuple = ()
    # The client is refused before the fix. False where the fault only shows at the next start or to others.
    bites: bool = True
    # Undo may rightly refuse: the store of the SQLite era is not put back below a gateway that ran since.
    undo_may_refuse: bool = False
    # The fix ends a process, which no undo starts again.
    ends_process: bool = False
    # What is lost stays lost: the fix applies and rightly says, by exit 1, that devices are locked out until they pair.
    stays_lost: bool = False
    smoke: tuple = ()
    # Start from a home whose gateway does not run.
    running: bool = True
    options: tuple = ()


def fault(id, area, causes, subjects, client="laptop", **more):
    """Registers the function below it as the way to make the fault."""
    def register(make):
        listed = (causes,) if isinstance(causes, str) else tuple(causes)
        looked_for = (subjects,) if isinstance(subjects, str) else tuple(subjects)
        ALL.append(Fault(id, area, make, listed, looked_for, client, **more))
        return make
    return register


def json_era(release):
    return not release.sqlite


def token_first(release):
    """Clients of these send their device token before the configured one (until 2026.2.12)."""
    return release.product == "clawdbot"


def config_first(release):
    return json_era(release) and not token_first(release)


def sqlite_era(release):
    return release.sqlite


def load():
    """Every fault, in the order of the areas."""
    from faults import ownership, pairing, services, proxies, credentials, configuration, database  # noqa: F401
    return ALL
