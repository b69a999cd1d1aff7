"""What would change the lab's own tables is refused before the server sees it, whoever asks, and says what to do."""

from __future__ import annotations

import pytest

from pipeline import database
from pipeline.database import bulk
from pipeline.database.lab_tables import LabTableReadOnly
from pipeline.database.quiet import dj

from .rows import SC030

pytestmark = pytest.mark.mariadb


@pytest.fixture
def bound(old_lab):
    """The tables of an account that could write all of the lab's."""
    database.bind(old_lab.settings(old_lab.writer))
    yield database.connection()
    database.unbind()


def test_every_way_to_write_a_table(bound, old_lab):
    from pipeline import ephys, experiment, lab, tracking

    before = old_lab.snapshot()
    row = {"subject_id": 1}
    ways = {
        "insert1": lambda: lab.Subject.insert1(row),
        "insert": lambda: lab.Subject.insert([row]),
        "insert of an instance": lambda: lab.Subject().insert([row], skip_duplicates=True),
        "update1": lambda: lab.Subject.update1({"subject_id": SC030, "sex": "F"}),
        "delete": lambda: (experiment.Session & {"subject_id": SC030}).delete(prompt=False),
        "delete_quick": (lab.Probe & {"probe": "18194809281"}).delete_quick,
        "delete of a part": lambda: ephys.ProbeInsertion.Recording().delete(part_integrity="ignore"),
        "drop": lambda: tracking.TrackingDevice.drop(prompt=False),
        "drop_quick": tracking.TrackingDevice().drop_quick,
        "declare": lambda: tracking.CameraPosition().declare({}),
        "alter": lambda: lab.Rig.alter(prompt=False),
        "one at a time": lambda: database.insert_if_absent(lab.Rig, {"rig": "x", "room": "", "rig_description": ""}),
        "many": lambda: database.bulk_insert(lab.Person, [{"username": "x", "fullname": "y"}]),
        "changed in bulk": lambda: bulk.bulk_update(bound, lab.Person, [{"username": "jm", "fullname": "y"}]),
        "a table without a class": lambda: dj.FreeTable(bound, f"`{old_lab.prefix}lab`.`rig`").delete_quick(),
        "a table of the lab alone": lambda: dj.FreeTable(bound, f"`{old_lab.prefix}ephys`.`_unit`").drop_quick(),
    }
    for way, write in ways.items():
        with pytest.raises(LabTableReadOnly) as refused:
            write()
        assert old_lab.prefix in refused.value.message, way
        assert "with the lab's own pipeline" in refused.value.remedy, way
    with pytest.raises(LabTableReadOnly, match=r"lab\.Subject is a table of the lab's own"):
        lab.Subject.insert1(row)
    assert old_lab.snapshot() == before


def test_every_statement_that_writes(bound, old_lab):
    before = old_lab.snapshot()
    lab = f"`{old_lab.prefix}lab`"
    for statement in (
        f"INSERT INTO {lab}.`rig` VALUES ('x', '', '')",
        f"insert ignore into {lab}.rig values ('x', '', '')",
        f"REPLACE INTO {lab}.`rig` VALUES ('x', '', '')",
        f"UPDATE {lab}.`rig` SET room = 'x'",
        f"DELETE FROM {lab}.`rig`",
        f"TRUNCATE TABLE {lab}.`#probe`",
        f"CREATE TABLE IF NOT EXISTS {lab}.`~lineage` (x INT)",
        f"CREATE TABLE `{old_lab.own_prefix}publication`.`x` (x INT, FOREIGN KEY (x) REFERENCES {lab}.`subject` (x))",
        f"ALTER TABLE {lab}.`rig` COMMENT 'x'",
        f"DROP TABLE {lab}.`rig`",
        f"DROP TABLE IF EXISTS {lab}.`rig`",
        f"CREATE INDEX x ON {lab}.`rig` (room)",
        f"DROP DATABASE {lab}",
        f"DROP SCHEMA IF EXISTS {old_lab.prefix}lab",
        f"CREATE DATABASE IF NOT EXISTS {lab}",
        f"LOCK TABLES {lab}.`rig` WRITE",
    ):
        with pytest.raises(LabTableReadOnly):
            bound.query(statement)
    assert old_lab.snapshot() == before


def test_reading_and_writing_ours_goes_on(bound, old_lab):
    own, lab = f"`{old_lab.own_prefix}publication`", f"`{old_lab.prefix}lab`"
    bound.query(f"CREATE TABLE {own}.`x` (x INT)")
    bound.query(f"INSERT INTO {own}.`x` SELECT subject_id FROM {lab}.`subject`")
    bound.query(f"DELETE FROM {own}.`x` WHERE x IN (SELECT subject_id FROM {lab}.`subject` WHERE sex = 'M')")
    assert bound.query(f"SELECT COUNT(*) FROM {own}.`x`").fetchone()[0] == 2
    assert bound.query(f"(SELECT COUNT(*) FROM {lab}.`subject`)").fetchone()[0] == 3
    bound.query(f"UPDATE {own}.`x` SET x = 1")
    bound.query(f"DROP TABLE {own}.`x`")


@pytest.mark.parametrize(
    "command",
    [
        ("ingest-subjects", "subjects.csv"),
        ("ingest-subjects", "subjects.csv", "--dry-run"),
        ("ingest-recordings",),
        ("publication-discover", "--create-sessions"),
        ("publication-discover", "--create-sessions", "--dry-run"),
    ],
    ids=" ".join,
)
def test_commands_that_would_enter_rows_say_what_to_do(reading_rig, old_lab, command):
    before = old_lab.snapshot()
    done = reading_rig.run(*command, check=1)
    assert f"the lab's own tables ({old_lab.prefix}lab" in " ".join(done.stderr.split())
    assert "with the lab's own pipeline" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert old_lab.snapshot() == before
