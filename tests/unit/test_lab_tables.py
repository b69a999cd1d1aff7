"""Which schemas of the lab are meant, which statements would change them, and times of day as servers have them."""

from __future__ import annotations

import json
from datetime import time, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.database.entering import fitting, without_our_commands
from pipeline.database.lab_tables import LabTableReadOnly, LabTables
from pipeline.database.reading import clock
from pipeline.errors import ConfigError
from pipeline.settings import lab
from pipeline.settings.parse import parse

FILE = Path("/rig/dj_local_conf.json")


def read(environ=None, **document):
    return parse(json.dumps({"database.host": "db", **document}), file=FILE, environ=environ or {})


def schemas(environ=None, **document):
    found = read(environ, **document).database.lab_schemas
    return found if found is None else dict(found)


def test_nothing_said_means_that_the_server_is_looked_at():
    assert schemas() is None


def test_a_prefix_names_all_schemas():
    assert schemas(**{"database.lab_prefix": "map_v1_"}) == {
        group: f"map_v1_{group}" for group in (*lab.GROUPS, "publication")
    }
    assert schemas({"MAPSHELL_DATABASE_LAB_PREFIX": "x_"})["lab"] == "x_lab"


def test_the_prefix_of_our_own_schemas_means_ours():
    assert schemas(**{"database.lab_prefix": "mapshell_"}) == {}
    assert schemas(**{"database.lab_prefix": "a_", "database.prefix": "a_", "custom": {"lab.database": "x"}}) == {}


@pytest.mark.parametrize("place", ["top", "custom"])
def test_names_of_the_old_file_count_and_the_rest_are_called_as_ever(place):
    names = {"lab.database": "daveliu_lab", "experiment.database": None, "ephys.database": ""}
    found = schemas(**(names if place == "top" else {"custom": names}))
    assert found == {
        "lab": "daveliu_lab",
        **{group: f"map_v2_{group}" for group in ("experiment", "ephys", "tracking", "publication")},
    }


def test_the_predecessors_own_rows_alone_do_not_make_the_labs_tables_stand_in():
    assert schemas(custom={"publication.database": "x_publication", "ccf.database": "x_ccf"}) is None


def test_a_name_wins_over_the_prefix():
    found = schemas(**{"database.lab_prefix": "map_v2_", "custom": {"ephys.database": "new_ephys"}})
    assert (found["lab"], found["ephys"]) == ("map_v2_lab", "new_ephys")


def test_an_embedded_database_has_no_tables_of_another_program():
    settings = parse('{"database.embedded": "db", "database.lab_prefix": "map_v2_"}', file=FILE, environ={})
    assert settings.database.lab_schemas == ()
    (warning,) = settings.warnings
    assert "database.lab_prefix is not used" in warning


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"database.lab_prefix": "map v2"}, "database.lab_prefix"),
        ({"database.lab_prefix": "`x"}, "database.lab_prefix"),
        ({"database.lab_prefix": 2}, "database.lab_prefix"),
        ({"custom": {"lab.database": "a.b"}}, "lab.database"),
        ({"lab.database": ["x"]}, "lab.database"),
        ({"lab.database": "x", "custom": {"lab.database": "y"}}, "lab.database"),
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused(document, place):
    with pytest.raises(ConfigError, match=place):
        read(**document)


# ---- statements


def tables(*names):
    connection = SimpleNamespace(target=SimpleNamespace(place="db:3306"), lab_tables=None)
    return LabTables(connection, dict(zip(lab.GROUPS, names, strict=False)))


NAMES = st.text("abcxyz_0", min_size=1, max_size=8)
VERBS = ("INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO", "UPDATE", "DELETE FROM", "ALTER TABLE", "TRUNCATE TABLE")
QUOTES = ("`", '"', "")


@given(NAMES, NAMES, NAMES, st.sampled_from(VERBS), st.sampled_from(QUOTES), st.booleans())
def test_what_a_statement_writes_to_decides(theirs, ours, table, verb, quote, lower):
    lab_tables = tables(f"l_{theirs}")

    def statement(schema, other):
        said = f"{verb.lower() if lower else verb} {quote}{schema}{quote}.{quote}{table}{quote} "
        return f"{said} WHERE x IN (SELECT x FROM {quote}{other}{quote}.{quote}{table}{quote})"

    with pytest.raises(LabTableReadOnly):
        lab_tables.refuse_change(statement(f"l_{theirs}", f"o_{ours}"))
    lab_tables.refuse_change(statement(f"o_{ours}", f"l_{theirs}"))
    lab_tables.refuse_change(f"SELECT * FROM {quote}l_{theirs}{quote}.{quote}{table}{quote}")


@pytest.mark.parametrize(
    "statement", ["COMMIT", "SET x = 1", "SHOW TABLES FROM `map_lab`", "SELECT GET_LOCK('a.b', 1)"]
)
def test_what_writes_nothing_passes(statement):
    tables("map_lab").refuse_change(statement)


def test_constraints_into_the_labs_schemas_are_left_out_and_ours_stay():
    lab_tables = tables("map_lab", "map_experiment")
    lab_tables._connection.adapter = SimpleNamespace(quote_identifier=lambda name: f"`{name}`")
    end = "ON UPDATE CASCADE ON DELETE RESTRICT"
    session = (
        f"FOREIGN KEY (`subject_id`, `session`) REFERENCES `map_experiment`.`session` (`subject_id`, `session`) {end}"
    )
    place = f"FOREIGN KEY (`globus_alias`) REFERENCES `own`.`place` (`globus_alias`) {end}"
    probe = f"FOREIGN KEY (`probe`) REFERENCES `map_lab`.`#probe` (`probe`) {end}"
    head, tail = "CREATE TABLE `own`.`x` (\n`subject_id` int NOT NULL,\nPRIMARY KEY (`subject_id`)", "\n) ENGINE=InnoDB"
    for some, kept in (
        ([session], []),
        ([session, place], [place]),
        ([place, session], [place]),
        ([probe, session], []),
        ([place], [place]),
        ([], []),
    ):
        for index in ([], ["UNIQUE INDEX (`a`)"]):
            statement = ",\n".join([head, *some, *index]) + tail
            assert lab_tables.without_constraints(statement) == ",\n".join([head, *kept, *index]) + tail


# ---- times of day


@given(st.integers(0, 24 * 3600 - 1), st.integers(0, 999_999))
def test_a_time_of_day_is_the_same_in_every_type(seconds, micro):
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    assert clock(timedelta(seconds=seconds, microseconds=micro)) == text
    assert clock(time.fromisoformat(text).replace(microsecond=micro)) == text
    assert clock(text) == text


@pytest.mark.parametrize("value", [None, timedelta(days=1), timedelta(hours=-1)], ids=str)
def test_what_is_no_time_of_day_is_unknown(value):
    assert clock(value) is None


# ---- remedies


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("enter it with `mapshell ingest-subjects`.", "enter it with the lab's own pipeline."),
        ("ingest the session (`mapshell ingest-recordings`).", "ingest the session (the lab's own pipeline)."),
        (
            "ingest the animal and its sessions (`mapshell ingest-subjects`, `mapshell ingest-recordings`).",
            "ingest the animal and its sessions (the lab's own pipeline).",
        ),
        (
            "enter animals and sessions: mapshell ingest-subjects SHEET, then mapshell ingest-recordings",
            "enter animals and sessions: the lab's own pipeline",
        ),
        ("run mapshell login", "run mapshell login"),
    ],
)
def test_remedies_name_the_labs_own_pipeline(ours, theirs):
    assert without_our_commands(ours) == theirs
    assert fitting(ours) == ours  # no such tables are in use here
