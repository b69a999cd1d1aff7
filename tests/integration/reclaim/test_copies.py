"""Several places that hold one type of data: all of them must hold a session, unless fewer are asked for."""

from __future__ import annotations

import json

import pytest

from tests.integration.copies.conftest import BOTH, FIRST, OTHER, second_archive
from tests.integration.publish.bench import write

from .conftest import Freeing


@pytest.fixture
def two(each_bench):
    freeing = Freeing(each_bench)
    freeing.two = second_archive(each_bench)
    return freeing


def test_all_places_that_are_named_must_hold_it(two):
    two.archive("one")
    two.two.name_both()
    row = two.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "enough copies")
    assert f"it is not archived at {OTHER}" in row["reason"]
    two.assert_untouched("one")

    assert two.bench.publish().whole
    two.two.assert_same()
    row = two.command()["sessions"]["one"]
    assert (row["verdict"], row["copies"]) == ("reclaimed", list(BOTH))
    two.assert_reclaimed("one")
    (done,) = two.rows()
    assert [place["alias"] for place in done["evidence"]["places"]] == list(BOTH)
    two.retrieve("one")
    assert two.files("one") == two.held["one"]
    assert two.tombstones() == []


def test_a_place_that_lost_a_file_does_not_count(two):
    two.two.name_both()
    two.archive("one")
    next(two.two.other.rglob("*.ap.bin")).unlink()
    row = two.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert OTHER in row["reason"]
    two.assert_untouched("one")
    row = two.command("--copies", "1")["sessions"]["one"]
    assert (row["verdict"], row["copies"]) == ("reclaimed", [FIRST])
    stone = json.loads(two.tombstones()[0].read_text())
    assert [place["alias"] for place in stone["places"]] == [FIRST]


def test_fewer_may_be_asked_for(two):
    two.archive("one")
    two.two.name_both()
    row = two.command("--copies", "1")["sessions"]["one"]
    assert (row["verdict"], row["copies"]) == ("reclaimed", [FIRST])
    # the other place is filled from the first one: nothing is here any more
    assert two.bench.publish().whole
    two.two.assert_same()


def test_a_place_that_has_less_of_it_than_another_does_not_count(two):
    two.two.name_both()
    folder = two.archive("one")
    two.bench.run("storage", "copies", "ephys", "--none", check=0)
    late = write(folder / "notes.txt", b"late")
    two.two.publish_at_first()
    late.unlink()  # what is left here lies at both places; the session does not
    two.two.name_both()
    row = two.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "enough copies")
    assert f"{OTHER} lacks SC038/{folder.name}/notes.txt, which {FIRST} has" in row["reason"]
    two.assert_untouched("one")
    assert two.bench.publish().whole
    row = two.command()["sessions"]["one"]
    assert (row["verdict"], row["copies"]) == ("reclaimed", list(BOTH))
