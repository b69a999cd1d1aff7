"""Rows that are copied are there as if they had been inserted, and are refused in the same words."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extras import execute_values

from pipeline import database, lab
from pipeline.database import copying
from pipeline.database.quiet import dj
from pipeline.errors import DatabaseError

TEXT = st.text(st.one_of(st.sampled_from("\\\t\n\rNn.'%\""), st.characters(exclude_categories=["Cs"])), max_size=12)
TEXTS = TEXT.filter(lambda text: "\0" not in text) | st.none()
WHEN = st.datetimes() | st.none()
ROWS = st.lists(
    st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1) | st.none(), WHEN, st.dates()), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_what_is_copied_is_what_is_inserted(postgresql_database, rows):
    connection = database.bind(postgresql_database)

    def both(raw):
        with raw.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS copied (a varchar(99), b int8, c timestamp, d date)")
            cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS inserted (LIKE copied)")
            cursor.execute("TRUNCATE copied, inserted")
            copying.copy(raw, "COPY copied (a, b, c, d) FROM STDIN", copying.written(rows))
            execute_values(cursor, "INSERT INTO inserted (a, b, c, d) VALUES %s", rows)
            found = []
            for table in ("copied", "inserted"):
                cursor.execute(f"SELECT * FROM {table}")
                found.append(cursor.fetchall())
            return found

    copied, inserted = connection.run(both, "CREATE TEMPORARY TABLE")
    assert copied == inserted == rows


def people(count: int, **more: object) -> list[dict[str, object]]:
    return [{"username": f"p{number:03d}", "fullname": "x", **more} for number in range(count)]


@pytest.mark.parametrize(
    "last",
    [
        {"username": "p000", "fullname": "y"},
        {"username": "z", "fullname": "y" * 999},
        {"username": None, "fullname": ""},
    ],
    ids=["taken", "too long", "missing"],
)
def test_a_row_that_is_refused_is_refused_in_the_same_words(postgresql_database, last):
    database.bind(postgresql_database)
    said = []
    for before in (people(1), people(copying.WORTH)):
        with pytest.raises((DatabaseError, dj.errors.DataJointError)) as refused, database.transaction():
            database.bulk_insert(lab.Person, [*before, last])
        assert len(lab.Person()) == 0
        said.append((type(refused.value), refused.value.args, getattr(refused.value, "remedy", "")))
    assert said[0] == said[1]
    assert not any(word in str(said) for word in ("COPY", "CONTEXT", "line "))


def test_values_that_cannot_be_copied_are_inserted(postgresql_database):
    database.bind(postgresql_database)
    with pytest.raises((DatabaseError, ValueError), match="NUL"):
        database.bulk_insert(lab.Person, people(copying.WORTH, fullname="a\0b"))
    assert database.bulk_insert(lab.Person, people(copying.WORTH)) == copying.WORTH == len(lab.Person())
