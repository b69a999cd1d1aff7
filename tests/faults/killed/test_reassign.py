"""``publication-reassign`` is killed at each step; the same command, or the next publish, brings it to an end."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.integration.discover.losing import discover
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.publish.bench import DAY, SC048
from tests.integration.reassign.moved import (
    add_animal_session,
    assert_index_is_true,
    files_there,
    indexed_sessions,
    reassign,
    states,
)

OLD, NEW = "SC038/SC038_050120_g0", "SC048/SC048_050120_g0"
OWN = ("planning", "planned", "renaming", "renamed", "all renamed", "checked", "committing")
SHARED = ("staged", "manifest planning", "manifest planned", "submitting", "accepted", "submitted", "described")
STEPS = [(f"move: {step}", 1) for step in OWN]
# The second renaming is that of the manifest.
STEPS += [("move: renaming", 2), ("move: renamed", 2)]
STEPS += [(step, 1) for step in (*SHARED, "committed", "done")]
# Either way brings it to an end; of the steps that publish has too, one way each is enough.
CASES = [(step, nth, how) for step, nth in STEPS for how in ("reassign", "publish") if ": " in step]
CASES += [(step, 1, ("reassign", "publish")[n % 2]) for n, (step, _) in enumerate(STEPS) if ": " not in step]
RESUMED = "move: claimed"


@needs_sigkill
@pytest.mark.fault(1, 2, 3, 5, 6, 7)
@pytest.mark.parametrize(("step", "nth", "how"), CASES, ids=[f"{step}-{nth}-{how}" for step, nth, how in CASES])
def test_killed_at_a_step(each_bench, step, nth, how):
    bench = each_bench
    bench.session("wrong")
    assert bench.publish().whole
    before = files_there(bench)
    add_animal_session(bench, "right", DAY.date())
    command = ("publication-reassign", "SC038/1", "SC048/1", "--yes", "--because", "swapped")
    killed = bench.rig.run(*command, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr

    database.bind(bench.rig.settings)
    beside(bench)
    if how == "publish" and step != "move: planning":
        report = bench.publish()
        assert report.whole, report.outcomes
    reassign(bench, "SC038/1", "SC048/1", "--because", "swapped")

    assert files_there(bench) == {name.replace(OLD, NEW): data for name, data in before.items()}
    (row,) = indexed_sessions().values()
    assert (row["subject_id"], row["generation"]) == (SC048, 2)
    assert len(row["evidence"]["aliases"]) == 1
    assert_index_is_true(bench)
    assert len(list((bench.archive / "SC038").glob("*.reassigned-*"))) == 1
    assert states(bench) == {"wrong": "not here", "right": "archived"}
    sent = len(bench.rig.tasks())
    assert bench.publish().whole
    assert len(bench.rig.tasks()) == sent


def beside(bench):
    """Whoever looks while it is open tells nothing false, and changes nothing."""
    moving = publication.Transfer() & {"purpose": "move"} & "state in ('planned', 'checked')"
    if not moving:
        return
    kept = (publication.DataSet.to_dicts(), publication.ArchivedRawEphys.to_dicts())
    there = states(bench)
    assert there["right"] == "in flight"
    assert there["wrong"] in ("in flight", "archived")  # its row says so until the move is committed
    report = discover(bench.rig, types=("ephys",))
    assert {found.state for found in report.sessions} <= {"in flight", "known"}, repr(report)
    # A loss is told of what really is lost only.
    _, said = bench.run("publication-verify", "--type", "ephys", check=3)
    assert "missing" not in said.lower()
    assert "not compared" in said.lower()
    assert (publication.DataSet.to_dicts(), publication.ArchivedRawEphys.to_dicts()) == kept


@needs_sigkill
@pytest.mark.fault(3, 7)
def test_killed_while_it_is_brought_to_an_end(each_bench):
    bench = each_bench
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    command = ("publication-reassign", "SC038/1", "SC048/1", "--yes")
    bench.rig.run(*command, prelude=kill_at("move: renamed"))
    publishing = ("publication-publish", "--type", "ephys")
    killed = bench.rig.run(*publishing, prelude=kill_at(RESUMED))
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    bench.rig.run(*publishing, check=0)
    database.bind(bench.rig.settings)
    assert_index_is_true(bench)
    assert states(bench)["right"] == "archived"
