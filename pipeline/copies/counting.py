"""How many sessions each storage location has, and how many a named copy lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.copies.named import named
from pipeline.copies.waiting import wanting
from pipeline.database.reading import columns
from pipeline.locations import configured, known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Counted:
    """A storage location among those of its type of data.

    ``named`` says that it shall hold every session; ``sessions`` counts those that are archived there, ``lacks`` those
    that are archived at another named copy and not there, or not all of it (withdrawn ones are left out);
    ``named_at`` is UTC.
    """

    alias: str
    dataset_type: DatasetType
    named: bool
    sessions: int
    lacks: int
    named_at: datetime | None = None
    computer: str = ""


def counted(settings: Settings, kinds: Sequence[DatasetType]) -> list[Counted]:
    """Return every storage location of these types, with what it has and lacks."""
    places = {**configured(settings), **known()}
    said = {row["globus_alias"]: row for row in publication.Copy().to_dicts()}
    copies = named()
    found = []
    for kind in kinds:
        have = _archived(kind)
        every = {key for alias in copies[kind] for key in have.get(alias, ())}
        for alias in sorted(alias for alias, place in places.items() if place.dataset_type == kind):
            mine = have.get(alias, set())
            lacks = every - mine - _withdrawn(alias) if alias in copies[kind] else set()
            if lacks != every and alias in copies[kind]:
                lacks |= wanting(places[alias]).behind.keys()
            row = said.get(alias, {})
            found.append(
                Counted(
                    alias,
                    kind,
                    alias in copies[kind],
                    len(mine),
                    len(lacks),
                    row.get("named_at"),
                    row.get("computer", ""),
                )
            )
    return found


def _archived(kind: DatasetType) -> dict[str, set[SessionKey]]:
    found: dict[str, set[SessionKey]] = {}
    table = publication.archived_table(kind)()
    for alias, subject_id, session in columns(table, ("globus_alias", "subject_id", "session")):
        found.setdefault(alias, set()).add((subject_id, session))
    return found


def _withdrawn(alias: str) -> set[SessionKey]:
    gone = publication.Withdrawal() & {"globus_alias": alias}
    return {(subject_id, session) for subject_id, session in columns(gone, ("subject_id", "session"))}
