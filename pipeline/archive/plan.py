"""What would be done for one session, as data: dry run and execution consume the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import LocalFile

Action = Literal["send", "skip", "hash", "conflict"]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One file of a plan, with the reason for what becomes of it."""

    action: Action
    subpath: str
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The files of one session, each with its action, sorted by subpath.

    ``send``
        transfer it.
    ``skip``
        the index has this very file (or, where it knows no checksum, one of this name and size).
    ``hash``
        same size, other time than the index: its checksum decides, nothing else can.
    ``conflict``
        the index or the archive holds other bytes under this name; never overwritten.
    """

    items: tuple[PlanItem, ...]

    def only(self, action: Action) -> tuple[PlanItem, ...]:
        """Return the items with this action."""
        return tuple(item for item in self.items if item.action == action)

    @property
    def nothing_to_do(self) -> bool:
        """Whether every file is in the index already."""
        return all(item.action == "skip" for item in self.items)


def diff(
    local: Sequence[LocalFile],
    indexed: Mapping[str, FileEntry],
    remote: Mapping[str, int] | None = None,
    *,
    ours: Collection[str] = (),
    checksums: Mapping[str, str] | None = None,
) -> Plan:
    """Compare this computer's files with the index and the archive.

    Parameters
    ----------
    local
        Files of the session on this computer.
    indexed
        Files of the session in the index, by subpath.
    remote
        Sizes in bytes of what the archive lists, by subpath (-1: a folder); None when it was not listed (then names
        that are new to the index are taken to be free).
    ours
        Subpaths that an unfinished task of our own may have left at the archive: they may be sent again.
    checksums
        Known SHA1 of local files, by subpath, for files whose time differs from the index.
    """
    known = checksums or {}
    items = [_item(file, indexed.get(file.subpath), remote, ours, known.get(file.subpath)) for file in local]
    return Plan(tuple(sorted(items, key=lambda item: item.subpath)))


def _item(
    file: LocalFile,
    entry: FileEntry | None,
    remote: Mapping[str, int] | None,
    ours: Collection[str],
    sha1: str | None,
) -> PlanItem:
    def as_(action: Action, reason: str) -> PlanItem:
        return PlanItem(action, file.subpath, file.size, reason)

    if entry is not None:
        if entry.size != file.size and entry.sha1 is None:
            return as_(
                "conflict", f"the archive holds another file of this name: {entry.size} bytes there, {file.size} here"
            )
        if entry.size != file.size:
            return as_("conflict", f"changed since it was archived: {entry.size} bytes then, {file.size} now")
        if entry.sha1 is None:
            return as_("skip", "present at the archive with this size; the index has no checksum to compare")
        if entry.mtime == file.mtime or sha1 == entry.sha1:
            return as_("skip", "archived")
        if sha1 is None:
            return as_("hash", "its time changed since it was archived")
        return as_("conflict", "changed since it was archived: same size, other checksum")
    if remote is None or file.subpath not in remote:
        return as_("send", "new")
    if file.subpath in ours:
        return as_("send", "an unfinished transfer of ours left it there")
    there = remote[file.subpath]
    if there < 0:
        return as_("conflict", "the archive has a folder of this name")
    if there != file.size:
        return as_("conflict", f"the archive holds another file of this name: {there} bytes there, {file.size} here")
    return as_("conflict", "the archive holds a file of this name and size that the index does not know")
