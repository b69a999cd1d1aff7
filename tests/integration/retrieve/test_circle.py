"""The whole circle: publish, lose the index (or everything), discover, retrieve; by the commands and by the tables."""

from __future__ import annotations

import shutil

import pytest

from pipeline import database, publication
from tests.integration.discover.losing import PUBLICATION, drop, rows

KINDS = ("ephys", "video")


def tree(folder):
    """Return every file below a folder with its bytes and time."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), int(path.stat().st_mtime))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("lost", ["index", "everything"])
def test_what_was_lost_comes_back_byte_for_byte(rig, lost):
    assert not rig.publish().stopped
    keys = {(row["subject_id"], row["session"]) for row in publication.ArchivedRawEphys.to_dicts()}
    known = {row["file_subpath"] for row in publication.DataSet.PhysicalFile.to_dicts()}
    before = rows(*PUBLICATION)
    originals = {kind: {n: v for n, v in tree(rig.rig / kind).items() if n in known} for kind in KINDS}
    assert keys
    assert all(originals.values())

    drop(rig, *(("publication",) if lost == "index" else ()))
    more = () if lost == "index" else ("--create-sessions",)
    rig.run("publication-discover", *more, check=0)
    database.bind(rig.settings)
    assert rows(*PUBLICATION) == before

    for by in ("command", "tables", "https"):
        for kind in KINDS:
            shutil.rmtree(rig.rig / kind)
            (rig.rig / kind).mkdir()
        if by == "tables":
            assert publication.ArchivedRawEphys.retrieve(everything=True).whole
            assert publication.ArchivedTrackingVideo.retrieve(everything=True).whole
        else:
            rig.run("publication-retrieve", "--everything", "--via", "globus" if by == "command" else "https", check=0)
        assert {kind: tree(rig.rig / kind) for kind in KINDS} == originals, by
