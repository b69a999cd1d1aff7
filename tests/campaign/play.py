"""One schedule, from an empty lab to its calm end."""

from __future__ import annotations

import json
import random
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field

from .acts import Stage
from .calm import Calm
from .check import Checker
from .look import Looker
from .plan import draw, steps_in_the_code
from .violation import Violation
from .world import World


@dataclass
class Played:
    """What became of a schedule: the first violations, after which move they were seen, and what was counted."""

    violations: list[Violation]
    moves: list[dict]
    counts: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)


def schedule(seed, length, share=0.05, **options):
    """Return the schedule of a seed; ``share`` of all requests are spoilt by each fault in force."""
    return draw(random.Random(seed), length, steps=steps_in_the_code(), share=share, **options)


def play(folder, server, moves, *, calm=True):
    """Play a schedule in a new world; it ends with the first violation."""
    with World(folder, server) as world:
        looker = world.looker = Looker(world)
        checker = Checker(world)
        stage = Stage(world, checker, looker)
        played = Played([], [], stage.counts, stage.faults)
        try:
            for move in moves:
                played.moves.append(move)
                played.violations = list(stage.act(move))
                if played.violations:
                    break
            else:
                if calm:
                    played.violations = list(Calm(stage).come())
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            played.violations = [Violation("the campaign itself", traceback.format_exc())]
        count(stage, looker)
        return played


def count(stage, looker):
    """Add what a world has come to."""
    facts = looker.look()
    stage.counts["schedules"] += 1
    freed = stage.checker.freed
    stage.counts.update({"files freed": freed.files, "bytes freed": freed.bytes, "files returned": freed.returned})
    stage.counts["bytes archived"] += sum(
        row["file_size"] or 0 for rows in facts.rows.values() for row in rows.values()
    )
    stage.counts["tasks"] += len(facts.tasks)
    stage.counts["bytes moved"] += sum(_moved(task) for task in facts.tasks)


def _moved(task):
    return int(json.loads(task["counters"]).get("bytes_transferred", 0))


def shorten(folder, server, moves, violations, *, attempts=60):
    """Return a shorter schedule that still breaks the same promise: each part of it that is not needed is left out."""
    wanted = {violation.invariant for violation in violations}
    best, size, left, number = list(moves), max(1, len(moves) // 2), attempts, 0
    while size and left > 0:
        start = 0
        while start < len(best) and left > 0:
            tried = best[:start] + best[start + size :]
            left, number = left - 1, number + 1
            place = folder / f"shorter-{number}"
            played = play(place, server, tried)
            shutil.rmtree(place, ignore_errors=True)
            if wanted & {violation.invariant for violation in played.violations}:
                best = played.moves if len(played.moves) < len(tried) else tried
            else:
                start += size
        size //= 2
    return best
