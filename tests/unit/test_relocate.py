"""Relocations as data: names of folders, former names, and what of them can be true."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.aliases import alias, aliases_in, doubtful, former, local_names, with_new_names
from pipeline.archive.dates import mdy
from pipeline.archive.evidence import lasting
from pipeline.archive.journal import Part, Rename
from pipeline.archive.layouts import compile_layout
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.naming import parse_folder
from pipeline.archive.relocate import relocation
from pipeline.archive.relocate.folders import new_names
from pipeline.archive.session import LocalFile, Root, SessionRef
from pipeline.archive.walk.former_names import Former, whose
from pipeline.errors import NameRefused, Refused

DAY = date(2019, 11, 19)
WAS = SessionRef(1, 1, "SC038", DAY)


def to(h2o="SC038", day=DAY, ident=None, number=2):
    return SessionRef(2, number, h2o, day, ident=ident)


@pytest.mark.parametrize(
    ("folder", "now", "expected"),
    [
        ("SC038/catgt_SC038_111919_g0", to("SC048"), "SC048/catgt_SC048_111919_g0"),
        ("SC038/SC038_111919_g1", to("SC048"), "SC048/SC048_111919_g1"),
        ("SC038/supercat_SC038_111919_g0", to("SC048"), "SC048/supercat_SC048_111919_g0"),
        ("SC038/catgt_SC038_111919_g0", to(day=date(2021, 1, 1)), "SC038/catgt_SC038_010121_g0"),
        ("SC038/catgt_SC038_111919_g0", to(ident="1"), "SC038/catgt_SC038_111919_1_g0"),
        ("SC038/catgt_SC038_111919_1_g0", to(), "SC038/catgt_SC038_111919_g0"),
        ("SC038/catgt_SC038_111919_115124_g0", to("SC048"), "SC048/catgt_SC048_111919_115124_g0"),
        ("SC038/catgt_SC038_111919_115124_g0", to("SC048", ident="1"), "SC048/catgt_SC048_111919_115124_g0"),
        ("SC038/catgt_SC038_111919_115124_g0", to("SC048", ident="surface"), "SC048/catgt_SC048_111919_surface_g0"),
        ("SC038/catgt_SC038_111919_NP1.0_Midbrain_g0", to("SC1"), "SC1/catgt_SC1_111919_NP1.0_Midbrain_g0"),
        ("SC038/catgt_SC038_111919_g0", to(), "SC038/catgt_SC038_111919_g0"),
        ("SC038/catgt_SC038S10_C04P02_g0", to("SC048"), "SC048/catgt_SC038S10_C04P02_g0"),
        ("SC038/catgt_SC038_C04P02_g0", to("SC048"), "SC048/catgt_SC048_C04P02_g0"),
        ("SC038/catgt_20191119_g0", to("SC048"), "SC048/catgt_SC048_111919_g0"),
        ("SC038/2019-11-19/3", to("SC048", date(2019, 11, 20)), "SC048/2019-11-20/3"),
        ("SC038/20191119/1", to("SC048"), "SC048/20191119/1"),
        ("SC038/whatever it is", to("SC048"), "SC048/whatever it is"),
    ],
)
def test_names_of_folders(folder, now, expected):
    assert new_names([folder], WAS, now, "ephys") == {folder: expected}


def test_names_of_video_folders():
    folders = ["SC038/11192019", "SC038/2019-11-19_1"]
    assert new_names(folders[:1], WAS, to("SC048"), "video") == {folders[0]: "SC048/11192019"}
    assert new_names(folders[1:], WAS, to("SC048", ident="1"), "video") == {folders[1]: "SC048/11192019_1"}


def test_names_by_a_layout_of_the_lab():
    layout = compile_layout("{h2o}/{date:%Y-%m-%d}/{ident}")
    old = "SC038/2019-11-19/a"
    assert new_names([old], WAS, to("SC048"), "ephys", [layout]) == {old: "SC048/2019-11-19/a"}


def test_two_folders_keep_apart():
    folders = ["SC038/catgt_SC038_111919_1_g0", "SC038/catgt_SC038_111919_g0"]
    assert set(new_names(folders, WAS, to("SC048"), "ephys").values()) == {
        "SC048/catgt_SC048_111919_g0",
        "SC048/catgt_SC048_111919_1_g0",
    }
    with pytest.raises(Refused):
        new_names(["SC038/20191119_g0", "SC038/SC038_111919_g0"], WAS, to("SC048"), "ephys")


def test_an_animal_that_no_folder_can_be_named_for():
    with pytest.raises(NameRefused):
        new_names(["SC038/catgt_SC038_111919_g0"], WAS, to("SC/048"), "ephys")


_H2O = st.from_regex(r"[A-Z]{2,3}[0-9]{1,4}", fullmatch=True)
_DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
_IDENTS = st.none() | st.from_regex(r"[0-9]{1,2}|[0-9]{6}|[a-z]{3,8}", fullmatch=True)


@given(_H2O, _H2O, _DAYS, _DAYS, _IDENTS, _IDENTS, st.integers(0, 30), st.sampled_from(["", "catgt_"]))
def test_a_new_name_says_what_the_session_is(was, now, day, other_day, own, ident, gate, prefix):
    tail = f"_{own}" if own else ""
    folder = f"{was}/{prefix}{was}_{mdy(day)}{tail}_g{gate}"
    then, later = SessionRef(1, 1, was, day, ident=own), SessionRef(2, 2, now, other_day, ident=ident)
    (name,) = new_names([folder], then, later, "ephys").values()
    said = parse_folder(name, "ephys")
    assert said is not None
    assert (said.h2o, said.gate) == (now, gate)
    assert other_day in said.dates
    assert new_names([name], later, later, "ephys") == {name: name}


def manifest(*names, session=WAS, generation=1, evidence=None):
    files = tuple(FileEntry(name, 3, 0, "unknown", "0" * 40, "computed") for name in names)
    return Manifest(session, "ephys", "raw-ephys", generation, files, evidence=evidence or {})


def test_a_relocation_keeps_what_is_known_of_files():
    before = manifest("SC038/a/x", "SC038/a/y")
    planned = relocation(before, [Rename("SC038/a", "SC048/b", folder=True)], session=to("SC048"))
    assert [entry.subpath for entry in planned.after.files] == ["SC048/b/x", "SC048/b/y"]
    assert planned.after.generation == 2
    assert {entry.generation for entry in planned.after.files} == {1}
    assert {entry.sha1 for entry in planned.after.files} == {"0" * 40}
    assert planned.after.evidence["folders"] == ["SC048/b"]
    part = Part(planned.after, before=planned.before, renames=planned.renames)
    assert Part.unpack(part.pack()) == part


@pytest.mark.parametrize(
    "renames",
    [
        [Rename("SC038/a/x", "SC038/a/y")],
        [Rename("SC038/a/x", "SC038/a/z"), Rename("SC038/a/y", "SC038/a/z")],
        [Rename("SC038/a/x", "SC038/a/y"), Rename("SC038/a/y", "SC038/a/x")],
    ],
    ids=["onto another", "two to one", "traded"],
)
def test_renamings_that_cannot_be(renames):
    with pytest.raises(Refused):
        relocation(manifest("SC038/a/x", "SC038/a/y"), renames)


def record(folders, was=WAS):
    return alias(was, folders, at=datetime(2020, 1, 1), by={"account": "kim"}, computer="rig1", because="why")  # noqa: DTZ001 - naive UTC


_FOLDERS = st.sampled_from([f"SC038/{name}" for name in "abcde"])


@given(st.lists(st.tuples(_FOLDERS, _FOLDERS), max_size=6))
def test_former_names_lead_to_the_present_one(moves):
    """However often a folder is renamed, each name that it had leads to the one that it has."""
    present, seen, records = "SC038/a", ["SC038/a"], []
    for _, new in moves:
        if new != present:
            records.append(record({present: new}))
            present = new
            seen.append(new)
    names = local_names({"aliases": records})
    assert all(names.get(name, name) == present for name in seen)
    for _, new_name in former({"aliases": records[:1]}):
        assert new_name("SC038/a/x") == (f"{seen[1]}/x" if len(seen) > 1 else "SC038/a/x")


def test_records_of_files_are_named_anew():
    evidence = {
        "task": "t",
        "accepted": [{"rule": "empty", "file": "SC038/a/x"}],
        "superseded": [{"file": "SC038/a/y", "as": "SC038/a/y.superseded-01234567"}],
    }
    named = with_new_names(evidence, {"SC038/a": "SC048/b"})
    assert named["accepted"] == [{"rule": "empty", "file": "SC048/b/x"}]
    assert named["superseded"] == [{"file": "SC048/b/y", "as": "SC048/b/y.superseded-01234567"}]
    assert named["task"] == "t"
    assert lasting({**named, "aliases": [record({})]}).keys() == {"accepted", "aliases", "superseded"}


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        {"a": 1},
        [1],
        [None],
        [{}],
        [{**record({}), "subject_id": "1"}],
        [{**record({}), "subject_id": True}],
        [{**record({}), "session": 0}],
        [{**record({}), "session": 2**40}],
        [{**record({}), "h2o": "../up"}],
        [{**record({}), "h2o": "x" * 17}],
        [{**record({}), "h2o": ""}],
        [{**record({}), "date": "yesterday"}],
        [{**record({}), "date": 5}],
        [{**record({}), "folders": ["SC038/a"]}],
        [{**record({}), "folders": {"SC038/a": 1}}],
        [{**record({}), "folders": {"SC038/a": "/etc"}}],
        [{**record({}), "folders": {"../a": "SC038/a"}}],
        [{**record({}), "folders": {"SC038/a": "SC038/../b"}}],
        [{**record({}), "folders": {f"SC038/{n}": "SC038/b" for n in range(1001)}}],
        [record({})] * 1001,
    ],
)
def test_former_names_that_cannot_be_true(wrong):
    assert doubtful({"aliases": wrong})
    assert len(aliases_in({"aliases": wrong})) in (0, 1000)


def test_former_names_that_can_be_true():
    told = [record({"SC038/a": "SC048/b"})]
    assert doubtful({"aliases": told}) == ""
    assert aliases_in({"aliases": told}) == told
    assert doubtful({}) == ""


ROOT = Root("raw-ephys", "e", "/", Path(os.sep))
HERE, THERE, OWN = (1, 1), (2, 1), (3, 1)


def local(*names, mtime=0, size=3):
    return [LocalFile(ROOT, f"SC038/a/{name}", size, mtime, mtime * 10**9) for name in names]


ONE = Former(THERE, "SC048/b", HERE)
INDEXED = {THERE: manifest("SC048/b/x", "SC048/b/y", session=SessionRef(2, 1, "SC048", DAY))}


@pytest.mark.parametrize(
    ("files", "owner", "known", "expected"),
    [
        (local("x", "y"), None, {HERE}, ONE),
        (local("x", "later"), None, {HERE}, ONE),
        (local("later"), None, set(), ONE),
        (local("later"), None, {HERE}, None),
        (local("x", size=9), None, set(), None),
        (local("x", "y"), OWN, {HERE}, ONE),
        (local("later"), OWN, set(), None),
    ],
    ids=["all", "some", "later ones", "whose?", "other bytes", "against an owner", "an owner's"],
)
def test_whose_a_folder_of_a_former_name_is(files, owner, known, expected):
    indexed = {**INDEXED, OWN: manifest("SC038/a/z")}
    assert whose([ONE], "SC038/a", files, indexed, owner, known) == expected


def test_the_day_of_a_record_is_utc():
    assert record({})["at"] == "2020-01-01T00:00:00Z"
    assert datetime.fromisoformat(record({})["at"]).tzinfo == UTC
