"""Which names were tried for a session's folders, and which names here come nearest to them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from pipeline.archive.naming import legacy_session_folder, session_folder
from pipeline.archive.walk.session_folders import subfolders
from pipeline.errors import LocalDiskError, MapshellError
from pipeline.why.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.session import DatasetType, Root, SessionRef
    from pipeline.archive.walk.listing import Listing

_ORIGINS: tuple[Literal["raw", "catgt", "supercat"], ...] = ("raw", "catgt", "supercat")


def expected(ref: SessionRef, kind: DatasetType, layouts: Sequence[Layout] = ()) -> list[str]:
    """Return the names that a session's folder may bear by the lab's conventions, the usual ones first."""
    found: list[str] = []
    for ident in dict.fromkeys((ref.ident, _clock_ident(ref))):
        if ident is None and ref.ident is not None:
            continue
        with suppress(MapshellError):  # this animal or ident can stand in no folder's name
            if kind == "video":
                found.append(session_folder(ref.h2o, ref.session_date, ident, kind))
                continue
            found += [session_folder(ref.h2o, ref.session_date, ident, kind, origin=each) for each in _ORIGINS]
            found += [
                name
                for each in _ORIGINS
                if (name := legacy_session_folder(ref.h2o, ref.session_date, ident, origin=each)) is not None
            ]
    if kind == "ephys":
        found.append(f"{ref.h2o}/{ref.session_date:%Y-%m-%d}/1")
    for layout in layouts:
        for gate in (None, 0):
            with suppress(MapshellError):
                found.append(layout.format(ref.h2o, ref.session_date, ref.ident, gate))
    return list(dict.fromkeys(found))


def _clock_ident(ref: SessionRef) -> str | None:
    return ref.session_time.replace(":", "") if ref.session_time else None


def there(roots: Sequence[Root], names: Sequence[str]) -> list[str]:
    """Return those of the names that are folders in a root."""
    return [name for name in names if any(root.holds(name) and root.on_disk(name).is_dir() for root in roots)]


def near_names(
    roots: Sequence[Root], ref: SessionRef, names: Sequence[str], listing: Listing, others: Collection[str]
) -> list[str]:
    """Return the folders here that are most like the names that were tried, the nearest first.

    Looked at are the animal's own folders, without those that are ``others``', and those of folders that are named
    almost as the animal is.
    """
    lying: set[str] = set()
    for root in roots:
        with suppress(LocalDiskError):
            top = [name for name, _ in subfolders(root, "", [], listing)]
            for animal in {ref.h2o, *nearest([ref.h2o], top)} & set(top):
                lying.update(f"{animal}/{name}" for name, _ in subfolders(root, animal, [], listing))
    return nearest(names, lying - set(names) - set(others))
