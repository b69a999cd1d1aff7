"""Leases: who works on a session now.  The only lock there is, and one that nobody can leave closed."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import database, publication
from pipeline.database.reading import columns
from pipeline.errors import DatabaseError, DatabaseReadOnly, LeaseLost
from pipeline.heartbeat import Heartbeat
from pipeline.machine import machine_id
from pipeline.services import is_process, process_created

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.session import Location, SessionKey

LEASE = timedelta(minutes=10)

_CHUNK = 200
"""Leases in one statement at most."""

_OURS: set[uuid.UUID] = set()
"""The owners of leases in this process whose rounds have not ended."""


class Held(NamedTuple):
    """A lease as it lies in the database; ``free`` says why anybody may take it all the same: dead or expired."""

    holder: str
    computer: str
    since: datetime
    until: datetime
    free: str


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
        self._begin_to_write()
        claim = publication.Claim() & self._restriction(key)
        now = database.now()
        for held in claim.to_dicts():
            if held["owner"] == self._owner:
                return None
            if held["expires_at"] > now and not self._abandoned(held):
                return _holder(held)
            _drop(claim & {"owner": held["owner"]})
        row = self._row(key, now)
        database.run_transaction(
            lambda: database.insert_if_absent(publication.Claim, row), done=lambda: bool(claim & {"owner": self._owner})
        )
        found = (claim.to_dicts() or [{"owner": None, "process_id": "?", "computer": "another computer"}])[0]
        if found["owner"] != self._owner:
            return _holder(found)
        self._hold([key])
        return None

    def claim_free(self, keys: Collection[SessionKey]) -> set[SessionKey]:
        """Take the leases of those sessions that nobody has, all at once; return which sessions are ours now.

        One that is not among them may be free all the same (its lease has run out, say): :meth:`claim` tells.

        Raises
        ------
        DatabaseReadOnly
            The account may not write.
        DatabaseError
            Somebody took one of them at this very moment; none was taken.
        """
        self._begin_to_write()
        owners: dict[SessionKey, uuid.UUID] = {}
        for some in _pages(sorted(keys)):
            claims = publication.Claim() & [self._restriction(key) for key in some]
            held = columns(claims, ("subject_id", "session", "owner"))
            owners.update({(subject_id, session): uuid.UUID(bytes=bytes(owner)) for subject_id, session, owner in held})
        free = [key for key in sorted(keys) if key not in owners]
        now = database.now()
        rows = [self._row(key, now) for key in free]
        one = publication.Claim() & {**self._restriction(free[0]), "owner": self._owner} if free else None
        if free:
            database.run_transaction(lambda: database.bulk_insert(publication.Claim, rows), done=lambda: bool(one))
        self._hold(free)
        return {key for key, owner in owners.items() if owner == self._owner}.union(free)

    def _begin_to_write(self) -> None:
        if not self._writable:
            database.ensure_writable()
            database.note_writer(self._computer)
            self._writable = True

    def _row(self, key: SessionKey, now: datetime) -> dict[str, Any]:
        return {
            **self._restriction(key),
            "owner": self._owner,
            "computer": self._computer,
            "machine": self._machine,
            "process_id": os.getpid(),
            "process_began": process_created(os.getpid()),
            "claimed_at": now,
            "expires_at": now + LEASE,
        }

    def _hold(self, keys: Iterable[SessionKey]) -> None:
        self._held.update(keys)
        if self._held and self._heartbeat is None and self._owner in _OURS:
            self._heartbeat = Heartbeat(self._owner, LEASE)

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
        for some in _pages(sorted(keys)):
            which = " OR ".join(["(subject_id = %s AND session = %s)"] * len(some))
            held = bound.query(
                f"SELECT subject_id, session, owner FROM {publication.Claim.full_table_name} "  # noqa: S608
                f"WHERE globus_alias = %s AND ({which}) ORDER BY subject_id, session{lock}",
                (self._location.alias, *(number for key in some for number in key)),
            ).fetchall()
            ours = {(row[0], row[1]) for row in held if uuid.UUID(bytes=bytes(row[2])) == self._owner}
            for subject_id, session in some:
                if (subject_id, session) not in ours:
                    raise LeaseLost(
                        f"Subject {subject_id} session {session} was taken over by another process, which had not "
                        "heard of this one for too long.",
                        remedy="publish again when the other one has ended.",
                    )

    def release(self, keys: Collection[SessionKey]) -> None:
        """Give leases back."""
        for some in _pages(sorted(self._held.intersection(keys))):
            _drop(publication.Claim() & [self._restriction(key) for key in some] & {"owner": self._owner})
            self._held.difference_update(some)

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

    def look(self, key: SessionKey) -> Held | None:
        """Say who holds the lease of a session, as :meth:`claim` would judge it; None when nobody does."""
        for row in (publication.Claim() & self._restriction(key)).to_dicts():
            over = "expired" if row["expires_at"] <= database.now() else ""
            dead = "dead" if self._abandoned(row) else ""
            return Held(_holder(row), row["computer"], row["claimed_at"], row["expires_at"], dead or over)
        return None

    def _restriction(self, key: SessionKey) -> dict[str, Any]:
        return {"subject_id": key[0], "session": key[1], "globus_alias": self._location.alias}


def _pages(keys: Sequence[SessionKey]) -> Iterator[Sequence[SessionKey]]:
    return (keys[begin : begin + _CHUNK] for begin in range(0, len(keys), _CHUNK))


def _drop(claims: Any) -> None:
    """Delete leases; a connection that breaks meanwhile changes nothing."""
    database.run_transaction(claims.delete_quick, done=lambda: not claims)


def _holder(held: Mapping[str, Any]) -> str:
    return f"process {held['process_id']} on {held['computer']}"
