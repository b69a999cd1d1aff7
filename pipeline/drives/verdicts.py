"""The verdict on one session folder of a drive: its files compared with the index, and with its own metas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.gate import wrong_checksum
from pipeline.archive.integrity import inspect
from pipeline.archive.scan import Defect
from pipeline.drives.sorted_drive import Class, Verdict, counted
from pipeline.errors import DiskBusy, MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.checksums import Hasher
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import LocalFile

_WORST: tuple[tuple[Class, Verdict], ...] = (
    ("damaged", "damaged"),
    ("different", "different"),
    ("new", "not archived"),
    ("unproved", "present"),
    ("unread", "not read"),
    ("identical", "identical"),
)
"""Classes of files, the worst first, and what a folder with such a file is called."""


@dataclass(slots=True)
class Judged:
    """What became of the files of one folder; ``wrong`` and ``why`` tell, by file, what is not identical."""

    verdict: Verdict
    amounts: dict[Class, tuple[int, int]]
    files: int
    size: int
    classes: Mapping[str, Class] = field(default_factory=dict)
    why: Mapping[str, Defect] = field(default_factory=dict)
    notes: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files for their checksums: ``check`` ends the work when the drive has gone, ``tell`` hears of each file."""

    hasher: Hasher
    check: Callable[[], None]
    tell: Callable[[LocalFile], None]
    quick: bool = False

    def read(self, files: Sequence[LocalFile]) -> tuple[dict[str, str], dict[str, Defect]]:
        """Return the SHA1 of files, and of those that could not be read the reason.

        Raises
        ------
        DriveGone
            The drive was disconnected.
        """
        if self.quick:
            return {}, {}
        self.hasher.start(*files)
        found: dict[str, str] = {}
        failed: dict[str, Defect] = {}
        for file in files:
            try:
                found[file.subpath] = self.hasher.finish(file)
            except DiskBusy:
                raise
            except MapshellError as error:
                self.check()
                failed[file.subpath] = Defect("unreadable", file.subpath, error.message, error.remedy)
            self.tell(file)
        return found, failed


def judge(
    files: Sequence[LocalFile], defects: Sequence[Defect], indexed: Mapping[str, FileEntry], reader: Reader
) -> Judged:
    """Compare the files of a folder with the index, and judge those that are not identical by the rules of the gate.

    Parameters
    ----------
    files, defects
        What the scan of the folder found.
    indexed
        What the index has of its session, by subpath.
    reader
        Reads them.
    """
    to_read = [file for file in files if _worth_reading(file, indexed.get(file.subpath))]
    sha1s, unread = reader.read(to_read)
    classes: dict[str, Class] = {}
    why: dict[str, Defect] = {}
    for file in files:
        classes[file.subpath], difference = _compare(file, indexed.get(file.subpath), sha1s, quick=reader.quick)
        if difference:
            why[file.subpath] = Defect("differs", file.subpath, difference, _COMPARE)
    settled = {subpath for subpath, name in classes.items() if name == "identical"}
    newest = max((file.mtime_ns / 1e9 for file in files), default=0.0)
    said = inspect(files, now=newest, quiet_seconds=0, settled=settled)
    contradicted = [
        wrong_checksum(subpath, claim, sha1s[subpath])
        for subpath, claim in said.claims.items()
        if subpath not in settled and sha1s.get(subpath, claim) != claim
    ]
    for defect in (*defects, *said.defects, *contradicted, *unread.values()):
        if defect.subpath not in settled:
            classes[defect.subpath] = "damaged"
            why[defect.subpath] = defect
    sizes = {file.subpath: file.size for file in files}
    amounts = counted((name, sizes.get(subpath, 0)) for subpath, name in classes.items())
    verdict: Verdict = next((verdict for name, verdict in _WORST if name in amounts), "empty")
    return Judged(verdict, amounts, len(classes), sum(sizes.values()), classes, why, said.warnings)


def _worth_reading(file: LocalFile, entry: FileEntry | None) -> bool:
    """Say whether reading a file can tell anything: what has another size than its archived copy differs anyway."""
    return entry is None or not entry.sized or entry.size == file.size


def _compare(file: LocalFile, entry: FileEntry | None, sha1s: Mapping[str, str], *, quick: bool) -> tuple[Class, str]:
    if entry is None:
        return "new", ""
    if entry.sized and entry.size != file.size:
        return "different", f"the archive holds another file of this name: {entry.size} bytes there, {file.size} here"
    if entry.sha1 is None:
        return "unproved", "the archive lists it, but nobody knows the checksum of what lies there"
    if quick:
        return "unread", ""
    if sha1s.get(file.subpath) == entry.sha1:
        return "identical", ""
    return "different", "the archive holds another file of this name: same size, other checksum"


_COMPARE = "compare the two; nothing at the archive was or will be overwritten."
