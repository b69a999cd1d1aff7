"""What the toolbar and completion know, read again and again by a thread: typing never waits for it."""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mapshell.completion.knowledge import FILE_NAME, Knowledge, ask_database, keep, recall
from mapshell.kept import KeptLogin
from mapshell.shell.places import asking_nobody
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mapshell.context import Context
    from pipeline.globus import GlobusStorageManager

_LOG = logging.getLogger("mapshell.shell")
NOT_REACHED = "not reached"
FLIGHTS_S, KNOWN_S, WHO_S = 5.0, 60.0, 60.0
_SHARE = 20  # a look that took a second is not repeated for twenty: the server has other work


@dataclass(frozen=True, slots=True)
class Facts:
    """What the toolbar shows; ``done`` and ``total`` in bytes, of the transfers in flight."""

    database: str = ""
    who: str = ""
    flights: int = 0
    done: int = 0
    total: int = 0
    knowledge: Knowledge = field(default_factory=Knowledge)


class Watcher:
    """A thread that keeps :attr:`facts` true, with a database connection and a Globus manager of its own.

    Nothing that it cannot read is an error; it never asks anybody anything.

    Parameters
    ----------
    context
        The shell's.
    changed
        Called when the facts are others than before.
    clock
        Seconds from an arbitrary start.
    """

    def __init__(
        self, context: Context, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        from pipeline.folders import cache_folder

        self._context = context
        self._changed = changed
        self._clock = clock
        self._file = cache_folder(context.environ) / FILE_NAME
        self._login = KeptLogin(asking_nobody)
        self._asked: tuple[GlobusStorageManager, float] | None = None
        self._parts = (
            _Part(self._database, KNOWN_S),
            _Part(self._flights, FLIGHTS_S),
            _Part(self._who, FLIGHTS_S),
        )
        self._over = threading.Event()
        self._now = threading.Event()
        self.facts = Facts(database=bound_place(), knowledge=recall(self._file))
        self._thread = threading.Thread(target=self._run, name="mapshell shell", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look that hangs is not waited for."""
        self._over.set()
        self._now.set()

    def look_now(self) -> None:
        """Look at once: something has been done."""
        self._now.set()

    def _run(self) -> None:
        done = True
        while not self._over.is_set():
            before = self.facts
            for part in self._parts:
                self._look(part, done=done)
            if self.facts != before and not self._over.is_set():
                self._changed()
            done = self._now.wait(FLIGHTS_S)
            self._now.clear()

    def _look(self, part: _Part, *, done: bool) -> None:
        """Make one of the looks, when it is time for it; ``done`` says that the person has done something."""
        began = self._clock()
        if began < (part.allowed if done else part.due):
            return
        try:
            part.look()
        except Exception:  # noqa: BLE001 - the database may be down; the toolbar is then a little older
            _LOG.debug("The toolbar could not be brought up to date.", exc_info=True)
        ended = self._clock()
        part.allowed = ended + _SHARE * (ended - began)
        part.due = max(part.allowed, ended + part.every)

    def _database(self) -> None:
        place = bound_place()
        if not place:
            return
        try:
            known = ask_database()
        except MapshellError:
            self.facts = replace(self.facts, database=f"{place} does not answer")
            raise
        if known != self.facts.knowledge:
            keep(known, self._file)
        self.facts = replace(self.facts, database=place, knowledge=known)

    def _who(self) -> None:
        manager = self._login.manager(self._context.settings)
        before = self._asked
        if before is not None and before[0] is manager and self._clock() - before[1] < WHO_S:
            return
        self._asked = manager, self._clock()
        who = ""
        if manager.is_logged_in():
            who = NOT_REACHED
            with suppress(MapshellError):
                who = str(manager.whoami().get("username") or "")
        self.facts = replace(self.facts, who=who)

    def _flights(self) -> None:
        from pipeline.flights import in_flight

        if not bound_place():
            return
        flights = in_flight()
        done = 0
        manager = self._login.manager(self._context.settings) if flights else None
        if manager is not None and manager.is_logged_in():
            states = manager.tasks([flight.task_id for flight in flights if flight.task_id])
            done = sum(status.bytes_transferred for status in states.values())
        total = sum(flight.size for flight in flights)
        self.facts = replace(self.facts, flights=len(flights), done=min(done, total), total=total)


@dataclass(slots=True)
class _Part:
    """One kind of look: how often (s) it is made, and when next."""

    look: Callable[[], None]
    every: float
    allowed: float = -math.inf
    due: float = -math.inf


def bound_place() -> str:
    """Return which database the tables are on; nothing while they are on none."""
    from pipeline.database import binding

    present = binding.get_current()
    if present is None:
        return ""
    target = present.connection.target
    return "this computer" if target.embedded else target.place


def toolbar(facts: Facts, columns: int) -> str:
    """Return the line at the bottom of the screen, cut to its width."""
    from pipeline.sizes import human_bytes

    parts = [f" {facts.database or 'no database'}", f"Globus: {facts.who or 'not logged in'}"]
    if facts.flights:
        share = f", {100 * facts.done // facts.total} % of {human_bytes(facts.total)}" if facts.total else " in flight"
        parts.append(f"{facts.flights} {'transfer' if facts.flights == 1 else 'transfers'}{share}")
    text = " │ ".join(parts)
    return text if len(text) <= columns else text[: columns - 1] + "…"
