"""What a drive holds, folder by folder, for programs and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.archive.session import DatasetType
    from pipeline.drives.connected import Drive
    from pipeline.drives.places import Loose

Verdict = Literal[
    "identical", "different", "not archived", "unknown subject", "damaged", "present", "not read", "empty"
]

VERDICTS: Mapping[Verdict, str] = {
    "identical": "every file was read here and has the SHA1 of its archived copy",
    "different": "the archive holds other bytes under the same names",
    "not archived": "the archive lacks files of it, or all of it",
    "unknown subject": "there are recordings in it, and no subject of the lab has this water restriction",
    "damaged": "the recording contradicts its own meta, is incomplete, or cannot be read",
    "present": "the archive lists its files, whose checksums nobody knows: never verified, so nothing to rely on",
    "not read": "the archive has files of these names and sizes; they were not read here (--quick)",
    "empty": "nothing in it would be archived",
}
"""What each verdict means, the words of the manual."""

KEPT: frozenset[Verdict] = frozenset({"identical", "empty"})
"""Verdicts of folders of which nothing would be lost with the drive."""

Class = Literal["identical", "different", "new", "damaged", "unproved", "unread"]
"""What a file is: ``unproved`` has no checksum in the index, ``unread`` was not read here."""

CLASSES: tuple[Class, ...] = ("identical", "different", "new", "damaged", "unproved", "unread")


@dataclass(frozen=True, slots=True)
class SortedFolder:
    """One session folder of a drive.

    ``folder`` is where it lies there, ``subpath`` where it stands in the archive's layout; ``amounts`` gives number and
    bytes of its files by class; ``session`` is None while the lab has none; ``entered`` says that it is (or would be)
    entered by this very run; ``details`` name the files that are not identical.
    """

    folder: str
    subpath: str
    kind: DatasetType
    verdict: Verdict
    h2o: str
    subject_id: int | None = None
    session: int | None = None
    session_date: str = ""
    alias: str = ""
    files: int = 0
    size: int = 0
    amounts: Mapping[Class, tuple[int, int]] = field(default_factory=dict)
    entered: bool = False
    reason: str = ""
    remedy: str = ""
    details: tuple[Mapping[str, str], ...] = ()

    @property
    def kept(self) -> bool:
        """Whether nothing of it would be lost with the drive."""
        return self.verdict in KEPT

    @property
    def unkept(self) -> tuple[int, int]:
        """Number and bytes of the files that have no identical copy at the archive."""
        if not self.amounts:
            return (0, 0) if self.kept else (self.files, self.size)
        rest = [amount for name, amount in self.amounts.items() if name != "identical"]
        return sum(files for files, _ in rest), sum(size for _, size in rest)

    @property
    def sendable(self) -> bool:
        """Whether publishing would find something to send in it."""
        return self.verdict == "not archived" and self.session is not None


@dataclass(slots=True)
class SortedDrive:
    """A whole drive, or a folder of one.

    ``other_files`` and ``other_size`` (bytes) belong to no recording; ``loose`` are files that bear names of recordings
    and lie in no session folder; ``unread`` names what could not be looked at, with the reason; ``command`` archives
    what is not archived, or is empty; ``hint`` says what it still wants.  ``recorded`` says whether the tables know.
    """

    drive: Drive
    folders: Sequence[SortedFolder] = ()
    other_files: int = 0
    other_size: int = 0
    loose: Sequence[Loose] = ()
    unread: Sequence[tuple[str, str]] = ()
    links: int = 0
    notes: Sequence[str] = ()
    entered: int = 0
    command: str = ""
    hint: str = ""
    dry_run: bool = False
    recorded: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person; what is merely not archived yet does not."""
        calm = {"identical", "empty", "present", "not read"}
        wanting = any(not (each.verdict in calm or each.sendable) for each in self.folders)
        return not (wanting or self.unread or self.loose)

    @property
    def stopped(self) -> None:
        """Nothing ends a look at a drive early but an error."""
        return

    @property
    def kept(self) -> bool:
        """Whether all recordings on it are at the archive, byte for byte."""
        return not (self.unread or self.loose) and all(each.kept for each in self.folders)

    def __str__(self) -> str:
        if not self.folders and not self.loose:
            return f"No recording was found on {self.drive}."
        told = [
            f"{verdict}: {_folders(theirs)}"
            for verdict in VERDICTS
            if (theirs := [each for each in self.folders if each.verdict == verdict])
        ]
        return "; ".join(told)[:1].upper() + "; ".join(told)[1:] + "." if told else "No session folder."


def _folders(folders: Sequence[SortedFolder]) -> str:
    count = len(folders)
    amount = human_bytes(sum(each.size for each in folders))
    return f"{count:,} {'folder' if count == 1 else 'folders'} ({amount})"


def counted(classes: Iterable[tuple[Class, int]]) -> dict[Class, tuple[int, int]]:
    """Return number and bytes by class, from the class and size of each file."""
    listed = list(classes)
    files = Counter(name for name, _ in listed)
    return {name: (files[name], sum(size for own, size in listed if own == name)) for name in CLASSES if files[name]}
