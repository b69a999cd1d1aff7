"""The tables whose rows a manifest carries, and their values as JSON has them."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pipeline import ephys, experiment, lab, publication, tracking
from pipeline.database.reading import clock


def tables() -> dict[str, Any]:
    """Return the tables whose rows a manifest carries, by name, parents first."""
    return {
        "lab.AnimalSource": lab.AnimalSource,
        "lab.Person": lab.Person,
        "lab.Rig": lab.Rig,
        "lab.Subject": lab.Subject,
        "lab.WaterRestriction": lab.WaterRestriction,
        "lab.Probe": lab.Probe,
        "tracking.CameraPosition": tracking.CameraPosition,
        "experiment.Session": experiment.Session,
        "publication.SessionIdent": publication.SessionIdent,
        "ephys.ProbeInsertion": ephys.ProbeInsertion,
        "ephys.ProbeInsertion.Recording": ephys.ProbeInsertion.Recording,
        "tracking.TrackingDevice": tracking.TrackingDevice,
    }


def json_value(value: Any) -> Any:
    """Return a value of a row, in whichever type of its server, as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, time | timedelta):
        return clock(value)
    plain = float(value) if isinstance(value, Decimal) else value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and math.isnan(plain):
        return None
    return plain if plain is None or isinstance(plain, str | int | float) else str(plain)
