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
