"""The decisions about folders: roots, names that were tried, and whose each folder of the day is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.matching_types import MATCHING
from pipeline.archive.naming import parse_folder
from pipeline.archive.walk.given import FORMER, INDEXED
from pipeline.why.names import expected, near_names, there

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.archive.find import Found, Given, Stray
    from pipeline.archive.layouts import Layout
    from pipeline.archive.session import DatasetType, Root, SessionRef
    from pipeline.archive.walk.listing import Listing
    from pipeline.why.writer import Writer

NEAREST = ". Nearest: "
"""Begins the evidence's list of folders that come near to what is looked for."""

_NAMED = 4


def about_folders(
    writer: Writer,
    ref: SessionRef,
    kind: DatasetType,
    roots: Sequence[Root],
    layouts: Sequence[Layout],
    found: Found,
    listing: Listing,
    *,
    settled: bool,
) -> None:
    """Write down what was looked for on this computer, what lies here, and by which rule each folder was given.

    ``settled`` says that the session needs no folder here any more: it is archived, or another computer has it.
    """
    if not roots:
        if settled:
            writer.note("local-root", "not reached", "this computer has no local folder of this archive")
        else:
            writer.failed("local-root", "this computer has no local folder of this archive", _ROOTS)
        return
    names = expected(ref, kind, layouts)
    tried = _listed(names, len(names)) if names else "no folder can be named for it"
    writer.note("names", "passed", f"{tried}; there: {_listed(there(roots, names)) or 'none'}", stage="names")
    closed = [stray for stray in found.strays if stray.folder == "."]
    for stray in closed:
        writer.failed("root", stray.reason, stray.remedy)
    if not closed:
        writer.note("root", "passed", ", ".join(str(root.local_path) for root in roots))
    mine = [given for given in found.given if given.key == ref.key]
    blocked = [stray for stray in found.strays if stray.folder != "." and ref.key in stray.candidates]
    if mine:
        writer.note("folder-here", "passed", _listed([given.folder for given in mine]))
    elif not blocked:
        others = {given.folder for given in found.given}
        _no_folder(writer, ref, roots, names, listing, others, settled=settled)
    for given in mine:
        writer.note(given.rule, "passed", f"{given.folder}: {_by(given)}", stage="folder")
    for stray in (*blocked, *_of_nobody(found, ref, kind, layouts, undated=not mine)):
        said = f"{stray.folder}: {stray.reason}"
        ident = "--none" if stray.ident == "" else stray.ident or ""
        writer.failed(stray.rule or "folder", said, stray.remedy, ident=ident)
    if not mine:
        _given_elsewhere(writer, ref, kind, layouts, found)


def _no_folder(
    writer: Writer,
    ref: SessionRef,
    roots: Sequence[Root],
    names: Sequence[str],
    listing: Listing,
    others: Collection[str],
    *,
    settled: bool,
) -> None:
    lying = there(roots, names)
    tried = f"tried {_listed(names, len(names))}" if names else "no folder can be named for it"
    tried += f" in {len(roots)} {'root' if len(roots) == 1 else 'roots'}; "
    tried += f"there: {_listed(lying)}" if lying else "none is there"
    near = near_names(roots, ref, names, listing, others)
    if near:
        tried += f"{NEAREST}{_listed(near)}"
    if settled:
        writer.note("folder-here", "not reached", tried)
        return
    remedy = _RENAME.format(near=near[0], name=names[0]) if near and names else _ELSEWHERE
    writer.failed("folder-here", tried, remedy)


def _of_nobody(
    found: Found, ref: SessionRef, kind: DatasetType, layouts: Sequence[Layout], *, undated: bool
) -> list[Stray]:
    """Return folders whose names tell the session's animal and its day (or, ``undated``, none), and that nobody got."""
    return [
        stray
        for stray in found.strays
        if not stray.candidates
        and (name := parse_folder(stray.folder, kind, layouts)) is not None
        and name.h2o == ref.h2o
        and (ref.session_date in name.dates or (undated and not name.dates))
    ]


def _given_elsewhere(
    writer: Writer, ref: SessionRef, kind: DatasetType, layouts: Sequence[Layout], found: Found
) -> None:
    from pipeline.archive.matching_rules import claiming

    for given in found.given:
        name = parse_folder(given.folder, kind, layouts)
        if name is not None and name.h2o == ref.h2o and ref.session_date in name.dates and given.key != ref.key:
            said = f"{given.folder} is session {given.key[1]}'s: {_by(given)}"
            if given.rule in (INDEXED, FORMER):
                writer.note("given-elsewhere", "not reached", said)
                continue
            writer.failed(
                "given-elsewhere",
                said,
                f"if it is session {ref.session}'s, give that the folder's ident by hand.",
                ident=claiming(name) or "--none",
            )


def _by(given: Given) -> str:
    if given.rule == INDEXED:
        return "its files are archived as this session's"
    if given.rule == FORMER:
        return "its files had this name before they were reassigned"
    return f"rule {given.rule}, {MATCHING[given.rule]}"


def _listed(names: Sequence[str], most: int = _NAMED) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


_ROOTS = "say which folder of this computer holds the recordings: globus.local_endpoints in dj_local_conf.json."
_RENAME = "if {near} is this session's, rename it to {name}, or correct the session's date; then publish."
_ELSEWHERE = "publish on the computer that has the recording; if it was never recorded, there is nothing to do."
