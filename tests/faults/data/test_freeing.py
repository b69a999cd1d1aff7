"""Files are changed while reclaim proves and deletes them: no byte goes that was not read, and no link is followed."""

from __future__ import annotations

import json
import os
import sys

import pytest

from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, publication
from tests.integration.kills import do_at
from tests.integration.publish.bench import ARCHIVE, only

RECLAIM = ("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", "--format", "json")
AFTERWARDS = ("reclaim: planned", "reclaim: file deleted")

_SAME_TIME = "os.utime({}, ns=(s.st_atime_ns, s.st_mtime_ns))"

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for administrators only")


@pytest.fixture
def session(bench):
    """The folder of an archived session, and what it holds."""
    folder = bench.session("one")
    assert bench.publish().whole
    return folder, {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def reclaim(bench, step, what, check=3):
    done = bench.rig.run(*RECLAIM, prelude=do_at(step, what), check=check)
    document = json.loads(done.stdout)
    database.bind(bench.rig.settings)
    assert not publication.Claim()
    return document["sessions"][0]


def untouched(folder, held):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == held


@pytest.mark.fault(43)
@pytest.mark.parametrize("step", AFTERWARDS)
@pytest.mark.parametrize("how", ["replaced", "rewritten"])
def test_a_file_swapped_after_it_was_proved_stays(bench, session, step, how):
    """Of the same size and time, so that only the disk's own marks tell."""
    folder, held = session
    last = only(folder, "*.ap.meta")
    other = bytes(len(held[last]))
    swap = f"import pathlib; p = pathlib.Path({str(last)!r}); s = p.stat(); "
    if how == "replaced":
        swap += f"q = p.with_name('other'); q.write_bytes({other!r}); {_SAME_TIME.format('q')}; q.replace(p)"
    else:
        swap += f"p.write_bytes({other!r}); {_SAME_TIME.format('p')}"
    row = reclaim(bench, step, swap)
    assert (row["verdict"], row["proof"]) == ("refused", "quiet")
    assert "changed after it was proved" in row["reason"]
    assert last.read_bytes() == other
    assert row["files"] == len(held) - 1
    (plan,) = publication.Reclaim.to_dicts()
    assert plan["state"] == "planned"
    # what is there now was never archived: it stays, run after run
    again = json.loads(bench.rig.run(*RECLAIM, check=3).stdout)["sessions"][0]
    assert (again["verdict"], again["proof"]) == ("refused", "same bytes")
    assert last.read_bytes() == other


@pytest.mark.fault(43)
def test_a_file_that_comes_meanwhile_stays(bench, session):
    folder, held = session
    late = folder / "notes.txt"
    row = reclaim(bench, "reclaim: planned", f"open({str(late)!r}, 'w').write('late')", check=0)
    assert row["verdict"] == "reclaimed"
    assert late.read_text() == "late"
    assert row["files"] == len(held)


@pytest.mark.fault(43)
def test_a_file_that_grows_while_it_is_proved_refuses_the_session(bench, session):
    folder, held = session
    growing = only(folder, "*.ap.bin")
    row = reclaim(bench, "reclaim: claimed", f"open({str(growing)!r}, 'ab').write(b'more')")
    assert (row["verdict"], row["proof"]) in {("refused", "quiet"), ("refused", "whole folder")}
    assert untouched(folder, held | {growing: held[growing] + b"more"})


@needs_links
@pytest.mark.fault(43)
@pytest.mark.parametrize("what", ["file", "folder", "session"])
def test_what_becomes_a_link_is_not_followed(bench, session, tmp_path, what):
    """Another place holds the very same bytes: deleting there would be deleting what nobody asked for."""
    folder, held = session
    inner = only(folder, "*.ap.bin")
    swapped = {"file": inner, "folder": inner.parent, "session": folder}[what]
    outside = tmp_path / "outside"
    here, there = str(swapped), str(outside)
    swap = f"import shutil; shutil.move({here!r}, {there!r}); os.symlink({there!r}, {here!r})"
    row = reclaim(bench, "reclaim: planned", swap)
    assert row["verdict"] == "refused"
    kept = [outside] if outside.is_file() else [path for path in outside.rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in kept if "mapshell" not in path.name) == sorted(
        content for path, content in held.items() if path == swapped or swapped in path.parents
    )
    assert swapped.is_symlink()


@needs_links
@pytest.mark.fault(43)
@pytest.mark.parametrize("name", ["a-link.txt", "SC038_050120_g0_t0.extra.bin"])
def test_a_link_in_the_folder_refuses_the_session(bench, session, tmp_path, name):
    folder, held = session
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / name).symlink_to(tmp_path / "precious")
    row = reclaim(bench, "never", "pass")
    assert (row["verdict"], row["proof"]) == ("refused", "whole folder")
    assert "is a link" in row["reason"]
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert untouched(folder, held | {folder / name: b"precious"})


@needs_links
@pytest.mark.fault(43)
def test_bytes_that_have_another_name_elsewhere_keep_it(bench, session, tmp_path):
    """A hard link outside keeps the bytes; two names within the session are both proved, and both go."""
    folder, held = session
    target = only(folder, "*.ap.bin")
    os.link(target, tmp_path / "kept")
    row = reclaim(bench, "never", "pass", check=0)
    assert row["verdict"] == "reclaimed"
    assert (tmp_path / "kept").read_bytes() == held[target]
    assert not target.exists()


@pytest.mark.fault(44)
@pytest.mark.parametrize("step", ["reclaim: proved", "reclaim: tombstone written"])
def test_an_archive_that_loses_a_file_meanwhile_is_seen_to(bench, session, step):
    folder, held = session
    there = next(path for name, path in bench.there().items() if name.endswith(".ap.bin"))
    row = reclaim(bench, step, f"os.unlink({str(there)!r})")
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert untouched(folder, held)
    assert not publication.Reclaim()


@pytest.mark.fault(44)
def test_an_index_that_is_changed_meanwhile_is_seen_to(each_bench):
    folder = each_bench.session("one")
    assert each_bench.publish().whole
    held = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    change = (
        "from pipeline import publication, database; row = publication.ArchivedRawEphys.to_dicts()[0]; "
        "publication.ArchivedRawEphys.update1({k: row[k] for k in ('subject_id', 'session', 'globus_alias')} "
        "| {'generation': 2})"
    )
    row = reclaim(each_bench, "reclaim: tombstone written", change)
    assert (row["verdict"], row["proof"]) == ("refused", "nothing open")
    assert "was changed meanwhile" in row["reason"]
    assert untouched(folder, held)
    assert not publication.Reclaim()


WITHOUT_HANDLES = "import pipeline.archive.reclaiming.ground as ground; ground.HANDLES = False\n"


@pytest.mark.fault(43)
def test_on_systems_without_handles_of_folders_too(bench, session, tmp_path):
    """As on Windows: each folder on the way is looked at instead."""
    folder, held = session
    inner = only(folder, "*.ap.bin").parent
    outside = tmp_path / "outside"
    here, there = str(inner), str(outside)
    swap = f"import shutil; shutil.move({here!r}, {there!r}); os.symlink({there!r}, {here!r})"
    if sys.platform != "win32":
        prelude = WITHOUT_HANDLES + do_at("reclaim: planned", swap)
        row = json.loads(bench.rig.run(*RECLAIM, prelude=prelude, check=3).stdout)["sessions"][0]
        assert (row["verdict"], row["proof"]) == ("refused", "quiet"), row
        assert "a link stands in the way" in row["reason"]
        assert {path.name for path in outside.iterdir()} == {path.name for path in held if path.parent == inner}
        inner.unlink()
        outside.rename(inner)
    bench.rig.run(*RECLAIM, prelude=WITHOUT_HANDLES, check=0)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mapshell-reclaimed-ephys.json"]
    bench.run("publication-retrieve", "--subject", "SC038", "--session", "1", "--type", "ephys", check=0)
    assert untouched(folder, held)


@needs_links
@pytest.mark.fault(44)
def test_a_folder_that_is_the_archives_own_by_another_way_proves_nothing(bench, session):
    """The archive lists and holds every byte, because it is this very folder, under another collection."""
    folder, held = session
    both = bench.rig.folder / "both"
    both.mkdir()
    for manifest in bench.archive.rglob("*.manifest-*"):
        (folder.parent / manifest.name).write_bytes(manifest.read_bytes())
    bench.ephys.rename(both / "raw-ephys")
    bench.ephys.symlink_to(both / "raw-ephys")
    bench.rig.admin.put_collection(ARCHIVE, CollectionSpec(both, mapped=True))
    dry = json.loads(bench.rig.run(*RECLAIM[:-3], "--format", "json", "--dry-run", check=0).stdout)
    assert dry["sessions"][0]["verdict"] == "would reclaim"  # only what is written there can tell
    row = reclaim(bench, "never", "pass")
    assert (row["verdict"], row["proof"]) == ("refused", "listed")
    assert "this folder is the archive's own" in row["reason"]
    assert untouched(folder, held)
