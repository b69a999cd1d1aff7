"""The soak: publish, verify and retrieve one small session after the other, in one process that goes on for long."""

from __future__ import annotations

import os
import random
import traceback

import psutil

from pipeline import publication
from pipeline.errors import MapshellError
from pipeline.retrieving import retrieve
from pipeline.rounds import publish_round
from pipeline.verifying import verify

from .acts import Stage
from .calm import Calm
from .check import Checker
from .lab import ANIMALS
from .look import Looker
from .plan import REQUESTS, TASKS
from .play import Played, count
from .violation import Violation
from .world import World

TRIES = 25
EACH_LAB = 40
"""Sessions of one lab; then a new one, so that a cycle stays as small as the first."""

BY_THEMSELVES = tuple(fault for fault in TASKS if fault["kind"] != "hold")
"""Faults of tasks that a round in this very process can see; one that holds a task is for others to end."""


def cycles(folder, server, seed, number, share=0.05):
    """Go through so many cycles, with each request and task spoilt with the probability ``share``."""
    with World(folder, server) as world:
        looker = world.looker = Looker(world)
        stage = Stage(world, Checker(world), looker)
        played = Played([], [], stage.counts, stage.faults)
        before = os.environ.get("MAPSHELL_HOME")
        os.environ["MAPSHELL_HOME"] = str(world.home / "rig-a")
        dice = random.Random(seed)
        try:
            for n in range(number):
                cycle = _Cycle(stage, dice, n, share)
                played.violations = [*cycle.run(), *stage.checker.check(looker.look())]
                stage.counts["cycles"] += 1
                if played.violations:
                    break
            else:
                played.violations = list(Calm(stage).come())
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            played.violations = [Violation("the campaign itself", traceback.format_exc())]
        finally:
            if before is None:
                del os.environ["MAPSHELL_HOME"]
            else:
                os.environ["MAPSHELL_HOME"] = before
        count(stage, looker)
        return played


def held():
    """Return what this process holds: resident memory in bytes, open files."""
    process = psutil.Process()
    return {"rss": process.memory_info().rss, "files": process.num_fds()}


class _Cycle:
    def __init__(self, stage, dice, number, share):
        self._stage, self._dice, self._number, self._share = stage, dice, number, share
        self._world = stage.world
        self._manager = None

    def run(self):
        world, dice = self._world, self._dice
        kind = "ephys" if dice.random() < 0.75 else "video"
        visit = world.lab.record(self._number, "rig-a", dice.choice(list(ANIMALS)), kind)
        world.enter(visit, anew=False)
        world.admin.add_faults(*self._faults())
        table = publication.ArchivedRawEphys if kind == "ephys" else publication.ArchivedTrackingVideo
        key = {"subject_id": visit.subject, "session": visit.session}
        chosen, to = table & key, world.folder / "rig-a/got"
        to.mkdir(exist_ok=True)
        via = "globus" if dice.random() < 0.5 else "https"
        settings = world.settings["rig-a"]
        steps = {
            "publish": lambda: publish_round(settings, self._store, (kind,), [key]),
            "verify": lambda: verify(settings, self._store, [chosen], checksum="all"),
            "retrieve": lambda: retrieve(settings, self._store, [chosen], to=to, via=via),
        }
        for name, step in steps.items():
            yield from self._until_whole(name, step)
        self._stage.release()
        for subpath, path in world.lab.subpaths(visit).items():
            if not (to / subpath).is_file() or (to / subpath).read_bytes() != path.read_bytes():
                yield Violation("I4", f"{subpath} was retrieved, and is not what was recorded")
        facts = self._stage.looker.look()
        if visit.key not in facts.archived:
            yield Violation("I1", f"{visit.key} was published, and is not archived")

    def _until_whole(self, name, step):
        for _ in range(TRIES):
            self._stage.counts[f"attempts to {name}"] += 1
            self._manager = self._world.store("rig-a")  # one for each round, as a command has
            try:
                with self._manager:
                    result = step()
            except MapshellError as error:
                if not error.remedy:
                    yield Violation("I6", f"{name}: {error!r} has no remedy")
                if "no archived" in str(error).lower() and name != "publish":
                    yield Violation("I1", f"{name}: {error}")
                    return
                self._wake()
                continue
            if result.stopped is None and result.whole and not _open(result):
                return
            self._wake()
        yield Violation("I4", f"{name} does not converge in {TRIES} attempts: {result}")

    def _wake(self):
        """Release what waits for somebody, as somebody would."""
        for task in self._world.admin.tasks():
            if task["status"] in ("ACTIVE", "INACTIVE"):
                self._world.admin.control_task(task["task_id"], "release")

    def _store(self):
        return self._manager

    def _faults(self):
        chosen = [self._dice.choice(REQUESTS), self._dice.choice(BY_THEMSELVES)]
        return [
            {**fault, "count": None, "probability": self._share, "seed": self._dice.randrange(1_000_000)}
            for fault in chosen
        ]


def _open(result):
    return any(getattr(each, "state", "") == "in flight" for each in getattr(result, "outcomes", ()))
