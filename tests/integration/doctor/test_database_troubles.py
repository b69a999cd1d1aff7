"""A database that is down, empty, newer, read-only, or not ours; and what waits in its journal."""

from __future__ import annotations

import json
import os
import socket
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest

from pipeline import database, publication
from pipeline.database import binding, versions
from pipeline.errors import ConfigError, DatabaseReadOnly, DatabaseUnavailable, SchemaVersionError
from pipeline.machine import machine_id
from pipeline.work import SystemClock
from tests.integration.accounts import read_only
from tests.integration.publish.proxy import Proxy
from tests.integration.rig import make_rig

from .sickroom import examined, rewrite


def test_the_database_is_down(rig):
    proxy = Proxy(rig.settings.database.port)
    proxy.close()
    rewrite(rig, lambda document: document.update({"database.port": proxy.port}))
    database.unbind()
    seen = examined(rig)
    found = seen.one("connection", "failure", remedy="Check that the server runs")
    assert isinstance(found.error, DatabaseUnavailable)
    assert seen.levels("tables") == seen.levels("leases") == seen.levels("clock, database") == {"skipped"}
    assert seen.levels("same folder") == seen.levels("listed") == seen.levels("writable") == {"ok"}
    assert not database.is_bound()


def test_a_server_that_takes_the_connection_and_never_answers(rig):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rewrite(rig, lambda document: document.update({"database.port": silent.getsockname()[1]}))
        database.unbind()
        seen = examined(rig, limit=3.0)
        found = seen.of("connection")[0]
        assert "no answer within 3 s" in found.message or isinstance(found.error, DatabaseUnavailable)
        assert seen.levels("tables") == {"skipped"}
        assert seen.levels("same folder") == seen.levels("writable") == {"ok"}
    assert not database.is_bound()


def test_a_wrong_password(rig):
    rewrite(rig, lambda document: document.update({"database.user": "nobody", "database.password": "wrong"}))
    database.unbind()
    seen = examined(rig, only=("database",))
    seen.one("connection", "failure", remedy="database.user")


def test_an_account_that_may_only_read(rig):
    with read_only(rig):
        database.unbind()
        seen = examined(rig, only=("database",))
        found = seen.one("rights", "failure", says="may only read", remedy="administrator")
        assert isinstance(found.error, DatabaseReadOnly)
        rewrite(rig, lambda document: document["custom"].pop("globus.local_endpoints"))
        assert seen.report.count("failure") == 1
        assert not examined(rig, only=("database",)).bad()
        database.bind(rig.settings)


def test_a_database_without_tables_is_left_so(rig):
    prefix = f"t{uuid.uuid4().hex[:10]}_"
    rewrite(rig, lambda document: document.update({"database.prefix": prefix}))
    database.unbind()
    seen = examined(rig, only=("database", "journal"))
    seen.one("tables", "warning", says="no tables", remedy="nothing to do")
    bound = database.unused_binding(rig.settings).connection
    found = bound.query("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE %s", (f"{prefix}%",))
    assert found.fetchone()[0] == 0
    bound.close()


@pytest.mark.mariadb
def test_a_database_without_tables_and_an_account_that_may_not_make_them(mariadb_rig):
    rig = mariadb_rig
    with account_without_rights(rig) as who:
        database.unbind()
        seen = examined(rig, only=("database",))
        found = seen.one("tables", "failure", says=(who, "may not make them"), remedy="administrator")
        assert isinstance(found.error, DatabaseReadOnly)


def test_tables_of_a_newer_program(rig):
    present = binding.get_current()
    table = versions.version_table(present)
    present.connection.query(
        f"INSERT INTO {table} (version, applied_at, program, oldest_writer) "
        "SELECT 99, applied_at, '9.9', 98 FROM " + table + " ORDER BY version DESC LIMIT 1"
    )
    seen = examined(rig, only=("database", "journal"))
    found = seen.one("tables", "failure", says="9.9", remedy="pipx upgrade")
    assert isinstance(found.error, SchemaVersionError)
    assert seen.levels("leases") == {"skipped"}
    present.connection.query(f"UPDATE {table} SET oldest_writer = 2 WHERE version = 99")
    seen = examined(rig, only=("database", "journal"))
    seen.one("tables", "warning", says="9.9", remedy="pipx upgrade")
    assert seen.levels("leases") == {"ok"}


def test_tables_of_an_older_program(rig):
    present = binding.get_current()
    table = versions.version_table(present)
    present.connection.query(f"UPDATE {table} SET version = 2, oldest_writer = 2")
    seen = examined(rig, only=("database", "journal"))
    seen.one("tables", "warning", says=("version 2", "locks out"), remedy="mapshell database upgrade")
    seen.one("leases", "skipped", says="brought forward")
    assert versions.read(present).version == 2


def test_tables_of_the_lab_that_are_not_there(rig):
    rewrite(rig, lambda document: document.update({"database.lab_prefix": "nobodys_"}))
    database.unbind()
    seen = examined(rig, only=("database",))
    found = seen.one("tables", "failure", says="nobodys_lab", remedy="database.lab_prefix")
    assert isinstance(found.error, ConfigError)
    assert seen.levels("rights") == seen.levels("lab") == {"skipped"}


def test_clocks_that_disagree(rig):
    class Wrong(SystemClock):
        def __init__(self, off):
            self.off = off

        def now(self):
            return super().now() + self.off

    seen = examined(rig, only=("computer",), clock=Wrong(timedelta(minutes=3)))
    assert {"clock, database", "clock, Globus"} <= seen.bad()
    seen.one("clock, database", "warning", says=("ahead of the database", "3 min"), remedy="set its clock")
    seen = examined(rig, only=("computer",), clock=Wrong(-timedelta(days=1)))
    seen.one("clock, database", "failure", says="behind")
    seen.one("clock, Globus", "failure", says=("behind Globus", "24 h"))


def test_leases_and_transfers_that_wait_for_somebody(rig):
    now = database.now()

    def claim(session, computer, *, pid, began, expires, machine):
        publication.Claim.insert1(
            {
                "subject_id": 480133,
                "session": session,
                "globus_alias": "raw-ephys",
                "owner": uuid.uuid4(),
                "computer": computer,
                "machine": machine,
                "process_id": pid,
                "process_began": began,
                "claimed_at": now,
                "expires_at": now + expires,
            }
        )

    later = timedelta(minutes=10)
    claim(1, "here", pid=os.getpid(), began=1.0, expires=later, machine=machine_id())  # another process's number
    claim(2, "rig-2", pid=7, began=1.0, expires=later, machine=uuid.uuid4())
    claim(3, "rig-3", pid=8, began=1.0, expires=-later, machine=uuid.uuid4())
    me = rig.settings.archive.computer
    for computer, age, state, identity in (
        (me, 3, "submitted", None),
        ("rig-2", 40, "planned", None),
        (me, 0, "planned", "somebody-else"),
        (me, 0, "checked", None),
        (me, 50, "done", None),
    ):
        publication.Transfer.insert1(
            {
                "transfer_id": uuid.uuid4(),
                "purpose": "publish",
                "state": state,
                "label": "mapshell publish",
                "computer": computer,
                "identity": identity,
                "created_at": now - timedelta(days=age),
            }
        )
    seen = examined(rig, only=("journal",))
    ended = [each for each in seen.of("leases") if each.level == "warning"]
    assert (
        sorted(word in each.message for each in ended for word in ("has ended", "not heard of"))
        == [False] * 2 + [True] * 2
    )
    assert "rig-2" in seen.one("leases", "ok").message
    waiting = [each for each in seen.of("transfers") if each.level == "warning"]
    assert len(waiting) == 3
    assert "mapshell publication-publish" in waiting[0].remedy
    assert "on rig-2: mapshell publication-publish" in waiting[0].remedy or "on rig-2" in waiting[1].remedy
    assert any("somebody-else" in each.remedy for each in waiting)
    seen.one("transfers", "ok", says="1 under way")
    assert (
        json.loads(rig.run("doctor", "--only", "journal", "--format", "json", check=0).stdout)["counts"]["failure"] == 0
    )


def test_a_retrieval_that_cannot_be_read(rig):
    from pipeline import retrievals

    folder = retrievals.folder(rig.environ)
    folder.mkdir(parents=True)
    (folder / "broken.json.gz").write_bytes(b"no gzip")
    seen = examined(rig, only=("journal",))
    seen.one("retrievals", "warning", says="broken.json.gz", remedy="Remove it")


@pytest.fixture(autouse=True)
def bound_anew():
    yield
    database.unbind()


@pytest.fixture
def mariadb_rig(mariadb_database, pristine_lab, tmp_path, monkeypatch):
    """A rig on MariaDB, where an account may be made."""
    yield from make_rig(mariadb_database, pristine_lab, tmp_path, monkeypatch)


@contextmanager
def account_without_rights(rig):
    """Let the rig use an account that may log in, and no more."""
    name = f"u{uuid.uuid4().hex[:8]}"
    bound = database.unused_binding(rig.settings).connection
    bound.query(f"CREATE USER {name} IDENTIFIED BY 'x'")
    rewrite(rig, lambda document: document.update({"database.user": name, "database.password": "x"}))
    try:
        yield name
    finally:
        bound.query(f"DROP USER {name}")
        bound.close()
