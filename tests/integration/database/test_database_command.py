"""``mapshell database status`` and ``upgrade``: on a database that is good, empty, older, newer, foreign, only read."""

import json

import pytest

from mapshell.errors import DONE, FAILED, USAGE
from pipeline import database
from pipeline.admin import state as looking
from pipeline.admin.rights import of_grants
from pipeline.admin.upgrading import carry_out, plan
from pipeline.database import binding, migrations, versions
from pipeline.errors import DatabaseReadOnly, Refused, SchemaVersionError
from tests.integration.rig import write_configuration

from .test_versions import LATEST, OLDEST, go_back_to, program, step


@pytest.fixture
def command(lab_database, tmp_path, monkeypatch, capsys):
    """Run a command line of ``mapshell database`` with the configuration of a database."""
    monkeypatch.setenv("MAPSHELL_HOME", str(tmp_path / "home"))
    write_configuration(tmp_path, lab_database.database)
    monkeypatch.chdir(tmp_path)

    def run(*args, check=DONE):
        from mapshell.cli import main

        database.unbind()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["database", *args])
        said = capsys.readouterr()
        assert (ended.value.code or 0) == check, said
        return json.loads(said.out) if "json" in args else said.out + said.err

    return run


def rows(settings):
    """Return everything in our schemas' main tables, and their versions."""
    from pipeline import lab, publication

    database.bind(settings)
    there = versions.read(binding.get_current())
    return [there, *(table.to_dicts() for table in (lab.Subject, publication.DataSetType, publication.FileType))]


def test_an_empty_database_is_told_as_such_and_stays_empty(lab_database, command):
    for _ in range(2):
        said = command("status", "--format", "json")
        assert (said["version"], said["usable"], said["rows"]) == (None, True, {})
        assert {each["exists"] for each in said["schemas"]} == {False}
        assert said["rights"]["create"] is True
    assert "the first use makes the tables" in command("status")
    assert "Would make all tables" in command("upgrade", "--dry-run")
    assert command("status", "--format", "json")["version"] is None
    assert command("upgrade", "--format", "json")["done"] is True
    said = command("status", "--format", "json")
    assert (said["version"], said["missing"]) == (LATEST, [])
    assert all(each["tables"] == each["of_tables"] for each in said["schemas"])
    assert "nothing to do" in command("upgrade")


def test_a_good_database_is_described(lab_database, command):
    from pipeline import lab

    database.bind(lab_database)
    lab.Subject.insert1({"subject_id": 1})
    database.note_writer("rig-a")
    before = rows(lab_database)
    said = command("status", "--format", "json")
    assert said["server"].split()[0] in ("PostgreSQL", "MariaDB")
    assert (said["rows"]["Subject"], said["rows"]["DataSet.PhysicalFile"]) == (1, 0)
    assert (said["version"], said["oldest_writer"], said["program_knows"]) == (LATEST, OLDEST, LATEST)
    assert [(each["computer"], each["knows_version"], each["working"]) for each in said["writers"]] == [
        ("rig-a", LATEST, False)
    ]
    assert said["bytes"] > 0
    assert said["rights"] == {"read": True, "write": True, "create": True, "server": None}
    shown = command("status")
    assert max(map(len, shown.splitlines())) <= 80
    assert "1 subjects" in shown
    assert rows(lab_database) == before


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_database_is_brought_forward_only_when_asked(lab_database, command, version):
    connection = database.bind(lab_database)
    database.note_writer("rig-b")
    go_back_to(version, connection)
    said = command("status", "--format", "json", check=FAILED)
    assert [each["version"] for each in said["missing"]] == list(range(version + 1, LATEST + 1))
    assert (said["usable"], "database upgrade" in said["problem"]["remedy"]) == (False, True)
    shown = command("upgrade", "--dry-run")
    assert "locks out computers with an older mapshell" in shown
    assert "Upgrade mapshell on every other computer first" in " ".join(shown.split())
    refused = command("upgrade", check=USAGE)
    assert "--yes" in refused
    assert command("status", "--format", "json", check=FAILED)["version"] == version
    assert command("upgrade", "--yes", "--format", "json")["done"] is True
    assert command("status", "--format", "json")["version"] == LATEST


def test_computers_that_would_be_locked_out_are_named_and_one_at_work_is_waited_for(lab_database):
    from pipeline import publication

    database.bind(lab_database)
    database.note_writer("rig-a")
    now = database.now()
    publication.Claim.insert1(
        {
            "subject_id": 1,
            "session": 1,
            "globus_alias": "raw-ephys",
            "owner": "00000000-0000-4000-8000-000000000001",
            "computer": "rig-c",
            "process_id": 1,
            "claimed_at": now,
            "expires_at": now.replace(year=now.year + 1),
        }
    )
    steps = program(step(LATEST + 1, adds=False))
    planned = plan(lab_database, steps)
    assert {each.computer for each in planned.behind} == {"rig-a", "rig-c"}
    with pytest.raises(Refused, match="rig-c is at work"):
        carry_out(lab_database, planned, steps)
    database.bind(lab_database)
    publication.Claim.delete()
    planned = plan(lab_database, steps)
    carry_out(lab_database, planned, steps)
    assert versions.read(binding.get_current()).oldest_writer == LATEST + 1
    adds = program(step(LATEST + 1, adds=False), step(LATEST + 2, adds=True))
    assert plan(lab_database, adds).behind == []


def test_a_newer_database_is_described_and_refused_where_it_must_be(lab_database, command):
    database.bind(lab_database)
    versions.stamp(binding.get_current(), LATEST + 1, OLDEST)
    assert command("status", "--format", "json")["version"] == LATEST + 1
    assert "nothing to do" in command("upgrade")
    database.bind(lab_database)
    versions.stamp(binding.get_current(), LATEST + 2, LATEST + 2)
    said = command("status", "--format", "json", check=FAILED)
    assert "Upgrade mapshell" in said["problem"]["remedy"]
    assert said["rows"]["Subject"] == 0
    assert "must not write" in command("upgrade", check=FAILED)


def test_schemas_of_another_program_are_named(lab_database, command):
    connection = database.bind(lab_database)
    prefix = lab_database.database.schema_prefix
    connection.query(f"CREATE TABLE {prefix}lab.their_table (x INTEGER)")
    connection.query(f"DROP TABLE {versions.version_table(binding.get_current())}")
    said = command("status", "--format", "json", check=FAILED)
    assert [each["foreign"] for each in said["schemas"] if each["group"] == "lab"] == [["their_table"]]
    assert "their_table" in said["problem"]["message"]
    for args in (("upgrade", "--dry-run"), ("upgrade",)):
        assert "their_table" in command(*args, check=FAILED)


def test_a_version_that_cannot_be_told_is_a_problem_and_no_crash(lab_database, command):
    connection = database.bind(lab_database)
    connection.query(f"DELETE FROM {versions.version_table(binding.get_current())}")
    said = command("status", "--format", "json", check=FAILED)
    assert "it is empty" in said["problem"]["message"]
    with pytest.raises(SchemaVersionError):
        plan(lab_database)


def test_a_reader_sees_all_and_is_told_that_it_may_not(reader):
    database.unbind()
    found = looking.look(reader)
    assert (found.rights.read, found.rights.write, found.rights.create) == (True, False, False)
    assert found.rows["Subject"] == 0
    assert found.problem is None
    steps = program(step(LATEST + 1, make_table))
    assert isinstance(looking.look(reader, steps).problem, DatabaseReadOnly)
    planned = plan(reader, steps)
    assert [each.number for each in planned.steps] == [LATEST + 1]
    with pytest.raises(DatabaseReadOnly, match="may not make them"):
        carry_out(reader, planned, steps)


def make_table(connection, prefix):
    connection.query(f"CREATE TABLE {prefix}publication.later (x INTEGER)")


def test_a_server_that_is_down_is_told_as_everywhere(lab_database, tmp_path, command):
    file = tmp_path / "dj_local_conf.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "database.port": 1}))
    said = command("status", "--format", "json", check=FAILED)
    assert said["error"]["type"] == "DatabaseUnavailable"


ALL = (True, True, True)


@pytest.mark.parametrize(
    ("lines", "may"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], ALL),
        (["GRANT USAGE ON *.* TO `a`@`%`", "GRANT ALL PRIVILEGES ON `mapshell\\_%`.* TO `a`@`%`"], ALL),
        (["GRANT ALL PRIVILEGES ON `mapshell\\_lab`.* TO `a`@`%`"], (False, False, False)),
        (["GRANT SELECT ON `mapshell_%`.* TO `a`@`%`"], (True, False, False)),
        (["GRANT SELECT ON *.* TO `a`@`%`", "GRANT INSERT, UPDATE, DELETE ON `mapshell\\_%`.* TO `a`@`%`"], (1, 1, 0)),
        (["GRANT SELECT (x), INSERT ON `mapshell_lab`.`person` TO `a`@`%`", "GRANT `role` TO `a`@`%`"], (0, 0, 0)),
        (["GRANT SELECT, CREATE, ALTER, REFERENCES ON `mapshell\\_%`.* TO `a`@`%`"], (1, 0, 1)),
        ([], (False, False, False)),
    ],
)
def test_grants_are_read(lines, may):
    found = of_grants(lines, ["mapshell_lab", "mapshell_publication"])
    assert (found.read, found.write, found.create) == may
    assert not of_grants(lines, ["mapshell1lab"]).create or "mapshell_%" in str(lines) or "*.*" in str(lines)


def test_a_server_that_is_read_only_is_told():
    assert "read-only" in str(of_grants(["GRANT ALL PRIVILEGES ON *.* TO `a`"], ["x"], read_only=True))


def test_every_migration_says_who_may_write_after_it():
    for each in migrations.MIGRATIONS:
        assert each.writers_from <= each.number
