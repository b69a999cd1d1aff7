"""The supervisor's own login at the embedded PostgreSQL: setting it up, and seeing whether anybody uses it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pipeline.embedded import cluster as embedded_cluster
from pipeline.embedded import process as embedded_process
from pipeline.errors import ServiceError

if TYPE_CHECKING:
    from pathlib import Path


class Session:
    """A connection as the superuser, opened when needed; ``port`` is set once it is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._connection: Any = None

    def connect(self) -> Any:
        """Return the supervisor's own connection, to another database than the clients use (those are counted)."""
        import psycopg2

        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(
                host=embedded_process.HOST,
                port=self.port,
                user=embedded_cluster.SUPERUSER,
                password=embedded_cluster.read_secrets(self.folder).superuser,
                dbname="postgres",
                sslmode="disable",
                require_auth="scram-sha-256",
                connect_timeout=10,
                application_name="mapshell supervisor",
            )
            self._connection.autocommit = True
        return self._connection

    def ensure_database(self) -> None:
        """Create the role and database of the product on first use; the superuser is for the supervisor alone."""
        import psycopg2
        from psycopg2 import sql

        role, database = sql.Identifier(embedded_cluster.ROLE), sql.Identifier(embedded_cluster.DATABASE)
        password = sql.Literal(embedded_cluster.read_secrets(self.folder).role)
        try:
            with self.connect().cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (embedded_cluster.ROLE,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (embedded_cluster.DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
                    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        except psycopg2.Error as error:
            if "password" in str(error):
                raise ServiceError(
                    f"The embedded database in {self.folder} does not accept its own passwords.",
                    remedy=f"Restore {self.folder / 'secret.json'} from a backup, or set database.embedded anew.",
                ) from error
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ServiceError(
                f"The embedded database in {self.folder} could not be set up: {reason}",
                remedy=f"Read {self.folder / 'server.log'}. If the disk is full, make room and try again.",
            ) from error

    def use(self) -> tuple[int, int]:
        """Clients connected now, and how many sessions there ever were (short ones between two looks count too)."""
        import psycopg2

        try:
            with self.connect().cursor() as cursor:
                cursor.execute(
                    "SELECT numbackends, sessions FROM pg_stat_database WHERE datname = %s",
                    (embedded_cluster.DATABASE,),
                )
                connected, total = cursor.fetchone()
                return int(connected), int(total)
        except (psycopg2.Error, TypeError):
            # Not knowing (all connections taken, say) counts as use.
            with contextlib.suppress(psycopg2.Error, AttributeError):
                self._connection.close()
            self._connection = None
            return 1, -1

    def close(self) -> None:
        """Close the connection, if there is one."""
        import psycopg2

        with contextlib.suppress(psycopg2.Error, AttributeError):
            self._connection.close()
        self._connection = None
