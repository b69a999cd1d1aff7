"""Places go through the rules one after the other; those that fail do not count, and enough must be left.  Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.reclaiming.counting import enough
from pipeline.archive.reclaiming.rules import Missing, first_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.archive.reclaiming.rules import Place
    from pipeline.archive.session import Location


class Sieve:
    """The places that passed all rules so far.

    Parameters
    ----------
    places
        What the index has of the session at each place that counts.
    asked
        How many of them must pass.
    kind
        The type of data, for what is told.
    """

    def __init__(self, places: Sequence[Place], asked: int, kind: str) -> None:
        self._all: list[Location] = [place.location for place in places]
        self.good = list(places)
        self._asked, self._kind = asked, kind
        self._failed: list[tuple[Place, Missing]] = []

    @property
    def several(self) -> bool:
        """Whether more than one place must hold the session."""
        return self._asked > 1

    @property
    def newest(self) -> Missing | None:
        """What the place lacked that failed last."""
        return self._failed[-1][1] if self._failed else None

    def through(self, rule: Callable[[Place], Missing | None]) -> Missing | None:
        """Let the places through a rule; return what is missing once too few are left."""
        kept = []
        for place in self.good:
            missing = rule(place)
            if missing is None:
                kept.append(place)
            else:
                self._failed.append((place, missing))
        self.good = kept
        short = enough([place.location for place in kept], self._all, self._asked, self._kind)
        if short is None:
            return None
        # a place that nothing was ever sent to has no proof that failed: it only is one copy less
        serious = [missing for place, missing in self._failed if not (self.good and place.is_empty)]
        if serious:
            return first_missing(serious)
        empty = first_missing(missing for _, missing in self._failed)
        return short if empty is None else replace(short, reason=f"{short.reason}; {empty.reason}", remedy=empty.remedy)
