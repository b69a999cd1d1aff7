"""Probe insertions and what was recorded with them."""

from __future__ import annotations

from pipeline import experiment, lab
from pipeline.database.binding import TableGroup
from pipeline.database.table_classes import Manual, Part

schema = TableGroup("ephys")

__all__ = ["ProbeInsertion", "experiment", "lab", "schema"]


@schema
class ProbeInsertion(Manual):
    """One probe in one session; number 1 is what files call imec0."""

    definition = """
    # one probe in one session
    -> experiment.Session
    insertion_number: int16      # N+1 of the imecN in file names
    ---
    -> [nullable] lab.Probe
    """

    class Recording(Part):
        """One stream of the probe as SpikeGLX described it."""

        definition = """
        # one stream of a probe, as its SpikeGLX meta file describes it
        -> master
        recording_id: uuid                        # version 5, from the exact subpath of the meta file
        ---
        recording_subpath: varchar(1024)          # meta file, POSIX, relative to the local root
        recording_band: varchar(8)                # ap or lf
        recording_gate = null : int16             # gN of the run
        recording_trigger = null : varchar(16)    # tN of the run, or cat
        sample_rate: float64                      # Hz
        n_channels: int32                         # saved channels
        duration = null : float64                 # s, null while unknown
        file_size = null : int64                  # bytes of the bin file, null while unknown
        recording_start = null : datetime(6)      # local wall time of the acquisition computer
        """
