"""What the journal says of its transfers, read in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import lab, publication
from pipeline.archive.journal import Part
from pipeline.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_FACTS = (
    "purpose",
    "state",
    "task_id",
    "label",
    "identity",
    "computer",
    "created_at",
    "submitted_at",
    "ended_at",
    "outcome",
)


@dataclass(frozen=True, slots=True)
class Carried:
    """A session that a transfer carries, and to where; ``h2o`` is empty when the lab knows the animal no longer."""

    subject_id: int
    session: int
    alias: str
    h2o: str = ""

    def __str__(self) -> str:
        return f"{self.h2o or f'subject {self.subject_id}'} session {self.session}"


@dataclass(frozen=True, slots=True)
class Journalled:
    """A transfer of the journal; instants in UTC without zone.

    ``files`` and ``size`` (bytes) are those that it moves, None where it has ended (and nobody needs to know) or
    sends no recordings.
    """

    transfer_id: str
    purpose: str
    state: str
    task_id: str | None
    label: str
    identity: str | None
    computer: str
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    outcome: str
    sessions: tuple[Carried, ...] = ()
    files: int | None = None
    size: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether its round has not ended."""
        return self.state in OPEN

    @property
    def name(self) -> str:
        """What a person calls it by: the task's id, or ours as long as there is none."""
        return self.task_id or self.transfer_id

    @property
    def what(self) -> str:
        """What it carries, in a few words."""
        if len(self.sessions) == 1:
            return str(self.sessions[0])
        return f"{len(self.sessions):,} sessions" if self.sessions else self.label


def transfers(*, ended: bool = False, since: datetime | None = None) -> list[Journalled]:
    """Return the transfers of the journal, oldest first.

    Parameters
    ----------
    ended
        Those that have ended too; else the open ones alone.
    since
        Only those that were journalled at this instant (UTC) or later.
    """
    chosen: Any = publication.Transfer()
    if not ended:
        chosen = chosen & f"state in {OPEN}"
    if since is not None:
        chosen = chosen & f"created_at >= '{since:%Y-%m-%d %H:%M:%S}'"
    rows = chosen.proj(*_FACTS).to_dicts()
    if not rows:
        return []
    parts = publication.Transfer.Session() & chosen.proj()
    carried = _carried(parts.proj().to_dicts())
    sizes = _sizes(chosen & f"state in {OPEN}")
    found = [_journalled(row, carried.get(row["transfer_id"], ()), sizes.get(row["transfer_id"])) for row in rows]
    return sorted(found, key=lambda each: (each.created_at, each.transfer_id))


def _journalled(row: Mapping[str, Any], sessions: tuple[Carried, ...], sizes: tuple[int, int] | None) -> Journalled:
    return Journalled(
        transfer_id=str(row["transfer_id"]),
        purpose=row["purpose"],
        state=row["state"],
        task_id=None if row["task_id"] is None else str(row["task_id"]),
        label=row["label"],
        identity=row["identity"] or None,
        computer=row["computer"],
        created_at=row["created_at"],
        submitted_at=row["submitted_at"],
        ended_at=row["ended_at"],
        outcome=row["outcome"] or "",
        sessions=sessions,
        files=sizes[0] if sizes else None,
        size=sizes[1] if sizes else None,
    )


def _carried(rows: Iterable[Mapping[str, Any]]) -> dict[Any, tuple[Carried, ...]]:
    listed = list(rows)
    subjects = {row["subject_id"] for row in listed}
    known = lab.WaterRestriction() & [{"subject_id": each} for each in sorted(subjects)] if listed else ()
    names = {row["subject_id"]: str(row["water_restriction_number"]) for row in known and known.to_dicts()}
    found: dict[Any, tuple[Carried, ...]] = {}
    for row in sorted(listed, key=lambda row: (row["subject_id"], row["session"], row["globus_alias"])):
        one = Carried(row["subject_id"], row["session"], row["globus_alias"], names.get(row["subject_id"], ""))
        found[row["transfer_id"]] = (*found.get(row["transfer_id"], ()), one)
    return found


def _sizes(open_: Any) -> dict[Any, tuple[int, int]]:
    """Return how many files, and bytes, each of these transfers sends; the journal knows it of recordings alone."""
    found: dict[Any, tuple[int, int]] = {}
    for row in (publication.Transfer.Session() & open_.proj()).to_dicts():
        sent = [source.size for source in Part.unpack(row["payload"]).sources if not source.adopted]
        files, size = found.get(row["transfer_id"], (0, 0))
        if sent:
            found[row["transfer_id"]] = files + len(sent), size + sum(sent)
    return found
