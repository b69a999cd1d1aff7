"""What one archive lacks that another has, and which archive a wanted file is asked of: pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.copying.fetch import bring, choose
from pipeline.archive.copying.lacking import as_archived, differing_files, lacking
from pipeline.archive.fetch import Item, Site
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.session import LocalFile, Location, Root, SessionRef
from pipeline.errors import CollectionOffline, LoginNeeded

REF = SessionRef(1, 1, "SC038", date(2020, 5, 1))
ROOT = Root("a", "e", "/", Path("/data"))
SITE = Site(Path("/data"))
NAMES = st.sampled_from(["a.bin", "b.bin", "c.meta", "a.bin.superseded-0123abcd", "a.bin.superseded-89abcdef"])
ENTRIES = st.dictionaries(NAMES, st.tuples(st.integers(0, 2), st.sampled_from(["1" * 40, "2" * 40, None])))
PLACES = {alias: Location(alias, f"uuid-{alias}", "/", "ephys") for alias in ("a", "b", "c")}


def manifest(files):
    entries = tuple(FileEntry(name, size, 7, "x", sha1, sha1 and "computed") for name, (size, sha1) in files.items())
    return Manifest(REF, "ephys", "a", 1, entries)


@given(ENTRIES, ENTRIES)
def test_what_was_copied_lacks_nothing_any_more(theirs, ours):
    original, known = manifest(theirs), manifest(ours)
    missing = lacking(original, known)
    after = replace(known, files=(*known.files, *missing))
    assert lacking(original, after) == ()
    assert not {entry.subpath for entry in missing} & {entry.subpath for entry in known.files}
    assert set(missing) <= set(original.files)
    assert {entry.subpath for entry in lacking(original, None)} == set(theirs)


@given(ENTRIES, ENTRIES)
def test_what_differs_is_in_both_and_never_called_lacking(theirs, ours):
    original, known = manifest(theirs), manifest(ours)
    differing = set(differing_files(original, known))
    assert differing <= set(theirs) & set(ours)
    assert not differing & {entry.subpath for entry in lacking(original, known)}
    assert differing_files(original, original) == ()
    for name in set(theirs) & set(ours):
        (size, sha1), (other_size, other) = theirs[name], ours[name]
        assert (name in differing) == (size != other_size or (other is not None and other != sha1))


def test_superseded_bytes_may_have_another_name_at_the_other_archive():
    one = manifest({"a.bin": (1, "1" * 40), "a.bin.superseded-0123abcd": (1, "2" * 40)})
    other = manifest({"a.bin": (1, "1" * 40), "a.bin.superseded-89abcdef": (1, "2" * 40)})
    assert lacking(one, other) == lacking(other, one) == ()


@given(ENTRIES, st.data())
def test_only_a_whole_and_unchanged_folder_is_sent_from_this_computer(theirs, data):
    original = manifest(theirs)
    files = [LocalFile(ROOT, entry.subpath, entry.size, 7, 7 * 10**9) for entry in original.files]
    assert as_archived(files, original)
    needed = [file for file in files if ".superseded-" not in file.subpath]
    if needed:
        changed = data.draw(st.sampled_from(needed))
        rest = [file for file in files if file is not changed]
        assert not as_archived(rest, original)
        assert not as_archived([*rest, changed._replace(size=changed.size + 1)], original)


def item(alias, name="a.bin", size=3, sha1="1" * 40):
    return Item(PLACES[alias], REF, name, size, 7, sha1, SITE)


def rank(alias):
    return "abc".index(alias)


def nobody_away(_):
    return {}


@given(st.lists(st.tuples(st.sampled_from("abc"), NAMES), unique=True))
def test_each_file_is_chosen_once_and_nothing_is_forgotten(wanted):
    items = [item(alias, name) for alias, name in wanted]
    choice = choose(items, rank)
    assert sorted(each.subpath for each in choice.items) == sorted({name for _, name in wanted})
    assert len(items) == len(choice.items) + sum(map(len, choice.rest.values()))
    for each in choice.items:
        assert all(rank(each.location.alias) < rank(other.location.alias) for other in choice.rest[id(each)])


def test_a_proved_file_is_asked_before_one_that_was_only_listed():
    choice = choose([item("a", sha1=None), item("b")], rank)
    assert [each.location.alias for each in choice.items] == ["b"]
    assert [(each.location.alias, each.sha1) for each in choice.rest[id(choice.items[0])]] == [("a", "1" * 40)]


def test_other_bytes_are_another_file():
    choice = choose([item("a"), item("b", sha1="2" * 40), item("c", size=4)], rank)
    assert [each.location.alias for each in choice.items] == ["a", "b", "c"]


@given(st.sets(st.sampled_from("abc")))
def test_the_first_that_can_gives_it(broken):
    choice = choose([item("c"), item("a"), item("b")], rank)

    def attempt(some):
        for each in some:
            each.judge("missing" if each.location.alias in broken else "fetched", "lost")
        return [], None

    further, stopped, notes = bring(choice, attempt, nobody_away)
    (last,) = choice.items
    able = [alias for alias in "abc" if alias not in broken]
    assert (further, stopped) == ([], None)
    assert last.location.alias == (able[0] if able else "c")
    assert last.verdict == ("fetched" if able else "missing")
    assert len(notes) == rank(last.location.alias)


def test_an_archive_that_does_not_answer_is_passed_over_for_all_its_files():
    choice = choose([item("a"), item("b"), item("a", "b.bin"), item("c", "c.meta")], rank)
    offline = CollectionOffline("a is away", remedy="wait")
    asked = []

    def attempt(some):
        asked.append([each.location.alias for each in some])
        if "a" in asked[-1]:
            raise offline
        for each in some:
            each.judge("fetched")
        return [], None

    _, stopped, notes = bring(choice, attempt, lambda places: {p: offline for p in places if p.alias == "a"})
    assert [(each.location.alias, each.verdict) for each in choice.items] == [
        ("b", "fetched"),
        ("a", "failed"),
        ("c", "fetched"),
    ]
    assert asked == [["a", "a", "c"], ["b", "c"]]
    assert len(notes) == 1
    assert stopped is None


def test_without_another_archive_the_error_is_the_end():
    choice = choose([item("a")], rank)
    offline = CollectionOffline("a is away", remedy="wait")

    def attempt(_):
        raise offline

    with pytest.raises(CollectionOffline):
        bring(choice, attempt, lambda places: dict.fromkeys(places, offline))


def test_a_login_that_ended_is_not_asked_of_another_archive():
    choice = choose([item("a"), item("b")], rank)

    def attempt(_):
        raise LoginNeeded("ended", remedy="log in")

    with pytest.raises(LoginNeeded):
        bring(choice, attempt, nobody_away)
