"""Which files are meant: by file type and by probe, as people write them."""

from __future__ import annotations

import difflib
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline.archive.naming import find_session_folder, parse_file, parse_probe, probe_number
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_IMEC = re.compile(r"imec([0-9]{1,5})", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAGIC = re.compile(r"[*?\[]")


def file_types(patterns: str | Iterable[str], known: Collection[str]) -> set[str]:
    """Return the file types that names and patterns (``ephys-raw-*``) choose.

    Parameters
    ----------
    patterns
        One, or several; what any of them chooses is chosen.
    known
        All file types that there are.

    Raises
    ------
    UsageError
        A name that is no file type, or a pattern that chooses none; near ones are suggested.
    """
    wanted = [patterns] if isinstance(patterns, str) else list(patterns)
    chosen: set[str] = set()
    for pattern in wanted:
        found = {name for name in known if fnmatchcase(name, pattern.strip())}
        if not found:
            raise UsageError(f"There is no file type {pattern!r}.", remedy=_suggestion(pattern.strip(), known))
        chosen |= found
    if not chosen:
        raise UsageError("No file type is named.", remedy="name at least one, such as 'ephys-raw-*', or leave it out.")
    return chosen


def _suggestion(pattern: str, known: Collection[str]) -> str:
    plain = _MAGIC.sub("", pattern).casefold()
    within = sorted(name for name in known if plain and plain in name)
    near = difflib.get_close_matches(plain, sorted(known), n=3, cutoff=0.5) or within[:3]
    if near:
        return f"did you mean {', '.join(near)}? (patterns such as 'ephys-raw-*' choose several.)"
    return "see the names in publication.FileType; patterns such as 'ephys-raw-*' choose several."


def probes(values: str | int | Iterable[str | int]) -> set[int]:
    """Return the insertion numbers that people mean.

    ``1`` and ``"1"`` are the insertion number; ``"imec0"`` is the probe as files name it, which is insertion 1;
    ``"imec1013"`` the shank of a probe whose shanks were split into files of their own.

    Raises
    ------
    UsageError
        Something else, or nothing.
    """
    wanted = [values] if isinstance(values, str | int) else list(values)
    chosen = {_insertion(value) for value in wanted}
    if not chosen:
        raise UsageError("No probe is named.", remedy="name at least one, such as imec0, or leave it out.")
    return chosen


def _insertion(value: str | int) -> int:
    text = str(value).strip()
    imec = _IMEC.fullmatch(text)
    if imec is not None:
        return probe_number(int(imec[1])).insertion_number
    if _NUMBER.fullmatch(text) and not isinstance(value, bool) and int(text) > 0:
        return int(text)
    raise UsageError(
        f"There is no probe {text!r}.",
        remedy="probes go by imec0, imec1, … as in file names, or by insertion number, from 1: insertion 1 is imec0.",
    )


def probe_of(subpath: str) -> int | None:
    """Return the insertion number of the probe that a file belongs to; None when it belongs to no single one.

    The file's own number counts first, then that of the probe folder it lies in, however deep; in the oldest layout
    (animal, date, number) the folder's number.
    """
    *folders, last = subpath.split("/")
    name = parse_file(last)
    if name is not None and name.stream == "imec" and name.probe is not None:
        return name.insertion_number
    if name is not None and name.stream in ("nidq", "obx"):
        return None
    for folder in reversed(folders):
        probe = parse_probe(folder)
        if probe is not None:
            return probe.insertion_number
    found = find_session_folder(subpath, "ephys")
    if found is not None and found[1].number is not None:
        return max(1, int(found[1].number))
    return name.insertion_number if name is not None else None
