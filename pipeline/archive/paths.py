"""Relative paths: checked before anything is joined to a root, whoever said them.

A subpath is POSIX, relative to a root, and means the same file on every computer and in every collection.
Names from a listing, a manifest or a folder are data from outside; they pass through here first.
"""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING

from pipeline.errors import NameRefused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_SUBPATH = 1024
"""Longest subpath, in characters: the width of its column on every database."""

_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:[.:].*)?",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\x00-\x1f]')
_LONGEST_ORDINARY = 255
_ORDINARY = re.compile(rf"\w[\w. -]{{0,{_LONGEST_ORDINARY - 1}}}", re.ASCII)
_RENAME = "rename it, or leave it out (archive.leave_out in dj_local_conf.json)."


def check_subpath(subpath: str) -> str:
    """Return a relative POSIX path unchanged when it can be followed and stored safely.

    Parameters
    ----------
    subpath
        Relative to a root, components joined by ``/``.  Case, accents, spaces and punctuation are all meant.

    Raises
    ------
    NameRefused
        It is empty, absolute, longer than 1024 characters, not representable in UTF-8, or has a component
        that is empty, ``.`` or ``..``, or holds NUL or a backslash; or it begins with a drive letter.
    """
    why = _defect(subpath)
    if why is not None:
        raise NameRefused(f"The name {printable(subpath)!r} cannot be archived: {why}.", remedy=_RENAME)
    return subpath


def is_safe(subpath: str) -> bool:
    """Say whether :func:`check_subpath` accepts a path."""
    return _defect(subpath) is None


def is_ordinary(name: str) -> bool:
    """Say whether a name is ordinary: in a plain folder it needs no :func:`check_subpath`; what is in doubt is not."""
    return _ORDINARY.fullmatch(name) is not None


def plain_folder(folder: str) -> bool:
    """Say whether any ordinary name in a folder is accepted: a walk asks once for all that lie in it."""
    return len(folder) + 1 + _LONGEST_ORDINARY <= MAX_SUBPATH and is_safe(folder)


def printable(name: str, limit: int = 200) -> str:
    """Return a name that can be printed in a line and stored whatever it holds; a long one is cut in the middle."""
    safe = visible(name)
    return safe if len(safe) <= limit else f"{safe[: limit // 2]}…{safe[-limit // 4 :]}"


def visible(text: str, keep: str = "") -> str:
    """Return a text in which what steers a terminal, or would begin a new line, is written out, in hexadecimal.

    Names from outside must not forge a line of a report; ``keep`` holds control characters that are meant.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or not steers(c) else _escape(c) for c in text)


def top_folders(subpaths: Iterable[str]) -> list[str]:
    """Return the folders, of two components at most, in which files lie; none that lies in another one."""
    found = {"/".join(subpath.split("/")[:-1][:2]) for subpath in subpaths if "/" in subpath}
    return sorted(folder for folder in found if folder.rpartition("/")[0] not in found)


def steers(character: str) -> bool:
    """Say whether a character does something else than being shown: controls, separators, directions, half pairs."""
    return (
        unicodedata.category(character) in {"Cc", "Cs"}
        or character in "\u2028\u2029\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
    )


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _defect(subpath: str) -> str | None:
    if not subpath:
        return "it is empty"
    if len(subpath) > MAX_SUBPATH:
        return f"it has {len(subpath)} characters, {MAX_SUBPATH} are possible"
    if "\0" in subpath:
        return "it holds a NUL character"
    if "\\" in subpath:
        return "it holds a backslash, which is a separator on Windows"
    if subpath.startswith("/"):
        return "it is absolute"
    if _DRIVE.match(subpath):
        return "it begins like a Windows drive"
    parts = subpath.split("/")
    if "" in parts:
        return "it has an empty component"
    if "." in parts or ".." in parts:
        return "it has a component '.' or '..'"
    try:
        subpath.encode("utf-8")
    except UnicodeEncodeError:
        return "it holds bytes that are not UTF-8"
    return None


def windows_defect(subpath: str) -> str | None:
    """Say why Windows would not keep this very name (None: it would).

    Windows opens a device for ``CON``, a stream for ``a:b``, and drops dots and spaces at the end of a name.
    """
    for part in subpath.split("/"):
        if _RESERVED.fullmatch(part):
            return f"{part!r} is the name of a device on Windows"
        if _NOT_ON_WINDOWS.search(part):
            return f"{part!r} holds a character that Windows does not allow in names"
        if part != part.rstrip(". "):
            return f"{part!r} ends in a dot or space, which Windows drops"
    return None


def join_local(root: Path, subpath: str, *, windows: bool | None = None) -> Path:
    """Return where a subpath lies under a local root.

    Parameters
    ----------
    root
        Folder on this computer.
    subpath
        Relative POSIX path; checked here.
    windows
        Whether the rules of Windows hold too; by default those of this computer.

    Raises
    ------
    NameRefused
        The subpath is unsafe, or Windows would not keep its name.
    """
    check_subpath(subpath)
    if os.name == "nt" if windows is None else windows:
        why = windows_defect(subpath)
        if why is not None:
            raise NameRefused(
                f"The name {printable(subpath)!r} cannot be written on this computer: {why}.",
                remedy="retrieve it on a computer that does not run Windows.",
            )
    return root.joinpath(*subpath.split("/"))
