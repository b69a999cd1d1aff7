"""The locations that shall hold every session: whether each can be filled from somewhere, and what it lacks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.doctor.findings import Finding, Subject, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.doctor.world import World


def fillable(world: World, _: Subject) -> Iterable[Finding]:
    """Look at every named copy: what fills it, and how much it lacks."""
    from pipeline.copies.counting import counted
    from pipeline.copies.named import KINDS, roots

    places = [each for each in counted(world.settings, KINDS) if each.named]
    if not places:
        yield ok("none named: each computer publishes to the archives that its configuration gives folders")
        return
    of_kind = Counter(each.dataset_type for each in places)
    said = []
    for each in places:
        here = ", ".join(str(root.local_path) for root in roots(world.settings, each.alias))
        others = of_kind[each.dataset_type] - 1
        if not here and not others:
            yield warning(
                f"{each.alias} shall hold every session of {each.dataset_type}, and nothing fills it from here: this "
                "computer has no folder for it, and no other copy is named.",
                f"add globus.local_endpoints for {each.alias}, or name a second location: mapshell storage copies "
                f"{each.dataset_type} {each.alias} ALIAS",
                alias=each.alias,
            )
            continue
        source = f"from {here}" if here else "from the other copies, by a computer that has a folder"
        said.append(f"{each.alias} {source}" + (f", lacks {each.lacks:,}" if each.lacks else ""))
    for endpoint, aliases in _sharing(world, [each.alias for each in places]).items():
        yield warning(
            f"{' and '.join(aliases)} are copies of the same data in one collection ({endpoint}): what befalls it "
            "befalls all of them.",
            "a second copy is safest in a collection of another institution, or on another server.",
            aliases=aliases,
        )
    if said:
        yield ok("; ".join(said), lacks={each.alias: each.lacks for each in places})


def _sharing(world: World, aliases: list[str]) -> dict[str, list[str]]:
    """Return the copies of one type that lie in one collection, by that collection."""
    found: dict[tuple[str, str], list[str]] = {}
    for alias in aliases:
        place = world.locations.get(alias)
        if place is not None:
            found.setdefault((place.endpoint, place.dataset_type), []).append(alias)
    return {endpoint: those for (endpoint, _), those in found.items() if len(those) > 1}
