"""The service fails while an archive is verified, fetched from and discovered.

Trouble that passes changes nothing; what lasts is an error with a remedy, never an empty archive.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from mapshell.errors import FAILED, PARTLY
from pipeline import database, publication
from pipeline.retrieving import retrieve
from tests.integration.discover.losing import PUBLICATION, discover, rows
from tests.integration.publish.faults import impatient, patient

LS = "transfer/operation/endpoint/<id>/ls"
PASSING = {
    "429": ({"mode": "status", "status": 429, "retry_after": 0, "count": 2},),
    "5xx": tuple({"mode": "status", "status": status} for status in (500, 502, 503, 504)),
    "reset": ({"mode": "reset"},),
    "lost": ({"mode": "lost"},),
    "cut": ({"mode": "cut"},),
}
LASTING = {
    "a web page": {"mode": "html"},
    "half of the JSON": {"mode": "truncated"},
    "nothing": {"mode": "empty"},
    "403": {"mode": "status", "status": 403, "code": "ClientError.AuthorizationDenied"},
    "offline": {"mode": "status", "status": 502, "code": "ExternalError.DirListingFailed.GCDisconnected"},
    "reset": {"mode": "reset"},
}


@pytest.fixture
def held(archive):
    """What the archive holds, and the index: each verb must leave both as they are."""
    bench = archive.bench
    files = {name: path.read_bytes() for name, path in bench.there().items()}
    return SimpleNamespace(files=files, index=rows(*PUBLICATION), tasks=len(bench.rig.tasks()))


def fetch(archive, to):
    rig = archive.bench.rig
    database.bind(rig.settings)
    return retrieve(
        rig.settings, rig.globus, (publication.ArchivedRawEphys(),), to=str(to), everything=True, raises=False
    )


def fetched(to):
    every = [path for path in to.rglob("*") if path.is_file() and ".mapshell" not in path.parts]
    return {path.relative_to(to).as_posix(): path.read_bytes() for path in every}


@pytest.mark.fault(11, 12, 13)
@pytest.mark.parametrize("trouble", list(PASSING))
def test_trouble_that_passes(archive, held, trouble):
    rig = archive.bench.rig

    def again():
        rig.admin.clear_faults()
        for path in (LS, "transfer/submission_id", "transfer/transfer", "transfer/task_list"):
            for fault in PASSING[trouble]:
                rig.admin.fail_requests(path, **fault)

    again()
    assert archive.verify().whole
    again()
    to = rig.rig / "ephys" / "fetched"
    assert fetch(archive, to).whole
    assert fetched(to) == held.files
    assert len(rig.tasks()) == held.tasks + 1
    again()
    assert {found.state for found in discover(rig, types=("ephys",)).sessions} == {"known"}
    assert rows(*PUBLICATION) == held.index


def failed(rig, *args):
    """Run a command, which must fail and say why; return its document."""
    done = rig.run(*args, "--type", "ephys", "--format", "json")
    assert done.returncode in (FAILED, PARTLY), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "remedy" in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    return json.loads(done.stdout or "{}")


@pytest.mark.fault(13, 14, 15, 16)
@pytest.mark.parametrize("trouble", list(LASTING))
def test_trouble_that_lasts(archive, held, trouble):
    rig = archive.bench.rig
    impatient(rig)
    rig.admin.fail_requests(LS, count=None, **LASTING[trouble])
    to = rig.rig / "ephys" / "fetched"

    document = failed(rig, "publication-verify")
    assert not [each for session in document.get("sessions", ()) for each in session["drift"]]
    assert not [session for session in document.get("sessions", ()) if session["present"]]
    failed(rig, "publication-retrieve", "--subject", "SC038", "--to", str(to))
    assert not to.exists() or not fetched(to)
    failed(rig, "publication-discover")
    assert rows(*PUBLICATION) == held.index
    assert len(rig.tasks()) == held.tasks

    rig.admin.clear_faults()
    patient(rig)
    assert archive.verify().whole
    assert fetch(archive, to).whole
    assert fetched(to) == held.files
