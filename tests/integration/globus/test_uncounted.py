"""The pace is kept wherever requests are counted, and nowhere else."""

from __future__ import annotations

from mapshell.demo.run import ARCHIVE
from pipeline.globus import GlobusStorageManager
from pipeline.globus.pace import Pace


def test_a_sandbox_that_counts_no_requests_is_asked_without_waiting(pg_rig):
    pace = Pace()
    with GlobusStorageManager(pg_rig.settings, interactive=False, pace=pace) as manager:
        assert pace.counted
        manager.ls(ARCHIVE, "/raw-ephys")
        assert not pace.counted
        pg_rig.admin.set_realism(request_limit=20.0)
        manager.ls(ARCHIVE, "/raw-ephys")
        assert pace.counted
        pg_rig.admin.set_realism(request_limit=None)
        manager.ls(ARCHIVE, "/raw-ephys")
        assert not pace.counted
