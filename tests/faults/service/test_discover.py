"""What discover says when the service fails: never empty, never half."""

from __future__ import annotations

from collections import Counter

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import publication
from pipeline.errors import CollectionOffline, GlobusUnavailable, PermissionDenied
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.faults import impatient, patient

EPHYS = {"types": ("ephys",)}


@pytest.mark.fault(15)
def test_a_folder_that_may_not_be_read_is_an_obstacle_and_the_rest_goes_on(pg_rig):
    pg_rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(pg_rig, "publication")
    pg_rig.admin.fault("permission", collection=ARCHIVE, paths=["/raw-ephys/SC038"])
    report = discover(pg_rig, **EPHYS)
    assert [(folder.folder, folder.unread) for folder in report.folders] == [("SC038", True)]
    assert "ermission denied" in report.folders[0].reason
    assert {(found.h2o, found.state) for found in report.sessions} == {("SC048", "discovered")}
    pg_rig.admin.clear_faults()
    drop(pg_rig, "publication")
    folder = next(path for path in (pg_rig.archive / "raw-ephys/SC048").iterdir() if path.is_dir())
    pg_rig.admin.fault("permission", collection=ARCHIVE, paths=[f"/raw-ephys/SC048/{folder.name}"])
    report = discover(pg_rig, **EPHYS)
    assert Counter(found.state for found in report.sessions) == {"discovered": 4, "not read": 1}
    assert not report.whole
    pg_rig.admin.clear_faults()
    assert discover(pg_rig, **EPHYS).whole
    assert rows(*PUBLICATION) == lost


@pytest.mark.fault(15, 16)
def test_an_archive_that_is_offline_gone_or_closed_is_no_empty_archive(pg_rig):
    pg_rig.publish(types=("ephys",))
    impatient(pg_rig)
    before = rows(*PUBLICATION)
    here = pg_rig.archive
    away = here.rename(here.with_name("away"))
    here.mkdir()
    report = discover(pg_rig, **EPHYS)
    assert [(folder.folder, folder.unread) for folder in report.folders] == [(".", True)]
    assert "no /raw-ephys" in report.folders[0].reason
    here.rmdir()
    away.rename(here)
    for change, error in (({"denied": True}, PermissionDenied), ({"offline": True}, CollectionOffline)):
        pg_rig.admin.set_collection(ARCHIVE, **change)
        report = discover(pg_rig, **EPHYS)
        assert not report.whole
        (folder,) = report.folders
        assert folder.unread, error
        assert folder.remedy
        pg_rig.admin.set_collection(ARCHIVE, **dict.fromkeys(change, False))
    assert rows(*PUBLICATION) == before


@pytest.mark.fault(11, 12)
def test_a_service_that_is_down_ends_it_and_what_was_written_stays(pg_rig):
    pg_rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(pg_rig, "publication")
    impatient(pg_rig)
    for answered in (0, 1, 3):  # at the root, the animals, the folders of manifests
        pg_rig.admin.fail_requests("*/ls", status=500, count=None, after=answered)
        report = discover(pg_rig, **EPHYS)
        assert isinstance(report.stopped, GlobusUnavailable), answered
        assert not report.folders
        assert not publication.DataSet()
        pg_rig.admin.clear_faults()
    patient(pg_rig)
    pg_rig.admin.fail_requests("*/ls", status=429, count=1, retry_after=0)
    pg_rig.admin.fail_requests("*/ls", status=502, count=1)
    assert discover(pg_rig, **EPHYS).whole
    assert rows(*PUBLICATION) == lost
