"""Walking real folders: everything is found, and what cannot be archived is named."""

import hashlib
import os
import sys
from concurrent.futures import wait
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.archive.checksums import ChecksumCache, Hasher, sha1_of
from pipeline.archive.scan import scan_folder, unchanged
from pipeline.archive.session import LocalFile, Root
from pipeline.archive.walk.leaving_out import left_out
from pipeline.errors import IntegrityError, LocalDiskError

LEAVE_OUT = ("temp_wh.dat", ".phy", "Thumbs.db", ".mapshell")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "SC038" / "run_g0" / "run_g0_imec0").mkdir(parents=True)
    return Root("raw-ephys", "0" * 8, "/", tmp_path)


def write(root, subpath, data=b"x"):
    path = root.local_path / subpath
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_are_listed_with_size_and_time_and_sorted(root):
    path = write(root, "SC038/run_g0/b.bin", b"1234")
    os.utime(path, ns=(5 * 10**9 + 7, 5 * 10**9 + 7))
    write(root, "SC038/run_g0/run_g0_imec0/a.meta")
    scan = scan_folder(root, "SC038/run_g0", LEAVE_OUT)
    assert [file.subpath for file in scan.files] == ["SC038/run_g0/b.bin", "SC038/run_g0/run_g0_imec0/a.meta"]
    assert (scan.files[0].size, scan.files[0].mtime, scan.files[0].mtime_ns) == (4, 5, 5 * 10**9 + 7)
    assert scan.files[0].path == path
    assert scan.defects == ()


def test_what_is_left_out_is_not_seen(root):
    write(root, "SC038/run_g0/ks2/temp_wh.dat")
    write(root, "SC038/run_g0/ks2/.phy/spike.npy")
    write(root, "SC038/run_g0/ks2/amplitudes.npy")
    assert [f.subpath for f in scan_folder(root, "SC038/run_g0", LEAVE_OUT).files] == [
        "SC038/run_g0/ks2/amplitudes.npy"
    ]


def test_patterns_match_whole_components_only():
    assert left_out("a/.phy/b", [".phy"])
    assert left_out("a/.phy/b", [".phy/"])
    assert not left_out("a/x.phy.bin", [".phy"])


def test_links_are_named_and_not_followed(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("secret")
    (root.local_path / "SC038/run_g0/link").symlink_to(outside)
    (root.local_path / "SC038/run_g0/loop").symlink_to(".")
    scan = scan_folder(root, "SC038/run_g0", LEAVE_OUT)
    assert scan.files == ()
    assert {(defect.rule, defect.subpath) for defect in scan.defects} == {
        ("link", "SC038/run_g0/link"),
        ("link", "SC038/run_g0/loop"),
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_named_and_not_opened(root):
    os.mkfifo(root.local_path / "SC038/run_g0/pipe")
    (defect,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).defects
    assert (defect.rule, defect.subpath) == ("special-file", "SC038/run_g0/pipe")


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a name hold any bytes")
def test_a_name_that_is_not_utf8_is_named(root):
    folder = os.fsencode(root.local_path / "SC038" / "run_g0")
    os.close(os.open(folder + b"/\xff.bin", os.O_CREAT))
    (defect,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).defects
    assert defect.rule == "name"
    defect.subpath.encode("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="twins by case need a case-sensitive disk")
def test_odd_names_are_kept_exactly(root):
    names = ["a b", "A B", "a b ", "-x", "#%&'\"", "é", "é", "new\nline", "x" * 200]
    for name in names:
        write(root, f"SC038/run_g0/{name}")
    scan = scan_folder(root, "SC038/run_g0", LEAVE_OUT)
    refused = {defect.subpath for defect in scan.defects if defect.rule == "name"}
    assert {file.subpath for file in scan.files} | refused == {f"SC038/run_g0/{name}" for name in names}


def test_a_folder_that_is_not_there_is_an_error(root):
    with pytest.raises(LocalDiskError, match="cannot be listed"):
        scan_folder(root, "SC038/other", LEAVE_OUT)


def test_a_file_that_changed_or_vanished_is_noticed(root):
    kept, grown, gone = (write(root, f"SC038/run_g0/{name}") for name in ("kept", "grown", "gone"))
    files = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    assert unchanged(files) == []
    grown.write_bytes(b"longer")
    gone.unlink()
    assert {(defect.rule, defect.subpath) for defect in unchanged(files)} == {
        ("changing", "SC038/run_g0/grown"),
        ("vanished", "SC038/run_g0/gone"),
    }
    assert kept.exists()


def test_a_checksum_is_computed_once_and_kept(root, tmp_path):
    path = write(root, "SC038/run_g0/a.bin", b"abc")
    (file,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    with Hasher(ChecksumCache(tmp_path / "cache" / "sha1.sqlite"), threads=2) as hasher:
        assert hasher.known(file) is None
        assert hasher.finish(file) == "a9993e364706816aba3e25717850c26c9cd0d89d"
    path.rename(path.with_name("moved-away"))  # a second read would fail
    with Hasher(ChecksumCache(tmp_path / "cache" / "sha1.sqlite"), threads=2) as hasher:
        assert hasher.known(file) == hasher.finish(file) == "a9993e364706816aba3e25717850c26c9cd0d89d"


def test_what_was_read_and_not_asked_for_is_remembered_and_what_was_forgotten_is_read_again(root, tmp_path):
    for name in ("a", "b", "c"):
        write(root, f"SC038/run_g0/{name}", name.encode())
    a, b, c = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    with Hasher(ChecksumCache(tmp_path / "sha1"), threads=1) as hasher:
        wait(hasher.start(a, b, c))
        hasher.forget(b)
        sha1 = hasher.finish(a)
        assert [hasher.known(file) for file in (a, b)] == [sha1, None]
    with closing(ChecksumCache(tmp_path / "sha1")) as cache:
        assert cache.get_all([a, b, c]) == {a: sha1, c: "84a516841ba77a5b4648de2cd0dfcb30ea46dbb4"}
        cache.put(b, "b" * 40)
    with Hasher(ChecksumCache(tmp_path / "sha1"), threads=1) as hasher:
        assert hasher.start(a, b) == []
        hasher.forget(b)
        assert hasher.known(b) is None
        assert hasher.finish(b) == "e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98"
        c.path.rename(c.path.with_name("moved-away"))
        assert hasher.finish(c) == hasher.known(c) == "84a516841ba77a5b4648de2cd0dfcb30ea46dbb4"


def test_many_checksums_are_asked_for_and_remembered_like_one(tmp_path):
    here = Root("raw-ephys", "e", "/", tmp_path)
    files = [LocalFile(here, f"SC038/{number:05d}", number, 1, 1, 1) for number in range(1234)]
    other = [file._replace(**{field: 7777}) for file in files[:9] for field in ("size", "mtime_ns", "ctime_ns")]
    with closing(ChecksumCache(tmp_path / "sha1")) as cache:
        cache.put_all((file, f"{file.size:040x}") for file in files[::2])
        cache.put_all([])
        assert cache.get_all([*files, *other]) == {file: f"{file.size:040x}" for file in files[::2]}
        assert [cache.get(file) for file in files[:3]] == [f"{0:040x}", None, f"{2:040x}"]


def test_a_cached_checksum_is_not_used_for_other_content(root, tmp_path):
    path = write(root, "SC038/run_g0/a.bin", b"abc")
    (file,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    cache = ChecksumCache(tmp_path / "sha1.sqlite")
    cache.put(file, "a" * 40)
    path.write_bytes(b"abcd")
    (changed,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    assert cache.get(changed) is None
    cache.close()


def test_a_damaged_cache_only_costs_time(root, tmp_path):
    write(root, "SC038/run_g0/a.bin", b"abc")
    (file,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    damaged = tmp_path / "sha1.sqlite"
    damaged.write_bytes(b"not a database" * 100)
    with Hasher(ChecksumCache(damaged), threads=1) as hasher:
        assert hasher.finish(file) == "a9993e364706816aba3e25717850c26c9cd0d89d"
    with Hasher(ChecksumCache(Path("/dev/null/no/such/folder")), threads=1) as hasher:
        assert hasher.finish(file) == "a9993e364706816aba3e25717850c26c9cd0d89d"


@pytest.mark.parametrize("waits_for_a_disk", [False, True])
def test_many_small_files_are_read_whole_whoever_reads_them(root, monkeypatch, waits_for_a_disk):
    monkeypatch.setattr("pipeline.archive.checksums._BATCH_FILES", 100)
    monkeypatch.setattr("pipeline.archive.checksums._IN_MEMORY", 0.001 if waits_for_a_disk else 1e9)
    content = {f"{number:03d}.npy": b"%d" % number * number for number in range(350)}
    for name, each in content.items():
        write(root, f"SC038/run_g0/{name}", each)
    files = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    changed = {f"{number:03d}.npy" for number in (3, 77, 149, 349)}  # among the first of a batch, and behind them
    for name in changed:
        write(root, f"SC038/run_g0/{name}", b"other")
    with Hasher(ChecksumCache(None), threads=4) as hasher:
        hasher.start(*files)
        for file in files:
            name = file.subpath.rpartition("/")[2]
            if name in changed:
                with pytest.raises(IntegrityError, match="changed while it was read"):
                    hasher.finish(file)
            else:
                assert hasher.finish(file) == hashlib.sha1(content[name], usedforsecurity=False).hexdigest()


def test_a_file_that_changes_under_the_reader_is_refused(root):
    path = write(root, "SC038/run_g0/a.bin", b"abc")
    (file,) = scan_folder(root, "SC038/run_g0", LEAVE_OUT).files
    path.write_bytes(b"abcd")
    with pytest.raises(IntegrityError, match="changed while it was read"):
        sha1_of(file)
