"""Indented JSON is, to the byte, what the standard library writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.output_json import indented

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@pytest.mark.parametrize("ascii_only", [True, False])
@given(value=DATA)
def test_it_is_the_same_text(value, ascii_only):
    assert indented(value, ascii_only=ascii_only) == json.dumps(value, indent=2, ensure_ascii=ascii_only)


@pytest.mark.parametrize("ascii_only", [True, False])
@given(
    st.lists(st.text(), unique=True, max_size=4).flatmap(
        lambda keys: st.lists(
            st.fixed_dictionaries(dict.fromkeys(keys, SCALARS | st.lists(SCALARS, max_size=2))), max_size=5
        )
    )
)
def test_so_are_rows_of_the_same_keys(ascii_only, rows):
    assert indented(rows, ascii_only=ascii_only) == json.dumps(rows, indent=2, ensure_ascii=ascii_only)


@pytest.mark.parametrize(
    "value", [[{"%s": "%", "b": 1}] * 4, [{"a": 1}, {"a": 1}, {"b": 1}], [{"a": True}] * 3, [{}] * 3]
)
def test_so_are_rows_of_other_kinds(value):
    assert indented(value, ascii_only=False) == json.dumps(value, indent=2)
