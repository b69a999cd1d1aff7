"""Which places are different ones, how many are enough, and whether a local root is one of them.  Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.copying.lacking import lacking
from pipeline.archive.nesting import around
from pipeline.archive.reclaiming.rules import Missing, options, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.reclaiming.rules import Place
    from pipeline.archive.session import Location, Root


def enough(good: Sequence[Location], places: Sequence[Location], asked: int, kind: str) -> Missing | None:
    """Say whether enough places hold a session; places that may be one and the same count once."""
    held = len(distinct(good))
    if held >= max(1, asked):
        return None
    of = f", of {len(distinct(places))}: {', '.join(place.alias for place in places)}" if places else ""
    known = " ".join(place.alias for place in distinct(places))
    once = "; some of them are the same place, which counts once" if len(distinct(places)) < len(places) else ""
    return Missing(
        "enough copies",
        f"{max(1, asked)} places were asked for, {held} {'has' if held == 1 else 'have'} it{of}{once}",
        f"name a further place, ALIAS, and publish: `mapshell storage copies {kind} {known} ALIAS`; or ask for fewer: "
        "--copies.",
    )


def distinct(places: Sequence[Location]) -> list[Location]:
    """Return places without those that may share folders with one before them: these are no further copy."""
    found: list[Location] = []
    for place in places:
        if around(place, found) is None and not any(_unclear(place, other) for other in found):
            found.append(place)
    return found


def itself(roots: Iterable[Root], place: Location) -> Root | None:
    """Return a local root that is, holds or lies in a place of the archive: to delete there would delete the copy."""
    for root in roots:
        as_place = _as_location(root, place)
        if around(as_place, [place]) is not None:
            return root
    return None


def told_as_itself(root: Root, place: Location) -> Missing:
    """Return what is said of a local root that is the archive."""
    return Missing(
        "listed",
        f"{root.local_path} is the archive {place.alias} itself, or part of it: what is deleted here is lost there",
        "nothing may be deleted; `mapshell storage` and `mapshell config show` tell both places.",
    )


def _as_location(root: Root, place: Location) -> Location:
    return replace(place, endpoint=root.endpoint, path=root.globus_path)


def _unclear(one: Location, other: Location) -> bool:
    """Say whether two places of one collection are named in two ways, so that nobody can tell them apart by name."""
    at_home = [place.path.startswith("/~/") or place.path == "/~" for place in (one, other)]
    return one.endpoint.lower() == other.endpoint.lower() and at_home[0] != at_home[1]


def complete(place: Place, others: Iterable[Place]) -> Missing | None:
    """Say what another copy has of a session and a place lacks: a part of a session is no copy of it."""
    if place.manifest is None:
        return None
    for other in others:
        if other.manifest is None or other.manifest.archived_at is None:
            continue
        missing = lacking(other.manifest, place.manifest)
        if missing:
            said = f"{place.alias} lacks {some(entry.subpath for entry in missing)}, which {other.alias} has"
            ref = place.manifest.session
            which = options(ref, place.location.dataset_type)
            return Missing("enough copies", said, f"`mapshell publication-publish {which}`")
    return None
