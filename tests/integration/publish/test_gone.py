"""Recordings that were here, were never archived, and are gone: nobody forgets them in silence."""

import json
import shutil
from datetime import timedelta

import pytest

from pipeline import database, publication
from pipeline.states import LOST, TOLD_FOR

from .bench import edit, only
from .test_status import state_of


@pytest.fixture
def refused(bench):
    """A bench with one session whose recording has not ended, as publish saw it; its folder."""
    folder = bench.session("one")
    edit(only(folder, "*.ap.meta"), fileSizeBytes=None, fileSHA1=None)
    bench.command(check=3)
    return bench, folder


def needs(bench, check):
    out, _ = bench.run("publication-report", "--format", "json", "--no-notify", check=check)
    return [need for need in json.loads(out)["needs_person"] if need["kind"] == "lost"]


def test_what_is_gone_without_being_archived_is_told_for_two_weeks(refused):
    bench, folder = refused
    shutil.rmtree(folder)
    bench.command(check=0)
    state, reason = state_of(bench)
    assert state == LOST
    assert "and are gone; they were not archived (recording)" in reason
    (need,) = needs(bench, check=3)
    assert reason in need["what"]
    bench.command(check=0)
    assert state_of(bench) == (state, reason)
    (row,) = publication.SessionState.to_dicts()
    publication.SessionState.update1({**row, "seen_at": database.now() - TOLD_FOR - timedelta(hours=1)})
    bench.command(check=0)
    assert state_of(bench) == (LOST, "")
    assert needs(bench, check=0) == []


def test_what_comes_back_is_judged_as_ever_and_archived(refused):
    bench, folder = refused
    aside = bench.rig.folder / "aside"
    shutil.move(folder, aside)
    bench.command(check=0)
    assert state_of(bench)[0] == LOST
    shutil.move(aside, folder)
    assert state_of(bench)[0] == "queued"
    bench.command(check=3)
    assert state_of(bench)[0] == "recording"
    bench.command(
        "--subject", "SC038", "--session", "1", "--accept", "still-recording", "--because", "it crashed", check=0
    )
    assert state_of(bench)[0] == "archived"
    assert not publication.SessionState()


def test_another_computer_that_has_the_files_is_told_of_instead(refused):
    bench, folder = refused
    (row,) = publication.SessionState.to_dicts()
    publication.SessionState.insert1({**row, "computer": "rig-b", "state": "queued", "reason": ""})
    shutil.rmtree(folder)
    bench.command(check=0)
    assert state_of(bench)[0] == "queued"
    assert needs(bench, check=3) == []
