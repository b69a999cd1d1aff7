"""What the computers of a large lab leave in its tables besides the index: signs of life, and what was reclaimed."""

from __future__ import annotations

import gzip
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import large_index, large_lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

COMPUTERS = 5
EVERY = timedelta(hours=6)
FOR = timedelta(days=25)
GB = 10**9


def fill(config: str, sessions: int) -> None:
    """Let five computers have made rounds for weeks, and have reclaimed every other session."""
    from pipeline import database, publication

    large_index.bind(config)
    now = database.now()
    database.bulk_insert(publication.Round, _rounds(now, sessions))
    database.bulk_insert(publication.Reclaim, (_reclaimed(number) for number in range(0, sessions, 2)))


def _rounds(now: datetime, sessions: int) -> Iterator[dict[str, Any]]:
    for computer in range(COMPUTERS):
        for number in range(FOR // EVERY):
            began = now - (number + 1) * EVERY
            free = 400 * GB + number * GB
            yield {
                "round_id": uuid.uuid5(uuid.NAMESPACE_URL, f"round {computer} {number}"),
                "computer": f"rig-{computer}",
                "verb": ("publish", "reclaim")[number % 2],
                "scope": "all",
                "program": "0.1.0",
                "began_at": began,
                "seen_at": began + timedelta(minutes=5),
                "ended_at": began + timedelta(minutes=5),
                "result": "done",
                "reason": "",
                "sessions_here": sessions // COMPUTERS,
                "queued_sessions": 0,
                "queued_bytes": 0,
                "archived_sessions": 3,
                "archived_bytes": 200 * GB,
                "disks": [{"path": "/data", "free": free, "size": 4000 * GB, "reason": ""}],
                "next_at": now + EVERY,
            }


def _reclaimed(number: int) -> dict[str, Any]:
    one = large_lab.ref(number)
    return {
        "reclaim_id": uuid.uuid5(uuid.NAMESPACE_URL, f"reclaim {number}"),
        "subject_id": one.subject_id,
        "session": one.session,
        "dataset_type": "ephys",
        "computer": f"rig-{number % COMPUTERS}",
        "who": "rig",
        "state": "done",
        "proved_at": large_lab.ARCHIVED_AT + timedelta(days=40),
        "ended_at": large_lab.ARCHIVED_AT + timedelta(days=40, minutes=1),
        "files": 100,
        "bytes": 50_000_000,
        "evidence": gzip.compress(b"{}"),
    }
