"""What a report asks of the database besides the board: what was done since, what is open for long.

The number of queries depends on the number of storage locations alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.archive.session import dataset_name
from pipeline.board.tidying import process_gone
from pipeline.database.quiet import dj
from pipeline.database.reading import dicts
from pipeline.morning.report import Done, Looked
from pipeline.reclaim.rows import BACK, DONE
from pipeline.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.archive.session import Location, SessionKey

LONG = timedelta(days=1)
"""How long a transfer may be open before somebody is asked to look."""

_NOBODY = "another computer"
_FEW = 200


@dataclass(frozen=True, slots=True)
class Open:
    """A transfer that is open for long: what for, since when (UTC), and the sessions and locations that it carries."""

    purpose: str
    computer: str
    task: str
    since: datetime
    sessions: tuple[tuple[SessionKey, str], ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Sessions that a process left claimed, which ended or was not heard of any more."""

    process: int
    computer: str
    ended: bool
    sessions: int


def long_open(now: datetime) -> list[Open]:
    """Return the transfers that are open for longer than a day, the oldest first."""
    before = f"created_at < '{_sql(now - LONG)}'"
    rows = (publication.Transfer() & f"state in {OPEN}" & before).proj("purpose", "computer", "task_id", "created_at")
    late = dicts(rows)
    carried: dict[Any, list[tuple[SessionKey, str]]] = defaultdict(list)
    if late:
        chosen = publication.Transfer.Session() & [{"transfer_id": row["transfer_id"]} for row in late]
        for part in chosen.proj().to_dicts():
            carried[part["transfer_id"]].append(((part["subject_id"], part["session"]), part["globus_alias"]))
    return [
        Open(
            row["purpose"],
            row["computer"],
            "" if row["task_id"] is None else str(row["task_id"]),
            row["created_at"],
            tuple(sorted(carried[row["transfer_id"]])),
        )
        for row in sorted(late, key=lambda row: row["created_at"])
    ]


def left_claimed(now: datetime) -> list[Left]:
    """Return who left sessions claimed: processes of this machine that are gone, and leases that have run out."""
    counts: dict[tuple[int, str, bool], int] = defaultdict(int)
    for row in dicts(publication.Claim()):
        ended = process_gone(row)
        if ended or row["expires_at"] <= now:
            counts[row["process_id"], row["computer"], ended] += 1
    return [Left(*who, count) for who, count in sorted(counts.items())]


def done(locations: Sequence[Location], archived: Iterable[tuple[SessionKey, str]], since: datetime) -> list[Done]:
    """Return what each computer did since then.

    Parameters
    ----------
    locations
        The storage locations.
    archived
        Key and alias of every session that the index calls archived since then.
    since
        UTC.
    """
    found: dict[str, Done] = {}

    def more(computer: str, **facts: int) -> None:
        own = found.get(computer) or Done(computer)
        found[computer] = replace(own, **{name: getattr(own, name) + value for name, value in facts.items()})

    of_alias: dict[str, list[SessionKey]] = defaultdict(list)
    for key, alias in archived:
        of_alias[alias].append(key)
    told: set[tuple[str, SessionKey]] = set()  # a session's recordings and videos are one session
    for location in locations:
        for computer, key, size in _archived(location, of_alias[location.alias], since):
            more(computer, archived=int((computer, key) not in told), archived_bytes=size)
            told.add((computer, key))
    then = f"ended_at >= '{_sql(since)}'"
    fetched = (publication.Retrieval() & then).proj("computer") * publication.Retrieval.Session()
    for row in fetched.to_dicts():
        more(row["computer"], retrieved_files=int(row["files"]), retrieved_bytes=int(row["bytes"]))
    gone = (publication.Reclaim() & then & f"state in ('{DONE}', '{BACK}')").proj("computer", "bytes", "state")
    for row in gone.to_dicts():
        more(row["computer"], reclaimed=1, reclaimed_bytes=int(row["bytes"]), back=int(row["state"] == BACK))
    return [each for _, each in sorted(found.items()) if each.anything]


def _archived(location: Location, keys: Sequence[SessionKey], since: datetime) -> Iterable[tuple[str, SessionKey, int]]:
    """Yield, for each session, the computer that archived it and the bytes that were proved there since."""
    if not keys:
        return
    then = f"archived_at >= '{_sql(since)}'"
    table = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias} & then
    evidence = {(row["subject_id"], row["session"]): row["evidence"] for row in table.to_dicts()}
    names: Any = [{"dataset_name": dataset_name(location.dataset_type, key)} for key in keys]
    proved = f"verified_at >= '{_sql(since)}'"
    files = publication.DataSet.PhysicalFile() & {"globus_alias": location.alias} & proved
    if len(keys) <= _FEW:  # else all files of that time are as soon gone through
        files &= names
    sizes = {
        row["dataset_name"]: int(row["size"] or 0)
        for row in dj.U("dataset_name").aggr(files, size="sum(file_size)").to_dicts()
    }
    for key in keys:
        said = evidence.get(key)
        computer = said.get("computer") if isinstance(said, dict) else None
        yield (computer or _NOBODY), key, sizes.get(dataset_name(location.dataset_type, key), 0)


def looked(since: datetime) -> Looked:
    """Return what was verified since then (UTC)."""
    then = f">= '{_sql(since)}'"
    seen: dict[tuple[str, str], tuple[datetime, str]] = {}
    for row in (publication.Verification() & f"verified_at {then}").proj("verdict").to_dicts():
        name = (row["globus_alias"], row["dataset_name"])
        seen[name] = max(seen.get(name, (row["verified_at"], "")), (row["verified_at"], row["verdict"]))
    reads = (publication.FileCheck() & f"checked_at {then}").proj() * publication.DataSet.PhysicalFile.proj("file_size")
    sums = dj.U().aggr(reads, files="count(*)", size="sum(file_size)").to_dicts()
    files, size = (int(sums[0]["files"]), int(sums[0]["size"] or 0)) if sums else (0, 0)
    return Looked(len(seen), sum(verdict == "drift" for _, verdict in seen.values()), files, size)


def _sql(instant: datetime) -> str:
    """Return an instant as servers read it, in years of one digit, too."""
    return instant.isoformat(sep=" ")
