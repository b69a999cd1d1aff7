"""Which folders below the local roots may be sessions, by their names: listed no deeper than a layout says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.matching_types import FoundFolder
from pipeline.archive.naming import parse_folder
from pipeline.archive.nesting import is_elsewhere
from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.scan import is_link
from pipeline.archive.walk.listing import Listing
from pipeline.errors import LocalDiskError, NameRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.session import DatasetType, Root, SessionKey


ROOT, UNLISTABLE, LINK, NAME = "root", "unlistable", "folder-link", "folder-name"
"""Rules of the walk: a root, or a folder, that cannot be listed; a folder that is a link; one of a hostile name."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A folder that belongs to no session, or (``refused``) must not be given to one, with reason and remedy.

    ``folder`` is ``.`` for a whole root; ``candidates`` are the sessions that a refused folder may be of; ``rule``
    names what decided so, and ``ident`` is the ident by hand that would give a session the folder (None: none would).
    """

    folder: str
    root: Root
    reason: str
    remedy: str
    refused: bool = False
    candidates: tuple[SessionKey, ...] = ()
    rule: str = ""
    ident: str | None = None


def candidates(
    roots: Iterable[Root],
    kind: DatasetType,
    h2os: Collection[str],
    layouts: Sequence[Layout] = (),
    strangers: set[str] | None = None,
    strays: list[Stray] | None = None,
    listing: Listing | None = None,
) -> Iterator[tuple[Root, FoundFolder]]:
    """Yield the folders under the roots whose name says that they may be a session of one of these animals.

    Only the animals' own folders are listed, those below which a layout of the lab puts sessions, and one level below
    where sessions lie deeper.  Names of folders that are no animal of these are added to ``strangers``; what is an
    animal's but cannot be listed or followed, to ``strays``.  Others may share the ``listing`` of a round.

    Raises
    ------
    LocalDiskError
        A root cannot be listed.
    """
    unknown: set[str] = set() if strangers is None else strangers
    obstacles: list[Stray] = [] if strays is None else strays
    listing = Listing() if listing is None else listing
    for root in roots:
        yield from _Walk(root, kind, h2os, layouts, unknown, obstacles, listing).top()


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk of one root."""

    root: Root
    kind: DatasetType
    h2os: Collection[str]
    layouts: Sequence[Layout]
    strangers: set[str]
    strays: list[Stray]
    listing: Listing

    def top(self) -> Iterator[tuple[Root, FoundFolder]]:
        """Yield what the root's own folders hold."""
        for name, linked in subfolders(self.root, "", self.strays, self.listing):
            parsed = parse_folder(name, self.kind, self.layouts) if self.layouts else None
            led = [above for layout in self.layouts if (above := layout.above(name)) is not None]
            ours = not self._is_other(parsed.h2o) if parsed else name in self.h2os or any(map(self._may_be, led))
            if not ours:
                if not linked and not name.startswith("."):
                    self.strangers.add(printable(parsed.h2o if parsed else name))
            elif linked:
                self.strays.append(_linked(self.root, name))
            elif parsed is not None:
                yield self.root, FoundFolder(parsed, name, None)
            else:
                yield from self._below(name)

    def _is_other(self, h2o: str) -> bool:
        return h2o not in self.h2os

    def _may_be(self, h2o: str) -> bool:
        return not h2o or h2o in self.h2os

    def _below(self, folder: str) -> Iterator[tuple[Root, FoundFolder]]:
        top = "/" not in folder
        for name, linked in subfolders(self.root, folder, self.strays, self.listing):
            subpath = f"{folder}/{name}"
            if top:
                try:
                    check_subpath(subpath)
                except NameRefused as error:
                    said = printable(subpath)
                    self.strays.append(Stray(said, self.root, error.message, error.remedy, refused=True, rule=NAME))
                    continue
            parsed = parse_folder(subpath, self.kind, self.layouts)
            if parsed is not None and self._is_other(parsed.h2o):
                self.strangers.add(printable(parsed.h2o))
            elif parsed is not None and linked:
                self.strays.append(_linked(self.root, subpath))
            elif parsed is not None:
                yield self.root, FoundFolder(parsed, subpath, None)
            elif not linked and (top or any(layout.above(subpath) is not None for layout in self.layouts)):
                yield from self._below(subpath)


def subfolders(root: Root, folder: str, strays: list[Stray], listing: Listing | None = None) -> list[tuple[str, bool]]:
    """Return the folders in a folder, each with whether it is a link; those that are another root's are left to it.

    A root that cannot be listed is an error.
    """
    if root.below and not root.holds(folder):  # above the root itself there is only what leads to it
        led = f"{folder}/" if folder else ""
        return [(root.below.removeprefix(led).split("/")[0], False)] if root.below.startswith(led) else []
    path = root.on_disk(folder)
    try:
        entries = (Listing() if listing is None else listing).entries(path)
        found = sorted((entry.name, is_link(entry)) for entry in entries if is_link(entry) or entry.is_dir())
    except OSError as error:
        if folder:
            said = f"it cannot be listed: {error.strerror}"
            remedy = "give the account that runs mapshell the right to read it, or check the disk."
            strays.append(Stray(printable(folder), root, said, remedy, refused=True, rule=UNLISTABLE))
            return []
        raise LocalDiskError(
            f"The local root {path} ({root.alias}) cannot be listed: {error.strerror}.",
            remedy="connect the disk, or correct the root in dj_local_conf.json (`mapshell config show`).",
        ) from error
    inner = f"{folder}/" if folder else ""
    return [(name, linked) for name, linked in found if not is_elsewhere(f"{inner}{name}", root.elsewhere)]


def _linked(root: Root, folder: str) -> Stray:
    remedy = "put the folder itself there, or make the place where it lies a further local root."
    said = "it is a link to another place; links are not followed"
    return Stray(folder, root, said, remedy, refused=True, rule=LINK)
