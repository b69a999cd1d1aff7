"""The journal as it is promised, in a few dictionaries: who holds what, how far each entry is, what the index has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from pipeline.archive.journal import Entry
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import SessionKey

OVER = {"done", "failed"}
_NEXT = {("planned", "submitted"), ("submitted", "checked"), ("checked", "done")}
_NEXT_OF_MOVES = {("planned", "submitted"), ("planned", "checked"), ("checked", "done")}


@dataclass
class Model:
    """What the tables must say."""

    holder: dict[SessionKey, Any] = field(default_factory=dict)
    expired: set[SessionKey] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    held: dict[int, set[SessionKey]] = field(default_factory=dict)
    """What each round, by its number, believes to hold."""
    states: dict[UUID, str] = field(default_factory=dict)
    generations: dict[SessionKey, int] = field(default_factory=dict)
    files: dict[SessionKey, set[FileEntry]] = field(default_factory=dict)

    def free(self, key: SessionKey) -> bool:
        """Say whether anybody may take a session."""
        return key not in self.holder or key in self.expired or self.holder[key] in self.ended

    def may_write(self, who: int, keys: Iterable[SessionKey]) -> bool:
        """Say whether a round may write about these sessions: about those of them that it works on, else about all."""
        keys = set(keys)
        return all(self.holder.get(key) == who for key in (keys & self.held.get(who, set())) or keys)

    def may_become(self, entry: Entry, state: str) -> bool:
        """Say whether an entry may come into a state from the one that is stored."""
        stored = self.states[entry.transfer_id]
        if stored == state and entry.purpose == "manifest":
            return True  # several may tell the same of a transfer of manifests
        if state == "failed":
            return stored not in OVER
        return (stored, state) in (_NEXT_OF_MOVES if entry.purpose == "move" else _NEXT)

    def drop(self, key: SessionKey) -> None:
        """Forget a lease."""
        self.holder.pop(key, None)
        self.expired.discard(key)
