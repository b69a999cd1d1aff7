"""The faults in force: which request or task they meet next, and how often still.  They survive a restart."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mapshell.sandbox.faults import Fault, read_fault
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mapshell.sandbox.database import Database

_META = "faults"


class Effects(Protocol):
    """What spoils collections and tokens."""

    def check(self, fault: Fault) -> None:
        """Refuse a fault of something that is not there.  May raise UsageError."""

    def apply(self, fault: Fault, *, again: bool = False) -> dict[str, Any] | None:
        """Spoil it; return what brings a collection back.  ``again``: it was spoilt all the time."""

    def undo(self, fault: Fault, before: dict[str, Any]) -> None:
        """Bring a collection back."""


@dataclass
class Entry:
    """A fault in force.

    ``seen`` counts what it met, ``fired`` how often it struck; ``before`` brings a spoilt collection back.
    """

    number: int
    fault: Fault
    seen: int = 0
    fired: int = 0
    before: dict[str, Any] | None = None

    def touches(self, other: Entry) -> bool:
        """Tell whether both have spoilt a setting of one collection."""
        same = (self.fault.collection or "").lower() == (other.fault.collection or "").lower()
        return same and bool((self.before or {}).keys() & (other.before or {}).keys())

    def strikes(self) -> bool:
        """Count one match, and tell whether it is struck."""
        self.seen += 1
        passes, most = self.fault.chances()
        if self.seen <= passes or (most is not None and self.fired >= most):
            return False
        if not self.fault.falls(self.seen - passes):
            return False
        self.fired += 1
        return True

    @property
    def over(self) -> bool:
        """Whether nothing can come of it any more."""
        _, most = self.fault.chances()
        return self.before is None and most is not None and self.fired >= most

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        told = {"number": self.number, "seen": self.seen, "fired": self.fired}
        return {**told, "before": self.before, "fault": self.fault.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Entry:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "fault": read_fault(data["fault"])})


class FaultBook:
    """All faults in force, in the order in which they came.

    Parameters
    ----------
    database
        Where they are kept.
    effects
        What spoils collections and tokens.
    """

    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects
        self._lock = threading.RLock()
        kept = json.loads(database.meta(_META) or '{"last": 0, "entries": []}')
        self._last = int(kept["last"])
        self._entries = [Entry.from_json(each) for each in kept["entries"]]

    def add(self, faults: Sequence[Fault]) -> list[Entry]:
        """Put faults in force, all or none.

        Raises
        ------
        UsageError
            One of them is about a collection or a person that is not there.
        """
        for fault in faults:
            self._effects.check(fault)
        added = []
        with self._lock:
            for fault in faults:
                self._last += 1
                entry = Entry(self._last, fault)
                if fault.at_once:
                    entry.fired = 1
                    entry.before = self._effects.apply(fault)
                if not fault.leaves:
                    self._entries.append(entry)
                added.append(entry)
            self._keep()
        return added

    def entries(self) -> list[Entry]:
        """Return all faults in force."""
        with self._lock:
            return list(self._entries)

    def clear(self, numbers: Sequence[int] = ()) -> int:
        """Forget faults, all or those of the numbers; collections are as they were before.  Returns how many.

        Raises
        ------
        UsageError
            There is no fault of such a number.
        """
        with self._lock:
            known = {entry.number for entry in self._entries}
            for number in numbers:
                if number not in known:
                    raise UsageError(
                        f"No fault in force has the number {number}.", remedy="See them: mapshell sandbox fault list"
                    )
            gone = [entry for entry in self._entries if not numbers or entry.number in numbers]
            for entry in gone:
                self._entries.remove(entry)
            self._undo(gone)
            self._keep()
        return len(gone)

    def _undo(self, gone: Sequence[Entry]) -> None:
        """Bring collections back, but leave in force what other faults do to the same settings."""
        first = min((entry.number for entry in gone), default=0)
        spoilt = [entry for entry in self._entries if entry.before is not None and entry.number > first]
        undone: list[Entry] = []
        for entry in sorted([*gone, *spoilt], key=lambda entry: entry.number, reverse=True):
            if entry.before is not None and (entry in gone or any(map(entry.touches, gone))):
                self._effects.undo(entry.fault, entry.before)
                undone.insert(0, entry)
        for entry in undone:
            if entry not in gone:
                entry.before = self._effects.apply(entry.fault, again=True)

    @property
    def watches_requests(self) -> bool:
        """Whether any fault waits for a request."""
        return any(entry.fault.scope != "task" and not entry.fault.at_once for entry in self._entries)

    def take_request(self, method: str, kind: str, path: str) -> Fault | None:
        """Return what is to happen to a request, None for nothing; tokens and collections are spoilt here."""
        return self._take(
            lambda fault: fault.scope != "task" and not fault.at_once and fault.meets_request(method, kind, path)
        )

    def take_task(self, label: str | None, collections: Sequence[str | None] = ()) -> dict[str, Any] | None:
        """Return what is to happen to a new task, as JSON data; None for nothing."""
        fault = self._take(lambda fault: fault.scope == "task" and fault.meets_task(label, collections))
        return None if fault is None else fault.to_json()

    def _take(self, meets: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            met = [entry for entry in self._entries if meets(entry.fault)]
            try:
                for entry in met:
                    if not entry.strikes():
                        continue
                    if entry.fault.scope in {"request", "task"}:
                        return entry.fault
                    entry.before = self._first(entry.before, self._effects.apply(entry.fault))
            finally:
                if met:
                    self._entries = [entry for entry in self._entries if not entry.over]
                    self._keep()
        return None

    @staticmethod
    def _first(before: dict[str, Any] | None, now: dict[str, Any] | None) -> dict[str, Any] | None:
        # Struck a second time, a collection must still come back as it was before the first.
        return now if before is None else before

    def _keep(self) -> None:
        entries = [entry.to_json() for entry in self._entries]
        self._database.set_meta(_META, json.dumps({"last": self._last, "entries": entries}))
