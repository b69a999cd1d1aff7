"""Cancelling transfers at Globus.  The journal learns of it as of any other end: in the next round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import OtherLogin, Refused
from pipeline.transfers.live import Seen, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.ports import Store
    from pipeline.transfers.journalled import Journalled

_WHEN = {"under way", "in trouble", "inactive", "paused"}


def cancellable(store: Store, entries: Sequence[Journalled]) -> list[Seen]:
    """Return how these transfers stand; all of them can be cancelled.

    Raises
    ------
    OtherLogin
        Another identity has submitted one, and alone can cancel it.
    Refused
        One has ended, or was never submitted; then none is cancelled.
    """
    seen = look(store, entries)
    for each in seen:
        if each.live == "another login's":
            raise OtherLogin(f"Task {each.entry.name} is another login's: {each.note}.", remedy=each.remedy)
        if each.live in _WHEN:
            continue
        ended = each.entry.ended_at
        when = f" at {ended:%Y-%m-%d %H:%M} UTC" if ended is not None else ""
        said = {
            "ended": f"it has ended{when}" + (f" ({each.note})" if each.note else ""),
            "arrived": "it has ended at Globus: its files have arrived",
            "failed": "it has failed at Globus already",
            "not listed": "Globus lists no such task of this login",
            "nothing to send": "nothing is sent by it",
            "not submitted": "it was never submitted",
        }.get(each.live, each.live)
        remedy = each.remedy or "nothing needs to be done; `mapshell tasks` lists what is open."
        raise Refused(f"Task {each.entry.name} ({each.entry.what}) cannot be cancelled: {said}.", remedy=remedy)
    return seen


def cancel(store: Store, seen: Sequence[Seen]) -> None:
    """Cancel these; one that ends just now is fine.

    Raises
    ------
    MapshellError
        Globus does not answer.
    """
    for each in seen:
        store.cancel(str(each.entry.task_id))
