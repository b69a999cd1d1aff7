"""What each task of a retrieval brings."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.archive.tasks.shares import shares, side_by_side, work

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from pipeline.archive.fetch import Item


def parts(items: Iterable[Item]) -> list[list[Item]]:
    """Give files to tasks: each pair of collections has its own, and several when there are many files.

    What lies in one folder of the archive stays together, so that no folder is listed twice; what goes to a collection
    elsewhere stays together by sessions, whose folders get their names there as a whole.
    """
    groups: dict[tuple[str, str], dict[Hashable, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        together = item.session.key if item.site.folder is None else item.subpath.rpartition("/")[0]
        groups[item.location.endpoint, item.site.endpoint][item.location.alias, together].append(item)
    found = []
    for folders in groups.values():
        units = list(folders.values())
        works = [work([item.size for item in unit]) for unit in units]
        most = side_by_side(sum(len(unit) for unit in units))
        found += [[item for unit in share for item in unit] for share in shares(units, works, most)]
    return found
