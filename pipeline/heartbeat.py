"""Signs of life of what goes on, whatever it is busy with: threads that renew leases, or a round's row."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.database import server as db_server

if TYPE_CHECKING:
    import uuid
    from datetime import timedelta
    from typing import Any

_LOG = logging.getLogger("mapshell.heartbeat")
_LAST_BEAT_S = 5.0


class Beating:
    """A thread, with a database connection of its own, that does something small again and again.

    What it cannot do it tries again at the next beat.

    Parameters
    ----------
    name
        Of the thread.
    every
        How long it waits between beats.
    """

    def __init__(self, name: str, every: timedelta) -> None:
        self._every = every
        self._over = threading.Event()
        # Not by the table classes: they belong to whatever database is bound when the thread comes round to it.
        self._connection = database.connection()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a beat that hangs is not waited for."""
        self._over.set()
        self._thread.join(_LAST_BEAT_S)

    def _run(self) -> None:
        while not self._over.wait(self._every.total_seconds()):
            try:
                self._beat()
            except Exception:  # noqa: BLE001 - a beat that fails must not end the round
                _LOG.debug("A sign of life could not be given.", exc_info=True)

    def _beat(self) -> None:
        raise NotImplementedError

    def _uuid(self, value: uuid.UUID) -> Any:
        """Return a key as this server has it."""
        return str(value) if self._connection.adapter.backend == "postgresql" else value.bytes


class Heartbeat(Beating):
    """Renews all leases of an owner.  That one was lost all the same is noticed where something is written.

    Parameters
    ----------
    owner
        Whose leases.
    lease
        How long a lease lasts; it is renewed ten times as often.
    """

    def __init__(self, owner: uuid.UUID, lease: timedelta) -> None:
        self._lease, self._owner = lease, owner
        self._table = publication.Claim.full_table_name
        super().__init__("mapshell leases", lease / 10)

    def _beat(self) -> None:
        now = self._connection.query(f"SELECT {db_server.utc_now_sql(self._connection)}").fetchone()[0]
        self._connection.query(
            f"UPDATE {self._table} SET expires_at = %s WHERE owner = %s",  # noqa: S608
            (now + self._lease, self._uuid(self._owner)),
        )
