"""What is asked for under a name that it had before it was reassigned: a tombstone, or a person, may know no other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.absent import absent
from pipeline.holdings import locations_by_alias
from pipeline.reassign.former import former_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.absent import Absent
    from pipeline.archive.session import SessionKey


def followed(tables: Sequence[Any]) -> tuple[list[Any], list[str], set[SessionKey]]:
    """Return tables of the sessions that others, which are asked for and not archived, are by now.

    Parameters
    ----------
    tables
        Tables of archived sessions, each with its restriction.

    Returns
    -------
    tuple
        Further tables; what is to be said; the sessions that were asked for by a former name.
    """
    further: list[Any] = []
    notes: list[str] = []
    were: set[SessionKey] = set()
    places = locations_by_alias()
    for table in tables:
        missing = absent([table]) if table.restriction else []
        by_alias: dict[str, list[Absent]] = defaultdict(list)
        for one in missing:
            by_alias[one.alias].append(one)
        for alias, those in by_alias.items():
            now = former_keys(places[alias])
            for one in those:
                if (key := now.get(one.session.key, one.session.key)) != one.session.key:
                    mine = {"subject_id": key[0], "session": key[1], "globus_alias": alias}
                    further.append(publication.archived_table(table.dataset_type)() & mine)
                    notes.append(f"{one.session} was reassigned: it is subject {key[0]} session {key[1]} by now.")
                    were.add(one.session.key)
    return further, list(dict.fromkeys(notes)), were
