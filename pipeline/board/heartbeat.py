"""Every round leaves a row: who made it, when, what came of it, and how much room is left.

>>> with sign_of_life(settings, "publish", dry_run=dry_run) as life:    # doctest: +SKIP
...     report = work()
...     life.saw(sessions_here=3, queued_sessions=1, queued_bytes=10)
...     life.came_of(report)

The row is written at the beginning (*running*), renewed every minute, and finished at the end, whatever the end is.
Nothing of this may hinder the round: an account that may not write leaves no row, a lost database an unfinished one.
"""

from __future__ import annotations

import logging
import os
import uuid
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pipeline import database, publication
from pipeline.archive.paths import visible
from pipeline.board.disks import disks
from pipeline.board.tidying import DONE, FAILED, INTERRUPTED, PARTLY, RUNNING, tidy
from pipeline.database import bulk, versions
from pipeline.database import server as db_server
from pipeline.errors import DatabaseError, MapshellError, RoundOver, UsageError
from pipeline.heartbeat import Beating
from pipeline.machine import machine_id
from pipeline.private.redaction import redact
from pipeline.services import process_created

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.settings import Settings

EVERY = timedelta(minutes=1)
"""How often a round that goes on gives a sign of life."""
SILENCE = 10 * EVERY
"""After so long without one, nobody says any more that a round goes on."""

_LOG = logging.getLogger("mapshell.board")
_MOST = 2_000_000_000
_MANY_BYTES = 2**63 - 1


class _Result(Protocol):
    @property
    def stopped(self) -> MapshellError | None: ...

    @property
    def whole(self) -> bool: ...


class Life:
    """What a round tells of itself; ``next_at`` (UTC, naive) may be set until it ends."""

    def __init__(self, next_at: datetime | None = None) -> None:
        self.next_at = next_at
        self.result = DONE
        self.reason = ""
        self.facts: dict[str, Any] = {}

    def saw(
        self,
        *,
        sessions_here: int | None = None,
        queued_sessions: int | None = None,
        queued_bytes: int | None = None,
        archived_sessions: int = 0,
        archived_bytes: int = 0,
    ) -> None:
        """Tell what the round saw and did; None where it did not look."""
        self.facts = {
            "sessions_here": sessions_here,
            "queued_sessions": queued_sessions,
            "queued_bytes": queued_bytes,
            "archived_sessions": archived_sessions,
            "archived_bytes": archived_bytes,
        }

    def came_of(self, report: _Result, reason: str = "") -> None:
        """Tell how the round ended: as its report says; ``reason`` is what needs a person."""
        if report.stopped is not None:
            self.failed(report.stopped)
        elif report.whole:
            self.result, self.reason = DONE, ""
        else:
            self.result, self.reason = PARTLY, reason or str(report)

    def failed(self, error: BaseException) -> None:
        """Tell what ended the round early."""
        if isinstance(error, RoundOver):
            self.result, self.reason = INTERRUPTED, error.message
        elif isinstance(error, Exception):
            said = error.message if isinstance(error, MapshellError) else f"unexpected: {error!r}"
            self.result, self.reason = FAILED, said
        else:
            self.result, self.reason = INTERRUPTED, "it was interrupted; the next round goes on"


@contextmanager
def sign_of_life(
    settings: Settings, verb: str, *, dry_run: bool = False, scope: str = "all", next_at: datetime | None = None
) -> Iterator[Life]:
    """Write down that a round of a verb begins, that it goes on, and how it ended; a dry run leaves nothing.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    verb
        What it does: publish, discover, verify, reclaim.
    dry_run
        It changes nothing, and is no sign of life.
    scope
        "all", "chosen" when only some sessions are asked for, "drive" for a loose drive's.
    next_at
        When the next round is to begin, UTC; None: nobody knows.
    """
    life = Life(next_at)
    if dry_run:
        yield life
        return
    row = _Row(settings, verb, scope)
    row.begin(life)
    try:
        yield life
    except UsageError:
        row.forget()  # nothing was asked that could be done
        raise
    except BaseException as error:
        life.failed(error)
        row.end(life)
        raise
    row.end(life)


class _Row:
    """The row of one round; what cannot be written is left, and logged."""

    def __init__(self, settings: Settings, verb: str, scope: str) -> None:
        self._settings, self._verb, self._scope = settings, verb, scope
        self._key = {"round_id": uuid.uuid4()}
        self._written = False
        self._beat: _Beat | None = None

    def begin(self, life: Life) -> None:
        with _unhindered():
            now = database.now()
            tidy(self._settings.archive.computer, now)
            bulk.bulk_insert(database.connection(), publication.Round, [self._new(life, now)])
            self._written = True
            self._beat = _Beat(self._key["round_id"])

    def _new(self, life: Life, now: datetime) -> dict[str, Any]:
        return {
            **self._key,
            "computer": self._settings.archive.computer,
            "machine": machine_id(),
            "process_id": os.getpid(),
            "process_began": process_created(os.getpid()),
            "verb": self._verb,
            "scope": self._scope,
            "program": versions.program()[:64],
            "began_at": now,
            "seen_at": now,
            "result": RUNNING,
            "reason": "",
            "archived_sessions": 0,
            "archived_bytes": 0,
            "disks": self._disks(),
            "next_at": life.next_at,
        }

    def end(self, life: Life) -> None:
        if not self._written:
            return
        self._stop()
        with _unhindered():
            now = database.now()
            facts = {name: _fitting(name, value) for name, value in life.facts.items()}
            row = {
                **self._key,
                **facts,
                "seen_at": now,
                "ended_at": now,
                "result": life.result,
                "reason": visible(redact(life.reason))[:2048],
                "disks": self._disks(),
                "next_at": life.next_at,
            }
            bulk.bulk_update(database.connection(), publication.Round, [row])

    def forget(self) -> None:
        if self._written:
            self._stop()
            with _unhindered():
                (publication.Round() & self._key).delete_quick()

    def _stop(self) -> None:
        if self._beat is not None:
            self._beat.stop()

    def _disks(self) -> list[dict[str, Any]]:
        return [disk.document() for disk in disks(self._settings)]


class _Beat(Beating):
    """Renews the sign of life of a round that goes on."""

    def __init__(self, round_id: uuid.UUID) -> None:
        self._round_id = round_id
        self._table = publication.Round.full_table_name
        super().__init__("mapshell sign of life", EVERY)

    def _beat(self) -> None:
        now = db_server.utc_now_sql(self._connection)
        self._connection.query(
            f"UPDATE {self._table} SET seen_at = {now} WHERE round_id = %s AND ended_at IS NULL",  # noqa: S608
            (self._uuid(self._round_id),),
        )


@contextmanager
def _unhindered() -> Iterator[None]:
    """Let a round go on without its sign of life."""
    from pipeline.database.quiet import dj

    try:
        yield
    except (DatabaseError, dj.errors.DataJointError, OSError, UnicodeError) as error:
        _LOG.info("The sign of life could not be written: %s", error)


def _fitting(name: str, value: int | None) -> int | None:
    return None if value is None else min(value, _MANY_BYTES if name.endswith("bytes") else _MOST)
