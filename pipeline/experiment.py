"""Sessions: one animal, one visit to a rig."""

from __future__ import annotations

from pipeline import lab
from pipeline.database.binding import TableGroup
from pipeline.database.table_classes import Manual

schema = TableGroup("experiment")

# The definitions below name tables of these modules.
__all__ = ["Session", "lab", "schema"]


@schema
class Session(Manual):
    """One animal's visit to a rig."""

    definition = """
    # one animal's visit to a rig
    -> lab.Subject
    session: int16                            # number, counted per animal
    ---
    session_date: date                        # local calendar date of the start
    session_time = null : varchar(8)          # local wall time of the start, HH:MM:SS
    session_timezone = null : varchar(64)     # IANA name of the zone of date and time
    -> [nullable] lab.Person
    -> [nullable] lab.Rig
    index (session_date)
    """
