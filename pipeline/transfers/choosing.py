"""Transfers by the beginning of their ids, as people copy them from a table.  Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.transfers.journalled import Journalled

_NEAR, _SHOWN = 3, 8


def choose(written: Sequence[str], among: Sequence[Journalled]) -> list[Journalled]:
    """Return the transfers that are meant, each once, in the order in which they were named.

    Parameters
    ----------
    written
        Beginnings of ids, of Globus's tasks or of our transfers.
    among
        All transfers of the journal.

    Raises
    ------
    UsageError
        One means none, or several.
    """
    found: dict[str, Journalled] = {}
    for text in written:
        one = _one(text, among)
        found[one.transfer_id] = one
    return list(found.values())


def _one(text: str, among: Sequence[Journalled]) -> Journalled:
    wanted = text.strip().lower()
    if not wanted:
        raise UsageError("An id without a character means no task.", remedy="`mapshell tasks` lists them.")
    meant = [each for each in among if each.transfer_id.startswith(wanted) or (each.task_id or "").startswith(wanted)]
    whole = [each for each in meant if wanted in (each.transfer_id, each.task_id)]
    open_ = [each for each in meant if each.is_open]
    for few in (whole, meant, open_):
        if len(few) == 1:
            return few[0]
    if meant:
        names = ", ".join(each.name for each in meant[:_SHOWN])
        raise UsageError(f"{text} is the beginning of several tasks: {names}.", remedy="write more of the id.")
    raise UsageError(f"The journal knows no task {text}.", remedy=_near(wanted, among))


def _near(wanted: str, among: Sequence[Journalled]) -> str:
    ids = {each.name for each in among if each.is_open} or {each.name for each in among}
    cut = {each[: max(len(wanted), 1)]: each for each in sorted(ids)}
    near = [cut[each] for each in difflib.get_close_matches(wanted, cut, n=_NEAR, cutoff=0.5)]
    said = f"did you mean {', '.join(near)}? " if near else ""
    return f"{said}`mapshell tasks` lists those that are open, `mapshell tasks list --all` all."
