"""What was asked for by a restriction and is not archived: what is known of it, in words that help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, experiment, lab, publication
from pipeline.archive.session import SessionKey, SessionRef
from pipeline.errors import DatabaseError, UsageError
from pipeline.holdings import keys, locations_by_alias
from pipeline.sessionless import REASON, chosen_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.session import DatasetType

_NAMED = 3
"""How many sessions a message names."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A session of the lab that was asked for and has no archived row: where it should be, and what is known of it."""

    session: SessionRef
    alias: str
    state: str
    reason: str

    def __str__(self) -> str:
        return f"{self.session} is {self.state} at {self.alias}" + (f" ({self.reason})" if self.reason else "")


def absent(chosen: Sequence[Any]) -> list[Absent]:
    """Return the lab's sessions that restricted tables ask for and that have no archived row, with what is known.

    Empty as well when a restriction speaks of what only archived rows have.
    """
    found = []
    for table in chosen:
        asked = _asked(table)
        if asked is None:
            continue
        there = set(keys(table))
        said = _known(table.dataset_type)
        h2os = {row["subject_id"]: row["water_restriction_number"] for row in lab.WaterRestriction.to_dicts()}
        for row in sorted(asked, key=lambda row: (row["globus_alias"], row["session_date"], row["session"])):
            key, alias = (row["subject_id"], row["session"]), row["globus_alias"]
            if (key, alias) not in there:
                ref = SessionRef(*key, h2os.get(key[0], "?"), row["session_date"])
                found.append(Absent(ref, alias, *said.get((key, alias), ("not archived", ""))))
    return found


def _asked(table: Any) -> list[dict[str, Any]] | None:
    """Return the sessions of the lab that meet a table's restriction, at each location; None when nobody can tell."""
    import datajoint as dj

    places = publication.GlobusStorageLocation() & {"dataset_type": table.dataset_type}
    if not places:  # before anything was ever published
        return None
    every = experiment.Session().proj("session_date") * places.proj()
    if table.restriction:
        if not set(table.restriction_attributes) <= set(every.heading.names):
            return None
        # Its conditions are SQL by now; they hold for any query with these attributes.
        every = every.make_subquery()
        every._restriction = dj.AndList(table.restriction)
    try:
        with database.transaction():  # an error leaves no broken transaction behind
            rows: list[dict[str, Any]] = every.to_dicts()
    except (dj.errors.DataJointError, DatabaseError):
        return None
    return rows


def _known(dataset_type: DatasetType) -> dict[tuple[SessionKey, str], tuple[str, str]]:
    """Return state and reason of sessions that are not archived: in flight, withdrawn, or what a computer last said."""
    places = [{"globus_alias": a} for a, where in locations_by_alias().items() if where.dataset_type == dataset_type]

    def name(row: Mapping[str, Any]) -> tuple[SessionKey, str]:
        return (row["subject_id"], row["session"]), row["globus_alias"]

    said = {
        name(row): (row["state"], ", ".join(filter(None, (f"says {row['computer']}", row["reason"]))))
        for row in sorted((publication.SessionState() & places).to_dicts(), key=lambda row: row["seen_at"])
    }
    for row in (publication.Withdrawal() & places).to_dicts():
        when = f"{row['withdrawn_at']:%Y-%m-%d}, on {row['computer']}"
        said[name(row)] = ("withdrawn", f"its archived row was deleted on {when}")
    flying = publication.Transfer() & "state in ('planned', 'submitted', 'checked')" & "purpose in ('publish', 'move')"
    parts = (publication.Transfer.Session() & places).proj() * flying.proj("computer", "task_id", "state", "purpose")
    for row in parts.to_dicts():
        task = f"task {row['task_id']}" if row["task_id"] else "being submitted"
        task = "being renamed at the archive" if row["purpose"] == "move" else task
        said[name(row)] = ("in flight", f"{task}, {row['state']} by {row['computer']}")
    return said


def nothing_matches(chosen: Sequence[Any]) -> UsageError:
    """Make the error of restricted tables that hold no archived session: it says what there is instead."""
    gone = [each for table in chosen for each in chosen_by(table)]
    if gone:
        return UsageError(
            f"What was asked for is without session: {_some([str(each) for each in gone])}; {REASON}.",
            remedy=gone[0].remedy,
        )
    asked = [_asked(table) for table in chosen]
    if [] in asked and not any(asked):
        return UsageError("No session of the lab matches what was asked for.", remedy=_what_there_is(chosen))
    missing = absent(chosen)
    if not missing and not any(publication.archived_table(table.dataset_type)() for table in chosen):
        return UsageError("Nothing is archived yet.", remedy=_PUBLISH)
    if not missing:
        return UsageError("No archived session matches what was asked for.", remedy=_what_there_is(chosen))
    if {one.state for one in missing} == {"not archived"}:
        some = _some([f"{one.session} at {one.alias}" for one in missing])
        return UsageError(
            f"What was asked for is not archived: {some}.",
            remedy=_PUBLISH,
        )
    telling = [one for one in missing if one.state != "not archived"]
    if {one.state for one in telling} == {"withdrawn"}:
        return UsageError(
            f"What was asked for is no longer in the index: {_some([str(one) for one in telling])}.",
            remedy="leave it, or bring it back on purpose: `mapshell publication-discover --restore`.",
        )
    return UsageError(
        f"What was asked for is not archived yet: {_some([str(one) for one in telling])}.",
        remedy="`mapshell publication-publish` on that computer gathers what is in flight; "
        "`mapshell publication-status` shows every session."
        if any(one.state == "in flight" for one in telling)
        else "`mapshell publication-status` shows every session with its state.",
    )


_PUBLISH = (
    "archive it with `mapshell publication-publish` on the computer that has it; if the archive has it already, "
    "`mapshell publication-discover` finds it."
)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return "; ".join(names[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _what_there_is(chosen: Sequence[Any]) -> str:
    counts = []
    for table in chosen:
        whole = publication.archived_table(table.dataset_type)()
        counts.append(f"{len(whole)} of {table.dataset_type}")
    return (
        f"archived sessions: {', '.join(counts)}; `mapshell publication-status` lists all (in Python: "
        "print(publication.ArchivedRawEphys))."
    )
