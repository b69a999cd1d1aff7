"""What would be done for one session, as data: dry run and execution consume the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import LocalFile

Action = Literal["send", "skip", "hash", "renamed", "adopt", "supersede", "conflict"]
ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One file of a plan, with the reason for what becomes of it; ``was`` is the archived name of a renamed one."""

    action: Action
    subpath: str
    size: int
    reason: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The files of one session, each with its action, sorted by subpath.

    ``send``
        transfer it.
    ``skip``
        the index has this very file (or, where it knows no checksum, one of this name and size).
    ``hash``
        same size, other time than the index, or perhaps an archived file under another name: its checksum decides,
        nothing else can.
    ``renamed``
        the index has it under another name, which is not here any more: to send it would be to send it twice.
    ``adopt``
        the archive has a file of this name and size of which nobody knows the checksum: it is read back, and taken into
        the index when its bytes are the same.
    ``supersede``
        it was changed since it was archived, and a person wants the new bytes: the archived ones are moved aside.
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
    checksums: Mapping[str, str | None] | None = None,
    prove: bool = False,
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
    prove
        Adopt also what the index has without a checksum.
    """
    known = checksums or {}
    items = []
    for file in local:
        entry = indexed.get(file.subpath)
        if entry is None:
            items.append(_unknown(file, remote, ours))
        elif (entry.size, entry.mtime) == (file.size, file.mtime) and entry.sized and entry.proved:
            items.append(PlanItem("skip", file.subpath, file.size, ARCHIVED))  # nearly all, night after night
        else:
            items.append(_indexed(file, entry, known.get(file.subpath), remote, prove=prove))
    return Plan(tuple(sorted(items, key=attrgetter("subpath"))))


def _indexed(
    file: LocalFile, entry: FileEntry, sha1: str | None, remote: Mapping[str, int] | None, *, prove: bool
) -> PlanItem:
    def as_(action: Action, reason: str) -> PlanItem:
        return PlanItem(action, file.subpath, file.size, reason)

    if not entry.sized and not prove:
        return as_("skip", "present at the archive as an older database says; nobody has looked at its size")
    if entry.sized and entry.size != file.size and not entry.proved:
        return as_(
            "conflict", f"the archive holds another file of this name: {entry.size} bytes there, {file.size} here"
        )
    if entry.sized and entry.size != file.size:
        return as_("conflict", f"changed since it was archived: {entry.size} bytes then, {file.size} now")
    if not entry.proved and not prove:
        return as_(
            "skip", "present at the archive with this size; the index has no checksum of the recording to compare"
        )
    if not entry.proved and remote is not None:
        return _there(file, remote, "present at the archive; nobody ever compared its bytes")
    if not entry.proved:
        return as_("adopt", "present at the archive; nobody ever compared its bytes")
    if entry.mtime == file.mtime or sha1 == entry.sha1:
        return as_("skip", ARCHIVED)
    if sha1 is None:
        return as_("hash", "its time changed since it was archived")
    return as_("conflict", "changed since it was archived: same size, other checksum")


def _unknown(file: LocalFile, remote: Mapping[str, int] | None, ours: Collection[str]) -> PlanItem:
    if remote is None or file.subpath not in remote:
        return PlanItem("send", file.subpath, file.size, "new")
    if file.subpath in ours:
        return PlanItem("send", file.subpath, file.size, "an unfinished transfer of ours left it there")
    return _there(file, remote, "the archive holds a file of this name and size that the index does not know")


def _there(file: LocalFile, remote: Mapping[str, int], reason: str) -> PlanItem:
    """Judge a file by what the archive lists under its name; ``reason`` is why its bytes must be compared."""

    def as_(action: Action, reason: str) -> PlanItem:
        return PlanItem(action, file.subpath, file.size, reason)

    there = remote.get(file.subpath)
    if there is None:
        return as_("conflict", "the index knows it from a listing, but the archive does not list it any more")
    if there < 0:
        return as_("conflict", "the archive has a folder of this name")
    if there != file.size:
        return as_("conflict", f"the archive holds another file of this name: {there} bytes there, {file.size} here")
    return as_("adopt", reason)
