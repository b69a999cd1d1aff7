"""An archive that lies at another place now: looked for there, then its address changed, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline import database, publication, sessions
from pipeline.archive.lister import Lister
from pipeline.archive.sampling import folder, folders, in_order
from pipeline.archive.session import Location, join_remote
from pipeline.database.quiet import dj
from pipeline.errors import MapshellError, Refused, RemotePathNotFound, UsageError
from pipeline.leases import Leases
from pipeline.locations import location_row
from pipeline.storage import check_folder, check_neighbours, ensure_writable, find, read_place, said
from pipeline.transitions import OPEN, locked
from pipeline.work import Silence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.ports import Progress, RemoteEntry, Store
    from pipeline.settings import Settings

SAMPLE = 100
"""Files that are drawn unless somebody says otherwise."""

_CHUNK = 100
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """What was looked for at the new place and is not there as the index has it; sizes in bytes, None: not there."""

    subpath: str
    expected: int | None
    found: int | None

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.subpath} is missing"
        if self.found < 0:
            return f"{self.subpath} is no file"
        wanted = "something" if self.expected is None else f"{self.expected:,}"
        return f"{self.subpath} has {self.found:,} bytes instead of {wanted}"


@dataclass(slots=True)
class Move:
    """A change of address: what was looked at, and what came of it.

    ``files`` and ``manifests`` were looked at by listing ``folders``, ``datasets`` of ``all_datasets`` of the index;
    ``size`` are the bytes of these files.  ``computers`` are others that have published to this location.
    """

    before: Location
    after: Location
    all_datasets: int = 0
    datasets: int = 0
    files: int = 0
    size: int = 0
    manifests: int = 0
    folders: int = 0
    differences: list[Difference] = field(default_factory=list)
    computers: tuple[str, ...] = ()
    dry_run: bool = False
    moved: bool = False


def move(
    settings: Settings,
    store: Store,
    alias: str,
    place: str,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    nested: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Move:
    """Change where an archive lies, once a sample of the indexed files is listed at the new place with the same sizes.

    No row of datasets or files is changed: what was archived stays archived.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Lists the new place.
    alias, place
        Which storage location, and ``UUID:/PATH``.
    sample, seed
        How many files are drawn over all datasets, and which.  All indexed files of their folders are looked at.
    nested
        The new place may lie inside another location, or around one.
    dry_run
        Only look.
    progress
        Who wants to see how far it is.

    Returns
    -------
    Move
        With ``differences``, nothing was changed.

    Raises
    ------
    UsageError
        There is no such location, or no such place.
    Refused
        Transfers are under way there, or the place cannot be that of an archive.
    """
    ensure_writable()
    before = find(settings, alias)
    endpoint, path = read_place(place)
    after = replace(before, endpoint=endpoint, path=path, elsewhere=frozenset())
    result = Move(before, after, dry_run=dry_run, computers=_computers(alias, settings.archive.computer))
    if after == before:
        return result
    check_neighbours(after, settings, nested=nested)
    _refuse_busy(before, settings.archive.computer)
    check_folder(store, after)
    _look(store, result, sample, seed, progress or Silence())
    if result.differences or dry_run:
        return result
    database.run_transaction(lambda: _write(before, after), done=lambda: find(settings, alias) == after)
    result.moved = True
    return result


def _look(store: Store, result: Move, sample: int, seed: int, progress: Progress) -> None:
    """List the drawn folders, and those of the animals, and compare."""
    here = {"globus_alias": result.before.alias}
    manifests = {
        row["dataset_name"]: row["dataset_manifest"]
        for row in (publication.DataSet() & here).proj("dataset_manifest").to_dicts()
    }
    result.all_datasets = len(manifests)
    chosen = in_order(manifests, seed)[:sample]
    files: dict[str, dict[str, int | None]] = {name: {} for name in chosen}
    for first in range(0, len(chosen), _CHUNK):
        some = [{"dataset_name": name} for name in chosen[first : first + _CHUNK]]
        rows = (publication.DataSet.PhysicalFile() & here & some).proj("file_subpath", "file_size").to_dicts()
        for row in rows:
            files[row["dataset_name"]][row["file_subpath"]] = row["file_size"]
    drawn = folders(files, sample, seed)
    expected: dict[str, int | None] = {}
    for sizes in files.values():
        mine = {subpath: size for subpath, size in sizes.items() if folder(subpath) in drawn}
        expected.update(mine)
        result.datasets += bool(mine)
        result.files += len(mine)
        result.size += sum(size or 0 for size in mine.values())
    described = [manifests[name] for name in chosen if manifests[name]]
    expected.update(manifest := dict.fromkeys(described))
    result.manifests = len(described)
    wanted = sorted({folder(subpath) for subpath in expected})
    result.folders = len(wanted)
    there = _listed(store, result.after, wanted, progress)
    for subpath, size in sorted(expected.items()):
        entry = there.get(subpath)
        if entry is None or entry.kind != "file":
            result.differences.append(Difference(subpath, size, None if entry is None else -1))
        elif entry.size != size and not (size is None and (entry.size or subpath not in manifest)):
            result.differences.append(Difference(subpath, size, entry.size))


def _listed(store: Store, place: Location, wanted: Sequence[str], progress: Progress) -> dict[str, RemoteEntry]:
    paths = {join_remote(place.path, name) if name else place.path: name for name in wanted}
    found: dict[str, RemoteEntry] = {}
    title, many = "listing the new place", len(paths)
    progress.task(title, title, 0)
    with Lister(store) as lister:
        for count, (path, listing) in enumerate(lister.folders(place.endpoint, paths), 1):
            progress.update(title, 0, f"{count:,} of {many:,} folders")
            if isinstance(listing, RemotePathNotFound):
                continue  # then every file of it is missing
            if isinstance(listing, MapshellError):
                raise listing
            inner = f"{paths[path]}/" if paths[path] else ""
            found.update({f"{inner}{entry.name}": entry for entry in listing})
    progress.done(title, f"{many:,} {'folder' if many == 1 else 'folders'}")
    return found


def refusal(result: Move) -> Refused:
    """Make the error of a place at which the archive was not found."""
    first = "; ".join(map(str, result.differences[:_NAMED]))
    more = len(result.differences) - _NAMED
    return Refused(
        f"{result.before.alias} was not found at {said(result.after)}: {len(result.differences):,} of "
        f"{result.files + result.manifests:,} files that were looked for are missing or different: {first}"
        + (f"; and {more:,} more." if more > 0 else "."),
        remedy="correct the place, or copy what is missing to it; the address was not changed.",
    )


def _write(before: Location, after: Location) -> None:
    """Change the address, in a transaction: nobody can begin a transfer to the old place meanwhile."""
    table = publication.GlobusStorageLocation
    row = location_row(before)
    if locked(table, "globus_alias", row) is None:
        raise UsageError(
            f"Another computer has just changed where {before.alias} lies.",
            remedy="look at it: mapshell storage list.",
        )
    transfers, parts = publication.Transfer.full_table_name, publication.Transfer.Session.full_table_name
    states = ", ".join(f"'{state}'" for state in OPEN)
    # Locking, so that a transfer which was written down since this transaction began is seen on MySQL, too.
    begun = (
        database.connection()
        .query(
            f"SELECT t.label FROM {transfers} t JOIN {parts} p ON p.transfer_id = t.transfer_id "  # noqa: S608
            f"WHERE p.globus_alias = %s AND t.state IN ({states}) FOR UPDATE",
            (before.alias,),
        )
        .fetchone()
    )
    if begun is not None:
        raise _busy(before, [f"the transfer {begun[0]!r}"])
    table.update1(location_row(after))


def _refuse_busy(location: Location, computer: str) -> None:
    """Refuse while anything is under way at a location.

    Raises
    ------
    Refused
        With what it is.
    """
    here = {"globus_alias": location.alias}
    open_ = publication.Transfer() & f"state in {OPEN}"
    rows = (publication.Transfer.Session() & here).proj() * open_.proj("label", "task_id", "computer", "purpose")
    under_way: dict[Any, Mapping[str, Any]] = {row["transfer_id"]: row for row in rows.to_dicts()}
    found = [
        f"{row['purpose']} from {row['computer']}: {row['label']}"
        + (f" (task {row['task_id']})" if row["task_id"] else " (not submitted yet)")
        for row in under_way.values()
    ]
    if not found:
        working = Leases(location, computer).working()
        refs = sessions.load().refs if working else {}
        found = [f"{whose} works on {refs.get(key, key)}" for key, whose in sorted(working.items())]
    if found:
        raise _busy(location, found)


def _busy(location: Location, found: Sequence[str]) -> Refused:
    more = f"; and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return Refused(
        f"Something is under way at {location.alias}: {'; '.join(found[:_NAMED])}{more}.",
        remedy="let it end, and be recorded by mapshell publication-publish; then say again where the archive lies.",
    )


def _computers(alias: str, this: str) -> tuple[str, ...]:
    """Return the other computers that have published to a location."""
    here = {"globus_alias": alias}
    sent = dj.U("computer") & (publication.Transfer() & (publication.Transfer.Session() & here))
    told = dj.U("computer") & (publication.SessionState() & here)
    return tuple(sorted({row["computer"] for query in (sent, told) for row in query.to_dicts()} - {this}))
