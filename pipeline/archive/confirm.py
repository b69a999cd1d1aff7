"""What manifests say, compared with what the archive lists now: a row is made only of a file that is there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.archive.paths import printable
from pipeline.archive.round import ends_the_round
from pipeline.archive.session import join_remote
from pipeline.errors import MapshellError, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.lister import Lister
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import Location


def unconfirmed(
    lister: Lister, location: Location, manifests: Sequence[Manifest]
) -> dict[int, list[str] | MapshellError]:
    """List the folders that hold the files of some manifests, several at once, and compare.

    Returns
    -------
    dict
        By position of the manifest: what the archive lists otherwise, or the error of a folder that could not be
        listed.  Manifests whose files are all there are left out.

    Raises
    ------
    MapshellError
        Nothing can be listed any more: the service is down, or the login has gone.
    """
    wanted: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for number, manifest in enumerate(manifests):
        for entry in manifest.files:
            folder, name = entry.subpath.rsplit("/", 1)
            wanted[folder][name].append((number, entry.size))
    found: dict[int, list[str] | MapshellError] = {}
    paths = {join_remote(location.path, folder): folder for folder in sorted(wanted)}
    for path, listing in lister.folders(location.endpoint, paths):
        folder = paths[path]
        files = wanted.pop(folder)
        if isinstance(listing, MapshellError) and not isinstance(listing, RemotePathNotFound):
            if ends_the_round(listing):
                raise listing
            for number in {number for claims in files.values() for number, _ in claims}:
                found[number] = listing
            continue
        there = {} if isinstance(listing, MapshellError) else {entry.name: entry for entry in listing}
        for name, claims in files.items():
            listed = there.get(name)
            for number, size in claims:
                if listed is None or listed.kind != "file":
                    _note(found, number, f"{printable(folder)}/{printable(name)} is not there")
                elif listed.size != size:
                    said = f"{printable(folder)}/{printable(name)} has {listed.size:,} bytes, not {size:,}"
                    _note(found, number, said)
    return found


def _note(found: dict[int, list[str] | MapshellError], number: int, what: str) -> None:
    said = found.setdefault(number, [])
    if isinstance(said, list):
        said.append(what)
