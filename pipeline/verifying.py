"""Verify over the tables: which sessions, compared how, within which limits; results are rows and a report."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import amounts, database, experiment
from pipeline.absent import nothing_matches
from pipeline.archive.due import Budget
from pipeline.board.heartbeat import sign_of_life
from pipeline.errors import MapshellError, UsageError
from pipeline.holdings import keys, locations_by_alias
from pipeline.locations import locations
from pipeline.sessionless import everywhere
from pipeline.settings.types import DATASET_TYPES
from pipeline.verified import VerifyReport
from pipeline.verify_checksums import ENDS, ChecksumPass
from pipeline.verify_presence import PresencePass
from pipeline.verify_rows import Recorder
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import Location
    from pipeline.sessionless import Sessionless
    from pipeline.settings import Settings
    from pipeline.verified import Checksum

__all__ = ["VerifyReport", "verify"]


def verify(
    settings: Settings,
    store: Callable[[], Store],
    tables: Sequence[Any],
    *,
    checksum: Checksum | None = None,
    since: date | str | None = None,
    unchecked_for: timedelta | float | str | None = None,
    max_time: timedelta | float | str | None = None,
    max_bytes: int | str | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> VerifyReport:
    """Compare the archive with the index; nothing at the archive is changed, and nothing that the index knows.

    What it does not know is filled in: size and time of files that an older database named, and the SHA1 of bytes that
    are read for the first time.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    tables
        Tables of archived sessions, restricted or not.
    checksum, since, unchecked_for, max_time, max_bytes, progress
        As in ``ArchivedRawEphys.verify``.

    Raises
    ------
    UsageError
        Nothing matches, an argument cannot be read, or it limits what is read back and nothing is.
    """
    clock, progress = clock or SystemClock(), progress or Silence()
    if checksum not in (None, "sample", "all"):
        raise UsageError(f"There is no way {checksum!r} to compare checksums.", remedy='give "sample", "all" or None.')
    _require_reading(checksum, unchecked_for=unchecked_for, max_bytes=max_bytes)
    end = None if max_time is None else clock.now() + amounts.duration(max_time)
    most = None if max_bytes is None else amounts.size(max_bytes)
    patience = None if unchecked_for is None else amounts.duration(unchecked_for)
    chosen = [_since(table, since) for table in tables]
    report, recorder = VerifyReport(checksum), Recorder()
    restricted = since is not None or any(table.restriction for table in tables)
    gone = everywhere([table.dataset_type for table in chosen])
    if restricted:  # of these, only what the chosen tables have themselves
        gone = {alias: [each for each in some if each.has_row] for alias, some in gone.items()}
    if not any(len(table) for table in chosen) and all(each.has_row for some in gone.values() for each in some):
        if any(table.restriction for table in chosen):
            raise nothing_matches(chosen)
        locations(settings, DATASET_TYPES, register=False)  # an error where nobody says where an archive lies
        return report
    restricted = since is not None or any(table.restriction for table in tables)
    budget = Budget(most, lambda: end is not None and clock.now() >= end)
    begun = database.now()
    older = None if patience is None else begun - patience
    with sign_of_life(settings, "verify", scope="chosen" if restricted else "all") as life:
        try:
            passes = []
            for location, mine in _by_location(chosen, gone):
                presence = PresencePass(settings, store(), location, report, recorder)
                presence.run(mine, progress, budget.over, gone.get(location.alias, ()))
                passes.append(presence)
                if not restricted:
                    presence.look_for_animals()
            for presence in passes if checksum is not None else ():
                reading = ChecksumPass(
                    settings, store(), presence.location, report, recorder, presence.source, begun, older
                )
                try:
                    reading.run(budget, progress, clock)
                except ENDS:
                    raise
                except MapshellError as error:
                    reading.give_up(error)
        except MapshellError as error:
            report.stopped = error
        report.unrecorded = recorder.refused
        life.came_of(report)
    return report


def _require_reading(checksum: Checksum | None, **limits: object) -> None:
    """Refuse limits of what is read back when nothing is: they would promise what does not happen."""
    given = next((name for name, limit in limits.items() if limit is not None), None)
    if checksum is None and given is not None:
        raise UsageError(
            f"{given} limits what is read back, and without a way to compare checksums nothing is.",
            remedy='add checksum="all" or checksum="sample" (--checksum all, --checksum sample), or leave it out.',
        )


def _since(table: Any, since: date | str | None) -> Any:
    """Restrict a table to sessions of a day or later."""
    if since is None:
        return table
    try:
        day = date.fromisoformat(since) if isinstance(since, str) else since
    except ValueError:
        raise UsageError(f"{since!r} is no day.", remedy="write it like 2019-11-01.") from None
    return table & (experiment.Session() & f"session_date >= '{day:%Y-%m-%d}'").proj()


def _by_location(chosen: Sequence[Any], gone: Mapping[str, Sequence[Sessionless]]) -> Iterator[tuple[Location, Any]]:
    """Yield the storage locations of restricted tables, and of datasets that have no row in them, with their part."""
    places = locations_by_alias()
    for table in chosen:
        lost = {
            alias
            for alias, some in gone.items()
            if places[alias].dataset_type == table.dataset_type and not all(each.has_row for each in some)
        }
        for alias in sorted({*(alias for _, alias in keys(table)), *lost}):
            yield places[alias], table & {"globus_alias": alias}
