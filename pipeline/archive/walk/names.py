"""What a walk must know of a name, found out once for each name: those of a lab are the same in folder after folder."""

from __future__ import annotations

from functools import lru_cache

from pipeline.archive.paths import is_ordinary
from pipeline.archive.walk.leaving_out import leaving_out

_MOST = 50_000


class Names(dict[str, "bool | None"]):
    """Names of files and folders: None is left out; else whether the name is ordinary (then it needs no further check).

    Parameters
    ----------
    patterns
        What is left out.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        super().__init__()
        self._is_left_out = leaving_out(patterns)

    def __missing__(self, name: str) -> bool | None:
        if len(self) >= _MOST:
            self.clear()
        self[name] = found = None if self._is_left_out(name) else is_ordinary(name)
        return found


names_of = lru_cache(8)(Names)
