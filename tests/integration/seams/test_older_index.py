"""An index from a backup that is older than what was reassigned: discover brings it forward."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline import experiment, publication
from tests.integration.discover.losing import PUBLICATION, discover, rows
from tests.integration.publish.bench import DAY, SC038, write
from tests.integration.reassign.moved import add_animal_session, assert_index_is_true, reassign, states

INDEX = (publication.DataSet, publication.DataSet.PhysicalFile)


def backup() -> tuple[Any, ...]:
    """Return all rows of the index."""
    return {table: table.to_dicts() for table in INDEX}, publication.ArchivedRawEphys.to_dicts()


def restore(kept: tuple[Any, ...]) -> None:
    """Bring the index back to what it was; journal and results are lost."""
    checks = (publication.FileCheck, publication.Verification)
    for table in (publication.ArchivedRawEphys, *checks, *reversed(INDEX), publication.Withdrawal):
        table().delete_quick()
    for table in (publication.Transfer.Session, publication.Transfer, publication.SessionState):
        table().delete_quick()
    index, archived = kept
    for table, those in index.items():
        table.insert(those, allow_direct_insert=True)
    publication.ArchivedRawEphys.insert(archived, allow_direct_insert=True)


def reassigned_twice(bench):
    reassign(bench, "SC038/1", "SC048/1")
    bench.enter("third", DAY.date(), "15:00:00", number=2, subject=bench.keys["right"][0])
    reassign(bench, "SC048/1", "SC048/2")


def superseded_and_reassigned(bench):
    write(bench.ephys / "SC038/SC038_050120_g0/sorting/a.npy", b"newer")
    publish = ("publication-publish", "--type", "ephys", "--supersede", "--because", "sorted again")
    bench.run(*publish, "--subject", "SC038", "--session", "1", check=0)
    reassign(bench, "SC038/1", "SC048/1")


def reassigned_and_superseded(bench):
    reassign(bench, "SC038/1", "SC048/1")
    write(bench.ephys / "SC038/SC038_050120_g0/sorting/a.npy", b"newer")
    publish = ("publication-publish", "--type", "ephys", "--supersede", "--because", "sorted again")
    bench.run(*publish, "--subject", "SC048", "--session", "1", check=0)


def reassigned(bench):
    reassign(bench, "SC038/1", "SC048/1")


def date_corrected(bench):
    experiment.Session.update1({"subject_id": SC038, "session": 1, "session_date": DAY.date() + timedelta(days=1)})
    reassign(bench, "SC038/2020-05-01", "SC038/1")


def name_kept(bench):
    """Another number, with an ident that makes the folder keep its name."""
    bench.enter("second", DAY.date(), "12:00:00", number=2)
    bench.set_ident("wrong", "early")
    bench.set_ident("second", "--none")
    reassign(bench, "SC038/1", "SC038/2")


WAYS = (reassigned, reassigned_twice, superseded_and_reassigned, reassigned_and_superseded, date_corrected, name_kept)


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_discover_brings_it_forward(each_bench, way):
    bench = each_bench
    write(bench.session("wrong") / "sorting/a.npy", b"old")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    older = backup()
    way(bench)
    known = rows(*PUBLICATION)
    restore(older)
    before = rows(*PUBLICATION)
    dry = discover(bench.rig, types=("ephys",), dry_run=True)
    assert dry.whole, repr(dry)
    assert rows(*PUBLICATION) == before
    report = discover(bench.rig, types=("ephys",))
    assert report.whole, repr(report)
    assert [each.state for each in report.sessions] == ["discovered"]
    assert "reassigned since" in " ".join(report.sessions[0].notes)
    assert rows(*PUBLICATION) == known
    assert not publication.Withdrawal()
    assert_index_is_true(bench)
    assert bench.publish().whole
    assert rows(*PUBLICATION) == known
    assert sorted(states(bench).values()).count("archived") == 1
    report = discover(bench.rig, types=("ephys",))
    assert [each.state for each in report.sessions] == ["known"]


def test_what_is_not_the_manifests_is_left(bench):
    """The older index has a file that the manifest does not have: a person must look."""
    bench.session("wrong")
    assert bench.publish().whole
    add_animal_session(bench, "right", DAY.date())
    older = backup()
    older[0][publication.DataSet.PhysicalFile][0]["file_sha1"] = "0" * 40
    reassigned(bench)
    restore(older)
    report = discover(bench.rig, types=("ephys",))
    assert not report.whole
    assert {each.session: each.state for each in report.sessions if each.h2o == "SC038"} == {1: "refused"}
