"""Which names come nearest to those that were looked for: for a person who mistyped one.  Pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST = 3
ALIKE = 0.72
"""Names that are less alike than this are another thing altogether."""


def nearest(wanted: Collection[str], there: Iterable[str], *, most: int = MOST, alike: float = ALIKE) -> list[str]:
    """Return the names that are most like any of the wanted ones, the nearest first.

    Case counts little: a name that differs by it alone comes before every other one.
    """
    folded = {name.casefold() for name in wanted}
    scored = [(likeness(folded, name), name) for name in set(there)]
    near = sorted((-score, name) for score, name in scored if score >= alike)
    return [name for _, name in near[:most]]


def likeness(folded: Collection[str], name: str) -> float:
    """Return how much a name is like the best of some case-folded ones: 1 for the same."""
    own = name.casefold()
    if own in folded:
        return 1.0
    compared = SequenceMatcher(autojunk=False)
    compared.set_seq2(own)
    best = 0.0
    for other in folded:
        compared.set_seq1(other)
        if compared.real_quick_ratio() > best and compared.quick_ratio() > best:
            best = max(best, compared.ratio())
    return best
