"""What the lab knows of its loose drives: which there are, where and when each was seen, and what lay on it then.

No row refers to the index or to the lab's tables: the record of a drive outlives both.
"""

from __future__ import annotations

from pipeline.database.table_classes import Manual, Part
from pipeline.publication_journal import schema


@schema
class Drive(Manual):
    """A loose drive, or a folder of one, as it was when somebody last sorted it."""

    definition = """
    # loose drive, or folder of one, as it was when it was last sorted
    drive_id: uuid                   # from the volume and the folder of it, never from a drive letter
    ---
    drive_label: varchar(255)        # of the volume; empty: it has none
    drive_serial: varchar(255)       # serial number of the device, as the system tells it; empty: unknown
    volume_id: varchar(64)           # what the volume got when it was formatted; empty: unknown
    filesystem: varchar(64)          # as the system calls it
    volume_size: int64               # bytes; 0: unknown
    drive_folder: varchar(1024)      # that was sorted, relative to the volume; empty: all of it
    computer: varchar(255)           # where it was connected
    drive_path: varchar(2048)        # where it was connected there
    sorted_at: datetime(6)           # UTC
    other_files: int64               # that belong to no recording
    other_bytes: int64               # their sizes, summed
    loose_files: int64               # named like recordings, in no session folder
    unread_places: int64             # folders and files that could not be looked at
    """

    class Session(Part):
        """A session folder of the drive."""

        definition = """
        # session folder of a drive
        -> master
        folder_id: uuid                      # from its place on the drive and its kind
        ---
        folder: varchar(1024)                # relative to what was sorted, POSIX
        dataset_type: varchar(32)            # ephys or video
        water_restriction: varchar(255)      # of the animal, as the folder tells it
        subject_id = null : int32            # of lab.Subject, where it is known
        session = null : int16               # of experiment.Session, where it is known
        globus_alias: varchar(32)            # archive with which it was compared; empty: with none
        verdict: varchar(32)                 # identical, different, not archived, ...
        files: int64                         # in it
        bytes: int64                         # their sizes, summed
        unkept_files: int64                  # without an identical copy at the archive
        unkept_bytes: int64                  # their sizes, summed
        reason: varchar(2048)                # what is to be said of it; empty: nothing
        """
