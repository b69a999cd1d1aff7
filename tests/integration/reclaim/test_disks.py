"""Disks and names that changed: what is deleted is no archive's own; what cannot be looked at is not called gone."""

from __future__ import annotations

import json
import os
import shlex
import time
from datetime import datetime, timedelta

import pytest

from pipeline import database, publication
from tests.integration.copies.conftest import BOTH, FIRST, second_archive
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.publish.bench import DAY
from tests.integration.reassign.moved import add_animal_session, reassign

from .conftest import TOMBSTONE
from .test_proofs import never_compared_there

RECLAIM = ("publication-reclaim", "--type", "ephys", "--yes", "--format", "json")


@pytest.mark.parametrize("named", [True, False], ids=["copies_named", "none_named"])
def test_the_disk_of_an_archive_that_does_not_count_this_time(freeing, named):
    """A copy is left out as too young, and its own folder is, by another way, this computer's root."""
    bench = freeing.bench
    two = second_archive(bench)
    two.name_both()
    freeing.archive("one")
    database.bind(freeing.rig.settings)
    row = next(row for row in publication.ArchivedRawEphys.to_dicts() if row["globus_alias"] == FIRST)
    key = {name: row[name] for name in publication.ArchivedRawEphys.primary_key}
    publication.ArchivedRawEphys.update1({**key, "archived_at": datetime.fromisoformat("2020-06-01T00:00:00")})
    if not named:
        publication.Copy().delete(prompt=False)
    before = two.data(two.other)
    bench.ephys.rename(bench.ephys.with_name("before"))
    bench.ephys.symlink_to(two.other)
    done = freeing.rig.run(*RECLAIM, "--older-than", "1d", "--copies", "1", check=3)
    (row,) = json.loads(done.stdout)["sessions"]
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert f"{BOTH[1]} lists" in row["reason"]
    assert two.data(two.other) == before
    assert freeing.rows() == []


@needs_sigkill
def test_a_disk_that_is_away_is_not_called_empty(freeing):
    """A run was killed half-way, and its disk is not mounted when the next one begins."""
    bench = freeing.bench
    freeing.archive("one")
    freeing.rig.run(*RECLAIM, "--older-than", "0d", prelude=kill_at("reclaim: file deleted", 1))
    left = freeing.files("one")
    assert left
    away = bench.ephys.with_name("away")
    bench.ephys.rename(away)
    bench.ephys.mkdir()
    freeing.rig.run(*RECLAIM, "--older-than", "0d", check=0)
    assert [row["state"] for row in freeing.rows()] == ["planned"]
    bench.ephys.rename(away.with_name("mount-point"))
    away.rename(bench.ephys)
    assert freeing.command()["sessions"]["one"]["files"] == len(left)
    assert {row["state"] for row in freeing.rows()} == {"done"}
    assert sum(row["files"] for row in freeing.rows()) == len(freeing.held["one"])


def test_freed_in_part_then_reassigned(freeing):
    """The rest can be freed, too, and the tombstone tells all of it by the names of now."""
    bench = freeing.bench
    folder = freeing.archive("wrong")
    held = freeing.held["wrong"]
    add_animal_session(bench, "right", DAY.date())
    freeing.command("--file-type", "ephys-raw-*-ap-bin")
    rest = freeing.files("wrong")
    assert 0 < len(rest) < len(held)
    reassign(bench, "SC038/1", "SC048/1")
    assert bench.publish().whole
    row = freeing.command()["sessions"]["right"]
    assert (row["verdict"], row["files"]) == ("reclaimed", len(rest))
    stone = json.loads((folder / TOMBSTONE).read_text())
    indexed = {row["file_subpath"] for row in publication.DataSet.PhysicalFile.to_dicts()}
    assert {file["subpath"] for file in stone["files"]} == indexed
    assert freeing.state("right") in ("reclaimed", "archived")

    freeing.retrieve("right")
    here = {
        path.name: path.read_bytes()
        for path in bench.ephys.rglob("*")
        if path.is_file() and ".mapshell" not in path.parts
    }
    assert here == {name.rpartition("/")[2]: content for name, content in held.items()}
    assert {row["state"] for row in freeing.rows()} == {"back"}
    assert bench.publish().whole
    assert freeing.state("right") == "archived"


def test_what_verify_read_back_was_compared(each_freeing):
    """The command that is named where a SHA1 was never compared does mend it."""
    each_freeing.archive("one")
    never_compared_there(each_freeing)
    row = each_freeing.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "same bytes")
    each_freeing.bench.run(*shlex.split(row["remedy"].strip("`"))[1:], check=0)
    each_freeing.command()
    each_freeing.assert_reclaimed("one")


def test_a_file_that_was_touched_at_the_archive_is_compared_again_first(freeing):
    """Its bytes are right, and its time is new: verify reads it back, and then it counts."""
    freeing.archive("one")
    there = next(path for name, path in freeing.bench.there().items() if name.endswith(".ap.bin"))
    for row in publication.DataSet.PhysicalFile.to_dicts():  # as if it had been archived long ago
        publication.DataSet.PhysicalFile.update1({**row, "verified_at": row["verified_at"] - timedelta(days=1)})
    os.utime(there, (time.time() - 60, time.time() - 60))
    row = freeing.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert "after the bytes were last compared" in row["reason"]
    freeing.bench.run(*shlex.split(row["remedy"].strip("`"))[1:], check=0)
    freeing.command()
    freeing.assert_reclaimed("one")
