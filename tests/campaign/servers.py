"""A database server of the campaign's own, which may be killed at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from pipeline import embedded
from pipeline.embedded import cluster
from pipeline.settings.types import DatabaseSettings, Secret
from tests import mariadb
from tests.conftest import account

KINDS = ("postgresql", "mariadb")


def start(kind, folder):
    """Start a server of a kind in a folder of its own; ``stop`` must be called."""
    return {"postgresql": PostgreSQL, "mariadb": MariaDB}[kind](Path(folder))


def missing(kind):
    """Return what a kind of server needs and is not there, in words; None when all is."""
    if kind == "mariadb" and not mariadb.found():
        return "mariadbd or mariadb-install-db is not installed (Debian: apt install mariadb-server-core)"
    return None


class PostgreSQL:
    """The embedded PostgreSQL, through the product's own launcher."""

    kind = "postgresql"

    def __init__(self, folder):
        self._folder = folder
        address = embedded.start(folder, idle_minutes=30)
        self.settings = account(address)
        with contextlib.closing(self._root()) as connection, connection.cursor() as cursor:
            # What dies here are processes, never the computer: the file system keeps what was written to it.
            for setting in ("fsync", "full_page_writes"):
                cursor.execute(f"ALTER SYSTEM SET {setting} = off")
            cursor.execute("SELECT pg_reload_conf()")

    def _root(self):
        import psycopg2

        connection = psycopg2.connect(
            host=self.settings.host,
            port=self.settings.port,
            user=cluster.SUPERUSER,
            password=cluster.read_secrets(self._folder).superuser,
            dbname=self.settings.name,
            connect_timeout=10,
        )
        connection.autocommit = True
        return connection

    def connect(self):
        """Return a connection of the driver's own; waits for a server that is recovering."""
        return _until(self._root, 60)

    def cut(self):
        """End all connections but ours."""
        with contextlib.closing(self._root()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def crash(self):
        """Kill a process of the server: it throws everybody out, and recovers from its log."""
        with contextlib.closing(self._root()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            os.kill(cursor.fetchone()[0], signal.SIGKILL)

    def ready(self, seconds=60):
        """Wait until it answers."""
        _until(lambda: self._root().close(), seconds)

    @contextlib.contextmanager
    def readonly(self):
        """Let new connections of the account read alone."""
        self._say(f'ALTER ROLE "{self.settings.user}" SET default_transaction_read_only = on')
        try:
            yield
        finally:
            self._say(f'ALTER ROLE "{self.settings.user}" RESET default_transaction_read_only')

    def _say(self, statement):
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def stop(self):
        embedded.delete(self._folder)


class MariaDB:
    """A MariaDB from Debian's packages."""

    kind = "mariadb"

    def __init__(self, folder):
        assert mariadb.found(), missing(self.kind)
        self._command, port = mariadb.prepare(folder, log_at_commit=2)  # what dies here are processes
        self._folder = folder
        self._process = None
        self.settings = DatabaseSettings(
            backend="mysql", host="127.0.0.1", port=port, user="root", password=Secret(""), name=None
        )
        self._begin()
        # A password, so that there is one to be found where it should not be.
        with contextlib.closing(self._root()) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER 'campaign'@'%' IDENTIFIED BY 'a-word-of-the-campaign'")
            cursor.execute("GRANT ALL PRIVILEGES ON *.* TO 'campaign'@'%'")
        self.settings = DatabaseSettings(
            backend="mysql",
            host="127.0.0.1",
            port=port,
            user="campaign",
            password=Secret("a-word-of-the-campaign"),
            name=None,
        )

    def _begin(self):
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ready()

    def _root(self):
        import pymysql

        return pymysql.connect(host="127.0.0.1", port=self.settings.port, user="root", connect_timeout=10)

    def connect(self):
        return _until(self._root, 60)

    def cut(self):
        with contextlib.closing(self._root()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'campaign'")
            for (number,) in cursor.fetchall():
                with contextlib.suppress(Exception):  # it has ended meanwhile
                    cursor.execute(f"KILL CONNECTION {int(number)}")

    def crash(self):
        self._process.kill()
        self._process.wait()
        self._begin()

    def ready(self, seconds=60):
        _until(lambda: self._root().close(), seconds)

    @contextlib.contextmanager
    def readonly(self):
        self._say("REVOKE INSERT, UPDATE, DELETE ON *.* FROM 'campaign'@'%'")
        try:
            yield
        finally:
            self._say("GRANT ALL PRIVILEGES ON *.* TO 'campaign'@'%'")

    def _say(self, statement):
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def stop(self):
        self._process.kill()
        self._process.wait()


def _until(attempt, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
