"""Names at the archive that are our own: nobody makes, moves or takes them by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.archive.aside import is_aside, is_superseded
from pipeline.archive.manifest_names import read_manifest_name
from pipeline.browse.place import at_root, within
from pipeline.errors import Refused, RemotePathNotFound
from pipeline.settings.types import STAGING_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.manifest_names import ManifestName
    from pipeline.archive.session import Location
    from pipeline.browse.disguises import Folders
    from pipeline.browse.place import Place


def refuse_reserved(place: Place, locations: Mapping[str, Location]) -> None:
    """Refuse to make something under a name that would be taken for ours.

    Raises
    ------
    Refused
        It is that of a manifest, of what was set aside or superseded, or lies in our own folder.
    """
    refuse_own(place)
    for location in locations.values():
        subpath = within(place, location)
        if not subpath:
            continue
        what = None
        if manifest_of(subpath) is not None:
            what = "of a manifest"
        elif is_aside(place.name) or is_superseded(place.name):
            what = "that mapshell gives to what it moved aside"
        if what is not None:
            raise Refused(
                f"{place} is not made: its name is one {what}.", remedy="choose another name; nothing was changed."
            )


def refuse_own(place: Place) -> None:
    """Refuse what lies in our own folder, or is it.

    Raises
    ------
    Refused
        It does.
    """
    if any(part == STAGING_NAME or part.startswith(f"{STAGING_NAME}-") for part in place.parts):
        raise Refused(
            f"{place} is mapshell's own: transfers and checks work there.", remedy="leave it to mapshell; it tidies up."
        )


def refuse_described(folders: Folders, place: Place, locations: Mapping[str, Location]) -> None:
    """Refuse to move manifests, whatever their generation, and what manifests describe that the index does not know.

    Raises
    ------
    Refused
        With the manifest.
    """
    for location in locations.values():
        subpath = within(place, location)
        if not subpath:
            continue
        own = manifest_of(subpath)
        if own is not None and _is_known(own, location):
            raise Refused(
                f"{place} is not moved: it is a manifest of an archived session ({_said(own)}).",
                remedy="an archived session changes its name by `mapshell publication-reassign`.",
            )
        animal = at_root(location).below(subpath.partition("/")[0])
        for name in _names_in(folders, animal):
            described = manifest_of(f"{animal.name}/{name}")
            if described is not None and not _is_known(described, location):
                raise Refused(
                    f"{place} is not moved: {animal.below(name)} describes a session ({_said(described)}) that this "
                    "database's index does not know.",
                    remedy="let the index know it: `mapshell publication-discover`; what was withdrawn on purpose is "
                    "moved with Globus' own tools.",
                )


def is_manifest(place: Place, locations: Mapping[str, Location]) -> bool:
    """Say whether a place is a manifest, of any generation, of a session that the index knows."""
    for location in locations.values():
        named = manifest_of(within(place, location) or "")
        if named is not None and _is_known(named, location):
            return True
    return False


def manifest_of(subpath: str) -> ManifestName | None:
    """Return what a path of a storage location says as the name of a manifest; None when it is none."""
    folder, slash, name = subpath.partition("/")
    return read_manifest_name(name, folder) if slash and "/" not in name else None


def _is_known(name: ManifestName, location: Location) -> bool:
    mine = {"globus_alias": location.alias, "dataset_h2o": name.h2o, "dataset_date": name.session_date}
    names = (publication.DataSet() & mine).to_arrays("dataset_name")
    return any(each.startswith(name.dataset_type) and int(each.rsplit("-", 1)[1]) == name.session for each in names)


def _said(name: ManifestName) -> str:
    return f"{name.h2o} session {name.session} of {name.session_date}, generation {name.generation}"


def _names_in(folders: Folders, animal: Place) -> Iterable[str]:
    """Return the names in an animal's folder; none when nothing, or a file, has its name."""
    try:
        entry = folders.of(animal.parent).get(animal.name)
        return folders.of(animal) if entry is not None and entry.kind == "dir" else ()
    except RemotePathNotFound:
        return ()
