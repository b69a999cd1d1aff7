"""The old database of the tests is what labs have: checked before anything is built on it."""

from __future__ import annotations

import pymysql
import pytest

from .rows import FILES, LAB, PUBLICATION

pytestmark = pytest.mark.mariadb


def test_every_table_is_filled(old_lab):
    names = {
        f"{schema.removeprefix(old_lab.prefix)}.{name}"
        for schema, name in old_lab.query(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE %s",
            old_lab.prefix.replace("_", r"\_") + "%",
        )
    }
    assert names == {*LAB, *PUBLICATION}
    for table, rows in {**LAB, **PUBLICATION}.items():
        assert len(old_lab.rows(table)) == len(rows), table


def test_each_file_is_listed_in_all_its_spellings(old_lab):
    said = {row[2] for row in old_lab.rows("publication.data_set__physical_file")}
    assert said >= {each for found in FILES.values() for spellings in found.values() for each in spellings}


def test_a_snapshot_shows_any_change(old_lab):
    before = old_lab.snapshot()
    assert old_lab.snapshot() == before
    for change in (
        "UPDATE `map_v2_lab`.`person` SET fullname = 'x' WHERE username = 'jm'",
        "ALTER TABLE `map_v2_tracking`.`#tracking_device` COMMENT 'x'",
        "CREATE TABLE `map_v2_ephys`.`~lineage` (x INT)",
        "ALTER TABLE `map_v2_experiment`.`session` ADD INDEX (session_date)",
        "DROP TABLE `map_v2_ephys`.`~lineage`",
        "CREATE DATABASE `map_v2_other`",
    ):
        old_lab.query(change)
        after = old_lab.snapshot()
        assert after != before, change
        before = after


def test_the_accounts(old_lab):
    def attempt(account, statement):
        settings = old_lab.settings(account).database
        password = settings.password.get_secret_value()
        with (
            pymysql.connect(
                host=settings.host, port=settings.port, user=settings.user, password=password
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    theirs, ours = f"{old_lab.prefix}lab", f"{old_lab.own_prefix}anything"
    attempt(old_lab.reader, f"SELECT * FROM `{theirs}`.`person`")
    for statement in (f"DELETE FROM `{theirs}`.`rig`", f"CREATE TABLE `{theirs}`.`~log2` (x INT)"):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            attempt(old_lab.reader, statement)
    attempt(old_lab.reader, f"CREATE DATABASE `{ours}`")
    attempt(old_lab.writer, f"UPDATE `{theirs}`.`rig` SET room = 'x'")
