"""Which name a session's folder gets when the session becomes another: animal, date and ident by the rules of naming.

What the rules do not concern stays as it was: gate, CatGT's mark, the layout, and an ident that tells of the recording
(a start time, a word).  Names inside the folder are never changed: metas refer to them.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.archive.dates import mdY, read_date
from pipeline.archive.foldernames import FolderName, parse_folder
from pipeline.archive.naming import session_folder
from pipeline.archive.paths import check_subpath
from pipeline.errors import NameRefused, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.archive.foldernames import Kind
    from pipeline.archive.layouts import Layout
    from pipeline.archive.session import SessionRef

_BY_NUMBER = re.compile(r"[0-9]{1,2}")
"""An ident that a session has by its place among those of its day."""


def new_names(
    folders: Iterable[str], was: SessionRef, now: SessionRef, kind: Kind, layouts: Sequence[Layout] = ()
) -> dict[str, str]:
    """Return the new name of each folder of a session, in the archive's layout.

    Raises
    ------
    Refused
        Two folders would get one name.
    NameRefused
        A folder cannot be named for the session.
    """
    old = sorted(folders)
    for ident in (True, False):  # where the session's ident would make two of them one, each keeps its own
        names = {folder: _new_name(folder, was, now, kind, layouts, ident=ident) for folder in old}
        if len(set(names.values())) == len(names):
            return names
    name = max(names.values(), key=list(names.values()).count)
    raise Refused(
        f"Two folders of {was} would both become {name}; nothing was renamed.",
        remedy="give the session an ident that makes the names differ (`mapshell session-ident`).",
    )


def _new_name(
    folder: str, was: SessionRef, now: SessionRef, kind: Kind, layouts: Sequence[Layout], *, ident: bool
) -> str:
    said = parse_folder(folder, kind, layouts)
    if said is None:
        return check_subpath(f"{now.h2o}/{folder.partition('/')[2] or folder}")
    mark = _ident(said.ident, now.ident) if ident else said.ident
    same_day = now.session_date == was.session_date or now.session_date in set(said.dates) - said.legacy_dates
    if said.h2o == now.h2o and mark == said.ident and (same_day or not said.dates):
        return folder
    layout = next((each for each in layouts if each.pattern == said.layout), None)
    if layout is not None:
        try:
            return layout.format(now.h2o, now.session_date, mark, said.gate)
        except NameRefused:
            pass  # it has text that says nothing, or is another animal's: the archive's own layout will do
    elif not said.dates:
        return _undated(folder, said, now)
    elif said.origin == "old":
        return check_subpath(f"{now.h2o}/{_like(said.run, now.session_date)}/{said.number}")
    origin = said.origin if said.origin in ("catgt", "supercat") else "raw"
    return session_folder(now.h2o, now.session_date, mark, kind, origin=origin, gate=said.gate or 0)


def _ident(own: str | None, given: str | None) -> str | None:
    """Return the ident of a renamed folder: the session's own where somebody chose it, else what the folder tells."""
    by_hand = given is not None and not _BY_NUMBER.fullmatch(given)
    tells = own is not None and not _BY_NUMBER.fullmatch(own)
    return own if tells and not by_hand else given


def _undated(folder: str, said: FolderName, now: SessionRef) -> str:
    last = folder.rpartition("/")[2]
    if said.run_h2o:
        last = last.replace(said.run_h2o, now.h2o, 1)
    return check_subpath(f"{now.h2o}/{last}")


def _like(written: str, day: date) -> str:
    """Return a day as another one is written in the name of a folder."""
    reading = read_date(written)
    style = reading.style if reading else ""
    forms = {"Y-m-d": f"{day:%Y-%m-%d}", "Y_m_d": f"{day:%Y_%m_%d}", "Ymd": f"{day:%Y%m%d}"}
    return forms.get(style, mdY(day))
