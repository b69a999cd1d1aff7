"""A session whose journal the database would not take is told before anything is sent, not after its transfer."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import date, datetime

import pytest

from pipeline import database, experiment, lab, publication
from pipeline.archive.journal import Entry, Part, Source
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.session import Location, SessionRef
from pipeline.errors import DatabaseError
from pipeline.journal import TableJournal
from pipeline.locations import location_row
from pipeline.settings.types import Settings

HERE = Location("raw-video", "5f0e4cb1-0000-4000-8000-00000000000a", "/4D", "video")
SESSION = SessionRef(480133, 1, "SC038", date(2020, 5, 1), "10:00:00")
OTHER = replace(SESSION, session=2, session_date=date(2020, 5, 2))
CHECKED = datetime.fromisoformat("2026-01-01T00:00:00")
LIMIT = 2**21


def entry(count, *sessions, purpose="publish"):
    """A transfer of many small files, all of whose SHA1 are to be computed while it runs."""
    digests = [hashlib.sha1(str(n).encode(), usedforsecurity=False).hexdigest() for n in range(count)]
    parts = []
    for ref in sessions:
        names = [f"SC038/{ref.session_date:%Y%m%d}/cam{n % 3}_{digest[:8]}.avi" for n, digest in enumerate(digests)]
        files = tuple(FileEntry(name, 10**6 + n, 1_760_000_000 + n, "unknown") for n, name in enumerate(names))
        sources = [Source(f.subpath, f"/data/{f.subpath}", f.size, f.mtime * 10**9 + f.size) for f in files]
        parts.append(Part(Manifest(ref, HERE.dataset_type, HERE.alias, 1, files), sources))
    items = tuple(TransferItem(f"/data/{f.subpath}", f"/4D/{f.subpath}", None) for f in parts[0].manifest.files)
    request = TransferRequest(str(uuid.uuid4()), str(uuid.uuid4()), HERE.endpoint, "label", items)
    return Entry(uuid.uuid4(), purpose, "planned", request, tuple(parts), "rig", "somebody", database.now())


def checked(planned):
    """The same once all files are checked: what is written after the transfer."""
    parts = []
    for part in planned.parts:
        files = tuple(
            replace(
                file,
                sha1=hashlib.sha1(file.subpath.encode(), usedforsecurity=False).hexdigest(),
                sha1_source="computed",
                verified_at=CHECKED,
                verified_how="globus",
            )
            for file in part.manifest.files
        )
        manifest = replace(part.manifest, files=files, archived_at=CHECKED, evidence={"task": str(uuid.uuid4())})
        parts.append(replace(part, manifest=manifest))
    return replace(planned, state="checked", parts=tuple(parts))


@pytest.fixture
def journal(small_server):
    database.bind(Settings(database=small_server))
    lab.Subject.insert1({"subject_id": 480133})
    lab.WaterRestriction.insert1({"subject_id": 480133, "water_restriction_number": "SC038"})
    for ref in (SESSION, OTHER):
        experiment.Session.insert1(
            {"subject_id": 480133, "session": ref.session, "session_date": ref.session_date, "session_time": "10:00:00"}
        )
    publication.GlobusStorageLocation.insert1(location_row(HERE))
    with TableJournal(HERE, {ref.key: ref for ref in (SESSION, OTHER)}, "rig") as journal:
        assert [journal.claim(ref.key) for ref in (SESSION, OTHER)] == [None, None]
        yield journal
    database.unbind()


@pytest.fixture
def small_server(empty_mariadb_server):
    """A server that takes little in one statement."""
    database.unbind()
    settings = replace(empty_mariadb_server.settings, schema_prefix="small_")
    bound = database.bind(Settings(database=settings))
    bound.query(f"SET GLOBAL max_allowed_packet = {LIMIT}")
    database.unbind()
    return settings


@pytest.mark.mariadb
def test_what_would_not_fit_once_it_is_checked_is_not_begun(journal):
    planned = entry(40_000, SESSION)
    assert len(planned.parts[0].pack()) < 0.7 * LIMIT
    assert len(checked(planned).parts[0].pack()) > LIMIT
    with pytest.raises(DatabaseError) as refused:
        journal.open(planned)
    assert "480133" in str(refused.value) or "SC038" in str(refused.value)
    assert "40,000 files" in refused.value.message
    assert "set to 4M or more" in refused.value.remedy
    assert not publication.Transfer()
    assert not journal.unfinished()


@pytest.mark.mariadb
def test_whatever_is_begun_can_be_stored_to_its_end(journal):
    """Nearly as many files as may be begun; their journal takes more than one statement may have."""
    planned = entry(28_000, SESSION)
    journal.open(planned)
    journal.advance(replace(planned, state="submitted", task_id=str(uuid.uuid4())))
    end = checked(planned)
    journal.advance(end)
    (stored,) = journal.unfinished()
    assert stored.parts[0].manifest == end.parts[0].manifest
    assert len(end.parts[0].pack()) > 0.7 * LIMIT


@pytest.mark.mariadb
def test_sessions_that_share_a_task_need_not_fit_together(journal):
    shared = entry(25_000, SESSION, OTHER, purpose="manifest")
    sizes = [len(part.pack()) for part in checked(shared).parts]
    assert max(sizes) < LIMIT < sum(sizes)
    journal.open(replace(checked(shared), state="planned"))
    (stored,) = journal.unfinished()
    assert sorted(part.key for part in stored.parts) == [SESSION.key, OTHER.key]
