"""What was archived under another name is told by size, time and SHA1, never by names."""

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.manifest import FileEntry
from pipeline.archive.plan import diff
from pipeline.archive.renamed import WORTH, as_defects, in_short, suspects, with_renames
from pipeline.archive.session import LocalFile, Root

ROOT = Root("raw-ephys", "11111111-1111-4111-8111-111111111111", "/data", Path("/data"))


def sha1(content):
    return hashlib.sha1(str(content).encode()).hexdigest()


def here(subpath, size=10, mtime=1):
    return LocalFile(ROOT, subpath, size, mtime, mtime * 10**9, 0)


def entry(subpath, content=0, size=10, mtime=1, known=True):
    return FileEntry(subpath, size, mtime, "unknown", sha1(content) if known else None)


def planned(local, archived, checksums):
    indexed = {each.subpath: each for each in archived}
    return with_renames(diff(local, indexed, checksums=checksums), suspects(local, indexed), checksums)


def test_a_folder_that_was_renamed():
    archived = [entry("A/old_g0/p/x.bin", 1), entry("A/old_g0/p/x.meta", 2)]
    local = [here("A/new_g0/p/x.bin"), here("A/new_g0/p/x.meta")]
    unread = planned(local, archived, {})
    assert [item.action for item in unread.items] == ["hash", "hash"]
    plan = planned(local, archived, {"A/new_g0/p/x.bin": sha1(1), "A/new_g0/p/x.meta": sha1(2)})
    assert [(item.action, item.was) for item in plan.items] == [
        ("renamed", "A/old_g0/p/x.bin"),
        ("renamed", "A/old_g0/p/x.meta"),
    ]
    assert not plan.nothing_to_do
    assert in_short(plan.items[0]) == "A/old_g0 is A/new_g0 here"
    first, _ = as_defects(plan)
    assert first.rule == "renamed"
    assert first.message == "renamed since it was archived: it is A/old_g0/p/x.bin at the archive"
    assert first.remedy.startswith("rename A/new_g0 back to A/old_g0;")


def test_what_is_no_renaming():
    archived = [entry("A/g0/x", 1)]
    new = {"A/g0/y": sha1(1)}
    assert planned([here("A/g0/y"), here("A/g0/x")], archived, new).items[1].action == "send"  # a copy
    assert planned([here("A/g0/y")], archived, {"A/g0/y": sha1(2)}).items[0].action == "send"  # other bytes
    assert planned([here("A/g0/y", mtime=2)], archived, new).items[0].action == "send"  # small, and made anew
    assert planned([here("A/g0/y", size=0)], [entry("A/g0/x", 1, size=0)], new).items[0].action == "send"
    assert planned([here("A/g0/y")], [entry("A/g0/x", known=False)], new).items[0].action == "send"
    large = [entry("A/g0/x", 1, size=WORTH)]
    assert planned([here("A/g0/y", size=WORTH, mtime=2)], large, new).items[0].action == "renamed"


def test_of_several_that_it_may_be_it_is_the_one_of_its_own_name():
    archived = [entry("A/g0/a/x", 1), entry("A/g0/b/y", 1), entry("A/g0/c/z", 1)]
    (item,) = planned([here("A/g0/d/y")], archived, {"A/g0/d/y": sha1(1)}).items
    assert item.was == "A/g0/b/y"


names = st.sampled_from([f"A/g{n}/{letter}" for n in range(3) for letter in "xyz"])
files = st.dictionaries(names, st.tuples(st.integers(0, 2), st.sampled_from([0, 10, WORTH]), st.integers(0, 1)))


@given(files, files)
def test_nothing_is_sent_twice_and_nothing_new_is_left_out(archived, now):
    entries = [entry(name, *facts) for name, facts in archived.items()]
    local = [here(name, size, mtime) for name, (_, size, mtime) in now.items()]
    plan = planned(local, entries, {name: sha1(content) for name, (content, _, _) in now.items()})
    assert [item.subpath for item in plan.items] == sorted(now)
    for item in plan.items:
        content, size, mtime = now[item.subpath]
        gone = [name for name, facts in archived.items() if name not in now and facts[:2] == (content, size) and size]
        alike = [name for name in gone if size >= WORTH or archived[name][2] == mtime]
        if item.subpath in archived:
            assert item.action in ("skip", "conflict")
        elif alike:
            assert item.action == "renamed"
            assert item.was in alike
        else:
            assert item.action == "send"
