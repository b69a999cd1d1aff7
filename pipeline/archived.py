"""What the tables of archived sessions can do: ``populate`` publishes, under the rules of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.archive.ports import Progress
    from pipeline.archive.session import DatasetType
    from pipeline.report import Report


class Archived:
    """Mixin of ``ArchivedRawEphys`` and ``ArchivedTrackingVideo``."""

    dataset_type: ClassVar[DatasetType]

    def populate(
        self,
        *restrictions: Any,
        dry_run: bool = False,
        wait: bool = True,
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
            Called on a restricted table: restrictions of what is to be published go into the call.
        LoginNeeded, DatabaseError, ConfigError
            Nothing can be done before that is mended.
        """
        del display_progress
        if getattr(self, "restriction", None):
            raise UsageError(
                f"populate() of a restricted {type(self).__name__} would publish only what is archived already.",
                remedy='put the restriction into the call: populate({"subject_id": 407513}).',
            )
        from pipeline import database
        from pipeline.globus import GlobusStorageManager
        from pipeline.rounds import publish_round

        settings = database.bound_settings()
        managers: list[GlobusStorageManager] = []

        def store() -> GlobusStorageManager:
            if not managers:
                managers.append(GlobusStorageManager(settings))
            return managers[0]

        report = publish_round(
            settings, store, (self.dataset_type,), restrictions, dry_run=dry_run, wait=wait, progress=progress
        )
        if report.stopped is not None:
            raise report.stopped
        return report
