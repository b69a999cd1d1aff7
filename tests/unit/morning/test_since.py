"""From when on a report tells: what people write, in the zone of the lab."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.morning.since import since

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = datetime.fromisoformat("2026-11-22T13:30")
"""UTC; 8:30 in New York."""

ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"]).map(ZoneInfo)
INSTANTS = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-01-01"))


@pytest.mark.parametrize(
    ("said", "local"),
    [
        ("yesterday", "2026-11-21T00:00"),
        ("Today", "2026-11-22T00:00"),
        ("sunday", "2026-11-22T00:00"),
        ("mon", "2026-11-16T00:00"),
        ("  Saturday ", "2026-11-21T00:00"),
        ("12h", "2026-11-21T20:30"),
        ("2 days", "2026-11-20T08:30"),
        ("1w", "2026-11-15T08:30"),
        ("22:00", "2026-11-21T22:00"),
        ("8:30", "2026-11-22T08:30"),
        ("2026-11-20", "2026-11-20T00:00"),
        ("20261120", "2026-11-20T00:00"),
        ("2026-11-20 22:15", "2026-11-20T22:15"),
        ("2026-11-21T03:15Z", "2026-11-20T22:15"),
        ("2026-11-21T04:15+01:00", "2026-11-20T22:15"),
        ("2026-07-01", "2026-07-01T00:00"),
    ],
)
def test_what_people_write(said, local):
    expected = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK).astimezone(UTC).replace(tzinfo=None)
    assert since(said, SUNDAY, NEW_YORK) == expected


@pytest.mark.parametrize("said", ["", "tomorrow", "su", "5", "5x", "2026-13-01", "0d", "25:00", "-1d", "now", "\x00"])
def test_what_cannot_be_read_is_refused_with_examples(said):
    with pytest.raises(UsageError, match="cannot be read") as caught:
        since(said, SUNDAY, NEW_YORK)
    assert "yesterday" in caught.value.remedy


@pytest.mark.parametrize("said", ["2026-11-23", "2026-11-22 09:00", "2026-11-22T13:31Z", "9999-12-31"])
def test_the_future_is_refused(said):
    with pytest.raises(UsageError, match="future"):
        since(said, SUNDAY, NEW_YORK)


@given(st.sampled_from(["yesterday", "today", "mon", "tuesday", "fri", "sunday"]), INSTANTS, ZONES)
def test_a_day_begins_at_its_midnight_and_is_never_longer_ago_than_a_week(said, now, zone):
    found = since(said, now, zone)
    assert now - timedelta(days=8) < found <= now
    there = found.replace(tzinfo=UTC).astimezone(zone)
    assert (there - timedelta(seconds=1)).date() <= there.date()
    if zone.key != "Pacific/Apia":  # where a whole day was left out once
        assert (there.hour, there.minute) == (0, 0)


@given(st.integers(0, 23), st.integers(0, 59), INSTANTS, ZONES)
def test_a_time_of_day_is_the_last_one(hour, minute, now, zone):
    found = since(f"{hour}:{minute:02}", now, zone)
    assert now - timedelta(hours=50) < found <= now


@given(st.text(max_size=30), INSTANTS, ZONES)
def test_any_text_is_a_time_of_the_past_or_refused(text, now, zone):
    with suppress(UsageError):
        assert since(text, now, zone) <= now
