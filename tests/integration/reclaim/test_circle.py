"""What was reclaimed comes back byte for byte; what is asked in another way, in part, or twice does no harm."""

from __future__ import annotations

import json

import pytest

from pipeline import database, publication
from pipeline.archive.reclaiming.tombstone import from_json
from tests.integration.accounts import read_only
from tests.integration.discover.losing import discover, drop
from tests.integration.publish.bench import only, write

from .conftest import TOMBSTONE


def with_notes(freeing):
    """Archive a session that has a file of another type as well."""
    write(freeing.archive("one") / "notes.txt", b"what I saw")
    assert freeing.bench.publish().whole
    freeing.remember("one")


def times(freeing, name):
    here = freeing.bench.here(freeing.folders[name])
    return {each: int(path.stat().st_mtime) for each, path in here.items() if "mapshell-" not in path.name}


def test_there_and_back(each_freeing):
    each_freeing.archive("one", "two")
    before = times(each_freeing, "one")
    dry = each_freeing.command("--dry-run")
    assert {row["verdict"] for row in dry["sessions"].values()} == {"would reclaim"}
    assert dry["freed"] == 0
    each_freeing.assert_untouched()

    document = each_freeing.command()
    sizes = sum(len(content) for held in each_freeing.held.values() for content in held.values())
    assert document["freed"] == document["bytes"] == dry["bytes"] == sizes
    for name in ("one", "two"):
        each_freeing.assert_reclaimed(name)
        assert document["sessions"][name]["copies"] == ["raw-ephys"]
        assert each_freeing.state(name) == "reclaimed"
    stone = from_json((each_freeing.folders["one"] / TOMBSTONE).read_bytes(), "tombstone")
    assert {file.subpath for file in stone.files} == set(each_freeing.held["one"])
    assert stone.command == document["sessions"]["one"]["command"]
    assert [place["alias"] for place in stone.places] == ["raw-ephys"]
    for row in each_freeing.rows():
        assert row["state"] == "done"
        assert row["ended_at"] >= row["proved_at"]
        assert "Globus identity" in row["who"]
        assert {file["sha1"] for file in row["evidence"]["files"]} >= set()

    tasks = len(each_freeing.rig.tasks())
    assert each_freeing.bench.publish().whole  # nothing is missing, and nothing is asked of Globus
    assert len(each_freeing.rig.tasks()) == tasks
    assert each_freeing.command()["sessions"] == {}  # and again there is nothing to do

    each_freeing.retrieve("one")
    assert each_freeing.files("one") == each_freeing.held["one"]
    assert times(each_freeing, "one") == before
    assert not (each_freeing.folders["one"] / TOMBSTONE).exists()
    assert each_freeing.state("one") == "archived"
    assert each_freeing.state("two") == "reclaimed"
    assert {row["session"]: row["state"] for row in each_freeing.rows()} == {1: "back", 2: "done"}
    assert each_freeing.bench.publish().whole


def test_by_file_type_and_later_the_rest(freeing):
    with_notes(freeing)
    first = freeing.command("--file-type", "ephys-raw-*-ap-*")["sessions"]["one"]
    gone = set(freeing.held["one"]) - set(freeing.files("one"))
    assert gone
    assert all(".ap." in name for name in gone)
    assert first["files"] == len(gone)
    assert freeing.files("one") == {n: c for n, c in freeing.held["one"].items() if n not in gone}
    assert freeing.state("one") == "archived"
    assert freeing.command("--file-type", "ephys-raw-*-ap-*")["sessions"] == {}
    rest = freeing.command()["sessions"]["one"]
    assert rest["files"] == len(freeing.held["one"]) - len(gone)
    freeing.assert_reclaimed("one")
    assert freeing.state("one") == "reclaimed"
    stone = from_json((freeing.folders["one"] / TOMBSTONE).read_bytes(), "tombstone")
    assert {file.subpath for file in stone.files} == set(freeing.held["one"])
    freeing.retrieve("one")
    assert freeing.files("one") == freeing.held["one"]
    assert freeing.tombstones() == []


def test_a_part_that_came_back_keeps_the_tombstone(freeing):
    with_notes(freeing)
    freeing.command()
    chosen = ("--subject", "SC038", "--session", "1", "--type", "ephys")
    freeing.bench.run("publication-retrieve", *chosen, "--file-type", "*-ap-*", check=0)
    assert len(freeing.tombstones()) == 1
    assert 0 < len(freeing.files("one")) < len(freeing.held["one"])
    freeing.retrieve("one")
    assert freeing.tombstones() == []
    assert freeing.files("one") == freeing.held["one"]


def test_later_files_are_archived_beside_the_tombstone(freeing):
    freeing.archive("one")
    freeing.command()
    write(freeing.folders["one"] / "sorted.txt", b"later")
    assert freeing.bench.publish().whole
    assert freeing.bench.there()[f"{freeing.folders['one'].relative_to(freeing.bench.ephys).as_posix()}/sorted.txt"]
    assert not [name for name in freeing.bench.there() if "mapshell-" in name]
    freeing.held["one"] |= freeing.files("one")
    assert freeing.command()["sessions"]["one"]["files"] == 1
    freeing.retrieve("one")
    assert freeing.files("one") == freeing.held["one"]


def test_a_lost_database_is_rebuilt_and_the_tombstones_command_works(each_freeing):
    each_freeing.archive("one")
    each_freeing.command()
    bench = each_freeing.bench
    drop(bench.rig, "publication")
    document = bench.command(check=3)
    row = document["sessions"]["one"]
    assert row["state"] == "refused"
    assert TOMBSTONE in row["reason"]
    assert "publication-discover" in row["remedy"]
    discover(bench.rig)
    stone = from_json((each_freeing.folders["one"] / TOMBSTONE).read_bytes(), "tombstone")
    bench.run(*stone.command.split()[1:], check=0)
    assert each_freeing.files("one") == each_freeing.held["one"]
    assert each_freeing.tombstones() == []


def test_an_account_that_may_only_read_deletes_nothing(each_freeing):
    each_freeing.archive("one")
    with read_only(each_freeing.rig):
        done = each_freeing.rig.run(*LINE, "--yes")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "may not write" in done.stderr or "read" in done.stderr.lower()
        dry = json.loads(each_freeing.rig.run(*LINE, "--dry-run", check=0).stdout)
        assert dry["sessions"][0]["verdict"] == "would reclaim"
    each_freeing.assert_untouched("one")


LINE = ("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--format", "json")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--older-than", "soon", "--yes"), "is no time span"),
        (("--older-than", "-1d", "--yes"), "is no time span"),
        (("--copies", "0", "--yes"), "Nothing is deleted that 0 places hold"),
        (("--file-type", "ephys-rew-*", "--yes"), "There is no file type"),
        (("--session", "99", "--yes"), "session 99"),
        (("--subject", "SC039", "--yes"), "SC039"),
        ((), "Nobody is there to be asked"),
    ],
    ids=lambda value: "_".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_wrong_use_deletes_nothing(freeing, args, says):
    freeing.archive("one")
    _, said = freeing.bench.run("publication-reclaim", *args, check=2)
    assert says in said
    assert "remedy" in said.lower()
    freeing.assert_untouched("one")


def test_what_is_not_archived_is_left_alone(freeing):
    freeing.archive("one")
    folder = freeing.bench.session("new")
    before = freeing.bench.here(folder).keys()
    document = freeing.command()
    assert set(document["sessions"]) == {"one"}
    assert document["not_archived"] == 1
    assert freeing.bench.here(folder).keys() == before
    subject, number = freeing.bench.keys["new"]
    row = freeing.command("--subject", str(subject), "--session", str(number), check=3)["sessions"]["new"]
    assert (row["verdict"], row["proof"]) == ("refused", "known")
    assert "publication-publish" in row["remedy"]


def test_a_root_that_is_a_link_is_followed_once(freeing):
    """People give their disks short names."""
    freeing.archive("one")
    there = freeing.rig.folder / "disk"
    freeing.bench.ephys.rename(there)
    freeing.bench.ephys.symlink_to(there)
    freeing.command()
    freeing.assert_reclaimed("one")


def test_a_root_that_is_the_archive_refuses_always(freeing):
    """One collection, one folder: what is deleted here is lost there."""
    freeing.archive("one")
    file = freeing.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    roots = document["custom"]["globus.local_endpoints"]
    place = document["custom"]["globus.storage_locations"]["raw-ephys"]
    roots["raw-ephys"] = {
        "endpoint": place["endpoint"],
        "endpoint_subdir": place["path"] if "path" in place else place["endpoint_path"],
        "endpoint_path": str(freeing.bench.ephys),
    }
    file.write_text(json.dumps(document))
    row = freeing.command("--dry-run", check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert "is the archive raw-ephys itself" in row["reason"]
    freeing.command(check=3)
    freeing.assert_untouched("one")


def test_accepted_defects_are_told(freeing):
    folder = freeing.bench.session("one")
    freeing.folders["one"] = folder
    only(folder, "*.ap.meta").unlink()
    freeing.bench.tell(
        "--subject", "SC038", "--session", "1", "--accept", "bin-without-meta", "--because", "x", check=0
    )
    freeing.remember("one")
    row = freeing.command()["sessions"]["one"]
    assert row["verdict"] == "reclaimed"
    assert row["accepted"]
    (done,) = freeing.rows()
    assert done["evidence"]["accepted"] == row["accepted"]


def test_ingest_and_strays_leave_tombstones_alone(freeing):
    freeing.archive("one")
    freeing.command()
    document = freeing.bench.command(check=0)
    assert document.get("strays", []) == []
    stdout, said = freeing.bench.run("ingest-recordings", check=0)
    assert "mapshell-reclaimed" not in stdout + said


def test_a_hostile_tombstone_refuses_the_session(freeing):
    freeing.archive("one", "two")
    stone = freeing.folders["one"] / TOMBSTONE
    stone.write_text('{"format": "mapshell-reclaimed", "version": 1, "files": [{"subpath": "../../x"}]}')
    document = freeing.command(check=3)
    row = document["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "whole folder")
    assert "is no tombstone of mapshell" in row["reason"]
    assert freeing.files("one") == freeing.held["one"]
    assert stone.exists()
    freeing.assert_reclaimed("two")


def test_the_rounds_row_is_there(freeing):
    freeing.archive("one")
    freeing.command()
    database.bind(freeing.rig.settings)
    (row,) = (publication.Round & {"verb": "reclaim"}).to_dicts()
    assert (row["result"], row["scope"]) == ("done", "all")
