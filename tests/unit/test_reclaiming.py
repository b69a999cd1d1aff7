"""The pure rules of reclaim: tombstones there and back, which places count, and what is too young."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.amounts import age
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.paths import is_safe
from pipeline.archive.reclaiming import rules
from pipeline.archive.reclaiming.counting import distinct, itself
from pipeline.archive.reclaiming.names import NAMES, OWN, TOMBSTONES
from pipeline.archive.reclaiming.sieve import Sieve
from pipeline.archive.reclaiming.tombstone import Gone, Tombstone, from_json, to_json
from pipeline.archive.session import LocalFile, Location, Root, SessionRef
from pipeline.archive.walk.leaving_out import left_out
from pipeline.errors import IntegrityError, UsageError

NOW = datetime(2026, 5, 1, 12)  # noqa: DTZ001  # naive UTC, as everything in the index
REF = SessionRef(7, 3, "SC038", date(2020, 5, 1))
HEX = "0123456789abcdef"

sha1s = st.text(HEX, min_size=40, max_size=40)
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
subpaths = st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12), min_size=1).map(
    "/".join
)
gone = st.builds(Gone, subpaths.filter(is_safe), st.integers(0, 2**50), st.integers(-(2**33), 2**33), sha1s)
stones = st.builds(
    Tombstone,
    subject_id=st.integers(0, 2**31 - 1),
    session=st.integers(0, 2**15 - 1),
    h2o=words,
    session_date=st.dates(),
    dataset_type=st.sampled_from(["ephys", "video"]),
    reclaimed_at=st.datetimes(min_value=datetime(1970, 1, 1)).map(lambda each: each.replace(microsecond=0)),  # noqa: DTZ001
    computer=words,
    who=words,
    places=st.just(
        ({"alias": "raw-ephys", "endpoint": "e", "path": "/p", "generation": 1, "manifest": "SC038/m.json"},)
    ),
    files=st.lists(gone, unique_by=lambda each: each.subpath, max_size=5).map(tuple),
    command=words,
)


@given(stones)
def test_a_tombstone_is_read_as_it_was_written(stone):
    assert from_json(to_json(stone), "it") == stone


@given(stones, st.data())
def test_what_is_damaged_is_refused_or_means_something_checked(stone, data):
    """Whatever one value is replaced by: an error of ours, or names that cannot lead anywhere."""
    document = json.loads(to_json(stone))
    name = data.draw(st.sampled_from([*document, "subpath", "sha1", "size"]))
    value = data.draw(st.sampled_from(["../../x", None, -1, 1e400, [], {}, "a" * 5000, "/etc", True, "\ud800"]))
    if name in document:
        document[name] = value
    elif document["files"]:
        document["files"][0][name] = value
    try:
        found = from_json(json.dumps(document).encode(), "it")
    except IntegrityError:
        return
    assert all(is_safe(file.subpath) and file.size >= 0 and len(file.sha1) == 40 for file in found.files)


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange_to_be_refused(text):
    with pytest.raises(IntegrityError):
        from_json(text, "it")


@given(stones, st.lists(gone, max_size=5))
def test_what_was_told_before_stays_told(stone, earlier):
    both = stone.with_earlier(earlier)
    assert {file.subpath for file in both.files} == {file.subpath for file in (*stone.files, *earlier)}
    assert set(stone.files) <= set(both.files)


@given(st.lists(st.text(max_size=5)))
def test_our_own_names_are_left_out_whatever_the_patterns(patterns):
    for name in OWN:
        assert left_out(f"SC038/SC038_050120_g0/{name}", patterns)
    assert set(NAMES.values()) == TOMBSTONES < OWN


# -- places -----------------------------------------------------------------------------------------------------------


def entry(**more):
    return FileEntry("SC038/x/a.bin", 3, 0, "t", "0" * 40, "meta", NOW, "how", **more)


def place(alias="raw-ephys", endpoint="one", path="/raw", *, archived=NOW - timedelta(days=40), files=None):
    manifest = Manifest(REF, "ephys", alias, 1, (entry(),) if files is None else files, archived)
    return rules.Place(Location(alias, endpoint, path, "ephys"), manifest, "SC038/m.json")


@given(st.lists(st.sampled_from(["/a", "/a/b", "/b", "/", "/~/a"]), max_size=6), st.sampled_from(["one", "two"]))
def test_places_that_may_be_one_never_count_twice(paths, endpoint):
    places = [Location(str(n), endpoint, path, "ephys") for n, path in enumerate(paths)]
    found = distinct(places)
    assert len(found) <= len(set(paths))
    assert bool(found) == bool(places)
    for one in found:
        for other in found:
            if one is not other:
                assert not one.path.startswith(other.path.rstrip("/") + "/")
                assert one.path.startswith("/~") == other.path.startswith("/~")


@given(st.lists(st.booleans(), max_size=5), st.integers(1, 5))
def test_a_session_passes_only_with_as_many_places_as_asked(good, asked):
    places = [place(str(n), f"e{n}") for n in range(len(good))]
    verdict = dict(zip((each.alias for each in places), good, strict=True))
    sieve = Sieve(places, asked, "ephys")
    missing = sieve.through(lambda each: None if verdict[each.alias] else rules.Missing("listed", "why", "do"))
    assert (missing is None) == (sum(good) >= asked)
    assert [each.alias for each in sieve.good] == [alias for alias, right in verdict.items() if right]
    if missing is not None:
        assert missing.proof in rules.PROOFS
        assert missing.remedy


def local(mtime, size=3, subpath="SC038/x/a.bin"):
    return LocalFile(Root("raw-ephys", "r", "/r", Path("/r")), subpath, size, mtime, mtime * 10**9, 0)


@given(
    archived=st.integers(0, 90),
    changed=st.integers(0, 90),
    fetched=st.none() | st.integers(0, 90),
    least=st.integers(0, 60),
)
def test_old_enough_is_the_youngest_of_all(archived, changed, fetched, least):
    def ago(days):
        return NOW - timedelta(days=days)

    seconds = int(ago(changed).replace(tzinfo=UTC).timestamp())
    missing = rules.old_enough(
        [place(archived=ago(archived))],
        [local(seconds)],
        None if fetched is None else ago(fetched),
        NOW,
        timedelta(days=least),
    )
    youngest = min(each for each in (archived, changed, fetched) if each is not None)
    assert (missing is None) == (youngest >= least)


@given(size=st.integers(0, 5), new=st.booleans(), sha1=st.sampled_from(["0" * 40, "1" * 40]), compared=st.booleans())
def test_only_the_very_bytes_that_were_compared_pass(size, new, sha1, compared):
    there = FileEntry("SC038/x/a.bin", 3, 0, "t", "0" * 40, "meta", NOW if compared else None, "how")
    file = local(0, size, "SC038/x/new.bin" if new else "SC038/x/a.bin")
    where = place(files=(there,))
    whole = rules.whole_folder([file], [], where, REF)
    same = rules.same_bytes([(file, sha1)], where, REF)
    assert (whole is None) == (size == 3 and not new)
    assert (same is None) == (size == 3 and not new and sha1 == "0" * 40 and compared)


def test_a_root_in_around_or_at_the_archive_is_found():
    archive = Location("raw-ephys", "one", "/data/raw", "ephys")
    for path, is_it in [("/data/raw", True), ("/data", True), ("/data/raw/x", True), ("/data/rawer", False)]:
        root = Root("raw-ephys", "one", path, Path("/r"))
        assert (itself([root], archive) is not None) == is_it
    assert itself([Root("raw-ephys", "two", "/data/raw", Path("/r"))], archive) is None


@pytest.mark.parametrize("nothing", ["0d", "0", "0 s", "0w", 0, timedelta(0)])
def test_no_age_at_all_may_be_asked_for(nothing):
    assert age(nothing) == timedelta(0)


@pytest.mark.parametrize("wrong", ["", "d", "-1d", "soon", "1 month", -1, "5", "30", "30 ", "0.5", "6m", "6 M", "0x"])
def test_what_is_no_age_is_refused(wrong):
    with pytest.raises(UsageError):
        age(wrong)
