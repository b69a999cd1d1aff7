"""What screens say of copies, and what may be named as one."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from pipeline import publication
from pipeline.archive.session import Location
from pipeline.locations import location_row
from pipeline.why.explaining import explain
from tests.integration.copies.conftest import BOTH, FIRST, OTHER, SECOND
from tests.integration.publish.bench import only, write


def states(two):
    stdout, _ = two.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)
    return {row["alias"]: (row["state"], row["reason"], row["files"]) for row in json.loads(stdout)["sessions"]}


def copies(two, *options):
    stdout, _ = two.bench.run("storage", "copies", *options, "--format", "json", check=0)
    return {row["alias"]: (row["named"], row["sessions"], row["lacks"]) for row in json.loads(stdout)}


def test_status_says_from_where_it_will_come(two):
    folder = two.bench.session("one")
    two.publish_at_first()
    number = len(two.take_away(folder))
    assert states(two) == {FIRST: ("archived", "", number), OTHER: ("not here", "", 0)}
    two.name_both()
    assert states(two)[OTHER] == ("queued", "from raw-ephys: the next publish copies it", number)
    assert copies(two, "ephys") == {FIRST: (True, 1, 0), OTHER: (True, 0, 1)}
    two.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    two.bench.run("publication-publish", "--type", "ephys", "--no-wait", check=0)
    assert states(two)[OTHER][0] == "in flight"
    two.bench.release()
    two.bench.run("publication-publish", "--type", "ephys", check=0)
    assert states(two) == {FIRST: ("archived", "", number), OTHER: ("archived", "", number)}
    assert copies(two, "ephys") == {FIRST: (True, 1, 0), OTHER: (True, 1, 0)}
    assert not publication.SessionState()


def test_what_was_said_can_be_taken_back(two):
    assert copies(two)[OTHER] == (False, 0, 0)
    two.name_both()
    assert {alias for alias, said in copies(two).items() if said[0]} == set(BOTH)
    assert copies(two, "ephys", OTHER) == {FIRST: (False, 0, 0), OTHER: (True, 0, 0)}
    assert not any(said[0] for said in copies(two, "ephys", "--none").values())
    listed = json.loads(two.bench.run("storage", "list", "--format", "json", check=0)[0])
    assert {row["copy"] for row in listed} == {False}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ephys", FIRST, "raw-ephyss"), "no storage location raw-ephyss"),
        (("ephys", FIRST, "raw-video"), "raw-video holds video, not ephys"),
        (("ephys", FIRST, FIRST), "named twice"),
        (("--none",), "--none needs a type"),
        (("ephys", FIRST, "--none"), "--none needs a type"),
        (("sound",), "sound"),
    ],
)
def test_what_cannot_be_named_is_refused(pg_two, words, says):
    _, stderr = pg_two.bench.run("storage", "copies", *words, check=2)
    assert says in stderr
    assert not publication.Copy()


def test_two_names_of_one_place_are_no_two_copies(pg_two):
    inside = Location("raw-ephys-3", SECOND, "/raw-ephys/old", "ephys")
    publication.GlobusStorageLocation.insert1(location_row(inside))
    _, stderr = pg_two.bench.run("storage", "copies", "ephys", OTHER, "raw-ephys-3", check=1)
    assert "lies inside raw-ephys-2" in stderr
    assert not publication.Copy()


def test_a_rig_without_a_root_of_its_own_uses_that_of_the_other_copy(pg_two):
    from pipeline.here import local_roots

    assert local_roots(pg_two.rig.settings, OTHER) == ()
    pg_two.name_both()
    (root,) = local_roots(pg_two.rig.settings, OTHER)
    (first,) = local_roots(pg_two.rig.settings, FIRST)
    assert (root.alias, root.local_path, root.endpoint) == (OTHER, first.local_path, first.endpoint)


def test_each_file_is_read_once_for_all_copies(pg_two):
    pg_two.name_both()
    pg_two.bench.session("one")
    pg_two.bench.run("publication-publish", "--type", "ephys", check=0)
    hows = {(row["globus_alias"], row["sha1_source"], row["verified_how"]) for row in publication.DataSet.PhysicalFile}
    given, compared = "Globus, SHA1 given beforehand", "Globus, both ends compared"
    assert (FIRST, "computed", compared) in hows  # read while its bytes moved
    assert {how for alias, _, how in hows if alias == OTHER} == {given}  # known by then


def test_a_lost_database_comes_back_with_both_copies(two):
    two.name_both()
    two.bench.session("one")
    two.publish_at_first()
    before = two.rows(FIRST)
    for table in (publication.ArchivedRawEphys, publication.DataSet.PhysicalFile, publication.DataSet):
        table.delete_quick()
    for table in (publication.Transfer.Session, publication.Transfer, publication.Withdrawal):
        table.delete_quick()
    assert two.rows(FIRST) == {}
    two.bench.run("publication-discover", "--type", "ephys", check=0)
    assert two.rows(FIRST) == two.rows(OTHER) == before
    assert len(publication.ArchivedRawEphys()) == len(BOTH)
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    assert {row["state"] for row in json.loads(stdout)["sessions"]} == {"archived"}
    two.bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)


def test_a_copy_that_is_behind_is_called_no_copy_until_it_follows(two):
    two.name_both()
    folder = two.bench.session("one")
    two.publish_at_first()
    two.bench.run("storage", "copies", "ephys", "--none", check=0)
    write(folder / "notes.txt", b"late")
    two.publish_at_first()
    number = len(two.take_away(folder))
    two.name_both()
    said = f"{FIRST} has 1 more file: the next publish compares the two"
    assert states(two) == {FIRST: ("archived", "", number), OTHER: ("archived with changes", said, number - 1)}
    stdout, _ = two.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)
    board = json.loads(stdout)
    assert {(row["copies"], row["copies_wanted"]) for row in board["sessions"]} == {(1, 2)}
    assert (board["backlog"]["sessions"], board["backlog"]["bytes"]) == (1, len(b"late"))
    assert copies(two, "ephys") == {FIRST: (True, 1, 0), OTHER: (True, 1, 1)}
    stdout, _ = two.bench.run("publication-report", "--format", "json", check=0)
    assert "changed" not in {need["kind"] for need in json.loads(stdout)["needs_person"]}  # the next publish mends it
    found = explain(two.rig.settings, two.rig.globus, "SC038", 1, types=("ephys",))
    first, other = sorted(found.locations, key=lambda place: place.alias)
    assert (first.state, other.state) == ("archived", "archived with changes")
    assert other.failed == []  # the next publish mends it
    (lacks,) = [each for each in other.decisions if each.rule == "copy-missing"]
    assert (lacks.verdict, said in lacks.evidence) == ("not reached", True)
    two.bench.run(*shlex.split(other.next[0])[1:], check=0)
    two.assert_same()
    assert states(two) == {FIRST: ("archived", "", number), OTHER: ("archived", "", number)}
    assert copies(two, "ephys") == {FIRST: (True, 1, 0), OTHER: (True, 1, 0)}


def figures(two):
    """Return what the board and the report say waits."""
    from pipeline import morning
    from pipeline.board.board import board

    seen = board(two.rig.settings, ("ephys", "video")).backlog
    told = morning.make(two.rig.settings, environ=two.rig.environ).document()["backlog"]
    assert (told["sessions"], told["bytes"], told["places"]) == (seen.sessions, seen.size, seen.places)
    return seen.sessions, seen.size, seen.places


def desk(settings):
    return replace(settings, globus=replace(settings.globus, local_roots=(), shared_roots=()))


def test_what_waits_for_two_copies_is_the_same_figure_at_rig_and_desk(two):
    two.name_both()
    folder = two.bench.session("one")
    size = sum(path.stat().st_size for path in two.bench.here(folder).values())
    two.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    two.bench.run("publication-publish", "--type", "ephys", "--no-wait", check=0)
    stdout, stderr = two.bench.run("publication-status", "--totals", check=0)
    assert "1 session, " in stdout + stderr
    assert " to 2 places" in stdout + stderr
    rig = two.rig.settings
    assert figures(two) == (1, 2 * size, 2)  # its bytes are sent to each
    two.rig.settings = desk(rig)
    assert figures(two) == (1, 2 * size, 2)
    two.rig.settings = rig
    two.bench.release()
    two.publish_at_first()
    assert figures(two) == (0, 0, 1)


def test_one_refused_session_is_one_thing_for_all_copies(two):
    two.name_both()
    folder = two.bench.session("one")
    only(folder, "*.bin").write_bytes(b"")
    two.bench.run("publication-publish", "--type", "ephys", check=3)
    stdout, _ = two.bench.run("publication-report", "--format", "json", check=3)
    (need,) = [each for each in json.loads(stdout)["needs_person"] if each["kind"] == "refused"]
    assert need["who"].endswith(f", {FIRST} and {OTHER}")
