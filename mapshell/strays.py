"""How folders that belong to no session are shown: those of one reason and one remedy together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.archive.find import Stray

_NAMED = 8
"""How many folders are named that have the same reason and remedy."""


def alike(strays: Iterable[Stray]) -> Iterator[tuple[str, str, str]]:
    """Yield a title, a reason and a remedy for all strays that differ in their folders alone."""
    groups: dict[tuple[object, ...], list[Stray]] = {}
    for stray in strays:
        whole = stray.root.local_path if stray.folder == "." else None
        groups.setdefault((whole, stray.root.alias, stray.refused, stray.reason, stray.remedy), []).append(stray)
    for group in groups.values():
        yield _title(group), group[0].reason, group[0].remedy


def _title(strays: Sequence[Stray]) -> str:
    first = strays[0]
    if first.folder == ".":
        return f"not read: {first.root.local_path} ({first.root.alias})"
    return f"{'refused' if first.refused else 'no session'}: {named([s.folder for s in strays])} ({first.root.alias})"


def named(folders: Sequence[str]) -> str:
    """Return the names of some folders in words, and how many more there are."""
    more = f" and {len(folders) - _NAMED} more (all of them: --format json)" if len(folders) > _NAMED else ""
    return ", ".join(folders[:_NAMED]) + more
