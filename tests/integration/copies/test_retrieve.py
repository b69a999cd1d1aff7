"""What several archives have is fetched from one of them, and from the next where that one cannot give it."""

from __future__ import annotations

import json
import shutil

import pytest

from mapshell.sandbox import service
from mapshell.sandbox.spec import CollectionSpec
from pipeline import publication
from tests.integration.copies.conftest import FIRST, OTHER, SECOND
from tests.integration.publish.bench import write


def _fetch(two, *options, check=0):
    stdout, stderr = two.bench.run(
        "publication-retrieve", "--type", "ephys", "--subject", "SC038", "--format", "json", *options, check=check
    )
    return json.loads(stdout), stderr


@pytest.fixture
def held(two):
    """A session that is archived at both places and gone from the rig; what it held."""
    two.name_both()
    folder = two.bench.session("one")
    two.publish_at_first()
    return two.take_away(folder)


def _here(two):
    base = two.bench.ephys
    files = (p for p in sorted(base.rglob("*")) if p.is_file() and ".mapshell" not in p.parts)
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in files}


def test_one_archive_is_asked_and_no_file_comes_twice(two, held):
    document, _ = _fetch(two)
    assert {(row["alias"], row["verdict"]) for row in document["files"]} == {(FIRST, "fetched")}
    assert len(document["files"]) == len(held)
    assert document["notes"] == []
    assert _here(two) == held


def test_from_names_the_one_to_be_asked_first(two, held):
    document, _ = _fetch(two, "--from", OTHER)
    assert {(row["alias"], row["verdict"]) for row in document["files"]} == {(OTHER, "fetched")}
    assert _here(two) == held
    two.bench.run("publication-retrieve", "--subject", "SC038", "--from", "raw-efys", check=2)


def test_in_a_notebook_a_restriction_to_an_alias_is_honoured(two, held):
    key = {"globus_alias": OTHER}
    result = (publication.ArchivedRawEphys() & key).retrieve()
    assert {(each.alias, each.verdict) for each in result} == {(OTHER, "fetched")}
    assert _here(two) == held


def test_a_file_that_is_missing_comes_from_the_next(two, held):
    lost = min(held)
    (two.first / lost).unlink()
    document, _ = _fetch(two)
    assert {row["subpath"]: row["alias"] for row in document["files"]} == {
        name: OTHER if name == lost else FIRST for name in held
    }
    assert {row["verdict"] for row in document["files"]} == {"fetched"}
    (note,) = document["notes"]
    assert note.startswith("1 file from raw-ephys-2, because raw-ephys could not give it")
    assert _here(two) == held


def test_a_folder_that_is_away_is_told_once_for_all_below_it(two):
    two.name_both()
    folder = two.bench.session("one")
    write(folder / "notes.txt", b"above")
    write(folder / "more/notes.txt", b"beside")
    two.publish_at_first()
    held = two.take_away(folder)
    shutil.move(two.first / "SC038", two.rig.folder / "elsewhere")
    folders = {name.rpartition("/")[0] for name in held}
    document, _ = _fetch(two)
    assert {(row["alias"], row["verdict"]) for row in document["files"]} == {(OTHER, "fetched")}
    (note,) = document["notes"]
    assert note.startswith(f"{len(held)} files from raw-ephys-2, because raw-ephys could not give them")
    assert f"has no folder {min(folders)} any more (so it is with {len(folders) - 1} more folder" in note
    assert _here(two) == held


def test_a_file_whose_bytes_differ_comes_from_the_next(two, held):
    wrong = min(held)
    data = held[wrong]
    (two.first / wrong).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    document, _ = _fetch(two)
    assert {row["verdict"] for row in document["files"]} == {"fetched"}
    assert {row["alias"] for row in document["files"] if row["subpath"] == wrong} == {OTHER}
    assert _here(two) == held


def test_a_collection_that_is_offline_is_left_for_the_next(two, held):
    folder = two.rig.folder
    service.start(folder / ".mapshell" / "sandbox", {SECOND: CollectionSpec(folder / "second", offline=True)})
    document, _ = _fetch(two, "--from", OTHER)
    assert {(row["alias"], row["verdict"]) for row in document["files"]} == {(FIRST, "fetched")}
    assert _here(two) == held


def test_a_dry_run_says_from_where(two, held):
    lost = min(held)
    (two.first / lost).unlink()
    document, _ = _fetch(two, "--dry-run")
    assert {row["subpath"]: row["alias"] for row in document["files"]} == {
        name: OTHER if name == lost else FIRST for name in held
    }
    assert {row["verdict"] for row in document["files"]} == {"to fetch"}
    assert _here(two) == {}


def test_what_no_archive_has_is_missing_and_both_are_named(two, held):
    lost = min(held)
    for where in (two.first, two.other):
        (where / lost).unlink()
    document, _ = _fetch(two, check=3)
    (row,) = [row for row in document["files"] if row["verdict"] != "fetched"]
    assert (row["subpath"], row["verdict"]) == (lost, "missing")
    assert f"nor from {FIRST}" in row["reason"]
