"""Names in an archive's listings that lead elsewhere: no row, no file outside; the honest ones come all the same."""

from __future__ import annotations

import pytest

from pipeline import database, discovering, publication
from pipeline.archive.ports import RemoteEntry
from pipeline.globus import GlobusStorageManager
from pipeline.verifying import verify
from tests.integration.discover.losing import PUBLICATION, drop, rows
from tests.integration.publish.bench import write

HOSTILE = (
    "../x",
    "..",
    ".",
    "",
    "/etc/passwd",
    "a/b",
    "SC038/../../x",
    "C:",
    "C:\\x",
    "back\\slash",
    "nul\0byte",
    "lone\udc80surrogate",
    "x" * 2000,
    "SC038_20200501_s1_ephys.manifest-0001.json/../x",
    "SC038_20200501_s9_ephys.manifest-0001.json\0",
    "new\nline\x1b[2J",
)


class Lying(GlobusStorageManager):
    """A service whose every listing has names that no file system gives."""

    def ls(self, endpoint, path):
        more = [RemoteEntry(name, kind, 5, 1_600_000_000) for name in HOSTILE for kind in ("file", "dir")]
        return [*super().ls(endpoint, path), *more]


@pytest.mark.fault(35)
def test_hostile_names_in_every_listing(bench):
    bench.session("one")
    bench.session("two")
    assert bench.publish().whole
    lost = rows(*PUBLICATION)
    before = {path for path in bench.rig.folder.rglob("*") if "home" not in path.parts}
    drop(bench.rig, "publication")
    with Lying(bench.rig.settings, interactive=False) as manager:
        tables = [publication.ArchivedRawEphys()]
        report = discovering.discover(bench.rig.settings, lambda: manager, tables, ())
        assert not report.whole
        assert rows(*PUBLICATION) == lost, repr(report)
        checked = verify(bench.rig.settings, lambda: manager, tables)
        assert not checked.whole
        for text in (repr(report), str(report), repr(checked), str(checked)):
            assert "\x1b" not in text
            text.encode()
        database.bind(bench.rig.settings)
        later = bench.session("later")
        published = bench.rig.publish(types=("ephys",)) if later else None
        assert published.whole
    after = {path for path in bench.rig.folder.rglob("*") if "home" not in path.parts}
    assert all(bench.archive in path.parents or bench.ephys in path.parents for path in after - before)


@pytest.mark.fault(35)
def test_hostile_names_are_named_and_not_followed(archive):
    folder = archive.at("one", "*.bin").parent
    write(folder / "back\\slash", b"x")
    (folder / "C:").mkdir()
    write(folder / "C:" / "inside", b"x")
    report = archive.verify()
    (kinds,) = archive.drift(report).values()
    assert "name" in kinds
    named = {each.subpath for each in report.drift}
    assert any("back\\slash" in name for name in named)
