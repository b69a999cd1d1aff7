"""Which storage locations of a type of data shall hold every session of it, and how somebody says so."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.nesting import around
from pipeline.database.reading import columns
from pipeline.errors import Refused, UsageError
from pipeline.locations import configured, known, location_row
from pipeline.storage import ensure_writable, find, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.session import DatasetType, Location
    from pipeline.settings import LocalRoot, Settings

KINDS: tuple[DatasetType, ...] = ("ephys", "video")


def named() -> dict[DatasetType, tuple[str, ...]]:
    """Return the aliases that shall hold every session, by type of data, in order; empty where nobody named any."""
    rows = list(columns(publication.Copy() * publication.GlobusStorageLocation(), ("globus_alias", "dataset_type")))
    return {kind: tuple(sorted(alias for alias, its in rows if its == kind)) for kind in KINDS}


def others(alias: str) -> tuple[str, ...]:
    """Return the aliases that shall hold the same sessions as one; none where it is not named as a copy."""
    return next((tuple(each for each in those if each != alias) for those in named().values() if alias in those), ())


def roots(settings: Settings, alias: str) -> tuple[LocalRoot, ...]:
    """Return this computer's roots of an alias; where it has none, those of the other copies of the same data.

    Recordings lie once on a computer, wherever they shall be archived.
    """
    own = settings.globus.roots(alias)
    if own:
        return own
    found: dict[str, LocalRoot] = {}
    for other in others(alias):
        for root in settings.globus.roots(other):
            found.setdefault(os.path.realpath(root.local_path), replace(root, alias=alias))
    return tuple(found.values())


def say(settings: Settings, kind: DatasetType, aliases: Sequence[str]) -> tuple[str, ...]:
    """Say which locations shall hold every session of a type of data from now on; none: as each computer says.

    Raises
    ------
    UsageError
        One is not known, holds other data, or is named twice.
    Refused
        Two of them are one place, or share folders.
    DatabaseReadOnly
        The account may not write.
    """
    ensure_writable()
    wanted = tuple(sorted(_checked(settings, kind, aliases)))
    now = database.now()
    rows = [{"globus_alias": alias, "named_at": now, "computer": settings.archive.computer} for alias in wanted]

    def write() -> None:
        before = named()[kind]
        for alias in before:
            if alias not in wanted:
                (publication.Copy() & {"globus_alias": alias}).delete_quick()
        database.bulk_insert(publication.Copy, [row for row in rows if row["globus_alias"] not in before])

    database.run_transaction(write, done=lambda: named()[kind] == wanted)
    return wanted


def _checked(settings: Settings, kind: DatasetType, aliases: Sequence[str]) -> dict[str, Location]:
    there, mine = known(), configured(settings)
    found: dict[str, Location] = {}
    for alias in aliases:
        if alias in found:
            raise UsageError(f"{alias} is named twice.", remedy="name each location once.")
        place = there[alias] if alias in there else mine.get(alias) or find(settings, alias)
        if place.dataset_type != kind:
            raise UsageError(
                f"{alias} holds {place.dataset_type}, not {kind}.",
                remedy="name locations of one type of data: `mapshell storage list` shows what each holds.",
            )
        shared = around(place, list(found.values()))
        if shared is not None:
            other, how = shared
            raise Refused(
                f"{alias} ({said(place)}) {how} {other.alias} ({said(other)}): what is lost there is lost in both.",
                remedy="name locations that share no folder, best in collections of their own.",
            )
        found[alias] = place
    for alias, place in found.items():
        if alias not in there:
            database.insert_if_absent(publication.GlobusStorageLocation, location_row(place))
    return found
