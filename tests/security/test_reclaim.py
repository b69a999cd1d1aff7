"""Who may write to a folder of the lab wants reclaim, or what follows it, to delete what lies elsewhere."""

from __future__ import annotations

import json
import os

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators only")

NAME = "mapshell-reclaimed-ephys.json"
RECLAIM = ("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", "--format", "json")
RETRIEVE = ("publication-retrieve", "--subject", "SC038", "--session", "1", "--type", "ephys")


@pytest.fixture
def precious(tmp_path):
    file = tmp_path / "precious"
    file.write_bytes(b"precious")
    return file


@pytest.fixture
def folder(bench):
    place = bench.session("one")
    assert bench.publish().whole
    return place


def reclaim(bench, check):
    return json.loads(bench.run(*RECLAIM, check=check)[0])["sessions"][0]


def held(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and "mapshell-" not in p.name}


def test_a_tombstone_that_is_a_link_is_neither_read_nor_written_through(bench, folder, precious):
    before = held(folder)
    (folder / NAME).symlink_to(precious)
    row = reclaim(bench, 3)
    assert row["verdict"] == "refused"
    assert precious.read_bytes() == b"precious"
    assert held(folder) == before
    assert (folder / NAME).is_symlink()


def test_a_link_under_the_name_of_a_tombstone_that_is_being_written_is_not_followed(bench, folder, precious):
    (folder / f".{NAME}.new").symlink_to(precious)
    assert reclaim(bench, 0)["verdict"] == "reclaimed"
    assert precious.read_bytes() == b"precious"
    assert not (folder / f".{NAME}.new").is_symlink()
    assert not (folder / NAME).is_symlink()


@pytest.mark.parametrize("subpath", ["../../precious", "/etc/passwd", "SC038/../../precious", "C:x", "a\x00b", ""])
def test_names_in_a_tombstone_lead_nowhere(bench, folder, precious, subpath):
    """Neither reclaim nor the retrieval that would remove it takes it for one of ours."""
    before = held(folder)
    assert reclaim(bench, 0)["verdict"] == "reclaimed"
    stone = folder / NAME
    document = json.loads(stone.read_text())
    document["files"].append({"subpath": subpath, "size": 8, "mtime": 0, "sha1": "0" * 40})
    stone.write_text(json.dumps(document))
    _, said = bench.run(*RETRIEVE, check=0)
    assert held(folder) == before
    assert f"{NAME} stays" in said
    assert stone.exists()
    assert precious.read_bytes() == b"precious"
    assert reclaim(bench, 3)["proof"] == "whole folder"
    assert held(folder) == before


def test_a_tombstone_cannot_steer_the_terminal(bench, folder):
    (folder / NAME).write_text('{"format": "\\u001b[2Jforged"}')
    before = held(folder)
    stdout, said = bench.run(*RECLAIM[:-2], check=3)
    assert "\x1b[2J" not in stdout + said
    assert held(folder) == before


def test_a_tombstone_of_another_session_is_not_written_over(bench, folder):
    bench.session("two")
    assert bench.publish().whole
    document = json.loads(bench.run(*RECLAIM, "--session", "2", check=0)[0])
    (other,) = bench.ephys.rglob(NAME)
    assert document["sessions"][0]["verdict"] == "reclaimed"
    (folder / NAME).write_bytes(other.read_bytes())
    row = json.loads(bench.run(*RECLAIM, "--session", "1", check=3)[0])["sessions"][0]
    assert (row["verdict"], row["proof"]) == ("refused", "whole folder")
    assert "tells of another session" in row["reason"]
    assert (folder / NAME).read_bytes() == other.read_bytes()
