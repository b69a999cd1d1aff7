"""Sessions that the index lacks, many written in one transaction: the same rows as one after the other, or none.

What is not simply new (somebody works on it, the index has something of it, the lab's tables say otherwise) is left to
``Index.write``, which knows what to say; the order in which sessions are written is kept.
"""

from __future__ import annotations

from collections import deque
from itertools import chain, groupby
from typing import TYPE_CHECKING

from pipeline import database, labrows, publication
from pipeline.archive.credible import folders
from pipeline.archive.journal import step
from pipeline.archive.round import ends_the_round
from pipeline.errors import MapshellError
from pipeline.labrows import Unfit
from pipeline.rows import archived_row, dataset_row, file_rows
from pipeline.transitions import is_committed, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey
    from pipeline.rebuild import Index

    Item = tuple[Index, Manifest]

_CHUNK = 500


def write(items: Sequence[Item], *, lab: bool) -> Iterator[tuple[int, labrows.Entered | None]]:
    """Write sessions of one or several locations; yield each in turn, by its position, with the rows that were made.

    Those with None were not written: they must be written by themselves before the next one is asked for.

    Parameters
    ----------
    items
        Manifests that were believed and confirmed, each with the index that it belongs to.
    lab
        Whether rows of the lab are made too.

    Raises
    ------
    MapshellError
        Nothing can be written any more.
    """
    runs = deque(_split(range(len(items)), {n for n, (_, manifest) in enumerate(items) if not _plain(manifest)}))
    while runs:
        run = runs.popleft()
        if len(run) == 1:
            yield run[0], None
            continue
        try:
            with told(items[number][1].session for number in run):
                entered = _together([items[number] for number in run], lab=lab)
        except Unfit as unfit:
            runs.extendleft(reversed(list(_split(run, {run[position] for position in unfit.positions}))))
        except MapshellError as error:
            if ends_the_round(error):
                raise
            for number in run:
                yield number, None
        else:
            yield from zip(run, entered, strict=True)


def _plain(manifest: Manifest) -> bool:
    """Say whether a session never had another name under which the index may have it."""
    return not manifest.evidence.get("aliases")


def _split(run: Sequence[int], unfit: set[int]) -> Iterator[list[int]]:
    """Cut a run into those that are fit, together, and the others, each by itself."""
    for alone, some in groupby(run, lambda number: number in unfit):
        numbers = list(some)
        yield from ([number] for number in numbers) if alone else [numbers]


def _together(items: Sequence[Item], *, lab: bool) -> list[labrows.Entered]:
    """Write sessions in one transaction, under the leases of all of them.

    Raises
    ------
    Unfit
        Some cannot be written together; nothing was written.
    """
    indices: dict[Index, list[int]] = {}
    for number, (index, _) in enumerate(items):
        indices.setdefault(index, []).append(number)
    held: dict[Index, set[SessionKey]] = {}
    try:
        unfit: set[int] = set()
        for index, numbers in indices.items():
            keys = {number: items[number][1].session.key for number in numbers}
            held[index] = index.journal.claim_free(set(keys.values()))
            flying = index.in_flight(sorted(held[index]))
            unfit.update(number for number, key in keys.items() if key not in held[index] or key in flying)
        for _ in items:
            step("discover: claimed")
        if unfit:
            raise Unfit(unfit)
        return _write(items, held, lab=lab)
    finally:
        for index, theirs in held.items():
            index.journal.release(theirs)


def _write(items: Sequence[Item], held: dict[Index, set[SessionKey]], *, lab: bool) -> list[labrows.Entered]:
    manifests = [manifest for _, manifest in items]
    entered: list[labrows.Entered] = []

    def work() -> None:
        entered.clear()
        for index, keys in held.items():
            index.journal.keep(keys)
        unfit = labrows.doubted(manifests, enters=lab) | _there(items) | _sharing(items)
        if unfit:
            raise Unfit(unfit)
        entered.extend(labrows.enter_all(manifests, () if lab else ("publication.SessionIdent",)))
        database.bulk_insert(publication.DataSet, (dataset_row(manifest) for manifest in manifests))
        rows = (file_rows(manifest, manifest.files) for manifest in manifests)
        database.bulk_insert(publication.DataSet.PhysicalFile, chain.from_iterable(rows))
        for _ in items:
            step("discover: files")
        for index in held:
            mine = [archived_row(manifest) for each, manifest in items if each is index]
            database.bulk_insert(index.archived, mine)

    database.run_transaction(work, done=lambda: all(map(is_committed, manifests)))
    for index, manifest in items:
        index.note_owner(manifest)
    return entered


def _there(items: Sequence[Item]) -> set[int]:
    """Return the sessions of which the index has something already."""
    found: set[int] = set()
    for index in {index for index, _ in items}:
        names = {manifest.name: number for number, (each, manifest) in enumerate(items) if each is index}
        for some in (list(names)[begin : begin + _CHUNK] for begin in range(0, len(names), _CHUNK)):
            rows = database.connection().query(
                f"SELECT dataset_name FROM {publication.DataSet.full_table_name} "  # noqa: S608 - our own names
                f"WHERE globus_alias = %s AND dataset_name IN ({', '.join(['%s'] * len(some))})",
                (index.location.alias, *some),
            )
            found.update(names[name] for (name,) in rows.fetchall())
    return found


def _sharing(items: Sequence[Item]) -> set[int]:
    """Return the sessions that have a folder together with another: whose files are whose must be looked at."""
    found: set[int] = set()
    taken: dict[tuple[Index, str], int] = {}
    for number, (index, manifest) in enumerate(items):
        if index.others(manifest):
            found.add(number)
        for folder in folders(manifest.files):
            if taken.setdefault((index, folder), number) != number:
                found.add(number)
    return found
