"""The doctor's rules: checks that go wrong hide no other, none takes too long; paths and times as they are."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.doctor.candidates import candidates
from pipeline.doctor.checks import CHECKS
from pipeline.doctor.clock import ODD, compare
from pipeline.doctor.examine import examine
from pipeline.doctor.findings import SECTIONS, Check, Subject, document, failure, ok, warning
from pipeline.doctor.world import World
from pipeline.errors import ConfigError, GlobusError, LoginNeeded
from pipeline.work import SystemClock

NAMES = st.text("abcXYZ09 _-.", min_size=1, max_size=6).filter(lambda name: name.strip(". ") == name)


def world(**options):
    return World({}, SystemClock(), **options)


def fine(_world, _subject):
    yield ok("fine")


def fails(_world, _subject):
    raise ConfigError("it is wrong.", remedy="mend it.")


def breaks(_world, _subject):
    yield ok("this far")
    raise RuntimeError("a defect")


def levels(report):
    return {(line.check, line.about): line.finding.level for line in report.lines}


# -- the table -----------------------------------------------------------------------------------------------------


def test_the_table_is_sound():
    """Every check has a name of its own, stands in a section, and needs only what comes to an end before it."""
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert {check.section for check in CHECKS} == set(SECTIONS)
    before = {check.name: {*check.needs, *check.after} for check in CHECKS}
    assert set().union(*before.values()) <= set(names)
    ended: set[str] = set()
    while before:
        able = [name for name, needed in before.items() if needed <= ended]
        assert able, f"these wait for each other: {sorted(before)}"
        ended |= set(able)
        before = {name: needed for name, needed in before.items() if name not in able}


@given(st.data())
def test_what_goes_wrong_hides_nothing_that_does_not_need_it(data):
    """Of any checks with any outcome, each is told; one is left out exactly when something that it needs failed."""
    runs = {"ok": fine, "failure": fails, "broken": breaks}
    checks, bad = [], set()
    for number in range(data.draw(st.integers(1, 6))):
        name = f"check {number}"
        needs = tuple(data.draw(st.sets(st.sampled_from([each.name for each in checks])))) if checks else ()
        outcome = data.draw(st.sampled_from(sorted(runs)))
        lane = data.draw(st.sampled_from(["", "one", "two"]))
        checks.append(Check(name, data.draw(st.sampled_from(sorted(SECTIONS))), runs[outcome], needs=needs, lane=lane))
        if outcome != "ok" or bad.intersection(needs):
            bad.add(name)
    report = examine(checks, world())
    told = {line.check: line.finding.level for line in report.lines if line.finding.message != "this far"}
    assert set(told) == {check.name for check in checks}
    for check in checks:
        assert (told[check.name] == "skipped") == bool(bad.intersection(check.needs))
        assert (told[check.name] == "ok") == (check.name not in bad)


# -- the run -------------------------------------------------------------------------------------------------------


def test_one_that_hangs_is_given_up_and_the_others_are_told():
    gate = threading.Event()

    def hangs(_world, _subject):
        gate.wait()
        yield ok("too late")

    checks = [
        Check("hangs", "login", hangs, lane="globus"),
        Check("next", "login", fine, lane="globus"),
        Check("after it", "archive", fine, needs=("hangs",)),
        Check("beside it", "archive", fine),
    ]
    report = examine(checks, world(), limit=0.2)
    gate.set()
    assert levels(report) == {
        ("hangs", ""): "failure",
        ("next", ""): "ok",
        ("after it", ""): "skipped",
        ("beside it", ""): "ok",
    }
    assert "no answer within 0.2 s" in str(report.worst)


def test_checks_of_one_lane_are_never_made_at_once_and_those_of_others_are():
    inside, most, both = [], [], threading.Barrier(2)

    def alone(_world, _subject):
        inside.append(1)
        most.append(len(inside))
        inside.pop()
        yield ok("")

    def together(_world, _subject):
        both.wait(30)  # passes only when the other one is there too
        yield ok("")

    checks = [Check(f"alone {n}", "login", alone, lane="one") for n in range(5)]
    checks += [Check(f"together {n}", "login", together, lane=f"lane {n}") for n in range(2)]
    report = examine(checks, world())
    assert set(levels(report).values()) == {"ok"}
    assert max(most) == 1


def test_a_check_of_each_subject_needs_that_of_the_same_subject_or_its_collection():
    def some(_world, subject):
        yield ok("") if subject.key != "bad" else failure(GlobusError("it is off.", remedy="switch it on."))

    def subjects(_world):
        return [Subject("one", "one", "good"), Subject("two", "two", "bad")]

    checks = [
        Check(
            "collection", "collections", some, each=lambda _: [Subject("good", "g", "good"), Subject("bad", "b", "bad")]
        ),
        Check("folder", "folders", fine, needs=("collection",), each=subjects),
        Check("inside", "folders", fine, needs=("folder",), each=subjects),
    ]
    found = levels(examine(checks, world()))
    assert found["folder", "one"] == found["inside", "one"] == "ok"
    assert found["folder", "two"] == found["inside", "two"] == "skipped"


def test_subjects_that_cannot_be_told_are_a_failure_of_the_check():
    def none(_world):
        raise LookupError("nobody knows")

    found = levels(examine([Check("folder", "folders", fine, each=none), Check("other", "folders", fine)], world()))
    assert found == {("folder", ""): "failure", ("other", ""): "ok"}


def test_one_section_is_told_with_what_fails_below_it():
    checks = [
        Check("settings", "configuration", fine),
        Check("service", "login", fails, needs=("settings",)),
        Check("unrelated", "computer", fails),
        Check("place", "archive", fine, needs=("service",)),
    ]
    report = examine(checks, world(), only=("archive",))
    assert levels(report) == {("service", ""): "failure", ("place", ""): "skipped"}


def test_offline_is_told_once_in_a_section():
    checks = [Check(f"{n}", "archive", fails, globus=True) for n in range(3)]
    checks += [Check("below", "archive", fails, needs=("1",)), Check("local", "archive", fine)]
    report = examine(checks, world(offline=True))
    assert levels(report) == {("Globus", ""): "skipped", ("local", ""): "ok"}


def test_what_was_put_down_is_taken_away_once(tmp_path):
    gone = []
    with world() as here:
        first = here.promise(lambda: gone.append("first"))
        here.promise(lambda: gone.append("second"))
        here.promise((tmp_path / "not there").unlink)  # what cannot be removed is no error
        first()
        first()
    assert gone == ["first", "second"]


@pytest.mark.parametrize(
    ("errors", "first"),
    [
        ([GlobusError, LoginNeeded, ConfigError], ConfigError),
        ([GlobusError, LoginNeeded], LoginNeeded),
        ([GlobusError], GlobusError),
    ],
)
def test_the_configuration_comes_first_then_the_login(errors, first):
    def run(kind):
        return lambda _world, _subject: [failure(kind("x", remedy="y"))]

    report = examine([Check(kind.__name__, "login", run(kind)) for kind in errors], world())
    assert type(report.worst) is first
    assert document(report)["counts"]["failure"] == len(errors)


def test_warnings_are_no_failure():
    report = examine([Check("odd", "login", lambda *_: [warning("odd", "mend it")])], world())
    assert report.worst is None
    assert str(report) == "0 ok, 1 warning, 0 failures."


# -- paths ---------------------------------------------------------------------------------------------------------


@given(st.lists(NAMES, max_size=6), st.lists(NAMES, max_size=3))
def test_wherever_a_collection_begins_on_the_way_down_its_path_is_tried(below, above):
    folder = PurePosixPath("/", *above, *below)
    tried = candidates(folder)
    if len(below) <= 5:
        assert "/" + "/".join(below) in tried
        assert "/~/" + "/".join(below) in tried
    assert folder.as_posix() in tried
    assert len(tried) == len(set(tried)) <= 16
    assert "/x" not in candidates(PurePosixPath("/x"), "/x")


@given(st.sampled_from("CDcd"), st.lists(NAMES, max_size=5))
def test_a_drive_of_windows_is_the_first_folder(drive, below):
    tried = candidates(PureWindowsPath(f"{drive}:\\", *below))
    assert tried[0] == "/" + "/".join([drive.upper(), *below])
    assert "/" + "/".join(below) in tried
    assert not [path for path in tried if "\\" in path or ":" in path]


def test_a_share_of_windows():
    assert "/recordings" in candidates(PureWindowsPath(r"\\nas\lab\recordings"))


# -- times ----------------------------------------------------------------------------------------------


@given(st.integers(-100_000, 100_000), st.integers(0, 3))
def test_clocks_are_compared_either_way(seconds, grain):
    theirs = datetime.fromisoformat("2024-02-29T12:00:00")
    found = compare(theirs + timedelta(seconds=seconds), theirs, "Globus'", timedelta(seconds=grain))
    assert (found.level == "ok") == (abs(seconds) - grain < ODD.total_seconds())
    assert found.facts["seconds"] == seconds
    if found.level != "ok":
        assert ("ahead of" in found.message) == (seconds > 0)
        assert found.remedy
