"""The check at the end of the night: the index against the bytes on both disks, without the product's code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mapshell.demo.lab import Lab

_BLOCK = 1 << 20
#: Marks of files at the archive that describe others; they are no recordings.
_MANIFEST, _SET_ASIDE = ".manifest-", (".unfinished-", ".quarantined-")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the check found.

    ``same`` counts files of the index that are at the archive byte for byte as on the rig (``bytes`` together), in
    ``datasets`` sessions and kinds of data; ``set_aside`` what failed transfers left there, renamed.  The lists name
    what is wrong: rows whose bytes differ or are not there, files with more than one row, recordings without a row,
    files at the archive without one.
    """

    datasets: int
    same: int
    bytes: int
    manifests: int
    set_aside: int
    different: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.same > 0 and not (self.different or self.twice or self.lost or self.strange)


def prove(lab: Lab, archive: Path, rows: Iterable[tuple[str, str, str, int]]) -> Proof:
    """Compare the index with both disks.

    Parameters
    ----------
    lab
        The recordings as they were made.
    archive
        Folder with one folder per location, ``raw-ephys`` and ``raw-video``.
    rows
        Of the index: location, dataset, subpath, size in bytes.
    """
    listed = list(rows)
    names = Counter(f"{alias}/{subpath}" for alias, _, subpath, _ in listed)
    same, different = 0, []
    for alias, _, subpath, size in listed:
        original = lab.root / alias.removeprefix("raw-") / subpath
        if original.stat().st_size == size and compare(original, archive / alias / subpath) == "same":
            same += 1
        else:
            different.append(f"{alias}/{subpath}")
    expected = {f"raw-{file.kind}/{file.subpath}" for session in lab.good for file in session.files}
    there = {path.relative_to(archive).as_posix() for path in archive.rglob("*") if path.is_file()}
    aside = {name for name in there if any(mark in name for mark in _SET_ASIDE)}
    manifests = {name for name in there - aside if _MANIFEST in name}
    return Proof(
        datasets=len({(alias, dataset) for alias, dataset, _, _ in listed}),
        same=same,
        bytes=sum(size for _, _, _, size in listed),
        manifests=len(manifests),
        set_aside=len(aside),
        different=sorted(different),
        twice=sorted(name for name, count in names.items() if count > 1),
        lost=sorted(expected - set(names)),
        strange=sorted(there - manifests - aside - set(names)),
    )


def compare(one: Path, other: Path) -> Literal["same", "different", "missing"]:
    """Compare a file of the rig with one at the archive, byte by byte."""
    if not other.is_file():
        return "missing"
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(_BLOCK):
            if block != right.read(_BLOCK):
                return "different"
        return "different" if right.read(1) else "same"
