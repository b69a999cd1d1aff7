"""All sessions of the lab as the engine sees them: from any ``experiment.Session`` and ``lab.WaterRestriction``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import database, experiment, lab, publication
from pipeline.archive.matching import SessionFacts
from pipeline.archive.naming import default_ident, order_of_day
from pipeline.archive.session import SessionKey, SessionRef
from pipeline.database.reading import clock, columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date


@dataclass(slots=True)
class LabSessions:
    """The lab's sessions by key; ``nameless`` are those whose subject has no water restriction, so no folder name."""

    refs: dict[SessionKey, SessionRef] = field(default_factory=dict)
    facts: dict[SessionKey, SessionFacts] = field(default_factory=dict)
    nameless: list[SessionKey] = field(default_factory=list)


def load(subjects: Collection[int] | None = None) -> LabSessions:
    """Read all sessions, or those of these subjects, in three queries whatever their number."""
    those: Any = {} if subjects is None else [{"subject_id": subject} for subject in sorted(subjects)]
    h2os = dict(columns(lab.WaterRestriction() & those, ("subject_id", "water_restriction_number")))
    named = ("subject_id", "session", "session_ident")
    by_hand_rows = columns(publication.SessionIdent() & those, named)
    idents = {(subject, number): ident for subject, number, ident in by_hand_rows}
    days: dict[tuple[int, date], list[_Row]] = defaultdict(list)
    query = experiment.Session() & those
    zone = None if "session_timezone" in query.heading.names else database.bound_settings().archive.timezone
    for row in map(_Row._make, columns(query, _Row._fields)):
        started = row._replace(session_time=clock(row.session_time), session_timezone=row.session_timezone or zone)
        days[row.subject_id, row.session_date].append(started)
    found = LabSessions()
    for (subject_id, day), rows in days.items():
        h2o = h2os.get(subject_id)
        for index, row in enumerate(order_of_day(rows, lambda row: (row.session_time, row.session))):
            key = (subject_id, row.session)
            if h2o is None:
                found.nameless.append(key)
                continue
            by_hand = idents.get(key)
            ident = by_hand if by_hand is not None else default_ident(index)
            time = row.session_time
            found.refs[key] = SessionRef(subject_id, row.session, h2o, day, time, row.session_timezone, ident or None)
            found.facts[key] = SessionFacts(key, h2o, day, time, by_hand, index)
    found.nameless.sort()
    return found


class _Row(NamedTuple):
    """What is read of ``experiment.Session``; a lab's own table may lack the last two."""

    subject_id: int
    session: int
    session_date: date
    session_time: str | None
    session_timezone: str | None


def restricted(restrictions: Sequence[Any]) -> Any:
    """Return ``experiment.Session`` restricted by all of these; sessions themselves may be among them."""
    query = experiment.Session()
    for restriction in restrictions:
        # DataJoint compares secondary attributes too where both sides have them, and cannot tell what they are.
        query &= restriction.proj() if isinstance(restriction, experiment.Session) else restriction
    return query


def chosen(restrictions: Sequence[Any]) -> set[SessionKey] | None:
    """Return the keys of the sessions that meet all restrictions; None when there is no restriction."""
    if not restrictions:
        return None
    query = restricted(restrictions)
    return {(row["subject_id"], row["session"]) for row in query.keys()}  # noqa: SIM118  # a DataJoint query
