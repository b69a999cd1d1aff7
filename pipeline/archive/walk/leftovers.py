"""What lies under the local roots and in no session's folder: told, so that no file is passed over in silence.

Only the tops of the roots and the animals' own folders are listed, as deep as sessions may lie; of what is no session's
folder it is only asked whether there is a file in it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.filetypes import UNKNOWN, classify
from pipeline.archive.naming import parse_folder, parse_video
from pipeline.archive.nesting import is_elsewhere
from pipeline.archive.paths import is_safe, printable
from pipeline.archive.scan import is_link
from pipeline.archive.walk.leaving_out import left_out
from pipeline.archive.walk.listing import Listing
from pipeline.archive.walk.session_folders import Stray
from pipeline.archive.walk.suggesting import with_example

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.session import DatasetType, Root

_NAMED = 3
_KINDS: tuple[DatasetType, ...] = ("ephys", "video")
_WHAT = {"ephys": "a recording", "video": "tracking video"}
_DEEPEST = 2
"""Components of the path of a folder at most that our own layouts put sessions below."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One folder of this computer that is a local root, and the kinds of data that are looked for in it."""

    root: Root
    kinds: frozenset[DatasetType]


@dataclass(slots=True)
class Leftovers:
    """What a person should see to, and the names of ``others``: files and folders that look like no recording."""

    strays: list[Stray] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def take(self, more: Leftovers) -> None:
        """Add what was found elsewhere."""
        self.strays += more.strays
        self.others += more.others


def leftovers(
    grounds: Iterable[Ground],
    layouts: Mapping[DatasetType, Sequence[Layout]],
    h2os: Collection[str],
    patterns: Collection[str],
    listing: Listing | None = None,
) -> Leftovers:
    """Return what lies under the roots and is no session folder's.

    Parameters
    ----------
    grounds
        The roots; one that cannot be listed is left to those who must read it.
    layouts
        Further layouts of the lab.
    h2os
        The animals of the database.
    patterns
        What is left out of every archive, and our own staging folder.
    listing
        What was listed already, where others have just looked.
    """
    found = Leftovers()
    for ground in grounds:
        _Look(ground, layouts, h2os, patterns, found, Listing() if listing is None else listing).top()
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    ground: Ground
    layouts: Mapping[DatasetType, Sequence[Layout]]
    h2os: Collection[str]
    patterns: Collection[str]
    found: Leftovers
    listing: Listing

    def top(self) -> None:
        folders, files = self._list("")
        self._beside("", files, self.found)
        for name in folders:
            if any(self._is_session(name, kind) for kind in self.ground.kinds):
                continue
            if name in self.h2os or self._above(name):
                self.found.take(self._below(name)[1])
            elif parse_folder(f"x/{name}", "ephys") is not None and self._holds_files(name):
                self.found.strays.append(self._without_animal(name))
            else:
                self.found.others.append(printable(name))

    def _below(self, folder: str) -> tuple[bool, Leftovers]:
        """Look into a folder; return whether it holds session folders, and what is none of theirs."""
        folders, files = self._list(folder)
        mine = Leftovers()
        holds = False
        self._beside(folder, files, mine)
        for name in folders:
            subpath = f"{folder}/{name}"
            if any(self._is_session(subpath, kind) for kind in self.ground.kinds):
                holds = True
                continue
            deep, inner = self._below(subpath) if self._may_hold(subpath) else (False, Leftovers())
            if deep:
                holds = True
                mine.take(inner)
            elif is_safe(subpath) and self._holds_files(subpath):
                other = next((kind for kind in _KINDS if self._is_session(subpath, kind)), None)
                mine.strays.append(self._odd(subpath) if other is None else self._of_other_kind(subpath, other))
        return holds, mine

    def _is_session(self, subpath: str, kind: DatasetType) -> bool:
        return parse_folder(subpath, kind, self.layouts.get(kind, ())) is not None

    def _above(self, subpath: str) -> bool:
        return any(layout.above(subpath) is not None for kind in self.ground.kinds for layout in self.layouts[kind])

    def _may_hold(self, subpath: str) -> bool:
        return subpath.count("/") < _DEEPEST or self._above(subpath)

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the names of folders and files in a folder, without those that are nobody's business here."""
        folders: list[str] = []
        files: list[str] = []
        try:
            entries = self.listing.entries(self.ground.root.local_path.joinpath(*folder.split("/")))
            for entry in sorted(entries, key=lambda entry: entry.name):
                subpath = f"{folder}/{entry.name}".lstrip("/")
                hidden = entry.name.startswith(".") or left_out(entry.name, self.patterns)
                if hidden or is_link(entry) or is_elsewhere(subpath, self.ground.root.elsewhere):
                    continue
                (folders if entry.is_dir() else files).append(entry.name)
        except OSError:
            return [], []  # told by those who look for sessions
        return folders, files

    def _holds_files(self, folder: str) -> bool:
        for where, folders, files in os.walk(self.ground.root.local_path.joinpath(*folder.split("/"))):
            folders[:] = [
                name
                for name in folders
                if not left_out(name, self.patterns)
                and not is_elsewhere(self._relative(where, name), self.ground.root.elsewhere)
            ]
            if any(not left_out(name, self.patterns) for name in files):
                return True
        return False

    def _relative(self, where: str, name: str) -> str:
        return os.path.relpath(os.path.join(where, name), self.ground.root.local_path).replace(os.sep, "/")  # noqa: PTH118  # what os.walk gives is text

    def _beside(self, folder: str, files: Sequence[str], found: Leftovers) -> None:
        """Tell files that lie beside session folders; those that look like no recording's are only noted."""
        known = [name for name in files if classify(name) != UNKNOWN or parse_video(name) is not None]
        inner = f"{folder}/" if folder else ""
        found.others.extend(printable(inner + name) for name in files if name not in known)
        if not known:
            return
        more = [printable(name) for name in known[1:]]
        shown = ", ".join(more[:_NAMED]) + (f" and {len(more) - _NAMED} more" if len(more) > _NAMED else "")
        beside = f"; so {'do' if len(more) > 1 else 'does'} {shown}" if more else ""
        found.strays.append(
            Stray(
                printable(inner + known[0]),
                self.ground.root,
                f"it lies in no session's folder{beside}",
                "move it into the folder of its session: what lies there is archived with it.",
            )
        )

    def _without_animal(self, name: str) -> Stray:
        return Stray(
            printable(name),
            self.ground.root,
            "it is named like a session's folder, but lies in no animal's folder",
            "move it into the folder of its animal, or say by a pattern in archive.ephys_layouts what its name means"
            f"{with_example(name)}",
        )

    def _of_other_kind(self, subpath: str, kind: DatasetType) -> Stray:
        return Stray(
            printable(subpath),
            self.ground.root,
            f"it is named like {_WHAT[kind]}, but this local root is for {self.ground.root.alias} alone",
            f"move it to a local root of {_WHAT[kind]}, or make this folder such a root too "
            "(globus.local_endpoints in dj_local_conf.json).",
        )

    def _odd(self, subpath: str) -> Stray:
        return Stray(
            printable(subpath),
            self.ground.root,
            "its name is not that of a session's folder",
            "rename it like the others, or say by a pattern in archive.ephys_layouts or archive.video_layouts what its "
            "name means; what is no recording may stay, and is not archived.",
        )
