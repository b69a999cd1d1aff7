"""What the tables of archived sessions can do: publish, find again, fetch, compare; on class and instance alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pipeline.errors import UsageError
from pipeline.on_tables import at_hand, on_tables
from pipeline.withdrawing import Withdrawable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, timedelta

    from pipeline.archive.ports import Progress
    from pipeline.archive.session import DatasetType
    from pipeline.discovering import DiscoverReport
    from pipeline.report import Report
    from pipeline.retrieving import Retrieved
    from pipeline.verified import VerifyReport


class Archived(Withdrawable):
    """Mixin of ``ArchivedRawEphys`` and ``ArchivedTrackingVideo``.

    Every method but ``populate`` heeds the restriction of the table that it is called on, however it came about.
    """

    dataset_type: ClassVar[DatasetType]

    def populate(
        self,
        *restrictions: Any,
        dry_run: bool = False,
        wait: bool = True,
        accept: str | Sequence[str] = (),
        because: str = "",
        supersede: bool = False,
        progress: Progress | None = None,
        display_progress: bool = True,
    ) -> Report:
        """Publish what this computer holds: find, gate, plan, journal, submit, watch, check, describe, commit.

        Sessions are not made one after the other: all are submitted first and gathered as they land.  One bad session
        never stops the others.  Running it again is safe at any time.

        Parameters
        ----------
        *restrictions
            DataJoint restrictions of ``experiment.Session``; all must hold.
        dry_run
            Only plan; nothing is submitted.
        wait
            Wait for the transfers; otherwise they stay *in flight* and the next call gathers them.
        accept, because
            Rules of the gate that you accept for the one session that is chosen, and why: it is archived all the same,
            and rule, reason and person are recorded (``pipeline.archive.acceptance_rules.RULES`` lists them).
        supersede
            Let changed files of the one session that is chosen take the place of the archived ones, which are moved
            aside at the archive and stay there; ``because`` says why.
        progress
            Who is told how it goes.
        display_progress
            Accepted for DataJoint's sake; without ``progress`` nothing is shown.

        Returns
        -------
        Report
            The outcome of every session, what belongs to no session, and how many are not on this computer.

        Raises
        ------
        UsageError
            Called on a restricted table: restrictions of what is to be published go into the call.  Or something is to
            be accepted that does not exist or never can be, or accepted or superseded without a reason, or for several
            sessions.
        LoginNeeded, DatabaseError, ConfigError
            Nothing can be done before that is mended.
        """
        del display_progress
        if getattr(self, "restriction", None):
            raise UsageError(
                f"populate() of a restricted {type(self).__name__} would publish only what is archived already.",
                remedy='put the restriction into the call: populate({"subject_id": 407513}).',
            )
        from pipeline.rounds import publish_round

        settings, store = at_hand()
        report = publish_round(
            settings,
            store,
            (self.dataset_type,),
            restrictions,
            dry_run=dry_run,
            wait=wait,
            accept=accept,
            because=because,
            supersede=supersede,
            progress=progress,
        )
        if report.stopped is not None:
            raise report.stopped
        return report

    @on_tables
    def discover(
        self,
        *restrictions: Any,
        create_sessions: bool = False,
        restore: bool = False,
        dry_run: bool = False,
        subjects: str | int | Sequence[str | int] | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
        progress: Progress | None = None,
        display_progress: bool = True,
    ) -> DiscoverReport:
        """Rebuild the index from the archive alone.

        Parameters
        ----------
        *restrictions
            DataJoint restrictions of ``experiment.Session``; all must hold.
        create_sessions
            Make subjects, sessions and insertions that the lab's tables lack, where a manifest says enough.
        restore
            Also bring back what was withdrawn or deleted on purpose.
        dry_run
            Only say what would be written; that is written and rolled back, so the account must be one that may write.
        subjects
            Only these animals, by water restriction or subject id.
        since, until
            Only sessions of these days.
        progress
            Who is told how it goes.
        display_progress
            Accepted for DataJoint's sake; without ``progress`` nothing is shown.

        Returns
        -------
        DiscoverReport
            What was found, written and left alone, and why.

        Raises
        ------
        DatabaseReadOnly
            The account may not write the index.
        LoginNeeded, GlobusError, DatabaseError, ConfigError, UsageError
            Nothing can be done before that is mended.
        """
        del display_progress
        from pipeline import discovering

        report = discovering.discover(
            *at_hand(),
            (self,),
            restrictions,
            create_sessions=create_sessions,
            restore=restore,
            dry_run=dry_run,
            subjects=subjects,
            since=since,
            until=until,
            progress=progress,
        )
        if report.stopped is not None:
            raise report.stopped
        return report

    @on_tables
    def retrieve(
        self,
        file_types: str | Sequence[str] | None = None,
        probes: str | int | Sequence[str | int] | None = None,
        to: str | None = None,
        via: Literal["globus", "https"] = "globus",
        overwrite: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        everything: bool = False,
        superseded: bool = False,
        first: str | None = None,
        progress: Progress | None = None,
    ) -> Retrieved:
        """Fetch files of these sessions, check each against the index, and only then give it its name.

        Parameters
        ----------
        file_types
            Only these: names or patterns such as ``ephys-raw-*``.
        probes
            Only these probes' files: ``"imec0"``, or the insertion number 1.
        to
            Where: None for this computer's local root, a folder, or ``"UUID:/path"`` for a collection elsewhere.
        via
            ``"globus"``, or ``"https"`` where the collection serves that (needs no local endpoint).
        overwrite
            Replace files that differ; otherwise they are refused.
        dry_run
            Only say what would be fetched.
        wait
            Wait for the transfers; otherwise the next call goes on with them.
        everything
            Must be said to fetch without any restriction.
        superseded
            Also archived bytes that others took the place of, under their ``.superseded-`` names.
        first
            The storage location to be asked first of those that have a file; the others are asked when it cannot give
            it.  A restriction by ``globus_alias`` asks that one alone.
        progress
            Who is told how it goes.

        Returns
        -------
        Retrieved
            Every file with its local path and what became of it.

        Raises
        ------
        UsageError
            Nothing matches, or no restriction and not ``everything``.
        LoginNeeded, GlobusError, LocalDiskError, DatabaseError, ConfigError
            Nothing can be done before that is mended.
        """
        from pipeline import retrieving

        return retrieving.retrieve(
            *at_hand(),
            (self,),
            file_types=file_types,
            probes=probes,
            to=to,
            via=via,
            overwrite=overwrite,
            dry_run=dry_run,
            wait=wait,
            everything=everything,
            superseded=superseded,
            first=first,
            progress=progress,
        )

    @on_tables
    def verify(
        self,
        checksum: Literal["sample", "all"] | None = None,
        since: date | str | None = None,
        unchecked_for: timedelta | float | str | None = None,
        max_time: timedelta | float | str | None = None,
        max_bytes: int | str | None = None,
        progress: Progress | None = None,
    ) -> VerifyReport:
        """Compare the archive with the index, and write down what was seen; changes nothing at the archive.

        Parameters
        ----------
        checksum
            None: compare listings (names and sizes).  ``"sample"``: also read some files of each session back and
            compare their SHA1.  ``"all"``: all files.
        since
            Only sessions of this day or later.
        unchecked_for
            Read back only files that were not compared for this long (s, or text such as ``"8w"``).
        max_time
            Begin no further file after this time (s, or text such as ``"2h"``); what was not checked comes first next
            time.
        max_bytes
            Read back at most this many bytes (or text such as ``"500GB"``).
        progress
            Who is told how it goes.

        Returns
        -------
        VerifyReport
            Every session with its verdict, and every file that differs, with what would mend it.

        Raises
        ------
        UsageError
            Nothing matches, or an argument cannot be read.
        LoginNeeded, GlobusError, DatabaseError, ConfigError
            Nothing (more) can be done before that is mended; what was seen before is written down.
        """
        from pipeline import verifying

        report = verifying.verify(
            *at_hand(),
            (self,),
            checksum=checksum,
            since=since,
            unchecked_for=unchecked_for,
            max_time=max_time,
            max_bytes=max_bytes,
            progress=progress,
        )
        if report.stopped is not None:
            raise report.stopped
        return report
