"""A session that was freed, and then is given to another animal: its tombstone still leads to its files."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.integration.publish.bench import DAY
from tests.integration.reassign.moved import add_animal_session, reassign

from .conftest import TOMBSTONE


@pytest.mark.parametrize("first", ["reclaim", "reassign"])
def test_a_tombstone_of_a_reassigned_session(each_freeing, first):
    bench = each_freeing.bench
    folder = each_freeing.archive("wrong")
    held = each_freeing.held["wrong"]
    add_animal_session(bench, "right", DAY.date())
    steps = [each_freeing.command, lambda: reassign(bench, "SC038/1", "SC048/1")]
    for step in steps if first == "reclaim" else reversed(steps):
        step()
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [TOMBSTONE]

    tasks = len(each_freeing.rig.tasks())
    assert bench.publish().whole  # nobody calls the folder another session's, or empty
    assert len(each_freeing.rig.tasks()) == tasks
    assert each_freeing.state("right") in ("reclaimed", "archived")
    assert each_freeing.state("wrong") == "not here"

    command = json.loads((folder / TOMBSTONE).read_text())["command"]
    assert ("SC038" in command) is (first == "reclaim")
    _, said = bench.run(*shlex.split(command)[1:], check=0)
    assert ("was reassigned" in said) is (first == "reclaim")
    here = {
        path.name: path.read_bytes()
        for path in bench.ephys.rglob("*")
        if path.is_file() and ".mapshell" not in path.parts
    }
    assert here == {name.rpartition("/")[2]: content for name, content in held.items()}
    assert not each_freeing.tombstones()
    assert {row["state"] for row in each_freeing.rows()} == {"back"}
    assert bench.publish().whole
    assert each_freeing.state("right") == "archived"
    assert each_freeing.state("wrong") == "not here"
    assert each_freeing.command()["sessions"]["right"]["verdict"] == "reclaimed"  # and once more
