"""The rows of a computer's earlier rounds: those that were cut short are finished, those that nobody needs dropped."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.board.thinning import BUSY, Past, surplus
from pipeline.database import bulk
from pipeline.machine import machine_id
from pipeline.services import is_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

RUNNING, DONE, PARTLY, FAILED, INTERRUPTED = "running", "done", "partly done", "failed", "interrupted"
CUT_SHORT = "it was cut short: its process ended without a word"

_CHUNK = 200


def tidy(computer: str, now: datetime) -> None:
    """Finish rows of this computer's rounds that were cut short, and drop those that nobody needs any more."""
    mine = publication.Round() & {"computer": computer}
    for row in (mine & {"result": RUNNING}).to_dicts():
        if process_gone(row):
            ended = {"round_id": row["round_id"], "result": INTERRUPTED, "reason": CUT_SHORT}
            bulk.bulk_update(database.connection(), publication.Round, [ended])
    first, last = now - BUSY - timedelta(10), now - timedelta(2)  # whole days: the last round of each is kept
    older = mine & f"began_at >= '{first:%Y-%m-%d}'" & f"began_at < '{last:%Y-%m-%d}'"
    rows = older.proj("verb", "began_at", "result", "archived_sessions").to_dicts()
    past = (Past(r["round_id"], r["verb"], r["began_at"], r["result"], r["archived_sessions"]) for r in rows)
    over = [{"round_id": each} for each in surplus(past, now)]
    for some in (over[begin : begin + _CHUNK] for begin in range(0, len(over), _CHUNK)):
        (publication.Round() & some).delete_quick()


def process_gone(row: Mapping[str, Any]) -> bool:
    """Say whether a round was made by a process of this very machine that is no more; of others nobody can tell."""
    if row["process_began"] is None or row["machine"] != machine_id():
        return False
    with suppress(OSError):
        return not is_process(int(row["process_id"]), float(row["process_began"]))
    return False
