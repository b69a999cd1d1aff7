"""Rows as COPY reads them: what is written means what it was made of, whatever stands in it."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.database import copying

SIGNS = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
TEXT = st.text(st.one_of(st.sampled_from("\\\t\n\rNn.'%"), st.characters(exclude_categories=["Cs"])), max_size=12)
VALUE = st.one_of(st.none(), TEXT, st.integers(-(2**63), 2**63 - 1), st.datetimes(), st.dates())


def read(content: bytes) -> list[list[str | None]]:
    """Read COPY's text format as the server's manual describes it, sign by sign."""
    lines = content.decode().split("\n")
    assert lines.pop() == ""
    return [[None if field == "\\N" else plain(field) for field in line.split("\t")] for line in lines]


def plain(field: str) -> str:
    return re.sub(r"\\(.)", lambda found: SIGNS[found[0]], field, flags=re.DOTALL)


def shown(value: object) -> str | None:
    return value.isoformat() if hasattr(value, "isoformat") else None if value is None else str(value)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[VALUE] * width), min_size=1, max_size=6)))
def test_what_is_written_is_read_as_it_was(rows):
    content = copying.written(rows)
    if any("\0" in value for row in rows for value in row if isinstance(value, str)):
        assert content is None
    else:
        assert content is not None
        assert read(content) == [[shown(value) for value in row] for row in rows]


@pytest.mark.parametrize(
    "value",
    [b"x", 1.5, True, uuid.UUID(int=1), ["x"], "a\0b", datetime(2021, 1, 1, tzinfo=UTC)],
    ids=["bytes", "float", "bool", "uuid", "list", "zero", "zone"],
)
def test_what_has_no_text_of_its_own_is_left_to_the_driver(value):
    assert copying.written([("x", 1), ("y", value)]) is None
    assert copying.written([("x", "x"), ("y", value)]) is None
