"""Keeps the leases of a round alive, whatever the round itself is busy with."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from pipeline import database, publication

if TYPE_CHECKING:
    import uuid
    from datetime import timedelta

_LOG = logging.getLogger("mapshell.heartbeat")
_LAST_BEAT_S = 5.0


class Heartbeat:
    """A thread, with a database connection of its own, that renews all leases of an owner again and again.

    What it cannot do it tries again at the next beat; that a lease was lost is noticed where something is written.

    Parameters
    ----------
    owner
        Whose leases.
    lease
        How long a lease lasts; it is renewed ten times as often.
    """

    def __init__(self, owner: uuid.UUID, lease: timedelta) -> None:
        self._lease = lease
        self._over = threading.Event()
        # Not by the table classes: they belong to whatever database is bound when the thread comes round to it.
        self._connection = database.connection()
        self._owner = str(owner) if self._connection.adapter.backend == "postgresql" else owner.bytes
        self._table = publication.Claim.full_table_name
        self._thread = threading.Thread(target=self._run, name="mapshell leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a beat that hangs is not waited for."""
        self._over.set()
        self._thread.join(_LAST_BEAT_S)

    def _run(self) -> None:
        while not self._over.wait(self._lease.total_seconds() / 10):
            try:
                self._beat()
            except Exception:  # noqa: BLE001 - a beat that fails must not end the round
                _LOG.debug("The leases could not be renewed.", exc_info=True)

    def _beat(self) -> None:
        from pipeline.database import server as db_server

        now = self._connection.query(f"SELECT {db_server.utc_now_sql(self._connection)}").fetchone()[0]
        self._connection.query(
            f"UPDATE {self._table} SET expires_at = %s WHERE owner = %s",  # noqa: S608
            (now + self._lease, self._owner),
        )
