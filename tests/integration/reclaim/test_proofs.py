"""Each proof is missing in turn: nothing is deleted, and proof, evidence and a command that mends it are named."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from datetime import timedelta

import pytest

from pipeline import database, publication
from pipeline.archive.reclaiming.rules import PROOFS
from pipeline.archive.session import Location
from pipeline.journal import TableJournal
from pipeline.locations import known
from tests.integration.publish.bench import old, only, write


def _bin(freeing):
    return only(freeing.folders["one"], "*.ap.bin")


def _rows(freeing):
    database.bind(freeing.rig.settings)
    return publication.DataSet.PhysicalFile.to_dicts()


def _change_row(freeing, **values):
    row = next(row for row in _rows(freeing) if row["file_subpath"].endswith(".ap.bin"))
    key = {name: row[name] for name in ("globus_alias", "dataset_name", "file_id")}
    publication.DataSet.PhysicalFile.update1({**key, **values})


def listed_alone(freeing):
    row = publication.DataSet.to_dicts()[0]
    publication.DataSet.update1(
        {"globus_alias": row["globus_alias"], "dataset_name": row["dataset_name"], "dataset_manifest": ""}
    )


def sha1_of_the_archive_alone(freeing):
    _change_row(freeing, sha1_source="archive")


def no_sha1(freeing):
    _change_row(freeing, file_sha1=None, sha1_source=None)


def never_sized(freeing):
    _change_row(freeing, file_size=None, file_mtime=None)


def drift(freeing):
    there = freeing.bench.there()[next(iter(freeing.held["one"]))]
    content, times = there.read_bytes(), (there.stat().st_atime, there.stat().st_mtime)
    there.unlink()
    freeing.bench.run("publication-verify", "--type", "ephys", check=3)
    there.write_bytes(content)
    os.utime(there, times)


def withdrawn(freeing):
    (publication.ArchivedRawEphys & {"session": 1}).delete(prompt=False)


def open_entry(freeing):
    write(freeing.folders["one"] / "notes.txt", b"later")
    freeing.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    freeing.bench.publish(wait=False)
    (freeing.folders["one"] / "notes.txt").unlink()


def somebody_at_work(freeing):
    """A publish of this very process holds the lease."""
    journal = TableJournal(known()["raw-ephys"], {}, freeing.rig.settings.archive.computer)
    journal.__enter__()
    assert journal.claim(freeing.bench.keys["one"]) is None
    freeing.release = journal


def a_retrieval_at_work(freeing):
    """Another process holds the folder."""
    import filelock

    staging = freeing.bench.ephys / ".mapshell"
    staging.mkdir(exist_ok=True)
    lock = filelock.FileLock(staging / "retrieve.lock", timeout=0)
    lock.acquire()
    freeing.lock = lock


def changed_just_now(freeing):
    path = _bin(freeing)
    os.utime(path, (time.time(), time.time()))


def from_the_future(freeing):
    path = _bin(freeing)
    os.utime(path, (time.time() + 86_400, time.time() + 86_400))


def a_new_file(freeing):
    write(freeing.folders["one"] / "notes.txt", b"new")
    freeing.remember("one")


def a_longer_file(freeing):
    path = _bin(freeing)
    path.write_bytes(path.read_bytes() + b"more")
    old(path)
    freeing.remember("one")


def other_bytes_of_the_same_size(freeing):
    path = _bin(freeing)
    times = (path.stat().st_atime, path.stat().st_mtime)
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, times)
    freeing.remember("one")


def a_remembered_checksum_does_not_help(freeing):
    """The cache of checksums is poisoned: size and all times are those that it knows."""
    from pipeline.archive.checksums import ChecksumCache
    from pipeline.archive.session import LocalFile, Root
    from pipeline.folders import cache_folder

    path = _bin(freeing)
    right = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
    other_bytes_of_the_same_size(freeing)
    now, root = path.stat(), Root("raw-ephys", "", "", freeing.bench.ephys)
    subpath = path.relative_to(freeing.bench.ephys).as_posix()
    file = LocalFile(root, subpath, now.st_size, int(now.st_mtime), now.st_mtime_ns, now.st_ctime_ns)
    cache = ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")
    cache.put(file, right)
    assert cache.get(file) == right
    cache.close()


def never_compared_there(freeing):
    _change_row(freeing, verified_at=None, verified_how=None)


def gone_at_the_archive(freeing):
    next(path for name, path in freeing.bench.there().items() if name.endswith(".ap.bin")).unlink()


def shorter_at_the_archive(freeing):
    next(path for name, path in freeing.bench.there().items() if name.endswith(".ap.bin")).write_bytes(b"short")


def other_bytes_at_the_archive(freeing):
    """Of the same size: the listing tells their time alone."""
    there = next(path for name, path in freeing.bench.there().items() if name.endswith(".ap.bin"))
    there.write_bytes(bytes(there.stat().st_size))
    os.utime(there, (time.time() + 3600, time.time() + 3600))


def a_link_at_the_archive(freeing):
    there = next(path for name, path in freeing.bench.there().items() if name.endswith(".ap.bin"))
    there.rename(there.with_name("moved"))
    there.symlink_to(there.with_name("moved"))


def a_linked_folder_at_the_archive(freeing):
    there = freeing.bench.archive / freeing.folders["one"].relative_to(freeing.bench.ephys)
    there.rename(there.with_name("moved"))
    there.symlink_to(there.with_name("moved"))


def no_manifest(freeing):
    next(iter(freeing.rig.manifests().values())).unlink()


def a_newer_manifest(freeing):
    path = next(iter(freeing.rig.manifests().values()))
    path.with_name(path.name.replace("0001", "0002")).write_bytes(path.read_bytes())


CASES = [
    ("known", listed_alone, "listed alone", "--adopt"),
    ("known", sha1_of_the_archive_alone, "no SHA1 of the recording's own bytes", "--adopt"),
    ("known", no_sha1, "no SHA1 of the recording's own bytes", "--adopt"),
    ("known", never_sized, "no SHA1 of the recording's own bytes", "--adopt"),
    ("known", drift, "the archive differs from the index", "publication-verify"),
    ("known", withdrawn, "deleted on purpose", "--restore"),
    ("nothing open", open_entry, "a transfer of it is", "publication-publish"),
    ("nothing open", somebody_at_work, "somebody works on it", "wait"),
    ("nothing open", a_retrieval_at_work, "retriev", "wait"),
    ("quiet", changed_just_now, "was changed just now", "again"),
    ("quiet", from_the_future, "clock is behind", "set the clock"),
    ("whole folder", a_new_file, "notes.txt is not archived at raw-ephys", "publication-publish"),
    ("whole folder", a_longer_file, "has another size", "--supersede"),
    ("listed", gone_at_the_archive, "is not there", "publication-verify"),
    ("listed", shorter_at_the_archive, "has 5 bytes there", "publication-verify"),
    ("listed", other_bytes_at_the_archive, "after the bytes were last compared", "--checksum all"),
    ("listed", no_manifest, "its newest manifest", "publication-verify"),
    ("listed", a_newer_manifest, "does not know its manifest", "publication-discover"),
    ("same bytes", other_bytes_of_the_same_size, "has other bytes here", "--supersede"),
    ("same bytes", a_remembered_checksum_does_not_help, "has other bytes here", "--supersede"),
    ("same bytes", never_compared_there, "was never compared", "--checksum all"),
]
LINKS = [
    ("listed", a_link_at_the_archive, "is", "publication-verify"),
    ("listed", a_linked_folder_at_the_archive, "is", "publication-verify"),
]
if sys.platform != "win32":
    CASES += LINKS


@pytest.mark.parametrize(("proof", "spoil", "says", "mends"), CASES, ids=[case[1].__name__ for case in CASES])
def test_a_missing_proof_refuses_the_session_and_no_other(each_freeing, proof, spoil, says, mends):
    each_freeing.archive("one", "two")
    spoil(each_freeing)
    before = {path: path.read_bytes() for path in each_freeing.folders["one"].rglob("*") if path.is_file()}
    dry = each_freeing.command("--dry-run", check=3) if spoil is not a_retrieval_at_work else None
    done = each_freeing.command(check=3)
    for document in (dry, done) if dry else (done,):
        row = document["sessions"]["one"]
        assert (row["verdict"], row["proof"]) == ("refused", proof), row
        assert says in row["reason"], row
        assert mends in row["remedy"], row
        assert (row["files"], row["bytes"]) == (0, 0)
    assert {path: path.read_bytes() for path in each_freeing.folders["one"].rglob("*") if path.is_file()} == before
    if spoil is a_retrieval_at_work:
        each_freeing.lock.release()
        each_freeing.remember("two")
        return
    assert done["sessions"]["two"]["verdict"] == "reclaimed"
    each_freeing.assert_reclaimed("two") if spoil is not somebody_at_work else each_freeing.release.__exit__(None)
    assert len(each_freeing.rows()) == 1


def test_every_proof_has_a_test():
    here = {case[0] for case in CASES}
    assert here | {"old enough", "enough copies"} == set(PROOFS)


def test_too_young_to_be_named_unless_it_was_asked_for(each_freeing):
    each_freeing.archive("one")
    row = each_freeing.command(older_than="")["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "old enough")
    assert "30 days" in row["reason"]
    assert "--older-than" in row["remedy"]
    each_freeing.command("--subject", "SC038", older_than="30d", check=3)
    each_freeing.assert_untouched("one")


def test_what_was_fetched_back_just_now_is_young_again(freeing):
    freeing.archive("one")
    later = timedelta(days=40)
    database.bind(freeing.rig.settings)
    freeing.command()
    freeing.retrieve("one")
    row = publication.ArchivedRawEphys.to_dicts()[0]
    publication.ArchivedRawEphys.update1(
        {**{k: row[k] for k in ("subject_id", "session", "globus_alias")}, "archived_at": row["archived_at"] - later}
    )
    row = freeing.command(older_than="30d")["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "old enough")
    assert "fetched back" in row["reason"]
    freeing.assert_untouched("one")


@pytest.mark.parametrize("copies", ["2", "3"])
def test_fewer_places_than_asked_for(each_freeing, copies):
    each_freeing.archive("one")
    row = each_freeing.command("--copies", copies, check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "enough copies")
    assert f"{copies} places were asked for, 1 has it" in row["reason"]
    assert "storage copies ephys" in row["remedy"]
    each_freeing.assert_untouched("one")


def test_one_place_under_two_names_counts_once(each_freeing):
    """Both say that they hold it; what is lost at one is lost at the other."""
    each_freeing.archive("one")
    database.bind(each_freeing.rig.settings)
    here = known()["raw-ephys"]
    twin = Location("twin", here.endpoint, here.path, "ephys")
    from pipeline.locations import location_row

    database.insert_if_absent(publication.GlobusStorageLocation, location_row(twin))
    for table in (publication.DataSet, publication.DataSet.PhysicalFile, publication.ArchivedRawEphys):
        rows = [{**row, "globus_alias": "twin"} for row in table.to_dicts()]
        table.insert(rows, **({"allow_direct_insert": True} if table is publication.ArchivedRawEphys else {}))
    row = each_freeing.command("--copies", "2", check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "enough copies")
    assert "the same place, which counts once" in row["reason"]
    each_freeing.assert_untouched("one")
