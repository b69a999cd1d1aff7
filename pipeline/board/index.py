"""What the tables say of sessions at one location: archived, withdrawn, under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import publication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.session import Location, SessionKey


def archived_rows(location: Location) -> dict[SessionKey, Mapping[str, Any]]:
    """Return the rows of archived sessions."""
    table = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias}
    return {(row["subject_id"], row["session"]): row for row in table.to_dicts()}


def withdrawn(location: Location) -> dict[SessionKey, dict[str, Any]]:
    """Return what is told of sessions whose archived rows somebody deleted on purpose."""
    return {
        (row["subject_id"], row["session"]): {
            "reason": f"its archived row was deleted on {row['withdrawn_at']:%Y-%m-%d}",
            "computer": row["computer"],
        }
        for row in (publication.Withdrawal() & {"globus_alias": location.alias}).to_dicts()
    }


def under_way(location: Location) -> dict[SessionKey, str]:
    """Return which computer has an open transfer of a session."""
    open_ = publication.Transfer() & "state in ('planned', 'submitted', 'checked')" & "purpose in ('publish', 'move')"
    rows = (publication.Transfer.Session() & {"globus_alias": location.alias}).proj() * open_.proj("computer")
    return {(row["subject_id"], row["session"]): row["computer"] for row in rows.to_dicts()}
