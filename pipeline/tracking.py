"""Cameras that watch the animal."""

from __future__ import annotations

from pipeline import experiment
from pipeline.database.binding import TableGroup
from pipeline.database.table_classes import Lookup, Manual

schema = TableGroup("tracking")

__all__ = ["CameraPosition", "TrackingDevice", "experiment", "schema"]


@schema
class CameraPosition(Lookup):
    """Where a camera looks from, in the word that file names use."""

    definition = """
    # where a camera looks from
    camera: varchar(32)                       # word in file names, such as side_face
    ---
    camera_description = "" : varchar(255)    # in plain words
    """


@schema
class TrackingDevice(Manual):
    """A camera of a session and the rate it ran at."""

    definition = """
    # camera that watched a session
    -> experiment.Session
    -> CameraPosition
    ---
    camera_rate = null : float64              # frames per second (Hz)
    n_trials = null : int32                   # videos recorded, one per trial
    """
