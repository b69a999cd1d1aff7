"""Which files are looked at when an archive is said to lie somewhere else: a few of every dataset.  Pure.

The order is that of a hash of seed and name: the same on every computer and in every version, and hardly changed by
datasets that come later.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


def in_order(names: Iterable[str], seed: int) -> list[str]:
    """Return names in the order in which a seed draws them."""
    return sorted(names, key=lambda name: (hashlib.sha256(f"{seed}\0{name}".encode()).digest(), name))


def folders(files: Mapping[str, Collection[str]], most: int, seed: int) -> set[str]:
    """Return the folders whose listings show ``most`` files, drawn from all datasets in turn.

    Parameters
    ----------
    files
        Subpaths of the files of each dataset.
    most
        How many files to draw, at least one of each dataset as far as that goes.
    seed
        Draws others.
    """
    drawn = {name: in_order(subpaths, seed) for name, subpaths in files.items()}
    turns: dict[int, list[str]] = defaultdict(list)
    for name in in_order(drawn, seed):
        for turn, subpath in enumerate(drawn[name]):
            turns[turn].append(subpath)
    chosen = [subpath for turn in sorted(turns) for subpath in turns[turn]][:most]
    return {folder(subpath) for subpath in chosen}


def folder(subpath: str) -> str:
    """Return the folder of a file, relative like the file; empty for the root itself."""
    return subpath.rpartition("/")[0]
