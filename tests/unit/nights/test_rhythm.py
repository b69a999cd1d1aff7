"""When rounds begin and end: windows over midnight, clocks that are changed, beats that are kept."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.nights.rhythm import Rhythm, read_rhythm
from pipeline.nights.window import Window, instant, local, read_window, time_of_day

NEW_YORK = ZoneInfo("America/New_York")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

zones = st.sampled_from(
    [ZoneInfo(n) for n in ("America/New_York", "Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/Sao_Paulo")]
    + [ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")]
)
instants = st.datetimes(datetime.fromisoformat("2005-01-01T00:00"), datetime.fromisoformat("2035-01-01T00:00"))
times = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@st.composite
def windows(draw):
    begin, end = draw(times), draw(times)
    assume(begin != end)
    return Window(begin, end, draw(zones))


@given(windows(), instants)
@example(Window(time(2, 30), time(3, 10), NEW_YORK), datetime.fromisoformat("2024-03-10T07:00"))
@example(Window(time(2, 10), time(2, 50), NEW_YORK), datetime.fromisoformat("2024-03-10T06:59"))
@example(Window(time(1, 30), time(1, 45), NEW_YORK), datetime.fromisoformat("2024-11-03T05:31"))
@example(Window(time(23, 0), time(1, 0), ZoneInfo("America/Sao_Paulo")), datetime.fromisoformat("2018-11-04T02:30"))
def test_the_window_at_hand_is_open_now_or_opens_next(window, now):
    opens, closes = window.open_at(now)
    assert opens < closes <= opens + DAY + HOUR
    assert now < closes
    assert opens <= now + DAY + 25 * HOUR
    before = window.interval(local(opens, window.zone).date() - DAY)
    assert before[1] <= now or before[0] > now or before == (opens, closes) or window.zone.key == "Pacific/Apia"


@given(windows(), instants)
def test_away_from_changed_clocks_a_window_is_what_the_wall_clock_says(window, now):
    around = [local(now + days * DAY, window.zone).utcoffset() for days in (-3, -2, -1, 0, 1, 2, 3)]
    assume(len(set(around)) == 1)
    opens, closes = window.open_at(now)
    assert local(opens, window.zone).time() == window.begin
    assert local(closes, window.zone).time() == window.end
    shown = local(now, window.zone).time()
    inside = (
        window.begin <= shown < window.end if window.begin < window.end else shown >= window.begin or shown < window.end
    )
    assert (opens <= now) == inside


@given(instants, zones)
def test_an_instant_is_found_again_by_its_wall_clock(now, zone):
    now = now.replace(microsecond=0)
    shown = local(now, zone)
    assume(not shown.fold)
    assert instant(shown.replace(tzinfo=None), zone) == now


def test_a_time_that_is_left_out_is_the_jump_itself():
    jump = datetime.fromisoformat("2024-03-10T07:00")  # 02:00 EST becomes 03:00 EDT
    for wall in ("02:00", "02:01", "02:30", "02:59"):
        assert instant(datetime.fromisoformat(f"2024-03-10T{wall}"), NEW_YORK) == jump
    assert instant(datetime.fromisoformat("2024-03-10T03:00"), NEW_YORK) == jump
    assert instant(datetime.fromisoformat("2024-11-03T01:30"), NEW_YORK) == datetime.fromisoformat(
        "2024-11-03T05:30"
    )  # the first


@given(windows() | st.none(), st.timedeltas(MINUTE, 7 * DAY), instants, st.timedeltas(timedelta(0), 40 * DAY))
def test_rounds_keep_their_beat_within_the_window(window, every, last, took):
    rhythm = Rhythm(every, window, None, UTC)
    now = last + took
    due = rhythm.due(now, last)
    assert due >= now
    assert due - now <= every
    assert due > last
    assert (due - last) % every == timedelta(0)
    begin = rhythm.begin(due)
    assert begin >= due
    if window is None:
        assert begin == due
        assert rhythm.end(begin) is None
    else:
        opens, closes = window.open_at(begin)
        assert opens <= begin < closes
        assert rhythm.end(begin) == closes


def test_a_clock_that_was_set_back_delays_nothing():
    now = datetime.fromisoformat("2024-01-01T00:00")
    assert Rhythm(HOUR, None, None, UTC).due(now, now + 30 * DAY) == now + HOUR


@given(times, zones, instants)
def test_a_report_is_due_once_a_day(at, zone, now):
    rhythm = Rhythm(HOUR, None, at, zone)
    newest, coming = rhythm.report(now), rhythm.next_report(now)
    assert newest <= now < coming
    assert coming - newest <= 2 * DAY + HOUR
    assert rhythm.report(coming) == coming


@pytest.mark.parametrize(
    ("every", "at", "report_at", "said"),
    [
        ("10s", "", "", "too often"),
        ("2w", "", "", "too seldom"),
        ("soon", "", "", "no time span"),
        ("-5m", "", "", "no time span"),
        ("15m", "22:00", "", "no window"),
        ("15m", "22:00-22:00", "", "without length"),
        ("15m", "25:00-06:00", "", "no time of the day"),
        ("15m", "22:60-06:00", "", "no time of the day"),
        ("15m", "-", "", "no time of the day"),
        ("15m", "22:00-06:00-07:00", "", "no time of the day"),
        ("15m", "", "noon", "no time of the day"),
        ("15m", "", "\u0660\u0667:\u0660\u0660", "no time of the day"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(every, at, report_at, said):
    with pytest.raises(UsageError, match=said) as refused:
        read_rhythm(every, at, report_at, UTC)
    assert (
        "write it like" in refused.value.remedy or "such as" in refused.value.remedy or "like" in refused.value.remedy
    )


def test_what_a_person_writes():
    rhythm = read_rhythm("90 min", "22-6:30", "", NEW_YORK)
    assert rhythm.every == timedelta(minutes=90)
    assert str(rhythm.window) == "22:00-06:30"
    assert rhythm.report_at == time(6, 30)
    assert read_rhythm("1h", "", "", UTC).report_at == time(7)
    assert read_rhythm("1h", "", "never", UTC).report_at is None
    assert read_rhythm("1h", "", "5:15", UTC).report_at == time(5, 15)
    assert read_window("18:00-24:00", UTC).end == time(0)
    assert time_of_day(" 7 ") == time(7)
