"""The manifest of one generation of a session's dataset: what lies at the archive, and how we know.

Every value of the index rows is in the manifest, so that an index can be rebuilt from manifests alone, row for row.
A manifest read back from an archive is data from outside: :func:`from_json` checks every name and number.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pipeline.archive.manifest_names import manifest_subpath, read_manifest_name
from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.session import DatasetType, SessionRef, dataset_name
from pipeline.errors import IntegrityError, NameRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMAT = "mapshell-manifest"
VERSION = 1
MAX_BYTES = 512 * 1024 * 1024
Sha1Source = Literal["meta", "computed", "archive"]
_SHA1 = re.compile(r"[0-9a-f]{40}")
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One archived file: ``size`` in bytes, ``mtime`` in whole UTC seconds, ``sha1`` in lower-case hex.

    ``sha1_source`` says whether the recording's own meta claimed the SHA1, this program computed it from the recording,
    or from the archive's bytes alone, with which nothing was ever compared;
    ``verified_at`` (naive UTC) and ``verified_how`` when and how it was compared at the archive;
    ``generation`` is the generation of the dataset that brought the file.  ``sized`` is False while nobody has looked
    (a row that was adopted from an older database): ``size`` and ``mtime`` are 0 then, and mean nothing.
    """

    subpath: str
    size: int
    mtime: int
    file_type: str
    sha1: str | None = None
    sha1_source: Sha1Source | None = None
    verified_at: datetime | None = None
    verified_how: str | None = None
    generation: int = 1
    sized: bool = True

    @property
    def proved(self) -> bool:
        """Whether its checksum is one of the recording's bytes, not of what was found at the archive alone."""
        return self.sha1 is not None and self.sha1_source != "archive"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a session at one storage location, after ``generation`` publications."""

    session: SessionRef
    dataset_type: DatasetType
    alias: str
    generation: int
    files: tuple[FileEntry, ...]
    archived_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    lab: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return dataset_name(self.dataset_type, self.session.key)

    @property
    def subpath(self) -> str:
        """Where this manifest lies, relative to the archive root: beside the session's folders, numbered."""
        return manifest_subpath(self.session, self.dataset_type, self.generation)

    def is_before(self, subpath: str) -> bool:
        """Say whether a path is that of a manifest of a later generation of this dataset."""
        h2o, _, name = subpath.partition("/")
        said = read_manifest_name(name, h2o) if h2o == self.session.h2o else None
        mine = (self.session.session_date, self.session.session, self.dataset_type)
        theirs = said and (said.session_date, said.session, said.dataset_type)
        return said is not None and theirs == mine and said.generation > self.generation


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def to_json(manifest: Manifest) -> bytes:
    """Serialise; equal manifests give equal bytes."""
    text = io.BytesIO()
    for piece in pieces(manifest):
        text.write(piece.encode("utf-8"))
    return text.getvalue()


def pieces(manifest: Manifest) -> Iterator[str]:
    """Yield the text of :func:`to_json` a file at a time: the document of a million files is never held as a whole."""
    dataset = {
        "name": manifest.name,
        "type": manifest.dataset_type,
        "storage_location": manifest.alias,
        "generation": manifest.generation,
        "archived_at": _instant(manifest.archived_at),
    }
    session = {**asdict(manifest.session), "session_date": manifest.session.session_date.isoformat()}
    yield f'{{\n "dataset": {_indented(dataset)},\n "evidence": {_indented(manifest.evidence)},\n "files": ['
    for number, entry in enumerate(manifest.files):
        yield f"{',' if number else ''}\n{_file(entry)}"
    yield "\n ],\n" if manifest.files else "],\n"
    yield f' "format": {_text_of(FORMAT)},\n "lab": {_indented(manifest.lab)},\n'
    yield f' "provenance": {_indented(manifest.provenance)},\n "session": {_indented(session)},\n'
    yield f' "version": {VERSION}\n}}\n'


def _indented(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).replace("\n", "\n ")


def _text_of(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


def _file(entry: FileEntry) -> str:
    if not entry.sized:
        raise ValueError(f"nobody knows the size of {entry.subpath!r}: it cannot be described")
    return (
        f'  {{\n   "file_type": {_text_of(entry.file_type)},\n   "generation": {entry.generation},\n'
        f'   "mtime": {entry.mtime},\n   "sha1": {_text_of(entry.sha1)},\n'
        f'   "sha1_source": {_text_of(entry.sha1_source)},\n   "size": {entry.size},\n'
        f'   "subpath": {_text_of(entry.subpath)},\n   "verified_at": {_text_of(_instant(entry.verified_at))},\n'
        f'   "verified_how": {_text_of(entry.verified_how)}\n  }}'
    )


def from_json(raw: bytes, *, name: str) -> Manifest:
    """Read a manifest that may come from anywhere.

    Parameters
    ----------
    raw
        The file's bytes.
    name
        What to call it in errors.

    Raises
    ------
    IntegrityError
        It is not a manifest, is of a newer version, or says something that cannot be true.
    """
    if len(raw) > MAX_BYTES:
        raise _bad(name, f"it is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
        if _HALVES.search(raw):  # JSON can say what UTF-8 cannot; no database stores it, no manifest could repeat it
            json.dumps(document, ensure_ascii=False).encode("utf-8")
        return _manifest(document)
    except (UnicodeError, json.JSONDecodeError, RecursionError) as error:
        raise _bad(name, f"it is not JSON ({type(error).__name__})") from error
    except NameRefused as error:
        raise _bad(name, error.message) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _bad(name, f"{type(error).__name__}: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON: one that names a thing twice says something else to every reader."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one of its objects")
    return found


def _bad(name: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"{name} is not a usable manifest: {printable(why)}.",
        remedy="leave it where it is and publish or discover the session again; nothing was taken from it.",
    )


def _manifest(document: Mapping[str, Any]) -> Manifest:
    if document["format"] != FORMAT:
        raise ValueError("its format is not " + FORMAT)
    if _whole(document["version"], "version") > VERSION:
        raise ValueError(f"its version {document['version']} is newer than this program's {VERSION}; upgrade mapshell")
    dataset, about = document["dataset"], document["session"]
    if dataset["type"] not in get_args(DatasetType):
        raise ValueError(f"unknown dataset type {dataset['type']!r}")
    session = SessionRef(
        subject_id=_whole(about["subject_id"], "subject_id"),
        session=_whole(about["session"], "session"),
        h2o=check_subpath(_text(about["h2o"])),
        session_date=date.fromisoformat(_text(about["session_date"])),
        session_time=_optional(about["session_time"]),
        timezone=_optional(about["timezone"]),
        ident=_optional(about["ident"]),
    )
    files = tuple(_entry(row) for row in document["files"])
    if len({entry.subpath for entry in files}) != len(files):
        raise ValueError("a subpath is listed twice")
    manifest = Manifest(
        session=session,
        dataset_type=cast("DatasetType", dataset["type"]),
        alias=_text(dataset["storage_location"]),
        generation=_whole(dataset["generation"], "generation", least=1),
        files=files,
        archived_at=_when(dataset["archived_at"]),
        evidence=_mapping(document["evidence"]),
        lab=_mapping(document["lab"]),
        provenance=_mapping(document["provenance"]),
    )
    if dataset["name"] != manifest.name:
        raise ValueError(f"its dataset is named {dataset['name']!r}, not {manifest.name!r}")
    return manifest


def _entry(row: Mapping[str, Any]) -> FileEntry:
    sha1, source = row["sha1"], row["sha1_source"]
    if sha1 is not None and not _SHA1.fullmatch(_text(sha1)):
        raise ValueError(f"{row['subpath']!r} has no proper SHA1")
    if source not in (None, *get_args(Sha1Source)):
        raise ValueError(f"{row['subpath']!r} has an unknown source of its SHA1")
    return FileEntry(
        subpath=check_subpath(_text(row["subpath"])),
        size=_whole(row["size"], "size"),
        mtime=_whole(row["mtime"], "mtime", least=-(2**40)),
        file_type=_text(row["file_type"]),
        sha1=sha1,
        sha1_source=source,
        verified_at=_when(row["verified_at"]),
        verified_how=_optional(row["verified_how"]),
        generation=_whole(row["generation"], "generation", least=1),
    )


def _whole(value: Any, what: str, *, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 2**63:
        raise ValueError(f"{what} is {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("expected a mapping")
    return value


def _when(value: Any) -> datetime | None:
    if value is None:
        return None
    said = datetime.fromisoformat(_text(value))
    if said.tzinfo is None:  # it would be another instant on each computer
        raise ValueError(f"the instant {value!r} names no zone")
    return said.astimezone(UTC).replace(tzinfo=None)


def merged(earlier: Sequence[FileEntry], new: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
    """Return the files of the next generation: the earlier ones, then the new, sorted by subpath."""
    by_path = {entry.subpath: entry for entry in earlier}
    by_path.update({entry.subpath: entry for entry in new})
    return tuple(by_path[subpath] for subpath in sorted(by_path))


def with_checksum(entry: FileEntry, sha1: str, source: Sha1Source) -> FileEntry:
    """Return the entry with its SHA1."""
    return replace(entry, sha1=sha1, sha1_source=source)
