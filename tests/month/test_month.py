"""The month in small: five days on each database; and that whoever judges sees what is wrong."""

from __future__ import annotations

import copy
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import __main__ as launcher
from . import board, morning, servers
from .calendar import FAULTS, MEND_AFTER, MISTAKES, draw
from .month import play

MONDAY = date.fromisoformat("2027-03-01")
posix = pytest.mark.skipif(sys.platform == "win32", reason="the month kills and mounts as POSIX does")


@posix
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def test_some_days_of_a_lab_are_told_truly(kind, tmp_path):
    """A task fails, a night is killed, the archive is away, the database is lost; a second archive is named."""
    if (lacking := servers.missing(kind)) is not None:
        pytest.skip(lacking)
    server = servers.start(kind, tmp_path / "server")
    try:
        came = play(tmp_path / "lab", server, launcher.next_monday(), 5, 5, say=lambda _: None)
    finally:
        server.stop()
    assert not came.wrong, "\n".join(came.wrong)
    assert came.counts["dawns"] == 5
    assert came.counts["boards"] == came.counts["reports"] == 10
    assert min(came.counts[name] for name in ("files reclaimed", "files brought back to their rigs", "kills")) > 0


@given(st.integers(0, 10**6), st.integers(2, 60))
def test_a_month_has_what_its_days_have_room_for(seed, days):
    month = draw(seed, MONDAY, days)
    assert month == draw(seed, MONDAY, days)
    assert [day.date for day in month] == [MONDAY + timedelta(days=number) for number in range(days)]
    assert all(not day.records for day in month if day.date.weekday() >= 5)
    faults = [day.fault for day in month if day.fault]
    assert len(faults) == len(set(faults)) == min(len(FAULTS), sum(bool(day.records) for day in month[:-1]))
    assert not month[-1].fault, "the last night is for what is left"
    for day in month:
        assert not day.mistake or (day.records and day.number + MEND_AFTER < days)
        assert not any(each["rig"] in day.off for each in day.records if day.off == month[day.number - 1].off)
    if days >= 30:
        assert {day.mistake for day in month if day.mistake} == set(MISTAKES)
        assert sum(day.lost for day in month) == sum(day.second_copy for day in month) == 1
        assert sum(bool(day.off) for day in month) == 2


ROW = {"h2o": "SC038", "session": 1, "state": "queued", "bytes": 10, "unarchived_bytes": 10}
TOLD = {
    "sessions": [ROW, {**ROW, "session": 2, "state": "archived", "unarchived_bytes": 0}],
    "totals": {"queued": {"sessions": 1, "bytes": 10}, "archived": {"sessions": 1, "bytes": 10}},
    "backlog": {"sessions": 1, "bytes": 10},
    "troubles": [],
}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("totals", "queued", "bytes"), 11),
        (("totals", "archived", "sessions"), 2),
        (("backlog", "bytes"), 0),
        (("backlog", "sessions"), 2),
        (("troubles",), [{"what": "a clock"}]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_board_that_sums_up_wrongly_is_seen(where, value):
    assert list(board._sums(TOLD)) == []
    told = copy.deepcopy(TOLD)
    place = told
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    assert len(list(board._sums(told))) == 1


def test_a_need_is_told_of_whom_it_is_about():
    expected = morning.Expected(must={("refused", "SC038|2027-03-01|raw-ephys")}, may={("round", "rig-a")})
    need = {"kind": "refused", "who": "SC038 session 1 of 2027-03-01, raw-ephys", "what": ""}
    assert morning._pairs(need, expected) == expected.must
    for change in ({"kind": "changed"}, {"who": "SC038 session 2 of 2027-03-02, raw-ephys"}):
        assert morning._pairs({**need, **change}, expected) == set()


@posix
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--days", "1"], "must be 2 to 60"),
        (["--days", "x"], "invalid number value"),
        (["--from", "soon"], "is no date: write 2027-03-01"),
        (["--from", "2020-01-01"], "it must be a Monday"),
        (["--database", "oracle"], "invalid choice"),
    ],
    ids=lambda value: "-".join(value).strip("-") if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_anything_begins(args, said, capsys):
    with pytest.raises(SystemExit) as ended:
        launcher.main(args)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@posix
def test_the_plan_is_told_and_nothing_begun(capsys):
    assert launcher.main(["--plan", "--days", "3", "--database", "postgresql"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
