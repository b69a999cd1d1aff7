"""Numbers and idents of sessions: what a new session gets, and what keeps the known ones what they are.

The sessions of a day have an order: by start where every start is known, else by number.  A session's default ident
is its place in that order; where its folders say otherwise, or a newcomer would shift the order, it is kept as a row.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.archive.matching import SessionFacts
from pipeline.archive.naming import default_ident, order_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from pipeline.archive.session import SessionKey


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A session that no row has yet.

    ``time`` is local wall time ``HH:MM:SS``; ``named`` says that its folders' names have a date, so that what else
    stands in them is its ident.
    """

    subject_id: int
    h2o: str
    day: date
    time: str | None
    ident: str | None
    named: bool = True


def number(newcomers: Iterable[Newcomer], last: Mapping[int, int]) -> dict[SessionKey, Newcomer]:
    """Give newcomers the next numbers of their subjects, in the order of their starts.

    Parameters
    ----------
    newcomers
        The new sessions, in any order.
    last
        The highest session number of each subject that has one.
    """
    highest = dict(last)
    numbered = {}
    for new in sorted(newcomers, key=lambda new: (new.subject_id, new.day, new.time or "", new.ident or "")):
        highest[new.subject_id] = highest.get(new.subject_id, 0) + 1
        numbered[new.subject_id, highest[new.subject_id]] = new
    return numbered


def arrange(
    known: Iterable[SessionFacts], newcomers: Mapping[SessionKey, Newcomer]
) -> tuple[list[SessionFacts], dict[SessionKey, str]]:
    """Put known and new sessions of each day in order.

    Returns
    -------
    tuple
        The facts of all sessions as they will be, and the idents to be kept as rows ("" for none).
    """
    days: dict[tuple[int, date], list[SessionFacts]] = defaultdict(list)
    for facts in known:
        days[facts.key[0], facts.session_date].append(facts)
    for key, newcomer in newcomers.items():
        facts = SessionFacts(key, newcomer.h2o, newcomer.day, newcomer.time)
        days[newcomer.subject_id, newcomer.day].append(facts)
    arranged: list[SessionFacts] = []
    idents: dict[SessionKey, str] = {}
    for day in days.values():
        taken = {facts.ident for facts in day if facts.key not in newcomers}
        for index, facts in enumerate(order_of_day(day, lambda facts: (facts.session_time, facts.key[1]))):
            ident, new = facts.ident_by_hand, newcomers.get(facts.key)
            # A second one of the same ident would take the folders of the first: starts tell them apart.
            if ident is None and not (new and new.named and new.ident in taken):
                kept = _ident_to_keep(facts, new, index)
                if kept is not None:
                    ident = idents[facts.key] = kept
            if new is not None and new.named:
                taken.add(new.ident)
            arranged.append(replace(facts, ident_by_hand=ident, index=index))
    return arranged, idents


def _ident_to_keep(facts: SessionFacts, new: Newcomer | None, index: int) -> str | None:
    if new is None:
        wanted = default_ident(facts.index)
    elif new.named:
        wanted = new.ident
    else:
        return None
    return None if wanted == default_ident(index) else wanted or ""
