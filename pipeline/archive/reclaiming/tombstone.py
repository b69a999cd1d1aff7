"""The tombstone: a small file in a folder whose files were deleted, which says where they are and how they come back.

One for each type of data, because a folder may be two.  It is left out of every walk.  Read back it is data from
outside: every name and number is checked.  Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.reclaiming.names import NAMES
from pipeline.errors import IntegrityError, NameRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.session import DatasetType

FORMAT, VERSION = "mapshell-reclaimed", 1
MAX_BYTES = 256 * 1024 * 1024
_SHA1 = re.compile(r"[0-9a-f]{40}")
_LONGEST = 1024
_MOST_BYTES, _LATEST = 2**60, 2**40


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that was deleted: its subpath at the archive, size in bytes, time in whole UTC seconds, and SHA1."""

    subpath: str
    size: int
    mtime: int
    sha1: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What was deleted of a session in one folder, when (UTC), by whom, and where each file is.

    ``places`` are the storage locations that were looked at, each with collection, path and generation.
    """

    subject_id: int
    session: int
    h2o: str
    session_date: date
    dataset_type: DatasetType
    reclaimed_at: datetime
    computer: str
    who: str
    places: tuple[Mapping[str, Any], ...]
    files: tuple[Gone, ...]
    command: str

    @property
    def key(self) -> tuple[int, int]:
        """``(subject_id, session)``."""
        return (self.subject_id, self.session)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    def with_earlier(self, earlier: Iterable[Gone]) -> Tombstone:
        """Return it with files that were deleted before; what is told of a file last holds."""
        from dataclasses import replace

        files = {file.subpath: file for file in (*earlier, *self.files)}
        return replace(self, files=tuple(files[subpath] for subpath in sorted(files)))


def to_json(tombstone: Tombstone) -> bytes:
    """Serialise; a person may read it as well."""
    document = {
        "what": "mapshell deleted the files below from this folder after proving that the archive has them.",
        "command": tombstone.command,
        "format": FORMAT,
        "version": VERSION,
        "session": {
            "subject_id": tombstone.subject_id,
            "session": tombstone.session,
            "h2o": tombstone.h2o,
            "session_date": tombstone.session_date.isoformat(),
            "dataset_type": tombstone.dataset_type,
        },
        "reclaimed_at": tombstone.reclaimed_at.isoformat(timespec="seconds") + "Z",
        "computer": tombstone.computer,
        "who": tombstone.who,
        "places": [dict(place) for place in tombstone.places],
    }
    head = json.dumps(document, ensure_ascii=False, indent=1)
    rows = (
        json.dumps(
            {"subpath": file.subpath, "size": file.size, "mtime": file.mtime, "sha1": file.sha1}, ensure_ascii=False
        )
        for file in tombstone.files
    )
    return (head.removesuffix("\n}") + ',\n "files": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n").encode("utf-8")


def from_json(text: bytes, name: str) -> Tombstone:
    """Read and check.

    Parameters
    ----------
    text
        What the file holds.
    name
        What it is called in an error.

    Raises
    ------
    IntegrityError
        It is no tombstone of ours.
    """
    if len(text) > MAX_BYTES:
        raise _broken(name, "it is too large")
    try:
        document = json.loads(text.decode("utf-8"))
        session = document["session"]
        if document["format"] != FORMAT or document["version"] != VERSION:
            raise _broken(name, "it has a format that this version of mapshell does not know")
        kind = _text(session["dataset_type"])
        if kind not in NAMES:
            raise _broken(name, f"it tells of {printable(kind)!r}")
        found = Tombstone(
            subject_id=_number(session["subject_id"], 2**31),
            session=_number(session["session"], 2**15),
            h2o=_text(session["h2o"]),
            session_date=date.fromisoformat(_text(session["session_date"])),
            dataset_type=kind,  # type: ignore[arg-type]  # looked up just now
            reclaimed_at=datetime.fromisoformat(_text(document["reclaimed_at"]).removesuffix("Z")),
            computer=_text(document["computer"]),
            who=_text(document["who"]),
            places=tuple(_place(place) for place in _list(document["places"])),
            files=tuple(_file(row) for row in _list(document["files"])),
            command=_text(document["command"]),
        )
    except IntegrityError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, NameRefused) as error:
        raise _broken(name, "it cannot be read") from error
    if len({file.subpath for file in found.files}) != len(found.files):
        raise _broken(name, "it names a file twice")
    if found.reclaimed_at.tzinfo is not None:
        raise _broken(name, "its time has a zone")
    return found


def _file(row: Any) -> Gone:
    sha1 = _text(row["sha1"])
    if not _SHA1.fullmatch(sha1):
        raise ValueError(sha1)
    return Gone(check_subpath(_text(row["subpath"])), _number(row["size"], _MOST_BYTES), _time(row["mtime"]), sha1)


def _place(place: Any) -> Mapping[str, Any]:
    return {
        "alias": _text(place["alias"]),
        "endpoint": _text(place["endpoint"]),
        "path": _text(place["path"]),
        "generation": _number(place["generation"], 2**31),
        "manifest": _text(place["manifest"]),
    }


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError
    value.encode("utf-8")
    return value


def _number(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value < most:
        raise TypeError
    return value


def _time(value: Any) -> int:
    if type(value) is not int or abs(value) >= _LATEST:
        raise TypeError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _broken(name: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"{printable(name)} is no tombstone of mapshell: {why}.",
        remedy="look who wrote it, and move it out of the recordings; what it tells of is in the index all the same.",
    )
