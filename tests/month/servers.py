"""Database servers that have the month's time: those of the campaign, which may be killed at any time."""

from __future__ import annotations

import contextlib
import subprocess

from tests.campaign import servers as plain
from tests.integration.rig import wait_until

from . import clock

KINDS = plain.KINDS


def start(kind, folder):
    """Start a server of a kind in a folder of its own; ``stop`` must be called."""
    return {"postgresql": PostgreSQL, "mariadb": MariaDB}[kind](folder)


def missing(kind):
    """Return what a kind of server needs and is not there, in words; None when all is."""
    if kind == "mariadb" and clock.library() is None:
        return clock.MISSING
    return plain.missing(kind)


_OURS = """
CREATE SCHEMA month;
CREATE TABLE month.clock (ahead interval NOT NULL);
INSERT INTO month.clock VALUES ('0');
CREATE FUNCTION month.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM month.clock)';
GRANT USAGE ON SCHEMA month TO {role};
GRANT SELECT ON month.clock TO {role};
ALTER ROLE {role} SET search_path = month, pg_catalog, public;
"""


class PostgreSQL(plain.PostgreSQL):
    """The embedded PostgreSQL: the function that gives the time is found in a schema of ours before the server's."""

    def __init__(self, folder):
        super().__init__(folder)
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(_OURS.format(role=self.settings.user))

    def follow(self, ahead):
        """Let it be so far ahead."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE month.clock SET ahead = make_interval(secs => %s)", (ahead.total_seconds(),))


class MariaDB(plain.MariaDB):
    """A MariaDB under libfaketime."""

    def __init__(self, folder):
        self._ahead = folder.with_name("mariadb-ahead")
        self._ahead.write_text("+0\n")
        super().__init__(folder)

    def _begin(self):
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clock.environment(self._ahead)
            )
        self.ready()

    def follow(self, ahead):
        """Let it be so far ahead; it looks at its file once a second."""
        new = self._ahead.with_suffix(".new")
        new.write_text(f"+{ahead.total_seconds():.3f}\n")
        new.replace(self._ahead)
        wait_until(lambda: abs(self._seen() - ahead.total_seconds()) < 1)

    def _seen(self):
        import time

        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000")
            return float(cursor.fetchone()[0]) - time.time()
