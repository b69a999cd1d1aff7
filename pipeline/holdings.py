"""What the index holds, chosen by any restriction of the tables of archived sessions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline import locations, publication
from pipeline.archive.manifest import Manifest
from pipeline.archive.session import Location, SessionKey, SessionRef
from pipeline.errors import UsageError
from pipeline.rows import file_entry
from pipeline.sessions import restricted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import DatasetType

_FILES = 20_000
"""Files in memory at once, unless one session has more."""

_DATASETS = 100
"""Datasets in one query."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One archived session at one storage location, as the index has it.

    ``manifest`` holds its files, sorted by subpath; ``described`` is the subpath of its newest manifest at the archive,
    empty for a session that was found there without one.
    """

    location: Location
    manifest: Manifest
    described: str

    @property
    def key(self) -> SessionKey:
        """``(subject_id, session)``."""
        return self.manifest.session.key

    @property
    def present_only(self) -> bool:
        """Whether it was only ever listed at the archive: no manifest, no checksums, never called archived."""
        return not self.described


def tables(types: Sequence[DatasetType], restrictions: Sequence[Any] = (), alias: str | None = None) -> tuple[Any, ...]:
    """Return the tables of archived sessions of these types, restricted.

    Parameters
    ----------
    types
        Which types of data.
    restrictions
        DataJoint restrictions of ``experiment.Session``; all must hold.
    alias
        Only at this storage location.
    """
    direct = [each for each in restrictions if _of_keys(each)]
    others = [each for each in restrictions if not _of_keys(each)]
    sessions = restricted(others)
    chosen = []
    for dataset_type in types:
        table = publication.archived_table(dataset_type)()
        for each in direct:  # these choose also what the lab's tables no longer have
            table &= each
        if others:
            table &= sessions.proj()
        if alias is not None:
            table &= {"globus_alias": alias}
        chosen.append(table)
    return tuple(chosen)


def _of_keys(restriction: Any) -> bool:
    """Say whether a restriction speaks of subjects and session numbers alone."""
    each = restriction if isinstance(restriction, list) else [restriction]
    return all(isinstance(one, dict) and one.keys() <= {"subject_id", "session"} for one in each) and bool(each)


def by_names(
    types: Sequence[DatasetType],
    subjects: Sequence[str | int] = (),
    sessions: Sequence[int] = (),
    since: date | None = None,
    until: date | None = None,
    alias: str | None = None,
) -> tuple[Any, ...]:
    """Return the tables of archived sessions restricted by what people say; subjects by ``SC038`` or 407513.

    Raises
    ------
    UsageError
        There is no such subject; near names are suggested.
    """
    from pipeline.subjects import resolve

    chosen: list[Any] = []
    if subjects:
        chosen.append([{"subject_id": resolve(name)} for name in subjects])
    if sessions:
        chosen.append([{"session": number} for number in sessions])
    if since is not None:
        chosen.append(f"session_date >= '{since:%Y-%m-%d}'")
    if until is not None:
        chosen.append(f"session_date <= '{until:%Y-%m-%d}'")
    return tables(types, chosen, alias)


def keys(table: Any) -> list[tuple[SessionKey, str]]:
    """Return ``((subject_id, session), alias)`` of the archived sessions that a table is restricted to, in order."""
    found = table.proj().to_dicts()
    return sorted(((row["subject_id"], row["session"]), row["globus_alias"]) for row in found)


def holdings(table: Any, rank: Callable[[str, str], Any] = lambda *_: 0) -> Iterator[Holding]:
    """Yield the archived sessions that a table is restricted to, with their files.

    Ordered by location, then animal, date and session number; ``rank`` may put animals (given location and name) into
    another order.  Files are read for some sessions at a time, so that memory is bounded whatever the size of the
    archive.

    Raises
    ------
    UsageError
        It is a projection, which has lost what its rows say.
    """
    if "dataset_name" not in table.heading.names:
        raise UsageError(
            "A projection of a table of archived sessions does not tell their datasets any more.",
            remedy="leave .proj() out: restrict the table itself, & {...}.",
        )
    rows = table.to_dicts()
    if not rows:
        return
    places = locations_by_alias()
    datasets = _datasets(rows)
    counts = _file_counts(rows)

    def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
        dataset = datasets[_name(row)]
        alias, h2o = row["globus_alias"], dataset["dataset_h2o"]
        return (alias, rank(alias, h2o), h2o, dataset["dataset_date"], row["session"], row["subject_id"])

    for chunk in _chunks(sorted(rows, key=order), counts):
        files: dict[tuple[str, str], list[FileEntry]] = {}
        chosen = [{"globus_alias": alias, "dataset_name": dataset} for alias, dataset in map(_name, chunk)]
        for row in (publication.DataSet.PhysicalFile() & chosen).to_dicts():
            files.setdefault(_name(row), []).append(file_entry(row))
        for row in chunk:
            yield _holding(places[row["globus_alias"]], row, datasets[_name(row)], files.pop(_name(row), []))


def without_row(location: Location, names: Sequence[str]) -> Iterator[Holding]:
    """Yield datasets of a location, by name, whose archived rows went with the lab's sessions."""
    for name in names:
        key = {"globus_alias": location.alias, "dataset_name": name}
        for dataset in (publication.DataSet() & key).to_dicts():
            _, subject_id, session = name.rsplit("-", 2)
            key_of = {"subject_id": int(subject_id), "session": int(session)}
            row: dict[str, Any] = {**key_of, "archived_at": None, "evidence": {}}
            files = [file_entry(each) for each in (publication.DataSet.PhysicalFile() & key).to_dicts()]
            yield _holding(location, row, dataset, files)


def _holding(
    location: Location, row: Mapping[str, Any], dataset: Mapping[str, Any], files: Sequence[FileEntry]
) -> Holding:
    manifest = Manifest(
        session=SessionRef(
            row["subject_id"],
            row["session"],
            dataset["dataset_h2o"],
            dataset["dataset_date"],
            dataset["dataset_time"],
        ),
        dataset_type=location.dataset_type,
        alias=location.alias,
        generation=dataset["dataset_generation"],
        files=tuple(sorted(files, key=lambda entry: entry.subpath)),
        archived_at=row["archived_at"],
        evidence=row["evidence"],
    )
    return Holding(location, manifest, dataset["dataset_manifest"])


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["globus_alias"], row["dataset_name"])


def locations_by_alias() -> dict[str, Location]:
    """Return the storage locations that the database knows."""
    return locations.known()


def _datasets(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {_name(row): row for part in _parts(rows) for row in (publication.DataSet() & part).to_dicts()}


def _file_counts(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    import datajoint as dj

    counts: dict[tuple[str, str], int] = {}
    for part in _parts(rows):
        query = dj.U("globus_alias", "dataset_name").aggr(publication.DataSet.PhysicalFile() & part, files="count(*)")
        counts.update({_name(row): int(row["files"]) for row in query.to_dicts()})
    return counts


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[dict[str, str]]]:
    """Yield restrictions of ``DataSet`` that choose some of the rows' datasets each."""
    wanted = iter({_name(row) for row in rows})
    while part := list(islice(wanted, _DATASETS)):
        yield [{"globus_alias": alias, "dataset_name": dataset} for alias, dataset in part]


def _chunks(
    rows: Iterable[Mapping[str, Any]], counts: Mapping[tuple[str, str], int]
) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        files = counts.get(_name(row), 0)
        if chunk and (size + files > _FILES or len(chunk) >= _DATASETS):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += files
    if chunk:
        yield chunk
