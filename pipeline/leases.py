"""Leases: who works on a session now.  The only lock there is, and one that nobody can leave closed."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.errors import DatabaseError

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
        self._extended = time.monotonic()
        self._writable = False
        self._held: set[SessionKey] = set()

    def __enter__(self) -> Leases:
        _OURS.add(self._owner)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
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
            "process_id": os.getpid(),
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
        return None

    def _abandoned(self, held: Mapping[str, Any]) -> bool:
        """Say whether the holder was a process of this computer that is gone, or a round of this process that ended."""
        if held["computer"] != self._computer:
            return False
        if held["process_id"] == os.getpid():
            return held["owner"] not in _OURS
        import psutil

        return not psutil.pid_exists(int(held["process_id"]))

    def extend(self, keys: Collection[SessionKey]) -> None:
        """Keep leases alive; asks the database at most every tenth of a lease."""
        if time.monotonic() - self._extended < LEASE.total_seconds() / 10:
            return
        self._extended = time.monotonic()
        expires = database.now() + LEASE
        for key in keys:
            if publication.Claim() & self._restriction(key) & {"owner": self._owner}:
                row = {**self._restriction(key), "expires_at": expires}
                database.run_transaction(partial(publication.Claim.update1, row), done=lambda: True)

    def release(self, keys: Collection[SessionKey]) -> None:
        """Give leases back."""
        for key in self._held.intersection(keys):
            _drop(publication.Claim() & self._restriction(key) & {"owner": self._owner})
            self._held.discard(key)

    def tidy(self) -> None:
        """Drop leases of processes of this computer that are gone."""
        mine = publication.Claim() & {"globus_alias": self._location.alias, "computer": self._computer}
        for held in mine.to_dicts():
            if self._abandoned(held):
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
