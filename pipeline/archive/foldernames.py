"""Session folders: what a folder's name says, and the name that a session's folder gets.

Nothing here looks at a disk.  A name is evidence, not proof: which session a folder belongs to is decided in
``matching.py``, where the recording's own start has a say.

=====================================================  =======================================================
folder (below the root)                                reading
=====================================================  =======================================================
``SC026/catgt_SC026_080619_g0``                        usual; CatGT output, gate 0
``SC026/SC026_080619_g0``                              raw run
``SC038/catgt_SC038_111919_115124_g0``                 ident ``115124`` (a start time)
``SC024/catgt_SC024_092319_NP1.0_Midbrain_g0``         ident of several words
``SC048/catgt_SC048_010121_g0``                        2021-01-01; 2022-01-01 by the ISO year, if its start agrees
``HH102/catgt_HH102S10_C04P02_g0``                     no date, no ident
``x/catgt_20210415_g0``, ``x/022423_g0``               a date without the animal
``SC022/20190303/1``, ``dl25/2018-02-25/1``            older: date folder, then the number of the insertion
``SC026/08082019_1`` (video)                           date folder, ident ``1``
=====================================================  =======================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Literal

from pipeline.archive.dates import DateReading, find_date, read_date
from pipeline.archive.filenames import NUMBER
from pipeline.archive.paths import is_safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.layouts import Layout

Kind = Literal["ephys", "video"]
Origin = Literal["raw", "catgt", "supercat", "video", "old"]

_PREFIXES: dict[str, Origin] = {"catgt_": "catgt", "supercat_": "supercat"}
_GATE = re.compile(rf"(?P<run>.+)_g(?P<gate>{NUMBER})", re.DOTALL)
_OLD_NUMBER = re.compile(r"[0-9]{1,2}")
_FOLDER_DATES = frozenset({"Y-m-d", "Y_m_d", "mdY", "Ymd"})
_START_TIME = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class FolderName:
    """What the name of a session folder says.

    Parameters
    ----------
    h2o
        The animal of the folder above, which is where the archive looks.
    dates
        Possible dates, best first; empty when the name has none.
    legacy_dates
        Those of ``dates`` that count only when the recording's start agrees: ISO-year readings (and the second
        reading of ``3-1-2021``).
    ident
        What tells several sessions of a day apart; None for none.
    run
        The folder's own name without ``catgt_`` / ``supercat_`` and the gate.
    origin
        ``raw``, ``catgt``, ``supercat``, ``video``, or ``old`` for date folders of recordings.
    layout
        ``run``, ``date-folder``, ``old``, or the pattern of the lab's own layout that matched.
    run_h2o
        The animal that the run's name begins with, as written; None when it names none.
    number
        Last component of the older layout: the insertion number, from 1.
    """

    kind: Kind
    h2o: str
    dates: tuple[date, ...]
    legacy_dates: frozenset[date]
    ident: str | None
    run: str
    gate: int | None
    origin: Origin
    layout: str
    run_h2o: str | None = None
    number: str | None = None

    @property
    def names_other_animal(self) -> bool:
        """Whether the run's name begins with another name than its parent folder's."""
        return self.run_h2o is not None and self.run_h2o.casefold() != self.h2o.casefold()

    @property
    def ident_time(self) -> time | None:
        """The start time that the ident looks like (``115124``); None when it does not."""
        return start_time(self.ident)


def start_time(ident: str | None) -> time | None:
    """Read an ident as a start time ``HHMMSS``."""
    found = _START_TIME.fullmatch(ident or "")
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def parse_folder(relpath: str, kind: Kind, layouts: Sequence[Layout] = ()) -> FolderName | None:
    """Read the path of a session folder.

    Parameters
    ----------
    relpath
        POSIX path of the folder, relative to the root of its kind.
    kind
        ``"ephys"`` or ``"video"``.
    layouts
        Further layouts of the lab; they come first.

    Returns
    -------
    FolderName or None
        None when the path is not that of a session folder (or not a safe path).
    """
    parts = relpath.split("/")
    if not is_safe(relpath) or parts[0].startswith("."):
        return None
    for layout in layouts:
        said = _by_layout(layout, relpath, kind)
        if said is not None:
            return said
    if len(parts) < 2:  # the animal and the folder
        return None
    if kind == "video":
        return _parse_date_folder(*parts) if len(parts) == 2 else None
    if len(parts) == 3:  # the animal, the date, the number
        return _parse_old(*parts)
    return _parse_run(*parts) if len(parts) == 2 else None


def _by_layout(layout: Layout, relpath: str, kind: Kind) -> FolderName | None:
    said = layout.parse(relpath)
    if said is None:
        return None
    last = relpath.rsplit("/", 1)[-1]
    origin: Origin = "video" if kind == "video" else _split_prefix(last)[0]
    return FolderName(
        kind=kind,
        h2o=said.h2o,
        dates=() if said.day is None else (said.day,),
        legacy_dates=frozenset(),
        ident=said.ident,
        run=_split_gate(_split_prefix(last)[1])[0],
        gate=said.gate,
        origin=origin,
        layout=layout.pattern,
    )


def _split_prefix(name: str) -> tuple[Origin, str]:
    for prefix, origin in _PREFIXES.items():
        if name.startswith(prefix):
            return origin, name[len(prefix) :]
    return "raw", name


def _split_gate(name: str) -> tuple[str, int | None]:
    found = _GATE.fullmatch(name)
    return (name, None) if found is None else (found["run"], int(found["gate"]))


def _parse_run(h2o: str, name: str) -> FolderName | None:
    origin, rest = _split_prefix(name)
    run, gate = _split_gate(rest)
    if not run or (origin == "raw" and gate is None):
        return None
    run_h2o: str | None = None
    found = None
    if _begins_with(run, h2o):
        run_h2o = run[: len(h2o)]
        found = find_date(run[len(h2o) + 1 :])
        ident = "_".join(part for part in (found[0], found[2]) if part) if found else ""
    else:
        found = find_date(run)
        run_h2o = (found[0] or None) if found else None
        ident = found[2] if found else ""
    reading = found[1] if found else None
    return _folder(h2o, run, reading, ident or None, gate=gate, origin=origin, layout="run", run_h2o=run_h2o)


def _begins_with(run: str, h2o: str) -> bool:
    return run[: len(h2o)].casefold() == h2o.casefold() and run[len(h2o) : len(h2o) + 1] in ("", "_")


def _folder(
    h2o: str,
    run: str,
    reading: DateReading | None,
    ident: str | None,
    *,
    gate: int | None,
    origin: Origin,
    layout: str,
    run_h2o: str | None = None,
    number: str | None = None,
) -> FolderName:
    return FolderName(
        kind="video" if origin == "video" else "ephys",
        h2o=h2o,
        dates=reading.dates if reading else (),
        legacy_dates=reading.unsure if reading else frozenset(),
        ident=ident,
        run=run,
        gate=gate,
        origin=origin,
        layout=layout,
        run_h2o=run_h2o,
        number=number,
    )


def _parse_old(h2o: str, day: str, number: str) -> FolderName | None:
    reading = read_date(day)
    if reading is None or reading.style not in _FOLDER_DATES or reading.text != day:
        return None
    if _OLD_NUMBER.fullmatch(number) is None:
        return None
    return _folder(h2o, day, reading, None, gate=None, origin="old", layout="old", number=number)


def _parse_date_folder(h2o: str, name: str) -> FolderName | None:
    reading = read_date(name)
    if reading is None or reading.style not in _FOLDER_DATES:
        return None
    rest = name[len(reading.text) :]
    if rest == "_":
        return None
    return _folder(h2o, name, reading, rest[1:] or None, gate=None, origin="video", layout="date-folder")
