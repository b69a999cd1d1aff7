"""The lab's database: connecting, binding the tables, transactions, time.

>>> from pipeline import database
>>> database.is_bound()
False

Nothing is connected on import.  The first use of any table binds all of them to the configured database; ``bind`` with
other settings moves them.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.database.writing import ensure_writable, note_writer, refuse_entering
from pipeline.errors import ConfigError, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.database.binding import Binding
    from pipeline.database.drivers import Target
    from pipeline.database.lab_connection import LabConnection
    from pipeline.database.migrations import Migration
    from pipeline.settings.types import DatabaseSettings, Settings

__all__ = ["ensure_writable", "note_writer", "refuse_entering"]

T = TypeVar("T")
ATTEMPTS = 5


def bind(
    settings: Settings | None = None, *, migrations: Sequence[Migration] | None = None, lock_out: bool = False
) -> LabConnection:
    """Connect, make sure that all tables exist, and make every table class use this database.

    Parameters
    ----------
    settings
        Whose database to use; by default the one in use, else that of the configuration at hand.
    migrations
        The steps of the tables that the program knows; this program's own by default.
    lock_out
        Take steps that lock older programs out, too; ask the person first.

    Returns
    -------
    LabConnection
        The connection.  The same settings again give the same one.

    Raises
    ------
    pipeline.errors.DatabaseUnavailable
        The server cannot be reached.
    pipeline.errors.ServiceError
        The embedded server is not running (``mapshell services start`` starts it).
    pipeline.errors.SchemaVersionError
        The tables are of a mapshell that this one must not write beside.
    pipeline.errors.DatabaseReadOnly
        Tables are missing and the account may not create them.
    pipeline.errors.ConfigError
        The configuration does not say how to connect.
    """
    from pipeline.database import binding, lookups
    from pipeline.database import migrations as steps

    with binding.LOCK:
        present = binding.get_current()
        if settings is None:
            if present is not None:
                return present.connection
            from pipeline.settings import load

            settings = load()
        if present is not None and present.identity == settings.database:
            present.settings = settings
            return present.connection
        made = unused_binding(settings)
        binding.set_current(made)
        try:
            steps.ensure_tables(made, migrations, lock_out=lock_out)
            lookups.sync(made)
        except BaseException:
            binding.set_current(present)
            made.connection.close()
            raise
        if present is not None:
            present.connection.close()
        return made.connection


def unused_binding(settings: Settings) -> Binding:
    """Connect to the database of the settings, whatever is in it; no table is made, and none uses it."""
    from pipeline.database import binding, first_look, migrations, standing_in

    _load_table_modules()
    migrations.check_prefix(settings.database.schema_prefix)
    from pipeline.database.lab_connection import LabConnection

    database = settings.database
    connection = LabConnection(lambda: _target(database))
    seen = first_look.look(connection, database.schema_prefix)
    made = binding.Binding(
        connection,
        database.schema_prefix,
        identity=database,
        lab_schemas=standing_in.schemas(database, seen),
        seen=seen,
    )
    made.settings = settings
    return made


def unbind() -> None:
    """Close the connections; the next use of a table binds anew."""
    from pipeline.database import binding

    with binding.LOCK:
        present = binding.get_current()
        binding.set_current(None)
        if present is not None:
            present.connection.close()


def is_bound() -> bool:
    """Tell whether the tables are bound to a database."""
    from pipeline.database import binding

    return binding.get_current() is not None


def connection() -> LabConnection:
    """Return the connection of the tables, bound to the configured database when there is none yet."""
    return bind()


def bound_settings() -> Settings:
    """Return the settings that the tables were bound with; binds to those at hand when there is no binding yet."""
    from pipeline.database import binding

    bind()
    present = binding.get_current()
    assert present is not None  # noqa: S101 - bind() has just made sure
    assert present.settings is not None  # noqa: S101 - bind() sets them
    return present.settings


def describe() -> dict[str, str]:
    """Tell where the rows are kept, without any secret: server, place, database, prefix of the schemas."""
    from pipeline.database import binding
    from pipeline.database import server as db_server

    bound = bind()
    present = binding.get_current()
    assert present is not None  # noqa: S101 - bind() has just made sure
    return {
        "server": db_server.version(bound),
        "place": bound.target.place,
        "database": bound.target.name or "",
        "prefix": present.prefix,
        "kind": "embedded" if bound.target.embedded else "server",
    }


def _load_table_modules() -> None:
    """Import all tables, in the order in which they depend on each other."""
    from pipeline import lab, experiment, ephys, tracking, publication  # noqa: F401, I001 - the order of creation


def _target(database: DatabaseSettings) -> Target:
    from pipeline.database.drivers import Target

    if database.host is None:
        if database.embedded is None:
            raise ConfigError(
                "No database is configured.", remedy="Set database.host, or database.embedded, in dj_local_conf.json."
            )
        from pipeline import embedded

        found = embedded.address(database.embedded)
        return Target(
            backend="postgresql",
            host=found.host,
            port=found.port,
            user=found.user,
            password=found.password,
            name=found.name,
            use_tls=False,
            embedded=True,
        )
    if not database.user or database.password is None:
        raise ConfigError(
            f"The account for the database at {database.host} is not configured.",
            remedy="Set database.user, and the password in the environment (DJ_PASS) or as database.password.",
        )
    return Target(
        backend=database.backend,
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password.get_secret_value(),
        name=database.name if database.backend == "postgresql" else None,
        use_tls=database.use_tls,
    )


# ---- transactions


@contextlib.contextmanager
def transaction() -> Iterator[LabConnection]:
    """Commit at the end of the block, roll back when it is left by an error; keep it short, it is not repeated."""
    bound = bind()
    with bound.transaction:
        yield bound


def run_transaction(
    work: Callable[[], T],
    *,
    done: Callable[[], bool] | None = None,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> T | None:
    """Run ``work`` in a transaction, again after a deadlock, a lock timeout or a lost connection.

    Parameters
    ----------
    work
        Reads and writes; it may be called several times, each time after everything it did was rolled back.
    done
        Asked after the answer to a commit was lost: do the tables show that it took place?  Without it such a loss
        is an error, because repeating might do the work twice.
    attempts
        How often to try.
    sleep
        How to wait between attempts.

    Returns
    -------
    object
        What ``work`` returned; None when ``done`` told that a lost commit had taken place.

    Raises
    ------
    pipeline.errors.DatabaseUnavailable
        The server did not come back, or a commit is uncertain and there is no ``done``.
    pipeline.errors.DatabaseError
        The last deadlock.
    """
    from pipeline.database import errors as db_errors

    bound = bind()
    for attempt in range(1, attempts + 1):
        try:
            with bound.transaction:
                return work()
        except (db_errors.Busy, db_errors.ConnectionLost, DatabaseUnavailable) as error:
            if getattr(error, "in_commit", False):
                if done is None:
                    raise
                if done():
                    return None
            if attempt == attempts:
                raise
            sleep(min(0.1 * 2**attempt, 2.0))
    raise AssertionError("unreachable")


# ---- rows and time


def bulk_insert(table: Any, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert many rows in few statements; see :func:`pipeline.database.bulk.bulk_insert`."""
    from pipeline.database import bulk

    return bulk.bulk_insert(bind(), table, rows)


def insert_if_absent(table: Any, row: Mapping[str, Any]) -> bool:
    """Insert one row unless its key is taken; returns whether it was inserted."""
    from pipeline.database import bulk

    return bulk.insert_if_absent(bind(), table, row)


def now() -> datetime:
    """Present time of the database server, UTC without zone, to the microsecond: one clock for all computers."""
    from pipeline.database import server as db_server

    bound = bind()
    found: datetime = bound.query(f"SELECT {db_server.utc_now_sql(bound)}").fetchone()[0]
    return found
