"""What the index knows of a place: nothing of that may be moved or overwritten by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.session import Location
    from pipeline.browse.place import Place

_CHUNK = 500
_NAMED = 8
"""How many sessions a refusal names."""


@dataclass(frozen=True, slots=True)
class Known:
    """A dataset of which files lie at or below a place; ``size`` in bytes."""

    alias: str
    dataset: str
    h2o: str
    day: str
    files: int
    size: int

    def __str__(self) -> str:
        session = int(self.dataset.rsplit("-", 1)[1])
        files = "1 file" if self.files == 1 else f"{self.files:,} files"
        return f"{self.h2o} session {session} of {self.day} in {self.alias} ({files})"


def known_below(place: Place, locations: Mapping[str, Location]) -> list[Known]:
    """Return the datasets with files at or below a place, whatever the spelling by which it was named.

    Manifests count as files of their dataset.
    """
    found: list[Known] = []
    for location in locations.values():
        subpath = _within(place, location)
        if subpath is not None:
            found.extend(_datasets(location, subpath))
    return found


def roots_below(place: Place, locations: Mapping[str, Location]) -> list[Location]:
    """Return the storage locations whose root is the place or lies below it."""
    mine = PurePosixPath(place.path)
    return [
        each
        for each in locations.values()
        if each.endpoint.lower() == place.endpoint and PurePosixPath(each.path).is_relative_to(mine)
    ]


def refuse_known(places: Sequence[Place], locations: Mapping[str, Location], what: str) -> None:
    """Refuse to touch what the index knows, or what a transfer is about to bring.

    Raises
    ------
    Refused
        With the sessions that would be hurt, and the command that does it properly.
    """
    for place in places:
        roots = roots_below(place, locations)
        if roots:
            names = ", ".join(each.alias for each in roots)
            raise Refused(
                f"{place} is not {what}: the storage location {names} lies there.",
                remedy="to move an archive: move it with Globus, then `mapshell storage set "
                f"{roots[0].alias} UUID:/PATH`.",
            )
        hurt = known_below(place, locations)
        if hurt:
            named = "; ".join(str(each) for each in hurt[:_NAMED])
            more = f"; and {len(hurt) - _NAMED} more" if len(hurt) > _NAMED else ""
            raise Refused(
                f"{place} is not {what}: the index says that files of archived sessions lie there: {named}{more}.",
                remedy="an archived session changes its name by `mapshell publication-reassign`; files that changed "
                "are replaced by `mapshell publication-publish --supersede`.",
            )
        if _is_awaited(place, locations):
            raise Refused(
                f"{place} is not {what}: a transfer that is under way brings files there.",
                remedy="wait until it has ended and was gathered: mapshell publication-publish.",
            )


def rows_of(
    places: Sequence[Place], locations: Mapping[str, Location], *, manifests: bool = False
) -> dict[str, Mapping[str, Any]]:
    """Return the rows of ``publication.DataSet.PhysicalFile`` that these very places have, by path in the collection.

    With ``manifests`` those of ``publication.DataSet`` too, whose latest manifest a place is.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for location in locations.values():
        mine = {subpath: place for place in places if (subpath := _within(place, location))}
        names = list(mine)
        tables = [(publication.DataSet.PhysicalFile, "file_subpath")]
        tables += [(publication.DataSet, "dataset_manifest")] if manifests else []
        for start in range(0, len(names), _CHUNK):
            for table, attribute in tables:
                chosen = [{attribute: name} for name in names[start : start + _CHUNK]]
                for row in (table() & {"globus_alias": location.alias} & chosen).to_dicts():
                    found[mine[row[attribute]].path] = row
    return found


def _within(place: Place, location: Location) -> str | None:
    """Return a place relative to a location's root (empty: the root, or above it); None when it lies elsewhere."""
    if location.endpoint.lower() != place.endpoint.lower():
        return None
    mine, root = PurePosixPath(place.path), PurePosixPath(location.path)
    if mine.is_relative_to(root):
        subpath = mine.relative_to(root).as_posix()
        return "" if subpath == "." else subpath
    return "" if root.is_relative_to(mine) else None


def _datasets(location: Location, subpath: str) -> list[Known]:
    """Ask for the datasets with a file at or below a subpath; compared by value, so that no sign in a name matters."""
    bound = database.connection()
    file, data = publication.DataSet.PhysicalFile.full_table_name, publication.DataSet.full_table_name
    below, values = "({0} = %s OR LEFT({0}, %s) = %s)", (subpath, len(subpath) + 1, f"{subpath}/")
    if not subpath:
        below, values = "{0} IS NOT NULL", ()  # type: ignore[assignment]  # fewer of the same
    rows = bound.query(
        "SELECT d.dataset_name, d.dataset_h2o, d.dataset_date, COUNT(f.file_subpath), SUM(f.file_size) "  # noqa: S608
        f"FROM {data} d LEFT JOIN {file} f ON f.globus_alias = d.globus_alias AND f.dataset_name = d.dataset_name "
        f"AND {below.format('f.file_subpath')} WHERE d.globus_alias = %s "
        "GROUP BY d.dataset_name, d.dataset_h2o, d.dataset_date, d.dataset_manifest "
        f"HAVING COUNT(f.file_subpath) > 0 OR {below.format('d.dataset_manifest')} "
        "ORDER BY d.dataset_date, d.dataset_name",
        (*values, location.alias, *values),
    ).fetchall()
    return [
        Known(location.alias, name, h2o, f"{day:%Y-%m-%d}", int(files), int(size or 0))
        for name, h2o, day, files, size in rows
    ]


def _is_awaited(place: Place, locations: Mapping[str, Location]) -> bool:
    """Say whether an open entry of the journal brings files to a place or below it."""
    from pipeline.journal import TableJournal

    for location in locations.values():
        subpath = _within(place, location)
        if subpath is None:
            continue
        for entry in TableJournal(location, {}, "").unfinished():
            for part in entry.parts:
                names = [part.manifest.subpath, *(file.subpath for file in part.manifest.files)]
                if any(not subpath or f"{name}/".startswith(f"{subpath}/") for name in names):
                    return True
    return False
