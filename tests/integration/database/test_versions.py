"""Versions of the tables: steps run once and in order, programs one release apart work together, others are refused."""

import threading

import pytest

from pipeline import database
from pipeline.database import binding, migrations, versions, writers
from pipeline.errors import DatabaseReadOnly, SchemaVersionError

LATEST = migrations.latest_version()
OLDEST = migrations.oldest_writer(migrations.MIGRATIONS)


def step(number, apply=lambda *_: None, *, adds=True):
    """Make a step that older programs can bear, or one that locks them out."""
    return migrations.Migration(number, f"step {number}", apply, OLDEST if adds else None)


def program(*more):
    """Make the steps that a later program knows."""
    return (*migrations.MIGRATIONS, *more)


def stored():
    return versions.read(binding.get_current())


def test_newer_tables_are_refused_in_clear_words(lab_database):
    database.bind(lab_database)
    versions.stamp(binding.get_current(), 99, 98)
    database.unbind()
    with pytest.raises(SchemaVersionError, match="version 99") as caught:
        database.bind(lab_database)
    for said in ("versions below 98", f"up to {LATEST}", versions.program()):
        assert said in caught.value.message
    assert "Upgrade mapshell" in caught.value.remedy
    assert not database.is_bound()


def test_newer_tables_that_only_add_are_worked_with(lab_database):
    database.bind(lab_database)
    versions.stamp(binding.get_current(), LATEST + 3, LATEST)
    database.unbind()
    database.bind(lab_database)
    database.ensure_writable()
    assert stored().version == LATEST + 3


def test_steps_that_only_add_are_taken_once_and_in_order_without_asking(lab_database):
    database.bind(lab_database)
    ran = []
    steps = program(
        step(LATEST + 2, lambda _c, prefix: ran.append((2, prefix))),
        step(LATEST + 1, lambda _c, prefix: ran.append((1, prefix))),
    )
    for _ in range(2):
        database.unbind()
        database.bind(lab_database, migrations=steps)
    prefix = lab_database.database.schema_prefix
    assert ran == [(1, prefix), (2, prefix)]
    assert (stored().version, stored().oldest_writer) == (LATEST + 2, OLDEST)


def test_a_step_that_locks_others_out_waits_for_somebody_to_ask(lab_database):
    database.bind(lab_database)
    ran = []
    steps = program(step(LATEST + 1, lambda *_: ran.append(1)), step(LATEST + 2, lambda *_: ran.append(2), adds=False))
    database.unbind()
    with pytest.raises(SchemaVersionError, match=f"needs {LATEST + 2}") as caught:
        database.bind(lab_database, migrations=steps)
    assert "mapshell database upgrade" in caught.value.remedy
    assert ran == []
    database.bind(lab_database)
    assert stored().version == LATEST
    database.unbind()
    database.bind(lab_database, migrations=steps, lock_out=True)
    assert ran == [1, 2]
    assert (stored().version, stored().oldest_writer) == (LATEST + 2, LATEST + 2)
    database.unbind()
    with pytest.raises(SchemaVersionError, match=f"below {LATEST + 2}"):
        database.bind(lab_database)


def test_a_step_that_fails_leaves_the_one_before_and_is_taken_again(lab_database):
    database.bind(lab_database)
    ran = []

    def fails(*_):
        ran.append("fails")
        raise OSError("the power went")

    def works(*_):
        ran.append("works")

    first = step(LATEST + 1, works)
    database.unbind()
    with pytest.raises(OSError, match="power"):
        database.bind(lab_database, migrations=program(first, step(LATEST + 2, fails)))
    assert not database.is_bound()
    database.bind(lab_database, migrations=program(first, step(LATEST + 2, works)))
    assert ran == ["works", "fails", "works"]
    assert stored().version == LATEST + 2


def test_several_connections_bring_the_tables_forward_at_once(lab_database):
    database.bind(lab_database)
    database.unbind()
    ran = []
    steps = program(step(LATEST + 1, lambda *_: ran.append(1)))
    made = [database.unused_binding(lab_database) for _ in range(3)]
    threads = [threading.Thread(target=migrations.ensure_tables, args=(each, steps)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ran == [1]
    assert {versions.read(each).version for each in made} == {LATEST + 1}
    for each in made:
        each.connection.close()


def test_a_program_that_is_locked_out_while_it_runs_writes_no_more(lab_database):
    database.bind(lab_database)
    here = binding.get_current()
    database.ensure_writable()
    versions.stamp(here, LATEST + 1, LATEST + 1)
    with pytest.raises(SchemaVersionError, match="must not write"):
        database.ensure_writable()


def test_a_new_database_of_a_later_program_says_who_may_write(lab_database):
    database.bind(lab_database, migrations=program(step(LATEST + 1)))
    assert (stored().version, stored().oldest_writer) == (LATEST + 1, OLDEST)
    database.unbind()
    database.bind(lab_database)
    assert stored().version == LATEST + 1


def go_back_to(version, connection):
    """Make the tables what an earlier version had."""
    here = binding.get_current()
    from pipeline import publication

    later = [publication.Copy, publication.Round, publication.Reclaim] if version < 5 else []
    later += [publication.Drive.Session, publication.Drive] if version < 4 else []
    if version < 3:
        connection.query(f"DROP TABLE {writers._name(connection, here.prefix)}")
        connection.query(f"ALTER TABLE {versions.version_table(here)} DROP COLUMN oldest_writer")
        files = publication.DataSet.PhysicalFile.full_table_name
        for column in ("file_size", "file_mtime"):
            if connection.adapter.backend == "postgresql":
                connection.query(f"ALTER TABLE {files} ALTER COLUMN {column} SET NOT NULL")
            else:
                connection.query(f"ALTER TABLE {files} MODIFY {column} bigint NOT NULL COMMENT ':int64:bytes'")
    if version < 2:
        later += [publication.Retrieval.Session, publication.Retrieval, publication.Withdrawal, publication.FileCheck]
    for table in later:
        connection.query(f"DROP TABLE {table.full_table_name}")
    connection.query(f"UPDATE {versions.version_table(here)} SET version = {version}")
    return later


@pytest.mark.parametrize("version", [1, 2])
def test_a_database_of_an_early_version_is_brought_forward_when_asked(lab_database, version):
    from pipeline import publication

    connection = database.bind(lab_database)
    later = go_back_to(version, connection)
    database.unbind()
    with pytest.raises(SchemaVersionError, match=f"version {version}"):
        database.bind(lab_database)
    database.bind(lab_database, lock_out=True)
    assert [table.to_dicts() for table in later] == [[]] * len(later)
    assert (stored().version, stored().oldest_writer) == (LATEST, OLDEST)
    heading = publication.DataSet.PhysicalFile.heading
    for name in ("file_size", "file_mtime"):
        assert (heading[name].original_type, heading[name].nullable) == ("int64", True)
    assert writers.listed(binding.get_current()) == []


@pytest.mark.parametrize("version", [3, 4])
def test_a_step_that_only_adds_tables_is_taken_by_the_way(lab_database, version):
    connection = database.bind(lab_database)
    later = go_back_to(version, connection)
    database.unbind()
    database.bind(lab_database)
    assert [table.to_dicts() for table in later] == [[]] * {3: 5, 4: 3}[version]
    assert (stored().version, stored().oldest_writer) == (LATEST, OLDEST)


@pytest.mark.parametrize("damage", ["empty", "text", "zero", "far", "foreign"])
def test_a_version_that_no_mapshell_wrote_is_told_and_nothing_is_changed(lab_database, damage):
    connection = database.bind(lab_database)
    name = versions.version_table(binding.get_current())
    postgres = connection.adapter.backend == "postgresql"
    text = "ALTER COLUMN version TYPE varchar(9)" if postgres else "MODIFY version varchar(9)"
    statements = {
        "empty": [f"DELETE FROM {name}"],
        "text": [f"ALTER TABLE {name} {text}", f"UPDATE {name} SET version = 'three'"],
        "zero": [f"UPDATE {name} SET version = 0"],
        "far": [f"UPDATE {name} SET version = 2000000000"],
        "foreign": [f"DROP TABLE {name}", f"CREATE TABLE {name} (id INTEGER)"],
    }
    for statement in statements[damage]:
        connection.query(statement)
    database.unbind()
    with pytest.raises(SchemaVersionError, match="cannot be told") as caught:
        database.bind(lab_database)
    assert "~schema_version" in caught.value.message
    assert "backup" in caught.value.remedy
    assert not database.is_bound()


def test_who_writes_is_noted_with_its_program(lab_database):
    database.bind(lab_database)
    for computer in ("rig-b", "rig-a", "rig-b"):
        database.note_writer(computer)
    found = writers.listed(binding.get_current())
    assert [(each.computer, each.program, each.knows, each.working) for each in found] == [
        ("rig-b", versions.program(), LATEST, False),
        ("rig-a", versions.program(), LATEST, False),
    ]


def test_a_reader_of_an_older_database_is_told_what_is_missing(reader):
    with pytest.raises(DatabaseReadOnly) as caught:
        database.bind(reader, migrations=program(step(LATEST + 1, make_table)))
    assert f"version {LATEST + 1} (step {LATEST + 1})" in caught.value.message
    assert "mapshell database upgrade" in caught.value.remedy


def make_table(connection, prefix):
    connection.query(f"CREATE TABLE {prefix}publication.later (x INTEGER)")
