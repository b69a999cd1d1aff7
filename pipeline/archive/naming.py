"""Names of sessions, folders and files, both ways: the one place to import them from.

Reading is in ``foldernames.py`` (session folders), ``filenames.py`` (probe folders, files, videos) and
``layouts.py`` (a lab's own patterns); here a session gets its folder's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeVar

from pipeline.archive.dates import legacy_mdy, mdY, mdy
from pipeline.archive.filenames import (
    CAMERAS,
    FileName,
    ProbeName,
    VideoName,
    format_file,
    format_video,
    parse_file,
    parse_probe,
    parse_video,
    probe_folder,
    probe_number,
)
from pipeline.archive.foldernames import FolderName, Kind, Origin, parse_folder, start_time
from pipeline.archive.layouts import Layout, compile_layout
from pipeline.archive.paths import check_subpath, join_local
from pipeline.errors import NameRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

__all__ = [
    "CAMERAS",
    "MAX_IDENT",
    "FileName",
    "FolderName",
    "Kind",
    "Layout",
    "Origin",
    "ProbeName",
    "VideoName",
    "check_subpath",
    "compile_layout",
    "default_ident",
    "find_session_folder",
    "format_file",
    "format_folder",
    "format_video",
    "join_local",
    "legacy_session_folder",
    "order_of_day",
    "parse_file",
    "parse_folder",
    "parse_probe",
    "parse_video",
    "probe_folder",
    "probe_number",
    "session_folder",
    "start_time",
]

MAX_IDENT = 64
"""Longest ident, in characters: the width of its column."""

_Any = TypeVar("_Any")

# What the acquisition software forbids in run names; NUL and the rest of the control characters besides.
_FORBIDDEN = re.compile(r'[/\\\[\]<>*":;,?|=\x00-\x1f\x7f]')


def default_ident(index: int) -> str | None:
    """Return the ident of the session at a position (from 0) among those of its day: none, then ``1``, ``2``, ..."""
    return None if index == 0 else str(index)


def order_of_day(sessions: Iterable[_Any], begun: Callable[[_Any], tuple[str | None, int]]) -> list[_Any]:
    """Put the sessions of one day in the order that tells their idents.

    Parameters
    ----------
    sessions
        Sessions of one animal and day, as whatever a caller has of them.
    begun
        Gives a session's start (``HH:MM:SS``, None when unknown) and number.

    Returns
    -------
    list
        By start where every start is known, else by number.
    """
    listed = sorted(sessions, key=lambda session: begun(session)[1])
    if all(begun(session)[0] for session in listed):
        listed.sort(key=lambda session: begun(session)[0] or "")
    return listed


def format_folder(name: FolderName) -> str:
    """Return the path that :func:`parse_folder` read (folders of a lab's own layout: see :meth:`Layout.format`)."""
    if name.origin == "old":
        return f"{name.h2o}/{name.run}/{name.number}"
    prefix = f"{name.origin}_" if name.origin in ("catgt", "supercat") else ""
    gate = "" if name.gate is None else f"_g{name.gate}"
    return f"{name.h2o}/{prefix}{name.run}{gate}"


def session_folder(
    h2o: str,
    session_date: date,
    ident: str | None,
    kind: Kind,
    *,
    origin: Literal["raw", "catgt", "supercat"] = "catgt",
    gate: int = 0,
) -> str:
    """Return the folder of a session in the archive's layout, relative to the root of its kind.

    Raises
    ------
    NameRefused
        The animal's name or the ident cannot stand in a folder's name, or would be read back as something else.
    """
    return _written(h2o, mdy(session_date), session_date, ident, kind, origin, gate)


def legacy_session_folder(
    h2o: str,
    session_date: date,
    ident: str | None,
    *,
    origin: Literal["raw", "catgt", "supercat"] = "catgt",
    gate: int = 0,
) -> str | None:
    """Return the name that an earlier program gave a recording's folder, by the ISO year.

    None when it is the usual name.  For discovery only; believe what lies there only if its start agrees.
    """
    if legacy_mdy(session_date) == mdy(session_date):
        return None
    return _written(h2o, legacy_mdy(session_date), session_date, ident, "ephys", origin, gate)


def _written(
    h2o: str,
    digits: str,
    day: date,
    ident: str | None,
    kind: Kind,
    origin: Literal["raw", "catgt", "supercat"],
    gate: int,
) -> str:
    if kind == "video":
        digits = mdY(day)
    tail = digits if ident is None else f"{digits}_{ident}"
    prefix = "" if origin == "raw" else f"{origin}_"
    folder = f"{h2o}/{tail}" if kind == "video" else f"{h2o}/{prefix}{h2o}_{tail}_g{gate}"
    back = parse_folder(folder, kind)
    said = back and (back.h2o, back.ident, back.gate, back.origin, back.run_h2o)
    meant = (h2o, ident, None, "video", None) if kind == "video" else (h2o, ident, gate, origin, h2o)
    if (
        _FORBIDDEN.search(h2o + (ident or ""))
        or len(ident or "") > MAX_IDENT
        or back is None
        or said != meant
        or day not in back.dates
    ):
        raise NameRefused(
            f"No folder can be named for {h2o!r} on {day} with the ident {ident!r}.",
            remedy="use letters, digits, '_', '-' and '.' in names of animals and idents (`mapshell session-ident`).",
        )
    return check_subpath(folder)


def find_session_folder(subpath: str, kind: Kind, layouts: Sequence[Layout] = ()) -> tuple[str, FolderName] | None:
    """Return the session folder that a file or folder lies in (or is), with what its name says."""
    parts = subpath.split("/")
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        name = parse_folder(folder, kind, layouts)
        if name is not None:
            return folder, name
    return None
