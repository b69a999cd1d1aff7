"""How Globus reaches a drive: from the roots that this computer's collection has, or as a person says; then proved."""

from __future__ import annotations

import os
import stat
import unicodedata
from contextlib import suppress
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, MapshellError, PermissionDenied, RemotePathNotFound
from pipeline.storage import read_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.archive.ports import Store
    from pipeline.archive.session import Root
    from pipeline.drives.connected import Drive
    from pipeline.settings import Settings

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


def prove(store: Store, drive: Drive, roots: Sequence[Root]) -> None:
    """Make sure that Globus sees the very folders that this computer sees: a few are compared, file by file.

    Raises
    ------
    ConfigError
        It sees no such folder, may not look into it, or sees another one.
    """
    for root in (roots[place] for place in sorted({0, len(roots) // 2, len(roots) - 1}) if roots):
        folder, sizes = _first_files(root)
        there = root.in_globus(folder)
        where = f"{root.endpoint}:{there}"
        try:
            seen = {_same(entry.name): entry.size for entry in store.ls(root.endpoint, there) if entry.kind == "file"}
        except (RemotePathNotFound, PermissionDenied) as error:
            raise ConfigError(
                f"Globus does not see {drive}: {error.message}",
                remedy=f"{share(drive)} If it has another path in Globus: --root-globus UUID:/PATH.",
            ) from error
        wrong = next((name for name, size in sorted(sizes.items()) if seen.get(name) != size), None)
        if wrong is not None:
            said = f"no {wrong}" if wrong not in seen else f"a {wrong} of {seen[wrong]} bytes instead of {sizes[wrong]}"
            raise ConfigError(
                f"{where} is not {root.on_disk(folder)}: Globus sees {said} there.",
                remedy="say by which path Globus reaches the drive: --root-globus UUID:/PATH (the web application "
                "shows the folders of the collection).",
            )


def _first_files(root: Root) -> tuple[str, dict[str, int]]:
    """Return a folder of a session (as a subpath) that has files, with their sizes."""
    for place, folders, names in os.walk(root.local_path):
        folders.sort()
        if names:
            within = Path(place).relative_to(root.local_path).parts
            sizes = {}
            for name in names:
                with suppress(OSError):
                    status = os.lstat(os.path.join(place, name))  # noqa: PTH118 - os.walk's own texts
                    if stat.S_ISREG(status.st_mode):
                        sizes[_same(name)] = status.st_size
            return "/".join((root.below, *within)), sizes
    return root.below, {}


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name)


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
