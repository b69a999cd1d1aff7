"""What the toolbar and completion know, read again and again by a thread: typing never waits for it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mapshell.completion.knowledge import FILE_NAME, Knowledge, ask_database, keep, recall

if TYPE_CHECKING:
    from collections.abc import Callable

    from mapshell.context import Context
    from pipeline.globus import GlobusStorageManager

_LOG = logging.getLogger("mapshell.shell")
EVERY_S = 5.0
_WHO_EVERY = 12  # rounds: who is logged in changes rarely


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
    every
        Seconds between two looks.
    """

    def __init__(self, context: Context, changed: Callable[[], None], every: float = EVERY_S) -> None:
        from pipeline.folders import cache_folder

        self._context = context
        self._changed = changed
        self._every = every
        self._file = cache_folder(context.environ) / FILE_NAME
        self._manager: GlobusStorageManager | None = None
        self._over = threading.Event()
        self._now = threading.Event()
        self.facts = Facts(knowledge=recall(self._file))
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
        looks = 0
        while not self._over.is_set():
            before = self.facts
            for part in (self._database, self._flights, *((self._who,) if looks % _WHO_EVERY == 0 else ())):
                try:
                    part()
                except Exception:  # noqa: BLE001 - the database may be down; the toolbar is then a little older
                    _LOG.debug("The toolbar could not be brought up to date.", exc_info=True)
            looks += 1
            if self.facts != before and not self._over.is_set():
                self._changed()
            self._now.wait(self._every)
            self._now.clear()

    def _database(self) -> None:
        from pipeline import database

        if not database.is_bound():
            return
        place = database.describe()
        name = "this computer" if place["kind"] == "embedded" else place["place"]
        known = ask_database()
        if known != self.facts.knowledge:
            keep(known, self._file)
        self.facts = replace(self.facts, database=name, knowledge=known)

    def _who(self) -> None:
        manager = self._globus()
        who = ""
        if manager is not None:
            who = str(manager.whoami().get("username") or "")
        self.facts = replace(self.facts, who=who)

    def _flights(self) -> None:
        from pipeline import database
        from pipeline.flights import in_flight

        if not database.is_bound():
            return
        flights = in_flight()
        done = 0
        manager = self._globus() if flights else None
        if manager is not None:
            states = manager.tasks([flight.task_id for flight in flights if flight.task_id])
            done = sum(status.bytes_transferred for status in states.values())
        total = sum(flight.size for flight in flights)
        self.facts = replace(self.facts, flights=len(flights), done=min(done, total), total=total)

    def _globus(self) -> Any:
        """Return a manager that asks nobody; None while nobody is logged in."""
        if self._manager is None:
            from pipeline.globus import GlobusStorageManager

            self._manager = GlobusStorageManager(self._context.settings, interactive=False)
        return self._manager if self._manager.is_logged_in() else None


def toolbar(facts: Facts, columns: int) -> str:
    """Return the line at the bottom of the screen, cut to its width."""
    from pipeline.sizes import human_bytes

    parts = [f" {facts.database or 'no database'}", f"Globus: {facts.who or 'not logged in'}"]
    if facts.flights:
        share = f" {100 * facts.done // facts.total} % of {human_bytes(facts.total)}" if facts.total else ""
        parts.append(f"{facts.flights} {'transfer' if facts.flights == 1 else 'transfers'} in flight{share}")
    text = "  │  ".join(parts)
    return text if len(text) <= columns else text[: columns - 1] + "…"
