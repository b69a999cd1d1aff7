"""Comma-separated values: the rows of the JSON document."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.output import plain
from mapshell.output_csv import rows_of, to_csv


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([{"a": 1, "b": None}, {"a": "x,y", "c": True}], 'a,b,c\n1,,\n"x,y",,true\n'),
        ({"dry_run": False, "sessions": [{"h2o": "SC038"}], "files": [{"f": 1}]}, "h2o\nSC038\n"),
        ({"sessions": [], "files": [{"f": 1}]}, "f\n1\n"),
        ({"file": "x", "tables": 3}, "file,tables\nx,3\n"),
        ([{"a": ["x", "y"], "b": {"c": "é"}}], 'a,b\n"[""x"", ""y""]","{""c"": ""é""}"\n'),
        (["x", "y"], "value\nx\ny\n"),
        ("x", "value\nx\n"),
        ([], ""),
        ({"sessions": []}, ""),
        (None, ""),
    ],
)
def test_a_document_becomes_rows(document, text):
    assert to_csv(plain(document)) == text


CELLS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(st.dictionaries(st.text("abc", min_size=1), CELLS, min_size=1))


@given(ROWS)
def test_every_row_and_cell_is_there(rows):
    read = list(csv.reader(io.StringIO(to_csv(rows), newline="")))

    assert len(read) == (len(rows) + 1 if rows else 0)
    for row, line in zip(rows_of(rows), read[1:], strict=True):
        cells = dict(zip(read[0], line, strict=True))
        for name, value in row.items():
            assert cells[name] == (
                ""
                if value is None
                else {True: "true", False: "false"}.get(value, str(value))
                if isinstance(value, bool)
                else str(value)
            )
