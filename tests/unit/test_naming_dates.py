from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.dates import find_date, legacy_mdy, mdY, mdy, read_date

days = st.dates(date(2001, 1, 1), date(2078, 12, 30))


@pytest.mark.parametrize(
    ("text", "dates", "unsure"),
    [
        ("080619", ["2019-08-06"], []),
        ("01012020", ["2020-01-01"], []),
        ("20200101", ["2020-01-01"], []),
        ("2018-12-07", ["2018-12-07"], []),
        ("2021_07_01", ["2021-07-01"], []),
        ("010120", ["2020-01-01", "2021-01-01"], ["2021-01-01"]),
        ("123119", ["2019-12-31", "2018-12-31"], ["2018-12-31"]),
        ("010121", ["2021-01-01", "2022-01-01"], ["2022-01-01"]),
        ("3-1-2021", ["2021-03-01", "2021-01-03"], ["2021-01-03"]),
        ("13-2-2021", ["2021-02-13"], []),
        ("5-5-2021", ["2021-05-05"], []),
    ],
)
def test_readings_of_a_date(text, dates, unsure):
    reading = read_date(text)
    assert reading is not None
    assert [str(day) for day in reading.dates] == dates
    assert {str(day) for day in reading.unsure} == set(unsure)
    assert reading.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "133119",
        "023019",
        "99999999",
        "10121012",
        "18991231",
        "2019-13-01",
        "2019-02-30",
        "115160",
        "0806191",
        "080619x",
        "٠٨٠٦١٩",
        "080619 ",
    ],
)
def test_what_is_no_date(text):
    assert read_date(text) is None


@given(days)
def test_every_way_of_writing_a_day_reads_back(day):
    for text in (mdY(day), f"{day:%Y%m%d}", f"{day:%Y-%m-%d}", f"{day:%Y_%m_%d}"):
        reading = read_date(text)
        assert reading is not None
        assert reading.dates == (day,)
    for text in (mdy(day), f"{day.month}-{day.day}-{day.year}"):
        reading = read_date(text + "_x")
        assert reading is not None
        assert reading.dates[0] == day
        assert day not in reading.unsure


@given(days)
def test_the_iso_year_name_offers_its_day_unsurely(day):
    reading = read_date(legacy_mdy(day))
    assert reading is not None
    assert day in reading.dates
    assert (day in reading.unsure) == (legacy_mdy(day) != mdy(day))
    assert legacy_mdy(day) == day.strftime("%m%d") + f"{day.isocalendar().year:04d}"[2:]


def test_the_nine_or_so_days_of_2018_to_2023():
    every = [date.fromordinal(n) for n in range(date(2018, 1, 1).toordinal(), date(2024, 1, 1).toordinal())]
    trapped = [day for day in every if legacy_mdy(day) != mdy(day)]
    assert date(2018, 12, 31) in trapped
    assert date(2021, 1, 1) in trapped
    assert len(trapped) == 9
    assert all((day.month, day.day) in {(1, 1), (1, 2), (1, 3), (12, 29), (12, 30), (12, 31)} for day in trapped)


@given(st.text(alphabet="_0123456789-aS.", max_size=60))
def test_finding_a_date_loses_nothing(text):
    found = find_date(text)
    if found is not None:
        before, reading, after = found
        rebuilt = "_".join(part for part in (before, reading.text, after) if part)
        assert rebuilt.strip("_") in text
