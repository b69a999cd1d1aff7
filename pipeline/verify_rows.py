"""What verify writes down and earlier runs wrote: when each session was looked at, when each file was read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.due import NEVER, Candidate, sampled
from pipeline.archive.journal import step
from pipeline.archive.session import file_id
from pipeline.database.quiet import dj
from pipeline.errors import DatabaseReadOnly
from pipeline.oldlab.completing import fill_sha1s, fill_sizes
from pipeline.verified import facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.readback import Checked
    from pipeline.archive.session import Location
    from pipeline.errors import MapshellError
    from pipeline.holdings import Holding
    from pipeline.verified import SessionCheck

Name = tuple[str, str]
"""``(globus_alias, dataset_name)``"""


def last_looks(location: Location) -> dict[str, datetime]:
    """Return when each dataset of a location was last looked at."""
    looks = publication.Verification() & {"globus_alias": location.alias}
    query = dj.U("dataset_name").aggr(looks, last="max(verified_at)")
    return {row["dataset_name"]: row["last"] for row in query.to_dicts()}


def earliest_reads(location: Location, since: datetime) -> dict[str, int]:
    """Return for each dataset of a location a day before which none of its files was last compared, or an earlier one.

    A file counts as compared when it was read back, or when its transfer to the archive was checked: before ``since``
    (UTC), because of times to come, which a manifest may tell, nothing is known.
    """
    here = {"globus_alias": location.alias}
    files = publication.DataSet.PhysicalFile() & here & "file_size is not null"
    sent = dj.U("dataset_name").aggr(files, files="count(*)", known="count(verified_at)", first="min(verified_at)")
    reads = dj.U("dataset_name").aggr(publication.FileCheck() & here, files="count(*)", first="min(checked_at)")
    read = {row["dataset_name"]: row for row in reads.to_dicts()}
    days: dict[str, int] = {}
    for row in sent.to_dicts():
        mine = read.get(row["dataset_name"])
        if mine is not None and mine["files"] >= row["files"]:
            days[row["dataset_name"]] = _day(mine["first"], since)
        elif row["known"] < row["files"]:
            days[row["dataset_name"]] = NEVER
        else:
            firsts = [row["first"], *([mine["first"]] if mine else [])]
            days[row["dataset_name"]] = min(_day(first, since) for first in firsts)
    return days


def candidates(holding: Holding, *, since: datetime, older_than: datetime | None = None) -> list[Candidate]:
    """Return the files of a session that can be compared by checksum, or whose checksum can be learnt.

    Parameters
    ----------
    holding
        The session.
    since
        Files that were read back since then (UTC) are done.
    older_than
        Only files last compared before then (UTC); None: all.
    """
    here = {"globus_alias": holding.location.alias, "dataset_name": holding.manifest.name}
    reads = {row["file_id"]: row["checked_at"] for row in (publication.FileCheck() & here).to_dicts()}
    found = []
    for entry in holding.manifest.files:
        read = reads.get(file_id(entry.subpath))
        sent = None if _day(entry.verified_at, since) == NEVER else entry.verified_at
        last = max(filter(None, (read, sent)), default=None)
        if not entry.sized or (read is not None and read >= since):
            continue
        if last is None or older_than is None or last < older_than:
            found.append(Candidate(_day(last, since), entry.subpath, entry))
    return found


def share(files: int, checksum: str) -> int:
    """Return how many files of a session a run reads back."""
    return files if checksum == "all" else sampled(files)


def damaged_before(alias: str, names: Sequence[str]) -> dict[Name, dict[Any, Mapping[str, Any]]]:
    """Return the last comparisons that found other bytes, by dataset and file id."""
    found: dict[Name, dict[Any, Mapping[str, Any]]] = {}
    here = [{"globus_alias": alias, "dataset_name": name} for name in names]
    for row in (publication.FileCheck() & here & {"verdict": "different"}).to_dicts():
        found.setdefault((alias, row["dataset_name"]), {})[row["file_id"]] = row
    return found


def _day(instant: datetime | None, since: datetime) -> int:
    if instant is None or instant.toordinal() > since.toordinal() + 1:  # a clock may be a little ahead
        return NEVER
    return instant.toordinal()


class Recorder:
    """Writes results down; an account that may not is no error, but is told.

    ``refused`` is why nothing can be written.
    """

    def __init__(self) -> None:
        self.refused: MapshellError | None = None

    def session(self, check: SessionCheck) -> None:
        """Write, or complete, the row of one look at a session; what could not be looked at has no row."""
        if check.errors and not check.drift:
            return
        key = {"globus_alias": check.alias, "dataset_name": check.dataset, "verified_at": check.looked_at}
        verdict = "drift" if check.drift else "same"
        row = {**key, "how": check.comparison[:64], "verdict": verdict, "report": facts(check)}
        there = publication.Verification() & key

        def write() -> None:
            there.delete_quick()
            publication.Verification.insert1(row)

        self._write(write, lambda: bool(there & {"verdict": verdict, "how": row["how"]}))
        step("verify: compared")

    def sizes(self, check: SessionCheck, learnt: Mapping[str, tuple[int, int]]) -> None:
        """Fill in the sizes of files of which the index knows none: adopted from an older database."""
        if learnt:
            self._write(lambda: fill_sizes(check.alias, check.dataset, learnt), lambda: False)
            step("verify: sizes")

    def files(self, location: Location, results: Sequence[tuple[str, Checked]]) -> None:
        """Write what reading files back told, given with their datasets' names; errors are no results."""
        now = database.now() if results else None
        rows = [
            {
                "globus_alias": location.alias,
                "dataset_name": name,
                "file_id": file_id(checked.item.entry.subpath),
                "checked_at": now,
                "how": checked.how,
                "verdict": checked.verdict,
                "seen_sha1": checked.sha1,
            }
            for name, checked in results
            if checked.verdict is not None
        ]
        if not rows:
            return
        there = publication.FileCheck() & [
            {name: row[name] for name in ("globus_alias", "dataset_name", "file_id")} for row in rows
        ]

        def write() -> None:
            there.delete_quick()
            database.bulk_insert(publication.FileCheck, rows)
            fill_sha1s(row for row in rows if row["verdict"] == "first")

        self._write(write, lambda: len(there & {"checked_at": now}) == len(rows))
        step("verify: read back")

    def _write(self, write: Any, done: Any) -> None:
        if self.refused is not None:
            return
        try:
            database.run_transaction(write, done=done)
        except DatabaseReadOnly as error:
            self.refused = DatabaseReadOnly(
                "this account may only read: the results are not kept.", remedy=error.remedy
            )
        except dj.errors.IntegrityError:
            return  # the session, or one of its files, was taken out of the index meanwhile
