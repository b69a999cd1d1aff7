"""The plan of a session: the rules of ``diff``, one by one and as properties."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.manifest import FileEntry
from pipeline.archive.plan import diff
from pipeline.archive.session import LocalFile, Root

ROOT = Root("raw-ephys", "0" * 8, "/", Path("/rig"))
SHA1 = "a" * 40
OTHER = "b" * 40


def local(subpath="SC038/run/a.bin", size=10, mtime=1000):
    return LocalFile(ROOT, subpath, size, mtime, mtime * 10**9)


def entry(subpath="SC038/run/a.bin", size=10, mtime=1000, sha1=SHA1):
    return FileEntry(subpath, size, mtime, "unknown", sha1, "computed" if sha1 else None)


def action(file, **options):
    options.setdefault("indexed", {})
    (item,) = diff([file], **options).items
    return item.action


def test_a_new_file_is_sent():
    assert action(local()) == "send"
    assert action(local(), remote={}) == "send"


def test_an_archived_file_is_skipped():
    assert action(local(), indexed={"SC038/run/a.bin": entry()}) == "skip"


def test_another_size_than_the_index_is_a_conflict():
    assert action(local(size=11), indexed={"SC038/run/a.bin": entry()}) == "conflict"


def test_a_time_alone_is_never_drift():
    indexed = {"SC038/run/a.bin": entry()}
    moved = local(mtime=2000)
    assert action(moved, indexed=indexed) == "hash"
    assert action(moved, indexed=indexed, checksums={moved.subpath: SHA1}) == "skip"
    assert action(moved, indexed=indexed, checksums={moved.subpath: OTHER}) == "conflict"


def test_without_a_checksum_in_the_index_name_and_size_are_all_there_is_to_compare():
    known = {"SC038/run/a.bin": entry(sha1=None)}
    assert [action(local(mtime=time), indexed=known) for time in (1000, 2000)] == ["skip", "skip"]
    assert action(local(size=11), indexed=known) == "conflict"


def test_what_was_only_listed_is_compared_when_that_is_asked_for():
    known = {"SC038/run/a.bin": entry(sha1=None)}
    for remote, expected in ((None, "adopt"), ({"SC038/run/a.bin": 10}, "adopt")):
        assert action(local(), indexed=known, remote=remote, prove=True) == expected
    for remote in ({}, {"SC038/run/a.bin": 9}, {"SC038/run/a.bin": -1}):
        assert action(local(), indexed=known, remote=remote, prove=True) == "conflict"
    assert action(local(size=11), indexed=known, prove=True) == "conflict"
    assert action(local(), indexed={"SC038/run/a.bin": entry()}, prove=True) == "skip"


def test_a_name_that_the_archive_holds_is_never_overwritten():
    assert action(local(), remote={"SC038/run/a.bin": 10}) == "adopt"
    assert action(local(), remote={"SC038/run/a.bin": 9}) == "conflict"
    assert action(local(), remote={"SC038/run/a.bin": -1}) == "conflict"


def test_what_our_own_transfer_left_is_sent_again():
    assert action(local(), remote={"SC038/run/a.bin": 9}, ours={"SC038/run/a.bin"}) == "send"


names = st.sampled_from([f"SC038/run/{name}" for name in ("a.bin", "A.bin", "a.bin ", "é", "é")])
files = st.builds(local, names, st.integers(0, 3), st.integers(1, 3))
entries = st.dictionaries(
    names, st.builds(entry, st.just("x"), st.integers(0, 3), st.integers(1, 3), st.sampled_from([SHA1, None]))
)


@given(
    st.lists(files, unique_by=lambda file: file.subpath),
    entries,
    st.dictionaries(names, st.integers(0, 3)),
    st.sets(names),
    st.booleans(),
)
def test_every_file_has_one_action_and_nothing_foreign_is_overwritten(found, indexed, remote, ours, prove):
    plan = diff(found, indexed, remote, ours=ours, prove=prove)
    assert [item.subpath for item in plan.items] == sorted(file.subpath for file in found)
    for item in plan.items:
        if item.action == "send":
            assert item.subpath not in indexed
            assert item.subpath not in remote or item.subpath in ours
        if item.action == "skip":
            assert indexed[item.subpath].size == item.size
        if item.action == "adopt":
            assert remote[item.subpath] == item.size
            assert item.subpath not in indexed or (prove and indexed[item.subpath].sha1 is None)
            assert item.subpath in indexed or item.subpath not in ours
    assert plan.nothing_to_do == all(item.action == "skip" for item in plan.items)
