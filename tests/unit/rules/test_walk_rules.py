"""What a walk asks of a million names it asks once compiled: the answers are those of the rules as they are written."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.archive import plan
from pipeline.archive.find import _owners
from pipeline.archive.manifest import FileEntry
from pipeline.archive.paths import MAX_SUBPATH, is_ordinary, is_safe, plain_folder
from pipeline.archive.plan import diff
from pipeline.archive.session import LocalFile, Root
from pipeline.archive.walk.leaving_out import leaving_out, left_out

from .strategies import SUBPATH, manifests

PATTERN = st.text("ab.*?[]!-/\n", max_size=6)
COMPONENT = st.text("ab.*[]-\n", min_size=1, max_size=5)


@given(st.lists(COMPONENT, min_size=1, max_size=3), st.lists(PATTERN, max_size=4))
@example(["temp_wh.dat"], ["temp_wh.dat/"])
@example(["a\n"], ["a"])
@example(["A"], ["a"])
@example(["[a"], ["[a"])
@example(["]"], ["[!]a-]", "[b-a]"])
def test_what_is_left_out_is_what_any_pattern_matches(parts, patterns):
    expected = [any(fnmatchcase(part, each.rstrip("/")) for each in patterns if each) for part in parts]
    assert [bool(leaving_out(patterns)(part)) for part in parts] == expected
    assert left_out("/".join(parts), patterns) is any(expected)


NAME = st.text(max_size=8).filter(lambda name: "/" not in name)


@given(SUBPATH | st.text(max_size=8), NAME | st.from_regex(r"[\w. -]{1,8}", fullmatch=True))
@example("a" * (MAX_SUBPATH - 256), "b" * 255)
@example("a" * (MAX_SUBPATH - 255), "b" * 255)
@example("a" * (MAX_SUBPATH - 256), "b" * 256)
@example("a", "..")
@example("a", "b\n")
@example("a/..", "b")
@example("C:", "b")
@example("", "b")
@example("a\ud800", "b")
def test_an_ordinary_name_is_one_that_is_accepted(folder, name):
    if plain_folder(folder) and is_ordinary(name):
        assert is_safe(f"{folder}/{name}")


@given(st.from_regex(r"[a-z0-9_]+(_[A-Za-z0-9]+)*(\.[a-z0-9]+)+", fullmatch=True).filter(lambda name: len(name) < 99))
def test_the_names_that_programs_write_are_ordinary(name):
    assert plain_folder("SC038/SC038_111919_g0")
    assert is_ordinary(name)


ROOT = Root("raw-ephys", "e", "/", Path(os.sep))
SHA1 = st.sampled_from([None, "0" * 40, "1" * 40])
ENTRY = st.builds(
    lambda size, mtime, sha1, source, sized: FileEntry("a/b", size, mtime, "unknown", sha1, source, sized=sized),
    *(st.integers(0, 1), st.integers(0, 1), SHA1, st.sampled_from([None, "meta", "computed", "archive"])),
    st.booleans(),
)
REMOTE = st.none() | st.dictionaries(st.just("a/b"), st.integers(-1, 2))


@given(st.integers(0, 1), st.integers(0, 1), ENTRY, REMOTE, SHA1, st.booleans())
def test_what_is_plainly_archived_is_what_the_rules_call_so(size, mtime, entry, remote, sha1, prove):
    file = LocalFile(ROOT, "a/b", size, mtime, mtime * 10**9)
    (item,) = diff([file], {"a/b": entry}, remote, checksums={"a/b": sha1}, prove=prove).items
    assert item == plan._indexed(file, entry, sha1, remote, prove=prove)


@given(st.lists(manifests(), max_size=3), st.data())
def test_a_folder_is_owned_by_the_last_session_with_a_file_anywhere_below_it(several, data):
    indexed = {(1, number): manifest for number, manifest in enumerate(several)}
    above = {"/".join(e.subpath.split("/")[:n]) for m in several for e in m.files for n in range(1, 9)}
    folders = data.draw(st.sets(st.sampled_from(sorted(above)))) if above else set()
    expected = {
        folder: key
        for key, manifest in indexed.items()
        for folder in folders
        if any(entry.subpath.startswith(f"{folder}/") for entry in manifest.files)
    }
    assert _owners(indexed, folders) == expected
