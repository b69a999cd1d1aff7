"""What a morning finds: rounds that computers told of, and the report that is made of them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

from pipeline import database, morning, publication

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(computer, ago, **facts):
    """Let a computer have told of a round."""
    began = database.now() - ago
    row = {
        "round_id": uuid.uuid4(),
        "computer": computer,
        "verb": "publish",
        "scope": "all",
        "program": "0.1.0",
        "began_at": began,
        "seen_at": began,
        "ended_at": began,
        "result": "done",
        "reason": "",
        "archived_sessions": 0,
        "archived_bytes": 0,
        "disks": [],
    }
    publication.Round.insert1({**row, **facts})


def report(bench, since="yesterday", **options):
    """Make the report in this process."""
    database.bind(bench.rig.settings)
    return morning.make(bench.rig.settings, since, environ=bench.rig.environ, **options)


def kinds(made):
    """Return what needs a person, by kind and whose it is."""
    return [(each.kind, each.who) for each in made.needs]


def only(made, kind):
    """Return the one need of a kind."""
    (found,) = [each for each in made.needs if each.kind == kind]
    assert found.remedy
    return found


def command(bench, *args, check):
    """Run the command; return its document and what it says."""
    stdout, stderr = bench.run("publication-report", "--format", "json", *args, check=check)
    return json.loads(stdout), stderr
