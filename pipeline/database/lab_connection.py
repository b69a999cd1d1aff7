"""One database connection object for DataJoint, with a connection of its own for each thread.

DataJoint's class holds a single driver connection, does not reconnect on PostgreSQL, and after a reconnect runs the
same statement again, whatever it was.  Here

- each thread has its own driver connection and transaction state,
- a lost connection is reopened for a bounded time, and only statements that read are repeated by themselves:
  whether a lost write took place must be read from the tables (``database.run_transaction`` does),
- a lost connection leaves no stale transaction behind,
- errors are ours (``pipeline.database.errors``).
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from pipeline.database import errors as db_errors
from pipeline.database.adapter import adapter
from pipeline.database.drivers import Target, connect, driver_errors, is_open, quiet_config
from pipeline.database.quiet import dj
from pipeline.errors import DatabaseError, DatabaseUnavailable, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.database.lab_tables import LabTables

RECONNECT_FOR_S = 15.0
# A connection that was idle this long is looked at before a write is entrusted to it.
_IDLE_CHECK_S = 5.0
# DataJoint 2.3 restricts by uuid in MySQL's notation everywhere.  Inside a quoted text the quotes are doubled, so that
# only such literals match.
_UUID_LITERAL = re.compile(r"=X'([0-9a-f]{32})'")
_READS = re.compile(r"\s*(SELECT|SHOW)\b", re.IGNORECASE)


class _ThreadState(threading.local):
    """What belongs to one thread."""

    raw: Any = None
    generation: int = -1
    in_transaction: bool = False
    last_used: float = 0.0


class LabConnection(dj.Connection):  # type: ignore[misc]
    """A DataJoint connection to the lab's database.

    Parameters
    ----------
    resolve
        Tells where to connect; asked again at each reconnect (an embedded server may come back on another port).
    sleep
        How to wait between attempts.

    Raises
    ------
    pipeline.errors.DatabaseUnavailable
        The server cannot be reached; after ten seconds at the most.
    """

    def __init__(self, resolve: Callable[[], Target], *, sleep: Callable[[float], None] = time.sleep) -> None:
        # The parent's constructor is left out on purpose: it connects with its own settings, logs and warns.
        self._resolve = resolve
        self._sleep = sleep
        self._mine = _ThreadState()
        self._generation = 0
        self._opened: weakref.WeakSet[Any] = weakref.WeakSet()
        self._query_cache = None
        self.target = resolve()
        self.adapter = adapter(self.target.backend)
        self._config = quiet_config(self.target.backend)
        self.rewrite: Callable[[str], str] | None = None
        self.lab_tables: LabTables | None = None
        self.schemas: dict[str, Any] = {}
        self.dependencies = dj.connection.Dependencies(self)
        self._open()
        self.connection_id = self.adapter.get_connection_id(self._conn)

    # ---- what DataJoint reads

    @property
    def conn_info(self) -> dict[str, Any]:
        """Where this connection leads (DataJoint compares and prints it)."""
        target = self.target
        return {"host": target.host, "port": target.port, "user": target.user, "database_name": target.name}

    @property
    def _conn(self) -> Any:
        """The driver connection of this thread, opened when there is none."""
        if self._mine.raw is None or self._mine.generation != self._generation:
            self._reopen()
        return self._mine.raw

    @property
    def is_connected(self) -> bool:
        """Whether this thread's connection is open, asking the server."""
        raw = self._mine.raw
        if raw is None or self._mine.generation != self._generation:
            return False
        try:
            self._ping(raw)
        except Exception:  # noqa: BLE001 - whatever the driver says: it is not connected
            return False
        return True

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open."""
        return self._mine.in_transaction

    @property
    def _in_transaction(self) -> bool:
        return self._mine.in_transaction

    # ---- opening and closing

    def connect(self) -> None:
        """Open this thread's connection anew."""
        self._forget()
        self._open()

    def _open(self) -> None:
        self.target = self._resolve()
        try:
            raw = connect(self.target, self.adapter)
        except DatabaseError:
            raise
        except Exception as error:
            if isinstance(error, (KeyError, TypeError, AttributeError, AssertionError)):
                raise
            raise db_errors.unreachable(
                error, place=self.target.place, user=self.target.user, embedded=self.target.embedded
            ) from error
        self._mine.raw = raw
        self._mine.generation = self._generation
        self._mine.in_transaction = False
        self._mine.last_used = time.monotonic()
        self._opened.add(raw)

    def _reopen(self) -> None:
        """Open again for a bounded time, as a restarting server needs."""
        self._forget()
        deadline = time.monotonic() + RECONNECT_FOR_S
        pause = 0.05
        while True:
            try:
                self._open()
            except (DatabaseUnavailable, ServiceError):
                if time.monotonic() + pause > deadline:
                    raise
                self._sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                return

    def _forget(self) -> None:
        raw, self._mine.raw = self._mine.raw, None
        self._mine.in_transaction = False
        if raw is not None:
            self._opened.discard(raw)
            with contextlib.suppress(Exception):
                raw.close()

    def close(self) -> None:
        """Close the connections of all threads; the next use opens a new one."""
        self._generation += 1
        for raw in list(self._opened):
            with contextlib.suppress(Exception):
                raw.close()
        self._opened.clear()
        self._mine.raw = None
        self._mine.in_transaction = False

    def ping(self) -> None:
        """Ask the server for a sign of life; raises when there is none."""
        self._ping(self._conn)

    def _ping(self, raw: Any) -> None:
        with raw.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    # ---- statements

    def query(
        self,
        query: str,
        args: Any = (),
        *,
        as_dict: bool = False,
        suppress_warnings: bool = True,  # noqa: ARG002 - DataJoint's signature
        reconnect: bool | None = None,
    ) -> Any:
        """Run one statement and return its cursor.

        Raises
        ------
        pipeline.database.errors.ConnectionLost
            In a transaction, or while writing: read the tables before writing again.
        """
        if self.rewrite is not None:
            query = self.rewrite(query)
        if self.adapter.backend == "postgresql":
            query = _UUID_LITERAL.sub(r"='\1'::uuid", query)

        def run(raw: Any) -> Any:
            cursor = self.adapter.get_cursor(raw, as_dict=as_dict)
            cursor.execute(query, args)
            return cursor

        return self.run(run, query, repeat=bool(_READS.match(query)) and reconnect is not False)

    def run(self, action: Callable[[Any], Any], query: str, *, repeat: bool = False) -> Any:
        """Do something with this thread's driver connection.

        Parameters
        ----------
        action
            Called with the driver connection.
        query
            The statement, for errors.
        repeat
            The action only reads, and may be done again after a lost connection.
        """
        if self.lab_tables is not None:
            self.lab_tables.refuse_change(query)
        mine = self._mine
        fresh = mine.raw is None or mine.generation != self._generation
        if not fresh and not mine.in_transaction and not repeat:
            self._check_idle()
        try:
            return self._attempt(action, query)
        except db_errors.ConnectionLost:
            inside = mine.in_transaction
            self._forget()
            if inside or not repeat:
                raise
            self._reopen()
        return self._attempt(action, query)

    def _attempt(self, action: Callable[[Any], Any], query: str) -> Any:
        raw = self._conn
        try:
            result = action(raw)
        except Exception as error:
            if not isinstance(error, driver_errors(self.adapter.backend)):
                raise
            raise db_errors.translate(
                error,
                self.adapter,
                place=self.target.place,
                user=self.target.user,
                query=query,
                is_open=is_open(raw, self.adapter.backend),
            ) from error
        except BaseException:
            # Interrupted between question and answer: the next one must not read this one's answer.
            self._forget()
            raise
        self._mine.last_used = time.monotonic()
        return result

    def _check_idle(self) -> None:
        """Reopen a connection that the server closed while we were busy elsewhere, before anything is written."""
        if time.monotonic() - self._mine.last_used < _IDLE_CHECK_S:
            return
        try:
            self._attempt(self._ping, "SELECT 1")
        except db_errors.ConnectionLost:
            self._reopen()

    # ---- transactions

    def start_transaction(self) -> None:
        """Begin a transaction in this thread."""
        if self._mine.in_transaction:
            raise dj.errors.DataJointError("A transaction is open already in this thread; they do not nest.")
        # Nothing was written yet: beginning may be repeated on a new connection.
        self.run(lambda raw: raw.cursor().execute(self.adapter.start_transaction_sql()), "BEGIN", repeat=True)
        self._mine.in_transaction = True

    def cancel_transaction(self) -> None:
        """Roll back; a transaction whose connection is gone was rolled back by the server."""
        if not self._mine.in_transaction:
            return
        try:
            self.run(lambda raw: raw.cursor().execute(self.adapter.rollback_sql()), "ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection that cannot roll back must not be used again
            self._forget()
        self._mine.in_transaction = False

    def commit_transaction(self) -> None:
        """Commit.

        Raises
        ------
        pipeline.database.errors.ConnectionLost
            With ``in_commit`` true: the answer was lost; only the tables can tell whether it took place.
        pipeline.errors.DatabaseError
            The server rolled back instead, because of an earlier error in the transaction that was passed over.
        """

        def commit(raw: Any) -> str:
            cursor = raw.cursor()
            cursor.execute(self.adapter.commit_sql())
            return str(getattr(cursor, "statusmessage", "COMMIT"))

        try:
            answer = self.run(commit, "COMMIT")
        except db_errors.ConnectionLost as error:
            error.in_commit = True
            raise
        finally:
            self._mine.in_transaction = False
        if answer == "ROLLBACK":
            raise DatabaseError(
                f"The database at {self.target.place} rolled the transaction back after an earlier error in it.",
                remedy="Report this: the error should have been shown first.",
            )

    @property
    @contextlib.contextmanager
    def transaction(self) -> Iterator[LabConnection]:
        """Commit at the end of the block, roll back when it is left by an error."""
        self.start_transaction()
        try:
            yield self
        except BaseException:
            self.cancel_transaction()
            raise
        self.commit_transaction()

    def __repr__(self) -> str:
        name = f"/{self.target.name}" if self.target.name else ""
        return f"mapshell database {self.target.user}@{self.target.place}{name}"
