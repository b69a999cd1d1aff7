"""Values go to the server apart from the statement: what stands in a statement's text is a name of ours, or a mark."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .sql_text import holes

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix() for folder in ("pipeline", "mapshell") for path in (ROOT / folder).rglob("*.py")
)
_MADE = "a name that make_full_table_name has quoted"
_NAMES = "names of columns, written in the code of those who call it"
ALLOWED = {
    ("mapshell/sandbox/accounts.py", "_insert_client", "column"): "one of two names, three lines above",
    ("mapshell/sandbox/database.py", "prepare", "table"): _NAMES,
    ("mapshell/sandbox/database.py", "prepare", "definition"): _NAMES,
    ("mapshell/sandbox/tasks.py", "update", "names"): "names of keyword arguments: of the code, never of a request",
    ("mapshell/sandbox/tasks.py", "events", "where"): "fixed text and int() of a bool",
    ("pipeline/browse/known.py", "_datasets", "below.format('f.file_subpath')"): "fixed text with marks, and a column",
    ("pipeline/browse/known.py", "_datasets", "below.format('d.dataset_manifest')"): "fixed text with marks, a column",
    ("pipeline/board/heartbeat.py", "_beat", "self._table"): "full_table_name, kept when it begins",
    ("pipeline/board/tidying.py", "tidy", "first"): "a date, written as %Y-%m-%d",
    ("pipeline/board/tidying.py", "tidy", "last"): "a date, written as %Y-%m-%d",
    ("pipeline/board/computers.py", "recent", "now - SHOWN"): "an instant, written as %Y-%m-%d %H:%M:%S",
    ("pipeline/database/adapter.py", "get_primary_key_sql", "self.quote_string(schema_name)"): "quoted as a text",
    ("pipeline/database/adapter.py", "get_primary_key_sql", "self.quote_string(table_name)"): "quoted as a text",
    ("pipeline/database/adapter.py", "load_primary_keys_sql", "like_pattern"): "DataJoint quotes it before",
    ("pipeline/database/adapter.py", "load_primary_keys_sql", "schemas_list"): "DataJoint quotes it before",
    ("pipeline/database/bulk.py", "_statement", "values"): "marks, made by both who call it",
    ("pipeline/database/bulk.py", "bulk_update", "changed"): "quoted names, and marks",
    ("pipeline/database/lookups.py", "_known", "number"): "the place of a table in a list",
    ("pipeline/database/lookups.py", "_known", "lookup.key"): _NAMES,
    ("pipeline/database/server.py", "create_schema", "collation(connection)"): "one of two names of the code",
    ("pipeline/database/server.py", "let_be_null", "kind"): "the column's type, as the server itself writes it",
    ("pipeline/database/versions.py", "read", "', '.join(wanted)"): _NAMES,
    ("pipeline/database/versions.py", "create", "making"): _MADE,
    ("pipeline/database/versions.py", "_insert", "table"): _MADE,
    ("pipeline/database/writers.py", "create", "_name(connection, prefix)"): _MADE,
    ("pipeline/database/writers.py", "note", "name"): _MADE,
    ("pipeline/database/writers.py", "listed", "_name(connection, binding.prefix)"): _MADE,
    ("pipeline/heartbeat.py", "_beat", "self._table"): "full_table_name, kept when it begins",
    ("pipeline/known_index.py", "_folders", "first(path, 3)"): "fixed text around a column",
    ("pipeline/known_index.py", "_folders", "first(path, 2)"): "fixed text around a column",
    ("pipeline/labrows/together.py", "_animals", "attribute"): "one of two names, above",
    ("pipeline/labrows/together.py", "_stored", "names"): "quoted identifiers",
    ("pipeline/morning/reading.py", "looked", "then"): "fixed text, and isoformat() of an instant",
    ("pipeline/oldlab/completing.py", "_update", "', '.join((f'{column} = %s' for column in columns))"): _NAMES,
    ("pipeline/oldlab/completing.py", "_update", "unless"): _NAMES,
    ("pipeline/oldlab/old_tables.py", "_rows", "wanted"): "quoted identifiers",
    ("pipeline/oldlab/old_tables.py", "_rows", "where"): "fixed texts with marks, of those who call it",
    ("pipeline/reclaim/places.py", "fetched_back", "since"): "an instant, written as %Y-%m-%d %H:%M:%S",
    ("pipeline/sessionless/__init__.py", "chosen_by", "ref.subject_id"): "int() of the digits of a dataset's name",
    ("pipeline/sessionless/__init__.py", "chosen_by", "ref.session"): "int() of the digits of a dataset's name",
    ("pipeline/sessionless/__init__.py", "chosen_by", "text.format('%s')"): "a mark",
    ("pipeline/sessionless/__init__.py", "chosen_by", "row"): "the text above",
    (
        "pipeline/sessionless/__init__.py",
        "chosen_by",
        "table.where_clause()",
    ): "the person's own restriction, by DataJoint",
    ("pipeline/transfers/journalled.py", "transfers", "since"): "an instant, written as %Y-%m-%d %H:%M:%S",
    ("pipeline/transitions.py", "locked", "what"): _NAMES,
    ("pipeline/transitions.py", "locked", "where"): _NAMES,
    ("pipeline/verifying.py", "_since", "day"): "a date, written as %Y-%m-%d",
}


def put_in(text: str, file: str = "x.py"):
    return list(holes(ast.parse(text), file))


def test_no_value_is_written_into_a_statement():
    found = [hole for file in FILES for hole in put_in((ROOT / file).read_text(encoding="utf-8"), file)]
    assert [f"{hole.file}:{hole.line} {hole.source}" for hole in found if hole.key not in ALLOWED] == []
    assert sorted(set(ALLOWED) - {hole.key for hole in found}) == [], "exceptions that nothing needs any more"


@pytest.mark.parametrize(
    "code",
    [
        "def f(h2o): c.query(f\"SELECT a FROM t WHERE h2o = '{h2o}'\")",
        "def f(h2o): c.query(\"SELECT a FROM t WHERE h2o = '%s'\" % h2o)",
        "def f(h2o): c.query(\"SELECT a FROM t WHERE h2o = '{}'\".format(h2o))",
        'def f(h2o): c.query("SELECT a FROM t WHERE h2o = " + h2o)',
        'def f(row): x = f"a = {row}"; c.query(f"DELETE FROM {t.full_table_name} WHERE {x}")',
        "def f(name): return Session & f\"h2o = '{name}'\"",
        "def f(names): c.query(f\"INSERT INTO {t.full_table_name} ({', '.join(names)}) VALUES (%s)\")",
    ],
)
def test_a_value_in_a_statement_is_found(code):
    assert len(put_in(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        'c.query(f"SELECT a FROM {t.full_table_name} WHERE h2o = %s", (h2o,))',
        'def f(xs): m = ", ".join(["%s"] * len(xs)); q(f"SELECT a FROM {t.full_table_name} WHERE b IN ({m})", xs)',
        "def f(ns): c.query(f\"UPDATE {t.full_table_name} SET {', '.join(f'{quote(n)} = %s' for n in ns)}\", ns)",
        'say(f"Select {what} and press Enter")',
    ],
)
def test_names_and_marks_are_no_values(code):
    assert put_in(code) == []
