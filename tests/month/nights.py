"""The nights: what is scheduled begins at its hour, and something fails."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mapshell.demo.run import ARCHIVE
from tests.integration.kills import kill_at

from .world import RIGS, TIMEOUT_S

TRANSFER = {"request": "transfer/*"}
#: What the sandbox does, by the fault of the night; what the month itself does is in ``Night``.
SPOILT: dict[str, tuple[dict[str, Any], ...]] = {
    "archive offline": ({"kind": "offline", "collection": ARCHIVE},),
    "task fails": ({"kind": "fail", "partial": True, "label": "mapshell publish*", "count": 1},),
    "service errors": (
        {"kind": "status", "status": 503, "count": 3, **TRANSFER},
        {"kind": "status", "status": 429, "retry_after": 0, "count": 2, "after": 4, **TRANSFER},
        {"kind": "reset", "after": 7, **TRANSFER},
    ),
    "answers lost": (
        {"kind": "lost", "request": "transfer/submit*"},
        {"kind": "truncated", "after": 3, **TRANSFER},
    ),
}
#: Where a night's publishing is killed; each is a step that every round with something new comes to.
STEPS = ("claimed", "planned", "submitted", "succeeded", "described", "committing", "committed")
RECLAIM_STEPS = ("reclaim: file deleted", "reclaim: folder deleted")


@dataclass
class Ran:
    """A command that ran in a night: on which rig, its exit code (negative: killed), what it said."""

    rig: str
    verb: str
    code: int
    out: str
    err: str

    @property
    def document(self):
        """Return its JSON; None where it said none."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


@dataclass
class Night:
    """What happened in a night."""

    fault: str = ""
    victim: str = ""  # rig whose publishing was killed, or whose collection did not answer
    ran: list[Ran] = field(default_factory=list)

    def of(self, rig, verb):
        """Return how a command of a rig ended; None where it did not run."""
        return next((each for each in self.ran if (each.rig, each.verb) == (rig, verb)), None)


def publish(world, day, commands):
    """Let the rigs that are switched on publish at the same time, as scheduled; return what happened."""
    on = [rig for rig in RIGS if rig not in day.off]
    night = Night(day.fault)
    preludes = dict.fromkeys(on, "")
    spoilt = SPOILT.get(day.fault, ())
    if day.fault in ("killed", "rig offline", "transfer held"):
        night.victim = on[day.dice % len(on)]
        collection = {"collection": RIGS[night.victim]}
    if day.fault == "killed":
        preludes[night.victim] = kill_at(STEPS[day.dice // 10 % len(STEPS)])
    elif day.fault == "rig offline":
        spoilt = ({"kind": "offline", **collection},)
    elif day.fault == "transfer held":  # and the rig is restarted while it waits
        spoilt = ({"kind": "hold", "label": "mapshell publish*", "count": 1, **collection},)
        preludes[night.victim] = kill_at("submitted")
    if spoilt:
        world.admin.add_faults(*spoilt)
    if day.fault == "tokens expired":
        world.admin.expire_tokens("access")
    if day.fault == "login revoked":
        world.admin.revoke_tokens()
    begun = [(rig, world.begin(rig, commands[rig], preludes[rig])) for rig in on]
    harm = threading.Thread(target=_restart, args=(world,)) if day.fault == "database restarts" else None
    if harm is not None:
        harm.start()
    for rig, process in begun:
        night.ran.append(_ended(rig, "publish", process))
    if harm is not None:
        harm.join()
        world.server.ready()
    return night


def reclaim(world, day, night, commands):
    """Let the rigs free their disks before dawn, while what was broken still is; then it works again."""
    on = [rig for rig in RIGS if rig not in day.off]
    victim = on[day.dice % len(on)] if day.kill_reclaim else ""
    step = RECLAIM_STEPS[day.dice // 10 % len(RECLAIM_STEPS)]
    begun = [(rig, world.begin(rig, commands[rig], kill_at(step) if rig == victim else "")) for rig in on]
    night.ran += [_ended(rig, "reclaim", process) for rig, process in begun]
    world.admin.clear_faults()  # what is held stays held until somebody lets it go


def one(world, rig, verb, command):
    """Let one command of a rig run to its end."""
    return _ended(rig, verb, world.begin(rig, command))


def later(local, **times):
    """Return a wall time of the same day, or of one after it (``days``)."""
    return local.replace(**{name: times[name] for name in ("hour", "minute") if name in times}) + timedelta(
        days=times.get("days", 0)
    )


def _ended(rig, verb, process):
    done = process.end(TIMEOUT_S)
    return Ran(rig, verb, done.returncode, done.stdout, done.stderr)


def _restart(world):
    time.sleep(0.4)
    world.server.ready()
    world.server.crash()
