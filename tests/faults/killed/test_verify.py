"""``publication-verify`` is killed; what it has read back is kept, and nothing is called verified that was not read."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.integration.kills import kill_at, needs_sigkill

ALL = {"checksum": "all"}
READING = ("verify: compared", "verify: read back")
SIZES = "verify: sizes"

pytestmark = [needs_sigkill, pytest.mark.fault(8)]


def read_back():
    return {row["file_id"]: row["checked_at"] for row in publication.FileCheck.to_dicts()}


@pytest.mark.parametrize("step", READING)
def test_killed_in_the_middle_it_keeps_what_was_checked(archive, step):
    command = ("publication-verify", "--type", "ephys", "--checksum", "all")
    killed = archive.bench.rig.run(*command, prelude=kill_at(step))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = read_back()
    assert len(publication.Verification()) == (1 if step == "verify: compared" else 2)
    assert len(kept) == (0 if step == "verify: compared" else 4)
    report = archive.verify(**ALL, unchecked_for="1d")
    assert report.whole
    assert len(read_back()) == (0 if step == "verify: compared" else 4)  # sending has compared them a moment ago
    assert sum(check.verified for check in archive.verify(**ALL)) == 4


def test_killed_after_the_first_sizes_the_next_run_learns_the_rest(archive):
    table = publication.DataSet.PhysicalFile
    before = {row["file_subpath"]: row for row in table.to_dicts()}
    for row in table.keys():  # noqa: SIM118  # a table
        table.update1({**row, "file_size": None, "file_mtime": None})
    killed = archive.bench.rig.run("publication-verify", prelude=kill_at(SIZES))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    database.bind(archive.bench.rig.settings)
    assert [row["file_size"] is None for row in table.to_dicts()].count(True) == len(before) - 2
    assert archive.verify().whole
    assert {row["file_subpath"]: row for row in table.to_dicts()} == before
