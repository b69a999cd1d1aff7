"""The journal: what is under way, who works on what, what was fetched, withdrawn and reclaimed; signs of life.

None of these rows refers to the index or to the lab's tables: they outlive a rebuilt index, and it does not need them.
Instants are UTC without zone.
"""

from __future__ import annotations

from pipeline.database.binding import TableGroup
from pipeline.database.table_classes import Manual, Part

schema = TableGroup("publication")

__all__ = ["Claim", "Reclaim", "Retrieval", "Round", "SessionState", "Transfer", "Withdrawal", "schema"]


@schema
class Transfer(Manual):
    """The journal: one Globus task, written down before it is submitted."""

    definition = """
    # journal of Globus tasks, written before they are submitted
    transfer_id: uuid                        # ours
    ---
    purpose: varchar(16)                     # publish, manifest, move, retrieve, verify
    state: varchar(16)                       # step of the journal
    submission_id = null : uuid              # Globus runs it once
    task_id = null : uuid                    # Globus task, once known
    label: varchar(128)                      # of the task, with the token of sessions and generations
    identity = null : varchar(64)            # Globus identity that submitted; others cannot see the task
    body_sha256 = null : char(64)            # of the request, lower-case hex
    request = null : bytes                   # gzip of the request as JSON
    left_behind = null : bytes               # gzip of a JSON list: paths that a failed task may have left
    computer: varchar(255)                   # that submitted
    created_at: datetime(6)                  # UTC
    submitted_at = null : datetime(6)        # UTC
    ended_at = null : datetime(6)            # UTC
    outcome = null : varchar(2048)           # how it ended, in words
    index (state)
    """

    class Session(Part):
        """A session that the task carries; no foreign key, so that a journal outlives a rebuilt lab."""

        definition = """
        # session that a task carries
        -> master
        subject_id: int32                    # of lab.Subject
        session: int16                       # of experiment.Session
        globus_alias: varchar(32)            # of GlobusStorageLocation
        ---
        generation: int32                    # of the dataset that this makes
        payload: bytes                       # gzip of JSON: manifest of the generation and items
        index (subject_id, session, globus_alias)
        """


@schema
class Claim(Manual):
    """The lease: who works on a session now.  The only lock there is."""

    definition = """
    # who works on a session now
    subject_id: int32                # of lab.Subject
    session: int16                   # of experiment.Session
    globus_alias: varchar(32)        # of GlobusStorageLocation
    ---
    owner: uuid                      # of the run
    computer: varchar(255)           # where it runs
    machine = null : uuid            # where it runs: one mapshell of one person on one machine, whatever its name
    process_id: int64                # of the run
    process_began = null : float64   # s since boot or 1970: tells the process from a later one with its id
    claimed_at: datetime(6)          # UTC
    expires_at: datetime(6)          # UTC; after it anybody may take the session
    """


@schema
class SessionState(Manual):
    """What a computer last saw of a session that is not simply archived."""

    definition = """
    # what a computer last saw of a session at a location
    subject_id: int32                # of lab.Subject
    session: int16                   # of experiment.Session
    globus_alias: varchar(32)        # of GlobusStorageLocation
    computer: varchar(255)           # that looked
    ---
    state: varchar(32)               # one of the words of every screen
    reason: varchar(2048)            # why, empty when there is nothing to say
    folders: varchar(4096)           # seen, relative to the local root, one a line
    files: int32                     # seen, number
    bytes: int64                     # seen, sum of sizes
    seen_at: datetime(6)             # UTC
    """


@schema
class Withdrawal(Manual):
    """A session whose archived row was deleted on purpose: discover leaves it alone."""

    definition = """
    # session whose archived row was deleted on purpose
    subject_id: int32                # of lab.Subject
    session: int16                   # of experiment.Session
    globus_alias: varchar(32)        # of GlobusStorageLocation
    ---
    dataset_name: varchar(128)       # whose files stay at the archive
    generation: int32                # of the dataset then
    withdrawn_at: datetime(6)        # UTC
    computer: varchar(255)           # where it was done
    """


@schema
class Retrieval(Manual):
    """Files that somebody fetched from the archive."""

    definition = """
    # files that were fetched from the archive
    retrieval_id: uuid               # ours
    ---
    identity = null : varchar(64)    # Globus identity that fetched them
    computer: varchar(255)           # that asked
    target: varchar(2048)            # folder on that computer, or collection and path
    via: varchar(16)                 # globus or https
    started_at: datetime(6)          # UTC
    ended_at: datetime(6)            # UTC
    outcome: varchar(2048)           # how it ended, in words
    """

    class Session(Part):
        """What was fetched of one session; no foreign key, so that the record outlives the session."""

        definition = """
        # what was fetched of one session
        -> master
        subject_id: int32            # of lab.Subject
        session: int16               # of experiment.Session
        globus_alias: varchar(32)    # of GlobusStorageLocation
        ---
        files: int32                 # fetched and checked
        bytes: int64                 # their sizes, summed
        """


@schema
class Round(Manual):
    """A round of a computer: its sign of life."""

    definition = """
    # round of a computer, and what came of it
    round_id: uuid                   # ours
    ---
    computer: varchar(255)           # that made it
    machine = null : uuid            # where it ran: one mapshell of one person on one machine, whatever its name
    process_id = null : int64        # of the round
    process_began = null : float64   # s since boot or 1970: tells the process from a later one with its id
    verb: varchar(32)                # publish, discover, verify, reclaim
    scope = "all" : varchar(16)      # all, chosen (some sessions only) or drive (a loose drive's)
    program: varchar(64)             # version of mapshell
    began_at: datetime(6)            # UTC
    seen_at = null : datetime(6)     # UTC, its last sign of life: renewed every minute while it goes on
    ended_at = null : datetime(6)    # UTC; null: it goes on, or was killed
    result: varchar(32)              # running, done, partly done, failed or interrupted
    reason: varchar(2048)            # what needs a person, empty when nothing does
    sessions_here = null : int32     # sessions of which that computer has files; null: it did not look
    queued_sessions = null : int32   # of these, not archived yet when the round ended; null: it did not look
    queued_bytes = null : int64      # their bytes that are not archived yet; null: it did not look
    archived_sessions: int32         # archived by this round
    archived_bytes: int64            # sent, checked and committed by this round
    disks: json                      # of its local roots: list of path, free and size in bytes (null: not there)
    next_at = null : datetime(6)     # UTC, when the next round was to begin; null: nobody said
    index (computer, began_at)
    """


@schema
class Reclaim(Manual):
    """Local files that were deleted after each had been proved at the archive."""

    definition = """
    # local files of a session that were deleted, each proved at the archive before
    reclaim_id: uuid                 # ours
    ---
    subject_id: int32                # of lab.Subject
    session: int16                   # of experiment.Session
    dataset_type: varchar(32)        # ephys or video
    computer: varchar(255)           # whose files they were
    who: varchar(255)                # account that did it, and Globus identity where one is known
    state: varchar(16)               # planned: proved, not all are deleted yet; done; back: all fetched again
    proved_at: datetime(6)           # UTC, when the proofs were complete
    ended_at = null : datetime(6)    # UTC, when the last file was deleted
    files: int32                     # proved to be deleted, number
    bytes: int64                     # sum of their sizes
    evidence: bytes                  # gzip of JSON: places with listings and generations; files with sizes, SHA1
    index (subject_id, session)
    index (computer, proved_at)
    """
