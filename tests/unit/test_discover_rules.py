"""The pure rules of discover: names of manifests, what can be true, which folders need their start."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.credible import doubt, folders, rivals
from pipeline.archive.filetypes import RULES
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.manifest_names import manifest_subpath, read_manifest_name
from pipeline.archive.matching import SessionFacts, match
from pipeline.archive.naming import parse_folder
from pipeline.archive.remote_find import ArchiveFolder
from pipeline.archive.session import Location, SessionRef
from pipeline.archive.spool import Spool
from pipeline.archive.undescribed import MOST_METAS, Contents, in_need, metas, started, to_match
from pipeline.errors import NameRefused

HERE = Location("raw-ephys", "0" * 8, "/archive", "ephys")
DAY = date(2020, 5, 1)
ANY_NAME = st.text(max_size=40)
SESSION = st.builds(
    SessionRef,
    subject_id=st.integers(1, 10**6),
    session=st.integers(1, 999),
    h2o=st.text(st.characters(exclude_characters="/\\\0:", exclude_categories=("Cs",)), min_size=1, max_size=16).filter(
        lambda h2o: h2o not in (".", "..")
    ),
    session_date=st.dates(date(2000, 1, 1), date(2079, 12, 31)),
)


@given(SESSION, st.sampled_from(["ephys", "video"]), st.integers(1, 12345))
def test_the_name_of_a_manifest_is_read_as_it_is_written(session, kind, generation):
    name = manifest_subpath(session, kind, generation).split("/")[1]
    said = read_manifest_name(name, session.h2o)
    assert said is not None
    assert (said.h2o, said.session, said.session_date) == (session.h2o, session.session, session.session_date)
    assert (said.dataset_type, said.generation) == (kind, generation)
    assert read_manifest_name(name + ".unfinished-0123abcd", session.h2o) is None
    assert read_manifest_name(name, session.h2o + "x") is None


@given(ANY_NAME, ANY_NAME)
def test_no_other_name_is_a_manifests(name, h2o):
    said = read_manifest_name(name, h2o)
    if said is not None:
        session = SessionRef(1, said.session, h2o, said.session_date)
        try:
            assert manifest_subpath(session, said.dataset_type, said.generation).split("/", 1)[1] == name
        except NameRefused:
            assert not h2o or "/" in h2o or "\\" in h2o or h2o in (".", "..") or ":" in h2o or "\0" in h2o


@pytest.mark.parametrize(
    "name",
    [
        "SC038_20200532_s1_ephys.manifest-0001.json",
        "SC038_20200501_s01_ephys.manifest-0001.json",
        "SC038_20200501_s1_ephys.manifest-0000.json",
        "SC038_20200501_s1_ephys.manifest-00001.json",
        "SC038_20200501_s1_sleep.manifest-0001.json",
        "SC038_20200501_s1_ephys.manifest-0001.json.part",
        "SC038_\uff120200501_s1_ephys.manifest-0001.json",
    ],
)
def test_names_that_only_look_like_a_manifests(name):
    assert read_manifest_name(name, "SC038") is None


def manifest(**changes):
    session = SessionRef(7, 1, "SC038", DAY, "10:00:00", "America/New_York")
    entry = FileEntry("SC038/catgt_SC038_050120_g0/a.bin", 5, 9, "unknown", "0" * 40, "computed")
    at = datetime.fromisoformat("2020-06-01T00:00:00")
    return replace(Manifest(session, "ephys", "raw-ephys", 1, (entry,), at), **changes)


def test_what_publish_writes_is_believed():
    assert doubt(manifest(), HERE, manifest().subpath) == ""
    for rule in RULES:
        entry = replace(manifest().files[0], file_type=rule.name)
        assert doubt(manifest(files=(entry,)), HERE, manifest().subpath) == ""


@given(st.text(max_size=30), st.integers(-3, 3), st.text(max_size=10), st.text(max_size=10))
def test_what_is_believed_is_of_its_own_animal_and_generation(subpath, generation, kind, how):
    entry = FileEntry(subpath, 1, 1, kind, verified_how=how, generation=generation)
    told = manifest(files=(*manifest().files, entry))
    if not doubt(told, HERE, told.subpath):
        assert subpath.startswith("SC038/")
        assert subpath.count("/") >= 2
        assert generation <= told.generation
        assert "\0" not in how


SETS = st.lists(st.sets(st.sampled_from([f"A/{folder}/{file}" for folder in "xyz" for file in "12"])), max_size=6)


@given(SETS)
def test_just_the_manifests_that_share_a_file_are_rivals(sets):
    named = {f"m{number}": files for number, files in enumerate(sets)}
    claims = {name: folders(FileEntry(file, 1, 1, "unknown") for file in files) for name, files in named.items()}
    found = rivals(claims, lambda name: sorted(named[name]))
    expected = {a for a in named for b in named if a != b and named[a] & named[b]}
    assert set(found) == expected
    for name, (other, both) in found.items():
        assert both in named[name]
        assert both in named[other]


def sessions(draw):
    facts = []
    for day in range(3):
        times = draw(st.lists(st.sampled_from([None, "09:00:00", "12:00:00", "17:30:00"]), max_size=2))
        for index, clock in enumerate(times):
            by_hand = draw(st.sampled_from([None, None, "", "surface"]))
            facts.append(SessionFacts((7, len(facts) + 1), "SC038", DAY + timedelta(days=day), clock, by_hand, index))
    return facts


@st.composite
def lab_and_folders(draw):
    """Draw sessions and folders whose recordings began on the day that their names say."""
    found, starts = {}, {}
    for _ in range(draw(st.integers(0, 5))):
        day = DAY + timedelta(days=draw(st.integers(0, 2)))
        ident = draw(st.sampled_from(["", "_1", "_surface", "_115124"]))
        prefix = draw(st.sampled_from(["", "catgt_"]))
        subpath = f"SC038/{prefix}SC038_{day:%m%d%y}{ident}_g0"
        found[subpath] = ArchiveFolder(parse_folder(subpath, "ephys"), subpath)
        clock = draw(st.sampled_from([None, time(9, 2), time(12, 0), time(17, 35), time(22, 0)]))
        if clock is not None:
            starts[subpath] = datetime.combine(day, clock)
    return sessions(draw), list(found.values()), starts


@given(lab_and_folders())
def test_starts_that_are_not_read_would_have_changed_nothing(drawn):
    facts, found, starts = drawn
    needed = {folder.subpath for folder in in_need(found, facts)}
    some = {subpath: start for subpath, start in starts.items() if subpath in needed}

    def owners(known):
        matching = match(to_match(found, known), facts)
        return {folder.subpath: key for key, theirs in matching.owned.items() for folder in theirs}

    whole = owners(starts)
    for subpath, key in owners(some).items():
        assert whole.get(subpath) == key


def test_metas_are_few_small_and_may_be_anything():
    entries = [FileEntry(f"A/b/x_t{number}.meta", 100, 1, "unknown") for number in range(100)]
    entries += [FileEntry("A/b/huge.meta", 10**9, 1, "unknown"), FileEntry("A/b/a.bin", 5, 1, "unknown")]
    assert len(metas(Contents(entries))) == MOST_METAS
    assert started(b"\xff\xfe\0", "a.meta") is None
    assert started(b"", "a.meta") is None


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_a_spool_gives_back_what_it_got(blobs):
    with Spool() as spool:
        places = [spool.put(blob) for blob in blobs]
        assert [spool.get(place) for place in reversed(places)] == list(reversed(blobs))
