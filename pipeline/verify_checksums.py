"""Second half of verify: files read back and compared with the SHA1 of the index, those longest not compared first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.archive import drift
from pipeline.archive.courier import Wanted
from pipeline.archive.due import Budget, due
from pipeline.archive.haul import Patient
from pipeline.archive.readback import Item, Moved, by_transfers, means, over_https
from pipeline.archive.reader import read_small
from pipeline.archive.session import Root
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    DatabaseUnavailable,
    GlobusUnavailable,
    LoginNeeded,
    MapshellError,
)
from pipeline.holdings import holdings, without_row
from pipeline.verify_rows import candidates, earliest_reads, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from pipeline.archive.due import Candidate
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.readback import Checked
    from pipeline.archive.session import Location
    from pipeline.holdings import Holding
    from pipeline.settings import Settings
    from pipeline.verified import SessionCheck, VerifyReport
    from pipeline.verify_rows import Recorder

ENDS = (LoginNeeded, GlobusUnavailable, DatabaseUnavailable)
"""After these nothing more can be done at all."""

FATAL = (*ENDS, CollectionOffline, CollectionNotFound)
"""After these nothing more can be read at a location."""

_KEEP = 50
_KEEP_BYTES = 100_000_000
"""Results are written down together, but none is kept back longer than for so many files or bytes."""


_IN_VAIN = 20
"""After so many errors one after the other, reading back is given up at a location."""

_ERRORS = 20
"""Errors that are kept of one session."""


class ChecksumPass:
    """Reads files of one storage location back.

    Parameters
    ----------
    settings
        This computer's settings.
    store
        The Globus login.
    location
        The storage location.
    report
        Its sessions of this location have been compared with the listings; gets what reading back told.
    recorder
        Writes the results down.
    source
        Says where this computer has a file of a name and size.
    since
        When this run began (UTC, the database's clock).
    older_than
        Only files last compared before then (UTC); None: all.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        location: Location,
        report: VerifyReport,
        recorder: Recorder,
        source: Callable[[FileEntry], Any],
        since: datetime,
        older_than: datetime | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._location = location
        self._report = report
        self._recorder = recorder
        self._source = source
        self._since = since
        self._older_than = older_than
        self._checks = [check for check in report.sessions if check.alias == location.alias and not check.errors]
        self._skip = [{each.subpath for each in check.drift if each.kind != "bytes"} for check in self._checks]
        self._taken: list[int] = [0] * len(self._checks)
        self._kept: list[tuple[str, Checked]] = []
        self._touched: set[int] = set()
        self._in_vain = 0

    def run(self, budget: Budget, progress: Progress, clock: Clock) -> None:
        """Read back what is due, as much as the budget allows.

        Raises
        ------
        MapshellError
            Nothing (more) can be read back at this location; what was compared before is in the report.
        """
        if not self._checks or budget.spent:
            return
        root = scratch_root(self._settings, self._location.alias)
        by = means(self._store, self._location, root)
        for check in self._checks:
            check.how = by
        key, moved = f"sha1-{self._location.alias}", Moved(progress, f"sha1-{self._location.alias}")
        how = "over HTTPS" if by == "https" else "by transfers to a scratch folder"
        progress.task(key, f"{self._location.alias}: reading back {how}", 0)
        items = self._due(budget)
        archive = self._settings.archive
        patient = Patient(clock, progress, archive.poll_seconds, archive.stall_seconds)
        if by == "https" or root is None:
            results = over_https(self._store, self._location, items, moved=moved)
        else:
            results = by_transfers(self._store, self._location, items, root, patient, staging=archive.staging_name)
        try:
            for checked in results:
                self._take(checked)
                if checked.error is not None and (isinstance(checked.error, FATAL) or self._in_vain > _IN_VAIN):
                    raise checked.error
            self._compare_manifests(root, patient)
        finally:
            self._flush()
            for tag in sorted(self._touched):
                self._recorder.session(self._checks[tag])
            progress.done(key, f"{sum(check.verified for check in self._checks)} files verified")

    def give_up(self, error: MapshellError) -> None:
        """Note why the files of this location could not be read back (to the end)."""
        for check in self._checks:
            if check.verified + check.first < check.files and error not in check.errors:
                check.errors.append(error)

    # -- what is due -------------------------------------------------------------------------------------------

    def _due(self, budget: Budget) -> Iterator[Item]:
        days = earliest_reads(self._location, self._since)
        mode = self._report.checksum or "all"
        sessions = [
            (days[check.dataset], tag, share(check.files, mode))
            for tag, check in enumerate(self._checks)
            if check.dataset in days
        ]
        ended = False
        for tag, entry in due(sessions, self._load):
            if budget.never(entry.size):
                self._report.too_large.append(entry.subpath)
            elif ended or not budget.take(entry.size):
                ended = True  # counted to the end: how much is left is worth knowing
                self._report.limit = budget.spent
                self._report.left_files += 1
                self._report.left_size += entry.size
            else:
                yield Item(tag, entry)

    def _load(self, tag: int) -> list[Candidate]:
        holding = self._holding(self._checks[tag])
        if holding is None:
            return []
        found = candidates(holding, since=self._since, older_than=self._older_than)
        return [each for each in found if each.subpath not in self._skip[tag]]

    def _holding(self, check: SessionCheck) -> Holding | None:
        """Return a session as the index has it now; None when it was taken out of it meanwhile."""
        table = publication.archived_table(self._location.dataset_type)()
        key = {"subject_id": check.session.subject_id, "session": check.session.session, "globus_alias": check.alias}
        found = next(holdings(table & key), None)
        return found or next(without_row(self._location, [check.dataset]), None)

    # -- what it told ------------------------------------------------------------------------------------------

    def _take(self, checked: Checked) -> None:
        check, entry = self._checks[checked.item.tag], checked.item.entry
        if checked.error is not None:
            self._in_vain += 1
            if len(check.errors) < _ERRORS:
                check.errors.append(checked.error)
            return
        self._in_vain = 0
        self._touched.add(checked.item.tag)
        check.drift = [each for each in check.drift if (each.kind, each.subpath) != ("bytes", entry.subpath)]
        found = self._judged(checked)
        if checked.verdict == "first":
            check.first += 1
            check.first_size += entry.size
            check.unknown -= 1
            check.unknown_names = [name for name in check.unknown_names if name != entry.subpath]
        elif found is None:
            check.verified += 1
            check.verified_size += entry.size
        else:
            check.drift.append(found)
        self._kept.append((check.dataset, checked))
        if len(self._kept) >= _KEEP or sum(each.item.entry.size for _, each in self._kept) >= _KEEP_BYTES:
            self._flush()

    def _judged(self, checked: Checked) -> drift.Drift | None:
        entry = checked.item.entry
        if checked.verdict in ("same", "first"):
            return None
        source = self._source(entry)
        if checked.verdict == "missing":
            return drift.missing(self._location, entry, source)
        if checked.size is not None or checked.sha1 is None:
            return drift.other_size(self._location, entry, checked.size, source)
        return drift.other_bytes(self._location, entry, checked.sha1, source)

    def _compare_manifests(self, root: Root | None, patient: Patient) -> None:
        """Compare the newest manifests of the sessions that were read back with the index, file by file."""
        checks = {c.described: c for c in (self._checks[tag] for tag in sorted(self._touched)) if c.manifest_size}
        wanted = [Wanted(subpath, check.manifest_size or 0) for subpath, check in checks.items()]
        staging = self._settings.archive.staging_name
        for subpath, found in read_small(self._store, self._location, wanted, root, patient, staging=staging):
            check = checks[subpath]
            holding = self._holding(check)
            if isinstance(found, MapshellError):
                check.errors.append(found)
            elif holding is not None and (why := drift.contradiction(found, subpath, holding.manifest)):
                check.drift.append(drift.other_manifest(check.session, subpath, why))

    def _flush(self) -> None:
        self._recorder.files(self._location, self._kept)
        self._kept.clear()


def scratch_root(settings: Settings, alias: str) -> Root | None:
    """Return a local root below which files may be fetched for a while; None when there is none.

    One of the alias comes first, then any other; never one whose endpoint is marked as upload-only.
    """
    every = [*settings.globus.roots(alias), *settings.globus.local_roots]
    for root in every:
        if root.endpoint not in settings.globus.upload_only and root.local_path.is_dir():
            return Root(root.alias, root.endpoint, root.globus_path, root.local_path)
    return None
