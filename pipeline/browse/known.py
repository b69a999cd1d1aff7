"""What the index knows of a place: nothing of that may be moved or overwritten by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from pipeline import database, publication
from pipeline.browse.place import within
from pipeline.browse.under_way import touched, touching
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
        files = {0: "its manifest", 1: "1 file"}.get(self.files, f"{self.files:,} files")
        return f"{self.h2o} session {session} of {self.day} in {self.alias} ({files})"


def known_below(place: Place, locations: Mapping[str, Location]) -> list[Known]:
    """Return the datasets with files at or below a place, whatever the spelling by which it was named.

    Manifests count as files of their dataset.
    """
    found: list[Known] = []
    for location in locations.values():
        subpath = within(place, location)
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


def indexed_below(location: Location, subpath: str) -> bool:
    """Say whether the index has files of a location at or below a subpath."""
    return bool(_datasets(location, subpath))


def refuse_known(places: Sequence[Place], locations: Mapping[str, Location], what: Literal["moved", "made"]) -> None:
    """Refuse to touch what the index knows, or what is under way.

    Parameters
    ----------
    places
        What is to be moved away, or under which names something is to be made.
    locations
        The storage locations, by alias.
    what
        Which of the two.

    Raises
    ------
    Refused
        With the sessions that would be hurt, and the command that does it properly.
    """
    open_ = touched(locations)
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
                remedy=_PROPERLY[what],
            )
        busy = touching(place, open_, written=what == "made")
        if busy is not None:
            raise Refused(f"{place} is not {what}: {busy.said} is under way there.", remedy=busy.remedy)


_PROPERLY = {
    "moved": "an archived session changes its name by `mapshell publication-reassign`; files that changed are replaced "
    "by `mapshell publication-publish --supersede`.",
    "made": "choose another name; files that changed are replaced by `mapshell publication-publish --supersede`, and "
    "what the archive has lost is found by `mapshell publication-verify`.",
}


def rows_of(
    places: Sequence[Place], locations: Mapping[str, Location], *, manifests: bool = False
) -> dict[str, Mapping[str, Any]]:
    """Return the rows of ``publication.DataSet.PhysicalFile`` that these very places have, by path in the collection.

    With ``manifests`` those of ``publication.DataSet`` too, whose latest manifest a place is.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for location in locations.values():
        mine = {subpath: place for place in places if (subpath := within(place, location))}
        names = list(mine)
        tables = [(publication.DataSet.PhysicalFile, "file_subpath")]
        tables += [(publication.DataSet, "dataset_manifest")] if manifests else []
        for start in range(0, len(names), _CHUNK):
            for table, attribute in tables:
                chosen = [{attribute: name} for name in names[start : start + _CHUNK]]
                for row in (table() & {"globus_alias": location.alias} & chosen).to_dicts():
                    found[mine[row[attribute]].path] = row
    return found


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
