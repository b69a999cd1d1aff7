"""Database servers of a test's own, which it stops, kills and makes read-only while something is written."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace

import psutil
import pytest

from pipeline import embedded, services
from pipeline.embedded import cluster as embedded_cluster
from pipeline.settings.types import DatabaseSettings, Secret, Settings
from tests import conftest as given
from tests import mariadb

DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1")
"""What was committed outlives a kill, as in a lab."""


class OwnMariaDB:
    """A private MariaDB, with an account that may not write while the server is read-only."""

    def __init__(self, folder):
        if not mariadb.found():
            pytest.skip(mariadb.MISSING)
        self._folder = folder
        state = given._start_mariadb(folder)
        self._port = state.data["port"]
        self._command = [*psutil.Process(state.pid).cmdline(), *DURABLE]
        self.stop()
        self.start()
        with self._root() as ask:
            ask("CREATE USER lab IDENTIFIED BY 'of the lab'")
            ask("GRANT CREATE, DROP, SELECT, INSERT, UPDATE, DELETE, ALTER, INDEX, REFERENCES ON *.* TO lab")
        own = DatabaseSettings(backend="mysql", host="127.0.0.1", port=self._port)
        self.settings = Settings(database=replace(own, user="lab", password=Secret("of the lab"), schema_prefix="own_"))

    @contextlib.contextmanager
    def _root(self):
        import pymysql

        connection = pymysql.connect(host="127.0.0.1", port=self._port, user="root", autocommit=True)
        with contextlib.closing(connection), connection.cursor() as cursor:
            yield cursor.execute

    def kill(self):
        """End it at once, as a power cut does."""
        given._stop_mariadb(self._folder)

    def stop(self):
        """Shut it down in order."""
        state = services.read_state(self._folder / "state.json")
        with self._root() as ask:
            ask("SHUTDOWN")
        assert services.wait_until(lambda: not services.is_alive(state), timeout=60)

    def start(self):
        """Start it again on the same data, at the same port."""
        watcher = services.spawn(self._command, log=self._folder / "log", cwd=self._folder)

        def is_up():
            assert watcher.poll() is None, (self._folder / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return True
            return False

        assert services.wait_until(is_up, timeout=60), (self._folder / "log").read_text()
        watcher.returncode = 0  # nobody waits for it
        services.write_state(self._folder / "state.json", services.new_state("mariadb", {}, pid=watcher.pid))

    def refuse_writing(self, refuse):
        """Make it read-only for ordinary accounts, or end that."""
        with self._root() as ask:
            ask(f"SET GLOBAL read_only = {int(refuse)}")

    def delete(self):
        given._stop_mariadb(self._folder)


class OwnPostgreSQL:
    """An embedded PostgreSQL, through the product's own launcher."""

    def __init__(self, folder):
        self._folder = folder
        self.start()
        address = self._address
        own = DatabaseSettings(backend="postgresql", host=address.host, port=address.port, user=address.user)
        self.settings = Settings(
            database=replace(own, password=Secret(address.password), name=address.name, schema_prefix="own_")
        )

    def start(self):
        self._address = embedded.start(self._folder, idle_minutes=5)

    def stop(self):
        embedded.stop(self._folder)

    def kill(self):
        state = embedded.status(self._folder)
        psutil.Process(state.server_pid).kill()
        assert services.wait_until(lambda: services.process_created(state.supervisor_pid) is None, timeout=30)

    def refuse_writing(self, refuse):
        import psycopg2

        connection = psycopg2.connect(
            host=self._address.host,
            port=self._address.port,
            user=embedded_cluster.SUPERUSER,
            password=embedded_cluster.read_secrets(self._folder).superuser,
            dbname="postgres",
        )
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if refuse else 'off'}")
            cursor.execute("SELECT pg_reload_conf()")

    def delete(self):
        embedded.delete(self._folder)


SERVERS = {"postgresql": OwnPostgreSQL, "mariadb": OwnMariaDB}
