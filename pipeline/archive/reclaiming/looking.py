"""The archive, asked now: whether it lists every file of a session and its newest manifest, with no link on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.lister import folders_above
from pipeline.archive.paths import is_safe, printable
from pipeline.archive.reclaiming.names import OWN
from pipeline.archive.reclaiming.rules import Missing, listed, options
from pipeline.archive.round import ends_the_round
from pipeline.archive.session import join_remote
from pipeline.errors import MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.archive.lister import Lister
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.reclaiming.rules import Place
    from pipeline.archive.session import Location, SessionRef


def look(lister: Lister, place: Place, ref: SessionRef, ours: Collection[str] = ()) -> Missing | None:
    """List the folders of a session at a place, and all above them, and compare with the index.

    Parameters
    ----------
    lister
        Lists folders.
    place
        The place, with what the index has there.
    ref
        The session.
    ours
        Subpaths of what this run has just written beside the local files: what lists them there is this very folder.

    Raises
    ------
    MapshellError
        Nothing can be asked any more: the service is down, or the login has gone.
    """
    location, manifest = place.location, place.manifest
    wanted = {*place.entries, place.described}
    if manifest is None or not all(map(is_safe, wanted)):
        verify = f"`mapshell publication-verify {options(ref, location.dataset_type)}`"
        return Missing("listed", f"{place.alias}: the index has names that cannot be followed", verify)
    folders = folders_above(wanted)
    paths = {join_remote(location.path, folder): folder for folder in folders} | {location.path: ""}
    listing: dict[str, RemoteEntry] = {}
    absent, links, newer = set[str](), set[str](), set[str]()
    for path, answer in lister.folders(location.endpoint, paths):
        folder = paths[path]
        if isinstance(answer, RemotePathNotFound):
            absent.add(folder or location.path)
            continue
        if isinstance(answer, MapshellError):
            if ends_the_round(answer):
                raise answer
            return Missing("listed", f"{place.alias}: {answer.message.rstrip('.')}", answer.remedy)
        for entry in answer:
            subpath = f"{folder}/{entry.name}" if folder else entry.name
            if subpath in ours or (entry.name in OWN and folder in folders):
                return _itself(place, subpath)
            if subpath in wanted:
                listing[subpath] = entry
            elif subpath in folders and (entry.link or entry.kind != "dir"):
                links.add(subpath)
            elif manifest.is_before(subpath):
                newer.add(subpath)
    return listed(place, listing, absent, links, newer, ref)


def seen_at(lister: Lister, location: Location, ours: Collection[str]) -> Missing | None:
    """Say whether a place that does not count lists what was just written beside the local files: it is this folder.

    A place that cannot be asked says nothing: what is deleted is held by those that count.
    """
    folders = {subpath.rpartition("/")[0] for subpath in ours}
    paths = {join_remote(location.path, folder): folder for folder in folders}
    for path, answer in lister.folders(location.endpoint, paths):
        for entry in () if isinstance(answer, MapshellError) else answer:
            if (subpath := f"{paths[path]}/{entry.name}") in ours:
                return _itself(location, subpath)
    return None


def _itself(place: Place | Location, subpath: str) -> Missing:
    return Missing(
        "listed",
        f"{place.alias} lists {printable(subpath)}, which reclaim writes beside local files alone: this folder is the "
        "archive's own, by another way, or was copied there with it",
        "nothing may be deleted here: compare `mapshell storage` with `mapshell config show`; if somebody copied the "
        "file to the archive, remove it there.",
    )
