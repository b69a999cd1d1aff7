"""How Globus reaches a drive: from the roots that this computer's collection has, or as a person says; then proved."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, MapshellError, PermissionDenied, RemotePathNotFound
from pipeline.storage import read_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.archive.ports import Store
    from pipeline.drives.connected import Drive
    from pipeline.settings import Settings

_COMPARED = 50
"""How many names are compared at most."""

Pair = tuple[PurePath, str, str]
"""A folder on disk, and the same in Globus: collection and path."""


def globus_place(settings: Settings, drive: Drive, said: str = "") -> tuple[str, str]:
    """Return the collection and the path in it by which Globus reaches a drive.

    Parameters
    ----------
    settings
        This computer's settings.
    drive
        The drive.
    said
        ``UUID:/PATH`` as a person says it; empty: as it follows from this computer's roots.

    Raises
    ------
    UsageError
        What is said is no place.
    ConfigError
        It does not follow.
    """
    if said:
        return read_place(said)
    roots = (*settings.globus.local_roots, *settings.globus.shared_roots)
    pairs = [(Path(os.path.realpath(root.local_path)), root.endpoint, root.globus_path) for root in roots]
    found = next(follows(Path(os.path.realpath(drive.path)), pairs), None)
    if found is None:
        raise ConfigError(
            f"It does not follow from this computer's roots by which path Globus reaches {drive.path}.",
            remedy=f"{share(drive)} Then say its path there (the web application shows it): --root-globus UUID:/PATH.",
        )
    return found


def follows(place: PurePath, pairs: Iterable[Pair]) -> Iterator[tuple[str, str]]:
    """Yield where a folder lies in Globus, the surest first, from pairs of folders that are the same.  Pure.

    A folder within a known one is sure.  Else what both paths of a pair end in is taken away: ``D:/recordings`` and
    ``/D/recordings`` say that ``D:/`` is ``/D``, and so ``E:/`` is ``/E``.
    """
    known = sorted(pairs, key=lambda pair: -len(pair[0].parts))
    for local, endpoint, there in known:
        if place.is_relative_to(local):
            yield endpoint, _joined(there, place.relative_to(local))
    for local, endpoint, there in known:
        base, path = _stripped(local, there)
        if place.is_relative_to(base):
            yield endpoint, _joined(path, place.relative_to(base))
        elif _is_letter(base, path) and len(place.drive) == len("E:"):
            yield endpoint, _joined(f"/{place.drive[0].upper()}", place.relative_to(place.anchor))


def _stripped(local: PurePath, there: str) -> tuple[PurePath, str]:
    names = [name for name in there.split("/") if name]
    while names and local.name and names[-1] == local.name and names != ["~"]:
        names.pop()
        local = local.parent
    return local, "/" + "/".join(names)


def _is_letter(base: PurePath, path: str) -> bool:
    return isinstance(base, PureWindowsPath) and base == PureWindowsPath(base.anchor) and path == f"/{base.drive[:1]}"


def _joined(there: str, within: PurePath) -> str:
    return "/" + "/".join([name for name in there.split("/") if name] + list(within.parts))


def prove(store: Store, drive: Drive, endpoint: str, path: str) -> None:
    """Make sure that Globus sees the very folder that this computer sees, by the names in it.

    Raises
    ------
    ConfigError
        It sees no such folder, may not look into it, or sees another one.
    """
    where = f"{endpoint}:{path}"
    try:
        there = {unicodedata.normalize("NFC", entry.name) for entry in store.ls(endpoint, path)}
    except (RemotePathNotFound, PermissionDenied) as error:
        raise ConfigError(
            f"Globus does not see {drive} at {where}: {error.message}",
            remedy=f"{share(drive)} If it has another path in Globus: --root-globus UUID:/PATH.",
        ) from error
    here = _names(drive)
    missing = sorted(here - there)
    if missing:
        raise ConfigError(
            f"{where} is another folder than {drive.path}: Globus sees no {missing[0]} in it.",
            remedy="say by which path Globus reaches the drive: --root-globus UUID:/PATH (the web application shows "
            "the folders of the collection).",
        )


def proved(store: Store, drive: Drive, endpoint: str, path: str) -> Store:
    """Return the store, once Globus was seen to see the drive."""
    prove(store, drive, endpoint, path)
    return store


def share(drive: Drive) -> str:
    """Say how a drive is shared with Globus Connect Personal."""
    return (
        f"let this computer's collection see it: in Globus Connect Personal, Options (Preferences), Access, add "
        f"{drive.path}; on Linux a line {drive.path},0,0 in ~/.globusonline/lta/config-paths."
    )


def hint(settings: Settings, drive: Drive) -> str:
    """Say what a person must still do so that Globus reaches a drive; empty when its path follows."""
    try:
        globus_place(settings, drive)
    except MapshellError as error:
        return f"{error.message} {error.remedy[0].upper()}{error.remedy[1:]}"
    return ""


def _names(drive: Drive) -> set[str]:
    from pipeline.drives.survey import SYSTEM

    found: set[str] = set()
    with suppress(OSError), os.scandir(drive.path) as entries:
        shown = (entry.name for entry in entries if not entry.name.startswith((".", "$")))
        found = {unicodedata.normalize("NFC", name) for name in islice(shown, _COMPARED)}
    return {name for name in found if name.casefold() not in SYSTEM}
