"""Which session a folder belongs to.  Pure: names, starts and sessions in, owners and refusals out.

A session may own many folders (raw run, CatGT output, further gates, a probe on another drive).  A wrong owner is worse
than none, so what evidence does not decide is left to a person.  The rules, in order; the first that applies decides.
*Start* is the earliest start in the metas of the folder; a further gate, or a folder without metas, takes that of its
run (same name without ``catgt_`` and gate).  *Near* is within the tolerance (10 min).

====  ===============================================================  ==========================================
rule  the folder ...                                                   outcome
====  ===============================================================  ==========================================
A1    is of an animal without sessions                                 unmatched
A2    has a run named for another known animal than its parent         refused, unless an ident by hand is its run
A3    has a run named for something else                               as if its name had no date (D2, D3)
H1    has on its day one session whose ident by hand is its ident      owned, whatever its start
H2    the same, two such sessions                                      refused
D1    has a date, and a start on none of its dates, nor near a         refused (unmatched when its days have no
      session of one of them (past midnight)                           session)
D2    has no date, and no start                                        unmatched, unless an ident by hand is its run
D3    has no date, but a start                                         the day of the start counts
D4    has a date, and no start                                         the calendar date; never the ISO-year one
D5    its day has no session                                           unmatched
M0    is a further gate; its run began near one session of the day,    refused
      it began itself near another
M1    has a start; several sessions that day, one is the nearest       owned by the nearest
      and near
M2    the same, two are equally near                                   refused
M3    the same, none is near; one without a time has just its ident    owned by that one
M4    the same, none is near, and M3 does not apply                    refused
M5    has no start, but an ident that looks like one (``115124``)      as M1 to M4, with that
M6    has neither; just one of several sessions has its ident          owned by that one
      (by hand; else none for the first, ``1`` for the second, ...)
M7    has neither, and M6 does not apply                               refused
L1    has another ident than the only session of its day has by hand   owned if its start is near, else unmatched
L2    one session that day; it is the only run, or all have one ident  owned, whatever its ident and time of day
L3    one session that day, runs of several idents, some start near    those near own; without an ident and a start,
                                                                       owned too; else unmatched
L4    the same, none known to be near                                  the runs without ident own; others unmatched
====  ===============================================================  ==========================================

The number of the older layout (``20190303/1``) is that of the insertion: no ident, so M6 never applies to it; as the
ident by hand (H1) it counts all the same.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.archive.matching_rules import Day, Refusal, judge
from pipeline.archive.matching_types import FoundFolder, Matching, Owner, SessionFacts, Unowned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.archive.session import SessionKey

__all__ = ["TOLERANCE", "FoundFolder", "Matching", "SessionFacts", "Unowned", "match", "run_starts"]

TOLERANCE = timedelta(minutes=10)
"""How far the start of a recording may be from the start of its session when several are possible."""

_ONE_RUN = timedelta(hours=24)
"""A further gate that starts later than this after the first is not of the same run."""


def match(
    folders: Sequence[FoundFolder],
    sessions: Sequence[SessionFacts],
    *,
    tolerance: timedelta = TOLERANCE,
    others: Sequence[FoundFolder] = (),
    animals: Collection[str] = (),
) -> Matching:
    """Give every folder to the session it belongs to, or say why not.

    Parameters
    ----------
    folders
        Folders of one kind; the order does not matter, and is kept in the outcome.
    sessions
        All sessions of the lab (of the animals concerned at least).
    tolerance
        How far starts may be apart where times decide.
    others
        Folders that have their owners, of the same runs: they tell when these began.
    animals
        Further animals of the lab, whose sessions were left out.
    """
    by_animal: dict[str, list[SessionFacts]] = defaultdict(list)
    for session in sessions:
        by_animal[session.h2o].append(session)
    for h2o in animals:
        by_animal.setdefault(h2o, [])  # a run may be named for it
    starts = run_starts([*folders, *others])
    outcome = Matching()
    verdicts: list[Owner | Unowned | Day] = []
    refusals: set[int] = set()
    for folder in folders:
        try:
            verdicts.append(judge(folder, starts[id(folder)], by_animal, tolerance))
        except Refusal as refusal:
            refusals.add(len(verdicts))
            verdicts.append(refusal.unowned(folder))
    days: dict[SessionKey, list[Day]] = defaultdict(list)
    for verdict in verdicts:
        if isinstance(verdict, Day):
            days[verdict.session.key].append(verdict)
    settled = {id(day.folder): day.settle(rivals, tolerance) for rivals in days.values() for day in rivals}
    for number, (folder, verdict) in enumerate(zip(folders, verdicts, strict=True)):
        final = settled[id(folder)] if isinstance(verdict, Day) else verdict
        if isinstance(final, Owner):
            outcome.owned.setdefault(final.session.key, []).append(folder)
            outcome.rules[id(folder)] = final.rule
        elif number in refusals:
            outcome.refused.append(final)
        else:
            outcome.unmatched.append(final)
    return outcome


def run_starts(folders: Iterable[FoundFolder]) -> Mapping[int, datetime | None]:
    """Return the start that counts for each folder, by ``id``: its own, or that of its run."""
    runs: dict[tuple[str | None, ...], list[FoundFolder]] = defaultdict(list)
    for folder in folders:
        name = folder.name
        runs[name.kind, name.h2o, name.layout, name.run, name.number].append(folder)
    starts: dict[int, datetime | None] = {}
    for run in runs.values():
        known = [folder for folder in run if folder.started is not None]
        gate = min((folder.name.gate or 0 for folder in known), default=0)
        first = min((f.started for f in known if f.started and (f.name.gate or 0) == gate), default=None)
        for folder in run:
            own = folder.started
            later_gate = (folder.name.gate or 0) > gate
            same_run = own is not None and first is not None and timedelta(0) <= own - first <= _ONE_RUN
            starts[id(folder)] = first if own is None or (later_gate and same_run) else own
    return starts
