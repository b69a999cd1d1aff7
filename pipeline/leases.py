"""Leases: who works on a session now.  The only lock there is, and one that nobody can leave closed."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.errors import DatabaseError, DatabaseReadOnly, LeaseLost
from pipeline.heartbeat import Heartbeat
from pipeline.machine import machine_id
from pipeline.services import is_process, process_created

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline.archive.session import Location, SessionKey

LEASE = timedelta(minutes=10)

_OURS: set[uuid.UUID] = set()
"""The owners of leases in this process whose rounds have not ended."""


class Leases:
    """The leases of one round at one location.

    Parameters
    ----------
    location
        The storage location.
    computer
        This computer's name, as other computers will see it.
    """

    def __init__(self, location: Location, computer: str) -> None:
        self._location = location
        self._computer = computer
        self._owner = uuid.uuid4()
        self._machine = machine_id()
        self._heartbeat: Heartbeat | None = None
        self._writable = False
        self._held: set[SessionKey] = set()

    def __enter__(self) -> Leases:
        _OURS.add(self._owner)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        # What cannot be given back, because the database was lost, is nobody's from now on.
        _OURS.discard(self._owner)
        if kind is not None and self._held:  # somebody interrupted us
            with suppress(DatabaseError):
                (publication.Claim() & {"owner": self._owner}).delete_quick()

    def claim(self, key: SessionKey) -> str | None:
        """Take the lease of a session; None when it is ours now, else who holds it.

        Raises
        ------
        DatabaseReadOnly
            The account may not write; said here, before anything is submitted.
        """
        if not self._writable:
            database.ensure_writable()
            database.note_writer(self._computer)
            self._writable = True
        claim = publication.Claim() & self._restriction(key)
        now = database.now()
        for held in claim.to_dicts():
            if held["owner"] == self._owner:
                return None
            if held["expires_at"] > now and not self._abandoned(held):
                return _holder(held)
            _drop(claim & {"owner": held["owner"]})
        row = {
            **self._restriction(key),
            "owner": self._owner,
            "computer": self._computer,
            "machine": self._machine,
            "process_id": os.getpid(),
            "process_began": process_created(os.getpid()),
            "claimed_at": now,
            "expires_at": now + LEASE,
        }
        database.run_transaction(
            lambda: database.insert_if_absent(publication.Claim, row), done=lambda: bool(claim & {"owner": self._owner})
        )
        found = (claim.to_dicts() or [{"owner": None, "process_id": "?", "computer": "another computer"}])[0]
        if found["owner"] != self._owner:
            return _holder(found)
        self._held.add(key)
        if self._heartbeat is None and self._owner in _OURS:
            self._heartbeat = Heartbeat(self._owner, LEASE)
        return None

    def _abandoned(self, held: Mapping[str, Any]) -> bool:
        """Say whether the holder was a process of this machine that is gone, or a round of this process that ended."""
        if held["machine"] != self._machine or held["process_began"] is None:
            return False
        if not is_process(int(held["process_id"]), float(held["process_began"])):
            return True
        return held["process_id"] == os.getpid() and held["owner"] not in _OURS

    def keep(self, keys: Collection[SessionKey]) -> None:
        """Make sure that sessions are still ours; in a transaction, that they stay ours until its end.

        Raises
        ------
        LeaseLost
            Another process has taken one of them: it was not heard of us for the length of a lease.
        """
        bound = database.connection()
        lock = " FOR UPDATE" if bound.in_transaction else ""
        for subject_id, session in sorted(keys):
            held = bound.query(
                f"SELECT owner FROM {publication.Claim.full_table_name} "  # noqa: S608
                f"WHERE subject_id = %s AND session = %s AND globus_alias = %s{lock}",
                (subject_id, session, self._location.alias),
            ).fetchone()
            if held is None or uuid.UUID(bytes=bytes(held[0])) != self._owner:
                raise LeaseLost(
                    f"Subject {subject_id} session {session} was taken over by another process, which had not heard "
                    "of this one for too long.",
                    remedy="publish again when the other one has ended.",
                )

    def release(self, keys: Collection[SessionKey]) -> None:
        """Give leases back."""
        for key in self._held.intersection(keys):
            _drop(publication.Claim() & self._restriction(key) & {"owner": self._owner})
            self._held.discard(key)

    def tidy(self) -> None:
        """Drop leases of processes of this machine that are gone."""
        mine = publication.Claim() & {"globus_alias": self._location.alias, "machine": self._machine}
        for held in mine.to_dicts():
            if self._abandoned(held):
                with suppress(DatabaseReadOnly):  # they hinder nobody
                    _drop(mine & {"owner": held["owner"]})

    def working(self) -> dict[SessionKey, str]:
        """Return which computer works on a session now, of those that somebody works on."""
        held = (publication.Claim() & {"globus_alias": self._location.alias}).to_dicts()
        now = database.now() if held else None
        return {
            (row["subject_id"], row["session"]): row["computer"]
            for row in held
            if row["expires_at"] > now and not self._abandoned(row)
        }

    def _restriction(self, key: SessionKey) -> dict[str, Any]:
        return {"subject_id": key[0], "session": key[1], "globus_alias": self._location.alias}


def _drop(claims: Any) -> None:
    """Delete leases; a connection that breaks meanwhile changes nothing."""
    database.run_transaction(claims.delete_quick, done=lambda: not claims)


def _holder(held: Mapping[str, Any]) -> str:
    return f"process {held['process_id']} on {held['computer']}"
