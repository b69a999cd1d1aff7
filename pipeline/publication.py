"""The archive's index: which files of which session lie where, proved when and how.

Instants are UTC without zone; subpaths are POSIX, relative to the storage location, compared byte by byte.  The tables
of the journal are defined in ``pipeline.publication_journal``; all of them are found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import experiment
from pipeline.archived import Archived
from pipeline.database.table_classes import Imported, Lookup, Manual, Part
from pipeline.drives.tables import Drive
from pipeline.publication_journal import Claim, Reclaim, Retrieval, Round, SessionState, Transfer, Withdrawal, schema
from pipeline.withdrawing import Withdrawable

if TYPE_CHECKING:
    from pipeline.archive.session import DatasetType

__all__ = [
    "ArchivedRawEphys",
    "ArchivedTrackingVideo",
    "Claim",
    "Copy",
    "DataSet",
    "DataSetType",
    "Drive",
    "FileCheck",
    "FileType",
    "GlobusStorageLocation",
    "Reclaim",
    "Retrieval",
    "Round",
    "SessionIdent",
    "SessionState",
    "Transfer",
    "Verification",
    "Withdrawal",
    "archived_table",
    "experiment",
    "schema",
]


@schema
class DataSetType(Lookup):
    """What a dataset holds."""

    definition = """
    # what a dataset holds
    dataset_type: varchar(32)   # ephys or video
    """


@schema
class FileType(Lookup):
    """What a file is, by its name; generated from ``pipeline.archive.filetypes``."""

    definition = """
    # what a file is, judged by its name
    file_type: varchar(64)                   # family and kind, such as ephys-raw-3a-ap-trial
    ---
    file_glob: varchar(1024)                 # patterns of the name, separated by spaces
    file_type_description: varchar(255)      # in plain words
    """


@schema
class GlobusStorageLocation(Manual):
    """A root of the archive; the one truth of where it lies, for all computers."""

    definition = """
    # root of the archive
    globus_alias: varchar(32)      # short name, such as raw-ephys
    ---
    globus_endpoint: uuid          # Globus collection
    globus_path: varchar(1024)     # POSIX path in the collection
    -> DataSetType
    """


@schema
class Copy(Manual):
    """A storage location that shall hold every session of its type of data, as others of that type do."""

    definition = """
    # storage location that shall hold a copy of every session of its type
    -> GlobusStorageLocation
    ---
    named_at: datetime(6)          # UTC
    computer: varchar(255)         # where it was said
    """


@schema
class SessionIdent(Manual):
    """The ident of a session's folders where the default one does not hold."""

    definition = """
    # ident in a session's folder names, set by hand or learnt by ingest
    -> experiment.Session
    ---
    session_ident: varchar(64)     # text between date and gate, such as 115124 or surface; empty: none
    """


@schema
class DataSet(Withdrawable, Manual):
    """The archived files of one session at one location."""

    definition = """
    # archived files of one session at one location
    -> GlobusStorageLocation
    dataset_name: varchar(128)         # type-subject-session, ASCII
    ---
    -> DataSetType
    dataset_generation: int32          # how often files were added; 1 at first
    dataset_manifest: varchar(1024)    # subpath of the latest manifest
    dataset_h2o: varchar(16)           # animal of the session when it was archived, as in its folders
    dataset_date: date                 # of the session when it was archived, local calendar date
    dataset_time = null : varchar(8)   # of the session's start when it was archived, local wall time HH:MM:SS
    """

    class PhysicalFile(Part):
        """One archived file."""

        definition = """
        # archived file
        -> master
        file_id: uuid                          # version 5, from the exact UTF-8 subpath
        ---
        file_subpath: varchar(1024)            # POSIX, relative to the location, compared byte by byte
        -> FileType
        file_size = null : int64               # bytes; null while nobody has looked (adopted rows)
        file_mtime = null : int64              # s since 1970 (UTC), of the file when it was sent; null while unknown
        file_sha1 = null : char(40)            # lower-case hex
        sha1_source = null : varchar(16)       # who computed the SHA1
        verified_at = null : datetime(6)       # UTC, when the archive's bytes were last compared with the SHA1
        verified_how = null : varchar(64)      # how they were compared
        file_generation: int32                 # generation of the dataset that added the file
        """

    def archived_rows(self) -> list[dict[str, Any]]:
        """Return what is withdrawn with these datasets: also where the archived row went with the lab's session."""
        found = []
        for row in self.proj(generation="dataset_generation").to_dicts():
            _, subject_id, session = row["dataset_name"].rsplit("-", 2)
            found.append({**row, "subject_id": int(subject_id), "session": int(session)})
        return found


@schema
class ArchivedRawEphys(Archived, Imported):
    """A session whose raw electrophysiology is at a location: sent, checked there, described by a manifest."""

    dataset_type = "ephys"

    definition = """
    # session whose raw electrophysiology is archived
    -> experiment.Session
    -> GlobusStorageLocation
    ---
    -> DataSet
    archived_at: datetime(6)       # UTC, of the latest generation
    generation: int32              # of the dataset
    evidence: json                 # what was checked, by which task and program
    """


@schema
class ArchivedTrackingVideo(Archived, Imported):
    """A session whose tracking video is at a location: sent, checked there, described by a manifest."""

    dataset_type = "video"

    definition = """
    # session whose tracking video is archived
    -> experiment.Session
    -> GlobusStorageLocation
    ---
    -> DataSet
    archived_at: datetime(6)       # UTC, of the latest generation
    generation: int32              # of the dataset
    evidence: json                 # what was checked, by which task and program
    """


@schema
class Verification(Manual):
    """A look at the archive that compared it with the index."""

    definition = """
    # comparison of the archive with the index
    -> DataSet
    verified_at: datetime(6)         # UTC
    ---
    how: varchar(64)                 # presence, or comparison of checksums and by what means
    verdict: varchar(32)             # same or drift
    report: json                     # file by file what differs
    """


@schema
class FileCheck(Manual):
    """The last comparison of an archived file's bytes with the index."""

    definition = """
    # last comparison of an archived file's bytes with the index
    -> DataSet.PhysicalFile
    ---
    checked_at: datetime(6)          # UTC
    how: varchar(64)                 # by what means the bytes were read
    verdict: varchar(32)             # same, different or missing; first: there was nothing to compare with
    seen_sha1 = null : char(40)      # lower-case hex, of the bytes at the archive
    """


def archived_table(dataset_type: DatasetType) -> Any:
    """Return the table of the archived sessions of a type of data."""
    return ArchivedRawEphys if dataset_type == "ephys" else ArchivedTrackingVideo


def __getattr__(name: str) -> Any:
    """Offer ``publication.GlobusStorageManager``, without importing Globus before it is wanted."""
    if name == "GlobusStorageManager":
        from pipeline.globus import GlobusStorageManager

        return GlobusStorageManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
