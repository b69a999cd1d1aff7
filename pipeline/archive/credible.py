"""Whether a manifest found at an archive can be true.  Pure; what the archive lists is compared in ``confirm.py``."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline.archive.aliases import doubtful
from pipeline.archive.aside import is_superseded
from pipeline.archive.filetypes import RULES
from pipeline.archive.naming import find_session_folder
from pipeline.archive.paths import is_safe, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline.archive.layouts import Layout
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import Location

# The widths of the columns that hold these.
_H2O, _TIMEZONE, _HOW = 16, 64, 64
_INT16, _INT32 = 2**15, 2**31
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_DEPTH = 3
"""Components of a file's path at least: animal, session folder, file."""

_LEVELS = 24
"""Levels of nested lists and mappings at most: MariaDB stores no more than 32."""

_TYPES = frozenset(rule.name for rule in RULES)


def doubt(manifest: Manifest, location: Location, subpath: str, layouts: Sequence[Layout] = ()) -> str:
    """Say why a manifest cannot be believed, whatever lies at the archive; empty when nothing speaks against it.

    Parameters
    ----------
    manifest
        As ``from_json`` read it: every name and number is well-formed.
    location
        Where it was found.
    subpath
        Its own path there, below the location's root.
    layouts
        Further layouts of the lab's folders: they may put sessions elsewhere than below their animal's folder.
    """
    session = manifest.session
    if manifest.dataset_type != location.dataset_type:
        return f"it lists {manifest.dataset_type} data, but lies where {location.dataset_type} data are archived"
    if manifest.subpath != subpath:
        return f"it says that it is {printable(manifest.subpath)}"
    if manifest.alias != location.alias:
        return (
            f"it says that it lies at {printable(manifest.alias)}, but this storage location is called "
            f"{location.alias} (a location keeps the name under which data were published there)"
        )
    if manifest.archived_at is None:
        return "it tells no instant at which its files had been checked"
    if not (0 < session.session < _INT16 and session.subject_id < _INT32 and manifest.generation < _INT32):
        return "one of its numbers is out of range"
    if len(session.h2o) > _H2O or len(session.timezone or "") > _TIMEZONE or _odd(session.timezone or ""):
        return "the name of its animal or of its time zone is too long"
    if session.session_time is not None and not _CLOCK.fullmatch(session.session_time):
        return f"its session began at {printable(session.session_time)!r}"
    if _deep([manifest.evidence, manifest.lab]):
        return f"its evidence, or its rows of the lab, are nested more than {_LEVELS} levels deep"
    try:
        told = json.dumps([manifest.evidence, manifest.lab], ensure_ascii=False, allow_nan=False)
    except ValueError:
        return "it holds a number that no database stores"
    if _odd(told):
        return "it holds characters that no database stores"
    named = manifest.evidence.get("folders", [])
    if not isinstance(named, list) or not all(isinstance(folder, str) and is_safe(folder) for folder in named):
        return "its evidence names folders that are none"
    if why := doubtful(manifest.evidence):
        return why
    if not _superseding(manifest):
        return "its evidence names superseded files that it does not list"
    if not manifest.files:
        return "it lists no file"
    return next(filter(None, (_file(manifest, entry, layouts) for entry in manifest.files)), "")


def _file(manifest: Manifest, entry: FileEntry, layouts: Sequence[Layout]) -> str:
    name = printable(entry.subpath)
    parts = entry.subpath.split("/")
    by_layout = layouts and _by_layout(manifest, entry.subpath, layouts)
    if parts[0] != manifest.session.h2o and not by_layout:
        return (
            f"it lists {name}, which is not below the folder of {manifest.session.h2o}, and no layout of this "
            f"computer's configuration (archive.{manifest.dataset_type}_layouts) says that it is of that animal"
        )
    if len(parts) < _DEPTH and not by_layout:
        return f"it lists {name}, which lies in no session's folder"
    if entry.generation > manifest.generation:
        return f"it lists {name} as of generation {entry.generation}, which is later than its own"
    if entry.file_type not in _TYPES:
        return f"it gives {name} the file type {printable(entry.file_type)!r}, which this program does not know"
    if entry.sha1 is None and (entry.verified_at or entry.verified_how or entry.sha1_source):
        return f"it calls {name} verified, without a SHA1"
    if len(entry.verified_how or "") > _HOW or _odd(entry.verified_how or ""):
        return f"what it says of how {name} was verified is too long"
    return ""


def _superseding(manifest: Manifest) -> bool:
    """Say whether what its evidence calls superseded are files of it, each beside the name that it had."""
    told = manifest.evidence.get("superseded", [])
    names = {entry.subpath for entry in manifest.files}
    return isinstance(told, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("file"), str)
        and isinstance(each.get("as"), str)
        and each["as"] in names
        and is_superseded(each["as"])
        and each["as"].rpartition("/")[0] == each["file"].rpartition("/")[0]
        for each in told
    )


def _by_layout(manifest: Manifest, subpath: str, layouts: Sequence[Layout]) -> bool:
    """Say whether a file lies in a folder that a layout of the lab gives to the manifest's animal."""
    found = find_session_folder(subpath, manifest.dataset_type, layouts)
    return found is not None and found[0] != subpath and found[1].h2o == manifest.session.h2o


def _deep(value: Any) -> bool:
    """Say whether lists and mappings lie in each other deeper than every database stores."""
    level = [value]
    for _ in range(_LEVELS):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in inner if isinstance(each, dict | list))


def _odd(text: str) -> bool:
    """Say whether a text has characters that a database refuses: NUL, or halves of characters."""
    if "\0" in text or "\\u0000" in text:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def folders(files: Iterable[FileEntry]) -> frozenset[str]:
    """Return the folders of an animal in which files lie: the first two components of their paths."""
    return frozenset("/".join(entry.subpath.split("/", 2)[:2]) for entry in files)


def rivals(
    claims: Mapping[str, Collection[str]], files: Callable[[str], Collection[str]]
) -> dict[str, tuple[str, str]]:
    """Find manifests that list the same file: at most one of them can be right, and nobody knows which.

    Parameters
    ----------
    claims
        The folders of each manifest, by its name.
    files
        Gives the files of a manifest by its name; asked only of those that share a folder.

    Returns
    -------
    dict
        For each of them the other manifest, and one file that both list.
    """
    sharing: dict[str, list[str]] = defaultdict(list)
    for name, theirs in claims.items():
        for folder in theirs:
            sharing[folder].append(name)
    found: dict[str, tuple[str, str]] = {}
    compared: set[tuple[str, str]] = set()
    for names in sharing.values():
        for index, one in enumerate(names[:-1]):
            mine = set(files(one))
            for other in names[index + 1 :]:
                if (one, other) in compared:
                    continue
                compared.add((one, other))
                both = mine & set(files(other))
                if both:
                    found.setdefault(one, (other, min(both)))
                    found.setdefault(other, (one, min(both)))
    return found
