"""Reassignments that must not be made: refused with cause and remedy, and nothing is changed."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from pipeline import experiment, publication
from pipeline.archive.session import Location
from pipeline.journal import TableJournal
from pipeline.locations import known
from tests.integration.accounts import read_only
from tests.integration.discover.losing import PUBLICATION, rows
from tests.integration.kills import kill_at
from tests.integration.publish.bench import ARCHIVE, DAY, SC038, SC048, only, write

from .moved import add_animal_session, assert_index_is_true, files_there, indexed_sessions, reassign, states

OLD, NEW = "SC038/SC038_050120_g0", "SC048/SC048_050120_g0"


@pytest.fixture
def archived(bench):
    """A bench with one session archived under a wrong animal, whose right session is entered."""
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    return bench


def refused(bench, *args, check, says=(), cause=""):
    """Try a reassignment that must fail; nothing may be changed by it.  Return what it says."""
    kept, there = rows(*PUBLICATION), sorted(bench.rig.files("archive"))
    _, said = reassign(bench, *(args or ("SC038/1", "SC048/1")), check=check)
    assert rows(*PUBLICATION) == kept
    assert sorted(bench.rig.files("archive")) == there
    assert not publication.Claim()
    assert "remedy:" in said.lower()
    for word in says:
        assert word.lower() in said.lower(), said
    assert cause in said
    return said


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("SC038", "SC048/1", "names no session"),
        ("SC038/", "SC048/1", "names no session"),
        ("/1", "SC048/1", "names no session"),
        ("SC038/0", "SC048/1", "nothing is archived"),
        ("SC038/-1", "SC048/1", "names no session"),
        ("SC038/2020-13-01", "SC048/1", "names no session"),
        ("SC038/999999999", "SC048/1", "names no session"),
        ("SC038/²", "SC048/1", "names no session"),
        ("SC039/1", "SC048/1", "did you mean SC038"),
        ("SC038/7", "SC048/1", "archived of SC038: SC038/1"),
        ("SC038/2020-05-02", "SC048/1", "archived of SC038: SC038/1"),
        ("SC038/1", "SC048/9", "no session SC048/9"),
        ("SC038/1", "SC0/1", "there is no subject"),
        ("SC038/1", "SC048/2019-01-01", "no session SC048/2019-01-01"),
        ("SC038/1'; drop table x; --/1", "SC048/1", "nothing is archived"),
    ],
)
def test_names_that_mean_nothing(archived, source, target, says):
    refused(archived, source, target, check=2, says=[says])


def test_nobody_is_there_to_be_asked(archived):
    _, said = archived.run("publication-reassign", "SC038/1", "SC048/1", check=2)
    assert "--yes" in said
    assert set(indexed_sessions()) == {(SC038, 1)}


def test_a_reason_that_cannot_be_stored(archived):
    refused(archived, "SC038/1", "SC048/1", "--because", "x" * 2001, check=2, says=["characters"])


def test_several_sessions_of_the_day(archived):
    archived.enter("later", DAY.date(), "15:00:00", number=2, subject=SC048)
    refused(archived, "SC038/1", f"SC048/{DAY:%Y-%m-%d}", check=2, says=["may be any of", "SC048/2"])


def test_onto_an_archived_session(each_bench):
    bench = each_bench
    bench.session("one")
    bench.session("two")
    assert bench.publish().whole
    refused(bench, "SC038/1", "SC038/2", check=1, says=["has files in the index"])
    assert_index_is_true(bench)


def test_it_is_archived_as_that_already(archived):
    kept = rows(*PUBLICATION)
    _, said = reassign(archived, "SC038/1", "SC038/1")
    assert "already" in said
    assert rows(*PUBLICATION) == kept


@pytest.mark.parametrize("which", ["FROM", "TO"])
def test_a_transfer_under_way(each_bench, which):
    bench = each_bench
    folder = bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    base = folder if which == "FROM" else bench.record("SC048_050120", DAY, folder="../SC048/SC048_050120_g0")
    write(base / "notes.txt", b"later")
    bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    bench.publish(wait=False)
    refused(bench, check=1, says=["under way", "publication-publish"])
    bench.release()
    bench.publish()


@pytest.mark.parametrize("whose", [(SC038, 1), (SC048, 1)], ids=["FROM", "TO"])
def test_somebody_works_on_it(archived, whose):
    (place,) = [each for each in known().values() if each.dataset_type == "ephys"]
    assert isinstance(place, Location)
    with TableJournal(place, {}, "elsewhere") as journal:
        assert journal.claim(whose) is None
        kept = rows(*PUBLICATION)
        _, said = reassign(archived, "SC038/1", "SC048/1", check=1)
        assert "works on" in said
        assert rows(*PUBLICATION) == kept
        journal.release([whose])
    reassign(archived, "SC038/1", "SC048/1")


def test_something_at_the_new_name(archived):
    write(archived.archive / NEW / "somebody.txt", b"else's")
    refused(archived, check=1, says=["has SC048/SC048_050120_g0 already"])


def test_a_manifest_of_the_new_name(archived):
    name = "SC048/SC048_20200501_s1_ephys.manifest-0004.json"
    write(archived.archive / name, b"{}")
    refused(archived, check=1, says=[name, "publication-discover"])


def test_a_file_that_the_index_does_not_know(archived):
    write(archived.archive / OLD / "notes.txt", b"of whom?")
    refused(archived, check=1, says=["notes.txt", "publication-verify"])


@pytest.mark.parametrize("what", ["missing", "short", "folder"])
def test_the_archive_has_lost_something(archived, what):
    lost = only(archived.archive / OLD, "*.bin")
    if what == "folder":
        (archived.archive / OLD).rename(archived.archive / "elsewhere")
    elif what == "missing":
        lost.unlink()
    else:
        os.truncate(lost, 4)
    refused(archived, check=1, says=["publication-verify", "nothing was renamed"])


def test_rows_deleted_on_purpose(each_bench):
    bench = each_bench
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    (publication.ArchivedRawEphys() & {"subject_id": SC038}).delete(prompt=False)
    refused(bench, check=1, says=["on purpose", "--restore"])


def test_an_account_that_may_only_read(each_bench):
    bench = each_bench
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    with read_only(bench.rig):
        done = bench.rig.run("publication-reassign", "SC038/1", "SC048/1", "--dry-run", check=0)
        assert NEW in done.stderr
        done = bench.rig.run("publication-reassign", "SC038/1", "SC048/1", "--yes", check=1)
        assert "may not write" in done.stderr
    assert_index_is_true(bench)
    assert set(indexed_sessions()) == {(SC038, 1)}


def test_an_archive_that_refuses_writing(archived):
    """Nothing was renamed yet: the move is given up, and everything is as it was."""
    kept = rows(*PUBLICATION)
    archived.rig.admin.fault("read-only", collection=ARCHIVE)
    _, said = reassign(archived, "SC038/1", "SC048/1", check=3)
    assert "remedy:" in said.lower()
    assert rows(*PUBLICATION) == kept
    assert set((publication.Transfer() & {"purpose": "move"}).to_arrays("state")) == {"failed"}
    assert not publication.Claim()
    archived.rig.admin.clear_faults()
    assert states(archived)["right"] == "not here"
    reassign(archived, "SC038/1", "SC048/1")
    assert_index_is_true(archived)


def test_an_archive_that_refuses_the_second_renaming(archived):
    """Something was renamed: it stays open, is told as such, and goes on as soon as that is possible."""
    archived.rig.admin.fail_requests("*rename*", 403, count=None, code="PermissionDenied", after=1)
    _, said = reassign(archived, "SC038/1", "SC048/1", check=3)
    assert "in flight" in said
    assert states(archived)["right"] == "in flight"
    assert not archived.publish().whole
    archived.rig.admin.clear_faults()
    assert archived.publish().whole
    assert_index_is_true(archived)
    assert states(archived)["right"] == "archived"


@pytest.mark.parametrize("fault", ["lost", "reset", "cut", "html", "empty"])
def test_answers_that_get_lost(archived, fault):
    archived.rig.admin.fail_requests("*rename*", mode=fault, count=1)
    # What cannot be understood is an error at once: nothing was done, so it is given up.
    archived.run("publication-reassign", "SC038/1", "SC048/1", "--yes", check=3 if fault in ("html", "empty") else 0)
    reassign(archived, "SC038/1", "SC048/1")
    assert_index_is_true(archived)
    assert set(indexed_sessions()) == {(SC048, 1)}


def test_the_lab_says_otherwise_meanwhile(archived):
    """The right session is corrected before the commit: that is told, and it comes to its end when mended."""
    command = ("publication-reassign", "SC038/1", "SC048/1", "--yes")
    archived.rig.run(*command, prelude=kill_at("move: checked"))
    right = {"subject_id": SC048, "session": 1}
    experiment.Session.update1({**right, "session_date": DAY.date() + timedelta(days=3)})
    report = archived.publish()
    assert not report.whole
    assert states(archived)["right"] == "in flight"
    experiment.Session.update1({**right, "session_date": DAY.date()})
    assert archived.publish().whole
    assert_index_is_true(archived)
    assert all(name.startswith(f"{NEW}/") for name in files_there(archived))
