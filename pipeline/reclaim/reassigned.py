"""What a session was called before it was reassigned: tombstones and rows of before tell of it by those names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.reassign.former import former_keys, former_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.archive.session import Location, SessionKey


@dataclass(frozen=True, slots=True)
class Names:
    """The sessions that one was before it was reassigned, and its folders: by each old name the one that it has now."""

    were: set[SessionKey] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)


def former(locations: Iterable[Location]) -> dict[SessionKey, Names]:
    """Return what sessions were before, by the session that has the files now."""
    found: dict[SessionKey, Names] = defaultdict(Names)
    for location in set(locations):
        for was, key in former_keys(location).items():
            found[key].were.add(was)
        for old, those in former_names(location).items():
            for one in those:
                found[one.key].folders[old] = one.folder
    return found
