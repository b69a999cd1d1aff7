"""Retrieving, put together from settings and tables; the tables' ``retrieve`` and the command call this."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.absent import absent, nothing_matches
from pipeline.archive import choice
from pipeline.archive.aside import in_force
from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.copying.fetch import bring, choose, not_answering
from pipeline.archive.fetch import Fetching, Item
from pipeline.archive.fetchtasks import mark_under_way
from pipeline.archive.haul import Patient
from pipeline.archive.paths import is_safe, printable
from pipeline.archive.retrieve import plan
from pipeline.archive.retrieve import retrieve as run
from pipeline.copies.named import roots
from pipeline.copies.order import Order
from pipeline.errors import UsageError
from pipeline.folders import cache_folder
from pipeline.holdings import holdings, locations_by_alias
from pipeline.reassign.followed import followed
from pipeline.reassign.meanwhile import explain
from pipeline.reassign.superseded import outdated
from pipeline.reclaim.back import brought_back
from pipeline.retrievals import FileJournal, folder, record
from pipeline.retrieved import Retrieved, RetrievedFile
from pipeline.targets import Targets, Via
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pipeline.absent import Absent
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.errors import MapshellError
    from pipeline.holdings import Holding
    from pipeline.settings import Settings

_NAMED = 12
"""How many file types a message names."""

__all__ = ["Retrieved", "RetrievedFile", "retrieve"]


def retrieve(
    settings: Settings,
    store: Callable[[], Store],
    tables: Sequence[Any],
    *,
    file_types: str | Iterable[str] | None = None,
    probes: str | int | Iterable[str | int] | None = None,
    to: str | os.PathLike[str] | None = None,
    via: Via = "globus",
    overwrite: bool = False,
    dry_run: bool = False,
    wait: bool = True,
    everything: bool = False,
    superseded: bool = False,
    first: str | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
    raises: bool = True,
) -> Retrieved:
    """Fetch files of archived sessions, check each against the index, and only then give it its name.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    store
        Gives the Globus manager; called only when there is something to ask.
    tables
        Tables of archived sessions, each with its restriction.
    file_types, probes, to, via, overwrite, dry_run, wait, everything, superseded, first
        As in :meth:`pipeline.archived.Archived.retrieve`.
    progress, clock
        Who is told how it goes; time, the computer's by default.
    raises
        Raise the error that ended it early; otherwise it is in the result.

    Raises
    ------
    UsageError
        Nothing matches, no restriction and not ``everything``, or a place that cannot be used.
    LoginNeeded, GlobusError, LocalDiskError, Conflict, DatabaseError
        Nothing can be done before that is mended; what was fetched stays, and the next call goes on.
    """
    _refuse_everything(tables, everything=everything)
    if via == "https" and not wait:
        raise UsageError("Over HTTPS nothing goes on by itself.", remedy="leave --no-wait out, or fetch by a transfer.")
    progress, clock = progress or Silence(), clock or SystemClock()
    computer, began = settings.archive.computer, clock.now()
    renamed, said, were = followed(tables)
    tables = [*tables, *renamed]
    targets = Targets(settings, locations_by_alias().values(), to, via, partial(roots, settings))
    items, kinds, left_out = _choose(tables, targets, file_types, probes, superseded=superseded)
    order = Order(settings, first)
    chosen = choose(items, order.rank)
    journal = folder(os.environ)
    remembered = FileJournal(journal, settings.archive.staging_name)
    cache = ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")
    with Hasher(cache, threads=settings.archive.hash_threads) as hasher:
        fetching = Fetching(
            store=store,
            patient=Patient(clock, progress, settings.archive.poll_seconds, settings.archive.stall_seconds),
            hasher=hasher,
            cache=cache,
            journal=remembered,
            staging=settings.archive.staging_name,
            computer=computer,
            threads=settings.archive.hash_threads,
            overwrite=overwrite,
            wait=wait,
            outdated=outdated,
        )

        def attempt(some: Sequence[Item]) -> tuple[list[Item], MapshellError | None]:
            if dry_run:
                plan(fetching, some, via)
                return [], None
            return run(fetching, some, via, journal)

        further, stopped, instead = bring(chosen, attempt, lambda places: not_answering(store(), places, via))
        items = chosen.items
        if dry_run and via == "globus":
            mark_under_way(fetching, items)
        explain(items, computer)
        back = [] if dry_run else brought_back([*items, *further], hasher, computer)
    lacking = [one for one in _absent(tables, items) if one.session.key not in were]
    result = Retrieved(
        files=[_file(item, kinds.get(item.identity[:2], "unknown")) for item in [*items, *further]],
        targets=sorted({str(item.site) for item in items}),
        via=via,
        tasks=list(dict.fromkeys(fetching.tasks)),
        notes=[
            *said,
            *(f"Not fetched: {one}." for one in lacking),
            *_left_out(left_out),
            *order.notes(chosen.twice),
            *instead,
            *fetching.notes,
            *remembered.notes(),
            *back,
        ],
        awaited=[str(one) for one in lacking if one.state == "in flight"],
        dry_run=dry_run,
        stopped=stopped,
    )
    if not dry_run:
        record(result, began, clock.now(), computer, store)
    if stopped is not None and raises:
        raise stopped
    return result


def _refuse_everything(tables: Sequence[Any], *, everything: bool) -> None:
    if not everything and any(not table.restriction for table in tables):
        raise UsageError(
            "Without any restriction this would fetch the whole archive.",
            remedy="restrict it (--subject, --session, --since; in Python: & {...}), or say that you mean it: "
            "--everything (everything=True).",
        )


def _choose(
    tables: Sequence[Any],
    targets: Targets,
    file_types: str | Iterable[str] | None,
    probes: str | int | Iterable[str | int] | None,
    *,
    superseded: bool,
) -> tuple[list[Item], dict[tuple[str, str], str], int]:
    """Return the files that are wanted, the type of each, and how many were left out because others superseded them.

    Raises
    ------
    UsageError
        No session matches, or none of those that do has such a file.
    """
    types = None if file_types is None else choice.file_types(file_types, _known_types())
    numbers = None if probes is None else choice.probes(probes)
    items: list[Item] = []
    kinds: dict[tuple[str, str], str] = {}
    there: set[tuple[str, int | None]] = set()
    some, left_out = False, 0
    for table in tables:
        for holding in holdings(table):
            some = True
            there.update((entry.file_type, choice.probe_of(entry.subpath)) for entry in holding.manifest.files)
            meant = [entry for entry in holding.manifest.files if _is_meant(entry, types, numbers)]
            chosen = meant if superseded else in_force(meant, holding.manifest.files)
            left_out += len(meant) - len(chosen)
            if chosen:
                items += _items(holding, chosen, targets)
                kinds |= {(holding.location.alias, entry.subpath): entry.file_type for entry in chosen}
    if not some:
        raise nothing_matches(tables)
    if not items:
        raise _no_such_file(there, types, numbers)
    return items, kinds, left_out


def _left_out(number: int) -> list[str]:
    files = "file was" if number == 1 else "files were"
    said = f"{number:,} superseded {files} left out; --superseded (superseded=True) fetches them too."
    return [said] if number else []


def _no_such_file(
    there: Collection[tuple[str, int | None]], types: Collection[str] | None, numbers: Collection[int] | None
) -> UsageError:
    """Return the error for sessions that have nothing of what was asked for: it says what they have."""
    what = " and ".join(["of these types"] * (types is not None) + ["of these probes"] * (numbers is not None))
    of_probe = {kind for kind, number in there if numbers is None or number in numbers}
    probes = sorted({number for kind, number in there if number is not None and (types is None or kind in types)})
    if numbers is not None and not of_probe:
        have = ", ".join(f"imec{number - 1} (insertion {number})" for number in probes) or "no probe"
    else:
        names = sorted(of_probe)
        have = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return UsageError(
        f"The sessions that were asked for have no file {what}.".replace(" .", "."),
        remedy=f"they have: {have or 'no file'}.",
    )


def _known_types() -> set[str]:
    return {row["file_type"] for row in publication.FileType().proj().to_dicts()}


def _is_meant(entry: FileEntry, types: Collection[str] | None, numbers: Collection[int] | None) -> bool:
    if types is not None and entry.file_type not in types:
        return False
    return numbers is None or choice.probe_of(entry.subpath) in numbers


def _items(holding: Holding, entries: Sequence[FileEntry], targets: Targets) -> list[Item]:
    site = targets.site(holding.location, entries)
    session = holding.manifest.session
    items = []
    for entry in entries:
        item = Item(holding.location, session, entry.subpath, entry.size, entry.mtime, entry.sha1, site)
        if not entry.sized:
            item.judge("refused", _UNSEEN, f"look first: `mapshell publication-verify --subject {session.h2o}`.")
        items.append(item)
    return items


_UNSEEN = "it came from an older database, and nobody has looked at it at the archive yet"


def _file(item: Item, file_type: str) -> RetrievedFile:
    path = item.path if is_safe(item.subpath) else None
    return RetrievedFile(
        key=item.session.key,
        h2o=item.session.h2o,
        session_date=f"{item.session.session_date:%Y-%m-%d}",
        dataset_type=item.location.dataset_type,
        alias=item.location.alias,
        subpath=item.subpath,
        file_type=file_type,
        size=item.size,
        place=str(path) if path is not None else f"{item.site}/{printable(item.subpath)}",
        path=path,
        verdict=item.verdict,
        reason=item.reason,
        remedy=item.remedy,
        bad=item.bad,
    )


def _absent(tables: Sequence[Any], items: Sequence[Item]) -> list[Absent]:
    """Return the sessions that were asked for and are nowhere archived, as far as something is known of them."""
    if any(not table.restriction for table in tables):
        return []
    kinds = {alias: place.dataset_type for alias, place in locations_by_alias().items()}
    had = {(item.location.dataset_type, item.session.key) for item in items}
    telling = (one for one in absent(tables) if one.state not in ("not archived", "not here"))
    return [one for one in telling if (kinds.get(one.alias), one.session.key) not in had]
