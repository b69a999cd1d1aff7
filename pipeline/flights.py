"""Transfers of the journal that are under way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeline import publication
from pipeline.archive.journal import Part


@dataclass(frozen=True, slots=True)
class Inflight:
    """A task of the journal that has not been gathered; ``size`` in bytes, of the files that it moves."""

    transfer_id: str
    task_id: str | None
    computer: str
    size: int


def in_flight() -> list[Inflight]:
    """Return the open entries of the journal that carry files, oldest first; one query while none of them is new."""
    open_ = publication.Transfer() & "state in ('planned', 'submitted')" & {"purpose": "publish"}
    rows = sorted(open_.proj("task_id", "computer", "created_at").to_dicts(), key=lambda row: row["created_at"])
    return [
        Inflight(
            str(row["transfer_id"]),
            None if row["task_id"] is None else str(row["task_id"]),
            row["computer"],
            _size(str(row["transfer_id"])),
        )
        for row in rows
    ]


@lru_cache(maxsize=1024)
def _size(transfer_id: str) -> int:
    """Return the bytes that a transfer moves; its entry never changes."""
    rows = (publication.Transfer.Session() & {"transfer_id": transfer_id}).to_dicts()
    return sum(source.size for row in rows for source in Part.unpack(row["payload"]).sources)
