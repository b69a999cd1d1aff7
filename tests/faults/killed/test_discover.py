"""``publication-discover`` is killed; no half session is ever left, and the next run finds the rest."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.integration.discover.losing import PUBLICATION, drop, rows
from tests.integration.kills import kill_at, needs_sigkill

STEPS = ("discover: claimed", "discover: files")
ONLY = ("publication-discover", "--type", "ephys")
TOGETHER = """
from pipeline import from_manifests
from_manifests._SESSIONS = {}
"""
# At a listing that is about to be asked for; the program knows nothing of being watched.
WHILE_LISTING = """
import os, signal
import requests
sent = requests.Session.send
def send(self, request, seen=[], **options):
    if "/ls" in request.url:
        seen.append(1)
        if len(seen) == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
    return sent(self, request, **options)
requests.Session.send = send
"""

pytestmark = [needs_sigkill, pytest.mark.fault(8)]


@pytest.mark.parametrize(("together", "whole_ones"), [(1, 2), (2, 2), (100, 0)])
@pytest.mark.parametrize("step", STEPS)
def test_killed_in_the_middle_it_leaves_whole_sessions_and_goes_on(rig, step, together, whole_ones):
    """In the middle of the third session: what was written together before it is there, or nothing of it."""
    rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(rig, "publication")
    killed = rig.run(*ONLY, prelude=TOGETHER.format(together) + kill_at(step, 3))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    database.bind(rig.settings)
    left = rows(*PUBLICATION)
    assert len(left["DataSet"]) == len(left["ArchivedRawEphys"]) == whole_ones
    names = {row["dataset_name"] for row in left["DataSet"]}
    whole = [row for row in lost["DataSet.PhysicalFile"] if row["dataset_name"] in names]
    assert left["DataSet.PhysicalFile"] == whole
    rig.run(*ONLY, check=0)
    assert rows(*PUBLICATION) == lost
    assert not publication.Claim()


def test_killed_while_it_lists_it_leaves_nothing(pg_rig):
    pg_rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(pg_rig, "publication")
    for nth in (1, 2, 3):
        killed = pg_rig.run(*ONLY, prelude=WHILE_LISTING.format(nth=nth))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        database.bind(pg_rig.settings)
        left = rows(*PUBLICATION)
        assert not left["DataSet"], nth
        assert not left["DataSet.PhysicalFile"]
        assert not publication.Claim()
    pg_rig.run(*ONLY, check=0)
    assert rows(*PUBLICATION) == lost
