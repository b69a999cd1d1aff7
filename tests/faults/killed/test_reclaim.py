"""A reclaim is killed at each of its steps: nothing is deleted before it is written down, and the next run goes on."""

from __future__ import annotations

import json
import signal

import pytest

from pipeline import database, publication
from tests.integration.kills import kill_at, needs_sigkill, steps_in_the_code

CASES = [
    ("reclaim: claimed", 1),
    ("reclaim: proved", 1),
    ("reclaim: tombstone written", 1),
    ("reclaim: planned", 1),
    ("reclaim: file deleted", 1),
    ("reclaim: file deleted", 4),
    ("reclaim: folder deleted", 1),
    ("reclaim: done", 1),
]
STEPS = tuple(dict.fromkeys(step for step, _ in CASES))
WHICH = ("--subject", "SC048", "--session", "1", "--type", "ephys")
RECLAIM = ("publication-reclaim", *WHICH, "--older-than", "0d", "--yes", "--format", "json")

pytestmark = needs_sigkill


@pytest.mark.fault(42)
def test_every_step_of_reclaim_is_here():
    assert set(STEPS) == steps_in_the_code("reclaim: ")


@pytest.fixture
def published(rig):
    rig.run("publication-publish", *WHICH, check=0)
    session = next(s for s in rig.lab.sessions if (s.h2o, s.start.year) == ("SC048", 2020))
    originals = {}
    for file in session.of_kind("ephys"):
        path = rig.rig / "ephys" / file.subpath
        originals[file.subpath] = (path.read_bytes(), int(path.stat().st_mtime))
    return rig, originals


def here(rig, originals):
    return {subpath for subpath in originals if (rig.rig / "ephys" / subpath).exists()}


def rows(rig):
    database.bind(rig.settings)
    return publication.Reclaim.to_dicts()


@pytest.mark.fault(42)
@pytest.mark.parametrize(("step", "nth"), CASES, ids=[f"{step}-{nth}" for step, nth in CASES])
def test_killed_at_a_step_and_run_again(published, step, nth):
    rig, originals = published
    killed = rig.run(*RECLAIM, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    left = here(rig, originals)
    for subpath in left:
        assert (rig.rig / "ephys" / subpath).read_bytes() == originals[subpath][0]
    if len(left) < len(originals):  # what is gone was written down, with its SHA1, before
        (row,) = rows(rig)
        assert row["state"] in ("planned", "done")
        assert list((rig.rig / "ephys/SC048").rglob("mapshell-reclaimed-ephys.json"))
    elif step != "reclaim: planned":
        assert rows(rig) == []

    rig.run("publication-publish", *WHICH, check=0)  # nothing is missing for it
    rig.run(*RECLAIM, check=0)
    again = json.loads(rig.run(*RECLAIM, check=0).stdout)
    assert {each["verdict"] for each in again["sessions"]} == {"nothing here"}
    assert here(rig, originals) == set()
    done = rows(rig)
    assert {row["state"] for row in done} == {"done"}
    assert sum(row["files"] for row in done) == len(originals)
    assert sum(row["bytes"] for row in done) == sum(len(content) for content, _ in originals.values())
    assert not publication.Claim()

    rig.run("publication-retrieve", *WHICH, check=0)
    for subpath, (content, mtime) in originals.items():
        path = rig.rig / "ephys" / subpath
        assert path.read_bytes() == content, subpath
        assert int(path.stat().st_mtime) == mtime
    assert not list((rig.rig / "ephys").rglob("*mapshell-reclaimed*"))
    assert {row["state"] for row in rows(rig)} == {"back"}
    rig.run("publication-publish", *WHICH, check=0)
    database.bind(rig.settings)
    assert len(publication.DataSet.PhysicalFile()) == len(originals)
