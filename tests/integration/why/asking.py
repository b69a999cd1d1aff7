"""Asks why, and runs what it says."""

from __future__ import annotations

import json
import shlex

from pipeline import database
from pipeline.errors import MapshellError
from pipeline.why import explain
from tests.unit.test_why import parsed

EPHYS = ("ephys",)


def why(bench, name, *, offline=False, subject="SC038", **options):
    """Explain a session of the bench at its one location of electrophysiology."""
    database.bind(bench.rig.settings)
    store = None if offline else bench.rig.globus
    found = explain(bench.rig.settings, store, subject, bench.keys[name][1], types=EPHYS, **options)
    (place,) = found.locations
    return place


def rules(place):
    """Return the rules that failed, with their evidence."""
    return {
        each.rule: "; ".join((each.evidence, *(f"{file}: {found}" for file, found in each.files)))
        for each in place.failed
    }


def decision(place, rule):
    (found,) = [each for each in place.decisions if each.rule == rule]
    return found


def assert_commands(place):
    """Every failed rule names a command, and the program takes each of them."""
    for each in place.failed:
        assert each.commands, each.rule
        assert each.evidence, each.rule
        for line in each.commands:
            parsed(line)
            assert any(said == line or said.endswith(f": {line}") for said in place.next), line
    assert len(set(place.next)) == len(place.next)


def run(bench, line, *more, codes=(0, 3), because="the acquisition crashed"):
    """Run a command that why names, as a person does who fills in the reason, on the computer that it names."""
    program, *args = shlex.split(line[line.index("mapshell ") :].replace("WHY", because))
    assert program == "mapshell"
    for code in codes:
        try:
            return bench.run(*args, *more, check=code)
        except AssertionError as error:
            if not str(error).startswith("exit "):
                raise
            last = error
    raise last


def document(bench, *args, check=0):
    """Return what the command says to programs."""
    stdout, _ = bench.run("publication-why", *args, "--format", "json", check=check)
    return json.loads(stdout)


__all__ = ["EPHYS", "MapshellError", "assert_commands", "decision", "document", "rules", "run", "why"]
