"""Three archives: what one cannot give comes from the next; what the doctor says of them."""

from __future__ import annotations

import json

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox import service
from mapshell.sandbox.spec import CollectionSpec
from pipeline import publication
from pipeline.archive.session import Location
from pipeline.locations import location_row
from tests.integration.copies.conftest import BOTH, FIRST, OTHER, SECOND

THIRD = "raw-ephys-3"


def publish(two, check=0):
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=check)
    return {row["alias"]: row for row in json.loads(stdout)["sessions"]}


@pytest.fixture
def held(pg_two):
    """A session that two archives have, a third lacks, and no disk has any more."""
    pg_two.name_both()
    folder = pg_two.bench.session("one")
    pg_two.publish_at_first()
    held = pg_two.take_away(folder)
    (pg_two.rig.folder / "second" / THIRD).mkdir()
    publication.GlobusStorageLocation.insert1(location_row(Location(THIRD, SECOND, f"/{THIRD}", "ephys")))
    pg_two.bench.run("storage", "copies", "ephys", *BOTH, THIRD, check=0)
    return held


def third(two):
    return two.data(two.rig.folder / "second" / THIRD)


def test_when_the_first_does_not_answer_it_comes_from_the_next(pg_two, held):
    away = CollectionSpec(pg_two.rig.archive, mapped=True, offline=True)
    service.start(pg_two.rig.folder / ".mapshell" / "sandbox", {ARCHIVE: away})
    row = publish(pg_two)[THIRD]
    assert (row["state"], row["copied_from"]) == ("archived", OTHER)
    assert third(pg_two) == held


def test_what_failed_from_one_is_asked_of_the_next(pg_two, held):
    name = min(held)
    (pg_two.first / name).write_bytes(bytes([held[name][0] ^ 1]) + held[name][1:])
    row = publish(pg_two, check=3)[THIRD]
    assert (row["state"], row["failed"]) == ("queued", True)
    row = publish(pg_two)[THIRD]
    assert (row["state"], row["copied_from"]) == ("archived", OTHER)
    assert held.items() <= third(pg_two).items()
    assert pg_two.rows(THIRD) == pg_two.rows(FIRST) == pg_two.rows(OTHER)


def test_the_doctor_says_what_fills_each_and_warns_of_a_shared_collection(pg_two, held):
    stdout, _ = pg_two.bench.run("doctor", "--format", "json", "--no-write", check=0)
    found = [each for each in json.loads(stdout)["findings"] if each["check"] == "copies"]
    assert {each["level"] for each in found} == {"ok", "warning"}
    said = " ".join(each["message"] for each in found)
    assert f"{THIRD} from {pg_two.bench.ephys}, lacks 1" in said
    assert f"{OTHER} and {THIRD} are copies of the same data in one collection" in said
