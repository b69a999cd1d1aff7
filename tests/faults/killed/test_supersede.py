"""Superseding is killed at each step; the next publish, with no option, brings it to an end."""

import signal

import pytest

from pipeline import publication
from pipeline.board.status import status
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.later.test_supersede import NEW, OLD, SUPERSEDE, aside, assert_superseded
from tests.integration.publish.bench import EPHYS, write

MOVE = (
    "move: planning",
    "move: planned",
    "move: renaming",
    "move: renamed",
    "move: all renamed",
    "move: checked",
    "staged",
    "manifest planning",
    "manifest planned",
    "described",
    "move: committing",
    "committed",
    "done",
)
SEND = (("planning", 1), ("accepted", 2), ("submitted", 2), ("checked", 1), ("committing", 1), ("committed", 2))
CASES = [*((step, 1) for step in MOVE), *SEND, ("move: renaming", 2), ("move: renamed", 2)]


@needs_sigkill
@pytest.mark.fault(1, 2, 3, 4, 5, 6, 7)
@pytest.mark.parametrize(("step", "nth"), CASES, ids=[f"{step}-{nth}".replace(": ", "-") for step, nth in CASES])
def test_killed_at_a_step_and_published_again(bench, step, nth):
    folder = bench.session("one")
    files = [write(folder / f"sorting/{name}.npy", OLD) for name in ("a", "b")]
    assert bench.publish().whole
    for file in files:
        write(file, NEW)
    command = ("publication-publish", "--type", "ephys", *SUPERSEDE)
    killed = bench.rig.run(*command, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr

    # Whatever lies there now, no screen calls it archived without more ado while files are under way or on the move.
    (row,) = [row for row in status(bench.rig.settings, EPHYS) if (row.subject_id, row.session) == bench.keys["one"]]
    there, indexed = bench.there(), bench.indexed()
    whole = there.keys() == indexed.keys() and all(
        there[n].stat().st_size == r["file_size"] for n, r in indexed.items()
    )
    if row.state == "archived":
        assert whole
    assert whole or row.state == "in flight", row
    assert sorted(path.read_bytes() for name, path in there.items() if "/sorting/" in name).count(OLD) == 2

    # Before anything was journalled the person has to ask again; afterwards anybody's round ends it.
    again = command if step == "move: planning" else ("publication-publish", "--type", "ephys")
    bench.rig.run(*again, check=0)
    bench.rig.run(*again, check=0)
    assert_superseded(bench, folder, before=(OLD, OLD))
    assert len(aside(bench)) == 2
    assert not list((bench.ephys / ".mapshell").glob("*"))
    assert {r["state"] for r in publication.Transfer.to_dicts()} == {"done"}
    assert len(bench.rig.manifests()) == 3
