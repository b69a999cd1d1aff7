"""What a database says when it fails, in our words: lost, busy, read-only, refused.

Errors that DataJoint itself looks for stay of its classes as well, so that its own code goes on to work.
"""

from __future__ import annotations

from typing import Any

from pipeline.database.quiet import dj
from pipeline.errors import DatabaseError, DatabaseReadOnly, DatabaseUnavailable
from pipeline.private.redaction import redact

# PostgreSQL SQLSTATE codes: shut down by the administrator, crashed, starting up, and the class of connection errors.
_PG_LOST = {"57P01", "57P02", "57P03", "57P05", "25P03"}
_PG_RETRY = {"40001", "40P01", "55P03"}  # serialisation failure, deadlock, lock timeout
_PG_READ_ONLY = {"42501", "25006"}
_PG_FULL = {"53100", "53200"}
_MYSQL_LOST = {0, 1053, 1077, 1079, 1080, 2003, 2006, 2013, 2055, 4031}
_MYSQL_RETRY = {1205, 1213}
_MYSQL_READ_ONLY = {1044, 1142, 1143, 1227, 1290, 1370, 1792, 1836}
_MYSQL_FULL = {1021, 1114}
_MYSQL_PACKET = 1153

_REMEDY_REPEAT = "Run the command again: it reads what is there and goes on."


class ConnectionLost(DatabaseUnavailable, dj.errors.LostConnectionError):  # type: ignore[misc]
    """The connection broke during a statement.

    Parameters
    ----------
    in_commit
        The answer to a COMMIT was lost: whether the transaction took place must be read from the tables.
    """

    in_commit = False


class ReadOnly(DatabaseReadOnly, dj.errors.AccessError):  # type: ignore[misc]
    """The account or the server refuses to write."""


class Busy(DatabaseError):
    """A deadlock or a lock that did not come free: the transaction was rolled back and may be run again."""


def lost(place: str, error: BaseException | None = None) -> ConnectionLost:
    """Make the error of a broken connection to ``place``."""
    reason = f" ({_first_line(error)})" if error is not None and _first_line(error) else ""
    return ConnectionLost(f"The connection to the database at {place} was lost{reason}.", remedy=_REMEDY_REPEAT)


def _first_line(error: BaseException) -> str:
    parts = [str(part) for part in error.args if str(part).strip()]
    return redact(parts[-1].strip()).splitlines()[0].rstrip(".") if parts else ""  # a driver may tell what it was given


def translate(error: Exception, adapter: Any, *, place: str, user: str, query: str, is_open: bool) -> Exception:
    """Turn a driver's error into ours, or into DataJoint's where its code tells them apart.

    Parameters
    ----------
    error
        What the driver raised.
    adapter
        DataJoint's adapter of the backend.
    place
        Host and port, for the message.
    user
        The account, for the message.
    query
        The statement that failed.
    is_open
        Whether the driver still holds the connection open.
    """
    if not is_open:
        return lost(place, error)
    postgres = adapter.backend == "postgresql"
    code = getattr(error, "pgcode", None) if postgres else (error.args[0] if error.args else None)
    if (postgres and (code in _PG_LOST or str(code).startswith("08"))) or (not postgres and code in _MYSQL_LOST):
        return lost(place, error)
    if code in (_PG_READ_ONLY if postgres else _MYSQL_READ_ONLY):
        return ReadOnly(
            f"The account {user} at {place} may not do this: {_first_line(error)}.",
            remedy="Ask the database's administrator for the right to read, insert, update and delete in mapshell's "
            "schemas (and to create them once), or use another account: database.user.",
        )
    if code in (_PG_RETRY if postgres else _MYSQL_RETRY):
        return Busy(
            f"The database at {place} was busy with the same rows: {_first_line(error)}.", remedy=_REMEDY_REPEAT
        )
    if code in (_PG_FULL if postgres else _MYSQL_FULL):
        return DatabaseError(
            f"The database at {place} has no room left: {_first_line(error)}.",
            remedy="Make room on the disk of the database server, then run the command again.",
        )
    if not postgres and code == _MYSQL_PACKET:
        return DatabaseError(
            f"The database at {place} refuses a row of this size: {_first_line(error)}.",
            remedy="Raise max_allowed_packet on the server (64 MB will do).",
        )
    known = adapter.translate_error(error, query)
    if isinstance(known, dj.errors.DataJointError):
        return known  # type: ignore[no-any-return]
    return DatabaseError(
        f"The database at {place} refused: {_first_line(error)}.",
        remedy="If the message does not tell what to mend, report it together with the command.",
    )


def unreachable(error: Exception, *, place: str, user: str, embedded: bool) -> DatabaseUnavailable:
    """Make the error of a connection that could not be opened."""
    reason = _first_line(error)
    text = str(error).lower()
    code = error.args[0] if error.args else None
    if code in {1045, 1698} or "password authentication failed" in text or "no pg_hba.conf entry" in text:
        remedy = "Check database.user and database.password, and that this computer may log in."
    elif code == 1040 or "too many" in text or "remaining connection slots" in text:
        remedy = "Wait for others to finish, or raise the number of connections that the server allows."
    elif "does not exist" in text:
        remedy = "Check database.name and database.user."
    elif embedded:
        remedy = "Run: mapshell services start"
    else:
        remedy = "Check that the server runs and can be reached from here, and database.host and database.port."
    return DatabaseUnavailable(f"The database at {place} cannot be reached as {user}: {reason}.", remedy=remedy)
