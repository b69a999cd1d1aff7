"""A session's rows of the lab's tables, as its manifest carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import ephys, experiment, lab, tracking
from pipeline.database.binding import is_there
from pipeline.labrows.tables import json_value, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.session import SessionRef


def collect(session: SessionRef) -> dict[str, list[dict[str, Any]]]:
    """Return the session's rows of the lab's tables and the rows that they refer to, as JSON data for its manifest."""
    subject = {"subject_id": session.subject_id}
    one = {**subject, "session": session.session}
    chosen: dict[str, Any] = {
        "lab.AnimalSource": (lab.Subject, subject),
        "lab.Person": (experiment.Session, one),
        "lab.Rig": (experiment.Session, one),
        "lab.Subject": subject,
        "lab.WaterRestriction": subject,
        "lab.Probe": (ephys.ProbeInsertion, one),
        "tracking.CameraPosition": (tracking.TrackingDevice, one),
        "experiment.Session": one,
        "publication.SessionIdent": one,
        "ephys.ProbeInsertion": one,
        "ephys.ProbeInsertion.Recording": one,
        "tracking.TrackingDevice": one,
    }
    rows = {name: _of(table, chosen[name]) for name, table in tables().items()}
    return {name: found for name, found in rows.items() if found}


def _of(table: Any, chosen: Any) -> list[dict[str, Any]]:
    """Return a table's rows of this key, or those that another table's rows of a key refer to.

    A lab's own tables may lack one of ours, or have one of its name that knows no sessions.
    """
    referring, key = chosen if isinstance(chosen, tuple) else (table, chosen)
    if not is_there(table) or not is_there(referring) or not set(key) <= set(referring.heading.names):
        return []
    query = table() & key
    if referring is not table:
        names = table.heading.primary_key
        if not set(names) <= set(referring.heading.names):
            return []
        query = table().restrict((referring() & key).proj(*names), semantic_check=False)
    return [_json_row(row) for row in query.proj(*table.heading.non_blobs).to_dicts()]


def _json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json_value(value) for name, value in row.items()}
