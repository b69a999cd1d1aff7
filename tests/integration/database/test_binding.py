"""Tables bind on first use, move to another database, are made once, and are refused when they are newer."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline import database
from pipeline.errors import (
    ConfigError,
    DatabaseError,
    DatabaseReadOnly,
    DatabaseUnavailable,
    ServiceError,
)
from pipeline.settings.types import DatabaseSettings, Secret, Settings

BIND = """
import json, sys
from pathlib import Path
from pipeline.settings.types import DatabaseSettings, Secret, Settings
raw = json.loads(sys.argv[1])
raw["password"] = Secret(raw["password"])
from pipeline import database
sys.stdin.readline()
database.bind(Settings(database=DatabaseSettings(**raw)))
from pipeline import publication
print(len(publication.DataSetType()))
"""


def as_json(settings):
    own = settings.database
    fields = ("backend", "host", "port", "user", "name", "schema_prefix")
    return json.dumps({**{name: getattr(own, name) for name in fields}, "password": own.password.get_secret_value()})


def run(code, *args, **options):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *args], capture_output=True, text=True, check=False, **options
    )


def test_importing_the_tables_connects_to_nothing_and_says_nothing(tmp_path):
    code = """
import socket
def refuse(*args): raise AssertionError("connected")
socket.socket.connect = refuse
from pipeline import database, lab, experiment, ephys, tracking, publication
assert not database.is_bound()
import datajoint
"""
    done = run(code, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_first_use_of_a_table_binds_to_the_configuration_at_hand(postgresql_database, tmp_path):
    own = postgresql_database.database
    conf = {
        "database.backend": own.backend,
        "database.host": own.host,
        "database.port": own.port,
        "database.user": own.user,
        "database.password": own.password.get_secret_value(),
        "database.name": own.name,
        "database.prefix": own.schema_prefix,
    }
    (tmp_path / "dj_local_conf.json").write_text(json.dumps(conf))
    (tmp_path / "dj_local_conf.json").chmod(0o600)
    code = """
from pipeline import publication
print((publication.ArchivedRawEphys & {"subject_id": 407513}).to_dicts())
print(len(publication.DataSet.PhysicalFile()), publication.DataSet.PhysicalFile.primary_key)
"""
    done = run(code, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == "[]\n0 ['globus_alias', 'dataset_name', 'file_id']\n"


def test_binding_again_is_the_same_and_other_settings_move_all_tables(lab_database):
    from pipeline import lab

    first = database.bind(lab_database)
    assert database.bind(lab_database) is first
    assert database.bind() is first
    lab.Rig.insert1({"rig": "one"})
    moved = replace(lab_database.database, schema_prefix="x" + lab_database.database.schema_prefix)
    other = replace(lab_database, database=moved)
    try:
        assert database.bind(other) is not first
        assert lab.Rig.to_dicts() == []
        assert lab.Rig.database.startswith("xt")
    finally:
        from pipeline.database import binding, migrations

        migrations.drop_everything(binding.get_current())
    database.bind(lab_database)
    assert [row["rig"] for row in lab.Rig.to_dicts()] == ["one"]


def test_one_process_moves_between_two_kinds_of_server(postgresql_database, mariadb_database):
    from pipeline import lab

    for settings in (postgresql_database, mariadb_database):
        database.bind(settings)
        lab.Rig.insert1({"rig": database.describe()["server"].split()[0]})
    database.bind(postgresql_database)
    assert [row["rig"] for row in lab.Rig.to_dicts()] == ["PostgreSQL"]
    database.bind(mariadb_database)
    assert [row["rig"] for row in lab.Rig.to_dicts()] == ["MariaDB"]


def test_every_table_is_declared_commented_and_empty(lab_database):
    from pipeline.database import binding

    database.bind(lab_database)
    tables = [table for group in binding.GROUPS.values() for table in group.tables()]
    assert len(tables) > 20
    for table in tables:
        heading = table.heading
        assert heading.primary_key, table
        assert all(attribute.comment for attribute in heading.attributes.values()), table
        assert isinstance(table.__doc__, str)


def test_several_processes_bind_an_empty_database_at_once(lab_database):
    command = [sys.executable, "-W", "error", "-c", BIND, as_json(lab_database)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in processes]
    assert answers == [("2\n", "")] * 3


def test_a_creation_that_was_cut_short_is_finished(lab_database):
    from pipeline import lab, publication
    from pipeline.database import binding, versions

    connection = database.bind(lab_database)
    here = binding.get_current()
    connection.query(f"DROP TABLE {versions.version_table(here)}")
    connection.query(f"DROP TABLE {publication.Verification.full_table_name}")
    lab.Rig.insert1({"rig": "kept"})
    database.unbind()
    database.bind(lab_database)
    assert publication.Verification.to_dicts() == []
    assert len(lab.Rig()) == 1


def test_schemas_of_another_program_are_left_alone(lab_database, lab_server):
    from pipeline.database.lab_connection import LabConnection

    schema = lab_database.database.schema_prefix + "lab"
    connection = LabConnection(lambda: database._target(lab_server.settings))
    connection.query(f"CREATE SCHEMA {schema}")
    connection.query(f"CREATE TABLE {schema}.their_table (x INTEGER)")
    connection.close()
    with pytest.raises(DatabaseError, match="their_table") as caught:
        database.bind(lab_database)
    assert "database.prefix" in caught.value.remedy
    assert not database.is_bound()


def test_lookup_rows_are_added_once_and_those_of_others_stay(lab_database):
    from pipeline import publication

    database.bind(lab_database)
    before = len(publication.FileType())
    foreign = {"file_type": "of-a-newer-program", "file_glob": "*.new", "file_type_description": ""}
    publication.FileType.insert1(foreign)
    (publication.DataSetType & {"dataset_type": "video"}).delete_quick()
    database.unbind()
    database.bind(lab_database)
    assert len(publication.FileType()) == before + 1
    assert {row["dataset_type"] for row in publication.DataSetType.to_dicts()} == {"ephys", "video"}


def test_deleting_asks_nobody_where_nobody_answers(lab_database):
    from pipeline import lab

    database.bind(lab_database)
    lab.Rig.insert1({"rig": "x"})
    lab.Rig.delete()
    assert len(lab.Rig()) == 0


def test_a_reader_binds_and_reads_and_is_told_that_it_may_not_write(reader):
    from pipeline import lab, publication

    database.bind(reader)
    assert len(publication.DataSetType()) == 2
    with pytest.raises(DatabaseReadOnly, match="may not write") as caught:
        database.ensure_writable()
    assert "administrator" in caught.value.remedy
    with pytest.raises(DatabaseReadOnly):
        lab.Rig.insert1({"rig": "x"})
    with pytest.raises(DatabaseReadOnly):
        database.bulk_insert(lab.Rig, [{"rig": "x"}])


def test_a_reader_cannot_make_the_tables_and_is_told_so(reader):
    empty = replace(reader, database=replace(reader.database, schema_prefix="nothing_here_"))
    with pytest.raises(DatabaseReadOnly):
        database.bind(empty)


def test_a_writer_may_write(lab_database):
    database.bind(lab_database)
    database.ensure_writable()


def test_a_database_that_is_down_is_named_with_host_port_and_remedy():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for backend in ("postgresql", "mysql"):
        own = DatabaseSettings(backend=backend, host="127.0.0.1", port=port, user="rig", password=Secret("a-secret"))
        with pytest.raises(DatabaseUnavailable, match=f"127.0.0.1:{port}") as caught:
            database.bind(Settings(database=own))
        assert "database.host" in caught.value.remedy
        assert "a-secret" not in str(caught.value)


def test_a_wrong_password_is_told_apart_from_a_server_that_is_down(lab_server):
    wrong = replace(lab_server.settings, password=Secret("wrong"))
    with pytest.raises(DatabaseUnavailable) as caught:
        database.bind(Settings(database=wrong))
    assert "database.password" in caught.value.remedy
    assert "wrong" not in caught.value.message


def test_what_is_missing_in_the_configuration_is_named(tmp_path):
    with pytest.raises(ConfigError, match="account"):
        database.bind(Settings(database=DatabaseSettings(host="127.0.0.1")))
    with pytest.raises(ConfigError, match="No database"):
        database.bind(Settings(database=DatabaseSettings()))
    with pytest.raises(ServiceError, match="not running") as caught:
        database.bind(Settings(database=DatabaseSettings(embedded=tmp_path / "none")))
    assert "mapshell services start" in caught.value.remedy
    with pytest.raises(DatabaseError, match="prefix"):
        database.bind(Settings(database=DatabaseSettings(host="127.0.0.1", schema_prefix='x";')))


def test_one_session_of_several_is_taken_away_from_a_table(lab_database):
    database.bind(lab_database)
    from pipeline import experiment, lab

    lab.Subject.insert1({"subject_id": 1})
    keys = [{"subject_id": 1, "session": number} for number in (1, 2, 3)]
    experiment.Session.insert({**key, "session_date": "2020-05-01"} for key in keys)
    left = experiment.Session - keys[0]
    assert left.keys() == keys[1:]
    assert (left - keys[1]).keys() == keys[2:]
    assert (experiment.Session() - keys[:2] - {"session": 7}).keys() == keys[2:]
